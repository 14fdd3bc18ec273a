package httpapi_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// diskError is trouble with storage as package store reports it, with everything in its text that
// must not get out.
type diskError struct{}

func (diskError) Error() string {
	return "storage: disk I/O error in UPDATE sessions SET ended_at = 1, /var/lib/curfew/curfew.db"
}
func (diskError) Unavailable() bool { return true }

// failing is the real store, of which one method fails.
type failing struct {
	*store.DB
	mu     sync.Mutex
	method string
	failed int
	// meanwhile runs once, before the first write in a caller's name.
	meanwhile func()
}

// judged are the methods that judge a caller.
var judged = []string{
	"SaveOrganization", "RevokeAll", "Prove", "ChangeCredential", "End", "Invite", "ChangeMember", "IssueLink", "DismissNotices",
	"RemoveMember", "Dismiss",
}

// breaks makes the method fail from now on; none for "".
func (f *failing) breaks(method string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.method, f.failed = method, 0
}

func (f *failing) at(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.meanwhile != nil && slices.Contains(judged, method) {
		f.meanwhile()
		f.meanwhile = nil
	}
	if f.method != method {
		return nil
	}
	f.failed++
	return diskError{}
}

// unless calls the real method unless it is the one that fails.
func unless[T any](err error, real func() (T, error)) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return real()
}

func unlessError(err error, real func() error) error {
	if err != nil {
		return err
	}
	return real()
}

func (f *failing) Organization(ctx context.Context) (session.Organization, error) {
	return unless(f.at("Organization"), func() (session.Organization, error) { return f.DB.Organization(ctx) })
}

func (f *failing) SaveOrganization(ctx context.Context, update session.OrganizationUpdate) (session.Effect, error) {
	return unless(f.at("SaveOrganization"), func() (session.Effect, error) { return f.DB.SaveOrganization(ctx, update) })
}

func (f *failing) Logo(ctx context.Context, version string) ([]byte, error) {
	return unless(f.at("Logo"), func() ([]byte, error) { return f.DB.Logo(ctx, version) })
}

func (f *failing) RevokeAll(ctx context.Context, revocation session.Revocation, caller audit.Caller, requirement member.Requirement) (session.Receipt, error) {
	return unless(f.at("RevokeAll"), func() (session.Receipt, error) { return f.DB.RevokeAll(ctx, revocation, caller, requirement) })
}

func (f *failing) Revocation(ctx context.Context, generation uint64) (session.Receipt, error) {
	return unless(f.at("Revocation"), func() (session.Receipt, error) { return f.DB.Revocation(ctx, generation) })
}

func (f *failing) InsertSession(ctx context.Context, s session.Session, proof member.Proof, refresh session.RefreshState, event audit.Event) (session.Effect, error) {
	return unless(f.at("InsertSession"), func() (session.Effect, error) { return f.DB.InsertSession(ctx, s, proof, refresh, event) })
}

func (f *failing) Session(ctx context.Context, id session.ID) (session.Record, error) {
	return unless(f.at("Session"), func() (session.Record, error) { return f.DB.Session(ctx, id) })
}

func (f *failing) LastSeen(ctx context.Context, members []member.ID) (map[member.ID]time.Time, error) {
	return unless(f.at("LastSeen"), func() (map[member.ID]time.Time, error) { return f.DB.LastSeen(ctx, members) })
}

func (f *failing) Prove(ctx context.Context, proof member.Proof, caller audit.Caller, event audit.Event) (session.Effect, error) {
	return unless(f.at("Prove"), func() (session.Effect, error) { return f.DB.Prove(ctx, proof, caller, event) })
}

func (f *failing) ChangeCredential(ctx context.Context, update session.CredentialUpdate) (session.Effect, error) {
	return unless(f.at("ChangeCredential"), func() (session.Effect, error) { return f.DB.ChangeCredential(ctx, update) })
}

func (f *failing) RotateRefresh(ctx context.Context, id session.ID, presented session.RefreshState) (session.RefreshState, error) {
	return unless(f.at("RotateRefresh"), func() (session.RefreshState, error) { return f.DB.RotateRefresh(ctx, id, presented) })
}

func (f *failing) End(ctx context.Context, request session.EndRequest) (session.Effect, int, error) {
	if err := f.at("End"); err != nil {
		return session.Effect{}, 0, err
	}
	return f.DB.End(ctx, request)
}

func (f *failing) HasMembers(ctx context.Context) (bool, error) {
	return unless(f.at("HasMembers"), func() (bool, error) { return f.DB.HasMembers(ctx) })
}

func (f *failing) SetUp(ctx context.Context, organization string, owner member.Member, hash string, event audit.Event) error {
	return unlessError(f.at("SetUp"), func() error { return f.DB.SetUp(ctx, organization, owner, hash, event) })
}

func (f *failing) MemberByEmail(ctx context.Context, email string) (member.Member, string, error) {
	if err := f.at("MemberByEmail"); err != nil {
		return member.Member{}, "", err
	}
	return f.DB.MemberByEmail(ctx, email)
}

func (f *failing) Members(ctx context.Context, query member.Query) ([]member.Details, member.Counts, error) {
	if err := f.at("Members"); err != nil {
		return nil, member.Counts{}, err
	}
	return f.DB.Members(ctx, query)
}

func (f *failing) Member(ctx context.Context, id member.ID) (member.Details, error) {
	return unless(f.at("Member"), func() (member.Details, error) { return f.DB.Member(ctx, id) })
}

func (f *failing) Invite(ctx context.Context, invited member.InvitedMember, caller audit.Caller, requirement member.Requirement, event audit.Event) (member.Effect, error) {
	return unless(f.at("Invite"), func() (member.Effect, error) { return f.DB.Invite(ctx, invited, caller, requirement, event) })
}

func (f *failing) ChangeMember(ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.Decide) (member.Effect, error) {
	return unless(f.at("ChangeMember"), func() (member.Effect, error) { return f.DB.ChangeMember(ctx, id, caller, requirement, decide) })
}

func (f *failing) RemoveMember(
	ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.DecideRemoval,
) (member.Effect, error) {
	return unless(f.at("RemoveMember"), func() (member.Effect, error) { return f.DB.RemoveMember(ctx, id, caller, requirement, decide) })
}

func (f *failing) IssueLink(
	ctx context.Context, id member.ID, caller audit.Caller, requirement member.Requirement, decide member.DecideLink,
) (member.Details, error) {
	return unless(f.at("IssueLink"), func() (member.Details, error) { return f.DB.IssueLink(ctx, id, caller, requirement, decide) })
}

func (f *failing) OpenLinks(ctx context.Context, now time.Time) (int, error) {
	return unless(f.at("OpenLinks"), func() (int, error) { return f.DB.OpenLinks(ctx, now) })
}

func (f *failing) CheckLink(ctx context.Context, hash [32]byte, now time.Time) (member.Details, string, error) {
	if err := f.at("CheckLink"); err != nil {
		return member.Details{}, "", err
	}
	return f.DB.CheckLink(ctx, hash, now)
}

func (f *failing) Factor(ctx context.Context, id member.ID) (member.Factor, error) {
	return unless(f.at("Factor"), func() (member.Factor, error) { return f.DB.Factor(ctx, id) })
}

func (f *failing) UseStep(ctx context.Context, id member.ID, read member.Factor, step int64) (bool, error) {
	return unless(f.at("UseStep"), func() (bool, error) { return f.DB.UseStep(ctx, id, read, step) })
}

func (f *failing) UseRecoveryCode(ctx context.Context, id member.ID, hash [32]byte, event audit.Event) (bool, error) {
	return unless(f.at("UseRecoveryCode"), func() (bool, error) { return f.DB.UseRecoveryCode(ctx, id, hash, event) })
}

func (f *failing) Passkeys(ctx context.Context, id member.ID) ([]member.Passkey, error) {
	return unless(f.at("Passkeys"), func() ([]member.Passkey, error) { return f.DB.Passkeys(ctx, id) })
}

func (f *failing) Passkey(ctx context.Context, id []byte) (member.Member, member.Passkey, error) {
	if err := f.at("Passkey"); err != nil {
		return member.Member{}, member.Passkey{}, err
	}
	return f.DB.Passkey(ctx, id)
}

func (f *failing) UsePasskey(ctx context.Context, use member.PasskeyUse) (bool, error) {
	return unless(f.at("UsePasskey"), func() (bool, error) { return f.DB.UsePasskey(ctx, use) })
}

func (f *failing) Factors(ctx context.Context) (member.Factors, error) {
	return unless(f.at("Factors"), func() (member.Factors, error) { return f.DB.Factors(ctx) })
}

func (f *failing) SignIns(ctx context.Context, day time.Time) (int, error) {
	return unless(f.at("SignIns"), func() (int, error) { return f.DB.SignIns(ctx, day) })
}

func (f *failing) Days(ctx context.Context, from, until time.Time) ([]session.DayCount, error) {
	return unless(f.at("Days"), func() ([]session.DayCount, error) { return f.DB.Days(ctx, from, until) })
}

func (f *failing) Dismiss(ctx context.Context, caller audit.Caller, requirement member.Requirement, event audit.Event) error {
	return unlessError(f.at("Dismiss"), func() error { return f.DB.Dismiss(ctx, caller, requirement, event) })
}

func (f *failing) Notices(ctx context.Context, id member.ID, actions []audit.Action, limit int) ([]audit.Entry, error) {
	return unless(f.at("Notices"), func() ([]audit.Entry, error) { return f.DB.Notices(ctx, id, actions, limit) })
}

func (f *failing) Suspicions(ctx context.Context, id member.ID, suspicion member.Suspicion, limit int) ([]audit.Entry, error) {
	return unless(f.at("Suspicions"), func() ([]audit.Entry, error) { return f.DB.Suspicions(ctx, id, suspicion, limit) })
}

func (f *failing) DismissNotices(ctx context.Context, caller audit.Caller, sequence int64) error {
	return unlessError(f.at("DismissNotices"), func() error { return f.DB.DismissNotices(ctx, caller, sequence) })
}

func (f *failing) UseLink(ctx context.Context, use member.LinkUse) (member.Effect, error) {
	return unless(f.at("UseLink"), func() (member.Effect, error) { return f.DB.UseLink(ctx, use) })
}

func (f *failing) SignedInFrom(ctx context.Context, id member.ID, address string, since time.Time) (bool, error) {
	return unless(f.at("SignedInFrom"), func() (bool, error) { return f.DB.SignedInFrom(ctx, id, address, since) })
}

func (f *failing) TakeAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) ([]member.Bucket, time.Duration, error) {
	if err := f.at("TakeAttempt"); err != nil {
		return nil, 0, err
	}
	return f.DB.TakeAttempt(ctx, sets, now)
}

func (f *failing) AwaitAttempt(ctx context.Context, sets [][]member.Bucket, now time.Time) (time.Duration, error) {
	return unless(f.at("AwaitAttempt"), func() (time.Duration, error) { return f.DB.AwaitAttempt(ctx, sets, now) })
}

func (f *failing) ReturnAttempt(ctx context.Context, buckets []member.Bucket) error {
	return unlessError(f.at("ReturnAttempt"), func() error { return f.DB.ReturnAttempt(ctx, buckets) })
}

func (f *failing) Record(ctx context.Context, event audit.Event) error {
	return unlessError(f.at("Record"), func() error { return f.DB.Record(ctx, event) })
}

func (f *failing) RecordRefusal(ctx context.Context, event audit.Event, buckets []member.Bucket) error {
	return unlessError(f.at("RecordRefusal"), func() error { return f.DB.RecordRefusal(ctx, event, buckets) })
}

func (f *failing) Entries(ctx context.Context, filter audit.Filter) ([]audit.Entry, error) {
	return unless(f.at("Entries"), func() ([]audit.Entry, error) { return f.DB.Entries(ctx, filter) })
}

func (f *failing) Search(ctx context.Context, filter audit.Filter) (audit.Page, error) {
	return unless(f.at("Search"), func() (audit.Page, error) { return f.DB.Search(ctx, filter) })
}

func (f *failing) Links(ctx context.Context, above int64, limit int) ([]audit.Link, error) {
	return unless(f.at("Links"), func() ([]audit.Link, error) { return f.DB.Links(ctx, above, limit) })
}

func (f *failing) LastReceipt(ctx context.Context) (int64, error) {
	return unless(f.at("LastReceipt"), func() (int64, error) { return f.DB.LastReceipt(ctx) })
}

func (f *failing) Ready(ctx context.Context) error {
	return unlessError(f.at("Ready"), func() error { return f.DB.Ready(ctx) })
}

// scene is what a call during an outage is made in.
type scene struct {
	h *deployment
	// admin and bystander are signed in, and have to be so afterwards.
	admin, bystander *client
	// theirs names the bystander's session.
	theirs string
	// lost was signed in before everybody was signed out.
	lost *client
	// plain names another member, and link is the secret of the one-time link that waits for them.
	plain, link string
	// app is the auditor's, and device too.
	app    *factor
	device *device
}

// issueLink makes the one-time link that waits, and gives its secret.
func (c *client) issueLink(id string) string {
	c.h.t.Helper()
	var issued httpapi.Invitation
	c.post("/api/members/"+id+"/link", nil).into(http.StatusCreated, &issued)
	return secretOf(c.h.t, issued.Link)
}

// secretOf is the token in a one-time link.
func secretOf(t testing.TB, link string) string {
	t.Helper()
	parsed, err := url.Parse(link)
	require.NoError(t, err)
	fragment, err := url.ParseQuery(parsed.Fragment)
	require.NoError(t, err)
	require.NotEmpty(t, fragment.Get("token"), link)
	return fragment.Get("token")
}

func (s *scene) accept() *answer {
	return s.h.stranger().post("/api/invitations/accept", httpapi.AcceptRequest{Token: s.link, Password: password + " 3"})
}

var (
	proof   = httpapi.ReauthenticateRequest{Password: password}
	shorter = policy(1, "days", true)
	renamed = httpapi.PasswordRequest{CurrentPassword: password, NewPassword: password + " 2"}
)

// needs are the calls that come to each method of the store.
var needs = map[string][]func(s *scene) *answer{
	"SaveOrganization": {
		func(s *scene) *answer { return s.admin.put("/api/settings/security", shorter) },
		func(s *scene) *answer {
			return s.admin.put("/api/settings/sign-in", httpapi.SignInSettingsRequest{RequireSecondFactor: new(true)})
		},
		func(s *scene) *answer {
			return s.admin.put("/api/settings/guidelines", map[string]any{"applies": []string{"nist-aal2"}})
		},
		func(s *scene) *answer {
			return s.admin.put("/api/settings/general", map[string]any{"name": "Another name"})
		},
		func(s *scene) *answer { return s.admin.put("/api/settings/logo", drawn(4, 4)) },
	},
	"Logo":      {func(s *scene) *answer { return s.h.stranger().get("/api/logo") }},
	"RevokeAll": {func(s *scene) *answer { return s.admin.post("/api/sessions/revoke-all", nil) }},
	"Revocation": {
		func(s *scene) *answer { return s.lost.get("/api/session") },
		func(s *scene) *answer { return s.lost.renew() },
	},
	"InsertSession": {
		func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Admin, "cookie")) },
		func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Plain, "bearer")) },
	},
	"Session": {
		func(s *scene) *answer { return s.lost.get("/api/session") },
		func(s *scene) *answer { return s.lost.delete("/api/session") },
		func(s *scene) *answer { return s.lost.renew() },
		func(s *scene) *answer { return s.lost.post("/api/sessions/revoke-all", nil) },
		func(s *scene) *answer { return s.lost.put("/api/settings/security", shorter) },
	},
	"Prove": {func(s *scene) *answer { return s.admin.post("/api/session/reauthenticate", proof) }},
	"ChangeCredential": {
		func(s *scene) *answer { return s.admin.put("/api/account/password", renamed) },
		func(s *scene) *answer { return s.admin.delete("/api/account/second-factor") },
	},
	"Factors": {func(s *scene) *answer { return s.admin.get("/api/settings/sign-in") }},
	"Factor": {
		func(s *scene) *answer { return s.admin.get("/api/account/second-factor") },
		func(s *scene) *answer { return s.admin.trySignIn(member.Auditor, "000000") },
	},
	"UseStep":         {func(s *scene) *answer { return s.admin.trySignIn(member.Auditor, s.app.code(0)) }},
	"UseRecoveryCode": {func(s *scene) *answer { return s.admin.trySignIn(member.Auditor, s.app.codes[0]) }},
	"Passkeys":        {func(s *scene) *answer { return s.admin.get("/api/account/passkeys") }},
	"Passkey":         {func(s *scene) *answer { return s.admin.signInBy(s.device) }},
	"UsePasskey":      {func(s *scene) *answer { return s.admin.signInBy(s.device) }},
	"Notices":         {func(s *scene) *answer { return s.admin.get("/api/account/notices") }},
	"Suspicions":      {func(s *scene) *answer { return s.admin.get("/api/account/notices") }},
	"DismissNotices":  {func(s *scene) *answer { return s.admin.post("/api/account/notices/dismiss", map[string]any{"upTo": 1}) }},
	"RotateRefresh":   {func(s *scene) *answer { return s.admin.renew() }},
	"End": {
		func(s *scene) *answer { return s.admin.delete("/api/session") },
		func(s *scene) *answer { return s.admin.delete("/api/sessions/" + s.theirs) },
		func(s *scene) *answer { return s.admin.post("/api/sessions/revoke-others", nil) },
	},
	"HasMembers": {
		func(s *scene) *answer { return s.admin.get("/api/setup") },
		func(s *scene) *answer { return s.admin.post("/api/setup", firstOwner()) },
	},
	"MemberByEmail": {
		func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Admin, "cookie")) },
		func(s *scene) *answer { return s.admin.post("/api/session/reauthenticate", proof) },
		func(s *scene) *answer { return s.admin.put("/api/account/password", renamed) },
	},
	"Members": {
		func(s *scene) *answer { return s.admin.get("/api/members") },
		func(s *scene) *answer { return s.admin.get("/api/members?format=csv") },
	},
	"LastSeen": {func(s *scene) *answer { return s.admin.get("/api/members") }},
	"Member": {
		func(s *scene) *answer { return s.admin.get("/api/members/" + s.plain) },
	},
	"Invite": {func(s *scene) *answer {
		return s.admin.post("/api/members", httpapi.InviteRequest{Email: "new@example.org", Role: httpapi.RoleMember})
	}},
	"ChangeMember": {
		func(s *scene) *answer {
			return s.admin.do(http.MethodPatch, "/api/members/"+s.plain, httpapi.MemberRequest{Name: new("Mia")})
		},
		func(s *scene) *answer { return s.admin.post("/api/members/"+s.plain+"/revoke-sessions", nil) },
	},
	"RemoveMember": {func(s *scene) *answer { return s.admin.delete("/api/members/" + s.plain) }},
	"OpenLinks":    {func(s *scene) *answer { return s.admin.get("/api/sessions/summary") }},
	"IssueLink":    {func(s *scene) *answer { return s.admin.post("/api/members/"+s.plain+"/link", nil) }},
	"CheckLink":    {func(s *scene) *answer { return s.accept() }},
	"UseLink":      {func(s *scene) *answer { return s.accept() }},
	"SignedInFrom": {func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Plain, "cookie")) }},
	"TakeAttempt": {
		func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Admin, "cookie")) },
		func(s *scene) *answer { return s.admin.post("/api/sessions", guess("nobody@example.org")) },
		func(s *scene) *answer { return s.admin.post("/api/session/reauthenticate", proof) },
	},
	"ReturnAttempt": {func(s *scene) *answer { return s.admin.post("/api/sessions", credentials(member.Admin, "cookie")) }},
	"Record":        {func(s *scene) *answer { return s.admin.get("/api/audit?format=csv") }},
	"AwaitAttempt":  {func(s *scene) *answer { return s.admin.post("/api/session/reauthenticate", proof) }},
	"RecordRefusal": {func(s *scene) *answer { return s.admin.post("/api/sessions", guess(email(member.Plain))) }},
	"Entries": {
		func(s *scene) *answer { return s.admin.get("/api/account/activity") },
		func(s *scene) *answer { return s.admin.get("/api/audit") },
	},
	"Search":      {func(s *scene) *answer { return s.admin.get("/api/audit?q=ana") }},
	"Links":       {func(s *scene) *answer { return s.admin.get("/api/audit/chain") }},
	"LastReceipt": {func(s *scene) *answer { return s.admin.get("/api/audit/chain") }},
	"SignIns":     {func(s *scene) *answer { return s.admin.get("/api/overview") }},
	"Days":        {func(s *scene) *answer { return s.admin.get("/api/overview") }},
	"Dismiss":     {func(s *scene) *answer { return s.admin.post("/api/overview/dismiss", map[string]any{"kind": "backup"}) }},
	"Ready":       {func(s *scene) *answer { return s.admin.get("/readyz") }},
}

// duringSetUp are the methods that only the set-up comes to, and behind those that no request waits
// for: the start, the flush, the sweep and the command line.
var (
	duringSetUp = []string{"SetUp", "Organization"}
	behind      = []string{"EachActiveMember", "EachLive", "Touch", "SaveDay", "CloseRevoked", "Purge", "ResetPassword", "AcceptTime", "WriteRefusals"}
)

func breakable(db *store.DB) storage { return &failing{DB: db} }

// TestNoMethodOfTheStoreIsForgotten holds that the tests below break all that a request can meet.
func TestNoMethodOfTheStoreIsForgotten(t *testing.T) {
	var methods []string
	kind := reflect.TypeFor[storage]()
	for i := range kind.NumMethod() {
		methods = append(methods, kind.Method(i).Name)
	}
	listed := slices.Sorted(maps.Keys(needs))
	listed = slices.Concat(listed, duringSetUp, behind)
	slices.Sort(listed)
	require.Equal(t, methods, listed)
}

// TestAnOutageSignsNobodyOut breaks the store's methods one at a time. That neither cookies nor the
// browser's storage are cleared is held for every 503, in requireHeaders.
//
// ASVS 16.5.2, 16.5.3
func TestAnOutageSignsNobodyOut(t *testing.T) {
	asked := 0
	for method, asks := range needs {
		t.Run(method, func(t *testing.T) {
			h := open(t, options{storage: breakable})
			broken := h.storage.(*failing)
			lost := h.program(member.Auditor)
			h.browser(member.Owner).revokeAll("so that there is one on record")
			in := &scene{h: h, admin: h.browser(member.Admin), bystander: h.program(member.Admin), lost: lost}
			in.theirs = in.bystander.id()
			in.plain = h.program(member.Plain).requireLive().Member.Id
			in.link = in.admin.issueLink(in.plain)
			auditor := h.program(member.Auditor)
			in.app, in.device = auditor.enrol(), auditor.newDevice()
			in.admin.put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
			h.clock.advance(30 * time.Second) // its first code is used up
			for _, ask := range asks {
				before := h.everythingDecided()
				broken.breaks(method)
				a := ask(in)
				p := a.requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
				require.Positive(t, broken.failed, "the call never came to %s", method)
				for _, secret := range []string{"UPDATE", "disk", "/var/lib", ".db"} {
					require.NotContains(t, string(a.body), secret)
				}
				require.Contains(t, h.log.String(), "disk I/O error", "the cause is in the log")
				require.Contains(t, h.log.String(), p.RequestId)
				broken.breaks("")
				require.Equal(t, before, h.everythingDecided(), "%s", a)
				in.admin.requireLive()
				in.bystander.requireLive()
				in.admin.renew().requireStatus(http.StatusOK)
				asked++
			}
		})
	}
	require.GreaterOrEqual(t, asked, len(needs))
}

// TestReadinessIsFoundOutOnceASecond: each time is a durable commit, for which revocations would
// have to wait.
func TestReadinessIsFoundOutOnceASecond(t *testing.T) {
	h := open(t, options{storage: breakable})
	prober, broken := h.stranger(), h.storage.(*failing)
	prober.get("/readyz").requireStatus(http.StatusOK)
	broken.breaks("Ready")
	prober.get("/readyz").requireStatus(http.StatusOK)
	h.clock.advance(time.Second)
	for range 2 {
		prober.get("/readyz").requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
		prober.do(http.MethodHead, "/readyz", nil).requireStatus(http.StatusServiceUnavailable)
	}
	broken.breaks("")
	prober.get("/readyz").requireStatus(http.StatusOK)
}

func TestAnOutageDuringTheSetUpCanBeWaitedOut(t *testing.T) {
	for _, method := range duringSetUp {
		t.Run(method, func(t *testing.T) {
			h := open(t, options{unclaimed: true, storage: breakable})
			broken := h.storage.(*failing)
			broken.breaks(method)
			h.stranger().post("/api/setup", firstOwner()).requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
			require.Positive(t, broken.failed)
			broken.breaks("")
			if method == "SetUp" {
				require.True(t, h.setupRequired())
				h.stranger().post("/api/setup", firstOwner()).requireStatus(http.StatusCreated)
			}
			// Otherwise the owner was on disk already, and only the answer was lost.
			h.stranger().post("/api/sessions", httpapi.SignInRequest{Email: "olga@example.org", Password: password}).requireStatus(http.StatusCreated)
			require.False(t, h.setupRequired())
		})
	}
}

// The end of a session whose time ran out is recorded before it is reported: until then it is not
// reported.
func TestAnExpiryThatCannotBeWrittenDownIsNoVerdict(t *testing.T) {
	h := open(t, options{storage: breakable})
	p := h.program(member.Plain)
	broken := h.storage.(*failing)
	broken.breaks("End")
	h.clock.advance(14 * 24 * time.Hour)
	for range 2 {
		p.renew().requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
	}
	broken.breaks("")
	p.renew().requireProblem(http.StatusUnauthorized, "session_expired")
}

func TestASignInThatCannotEndTheOldSessionLeavesIt(t *testing.T) {
	h := open(t, options{storage: breakable})
	b := h.browser(member.Plain)
	broken := h.storage.(*failing)
	broken.breaks("End")
	b.post("/api/sessions", credentials(member.Admin, "cookie")).requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
	require.Positive(t, broken.failed)
	require.Equal(t, email(member.Plain), b.requireLive().Member.Email)
}

// This one is no fault of our making: the connections are closed.
//
// ASVS 16.5.2
func TestWithoutADatabaseWhatIsInMemoryGoesOn(t *testing.T) {
	h := open(t, options{})
	admin := h.browser(member.Admin)
	require.NoError(t, h.db.Close())
	admin.requireLive()
	admin.get("/healthz").requireStatus(http.StatusOK)
	admin.get("/api/settings/security").requireStatus(http.StatusOK)
	require.Len(t, admin.list("/api/sessions").Items, 1)
	require.Len(t, admin.list("/api/sessions?scope=all").Items, 1)
	for _, a := range []*answer{
		admin.get("/readyz"), admin.get("/api/setup"), admin.get("/api/members"), admin.renew(),
		admin.put("/api/settings/security", shorter), admin.post("/api/session/reauthenticate", proof),
		admin.post("/api/sessions", credentials(member.Admin, "cookie")), admin.post("/api/sessions/revoke-all", nil),
		admin.delete("/api/session"),
	} {
		a.requireProblem(http.StatusServiceUnavailable, "storage_unavailable")
		require.NotContains(t, string(a.body), "sql")
	}
	admin.requireLive() // nothing was written, so nothing ended
}
