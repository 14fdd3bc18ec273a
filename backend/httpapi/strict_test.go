package httpapi_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// queryParameters are the names that the contract has for each call, as in "GET /api/audit".
func queryParameters(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	type parameter struct {
		Name, In string
		Alias    string `yaml:"$ref"`
	}
	var spec struct {
		Paths      map[string]map[string]yaml.Node
		Components struct{ Parameters map[string]parameter }
	}
	require.NoError(t, yaml.Unmarshal(text, &spec))
	names := map[string][]string{}
	for path, calls := range spec.Paths {
		for method, node := range calls {
			var call struct{ Parameters []parameter }
			if method == "parameters" {
				continue
			}
			require.NoError(t, node.Decode(&call))
			for _, p := range call.Parameters {
				if p.Alias != "" {
					p = spec.Components.Parameters[p.Alias[strings.LastIndex(p.Alias, "/")+1:]]
				}
				if p.In == "query" {
					at := strings.ToUpper(method) + " " + path
					names[at] = append(names[at], p.Name)
				}
			}
		}
	}
	require.Greater(t, len(names), 5)
	return names
}

// ASVS 2.2.1
func TestEveryRouteRefusesAQueryThatItDoesNotKnow(t *testing.T) {
	h := open(t, options{})
	names := queryParameters(t)
	before, asked := "", 0
	for _, c := range []*client{h.program(member.Owner), h.operator()} {
		before = h.everythingDecided()
		for _, call := range c.h.routes() {
			ask := func(query string) *answer {
				asked++
				return c.call(call, func(r *request) { r.target += "?" + query })
			}
			for _, query := range []string{"nonsense=1", "nonsense", "Limit=1", "limit[]=1", "limit%00=1", "_method=DELETE", "pretty"} {
				name, _, _ := strings.Cut(query, "=")
				name, err := url.QueryUnescape(name)
				require.NoError(t, err)
				a := ask(query)
				a.requireProblem(http.StatusUnprocessableEntity, "unknown_parameter")
				a.requireFields(name + " unknown_parameter")
			}
			for _, query := range []string{"%", "q=%zz", "a;b", "q=1;limit=2", "q=%ff", "%ff=1"} {
				ask(query).requireProblem(http.StatusBadRequest, "invalid_query")
			}
			for _, name := range names[call] {
				ask(name + "=1&" + name + "=2").requireFields(name + " invalid")
				for _, empty := range []string{name, name + "=", name + "=+", name + "=%09"} {
					ask(empty).requireFields(name + " invalid")
				}
				ask(strings.ToUpper(name) + "=1").requireFields(strings.ToUpper(name) + " unknown_parameter")
				a := ask(name + "=&zzz=1")
				a.requireProblem(http.StatusUnprocessableEntity, "invalid_input")
				a.requireFields(name+" invalid", "zzz unknown_parameter")
			}
		}
		require.Equal(t, before, h.everythingDecided())
	}
	require.Greater(t, asked, 900)
}

// ASVS 2.2.1
func TestAValueThatCannotExistIsRefused(t *testing.T) {
	h := open(t, options{})
	owner, operator := h.browser(member.Owner), h.operator()
	for query, want := range map[string]string{
		"/api/members?role=owmer":                                     "role oneof",
		"/api/members?state=gone":                                     "state oneof",
		"/api/members?limit=1.0":                                      "limit range",
		"/api/members?limit=%2B5":                                     "limit range",
		"/api/members?limit=007":                                      "limit range",
		"/api/audit?action=sesion.ended":                              "action oneof",
		"/api/audit?member=ana@example.org":                           "member invalid",
		"/api/audit?member=00000000-0000-0000-0000-000000000000":      "member invalid",
		"/api/audit?until=0001-01-01T00:00:00Z":                       "until datetime",
		"/api/audit?since=2026-11-23":                                 "since datetime",
		"/api/audit?since=2026-11-23T00:00:00":                        "since datetime",
		"/api/audit?format=xml":                                       "format oneof",
		"/api/sessions?scope=all&format=csv&limit=3":                  "limit invalid",
		"/api/audit?format=csv&limit=3":                               "limit invalid",
		"/api/audit?format=jsonl&cursor=x":                            "cursor invalid",
		"/api/sessions?scope=all&signedInBefore=0001-01-01T00:00:00Z": "signedInBefore datetime",
		"/api/sessions?member=018f0000-0000-7000-8000-000000000000":   "member invalid",
		"/api/sessions?q=ana":                                         "q invalid",
		"/api/sessions?scope=own&device=phone":                        "device invalid",
		"/api/sessions?sort=member":                                   "sort invalid",
		"/api/sessions?order=asc":                                     "order invalid",
		"/api/sessions?signedInSince=2026-11-23T00:00:00Z":            "signedInSince invalid",
	} {
		owner.get(query, malformed).requireFields(want)
	}
	operator.get("/api/sessions?scope=own").requireFields("scope invalid")
	owner.delete("/api/account/second-factor?endOtherSessions=yes", malformed).requireFields("endOtherSessions oneof")
	for _, fine := range []string{"/api/audit?member=" + strings.ToUpper(owner.requireLive().Member.Id), "/api/sessions?scope=own", "/api/sessions?scope=all&sort=ends"} {
		owner.get(fine).requireStatus(http.StatusOK)
	}
	var page httpapi.AuditPage
	owner.get("/api/audit?member="+strings.ToUpper(owner.requireLive().Member.Id)).into(http.StatusOK, &page)
	require.NotEmpty(t, page.Items, "an id in capitals is the same id")
}

func TestASpaceBeforeAnOffsetIsAPlus(t *testing.T) {
	h := open(t, options{})
	owner := h.browser(member.Owner)
	at := h.clock.Now().Add(time.Second).In(time.FixedZone("", 3600)).Format(time.RFC3339)
	require.Contains(t, at, "+01:00")
	for target, none := range map[string]bool{"/api/audit?since=": true, "/api/audit?until=": false} {
		var page httpapi.AuditPage
		owner.get(target+at, malformed).into(http.StatusOK, &page) // where the plus is a space
		require.Equal(t, none, len(page.Items) == 0, target)
		owner.get(target+url.QueryEscape(at)).into(http.StatusOK, &page)
		require.Equal(t, none, len(page.Items) == 0, target)
	}
	for _, target := range []string{"/api/sessions/summary?since=", "/api/sessions?scope=all&signedInSince=", "/api/sessions?scope=all&signedInBefore="} {
		owner.get(target+at, malformed).requireStatus(http.StatusOK)
	}
	owner.get("/api/audit?since=2026-11-23T00:00:00++01:00", malformed).requireFields("since datetime")
}

// A body, a key or a condition that a call would ignore is refused, so that no client relies on it.
//
// ASVS 2.2.1
func TestWhatACallWouldIgnoreIsRefused(t *testing.T) {
	h := open(t, options{})
	c, operator, refused := h.program(member.Owner), h.operator(), 0
	h.program(member.Owner)
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	var spec struct {
		Paths map[string]map[string]struct {
			RequestBody any `yaml:"requestBody"`
		}
	}
	before := h.everythingDecided()
	_ = yaml.Unmarshal(text, &spec) // a path's own parameters are a list, and no call
	for _, by := range []*client{c, operator} {
		for _, call := range by.h.routes() {
			method, path, _ := strings.Cut(call, " ")
			if method == http.MethodGet {
				continue
			}
			if call != "POST /api/sessions/revoke-all" {
				by.call(call, header("Idempotency-Key", "k")).requireFields("Idempotency-Key unknown_parameter")
			}
			if call != "PUT /api/settings/security" && call != "PUT /api/settings/general" {
				by.call(call, header("If-Match", `"1"`)).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
				by.call(call, header("If-None-Match", "*")).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
				by.call(call, header("If-Match", "1")).requireProblem(http.StatusBadRequest, "invalid_header")
			}
			known, documented := spec.Paths[path][strings.ToLower(method)]
			if !documented || known.RequestBody != nil {
				continue
			}
			by.call(call, raw(`{"endOtherSessions":true}`)).requireProblem(http.StatusUnprocessableEntity, "unknown_field")
			refused++
		}
	}
	require.Greater(t, refused, 10)
	require.Equal(t, before, h.everythingDecided())
	c.post("/api/sessions/revoke-others", nil, raw("{}")).requireStatus(http.StatusOK)
}

// RFC 9110, 13.1
func TestConditionsAreThoseOfTheStandard(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	admin.savePolicy(policy(10, "days", true))
	inForce := admin.savePolicy(policy(9, "days", true))
	save := func(name, value string) *answer {
		return admin.put("/api/settings/security", policy(9, "days", true), header(name, value))
	}
	before := h.everythingDecided()
	for code, tags := range map[string][]string{
		"stale_version":       {`"2"`, `"1", "2"`, `"abc", "1"`},
		"precondition_failed": {`"4"`, `"abc"`, `W/"3"`, `W/"2"`, `"99999999999999999999"`, `"03"`, `"0"`, `""`},
	} {
		for _, tag := range tags {
			p := save("If-Match", tag).requireProblem(http.StatusPreconditionFailed, code)
			require.Equal(t, inForce, *p.Current, tag)
			for _, claim := range []string{"Someone", "meanwhile", "saved since"} {
				require.True(t, code == "stale_version" || !strings.Contains(p.Detail, claim), "%s: %s", tag, p.Detail)
			}
		}
	}
	for _, tag := range []string{"", " ", "3", `"3`, "*, \"3\"", `"2" "3"`, `w/"3"`, ","} {
		save("If-Match", tag).requireProblem(http.StatusBadRequest, "invalid_header")
		save("If-None-Match", tag).requireProblem(http.StatusBadRequest, "invalid_header")
		admin.get("/api/settings/security", header("If-None-Match", tag)).requireProblem(http.StatusBadRequest, "invalid_header")
	}
	for _, tag := range []string{"*", `"3"`, `W/"3"`, `"1", "3"`} {
		save("If-None-Match", tag).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
		a := admin.get("/api/settings/security", header("If-None-Match", tag)).requireStatus(http.StatusNotModified)
		require.Empty(t, a.body)
		require.Equal(t, `"3"`, a.Header.Get("ETag"))
	}
	require.Equal(t, before, h.everythingDecided())

	admin.get("/api/settings/security", header("If-None-Match", `"2"`)).requireStatus(http.StatusOK)
	admin.get("/api/settings/security", header("If-Match", `"2"`)).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
	admin.put("/api/settings/security", policy(8, "days", true), header("If-Match", `"2"`), header("If-Match", `"3"`)).requireStatus(http.StatusOK)
	admin.put("/api/settings/security", policy(7, "days", true), header("If-Match", `W/"4", ,"4"`)).requireStatus(http.StatusOK)
	admin.put("/api/settings/security", policy(6, "days", true), header("If-Match", "*")).requireStatus(http.StatusOK)
	admin.put("/api/settings/security", policy(5, "days", true), header("If-None-Match", `"1"`)).requireStatus(http.StatusOK)
}

func TestTheContractNamesEveryAction(t *testing.T) {
	h := open(t, options{})
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	for _, action := range everyAction(t) {
		require.Contains(t, string(text), action, "list it among the values of listAudit's action")
		h.browser(member.Owner).get("/api/audit?action=" + action).requireStatus(http.StatusOK)
	}
}

// Times sort as texts only where all have as many digits.
func TestEveryTimeHasThreeDigits(t *testing.T) {
	h := open(t, options{})
	h.clock.advance(time.Duration(1000-h.clock.Now().UnixMilli()%1000) * time.Millisecond) // to a whole second
	owner := h.program(member.Owner)
	h.clock.advance(120 * time.Millisecond)
	h.invite(owner, "kim@example.org", httpapi.RoleMember)
	ended := h.program(member.Plain)
	texts := string(owner.delete("/api/sessions/" + ended.id()).body)
	owner.savePolicy(policy(9, "days", true))
	for _, a := range []*answer{
		ended.get("/api/session"), owner.get("/api/audit?format=csv"), owner.get("/api/audit?format=jsonl"), owner.get("/api/sessions?scope=all"),
		owner.post("/api/settings/security/preview", policy(1, "hours", true)), owner.renew(),
		owner.post("/api/account/second-factor/enrolment", nil), h.operator().post("/api/backup", map[string]any{"file": t.TempDir() + "/b.db"}),
	} {
		texts += string(a.body)
	}
	for _, call := range owner.h.routes() {
		if strings.HasPrefix(call, "GET") && call != "GET /api/events" && call != "GET /api/openapi.json" && call != "GET /api/docs" {
			texts += string(owner.call(call).body)
		}
	}
	var event httpapi.SecuritySettings
	stream := owner.listen()
	owner.savePolicy(policy(8, "days", true))
	stream.next("policy.changed", &event)
	found := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]*[^",]*`).FindAllString(texts, -1)
	require.Greater(t, len(found), 60)
	for _, at := range found {
		require.Regexp(t, `T\d\d:\d\d:\d\d\.\d{3}Z$`, at)
	}
}
