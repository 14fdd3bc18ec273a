#!/usr/bin/env bash
# attacks.sh runs all attacks and prints how many of each kind were tried and answered wrongly. Each
# attack is a row of bin/attacks.tsv: its kind, what was sent, what came back, and the verdict.
set -euo pipefail
export ATTACKS_ROWS=$PWD/bin/attacks.tsv ATTACKS_BINARY=$PWD/bin/curfew
: >"$ATTACKS_ROWS"
failed=0
go test -count=1 -tags="$TAGS,proxies" ./backend/attacks || failed=1
npm exec -w frontend -- vitest run return-to-attacks || failed=1
awk -F '\t' '
	$4 == "untried" { untried = untried "\nNOT TRIED: " $1 ", " $2; next }
	{ tried[$1]++; all++ }
	$4 == "wrong" { wrong[$1]++; bad++ }
	$3 ~ /bytes searched|medians|hashed,|verified,/ { figures = figures "\n" $2 ": " $3 }
	END {
		printf "\n%-26s %9s %14s\n", "kind", "tried", "wrong answers"
		fflush()
		for (kind in tried) printf "%-26s %9d %14d\n", kind, tried[kind], wrong[kind] | "sort"
		close("sort")
		printf "%-26s %9d %14d\n", "all", all, bad
		print figures untried
	}' "$ATTACKS_ROWS"
exit $failed
