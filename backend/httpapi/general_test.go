package httpapi_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// drawn is a PNG image of that size, whose pixels differ with it.
func drawn(width, height int) picture { return encodedPNG(pixels(width, height)) }

func pixels(width, height int) *image.NRGBA {
	drawing := image.NewNRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			drawing.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), 120, 255})
		}
	}
	return drawing
}

func encodedPNG(drawing image.Image) picture {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, drawing); err != nil {
		panic(err)
	}
	return encoded.Bytes()
}

// withChunk is the image with one more chunk behind its header.
func (p picture) withChunk(kind string, data []byte) picture {
	const header = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, kind...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(append(picture{}, p[:header]...), chunk...), p[header:]...)
}

// ofSize is the image with another width and height in its header.
func (p picture) ofSize(width, height uint32) picture {
	forged := append(picture{}, p...)
	binary.BigEndian.PutUint32(forged[16:], width)
	binary.BigEndian.PutUint32(forged[20:], height)
	binary.BigEndian.PutUint32(forged[29:], crc32.ChecksumIEEE(forged[12:29]))
	return forged
}

// general is what everyone is told of the organization.
func (h *deployment) general() httpapi.Organization {
	h.t.Helper()
	var state httpapi.SetupState
	h.stranger().get("/api/setup").into(http.StatusOK, &state)
	require.NotNil(h.t, state.Organization)
	return *state.Organization
}

func TestTheHelpContactIsToldToStrangersAndSurvivesARestart(t *testing.T) {
	h := open(t, options{})
	admin, plain := h.program(member.Admin), h.program(member.Plain)
	require.Equal(t, httpapi.Organization{Name: organization}, h.general())

	save := func(contact any) *answer {
		return admin.put("/api/settings/general", map[string]any{"name": organization, "helpContact": contact})
	}
	save("Ana\nLima").requireFields("helpContact characters")
	save("A\u202eanA").requireFields("helpContact characters")
	save(strings.Repeat("m", 201)).requireFields("helpContact max")
	plain.get("/api/settings/general").requireProblem(http.StatusForbidden, "forbidden")
	plain.put("/api/settings/general", map[string]any{"name": "Mine"}).requireProblem(http.StatusForbidden, "forbidden")

	const contact = "Ana Lima, ana@example.org, room 12"
	save("  " + contact + "\u200b").requireStatus(http.StatusOK)
	h.restart()
	require.Equal(t, contact, *h.general().HelpContact)
	require.Equal(t, contact, *plain.requireLive().Organization.HelpContact)
	entries := h.number("SELECT count(*) FROM audit_entries")
	save(contact).requireStatus(http.StatusOK)
	require.Equal(t, entries, h.number("SELECT count(*) FROM audit_entries"), "a change that is none is not recorded")

	save("").requireStatus(http.StatusOK)
	require.Nil(t, h.general().HelpContact)
	require.Equal(t, `details={"after":{"helpContact":""},"before":{"helpContact":"`+contact+`"}} `+"\n",
		h.text("SELECT details FROM audit_entries WHERE action = 'organization.changed' ORDER BY sequence DESC LIMIT 1"))
}

func TestTheSecondOfTwoAdminsReplacesNothingUnseen(t *testing.T) {
	h := open(t, options{})
	first, second := h.program(member.Admin), h.program(member.Owner)
	read := first.get("/api/settings/general").requireStatus(http.StatusOK).Header.Get("ETag")
	save := func(c *client, name string, changes ...change) *answer {
		return c.put("/api/settings/general", map[string]any{"name": name}, changes...)
	}
	save(first, "Mine", header("If-None-Match", "*")).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
	save(first, "Mine", header("If-Match", "mine"), malformed).requireProblem(http.StatusBadRequest, "invalid_header")
	newer := save(second, "Theirs", header("If-Match", read)).requireStatus(http.StatusOK).Header.Get("ETag")
	save(first, "Mine", header("If-Match", read)).requireProblem(http.StatusPreconditionFailed, "precondition_failed")
	require.Equal(t, "Theirs", h.general().Name)
	second.put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
	save(first, "Mine", header("If-Match", newer)).requireStatus(http.StatusOK)
	require.Equal(t, "Mine", h.general().Name)
	require.NotNil(t, h.general().Logo, "a name is no logo")
}

// ASVS 5.2.2
func TestTheLogoIsStoredAsPixelsAlone(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	h.stranger().get("/api/logo").requireProblem(http.StatusNotFound, "not_found")

	laden := drawn(200, 100).withChunk("tEXt", []byte("Author\x00<script>secret</script>")).withChunk("eXIf", []byte("II*\x00 60.1 N 24.9 E"))
	laden = append(laden, "<?php trailing"...)
	var saved httpapi.Organization
	admin.put("/api/settings/logo", laden).into(http.StatusOK, &saved)
	require.Regexp(t, `^/api/logo\?v=[0-9a-f]{16}$`, *saved.Logo)
	require.Equal(t, saved, h.general())
	require.Equal(t, saved, admin.requireLive().Organization)

	h.restart()
	got := h.stranger().get(*saved.Logo).requireStatus(http.StatusOK)
	require.Equal(t, "image/png", got.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "public, max-age=31536000, immutable", got.Header.Get("Cache-Control"))
	for _, trace := range []string{"secret", "60.1 N", "php", "tEXt", "eXIf"} {
		require.NotContains(t, string(got.body), trace)
	}
	decoded, err := png.Decode(bytes.NewReader(got.body))
	require.NoError(t, err)
	require.Equal(t, image.Pt(200, 100), decoded.Bounds().Size())
	require.Equal(t, color.NRGBAModel.Convert(color.NRGBA{199, 99, 120, 255}), color.NRGBAModel.Convert(decoded.At(199, 99)))

	require.Equal(t, "no-cache", h.stranger().get("/api/logo").Header.Get("Cache-Control"))
	h.stranger().get("/api/logo?v=newest").requireFields("v invalid")
	require.Equal(t, "no-cache", h.stranger().get("/api/logo?v=0123456789abcdef").Header.Get("Cache-Control"))
	unchanged := h.stranger().get("/api/logo", header("If-None-Match", got.Header.Get("ETag"))).requireStatus(http.StatusNotModified)
	require.Empty(t, unchanged.body)

	entries := h.number("SELECT count(*) FROM audit_entries")
	admin.put("/api/settings/logo", laden).requireStatus(http.StatusOK)
	require.Equal(t, entries, h.number("SELECT count(*) FROM audit_entries"), "the same logo is not recorded")
	var other, without httpapi.Organization
	admin.put("/api/settings/logo", drawn(512, 512)).into(http.StatusOK, &other)
	require.NotEqual(t, saved.Logo, other.Logo, "another logo has another address")
	admin.delete("/api/settings/logo").into(http.StatusOK, &without)
	require.Nil(t, without.Logo)
	h.stranger().get(*other.Logo).requireProblem(http.StatusNotFound, "not_found")
	require.Zero(t, h.number("SELECT count(*) FROM logo"))
	require.EqualValues(t, 3, h.number("SELECT count(*) FROM audit_entries WHERE action = 'organization.changed' AND json_extract(details, '$.after.logo') IS NOT NULL"))
}

// TestALogoThatIsNoneIsRefused says what to do, and keeps the logo that there is.
//
// ASVS 5.2.1, 5.2.6
func TestALogoThatIsNoneIsRefused(t *testing.T) {
	h := open(t, options{})
	admin := h.program(member.Admin)
	admin.put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
	auditor := h.program(member.Auditor)
	before := h.everythingDecided()

	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, pixels(20, 20), nil))
	noise := image.NewNRGBA(image.Rect(0, 0, 512, 512))
	for i := range noise.Pix {
		noise.Pix[i] = byte(rand.IntN(256)) //nolint:gosec // it is to be incompressible, no more
	}
	half := drawn(100, 100)
	damaged := drawn(100, 100)
	damaged[len(damaged)/2] ^= 0xff
	for name, c := range map[string]struct {
		sent picture
		want string
	}{
		"an empty file":             {picture{}, "logo png"},
		"a JPEG image":              {photo.Bytes(), "logo png"},
		"a drawing in SVG":          {picture(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "logo png"},
		"half a PNG image":          {half[:len(half)/2], "logo png"},
		"a damaged PNG image":       {damaged, "logo png"},
		"a header alone":            {half[:33], "logo png"},
		"30,000 pixels wide":        {drawn(3, 2).ofSize(30_000, 2), "logo dimensions"},
		"more pixels than memory":   {drawn(3, 2).ofSize(1<<31-1, 1<<31-1), "logo png"},
		"513 pixels high":           {drawn(1, 513), "logo dimensions"},
		"512 × 512 pixels of noise": {encodedPNG(noise), "logo max"},
	} {
		if name == "512 × 512 pixels of noise" {
			require.Greater(t, len(c.sent), 1<<20)
			c.sent = encodedPNG(noise.SubImage(image.Rect(0, 0, 400, 400)))
		}
		admin.put("/api/settings/logo", c.sent, malformed).requireFields(c.want)
		require.Equal(t, before, h.everythingDecided(), name)
	}
	admin.put("/api/settings/logo", picture(make([]byte, 10<<20)), malformed).requireProblem(http.StatusRequestEntityTooLarge, "body_too_large")
	admin.put("/api/settings/logo", drawn(3, 3), malformed, func(r *request) { r.header.Set("Content-Type", "image/jpeg") }).
		requireProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	admin.put("/api/settings/logo", drawn(3, 3), header("Content-Encoding", "gzip"), malformed).
		requireProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	auditor.put("/api/settings/logo", drawn(3, 3)).requireProblem(http.StatusForbidden, "forbidden")
	require.Equal(t, before, h.everythingDecided())
}

func TestABackupHasTheLogo(t *testing.T) {
	h := open(t, options{})
	h.program(member.Admin).put("/api/settings/logo", drawn(3, 2)).requireStatus(http.StatusOK)
	twin := h.copy()
	require.Equal(t, h.general(), twin.general())
	file := filepath.Join(t.TempDir(), "backup")
	h.operator().post("/api/backup", map[string]any{"file": file}).requireStatus(http.StatusOK)
	restored, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	require.NoError(t, err)
	defer func() { require.NoError(t, restored.Close()) }()
	var image string
	require.NoError(t, restored.QueryRowContext(t.Context(), "SELECT hex(image) FROM logo").Scan(&image))
	require.Contains(t, h.text("SELECT hex(image) FROM logo"), image)
}

// FuzzLogo holds that any file becomes a PNG image within the bounds, or is refused as the client's
// fault. Its header is sealed again, so that the decoder gets to see what comes after it.
func FuzzLogo(f *testing.F) {
	h := open(f, options{})
	admin := h.program(member.Admin)
	f.Add([]byte(drawn(3, 2)))
	f.Add([]byte(drawn(9, 9).withChunk("tEXt", []byte("k\x00v"))))
	f.Add([]byte(drawn(3, 2).ofSize(30_000, 2)))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 33 {
			binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
		}
		a := admin.send(http.MethodPut, "/api/settings/logo", picture(file))
		if a.StatusCode != http.StatusOK {
			refused(t, a.StatusCode, a.body, a.Header)
			return
		}
		kept := h.stranger().send(http.MethodGet, "/api/logo", nil)
		decoded, err := png.DecodeConfig(bytes.NewReader(kept.body))
		require.NoError(t, err)
		require.LessOrEqual(t, max(decoded.Width, decoded.Height), 512)
		require.LessOrEqual(t, len(kept.body), 64<<10)
	})
}
