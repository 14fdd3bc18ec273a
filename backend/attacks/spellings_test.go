package attacks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"curfew/backend/member"
)

const texts kind = "spellings and hostile texts"

// invisible are characters that leave no ink and take no place of their own at the end of a text.
var invisible = []string{"\u00ad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\u2066", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\U000e0001", "\U000e0061"}

// spellingsOf is an address as keyboards, browsers and mail programs write it. Each way is tried on
// every result of those before.
func spellingsOf(shown, stored string) []string {
	all := []string{shown, stored}
	wide := func(text string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r <= '~' {
				return r + 0xfee0
			}
			return r
		}, text)
	}
	for _, way := range []func(string) string{norm.NFD.String, strings.ToUpper, wide, func(text string) string { return "\u00a0" + text + "\r\n" }} {
		for _, text := range slices.Clone(all) {
			all = append(all, way(text))
		}
	}
	for _, mark := range invisible {
		all = append(all, mark+shown+mark, strings.Replace(stored, "@", "@"+"\u00ad", 1)+mark)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestNoSpellingOfAnAddressIsAnother: none makes a second member, and each signs in the first.
//
// ASVS 2.2.1
func TestNoSpellingOfAnAddressIsAnother(t *testing.T) {
	h := open(t, options{})
	owner := h.signIn(email(member.Owner))
	for shown, stored := range map[string]string{
		"kim@bücher.example": "kim@xn--bcher-kva.example", "jörg@пример.испытание": "jörg@xn--e1afmkfd.xn--80akhbyknj4f", "花子@例え.jp": "花子@xn--r8jz45g.jp", "ana.b+c@a--b.example": "ana.b+c@a--b.example",
	} {
		made := h.ask(sending(http.MethodPost, "/api/members", map[string]any{"email": shown, "role": "member"}).with(owner.bearer()))
		require.Equal(t, http.StatusCreated, made.status, made)
		h.exec("UPDATE members SET password_hash = ? WHERE email = ?", cheapHash(), stored)
		before := h.number("SELECT count(*) FROM members")
		for i, spelling := range sample(spellingsOf(shown, stored), 5) {
			invite := sending(http.MethodPost, "/api/members", map[string]any{"email": spelling, "role": "member"}).with(owner.bearer())
			answer := h.ask(invite)
			texts.note(t, invite, answer, first(answer.is(http.StatusConflict, "email_taken"), unless(h.number("SELECT count(*) FROM members") == before, "a second member was made")))
			if i%4 != 0 { // sign-ins are paced
				continue
			}
			signIn := sending(http.MethodPost, "/api/sessions", map[string]any{"email": spelling, "password": password, "transport": "bearer"})
			answer = h.ask(signIn)
			texts.note(t, signIn, answer, first(unless(answer.status == http.StatusCreated, "want 201"), unless(strings.Contains(answer.body, `"email":"`+shown+`"`), "want the address of %s", shown)))
		}
	}
}

// hostileNames break out of a line, a terminal or a sentence, or cannot be seen.
func hostileNames() (all []string) {
	for r := rune(0); r <= 0x2069; r++ {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' {
			all = append(all, "Ana"+string(r)+"Lima")
		}
	}
	for _, mark := range invisible {
		all = append(all, mark, " "+mark+"\t"+mark)
	}
	return append(all, " ", "\u2800", "\u0308\u0308", "x\r\nSet-Cookie: a=b\r\ny", strings.Repeat("W", 10_000), strings.Repeat("\u0308", 10_000)+"a", "\u200b"+strings.Repeat("é", 201))
}

// TestHostileTextsAreRefusedByEveryCall: each at its field, and nothing comes of it.
func TestHostileTextsAreRefusedByEveryCall(t *testing.T) {
	h := open(t, options{})
	owner := h.signIn(email(member.Owner))
	made := h.ask(sending(http.MethodPost, "/api/members", map[string]any{"email": "ben@example.org", "role": "member"}).with(owner.bearer()))
	_, secret, found := strings.Cut(made.body, "#token=")
	require.True(t, found)
	secret = secret[:strings.IndexByte(secret, '"')]
	before := h.decided()

	try := func(field, method, target string, body map[string]any) {
		r := sending(method, target, body)
		if target != "/api/invitations/accept" {
			r = r.with(owner.bearer())
		}
		answer := h.ask(r)
		texts.note(t, r, answer, first(
			answer.is(http.StatusUnprocessableEntity, "invalid_input"), unless(strings.Contains(answer.body, `"field":"`+field+`"`), "it is not said at %q", field),
			unless(!strings.ContainsFunc(answer.body[:len(answer.body)-1], unicode.IsControl), "a control character came back"),
		))
	}
	long := strings.Repeat("W", 400) // a reason may be longer than a name
	for _, name := range sample(hostileNames(), 4) {
		try("name", http.MethodPost, "/api/members", map[string]any{"email": "eve@example.org", "role": "member", "name": name})
		try("name", http.MethodPatch, "/api/members/"+owner.member, map[string]any{"name": name})
		try("name", http.MethodPost, "/api/invitations/accept", map[string]any{"token": secret, "password": "a password of my own", "name": name})
		try("name", http.MethodPost, "/api/account/passkeys", map[string]any{"ceremony": "x", "credential": map[string]any{}, "name": name})
		try("reason", http.MethodPost, "/api/sessions/revoke-all", map[string]any{"reason": strings.Replace(name, strings.Repeat("é", 201), long+long, 1)})
	}
	for _, name := range sample(hostileNames(), 4) { // the input is judged before anything else
		try("organization", http.MethodPost, "/api/setup", map[string]any{"setupToken": "x", "organization": name, "name": name, "email": "ana@example.org", "password": password})
	}
	addresses := []string{"a@b@example.org", "ana", "ana@localhost", "аna@example.org", "ana@exаmple.org", "ana@my_host.example", "ana@example.org.", "ana@[192.0.2.1]", "Ana <ana@example.org>", `"a b"@example.org`,
		strings.Repeat("ö", 33) + "@example.org", "ana@" + strings.Repeat("ü", 60) + ".example", "ana@xn--a.example", strings.Repeat("l", 64) + strings.Repeat("@"+strings.Repeat("d", 60), 1) + strings.Repeat("."+strings.Repeat("d", 60), 3)}
	for r := rune(0); r <= 0x2069; r++ {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Z) {
			addresses = append(addresses, fmt.Sprintf("a%cna@example.org", r))
		}
	}
	for _, address := range sample(addresses, 4) {
		try("email", http.MethodPost, "/api/members", map[string]any{"email": address, "role": "member"})
	}
	texts.note(t, text("all of these"), textf("%d rows decided", len(before)), unless(slices.Equal(before, h.decided()), "something came of it"))
}
