package main

import (
	"context"
	"fmt"
	"time"

	"curfew/backend/bench/figure"
	"curfew/backend/bench/population"
	"curfew/backend/bench/program"
)

// Names of the contenders.
const (
	curfewItself = "Curfew"
	bareEcho     = "bare Echo"
	jwtHS256     = "echo-jwt, HS256"
	scsSQLite    = "scs on SQLite, idle timeout"
	gormSQLite   = "one GORM read on SQLite"
	curfewFlood  = "Curfew, flooded"
	bareFlood    = "bare Echo, flooded"
	curfewCrowd  = "Curfew, next to a crowd"
)

// Numbers of rounds. Many short rounds are better than a few long ones: a median tolerates what
// disturbs some of them.
const (
	hotRounds    = 9
	besideRounds = 3
	growthRounds = 3
)

// sessions is how many live sessions take turns.
const sessions = 1000

// scene is some contenders that are measured together, and what is made of it.
type scene struct {
	// name selects scenes, title is for people.
	name, title string
	play        func(context.Context, *stage) (rounds, error)
	// reference is the contender whose rate says how noisy a round was.
	reference string
	values    []value
}

// value is a figure that is worked out from every round.
type value struct {
	name, unit      string
	of              func(map[string]measurement) float64
	atLeast, atMost float64 // the targets; 0 for none
}

// Names of the figures that the README and the chart show.
const (
	rateToBare = "rate, to bare Echo"
	p99ToBare  = "99th percentile, to bare Echo"
)

// scenes are everything that is measured over HTTP.
var scenes = []scene{
	{
		name: "32", title: "GET /api/session, 32 connections", play: hot(32, true), reference: bareEcho,
		values: append(hotValues(),
			value{name: jwtHS256, of: ratio(measurement.rate, jwtHS256, bareEcho)},
			value{name: scsSQLite, of: ratio(measurement.rate, scsSQLite, bareEcho)},
			value{name: gormSQLite, of: ratio(measurement.rate, gormSQLite, bareEcho)}),
	},
	{
		name: "128", title: "GET /api/session, 128 connections", play: hot(128, false), reference: bareEcho,
		values: hotValues(),
	},
	{
		name: "flood", title: "GET /api/session next to a flood of forged tokens and of unknown sessions",
		play: flood, reference: bareEcho,
		values: []value{
			{name: "rate, to the same without the flood", of: ratio(measurement.rate, curfewFlood, curfewItself)},
			{name: "the same at bare Echo, which admits the flood", of: ratio(measurement.rate, bareFlood, bareEcho)},
			{name: "answers to the flood", unit: "/s", of: of(measurement.rateBeside, curfewFlood)},
			{name: "the same at bare Echo", unit: "/s", of: of(measurement.rateBeside, bareFlood)},
		},
	},
	{
		name: "crowd", title: "GET /api/session at a steady pace, next to 1,000 clients that sign in at once",
		play: crowd, reference: curfewItself,
		values: []value{
			{name: "rate, to the same without sign-ins", of: ratio(measurement.rate, curfewCrowd, curfewItself)},
			{name: "99th percentile", unit: " µs", of: of(measurement.p99, curfewCrowd)},
			{name: "the same without sign-ins", unit: " µs", of: of(measurement.p99, curfewItself)},
			{name: "successful sign-ins", unit: "/s", of: of(measurement.admittedBeside, curfewCrowd)},
		},
	},
}

func hotValues() []value {
	return []value{
		{name: rateToBare, of: ratio(measurement.rate, curfewItself, bareEcho), atLeast: 0.85},
		{name: p99ToBare, of: ratio(measurement.p99, curfewItself, bareEcho), atMost: 1.5},
		{name: "bare Echo", unit: "/s", of: of(measurement.rate, bareEcho)},
	}
}

// run plays the scene, and works its figures out.
func (s scene) run(ctx context.Context, on *stage) (figure.Section, error) {
	measured, err := s.play(ctx, on)
	if err != nil {
		return figure.Section{}, err
	}
	section := figure.Section{Title: s.title, Rounds: len(measured), Noisy: measured.noisy(s.reference)}
	for _, v := range s.values {
		f := figure.Figure{Name: v.name, Unit: v.unit, Spread: figure.Over(measured.each(v.of))}
		if v.atLeast != 0 {
			f.AtLeast = &v.atLeast
		}
		if v.atMost != 0 {
			f.AtMost = &v.atMost
		}
		if !f.Valid() {
			return figure.Section{}, fmt.Errorf("%s: not measured", v.name)
		}
		section.Figures = append(section.Figures, f)
	}
	return section, nil
}

// hot compares Curfew with the bare handler at so many connections, and with others where asked to.
func hot(connections int, withOthers bool) func(context.Context, *stage) (rounds, error) {
	return func(ctx context.Context, s *stage) (rounds, error) {
		d, contenders, err := s.pair(ctx)
		if err != nil {
			return nil, err
		}
		if withOthers {
			others, err := s.others(ctx, d, contenders[0].load)
			if err != nil {
				return nil, err
			}
			contenders = append(contenders, others...)
		}
		for i := range contenders {
			contenders[i].load.connections = connections
		}
		return s.hold(ctx, hotRounds, contenders...)
	}
}

// others returns echo-jwt, which judges Curfew's own tokens, and servers with sessions of their
// own.
func (s *stage) others(ctx context.Context, d *deployment, curfews load) ([]contender, error) {
	server, err := s.serveReference(ctx, "hs256", "--secrets", population.Secrets(d.folder))
	if err != nil {
		return nil, err
	}
	found := []contender{{name: jwtHS256, server: server, load: curfews}}
	for _, library := range [][2]string{{"scs", scsSQLite}, {"gorm", gormSQLite}} {
		server, issued, err := s.serveLibrary(ctx, library[0], sessions)
		if err != nil {
			return nil, err
		}
		l, err := s.load(issued, byCookie)
		if err != nil {
			return nil, err
		}
		found = append(found, contender{name: library[1], server: server, load: l})
	}
	return found, nil
}

// flood puts the same honest load on a server twice in each round: alone, and next to a flood of
// 100 connections that ask again 20 ms after each answer. The bare handler admits the flood, and
// shows what any server loses to so many more requests.
func flood(ctx context.Context, s *stage) (rounds, error) {
	d, contenders, err := s.pair(ctx)
	if err != nil {
		return nil, err
	}
	const enough = 100_000 // more than are sent in all rounds
	hostile, err := issued(enough, func(i int) (string, error) {
		if i%2 == 0 {
			return d.forged(1 + i%sessions)
		}
		return d.tokens.Unknown()
	})
	if err != nil {
		return nil, err
	}
	beside, err := s.load(hostile, byCookie)
	if err != nil {
		return nil, err
	}
	beside.connections, beside.seconds, beside.pause = 100, 2, 20*time.Millisecond
	for i, name := range []string{curfewFlood, bareFlood} {
		flooded := contenders[i]
		flooded.name, flooded.beside = name, &beside
		contenders = append(contenders, flooded)
	}
	return s.hold(ctx, besideRounds, contenders...)
}

// crowd lets 1,000 clients sign in at once, and again a second after they were answered. Next to
// them 32 connections ask 3 ms after each answer, some 8,000 times a second, so that the server has
// time for hashing. This is the one scene that has the server on both CPUs, as it is by default.
func crowd(ctx context.Context, s *stage) (rounds, error) {
	d, err := s.deployment(ctx)
	if err != nil {
		return nil, err
	}
	both := []int{s.cpus.server, s.cpus.generator}
	curfew, err := s.serveCurfew(ctx, both, d, "--trusted-proxies", "127.0.0.1/32")
	if err != nil {
		return nil, err
	}
	checks, err := s.load(d.given, byCookie)
	if err != nil {
		return nil, err
	}
	checks.seconds, checks.pause = 3, 3*time.Millisecond
	members, err := issued(d.members, func(i int) (string, error) { return population.MemberEmail(1 + i), nil })
	if err != nil {
		return nil, err
	}
	arrivals, err := s.load(members, signInFromAfar)
	if err != nil {
		return nil, err
	}
	arrivals.connections, arrivals.seconds, arrivals.pause = 1000, 4, time.Second
	return s.hold(ctx, besideRounds,
		contender{name: curfewItself, server: curfew, load: checks},
		contender{name: curfewCrowd, server: curfew, load: checks, beside: &arrivals})
}

// signInFromAfar is the sign-in of a member from an address of their own, as a proxy would report
// it.
func signInFromAfar(email string) program.Request {
	var number int
	_, _ = fmt.Sscanf(email, "member%d@", &number)
	r := signIn(email, "")
	address := fmt.Sprintf("10.0.%d.%d", number/250, 1+number%250)
	r.Headers = append(r.Headers, program.Header{"X-Forwarded-For", address})
	return r
}
