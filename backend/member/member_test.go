package member

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
)

// ASVS 6.2.1, 6.2.5, 6.2.9
func TestNewPasswords(t *testing.T) {
	for _, c := range []struct {
		name, password, code string
	}{
		{"one character too short", strings.Repeat("a", 14), "min"},
		{"just long enough", "fifteen letters", ""},
		{"just long enough, and common", strings.Repeat("a", 15), "common"},
		{"common in capitals", "PasswordPassword", "common"},
		{"common but for a letter", "passwordpassworx", ""},
		{"spaces only count like anything else", strings.Repeat(" ", 15), ""},
		{"characters count, not bytes", strings.Repeat("🙂", 15), ""},
		{"composed and decomposed count the same", strings.Repeat("e\u0301", 14), "min"},
		{"as long as allowed", strings.Repeat("az", 512), ""},
		{"too long", strings.Repeat("a", 1025), "max"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkNewPassword(c.password)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			var wrong *PasswordError
			require.True(t, errors.As(err, &wrong))
			require.Equal(t, c.code, wrong.Code)
		})
	}
}

// TestTheListOfCommonPasswordsIsWhole checks that at least 3,000 passwords of the required length
// are refused (ASVS 6.2.4).
//
// ASVS 6.2.4, 6.2.12
func TestTheListOfCommonPasswordsIsWhole(t *testing.T) {
	require.Greater(t, len(commonPasswords()), 9_000)
	for password := range commonPasswords() {
		var wrong *PasswordError
		require.ErrorAs(t, checkNewPassword(password), &wrong, password)
		require.Equal(t, "common", wrong.Code, password)
	}
}

// ASVS 6.1.2, 6.2.11
func TestPasswordsOfTheirContext(t *testing.T) {
	context := []string{"Example & Söhne", "Ana Ruiz-Díaz", "ana.ruiz@rockets.example"}
	for password, refused := range map[string]bool{
		"example söhne 1": true, "EXAMPLESÖHNE2026": true, "Ana Ruiz-Díaz 1990": true, "ana.ruiz@rockets": true, "curfew curfew!!": true,
		"rockets-rockets-rockets": true, "So\u0308hne Söhne Söhne": true,
		"ana likes green tea": false, "correct horse battery staple": false, "&&&&&&&&&&&&&&&": false, "curfew and fifteen": false,
	} {
		var wrong *PasswordError
		require.Equal(t, refused, errors.As(checkNewPassword(password, context...), &wrong), password)
		if refused {
			require.Equal(t, "context", wrong.Code, password)
		}
	}
}

// TestPasswordsOfCommonWordsAndRuns: a list of whole passwords never ends.
//
// ASVS 6.2.4
func TestPasswordsOfCommonWordsAndRuns(t *testing.T) {
	for password, refused := range map[string]bool{
		"password1234567": true, "password12345678901": true, "iloveyouiloveyou": true, "Passw0rd Passw0rd!": true,
		"aaaaaaaaaaaaaaa": true, "abcdefghijklmnop": true, "9876543210987654": true, "welcome, monkey 2026": true,
		"the dragon sleeps till noon": false, "stand defer hijack no": false, "abc on a blue door": false, "🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙": false,
	} {
		var wrong *PasswordError
		require.Equal(t, refused, errors.As(checkNewPassword(password), &wrong), password)
		if refused {
			require.Equal(t, "common", wrong.Code, password)
		}
	}
}

// TestPasswordsAreComparedWhole: nothing is cut off, trimmed or folded.
//
// ASVS 6.2.8, 11.4.2
func TestPasswordsAreComparedWhole(t *testing.T) {
	h := newHasher()
	password := " Ünïcode " + strings.Repeat("x", 90)
	hash, err := h.hash(t.Context(), password)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	for candidate, want := range map[string]bool{
		password: true,
		strings.ReplaceAll(password, "Ü", "U\u0308"): true, // the same text, typed on another system
		password[:len(password)-1]:                   false,
		password + "x":                               false,
		strings.TrimSpace(password):                  false,
		strings.ToLower(password):                    false,
		"":                                           false,
	} {
		matches, err := (&seat{hasher: h}).matches(t.Context(), candidate, hash)
		require.NoError(t, err)
		require.Equal(t, want, matches, "%q", candidate)
	}
}

// TestTheDecoyCostsAsMuchAsAnyHash, so that an unknown address takes as long.
func TestTheDecoyCostsAsMuchAsAnyHash(t *testing.T) {
	params, salt, key, err := argon2id.DecodeHash(decoy)
	require.NoError(t, err)
	require.Equal(t, cost, params)
	require.Len(t, salt, int(cost.SaltLength))
	require.Len(t, key, int(cost.KeyLength))
	matches, err := (&seat{hasher: newHasher()}).matches(t.Context(), "a password that anybody has", "")
	require.NoError(t, err)
	require.False(t, matches)
}

// TestAFloodOfHashesIsRefusedBeforeItTakesMemory checks the limit of the queue. Further attempts
// are refused before the store is used: the service has none here, so using it would panic.
func TestAFloodOfHashesIsRefusedBeforeItTakesMemory(t *testing.T) {
	s, err := New(nil, nil, Options{Now: time.Now, Wall: time.Now, SetupToken: "", Key: [32]byte{}, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}})
	require.NoError(t, err)
	h := s.hasher
	h.slots.TryAcquire(1 << 30) // more than there are: nothing
	for h.slots.TryAcquire(1) { // as if hashes were running everywhere
	}
	ctx, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	refused := make(chan error, queue+10)
	for _, lane := range []lane{crowd, newcomers, trusted} {
		for range seats[lane] {
			wait.Go(func() {
				_, err := (&seat{hasher: h, lane: lane}).matches(ctx, "a long password", "")
				refused <- err
			})
		}
		require.Eventually(t, func() bool { return h.full(lane) }, time.Minute, time.Millisecond)
	}
	for range 10 {
		wait.Go(func() {
			_, err := h.hash(ctx, "a long password")
			refused <- err
		})
	}
	for range 10 {
		require.ErrorIs(t, <-refused, ErrBusy)
	}
	_, err = s.Authenticate(t.Context(), "ana@example.org", "whatever password", "", Origin{})
	require.ErrorIs(t, err, ErrBusy)
	_, err = s.Reauthenticate(t.Context(), Member{Email: "ana@example.org"}, "whatever password", "", Origin{})
	require.ErrorIs(t, err, ErrBusy)
	leave()
	wait.Wait()
	for range queue {
		require.ErrorIs(t, <-refused, context.Canceled)
	}
	for _, lane := range []lane{crowd, newcomers, trusted} {
		require.False(t, h.full(lane))
	}
}

func TestTheNetworksOfAnAddress(t *testing.T) {
	for address, want := range map[string][]string{
		"192.0.2.7":             {"192.0.2.7"},
		"2001:db8:1:abcd::6":    {"2001:db8:1:abcd::/64", "2001:db8:1:ab00::/56", "2001:db8:1::/48"},
		"2001:db8:1:abcd:f::1":  {"2001:db8:1:abcd::/64", "2001:db8:1:ab00::/56", "2001:db8:1::/48"},
		"fe80::1%eth0":          {"fe80::/64", "fe80::/56", "fe80::/48"},
		"::ffff:192.0.2.7":      {"192.0.2.7"},
		"::ffff:192.0.2.7%eth0": {"192.0.2.7"},
		"not an address":        {"not an address"},
		"":                      {""},
	} {
		require.Equal(t, want, networks(address), address)
	}
}

func TestRoles(t *testing.T) {
	for role, want := range map[Role][2]bool{
		Owner: {true, true}, Admin: {true, true}, Auditor: {false, true}, Plain: {false, false}, "": {false, false},
	} {
		require.Equal(t, want, [2]bool{role.Administers(), role.Oversees()}, role)
	}
}
