package member

import (
	"context"
)

// FactorKind is a kind of second factor. A member may have both an app and a passkey.
type FactorKind string

// The kinds. NoFactor selects members without any.
const (
	NoFactor      FactorKind = "none"
	AppFactor     FactorKind = "app"
	PasskeyFactor FactorKind = "passkey"
)

// Order is what a list of members is ordered by. Ids settle ties.
type Order string

// The orders.
const (
	ByName     Order = "name"
	ByEmail    Order = "email"
	ByCreation Order = "createdAt"
)

// Query selects members of the list.
type Query struct {
	// Text is searched in names and addresses; empty for all.
	Text string
	// Role, State and SecondFactor select members; empty for all.
	Role         Role
	State        State
	SecondFactor FactorKind

	Order      Order
	Descending bool
	// After is the last member of the page before, with the fields of the order and the id; nil for
	// the first page.
	After *Details
	Limit int
	// Uncounted leaves the counts out, which go through all members.
	Uncounted bool
}

// Group counts members who are alike in what a query selects by, next to its text.
type Group struct {
	Role         Role
	State        State
	App, Passkey bool
	Members      int
}

// Counts are how many members a query selects. Roles, States and SecondFactors count those that it
// would select with another value of that one filter.
type Counts struct {
	Total         int
	Roles         map[Role]int
	States        map[State]int
	SecondFactors map[FactorKind]int
}

// Count counts the members of the groups.
func (q Query) Count(groups []Group) Counts {
	counts := Counts{Roles: map[Role]int{}, States: map[State]int{}, SecondFactors: map[FactorKind]int{}}
	for _, g := range groups {
		role, state := q.Role == "" || q.Role == g.Role, q.State == "" || q.State == g.State
		factor := q.SecondFactor == ""
		for kind, has := range map[FactorKind]bool{NoFactor: !g.App && !g.Passkey, AppFactor: g.App, PasskeyFactor: g.Passkey} {
			factor = factor || has && q.SecondFactor == kind
			if has && role && state {
				counts.SecondFactors[kind] += g.Members
			}
		}
		if state && factor {
			counts.Roles[g.Role] += g.Members
		}
		if role && factor {
			counts.States[g.State] += g.Members
		}
		if role && state && factor {
			counts.Total += g.Members
		}
	}
	return counts
}

// List returns a page of members, and how many there are.
func (s *Service) List(ctx context.Context, query Query) (found []Details, counts Counts, err error) {
	found, counts, err = s.store.Members(ctx, query)
	return found, counts, during("list members", err)
}
