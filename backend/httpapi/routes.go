package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// door is a way to the API. A route names its doors; without any it is mounted nowhere.
type door uint8

const (
	tcp    door = 1 << iota // the network
	socket                  // the operator's socket
	both   = tcp | socket
)

// call names a route by its method and path.
type call struct{ method, path string }

// publicRoute is a route that needs no session.
type publicRoute struct {
	method, path string
	doors        door
	handler      echo.HandlerFunc
}

// route is a route for a principal.
type route struct {
	method, path string
	doors        door
	guard        guard // over TCP
	handler      principalHandler
}

const (
	get    = http.MethodGet // and HEAD, which is GET without the body (RFC 9110, 9.3.2)
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// streamPath is the one call whose answer lasts as long as the client listens.
const streamPath = "/api/events"

func (a *API) publicRoutes() []publicRoute {
	return []publicRoute{
		{get, "/healthz", tcp, a.getHealth},
		{get, "/readyz", tcp, a.getReadiness},
		{get, "/api/openapi.json", tcp, a.getOpenAPI},
		{get, "/api/docs", tcp, a.getDocs},
		{get, "/api/setup", tcp, a.getSetup},
		{get, "/api/logo", tcp, a.getLogo},
		{post, "/api/setup", tcp, publicBody(a.setUp)},
		{post, "/api/sessions", tcp, publicBody(a.signIn)},
		{post, "/api/sessions/refresh", tcp, a.refreshSession},
		{post, "/api/sessions/passkey", tcp, publicBody(a.signInByPasskey)},
		{post, "/api/passkeys/challenge", tcp, a.challengePasskey},
		{post, "/api/invitations/look", tcp, publicBody(a.lookAtInvitation)},
		{post, "/api/invitations/accept", tcp, publicBody(a.acceptInvitation)},
	}
}

func (a *API) routes() []route {
	return []route{
		{get, "/api/session", tcp, anySession, a.getSession},
		{remove, "/api/session", tcp, anySession, a.signOut},
		{post, "/api/session/reauthenticate", tcp, anySession, body(a.reauthenticate)},
		{post, "/api/session/reauthenticate/passkey", tcp, anySession, body(a.reauthenticateByPasskey)},
		{get, "/api/account/second-factor", tcp, anySession, a.getSecondFactor},
		{put, "/api/account/second-factor", tcp, anySession, body(a.putSecondFactor)},
		{post, "/api/account/second-factor/enrolment", tcp, anySession, a.enrolSecondFactor},
		{post, "/api/account/passkeys", tcp, anySession, body(a.registerPasskey)},
		{post, "/api/account/passkey-challenge", tcp, anySession, a.beginPasskeyRegistration},
		{get, streamPath, tcp, listener, a.listenToEvents},

		{get, "/api/sessions", both, anyMember, a.listSessions},
		{remove, "/api/sessions/:id", both, anyMember, a.revokeSession},
		{post, "/api/sessions/revoke-others", tcp, anyMember, a.revokeOtherSessions},
		{patch, "/api/account", tcp, anyMember, body(a.renameAccount)},
		{put, "/api/account/password", tcp, anyMember, body(a.changePassword)},
		{remove, "/api/account/second-factor", tcp, anyMember, a.removeSecondFactor},
		{post, "/api/account/second-factor/recovery-codes", tcp, anyMember, a.renewRecoveryCodes},
		{get, "/api/account/passkeys", tcp, anyMember, a.listPasskeys},
		{remove, "/api/account/passkeys/:id", tcp, anyMember, a.removePasskey},
		{get, "/api/account/activity", tcp, anyMember, a.listActivity},
		{get, "/api/account/notices", tcp, anyMember, a.listNotices},
		{post, "/api/account/notices/dismiss", tcp, anyMember, body(a.dismissNotices)},

		{get, "/api/overview", tcp, overseer, a.walking(a.getOverview)},
		{get, "/api/sessions/summary", both, overseer, a.walking(a.getSessionSummary)},
		{get, "/api/sessions/counts", both, overseer, a.walking(a.countSessions)},
		{get, "/api/members", both, overseer, a.listMembers},
		{get, "/api/members/:id", both, overseer, onMember(a.getMember)},
		{get, "/api/audit", both, overseer, a.listAudit},
		{get, "/api/audit/chain", both, overseer, a.getAuditChain},
		{get, "/api/settings/security", both, overseer, a.getSecuritySettings},
		{post, "/api/settings/security/preview", both, overseer, a.walking(body(a.previewSecuritySettings))},
		{get, "/api/settings/sign-in", both, overseer, a.getSignInSettings},
		{get, "/api/settings/general", both, overseer, a.getGeneralSettings},
		{get, "/metrics", tcp, scraper, a.getMetrics},

		{post, "/api/overview/dismiss", tcp, admin, body(a.dismissHint)},
		{put, "/api/settings/security", both, admin, body(a.putSecuritySettings)},
		{put, "/api/settings/guidelines", both, admin, body(a.putGuidelines)},
		{put, "/api/settings/sign-in", both, admin, body(a.putSignInSettings)},
		{put, "/api/settings/general", both, admin, body(a.putGeneralSettings)},
		{put, "/api/settings/logo", both, admin, a.putLogo},
		{remove, "/api/settings/logo", both, admin, a.deleteLogo},
		{post, "/api/sessions/revoke", both, admin, body(a.revokeSessions)},
		{post, "/api/sessions/revoke-matching", both, admin, a.walking(a.revokeMatchingSessions)},
		{post, "/api/sessions/revoke-all", both, admin, a.revokeAllSessions},
		{post, "/api/members", both, admin, body(a.inviteMember)},
		{patch, "/api/members/:id", both, admin, onMember(a.changeMember)},
		{remove, "/api/members/:id", both, admin, endingSessions(a.Members.Remove)},
		{post, "/api/members/:id/revoke-sessions", both, admin, endingSessions(a.Members.RevokeSessions)},
		{post, "/api/members/:id/link", both, admin, onMember(a.issueMemberLink)},
		{remove, "/api/members/:id/second-factor", both, admin, endingSessions(a.Members.RemoveFactors)},

		{post, "/api/members/:id/reset-password", socket, admin, onMember(a.resetMemberPassword)},
		{post, "/api/backup", socket, admin, body(a.makeBackup)},
		{get, "/api/clock", socket, admin, a.getClock},
		{post, "/api/clock/accept", socket, admin, a.acceptTime},
	}
}

// mount puts the routes of a door on a server, those for a principal behind the door's guard.
func (a *API) mount(e *echo.Echo, at door, protect func(guard, input, principalHandler) echo.HandlerFunc) {
	e.HTTPErrorHandler = a.answerError
	e.JSONSerializer = jsonSerializer{}
	add := func(method, path string, doors door, handler echo.HandlerFunc) {
		if doors&at == 0 {
			return
		}
		e.Add(method, path, handler)
		if path == streamPath {
			return
		}
		a.countRequests(call{method, path})
		if method == get {
			e.HEAD(path, handler)
		}
	}
	for _, r := range a.publicRoutes() {
		add(r.method, r.path, r.doors, inputOf(r.method, r.path).checked(r.handler))
	}
	for _, r := range a.routes() {
		add(r.method, r.path, r.doors, protect(r.guard, inputOf(r.method, r.path), r.handler))
	}
}
