package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
)

func firstOwner() httpapi.SetupRequest {
	return httpapi.SetupRequest{
		SetupToken: setupToken, Name: "Olga", Email: "Olga@example.org", Password: password, Organization: organization,
	}
}

func (h *deployment) setupRequired() bool {
	h.t.Helper()
	var state httpapi.SetupState
	h.stranger().get("/api/setup").into(http.StatusOK, &state)
	return state.Required
}

// ASVS 6.3.2
func TestSettingUpWorksOnce(t *testing.T) {
	h := open(t, options{unclaimed: true})
	require.True(t, h.setupRequired())

	a := h.stranger().post("/api/setup", firstOwner())
	var result httpapi.SetupResult
	a.into(http.StatusCreated, &result)
	require.Equal(t, httpapi.RoleOwner, result.Member.Role)
	require.Equal(t, organization, result.Organization.Name)
	require.Empty(t, a.Cookies(), "it signs nobody in")
	require.False(t, h.setupRequired())

	again := firstOwner()
	again.Email = "mallory@example.org"
	h.stranger().post("/api/setup", again).requireProblem(http.StatusConflict, "already_set_up")
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM members"))

	owner := h.stranger()
	owner.post("/api/sessions", httpapi.SignInRequest{Email: " oLGA@example.ORG ", Password: password}).signedIn(http.StatusCreated)
	current := owner.requireLive()
	require.Equal(t, organization, current.Organization.Name)
	require.Equal(t, "olga@example.org", current.Member.Email)
	require.Equal(t, httpapi.Policy{
		SessionLength: httpapi.Length{Value: 14, Unit: httpapi.UnitDays}, RefreshAutomatically: true,
	}, current.Policy, "what a fresh organization starts with")
}

// ASVS 2.3.4
func TestSettingUpInParallelMakesOneOwner(t *testing.T) {
	h := open(t, options{unclaimed: true})
	answers := inParallel(20, func(i int) *answer {
		in := firstOwner()
		in.Email = string(rune('a'+i)) + "@example.org"
		return h.stranger().send(http.MethodPost, "/api/setup", in)
	})
	require.Equal(t, 1, withStatus(answers, http.StatusCreated))
	require.Equal(t, 19, withStatus(answers, http.StatusConflict))
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM members"))
	require.EqualValues(t, 1, h.number("SELECT count(*) FROM audit_entries"))
}

func TestARefusedSetUpCreatesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		alter  func(*httpapi.SetupRequest)
		status int
		code   string
		fields []string
	}{
		"wrong token":         {func(in *httpapi.SetupRequest) { in.SetupToken += "x" }, 403, "setup_token_invalid", nil},
		"shortened token":     {func(in *httpapi.SetupRequest) { in.SetupToken = setupToken[:10] }, 403, "setup_token_invalid", nil},
		"no token":            {func(in *httpapi.SetupRequest) { in.SetupToken = "" }, 422, "invalid_input", []string{"setupToken required"}},
		"short password":      {func(in *httpapi.SetupRequest) { in.Password = strings.Repeat("a", 14) }, 422, "invalid_input", []string{"password min"}},
		"long password":       {func(in *httpapi.SetupRequest) { in.Password = strings.Repeat("a", 1025) }, 422, "invalid_input", []string{"password max"}},
		"no password":         {func(in *httpapi.SetupRequest) { in.Password = "" }, 422, "invalid_input", []string{"password required"}},
		"no e-mail address":   {func(in *httpapi.SetupRequest) { in.Email = "olga" }, 422, "invalid_input", []string{"email email"}},
		"no name, no company": {func(in *httpapi.SetupRequest) { in.Name, in.Organization = "", "" }, 422, "invalid_input", []string{"name required", "organization required"}},
		"a novel for a name":  {func(in *httpapi.SetupRequest) { in.Name = strings.Repeat("n", 201) }, 422, "invalid_input", []string{"name max"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{unclaimed: true})
			before := h.everythingDecided()
			in := firstOwner()
			c.alter(&in)
			a := h.stranger().post("/api/setup", in)
			a.requireProblem(c.status, c.code)
			if c.fields != nil {
				a.requireFields(c.fields...)
			}
			require.Equal(t, before, h.everythingDecided())
			require.True(t, h.setupRequired())
		})
	}
}

// The longest and the shortest password that set-up takes must also be one that sign-in takes.
//
// ASVS 6.2.8
func TestEveryPasswordThatSetUpTakesSignsIn(t *testing.T) {
	for name, secret := range map[string]string{
		"15 characters":         "fifteen letters",
		"15 characters of many": strings.Repeat("🙂", 15),
		"1024 bytes":            strings.Repeat("az", 512),
		"spaces at its ends":    "  spaces are kept  ",
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{unclaimed: true})
			in := firstOwner()
			in.Password = secret
			h.stranger().post("/api/setup", in).requireStatus(http.StatusCreated)
			h.stranger().post("/api/sessions", httpapi.SignInRequest{Email: in.Email, Password: secret}).requireStatus(http.StatusCreated)
			h.stranger().post("/api/sessions", httpapi.SignInRequest{Email: in.Email, Password: strings.TrimSpace(secret[1:])}).
				requireProblem(http.StatusUnauthorized, "bad_credentials")
		})
	}
}
