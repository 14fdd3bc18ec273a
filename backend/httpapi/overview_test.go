package httpapi_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
	"curfew/backend/httpapi"
	"curfew/backend/mail"
	"curfew/backend/mail/mailtest"
	"curfew/backend/member"
)

func (c *client) overview() (o httpapi.Overview) {
	c.h.t.Helper()
	c.get("/api/overview").into(http.StatusOK, &o)
	return o
}

func (c *client) dismiss(kind string) *answer {
	c.h.t.Helper()
	return c.post("/api/overview/dismiss", map[string]any{"kind": kind})
}

func (c *client) hints() (kinds []httpapi.HintKind) {
	c.h.t.Helper()
	for _, hint := range c.overview().Hints {
		kinds = append(kinds, hint.Kind)
	}
	return kinds
}

// countDay is what background work does every minute.
func (h *deployment) countDay() {
	h.t.Helper()
	require.NoError(h.t, h.sessions.CountDay(h.t.Context()))
}

const month = 31 * 24 * time.Hour

func TestDaysAreCountedBehindTheRequests(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	h.program(member.Plain)
	require.Equal(t, []httpapi.DayCount{{Date: "2026-03-02", Sessions: 2, Members: 2, SignIns: 2}}, owner.overview().Days, "before the first count")
	require.Zero(t, h.number("SELECT count(*) FROM daily_counts"), "a request writes none")
	h.countDay()
	h.clock.advance(14*time.Hour + 59*time.Minute) // 23:59
	h.program(member.Plain)
	h.countDay()
	h.clock.advance(30 * time.Second)
	h.program(member.Auditor) // after the last count of the day

	h.clock.advance(24 * time.Hour)
	h.restart()
	h.countDay()
	h.clock.advance(3 * 24 * time.Hour) // no server runs
	owner = h.program(member.Owner)
	require.Equal(t, []httpapi.DayCount{
		{Date: "2026-03-02", Sessions: 3, Members: 2, SignIns: 4},
		{Date: "2026-03-03", Sessions: 4, Members: 3, SignIns: 0},
		{Date: "2026-03-06", Sessions: 5, Members: 3, SignIns: 1},
	}, owner.overview().Days)

	h.clock.advance(25 * 24 * time.Hour) // 31 March: the first day shown is 2 March
	require.Equal(t, "2026-03-02", h.program(member.Owner).overview().Days[0].Date)
	h.clock.advance(24 * time.Hour)
	require.Equal(t, "2026-03-03", h.program(member.Owner).overview().Days[0].Date)
}

// A day that was counted by a clock that was ahead is not shown before it comes.
func TestADayThatHasNotComeIsNotShown(t *testing.T) {
	h := open(t, options{})
	h.exec("INSERT INTO daily_counts VALUES (?, 9, 9, 9)", h.clock.Now().Add(48*time.Hour).Unix()/86400)
	require.Len(t, h.program(member.Owner).overview().Days, 1)
}

func TestTheOverviewSaysWhoIsSignedIn(t *testing.T) {
	h := open(t, options{})
	h.program(member.Plain)
	h.clock.advance(time.Hour)
	for range 3 {
		h.program(member.Auditor)
	}
	owner := h.program(member.Owner)
	o := owner.overview()
	require.Equal(t, httpapi.SessionSummary{Sessions: 5, Members: 3}, o.Live)
	require.EqualValues(t, 4, o.MembersTotal)
	require.EqualValues(t, 5, o.NewToday)
	require.EqualValues(t, 2, o.Active)
	require.Len(t, o.ActiveMembers, 2)
	require.Equal(t, name(member.Owner), o.ActiveMembers[0].Name)
	require.Equal(t, name(member.Auditor), o.ActiveMembers[1].Name)

	var since httpapi.Overview
	owner.get("/api/overview?since=2026-03-02T09:30:00Z").into(http.StatusOK, &since)
	require.EqualValues(t, 4, since.NewToday)
	owner.get("/api/overview?since=today", malformed).requireFields("since datetime")
	owner.get("/api/overview?days=7", malformed).requireStatus(http.StatusUnprocessableEntity)
}

func TestMarksAndChangesComeFromTheLog(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	owner.savePolicy(policy(7, "days", true))
	h.clock.advance(time.Minute)
	owner.revokeAll("a lost laptop")
	owner = h.program(member.Owner)
	owner.tryInvite("ben@example.org", nil).requireStatus(http.StatusCreated)
	o := owner.overview()
	require.Equal(t, []string{"sessions.revoked_all", "policy.saved"}, actionsOf(o.Marks))
	require.Equal(t, "14 days", o.Marks[1].Details["before"].(map[string]any)["sessionLength"])
	require.Equal(t, []string{"member.invited", "sessions.revoked_all", "policy.saved"}, actionsOf(o.Changes), "and no sign-ins")

	for i := range 6 {
		h.program(member.Owner).savePolicy(policy(int64(6-i), "days", true))
	}
	require.Len(t, owner.overview().Changes, 5)
	h.clock.advance(month)
	o = h.program(member.Owner).overview()
	require.Empty(t, o.Marks)
	require.Len(t, o.Changes, 5)
}

func actionsOf(entries []httpapi.AuditEntry) (actions []string) {
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	return actions
}

func TestWhatNeedsAttention(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Password: "pa55 of the mail server"})
	h := open(t, options{mail: mailer(server)})
	owner := h.program(member.Owner)
	o := owner.overview()
	require.Nil(t, o.SetUp, "it is not known when this organization was set up")
	require.Equal(t, []httpapi.HintKind{"only_owner", "second_factor", "backup"}, owner.hints())
	require.Equal(t, name(member.Owner), o.Hints[0].Member.Name)
	require.EqualValues(t, 4, *o.Hints[1].Count)
	require.EqualValues(t, 2, *o.Hints[1].Admins)
	require.Nil(t, o.Hints[2].At, "there was none")
	require.Equal(t, []httpapi.OverviewGood{"https", "data_folder", "clock"}, o.Good)

	h.operator().post("/api/backup", map[string]any{"file": filepath.Join(t.TempDir(), "b.db")}).requireStatus(http.StatusOK)
	require.Equal(t, []httpapi.OverviewGood{"https", "backup", "log", "data_folder", "clock"}, owner.overview().Good)
	owner.enrol()
	owner.post("/api/members", map[string]any{"email": "second@example.org", "role": "owner", "mail": true}).requireStatus(http.StatusCreated)
	h.stranger().post("/api/invitations/accept", map[string]any{"token": linkIn(t, server.Taken()[0]), "name": "Second", "password": newPassword}).requireStatus(http.StatusCreated)
	o = owner.overview()
	require.Equal(t, []httpapi.HintKind{"second_factor"}, owner.hints())
	require.EqualValues(t, 4, *o.Hints[0].Count)
	require.EqualValues(t, 2, *o.Hints[0].Admins, "the admin, and the second owner")
	require.Contains(t, o.Good, httpapi.OverviewGoodMail)

	owner.put("/api/settings/sign-in", map[string]any{"requireSecondFactor": true}).requireStatus(http.StatusOK)
	require.Empty(t, owner.hints(), "everyone sets one up at their next visit")

	h.writableBy, h.ahead = "group", 2*time.Minute
	require.Equal(t, []httpapi.HintKind{"clock", "data_folder"}, owner.hints())
	require.EqualValues(t, 120, *owner.overview().Hints[0].Count)
	require.NotContains(t, owner.overview().Good, httpapi.OverviewGoodClock)
	h.writableBy, h.ahead = "", 0

	h.exec("UPDATE audit_entries SET actor_name = 'Mallory' WHERE sequence = 2")
	owner.get("/api/audit/chain").requireStatus(http.StatusOK)
	require.Equal(t, []httpapi.HintKind{"log_broken"}, owner.hints())
}

func TestAMailServerThatRefusesIsReported(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Password: "another password"})
	h := open(t, options{mail: mailer(server)})
	owner := h.program(member.Owner)
	require.NotContains(t, owner.hints(), httpapi.HintKindMail)
	owner.post("/api/members", map[string]any{"email": "ben@example.org", "role": "member", "mail": true}).requireStatus(http.StatusCreated)
	require.Equal(t, mail.Refused, h.options.mail.LastOutcome())
	require.Equal(t, httpapi.HintKindMail, owner.hints()[0])
}

func TestABackupAndACheckAreDueAfterAMonth(t *testing.T) {
	h := open(t, options{})
	file := filepath.Join(t.TempDir(), "b.db")
	backedUp := h.clock.Now()
	h.operator().post("/api/backup", map[string]any{"file": file}).requireStatus(http.StatusOK)
	h.clock.advance(month)
	owner := h.program(member.Owner)
	require.Equal(t, []httpapi.HintKind{"only_owner", "second_factor", "backup", "log_unverified"}, owner.hints())
	o := owner.overview()
	require.Equal(t, backedUp, *o.Hints[2].At)
	require.Equal(t, backedUp, *o.Hints[3].At)
	require.Equal(t, []httpapi.OverviewGood{"https", "data_folder", "clock"}, o.Good)
	h.restart()
	require.NotContains(t, h.program(member.Owner).hints(), httpapi.HintKindLogUnverified, "a server that has just begun does not know")
}

func TestADismissalLastsAMonthAndIsRecorded(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	admin.dismiss("backup").requireStatus(http.StatusNoContent)
	require.Equal(t, []httpapi.HintKind{"only_owner", "second_factor"}, h.program(member.Auditor).hints(), "from everyone")
	dismissals := func() []audit.Entry {
		return slices.DeleteFunc(h.audited(), func(e audit.Entry) bool { return e.Action != audit.HintDismissed })
	}
	require.Equal(t, name(member.Admin), dismissals()[0].Actor.Name)
	require.Equal(t, map[string]any{"kind": "backup"}, dismissals()[0].Details)

	for _, kind := range []string{"log_broken", "clock", "everything", ""} {
		a := admin.post("/api/overview/dismiss", map[string]any{"kind": kind}, malformed)
		require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode, "%s", a)
	}
	require.Len(t, dismissals(), 1)
	h.clock.advance(month)
	require.Contains(t, h.program(member.Admin).hints(), httpapi.HintKindBackup)
}

func TestANewOrganizationGetsAList(t *testing.T) {
	h := open(t, options{unclaimed: true})
	h.stranger().post("/api/setup", firstOwner()).requireStatus(http.StatusCreated)
	var given httpapi.SignedIn
	owner := h.stranger()
	owner.post("/api/sessions", httpapi.SignInRequest{Email: "olga@example.org", Password: password, Transport: new(httpapi.TransportBearer)}).into(http.StatusCreated, &given)
	owner = owner.keep(given)
	var app *factor
	open := func() (kinds []httpapi.SetUpStepKind) {
		o := owner.overview()
		require.Empty(t, o.Hints, "the list says it")
		require.NotNil(t, o.SetUp)
		for _, step := range *o.SetUp {
			if !step.Done {
				kinds = append(kinds, step.Kind)
			}
		}
		return kinds
	}
	left := []httpapi.SetUpStepKind{"second_factor", "mail", "second_owner", "policy", "backup"}
	require.Equal(t, left, open())
	for _, step := range []struct {
		kind httpapi.SetUpStepKind
		do   func()
	}{
		{"second_owner", func() {
			owner.post("/api/members", map[string]any{"email": "second@example.org", "role": "owner"}).requireStatus(http.StatusCreated)
		}},
		{"policy", func() { owner.savePolicy(policy(7, "days", true)) }},
		{"second_factor", func() { app = owner.enrol() }},
		{"backup", func() {
			h.operator().post("/api/backup", map[string]any{"file": filepath.Join(t.TempDir(), "b.db")}).requireStatus(http.StatusOK)
		}},
	} {
		step.do()
		left = slices.DeleteFunc(left, func(k httpapi.SetUpStepKind) bool { return k == step.kind })
		require.Equal(t, left, open())
	}
	owner.dismiss("set_up").requireStatus(http.StatusNoContent)
	o := owner.overview()
	require.Nil(t, o.SetUp)
	require.Equal(t, []httpapi.HintKind{"only_owner"}, owner.hints(), "the invitation waits")

	h.clock.advance(month)
	owner.post("/api/sessions", httpapi.SignInRequest{Email: "olga@example.org", Password: password, Code: new(app.code(0)), Transport: new(httpapi.TransportBearer)}).into(http.StatusCreated, &given)
	require.Nil(t, h.stranger().keep(given).overview().SetUp, "it is no longer new")
}
