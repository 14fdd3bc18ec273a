package etag

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAListIsReadAsTheStandardSays(t *testing.T) {
	for name, c := range map[string]struct {
		values       []string
		has, hasWeak bool
	}{
		"the tag":              {[]string{`"3"`}, true, true},
		"another":              {[]string{`"2"`}, false, false},
		"a weak one":           {[]string{`W/"3"`}, false, true},
		"any":                  {[]string{" * "}, true, true},
		"a list":               {[]string{`"1","3"`}, true, true},
		"a list with space":    {[]string{"\"1\" ,\t\"3\""}, true, true},
		"two headers":          {[]string{`"1"`, `"3"`}, true, true},
		"empty elements":       {[]string{`,,"1",, "3",`}, true, true},
		"a comma within a tag": {[]string{`"1,3"`}, false, false},
		"a backslash in a tag": {[]string{`"\"`, `"3"`}, true, true},
		"a tag of two bytes":   {[]string{`"é"`, `"3"`}, true, true},
		"no header":            {nil, true, false},
	} {
		match, err := ReadConditions(map[string][]string{"If-Match": c.values})
		require.NoError(t, err, name)
		require.Equal(t, c.has, match.Allow(`"3"`), name)
		noneMatch, err := ReadConditions(map[string][]string{"If-None-Match": c.values})
		require.NoError(t, err, name)
		modified, err := noneMatch.Modified(`"3"`)
		require.NoError(t, err, name)
		require.Equal(t, !c.hasWeak, modified, name)
	}
	for _, malformed := range []string{"", " ", ",", "3", `"3`, `3"`, `"3" "4"`, `"3"x`, `w/"3"`, `W/3`, `W/`, `*, "3"`, `"3", *`, "**", `'3'`, "\"\x003\"", `"3 4"`} {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			_, err := ReadConditions(map[string][]string{name: {malformed}})
			require.ErrorIs(t, err, ErrMalformed, "%q", malformed)
		}
	}
}
