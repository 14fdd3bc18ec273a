package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"curfew/backend/audit"
	"curfew/backend/config"
	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
	"curfew/backend/token"
)

var quiet = slog.New(slog.DiscardHandler)

// open runs a deployment on the folder, without its server.
func open(t *testing.T, folder string) *App {
	t.Helper()
	cfg := config.Config{Data: folder, PublicURL: &url.URL{Scheme: "http", Host: "localhost"}, AccessTokenLifetime: 5 * time.Minute}
	a, err := New(t.Context(), cfg, nil, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() }) // a test may have closed it
	return a
}

// ana sets the organization up. Her proof is no hash of a password, which would take a while.
func (a *App) ana(t *testing.T) member.Proof {
	t.Helper()
	id := member.NewID()
	owner := member.Member{ID: id, Name: "Ana", Email: "ana@example.org", Role: member.Owner, Active: true, Generation: 1}
	event := audit.Event{At: time.Now(), Action: audit.OrganizationSetUp, Actor: audit.Actor{ID: id.String(), Name: "Ana"}, Target: "organization"}
	require.NoError(t, a.db.SetUp(t.Context(), "Acme", owner, "hash", event))
	require.NoError(t, a.sessions.Reload(t.Context()))
	return member.Proof{Member: owner, PasswordHash: "hash", Methods: []string{"password"}}
}

func (a *App) signIn(ctx context.Context, proof member.Proof) (session.Principal, error) {
	who, _, err := a.sessions.Start(ctx, proof, session.Client{Address: session.ParseAddress("192.0.2.1"), UserAgent: "test"})
	return who, err
}

func (a *App) makeBackup(ctx context.Context, file string) (audit.Finding, error) {
	event := audit.Event{At: time.Now(), Action: audit.BackedUp, Actor: audit.Operator, Target: "organization"}
	_, chain, err := a.backup(ctx, file, false, event)
	return chain, err
}

// alive counts the sessions that get in.
func (a *App) alive(t *testing.T, ids ...session.ID) (n int) {
	t.Helper()
	for _, id := range ids {
		_, err := a.sessions.Admit(t.Context(), id, 0, session.Passive)
		switch {
		case err == nil:
			n++
		case !errors.Is(err, session.ErrNoSession):
			require.ErrorAs(t, err, new(*session.EndedError))
		}
	}
	return n
}

// ask asks the file of a database, which may be in use.
func ask(t *testing.T, file, query string, into ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(into...))
}

// TestABackupUnderLoadIsOneInstant: it has all that was answered before the request for it, and
// nothing by half. No write waits until it is made.
func TestABackupUnderLoadIsOneInstant(t *testing.T) {
	a := open(t, t.TempDir())
	proof := a.ana(t)
	var signedIn atomic.Int64
	load, ctx := errgroup.WithContext(t.Context())
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	for worker := range 4 {
		load.Go(func() error {
			for i := 0; ctx.Err() == nil; i++ {
				who, err := a.signIn(ctx, proof)
				if err != nil {
					return err
				}
				signedIn.Add(1)
				switch i % 20 {
				case 5:
					err = a.sessions.SignOut(ctx, who)
				case 10:
					_, err = a.sessions.SavePolicy(ctx, a.sessions.Operator(), session.Policy{Length: session.Length{Value: int64(i%300 + 1), Unit: session.Days}}, nil)
				case 15:
					if worker == 0 {
						_, err = a.sessions.RevokeAll(ctx, a.sessions.Operator(), "", "")
					}
				}
				if errors.As(err, new(*session.EndedError)) { // by another worker
					err = nil
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	folder := t.TempDir()
	var made []audit.Finding
	for i := range 5 {
		before := signedIn.Load()
		file := filepath.Join(folder, fmt.Sprintf("%d.db", i))
		chain, err := a.makeBackup(ctx, file)
		require.NoError(t, err)
		made = append(made, chain)
		var sessions, ended, started, generation, revocations, version, policies int64
		ask(t, file, `
			SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM sessions WHERE end_reason = 'signed_out'),
			       (SELECT count(*) FROM audit_entries WHERE action = 'session.started') - (SELECT count(*) FROM audit_entries WHERE action = 'session.ended'),
			       generation - 1, (SELECT count(*) FROM revocations), version - 1, (SELECT count(*) FROM audit_entries WHERE action = 'policy.saved')
			FROM organization`, &sessions, &ended, &started, &generation, &revocations, &version, &policies)
		require.GreaterOrEqual(t, sessions, before)
		require.Equal(t, started, sessions-ended)
		require.Equal(t, generation, revocations)
		require.Equal(t, version, policies)
		for previous := before; signedIn.Load() < previous+20; { // the next one finds more
			require.NoError(t, ctx.Err())
			runtime.Gosched()
		}
	}
	enough()
	require.NoError(t, load.Wait())
	for i, chain := range made {
		var hash []byte
		ask(t, a.folder.database(), fmt.Sprintf("SELECT hash FROM audit_entries WHERE sequence = %d", chain.Entries), &hash)
		require.Equal(t, chain.Head[:], hash, "backup %d has another past than its original", i)
		require.True(t, i == 0 || chain.Entries > made[i-1].Entries)
	}
	left, err := fs.Glob(os.DirFS(folder), ".*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestABackupHasTheTouchesThatWereOnlyInMemory, of a moment before.
func TestABackupHasTheTouchesThatWereOnlyInMemory(t *testing.T) {
	a := open(t, t.TempDir())
	who, err := a.signIn(t.Context(), a.ana(t))
	require.NoError(t, err)
	var seen session.Principal
	for !seen.AdmittedAt.After(who.Session.LastSeenAt) {
		seen, err = a.sessions.Admit(t.Context(), who.Session.ID, 0, session.Active)
		require.NoError(t, err)
	}
	file := filepath.Join(t.TempDir(), "backup.db")
	_, err = a.makeBackup(t.Context(), file)
	require.NoError(t, err)
	_, _, err = store.StageBackup(t.Context(), file, quiet)
	require.NoError(t, err)
	kept, err := store.Open(t.Context(), file, quiet)
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	record, err := kept.Session(t.Context(), who.Session.ID)
	require.NoError(t, err)
	require.Equal(t, seen.AdmittedAt, record.Session.LastSeenAt)
}

// aPastToRestore is the folder of a deployment that was killed, a backup from before, and the
// sessions that there were, of which one began after the backup and is alive.
func aPastToRestore(t *testing.T) (folder, backup string, ids []session.ID) {
	t.Helper()
	a := open(t, t.TempDir())
	proof := a.ana(t)
	signIn := func() session.Principal {
		who, err := a.signIn(t.Context(), proof)
		require.NoError(t, err)
		ids = append(ids, who.Session.ID)
		return who
	}
	revoked, signedOut := signIn(), signIn()
	signIn()
	backup = filepath.Join(t.TempDir(), "backup.db")
	_, err := a.makeBackup(t.Context(), backup)
	require.NoError(t, err)
	require.Equal(t, 3, a.alive(t, ids...))

	require.NoError(t, a.sessions.Revoke(t.Context(), a.sessions.Operator(), revoked.Session.ID))
	require.NoError(t, a.sessions.SignOut(t.Context(), signedOut))
	for range 3 {
		_, err = a.sessions.SavePolicy(t.Context(), a.sessions.Operator(), session.Policy{Length: session.Length{Value: 1, Unit: session.Hours}}, nil)
		require.NoError(t, err)
		_, err = a.sessions.RevokeAll(t.Context(), a.sessions.Operator(), "", "")
		require.NoError(t, err)
	}
	signIn()
	require.Equal(t, 1, a.alive(t, ids...))
	folder = filepath.Join(t.TempDir(), "killed")
	require.NoError(t, os.CopyFS(folder, os.DirFS(a.folder.path))) // with its write-ahead log
	require.NoError(t, os.Chmod(filepath.Join(folder, "keys.json"), 0o600))
	return folder, backup, ids
}

// TestNothingThatWasRevokedAfterABackupLivesAgain is invariant I20. The old keys are put back, so
// that it is the database that refuses.
func TestNothingThatWasRevokedAfterABackupLivesAgain(t *testing.T) {
	folder, backup, ids := aPastToRestore(t)
	keys, err := os.ReadFile(filepath.Join(folder, "keys.json"))
	require.NoError(t, err)
	old, err := store.ReadMarks(t.Context(), filepath.Join(folder, "curfew.db"), quiet)
	require.NoError(t, err)
	require.EqualValues(t, 4, old.Generation)

	done, err := Restore(t.Context(), config.Config{Data: folder}, backup, true, quiet)
	require.NoError(t, err)
	made, err := token.LoadSecrets(filepath.Join(folder, "keys.json"), time.Now())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "keys.json"), keys, 0o600))

	a := open(t, folder)
	require.Zero(t, a.alive(t, ids...), "sessions live again")
	kept, err := token.LoadSecrets(filepath.Join(folder, "keys.json"), time.Now())
	require.NoError(t, err)
	require.Equal(t, kept.Kept, made.Kept, "what is encrypted in the database could not be read any more")
	require.NotEqual(t, kept.Root, made.Root)
	require.NotEqual(t, kept.AccessTokens, made.AccessTokens)
	figures, err := a.sessions.Figures(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Zero(t, figures.Live)
	require.EqualValues(t, 3, done.SessionsEnded)
	require.EqualValues(t, 1, done.GenerationBefore)
	require.EqualValues(t, old.Generation+1, done.Generation, "nobody who has seen a generation sees it again (I13)")
	org := a.sessions.Organization()
	require.Equal(t, session.Length{Value: 14, Unit: session.Days}, org.Policy.Length)
	require.Greater(t, org.Version, old.Version, "a page that was open before cannot save over what is in force now")
	newest, err := a.db.NewestTime(t.Context())
	require.NoError(t, err)
	require.False(t, newest.Before(old.Newest), "time goes back (R7)")
	for generation := uint64(2); generation <= org.Generation; generation++ {
		_, err := a.db.Revocation(t.Context(), generation)
		require.NoError(t, err, "generation %d has no receipt", generation)
	}
	for more := true; more; {
		more, err = a.sessions.Sweep(t.Context())
		require.NoError(t, err)
	}
	var open int
	ask(t, a.folder.database(), "SELECT count(*) FROM sessions WHERE ended_at IS NULL", &open)
	require.Zero(t, open)
	found, err := audit.Check(t.Context(), a.db)
	require.NoError(t, err)
	require.Nil(t, found.Broken)
	require.Equal(t, done.Entries, found.Entries)
}

// TestTimeDoesNotGoBackWithABackup: the database that is replaced has a time on record that the
// backup and the machine are both behind.
func TestTimeDoesNotGoBackWithABackup(t *testing.T) {
	folder, backup, _ := aPastToRestore(t)
	ahead := time.Now().Add(48 * time.Hour).Truncate(time.Millisecond).UTC()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "curfew.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE organization SET clock_at = ?", ahead.UnixMilli())
	require.NoError(t, errors.Join(err, db.Close()))
	_, err = Restore(t.Context(), config.Config{Data: folder}, backup, true, quiet)
	require.NoError(t, err)
	newest, err := open(t, folder).db.NewestTime(t.Context())
	require.NoError(t, err)
	require.Equal(t, ahead, newest)
}

// TestARestoreThatIsCutShortLeavesTheOldOrTheNew stops the process after every step of a restore
// that changes the folder, and before the first.
func TestARestoreThatIsCutShortLeavesTheOldOrTheNew(t *testing.T) {
	folder, backup, ids := aPastToRestore(t)
	keys, err := os.ReadFile(filepath.Join(folder, "keys.json"))
	require.NoError(t, err)
	var stopped []string
	stop := func() {
		copied := filepath.Join(t.TempDir(), "stopped")
		require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
		stopped = append(stopped, copied)
	}
	f, err := OpenDataFolder(folder)
	require.NoError(t, err)
	_, err = f.stageBackup(t.Context(), backup, filepath.Join(f.restoring(), "curfew.db"), quiet)
	require.NoError(t, err)
	stop()
	require.NoError(t, os.RemoveAll(f.restoring()))
	f.stepped = stop
	_, err = f.restore(t.Context(), backup, true, quiet)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Len(t, stopped, 7)

	for step, copied := range stopped {
		require.True(t, hasDatabase(copied))
		require.NoError(t, os.Chmod(filepath.Join(copied, "keys.json"), 0o600))
		_ = os.Chmod(filepath.Join(copied, "restored", "keys.json"), 0o600) // where it is still there
		a := open(t, copied)
		made, err := os.ReadFile(a.folder.secrets())
		require.NoError(t, err)
		if step == 0 {
			require.EqualValues(t, 4, a.sessions.Organization().Generation)
			require.Equal(t, 1, a.alive(t, ids...))
			require.Equal(t, keys, made)
		} else {
			require.EqualValues(t, 5, a.sessions.Organization().Generation, "after step %d", step)
			require.Zero(t, a.alive(t, ids...), "after step %d", step)
			require.NotEqual(t, keys, made, "after step %d", step)
			found, err := a.db.Examine(t.Context())
			require.NoError(t, err, "after step %d", step)
			require.Nil(t, found.Chain.Broken)
		}
		require.NoDirExists(t, a.folder.restored())
		require.NoDirExists(t, a.folder.restoring())
		require.NoError(t, a.Close())
	}
}
