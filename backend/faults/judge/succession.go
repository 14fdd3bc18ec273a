package judge

import "time"

// succession is the refresh tokens of one session in the order in which they were given out, and
// when each was presented.
type succession struct {
	place     map[string]int
	presented []presentation
}

// presentation is when a token was presented: the earliest call, and the earliest return of an
// answer that took it.
type presentation struct {
	token       string
	call, taken time.Duration
}

func (s *succession) begin(token string) {
	s.place = map[string]int{}
	s.add(token)
}

func (s *succession) add(token string) {
	s.place[token] = len(s.presented)
	s.presented = append(s.presented, presentation{token, Never, Never})
}

// after is when the successor of the token was presented.
func (s *succession) after(place int) presentation {
	if place+1 < len(s.presented) {
		return s.presented[place+1]
	}
	return presentation{call: Never, taken: Never}
}

// followTokens puts the refresh tokens of every session in their order, and judges how they were
// taken: the same token buys the same successor, and one whose successor was itself presented ends
// the session (I3, I4).
func (c *court) followTokens() {
	bySession := map[string][]*Op{}
	for i := range c.history.Ops {
		if op := &c.history.Ops[i]; op.Kind == Refresh {
			bySession[op.Session] = append(bySession[op.Session], op)
		}
	}
	for id, ops := range bySession {
		f := c.fates[id]
		if f == nil || f.tokens.place == nil {
			continue
		}
		c.order(id, f, ops)
		for _, op := range ops {
			place, known := f.tokens.place[op.Presented]
			if !known {
				continue
			}
			next := f.tokens.after(place)
			if next.call < op.Return { // the successor may have been presented first
				f.mayEndFrom(op.Call)
			}
			if next.taken >= op.Call { // it was not certainly
				continue
			}
			if op.answered() {
				c.accuse("I4", "the refresh token %d of session %s is taken at %v, and its successor had been by %v", place, id, op.Call, next.taken)
			}
			if op.Status == 401 {
				f.endedFrom(op.Return, "I4")
			}
		}
	}
}

// order learns the succession: each answered op shows the successor of the token that was
// presented.
func (c *court) order(id string, f *fate, ops []*Op) {
	s := &f.tokens
	successors := map[string]string{}
	for _, op := range ops {
		if !op.answered() {
			continue
		}
		if known, ok := successors[op.Presented]; ok && known != op.Got {
			c.accuse("I3", "one refresh token of session %s bought two different successors", id)
		}
		successors[op.Presented] = op.Got
	}
	for {
		next, ok := successors[s.presented[len(s.presented)-1].token]
		if !ok {
			break
		}
		if _, known := s.place[next]; known {
			c.accuse("I3", "a refresh token of session %s was bought twice", id)
			break
		}
		s.add(next)
	}
	for _, op := range ops {
		place, known := s.place[op.Presented]
		if !known || op.refused() && op.Status != 401 {
			continue
		}
		p := &s.presented[place]
		p.call = min(p.call, op.Call)
		if op.answered() {
			p.taken = min(p.taken, op.Return)
		}
	}
}
