package audit

import (
	"strings"

	"curfew/backend/fold"
)

// synonyms are the words that people use for an action, next to those of its name.
var synonyms = map[Action]string{
	OrganizationSetUp:       "started",
	PolicySaved:             "changed session configuration length lifetime",
	SessionStarted:          "signed in sign-in login",
	SessionRefused:          "failed sign-in login wrong password",
	SessionEnded:            "signed out sign-out logout",
	SessionsRevokedAll:      "signed everyone out",
	Reauthenticated:         "confirmed password",
	ReauthenticationRefused: "failed confirm wrong password",
	MemberInvited:           "added",
	MemberRemoved:           "deleted",
	MemberRevoked:           "signed out everywhere",
	LinkIssued:              "created invitation reset",
	LinkUsed:                "accepted",
	BackedUp:                "backup",
	Restored:                "backup",
	TimeAccepted:            "time",
	SecondFactorSet:         "two-step added",
	SecondFactorRemoved:     "two-step",
	RecoveryCodesMade:       "created",
	SecondFactorRequired:    "two-step sign-in required",
}

// Matcher returns a function that reports whether each word of a search is found in an entry: in
// the folded texts about the members, the actor's name at the time, the words of the action, the
// address, or what people wrote, such as a name or a reason.
func Matcher(search string) func(e *Entry, members string) bool {
	words, actions := fold.Words(search), map[Action]string{}
	return func(e *Entry, members string) bool {
		named, known := actions[e.Action]
		if !known {
			named = fold.Key(strings.NewReplacer(".", " ", "_", " ").Replace(string(e.Action)) + " " + synonyms[e.Action])
			actions[e.Action] = named
		}
		text := members + " " + named + " " + fold.Key(e.Actor.Name+" "+e.Address+texts(e.Details))
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return true
	}
}

// texts returns the texts among details, but for ids and the user agent, each after a space.
func texts(details map[string]any) (found string) {
	for name, value := range details {
		switch value := value.(type) {
		case string:
			if name != "userAgent" && name != "member" {
				found += " " + strings.ReplaceAll(value, "_", " ")
			}
		case map[string]any:
			found += texts(value)
		}
	}
	return found
}
