// Package config reads the settings that the operator makes before the start: where to listen,
// where the data is. It does not read the policy, which an admin sets while the server runs.
//
// A setting comes from its default, then the config file, then the environment (CURFEW_LISTEN),
// then the command line (--listen). The later one wins. An empty value means not set. An unknown
// setting or a bad value is an error.
package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"curfew/backend/fold"
	"curfew/backend/mail"
	"curfew/backend/token"
)

// Config holds the parsed settings.
type Config struct {
	// Data is the data folder.
	Data string
	// Listen is the address to serve on, as host:port.
	Listen string
	// PublicURL is the origin at which browsers reach the server. It is https, or http on this
	// machine, because the cookies are Secure.
	PublicURL *url.URL
	// TrustedProxies are the networks whose forwarding headers are trusted.
	TrustedProxies []*net.IPNet
	// AccessTokenLifetime is how long an access token is valid.
	AccessTokenLifetime time.Duration
	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level
	// MetricsToken lets a monitoring system read /metrics. It is empty if there is none.
	MetricsToken string
	// Mail is the server that mails one-time links, or nil if they are only shown.
	Mail *mail.Server
}

// Setting describes one setting.
type Setting struct {
	Name    string
	Default string
	Usage   string
}

// Environment returns the name of the setting's environment variable.
func (s Setting) Environment() string {
	return "CURFEW_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings lists all settings.
var Settings = []Setting{
	{"data", "data", "folder that holds the database and the keys"},
	{"listen", "localhost:8080", "address to serve on, as HOST:PORT"},
	{"public-url", "", "where browsers reach the server, as https://curfew.example.org (default: http:// and the listen address)"},
	{"trusted-proxies", "", "networks whose X-Forwarded-For is trusted, as 10.0.0.0/8,127.0.0.1/32 (default: none)"},
	{"access-token-lifetime", "5m", "how long an access token is valid, from 1m to 15m"},
	{"smtp-url", "", "mail server for one-time links, as smtp://user@mail.example.org:587 (STARTTLS) or smtps://user@mail.example.org:465 (default: none)"},
	{"smtp-password-file", "", "file that holds the password for the mail server"},
	{"smtp-from", "", "sender of mail, as 'Curfew <curfew@example.org>'"},
	{"metrics-token-file", "", "file that holds the token with which a monitoring system reads /metrics (default: only owners, admins and auditors read it)"},
	{"log-level", "info", "debug, info, warn or error"},
}

// Flags adds a flag for the config file, and one for each of the named settings, or for all
// settings if none is named.
func Flags(flags *pflag.FlagSet, named ...string) {
	flags.String("config", "", "config file (YAML), with the names of the settings")
	for _, s := range Settings {
		if len(named) == 0 || slices.Contains(named, s.Name) {
			flags.String(s.Name, s.Default, s.Usage)
		}
	}
}

// Load reads the settings from all their sources. Its errors are for the operator and say what to
// change.
func Load(flags *pflag.FlagSet, environ []string) (Config, error) {
	fromEnvironment, err := environment(environ)
	if err != nil {
		return Config{}, err
	}
	path, _ := fromEnvironment["config"].(string)
	if flag := flags.Lookup("config"); flag != nil {
		path = cmp.Or(flag.Value.String(), path)
	}
	fromFile, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	defaults := map[string]any{}
	for _, s := range Settings {
		defaults[s.Name] = s.Default
	}
	k := koanf.New("\x00") // no name holds this delimiter, so no name is split
	for _, source := range []koanf.Provider{
		confmap.Provider(defaults, ""), confmap.Provider(fromFile, ""), confmap.Provider(fromEnvironment, ""),
		posflag.ProviderWithValue(flags, "\x00", k, set),
	} {
		if err := k.Load(source, nil); err != nil {
			return Config{}, err
		}
	}
	return parse(k)
}

// set returns a setting for a koanf provider, which skips one without a name: that is how an empty
// value means not set. The white space that is cut comes from env files with Windows line endings.
func set(name, value string) (string, any) {
	if value = strings.TrimSpace(value); value == "" {
		return "", nil
	}
	return name, value
}

// environment reads the CURFEW_ variables. It returns an error for one that is no setting.
func environment(environ []string) (map[string]any, error) {
	var unknown []string
	values, err := env.Provider("\x00", env.Opt{
		Prefix:      "CURFEW_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			name := settingOf(key)
			if key == (Setting{Name: name}).Environment() && (name == "config" || known(name)) {
				return set(name, value)
			}
			if !linkVariable(key, value) {
				unknown = append(unknown, key)
			}
			return "", nil
		},
	}).Read()
	if err != nil || len(unknown) == 0 {
		return values, err
	}
	key := slices.Min(unknown)
	if err := Removed(settingOf(key)); err != nil {
		return nil, fmt.Errorf("environment: %s: %w", key, err)
	}
	return nil, fmt.Errorf("unknown setting %s in the environment; the settings are %s", key, names())
}

func settingOf(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "CURFEW_"), "_", "-"))
}

// CheckPath returns an error for a path that begins with ~ or $, as in --data=~/curfew. A shell
// does not replace it there, so it would make a folder with that name.
func CheckPath(name, path string) error {
	if strings.HasPrefix(path, "~") || strings.HasPrefix(path, "$") {
		return fmt.Errorf("%s: %q begins with %q, which only a shell replaces; write the path in full, or ./%s if that is its name", name, path, path[:1], path)
	}
	return nil
}

// removed maps each setting of earlier versions to the reason for its removal.
var removed = map[string]string{"sessions-in-memory": "all live sessions are in memory"}

// Removed returns an error if the setting existed only in an earlier version.
func Removed(name string) error {
	if why, ok := removed[name]; ok {
		return fmt.Errorf("the setting %s no longer exists: %s. Remove it", name, why)
	}
	return nil
}

func known(name string) bool {
	return slices.ContainsFunc(Settings, func(s Setting) bool { return s.Name == name })
}

func names() string {
	all := make([]string, len(Settings))
	for i, s := range Settings {
		all[i] = s.Name
	}
	return strings.Join(all, ", ")
}

func parse(k *koanf.Koanf) (c Config, err error) {
	c.Data, c.Listen = k.String("data"), k.String("listen")
	for _, name := range []string{"data", "smtp-password-file", "metrics-token-file"} {
		if err := CheckPath(name, k.String(name)); err != nil {
			return c, err
		}
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return c, fmt.Errorf("listen: %q is not HOST:PORT, as in localhost:8080", c.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return c, fmt.Errorf("listen: the port of %q is not a number up to 65535, as in localhost:8080", c.Listen)
	}
	if c.PublicURL, err = publicURL(k.String("public-url"), host, port); err != nil {
		return c, err
	}
	if c.TrustedProxies, err = networks(k.String("trusted-proxies")); err != nil {
		return c, err
	}
	c.AccessTokenLifetime, err = time.ParseDuration(k.String("access-token-lifetime"))
	if err != nil || c.AccessTokenLifetime < token.ShortestLifetime || c.AccessTokenLifetime > token.LongestLifetime {
		return c, fmt.Errorf("access-token-lifetime: %q is not between %s and %s", k.String("access-token-lifetime"), token.ShortestLifetime, token.LongestLifetime)
	}
	if c.Mail, err = mailServer(k.String("smtp-url"), k.String("smtp-password-file"), k.String("smtp-from")); err != nil {
		return c, err
	}
	if c.MetricsToken, err = metricsToken(k.String("metrics-token-file")); err != nil {
		return c, err
	}
	if err := c.LogLevel.UnmarshalText([]byte(k.String("log-level"))); err != nil {
		return c, fmt.Errorf("log-level: %q is not debug, info, warn or error", k.String("log-level"))
	}
	return c, nil
}

// metricsToken reads the token from its file and checks that it is hard to guess.
func metricsToken(file string) (string, error) {
	const shortest = 32
	if file == "" {
		return "", nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("metrics-token-file: %w", err)
	}
	found := strings.TrimSpace(string(content))
	if len(found) < shortest || strings.ContainsFunc(found, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("metrics-token-file: %q must hold at least %d letters and digits; make it with: openssl rand -hex 32", file, shortest)
	}
	return found, nil
}

// publicURL parses the origin at which browsers reach the server, and normalizes it as they do: it
// is compared with the origins that they send, and passkeys are bound to it.
func publicURL(text, host, port string) (*url.URL, error) {
	if text == "" {
		if host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified() {
			host = "localhost"
		}
		text = "http://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("public-url: %q is not the address of an origin, as in https://curfew.example.org", text)
	}
	origin := &url.URL{Scheme: u.Scheme}
	host, err = fold.Host(u.Hostname())
	if err == nil {
		origin.Host, err = withPort(host, u)
	}
	if err != nil {
		return nil, fmt.Errorf("public-url: %q is not the address of an origin, as in https://curfew.example.org: %w", text, err)
	}
	if origin.Scheme == "http" && !loopback(host) {
		return nil, fmt.Errorf("public-url: %q must be https, because browsers keep Secure cookies only there; put a proxy with TLS in front and use its address", text)
	}
	return origin, nil
}

// withPort returns the host with the URL's port, unless it is the default port of the scheme.
func withPort(host string, u *url.URL) (string, error) {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() == "" {
		return host, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return "", fmt.Errorf("its port is not a number up to 65535")
	}
	if port == 80 && u.Scheme == "http" || port == 443 && u.Scheme == "https" {
		return host, nil
	}
	return host + ":" + strconv.FormatUint(port, 10), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// mailServer parses the settings of mail, or returns nil if there are none. Its errors mask the
// password that the URL may hold.
func mailServer(text, passwordFile, from string) (*mail.Server, error) {
	if text == "" {
		switch {
		case passwordFile != "":
			return nil, fmt.Errorf("smtp-password-file: %q is set without a mail server; set smtp-url too", passwordFile)
		case from != "":
			return nil, fmt.Errorf("smtp-from: %q is set without a mail server; set smtp-url too", from)
		}
		return nil, nil //nolint:nilnil // there is none
	}
	server, err := smtpURL(text)
	if err != nil {
		return nil, err
	}
	if passwordFile != "" {
		if server.Password != "" {
			return nil, fmt.Errorf("smtp-password-file: %q is a second password; smtp-url has one already", passwordFile)
		}
		content, err := os.ReadFile(passwordFile)
		if err != nil {
			return nil, fmt.Errorf("smtp-password-file: %w", err)
		}
		server.Password = strings.TrimRight(string(content), "\r\n")
	}
	if (server.User == "") != (server.Password == "") {
		return nil, fmt.Errorf("smtp-url: a user needs a password and a password a user; set smtp-password-file, or leave out both")
	}
	address, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("smtp-from: %q is not a sender's address, as in 'Curfew <curfew@example.org>'", from)
	}
	if folded, err := fold.Address(address.Address); err == nil {
		address.Address = folded // mail servers take a domain's A-labels
	}
	server.From = *address
	return server, nil
}

func smtpURL(text string) (*mail.Server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("smtp-url: it is not a URL, as in smtp://user@mail.example.org:587; escape special characters of a password, as in %%40")
	}
	server := &mail.Server{User: u.User.Username()}
	server.Host, err = fold.Host(u.Hostname())
	server.Password, _ = u.User.Password()
	switch {
	case u.Scheme == "smtps":
		server.Port, server.Encryption = 465, mail.ImplicitTLS
	case u.Scheme == "smtp" && loopback(server.Host):
		server.Port, server.Encryption = 587, mail.Unencrypted
	case u.Scheme == "smtp":
		server.Port, server.Encryption = 587, mail.StartTLS
	}
	if port := u.Port(); port != "" && err == nil {
		server.Port, err = strconv.Atoi(port)
	}
	if err != nil || server.Port < 1 || server.Port > 65535 || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("smtp-url: %q is not the address of a mail server, as in smtp://user@mail.example.org:587", u.Redacted())
	}
	return server, nil
}

// networks parses networks and single addresses, apart by commas or white space.
func networks(text string) ([]*net.IPNet, error) {
	var found []*net.IPNet
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		cidr := item
		if ip, err := netip.ParseAddr(item); err == nil && ip.Zone() == "" {
			cidr = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()).String()
		}
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			return nil, fmt.Errorf("trusted-proxies: %q is neither a network nor an address, as in 10.0.0.0/8", item)
		}
		found = append(found, network)
	}
	return found, nil
}
