package config

import (
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"curfew/backend/mail"
)

// load reads the settings as the program does, with this config file (none if empty), environment
// and command line.
func load(t *testing.T, content string, environ []string, args ...string) (Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("curfew", pflag.ContinueOnError)
	Flags(flags)
	if content != "" {
		args = append([]string{"--config", written(t, content)}, args...)
	}
	require.NoError(t, flags.Parse(args))
	return Load(flags, environ)
}

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curfew.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func origin(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestDefaults(t *testing.T) {
	got, err := load(t, "", []string{"HOME=/root", "CURFEWISH=1", "XCURFEW_LISTEN=x"})
	require.NoError(t, err)
	require.Equal(t, Config{
		Data: "data", Listen: "localhost:8080", PublicURL: origin(t, "http://localhost:8080"),
		AccessTokenLifetime: 5 * time.Minute, LogLevel: slog.LevelInfo,
	}, got)
}

// Each setting can be set in each place. The later place wins: default, file, environment, command
// line.
func TestTheLaterPlaceWins(t *testing.T) {
	public := func(c Config) any { return c.PublicURL.String() }
	var tokens [3]string
	for i := range tokens {
		tokens[i] = written(t, strings.Repeat(strconv.Itoa(i), 32)+"\n")
	}
	tested := []string{"smtp-url", "smtp-password-file", "smtp-from"} // which make sense only together; see TestMail
	for name, tt := range map[string]struct {
		values [3]string // in the file, in the environment, on the command line
		read   func(Config) any
		want   [4]any // with none of them, and with one more at a time
	}{
		"data":            {[3]string{"f", "e", "c"}, func(c Config) any { return c.Data }, [4]any{"data", "f", "e", "c"}},
		"listen":          {[3]string{"localhost:1", "localhost:2", "localhost:3"}, func(c Config) any { return c.Listen }, [4]any{"localhost:8080", "localhost:1", "localhost:2", "localhost:3"}},
		"public-url":      {[3]string{"https://f.example", "https://e.example", "https://c.example"}, public, [4]any{"http://localhost:8080", "https://f.example", "https://e.example", "https://c.example"}},
		"trusted-proxies": {[3]string{"10.0.0.0/8", "127.0.0.1", "::1"}, func(c Config) any { return fmt.Sprint(c.TrustedProxies) }, [4]any{"[]", "[10.0.0.0/8]", "[127.0.0.1/32]", "[::1/128]"}},
		"access-token-lifetime": {[3]string{"1m", "2m30s", "15m"}, func(c Config) any { return c.AccessTokenLifetime },
			[4]any{5 * time.Minute, time.Minute, 150 * time.Second, 15 * time.Minute}},
		"metrics-token-file": {[3]string{tokens[0], tokens[1], tokens[2]}, func(c Config) any { return c.MetricsToken },
			[4]any{"", strings.Repeat("0", 32), strings.Repeat("1", 32), strings.Repeat("2", 32)}},
		"log-level": {[3]string{"debug", "WARN", "error"}, func(c Config) any { return c.LogLevel }, [4]any{slog.LevelInfo, slog.LevelDebug, slog.LevelWarn, slog.LevelError}},
	} {
		t.Run(name, func(t *testing.T) {
			content := name + ": " + tt.values[0]
			environ := []string{Setting{Name: name}.Environment() + "=" + tt.values[1]}
			flag := "--" + name + "=" + tt.values[2]
			for i, place := range []struct {
				content string
				environ []string
				args    []string
			}{
				{},
				{content: content},
				{content: content, environ: environ},
				{content: content, environ: environ, args: []string{flag}},
			} {
				got, err := load(t, place.content, place.environ, place.args...)
				require.NoError(t, err)
				require.Equal(t, tt.want[i], tt.read(got), "%+v", place)
			}
			got, err := load(t, content, nil, flag)
			require.NoError(t, err)
			require.Equal(t, tt.want[3], tt.read(got), "the command line wins over the file")
		})
		tested = append(tested, name)
	}
	require.Len(t, tested, len(Settings))
	for _, s := range Settings {
		require.Contains(t, tested, s.Name)
	}
}

func TestConfigFileIsNamedByFlagOrEnvironment(t *testing.T) {
	one, other := written(t, "data: one"), written(t, "data: other")
	got, err := load(t, "", []string{"CURFEW_CONFIG=" + one})
	require.NoError(t, err)
	require.Equal(t, "one", got.Data)
	got, err = load(t, "", []string{"CURFEW_CONFIG=" + one}, "--config", other)
	require.NoError(t, err)
	require.Equal(t, "other", got.Data)
}

// Otherwise an operator would believe that a misspelled setting is in force.
func TestUnknownSettingsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content string
		environ []string
		want    string
	}{
		{"in the environment", "", []string{"CURFEW_LISTEN=localhost:1", "CURFEW_LISTN=x"}, "unknown setting CURFEW_LISTN in the environment; the settings are data, listen, "},
		{"in the environment, empty", "", []string{"CURFEW_LISTN="}, "CURFEW_LISTN"},
		{"in the environment, no name", "", []string{"CURFEW_=x"}, "CURFEW_"},
		{"in the environment, in small letters", "", []string{"CURFEW_listen=localhost:1"}, "CURFEW_listen"},
		{"in the environment, with a hyphen", "", []string{"CURFEW_PUBLIC-URL=https://x"}, "CURFEW_PUBLIC-URL"},
		{"in the environment, like Kubernetes', a port", "", []string{"CURFEW_PORT=8080"}, "CURFEW_PORT"},
		{"in the environment, like Kubernetes', a host", "", []string{"CURFEW_SERVICE_HOST=curfew.example.org"}, "CURFEW_SERVICE_HOST"},
		{"in the environment, like Kubernetes', a protocol", "", []string{"CURFEW_PORT_8080_TCP_PROTO=http"}, "CURFEW_PORT_8080_TCP_PROTO"},
		{"in the environment, like Docker's", "", []string{"CURFEW_NAME=Acme"}, "CURFEW_NAME"},
		{"in the environment, a path like Docker's", "", []string{"CURFEW_NAME=/srv/acme"}, "CURFEW_NAME"},
		{"in the environment, no link's", "", []string{"CURFEW_PORT_HTTP=tcp://10.0.0.1:80"}, "CURFEW_PORT_HTTP"},
		{"in the environment, near a setting", "", []string{"CURFEW_SMTP_PORT=587"}, "CURFEW_SMTP_PORT"},
		{"in the file", "listn: x", nil, `unknown setting "listn"; the settings are data, listen, `},
		{"in the file, with capitals", "Listen: localhost:1", nil, `unknown setting "Listen"`},
		{"in the file, with an underscore", "public_url: https://x", nil, `unknown setting "public_url"`},
		{"in the file, nested and unknown", "server:\n  port: 1", nil, `unknown setting "server"; the settings are data, listen, `},
		{"in the file, the file itself", "config: other.yaml", nil, `unknown setting "config"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.content, tt.environ)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}

	flags := pflag.NewFlagSet("curfew", pflag.ContinueOnError)
	Flags(flags)
	require.ErrorContains(t, flags.Parse([]string{"--listn", "x"}), "--listn")
}

func TestUnusableConfigFilesAreRefused(t *testing.T) {
	_, err := load(t, "", nil, "--config", "missing.yaml")
	require.ErrorContains(t, err, "config file missing.yaml: ")
	for content, want := range map[string]string{
		"listen: [":                               "did not find expected node content",
		"just text":                               "it must hold a setting in each line, as in listen: localhost:8080",
		"- listen\n- data":                        "it must hold a setting in each line",
		"data: a\ndata: b":                        `"data" already defined`,
		"data: a\n---\ndata: b":                   "it holds two documents; remove the --- between them",
		"listen:\n  port: 1":                      `"listen" takes one value; write listen: and the value in one line`,
		"listen: &l {port: 1}\ndata: *l":          `"data" takes one value`,
		"data: d\nsmtp:\n  from: ana@example.org": `settings are not nested; write smtp-from: and the value in a line of its own, instead of "from" in "smtp"`,
		"curfew:\n  listen: localhost:1":          `settings are not nested; write listen: and the value in a line of its own, instead of "listen" in "curfew"`,
		"listen:\n- localhost:1\n- localhost:2":   `"listen" takes one value; write listen: and the value in one line`,
		"trusted-proxies: {a: 10.0.0.0/8}":        `"trusted-proxies" takes one value or a list of values, as in [10.0.0.0/8, 127.0.0.1]`,
		"trusted-proxies: [[10.0.0.0/8]]":         `"trusted-proxies" takes one value or a list of values`,
	} {
		t.Run(content, func(t *testing.T) {
			_, err := load(t, content, nil)
			require.ErrorContains(t, err, "curfew.yaml: ")
			require.ErrorContains(t, err, want)
		})
	}
}

// Kubernetes passes the address of each Service of a namespace to its pods, and Docker that of
// linked containers, in variables that begin with the name in capitals. A Service called curfew
// must not stop the start.
func TestVariablesOfServiceAndContainerLinksArePassedOver(t *testing.T) {
	linked := []string{
		"CURFEW_SERVICE_HOST=10.96.0.17", "CURFEW_SERVICE_PORT=80", "CURFEW_SERVICE_PORT_HTTP=80", "CURFEW_SERVICE_PORT_HTTP_ALT=8080",
		"CURFEW_PORT=tcp://10.96.0.17:80", "CURFEW_PORT_80_TCP=tcp://10.96.0.17:80",
		"CURFEW_PORT_80_TCP_PROTO=tcp", "CURFEW_PORT_80_TCP_PORT=80", "CURFEW_PORT_80_TCP_ADDR=10.96.0.17",
		"CURFEW_PORT_53_UDP=udp://[fd00:10:96::a]:53", "CURFEW_PORT_53_UDP_PROTO=udp", "CURFEW_PORT_53_UDP_PORT=53", "CURFEW_PORT_53_UDP_ADDR=fd00:10:96::a",
		"CURFEW_PORT_99_SCTP=sctp://10.96.0.17:99",
		"CURFEW_MAIL_PORT=tcp://10.96.0.18:25", "CURFEW_MAIL_SERVICE_HOST=10.96.0.18", "CURFEW_MAIL_PORT_25_TCP_ADDR=10.96.0.18", // the Service curfew-mail
		"CURFEW_NAME=/proxy/curfew", "CURFEW_ENV_PATH_INFO=a=b", "CURFEW_ENV_lower=", "CURFEW_ENV_LISTEN=localhost:1",
		"CURFEW_PORT_80_TCP_START=tcp://172.17.0.2:80", "CURFEW_PORT_81_TCP_END=tcp://172.17.0.2:81",
		"CURFEW_PORT_80_TCP_PORT_START=80", "CURFEW_PORT_80_TCP_PORT_END=81",
	}
	for _, variable := range linked {
		_, err := load(t, "", []string{variable})
		require.NoError(t, err)
		name, _, _ := strings.Cut(variable, "=")
		_, err = load(t, "", []string{name + "="})
		require.NoError(t, err, "an empty one is how an operator takes it back")
	}
	got, err := load(t, "", append(linked, "CURFEW_LISTEN=localhost:2"))
	require.NoError(t, err)
	require.Equal(t, "localhost:2", got.Listen)
	for _, s := range Settings {
		require.False(t, linkVariable(s.Environment(), ""), "no setting may have a name that is passed over")
	}
}

// TestEmptyMeansNotSet in each place, for every setting: the earlier place decides, and in the end
// the default.
func TestEmptyMeansNotSet(t *testing.T) {
	defaults, err := load(t, "", nil)
	require.NoError(t, err)
	set, err := load(t, "listen: localhost:1", nil)
	require.NoError(t, err)
	for _, s := range Settings {
		for _, empty := range []string{"", " ", "\r"} {
			got, err := load(t, s.Name+": "+strconv.Quote(empty), []string{s.Environment() + "=" + empty}, "--"+s.Name+"="+empty)
			require.NoError(t, err, s.Name)
			require.Equal(t, defaults, got, s.Name)
		}
		for _, content := range []string{s.Name + ":", s.Name + ": null", s.Name + ": []"} {
			if strings.HasSuffix(content, "[]") && s.Name != "trusted-proxies" {
				continue
			}
			got, err := load(t, content, nil)
			require.NoError(t, err, s.Name)
			require.Equal(t, defaults, got, s.Name)
		}
	}
	got, err := load(t, "listen: localhost:1", []string{"CURFEW_LISTEN="}, "--listen=")
	require.NoError(t, err)
	require.Equal(t, set, got)
	for _, content := range []string{"", "# nothing\n", "---\n", "null"} {
		got, err := load(t, "", []string{"CURFEW_CONFIG="}, "--config", written(t, content))
		require.NoError(t, err)
		require.Equal(t, defaults, got)
	}
}

// YAML would turn some texts into numbers, dates and booleans.
func TestTheFileIsReadAsItStands(t *testing.T) {
	for text, want := range map[string]string{"0755": "0755", "2026-12-01": "2026-12-01", "yes": "yes", "1_000": "1_000", "1e3": "1e3", `"a b"`: "a b", "'#x'": "#x"} {
		got, err := load(t, "data: "+text, nil)
		require.NoError(t, err)
		require.Equal(t, want, got.Data)
	}
}

// They would make a folder of that name.
func TestPathsThatAShellWouldReplaceAreRefused(t *testing.T) {
	paths := 0
	for _, s := range Settings {
		if s.Name != "data" && !strings.HasSuffix(s.Name, "-file") {
			continue
		}
		paths++
		for _, path := range []string{"~", "~/x", "~ana/x", "$HOME/x", "${HOME}/x"} {
			for place, got := range map[string]func() (Config, error){
				"file":         func() (Config, error) { return load(t, s.Name+": "+strconv.Quote(path), nil) },
				"environment":  func() (Config, error) { return load(t, "", []string{s.Environment() + "=" + path}) },
				"command line": func() (Config, error) { return load(t, "", nil, "--"+s.Name+"="+path) },
			} {
				_, err := got()
				require.ErrorContains(t, err, fmt.Sprintf("%s: %q begins with %q, which only a shell replaces; write the path in full, or ./%[2]s", s.Name, path, path[:1]), place)
			}
		}
	}
	require.Equal(t, 3, paths)
	for _, environ := range [][]string{nil, {"CURFEW_CONFIG=~/curfew.yaml"}} {
		args := []string{"--config=~/curfew.yaml"}
		if environ != nil {
			args = nil
		}
		_, err := load(t, "", environ, args...)
		require.ErrorContains(t, err, `config: "~/curfew.yaml" begins with "~"`)
	}
	for _, path := range []string{"./~/x", "a~", "a/~/b", "/srv/$x"} {
		got, err := load(t, "", nil, "--data", path)
		require.NoError(t, err)
		require.Equal(t, path, got.Data)
	}
}

// In each place, a setting of an earlier version is refused with what became of it.
func TestSettingsThatWentAreNamed(t *testing.T) {
	const want = "the setting sessions-in-memory no longer exists: all live sessions are in memory. Remove it"
	_, err := load(t, "", []string{"CURFEW_SESSIONS_IN_MEMORY=1000000"})
	require.ErrorContains(t, err, "environment: CURFEW_SESSIONS_IN_MEMORY: "+want)
	_, err = load(t, "sessions-in-memory: 1000000", nil)
	require.ErrorContains(t, err, "curfew.yaml: "+want)
	require.EqualError(t, Removed("sessions-in-memory"), want)
	require.NoError(t, Removed("listen"))
	for name := range removed {
		require.False(t, known(name), "%s is there", name)
	}
}

// Each error is one line that begins with the setting's name and shows the value.
func TestBadValuesAreRefused(t *testing.T) {
	refused := 0
	for name, values := range map[string][]string{
		"data":   {"~", "$DATA", "~/x"},
		"listen": {"localhost", "localhost:", "8080", "::1:8080", "[::1]", "localhost:http", "localhost:65536", "localhost:-1", "http://localhost:8080"},
		"public-url": {
			"curfew.example.org", "curfew.example.org:443", "https://", "https://:8443", "https:curfew.example.org", "//curfew.example.org", "/", "https://curfew example.org",
			"https://curfew.example.org/path", "https://curfew.example.org/?a=b", "https://curfew.example.org/#part",
			"https://user@curfew.example.org", "https://user:word@curfew.example.org", "ftp://curfew.example.org", "javascript:alert(1)",
			"https://curfew..example.org", "https://.example.org", "https://*.example.org", "https://curfew.example.org..", "https://.", "https://xn--a.example.org", "https://a--xn--b.xn--a",
			"https://1.2.3", "https://256.1.1.1", "https://0x7f.1", "https://[fe80::1%25eth0]", "https://curfew.example.org:65536",
			"http://curfew.example.org", "http://192.0.2.1:8080", "http://0.0.0.0:8080", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://[2001:db8::1]",
		},
		"trusted-proxies":       {"garbage", "10.0.0.0/33", "10.0.0", "*", "10.0.0.0/8;127.0.0.1", "proxy.example.org", "::1/129"},
		"access-token-lifetime": {"10s", "59.999s", "15m0.001s", "16m", "abc", "300", "-5m", "5 m", "1h"},
		"log-level":             {"loud", "trace", "4"},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				_, err := load(t, "", nil, "--"+name, value)
				require.ErrorContains(t, err, name+": ")
				require.True(t, strings.HasPrefix(err.Error(), name+": "), err.Error())
				require.NotContains(t, err.Error(), "\n")
				require.ErrorContains(t, err, value)
			})
			refused++
		}
	}
	require.Greater(t, refused, 50)
}

func TestPublicURLDefaultsToTheListenAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"localhost:8080":   "http://localhost:8080",
		":8080":            "http://localhost:8080",
		"0.0.0.0:8080":     "http://localhost:8080",
		"[::]:8080":        "http://localhost:8080",
		"[::1]:8080":       "http://[::1]:8080",
		"127.0.0.1:80":     "http://127.0.0.1",
		"app.localhost:80": "http://app.localhost",
		"LocalHost.:08080": "http://localhost:8080",
	} {
		t.Run(listen, func(t *testing.T) {
			got, err := load(t, "", nil, "--listen", listen)
			require.NoError(t, err)
			require.Equal(t, listen, got.Listen)
			require.Equal(t, want, got.PublicURL.String())
		})
	}
	_, err := load(t, "", nil, "--listen", "192.0.2.1:8080")
	require.ErrorContains(t, err, "public-url: ", "browsers would drop the cookies there, so the operator has to name an address")
	require.ErrorContains(t, err, "https")
	got, err := load(t, "", nil, "--listen", "192.0.2.1:8080", "--public-url", "https://curfew.example.org")
	require.NoError(t, err)
	require.Equal(t, "192.0.2.1:8080", got.Listen)
}

func TestMail(t *testing.T) {
	secret := written(t, "s3cret: with a colon\n")
	for name, tt := range map[string]struct {
		content string
		environ []string
		args    []string
		want    mail.Server
	}{
		"STARTTLS, without a user": {
			environ: []string{"CURFEW_SMTP_URL=smtp://mail.example.org", "CURFEW_SMTP_FROM=curfew@example.org"},
			want:    mail.Server{Host: "mail.example.org", Port: 587, From: netmail.Address{Address: "curfew@example.org"}},
		},
		"TLS from the first byte, the password in the URL": {
			environ: []string{"CURFEW_SMTP_URL=smtps://curfew%40example.org:p%40ss:word@mail.example.org", "CURFEW_SMTP_FROM=Curfew <curfew@example.org>"},
			want: mail.Server{Host: "mail.example.org", Port: 465, Encryption: mail.ImplicitTLS, User: "curfew@example.org", Password: "p@ss:word",
				From: netmail.Address{Name: "Curfew", Address: "curfew@example.org"}},
		},
		"the password in a file": {
			environ: []string{"CURFEW_SMTP_URL=smtp://curfew@mail.example.org:2525/", "CURFEW_SMTP_FROM=curfew@example.org", "CURFEW_SMTP_PASSWORD_FILE=" + secret},
			want: mail.Server{Host: "mail.example.org", Port: 2525, User: "curfew", Password: "s3cret: with a colon",
				From: netmail.Address{Address: "curfew@example.org"}},
		},
		"the host as the network knows it": {
			environ: []string{"CURFEW_SMTP_URL=smtp://Mail.Straße.example.", "CURFEW_SMTP_FROM=curfew@example.org"},
			want:    mail.Server{Host: "mail.xn--strae-oqa.example", Port: 587, From: netmail.Address{Address: "curfew@example.org"}},
		},
		"a sender at an address of the network": {
			environ: []string{"CURFEW_SMTP_URL=smtp://mail.example.org", "CURFEW_SMTP_FROM=curfew@[192.0.2.1]"},
			want:    mail.Server{Host: "mail.example.org", Port: 587, From: netmail.Address{Address: "curfew@[192.0.2.1]"}},
		},
		"on this machine": {
			args: []string{"--smtp-url", "smtp://[::1]:25", "--smtp-from", "curfew@example.org"},
			want: mail.Server{Host: "::1", Port: 25, Encryption: mail.Unencrypted, From: netmail.Address{Address: "curfew@example.org"}},
		},
		"from a domain in another script": {
			args: []string{"--smtp-url", "smtp://[::1]:25", "--smtp-from", "Curfew <curfew@bücher.example>"},
			want: mail.Server{Host: "::1", Port: 25, Encryption: mail.Unencrypted, From: netmail.Address{Name: "Curfew", Address: "curfew@xn--bcher-kva.example"}},
		},
		"each from another place": {
			content: "smtp-url: smtp://file.example.org\nsmtp-from: file@example.org",
			environ: []string{"CURFEW_SMTP_FROM=environment@example.org", "CURFEW_SMTP_PASSWORD_FILE=" + secret},
			args:    []string{"--smtp-url", "smtp://curfew@args.example.org"},
			want: mail.Server{Host: "args.example.org", Port: 587, User: "curfew", Password: "s3cret: with a colon",
				From: netmail.Address{Address: "environment@example.org"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, tt.content, tt.environ, tt.args...)
			require.NoError(t, err)
			require.Equal(t, &tt.want, got.Mail)
		})
	}
}

// The URL may hold the password, so an error masks it.
func TestBadMailSettingsAreRefusedWithoutTellingThePassword(t *testing.T) {
	secret, empty := written(t, "pa55\n"), written(t, "\n")
	for _, tt := range []struct{ url, file, from, want string }{
		{"mail.example.org", "", "curfew@example.org", `smtp-url: "mail.example.org" is not the address of a mail server`},
		{"https://mail.example.org", "", "curfew@example.org", "smtp-url: "},
		{"smtp://", "", "curfew@example.org", "smtp-url: "},
		{"smtp://mail.example.org:0", "", "curfew@example.org", "smtp-url: "},
		{"smtp://mail.example.org:65536", "", "curfew@example.org", "smtp-url: "},
		{"smtp://curfew:pa55@mail.example.org/inbox", "", "curfew@example.org", `smtp-url: "smtp://curfew:xxxxx@mail.example.org/inbox"`},
		{"smtp://curfew:pa55@mail.example.org?tls=no", "", "curfew@example.org", "smtp-url: "},
		{"smtp://curfew:pa55%@mail.example.org", "", "curfew@example.org", "smtp-url: it is not a URL"},
		{"smtp://curfew:pa55@mail example org", "", "curfew@example.org", "smtp-url: it is not a URL"},
		{"smtp://curfew@mail.example.org", "", "curfew@example.org", "smtp-url: a user needs a password and a password a user"},
		{"smtp://curfew@mail.example.org", empty, "curfew@example.org", "smtp-url: a user needs a password and a password a user"},
		{"smtp://mail.example.org", secret, "curfew@example.org", "smtp-url: a user needs a password and a password a user"},
		{"smtp://curfew:pa55@mail.example.org", secret, "curfew@example.org", "smtp-password-file: "},
		{"smtp://curfew@mail.example.org", "missing", "curfew@example.org", "smtp-password-file: open missing"},
		{"smtp://mail.example.org", "", "", `smtp-from: "" is not a sender's address`},
		{"smtp://mail.example.org", "", "Curfew", `smtp-from: "Curfew" is not a sender's address`},
		{"smtp://mail.example.org", "", "a@example.org, b@example.org", "smtp-from: "},
		{"", "", "curfew@example.org", `smtp-from: "curfew@example.org" is set without a mail server`},
		{"", secret, "", "smtp-password-file: "},
	} {
		t.Run(tt.url+" "+tt.want, func(t *testing.T) {
			_, err := load(t, "", []string{"CURFEW_SMTP_URL=" + tt.url, "CURFEW_SMTP_PASSWORD_FILE=" + tt.file, "CURFEW_SMTP_FROM=" + tt.from})
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "pa55")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// TestATokenForMetricsIsHardToGuess, and an error does not contain it.
func TestATokenForMetricsIsHardToGuess(t *testing.T) {
	for _, content := range []string{"", "\n", strings.Repeat("x", 31), strings.Repeat("x", 20) + " " + strings.Repeat("x", 20), strings.Repeat("ü", 32)} {
		_, err := load(t, "", nil, "--metrics-token-file", written(t, content))
		require.ErrorContains(t, err, "must hold at least 32 letters and digits; make it with: openssl rand -hex 32", "%q", content)
		require.NotContains(t, err.Error(), "xx")
	}
	_, err := load(t, "", nil, "--metrics-token-file", "missing")
	require.ErrorContains(t, err, "metrics-token-file: open missing")
}

// The public URL is only an origin: links are made by setting its path. It is normalized as
// browsers normalize an origin, so that the texts are equal.
func TestPublicURLIsAnOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://curfew.example.org":       "https://curfew.example.org",
		"https://curfew.example.org/":      "https://curfew.example.org",
		"https://curfew.example.org?":      "https://curfew.example.org",
		"https://curfew.example.org/#":     "https://curfew.example.org",
		"HTTPS://curfew.example.org:8443/": "https://curfew.example.org:8443",
		"https://[2001:db8::1]":            "https://[2001:db8::1]",
		"https://[2001:DB8:0:0::1]:443":    "https://[2001:db8::1]",
		"https://Curfew.Example.ORG":       "https://curfew.example.org",
		"https://curfew.example.org.":      "https://curfew.example.org",
		"https://curfew.example.org.:443":  "https://curfew.example.org",
		"https://curfew.example.org:443/":  "https://curfew.example.org",
		"https://curfew.example.org:":      "https://curfew.example.org",
		"https://curfew.example.org:0443":  "https://curfew.example.org",
		"https://curfew.example.org:80":    "https://curfew.example.org:80",
		"https://curfew.example.org//":     "https://curfew.example.org",
		"https://my_host.example.org":      "https://my_host.example.org",
		"https://a--b.example.org":         "https://a--b.example.org",
		"https://intranet":                 "https://intranet",
		"https://192.0.2.1":                "https://192.0.2.1",
		"https://Straße.example":           "https://xn--strae-oqa.example",
		"https://stra%C3%9Fe.example":      "https://xn--strae-oqa.example",
		"https://XN--STRAE-OQA.example":    "https://xn--strae-oqa.example",
		"https://ｃｕｒｆｅｗ。example":           "https://curfew.example",
		"https://例え.テスト。":                  "https://xn--r8jz45g.xn--zckzah",
		"http://LOCALHOST:80":              "http://localhost",
		"http://App.Localhost.:8080":       "http://app.localhost:8080",
		"http://localhost:443":             "http://localhost:443",
		"http://localhost":                 "http://localhost",
		"http://127.0.0.2:8080":            "http://127.0.0.2:8080",
		"http://[::1]:8080":                "http://[::1]:8080",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := load(t, "", nil, "--public-url", text)
			require.NoError(t, err)
			require.Equal(t, want, got.PublicURL.String())
		})
	}
}

func TestTrustedProxies(t *testing.T) {
	got, err := load(t, "", nil, "--trusted-proxies", "10.1.2.3/8, 192.0.2.7,2001:db8::/32 ::1,::ffff:192.0.2.8")
	require.NoError(t, err)
	networks := make([]string, len(got.TrustedProxies))
	for i, network := range got.TrustedProxies {
		networks[i] = network.String()
	}
	require.Equal(t, []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128", "192.0.2.8/32"}, networks)
	require.True(t, got.TrustedProxies[1].Contains(net.ParseIP("192.0.2.7")))
	require.False(t, got.TrustedProxies[1].Contains(net.ParseIP("192.0.2.6")))

	for _, content := range []string{
		"trusted-proxies: [10.1.2.3/8, 192.0.2.7, '2001:db8::/32', '::1', '::ffff:192.0.2.8']",
		"trusted-proxies:\n- 10.1.2.3/8\n- 192.0.2.7\n- 2001:db8::/32\n- ::1\n- ::ffff:192.0.2.8",
		"trusted-proxies:\n- 10.1.2.3/8, 192.0.2.7\n- 2001:db8::/32 ::1 ::ffff:192.0.2.8",
		"trusted-proxies: 10.1.2.3/8,192.0.2.7 2001:db8::/32, ::1, ::ffff:192.0.2.8",
		"trusted-proxies: |\n  10.1.2.3/8\n  192.0.2.7\n  2001:db8::/32\t::1\n  ::ffff:192.0.2.8",
	} {
		listed, err := load(t, content, nil)
		require.NoError(t, err, content)
		require.Equal(t, got.TrustedProxies, listed.TrustedProxies, content)
	}

	_, err = load(t, "", nil, "--trusted-proxies", "10.0.0.0/8, garbage")
	require.ErrorContains(t, err, `"garbage"`, "of several, the error shows the bad one")
}
