package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/mail"
	"curfew/backend/member"
	"curfew/backend/session"
)

func (a *API) listMembers(c echo.Context, who session.Principal) error {
	query := member.Query{
		Text: c.QueryParam("q"), Role: member.Role(c.QueryParam("role")), State: member.State(c.QueryParam("state")),
		SecondFactor: member.FactorKind(c.QueryParam("secondFactor")),
		Order:        cmp.Or(member.Order(c.QueryParam("sort")), member.ByName), Descending: descending(c, false),
	}
	if c.QueryParam("format") == "" {
		return a.walking(func(c echo.Context, _ session.Principal) error { return a.pageOfMembers(c, query) })(c, who)
	}
	if err := refuseParameters(c, notInFiles, "limit", "cursor"); err != nil {
		return err
	}
	return a.exportMembers(c, who, query)
}

func (a *API) pageOfMembers(c echo.Context, query member.Query) (err error) {
	ctx, limit := c.Request().Context(), pageLimit(c)
	list := fmt.Sprintf("members by %s, %t", query.Order, query.Descending) // a cursor is of one order
	if query.After, err = readCursor[member.Details](a, c, list); err != nil {
		return err
	}
	query.Limit = limit + 1
	found, counts, err := a.Members.List(ctx, query)
	if err != nil {
		return err
	}
	page := MemberPage{Total: int64(counts.Total), Counts: wireMemberCounts(counts), CanMail: a.Mail != nil}
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		if page.NextCursor, err = a.writeCursor(list, member.Details{Member: member.Member{ID: last.ID, Email: last.Email, Name: last.Name}, CreatedAt: last.CreatedAt}); err != nil {
			return err
		}
	}
	page.Items, err = a.wireMembers(ctx, found...)
	return answer(c, page, err)
}

// exportMembers streams every member that the query selects.
func (a *API) exportMembers(c echo.Context, who session.Principal, query member.Query) error {
	query.Limit, query.Uncounted = partOfFile, true
	return stream(a, c, who, file[MemberDetails]{
		name: "members", format: "csv", action: audit.MembersExported, writer: csvWriter(memberColumns, memberCells),
		next: func(ctx context.Context) ([]MemberDetails, error) {
			found, _, err := a.Members.List(ctx, query)
			if err != nil || len(found) == 0 {
				return nil, err
			}
			query.After = &found[len(found)-1]
			return a.wireMembers(ctx, found...)
		},
	})
}

var memberColumns = []string{"id", "name", "email", "role", "state", "secondFactor", "passkeys", "sessions", "lastSeenAt", "createdAt"}

func memberCells(m MemberDetails) ([]string, error) {
	return []string{
		m.Id, cell(m.Name), cell(m.Email), string(m.Role), string(m.State), strconv.FormatBool(m.SecondFactor),
		strconv.FormatInt(m.Passkeys, 10), strconv.FormatInt(m.Sessions, 10), timeCell(orZero(m.LastSeenAt)), timeCell(m.CreatedAt),
	}, nil
}

func (a *API) getMember(c echo.Context, _ session.Principal, id member.ID) error {
	found, err := a.Members.Find(c.Request().Context(), id)
	if err != nil {
		return err
	}
	wire, err := a.wireMembers(c.Request().Context(), found)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, wire[0])
}

func (a *API) inviteMember(c echo.Context, who session.Principal, in InviteRequest) error {
	if err := a.checkMail(in.Mail); err != nil {
		return err
	}
	invited, secret, err := a.Members.Invite(c.Request().Context(), who.Caller(), member.Invitee{
		Name: orZero(in.Name), Email: in.Email, Role: member.Role(in.Role), ReuseAddress: orZero(in.ReuseAddress),
	})
	if err != nil {
		return err
	}
	return a.answerLink(c, who, invited, secret, in.Mail)
}

func (a *API) changeMember(c echo.Context, who session.Principal, id member.ID) error {
	var in MemberRequest
	if err := bind(c, &in); err != nil {
		return err
	}
	if orZero(in.ReuseAddress) && in.Email == nil {
		return invalid("email", "required", "This is needed with \"reuseAddress\".")
	}
	update := member.Update{Name: in.Name, Email: in.Email, Role: (*member.Role)(in.Role), Active: in.Active, ReuseAddress: orZero(in.ReuseAddress)}
	if err := a.Members.Change(c.Request().Context(), who.Caller(), id, update); err != nil {
		return err
	}
	return a.getMember(c, who, id)
}

// endingSessions makes a handler of an act on a member that ends their sessions.
func endingSessions(act func(context.Context, audit.Caller, member.ID) (int, error)) principalHandler {
	return onMember(func(c echo.Context, who session.Principal, id member.ID) error {
		ended, err := act(c.Request().Context(), who.Caller(), id)
		if err != nil {
			return err
		}
		if id == who.Member.ID {
			forgetSession(c)
		}
		return c.JSON(http.StatusOK, SessionsEnded{SessionsEnded: int64(ended)})
	})
}

func (a *API) issueMemberLink(c echo.Context, who session.Principal, id member.ID) error {
	var in LinkRequest
	if err := bindOptional(c, &in); err != nil {
		return err
	}
	if err := a.checkMail(in.Mail); err != nil {
		return err
	}
	issued, secret, err := a.Members.IssueLink(c.Request().Context(), who.Caller(), id)
	if err != nil {
		return err
	}
	return a.answerLink(c, who, issued, secret, in.Mail)
}

// checkMail returns an error if a link is to be mailed and there is no mail server.
func (a *API) checkMail(wanted *bool) error {
	if a.Mail != nil || !orZero(wanted) {
		return nil
	}
	return invalid("mail", "unavailable", "Curfew has no mail server to send it by. Leave this out and hand the link over yourself, or have the server's operator set CURFEW_SMTP_URL.")
}

// answerLink answers with a new link, and mails it first if that is wanted. The call succeeds even
// if the mail fails: the answer has the link.
func (a *API) answerLink(c echo.Context, who session.Principal, to member.Details, secret string, wanted *bool) error {
	wire, err := a.wireMembers(c.Request().Context(), to)
	if err != nil {
		return err
	}
	made := Invitation{Member: wire[0], Link: a.linkTo(secret), ExpiresAt: to.Link.ExpiresAt, Mail: InvitationMailNone}
	if orZero(wanted) {
		made.Mail = InvitationMailSent
		err := a.Mail.Send(c.Request().Context(), mail.Message{
			Reset: to.Link.Kind == member.Reset, Name: to.Name, Email: to.Email, By: who.Member.Name,
			Organization: who.Organization.Name, Link: made.Link, ExpiresAt: made.ExpiresAt,
		})
		if err != nil {
			made.Mail = InvitationMailFailed
			a.Log.Error("a one-time link could not be mailed; it is good all the same", "error", err, "member", to.ID.String(), "request", requestID(c))
		}
	}
	return c.JSON(http.StatusCreated, made)
}

// lookAtInvitation answers who a one-time link is for. Its holder could set the password by it, and
// so learns no secret.
func (a *API) lookAtInvitation(c echo.Context, in LookRequest) error {
	invited, organization, err := a.Members.Look(c.Request().Context(), in.Token)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, LinkDetails{
		Organization: organization, By: optional(invited.Link.By), Email: fold.ShowAddress(invited.Email), Name: optional(invited.Name),
		Kind: LinkDetailsKind(invited.Link.Kind), ExpiresAt: invited.Link.ExpiresAt,
	})
}

// acceptInvitation sets a password by a one-time link. An invitation begins a session, by the same
// way as a sign-in; a reset does not.
func (a *API) acceptInvitation(c echo.Context, in AcceptRequest) error {
	transport, err := a.transportOf(c, in.Transport)
	if err != nil {
		return err // before the link is used up
	}
	accepted, err := a.Members.Accept(c.Request().Context(), in.Token, orZero(in.Name), in.Password, a.origin(c))
	switch {
	case errors.Is(err, member.ErrNameNeeded):
		return invalid("name", "required", "Enter your name.")
	case errors.Is(err, member.ErrNameNotNeeded):
		return invalid("name", "not_needed", "This link changes the password only. Leave the name out.")
	case err != nil:
		return err
	case accepted.Proof == nil:
		return c.JSON(http.StatusOK, wireMember(accepted.Member))
	}
	return a.startSession(c, *accepted.Proof, transport)
}

// linkTo returns the URL of a one-time link. The secret is in the fragment, which reaches no server
// and no log.
func (a *API) linkTo(secret string) string {
	link := *a.PublicURL
	link.Path = "/accept-invitation"
	link.Fragment = url.Values{"token": {secret}}.Encode()
	return link.String()
}

// wireMembers converts members, with their live sessions and when they were last seen.
func (a *API) wireMembers(ctx context.Context, found ...member.Details) ([]MemberDetails, error) {
	activity, err := a.Sessions.ActivityOf(ctx, each(found, func(m member.Details) member.ID { return m.ID })...)
	if err != nil {
		return nil, err
	}
	wire, signedOut := make([]MemberDetails, len(found)), []member.ID(nil)
	for i, m := range found {
		wire[i] = wireDetails(m)
		wire[i].Sessions = int64(activity[m.ID].Sessions)
		wire[i].LastSeenAt = optional(activity[m.ID].LastSeenAt)
		if wire[i].LastSeenAt == nil && m.State != member.Invited {
			signedOut = append(signedOut, m.ID)
		}
	}
	seen, err := a.Sessions.LastSeen(ctx, signedOut...)
	for i, m := range found {
		wire[i].LastSeenAt = cmp.Or(wire[i].LastSeenAt, optional(seen[m.ID]))
	}
	return wire, err
}

func wireDetails(d member.Details) MemberDetails {
	wire := MemberDetails{
		Id: d.ID.String(), Name: d.Name, Email: fold.ShowAddress(d.Email), Role: Role(d.Role), State: MemberDetailsState(d.State), CreatedAt: d.CreatedAt,
		SecondFactor: d.SecondFactor, Passkeys: int64(d.Passkeys), JoinedAt: optional(d.JoinedAt), InvitedBy: optional(wireActor(d.InvitedBy)),
	}
	if d.AddressIssue != "" {
		wire.AddressIssue = optional(MemberDetailsAddressIssue(d.AddressIssue))
		wire.Email = d.Email // as stored: shared ones look alike otherwise
	}
	if d.Link != nil {
		wire.Link = &WaitingLink{Kind: WaitingLinkKind(d.Link.Kind), CreatedAt: d.Link.CreatedAt, ExpiresAt: d.Link.ExpiresAt}
	}
	return wire
}

func wireMemberCounts(counts member.Counts) MemberCounts {
	return MemberCounts{Role: counted(counts.Roles), State: counted(counts.States), SecondFactor: counted(counts.SecondFactors)}
}

// counted converts counts by their names.
func counted[Name ~string](counts map[Name]int) map[string]int64 {
	wire := make(map[string]int64, len(counts))
	for name, n := range counts {
		wire[string(name)] = int64(n)
	}
	return wire
}
