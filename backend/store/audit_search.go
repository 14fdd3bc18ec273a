package store

import (
	"context"

	"curfew/backend/audit"
)

// A search reads searchPart entries at once, and can be cancelled between two parts. For one page
// it reads at most searchMost.
const (
	searchPart = 2_000
	searchMost = 20_000
)

// searched is an entry with the folded names and addresses of its actor and of the member it
// concerns, as they are today.
type searched struct {
	audit.Entry
	members string
}

const searchedColumns = auditColumns + `,
	coalesce((SELECT search FROM members WHERE id = actor_id), '') || ' ' || coalesce((SELECT search FROM members WHERE id = concerns), '')`

func searchedInto(s *searched) []any { return append(entryInto(&s.Entry), &s.members) }

// Search implements [audit.Reader].
func (db *DB) Search(ctx context.Context, filter audit.Filter) (page audit.Page, err error) {
	matches := audit.Matcher(filter.Text)
	for read := 0; read < searchMost; read += searchPart {
		if ctx.Err() != nil {
			return page, unavailable(ctx.Err())
		}
		query, args := selectEntries(filter, searchedColumns, searchPart)
		// A context that cannot be cancelled spares the driver a goroutine for each row.
		part, err := all(db.read(context.WithoutCancel(ctx)), searchedInto, query, args...)
		if err != nil {
			return page, unavailable(err)
		}
		for i := range part {
			e := &part[i].Entry
			if err := readDetails(e); err != nil {
				return page, err
			}
			page.Next = e.Place()
			if !matches(e, part[i].members) {
				continue
			}
			if page.Entries = append(page.Entries, *e); len(page.Entries) == filter.Limit {
				return page, nil
			}
		}
		if len(part) < searchPart {
			page.Next = nil
			return page, nil
		}
		filter.Before = *page.Next
	}
	return page, nil
}
