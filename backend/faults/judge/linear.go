package judge

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Linear is how much of a history was put in an order, and which sessions have none.
type Linear struct {
	Sessions, Ops int
	// Undecided are the sessions whose search took too long.
	Undecided int
	Found     []Violation
}

// mostUses bounds the requests of one session that are put in an order. Leaving out those that
// change nothing hides no order.
const mostUses = 300

// enough sessions without an order say all that there is to say.
const enough = 5

// Linearize looks, session by session, for an order of everything that was asked for in which each
// answer is right, and in which nothing that began after another's answer comes before it. Time
// plays no part in the model: what ends by its time is judged elsewhere.
func Linearize(history History, most int) Linear {
	var result Linear
	c := &court{history: history, fates: map[string]*fate{}, byMember: map[string][]*fate{}}
	c.register()
	c.followTokens()
	revocations := c.revocations()

	bySession := map[string][]*Op{}
	for i := range history.Ops {
		if op := &history.Ops[i]; op.Session != "" {
			bySession[op.Session] = append(bySession[op.Session], op)
		}
		if op := &history.Ops[i]; op.Kind == Revoke && op.Target != op.Session {
			bySession[op.Target] = append(bySession[op.Target], op)
		}
	}
	// The sessions to which most happened come first.
	ids := make([]string, 0, len(c.fates))
	for id := range c.fates {
		ids = append(ids, id)
	}
	weight := func(id string) int {
		return min(len(bySession[id]), mostUses) + boolean(c.fates[id].tokens.place != nil)*mostUses
	}
	slices.SortFunc(ids, func(a, b string) int { return weight(b) - weight(a) })

	for _, id := range ids[:min(most, len(ids))] {
		if len(result.Found)+result.Undecided >= enough {
			break
		}
		ops := c.lifeOf(id, bySession[id], revocations)
		result.Sessions++
		result.Ops += len(ops)
		switch porcupine.CheckOperationsTimeout(model(c.fates[id]), ops, time.Second) {
		case porcupine.Illegal:
			result.Found = append(result.Found, Violation{"linearizability", "there is no order for session " + id})
		case porcupine.Unknown:
			result.Undecided++
		case porcupine.Ok:
		}
	}
	return result
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// event is one step of the model. Its kind says which. Use and refuse are answers to a request in
// the session's name.
type event struct {
	kind       string
	generation int
	place      int // of the refresh token that was presented
	known      bool
	admitted   bool
}

// state is what the model knows of one session.
type state struct {
	exists, ended bool
	own, current  int // generations
	presented     int // the place of the refresh token that was presented last; -1 for none
}

func (s state) live() bool { return s.exists && !s.ended && s.own == s.current }

// model is the sequential specification of one session.
func model(f *fate) porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			before := state{current: 1, presented: -1, own: f.generation}
			before.exists = f.bornReturn == 0
			return before
		},
		Step: func(now, input, _ any) (bool, any) {
			s, e := now.(state), input.(event)
			switch e.kind {
			case "begin":
				ok := s.current == e.generation
				s.exists = true
				return ok, s
			case "raise":
				ok := e.generation == s.current+1
				s.current = e.generation
				return ok, s
			case "end":
				s.ended = s.ended || s.exists
				return true, s
			case "use":
				return s.live() == e.admitted, s
			}
			return s.refresh(e)
		},
	}
}

// refresh takes the next token or the last one once more. One before that ends the session.
func (s state) refresh(e event) (bool, any) {
	if !s.live() {
		return !e.known || !e.admitted, s
	}
	switch {
	case e.place == s.presented+1:
		s.presented++
	case e.place < s.presented:
		s.ended = true
		return !e.known || !e.admitted, s
	case e.place > s.presented+1:
		return false, s
	}
	return !e.known || e.admitted, s
}

// lifeOf is everything that bears on one session, as steps of the model.
func (c *court) lifeOf(id string, ops []*Op, revocations map[string]*revocation) []porcupine.Operation {
	var steps []porcupine.Operation
	f := c.fates[id]
	add := func(call, answered time.Duration, e event) {
		steps = append(steps, porcupine.Operation{ClientId: 0, Input: e, Call: int64(call), Return: int64(answered)})
	}
	for _, r := range revocations {
		if r.generation != 0 {
			add(r.call, r.answered, event{kind: "raise", generation: r.generation})
		}
	}
	for i := range c.history.Ops {
		op := &c.history.Ops[i]
		if (op.Kind == RevokeMember || op.Kind == Deactivate) && op.Target == f.member && !op.refused() {
			add(op.Call, effectBy(op), event{kind: "end"})
		}
	}
	uses := 0
	for _, op := range ops {
		acts := op.Session == id
		switch {
		case op.Kind == SignIn:
			if op.answered() {
				add(op.Call, op.Return, event{kind: "begin", generation: op.Generation})
			}
			continue
		case op.Kind == Refresh:
			place, known := f.tokens.place[op.Presented]
			if known && (op.answered() || op.Status == 401 || !op.refused()) {
				add(op.Call, effectBy(op), event{kind: "refresh", place: place, known: op.answered() || op.Status == 401, admitted: op.answered()})
			}
			continue
		case op.Kind == SignOut && acts, op.Kind == Revoke && op.Target == id:
			if !op.refused() {
				add(op.Call, effectBy(op), event{kind: "end"})
			}
		}
		if acts && (op.answered() || op.Status == 401) && uses < mostUses {
			uses++
			add(op.Call, op.Return, event{kind: "use", admitted: op.answered()})
		}
	}
	return steps
}

// effectBy is until when the request may have taken effect.
func effectBy(op *Op) time.Duration {
	if op.answered() || op.refused() {
		return op.Return
	}
	return Never
}
