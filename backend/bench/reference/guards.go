package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	_ "github.com/mattn/go-sqlite3" // the driver of both references that keep sessions
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"curfew/backend/token"
)

// hs256 is what most Echo servers do: a stateless token, admitted until it expires. It judges the
// tokens that Curfew gets.
func hs256(_ context.Context, o options) (echo.MiddlewareFunc, error) {
	secrets, err := token.LoadSecrets(o.secrets, time.Now())
	if err != nil {
		return nil, err
	}
	return echojwt.WithConfig(echojwt.Config{
		SigningKey: secrets.AccessTokens[0].Secret, TokenLookup: "cookie:" + accessCookie,
	}), nil
}

// scsOnSQLite is a common session library for Go with its own SQLite store, and with an idle
// timeout, as Curfew's default policy has one.
func scsOnSQLite(ctx context.Context, o options) (echo.MiddlewareFunc, error) {
	pool, err := sql.Open("sqlite3", location(o.database))
	if err != nil {
		return nil, err
	}
	// On one CPU more connections only wait for each other's locks.
	pool.SetMaxOpenConns(1)
	_, err = pool.ExecContext(ctx, `
		CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
		CREATE INDEX sessions_expiry_idx ON sessions (expiry)`)
	if err != nil {
		return nil, err
	}
	manager := scs.New()
	manager.Store = sqlite3store.New(pool)
	manager.IdleTimeout, manager.Lifetime = 14*24*time.Hour, 365*24*time.Hour
	manager.Cookie.Name = accessCookie
	issued := make([]string, o.sessions)
	for i := range issued {
		session, err := manager.Load(ctx, "")
		if err != nil {
			return nil, err
		}
		manager.Put(session, "member", uuid.NewString())
		if issued[i], _, err = manager.Commit(session); err != nil {
			return nil, err
		}
	}
	load := echo.WrapMiddleware(manager.LoadAndSave)
	guard := func(next echo.HandlerFunc) echo.HandlerFunc {
		return load(func(c echo.Context) error {
			if manager.GetString(c.Request().Context(), "member") == "" {
				return echo.ErrUnauthorized
			}
			return next(c)
		})
	}
	return guard, writeIssued(o.issued, issued)
}

// sessionRow is a session as a program without a library would keep it.
type sessionRow struct {
	ID        string `gorm:"primaryKey"`
	MemberID  string
	Address   string
	UserAgent string
	StartedAt int64
	ExpiresAt int64
}

// gormRead reads the session at every request, and writes nothing.
func gormRead(ctx context.Context, o options) (echo.MiddlewareFunc, error) {
	db, err := gorm.Open(sqlite.Open(location(o.database)), &gorm.Config{
		SkipDefaultTransaction: true, PrepareStmt: true, Logger: logger.Discard,
	})
	if err != nil {
		return nil, err
	}
	if err := db.WithContext(ctx).AutoMigrate(&sessionRow{}); err != nil { //nolint:forbidigo // a reference does as most do
		return nil, err
	}
	issued, rows, now := make([]string, o.sessions), make([]sessionRow, o.sessions), time.Now()
	for i := range issued {
		issued[i] = rand.Text()
		rows[i] = sessionRow{
			ID: issued[i], MemberID: uuid.NewString(), Address: "192.0.2.1",
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			StartedAt: now.UnixMilli(), ExpiresAt: now.Add(14 * 24 * time.Hour).UnixMilli(),
		}
	}
	if err := db.WithContext(ctx).CreateInBatches(rows, 500).Error; err != nil {
		return nil, err
	}
	guard := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			cookie, err := c.Cookie(accessCookie)
			if err != nil {
				return echo.ErrUnauthorized.WithInternal(err)
			}
			var row sessionRow
			err = db.WithContext(c.Request().Context()).Take(&row, "id = ?", cookie.Value).Error //nolint:forbidigo // as most do
			if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && time.Now().UnixMilli() >= row.ExpiresAt {
				return echo.ErrUnauthorized
			}
			if err != nil {
				return err
			}
			return next(c)
		}
	}
	return guard, writeIssued(o.issued, issued)
}

// location opens a database for speed: no commit waits for the disk, as commits do in Curfew.
func location(path string) string {
	pragmas := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"NORMAL"}, "_busy_timeout": {"5000"}, "_txlock": {"immediate"},
	}
	return (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String()
}

func writeIssued(path string, issued []string) error {
	return os.WriteFile(path, []byte(strings.Join(issued, "\n")+"\n"), 0o600)
}
