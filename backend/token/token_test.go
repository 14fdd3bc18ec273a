package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

const (
	aSession = "0198f2a0-0000-7000-8000-000000000001"
	aMember  = "0198f2a0-0000-7000-8000-000000000002"
	aTokenID = "0198f2a0-0000-7000-8000-000000000003"
)

// noon is when every test begins.
var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// deployment is one installation: its secrets, its keys, and a clock that the test moves.
type deployment struct {
	*Keys
	secrets Secrets
	now     time.Time
}

func newDeployment(t testing.TB) *deployment {
	t.Helper()
	secrets, err := LoadSecrets(filepath.Join(t.TempDir(), "keys.json"), noon)
	require.NoError(t, err)
	return deploymentWith(t, secrets)
}

func deploymentWith(t testing.TB, secrets Secrets) *deployment {
	t.Helper()
	d := &deployment{secrets: secrets, now: noon}
	keys, err := NewKeys(secrets.Access(5*time.Minute), func() time.Time { return d.now })
	require.NoError(t, err)
	d.Keys = keys
	return d
}

// issued is a token that the deployment issues now, for a session that ends in a day.
func (d *deployment) issued(t testing.TB) string {
	t.Helper()
	text, _, err := d.Issue(uuid.MustParse(aSession), uuid.MustParse(aMember), 3, d.now.Add(24*time.Hour))
	require.NoError(t, err)
	return text
}

// header and claims are those of a token that the deployment would issue at noon.
func (d *deployment) header() string {
	return fmt.Sprintf(`{"alg":"HS256","kid":%q,"typ":"at+jwt"}`, d.secrets.AccessTokens[0].ID)
}

func (d *deployment) claims() string {
	return fmt.Sprintf(`{"iss":"curfew","aud":["curfew-api"],"sub":%q,"sid":%q,"gen":3,"iat":%d,"nbf":%[3]d,"exp":%d,"jti":%q}`,
		aMember, aSession, noon.Unix(), noon.Add(5*time.Minute).Unix(), aTokenID)
}

// signed is a token with this header and these claims, signed with the deployment's own key: what
// refuses it is not the signature.
func (d *deployment) signed(header, claims string) string {
	return signedBy(d.secrets.AccessTokens[0].Secret, header, claims)
}

func signedBy(key []byte, header, claims string) string {
	return sealed(sha256.New, key, base64URL(header)+"."+base64URL(claims))
}

// sealed adds the signature to the two parts that are signed.
func sealed(hash func() hash.Hash, key []byte, unsigned string) string {
	mac := hmac.New(hash, key)
	mac.Write([]byte(unsigned))
	return unsigned + "." + base64URL(string(mac.Sum(nil)))
}

func base64URL(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// replaced changes one place in a text, and fails when that place is not there exactly once: a
// forgery that changes nothing would test nothing.
func replaced(t testing.TB, text, old, replacement string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(text, old), "%q in %s", old, text)
	return strings.Replace(text, old, replacement, 1)
}

func TestVerifyTellsWhatWasIssued(t *testing.T) {
	d := newDeployment(t)
	text, lives, err := d.Issue(uuid.MustParse(aSession), uuid.MustParse(aMember), 3, noon.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 5*time.Minute, lives)
	for _, sight := range []string{"first", "second"} {
		claims, err := d.Verify(text)
		require.NoError(t, err, "at %s sight", sight)
		require.True(t, claims.ExpiresAt.Equal(noon.Add(5*time.Minute)), "at %s sight: %s", sight, claims.ExpiresAt)
		claims.ExpiresAt = time.Time{}
		require.Equal(t, Claims{Session: uuid.MustParse(aSession), Member: uuid.MustParse(aMember), Generation: 3}, claims, "at %s sight", sight)
	}
}

// The check runs on every request, so the signature of a token is worked out at its first sight
// only.
func TestSignatureIsWorkedOutOnce(t *testing.T) {
	d := newDeployment(t)
	text := d.issued(t)
	_, err := d.Verify(text)
	require.NoError(t, err)
	clear(d.byHeader)
	_, err = d.Verify(text)
	require.NoError(t, err, "without a key, only memory can know it")
	_, err = d.Verify(d.issued(t))
	require.ErrorIs(t, err, ErrInvalid)
}

// A client refreshes on expired and signs in again on invalid, so the two must not be mixed up.
//
// ASVS 9.2.1
func TestExpiryIsExact(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		for _, tt := range []struct {
			name  string
			after time.Duration
			want  error
		}{
			{"last millisecond", 5*time.Minute - time.Millisecond, nil},
			{"exactly at the end", 5 * time.Minute, ErrExpired},
			{"a day later", 24 * time.Hour, ErrExpired},
		} {
			t.Run(fmt.Sprintf("%s, remembered %t", tt.name, remembered), func(t *testing.T) {
				d := newDeployment(t)
				text := d.issued(t)
				if remembered {
					_, err := d.Verify(text)
					require.NoError(t, err)
				}
				d.now = noon.Add(tt.after)
				for range 2 { // what Verify itself remembers must not change its mind
					claims, err := d.Verify(text)
					require.Equal(t, tt.want, err)
					require.Equal(t, tt.want != nil, claims == Claims{}, "claims come without an error, and only then")
				}
			})
		}
	}
}

// A token that outlived its session would make a dead session look refreshable to its client.
func TestIssueEndsWithTheSession(t *testing.T) {
	for _, tt := range []struct {
		name         string
		sessionEnds  time.Duration
		tokenExpires time.Duration
	}{
		{"session outlives the token", time.Hour, 5 * time.Minute},
		{"both end together", 5 * time.Minute, 5 * time.Minute},
		{"session ends first", 2 * time.Minute, 2 * time.Minute},
		{"session ends within a second", 90*time.Second + 999*time.Millisecond, 90 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDeployment(t)
			text, lives, err := d.Issue(uuid.MustParse(aSession), uuid.MustParse(aMember), 3, noon.Add(tt.sessionEnds))
			require.NoError(t, err)
			require.Equal(t, tt.tokenExpires, lives)

			d.now = noon.Add(tt.tokenExpires - time.Millisecond)
			_, err = d.Verify(text)
			require.NoError(t, err)
			d.now = noon.Add(tt.tokenExpires)
			_, err = d.Verify(text)
			require.Equal(t, ErrExpired, err)
		})
	}
}

// Keys rotate with overlap: tokens of the old key stay good until it is taken out.
//
// ASVS 13.3.4
func TestKeysRotate(t *testing.T) {
	before := newDeployment(t)
	text := before.issued(t)
	newer := Key{ID: "newer", Secret: random(), CreatedAt: noon}

	overlap := before.secrets
	overlap.AccessTokens = []Key{newer, before.secrets.AccessTokens[0]}
	during := deploymentWith(t, overlap)
	_, err := during.Verify(text)
	require.NoError(t, err, "the old key still verifies")
	fresh := during.issued(t)

	alone := before.secrets
	alone.AccessTokens = []Key{newer}
	after := deploymentWith(t, alone)
	_, err = after.Verify(text)
	require.ErrorIs(t, err, ErrInvalid, "the old key is gone")
	_, err = after.Verify(fresh)
	require.NoError(t, err, "the first key is the one that signs")
}

// TestKindsDoNotPassForEachOther: with another type or audience, a token is invalid even under the
// same key (RFC 8725, 3.12).
//
// ASVS 9.2.2
func TestKindsDoNotPassForEachOther(t *testing.T) {
	d := newDeployment(t)
	access := d.secrets.Access(5 * time.Minute)
	otherType, otherAudience, otherKey := access, access, access
	otherType.Type, otherAudience.Audience = "pass+jwt", "reports"
	otherKey.Keys = []Key{{ID: access.Keys[0].ID, Secret: random()}}
	for name, kind := range map[string]Kind{"type": otherType, "audience": otherAudience, "key": otherKey} {
		other, err := NewKeys(kind, func() time.Time { return d.now })
		require.NoError(t, err)
		text, _, err := other.Issue(uuid.MustParse(aSession), uuid.MustParse(aMember), 3, noon.Add(time.Hour))
		require.NoError(t, err)
		_, err = other.Verify(text)
		require.NoError(t, err, name)
		_, err = d.Verify(text)
		require.ErrorIs(t, err, ErrInvalid, name)
		_, err = other.Verify(d.issued(t))
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

func FuzzVerify(f *testing.F) {
	// The secrets are fixed, because the fuzzer's workers are processes of their own and have to
	// agree on what is genuine.
	d := deploymentWith(f, Secrets{AccessTokens: []Key{{ID: "fuzz", Secret: []byte(strings.Repeat("k", secretSize))}}})
	genuine := d.signed(d.header(), d.claims())
	expired := d.signed(d.header(), strings.Replace(d.claims(), `"exp":`+fmt.Sprint(noon.Add(5*time.Minute).Unix()), `"exp":`+fmt.Sprint(noon.Unix()), 1))
	for _, seed := range []string{
		genuine, expired, "", "..", genuine + "=", genuine[:len(genuine)-1], genuine + "." + genuine,
		base64URL(`{"alg":"none","typ":"at+jwt"}`) + "." + base64URL(d.claims()) + ".",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := d.Verify(text)
		switch text {
		case genuine:
			require.NoError(t, err)
		case expired:
			require.Equal(t, ErrExpired, err)
		default:
			require.ErrorIs(t, err, ErrInvalid)
			require.NotErrorIs(t, err, ErrExpired)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	d := newDeployment(b)
	text := d.issued(b)
	b.Run("first sight", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.open(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Verify(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
