package httpapi_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"curfew/backend/httpapi"
	"curfew/backend/member"
)

// TestARestartServesAtOnce: while the live sessions are still being read, everybody goes on, signs in and out, and is revoked; and a list
// that is asked for meanwhile is whole when it comes.
func TestARestartServesAtOnce(t *testing.T) {
	h := open(t, options{})
	admin, plain, leaver := h.browser(member.Admin), h.program(member.Plain), h.browser(member.Plain)
	theirs := h.program(member.Auditor)
	h.reading = true
	h.restart()

	stranger := h.stranger()
	stranger.get("/readyz").requireStatus(http.StatusOK)
	admin.requireLive()
	plain.requireLive()
	plain.renew().requireStatus(http.StatusOK)
	lists := make([]httpapi.SessionPage, 20)
	var asked, answered sync.WaitGroup
	for i := range lists {
		asked.Add(1)
		answered.Go(func() {
			asked.Done()
			lists[i] = admin.list("/api/sessions?scope=all")
		})
	}
	asked.Wait()
	leaver.delete("/api/session").requireStatus(http.StatusNoContent)
	admin.delete("/api/sessions/" + theirs.id()).requireStatus(http.StatusNoContent)
	h.browser(member.Owner).requireLive()
	admin.get("/api/settings/security").requireStatus(http.StatusOK)

	require.NoError(t, h.sessions.ReadLive(t.Context()))
	answered.Wait()
	for _, list := range lists {
		require.EqualValues(t, 3, list.Total)
		require.Len(t, list.Items, 3)
	}
	theirs.get("/api/session").requireStatus(http.StatusUnauthorized)
	leaver.get("/api/session").requireStatus(http.StatusUnauthorized)
	admin.revokeAll("")
	for _, c := range []*client{admin, plain} {
		c.get("/api/session").requireStatus(http.StatusUnauthorized)
	}
}
