package session

import "time"

// EndReason is why a session is over. The empty reason means that it is not.
type EndReason string

// The reasons that there are.
const (
	SignedOut         EndReason = "signed_out"
	Expired           EndReason = "expired"
	Revoked           EndReason = "revoked"
	RevokedMember     EndReason = "revoked_member"
	RevokedAll        EndReason = "revoked_all"
	TokenReuse        EndReason = "token_reuse"
	MemberDeactivated EndReason = "member_deactivated"
	// MemberRemoved stands in audit entries alone: the row goes with the member.
	MemberRemoved     EndReason = "member_removed"
	CredentialChanged EndReason = "credential_changed"
)

// Standing is everything that rule R1 looks at: the facts of one session beside those of its member and of
// the organization, as they are now.
type Standing struct {
	// Recorded is the end that the session's row carries, if any.
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

// Ended tells why the session is over at the instant now: the first reason that holds, or none. It is rule R1,
// whole; nothing else decides whether a session is alive.
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
	case !now.Before(st.ExpiresAt()), st.endedUnderAnEarlierPolicy():
		return Expired
	}
	return ""
}

// ExpiresAt is when the session's time runs out by the policy in force, if no access moves it.
func (st Standing) ExpiresAt() time.Time {
	policy := st.Organization.Policy
	at := st.StartedAt.Add(policy.Length.Duration())
	if policy.MaximumLifetime.IsZero() {
		return at
	}
	if limit := st.AuthenticatedAt.Add(policy.MaximumLifetime.Duration()); limit.Before(at) {
		return limit
	}
	return at
}

// ExpiredAt is when the time of a session ran out that has expired by now. A policy ends nothing before it is saved, however long ago
// by its measure the time was over.
func (st Standing) ExpiredAt(now time.Time) time.Time {
	at := st.ExpiresAt()
	if !st.endedUnderAnEarlierPolicy() {
		at = later(at, st.Organization.SavedAt)
	}
	return earlier(at, now)
}

// endedUnderAnEarlierPolicy is rule R3b: what had ended when a policy was saved stays ended, however much longer
// the new policy lets sessions live.
func (st Standing) endedUnderAnEarlierPolicy() bool {
	return !st.StartedAt.After(st.Organization.StartedAfter) ||
		!st.AuthenticatedAt.After(st.Organization.AuthenticatedAfter)
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
