#!/usr/bin/env bash
# reproducible.sh builds the last commit twice, in two folders, and compares. The second build has
# an empty cache, so it cannot reuse the first one's.
set -euo pipefail
one=$(mktemp -d)
other=$(mktemp -d)
trap 'chmod -R +w "$one" "$other"; rm -rf "$one" "$other"' EXIT
git clone -q . "$one"
git clone -q . "$other/elsewhere"
make -s -C "$one" build >/dev/null
GOCACHE="$other/cache" make -s -C "$other/elsewhere" build >/dev/null
sha256sum "$one/bin/curfew" "$other/elsewhere/bin/curfew"
cmp "$one/bin/curfew" "$other/elsewhere/bin/curfew"
echo 'the two builds are the same'
