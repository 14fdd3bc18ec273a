package session

import "time"

// EndReason is why a session has ended, or empty while it is alive.
type EndReason string

// The reasons for an end.
const (
	SignedOut         EndReason = "signed_out"
	Expired           EndReason = "expired"
	Revoked           EndReason = "revoked"
	RevokedMember     EndReason = "revoked_member"
	RevokedAll        EndReason = "revoked_all"
	TokenReuse        EndReason = "token_reuse"
	MemberDeactivated EndReason = "member_deactivated"
	// MemberRemoved is found in audit entries only: the row goes with the member.
	MemberRemoved     EndReason = "member_removed"
	CredentialChanged EndReason = "credential_changed"
)

// Standing is everything that rule R1 depends on: the facts of a session, and of its member and the
// organization as they are now.
type Standing struct {
	// Recorded is the end in the session's row, if any.
	Recorded EndReason

	MemberActive     bool
	Generation       uint64 // the session's
	MemberGeneration uint64 // the session's
	MembersOwn       uint64 // the member's generation now

	AuthenticatedAt time.Time
	StartedAt       time.Time

	// Organization is never nil.
	Organization *Organization
}

// Ended returns why the session has ended at the instant now: the first reason that holds, or none.
// It is rule R1, and nothing else decides whether a session is alive.
func (st Standing) Ended(now time.Time) EndReason {
	switch {
	case st.Recorded != "":
		return st.Recorded
	case !st.MemberActive:
		return MemberDeactivated
	case st.Generation != st.Organization.Generation:
		return RevokedAll
	case st.MemberGeneration != st.MembersOwn:
		return RevokedMember
	case !st.Organization.Window(now).Holds(st.times()):
		return Expired
	}
	return ""
}

// ExpiresAt is when the session expires by the policy in force, if no access moves its start.
func (st Standing) ExpiresAt() time.Time { return instant(st.Organization.Policy.end(st.times())) }

// ExpiredAt is when a session expired that has expired by now. A policy ends no session before it
// is saved, even if the session is older than the policy allows.
func (st Standing) ExpiredAt(now time.Time) time.Time {
	at := st.Organization.Policy.end(st.times())
	if st.Organization.watermarks().Holds(st.times()) {
		at = max(at, st.Organization.SavedAt.UnixMilli())
	}
	return instant(min(at, now.UnixMilli()))
}

func (st Standing) times() Times {
	return Times{StartedAt: st.StartedAt.UnixMilli(), AuthenticatedAt: st.AuthenticatedAt.UnixMilli()}
}

// standingOf is the standing of a session as the store has it.
func standingOf(record Record, org *Organization) Standing {
	return Standing{
		Recorded:         record.Session.End.Reason,
		MemberActive:     record.Member.Active,
		Generation:       record.Session.Generation,
		MemberGeneration: record.Session.MemberGeneration,
		MembersOwn:       record.Member.Generation,
		AuthenticatedAt:  record.Session.AuthenticatedAt,
		StartedAt:        record.Session.StartedAt,
		Organization:     org,
	}
}
