package main

import (
	"fmt"
	"io"
)

// invariants are the promises by their numbers in the list that this harness was made for, each
// with what proves it on one server: scenes of this harness by their names, or tests by theirs. A
// test of this package holds that all of them exist.
var invariants = []struct {
	id, promise   string
	scenes, tests []string
}{
	{"I1", "after a revocation of all sessions was answered, no older session gets in", []string{"kills", "pauses", "full disk", "locked database"},
		[]string{"TestNothingIsAdmittedAfterTheAnswer", "TestRevokeAllIsFinal"}},
	{"I2", "an answered policy is never lost, torn or half seen", []string{"kills", "full disk"}, []string{"TestOnlyOneOfTwoSavesOfAVersionWins"}},
	{"I3", "tabs that refresh at once get one successor, and none is signed out", []string{"kills", "pauses"}, []string{"TestARaceOfTabsGetsOneSuccessor"}},
	{"I4", "a spent refresh token ends its chain, and no other does", []string{"kills"}, []string{"TestAThousandRotationsInOneInstantLeaveNoOldTokenGood"}},
	{"I5", "a session that has ended stays ended", []string{"kills", "clock", "corrupt files"}, []string{"TestDeathIsFinal", "TestWhatHadEndedStaysEndedThoughNobodyAsked"}},
	{"I6", "so does one that was revoked alone, or with its member's others", []string{"kills", "full disk", "locked database", "unknown commits"}, []string{"TestDeactivatingEndsTheSessionsForGood", "TestANewPasswordEndsTheOtherSessions"}},
	{"I7", "a storage failure signs no member out, and is answered with 503", []string{"full disk", "locked database", "starved", "pauses", "unknown commits"}, []string{"TestAnOutageSignsNobodyOut"}},
	{"I8", "sessions come from sign-ins alone", []string{"kills"}, []string{"TestATokenOfALaterGenerationIsRefused"}},
	{"I9", "no answer has another member's data", []string{"kills"}, []string{"TestAListShowsOnlyLiveSessionsOfOnesOwn"}},
	{"I10", "each operation is whole or absent, and its entry in the log with it", []string{"kills", "full disk"}, []string{"TestAnAuditEntryThatFailsTakesItsChangeWithIt", "TestALogThatIsCutKeepsWhatWasAnswered"}},
	{"I11", "each event is in the log once, in a chain that verifies", []string{"kills"}, []string{"TestTheAuditChainRecomputes"}},
	{"I12", "a revocation that is asked for again under its key is the same one", []string{"kills"}, []string{"TestOneRevocationFromManySessionsAtOnceCountsOnce"}},
	{"I13", "generation and version never go down for any client", []string{"kills", "pauses"}, []string{"TestATokenOfALaterGenerationIsRefused"}},
	{"I14", "with several nodes: one that cannot prove that it is fresh serves no one", nil, nil},
	{"I15", "with several nodes: a revocation ends in time, even if some nodes fail", nil, nil},
	{"I16", "guessers are paced, and lock no member out", []string{"a thousand at once"}, []string{"TestABurstOfGuessesGetsExactlyTheCap", "TestGuessersLockNobodyOut"}},
	{"I17", "the memory and descriptors that a crowd takes are freed again", []string{"a thousand at once", "starved"}, []string{"TestAFloodOfHashesIsRefusedBeforeItTakesMemory"}},
	{"I18", "a session ends when it should, even if the wall clock jumps", []string{"clock"}, []string{"TestClock", "TestAnAccessOneMillisecondBeforeTheEndKeepsTheSessionAlive"}},
	{"I19", "no secret stands in a log or in the data folder", []string{"kills"}, []string{"TestNoSecretLeaves"}},
	{"I20", "a restored backup revives no session", nil, []string{"TestNothingThatWasRevokedAfterABackupLivesAgain", "TestATokenOfALaterGenerationIsRefused"}},
}

func printInvariants(w io.Writer) {
	fmt.Fprintln(w, "promises, and what proves them on one server")
	for _, i := range invariants {
		fmt.Fprintf(w, "  %-4s %s\n", i.id, i.promise)
		if len(i.scenes)+len(i.tests) == 0 {
			fmt.Fprintln(w, "       not proved: there is one server only")
		}
		if len(i.scenes) > 0 {
			fmt.Fprintf(w, "       scenes %q\n", i.scenes)
		}
		if len(i.tests) > 0 {
			fmt.Fprintf(w, "       tests %v\n", i.tests)
		}
	}
}
