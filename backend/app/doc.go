// Package app assembles and runs the product: the data folder, the database, the services, the
// server, and the background jobs. No other package imports all of them.
package app
