package member

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheDecisionsSayThePace holds what decisions 6 and 16 write down against the buckets.
//
// ASVS 6.1.1
func TestTheDecisionsSayThePace(t *testing.T) {
	throttle, err := os.ReadFile("../decisions/0006-throttle.md")
	require.NoError(t, err)
	strangers := strangerBuckets("ana@example.org", "192.0.2.1")
	require.Len(t, strangers, 3)
	known := knownBucket(ID{}, "device")
	require.Len(t, known, 1)
	for row, b := range map[string]Bucket{
		"from strangers at one account | %d | %.0f s":                             strangers[0],
		"from one address at any account (IPv6: from one /64) | %d | %.0f s":      strangers[1],
		"from one address at one account | %d | %.0f s":                           strangers[2],
		"from a client that the member is known to use | %d, of its own | %.0f s": known[0],
	} {
		require.Contains(t, string(throttle), "\n| "+fmt.Sprintf(row, b.Burst, b.Every.Seconds())+" |\n")
	}
	factor, err := os.ReadFile("../decisions/0016-second-factor.md")
	require.NoError(t, err)
	codes := codeBucket(strangers[2])
	require.Equal(t, []any{10, 10 * time.Minute}, []any{codes.Burst, codes.Every})
	require.Contains(t, string(factor), "ten at once, one every ten minutes")
}
