package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"curfew/backend/member"
	"curfew/backend/session"
)

// castTable lists the people of the story, one a line: name, local part of the address, hours ahead
// of UTC, role, and part.
//
//go:embed cast.tsv
var castTable string

// part is what is special about a person in the story.
type part string

const (
	ordinary part = ""
	invited  part = "invited" // has not opened the link yet
	left     part = "left"    // was deactivated
	program  part = "program" // is not human, and works at any hour
)

// person is a member of the cast.
type person struct {
	name  string
	email string
	zone  *time.Location
	role  member.Role
	part  part

	// clients are the clients they sign in on, the one at their desk first.
	clients []session.Client
	// settled is the last time at which all of their sessions ended. Later sessions stay.
	settled time.Time
	// codes reports whether they sign in with a code from an app, too.
	codes bool
	// visit is the visit at their desk, in which they do what the story plans.
	visit *visit

	member member.Member
	link   member.Link
}

func (p *person) desk() session.Client { return p.clients[0] }

// readCast reads the table.
func readCast() ([]*person, error) {
	var cast []*person
	for line := range strings.Lines(castTable) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 5 {
			return nil, fmt.Errorf("read the cast: %q has %d fields", line, len(fields))
		}
		hours, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, fmt.Errorf("read the cast: %w", err)
		}
		cast = append(cast, &person{
			name: fields[0], email: fields[1] + "@example.org", zone: time.FixedZone("", int(hours*3600)),
			role: member.Role(fields[3]), part: part(fields[4]),
		})
	}
	return cast, nil
}
