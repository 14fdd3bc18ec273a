#!/usr/bin/env bash
# chromium.sh prints the path of a Chromium, and installs Debian's if there is none.
# "chromium.sh plan" only says what it would install, and fails if NO_INSTALL=1 forbids it.
set -euo pipefail
# The headless shell comes first: it starts and paints in half the time.
find_chromium() {
	for name in chromium-headless-shell chromium chromium-browser google-chrome; do
		command -v "$name" && return
	done
	return 1
}
if find_chromium; then
	exit 0
elif [ "${NO_INSTALL:-}" = 1 ]; then
	echo 'The tests in a browser need Chromium, and NO_INSTALL=1 forbids installing it.' >&2
	echo 'Install chromium-headless-shell, chromium or google-chrome, or run only: make test-go test-web' >&2
	exit 1
elif [ "${1:-}" = plan ]; then
	echo "The tests in a browser need Chromium: Debian's is going to be installed (NO_INSTALL=1 forbids it)" >&2
	exit 0
fi
"$(dirname "$0")/need.sh" chromium-headless-shell chromium-headless-shell fonts-dejavu-core
find_chromium
