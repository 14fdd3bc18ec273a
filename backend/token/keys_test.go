package token

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ASVS 11.5.1, 13.3.1
func TestSecretsAreMadeOnceAndForTheirOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	made, err := LoadSecrets(path, noon)
	require.NoError(t, err)
	require.Len(t, made.AccessTokens, 1)
	require.Len(t, made.AccessTokens[0].Secret, 32)
	require.Len(t, made.Root, 32)
	require.NotEqual(t, made.AccessTokens[0].Secret, made.Root)
	require.True(t, made.AccessTokens[0].CreatedAt.Equal(noon))

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing stays behind beside the file")

	again, err := LoadSecrets(path, noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	require.Equal(t, made, again)

	require.NotEqual(t, made, newDeployment(t).secrets, "another deployment has others")
}

// An operator meets these errors at the start of the program. Each names the file and what to do
// about it.
//
// ASVS 11.2.3, 13.3.1
func TestSecretsAreRefused(t *testing.T) {
	whole, short := base64.StdEncoding.EncodeToString(make([]byte, 32)), base64.StdEncoding.EncodeToString(make([]byte, 31))
	file := func(kid, secret, root string) string {
		return fmt.Sprintf(`{"accessTokens":[{"kid":"good","secret":%q},{"kid":%q,"secret":%q}],"root":%q}`, whole, kid, secret, root)
	}
	const restore = "; restore it from a backup, or remove it to sign everybody out"
	path := filepath.Join(t.TempDir(), "keys.json")
	load := func(t *testing.T, content string, mode os.FileMode) error {
		t.Helper()
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		_, err := LoadSecrets(path, noon)
		return err
	}
	require.NoError(t, load(t, file("other", whole, whole), 0o600), "every refusal below is this file with one change")
	require.NoError(t, load(t, file("other", whole, whole), 0o400))

	for _, tt := range []struct {
		name    string
		content string
		mode    os.FileMode
		want    string
	}{
		{"read by everybody", file("other", whole, whole), 0o644, " can be read by others; run chmod 600 on it"},
		{"read by the group", file("other", whole, whole), 0o640, " can be read by others; run chmod 600 on it"},
		{"written by everybody", file("other", whole, whole), 0o602, " can be read by others; run chmod 600 on it"},
		{"empty", "", 0o600, restore},
		{"garbage", "\x00garbage", 0o600, restore},
		{"cut short", file("other", whole, whole)[:40], 0o600, restore},
		{"an empty object", "{}", 0o600, " lacks a secret" + restore},
		{"no keys", fmt.Sprintf(`{"accessTokens":[],"root":%q}`, whole), 0o600, " lacks a secret" + restore},
		{"short root", file("other", whole, short), 0o600, " lacks a secret" + restore},
		{"short kept secret", strings.Replace(file("other", whole, whole), `"root"`, fmt.Sprintf(`"kept":%q,"root"`, short), 1), 0o600, " lacks a secret" + restore},
		{"second key short", file("other", short, whole), 0o600, " holds a key of less than 32 bytes" + restore},
		{"second key empty", file("other", "", whole), 0o600, " holds a key of less than 32 bytes" + restore},
		{"second key without a name", file("", whole, whole), 0o600, restore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := load(t, tt.content, tt.mode)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, tt.want)
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tt.content, string(kept), "a file that is refused is left alone")
		})
	}
}

func TestEachPurposeHasItsOwnSecret(t *testing.T) {
	here, there := newDeployment(t).secrets, newDeployment(t).secrets
	seen := map[string]string{string(here.Root): "the root", string(here.AccessTokens[0].Secret): "the access tokens' key"}
	for _, purpose := range []string{"refresh tokens", "known devices", "cursors"} {
		ours := here.Derive(purpose)
		again := here.Derive(purpose)
		require.Equal(t, ours, again, "%s: the same at every start", purpose)
		theirs := there.Derive(purpose)
		for owner, secret := range map[string][secretSize]byte{"here": ours, "there": theirs} {
			require.NotContains(t, seen, string(secret[:]), "%s %s", purpose, owner)
			seen[string(secret[:])] = purpose + " " + owner
		}
	}
	require.Len(t, seen, 2+2*3)
}

// TestTheKeptSecretOutlivesAllOthers: what is encrypted in the database can be read after a
// restore, and no token of before.
func TestTheKeptSecretOutlivesAllOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	made, err := LoadSecrets(path, noon)
	require.NoError(t, err)
	renewed, err := RenewSecrets(path, made.Kept, noon)
	require.NoError(t, err)
	read, err := LoadSecrets(path, noon)
	require.NoError(t, err)
	require.Equal(t, renewed, read)
	require.Equal(t, made.Kept, read.Kept)
	require.NotEqual(t, made.Root, read.Root)
	require.NotEqual(t, made.AccessTokens, read.AccessTokens)
	before := made.DeriveKept("test")
	after := read.DeriveKept("test")
	require.Equal(t, before, after)
	other := read.Derive("test")
	require.NotEqual(t, after, other)

	// A file from before it was kept apart has the same one at every start.
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(raw, []byte(`"kept"`), []byte(`"once"`), 1), 0o600))
	first, err := LoadSecrets(path, noon)
	require.NoError(t, err)
	again, err := LoadSecrets(path, noon)
	require.NoError(t, err)
	require.Len(t, first.Kept, 32)
	require.Equal(t, first, again)
	require.NotEqual(t, read.Kept, first.Kept)
	require.NotEqual(t, first.Root, first.Kept)
}
