package main

// mutants are the mistakes: D1 to D5 are traps of GORM's, in the shape that they could take here;
// S1 to S8 are failures of other products that keep sessions (Keycloak CVE-2026-1035, #51312,
// #50999 and CVE-2026-9802, fosite CVE-2020-15223); the others get the order of things wrong.
var mutants = []mutant{
	{
		name: "row-saved-whole", says: "D1: a refresh writes back the whole row as it had read it, and undoes a revocation",
		eager: (*crowd).refreshWhileRevoked,
		edits: []edit{{file: "store/sessions.go", from: `presented session.RefreshState) (current session.RefreshState, err error) {
`, to: `presented session.RefreshState) (current session.RefreshState, err error) {
	if failpoint.Mutant("row-saved-whole") {
		whole, _ := readSession(db.read(ctx), id)
		end := whole.Session.End
		time.Sleep(20 * time.Millisecond)
		defer func() {
			err = errors.Join(err, db.write(ctx, func(tx *gorm.DB) error {
				return exec(tx, "UPDATE sessions SET ended_at = nullif(?, 0), end_reason = nullif(?, ''), ended_by = nullif(?, '') WHERE id = ?",
					millis(end.At), string(end.Reason), end.By, id.String())
			}))
		}()
	}
`}},
	},
	{
		name: "touch-revives", says: "D2: the flush of touches inserts or updates, and brings back what had ended meanwhile",
		eager: (*crowd).revoke,
		edits: []edit{
			{file: "session/background.go", from: `	now, touches := s.now(), roster.drainTouches()
`, to: `	now, touches := s.now(), roster.drainTouches()
	if failpoint.Mutant("touch-revives") {
		time.Sleep(200 * time.Millisecond)
	}
`},
			{file: "store/sqlite_times.go", from: `		return advanceTimes(tx, touches)
`, to: `		for _, touch := range touches {
			if failpoint.Mutant("touch-revives") {
				if err := exec(tx, "UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_by = NULL WHERE number = ?", touch.Number); err != nil {
					return err
				}
			}
		}
		return advanceTimes(tx, touches)
`},
		},
	},
	{
		name: "zero-values-dropped", says: "D3: a policy is saved by a struct, of which false and nothing are left out",
		eager: (*crowd).readPolicy,
		edits: []edit{{file: "store/organization.go", from: `		maximum := next.Policy.MaximumLifetime
`, to: `		maximum := next.Policy.MaximumLifetime
		if before, err := readOrganization(tx); err == nil && failpoint.Mutant("zero-values-dropped") {
			next.Policy.RefreshAutomatically = next.Policy.RefreshAutomatically || before.Policy.RefreshAutomatically
			if maximum == (session.Length{}) {
				maximum = before.Policy.MaximumLifetime
			}
		}
`}},
	},
	{
		name: "empty-condition", says: "D4: an empty field is left out of the condition, which finds another member's row",
		eager: (*crowd).probe,
		edits: []edit{{file: "session/roster.go", from: `	place, known := s.places.Find(id)
	if !known {
		return nil, false
	}
	return`, to: `	if failpoint.Mutant("empty-condition") && id == (ID{}) && r.rows.Len() > 0 {
		return r.rows.At(0), true
	}
	place, known := s.places.Find(id)
	if !known {
		return nil, false
	}
	return`}},
	},
	{
		name: "text-is-run", says: "D5: what a client typed becomes part of the SQL",
		eager: (*crowd).inject,
		edits: []edit{{file: "store/members.go", from: `		where, args = where+" AND instr(m.search, ?) > 0", append(args, word)
`, to: `		if failpoint.Mutant("text-is-run") {
			where += " AND instr(m.search, '" + word + "') > 0"
			continue
		}
		where, args = where+" AND instr(m.search, ?) > 0", append(args, word)
`}},
	},
	{
		name: "successors-drawn", says: "S1: two clients that refresh at once get two successors",
		eager: (*crowd).refreshFromTabs,
		edits: []edit{{file: "session/refresh.go", from: `	copy(next.secret[:], k.mac("successor", t.body()))
`, to: `	copy(next.secret[:], k.mac("successor", t.body()))
	if failpoint.Mutant("successors-drawn") {
		rand.Read(next.secret[:])
	}
`}},
	},
	{
		name: "refresh-without-check", says: "S2: a refresh does not check whether the session is alive",
		eager: (*crowd).refreshDead,
		edits: []edit{{file: "session/signin.go", from: `	who, err := s.Admit(ctx, token.session, 0, kind)
	if err != nil {
		return Principal{}, "", err
	}
`, to: `	who, err := s.Admit(ctx, token.session, 0, kind)
	if err != nil && failpoint.Mutant("refresh-without-check") {
		if record, err := s.store.Session(ctx, token.session); err == nil {
			asked := Principal{Session: record.Session, Member: record.Member, Organization: s.organization.Load(), ExpiresAt: s.now().Add(time.Hour)}
			return asked, s.keys.issue(s.keys.successor(token)), nil
		}
	}
	if err != nil {
		return Principal{}, "", err
	}
`, imports: "time"}},
	},
	{
		name: "ancestors-taken", says: "S3: a spent refresh token is accepted again",
		eager: (*crowd).replay,
		edits: []edit{{file: "session/signin.go", from: `	case current.Counter >= token.counter:
`, to: `	case current.Counter >= token.counter && failpoint.Mutant("ancestors-taken"):
		return who, s.keys.issue(s.keys.successor(token)), nil
	case current.Counter >= token.counter:
`}},
	},
	{
		name: "restart-forgets-spent", says: "S4: which refresh tokens were spent is only in memory",
		eager: (*crowd).refresh, later: (*crowd).replay,
		edits: []edit{{
			file: "session/signin.go", from: `	current, err := s.store.RotateRefresh(context.WithoutCancel(ctx), token.session, presented)
`, to: `	rotate := s.store.RotateRefresh
	if failpoint.Mutant("restart-forgets-spent") {
		rotate = func(_ context.Context, id ID, presented RefreshState) (RefreshState, error) {
			last, _ := spent.LoadOrStore(id, presented)
			if last.(RefreshState).Counter+1 == presented.Counter {
				last = presented
				spent.Store(id, presented)
			}
			return last.(RefreshState), nil
		}
	}
	current, err := rotate(context.WithoutCancel(ctx), token.session, presented)
`, imports: "sync", declares: "var spent sync.Map",
		}},
	},
	{
		name: "torn-snapshot", says: "the policy and its version are stored one after the other, and read between",
		eager: (*crowd).savePolicy,
		edits: []edit{{file: "session/commit.go", from: `	raised := org.Generation != s.Organization().Generation
`, to: `	raised := org.Generation != s.Organization().Generation
	if failpoint.Mutant("torn-snapshot") {
		half := *s.organization.Load()
		half.Policy = org.Policy
		s.organization.Store(&half)
		time.Sleep(10 * time.Millisecond)
	}
`}},
	},
	{
		name: "answer-before-commit", says: "a revocation is answered before it is written",
		eager: (*crowd).revoke,
		edits: []edit{{file: "session/revoke.go", from: `		effect, skipped, err = s.store.End(ctx, request)
		return effect, err
	})
`, to: `		if failpoint.Mutant("answer-before-commit") {
			go func() {
				time.Sleep(200 * time.Millisecond)
				s.store.End(ctx, request)
			}()
			return Effect{Ended: request.Sessions}, nil
		}
		effect, skipped, err = s.store.End(ctx, request)
		return effect, err
	})
	if failpoint.Mutant("errors-forgotten") {
		err = nil
	}
`}},
	},
	{
		name: "memory-before-commit", says: "memory shows a policy before it is on disk",
		point: "SaveOrganization, before the commit", eager: (*crowd).readPolicy,
		edits: []edit{{file: "session/settings.go", from: `		return s.store.SaveOrganization(ctx, update)
`, to: `		if failpoint.Mutant("memory-before-commit") {
			s.setOrganization(saved)
			time.Sleep(50 * time.Millisecond)
		}
		return s.store.SaveOrganization(ctx, update)
`}},
	},
	{
		name: "ack-before-apply", says: "a revocation is answered before memory shows it",
		eager: (*crowd).revokeAll,
		edits: []edit{{file: "session/revoke.go", from: `		org.Generation = receipt.Generation
		return Effect{Organization: &org}, nil
`, to: `		org.Generation = receipt.Generation
		if failpoint.Mutant("ack-before-apply") {
			go func() {
				time.Sleep(50 * time.Millisecond)
				s.setOrganization(org)
			}()
			return Effect{}, nil
		}
		return Effect{Organization: &org}, nil
`}},
	},
	{
		name: "validity-is-a-flag", says: "a client that was let in is let in again until a timer clears its flag",
		eager: (*crowd).revoke,
		edits: []edit{{
			file: "session/check.go", from: `		who, reason, known := roster.admit(id, now, org, kind)
`, to: `		who, reason, known := roster.admit(id, now, org, kind)
		if failpoint.Mutant("validity-is-a-flag") {
			if flag, up := flags.Load(id); up {
				return flag.(Principal), nil
			}
			if known && reason == "" {
				flags.Store(id, who)
				time.AfterFunc(100*time.Millisecond, func() { flags.Delete(id) })
			}
		}
`, imports: "sync", declares: "var flags sync.Map",
		}},
	},
	{
		name: "stale-memory-checks", says: "a check lets a request through while the outcome of a commit is unknown",
		scene: (*stage).doubtMutant,
		edits: []edit{
			{file: "session/check.go", from: `		if err := s.order.current(); err != nil {
`, to: `		if err := s.order.current(); err != nil && !failpoint.Mutant("stale-memory-checks") {
`},
			// The fault itself, which is no mistake: a commit reaches the disk and is reported as
			// failed, and for a while after it the organization cannot be read.
			{file: "store/sessions.go", from: `		effect.Ended, err = closeSessions(tx, ending, endNamed, string(ending.Reason), ending.By.Actor.Name, list(batch))
		return err
	})
`, to: `		effect.Ended, err = closeSessions(tx, ending, endNamed, string(ending.Reason), ending.By.Actor.Name, list(batch))
		return err
	})
	if err == nil && ending.Reason == session.Revoked && failpoint.Mutant(unknownCommits) {
		unreadableUntil.Store(time.Now().Add(300 * time.Millisecond).UnixNano())
		err = unavailable(errors.Join(session.ErrOutcomeUnknown, errors.New("a made-up failure")))
	}
`, imports: "sync/atomic", declares: "const unknownCommits = \"unknown-commits\"\n\nvar unreadableUntil atomic.Int64"},
			{file: "store/organization.go", from: `	org, err := readOrganization(db.read(ctx))
`, to: `	if time.Now().UnixNano() < unreadableUntil.Load() {
		return session.Organization{}, unavailable(errors.New("a made-up failure"))
	}
	org, err := readOrganization(db.read(ctx))
`},
		},
	},
	{
		name: "stale-generation", says: "a sign-in stamps a generation that was read long before",
		eager: (*crowd).revokeAll,
		edits: []edit{{
			file: "store/sessions.go", from: `		if errors.Is(err, sql.ErrNoRows) {
			return session.ErrCredentialStale
		}
`, to: `		if errors.Is(err, sql.ErrNoRows) {
			return session.ErrCredentialStale
		}
		if failpoint.Mutant("stale-generation") {
			readOnce.CompareAndSwap(0, s.Generation)
			s.Generation = readOnce.Load()
		}
`, imports: "sync/atomic", declares: "var readOnce atomic.Uint64",
		}},
	},
	{
		name: "refresh-raises", says: "a refresh gives the session the organization's generation of now",
		eager: (*crowd).refreshWhileAllRevoked,
		edits: []edit{
			{file: "session/signin.go", from: `	presented := s.keys.presentation(token)
`, to: `	presented := s.keys.presentation(token)
	if failpoint.Mutant("refresh-raises") {
		time.Sleep(20 * time.Millisecond)
	}
`},
			{file: "store/sessions.go", from: `		err = queryRow(tx, "SELECT refresh_counter`, to: `		if failpoint.Mutant("refresh-raises") {
			if err := exec(tx, "UPDATE sessions SET generation = (SELECT generation FROM organization) WHERE id = ? AND ended_at IS NULL", id.String()); err != nil {
				return err
			}
		}
		err = queryRow(tx, "SELECT refresh_counter`},
		},
	},
	{
		name: "key-forgotten", says: "a revocation that is asked for again under its key is another one",
		eager: (*crowd).revokeAll,
		edits: []edit{
			{file: "store/revocations.go", from: `		if revocation.IdempotencyKey != "" {
`, to: `		if failpoint.Mutant("key-forgotten") {
			revocation.IdempotencyKey = ""
		}
		if revocation.IdempotencyKey != "" {
`},
		},
	},
	{
		name: "audit-beside", says: "the log is written after the transaction of what it records",
		point: "SaveOrganization, after the commit",
		edits: []edit{{file: "store/organization.go", from: `		return record(tx, update.Event)
	})
	return session.Effect{Organization: &next}, err
`, to: `		if failpoint.Mutant("audit-beside") {
			go func() {
				time.Sleep(50 * time.Millisecond)
				db.write(ctx, func(tx *gorm.DB) error { return record(tx, update.Event) })
			}()
			return nil
		}
		return record(tx, update.Event)
	})
	return session.Effect{Organization: &next}, err
`}},
	},
	{
		name: "outage-signs-out", says: "a storage failure is treated as an invalid token",
		scene: (*stage).fillMutant, eager: (*crowd).refresh,
		edits: []edit{{file: "session/signin.go", from: `		return Principal{}, "", fmt.Errorf("rotate refresh token: %w", err)
`, to: `		if failpoint.Mutant("outage-signs-out") {
			return Principal{}, "", ErrRefreshTokenInvalid
		}
		return Principal{}, "", fmt.Errorf("rotate refresh token: %w", err)
`}},
	},
	{
		name: "errors-forgotten", says: "S8: a revocation that could not be written is answered as done",
		scene: (*stage).fillMutant, eager: (*crowd).revoke,
		// Its edit stands with that of answer-before-commit, at the same place.
	},
	{
		name: "watermark-forgotten", says: "a restart forgets what had ended when the policy was loosened",
		scene: (*stage).misleadMutant,
		edits: []edit{{file: "store/organization.go", from: `	org, err := one(tx, errors.New("the organization's row is missing"), organizationInto,
		"SELECT "+organizationColumns+" FROM organization WHERE id = 1")
`, to: `	org, err := one(tx, errors.New("the organization's row is missing"), organizationInto,
		"SELECT "+organizationColumns+" FROM organization WHERE id = 1")
	if failpoint.Mutant("watermark-forgotten") {
		org.StartedAfter, org.AuthenticatedAfter = time.Time{}, time.Time{}
	}
`}},
	},
	{
		name: "clock-goes-back", says: "a restart starts from the machine's clock, even if it was set back",
		scene: (*stage).misleadMutant,
		edits: []edit{{file: "store/organization.go", from: `	return newest, unavailable(err)
`, to: `	if failpoint.Mutant("clock-goes-back") {
		newest = time.Time{}
	}
	return newest, unavailable(err)
`}},
	},
	{
		name: "forgotten-fsync", says: "a commit is left to the kernel to write when it likes",
		scene: (*stage).traceMutant,
		edits: []edit{{file: "store/sqlite_open.go", from: `	for key, value := range more {
`, to: `	if failpoint.Mutant("forgotten-fsync") {
		dsn.Set("_synchronous", "NORMAL")
	}
	for key, value := range more {
`}},
	},
	{
		name: "name-not-synced", says: "a file's name is left to the kernel to write when it likes",
		scene: (*stage).saveMutant,
		edits: []edit{{file: "durable/durable.go", from: `	folder, err := os.Open(path)
`, to: `	if failpoint.Mutant("name-not-synced") {
		return nil
	}
	folder, err := os.Open(path)
`}},
	},
	{
		name: "content-not-synced", says: "a file gets its name while its content is left to the kernel",
		scene: (*stage).saveMutant,
		edits: []edit{{file: "durable/durable.go", from: `	if err := errors.Join(file.Sync(), file.Close()); err != nil {
`, to: `	write := file.Sync
	if failpoint.Mutant("content-not-synced") {
		write = func() error { return nil }
	}
	if err := errors.Join(write(), file.Close()); err != nil {
`}},
	},
}
