// Package app puts the house together and runs it: the data folder, the database, the services, the server, and the work in the
// background. Nothing else knows all the rooms.
package app
