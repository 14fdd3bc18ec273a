package member

import (
	"slices"
	"time"

	"curfew/backend/audit"
	"curfew/backend/refusal"
)

// ProofLifetime is how long a proof of identity is fresh (R10).
const ProofLifetime = 10 * time.Minute

// Errors of a caller who may not make the change.
var (
	// ErrCallerEnded is returned if the caller's session has ended by the time of the change.
	ErrCallerEnded = refusal.New("the caller's session has ended")
	// ErrRestricted is returned if the organization requires a second factor that the session has
	// not proved.
	ErrRestricted = refusal.New("the session has not proved two factors")
	// ErrRoleNeeded is returned if the change requires an owner or an admin.
	ErrRoleNeeded = refusal.New("the role does not administer")
	// ErrForbidden is returned for a change of a member with a higher role than the caller, or to a
	// higher role.
	ErrForbidden = refusal.New("the role does not allow it")
	// ErrProofNeeded is returned if rule R10 asks for a fresh proof of identity.
	ErrProofNeeded = refusal.New("a fresh proof is needed")
)

// Requirement is what a change requires of its caller, in addition to a live session. It is checked
// in the transaction of the change, because a role, a restriction or a proof may have changed since
// the request was admitted.
type Requirement struct {
	// Administers requires an owner or an admin.
	Administers bool
	// UpTo requires that the caller may give this role; empty for none.
	UpTo Role
	// AlsoRestricted admits a session without the second factor that the organization requires.
	AlsoRestricted bool
	// FreshAt requires a proof of identity that is fresh at this time (R10); zero for none.
	FreshAt time.Time
}

// Authority is what a caller may do: their member, the proofs of their session, and what the
// organization requires, at one instant.
type Authority struct {
	Member   Member
	Methods  []string
	ProvedAt time.Time
	// RequireSecondFactor is true if the organization requires a second factor.
	RequireSecondFactor bool
	// Operator is true for the server's operator, who has no session.
	Operator bool
}

// Operator is the server's operator, with the rights of an owner. No such member is stored.
var Operator = Authority{Member: Member{Name: audit.Operator.Name, Role: Owner, Active: true}, Operator: true}

// Restricted reports whether the session lacks the second factor that the organization requires. It
// can then only set up the first one, or prove one.
func (a Authority) Restricted() bool {
	return a.RequireSecondFactor && !a.Operator && !TwoFactors(a.Methods)
}

// Fresh reports whether the last proof of identity satisfies R10: at most 10 minutes old and, for
// members who sign in with two factors, made with both. Those are members with a second factor and,
// if the organization requires one, members with a passkey. So a restricted session can set up a
// first factor, but not another one next to a factor that it has not proved.
func (a Authority) Fresh(now time.Time) bool {
	if a.Operator {
		return true
	}
	takesTwo := a.Member.SecondFactor || a.RequireSecondFactor && a.Member.HasPasskey
	return now.Sub(a.ProvedAt) <= ProofLifetime && (!takesTwo || TwoFactors(a.Methods))
}

// Satisfies returns what the caller lacks: ErrRestricted, ErrRoleNeeded, ErrForbidden,
// ErrProofNeeded, or nil.
func (a Authority) Satisfies(r Requirement) error {
	switch {
	case !r.AlsoRestricted && a.Restricted():
		return ErrRestricted
	case r.Administers && !a.Member.Role.Administers():
		return ErrRoleNeeded
	case r.UpTo != "" && r.UpTo.rank() > a.Member.Role.rank():
		return ErrForbidden
	case !r.FreshAt.IsZero() && !a.Fresh(r.FreshAt):
		return ErrProofNeeded
	}
	return nil
}

// MayManage reports whether the caller may change current to next: neither has a role above the
// caller's.
func (a Authority) MayManage(current, next Member) bool { return mayManage(a.Member, current, next) }

// Manages lists the roles that the caller may manage.
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

// JoinMethods joins methods, each once, in their order.
func JoinMethods(methods, more []string) []string {
	all := slices.Clone(methods)
	for _, method := range more {
		if !slices.Contains(all, method) {
			all = append(all, method)
		}
	}
	return all
}
