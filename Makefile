# Every command that a developer runs. Bare `make` lists them.

# One set of flags for building, testing and linting: each different set would compile SQLite again.
TAGS := sqlite_omit_load_extension,netgo,osusergo
export GOFLAGS     := -trimpath -buildvcs=false -tags=$(TAGS)
export CGO_ENABLED := 1
export CGO_CFLAGS  := -O2 -g0

BIN     := bin/curfew
DEMO    := bin/curfew-demo
PEOPLE  := bin/curfew-population
MODULES := node_modules/.package-lock.json
WEB     := frontend/build/200.html
BENCH   := bin/bench/bench
FAULTS  := bin/faults/faults
BROKEN  := bin/faults/curfew bin/faults/curfew-mutants
TOOL    := go tool -modfile=backend/tools.mod

WEB_SOURCES := $(shell find frontend/src frontend/static frontend/scripts -type f) frontend/vite.config.ts frontend/package.json
GO_SOURCES  := $(shell find backend -type f -not -name '*_test.go' -not -path '*/testdata/*' -not -path 'backend/bench/*' -not -path 'backend/faults/*') main.go embed.go go.mod go.sum

.PHONY: help run demo build web dev dev-api dev-web test compiled test-go test-web e2e browsers attacks fuzz screenshots lint fmt generate generated check audit \
        sbom reproducible bench bench-test bench-store bench-page bench-long faults faults-long faults-test clean chromium wrk strace

# Installs packages from Debian.
install = echo 'installing $(1) from Debian'; as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BIN) ## Build everything and serve it on http://localhost:8080, with its data in ./data
	@exec ./$(BIN) serve

# A signal ends the first wait. The server is waited for again then, because the folder has to outlive it.
demo: $(BIN) $(DEMO) ## Serve a made-up organization, with 200 members and a month of history, from a folder that is gone afterwards
	@folder=$$(mktemp -d) && server= && trap 'rm -rf "$$folder"' EXIT && trap '[ -z "$$server" ] || kill "$$server"' HUP INT TERM && \
		./$(DEMO) "$$folder" && { ./$(BIN) serve --data "$$folder" & server=$$!; wait "$$server" || { [ $$? -gt 128 ] && wait "$$server"; }; }

build: $(BIN) ## Build bin/curfew: one static file with the web app inside

web: $(WEB) ## Build only the web app

$(MODULES): package.json package-lock.json frontend/package.json .npmrc
	npm ci --no-audit --no-fund
	@touch $@

$(WEB): $(MODULES) $(WEB_SOURCES)
	npm run build
	@touch $@

# The program says what it was built from: the tag, or else the commit. Outside of a clone or a worktree that is unknown, and whoever packs it
# names it: make build VERSION=v1.2.3
GIT      = $(if $(wildcard .git),$(shell TZ=UTC0 git $(1) 2>/dev/null))
VERSION  = $(call GIT,describe --tags --always --dirty --abbrev=12)
COMMIT   = $(call GIT,rev-parse HEAD)
DATE     = $(call GIT,log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
COMMITTED := $(wildcard $(call GIT,rev-parse --git-path logs/HEAD))
STAMP     = $(foreach part,version=$(VERSION) commit=$(COMMIT) date=$(DATE),-X curfew/backend/build.$(part))

$(BIN): $(WEB) $(GO_SOURCES) $(COMMITTED)
	go build -ldflags '-s -w -linkmode external -extldflags "-static" $(STAMP)' -o $@ .

$(DEMO): $(GO_SOURCES)
	go build -o $@ ./backend/demo

$(PEOPLE): $(GO_SOURCES)
	cd backend/bench && go build -o ../../$@ ./population/cmd

dev: $(MODULES) ## Serve with both halves reloading: pages on http://localhost:5173, API on :8080
	@$(MAKE) --no-print-directory -j2 dev-api dev-web

dev-api:
	@touch $(WEB)
	@$(TOOL) air -build.cmd 'go build -o bin/curfew-dev .' -build.bin bin/curfew-dev -build.args_bin serve \
		-build.include_dir backend -build.include_file main.go,embed.go -build.include_ext go,sql,yaml,html,css -tmp_dir bin/air

dev-web:
	@npm run dev

test: ## Run every test: Go with the race detector, Vitest, and journeys in a real browser
	@$(MAKE) --no-print-directory -j4 chromium compiled $(BIN) $(DEMO)
	@$(MAKE) --no-print-directory -j2 --output-sync test-go test-web
	@$(MAKE) --no-print-directory e2e

# The attacks, the command line's and the demo's tests run whole programs, which the race detector would slow down tenfold for no find of its own.
# The API's run once with it, and once without to be held against the contract, for which a library is needed that takes it minutes to compile.
# Even so that library took a fifth of a cold run; half of that went to make it fast, which it need not be.
# The race detector needs SQLite compiled apart in any case, and for that once it need not be the fastest. Vet is one of the linters.
RACED = CGO_CFLAGS='-O1 -g0' go test -race -vet=off -ldflags=-w $$(go list ./backend/... | grep -vE '/(attacks|cli|demo)$$')

test-go: $(WEB) ## Run the Go tests, with the race detector
	$(RACED) -shuffle=on -skip '^TestExportsAreStreamed$$' # which measures memory, and is run below
	go test -vet=off -gcflags='github.com/pb33f/...=-N -l -dwarf=false' -shuffle=on -short ./backend/attacks ./backend/cli ./backend/demo ./backend/httpapi

# What a cold run waits for longest, begun while the browser and the web app arrive.
compiled:
	@$(RACED) -run '^$$' >/dev/null

test-web: $(MODULES) ## Run the front end's checks and unit tests
	npm run check
	npm test

e2e: $(BIN) $(DEMO) chromium ## Run the journeys in a real browser against the real binary
	CHROMIUM="$$($(FIND_CHROMIUM))" npm run e2e

# Playwright drives neither, so WebDriver does. It is not part of make test.
browsers: $(BIN) ## Run the main journey in Debian's Firefox and WebKit too, before a release
	@command -v firefox-esr >/dev/null && command -v WebKitWebDriver >/dev/null && command -v Xvfb >/dev/null && command -v openssl >/dev/null || \
		{ $(call install,firefox-esr webkit2gtk-driver xvfb openssl fonts-dejavu-core); }
	@npm run --silent browsers

ATTACKS := $(CURDIR)/bin/attacks.tsv

# Each attack is a row of the file: its kind, what was sent, what came back, and whether that was right. Some go through the proxies that are
# installed; they are not installed for it, because Debian's start to serve at once.
attacks: $(BIN) ## Attack the whole program in every way that others were broken, and print how many attacks were answered wrongly
	@: >$(ATTACKS); export ATTACKS_ROWS=$(ATTACKS) ATTACKS_BINARY=$(CURDIR)/$(BIN); failed=; \
	go test -count=1 -tags=$(TAGS),proxies ./backend/attacks || failed=1; \
	npm exec -w frontend -- vitest run return-to-attacks || failed=1; \
	awk -F '\t' '$$4 == "untried" { untried = untried "\nNOT TRIED: " $$1 ", " $$2; next } { tried[$$1]++; all++ } $$4 == "wrong" { wrong[$$1]++; bad++ } \
		$$3 ~ /bytes searched|medians|hashed,|verified,/ { figures = figures "\n" $$2 ": " $$3 } \
		END { printf "\n%-26s %9s %14s\n", "kind", "tried", "wrong answers"; fflush(); \
			for (kind in tried) printf "%-26s %9d %14d\n", kind, tried[kind], wrong[kind] | "sort"; close("sort"); \
			printf "%-26s %9d %14d\n", "all", all, bad; print figures untried }' $(ATTACKS); \
	[ -z "$$failed" ]

FUZZTIME := 30s

# What is fuzzed is compiled apart, SQLite with it, which need not be the fastest for that.
fuzz: ## Feed each fuzz target for FUZZTIME, 30s by default; what it finds goes into the target's testdata
	@for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' backend); do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z]+).*/\1/p' "$$file"); do \
			echo "$$target"; CGO_CFLAGS='-O1 -g0' go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "./$$(dirname "$$file")" || exit; \
		done; \
	done

screenshots: $(BIN) $(DEMO) chromium ## Photograph every page and state, wide and narrow, light and dark, into frontend/screenshots; and the README's pictures
	CHROMIUM="$$($(FIND_CHROMIUM))" npm run screenshots

# Chromium without a window starts and paints in half the time of the one with it. Where neither is to be had from Debian, any will do.
HEADLESS      := chromium-headless-shell
FIND_CHROMIUM := command -v $(HEADLESS) || command -v chromium || command -v chromium-browser || command -v google-chrome

chromium:
	@command -v $(HEADLESS) >/dev/null || { $(call install,$(HEADLESS) fonts-dejavu-core); } || { $(FIND_CHROMIUM); } >/dev/null

lint: $(MODULES) ## Lint both halves
	$(TOOL) golangci-lint run ./...
	$(TOOL) golangci-lint run --build-tags failpoint ./backend/failpoint
	$(TOOL) golangci-lint run --build-tags proxies ./backend/attacks
	$(TOOL) staticcheck ./...
	cd backend/bench && go tool -modfile=../tools.mod golangci-lint run ./...
	cd backend/faults && go tool -modfile=../tools.mod golangci-lint run ./...
	npm run lint

generated: ## Check that what is made from backend/httpapi/openapi.yaml is up to date
	go generate ./...
	git diff --exit-code -- backend/httpapi/wire.gen.go

fmt: $(MODULES) ## Format both halves
	gofmt -w backend main.go embed.go
	npm run format

generate: $(MODULES) ## Write again what is made from backend/httpapi/openapi.yaml
	go generate ./...
	npm run generate

check: lint generated test ## Everything that CI runs, and the linters

# Known weaknesses of Go modules come from the database of golang.org/x/vuln, or from a copy of it beside the checkout where that is out of reach.
VULNDB := ../shared/vulndb

audit: $(MODULES) ## Look for known weaknesses in what the program is built from
	@mkdir -p bin; code=0; $(TOOL) govulncheck ./... >bin/govulncheck.txt 2>&1 || code=$$?; \
		if [ $$code = 1 ] && [ -d $(VULNDB) ]; then echo 'govulncheck: its database is out of reach, so this is by the copy in $(VULNDB)'; \
			code=0; $(TOOL) govulncheck -db file://$(abspath $(VULNDB)) ./... >bin/govulncheck.txt 2>&1 || code=$$?; fi; \
		cat bin/govulncheck.txt; \
		if [ $$code = 1 ]; then echo 'NOT CHECKED: Go modules, for want of a database of weaknesses'; else exit $$code; fi
	@code=0; npm audit --omit=dev --audit-level=low >bin/npm-audit.txt 2>&1 || code=$$?; cat bin/npm-audit.txt; \
		if [ $$code != 0 ] && grep -q 'endpoint returned an error' bin/npm-audit.txt; then echo 'NOT CHECKED: npm packages, for their registry answers no audits'; else exit $$code; fi

# Both are the same whenever and wherever they are made, and the standard library is in it, in which weaknesses are found as well.
sbom: $(BIN) ## Write what the program is built from as CycloneDX: bin/curfew.cdx.json (Go) and bin/curfew-web.cdx.json (npm)
	$(TOOL) cyclonedx-gomod bin -json -std -noserial -notimestamp -output bin/curfew.cdx.json $(BIN)
	npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application >bin/curfew-web.cdx.json
	@sed -i -E '/^  "serialNumber":|^    "timestamp":/d; s/^      "name": "$(notdir $(CURDIR))",/      "name": "curfew",/' bin/curfew-web.cdx.json

# The second build finds nothing that was compiled before, so that it cannot be the first one's.
reproducible: ## Build what is committed twice, in two folders, and compare; takes some minutes
	@one=$$(mktemp -d) && other=$$(mktemp -d) && trap 'chmod -R +w "$$one" "$$other"; rm -rf "$$one" "$$other"' EXIT && \
		git clone -q . "$$one" && git clone -q . "$$other/elsewhere" && \
		$(MAKE) -s -C "$$one" build >/dev/null && GOCACHE="$$other/cache" $(MAKE) -s -C "$$other/elsewhere" build >/dev/null && \
		(cd "$$one" && sha256sum $(BIN)) && (cd "$$other/elsewhere" && sha256sum $(BIN)) && cmp "$$one/$(BIN)" "$$other/elsewhere/$(BIN)" && echo 'the two builds are the same'

# The suite is a module of its own, so that what it is built from stays out of the product's. For its size it stands outside make test as well.
$(BENCH): $(shell find backend/bench -type f -not -name '*_test.go' -not -name 'results.json' -not -name '*.svg' -not -name '*.md') $(GO_SOURCES)
	@mkdir -p $(@D)
	cd backend/bench && go build -o ../../$(@D)/ . ./reference
	@touch $@

bench: $(BIN) $(BENCH) wrk ## Measure Curfew beside references, in less than ten minutes and on loopback alone; writes the table of backend/bench/README.md
	./$(BENCH) --results backend/bench --readme backend/bench/README.md

bench-long: $(BIN) $(BENCH) ## Measure how costs grow up to 10,000,000 live sessions; takes 25 minutes and 20 GB of disk
	./$(BENCH) --only none --sizes 1000,1000000,10000000

bench-test: wrk ## Test the benchmark itself
	cd backend/bench && go vet ./... && go test -shuffle=on ./...

bench-store: ## Measure single operations of the store
	go test -run '^$$' -bench . -benchtime 100x ./backend/store

bench-page: $(BIN) $(PEOPLE) chromium ## Measure how fast the page is, on a slowed processor too, with 100,000 sessions behind it
	@CHROMIUM="$$($(FIND_CHROMIUM))" npm run --silent bench:page

wrk strace:
	@command -v $@ >/dev/null || { $(call install,$@); }

# The programs that are broken: the real one, with points at which it may be killed, and one that makes mistakes when told to. No pages are needed.
WITH_POINTS := -tags=$(TAGS),failpoint

$(FAULTS): $(shell find backend/faults -type f -not -name '*_test.go' -not -name 'results.json')
	@mkdir -p $(@D)
	cd backend/faults && go build -o ../../$@ .

bin/faults/curfew: $(WEB) $(GO_SOURCES)
	@mkdir -p $(@D)
	go build $(WITH_POINTS) -o $@ .

bin/faults/curfew-mutants: $(WEB) $(GO_SOURCES) $(FAULTS)
	./$(FAULTS) --overlay bin/faults/_overlay
	go build $(WITH_POINTS) -overlay bin/faults/_overlay/overlay.json -o $@ .

faults: $(FAULTS) $(BROKEN) strace ## Break the machine under Curfew, and judge whether it keeps its promises; in less than ten minutes
	./$(FAULTS) --within 8m --results backend/faults

faults-long: $(FAULTS) $(BROKEN) strace ## The same with 500 kills, 100 pauses, 50 full disks and 50 locks; takes long
	./$(FAULTS) --times 6 --results backend/faults

faults-test: ## Test the judge of the faults
	cd backend/faults && go vet ./... && go test -shuffle=on ./...

clean: ## Remove what was built
	rm -rf bin frontend/.svelte-kit node_modules && find frontend/build -mindepth 1 -not -name .gitkeep -delete
