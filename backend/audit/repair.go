package audit

// Repair finds hashes of the chain that a fault of the first release lost: when one transaction
// wrote several entries, it stored the last one's hash with each of them. The last one's hash is
// still right, and it covers all before it: if recomputing the chain ends in each hash that is
// left, up to the head, then no entry was changed. The zero value is ready for the first entry.
type Repair struct {
	sequence int64
	head     Hash
	// batch are the entries that carry the hash shared, until an entry proves it.
	batch  []Fixed
	shared Hash
	fixed  []Fixed
	failed bool
}

// Fixed is the hash that an entry has to have.
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

// Done returns the entries to be given their hash, once all were taken: none where nothing was
// lost, or where anything else is amiss, which must stay as it is to be seen. The last entry is as
// it was stored.
func (r *Repair) Done() (fixed []Fixed, last Entry) {
	if r.failed || len(r.batch) > 0 {
		return nil, Entry{}
	}
	return r.fixed, Entry{Sequence: r.sequence, Hash: r.head}
}
