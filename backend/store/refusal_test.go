package store

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"curfew/backend/member"
	"curfew/backend/session"
)

// refusals are the errors of the domain by their names. Each type has one example.
var refusals = map[string]error{
	"session.ErrNotFound": session.ErrNotFound, "session.ErrNoSession": session.ErrNoSession, "session.ErrTokenNewer": session.ErrTokenNewer,
	"session.ErrRefreshTokenInvalid": session.ErrRefreshTokenInvalid, "session.ErrCredentialStale": session.ErrCredentialStale,
	"session.ErrReauthenticationRequired": session.ErrReauthenticationRequired, "session.ErrRestricted": session.ErrRestricted,
	"session.ErrFactorRequired": session.ErrFactorRequired, "session.ErrForbidden": session.ErrForbidden,
	"session.ErrCallerEnded": session.ErrCallerEnded, "session.ErrClockNotAhead": session.ErrClockNotAhead, "session.ErrKeyReused": session.ErrKeyReused,
	"session.EndedError": &session.EndedError{}, "session.StaleVersionError": &session.StaleVersionError{}, "session.CountError": &session.CountError{},
	"session.InvalidError": &session.InvalidError{Fields: []session.FieldError{{}}},

	"member.ErrCallerEnded": member.ErrCallerEnded, "member.ErrRestricted": member.ErrRestricted, "member.ErrRoleNeeded": member.ErrRoleNeeded,
	"member.ErrForbidden": member.ErrForbidden, "member.ErrProofNeeded": member.ErrProofNeeded, "member.ErrLastOwner": member.ErrLastOwner,
	"member.ErrEmailTaken": member.ErrEmailTaken, "member.ErrAddressRetired": member.ErrAddressRetired, "member.ErrOwnAccount": member.ErrOwnAccount, "member.ErrLinkInvalid": member.ErrLinkInvalid, "member.ErrLinkUsed": member.ErrLinkUsed,
	"member.ErrNameNeeded": member.ErrNameNeeded, "member.ErrNameNotNeeded": member.ErrNameNotNeeded,
	"member.ErrSecondFactorRequired": member.ErrSecondFactorRequired, "member.ErrBadCode": member.ErrBadCode,
	"member.ErrEnrolmentExpired": member.ErrEnrolmentExpired, "member.ErrNoSecondFactor": member.ErrNoSecondFactor,
	"member.ErrBadPasskey": member.ErrBadPasskey, "member.ErrNoPasskey": member.ErrNoPasskey, "member.ErrPasskeyKnown": member.ErrPasskeyKnown,
	"member.ErrPasskeysUnavailable": member.ErrPasskeysUnavailable, "member.ErrTooManyPasskeys": member.ErrTooManyPasskeys,
	"member.ErrBusy": member.ErrBusy, "member.ErrBadCredentials": member.ErrBadCredentials, "member.ErrAlreadySetUp": member.ErrAlreadySetUp,
	"member.ErrSetupToken": member.ErrSetupToken, "member.ErrNotFound": member.ErrNotFound,
	"member.PasswordError": &member.PasswordError{}, "member.ThrottledError": &member.ThrottledError{},
}

// TestARefusalIsNoStorageFailure walks every exported error of the domain through the store: each
// comes back as it is, and says that nothing was changed. ErrOutcomeUnknown alone says that a
// commit may have happened.
func TestARefusalIsNoStorageFailure(t *testing.T) {
	var exported []string
	for _, room := range []string{"session", "member"} {
		files, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			exported = append(exported, errorsOf(room, file)...)
		}
	}
	var known []string
	db := newDB(t)
	for name, refused := range refusals {
		known = append(known, name)
		err := db.write(t.Context(), func(*gorm.DB) error { return refused })
		require.Same(t, refused, err, name)
		require.NotErrorIs(t, err, session.ErrOutcomeUnknown)
	}
	require.ElementsMatch(t, exported, append(known, "session.ErrOutcomeUnknown"))

	var trouble *UnavailableError
	err := db.write(t.Context(), func(*gorm.DB) error { return errors.New("disk on fire") })
	require.ErrorAs(t, err, &trouble)
	require.NotErrorIs(t, err, session.ErrOutcomeUnknown, "a statement that failed changed nothing")
	err = db.write(t.Context(), func(tx *gorm.DB) error { return exec(tx, "COMMIT") }) // whose own COMMIT has nothing to commit
	require.ErrorAs(t, err, &trouble)
	require.ErrorIs(t, err, session.ErrOutcomeUnknown)
}

// errorsOf lists the exported variables and types of a file that are errors by their names.
func errorsOf(room string, file *ast.File) (names []string) {
	for _, declared := range file.Decls {
		general, ok := declared.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if general.Tok == token.VAR && strings.HasPrefix(name.Name, "Err") {
						names = append(names, room+"."+name.Name)
					}
				}
			case *ast.TypeSpec:
				if spec.Name.IsExported() && strings.HasSuffix(spec.Name.Name, "Error") && spec.Name.Name != "FieldError" {
					names = append(names, room+"."+spec.Name.Name)
				}
			}
		}
	}
	return names
}
