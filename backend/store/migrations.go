package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

// goMigrations returns the migrations that SQL cannot express, with their numbers among the files
// in migrations/sqlite. No migration folds text in SQL: lower() knows ASCII alone.
func goMigrations() []*goose.Migration {
	return []*goose.Migration{goMigration(12, foldTexts), goMigration(13, repairChain), goMigration(16, foldTouches)}
}

// goMigration returns a migration that runs in a transaction of its own, as the files do.
func goMigration(number int64, run func(tx *gorm.DB) error) *goose.Migration {
	return goose.NewGoMigration(number, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: tx}), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			return err
		}
		return run(db.WithContext(ctx))
	}}, nil)
}

func migrationsOf(db *gorm.DB) (*goose.Provider, error) {
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	if err != nil {
		return nil, err
	}
	migrations, err := goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithGoMigrations(goMigrations()...))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return migrations, nil
}
