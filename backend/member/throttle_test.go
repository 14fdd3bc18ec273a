package member

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/audit"
)

// TestTheDecisionsSayThePace compares the buckets with decisions 6 and 16.
//
// ASVS 6.1.1
func TestTheDecisionsSayThePace(t *testing.T) {
	throttle, err := os.ReadFile("../decisions/0006-throttle.md")
	require.NoError(t, err)
	strangers := strangerBuckets("ana@example.org", "192.0.2.1")
	require.Len(t, strangers, 3)
	for i, room := range []int{1, 3} {
		failed := strangers[i][1]
		require.Equal(t, []any{room, time.Hour}, []any{failed.Burst, failed.Every})
	}
	familiar := familiarBuckets(ID{}, "192.0.2.1")
	require.Equal(t, deviceBucket(ID{}, "192.0.2.1"), familiar[0])
	rows := map[string]Bucket{
		"by strangers at one account":                                   strangers[2][0],
		"the same, from a network with no failure there within an hour": strangers[0][0],
		"the same, from a network with one or two":                      strangers[1][0],
		"from one address at any account":                               strangers[2][1],
		"from one address at one account":                               strangers[2][2],
		"by one member on a known device, or from a familiar address":   deviceBucket(ID{}, "device"),
		"by all members from one familiar address":                      familiar[1],
		"successful sign-ins of one member, and proofs of identity":     successBucket(ID{}, audit.SessionRefused),
	}
	for row, b := range rows {
		every := strconv.FormatFloat(b.Every.Seconds(), 'f', -1, 64)
		require.Contains(t, string(throttle), fmt.Sprintf("\n| %s | %d | %s s |\n", row, b.Burst, every))
	}
	require.Len(t, strangers[2], 3)

	few := entryBuckets(audit.SessionRefused, wrongCode, "member:1", "192.0.2.1")
	require.Equal(t, []any{10, 10 * time.Minute, 200, time.Minute}, []any{few[0].Burst, few[0].Every, few[1].Burst, few[1].Every})
	require.Contains(t, string(throttle), "The first ten refusals of a kind (password, code, passkey) at an account from a network get an entry each, then one every ten minutes; of a kind in all 200, then one a minute.")

	factor, err := os.ReadFile("../decisions/0016-second-factor.md")
	require.NoError(t, err)
	codes := codeBucket(strangers[0][0])
	require.Equal(t, []any{10, 10 * time.Minute}, []any{codes.Burst, codes.Every})
	require.Contains(t, string(factor), "ten at once, one every ten minutes")
	require.Contains(t, string(factor), "failed at the second factor, at most one every ten minutes after three")
	halfway := entryBuckets(audit.SessionRefused, noCode, "member:1", "192.0.2.1")[0]
	require.Equal(t, []any{3, 10 * time.Minute}, []any{halfway.Burst, halfway.Every})
}
