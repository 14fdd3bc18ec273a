package session

import (
	"strings"

	"curfew/backend/member"
)

// memberRow is a member and the head of the list of their sessions.
type memberRow struct {
	memberFlags
	newest   int32 // the place of the newest session plus one, or 0 for none
	sessions int32
}

// memberFlags are a member without text. They are read under any shard's lock, or under mu, and
// written under all of these.
type memberFlags struct {
	id           member.ID
	generation   uint64
	ends         [textFields]uint32 // of the fields in the member's text
	active       bool
	secondFactor bool
	hasPasskey   bool
}

// textField is a field in the text of a member.
type textField int

const (
	nameField textField = iota
	emailField
	roleField
	sortNameField
	searchTextField
	textFields
)

// agent is what sessions of equal clients share. A million sessions have few different ones.
type agent struct {
	key      agentKey
	methods  []string
	device   Device
	words    string
	sessions int
}

type agentKey struct{ userAgent, methods string }

// addMember adds a member who is active in the store.
func (r *roster) addMember(m *member.Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placeOfMember(m)
}

// updateMember replaces what is known of a member. If ended is set, it drops all their sessions.
func (r *roster) updateMember(m member.Member, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place, known := r.memberAt[m.ID]
	if !known {
		return
	}
	own := r.members.At(place)
	r.change(place, &m)
	for ended && own.sessions > 0 {
		r.dropOne(r.rows.At(own.newest - 1).id)
	}
}

// placeOfMember returns the place of the member, and adds or updates them.
func (r *roster) placeOfMember(m *member.Member) int32 {
	place, known := r.memberAt[m.ID]
	if !known {
		place = r.members.Take()
		r.memberText.Take() // the same place
		r.memberAt[m.ID] = place
		flags, text := describe(m)
		r.members.At(place).memberFlags, *r.memberText.At(place) = flags, r.arena.Keep(text)
	} else if r.member(place) != *m {
		r.change(place, m)
	}
	return place
}

// change replaces what is known of a member. When it returns, no check that sees the old state is
// under way. The new text is not in the arena, which repeated changes would fill.
func (r *roster) change(place int32, m *member.Member) {
	flags, text := describe(m)
	for i := range r.shards {
		r.shards[i].mu.Lock()
	}
	r.members.At(place).memberFlags, *r.memberText.At(place) = flags, text
	for i := range r.shards {
		r.shards[i].mu.Unlock()
	}
}

// describe splits a member into flags and text.
func describe(m *member.Member) (f memberFlags, text string) {
	f = memberFlags{id: m.ID, generation: m.Generation, active: m.Active, secondFactor: m.SecondFactor, hasPasskey: m.HasPasskey}
	for field, part := range [textFields]string{
		nameField: m.Name, emailField: m.Email, roleField: string(m.Role), sortNameField: m.SortName(), searchTextField: m.SearchText(),
	} {
		text += part
		f.ends[field] = uint32(len(text))
	}
	return f, text
}

// member is the inverse of describe.
func (r *roster) member(place int32) member.Member {
	f := &r.members.At(place).memberFlags
	return member.Member{
		ID: f.id, Name: r.textOf(place, nameField), Email: r.textOf(place, emailField), Role: member.Role(r.textOf(place, roleField)),
		Active: f.active, Generation: f.generation, SecondFactor: f.secondFactor, HasPasskey: f.hasPasskey,
	}
}

func (r *roster) textOf(place int32, field textField) string {
	text, ends := *r.memberText.At(place), &r.members.At(place).ends
	if field == nameField {
		return text[:ends[nameField]]
	}
	return text[ends[field-1]:ends[field]]
}

// placeOfAgent returns the place of the session's agent, and counts the session there.
func (r *roster) placeOfAgent(s *Session) int32 {
	key := agentKey{s.Client.UserAgent, strings.Join(s.Methods, " ")}
	place, known := r.agentAt[key]
	if !known {
		place = r.agents.Take()
		device := s.Client.Device()
		*r.agents.At(place) = &agent{key: key, methods: s.Methods, device: device, words: device.words()}
		r.agentAt[key] = place
	}
	(*r.agents.At(place)).sessions++
	return place
}

func (r *roster) leaveAgent(place int32) {
	shared := *r.agents.At(place)
	if shared.sessions--; shared.sessions == 0 {
		delete(r.agentAt, shared.key)
		*r.agents.At(place) = nil
		r.agents.Release(place)
	}
}
