package audit

// Repair restores hashes that a bug of the first release lost: when one transaction wrote several
// entries, it stored the last one's hash with each of them. The last hash is right and covers all
// entries before it. If the recomputed chain matches each hash that is left, up to the head, no
// entry was changed. The zero value is ready for the first entry.
type Repair struct {
	sequence int64
	head     Hash
	// batch holds the entries with the hash shared, until an entry proves them.
	batch  []Fixed
	shared Hash
	fixed  []Fixed
	failed bool
}

// Fixed is the right hash of an entry.
type Fixed struct {
	Sequence int64
	Hash     Hash
}

// Take takes the next entry of the log.
func (r *Repair) Take(link Link) error {
	hash, err := link.after(r.head)
	if err != nil {
		return err
	}
	r.sequence++
	r.failed = r.failed || link.Sequence != r.sequence || len(r.batch) > 0 && link.Hash != r.shared || link.Receipt != nil && *link.Receipt != hash
	if hash == link.Hash {
		r.fixed, r.batch = append(r.fixed, r.batch...), nil
	} else {
		r.batch, r.shared = append(r.batch, Fixed{link.Sequence, hash}), link.Hash
	}
	r.head = hash
	return nil
}

// Done returns the entries to fix, once all were taken, and the last entry as it was stored. It
// returns none if no hash was lost, or if anything else is wrong: that must stay visible.
func (r *Repair) Done() (fixed []Fixed, last Entry) {
	if r.failed || len(r.batch) > 0 {
		return nil, Entry{}
	}
	return r.fixed, Entry{Sequence: r.sequence, Hash: r.head}
}
