package session

import (
	"strings"
	"time"

	"curfew/backend/member"
)

// memberRow is a member beside their sessions.
type memberRow struct {
	memberFlags
	newest   int32 // the place of the session that came last, plus one; 0 is none
	sessions int32
}

// memberFlags are what is known of a member, beside their words. They are read under any shard's lock, as the check does, or under mu, and written under
// all of these.
type memberFlags struct {
	id           member.ID
	generation   uint64
	ends         [textFields]uint32 // of the parts of the words
	active       bool
	secondFactor bool
	hasPasskey   bool
}

// textField is something that is said of a member in words.
type textField int

const (
	nameField textField = iota
	emailField
	roleField
	sortNameField
	searchTextField
	textFields
)

// agent is what sessions have in common whose clients say the same of themselves. Very many sessions have few different ones.
type agent struct {
	key      agentKey
	methods  []string
	device   Device
	words    string
	sessions int
}

type agentKey struct{ userAgent, methods string }

// placeOfMember gives the place of the member, who is known from then on as they are now.
func (r *roster) placeOfMember(m *member.Member) int32 {
	place, known := r.memberAt[m.ID]
	if !known {
		place = r.members.grow()
		r.memberText.grow()
		r.memberAt[m.ID] = place
		flags, text := describe(m)
		r.members.at(place).memberFlags, *r.memberText.at(place) = flags, r.arena.keep(text)
	} else if r.member(place) != *m {
		r.change(place, m)
	}
	return place
}

// change makes it known what has become of a member. When it returns, nobody is judged any more by what they were. Their words are in no chunk
// with those of others, or whoever changed again and again would fill one after the other.
func (r *roster) change(place int32, m *member.Member) {
	flags, text := describe(m)
	for i := range r.shards {
		r.shards[i].mu.Lock()
	}
	r.members.at(place).memberFlags, *r.memberText.at(place) = flags, text
	for i := range r.shards {
		r.shards[i].mu.Unlock()
	}
}

// describe takes a member apart into what has no pointers and all that has.
func describe(m *member.Member) (f memberFlags, words string) {
	f = memberFlags{id: m.ID, generation: m.Generation, active: m.Active, secondFactor: m.SecondFactor, hasPasskey: m.HasPasskey}
	for what, part := range [textFields]string{nameField: m.Name, emailField: m.Email, roleField: string(m.Role), sortNameField: m.SortName(), searchTextField: m.SearchText()} {
		words += part
		f.ends[what] = uint32(len(words))
	}
	return f, words
}

// member is the one at that place.
func (r *roster) member(place int32) member.Member {
	f := &r.members.at(place).memberFlags
	return member.Member{
		ID: f.id, Name: r.textOf(place, nameField), Email: r.textOf(place, emailField), Role: member.Role(r.textOf(place, roleField)),
		Active: f.active, Generation: f.generation, SecondFactor: f.secondFactor, HasPasskey: f.hasPasskey,
	}
}

// textOf is one part of a member's text.
func (r *roster) textOf(place int32, what textField) string {
	words, ends := *r.memberText.at(place), &r.members.at(place).ends
	if what == nameField {
		return words[:ends[nameField]]
	}
	return words[ends[what-1]:ends[what]]
}

// arena keeps many short texts in few chunks of memory, each of which stays while one of its texts is in use. The garbage collector looks at every
// piece that something points to, each time.
type arena struct{ chunk strings.Builder }

func (a *arena) keep(text string) string {
	if a.chunk.Cap()-a.chunk.Len() < len(text) {
		a.chunk = strings.Builder{}
		a.chunk.Grow(max(chunkOfText, len(text)))
	}
	from := a.chunk.Len()
	a.chunk.WriteString(text)
	return a.chunk.String()[from:]
}

const chunkOfText = 64 << 10

// placeOfAgent gives the place of what the session has in common with others, and counts it there.
func (r *roster) placeOfAgent(s *Session) int32 {
	key := agentKey{s.Client.UserAgent, strings.Join(s.Methods, " ")}
	place, known := r.agentAt[key]
	if !known {
		if last := len(r.freedAgents) - 1; last >= 0 {
			place, r.freedAgents = r.freedAgents[last], r.freedAgents[:last]
		} else {
			place = r.agents.grow()
		}
		device := s.Client.Device()
		*r.agents.at(place) = &agent{key: key, methods: s.Methods, device: device, words: device.words()}
		r.agentAt[key] = place
	}
	(*r.agents.at(place)).sessions++
	return place
}

func (r *roster) leaveAgent(place int32) {
	shared := *r.agents.at(place)
	if shared.sessions--; shared.sessions == 0 {
		delete(r.agentAt, shared.key)
		*r.agents.at(place) = &agent{}
		r.freedAgents = append(r.freedAgents, place)
	}
}

// updateMember makes what has become of a member known. Where their sessions ended with it, all of them did.
func (r *roster) updateMember(m member.Member, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, known := r.memberAt[m.ID]
	if !known {
		return
	}
	own := r.members.at(place)
	r.change(place, &m)
	for ended && own.sessions > 0 {
		r.dropOne(r.rows.at(own.newest - 1).id)
	}
}

// prove notes a fresh proof of identity, and by which methods the session is proved with it.
func (r *roster) prove(id ID, at time.Time, methods []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shard(id)
	e, known := r.row(s, id) // nobody writes there without holding mu
	if !known {
		return
	}
	advance(&e.provedAt, at.UnixMilli())
	before := e.agent
	shared := r.agentOf(e)
	place := r.placeOfAgent(&Session{Client: Client{UserAgent: shared.key.userAgent, device: &shared.device}, Methods: methods})
	s.mu.Lock()
	e.agent = place
	s.mu.Unlock()
	r.leaveAgent(before)
}

