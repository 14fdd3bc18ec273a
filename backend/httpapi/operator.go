package httpapi

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"curfew/backend/audit"
	"curfew/backend/member"
	"curfew/backend/session"
)

// PasswordReset is a member's new password, which is shown this once and kept nowhere.
type PasswordReset struct {
	Member   Member `json:"member"`
	Password string `json:"password"`
}

func (a *API) resetMemberPassword(c echo.Context, _ session.Principal, id member.ID) error {
	m, password, err := a.Members.Reset(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, PasswordReset{Member: wireMember(m), Password: password})
}

// BackupRequest names the file to write a backup to, by its whole path on the server's host, and whether one that is there is replaced.
type BackupRequest struct {
	File    string `json:"file" validate:"required,startswith=/"`
	Replace bool   `json:"replace"`
}

// Backup is what a backup has in it.
type Backup struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	// To is the newest time on record in it.
	To       time.Time `json:"to"`
	Members  int64     `json:"members"`
	Sessions int64     `json:"sessions"`
	// Chain is what the check of the audit log in it found.
	Chain AuditChain `json:"chain"`
}

// FileError is why a file that the operator named cannot be written.
type FileError struct{ Code, Message string }

func (e *FileError) Error() string { return e.Message }

func (a *API) makeBackup(c echo.Context, who session.Principal, in BackupRequest) error {
	event := audit.Event{At: a.Now(), Action: audit.BackedUp, Actor: who.Caller().Actor, Target: "organization"}
	backup, chain, err := a.Backup(c.Request().Context(), in.File, in.Replace, event)
	if err != nil {
		return err
	}
	backup.Chain = wireFinding(chain, a.Now())
	// The larger the database, the longer that took, and the server's limit for an answer may be over before this one begins.
	if err := a.deadlineWriter(c).extendDeadline(); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, backup)
}

// Clock is the time that sessions live by, next to the machine's, and what would end if the machine's were accepted.
type Clock struct {
	Curfew       time.Time `json:"curfew"`
	Machine      time.Time `json:"machine"`
	AheadSeconds float64   `json:"aheadSeconds"`
	Sessions     int64     `json:"sessions"`
	Members      int64     `json:"members"`
	Links        int64     `json:"links"`
}

// TimeAccepted is what it took to accept the machine's time.
type TimeAccepted struct {
	At               time.Time `json:"at"`
	SessionsEnded    int64     `json:"sessionsEnded"`
	MembersSignedOut int64     `json:"membersSignedOut"`
	LinksWithdrawn   int64     `json:"linksWithdrawn"`
	Generation       int64     `json:"generation"`
	AuditSequence    int64     `json:"auditSequence"`
	AuditHash        string    `json:"auditHash"`
}

func (a *API) getClock(c echo.Context, _ session.Principal) error {
	links, err := a.Members.OpenLinks(c.Request().Context())
	if err != nil {
		return err
	}
	now, ahead := a.Now(), a.ClockAhead()
	figures, err := a.Sessions.Figures(c.Request().Context(), now)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, Clock{
		Curfew: now, Machine: now.Add(-ahead), AheadSeconds: ahead.Seconds(),
		Sessions: int64(figures.Live.Sessions), Members: int64(figures.Live.Members), Links: int64(links),
	})
}

func (a *API) acceptTime(c echo.Context, _ session.Principal) error {
	receipt, err := a.AcceptTime(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, TimeAccepted{
		At: receipt.RevokedAt, SessionsEnded: int64(receipt.SessionsEnded), MembersSignedOut: int64(receipt.MembersSignedOut),
		LinksWithdrawn: int64(receipt.LinksWithdrawn), Generation: int64(receipt.Generation),
		AuditSequence: receipt.AuditSequence, AuditHash: receipt.AuditHash.String(),
	})
}
