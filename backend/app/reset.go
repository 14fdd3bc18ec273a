package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"curfew/backend/member"
	"curfew/backend/session"
	"curfew/backend/store"
)

// ResetMember gives the member of that e-mail address a new random password, reactivates them and ends their sessions: the
// operator's way to let somebody back in (rule R9). It returns the password, which is kept nowhere else.
func (f *DataFolder) ResetMember(ctx context.Context, email string) (m member.Member, password string, err error) {
	if _, err := os.Stat(f.database()); err != nil {
		return member.Member{}, "", fmt.Errorf("there is no database in %s; name the data folder of the deployment with --data", f.path)
	}
	db, err := store.Open(ctx, f.database(), slog.New(slog.DiscardHandler))
	if err != nil {
		return member.Member{}, "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	newest, err := db.NewestTime(ctx)
	if err != nil {
		return member.Member{}, "", err
	}
	members, err := member.New(db, session.SystemClock(newest).Now, "", nil)
	if err != nil {
		return member.Member{}, "", err
	}
	m, password, err = members.Reset(ctx, email)
	if errors.Is(err, member.ErrNotFound) {
		return member.Member{}, "", fmt.Errorf("no member has the e-mail address %q", email)
	}
	return m, password, err
}
