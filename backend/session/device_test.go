package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADeviceIsNamedInWords(t *testing.T) {
	for agent, want := range map[string]Device{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                        {"Firefox", "Windows", Desktop},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                                   {"Chrome", "Linux", Desktop},
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":                       {"Edge", "Windows", Desktop},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": {"Safari", "iOS", Phone},
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1":          {"Safari", "iOS", Tablet},
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                            {"Chrome", "Android", Phone},
		"Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                          {"Chrome", "Android", Tablet},
		"Mozilla/5.0 (Android 15; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                    {"Firefox", "Android", Tablet},
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                    {"Firefox", "Android", Phone},
		"Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9 Build/AP3A)":                                                                                 {"Dalvik", "Android", Phone},
		"Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                 {"Firefox", "FreeBSD", Desktop},
		"Mozilla/5.0 (X11; U; OpenBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                              {"Firefox", "OpenBSD", Desktop},
		"Mozilla/5.0 (X11; NetBSD amd64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                                   {"Chrome", "NetBSD", Desktop},
		"Mozilla/5.0 (X11; DragonFly x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                              {"Firefox", "DragonFly", Desktop},
		"curl/8.14.1":                         {"curl", "", Program},
		"Mozilla/5.0 (compatible; Feeds/1.0)": {"Feeds", "", Program},
		"":                                    {"", "", Program},
		"Googlebot/2.1 (+http://x/)":          {"Googlebot", "", Bot},
	} {
		require.Equal(t, want, Client{UserAgent: agent}.Device(), agent)
	}
}
