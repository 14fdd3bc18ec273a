package audit

import (
	"context"
	"fmt"
	"math"
)

// Log is where the chain is read for its check.
type Log interface {
	// Links are at most that many entries of a sequence above the given one, the oldest first.
	Links(ctx context.Context, above int64, limit int) ([]Link, error)
	// LastReceipt is the highest sequence that a receipt of a revocation names; 0 for none.
	LastReceipt(ctx context.Context) (int64, error)
}

// Link is an entry as it is stored, whether it fits or not. Of its details it has the encoded ones alone.
type Link struct {
	Entry
	// Receipt is the hash that the receipt of a revocation has for the entry; nil where there is no receipt.
	Receipt *Hash
}

// Finding is what a check of the chain has found.
type Finding struct {
	// Entries counts those that fit, from the first one on.
	Entries int64
	// Head is the hash of the last of them. Whoever keeps it somewhere else can tell later whether the log up to there is the same.
	Head Hash
	// Broken is the first entry that does not fit; nil for none.
	Broken *Break
}

// Break is an entry that does not fit, and why in words: "missing", "altered" or "out of order", and what shows it.
type Break struct {
	Sequence int64
	Reason   string
}

// step is how many entries are in memory at once.
const step = 1000

// Check holds every entry against the hash of the one before it, and against the receipts of revocations, which are kept
// beside the log: a log that was cut off, or written anew, before a revocation shows by them. It takes the same memory for any length.
//
// Whoever can write the database can also write a whole new chain, receipts and all. Only a head that was kept elsewhere shows that.
func Check(ctx context.Context, log Log) (Finding, error) {
	// Read before the entries, because more of both may come meanwhile.
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

// each reads the log from its beginning, for as long as f says.
func each(ctx context.Context, log Log, f func(Link) (more bool, err error)) error {
	for above := int64(math.MinInt64); ; {
		links, err := log.Links(ctx, above, step)
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

// misfit tells why the link does not come next after what was found; nothing where it does.
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

// placeOf finds where an entry that does not fit was sealed: the place that its own hash gives away, beside some entry of the
// log; 0 for nowhere, which means that the entry is not what it was. Entries that were moved have moved others by one at most.
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
