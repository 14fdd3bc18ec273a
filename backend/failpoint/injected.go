//go:build failpoint

package failpoint

import (
	"errors"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Injected reports whether the program was built for the harness.
const Injected = true

// The variables of the environment. They are not settings, so they do not begin with CURFEW_.
var (
	killAt  = os.Getenv("FAULT_KILL")   // POINT or POINT@N: kill -9 when the point is passed for the Nth time
	census  = os.Getenv("FAULT_CENSUS") // a file to which every point is written when it is passed for the first time
	clock   = os.Getenv("FAULT_CLOCK")  // a file with a duration by which the wall clock is ahead, as "1h0m0s" or "-1h0m0s"
	mutants = strings.Split(os.Getenv("FAULT_MUTANT"), ",")
	vitals  = os.Getenv("FAULT_VITALS") // a file to which the number of goroutines is written at SIGUSR1
)

// init answers SIGUSR1, if FAULT_VITALS is set.
func init() {
	if vitals == "" {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			runtime.GC()
			err := os.WriteFile(vitals+".new", []byte(strconv.Itoa(runtime.NumGoroutine())), 0o600)
			if err := errors.Join(err, os.Rename(vitals+".new", vitals)); err != nil {
				panic(err)
			}
		}
	}()
}

var (
	known  sync.Map
	passed atomic.Int64
)

// operation matches a method of the store in a stack.
var operation = regexp.MustCompile(`^curfew/backend/store\.\(\*DB\)\.([A-Z]\w*)`)

// At is a point at which the harness may kill the program. In the store, its name begins with that
// of the operation.
func At(point string) {
	if census == "" && killAt == "" {
		return
	}
	point = named(point)
	if census != "" {
		if _, seen := known.LoadOrStore(point, true); !seen {
			record(point)
		}
	}
	wanted, nth, _ := strings.Cut(killAt, "@")
	if point != wanted {
		return
	}
	if n, err := strconv.ParseInt(nth, 10, 64); err == nil && passed.Add(1) < n {
		return
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {} // wait for the end
}

func named(point string) string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if found := operation.FindStringSubmatch(frame.Function); found != nil {
			return found[1] + ", " + point
		}
		if !more {
			return point
		}
	}
}

func record(point string) {
	file, err := os.OpenFile(census, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, err = file.WriteString(point + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		panic(err)
	}
}

// Wall returns the wall clock, shifted by the duration in the file of FAULT_CLOCK.
func Wall() func() time.Time {
	if clock == "" {
		return time.Now
	}
	return func() time.Time {
		text, err := os.ReadFile(clock)
		if err != nil {
			panic(err)
		}
		ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			panic(err)
		}
		return time.Now().Add(ahead)
	}
}

// Mutant reports whether to make a certain mistake. Only the harness's changes to the sources call
// it; see backend/faults/mutants.go.
func Mutant(name string) bool { return slices.Contains(mutants, name) }
