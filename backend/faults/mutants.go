package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"curfew/backend/faults/judge"
)

// mutant is a mistake made on purpose, as other products have made it. It is built into a program
// of its own, which makes it only when told to. The product's sources do not contain it.
type mutant struct {
	name string
	says string
	// edits are what the mistake changes in the product's sources.
	edits []edit
	// point is where the server is killed. If it is empty, the server is killed at random instants.
	point string
	// eager is what the crowd wants to do above all, and later what it wants after a restart, where
	// that is another thing.
	eager, later func(*crowd, context.Context) error
	// scene finds the mistake. Where there is none, killing the server again and again has to.
	scene func(*stage, context.Context, *mutant) ([]judge.Violation, error)
}

// edit replaces a text that is in a source file exactly once.
type edit struct {
	file, from, to string
	// imports is a package that the file needs next to failpoint, and declares is added at its end.
	imports, declares string
}

// writeOverlay writes the sources with all mistakes in them into the folder, and beside them the
// file that go build -overlay wants.
func writeOverlay(checkout, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	sources := map[string]string{}
	for _, m := range mutants {
		for _, e := range m.edits {
			if err := e.apply(checkout, sources); err != nil {
				return fmt.Errorf("the mutant %s does not fit the sources any more: %w", m.name, err)
			}
		}
	}
	replace := map[string]string{}
	for file, text := range sources {
		written := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(written, []byte(text), 0o600); err != nil {
			return err
		}
		paths := [2]string{filepath.Join(checkout, file), written}
		for i := range paths {
			var err error
			if paths[i], err = filepath.Abs(paths[i]); err != nil {
				return err
			}
		}
		replace[paths[0]] = paths[1]
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "overlay.json"), raw, 0o600)
}

func (e edit) apply(checkout string, sources map[string]string) error {
	file := filepath.Join("backend", e.file)
	text, edited := sources[file]
	if !edited {
		raw, err := os.ReadFile(filepath.Join(checkout, file))
		if err != nil {
			return err
		}
		text = string(raw)
		if !strings.Contains(text, `"curfew/backend/failpoint"`) {
			text = addImport(text, "curfew/backend/failpoint")
		}
	}
	if n := strings.Count(text, e.from); n != 1 {
		return fmt.Errorf("%s: a piece stands there %d times: %s", file, n, e.from)
	}
	text = strings.Replace(text, e.from, e.to, 1)
	if e.imports != "" && !strings.Contains(text, `"`+e.imports+`"`) {
		text = addImport(text, e.imports)
	}
	if e.declares != "" {
		text += "\n" + e.declares + "\n"
	}
	sources[file] = text
	return nil
}

// addImport adds a declaration of its own after the package clause.
func addImport(text, path string) string {
	at := strings.Index(text, "\nimport")
	return text[:at] + "\nimport \"" + path + "\"" + text[at:]
}

// mutate lets every mutant make its mistake until it is caught, for some campaigns at most.
func (s *stage) mutate(ctx context.Context, tries int) error {
	// The same program that makes no mistake must not be caught.
	innocent, err := s.killMutant(ctx, &mutant{})
	if err != nil {
		return err
	}
	for _, violation := range innocent {
		s.report.blame(violation.Invariant, "the mutant that makes no mistake: %s", violation.What)
	}
	for i := range mutants {
		m := &mutants[i]
		if s.late() || !s.mutants.MatchString(m.name) {
			continue
		}
		caught, err := s.catch(ctx, m, tries)
		if errors.Is(err, errMayNotMount) {
			s.report.untried("the mutant "+m.name, "%s", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		s.report.Mutants[m.name] = caught
	}
	return nil
}

// catch returns the broken promises by which a mutant was caught; none if it was not.
func (s *stage) catch(ctx context.Context, m *mutant, tries int) (by string, err error) {
	play := m.scene
	if play == nil {
		play = (*stage).killMutant
	}
	for range tries {
		violations, err := play(s, ctx, m)
		if err != nil {
			return "", err
		}
		if len(violations) > 0 {
			s.say("%s: caught by %s: %s", m.name, names(violations), violations[0].What)
			return names(violations), nil
		}
	}
	s.say("%s: NOT CAUGHT", m.name)
	return "", nil
}

func (m *mutant) environment() string { return "FAULT_MUTANT=" + m.name }

// killMutant kills the mutant's server some times, and has what clients saw judged.
func (s *stage) killMutant(ctx context.Context, m *mutant) ([]judge.Violation, error) {
	c, err := s.begin(ctx, s.mutant, "")
	if err != nil {
		return nil, err
	}
	for life := range 3 {
		c.crowd.eager = m.eager
		if life > 0 && m.later != nil {
			c.crowd.eager = m.later
		}
		if err = c.mutantKilled(ctx, m); err != nil {
			break
		}
	}
	f, ended := c.end(ctx)
	if err != nil {
		return nil, err
	}
	return f.violations, ended
}
