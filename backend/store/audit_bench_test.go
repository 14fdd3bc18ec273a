package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"curfew/backend/audit"
	"curfew/backend/member"
)

// BenchmarkAuditFilters prints how long the first page of a log of a million entries takes by each
// filter, at the 95th percentile, where one member did half of everything.
func BenchmarkAuditFilters(b *testing.B) {
	db, busy, idle := longLog(b, 1_000_000)
	since, until := noon.Add(-300*24*time.Hour), noon.Add(-299*24*time.Hour)
	for _, c := range []struct {
		name   string
		filter audit.Filter
	}{
		{"all", audit.Filter{}},
		{"busy", audit.Filter{Concerning: busy}},
		{"idle", audit.Filter{Concerning: idle}},
		{"nobody", audit.Filter{Concerning: "nobody"}},
		{"activity", audit.Filter{Concerning: busy, WithGlobal: true}},
		{"action", audit.Filter{Action: audit.SessionStarted}},
		{"rare-action", audit.Filter{Action: audit.PolicySaved}},
		{"no-action", audit.Filter{Action: "no.such"}},
		{"busy+rare-action", audit.Filter{Concerning: busy, Action: audit.PolicySaved}},
		{"busy+no-action", audit.Filter{Concerning: busy, Action: "no.such"}},
		{"span", audit.Filter{Since: since, Until: until}},
		{"empty-span", audit.Filter{Since: noon.Add(time.Hour)}},
		{"busy+span", audit.Filter{Concerning: busy, Since: since, Until: until}},
		{"busy+action+span", audit.Filter{Concerning: busy, Action: audit.SessionEnded, Since: since, Until: until}},
	} {
		b.Run(c.name, func(b *testing.B) {
			filter := c.filter
			filter.Limit = 51
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				_, err := db.Entries(b.Context(), filter)
				took = append(took, time.Since(begun))
				require.NoError(b, err)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms/p95")
		})
	}
}

// BenchmarkAuditSearch prints how long a search of a log of a million entries takes: for the first
// page of what is found often, for one page of what is found nowhere, and to the log's end.
func BenchmarkAuditSearch(b *testing.B) {
	db, _, _ := longLog(b, 1_000_000)
	for _, c := range []struct {
		name, text string
		whole      bool
	}{{"often", "signed in", false}, {"nowhere", "kein Treffer", false}, {"nowhere-whole", "kein Treffer", true}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				filter := audit.Filter{Text: c.text, Limit: 50}
				for {
					page, err := db.Search(b.Context(), filter)
					require.NoError(b, err)
					if page.Next == nil || !c.whole {
						break
					}
					filter.Before = *page.Next
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
		})
	}
}

// BenchmarkAuditChain prints how long a check of the whole log takes for each hundred thousand
// entries.
func BenchmarkAuditChain(b *testing.B) {
	const size = 20_000
	db, _, _ := longLog(b, size)
	for b.Loop() {
		found, err := audit.Check(b.Context(), db)
		require.NoError(b, err)
		require.Nil(b, found.Broken)
		require.EqualValues(b, size, found.Entries)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*100_000/size, "s/100000-entries")
}

// longLog has a year of entries, a well-sealed chain. Half of them are the doing of one member, and
// the rest that of 50,000.
func longLog(b *testing.B, size int) (db *DB, busy, idle string) {
	db = newDB(b)
	ids := make([]string, 50_000)
	for i := range ids {
		id := member.NewID()
		ids[i] = id.String()
	}
	event := func(i int) audit.Event {
		by := ids[0]
		if i%2 == 1 {
			by = ids[i/2%len(ids)]
		}
		e := audit.Event{
			At: noon.Add(time.Duration(i-size) * 31 * time.Second), Actor: audit.Actor{ID: by, Name: "Somebody"}, Address: "192.0.2.1",
			Action: audit.SessionStarted, Target: fmt.Sprintf("session:%036d", i), Details: map[string]any{"methods": []string{"password"}, "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		}
		switch {
		case i%10_007 == 0:
			e.Action, e.Target = audit.PolicySaved, "organization"
		case i%3 == 0:
			e.Action, e.Details = audit.SessionEnded, map[string]any{"reason": "revoked", "member": ids[i/3%len(ids)]}
		}
		return e
	}
	for i := 0; i < size; {
		events := make([]audit.Event, 0, 2000)
		for ; i < size && len(events) < cap(events); i++ {
			events = append(events, event(i))
		}
		require.NoError(b, db.write(b.Context(), func(tx *gorm.DB) error { return record(tx, events...) }))
	}
	return db, ids[0], ids[49_999]
}
