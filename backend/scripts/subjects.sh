#!/usr/bin/env bash
# subjects.sh checks the subjects of the commits since the last release or, before the first, of the
# last 20: "room: what it does", at most 72 characters.
set -euo pipefail
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	echo 'NOT CHECKED: commit subjects, because this is no clone'
	exit 0
fi
range=(-20)
if release=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
	range=("$release..")
fi
bad=$(git log --no-merges --format='%h %s' "${range[@]}" |
	grep -vE '^[0-9a-f]+ [a-z0-9][a-z0-9/_.-]*(, [a-z0-9/_.-]+)*: .+' || true)
long=$(git log --no-merges --format='%h %s' "${range[@]}" |
	LC_ALL=C.UTF-8 awk '{ subject = $0; sub(/^[^ ]+ /, "", subject) } length(subject) > 72')
if [ -n "$bad$long" ]; then
	printf 'Commit subjects are "room: what it does", at most 72 characters. These are not:\n%s\n' "$bad${bad:+${long:+$'\n'}}$long" >&2
	exit 1
fi
