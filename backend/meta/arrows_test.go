package meta

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// arrows lists which packages each package may import. One that is not here may import none of
// ours.
var arrows = map[string][]string{
	"audit":   {"fold"},
	"member":  {"audit", "fold", "refusal"},
	"session": {"audit", "fold", "member", "refusal", "session/slab"},
	"token":   {"durable"},
	"store":   {"audit", "durable", "failpoint", "fold", "member", "refusal", "session"},
	"httpapi": {"audit", "etag", "failpoint", "fold", "live", "mail", "member", "metrics", "session", "token"},
	"metrics": {"build"},
	"config":  {"fold", "mail", "token"}, // hosts, where the mail server is, and the bounds of a token's lifetime
	"spa":     {"etag"},
	"app":     {"audit", "config", "durable", "failpoint", "httpapi", "live", "mail", "member", "metrics", "session", "spa", "store", "token"},
	"cli":     {"app", "build", "config", "fold", "httpapi", "member"}, // the contract's words, and when two e-mail addresses are the same
	"demo":    {"audit", "config", "member", "session", "store"},

	"store/storetest": {"store"},
}

// keepers lists the packages that alone may use a library, and why.
var keepers = []struct {
	library string
	rooms   []string
	why     string
}{
	{"gorm.io/", []string{"store"}, "SQL stays in one package"},
	{"github.com/mattn/go-sqlite3", []string{"store"}, "the driver is named in one place"},
	{"github.com/labstack/echo", []string{"httpapi", "spa", "app"}, "Echo v4's support ends with 2026: the move to v5 has to stay mechanical"},
	{"github.com/golang-jwt/", []string{"token"}, "only one package verifies tokens, and only after its gate"},
	{"net/http", []string{"httpapi", "spa", "app"}, "the rules know no HTTP"},
	{"github.com/VictoriaMetrics/", []string{"metrics"}, "the names of metrics are in one place"},
	{"database/sql", []string{"store"}, "the rules know no SQL"},
	{"github.com/wneessen/go-mail", []string{"mail"}, "SMTP stays in one package"},
	{"github.com/knadh/koanf", []string{"config"}, "settings are passed down as values"},
	{"math/rand", []string{"demo"}, "random values of the product have to be unpredictable"},
	{"net/http/pprof", nil, "it would put the program's memory on the network"},
	{"expvar", nil, "it would put the program's memory on the network"},
}

// ASVS 6.5.3, 11.5.1, 13.4.2
func TestArrows(t *testing.T) {
	listing := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	listing.Dir = ".."
	out, err := listing.Output()
	require.NoError(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room, inside := strings.CutPrefix(fields[0], "curfew/backend/")
		if !inside {
			continue
		}
		seen[room] = true
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, "curfew/backend/"); ok && !slices.Contains(arrows[room], ours) {
				t.Errorf("%s imports %s, against the arrows", room, ours)
			}
			for _, keeper := range keepers {
				if strings.HasPrefix(imported, keeper.library) && !slices.Contains(keeper.rooms, room) {
					t.Errorf("%s imports %s: %s", room, imported, keeper.why)
				}
			}
		}
	}
	for room := range arrows {
		require.True(t, seen[room], "there is no room %s: the table is out of date", room)
	}
}
