package store

import (
	"time"

	"gorm.io/gorm"

	"curfew/backend/audit"
)

// repairChain is migration 13. It restores hashes of the audit log that the first release lost,
// where the rest of the chain proves them, and says so in an entry.
func repairChain(tx *gorm.DB) error {
	fixed, last, newest, err := lostHashes(tx)
	if err != nil || len(fixed) == 0 {
		return err
	}
	for _, entry := range fixed {
		if err := exec(tx, "UPDATE audit_entries SET hash = ? WHERE sequence = ?", entry.Hash[:], entry.Sequence); err != nil {
			return err
		}
	}
	return record(tx, audit.Event{
		At: latest(time.Now(), newest), Action: audit.ChainRepaired, Actor: audit.System, Target: "organization",
		Details: map[string]any{"entries": len(fixed), "first": fixed[0].Sequence, "last": fixed[len(fixed)-1].Sequence, "head": last.Hash.String()},
	})
}

func lostHashes(tx *gorm.DB) (fixed []audit.Fixed, last audit.Entry, newest time.Time, err error) {
	var (
		repair audit.Repair
		link   audit.Link
	)
	into := linkInto(&link)
	err = eachRow(tx, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		newest = latest(newest, link.At)
		return repair.Take(link)
	}, selectLinks, 0)
	if err != nil {
		return nil, last, newest, err
	}
	fixed, last = repair.Done()
	promised, err := lastReceipt(tx)
	if promised > last.Sequence {
		fixed = nil // the log was cut off
	}
	return fixed, last, newest, err
}
