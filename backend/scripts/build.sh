#!/usr/bin/env bash
# build.sh builds bin/curfew, which knows its version: the tag, or else the commit. Outside a clone,
# name it: make build VERSION=v1.2.3
set -euo pipefail
from_git() {
	if [ -e .git ]; then TZ=UTC0 git "$@" 2>/dev/null || true; fi
}
version=${VERSION:-$(from_git describe --tags --always --dirty --abbrev=12)}
commit=${COMMIT:-$(from_git rev-parse HEAD)}
date=${DATE:-$(from_git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)}
stamp=
for part in "version=$version" "commit=$commit" "date=$date"; do
	stamp+=" -X curfew/backend/build.$part"
done
go build -ldflags "-s -w -linkmode external -extldflags \"-static\"$stamp" -o bin/curfew .
