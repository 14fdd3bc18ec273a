// Package spa serves the built web app: one HTML shell for every page, and hashed assets that never change.
//
// The build lists its pages. At every other address the shell is sent with 404, so that a person sees the app's own page and a program
// is told the truth. A file that is missing is 404 and never the shell: a browser that asks for a script of yesterday's build must not be
// given a page. Files come precompressed from the build. The shell's inline script is allowed by its hash, worked out at the start, so
// that the shell can be cached and compressed like everything else.
package spa

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"curfew/backend/etag"
)

// shellName is the page that SvelteKit's static adapter makes for every address (its fallback).
const shellName = "200.html"

// pagesName is the list of the pages' addresses, without slashes around them, that vite.config.ts has the build make.
const pagesName = "pages.json"

// App is the built web app, read once.
type App struct {
	files  map[string]file
	pages  []string
	policy string
}

// file is one asset in the forms that the build made of it.
type file struct {
	contentType string
	etag        string
	plain       []byte
	brotli      []byte
	gzip        []byte
}

// contentTypes are those of all that the build is made of. Package mime reads the machine's own tables, and what those call a script is not to
// decide whether it runs.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
}

// New reads the build. Without one, as in a checkout whose front end was never built, the pages say so and the API works.
func New(build fs.FS) (*App, error) {
	app := &App{files: map[string]file{}}
	err := fs.WalkDir(build, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") || path.Base(name) == ".gitkeep" {
			return err
		}
		asset, err := read(build, name)
		app.files[name] = asset
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the built web app: %w", err)
	}
	if list, found := app.files[pagesName]; found {
		if err := json.Unmarshal(list.plain, &app.pages); err != nil {
			return nil, fmt.Errorf("read the built web app: %s: %w", pagesName, err)
		}
		delete(app.files, pagesName)
	} else if len(app.files[shellName].plain) > 0 {
		return nil, fmt.Errorf("the built web app has no %s: build it again with make build", pagesName)
	}
	app.policy = policyFor(app.files[shellName].plain)
	return app, nil
}

func read(build fs.FS, name string) (file, error) {
	plain, err := fs.ReadFile(build, name)
	if err != nil {
		return file{}, err
	}
	asset := file{contentType: cmp.Or(contentTypes[path.Ext(name)], "application/octet-stream"), plain: plain}
	sum := sha256.Sum256(plain)
	asset.etag = hex.EncodeToString(sum[:16])
	for suffix, form := range map[string]*[]byte{".br": &asset.brotli, ".gz": &asset.gzip} {
		*form, err = fs.ReadFile(build, name+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return file{}, err
		}
	}
	return asset, nil
}

var inlineScript = regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`)

// routeAnnouncer is the hash of the one style attribute in the pages: SvelteKit's hidden element that reads a new page's title to
// screen readers.
const routeAnnouncer = "'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='"

// policyFor is the shell's content security policy (CSP 3). It allows the shell's own inline script, by its hash, and otherwise only
// what this origin serves.
func policyFor(shell []byte) string {
	scripts := "'self'"
	for _, script := range inlineScript.FindAllSubmatch(shell, -1) {
		if len(bytes.TrimSpace(script[1])) > 0 {
			sum := sha256.Sum256(script[1])
			scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src " + scripts, "style-src 'self'", "style-src-attr 'unsafe-hashes' " + routeAnnouncer,
		"img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "manifest-src 'self'", "form-action 'self'",
		"base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
		"require-trusted-types-for 'script'", "trusted-types svelte-trusted-html sveltekit-trusted-url",
	}, "; ")
}

// changePassword is where password managers send people to (W3C, A Well-Known URL for Changing Passwords).
const changePassword = ".well-known/change-password"

// Serve answers a GET or HEAD that no other route does: an asset, the shell, or 404.
func (app *App) Serve(c echo.Context) error {
	name := strings.TrimPrefix(c.Request().URL.Path, "/")
	if asset, found := app.files[name]; found && name != shellName {
		return app.write(c, http.StatusOK, name, asset)
	}
	if name == changePassword {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	if !isForPeople(name) {
		return echo.ErrNotFound
	}
	shell, found := app.files[shellName]
	if !found {
		return c.String(http.StatusServiceUnavailable, "The web app is not built into this binary. Build it with: make build\n")
	}
	status := http.StatusNotFound
	if slices.Contains(app.pages, strings.TrimSuffix(name, "/")) {
		status = http.StatusOK
	}
	return app.write(c, status, shellName, shell)
}

// forMachines are the first parts of addresses at which no person looks for a page, in whatever spelling.
var forMachines = []string{"api", "_app", "healthz", "readyz", "metrics", ".well-known"}

// isForPeople reports whether a person may have typed the address. Those of files and of calls are for machines, and so is one that is
// spelled to pass for another: with dots, doubled slashes, or what a decoder would decode once more.
func isForPeople(name string) bool {
	first, _, _ := strings.Cut(strings.ToLower(name), "/")
	return name == "" || !slices.Contains(forMachines, first) && path.Ext(name) == "" &&
		!strings.ContainsAny(name, `\%`) && fs.ValidPath(strings.TrimSuffix(name, "/"))
}

// write answers with an asset, unless a condition of the request forbids it (RFC 9110, 13.1).
func (app *App) write(c echo.Context, status int, name string, asset file) error {
	body, coding, tag := asset.plain, "", asset.etag
	switch accepted := strings.Join(c.Request().Header.Values("Accept-Encoding"), ","); {
	case asset.brotli != nil && accepts(accepted, "br"):
		body, coding, tag = asset.brotli, "br", tag+"-br"
	case asset.gzip != nil && accepts(accepted, "gzip"):
		body, coding, tag = asset.gzip, "gzip", tag+"-gz"
	}
	tag = `"` + tag + `"`
	modified := true
	if status == http.StatusOK {
		conditions, err := etag.ReadConditions(c.Request().Header)
		if err != nil {
			return err
		}
		if modified, err = conditions.Modified(tag); err != nil {
			return err
		}
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", app.policy)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "_app/immutable/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", asset.contentType)
	h.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		h.Set("ETag", tag)
	}
	if !modified {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodGet {
		_, _ = c.Response().Write(body) // a client that hangs up is nobody's fault
	}
	return nil
}

// accepts reads Accept-Encoding (RFC 9110, 12.5.3): a coding is welcome when it, or *, is named with a weight above zero. What is
// said of the coding itself counts more than what is said of all.
func accepts(header, coding string) bool {
	all := false
	for item := range strings.SplitSeq(header, ",") {
		name, weight, weighted := strings.Cut(item, ";")
		quality, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(weight)), "q="), 64)
		welcome := !weighted || err == nil && quality > 0
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return welcome
		case name == "*":
			all = welcome
		}
	}
	return all
}
