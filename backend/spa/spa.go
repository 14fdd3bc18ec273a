// Package spa serves the built web app: one HTML shell for every page, and hashed assets that never
// change.
//
// The build lists its pages. At any other address the shell is sent with 404, so that people see
// the app's own page and programs see the status. A missing file is 404 without the shell: a
// browser that asks for a script of an older build must not get a page. Files come precompressed
// from the build. The shell's inline script is allowed by its hash, which is computed at the start,
// so the shell is cached and compressed like any other file.
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

// shellName is the fallback page of SvelteKit's static adapter.
const shellName = "200.html"

// pagesName is the list of the pages' addresses, without slashes at the ends. vite.config.ts writes
// it.
const pagesName = "pages.json"

// App holds the built web app.
type App struct {
	files  map[string]file
	pages  []string
	policy string
}

// file is one asset, in each coding that the build made.
type file struct {
	contentType string
	etag        string
	plain       []byte
	brotli      []byte
	gzip        []byte
}

// contentTypes lists the types of all files in a build. Package mime is not used, because it reads
// the machine's own tables.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
}

// New reads the build. If it is empty, as in a checkout without a built front end, Serve says so.
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

// routeAnnouncer is the hash of the only style attribute in the pages, on SvelteKit's hidden
// element that announces a new page's title to screen readers.
const routeAnnouncer = "'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='"

// policyFor returns the shell's content security policy (CSP 3). It allows the shell's inline
// script, by its hash, and otherwise only what this origin serves.
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

// changePassword is the address for password managers (W3C, A Well-Known URL for Changing
// Passwords).
const changePassword = ".well-known/change-password"

// Serve answers a GET or HEAD that has no other route, with an asset, the shell, or 404.
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

// forMachines lists the first parts of addresses that no person types, in lower case.
var forMachines = []string{"api", "_app", "healthz", "readyz", "metrics", ".well-known"}

// isForPeople reports whether a person may have typed the address. Addresses of files and of calls
// are for machines. So is one that is spelled to look like another: with dots, doubled slashes, or
// characters that a second decoding would change.
func isForPeople(name string) bool {
	first, _, _ := strings.Cut(strings.ToLower(name), "/")
	return name == "" || !slices.Contains(forMachines, first) && path.Ext(name) == "" &&
		!strings.ContainsAny(name, `\%`) && fs.ValidPath(strings.TrimSuffix(name, "/"))
}

// write answers with an asset, if the conditions of the request allow it (RFC 9110, 13.1).
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
		_, _ = c.Response().Write(body) // an error means that the client has disconnected
	}
	return nil
}

// accepts reports whether Accept-Encoding allows a coding (RFC 9110, 12.5.3): the coding or * is
// named with a weight above zero. The coding itself takes precedence over *.
func accepts(header, coding string) bool {
	all := false
	for item := range strings.SplitSeq(header, ",") {
		name, weight, weighted := strings.Cut(item, ";")
		quality, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(weight)), "q="), 64)
		allowed := !weighted || err == nil && quality > 0
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return allowed
		case name == "*":
			all = allowed
		}
	}
	return all
}
