// Package etag evaluates the conditions If-Match and If-None-Match of a request (RFC 9110, 13.1).
package etag

import (
	"errors"
	"slices"
	"strings"
)

var (
	// ErrMalformed is returned for a header that is not a list of entity tags.
	ErrMalformed = errors.New("malformed list of entity tags")
	// ErrFailed is returned if a condition does not hold.
	ErrFailed = errors.New("a condition of the request does not hold")
)

// Conditions are the conditions of a request. The zero Conditions always hold.
type Conditions struct{ match, noneMatch *list }

// ReadConditions reads the headers of a request, whose names are canonical.
func ReadConditions(headers map[string][]string) (c Conditions, err error) {
	if c.match, err = read(headers["If-Match"]); err != nil {
		return c, err
	}
	c.noneMatch, err = read(headers["If-None-Match"])
	return c, err
}

// Modified reports whether the client lacks the representation with that tag, which is in quotes.
// It returns ErrFailed if If-Match does not hold.
func (c Conditions) Modified(tag string) (bool, error) {
	if c.match != nil && !c.match.has(tag) {
		return false, ErrFailed
	}
	return c.noneMatch == nil || !c.noneMatch.hasWeakly(tag), nil
}

// Allow reports whether a write may replace the representation with that tag.
func (c Conditions) Allow(tag string) bool {
	modified, err := c.Modified(tag)
	return modified && err == nil
}

// Matching returns the tags in If-Match.
func (c Conditions) Matching() []string {
	if c.match == nil {
		return nil
	}
	return c.match.tags
}

// list represents the value of one header.
type list struct {
	any  bool // the value is *
	tags []string
}

// read parses a header that may come several times. It returns nil if it did not come.
func read(values []string) (*list, error) {
	if len(values) == 0 {
		return nil, nil //nolint:nilnil // no header is no condition
	}
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		return &list{any: true}, nil
	}
	var l list
	for {
		rest = strings.TrimLeft(rest, " \t,") // empty elements are ignored (5.6.1.2)
		if rest == "" {
			break
		}
		size := tagSize(rest)
		if size == 0 {
			return nil, ErrMalformed
		}
		l.tags, rest = append(l.tags, rest[:size]), strings.TrimLeft(rest[size:], " \t")
		if rest != "" && rest[0] != ',' {
			return nil, ErrMalformed
		}
	}
	if len(l.tags) == 0 {
		return nil, ErrMalformed
	}
	return &l, nil
}

// tagSize returns the size of the entity tag at the start of the text (8.8.3), or 0 if there is
// none.
func tagSize(text string) int {
	opaque := strings.TrimPrefix(text, "W/")
	if !strings.HasPrefix(opaque, `"`) {
		return 0
	}
	end := strings.IndexByte(opaque[1:], '"')
	if end < 0 || strings.ContainsFunc(opaque[1:1+end], func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return 0
	}
	return len(text) - len(opaque) + end + 2
}

// has makes the strong comparison (8.8.3.2), in which a weak tag never matches.
func (l *list) has(tag string) bool { return l.any || slices.Contains(l.tags, tag) }

// hasWeakly makes the weak comparison, in which a weak tag matches too.
func (l *list) hasWeakly(tag string) bool { return l.has(tag) || slices.Contains(l.tags, "W/"+tag) }
