package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	_ "github.com/mattn/go-sqlite3" // the driver of both that keep sessions
	"golang.org/x/sync/semaphore"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"curfew/backend/token"
)

// hs256 is what most Echo servers do: a stateless token, believed until it runs out. It judges the very tokens that Curfew gets.
func hs256(_ context.Context, o options) (echo.MiddlewareFunc, error) {
	secrets, err := token.LoadSecrets(o.secrets, time.Now())
	if err != nil {
		return nil, err
	}
	return echojwt.WithConfig(echojwt.Config{SigningKey: secrets.AccessTokens[0].Secret, TokenLookup: o.lookup}), nil
}

// eddsa is the same with a key pair (Ed25519), for tokens with the claims that Curfew's have.
func eddsa(_ context.Context, o options) (echo.MiddlewareFunc, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	issued := make([]string, o.sessions)
	now := time.Now()
	for i := range issued {
		claims := jwt.MapClaims{
			"iss": "curfew", "aud": []string{"curfew-api"}, "sub": uuid.NewString(), "sid": uuid.NewString(), "gen": 1, "jti": uuid.NewString(),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(token.LongestLifetime).Unix(),
		}
		signed := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
		signed.Header["typ"], signed.Header["kid"] = "at+jwt", rand.Text()
		if issued[i], err = signed.SignedString(private); err != nil {
			return nil, err
		}
	}
	guard := echojwt.WithConfig(echojwt.Config{SigningKey: public, SigningMethod: jwt.SigningMethodEdDSA.Alg(), TokenLookup: o.lookup})
	return guard, writeIssued(o.issued, issued)
}

// scsOnSQLite is the usual session library for Go with the SQLite store of its own, and an idle timeout as Curfew's default policy has one.
func scsOnSQLite(ctx context.Context, o options) (echo.MiddlewareFunc, error) {
	pool, err := sql.Open("sqlite3", location(o.database))
	if err != nil {
		return nil, err
	}
	// On one processor more connections only wait for one another's locks.
	pool.SetMaxOpenConns(1)
	if _, err := pool.ExecContext(ctx, "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)"); err != nil {
		return nil, err
	}
	if _, err := pool.ExecContext(ctx, "CREATE INDEX sessions_expiry_idx ON sessions (expiry)"); err != nil {
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

// sessionRow is a session as a program of one's own would keep it.
type sessionRow struct {
	ID        string `gorm:"primaryKey"`
	MemberID  string
	Address   string
	UserAgent string
	StartedAt int64
	ExpiresAt int64
}

// gormRead looks the session up at every request, and writes nothing.
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

// location opens a database for speed: nothing waits for the disk at a commit, as it does in Curfew.
func location(path string) string {
	pragmas := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"NORMAL"}, "_busy_timeout": {"5000"}, "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", Opaque: path, RawQuery: pragmas.Encode()}).String()
}

// argon2idHash hashes the password that a sign-in brings, and does nothing else: no sign-in can be quicker. It hashes one after the other,
// because on one processor two at once are slower.
func argon2idHash(_ context.Context, o options) (echo.MiddlewareFunc, error) {
	if _, _, _, err := argon2id.DecodeHash(o.hash); err != nil {
		return nil, fmt.Errorf("the hash to compare with: %w", err)
	}
	slot := semaphore.NewWeighted(1)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			var in struct {
				Password string `json:"password"`
			}
			if err := c.Bind(&in); err != nil {
				return err
			}
			if err := slot.Acquire(c.Request().Context(), 1); err != nil {
				return err
			}
			defer slot.Release(1)
			matches, err := argon2id.ComparePasswordAndHash(in.Password, o.hash)
			if err != nil {
				return err
			}
			if !matches {
				return echo.NewHTTPError(http.StatusUnauthorized)
			}
			return next(c)
		}
	}, nil
}

func writeIssued(path string, issued []string) error {
	return os.WriteFile(path, []byte(strings.Join(issued, "\n")+"\n"), 0o600)
}
