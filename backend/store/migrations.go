package store

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

// goMigrations returns the migrations that SQL cannot express, with their numbers among the files
// in migrations/sqlite. Each runs in a transaction of its own, as those do. No migration folds text
// in SQL: lower() knows ASCII alone.
func goMigrations() []*goose.Migration {
	return []*goose.Migration{foldTexts, repairChain, foldTouches}
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
