#!/usr/bin/env bash
# fuzz.sh TIME runs each fuzz target for that time. Fuzzing compiles everything again, SQLite
# included, so it optimizes less.
set -euo pipefail
grep -rlE --include='*_test.go' '^func Fuzz' backend | while read -r file; do
	sed -nE 's/^func (Fuzz[A-Za-z]+).*/\1/p' "$file" | while read -r target; do
		echo "$target"
		CGO_CFLAGS='-O1 -g0' go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 100x "./$(dirname "$file")" </dev/null
	done
done
