package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
)

// device is an authenticator with one passkey on it (WebAuthn level 3, sections 6.1 and 6.5). What
// it says of itself is the test's to alter.
type device struct {
	h       *deployment
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	counter uint32
	flags   byte
	origin  string
	party   string
}

// The flags of the authenticator's data: the person was there, was verified, and the data of a new
// passkey follow.
const present, verified, attested = 1, 4, 64

func (d *device) name() string { return base64.RawURLEncoding.EncodeToString(d.id) }

// authenticatorData counts a use.
func (d *device) authenticatorData(flags byte, more []byte) []byte {
	d.counter++
	party := sha256.Sum256([]byte(d.party))
	return append(binary.BigEndian.AppendUint32(append(party[:], flags), d.counter), more...)
}

func (d *device) clientData(kind string, challenge string) []byte {
	encoded, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	require.NoError(d.h.t, err)
	return encoded
}

func (d *device) credential(response map[string][]byte) map[string]any {
	encoded := map[string]string{}
	for name, value := range response {
		encoded[name] = base64.RawURLEncoding.EncodeToString(value)
	}
	return map[string]any{"id": d.name(), "rawId": d.name(), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": encoded}
}

// create is what navigator.credentials.create answers.
func (d *device) create(challenge string) map[string]any {
	point, err := d.key.PublicKey.Bytes() // 4, x, y
	require.NoError(d.h.t, err)
	public, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	require.NoError(d.h.t, err)
	known := append(binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(d.id))), append(d.id, public...)...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.authenticatorData(d.flags|attested, known)})
	require.NoError(d.h.t, err)
	return d.credential(map[string][]byte{"clientDataJSON": d.clientData("webauthn.create", challenge), "attestationObject": object})
}

// get is what navigator.credentials.get answers.
func (d *device) get(challenge string) map[string]any {
	client, data := d.clientData("webauthn.get", challenge), d.authenticatorData(d.flags, nil)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	require.NoError(d.h.t, err)
	return d.credential(map[string][]byte{"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": d.handle})
}

// asked is a challenge as a browser gets it.
type asked struct {
	ceremony, challenge string
	options             map[string]any
}

func (c *client) ask(target string) asked {
	c.h.t.Helper()
	var given struct {
		Ceremony string         `json:"ceremony"`
		Options  map[string]any `json:"options"`
	}
	c.post(target, nil).into(http.StatusOK, &given)
	return asked{given.Ceremony, given.Options["challenge"].(string), given.Options}
}

// newDevice registers a passkey on a device of the member's.
func (c *client) newDevice() *device {
	c.h.t.Helper()
	d, made := c.tryRegister(func(*device) {})
	made.requireStatus(http.StatusCreated)
	return d
}

// tryRegister registers a passkey on a device that was altered before.
func (c *client) tryRegister(alter func(*device)) (*device, *answer) {
	c.h.t.Helper()
	d, request := c.passkeyRequest(alter)
	return d, c.post("/api/account/passkeys", request)
}

// passkeyRequest is what registers a passkey on a new device.
func (c *client) passkeyRequest(alter func(*device)) (*device, map[string]any) {
	c.h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(c.h.t, err)
	begun := c.ask("/api/account/passkey-challenge")
	handle, err := base64.RawURLEncoding.DecodeString(begun.options["user"].(map[string]any)["id"].(string))
	require.NoError(c.h.t, err)
	d := &device{h: c.h, key: key, id: []byte(rand.Text()), handle: handle, flags: present | verified, origin: publicURL.String(), party: publicURL.Host}
	alter(d)
	return d, map[string]any{"ceremony": begun.ceremony, "credential": d.create(begun.challenge), "name": "Laptop"}
}

func (c *client) answerBy(target string, begun asked, credential map[string]any) *answer {
	c.h.t.Helper()
	return c.post(target, map[string]any{"ceremony": begun.ceremony, "credential": credential})
}

func (c *client) signInBy(d *device) *answer {
	c.h.t.Helper()
	begun := c.ask("/api/passkeys/challenge")
	return c.answerBy("/api/sessions/passkey", begun, d.get(begun.challenge))
}

// ASVS 6.1.3, 6.3.4, 6.5.6, 6.7.2, 7.4.3
func TestAPasskeySignsIn(t *testing.T) {
	h := open(t, options{})
	mine := h.browser(member.Plain)
	begun := mine.ask("/api/account/passkey-challenge")
	require.Equal(t, "required", begun.options["authenticatorSelection"].(map[string]any)["userVerification"])
	require.Equal(t, "required", begun.options["authenticatorSelection"].(map[string]any)["residentKey"])
	require.Equal(t, publicURL.Host, begun.options["rp"].(map[string]any)["id"])
	raw, err := base64.RawURLEncoding.DecodeString(begun.challenge)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(raw), 32)

	laptop := mine.newDevice()
	given := h.stranger().signInBy(laptop).signedIn(http.StatusCreated)
	require.Equal(t, []string{"passkey"}, given.Session.Methods)
	require.Equal(t, email(member.Plain), given.Member.Email)
	b := h.stranger()
	a := b.signInBy(laptop).requireStatus(http.StatusCreated)
	require.NotContains(t, string(a.body), "refreshToken")
	require.Equal(t, email(member.Plain), b.requireLive().Member.Email)

	var list httpapi.PasskeyList
	h.clock.advance(time.Minute)
	h.stranger().signInBy(laptop).requireStatus(http.StatusCreated)
	mine.get("/api/account/passkeys").into(http.StatusOK, &list)
	require.Equal(t, []httpapi.Passkey{{Id: laptop.name(), Name: "Laptop", CreatedAt: h.clock.Now().Add(-time.Minute), UsedAt: h.clock.Now()}}, list.Items)
	require.NotEmpty(t, mine.ask("/api/account/passkey-challenge").options["excludeCredentials"])

	// It lets in no member who is deactivated or has removed it.
	h.exec("UPDATE members SET deactivated_at = 1 WHERE role = 'member'")
	h.stranger().signInBy(laptop).requireProblem(http.StatusUnauthorized, "bad_passkey")
	h.exec("UPDATE members SET deactivated_at = NULL WHERE role = 'member'")
	h.browser(member.Admin).delete("/api/account/passkeys/"+laptop.name()).requireProblem(http.StatusNotFound, "not_found")
	var ended httpapi.SessionsEnded
	mine.delete("/api/account/passkeys/"+laptop.name()+"?endOtherSessions=true").into(http.StatusOK, &ended)
	require.EqualValues(t, 3, ended.SessionsEnded)
	h.stranger().signInBy(laptop).requireProblem(http.StatusUnauthorized, "bad_passkey")
	mine.delete("/api/account/passkeys/"+laptop.name()).requireProblem(http.StatusNotFound, "not_found")
	mine.delete("/api/account/passkeys/!").requireProblem(http.StatusNotFound, "not_found")
}

// The answer of a passkey is valid once, soon, for this site and its own member, and not from a
// copy (ASVS 6.7.2).
//
// ASVS 6.5.7, 6.7.2, 16.3.1
func TestAPasskeysAnswerIsHeldAgainstEverything(t *testing.T) {
	h := open(t, options{})
	mine := h.program(member.Plain)
	laptop := mine.newDevice()
	tried := 0
	refused := func(a *answer) {
		a.requireProblem(http.StatusUnauthorized, "bad_passkey")
		require.Empty(t, a.Cookies())
		tried++
	}
	for name, alter := range map[string]func(*device){
		"of another site":              func(d *device) { d.origin = "https://evil.example" },
		"of a neighbouring port":       func(d *device) { d.origin += ":8443" },
		"for another relying party":    func(d *device) { d.party = "example.org" },
		"without verifying the person": func(d *device) { d.flags = present },
		"without the person":           func(d *device) { d.flags = 0 },
		"by another key":               func(d *device) { d.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"in another member's name":     func(d *device) { d.handle = []byte("0123456789abcdef") },
		"without a name":               func(d *device) { d.handle = nil },
		"that nobody has registered":   func(d *device) { d.id = []byte("unknown") },
		"whose counter stands still":   func(d *device) { d.counter -= 1 },
		"whose counter went back":      func(d *device) { d.counter = 0 },
	} {
		h.run(name, func(*testing.T) {
			h.stranger().signInBy(laptop).requireStatus(http.StatusCreated)
			before := *laptop
			altered := before
			alter(&altered)
			refused(h.stranger().signInBy(&altered))
			laptop.counter = before.counter + 1
		})
	}
	signIn := func(begun asked, credential map[string]any) *answer {
		return h.stranger().answerBy("/api/sessions/passkey", begun, credential)
	}
	begun := mine.ask("/api/passkeys/challenge")
	answers := inParallel(5, func(int) *answer {
		return h.stranger().send(http.MethodPost, "/api/sessions/passkey", map[string]any{"ceremony": begun.ceremony, "credential": laptop.clone().get(begun.challenge)})
	})
	require.Equal(t, 1, withStatus(answers, http.StatusCreated), "a challenge is good once")
	laptop.counter += 5
	refused(signIn(begun, laptop.get(begun.challenge)))
	h.restart()
	refused(signIn(begun, laptop.get(begun.challenge)))

	begun = mine.ask("/api/passkeys/challenge")
	refused(signIn(asked{ceremony: "x"}, laptop.get(begun.challenge)))
	refused(signIn(asked{ceremony: mine.ask("/api/account/passkey-challenge").ceremony}, laptop.get(begun.challenge)))
	refused(signIn(begun, laptop.get(mine.ask("/api/passkeys/challenge").challenge)))
	refused(signIn(begun, map[string]any{}))
	h.clock.advance(5 * time.Minute)
	refused(signIn(begun, laptop.get(begun.challenge)))
	require.EqualValues(t, tried+4, h.verifications()) // each is recorded, or counted
	h.stranger().signInBy(laptop).requireStatus(http.StatusCreated)

	// Neither does what is wrong register.
	mine.renew()
	for name, alter := range map[string]func(*device){
		"of another site":              func(d *device) { d.origin = "https://evil.example" },
		"for another relying party":    func(d *device) { d.party = "example.org" },
		"without verifying the person": func(d *device) { d.flags = present },
	} {
		h.run("registered "+name, func(*testing.T) {
			_, a := mine.tryRegister(alter)
			a.requireProblem(http.StatusForbidden, "bad_passkey")
		})
	}
	begun = mine.ask("/api/account/passkey-challenge")
	h.program(member.Admin).post("/api/account/passkeys", map[string]any{"ceremony": begun.ceremony, "credential": laptop.create(begun.challenge), "name": "Mine"}).
		requireProblem(http.StatusForbidden, "bad_passkey")
	mine.post("/api/account/passkeys", map[string]any{"ceremony": begun.ceremony, "credential": laptop.create(begun.challenge), "name": "Again"}).
		requireProblem(http.StatusConflict, "passkey_known")
}

// clone is a copy of the device, as a thief has one.
func (d *device) clone() *device {
	twin := *d
	return &twin
}

// ASVS 6.3.3, 7.5.1
func TestAPasskeyIsTwoFactorsAndAFreshProof(t *testing.T) {
	h := open(t, options{})
	owner, mine := h.program(member.Owner), h.program(member.Plain)
	laptop, other := h.program(member.Plain).newDevice(), owner.newDevice()
	owner.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": true}).requireStatus(http.StatusOK)
	require.True(t, mine.requireLive().Restricted)
	strong := h.stranger()
	strong.signInBy(laptop).requireStatus(http.StatusCreated)
	require.False(t, strong.requireLive().Restricted)

	// The session that was begun by a password proves it, by a passkey of its own member.
	prove := func(c *client, d *device) *answer {
		begun := c.ask("/api/passkeys/challenge")
		return c.answerBy("/api/session/reauthenticate/passkey", begun, d.get(begun.challenge))
	}
	prove(mine, other).requireProblem(http.StatusForbidden, "bad_passkey")
	mine.requireLive()
	prove(mine, laptop).requireStatus(http.StatusOK)
	require.Equal(t, []string{"password", "passkey"}, mine.requireLive().Session.Methods)
	mine.get("/api/account/activity").requireStatus(http.StatusOK)
	mine.delete("/api/account/passkeys/"+laptop.name()).requireProblem(http.StatusConflict, "second_factor_demanded")

	app := mine.enrol()
	h.clock.advance(11 * time.Minute)
	mine.renew()
	mine.post("/api/account/passkey-challenge", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	mine.delete("/api/account/passkeys/"+laptop.name()).requireProblem(http.StatusForbidden, "reauthentication_required")
	prove(mine, laptop).requireStatus(http.StatusOK)
	mine.delete("/api/account/passkeys/" + laptop.name()).requireStatus(http.StatusOK)
	h.trySignIn(member.Plain, app.codes[0]).requireStatus(http.StatusCreated)
}

// A restricted session may have been started with a stolen password: it may set up the first
// factor, as a new member does, and none next to one that it has not proved (ASVS 6.3.3).
//
// ASVS 6.3.3, 7.5.1
func TestARestrictedSessionSetsUpTheFirstFactorAndNoOther(t *testing.T) {
	h := open(t, options{})
	owner, mine := h.program(member.Owner), h.program(member.Plain)
	owner.newDevice()
	require.Equal(t, []string{"password", "passkey"}, owner.requireLive().Session.Methods, "the device has just verified who holds it")
	owner.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": true}).requireStatus(http.StatusOK)
	owner.get("/api/members").requireStatus(http.StatusOK)

	mine.get("/api/account/passkeys").requireProblem(http.StatusForbidden, "session_restricted")
	_, refused := mine.tryRegister(func(d *device) { d.flags = present })
	refused.requireProblem(http.StatusForbidden, "bad_passkey")
	require.True(t, mine.requireLive().Restricted)
	laptop := mine.newDevice()
	require.False(t, mine.requireLive().Restricted)
	mine.get("/api/account/passkeys").requireStatus(http.StatusOK)

	// Who has the password alone, and even what the member was given to set up another factor.
	thief := h.program(member.Plain)
	var begun httpapi.Enrolment
	mine.post("/api/account/second-factor/enrolment", nil).into(http.StatusOK, &begun)
	app := map[string]any{"enrolment": begun.Enrolment, "code": (&factor{h: h, secret: begun.Secret}).code(0)}
	asked := mine.ask("/api/account/passkey-challenge")
	theirs := laptop.clone()
	theirs.id = []byte("of the thief")
	passkey := map[string]any{"ceremony": asked.ceremony, "credential": theirs.create(asked.challenge), "name": "Mine"}
	thief.post("/api/session/reauthenticate", map[string]any{"password": password}).requireStatus(http.StatusOK)
	require.True(t, thief.requireLive().Restricted)
	thief.post("/api/account/second-factor/enrolment", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	thief.put("/api/account/second-factor", app).requireProblem(http.StatusForbidden, "reauthentication_required")
	thief.post("/api/account/passkey-challenge", nil).requireProblem(http.StatusForbidden, "reauthentication_required")
	thief.post("/api/account/passkeys", passkey).requireProblem(http.StatusForbidden, "reauthentication_required")
	h.restart()
	thief.put("/api/account/second-factor", app).requireProblem(http.StatusForbidden, "reauthentication_required")

	// A member who has lost it is helped by an admin, and enrols again.
	id := mine.requireLive().Member.Id
	owner.delete("/api/members/" + id + "/second-factor").requireStatus(http.StatusOK)
	again := h.program(member.Plain)
	require.True(t, again.requireLive().Restricted)
	again.enrol()
	require.False(t, again.requireLive().Restricted)
}

// A sign-in is paused between its proof and its session, and what it was proved by is no longer
// enough (rule R8).
func TestASignInThatOverlapsAChangeOfFactorsIsRefused(t *testing.T) {
	h := open(t, options{})
	mine, origin := h.program(member.Plain), member.Origin{Address: "192.0.2.10"}
	laptop := mine.newDevice()
	refused := func(proof member.Proof, err error, meanwhile func()) {
		t.Helper()
		require.NoError(t, err)
		meanwhile()
		_, _, err = h.sessions.Start(t.Context(), proof, session.Client{})
		require.ErrorIs(t, err, session.ErrCredentialStale)
	}
	byPassword, err := h.api.Members.Authenticate(t.Context(), email(member.Plain), password, "", origin)
	refused(byPassword, err, func() { mine.enrol() })

	begun := mine.ask("/api/passkeys/challenge")
	answer, err := json.Marshal(laptop.get(begun.challenge))
	require.NoError(t, err)
	byPasskey, err := h.api.Members.AuthenticateByPasskey(t.Context(), begun.ceremony, answer, origin)
	refused(byPasskey, err, func() { mine.delete("/api/account/passkeys/" + laptop.name()).requireStatus(http.StatusOK) })
}

// Two answers that were read with one counter, as a copy of the device gives them: one of them is
// good.
func TestAPasskeysRecordIsReplacedOnlyAsItWasRead(t *testing.T) {
	h := open(t, options{})
	laptop := h.program(member.Plain).newDevice()
	_, known, err := h.db.Passkey(t.Context(), laptop.id)
	require.NoError(t, err)
	use := func(challenge string) bool {
		used, err := h.db.UsePasskey(t.Context(), member.PasskeyUse{
			ID: laptop.id, Before: known.Sealed, After: []byte("after " + challenge), Challenge: challenge, ExpiresAt: h.clock.Now().Add(time.Minute), At: h.clock.Now(),
		})
		require.NoError(t, err)
		return used
	}
	require.True(t, use("one"))
	require.False(t, use("another"))
}

func TestAMemberHasSoManyPasskeysAndNoMore(t *testing.T) {
	h := open(t, options{})
	mine := h.program(member.Plain)
	for range 19 {
		mine.newDevice()
	}
	_, late := mine.tryRegister(func(*device) { mine.newDevice() }) // begun while there was room
	late.requireProblem(http.StatusConflict, "too_many_passkeys")
	mine.post("/api/account/passkey-challenge", nil).requireProblem(http.StatusConflict, "too_many_passkeys")
}

// As with second factors: what was moved or exchanged in the database, by an attacker who can write
// it, opens nothing.
//
// ASVS 6.7.1
func TestPasskeysAreSealedForTheirMember(t *testing.T) {
	h := open(t, options{})
	laptop, thiefs := h.program(member.Admin).newDevice(), h.program(member.Plain).newDevice()
	in := func(d *device, status int) {
		t.Helper()
		require.Equal(t, status, h.stranger().signInBy(d).StatusCode)
	}
	forged := thiefs.clone() // the thief's key in the admin's name
	forged.handle = laptop.handle
	h.exec("UPDATE passkeys SET member_id = (SELECT member_id FROM passkeys WHERE id = ?)", laptop.id)
	in(forged, http.StatusUnauthorized)
	in(thiefs, http.StatusUnauthorized)
	in(laptop, http.StatusCreated)

	h.exec("UPDATE passkeys SET credential = o.credential FROM passkeys o WHERE o.id <> passkeys.id")
	forged.id = laptop.id
	in(forged, http.StatusUnauthorized)
	in(laptop, http.StatusUnauthorized)
	require.Zero(t, h.number("SELECT count(*) FROM passkeys WHERE instr(credential, CAST('publicKey' AS BLOB))"), "it is not JSON in plain sight")
}

// A server that is reached by a number starts, and works but for passkeys.
func TestPasskeysNeedAName(t *testing.T) {
	h := open(t, options{})
	members, err := member.New(h.db, h.sessions, member.Options{Now: h.clock.Now, Wall: h.wall, PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}})
	require.NoError(t, err)
	h.api.Members = members
	mine := h.program(member.Plain)
	mine.post("/api/passkeys/challenge", nil).requireProblem(http.StatusConflict, "passkeys_unavailable")
	mine.post("/api/account/passkey-challenge", nil).requireProblem(http.StatusConflict, "passkeys_unavailable")
	mine.post("/api/sessions/passkey", map[string]any{"ceremony": "x", "credential": map[string]any{}}).requireProblem(http.StatusUnauthorized, "bad_passkey")
}
