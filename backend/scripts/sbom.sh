#!/usr/bin/env bash
# sbom.sh lists what the program is built from, as CycloneDX: bin/curfew.cdx.json (Go, with the
# standard library) and bin/curfew-web.cdx.json (npm). Both are the same wherever they are made.
set -euo pipefail
go tool -modfile=backend/tools.mod cyclonedx-gomod bin -json -std -noserial -notimestamp -output bin/curfew.cdx.json bin/curfew
npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application >bin/curfew-web.cdx.json
sed -i -E "/^  \"serialNumber\":|^    \"timestamp\":/d; s/^      \"name\": \"$(basename "$PWD")\",/      \"name\": \"curfew\",/" bin/curfew-web.cdx.json
