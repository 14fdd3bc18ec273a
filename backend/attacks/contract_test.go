package attacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"curfew/backend/fold"
	"curfew/backend/member"
)

// The contract says what there is to attack: a call or a field that is added to it is attacked from
// then on.

type schema struct {
	Ref        string            `yaml:"$ref"`
	Type       any               `yaml:"type"`
	Enum       []string          `yaml:"enum"`
	Properties map[string]schema `yaml:"properties"`
	Items      *schema           `yaml:"items"`
	OneOf      []schema          `yaml:"oneOf"`
}

type operation struct {
	Parameters  []parameter `yaml:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `yaml:"schema"`
		} `yaml:"content"`
	} `yaml:"requestBody"`
}

type parameter struct {
	Ref    string `yaml:"$ref"`
	Name   string `yaml:"name"`
	In     string `yaml:"in"`
	Schema schema `yaml:"schema"`
}

type document struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Parameters map[string]parameter `yaml:"parameters"`
		Schemas    map[string]schema    `yaml:"schemas"`
	} `yaml:"components"`
}

// call is one call of the contract, as in POST /api/members.
type call struct {
	method, path string
	parameters   []parameter
	body         schema // without properties for a call that has no body
}

func (d document) resolve(s schema) schema {
	for s.Ref != "" || len(s.OneOf) > 0 {
		if s.Ref != "" {
			s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
		} else {
			s = s.OneOf[0]
		}
	}
	return s
}

// contract is all calls of openapi.yaml, in one order.
func contract(t *testing.T) (d document, calls []call) {
	t.Helper()
	raw, err := os.ReadFile("../httpapi/openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, &d))
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		var shared []parameter
		for method, node := range d.Paths[path] {
			if method == "parameters" {
				require.NoError(t, node.Decode(&shared))
			}
		}
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			if method == "parameters" {
				continue
			}
			node := d.Paths[path][method]
			var o operation
			require.NoError(t, node.Decode(&o))
			c := call{method: strings.ToUpper(method), path: path, body: d.resolve(o.RequestBody.Content["application/json"].Schema)}
			for _, p := range append(shared, o.Parameters...) {
				if p.Ref != "" {
					p = d.Components.Parameters[p.Ref[strings.LastIndex(p.Ref, "/")+1:]]
				}
				c.parameters = append(c.parameters, p)
			}
			calls = append(calls, c)
		}
	}
	require.Greater(t, len(calls), 25)
	return d, calls
}

// example is a value that the schema allows and that the call takes.
func (d document) example(name string, s schema) any {
	s = d.resolve(s)
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Properties) > 0:
		whole := map[string]any{}
		for name, property := range s.Properties {
			whole[name] = d.example(name, property)
		}
		return whole
	case s.Type == "array":
		return []any{"018f0000-0000-7000-8000-000000000000"}
	case s.Type == "boolean":
		return false
	case s.Type == "integer":
		return 1
	case name == "email":
		return "somebody@example.org"
	}
	return "a text that will do as a password"
}

// places are the objects in a body, itself and those in it, each by how to get there.
func places(body map[string]any) (found []map[string]any) {
	found = []map[string]any{body}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if inner, ok := body[name].(map[string]any); ok {
			found = append(found, places(inner)...)
		}
	}
	return found
}

// A body has the members that the contract names, and with any other it is refused whole (T1533):
// members of other bodies and answers, which an attacker might want to set, and those by which
// languages and frameworks were led astray.
//
// ASVS 15.3.3
func TestNoBodyTakesAPrivilegedMember(t *testing.T) {
	const massAssignment kind = "mass assignment"
	d, calls := contract(t)
	names := map[string]bool{}
	for _, s := range d.Components.Schemas {
		for name := range s.Properties {
			names[name] = true
		}
	}
	for _, name := range []string{
		"id", "isAdmin", "admin", "is_admin", "roles", "permissions", "scope", "groups", "owner", "userId", "user_id", "member_id", "organizationId", "generation", "memberGeneration", "member_generation", "startedAt", "started_at", "endedAt", "endReason",
		"authenticatedAt", "provedAt", "expiresAt", "expires_at", "passwordHash", "password_hash", "hash", "deactivatedAt", "state", "active", "createdAt", "version", "updatedBy", "by", "actor", "operator", "methods", "aal", "verified", "emailVerified",
		"__proto__", "constructor", "prototype", "$set", "$where", "$ref", "@type", "_method", "_csrf", "", " ", "*", "0", "\u0000", "constructor.prototype", "toString",
	} {
		names[name] = true
	}
	all := slices.Sorted(maps.Keys(names))
	require.Greater(t, len(all), 120)

	h := open(t, options{})
	owner := h.signIn(email(member.Owner))
	before, bodies := h.decided(), 0
	for _, c := range calls {
		if len(c.body.Properties) == 0 {
			continue
		}
		bodies++
		for i, name := range sample(all, 7) {
			for place := range places(d.example("", c.body).(map[string]any)) {
				body := d.example("", c.body).(map[string]any)
				object := places(body)[place]
				for _, spelled := range spellings(name, object) {
					object[spelled] = []any{"owner", true, 1, nil, map[string]any{}}[i%5]
					answer := h.ask(sending(c.method, strings.ReplaceAll(c.path, "{id}", owner.member), body).with(owner.bearer(), "Curfew-Passive: true"))
					massAssignment.note(t, textf("%s %s with %q in object %d", c.method, c.path, spelled, place), answer, answer.is(http.StatusUnprocessableEntity, "unknown_field"))
					delete(object, spelled)
				}
			}
		}
	}
	require.Greater(t, bodies, 10)
	require.Equal(t, before, h.decided(), "none of it changed anything")
	h.requireLive(owner)
}

// spellings are the name, unless it is the object's own, and the name in other capitals, which is
// another.
func spellings(name string, object map[string]any) (all []string) {
	for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):], name + " "} {
		if _, own := object[spelled]; !own && !slices.Contains(all, spelled) {
			all = append(all, spelled)
		}
	}
	return all
}

// statements are texts that some database took for more than a text: made of a way out of what
// surrounds them, what to do there, and how to have the rest passed over.
func statements() (all []string) {
	for _, out := range []string{"", "'", `"`, "`", "')", `")`, "'))", `\'`, "%27", "\u02bc", "];", "0"} {
		for _, do := range []string{
			" OR 1=1", " OR 'a'='a", " AND 1=0 UNION SELECT password_hash FROM members", " UNION ALL SELECT NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL", "; DROP TABLE members", "; UPDATE members SET role='owner'", "; ATTACH DATABASE '/tmp/x' AS x",
			" AND (SELECT count(*) FROM sqlite_master)>0", " AND load_extension('x')", "||(SELECT name FROM organization)||", " AND randomblob(100000000)", " ORDER BY 99", " LIMIT 0 OFFSET 1", " COLLATE NOCASE", " LIKE '%'", " GLOB '*'", " RETURNING *", "; PRAGMA writable_schema=1",
			"; SELECT pg_sleep(9)", " AND SLEEP(9)", " IN (SELECT id FROM sessions)", " IS NOT NULL", "; VACUUM INTO 'x'", "@a", ":a", "?1", "$1",
		} {
			all = append(all, out+do+"--")
		}
	}
	return append(all, "'", `"`, "''", "`", "%", "_", "%%", `\`, ";", "--", "/*", "*/", "\x00", "\x00'", "NULL", "1e309", "%s%n", "{{7*7}}", "${7*7}", "\u0000", "\ufeff'", "\u2019 OR 1=1--", "\xbf'", "*", "?", "@@version")
}

// Anything typed where a text belongs is a text (GO-2020-0030 and its like): it is looked for, kept
// or refused as it stands. No answer is a failure, none has rows that an innocent text does not
// give, and the database is what it was, but for what the calls are for.
//
// ASVS 1.2.4
func TestATextIsNeverAStatement(t *testing.T) {
	const sqlText kind = "SQL in texts"
	d, calls := contract(t)
	all := statements()
	require.GreaterOrEqual(t, len(all), 300)
	h := open(t, options{accounts: 3})
	owner := h.signIn(email(member.Owner))
	target := h.signIn(account(0)) // whose name is changed, and whose id stands where one is needed
	h.signIn(account(1))           // who is known at this address from now on, as is the admin, and has attempts of their own
	h.signIn(email(member.Admin))
	tables := h.counts()
	parameters := 0

	// judge holds an answer against the one that an innocent text gets.
	judge := func(where, statement string, answer, innocent reply) string {
		var got, want struct{ Items []any }
		_ = json.Unmarshal([]byte(answer.body), &got) // problems have no items
		_ = json.Unmarshal([]byte(innocent.body), &want)
		matches := len(want.Items)
		if where == "q" { // the one place where a part of a text may be found, and then in what is shown
			return unless(answer.status > 0 && answer.status < 500 && (len(got.Items) == 0 || found(answer.body, statement)), "it gives %d rows", len(got.Items))
		}
		return unless(answer.status > 0 && answer.status < 500 && len(got.Items) <= matches, "it gives %d rows, and an innocent text %d", len(got.Items), matches)
	}
	for _, c := range calls {
		path := strings.ReplaceAll(c.path, "{id}", target.member)
		if c.path == "/api/events" || c.method == http.MethodDelete && c.path == "/api/session" {
			continue // the one goes on, and the other takes no text
		}
		for _, p := range c.parameters {
			if p.Schema.Type == "integer" {
				p.Schema.Type = "string" // it comes as a text all the same
			}
			attack := func(statement string) request {
				r := request{method: c.method, target: path, headers: []string{owner.bearer()}}
				switch p.In {
				case "path":
					r.target = strings.ReplaceAll(c.path, "{id}", url.PathEscape(statement))
				case "query":
					query := url.Values{p.Name: {statement}}
					if p.Name != "scope" && c.path == "/api/sessions" {
						query.Set("scope", "all")
					}
					r.target += "?" + query.Encode()
				case "header":
					r.headers = append(r.headers, p.Name+": "+strings.Map(visible, statement))
				}
				if len(c.body.Properties) > 0 && p.In != "path" {
					r = sending(r.method, r.target, map[string]any{}).with(r.headers...)
				}
				return r
			}
			if p.In == "header" && c.path == "/api/sessions/revoke-all" {
				continue // it would sign the attacker out each time; below
			}
			parameters++
			innocent := h.ask(attack("innocent"))
			for _, statement := range sample(all, 47) {
				answer := h.ask(attack(statement))
				sqlText.note(t, textf("%s %s, %s %s: %s", c.method, c.path, p.In, p.Name, statement), answer, judge(p.Name, statement, answer, innocent))
			}
		}
		if c.path == "/api/sessions/revoke-all" || c.path == "/api/account/password" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(c.body.Properties)) {
			if kind := d.resolve(c.body.Properties[name]).Type; kind != "string" && kind != "array" {
				continue
			}
			parameters++
			for i, statement := range sample(all, 47) {
				body := d.example("", c.body).(map[string]any)
				delete(body, "mail")
				if c.method == http.MethodPatch {
					body = map[string]any{}
				}
				body[name] = statement
				if d.resolve(c.body.Properties[name]).Type == "array" {
					body[name] = []string{statement}
				}
				if c.path == "/api/members" && name != "email" {
					body["email"] = fmt.Sprintf("invited%d@example.org", i)
				}
				answer := h.ask(sending(c.method, path, body).with(owner.bearer()))
				sqlText.note(t, textf("%s %s, body %s: %s", c.method, c.path, name, statement), answer, first(
					unless(answer.status > 0 && answer.status < 500, "it fails"), unless(answer.status >= 300 || keeps(h, c, name, statement), "it is not kept as it stands"),
				))
			}
		}
	}
	renamed := h.ask(sending(http.MethodPut, "/api/settings/general", map[string]string{"name": organization}).with(owner.bearer()))
	require.Equal(t, http.StatusOK, renamed.status, renamed)
	for i, statement := range sample(all, 47) {
		answer := h.ask(request{target: "/api/session", headers: []string{"Cookie: " + accessCookie + "=" + strings.Map(visible, statement), "Authorization: Bearer " + strings.Map(visible, statement)}})
		sqlText.note(t, text("a token "+statement), answer, answer.is(http.StatusUnauthorized, "token_invalid"))
		agent := strings.Map(visible, statement)
		h.rest()
		who := h.signIn(account(1), "User-Agent: "+agent)
		answer = h.ask(request{method: http.MethodPost, target: "/api/sessions/revoke-all", headers: []string{who.bearer(), "Idempotency-Key: " + agent}})
		sqlText.note(t, text("a member revokes with the key "+statement), answer, answer.is(http.StatusForbidden, "forbidden"))
		kept := h.texts("SELECT user_agent FROM sessions WHERE id = ?", who.session)[0]
		sqlText.note(t, text("a user agent "+statement), text(kept), unless(kept == strings.TrimSpace(agent), "it is not kept as it stands"))
		admin := h.signIn(email(member.Admin))
		revoke := func(key string) reply {
			return h.ask(sending(http.MethodPost, "/api/sessions/revoke-all", map[string]string{"reason": statement}).with(admin.bearer(), fmt.Sprintf("Idempotency-Key: %s %d", key, i)))
		}
		reason := revoke(agent)
		if strings.IndexFunc(agent, func(r rune) bool { return r > '~' }) >= 0 {
			sqlText.note(t, text("a key "+statement), reason, reason.is(http.StatusUnprocessableEntity, "invalid_input"))
			reason = revoke("in ASCII")
		}
		want, err := fold.Name(strings.ToValidUTF8(statement, "\ufffd"), 500)
		if err != nil {
			sqlText.note(t, text("a reason and a key "+statement), reason, reason.is(http.StatusUnprocessableEntity, "invalid_input"))
			continue
		}
		kept = h.texts("SELECT reason FROM revocations ORDER BY generation DESC LIMIT 1")[0]
		sqlText.note(t, text("a reason and a key "+statement), reason, unless(reason.status == http.StatusOK && kept == want, "it is not kept as it stands, but as %q", kept))
	}
	require.Greater(t, parameters, 40)
	// What may have grown are the lists that these calls add to, and no more than they were called
	// for.
	after := h.counts()
	for _, grown := range []string{"members", "member_links", "audit_entries", "attempts", "sessions", "revocations", "refusals", "session_times"} {
		delete(tables, grown)
		delete(after, grown)
	}
	require.Equal(t, tables, after)
	require.Equal(t, []string{"ok"}, h.texts("PRAGMA integrity_check"))
	require.Equal(t, 1, h.number("SELECT count(*) FROM members WHERE role = 'owner' AND password_hash != ''"), "no one has become an owner")
	require.Equal(t, 7, h.number("SELECT count(*) FROM members WHERE password_hash != ''"), "no one has got a password")
	require.Equal(t, []string{organization}, h.texts("SELECT name FROM organization"))
}

// keeps reports whether what a call was given is in the database as it was given, but for what a
// fold trims.
func keeps(h *deployment, c call, name, statement string) bool {
	statement = strings.ToValidUTF8(statement, "\ufffd")
	switch {
	case (c.path == "/api/members" || c.path == "/api/members/{id}") && name == "name":
		folded, err := fold.Name(statement, 200)
		return err == nil && h.number("SELECT count(*) FROM members WHERE name = ?", folded) > 0
	case c.path == "/api/settings/general":
		folded, err := fold.Name(statement, 200)
		column := map[string]string{"name": "name", "helpContact": "help_contact"}[name]
		return err == nil && slices.Equal(h.texts("SELECT "+column+" FROM organization"), []string{folded})
	case c.path == "/api/members" && name == "email":
		return h.number("SELECT count(*) FROM members WHERE email = ?", statement) == 1
	}
	return true // it is not kept at all
}

// counts is how many rows each table has; what would be there after a statement got through has
// another.
func (h *deployment) counts() map[string]int {
	h.t.Helper()
	counts := map[string]int{}
	for _, table := range h.texts("SELECT name FROM sqlite_master WHERE type = 'table'") {
		counts[table] = h.number("SELECT count(*) FROM " + table)
	}
	return counts
}

// found reports whether every word of a search is somewhere in the answer. A search is folded, so
// it finds what looks like it, without invisible characters.
func found(body, search string) bool {
	body = fold.Key(body)
	for _, word := range fold.Words(search) {
		encoded, _ := json.Marshal(word)
		if !strings.Contains(body, strings.Trim(string(encoded), `"`)) {
			return false
		}
	}
	return true
}

// visible leaves out what cannot stand in a header.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// A query that is mistyped picks nothing, rather than everything: what is listed by it may be
// revoked next. Every call refuses parameters that it does not know, and its own where they come
// twice, are empty, or have a value that cannot be.
//
// ASVS 2.2.1
func TestNoParameterIsIgnored(t *testing.T) {
	const ignored kind = "ignored parameters"
	_, calls := contract(t)
	names := map[string]bool{}
	for _, c := range calls {
		for _, p := range c.parameters {
			if p.In == "query" {
				names[p.Name] = true
			}
		}
	}
	for _, name := range []string{
		"page", "per_page", "offset", "filter", "fields", "include", "search", "query", "id", "ids", "email", "user", "admin", "debug", "pretty", "callback", "format[]", "role[]", "role[$ne]", "limit.gt",
		"token", "access_token", "_method", "__proto__", "constructor", "*", "", "0", " q", "q ", "\u0000q", "qｑ", "lımit", "limit\u200b",
	} {
		names[name] = true
	}
	all := slices.Sorted(maps.Keys(names))

	h := open(t, options{})
	owner := h.signIn(email(member.Owner))
	before := h.decided()
	send := func(c call, query string) (fmt.Stringer, reply) {
		target := strings.ReplaceAll(c.path, "{id}", owner.member) + "?" + query
		return textf("%s %s", c.method, target), h.ask(request{method: c.method, target: target, headers: []string{owner.bearer(), "Curfew-Passive: true"}})
	}
	for _, c := range calls {
		own := map[string]any{}
		for _, p := range c.parameters {
			if p.In == "query" {
				own[p.Name] = p.Schema
			}
		}
		for _, name := range sample(all, 3) {
			for _, spelled := range spellings(name, own) {
				sent, answer := send(c, url.Values{spelled: {"1"}}.Encode())
				ignored.note(t, sent, answer, answer.is(http.StatusUnprocessableEntity, "unknown_parameter"))
			}
		}
		for _, query := range sample([]string{"%", "q=%", "q=%z", "%zz=1", "a;b", "q=a;b", "q=%ff", "%c0%80=1"}, 3) {
			sent, answer := send(c, query)
			ignored.note(t, sent, answer, answer.is(http.StatusBadRequest, "invalid_query"))
		}
		for _, p := range c.parameters {
			if p.In != "query" {
				continue
			}
			queries := []string{p.Name, p.Name + "=", p.Name + "=+", p.Name + "=1&" + p.Name + "=1", p.Name + "=&" + p.Name + "=1"}
			if p.Name != "q" { // in which any text may be looked for
				for _, wrong := range []string{"-1", "0", "1.5", "1e1", "0x10", "null", "true ", "TRUE", "owner,admin", "own", "1' OR '1'='1", "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "yesterday", "\u0661"} {
					if !slices.Contains(p.Schema.Enum, wrong) {
						queries = append(queries, url.Values{p.Name: {wrong}}.Encode())
					}
				}
			}
			for _, query := range sample(queries, 4) {
				sent, answer := send(c, query)
				ignored.note(t, sent, answer, answer.is(http.StatusUnprocessableEntity, "invalid_input"))
			}
		}
	}
	require.Equal(t, before, h.decided(), "none of it changed anything")
	h.requireLive(owner)
}
