package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/mail"
	"curfew/backend/member"
	"curfew/backend/session"
)

// hintAge is after how long a backup or a check of the log is due again, how long a dismissal
// lasts, and how long an organization is new.
const hintAge = 30 * 24 * time.Hour

// The lengths of the lists in the overview.
const (
	facesShown   = 5
	changesShown = 5
	marksShown   = 20
)

// markedActions are what the chart marks.
var markedActions = []audit.Action{audit.PolicySaved, audit.SessionsRevokedAll}

// changeActions are what counts as a change: what admins and the operator do, and not what members
// do for themselves.
var changeActions = []audit.Action{
	audit.OrganizationSetUp, audit.OrganizationRenamed, audit.OrganizationChanged, audit.PolicySaved, audit.GuidelinesChosen, audit.SecondFactorRequired, audit.SessionsRevokedAll, audit.SessionsRevoked,
	audit.MemberInvited, audit.MemberChanged, audit.MemberRemoved, audit.MemberRevoked, audit.LinkIssued, audit.PasswordReset,
	audit.BackedUp, audit.Restored, audit.TimeAccepted,
}

func (a *API) getOverview(c echo.Context, who session.Principal) error {
	ctx, now := c.Request().Context(), a.Now()
	today := now.UTC().Truncate(24 * time.Hour)
	figures, err := a.Sessions.Figures(ctx, timeParam(c, "since", today))
	if err != nil {
		return err
	}
	out := Overview{
		Live: wireCount(figures.Live), NewToday: int64(figures.New), Active: int64(figures.Active), Good: []OverviewGood{}, Hints: []Hint{},
	}
	if out.Days, err = a.days(ctx, figures.Live); err != nil {
		return err
	}
	if out.ActiveMembers, err = a.activeMembers(ctx, who, now.Add(-session.ActiveWithin)); err != nil {
		return err
	}
	if out.Marks, err = a.latest(ctx, markedActions, today.AddDate(0, 0, 1-session.DaysShown), marksShown); err != nil {
		return err
	}
	if out.Changes, err = a.latest(ctx, changeActions, time.Time{}, changesShown); err != nil {
		return err
	}
	out.Changes = out.Changes[:min(len(out.Changes), changesShown)]
	f, err := a.gatherFacts(ctx, who, now)
	if err != nil {
		return err
	}
	out.MembersTotal = int64(f.members.Members)
	f.judge(&out)
	return c.JSON(http.StatusOK, out)
}

func (a *API) dismissHint(c echo.Context, who session.Principal, in DismissHintRequest) error {
	return answerNothing(c, a.Sessions.Dismiss(c.Request().Context(), who, string(in.Kind)))
}

func (a *API) days(ctx context.Context, live session.Count) ([]DayCount, error) {
	days, err := a.Sessions.Days(ctx, live)
	return each(days, func(d session.DayCount) DayCount {
		return DayCount{
			Date: d.Day.Format(time.DateOnly), Sessions: int64(d.Live.Sessions), Members: int64(d.Live.Members), SignIns: int64(d.SignIns),
		}
	}), err
}

// activeMembers returns a few of the members who were seen since then, the latest first.
func (a *API) activeMembers(ctx context.Context, who session.Principal, since time.Time) ([]Actor, error) {
	found, _, _, err := a.Sessions.Find(ctx, who, session.Query{Limit: 4 * facesShown})
	active := []Actor{}
	for _, p := range found {
		actor := Actor{Id: p.Member.ID.String(), Name: p.Member.Name}
		if !p.Session.LastSeenAt.Before(since) && len(active) < facesShown && !slices.Contains(active, actor) {
			active = append(active, actor)
		}
	}
	return active, err
}

// latest returns the newest entries of the actions, up to limit of each.
func (a *API) latest(ctx context.Context, actions []audit.Action, since time.Time, limit int) ([]AuditEntry, error) {
	var entries []audit.Entry
	for _, action := range actions {
		found, err := a.Audit.Entries(ctx, audit.Filter{Action: action, Since: since, Limit: limit})
		if err != nil {
			return nil, err
		}
		entries = append(entries, found...)
	}
	slices.SortFunc(entries, func(x, y audit.Entry) int {
		return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.Sequence, x.Sequence))
	})
	return each(entries, wireAuditEntry), nil
}

// overviewFacts are what the hints are judged by.
type overviewFacts struct {
	now time.Time
	// proved reports whether the caller has a second factor.
	proved   bool
	required bool // of every member
	chosen   bool // whether a policy was saved
	members  member.Factors
	// setUp, backup and checked are when the organization was set up, and last backed up, and when
	// its log was checked; zero for never, or not since the server began.
	setUp, backup, checked, began time.Time
	broken                        bool
	mails                         bool
	mail                          mail.Outcome
	behind                        time.Duration
	exposed, https                bool
	dismissed                     map[string]bool
}

func (a *API) gatherFacts(ctx context.Context, who session.Principal, now time.Time) (overviewFacts, error) {
	f := overviewFacts{
		now: now, proved: who.Member.SecondFactor || who.Member.HasPasskey, required: who.Organization.RequireSecondFactor,
		chosen: who.Organization.Version > 1, began: a.began, mails: a.Mail != nil, behind: a.ClockAhead(),
		exposed: a.FolderWritableBy() != "", https: a.PublicURL.Scheme == "https", dismissed: map[string]bool{},
	}
	if a.Mail != nil {
		f.mail = a.Mail.LastOutcome()
	}
	if chain := a.checked.Load(); chain != nil {
		f.checked, f.broken = chain.CheckedAt, !chain.Intact
	}
	var err error
	if f.members, err = a.Members.Factors(ctx); err != nil {
		return f, err
	}
	for action, at := range map[audit.Action]*time.Time{audit.OrganizationSetUp: &f.setUp, audit.BackedUp: &f.backup} {
		entries, err := a.Audit.Entries(ctx, audit.Filter{Action: action, Limit: 1})
		if err != nil {
			return f, err
		}
		if len(entries) > 0 {
			*at = entries[0].At
		}
	}
	dismissals, err := a.Audit.Entries(ctx, audit.Filter{Action: audit.HintDismissed, Since: now.Add(-hintAge), Limit: 100})
	for _, entry := range dismissals {
		kind, _ := entry.Details["kind"].(string)
		f.dismissed[kind] = true
	}
	return f, err
}

// judge adds the hints, what is good, and what a new organization still needs.
func (f overviewFacts) judge(out *Overview) {
	out.SetUp = f.steps()
	hint := func(wrong bool, h Hint) {
		if wrong && !f.dismissed[string(h.Kind)] {
			out.Hints = append(out.Hints, h)
		}
	}
	due := func(last time.Time) bool { return f.now.Sub(last) > hintAge }
	hint(f.broken, Hint{Kind: HintKindLogBroken, At: optional(f.checked)})
	hint(f.behind > time.Minute, Hint{Kind: HintKindClock, Count: optional(int64(f.behind.Seconds()))})
	hint(f.exposed, Hint{Kind: HintKindDataFolder})
	hint(f.mail == mail.Refused, Hint{Kind: HintKindMail})
	if out.SetUp == nil {
		hint(f.members.Owners == 1, Hint{Kind: HintKindOnlyOwner, Member: &Actor{Id: f.members.Owner.ID, Name: f.members.Owner.Name}})
		hint(f.members.Without > 0 && !f.required, Hint{
			Kind: HintKindSecondFactor, Count: optional(int64(f.members.Without)), Admins: optional(int64(f.members.AdminsWithout)),
		})
		hint(due(f.backup) && due(f.setUp), Hint{Kind: HintKindBackup, At: optional(f.backup)})
	}
	hint(!f.broken && due(f.checked) && due(f.began), Hint{Kind: HintKindLogUnverified, At: optional(f.checked)})

	for _, check := range []struct {
		good bool
		name OverviewGood
	}{
		{f.https, OverviewGoodHttps},
		{f.mail == mail.Delivered, OverviewGoodMail},
		{f.members.Owners > 1, OverviewGoodOwners},
		{!due(f.backup), OverviewGoodBackup},
		{!f.broken && !due(f.checked), OverviewGoodLog},
		{!f.exposed, OverviewGoodDataFolder},
		{f.behind <= time.Minute, OverviewGoodClock},
	} {
		if check.good {
			out.Good = append(out.Good, check.name)
		}
	}
}

// steps returns what a new organization needs, or nil if it is not new or has all of it.
func (f overviewFacts) steps() *[]SetUpStep {
	steps := []SetUpStep{
		{Kind: SetUpStepKindSecondFactor, Done: f.proved},
		{Kind: SetUpStepKindMail, Done: f.mails},
		{Kind: SetUpStepKindSecondOwner, Done: f.members.Owners+f.members.InvitedOwners > 1},
		{Kind: SetUpStepKindPolicy, Done: f.chosen},
		{Kind: SetUpStepKindBackup, Done: !f.backup.IsZero()},
	}
	done := !slices.ContainsFunc(steps, func(s SetUpStep) bool { return !s.Done })
	if done || f.now.Sub(f.setUp) > hintAge || f.dismissed[string(DismissHintRequestKindSetUp)] {
		return nil
	}
	return &steps
}
