package attacks

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// rows takes every attack that was tried, where ATTACKS_ROWS names a file to append them to: kind,
// what was sent, what came back, and right or wrong, with tabs between.
var rows struct {
	mu    sync.Mutex
	file  *bufio.Writer
	wrong map[string]int
}

// kind is a kind of attack, as the table lists it.
type kind string

// most is how many wrong answers of a kind are told in full. A defect that opens one door often
// opens a thousand.
const most = 10

// note records an attack. A complaint says what is wrong with the answer, and fails the test; it is
// empty where the answer is right.
func (k kind) note(t testing.TB, sent fmt.Stringer, came fmt.Stringer, complaint string) {
	t.Helper()
	rows.mu.Lock()
	defer rows.mu.Unlock()
	verdict := "right"
	if complaint != "" {
		verdict = "wrong"
		rows.wrong[string(k)]++
		if rows.wrong[string(k)] <= most {
			t.Errorf("%s: %s\n     sent: %s\ncame back: %s", k, complaint, short(sent), short(came))
		}
		t.Fail()
	}
	if rows.file != nil {
		if _, err := fmt.Fprintf(rows.file, "%s\t%s\t%s\t%s\n", k, short(sent), short(came), verdict); err != nil {
			t.Error(err)
		}
	}
}

// short is a text on one line, of bearable length.
func short(s fmt.Stringer) string {
	quoted := fmt.Sprintf("%q", s.String())
	quoted = quoted[1 : len(quoted)-1]
	if len(quoted) > 400 {
		quoted = fmt.Sprintf("%s… (%d more bytes)", quoted[:300], len(quoted)-300)
	}
	return quoted
}

// text is a text that describes itself.
type text string

func (t text) String() string { return string(t) }

func textf(format string, args ...any) text { return text(fmt.Sprintf(format, args...)) }

// unless complains where something does not hold.
func unless(holds bool, complaint string, args ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(complaint, args...)
}

// first is the first complaint, if there is any.
func first(complaints ...string) string {
	for _, complaint := range complaints {
		if complaint != "" {
			return complaint
		}
	}
	return ""
}

// some is how many of an attack to send: all of them, or only few with -short.
func some(all, few int) int {
	if testing.Short() {
		return few
	}
	return all
}

// sample is every n-th of the texts, so that what is left still has some of each sort; all of them
// without -short.
func sample[T any](all []T, n int) []T {
	if !testing.Short() {
		return all
	}
	var few []T
	for i := 0; i < len(all); i += n {
		few = append(few, all[i])
	}
	return few
}

func openRows() (closeRows func() error, err error) {
	rows.wrong = map[string]int{}
	path := os.Getenv("ATTACKS_ROWS")
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	rows.file = bufio.NewWriter(file)
	return func() error {
		if err := rows.file.Flush(); err != nil {
			return err
		}
		return file.Close()
	}, nil
}

// exchange is several answers in a row.
type exchange []reply

func (e exchange) String() string {
	var all []string
	for _, r := range e {
		all = append(all, r.String())
	}
	return strings.Join(all, " | ")
}
