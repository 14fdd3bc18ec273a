package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"curfew/backend/app"
	"curfew/backend/audit"
	"curfew/backend/config"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// The story is right at any time. A server serves the folder, and the owner signs in with the
// printed credentials.
func TestAStoryThatEndsNow(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var printed bytes.Buffer
	require.NoError(t, run(t.Context(), []string{folder}, &printed))
	require.Contains(t, printed.String(), "200 members, 1200 live sessions")
	require.Contains(t, printed.String(), ownerEmail)
	require.Contains(t, printed.String(), demoPassword)
	db := requireStory(t, folder, time.Now())

	members, err := member.New(db, nil, member.Options{Now: time.Now, Wall: time.Now, PublicURL: &url.URL{Scheme: "https", Host: "curfew.example.org"}})
	require.NoError(t, err)
	proof, err := members.Authenticate(t.Context(), ownerEmail, demoPassword, "", member.Origin{Address: "127.0.0.1"})
	require.NoError(t, err)
	require.Equal(t, member.Owner, proof.Member.Role)

	flags := pflag.NewFlagSet("curfew", pflag.ContinueOnError)
	config.Flags(flags)
	cfg, err := config.Load(flags, []string{"CURFEW_DATA=" + folder})
	require.NoError(t, err)
	served, err := app.New(t.Context(), cfg, fstest.MapFS{"200.html": {}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Empty(t, served.SetupURL, "there is nothing left to set up")
	require.NoError(t, served.Close())
}

// It would make a folder of that name.
func TestAFolderThatAShellWouldReplaceIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	err := run(t.Context(), []string{"~/demo"}, io.Discard)
	require.ErrorContains(t, err, `FOLDER: "~/demo" begins with "~"`)
	require.NoDirExists(t, "~")
}

func TestAStoryThatEndsInTheNightOfASunday(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "demo")
	end := time.Date(2026, time.March, 29, 1, 5, 0, 0, time.UTC)
	made, err := fill(t.Context(), folder, end)
	require.NoError(t, err)
	require.Equal(t, figures{members: 200, sessions: 1200}, made)
	requireStory(t, folder, end)
}

func requireStory(t *testing.T, folder string, end time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(folder, "curfew.db"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	requireMembers(t, db)
	requireSessions(t, db, end)
	requireLog(t, db, end)
	requireDays(t, db, end)
	return db
}

func requireMembers(t *testing.T, db *store.DB) {
	t.Helper()
	members, total, err := db.Members(t.Context(), member.Query{Order: member.ByName, Limit: 1000})
	require.NoError(t, err)
	require.Equal(t, 200, total.Total)
	require.Len(t, members, 200)
	count := map[string]int{}
	for _, m := range members {
		require.True(t, strings.HasSuffix(m.Email, "@example.org"), m.Email)
		count[string(m.Role)]++
		count[string(m.State)]++
		if m.Role.Administers() && !m.SecondFactor && m.Passkeys == 0 {
			count["admins without a second factor"]++
		}
		if m.SecondFactor {
			count["codes"]++
		}
		if m.Passkeys > 0 {
			count["passkeys"]++
		}
		if m.Link != nil {
			count[string(m.Link.Kind)+" waits"]++
		}
	}
	require.Equal(t, map[string]int{
		"owner": 2, "admin": 5, "auditor": 3, "member": 190,
		"active": 186, "invited": 8, "deactivated": 6,
		"invitation waits": 8, "reset waits": 1, "codes": 20, "passkeys": 20, "admins without a second factor": 3,
	}, count)
}

// requireSessions checks that R1 admits each session that the store holds as live.
func requireSessions(t *testing.T, db *store.DB, end time.Time) {
	t.Helper()
	org, err := db.Organization(t.Context())
	require.NoError(t, err)
	require.Equal(t, session.Policy{
		Length: session.Length{Value: 14, Unit: session.Days}, RefreshAutomatically: true, MaximumLifetime: session.Length{Value: 30, Unit: session.Days},
	}, org.Policy)
	live, withinHour, withinDay, newToday := 0, 0, 0, 0
	owners := map[member.ID]bool{}
	members := map[member.ID]member.Member{}
	require.NoError(t, db.EachActiveMember(t.Context(), func(m *member.Member) { members[m.ID] = *m }))
	require.NoError(t, db.EachLive(t.Context(), org.Generation, func(_ int64, s *session.Session) {
		live++
		owners[s.MemberID] = true
		require.Contains(t, members, s.MemberID)
		m := members[s.MemberID]
		standing := session.Standing{
			MemberActive: m.Active, Generation: s.Generation, MemberGeneration: s.MemberGeneration, MembersOwn: m.Generation,
			AuthenticatedAt: s.AuthenticatedAt, StartedAt: s.StartedAt, Organization: &org,
		}
		require.Empty(t, standing.Ended(end))
		require.False(t, s.StartedAt.After(end))
		switch left := standing.ExpiresAt().Sub(end); {
		case left < time.Hour:
			withinHour++
		case left < 24*time.Hour:
			withinDay++
		}
		if end.Sub(s.AuthenticatedAt) < 24*time.Hour {
			newToday++
		}
	}))
	require.Equal(t, 1200, live)
	require.Greater(t, len(owners), 150)
	require.GreaterOrEqual(t, withinHour, 8)
	require.GreaterOrEqual(t, withinDay, 25)
	require.Greater(t, newToday, 40)
}

func requireLog(t *testing.T, db *store.DB, end time.Time) {
	t.Helper()
	entries, err := db.Entries(t.Context(), audit.Filter{Limit: 100_000})
	require.NoError(t, err)
	chain, err := audit.Check(t.Context(), db)
	require.NoError(t, err)
	require.Nil(t, chain.Broken)
	require.EqualValues(t, len(entries), chain.Entries)
	kinds := map[audit.Action]int{}
	reasons := map[any]int{}
	for _, entry := range entries {
		kinds[entry.Action]++
		reasons[entry.Details["reason"]]++
	}
	require.False(t, entries[0].At.After(end))
	require.WithinDuration(t, end, entries[0].At, 12*time.Hour)
	require.Less(t, entries[len(entries)-1].At, end.Add(-30*24*time.Hour))
	for _, action := range []audit.Action{
		audit.OrganizationSetUp, audit.PolicySaved, audit.SessionStarted, audit.SessionRefused, audit.SessionEnded, audit.SessionsRevokedAll,
		audit.Reauthenticated, audit.PasswordChanged, audit.MemberInvited, audit.MemberChanged, audit.MemberRevoked, audit.LinkIssued, audit.LinkUsed,
	} {
		require.NotZero(t, kinds[action], action)
	}
	for _, reason := range []session.EndReason{
		session.SignedOut, session.Expired, session.Revoked, session.RevokedMember, session.TokenReuse, session.MemberDeactivated, session.CredentialChanged,
	} {
		require.NotZero(t, reasons[string(reason)], reason)
	}
}

// requireDays checks that the chart of the last 30 days has something to show: growth, the fall of
// the day on which everyone was signed out, and that of a shorter session length.
func requireDays(t *testing.T, db *store.DB, end time.Time) {
	t.Helper()
	today := end.UTC().Truncate(24 * time.Hour)
	days, err := db.Days(t.Context(), today.AddDate(0, 0, 1-session.DaysShown), today)
	require.NoError(t, err)
	require.Len(t, days, session.DaysShown)
	require.Equal(t, 1200, days[len(days)-1].Live.Sessions)
	falls := 0
	for i, day := range days[1:] {
		require.Equal(t, days[i].Day.AddDate(0, 0, 1), day.Day)
		require.LessOrEqual(t, day.Live.Members, day.Live.Sessions)
		signIns, err := db.SignIns(t.Context(), day.Day)
		require.NoError(t, err)
		require.Equal(t, signIns, day.SignIns)
		if day.Live.Sessions < days[i].Live.Sessions*9/10 {
			falls++
		}
	}
	require.GreaterOrEqual(t, falls, 2)
}

func TestHelpAndUnknownFlagsMakeNoFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, help := range [][]string{{"--help"}, {"-h"}, {"demo", "--help"}} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), help, &out))
		require.Contains(t, out.String(), "curfew-demo FOLDER")
	}
	for _, wrong := range [][]string{nil, {"--version"}, {"--members=3", "demo"}, {"-x"}, {"a", "b"}, {""}} {
		var out bytes.Buffer
		require.Error(t, run(t.Context(), wrong, &out), "%q", wrong)
		require.Empty(t, out.String())
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAFolderThatHoldsSomethingIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "curfew.db"), []byte("other data"), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{folder}, &bytes.Buffer{}), "is not empty")
	kept, err := os.ReadFile(filepath.Join(folder, "curfew.db"))
	require.NoError(t, err)
	require.Equal(t, "other data", string(kept))
	require.ErrorContains(t, run(t.Context(), nil, &bytes.Buffer{}), "name the new data folder")
}
