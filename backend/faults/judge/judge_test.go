package judge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// at makes an op that takes one unit of time.
func at(call int, op Op) Op {
	op.Call, op.Return = time.Duration(call), time.Duration(call+1)
	return op
}

// lost makes an op that is never answered.
func lost(call int, op Op) Op {
	op.Call, op.Return, op.Status = time.Duration(call), Never, 0
	return op
}

func signIn(call int, id string, generation int) Op {
	return at(call, Op{Kind: SignIn, Status: 201, Session: id, Member: "ann", Generation: generation, Got: id + "/0"})
}

func use(call int, id string) Op {
	return at(call, Op{Kind: Use, Status: 200, Session: id, Member: "ann", Subject: id, SubjectMember: "ann"})
}

func refusedUse(call int, id string) Op {
	return at(call, Op{Kind: Use, Status: 401, Code: "session_revoked", Session: id, Member: "ann"})
}

func refresh(call int, id, presented, got string) Op {
	if got == "" {
		return at(call, Op{Kind: Refresh, Status: 401, Code: "session_revoked", Session: id, Member: "ann", Presented: presented})
	}
	return at(call, Op{Kind: Refresh, Status: 200, Session: id, Member: "ann", Generation: 1, Presented: presented, Got: got})
}

var revokeAll = Op{Kind: RevokeAll, Status: 200, Key: "k", Generation: 2}

func book(generation int, sessions map[string]int) Book {
	revocations := map[string]int{}
	if generation > 1 {
		revocations["k"] = generation
	}
	return Book{Sessions: sessions, Revocations: revocations, Generation: generation, Version: 2, Policy: "b"}
}

// Each history that breaks a promise is found out, by the name of that promise; and each that keeps
// it is let go.
func TestJudge(t *testing.T) {
	one, two := map[string]int{"s": 1}, map[string]int{"s": 1, "t": 1}
	cases := map[string]struct {
		broken string // empty for a history that keeps everything
		linear bool   // there is no order for it either
		ops    []Op
		book   Book
	}{
		"a session lives":                 {"", false, []Op{signIn(1, "s", 1), use(3, "s"), refresh(5, "s", "s/0", "s/1"), refresh(7, "s", "s/1", "s/2")}, book(1, one)},
		"and dies by the hand of all":     {"", false, []Op{signIn(1, "s", 1), at(3, revokeAll), refusedUse(5, "s")}, book(2, one)},
		"which takes effect on the way":   {"", false, []Op{signIn(1, "s", 1), {Kind: RevokeAll, Status: 200, Key: "k", Generation: 2, Call: 3, Return: 9}, use(4, "s"), refusedUse(6, "s")}, book(2, one)},
		"or later than it was called":     {"", false, []Op{signIn(1, "s", 1), lost(3, revokeAll), use(5, "s"), refusedUse(7, "s")}, book(2, one)},
		"a revoked one is admitted":       {"I1", true, []Op{signIn(1, "s", 1), at(3, revokeAll), use(5, "s")}, book(2, one)},
		"a revocation is lost":            {"I1", false, []Op{signIn(1, "s", 1), at(3, revokeAll)}, book(1, one)},
		"a policy is lost":                {"I2", false, []Op{at(1, Op{Kind: SavePolicy, Status: 200, Version: 3, Policy: "c"})}, book(1, nil)},
		"a policy is torn":                {"I2", false, []Op{at(1, Op{Kind: ReadPolicy, Status: 200, Version: 2, Policy: "a"})}, book(1, nil)},
		"two successors":                  {"I3", false, []Op{signIn(1, "s", 1), refresh(3, "s", "s/0", "s/1"), refresh(5, "s", "s/0", "s/2")}, book(1, one)},
		"a spent token is taken":          {"I4", true, []Op{signIn(1, "s", 1), refresh(3, "s", "s/0", "s/1"), refresh(5, "s", "s/1", "s/2"), refresh(7, "s", "s/0", "s/1")}, book(1, one)},
		"and ends its session":            {"", false, []Op{signIn(1, "s", 1), refresh(3, "s", "s/0", "s/1"), refresh(5, "s", "s/1", "s/2"), refresh(7, "s", "s/0", ""), refusedUse(9, "s")}, book(1, one)},
		"but for which it lives on":       {"I4", true, []Op{signIn(1, "s", 1), refresh(3, "s", "s/0", "s/1"), refresh(5, "s", "s/1", "s/2"), refresh(7, "s", "s/0", ""), use(9, "s")}, book(1, one)},
		"a refused one comes back":        {"I5", true, []Op{signIn(1, "s", 1), lost(3, Op{Kind: Revoke, Target: "s"}), refusedUse(5, "s"), use(7, "s")}, book(1, one)},
		"one that was ended by its name":  {"I6", true, []Op{signIn(1, "s", 1), at(3, Op{Kind: Revoke, Status: 204, Target: "s"}), use(5, "s")}, book(1, one)},
		"or by its member's":              {"I6", true, []Op{signIn(1, "s", 1), at(3, Op{Kind: RevokeMember, Status: 200, Target: "ann"}), use(5, "s")}, book(1, one)},
		"a live one is refused":           {"I7", true, []Op{signIn(1, "s", 1), refusedUse(3, "s")}, book(1, one)},
		"trouble is no word of 500":       {"I7", false, []Op{at(1, Op{Kind: Use, Status: 500})}, book(1, nil)},
		"trouble clears cookies":          {"I7", false, []Op{at(1, Op{Kind: Use, Status: 503, RetryAfter: true, Cleared: true})}, book(1, nil)},
		"a session out of nothing":        {"I8", false, []Op{signIn(1, "s", 1)}, book(1, two)},
		"one that is not known":           {"I8", false, []Op{at(1, Op{Kind: Probe, Status: 200, Subject: "s"})}, book(1, nil)},
		"another member's data":           {"I9", false, []Op{signIn(1, "s", 1), at(3, Op{Kind: Use, Status: 200, Session: "s", Subject: "t", SubjectMember: "bob"})}, book(1, one)},
		"a search finds what is not":      {"I9", false, []Op{at(1, Op{Kind: Search, Status: 200, Items: 3})}, book(1, nil)},
		"a sign-in is lost":               {"I10", false, []Op{signIn(1, "s", 1)}, book(1, nil)},
		"one key raises twice":            {"I12", false, []Op{at(1, revokeAll), at(3, Op{Kind: RevokeAll, Status: 200, Key: "k", Generation: 3})}, book(2, nil)},
		"no one asked":                    {"I12", false, nil, book(2, nil)},
		"the version goes down":           {"I13", false, []Op{at(1, Op{Kind: ReadPolicy, Status: 200, Version: 2, Policy: "b"}), at(3, Op{Kind: ReadPolicy, Status: 200, Version: 1, Policy: "a"})}, book(1, nil)},
		"a sign-in of an old generation":  {"I13", true, []Op{at(1, revokeAll), signIn(3, "s", 1)}, book(2, one)},
		"the generation has no beginning": {"I13", false, nil, Book{Generation: 2}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			history := History{Ops: c.ops, Book: c.book}
			found := Judge(history)
			if c.broken == "" {
				require.Empty(t, found)
			} else {
				require.NotEmpty(t, found)
				names := map[string]bool{}
				for _, violation := range found {
					names[violation.Invariant] = true
				}
				assert.Contains(t, names, c.broken)
			}
			assert.Equal(t, c.linear, len(Linearize(history, 10).Found) > 0, "porcupine")
		})
	}
}
