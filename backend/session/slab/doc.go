// Package slab keeps millions of small rows in memory at no cost to the garbage collector: tables
// whose rows stay where they are, indexes that find rows by a key, and arenas for texts.
package slab
