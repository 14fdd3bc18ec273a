package member

import (
	"slices"
	"time"

	"curfew/backend/audit"
	"curfew/backend/refusal"
)

// ProofLifetime is how long a proof of identity is fresh enough for what rule R10 guards.
const ProofLifetime = 10 * time.Minute

// Errors of a caller who may not do what they ask for.
var (
	// ErrCallerEnded is returned if the caller's session has ended by the time of the change.
	ErrCallerEnded = refusal.New("the caller's session has ended")
	// ErrRestricted is returned if the organization requires a second factor that the session has
	// not proved.
	ErrRestricted = refusal.New("the session has not proved two factors")
	// ErrRoleNeeded is returned if the change takes an owner or an admin.
	ErrRoleNeeded = refusal.New("the role does not administer")
	// ErrForbidden is returned for a change of a member who stands above the caller, or to a role
	// above theirs.
	ErrForbidden = refusal.New("the role does not allow it")
	// ErrProofNeeded is returned if rule R10 asks for a fresh proof of identity.
	ErrProofNeeded = refusal.New("a fresh proof is needed")
)

// Demand is what a change asks of its caller, whose session must be alive in any case. It is judged
// in the transaction of the change: a role, a restriction or a proof may have changed since the
// request was let in.
type Demand struct {
	// Administers asks for an owner or an admin.
	Administers bool
	// UpTo asks that the caller may give this role; empty for none.
	UpTo Role
	// AlsoRestricted lets in a session that lacks the second factor which the organization
	// requires.
	AlsoRestricted bool
	// FreshAt asks for a proof of identity that is fresh at this instant (rule R10); zero for none.
	FreshAt time.Time
}

// Authority is what a caller may do: their member, their session's proofs and what the organization
// requires, all of one instant.
type Authority struct {
	Member   Member
	Methods  []string
	ProvedAt time.Time
	// RequireSecondFactor reports whether the organization requires a second factor.
	RequireSecondFactor bool
	// Operator marks the server's operator, who has no session that could have ended or lack a
	// proof.
	Operator bool
}

// Operator is the server's operator, who may do what an owner may. No such member is stored.
var Operator = Authority{Member: Member{Name: audit.Operator.Name, Role: Owner, Active: true}, Operator: true}

// Restricted reports whether the session lacks the second factor that the organization requires:
// all it can do is to set up the first one, or to prove one.
func (a Authority) Restricted() bool {
	return a.RequireSecondFactor && !a.Operator && !TwoFactors(a.Methods)
}

// Fresh reports whether the last proof of identity satisfies R10: at most 10 minutes old and, for
// members who sign in with two factors, made with both. Those are members with a second factor and,
// where the organization requires one, members with a passkey. So a restricted session sets up a
// first factor, and none next to those that it has not proved.
func (a Authority) Fresh(now time.Time) bool {
	if a.Operator {
		return true
	}
	takesTwo := a.Member.SecondFactor || a.RequireSecondFactor && a.Member.HasPasskey
	return now.Sub(a.ProvedAt) <= ProofLifetime && (!takesTwo || TwoFactors(a.Methods))
}

// Satisfies returns what the caller lacks: ErrRestricted, ErrRoleNeeded, ErrForbidden,
// ErrProofNeeded, or nil.
func (a Authority) Satisfies(d Demand) error {
	switch {
	case !d.AlsoRestricted && a.Restricted():
		return ErrRestricted
	case d.Administers && !a.Member.Role.Administers():
		return ErrRoleNeeded
	case d.UpTo != "" && d.UpTo.rank() > a.Member.Role.rank():
		return ErrForbidden
	case !d.FreshAt.IsZero() && !a.Fresh(d.FreshAt):
		return ErrProofNeeded
	}
	return nil
}

// MayManage reports whether the caller may make next of current: a caller raises no member above
// their own role, themselves included, and touches none who stands above them.
func (a Authority) MayManage(current, next Member) bool { return mayManage(a.Member, current, next) }

// Manages lists the roles of the members whom the caller may manage; none for a role that does not
// administer.
func (a Authority) Manages() []Role {
	var manages []Role
	for _, role := range []Role{Plain, Auditor, Admin, Owner} {
		if of := (Member{Role: role}); mayManage(a.Member, of, of) {
			manages = append(manages, role)
		}
	}
	return manages
}

func mayManage(by, current, next Member) bool {
	return by.Role.Administers() && current.Role.rank() <= by.Role.rank() && next.Role.rank() <= by.Role.rank()
}

// AlsoBy joins methods, each once, in the order in which they came.
func AlsoBy(methods, more []string) []string {
	all := slices.Clone(methods)
	for _, method := range more {
		if !slices.Contains(all, method) {
			all = append(all, method)
		}
	}
	return all
}
