# Every command that a developer runs. Bare `make` lists them.
ROOT := .
include backend/scripts/common.mk

MODULES     := node_modules/.package-lock.json
WEB         := frontend/build/200.html
WEB_SOURCES := $(shell find frontend/src frontend/static frontend/scripts -type f) frontend/vite.config.ts frontend/package.json

.PHONY: help run demo build web dev dev-api dev-web test test-go test-web compiled chromium e2e browsers screenshots lint generated \
        check fmt generate audit sbom reproducible clean bench bench-long bench-page bench-store bench-test faults faults-long faults-test attacks fuzz

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile frontend/Makefile backend/*/Makefile

run: build ## Build everything and serve it on http://localhost:8080, with its data in ./data
	@exec bin/curfew serve

demo: build bin/curfew-demo ## Serve a made-up organization with 200 members and a month of history from a temporary folder
	@exec $(SCRIPTS)/demo.sh

# Outside a clone, name what you build: make build VERSION=v1.2.3
export VERSION :=
export COMMIT :=
export DATE :=
build: $(WEB) ## Build bin/curfew: one static file with the web app inside
	@$(SCRIPTS)/build.sh

web: $(WEB) ## Build only the web app

$(MODULES): package.json package-lock.json frontend/package.json .npmrc
	npm ci --no-audit --no-fund
	@touch $@

$(WEB): $(MODULES) $(WEB_SOURCES)
	npm run build
	@touch $@

bin/curfew-demo: FORCE
	@go build -o $@ ./backend/demo

dev: $(MODULES) ## Serve with both halves reloading: pages on http://localhost:5173, API on :8080
	@$(MAKE) -j2 dev-api dev-web

dev-api:
	@touch $(WEB)
	@$(TOOL) air -build.cmd 'go build -o bin/curfew-dev .' -build.bin bin/curfew-dev -build.args_bin serve \
		-build.include_dir backend -build.include_file main.go,embed.go -build.include_ext go,sql,yaml,html,css -tmp_dir bin/air

dev-web:
	@npm run dev

test: ## Run every test: Go with the race detector, Vitest, and journeys in a real browser; NO_INSTALL=1 installs nothing
	@$(SCRIPTS)/chromium.sh plan >/dev/null
	@$(MAKE) -j4 chromium compiled build bin/curfew-demo
	@$(MAKE) -j2 --output-sync test-go test-web
	@$(MAKE) e2e

# Tests of whole programs run without the race detector, which makes them ten times slower and finds nothing there. The API's
# run with it, and again without to compare answers with the contract, by a library that takes minutes to compile.
RACED = CGO_CFLAGS='-O1 -g0' go test -race -vet=off -ldflags=-w $$(go list ./backend/... | grep -vE '/(attacks|cli|demo)$$')

test-go: $(WEB) ## Run the Go tests, with the race detector
	$(RACED) -shuffle=on -skip '^TestExportsAreStreamed$$' # it measures memory and runs below
	go test -vet=off -gcflags='github.com/pb33f/...=-N -l -dwarf=false' -shuffle=on -short ./backend/attacks ./backend/cli ./backend/demo ./backend/httpapi

# The slowest part of a cold run, compiled while Chromium and the web app arrive.
compiled:
	@$(RACED) -run '^$$' >/dev/null

test-web: $(MODULES) ## Run the front end's checks and unit tests
	npm run check
	npm test

chromium:
	@$(SCRIPTS)/chromium.sh >/dev/null

lint: $(MODULES) ## Lint both halves, the scripts and the commit subjects
	@$(SCRIPTS)/subjects.sh
	@$(SCRIPTS)/need.sh shellcheck shellcheck
	shellcheck $(SCRIPTS)/*.sh .ci/run
	$(TOOL) golangci-lint run ./...
	$(TOOL) golangci-lint run --build-tags failpoint ./backend/failpoint
	$(TOOL) golangci-lint run --build-tags proxies ./backend/attacks
	$(TOOL) staticcheck ./...
	cd backend/bench && $(TOOL) golangci-lint run ./...
	cd backend/faults && $(TOOL) golangci-lint run ./...
	npm run lint

generated: ## Check that what is made from backend/httpapi/openapi.yaml is up to date
	go generate ./...
	git diff --exit-code -- backend/httpapi/wire.gen.go

check: lint generated test ## Run everything that CI runs, and the linters

fmt: $(MODULES) ## Format both halves
	gofmt -w backend main.go embed.go
	npm run format

generate: $(MODULES) ## Generate code from backend/httpapi/openapi.yaml
	go generate ./...
	npm run generate

audit: $(MODULES) ## Look for known weaknesses in what the program is built from
	@$(SCRIPTS)/audit.sh

sbom: build ## List what the program is built from: bin/curfew.cdx.json (Go) and bin/curfew-web.cdx.json (npm)
	$(SCRIPTS)/sbom.sh

reproducible: ## Build the last commit twice and compare; takes some minutes
	@$(SCRIPTS)/reproducible.sh

clean: ## Remove what was built
	rm -rf bin frontend/.svelte-kit node_modules && find frontend/build -mindepth 1 -not -name .gitkeep -delete

# These have Makefiles of their own.
e2e screenshots browsers: build bin/curfew-demo ; @$(MAKE) -C frontend $@
bench bench-long bench-page bench-store bench-test: ; @$(MAKE) -C backend/bench $@
faults faults-long faults-test: ; @$(MAKE) -C backend/faults $@
attacks fuzz: ; @$(MAKE) -C backend/attacks $@

FORCE:
