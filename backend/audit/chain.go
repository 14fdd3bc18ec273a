package audit

import (
	"context"
	"fmt"
	"math"
)

// Log reads the chain, to check it.
type Log interface {
	// Links returns at most limit entries with a sequence above the given one, the oldest first.
	Links(ctx context.Context, above int64, limit int) ([]Link, error)
	// LastReceipt returns the highest sequence in the receipts of revocations; 0 for none.
	LastReceipt(ctx context.Context) (int64, error)
}

// Link is an entry as it is stored, which may not match its hash. Only its encoded details are set.
type Link struct {
	Entry
	// Receipt is the hash of the entry in the receipt of a revocation; nil if there is none.
	Receipt *Hash
}

// Finding is the result of a check of the chain.
type Finding struct {
	// Entries counts the entries that match, from the first on.
	Entries int64
	// Head is the hash of the last of them. A copy of it proves later that the log up to that entry
	// is unchanged.
	Head Hash
	// Broken is the first entry that does not match; nil if all do.
	Broken *Break
}

// Break is an entry that does not match. Reason begins with "missing", "altered" or "out of order".
type Break struct {
	Sequence int64
	Reason   string
}

// batch is how many entries are in memory at once.
const batch = 1000

// Check compares each entry with the hash of the one before it and with the receipts of
// revocations. A receipt shows that the log was cut off or rewritten before its revocation. The
// memory that Check needs does not grow with the log.
//
// An attacker who can write the database can also write a new chain with new receipts. Only a copy
// of the head in another place shows that.
func Check(ctx context.Context, log Log) (Finding, error) {
	// Read before the entries, because both may grow meanwhile.
	promised, err := log.LastReceipt(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("check the audit chain: %w", err)
	}
	var found Finding
	err = each(ctx, log, func(link Link) (bool, error) {
		reason, err := misfit(ctx, log, found, link)
		if err != nil || reason != "" {
			found.Broken = &Break{found.Entries + 1, reason}
			return false, err
		}
		found.Entries, found.Head = link.Sequence, link.Hash
		return true, nil
	})
	if err != nil {
		return Finding{}, fmt.Errorf("check the audit chain: %w", err)
	}
	if found.Broken == nil && found.Entries < promised {
		found.Broken = &Break{found.Entries + 1, fmt.Sprintf("missing: the log ends here, and the receipt of a revocation names entry %d", promised)}
	}
	return found, nil
}

// each calls f with each entry, from the first on, until f returns false.
func each(ctx context.Context, log Log, f func(Link) (more bool, err error)) error {
	for above := int64(math.MinInt64); ; {
		links, err := log.Links(ctx, above, batch)
		if err != nil || len(links) == 0 {
			return err
		}
		for _, link := range links {
			if more, err := f(link); err != nil || !more {
				return err
			}
		}
		above = links[len(links)-1].Sequence
	}
}

// misfit returns why the link does not follow what was found, or "" if it does.
func misfit(ctx context.Context, log Log, found Finding, link Link) (string, error) {
	next := found.Entries + 1
	switch {
	case link.Sequence < next:
		return fmt.Sprintf("out of order: there is an entry %d, and the log begins with 1", link.Sequence), nil
	case link.Sequence > next:
		return fmt.Sprintf("missing: the entry after %d is %d", found.Entries, link.Sequence), nil
	}
	hash, err := link.after(found.Head)
	if err != nil {
		return "", err
	}
	if hash == link.Hash {
		if link.Receipt != nil && *link.Receipt != link.Hash {
			return "altered: the receipt of the revocation has another hash for it", nil
		}
		return "", nil
	}
	place, err := placeOf(ctx, log, link)
	if err != nil {
		return "", err
	}
	if place > 0 {
		return fmt.Sprintf("out of order: by its hash it belongs in place %d", place), nil
	}
	return "altered: its hash is not the one that its content has after the entry before it", nil
}

// placeOf returns the place at which an entry was sealed, by its own hash: the sequence after some
// other entry of the log. It returns 0 if there is none, which means that the entry was altered. An
// entry that was moved has moved others by one at most.
func placeOf(ctx context.Context, log Log, stray Link) (place int64, err error) {
	sealedAfter := func(previous Hash, sequence int64) (bool, error) {
		stray.Sequence = sequence
		hash, err := stray.after(previous)
		return hash == stray.Hash, err
	}
	if fits, err := sealedAfter(Hash{}, 1); err != nil || fits {
		return 1, err
	}
	err = each(ctx, log, func(link Link) (bool, error) {
		for sequence := link.Sequence; sequence <= link.Sequence+2; sequence++ {
			fits, err := sealedAfter(link.Hash, sequence)
			if err != nil {
				return false, err
			}
			if fits {
				place = sequence
				return false, nil
			}
		}
		return true, nil
	})
	return place, err
}
