package httpapi

import (
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// PasswordReset is a member's new password. It is shown once and not stored.
type PasswordReset struct {
	Member   Member `json:"member"`
	Password string `json:"password"`
}

func (a *API) resetMemberPassword(c echo.Context, _ session.Principal, id member.ID) error {
	m, password, err := a.Members.Reset(c.Request().Context(), id)
	return answer(c, PasswordReset{Member: wireMember(m), Password: password}, err)
}

// BackupRequest names the file to write a backup to, by its absolute path on the server's host, and
// whether to replace it.
type BackupRequest struct {
	File    string `json:"file" validate:"required,startswith=/"`
	Replace bool   `json:"replace"`
}

// Backup describes a backup.
type Backup struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	// To is the newest recorded time.
	To       time.Time `json:"to"`
	Members  int64     `json:"members"`
	Sessions int64     `json:"sessions"`
	// Chain is what the check of its audit log found.
	Chain AuditChain `json:"chain"`
}

// FileError says why the file of a backup cannot be written.
type FileError struct{ Code, Message string }

func (e *FileError) Error() string { return e.Message }

func (a *API) makeBackup(c echo.Context, who session.Principal, in BackupRequest) error {
	event := audit.Event{At: a.Now(), Action: audit.BackedUp, Actor: who.Caller().Actor, Target: "organization"}
	backup, chain, err := a.Backup(c.Request().Context(), in.File, in.Replace, event)
	if err != nil {
		return err
	}
	backup.Chain = a.remember(chain)
	// A large backup may outlast the server's deadline for the answer.
	return answer(c, backup, a.deadlineWriter(c).extendDeadline())
}

// Clock holds the time of sessions, the machine's, and what would end if the machine's were
// accepted.
type Clock struct {
	Curfew       time.Time `json:"curfew"`
	Machine      time.Time `json:"machine"`
	AheadSeconds float64   `json:"aheadSeconds"`
	Sessions     int64     `json:"sessions"`
	Members      int64     `json:"members"`
	Links        int64     `json:"links"`
}

func (a *API) getClock(c echo.Context, _ session.Principal) error {
	links, err := a.Members.OpenLinks(c.Request().Context())
	if err != nil {
		return err
	}
	now, ahead := a.Now(), a.ClockAhead()
	figures, err := a.Sessions.Figures(c.Request().Context(), now)
	return answer(c, Clock{
		Curfew: now, Machine: now.Add(-ahead), AheadSeconds: ahead.Seconds(),
		Sessions: int64(figures.Live.Sessions), Members: int64(figures.Live.Members), Links: int64(links),
	}, err)
}

func (a *API) acceptTime(c echo.Context, who session.Principal) error {
	receipt, err := a.AcceptTime(c.Request().Context())
	return answer(c, wireReceipt(receipt, who), err)
}
