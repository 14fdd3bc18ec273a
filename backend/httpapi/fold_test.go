package httpapi_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/mail/mailtest"
	"curfew/backend/member"
)

// spellings are of one address each: what people type, browsers send and mail programs show.
var spellings = map[string][]string{
	"kim@straße.example": {
		"kim@straße.example", "kim@xn--strae-oqa.example", "KIM@XN--STRAE-OQA.example", "\u00a0Kim@stra\u00adße.example\u200b\n",
		"ｋｉｍ＠ｓｔｒａße．ｅｘａｍｐｌｅ",
	},
	"jörg@bücher.example": {"jörg@bücher.example", "JO\u0308RG@BU\u0308CHER.example", "jörg@xn--bcher-kva.example"},
	"花子@例え.jp":            {"花子@例え.jp", "花子@例え。jp", "花子@xn--r8jz45g.jp"},
}

func (h *deployment) signInAs(email, password string) *answer {
	h.t.Helper()
	return h.stranger().post("/api/sessions", map[string]any{"email": email, "password": password, "transport": "bearer"})
}

// ASVS 2.2.1
func TestEverySpellingOfAnAddressIsOneMember(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	for shown, typed := range spellings {
		invitation, secret := h.invite(owner, typed[len(typed)-1], httpapi.RoleMember)
		require.Equal(t, shown, invitation.Member.Email)
		h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "name": "Kim", "password": newPassword}).requireStatus(http.StatusCreated)
		for _, spelling := range typed {
			owner.post("/api/members", map[string]any{"email": spelling, "role": "member"}).requireProblem(http.StatusConflict, "email_taken")
			require.Equal(t, shown, h.signInAs(spelling, newPassword).signedIn(http.StatusCreated).Member.Email, "%q", spelling)
			var found httpapi.MemberPage
			owner.get("/api/members?q="+url.QueryEscape(strings.ReplaceAll(spelling, "\u00ad", ""))).into(http.StatusOK, &found)
			if !strings.Contains(spelling, "。") {
				require.Len(t, found.Items, 1, "%q", spelling)
				require.Equal(t, shown, found.Items[0].Email)
			}
		}
	}
	stored := h.text("SELECT email, email_canonical FROM members WHERE role = 'member' AND name = 'Kim' ORDER BY email")
	require.Equal(t, "email=jörg@xn--bcher-kva.example email_canonical=jörg@xn--bcher-kva.example \n"+
		"email=kim@xn--strae-oqa.example email_canonical=kim@xn--strae-oqa.example \n"+
		"email=花子@xn--r8jz45g.jp email_canonical=花子@xn--r8jz45g.jp \n", stored)
}

// The answer has the link, even if the mail server refuses the mail.
func TestALinkIsShownWhereTheServerTakesNoSuchAddress(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Password: "pa55 of the mail server"})
	h := open(t, options{mail: mailer(server)})
	owner := h.program(member.Owner)
	for email, mailed := range map[string]httpapi.InvitationMail{"jörg@bücher.example": httpapi.InvitationMailFailed, "kim@bücher.example": httpapi.InvitationMailSent} {
		var invitation httpapi.Invitation
		owner.post("/api/members", map[string]any{"email": email, "role": "member", "mail": true}).into(http.StatusCreated, &invitation)
		require.Equal(t, mailed, invitation.Mail)
		require.Contains(t, invitation.Link, "token=")
	}
	require.Len(t, server.Taken(), 1)
	require.Equal(t, "kim@xn--bcher-kva.example", server.Taken()[0].To)
	require.Contains(t, h.log.String(), "SMTPUTF8")
}

func TestHostileAddressesAndNamesAreRefused(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	_, secret := h.invite(owner, "ben@example.org", httpapi.RoleMember)
	id := owner.requireLive().Member.Id
	before := h.everythingDecided()

	long := strings.Repeat("l", 64) + "@" + strings.Repeat(strings.Repeat("d", 45)+".", 4)
	for address, code := range map[string]string{
		"a\x00na@example.org": "email", "ana@example.org\r\nBcc: x@example.org": "email", "\u200b": "email", "a\u200bna@example.org": "email",
		"ana@" + strings.Repeat("ü", 60) + ".example": "email", "ana@my_host.example": "email", "аna@example.org": "email",
		`"a b"@example.org`: "email", "ana@localhost": "email", long + "example1": "max", strings.Repeat("a", 10_000) + "@example.org": "max",
	} {
		owner.post("/api/members", map[string]any{"email": address, "role": "member"}).requireFields("email " + code)
	}
	names := map[string]string{
		"A\x00na": "characters", "Ana\nLima": "characters", "\x1b[31mAna": "characters", "An\u202ea": "characters",
		"\u200b\u3164 ": "required", strings.Repeat("a", 10_000): "max",
	}
	for name, code := range names {
		owner.post("/api/members", map[string]any{"email": "eve@example.org", "name": name, "role": "member"}).requireFields("name " + code)
		owner.do(http.MethodPatch, "/api/members/"+id, map[string]any{"name": name}).requireFields("name " + code)
		h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "name": name, "password": newPassword}).requireFields("name " + code)
		owner.post("/api/sessions/revoke-all", map[string]any{"reason": name}).requireFields("reason " + code)
		owner.post("/api/account/passkeys", map[string]any{"name": name, "ceremony": "x", "credential": map[string]any{}}).requireFields("name " + code)
	}
	owner.post("/api/members", map[string]any{"email": "ana", "name": "\n\nx\ny", "role": "king"}, malformed).requireFields("email email", "name characters", "role oneof")
	require.Equal(t, before, h.everythingDecided())

	unclaimed := open(t, options{unclaimed: true})
	for name, code := range names {
		in := firstOwner()
		in.Name, in.Organization = name, name
		unclaimed.stranger().post("/api/setup", in).requireFields("name "+code, "organization "+code)
	}
	require.True(t, unclaimed.setupRequired())
	in := firstOwner()
	in.Name, in.Organization, in.SetupToken = " Zoe\u0308\u200b", "\u00a0Söhne\n", "\u00a0"+in.SetupToken+" "
	var made httpapi.SetupResult
	unclaimed.stranger().post("/api/setup", in).into(http.StatusCreated, &made)
	require.Equal(t, "Zoë", made.Member.Name)
	require.Equal(t, "Söhne", made.Organization.Name)
	require.Equal(t, "Söhne", unclaimed.text("SELECT name FROM organization")[len("name="):len("name=Söhne")])
}

// Names of before may hold control characters, and a client says of itself what it likes.
func TestACSVFileSteersNoTerminal(t *testing.T) {
	h := open(t, options{})
	h.exec("UPDATE members SET name = ? WHERE role = 'owner'", "\x1b[31mOlga\r\n\u009b2J\u202e")
	h.restart()
	owner := h.stranger()
	owner.agent = "curl/8\u009b31m\u202e\u007f"
	owner.keep(owner.post("/api/sessions", credentials(member.Owner, "bearer")).signedIn(http.StatusCreated))
	csv := string(owner.get("/api/audit?format=csv").requireStatus(http.StatusOK).body)
	require.Contains(t, csv, "Olga")
	require.NotRegexp(t, "[\\p{Cc}\u202e]", strings.NewReplacer("\n", "", "\ufeff", "").Replace(strings.ReplaceAll(csv, "\r\n", "\n")))
}

func TestCodesAreReadInAnyDigits(t *testing.T) {
	h := open(t, options{})
	app := h.browser(member.Plain).enrol()
	wide := func(code string, zero rune) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return zero + r - '0'
			}
			return r
		}, code)
	}
	for _, spelling := range []func(string) string{
		func(code string) string { return wide(code, '０') },
		func(code string) string { return wide(code, '٠') },
		func(code string) string { return code[:3] + "\u00a0" + code[3:] + "\u200b\n" },
	} {
		h.clock.advance(time.Minute)
		h.trySignIn(member.Plain, spelling(app.code(0))).signedIn(http.StatusCreated)
	}
	h.trySignIn(member.Plain, wide(strings.ToUpper(strings.ReplaceAll(app.codes[0], "-", "\u2011")), '０')).signedIn(http.StatusCreated)
}

func TestMembersAreSortedAndFoundWithoutAccents(t *testing.T) {
	h := open(t, options{})
	owner := h.program(member.Owner)
	for i, name := range []string{"Zz", "Zoë Marin", "Zoe Adler", "Žofie"} {
		owner.post("/api/members", map[string]any{"email": fmt.Sprintf("%d@example.org", i), "name": name, "role": "member"}).requireStatus(http.StatusCreated)
	}
	names := func(query string) (found []string) {
		var page httpapi.MemberPage
		owner.get("/api/members?"+query).into(http.StatusOK, &page)
		for _, m := range page.Items {
			found = append(found, m.Name)
		}
		return found
	}
	require.Equal(t, []string{"Zoe Adler", "Zoë Marin", "Žofie", "Zz"}, names("state=invited"))
	require.Equal(t, []string{"Zoe Adler", "Zoë Marin"}, names("q=zoe"))
	require.Equal(t, []string{"Zoë Marin"}, names("q="+url.QueryEscape("  MARIN zoë\u00a0 ")))
	require.Empty(t, names("q="+url.QueryEscape("\u0308")), "what no name has finds nothing")
}

// TestAnOldDatabaseIsFolded brings up names and addresses that were folded in SQL, by SQLite's
// lower().
func TestAnOldDatabaseIsFolded(t *testing.T) {
	const members = 400
	h := openOld(t, func(insert func(name, email string)) {
		for i := range members - 1 { // Ana is there already
			insert(fmt.Sprintf("ÉmILie %03d", i), fmt.Sprintf("É.%03d@BÜCHER.example", i))
		}
	})
	owner := h.operator()
	for _, order := range []string{"", "&order=desc"} {
		for _, by := range []string{"name", "email", "createdAt"} {
			seen, next := map[string]bool{}, ""
			for n := 0; n == 0 || next != ""; n++ {
				require.LessOrEqual(t, n, members/7+1, "the walk ends")
				var page httpapi.MemberPage
				owner.get("/api/members?limit=7&sort="+by+order+next).into(http.StatusOK, &page)
				require.EqualValues(t, members, page.Total)
				for _, m := range page.Items {
					seen[m.Id] = true
				}
				if next = ""; page.NextCursor != nil {
					next = "&cursor=" + *page.NextCursor
				}
			}
			require.Len(t, seen, members)
		}
	}
	for _, query := range []string{"emilie 007", "007 ÉMILIE", "é.007@bücher", "é.007@xn--bcher-kva.example"} {
		var page httpapi.MemberPage
		owner.get("/api/members?q="+url.QueryEscape(query)).into(http.StatusOK, &page)
		require.Len(t, page.Items, 1, query)
		require.Equal(t, "é.007@bücher.example", page.Items[0].Email)
		require.Nil(t, page.Items[0].AddressIssue)
	}
	h.signInAs("É.007@bücher.example", password).signedIn(http.StatusCreated)
}

// TestMembersWhoComeToShareAnAddressKeepSigningIn: neither is changed, and an admin is told.
func TestMembersWhoComeToShareAnAddressKeepSigningIn(t *testing.T) {
	shared := []string{"Kim@straße.example", "kim@xn--strae-oqa.example", "kim@ｓｔｒａße.example"}
	invalid := []string{"lo@my_host.example", "\u200bmo\u200b@example.org", strings.Repeat("n", 65) + "@example.org"}
	h := openOld(t, func(insert func(name, email string)) {
		for _, email := range slices.Concat(shared, invalid) {
			insert("Old "+email, email)
		}
	})
	operator := h.operator()
	for issue, emails := range map[httpapi.MemberDetailsAddressIssue][]string{"shared": shared, "invalid": invalid} {
		for _, email := range emails {
			signedIn := h.signInAs(" "+email+"\t", password).signedIn(http.StatusCreated)
			require.Equal(t, "Old "+email, signedIn.Member.Name)
			c := h.stranger().keep(signedIn)
			c.post("/api/session/reauthenticate", map[string]any{"password": password}).requireStatus(http.StatusOK)
			details := h.memberDetails(operator, signedIn.Member.Id)
			require.Equal(t, email, details.Email)
			require.NotNil(t, details.AddressIssue)
			require.Equal(t, issue, *details.AddressIssue)
			require.Contains(t, h.log.String(), signedIn.Member.Id, "the start says so")
		}
	}
	for _, email := range []string{"kim@straße.example", "KIM@xn--strae-oqa.EXAMPLE", "kim@stra\u00adße.example"} {
		operator.post("/api/members", map[string]any{"email": email, "role": "member"}).requireProblem(http.StatusConflict, "email_taken")
	}
	require.Nil(t, h.memberDetails(operator, h.signInAs("ana@example.org", password).signedIn(http.StatusCreated).Member.Id).AddressIssue)
}

// openOld opens a deployment on a database of schema 1, in which a program of then had put more
// members, whose password is Ana's.
func openOld(t *testing.T, fill func(insert func(name, email string))) *deployment {
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../store/testdata/schema1")))
	require.NoError(t, os.Chmod(filepath.Join(folder, "keys.json"), 0o600))
	require.NoError(t, os.Rename(filepath.Join(folder, "keys.json"), filepath.Join(folder, "secrets.json")))
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "curfew.db"))
	require.NoError(t, err)
	fill(func(name, email string) {
		id := member.NewID()
		_, err = db.ExecContext(t.Context(), `INSERT INTO members (id, name, email, email_canonical, role, password_hash, generation, created_at)
			VALUES (?, ?, ?, ?, 'member', ?, 1, 0)`, id.String(), name, email, strings.ToLower(email), passwordHash())
		require.NoError(t, err)
	})
	require.NoError(t, db.Close())
	h := open(t, options{folder: folder})
	h.clock.at.Store(time.Date(2026, time.November, 27, 9, 0, 0, 0, time.UTC).UnixMilli())
	return h
}
