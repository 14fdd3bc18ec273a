package session

import (
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/fold"
)

// FuzzUserAgent: a device has a known kind, is no longer than its user agent or than a name, is the
// same each time, and is found by its own words.
func FuzzUserAgent(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	f.Fuzz(func(t *testing.T, agent string) {
		agent = agent[:min(len(agent), 512)] // which is how much of it is kept
		device := Client{UserAgent: agent}.Device()
		require.Contains(t, []DeviceKind{Desktop, Phone, Tablet, Program, Bot}, device.Kind)
		const aName = 32
		require.LessOrEqual(t, len(device.Browser), max(len(agent), aName))
		require.LessOrEqual(t, len(device.OS), max(len(agent), aName))
		require.Equal(t, device, Client{UserAgent: agent}.Device())
		for _, word := range []string{device.Browser, device.OS, string(device.Kind)} {
			require.Contains(t, device.words(), fold.Key(word))
		}
	})
}
