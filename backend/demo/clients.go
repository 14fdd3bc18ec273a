package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"curfew/backend/session"
)

// The user agents of the clients.
var (
	desktops = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	}
	phones = []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 16; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
	}
	tablets = []string{
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	}
	programs = []string{
		"curl/8.14.1",
		"python-requests/2.32.5",
		"Go-http-client/2.0",
		"GitLab-Runner/18.5.0 (docker)",
		"GitHub-Actions-Runner/2.329.0",
		"Wget/1.25.0",
	}
)

// clientsOf generates the clients of a person. The addresses are from the ranges for documentation
// (RFC 5737, RFC 3849): the observatory's network, homes, and mobile phones.
func clientsOf(p *person, random *rand.Rand) []session.Client {
	pick := func(of []string) string { return of[random.IntN(len(of))] }
	at := func(format string, args ...any) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(format, args...)) }
	office := func() netip.Addr { return at("192.0.2.%d", 10+random.IntN(20)) }
	home := at("%s.%d", pick([]string{"198.51.100", "203.0.113"}), 1+random.IntN(254))
	if p.part == program {
		var clients []session.Client
		for i := range 12 {
			clients = append(clients, session.Client{Address: at("2001:db8:c1::%x", 0x10+i), UserAgent: pick(programs)})
		}
		return clients
	}
	clients := []session.Client{
		{Address: office(), UserAgent: pick(desktops)},
		{Address: home, UserAgent: pick(desktops)},
		{Address: at("2001:db8:%x:%x::%x", 0x100+random.IntN(64), random.IntN(0xffff), 1+random.IntN(0xffff)), UserAgent: pick(phones)},
	}
	if random.IntN(3) == 0 {
		clients = append(clients, session.Client{Address: home, UserAgent: pick(tablets)})
	}
	if random.IntN(6) == 0 {
		clients = append(clients, session.Client{Address: office(), UserAgent: pick(programs)})
	}
	return clients
}
