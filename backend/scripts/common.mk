# What all Makefiles share. ROOT is the way to the top of the repository.

# One set of flags for building, testing and linting: each other set compiles SQLite again.
export TAGS        := sqlite_omit_load_extension,netgo,osusergo
export GOFLAGS     := -trimpath -buildvcs=false -tags=$(TAGS)
export CGO_ENABLED := 1
export CGO_CFLAGS  := -O2 -g0

MAKE    += --no-print-directory
SCRIPTS := $(ROOT)/backend/scripts
TOOL    := go tool -modfile=$(abspath $(ROOT))/backend/tools.mod
