package population

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/bench/program"
)

// TestCreate: curfew admits every session of the population by its token, and no other.
func TestCreate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	const size, members = 1000, 70
	curfew := filepath.Join(t.TempDir(), "curfew")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", curfew, ".")
	build.Dir = "../../.." // the product's module
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	require.NoError(t, Create(t.Context(), curfew, folder, size, members))

	server, err := program.Start(t.Context(), nil, curfew, "serve", "--data", folder)
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	tokens, err := OpenTokens(folder, members)
	require.NoError(t, err)
	for number := 1; number <= size; number++ {
		text, err := tokens.Of(number)
		require.NoError(t, err)
		show := program.Bearer(http.MethodGet, "/api/session", text)
		got, err := program.Want(t.Context(), server.Address, show, http.StatusOK)
		require.NoError(t, err)
		require.Contains(t, string(got.Body), `"id":"`+SessionID(number).String()+`"`)
		require.Contains(t, string(got.Body), `"email":"`+MemberEmail(MemberOf(number, members))+`"`)
	}
	text, err := tokens.Unknown()
	require.NoError(t, err)
	unknown := program.Bearer(http.MethodGet, "/api/session", text)
	_, err = program.Want(t.Context(), server.Address, unknown, http.StatusUnauthorized)
	require.NoError(t, err)
}
