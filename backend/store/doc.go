// Package store keeps all data of the product in one SQLite database.
//
// One method is one transaction, with its audit entries inside, and is on disk when it returns (WAL
// with synchronous=FULL). No method saves a whole row: a write names the columns that it changes and
// the state that it expects, and fails if another write was first. Times are whole milliseconds
// since the epoch.
//
// Writers queue for one connection, so none meets a locked database. Readers have connections of
// their own that cannot write. The schema is numbered SQL in migrations, one folder per dialect.
//
// There is one way to the database for each need:
//   - exec, queryRow and eachRow run a statement with named columns.
//   - GORM's Raw and Scan map rows of many columns to a struct.
//   - GORM's Create inserts a row of many columns.
//
// Files named sqlite_* know the engine. The others hold one noun each, and SQL.
//
// No migration folds text in SQL: lower() knows ASCII alone. Sort keys, search texts and addresses
// come from package fold, and a change of a fold is a migration in Go.
package store
