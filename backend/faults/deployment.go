package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3" // by which sessions are made up, and the database is looked through in the end

	"curfew/backend/faults/judge"
)

// deployment is the data folder that every campaign begins with a copy of: an organization with its
// owner, set up through the front door. Members and sessions are written into the database, because
// to sign in takes a password hash each. All members have the owner's password.
type deployment struct {
	folder   string
	accounts []account
	key      signingKey
}

// account is a member who can sign in.
type account struct{ id, email, role string }

// signingKey is the deployment's key for access tokens, as its file has it.
type signingKey struct {
	ID     string `json:"kid"`
	Secret []byte `json:"secret"`
}

const (
	password         = "a canary that sings in no log"
	sessionsOfEach   = 30
	accountsOfMember = 12
)

func databaseIn(folder string) string { return filepath.Join(folder, "curfew.db") }

// build sets the deployment up.
func build(ctx context.Context, program, folder string) (*deployment, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s, err := started(ctx, program, folder, address)
	if err != nil {
		return nil, err
	}
	if err := setUp(ctx, s, folder); err != nil {
		return nil, errors.Join(fmt.Errorf("set the organization up: %w", err), s.kill())
	}
	if err := s.stop(); err != nil {
		return nil, err
	}
	h := &deployment{folder: folder}
	if h.key, err = readKey(folder); err != nil {
		return nil, err
	}
	return h, h.settle(ctx)
}

func setUp(ctx context.Context, s *server, folder string) error {
	token, err := os.ReadFile(filepath.Join(folder, "setup-token"))
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{
		"setupToken": strings.TrimSpace(string(token)), "organization": "Example Works", "name": "Olive Owner", "email": "owner@example.org", "password": password,
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/api/setup", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := impatient.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", response.Status, answer)
	}
	return response.Body.Close()
}

func readKey(folder string) (signingKey, error) {
	raw, err := os.ReadFile(filepath.Join(folder, "keys.json"))
	if err != nil {
		return signingKey{}, err
	}
	var keys struct {
		AccessTokens []signingKey `json:"accessTokens"`
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return signingKey{}, err
	}
	return keys.AccessTokens[0], nil
}

// settle adds the other members, who have the owner's password.
func (h *deployment) settle(ctx context.Context) (err error) {
	db, err := openDatabase(h.folder, "rw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	owner := account{email: "owner@example.org", role: "owner"}
	if err := db.QueryRowContext(ctx, "SELECT id FROM members").Scan(&owner.id); err != nil {
		return err
	}
	h.accounts = append(h.accounts, owner)
	for i := range accountsOfMember {
		a := account{id: uuid.Must(uuid.NewV7()).String(), email: fmt.Sprintf("member%d@example.org", i), role: "member"}
		if i < 2 {
			a.role = "admin"
		}
		_, err := db.ExecContext(ctx, `
			INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at)
			SELECT ?1, ?2, ?2, ?2, ?3, password_hash, 1, created_at FROM members WHERE role = 'owner'`, a.id, a.email, a.role)
		if err != nil {
			return err
		}
		h.accounts = append(h.accounts, a)
	}
	return nil
}

// copyTo makes a new data folder like the deployment, in which everybody is signed in on many
// clients.
func (h *deployment) copyTo(ctx context.Context, folder string) ([]*holder, error) {
	if err := copyFolder(h.folder, folder); err != nil {
		return nil, err
	}
	return h.signEverybodyIn(ctx, folder, time.Now().Add(-time.Second))
}

// copyFolder copies a data folder that no server uses: its files, and not the socket that a killed
// server leaves.
func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"curfew.db", "curfew.db-wal", "keys.json"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// signEverybodyIn writes sessions that began at the given time into a folder that no server uses.
func (h *deployment) signEverybodyIn(ctx context.Context, folder string, at time.Time) (holders []*holder, err error) {
	db, err := openDatabase(folder, "rw")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to take back
	for _, a := range h.accounts {
		for range sessionsOfEach {
			id := uuid.Must(uuid.NewV7()).String()
			_, err := tx.ExecContext(ctx, `
				INSERT INTO sessions (id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at,
				                      refresh_counter, refresh_hash, refresh_next_hash, address, user_agent, methods)
				VALUES (?1, ?2, 1, 1, ?3, ?3, ?3, ?3, 0, zeroblob(32), randomblob(32), '127.0.0.1', 'faults', 'password')`, id, a.id, at.UnixMilli())
			if err != nil {
				return nil, err
			}
			access, err := h.accessToken(id, a.id, 1)
			if err != nil {
				return nil, err
			}
			holders = append(holders, &holder{session: id, account: a, generation: 1, access: access})
		}
	}
	return holders, tx.Commit()
}

// accessToken signs a token as the product does.
func (h *deployment) accessToken(session, member string, generation int) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "curfew", "aud": []string{"curfew-api"}, "sub": member, "sid": session, "gen": generation, "jti": uuid.NewString(),
		"iat": now.Add(-time.Second).Unix(), "nbf": now.Add(-time.Second).Unix(), "exp": now.Add(24 * time.Hour).Unix(),
	})
	token.Header["typ"], token.Header["kid"] = "at+jwt", h.key.ID
	return token.SignedString(h.key.Secret)
}

func openDatabase(folder, mode string) (*sql.DB, error) {
	location := url.URL{Scheme: "file", Opaque: databaseIn(folder), RawQuery: url.Values{"mode": {mode}, "_busy_timeout": {"10000"}, "_foreign_keys": {"on"}}.Encode()}
	db, err := sql.Open("sqlite3", location.String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// policyText is a policy in one form, whether an answer or the database gave it.
func policyText(value int64, unit string, refresh bool, most *int64, mostUnit *string) string {
	if most == nil || mostUnit == nil {
		return fmt.Sprintf("%d %s, refresh %t", value, unit, refresh)
	}
	return fmt.Sprintf("%d %s, refresh %t, at most %d %s", value, unit, refresh, *most, *mostUnit)
}

// inspect reads what the database holds in the end, and lets it check itself.
func inspect(ctx context.Context, folder string) (book judge.Book, err error) {
	book = judge.Book{Sessions: map[string]int{}, Revocations: map[string]int{}}
	db, err := openDatabase(folder, "rw")
	if err != nil {
		return book, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	var (
		length, version  int64
		unit             string
		refresh          bool
		most             *int64
		mostUnit         *string
		generation       int
		damage           string
		foreign, entries int
	)
	err = db.QueryRowContext(ctx, `
		SELECT generation, version, length_value, length_unit, refresh_automatically, maximum_value, maximum_unit,
		       (SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check), (SELECT count(*) FROM pragma_foreign_key_check),
		       (SELECT count(*) FROM audit_entries)
		FROM organization`).Scan(&generation, &version, &length, &unit, &refresh, &most, &mostUnit, &damage, &foreign, &entries)
	if err != nil {
		return book, err
	}
	book.Generation, book.Version, book.Policy = generation, int(version), policyText(length, unit, refresh, most, mostUnit)
	if damage != "ok" || foreign != 0 {
		book.Faults = append(book.Faults, judge.Violation{Invariant: "I10", What: fmt.Sprintf("the database is damaged: %s; %d rows refer to nothing", damage, foreign)})
	}
	if err := readPairs(ctx, db, "SELECT id, generation FROM sessions", book.Sessions); err != nil {
		return book, err
	}
	if err := readPairs(ctx, db, "SELECT by_id || ' ' || coalesce(idempotency_key, generation), generation FROM revocations", book.Revocations); err != nil {
		return book, err
	}
	for _, rule := range auditRules {
		var wrong int
		if err := db.QueryRowContext(ctx, rule.counts).Scan(&wrong); err != nil {
			return book, fmt.Errorf("%s: %w", rule.says, err)
		}
		if wrong != 0 {
			book.Faults = append(book.Faults, judge.Violation{Invariant: rule.invariant, What: fmt.Sprintf("%s: %d", rule.says, wrong)})
		}
	}
	return book, nil
}

// auditRules count effects without their entry in the log, entries without their effect, and
// entries that come twice.
var auditRules = []struct{ invariant, says, counts string }{
	{"I10", "sessions that began without an entry", `
		SELECT count(*) FROM sessions WHERE user_agent <> 'faults'
		AND (SELECT count(*) FROM audit_entries WHERE action = 'session.started' AND target = 'session:' || sessions.id) <> 1`},
	{"I10", "entries of sessions that did not begin", `
		SELECT count(*) FROM audit_entries WHERE action = 'session.started' AND substr(target, 9) NOT IN (SELECT id FROM sessions)`},
	{"I10", "sessions that ended without their one entry", `
		SELECT count(*) FROM sessions WHERE end_reason IS NOT NULL AND end_reason <> 'revoked_all'
		AND (SELECT count(*) FROM audit_entries WHERE action = 'session.ended' AND target = 'session:' || sessions.id) <> 1`},
	{"I5", "entries of the end of sessions that have none", `
		SELECT count(*) FROM audit_entries WHERE action = 'session.ended' AND substr(target, 9) IN (SELECT id FROM sessions WHERE ended_at IS NULL)`},
	{"I11", "revocations of everybody that the log has not once", `
		SELECT abs((SELECT count(*) FROM revocations) - (SELECT count(*) FROM audit_entries WHERE action = 'sessions.revoked_all'))`},
	{"I11", "policies that the log has not once", `
		SELECT abs((SELECT version - 1 FROM organization) - (SELECT count(*) FROM audit_entries WHERE action = 'policy.saved'))`},
	{"I11", "gaps in the log", `SELECT coalesce(max(sequence), 0) - count(*) FROM audit_entries`},
}

func readPairs(ctx context.Context, db *sql.DB, query string, into map[string]int) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var (
			name   string
			number int
		)
		if err := rows.Scan(&name, &number); err != nil {
			return err
		}
		into[name] = number
	}
	return rows.Err()
}
