package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"curfew/backend/faults/judge"
)

// report is what the run found. It is written as JSON as it stands here.
type report struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
	// Faults counts them by kind. Points are those with a name, and Killed how often the server was
	// killed at each.
	Faults map[string]int `json:"faults"`
	Points int            `json:"points"`
	Killed map[string]int `json:"killedAt"`
	// Requests were judged one by one. Troubled of them got no answer or 503, and Ordered were put
	// in an order by porcupine, session by session.
	Requests  int `json:"requests"`
	Troubled  int `json:"requestsTroubled"`
	Ordered   int `json:"ordered"`
	Sessions  int `json:"sessionsOrdered"`
	Undecided int `json:"sessionsUndecided"`
	// Bytes were searched for secrets.
	Bytes      int64             `json:"bytesSearched"`
	Violations []judge.Violation `json:"violations"` // empty, and not null
	// Bound is the share of requests that may be judged wrongly all the same, with a probability of
	// 95 %: three in so many.
	Bound float64 `json:"bound95"`
	// Scenes are the figures of single scenes.
	Scenes []scene `json:"scenes"`
	// Mutants maps each mistake that was made on purpose to what gave it away; empty where nothing
	// did.
	Mutants map[string]string `json:"mutants"`
	// Untried is what could not be done on the machine, with the reason.
	Untried []string `json:"untried,omitempty"`

	say func(format string, args ...any)
}

// scene is a scene that says more than that nothing was violated.
type scene struct {
	Name string `json:"name"`
	Says string `json:"says"`
}

func newReport(say func(string, ...any)) *report {
	return &report{At: time.Now().UTC().Truncate(time.Second), Faults: map[string]int{}, Mutants: map[string]string{}, Violations: []judge.Violation{}, Scenes: []scene{}, Killed: map[string]int{}, say: say}
}

func (r *report) count(fault string) { r.Faults[fault]++ }

func (r *report) countPoint(point string) {
	r.count("kill -9 at a named point")
	r.Killed[point]++
}

func (r *report) searched(n int64) { r.Bytes += n }

func (r *report) add(scene string, f found) {
	r.Requests += f.requests
	r.Troubled += f.troubled
	r.Ordered += f.ordered
	r.Sessions += f.sessions
	r.Undecided += f.undecided
	for i, violation := range f.violations {
		if i < 10 {
			r.say("VIOLATION during %s: %s: %s", scene, violation.Invariant, violation.What)
		}
	}
	r.Violations = append(r.Violations, f.violations...)
	r.say("%s: %d requests judged, %d of them troubled, %d violations", scene, f.requests, f.troubled, len(f.violations))
}

// tell keeps what a scene found.
func (r *report) tell(name, says string, args ...any) {
	r.Scenes = append(r.Scenes, scene{name, fmt.Sprintf(says, args...)})
	r.say("%s: %s", name, fmt.Sprintf(says, args...))
}

// untried says that something could not be done here, and why. It counts for nothing, neither
// played nor caught.
func (r *report) untried(what, why string, args ...any) {
	what += ": " + fmt.Sprintf(why, args...)
	if !slices.Contains(r.Untried, what) {
		r.Untried = append(r.Untried, what)
		r.say("NOT TRIED: %s", what)
	}
}

// blame counts a broken promise that a scene itself has seen.
func (r *report) blame(invariant, what string, args ...any) {
	r.Violations = append(r.Violations, judge.Violation{Invariant: invariant, What: fmt.Sprintf(what, args...)})
	r.say("VIOLATION: %s: %s", invariant, fmt.Sprintf(what, args...))
}

// caught counts the mutants that were.
func (r *report) caught() int {
	n := 0
	for _, by := range r.Mutants {
		if by != "" {
			n++
		}
	}
	return n
}

func (r *report) failed() bool { return len(r.Violations) > 0 || r.caught() < len(r.Mutants) }

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\nfaults\n")
	for _, kind := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(w, "  %-40s %6d\n", kind, r.Faults[kind])
	}
	if r.Points > 0 {
		fmt.Fprintf(w, "  %-40s %6d of %d\n", "named points at which it was killed", len(r.Killed), r.Points)
	}
	fmt.Fprintf(w, "requests judged                            %6d\n", r.Requests)
	fmt.Fprintf(w, "of them without an answer, or 503          %6d\n", r.Troubled)
	fmt.Fprintf(w, "put in an order by porcupine               %6d, of %d sessions, %d undecided\n", r.Ordered, r.Sessions, r.Undecided)
	fmt.Fprintf(w, "bytes searched for secrets                 %6d\n", r.Bytes)
	fmt.Fprintf(w, "violations                                 %6d\n", len(r.Violations))
	if r.Requests > 0 {
		fmt.Fprintf(w, "wrongly judged requests, at most (95 %%)    %.1e\n", r.Bound)
	}
	for _, s := range r.Scenes {
		fmt.Fprintf(w, "%s: %s\n", s.Name, s.Says)
	}
	r.printMutants(w)
	for _, what := range r.Untried {
		fmt.Fprintf(w, "NOT TRIED: %s\n", what)
	}
}

func (r *report) printMutants(w io.Writer) {
	if len(r.Mutants) == 0 {
		return
	}
	fmt.Fprintf(w, "mutants caught                             %6d of %d\n", r.caught(), len(r.Mutants))
	for _, name := range slices.Sorted(maps.Keys(r.Mutants)) {
		by := r.Mutants[name]
		if by == "" {
			by = "NOT CAUGHT"
		}
		fmt.Fprintf(w, "  %-32s %s\n", name, by)
	}
}

// finish works out what follows from the rest.
func (r *report) finish() {
	if r.Requests > 0 {
		r.Bound = 3 / float64(r.Requests)
	}
}

// addTo adds what an earlier run found to this one's. Of scenes and mutants that were played in
// both, the newer counts.
func (r *report) addTo(folder string) error {
	raw, err := os.ReadFile(filepath.Join(folder, "results.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var earlier report
	if err := json.Unmarshal(raw, &earlier); err != nil {
		return err
	}
	for kind, n := range earlier.Faults {
		r.Faults[kind] += n
	}
	for point, n := range earlier.Killed {
		r.Killed[point] += n
	}
	for name, by := range earlier.Mutants {
		if _, again := r.Mutants[name]; !again {
			r.Mutants[name] = by
		}
	}
	for _, old := range earlier.Scenes {
		if !slices.ContainsFunc(r.Scenes, func(s scene) bool { return s.Name == old.Name }) {
			r.Scenes = append(r.Scenes, old)
		}
	}
	r.Points = max(r.Points, earlier.Points)
	r.Seconds += earlier.Seconds
	r.Requests += earlier.Requests
	r.Troubled += earlier.Troubled
	r.Ordered += earlier.Ordered
	r.Sessions += earlier.Sessions
	r.Undecided += earlier.Undecided
	r.Bytes += earlier.Bytes
	r.Violations = append(earlier.Violations, r.Violations...)
	r.finish()
	return nil
}

// write keeps the report as JSON in the folder; nowhere, if there is none.
func (r *report) write(folder string) error {
	if folder == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "results.json"), append(raw, '\n'), 0o644) //nolint:gosec // for everybody
}

// names are the invariants of violations, each once.
func names(violations []judge.Violation) string {
	seen := map[string]bool{}
	for _, violation := range violations {
		seen[violation.Invariant] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}
