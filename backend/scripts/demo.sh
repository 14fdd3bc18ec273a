#!/usr/bin/env bash
# demo.sh serves a made-up organization from a temporary folder, which it removes at the end.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'rm -rf "$folder"' EXIT
trap '[ -z "$server" ] || kill "$server"' HUP INT TERM
bin/curfew-demo "$folder"
bin/curfew serve --data "$folder" &
server=$!
# A signal ends the first wait. The second keeps the folder until the server has stopped.
wait "$server" || { [ $? -gt 128 ] && wait "$server"; }
