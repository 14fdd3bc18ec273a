package population

import (
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"curfew/backend/token"
)

// Tokens issues access tokens of a population, as the server would.
type Tokens struct {
	keys    *token.Keys
	members int
}

// Secrets returns the path of the secrets in a data folder.
func Secrets(folder string) string { return filepath.Join(folder, "keys.json") }

// OpenTokens opens the secrets in a data folder, of a population of so many members. Tokens live as
// long as they can, so that none expires in a run.
func OpenTokens(folder string, members int) (Tokens, error) {
	secrets, err := token.LoadSecrets(Secrets(folder), time.Now())
	if err != nil {
		return Tokens{}, err
	}
	keys, err := token.NewKeys(secrets.Access(token.LongestLifetime), time.Now)
	return Tokens{keys, members}, err
}

// Of returns a new token for the session of that number.
func (t Tokens) Of(number int) (string, error) {
	return t.issue(SessionID(number), MemberID(MemberOf(number, t.members)))
}

// Unknown returns a token that the server could have issued, for a session that does not exist.
func (t Tokens) Unknown() (string, error) { return t.issue(uuid.New(), MemberID(1)) }

func (t Tokens) issue(session, member uuid.UUID) (string, error) {
	text, _, err := t.keys.Issue(session, member, 1, time.Now().Add(24*time.Hour))
	return text, err
}
