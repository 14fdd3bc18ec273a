// Package store keeps all data of the product in one SQLite database.
//
// One method is one transaction, with its audit entries inside, and is on disk when it returns (WAL
// with synchronous=FULL). No method saves a whole row: a write names the columns that it changes
// and the state that it expects, and fails if another write was first. Times are whole milliseconds
// since the epoch.
//
// Writers queue for one connection, so none meets a locked database. Readers have connections of
// their own that cannot write. The schema is numbered SQL in migrations, one folder per dialect.
//
// There is one way to the database for each need:
//   - exec, changed, changeOne, queryRow and one run a statement with named columns. They skip
//     GORM's mapping, which takes longer than SQLite does.
//   - GORM opens the pools, runs transactions, creates rows (Create with named columns), and finds
//     the rows of eachRow and all.
//   - A function whose name ends in Into says where the columns of a noun go. The columns are
//     listed next to it, once.
//
// Files named sqlite_* know the engine. The others hold one noun each, and SQL.
//
// No migration folds text in SQL: lower() knows ASCII alone. Sort keys, search texts and addresses
// come from package fold, and a change of a fold is a migration in Go.
package store
