package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// searchLog returns the actions of the entries on the first page of a search, and its cursor.
func (c *client) searchLog(query url.Values) (actions []string, next *string) {
	c.h.t.Helper()
	var page httpapi.AuditPage
	c.get("/api/audit?"+query.Encode()).into(http.StatusOK, &page)
	for _, entry := range page.Items {
		actions = append(actions, entry.Action)
	}
	return actions, page.NextCursor
}

// TestTheLogIsSearched by what an entry says in words: the members by their names then and now, the
// action, the address, and what people wrote.
func TestTheLogIsSearched(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	var invitation httpapi.Invitation
	owner.post("/api/members", map[string]any{"name": "Jürgen Groß", "email": "jg@example.org", "role": "member"}).into(http.StatusCreated, &invitation)
	id := invitation.Member.Id
	owner.post("/api/members/"+id+"/link", nil).requireStatus(http.StatusCreated)
	owner.patch(id, map[string]any{"name": "Jörg Klein"}).requireStatus(http.StatusOK)
	h.program(member.Admin).revokeAll("A laptop was stolen on the train")
	auditor := h.program(member.Auditor)

	const (
		invited = string(audit.MemberInvited)
		issued  = string(audit.LinkIssued)
		changed = string(audit.MemberChanged)
		revoked = string(audit.SessionsRevokedAll)
		started = string(audit.SessionStarted)
	)
	for search, want := range map[string][]string{
		"JORG":                   {changed, issued, invited},
		"jurgen":                 {changed, invited},
		"jg@example.org":         {changed, issued, invited},
		"jorg changed":           {changed},
		"Stolen  laptop":         {revoked},
		"revoked all":            {revoked},
		"everyone out":           {revoked},
		"192.0.2.10 login":       {started, started, started},
		"curfew-test":            nil, // the user agent is no words
		"jorg stolen":            nil,
		id:                       nil,
		"a word that is nowhere": nil,
	} {
		found, next := auditor.searchLog(url.Values{"q": {search}})
		require.Equal(t, want, found, search)
		require.Nil(t, next, search)
	}
	found, _ := auditor.searchLog(url.Values{"q": {"jorg"}, "action": {issued}})
	require.Equal(t, []string{issued}, found)
	found, _ = auditor.searchLog(url.Values{"q": {"klein"}, "member": {id}, "since": {"2090-01-01T00:00:00Z"}})
	require.Empty(t, found)
	found, next := auditor.searchLog(url.Values{"q": {"jorg"}, "limit": {"2"}})
	require.Equal(t, []string{changed, issued}, found)
	found, next = auditor.searchLog(url.Values{"q": {"jorg"}, "cursor": {*next}})
	require.Equal(t, []string{invited}, found)
	require.Nil(t, next)

	file := auditor.get("/api/audit?format=jsonl&q=jorg").requireStatus(http.StatusOK)
	require.Equal(t, 3, strings.Count(string(file.body), "\n"))
	entries := h.audited()
	require.Equal(t, map[string]any{"format": "jsonl", "filters": map[string]any{"q": "jorg"}}, entries[len(entries)-1].Details)
}

// TestALongSearchGoesOnByItsCursor: it reads a part of the log for one answer, and a file to the
// end.
func TestALongSearchGoesOnByItsCursor(t *testing.T) {
	h := open(t, options{})
	auditor := h.program(member.Auditor)
	h.fillLog(45_000)
	query, pages := url.Values{"q": {"signed in"}}, 1
	found, next := auditor.searchLog(query)
	for ; next != nil; pages++ {
		require.Empty(t, found)
		query.Set("cursor", *next)
		found, next = auditor.searchLog(query)
	}
	require.Equal(t, []string{string(audit.SessionStarted)}, found)
	require.Equal(t, 3, pages)

	file := auditor.get("/api/audit?format=jsonl&action=session.started&q=signed+in").requireStatus(http.StatusOK)
	var only httpapi.AuditEntry
	require.NoError(t, json.Unmarshal(file.body, &only))
	require.Equal(t, string(audit.SessionStarted), only.Action)
}
