// Package population makes up organizations of any size to measure Curfew on: a data folder as curfew itself would have written it, had
// all of these people signed in within the last hour.
package population

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // by which sessions are written past the store, a million in one statement

	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
	"curfew/backend/token"
)

// Who owns every population.
const (
	OwnerEmail    = "owner@example.org"
	OwnerPassword = "correct horse battery staple"
)

// Database and Secrets are the files that curfew keeps in its data folder.
func Database(folder string) string { return filepath.Join(folder, "curfew.db") }
func Secrets(folder string) string  { return filepath.Join(folder, "keys.json") }

// SessionID names the session of that number, from 1.
func SessionID(number int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012x", number))
}

// MemberID names the member of that number, from 1. The owner is not among them.
func MemberID(number int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-9000-%012x", number))
}

// MemberOf is the number of the member whose session that is, in a population of so many members.
func MemberOf(number, members int) int { return 1 + number%members }

// userAgents are what the members sign in on, one a line.
//
//go:embed useragents.txt
var userAgents string

// Create makes a data folder that curfew can serve, in an organization with an owner, so many members beside, who all have the owner's
// password, and so many live sessions, spread over these members and over the hour before now.
func Create(ctx context.Context, folder string, sessions, members int) error {
	if sessions > 0 && members < 1 {
		return errors.New("sessions need members")
	}
	now := time.Now()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if _, err := token.LoadSecrets(Secrets(folder), now); err != nil {
		return fmt.Errorf("make the secrets: %w", err)
	}
	passwordHash, err := setUp(ctx, Database(folder), now)
	if err != nil {
		return fmt.Errorf("set the organization up: %w", err)
	}
	if err := fill(ctx, Database(folder), sessions, members, passwordHash, now); err != nil {
		return fmt.Errorf("make %d sessions of %d members up: %w", sessions, members, err)
	}
	return nil
}

// setUp lets the product itself make the database, the organization and its owner.
func setUp(ctx context.Context, path string, now time.Time) (passwordHash string, err error) {
	db, err := store.Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	clock := func() time.Time { return now }
	sessions, err := session.New(ctx, db, clock, [32]byte{})
	if err != nil {
		return "", err
	}
	const setupToken = "the population's own"
	owners, err := member.New(db, clock, clock, setupToken, sessions, [32]byte{}, &url.URL{Scheme: "https", Host: "curfew.example.org"})
	if err != nil {
		return "", err
	}
	_, err = owners.SetUp(ctx, member.Setup{
		Token: setupToken, Organization: "Example Works", Name: "Olive Owner", Email: OwnerEmail, Password: OwnerPassword,
	}, member.Origin{Address: "192.0.2.1"})
	if err != nil {
		return "", err
	}
	_, passwordHash, err = db.MemberByEmail(ctx, OwnerEmail)
	return passwordHash, err
}

// fill writes rows as the store would. A crash on the way may damage the file, which is of no use then anyway: so nothing is synced, nor
// logged first, until the end.
func fill(ctx context.Context, path string, sessions, members int, passwordHash string, now time.Time) (err error) {
	pragmas := url.Values{"_journal_mode": {"OFF"}, "_synchronous": {"OFF"}, "_cache_size": {"-500000"}}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()

	if _, err := connection.ExecContext(ctx, insertMembers, members, passwordHash, now.UnixMilli()); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	if _, err := connection.ExecContext(ctx, "CREATE TEMP TABLE agents (place INTEGER PRIMARY KEY, text TEXT NOT NULL)"); err != nil {
		return fmt.Errorf("user agents: %w", err)
	}
	agents := strings.Split(strings.TrimSpace(userAgents), "\n")
	for place, agent := range agents {
		if _, err := connection.ExecContext(ctx, "INSERT INTO agents VALUES (?, ?)", place, agent); err != nil {
			return fmt.Errorf("user agents: %w", err)
		}
	}
	hourAgo := now.Add(-time.Hour).UnixMilli()
	if _, err := connection.ExecContext(ctx, insertSessions, sessions, hourAgo, members, len(agents)); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	// From here on the file has to be as durable, and as the store wants it.
	if _, err := connection.ExecContext(ctx, "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL"); err != nil {
		return fmt.Errorf("close the file: %w", err)
	}
	return sync(path)
}

func sync(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

const insertMembers = `
WITH RECURSIVE n (i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at, sort_name, search)
SELECT printf('00000000-0000-7000-9000-%012x', i), printf('Member %07d', i), printf('member%07d@example.org', i), printf('member%07d@example.org', i),
       'member', ?2, 1, ?3, printf('member %07d', i), printf('member %07d', i) || ' ' || printf('member%07d@example.org', i)
FROM n`

// insertSessions lets sessions begin one after the other, as their ids say, and be last seen at any time since. A third of them come from an
// office's few addresses, and the others each from one of some thousands (RFC 5737 and RFC 2544 keep these ranges; RFC 3849 those of IPv6).
// What looks random is a multiplicative hash of the number, so that it is the same each time.
const insertSessions = `
WITH RECURSIVE n (i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
     drawn (i, began, random) AS (SELECT i, ?2 + i * 3600000 / ?1, i * 2654435761 % 4294967296 / 65536 FROM n),
     seen (i, began, seen, random) AS (SELECT i, began, began + (?2 + 3600000 - began) * random / 65536, random FROM drawn)
INSERT INTO sessions (id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at,
                      refresh_counter, refresh_hash, refresh_next_hash, address, user_agent, methods)
SELECT printf('00000000-0000-7000-8000-%012x', i), printf('00000000-0000-7000-9000-%012x', 1 + i % ?3), 1, 1, began, began, seen, seen,
       0, zeroblob(32), randomblob(32),
       CASE i % 3 WHEN 0 THEN printf('192.0.2.%d', 1 + random % 20) WHEN 1 THEN printf('198.18.%d.%d', random / 256, random % 256)
       ELSE printf('2001:db8:%x::%x', 1 + random % 64, 1 + random) END,
       text, 'password'
FROM seen JOIN agents ON place = random % ?4
ORDER BY i`
