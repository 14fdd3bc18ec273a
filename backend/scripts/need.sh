#!/usr/bin/env bash
# need.sh "COMMAND..." PACKAGE... installs Debian packages if one of the commands is missing.
# It says so first. With NO_INSTALL=1 it fails instead.
set -euo pipefail
commands=$1
shift
missing=
for command in $commands; do
	command -v "$command" >/dev/null || missing+=" $command"
done
[ -n "$missing" ] || exit 0
if [ "${NO_INSTALL:-}" = 1 ]; then
	echo "Missing:$missing. NO_INSTALL=1 forbids installing it. Install these packages yourself: $*" >&2
	exit 1
fi
echo "Missing:$missing. Installing from Debian: $* (NO_INSTALL=1 forbids it)" >&2
as=
[ "$(id -u)" = 0 ] || as=sudo
$as apt-get update -qq
$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
