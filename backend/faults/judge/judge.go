package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// fate is what may have become of a session, by everything that clients asked for and were told.
type fate struct {
	member     string
	generation int
	// bornCall and bornReturn are those of its sign-in.
	bornCall, bornReturn time.Duration
	// mayEnd is the earliest call of anything that could have ended it: until then, a refusal is
	// wrong.
	mayEnd time.Duration
	// ended is the earliest return of an answer that said so: from then on, every admission is
	// wrong. By is the promise that it breaks.
	ended time.Duration
	by    string
	// refused is the earliest return of an answer that refused it for good.
	refused time.Duration
	tokens  succession
}

func (f *fate) mayEndFrom(call time.Duration) { f.mayEnd = min(f.mayEnd, call) }

func (f *fate) endedFrom(at time.Duration, by string) {
	if at < f.ended {
		f.ended, f.by = at, by
	}
}

// court is one judgement.
type court struct {
	history  History
	fates    map[string]*fate
	byMember map[string][]*fate
	found    []Violation
}

func (c *court) accuse(invariant, what string, args ...any) {
	c.found = append(c.found, Violation{invariant, fmt.Sprintf(what, args...)})
}

// Judge finds every promise that the history broke.
func Judge(history History) []Violation {
	c := &court{history: history, fates: map[string]*fate{}, byMember: map[string][]*fate{}, found: slices.Clone(history.Book.Faults)}
	c.register()
	c.endByGenerations()
	c.endByName()
	c.followTokens()
	c.noteRefusals()
	for i := range history.Ops {
		c.judge(&history.Ops[i])
	}
	c.judgePolicies()
	c.judgeBook()
	return c.found
}

// register notes every session that clients know of.
func (c *court) register() {
	for _, s := range c.history.Before {
		c.add(s.ID, &fate{member: s.Member, generation: s.Generation})
	}
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		if op.Kind != SignIn || !op.answered() {
			continue
		}
		if _, known := c.fates[op.Session]; known {
			c.accuse("I8", "the id %s was given to a second session", op.Session)
			continue
		}
		f := &fate{member: op.Member, generation: op.Generation, bornCall: op.Call, bornReturn: op.Return}
		f.tokens.begin(op.Got)
		c.add(op.Session, f)
	}
}

func (c *court) add(id string, f *fate) {
	f.mayEnd, f.ended, f.refused = Never, Never, Never
	c.fates[id] = f
	c.byMember[f.member] = append(c.byMember[f.member], f)
}

// revocation is everything that was asked under one idempotency key.
type revocation struct {
	generation int // 0 where it never took effect
	call       time.Duration
	answered   time.Duration
}

// revocations returns all revocations of every session, by their keys. The book has the outcome of
// one that was never answered.
func (c *court) revocations() map[string]*revocation {
	found := map[string]*revocation{}
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		if op.Kind != RevokeAll || op.refused() {
			continue
		}
		r := found[op.Key]
		if r == nil {
			r = &revocation{call: Never, answered: Never}
			found[op.Key] = r
		}
		r.call = min(r.call, op.Call)
		if !op.answered() {
			continue
		}
		if r.generation != 0 && r.generation != op.Generation {
			c.accuse("I12", "one idempotency key raised the generation to %d and to %d", r.generation, op.Generation)
		}
		r.generation, r.answered = op.Generation, min(r.answered, op.Return)
	}
	byGeneration := map[int]string{}
	for key, r := range found {
		recorded := c.history.Book.Revocations[key]
		if r.answered != Never && recorded != r.generation {
			c.accuse("I1", "a revocation was answered with generation %d, and the database has %d for it", r.generation, recorded)
		}
		if r.generation == 0 {
			r.generation = recorded
		}
		if other, taken := byGeneration[r.generation]; taken && r.generation != 0 {
			c.accuse("I12", "the revocations %s and %s began the same generation %d", key, other, r.generation)
		}
		byGeneration[r.generation] = key
	}
	return found
}

// endByGenerations ends sessions by revocations of everybody: each ends those of every generation
// before the one that it began.
func (c *court) endByGenerations() {
	revocations := c.revocations()
	for key := range c.history.Book.Revocations {
		if revocations[key] == nil {
			c.accuse("I12", "the database has a revocation that no client asked for: %q", key)
		}
	}
	begun := make([]*revocation, 0, len(revocations))
	for _, r := range revocations {
		if r.generation != 0 {
			begun = append(begun, r)
		}
	}
	for id, f := range c.fates {
		for _, r := range begun {
			if f.generation < r.generation {
				f.mayEndFrom(r.call)
				f.endedFrom(r.answered, "I1")
				if f.bornCall > r.answered {
					c.accuse("I13", "session %s began after generation %d was answered, under generation %d", id, r.generation, f.generation)
				}
			}
		}
	}
}

// endByName ends sessions that were named, or whose member was.
func (c *court) endByName() {
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		if op.refused() {
			continue
		}
		var ended []*fate
		switch op.Kind {
		case SignOut:
			ended = append(ended, c.fates[op.Session])
		case Revoke:
			ended = append(ended, c.fates[op.Target])
		case RevokeMember, Deactivate:
			ended = c.byMember[op.Target]
		default:
			continue
		}
		for _, f := range ended {
			if f == nil || f.bornCall > op.Return {
				continue
			}
			f.mayEndFrom(op.Call)
			if op.answered() && f.bornReturn < op.Call {
				f.endedFrom(op.Return, "I6")
			}
		}
	}
}

// noteRefusals notes when each session was first called dead.
func (c *court) noteRefusals() {
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		f := c.fates[op.Session]
		if f != nil && op.Kind != SignIn && op.Status == 401 && (op.Code == "session_revoked" || op.Code == "session_expired" || op.Code == "member_deactivated") {
			f.refused = min(f.refused, op.Return)
		}
	}
}

// judge judges one request by itself.
func (c *court) judge(op *Op) {
	c.judgeTrouble(op)
	if op.Kind == Probe && op.answered() {
		c.accuse("I8", "a session that there never was is admitted, as %s", op.Subject)
	}
	if op.Kind == Search && op.Items > 0 {
		c.accuse("I9", "a search for what there is none of finds %d", op.Items)
	}
	f := c.fates[op.Session]
	if f == nil || op.Kind == SignIn {
		return
	}
	switch {
	case op.answered():
		if op.Call > f.ended {
			c.accuse(f.by, "%s at %v is admitted, and its session %s had ended by %v", op.Kind, op.Call, op.Session, f.ended)
		}
		if op.Call > f.refused {
			c.accuse("I5", "%s at %v is admitted, and its session %s had been refused by %v", op.Kind, op.Call, op.Session, f.refused)
		}
		if op.Subject != "" && (op.Subject != op.Session || op.SubjectMember != f.member) {
			c.accuse("I9", "the answer to session %s of %s is about %s of %s", op.Session, f.member, op.Subject, op.SubjectMember)
		}
		if op.Kind == Refresh && op.Generation != f.generation {
			c.accuse("I8", "a refresh moved session %s from generation %d to %d", op.Session, f.generation, op.Generation)
		}
	case op.Status == 401 && op.Return < f.mayEnd:
		c.accuse("I7", "%s at %v is refused (%s), and nothing had ended its session %s", op.Kind, op.Call, op.Code, op.Session)
	case op.Status == 403 && op.Code != "reauthentication_required":
		c.accuse("I7", "%s is forbidden (%s)", op.Kind, op.Code)
	}
}

// judgeTrouble holds that trouble of the server's is named as such, and takes nothing away.
func (c *court) judgeTrouble(op *Op) {
	if op.Status < 500 {
		return
	}
	if op.Status != 503 || !op.RetryAfter {
		c.accuse("I7", "%s: trouble is answered with %d (%s), Retry-After %t", op.Kind, op.Status, op.Code, op.RetryAfter)
	}
	if op.Cleared {
		c.accuse("I7", "%s: trouble takes the client's cookies away", op.Kind)
	}
}

// judgePolicies checks that a policy is seen whole, that its version never goes down for any
// client, and that a saved one is not lost.
func (c *court) judgePolicies() {
	contents := map[int]string{}
	var seen []*Op
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		if op.Version == 0 {
			continue
		}
		if content, known := contents[op.Version]; known && content != op.Policy {
			c.accuse("I2", "version %d of the policy is %s and %s", op.Version, content, op.Policy)
		}
		contents[op.Version] = op.Policy
		seen = append(seen, op)
	}
	if content, known := contents[c.history.Book.Version]; known && content != c.history.Book.Policy {
		c.accuse("I2", "version %d of the policy was %s and is kept as %s", c.history.Book.Version, content, c.history.Book.Policy)
	}
	newest := 0
	byReturn := slices.SortedFunc(slices.Values(seen), func(a, b *Op) int { return cmp.Compare(a.Return, b.Return) })
	byCall := slices.SortedFunc(slices.Values(seen), func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	next := 0
	for _, op := range byCall {
		for next < len(byReturn) && byReturn[next].Return < op.Call {
			newest = max(newest, byReturn[next].Version)
			next++
		}
		if op.Version < newest {
			c.accuse("I13", "%s at %v is told version %d of the policy after a client was told %d", op.Kind, op.Call, op.Version, newest)
		}
	}
	for _, op := range seen {
		if op.Version > c.history.Book.Version {
			c.accuse("I2", "version %d of the policy was seen, and the database ends at %d", op.Version, c.history.Book.Version)
			return
		}
	}
}

// judgeBook holds that sessions come from sign-ins alone, and that none of them is lost.
func (c *court) judgeBook() {
	open := 0 // sign-ins whose outcome is unknown
	for i := range c.history.Ops {
		if op := &c.history.Ops[i]; op.Kind == SignIn && !op.answered() && !op.refused() {
			open++
		}
	}
	if more := len(c.history.Book.Sessions) - len(c.fates); more > open {
		c.accuse("I8", "the database has %d sessions more than sign-ins were answered, and %d were not", more, open)
	}
	for id, f := range c.fates {
		if generation, kept := c.history.Book.Sessions[id]; !kept || generation != f.generation {
			c.accuse("I10", "session %s of generation %d was answered, and the database has it under %d", id, f.generation, generation)
		}
	}
	if began := 1 + len(c.history.Book.Revocations); c.history.Book.Generation != began {
		c.accuse("I13", "the generation is %d after %d revocations", c.history.Book.Generation, began-1)
	}
}
