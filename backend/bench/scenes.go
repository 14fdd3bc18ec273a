package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	_ "github.com/mattn/go-sqlite3" // to look into the databases

	"curfew/backend/bench/population"
)

// The contenders' names.
const (
	curfewItself = "Curfew"
	bareEcho     = "bare Echo"
	jwtHS256     = "echo-jwt HS256"
	jwtEdDSA     = "echo-jwt EdDSA"
	scsSQLite    = "scs on SQLite, idle timeout"
	gormSQLite   = "GORM read on SQLite"
	bareArgon2id = "bare argon2id"
)

// scene is some contenders that are measured together, and what is made of it.
type scene struct {
	// name is short, for choosing scenes; title is for people.
	name, title string
	play        func(context.Context, *stage) (rounds, error)
	// reference is whose rate tells how noisy a round was.
	reference string
	figures   []figure
}

// figure is one value that comes out of every round of a scene.
type figure struct {
	title string
	// bar is its name in the chart, which shows shares of a bare handler's rate; empty for what is no such share.
	bar   string
	value func(map[string]measurement) float64
	// unit is empty for a ratio.
	unit string
	// target is a bound that was promised of Curfew; zero for what others do, or where nothing was promised.
	target target
}

// target is a bound that was promised, and what was hoped for beyond it; its zero value promises nothing.
type target struct{ atLeast, atMost, aim float64 }

func (t target) met(value float64) bool {
	return value >= t.atLeast && (t.atMost == 0 || value <= t.atMost)
}

// hot90 is what was promised of the hot path in any situation, to a bare handler.
var hot90 = target{atLeast: 0.9, aim: 0.95}

// Names of what runs beside others under other names than their own.
const (
	aThousand    = "Curfew, 1,000 live"
	aMillion     = "Curfew, 1,000,000 live"
	curfewFlood  = "Curfew, flooded"
	bareFlood    = "bare Echo, flooded"
	curfewCrowd  = "Curfew, 1,000 sign in"
	curfewSweeps = "Curfew, sweeping"
	mainRounds   = 7 // short ones, because the median of many bears more of what disturbs some of them
	moreRounds   = 5
	fewerRounds  = 3
	manySessions = 100_000
)

// scenes is everything that is measured over HTTP.
var scenes = []scene{
	{
		name: "cookie", title: "GET /api/session by cookie, 32 connections, 1,000 sessions taking turns",
		play: hotByCookie, reference: bareEcho,
		figures: hotFigures("by cookie",
			figure{title: "echo-jwt HS256, to bare Echo", bar: "echo-jwt, HS256", value: ratio(measurement.rate, jwtHS256, bareEcho)},
			figure{title: "echo-jwt EdDSA, to bare Echo", bar: "echo-jwt, EdDSA", value: ratio(measurement.rate, jwtEdDSA, bareEcho)},
			figure{
				title: "scs on SQLite with idle timeout, to bare Echo", bar: "scs on SQLite, idle timeout",
				value: ratio(measurement.rate, scsSQLite, bareEcho),
			},
			figure{title: "one GORM read on SQLite, to bare Echo", bar: "one GORM read on SQLite", value: ratio(measurement.rate, gormSQLite, bareEcho)},
		),
	},
	{
		name: "bearer", title: "The same by bearer token", play: hot(byBearer, "header:Authorization:Bearer ", 32), reference: bareEcho,
		figures: hotFigures("by bearer token"),
	},
	{
		name: "128", title: "The same by cookie, 128 connections", play: hot(byCookie, "", 128), reference: bareEcho,
		figures: hotFigures("128 connections"),
	},
	{
		name: "bearer-128", title: "The same by bearer token, 128 connections",
		play: hot(byBearer, "header:Authorization:Bearer ", 128), reference: bareEcho,
		figures: hotFigures("by bearer token, 128 connections"),
	},
	{
		name: "100000", title: "The same, 100,000 sessions taking turns", play: manyTakeTurns, reference: bareEcho,
		figures: hotFigures("100,000 sessions take turns"),
	},
	{
		name: "million", title: "The same, with 1,000,000 live sessions", play: millionLive, reference: bareEcho,
		figures: []figure{
			{title: "rate, to the same with 1,000", value: ratio(measurement.rate, aMillion, aThousand), target: target{atLeast: 0.9}},
			{title: "rate, to bare Echo", bar: "Curfew, 1,000,000 live sessions", value: ratio(measurement.rate, aMillion, bareEcho), target: hot90},
			{title: "99th percentile, to bare Echo", value: ratio(measurement.p99, aMillion, bareEcho), target: target{atMost: 1.2}},
			{title: "memory of the process", value: of(aMillion, measurement.memoryAfter), unit: " MiB"},
		},
	},
	{
		name: "fresh", title: "Each token seen for the first time", play: fresh(1000, 32), reference: bareEcho,
		figures: []figure{
			{
				title: "rate, to bare Echo", bar: "Curfew, tokens never seen before",
				value: ratio(measurement.rate, curfewItself, bareEcho), target: target{atLeast: 0.5},
			},
			{title: "rate, to echo-jwt HS256", value: ratio(measurement.rate, curfewItself, jwtHS256), target: target{atLeast: 1}},
		},
	},
	{
		name: "cold", title: "Each token seen for the first time, of one of 1,000,000 sessions, one connection",
		play: fresh(1_000_000, 1), reference: bareEcho,
		figures: []figure{
			{title: "median", value: of(curfewItself, measurement.p50), unit: " µs"},
			{title: "99th percentile", value: of(curfewItself, measurement.p99), unit: " µs"},
			{title: "median at bare Echo", value: of(bareEcho, measurement.p50), unit: " µs"},
		},
	},
	{
		name: "flood", title: "A flood of forged tokens and of unknown sessions, beside honest requests", play: flood, reference: bareEcho,
		figures: []figure{
			{
				title: "honest rate, to the same without the flood",
				value: ratio(measurement.rate, curfewFlood, curfewItself), target: target{atLeast: 0.8},
			},
			{title: "bare Echo's, which lets the flood in", value: ratio(measurement.rate, bareFlood, bareEcho)},
			{title: "the flood, as far as it is answered", value: of(curfewFlood, measurement.rateBeside), unit: "/s"},
			{title: "at bare Echo", value: of(bareFlood, measurement.rateBeside), unit: "/s"},
		},
	},
	{
		name: "sign-in", title: "Sign-ins, 8 connections", play: signIns, reference: bareArgon2id,
		figures: []figure{
			{title: "rate, to the bare argon2id hash", value: ratio(measurement.rate, curfewItself, bareArgon2id)},
			{title: "sign-ins", value: of(curfewItself, measurement.rate), unit: "/s"},
		},
	},
	{
		name: "crowd", title: "1,000 clients sign in at once, beside checks at a steady pace, with both processors", play: crowd, reference: curfewItself,
		figures: []figure{
			{title: "checks, to the same without sign-ins", value: ratio(measurement.rate, curfewCrowd, curfewItself), target: target{atLeast: 0.8}},
			{title: "checks without sign-ins", value: of(curfewItself, measurement.rate), unit: "/s"},
			{title: "99th percentile of a check", value: of(curfewCrowd, measurement.p99), unit: " µs"},
			{title: "the same without sign-ins", value: of(curfewItself, measurement.p99), unit: " µs"},
			{title: "sign-ins that came through", value: of(curfewCrowd, measurement.admittedBeside), unit: "/s"},
			{title: "memory before", value: of(curfewCrowd, measurement.memoryBefore), unit: " MiB"},
			{title: "memory at most", value: of(curfewCrowd, measurement.memoryPeak), unit: " MiB"},
			{title: "memory after", value: of(curfewCrowd, measurement.memoryAfter), unit: " MiB"},
		},
	},
	{
		name: "sweep", title: "The rows of 100,000 revoked sessions are swept, beside the requests of one that came after", play: sweep, reference: curfewItself,
		figures: []figure{
			{title: "rate, to the same with nothing to sweep", value: ratio(measurement.rate, curfewSweeps, curfewItself), target: target{atLeast: 0.95}},
		},
	},
}

// hotFigures are the hot path's, for each way to ask.
func hotFigures(way string, others ...figure) []figure {
	promised := []figure{
		{title: "rate, to bare Echo", bar: "Curfew, " + way, value: ratio(measurement.rate, curfewItself, bareEcho), target: hot90},
		{title: "the same by the server's processor time", value: ratio(measurement.thrift, curfewItself, bareEcho)},
		{title: "rate, to echo-jwt HS256", value: ratio(measurement.rate, curfewItself, jwtHS256), target: target{atLeast: 2}},
		{title: "99th percentile, to bare Echo", value: ratio(measurement.p99, curfewItself, bareEcho), target: target{atMost: 1.2}},
	}
	return slices.Concat(promised, others, []figure{{title: "bare Echo", value: of(bareEcho, measurement.rate), unit: "/s"}})
}

// hotByCookie compares with every reference.
func hotByCookie(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx, 1000)
	if err != nil {
		return nil, err
	}
	ours, err := s.threeOf(ctx, d, 1000, byCookie, "")
	if err != nil {
		return nil, err
	}
	given, err := d.tokens(1000)
	if err != nil {
		return nil, err
	}
	for _, other := range []struct {
		kind, name string
		waits      bool
	}{{"eddsa", jwtEdDSA, false}, {"scs", scsSQLite, true}, {"gorm", gormSQLite, false}} {
		file := s.file()
		started, err := s.references(ctx, ours[0].server, given, reference{other.kind, "--sessions", "1000", "--issued", file, "--database", s.file()})
		if err != nil {
			return nil, err
		}
		issued, err := issuedBy(file)
		if err != nil {
			return nil, err
		}
		l, err := s.load(issued, byCookie)
		if err != nil {
			return nil, err
		}
		ours = append(ours, contender{name: other.name, server: started[0], load: l, waits: other.waits})
	}
	return s.hold(ctx, contest{contenders: ours, rounds: mainRounds})
}

// hot compares Curfew with the bare handler and with HS256.
func hot(by transport, lookup string, connections int) func(context.Context, *stage) (rounds, error) {
	return func(ctx context.Context, s *stage) (rounds, error) {
		d, err := s.deployment(ctx, 1000)
		if err != nil {
			return nil, err
		}
		three, err := s.threeOf(ctx, d, 1000, by, lookup)
		if err != nil {
			return nil, err
		}
		for i := range three {
			three[i].load.connections = connections
		}
		return s.hold(ctx, contest{contenders: three, rounds: moreRounds})
	}
}

// threeOf are Curfew, the bare handler and HS256, which all get the same requests of so many sessions.
func (s *stage) threeOf(ctx context.Context, d *deployment, sessions int, by transport, lookup string) ([]contender, error) {
	curfew, err := s.serveCurfew(ctx, d)
	if err != nil {
		return nil, err
	}
	given, err := d.tokens(sessions)
	if err != nil {
		return nil, err
	}
	judge := reference{"hs256", "--secrets", population.Secrets(d.folder)}
	if lookup != "" {
		judge = append(judge, "--lookup", lookup)
	}
	started, err := s.references(ctx, curfew, given, reference{"bare"}, judge)
	if err != nil {
		return nil, err
	}
	l, err := s.load(given, by)
	if err != nil {
		return nil, err
	}
	return []contender{
		{name: curfewItself, server: curfew, load: l},
		{name: bareEcho, server: started[0], load: l, open: true},
		{name: jwtHS256, server: started[1], load: l},
	}, nil
}

// manyTakeTurns asks for another session each time, until all of them had their turn and the first one's comes again.
func manyTakeTurns(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx, manySessions)
	if err != nil {
		return nil, err
	}
	three, err := s.threeOf(ctx, d, manySessions, byCookie, "")
	if err != nil {
		return nil, err
	}
	three[0].warmth = manySessions
	return s.hold(ctx, contest{contenders: three, rounds: moreRounds})
}

// millionLive asks for a thousand sessions that are spread over a million, which are all in memory, and for a thousand of a thousand.
func millionLive(ctx context.Context, s *stage) (rounds, error) {
	var contenders []contender
	for _, c := range []struct {
		name     string
		sessions int
	}{{aThousand, 1000}, {aMillion, 1_000_000}} {
		d, err := s.deployment(ctx, c.sessions)
		if err != nil {
			return nil, err
		}
		curfew, err := s.serveCurfew(ctx, d)
		if err != nil {
			return nil, err
		}
		given, err := d.tokens(1000)
		if err != nil {
			return nil, err
		}
		l, err := s.load(given, byCookie)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, contender{name: c.name, server: curfew, load: l})
	}
	given, err := s.deployments[1000].tokens(1000)
	if err != nil {
		return nil, err
	}
	started, err := s.references(ctx, contenders[0].server, given, reference{"bare"})
	if err != nil {
		return nil, err
	}
	contenders = append(contenders, contender{name: bareEcho, server: started[0], load: contenders[0].load, open: true})
	return s.hold(ctx, contest{contenders: contenders, rounds: moreRounds})
}

// fresh gives every round tokens that no server has seen, of sessions that few or none of the rounds before have asked for.
func fresh(sessions, connections int) func(context.Context, *stage) (rounds, error) {
	return func(ctx context.Context, s *stage) (rounds, error) {
		d, err := s.deployment(ctx, sessions)
		if err != nil {
			return nil, err
		}
		three, err := s.threeOf(ctx, d, 1000, byCookie, "")
		if err != nil {
			return nil, err
		}
		return s.hold(ctx, contest{contenders: three, rounds: moreRounds, fresh: func(fastest float64) (load, error) {
			given, err := d.tokens(int(fastest * 2))
			if err != nil {
				return load{}, err
			}
			l, err := s.load(given, byCookie)
			l.fresh, l.connections = true, connections
			return l, err
		}})
	}
}

// flood puts the same honest load on a server twice in each round: alone, and beside a flood. The flood is 100 connections that ask again 20 ms
// after each answer, as often as the server answers them. What any server loses to so many more requests, whatever they are, shows at the bare
// one, which lets them in.
func flood(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx, 1000)
	if err != nil {
		return nil, err
	}
	three, err := s.threeOf(ctx, d, 1000, byCookie, "")
	if err != nil {
		return nil, err
	}
	const enough = 100_000 // more than come in all rounds
	hostile, err := issued(enough, func(i int) (string, error) {
		if i%2 == 0 {
			return d.forged(1 + i%d.sessions)
		}
		return d.unknown()
	})
	if err != nil {
		return nil, err
	}
	beside, err := s.load(hostile, byCookie)
	if err != nil {
		return nil, err
	}
	beside.connections, beside.seconds, beside.pause = 100, 2, 20*time.Millisecond
	contenders := slices.Clone(three[:2])
	for i, name := range []string{curfewFlood, bareFlood} {
		flooded := three[i]
		flooded.name, flooded.beside = name, &beside
		contenders = append(contenders, flooded)
	}
	return s.hold(ctx, contest{contenders: contenders, rounds: moreRounds})
}

// signIns compares with the hash of a password alone. Each is another member's, from another address, as a proxy in front would tell.
func signIns(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx, 1000)
	if err != nil {
		return nil, err
	}
	curfew, err := s.serveCurfew(ctx, d, "--trusted-proxies", "127.0.0.1/32")
	if err != nil {
		return nil, err
	}
	hash, err := ownersHash(ctx, d)
	if err != nil {
		return nil, err
	}
	given, err := d.tokens(1)
	if err != nil {
		return nil, err
	}
	started, err := s.references(ctx, curfew, given, reference{"argon2id", "--hash", hash})
	if err != nil {
		return nil, err
	}
	l, err := s.signInLoad(d)
	if err != nil {
		return nil, err
	}
	l.connections, l.seconds = 8, 3
	return s.hold(ctx, contest{rounds: fewerRounds, contenders: []contender{
		{name: curfewItself, server: curfew, load: l}, {name: bareArgon2id, server: started[0], load: l},
	}})
}

// crowd lets 1,000 clients sign in at once, and again a second after they were answered, beside checks at a steady pace: 32 connections that
// ask 3 ms after they were answered, some 8,000 a second, which leaves the server idle most of the time. Were it asked for all that it can do,
// nothing could be left for hashing; and of one processor alone hashing takes all, at one hash after the other. So this is the one scene that
// has the server on both processors, as it is by default.
func crowd(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx, 1000)
	if err != nil {
		return nil, err
	}
	curfew, err := s.serveCurfewOn(ctx, []int{s.cores.server, s.cores.generator}, d, "--trusted-proxies", "127.0.0.1/32")
	if err != nil {
		return nil, err
	}
	given, err := d.tokens(1000)
	if err != nil {
		return nil, err
	}
	checks, err := s.load(given, byCookie)
	if err != nil {
		return nil, err
	}
	checks.seconds, checks.pause = 3, 3*time.Millisecond
	arrivals, err := s.signInLoad(d)
	if err != nil {
		return nil, err
	}
	arrivals.connections, arrivals.seconds, arrivals.pause = 1000, 4, time.Second
	return s.hold(ctx, contest{rounds: fewerRounds, contenders: []contender{
		{name: curfewItself, server: curfew, load: checks}, {name: curfewCrowd, server: curfew, load: checks, beside: &arrivals},
	}})
}

// signInLoad is one sign-in of each member.
func (s *stage) signInLoad(d *deployment) (load, error) {
	var emails []string
	addresses := map[string]string{}
	for i := range d.members {
		email := fmt.Sprintf("member%07d@example.org", 1+i)
		emails = append(emails, email)
		addresses[email] = fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)
	}
	return s.load(emails, func(email string) request {
		r := signIn(email, "")
		r.headers = append(r.headers, header{"X-Forwarded-For", addresses[email]})
		return r
	})
}

// sweep revokes everybody in a large organization, and asks for a session that began afterwards while the rows of the others are being
// closed; and for a session of a small one, which has nothing to close.
func sweep(ctx context.Context, s *stage) (rounds, error) {
	small, err := s.deployment(ctx, 1000)
	if err != nil {
		return nil, err
	}
	large, err := s.deployment(ctx, manySessions)
	if err != nil {
		return nil, err
	}
	delete(s.deployments, manySessions) // whose sessions are of no use to another scene any more
	contenders := []contender{{name: curfewItself}, {name: curfewSweeps}}
	for i, d := range []*deployment{small, large} {
		curfew, err := s.serveCurfew(ctx, d)
		if err != nil {
			return nil, err
		}
		if d == large {
			if err := revokeEverybody(ctx, curfew.address); err != nil {
				return nil, err
			}
		}
		token, err := signInOwner(ctx, curfew.address)
		if err != nil {
			return nil, err
		}
		contenders[i].server = curfew
		if contenders[i].load, err = s.load([]string{token}, byCookie); err != nil {
			return nil, err
		}
	}
	measured, err := s.hold(ctx, contest{contenders: contenders, rounds: moreRounds})
	if err != nil {
		return nil, err
	}
	var open int
	if err := large.read(ctx, "SELECT count(*) FROM sessions WHERE ended_at IS NULL", &open); err != nil {
		return nil, err
	}
	if open < 1000 || open > manySessions-1000 {
		return nil, fmt.Errorf("%d rows are open in the end: the sweep ran out of work, or did none", open)
	}
	return measured, nil
}

// ownersHash is the hash of the password that everybody in a population has.
func ownersHash(ctx context.Context, d *deployment) (hash string, err error) {
	err = d.read(ctx, "SELECT password_hash FROM members WHERE email = '"+population.OwnerEmail+"'", &hash)
	return hash, err
}

// read reads one value from the deployment's database.
func (d *deployment) read(ctx context.Context, query string, value any) (err error) {
	db, err := sql.Open("sqlite3", population.Database(d.folder))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.QueryRowContext(ctx, query).Scan(value)
}
