package httpapi_test

import (
	"net/http"
	netmail "net/mail"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/mail"
	"curfew/backend/mail/mailtest"
	"curfew/backend/member"
)

func mailer(server *mailtest.Server) *mail.Sender {
	return mail.New(mail.Server{
		Host: "127.0.0.1", Port: server.Port, Encryption: mail.Unencrypted, User: "curfew", Password: "pa55 of the mail server",
		From: netmail.Address{Address: "curfew@example.org"},
	})
}

func (h *deployment) canMail(by *client) bool {
	h.t.Helper()
	var page httpapi.MemberPage
	by.get("/api/members").into(http.StatusOK, &page)
	return page.CanMail
}

// linkIn finds the secret of the link in a mail.
func linkIn(t *testing.T, message mailtest.Message) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^https://curfew\.example\.org/accept-invitation#token=([\w-]+)$`).FindStringSubmatch(message.Text)
	require.Len(t, found, 2, message.Text)
	return found[1]
}

func TestAMailedLinkCanBeAccepted(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Password: "pa55 of the mail server"})
	h := open(t, options{mail: mailer(server)})
	owner := h.program(member.Owner)
	require.True(t, h.canMail(owner))

	var invitation httpapi.Invitation
	owner.post("/api/members", map[string]any{"name": "Ben", "email": "ben@example.org", "role": "member", "mail": true}).into(http.StatusCreated, &invitation)
	require.Equal(t, httpapi.InvitationMailSent, invitation.Mail)
	require.Len(t, server.Taken(), 1)
	require.Equal(t, "ben@example.org", server.Taken()[0].To)
	require.Equal(t, "The owner invites you to "+organization, server.Taken()[0].Subject(t))
	secret := linkIn(t, server.Taken()[0])
	require.Contains(t, invitation.Link, secret, "the answer has the link all the same")
	h.useLink(secret, newPassword).requireStatus(http.StatusCreated)

	var reset httpapi.Invitation
	owner.post("/api/members/"+invitation.Member.Id+"/link", map[string]any{"mail": true}).into(http.StatusCreated, &reset)
	require.Equal(t, httpapi.InvitationMailSent, reset.Mail)
	require.Equal(t, "Choose a new password for "+organization, server.Taken()[1].Subject(t))
	h.useLink(linkIn(t, server.Taken()[1]), newPassword).requireStatus(http.StatusOK)

	for _, body := range []any{nil, map[string]any{}, map[string]any{"mail": false}} {
		var made httpapi.Invitation
		owner.post("/api/members/"+invitation.Member.Id+"/link", body).into(http.StatusCreated, &made)
		require.Equal(t, httpapi.InvitationMailNone, made.Mail)
	}
	require.Len(t, server.Taken(), 2)
	require.NotContains(t, h.log.String(), secret)
}

func TestALinkThatCannotBeMailedIsGoodAllTheSame(t *testing.T) {
	refusing := mailtest.Start(t, mailtest.Options{Password: "pa55 of the mail server", Refusal: "554 5.7.1 looks like spam: %s"})
	changed := mailtest.Start(t, mailtest.Options{Password: "another one by now"})
	for name, server := range map[string]*mailtest.Server{"554": refusing, "535": changed} {
		t.Run(name, func(t *testing.T) {
			h := open(t, options{mail: mailer(server)})
			owner := h.program(member.Owner)
			var invitation httpapi.Invitation
			owner.post("/api/members", map[string]any{"email": "ben@example.org", "role": "member", "mail": true}).into(http.StatusCreated, &invitation)
			require.Equal(t, httpapi.InvitationMailFailed, invitation.Mail)
			require.Contains(t, h.log.String(), "a one-time link could not be mailed")
			require.Contains(t, h.log.String(), name)
			require.NotContains(t, h.log.String(), "pa55")

			secret := regexp.MustCompile(`token=(.+)$`).FindStringSubmatch(invitation.Link)[1]
			require.NotContains(t, h.log.String(), secret)
			h.stranger().post("/api/invitations/accept", map[string]any{"token": secret, "name": "Ben", "password": newPassword}).requireStatus(http.StatusCreated)
		})
	}
}

// Nothing is made that would then go nowhere.
func TestMailIsRefusedWhereThereIsNoMailServer(t *testing.T) {
	h := open(t, options{})
	owner, plain := h.program(member.Owner), h.program(member.Plain).requireLive().Member.Id
	require.False(t, h.canMail(owner))
	before := h.everythingDecided()
	for target, body := range map[string]map[string]any{
		"/api/members":                    {"email": "ben@example.org", "role": "member", "mail": true},
		"/api/members/" + plain + "/link": {"mail": true},
	} {
		owner.post(target, body).requireFields("mail unavailable")
	}
	require.Equal(t, before, h.everythingDecided())

	var invitation httpapi.Invitation
	owner.post("/api/members", map[string]any{"email": "ben@example.org", "role": "member", "mail": false}).into(http.StatusCreated, &invitation)
	require.Equal(t, httpapi.InvitationMailNone, invitation.Mail)
}
