// Package population makes organizations of any size to measure Curfew on: a data folder as curfew
// itself would have written it, had all of these people signed in within the last hour.
package population

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // inserts a million sessions in one statement, without the store

	"curfew/backend/bench/program"
)

// The owner of every population.
const (
	OwnerEmail    = "owner@example.org"
	OwnerPassword = "correct horse battery staple"
)

// Database returns the path of the database in a data folder.
func Database(folder string) string { return filepath.Join(folder, "curfew.db") }

// SessionID returns the id of a session by its number, from 1.
func SessionID(number int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-8000-%012x", number))
}

// MemberID returns the id of a member by their number, from 1. The owner is not among them.
func MemberID(number int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-7000-9000-%012x", number))
}

// MemberOf returns the number of the member who owns a session, in a population of so many members.
func MemberOf(number, members int) int { return 1 + number%members }

// MemberEmail returns the address of a member by their number.
func MemberEmail(number int) string { return fmt.Sprintf("member%07d@example.org", number) }

// userAgents are what the members sign in with, one a line.
//
//go:embed useragents.txt
var userAgents string

// Create makes a data folder in an organization with an owner, members who all have the owner's
// password, and live sessions, spread over these members and over the hour before now. The curfew
// at that path makes the database, so that the schema is the one that it serves.
func Create(ctx context.Context, curfew, folder string, sessions, members int) error {
	if sessions > 0 && members < 1 {
		return errors.New("sessions need members")
	}
	if err := setUp(ctx, curfew, folder); err != nil {
		return fmt.Errorf("set the organization up: %w", err)
	}
	if err := fill(ctx, Database(folder), sessions, members, time.Now()); err != nil {
		return fmt.Errorf("insert %d sessions of %d members: %w", sessions, members, err)
	}
	return nil
}

// setUp runs curfew on a new data folder until the organization has its owner.
func setUp(ctx context.Context, curfew, folder string) (err error) {
	server, err := program.Start(ctx, nil, curfew, "serve", "--data", folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	token, err := os.ReadFile(filepath.Join(folder, "setup-token"))
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"setupToken":%q,"organization":"Example Works","name":"Olive Owner","email":%q,"password":%q}`,
		strings.TrimSpace(string(token)), OwnerEmail, OwnerPassword)
	_, err = program.Want(ctx, server.Address, program.JSON("/api/setup", body), http.StatusCreated)
	return err
}

// fill inserts rows as the store would. A file that a crash damages is thrown away, so nothing is
// synced or logged before the end.
func fill(ctx context.Context, path string, sessions, members int, now time.Time) (err error) {
	pragmas := url.Values{"_journal_mode": {"OFF"}, "_synchronous": {"OFF"}, "_cache_size": {"-500000"}}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // a temporary table belongs to its connection
	if _, err := db.ExecContext(ctx, insertMembers, members, OwnerEmail, now.UnixMilli()); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	agents := strings.Split(strings.TrimSpace(userAgents), "\n")
	if err := listAgents(ctx, db, agents); err != nil {
		return fmt.Errorf("user agents: %w", err)
	}
	hourAgo := now.Add(-time.Hour).UnixMilli()
	if _, err := db.ExecContext(ctx, insertSessions, sessions, hourAgo, members, len(agents)); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	// From here on the file is durable, and in the mode that the store wants.
	if _, err := db.ExecContext(ctx, "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL"); err != nil {
		return fmt.Errorf("close the file: %w", err)
	}
	return sync(path)
}

func listAgents(ctx context.Context, db *sql.DB, agents []string) error {
	if _, err := db.ExecContext(ctx, "CREATE TEMP TABLE agents (place INTEGER PRIMARY KEY, text TEXT NOT NULL)"); err != nil {
		return err
	}
	for place, agent := range agents {
		if _, err := db.ExecContext(ctx, "INSERT INTO agents VALUES (?, ?)", place, agent); err != nil {
			return err
		}
	}
	return nil
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
SELECT printf('00000000-0000-7000-9000-%012x', i), printf('Member %07d', i),
       printf('member%07d@example.org', i), printf('member%07d@example.org', i),
       'member', (SELECT password_hash FROM members WHERE email = ?2), 1, ?3,
       printf('member %07d', i), printf('member %07d', i) || ' ' || printf('member%07d@example.org', i)
FROM n`

// insertSessions lets sessions begin one after the other, in the order of their ids, each last seen
// at some time since. A third comes from the few addresses of an office, the others each from one
// of some thousands, in the ranges that RFC 5737, RFC 2544 and RFC 3849 keep for examples. The
// random values are a multiplicative hash of the number, the same in every population.
const insertSessions = `
WITH RECURSIVE n (i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
     drawn (i, began, random) AS (
         SELECT i, ?2 + i * 3600000 / ?1, i * 2654435761 % 4294967296 / 65536 FROM n),
     seen (i, began, seen, random) AS (
         SELECT i, began, began + (?2 + 3600000 - began) * random / 65536, random FROM drawn)
INSERT INTO sessions (id, member_id, generation, member_generation, authenticated_at, proved_at,
                      started_at, last_seen_at, refresh_counter, refresh_hash, refresh_next_hash,
                      address, user_agent, methods)
SELECT printf('00000000-0000-7000-8000-%012x', i), printf('00000000-0000-7000-9000-%012x', 1 + i % ?3),
       1, 1, began, began, seen, seen, 0, zeroblob(32), randomblob(32),
       CASE i % 3 WHEN 0 THEN printf('192.0.2.%d', 1 + random % 20)
       WHEN 1 THEN printf('198.18.%d.%d', random / 256, random % 256)
       ELSE printf('2001:db8:%x::%x', 1 + random % 64, 1 + random) END,
       text, 'password'
FROM seen JOIN agents ON place = random % ?4
ORDER BY i`
