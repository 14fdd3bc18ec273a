package httpapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// attempt is one at a sign-in, on any client.
type attempt func(on *client) *answer

// waysIn are the ways by which a session begins, by their handlers. Decision 16 lists them with
// their controls.
var waysIn = map[string]struct {
	right      func(laptop *device) attempt
	wrong      func(laptop *device) attempt
	refusal    string
	methods    []string
	restricted bool // if the organization requires a second factor
}{
	"signIn": {
		right: func(*device) attempt {
			return func(on *client) *answer { return on.post("/api/sessions", credentials(member.Plain, "cookie")) }
		},
		wrong: func(*device) attempt {
			return func(on *client) *answer { return on.post("/api/sessions", guess(email(member.Plain))) }
		},
		refusal: "bad_credentials", methods: []string{"password"}, restricted: true,
	},
	"signInByPasskey": {
		right:   func(laptop *device) attempt { return func(on *client) *answer { return on.signInBy(laptop) } },
		wrong:   wrongPasskey,
		refusal: "bad_passkey", methods: []string{"passkey"},
	},
}

// wrongPasskey answers another challenge than the one that was put.
func wrongPasskey(laptop *device) attempt {
	return func(on *client) *answer {
		begun := on.ask("/api/passkeys/challenge")
		return on.answerBy("/api/sessions/passkey", begun, laptop.get(strings.Repeat("A", len(begun.challenge))))
	}
}

// TestEveryWayInStandsUnderTheSameControls: each is logged, by its methods, and refused to
// deactivated members; its network is paced; and it is held to the factors that the organization
// requires. There is no other way in: a handler that begins a session and is not listed is a fault.
//
// ASVS 6.1.3, 6.3.4
func TestEveryWayInStandsUnderTheSameControls(t *testing.T) {
	require.Equal(t, []string{"startSession"}, callersOf(t, "Start"))
	// TestAnAcceptedInvitationBeginsASession holds the third way, which has nothing to guess.
	require.ElementsMatch(t, []string{"signIn", "signInByPasskey", "acceptInvitation"}, callersOf(t, "startSession"))
	require.Len(t, waysIn, 2)
	for name, way := range waysIn {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{})
			mine, admin := h.program(member.Plain), h.program(member.Admin)
			laptop := mine.newDevice()
			right, wrong := way.right(laptop), way.wrong(laptop)
			logged := func(action string) int64 {
				return h.number("SELECT count(*) FROM audit_entries WHERE action = ?", action)
			}

			started := logged("session.started")
			on := h.at("203.0.113.9")
			right(on).requireStatus(http.StatusCreated)
			require.Equal(t, way.methods, on.requireLive().Session.Methods)
			require.Equal(t, started+1, logged("session.started"))

			refused := logged("session.refused")
			wrong(h.at("203.0.113.8")).requireProblem(http.StatusUnauthorized, way.refusal)
			require.Equal(t, refused+1, logged("session.refused"))

			requireFactor := func(required bool) {
				h.operator().put("/api/settings/sign-in", map[string]any{"requireSecondFactor": required}).into(http.StatusOK, &httpapi.SignInSettings{})
			}
			requireFactor(true)
			require.Equal(t, way.restricted, on.requireLive().Restricted)
			requireFactor(false)

			target := "/api/members/" + mine.requireLive().Member.Id
			admin.do(http.MethodPatch, target, map[string]any{"active": false}).requireStatus(http.StatusOK)
			on.get("/api/session").requireProblem(http.StatusUnauthorized, "member_deactivated")
			right(h.at("203.0.113.9")).requireProblem(http.StatusUnauthorized, way.refusal)
			admin.do(http.MethodPatch, target, map[string]any{"active": true}).requireStatus(http.StatusOK)

			for range 60 { // which cost no hash
				wrongPasskey(laptop)(h.at("203.0.113.7")).requireProblem(http.StatusUnauthorized, "bad_passkey")
			}
			right(h.at("203.0.113.7")).requireProblem(http.StatusTooManyRequests, "too_many_attempts")
		})
	}
}

// callersOf are the functions of the room that call one of that name.
func callersOf(t *testing.T, name string) (callers []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			ast.Inspect(f, func(node ast.Node) bool {
				if selected, ok := node.(*ast.SelectorExpr); ok && selected.Sel.Name == name {
					callers = append(callers, f.Name.Name)
				}
				return true
			})
		}
	}
	return slices.Compact(callers)
}
