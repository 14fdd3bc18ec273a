// Package store is everything that Curfew keeps, in one SQLite database, through GORM.
//
// One method is one transaction, with its audit entries inside, and is on disk when it returns (WAL
// with synchronous=FULL). Rows are never saved whole: a write names the columns it means and the
// state it expects, and misses when somebody else was first. Times are kept as whole milliseconds
// since the epoch.
//
// Writers queue for one connection, so that none of them ever meets a locked database; readers have
// connections of their own that cannot write. The schema is numbered SQL under migrations, one
// folder for each dialect.
//
// No migration folds text in SQL: lower() knows ASCII alone. Sort keys, search texts and addresses
// come from package fold, and a change of a fold is a migration in Go.
package store
