package main

// mutants are the mistakes: D1 to D5 are traps of GORM's, in the shape that they could take here;
// S1 to S8 are failures of other products that keep sessions (Keycloak CVE-2026-1035, #51312,
// #50999 and CVE-2026-9802, fosite CVE-2020-15223); the others get the order of things wrong.
var mutants = []mutant{
	{
		name: "row-saved-whole", says: "D1: a refresh writes back the whole row as it had read it, and with it that nobody had revoked it",
		eager: (*crowd).refreshWhileRevoked,
		edits: []edit{{file: "store/sessions.go", from: `presented session.RefreshState) (current session.RefreshState, err error) {
`, to: `presented session.RefreshState) (current session.RefreshState, err error) {
	if failpoint.Mutant("row-saved-whole") {
		var whole sessionRow
		db.read(ctx).Raw("SELECT * FROM sessions WHERE id = ?", id.String()).Scan(&whole)
		time.Sleep(20 * time.Millisecond)
		defer func() {
			whole.RefreshCounter, whole.RefreshHash, whole.RefreshNextHash = current.Counter, current.Hash[:], current.NextHash[:]
			err = errors.Join(err, db.write(ctx, func(tx *gorm.DB) error { return tx.Save(&whole).Error }))
		}()
	}
`}},
	},
	{
		name: "touch-revives", says: "D2: the flush of touches inserts or updates, and brings back what had ended meanwhile",
		eager: (*crowd).revoke,
		edits: []edit{
			{file: "session/service.go", from: `	touches, now := s.roster.Load().drainTouches(), s.now()
`, to: `	touches, now := s.roster.Load().drainTouches(), s.now()
	if failpoint.Mutant("touch-revives") {
		s.changes.Unlock()
		time.Sleep(200 * time.Millisecond)
		s.changes.Lock()
	}
`},
			{file: "store/sqlite_times.go", from: `		return exec(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1", millis(now))
`, to: `		for _, touch := range touches {
			if failpoint.Mutant("touch-revives") {
				if err := exec(tx, "UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_by = NULL WHERE number = ?", touch.Number); err != nil {
					return err
				}
			}
		}
		return exec(tx, "UPDATE organization SET clock_at = max(clock_at, ?) WHERE id = 1", millis(now))
`},
		},
	},
	{
		name: "zero-values-dropped", says: "D3: a policy is saved by a struct, of which false and nothing are left out",
		eager: (*crowd).readPolicy,
		edits: []edit{{file: "store/organization.go", from: `		saved := tx.Table("organization")`, to: `		for name, value := range columns {
			if failpoint.Mutant("zero-values-dropped") && (value == nil || value == false) {
				delete(columns, name)
			}
		}
		saved := tx.Table("organization")`}},
	},
	{
		name: "empty-condition", says: "D4: an empty field is left out of the condition, which finds somebody else's row",
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
		name: "successors-drawn", says: "S1: two who refresh at once get two successors",
		eager: (*crowd).refreshFromTabs,
		edits: []edit{{file: "session/refresh.go", from: `	copy(next.secret[:], k.mac("successor", t.body()))
`, to: `	copy(next.secret[:], k.mac("successor", t.body()))
	if failpoint.Mutant("successors-drawn") {
		rand.Read(next.secret[:])
	}
`}},
	},
	{
		name: "refresh-asks-nobody", says: "S2: a refresh does not look whether the session lives",
		eager: (*crowd).refreshDead,
		edits: []edit{{file: "session/service.go", from: `	who, err := s.Admit(ctx, token.session, kind)
	if err != nil {
		return Principal{}, "", err
	}
`, to: `	who, err := s.Admit(ctx, token.session, kind)
	if err != nil && failpoint.Mutant("refresh-asks-nobody") {
		if record, err := s.store.Session(ctx, token.session); err == nil {
			asked := Principal{Session: record.Session, Member: record.Member, Organization: s.organization.Load(), ExpiresAt: s.now().Add(time.Hour)}
			return asked, s.keys.issue(s.keys.successor(token)), nil
		}
	}
	if err != nil {
		return Principal{}, "", err
	}
`}},
	},
	{
		name: "ancestors-taken", says: "S3: a refresh token that was spent is taken once more",
		eager: (*crowd).replay,
		edits: []edit{{file: "session/service.go", from: `	case current.Counter >= token.counter:
`, to: `	case current.Counter >= token.counter && failpoint.Mutant("ancestors-taken"):
		return who, s.keys.issue(s.keys.successor(token)), nil
	case current.Counter >= token.counter:
`}},
	},
	{
		name: "restart-forgets-spent", says: "S4: which refresh tokens were spent is only in memory",
		eager: (*crowd).refresh, later: (*crowd).replay,
		edits: []edit{{
			file: "session/service.go", from: `	current, err := s.store.RotateRefresh(context.WithoutCancel(ctx), token.session, presented)
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
`, declares: "var spent sync.Map",
		}},
	},
	{
		name: "torn-snapshot", says: "the policy and its version are stored one after the other, and read between",
		eager: (*crowd).savePolicy,
		edits: []edit{{file: "session/service.go", from: `	raised := org.Generation != s.organization.Load().Generation
`, to: `	raised := org.Generation != s.organization.Load().Generation
	if failpoint.Mutant("torn-snapshot") {
		half := *s.organization.Load()
		half.Policy = org.Policy
		s.organization.Store(&half)
		time.Sleep(10 * time.Millisecond)
	}
`}},
	},
	{
		name: "answer-before-commit", says: "a revocation is answered, and then written",
		eager: (*crowd).revoke,
		edits: []edit{{file: "session/service.go", from: `	ended, skipped, err := s.store.End(context.WithoutCancel(ctx), ending)
`, to: `	write := s.store.End
	if failpoint.Mutant("answer-before-commit") {
		write = func(ctx context.Context, ending Ending) (ended []Ended, skipped int, err error) {
			go func() {
				time.Sleep(200 * time.Millisecond)
				s.store.End(ctx, ending)
			}()
			for _, e := range ending.Sessions {
				ended = append(ended, Ended{SessionEnd: e})
			}
			return ended, 0, nil
		}
	}
	ended, skipped, err := write(context.WithoutCancel(ctx), ending)
	if failpoint.Mutant("errors-forgotten") {
		err = nil
	}
`}},
	},
	{
		name: "memory-before-commit", says: "memory shows a policy that is not on disk yet, and never may be",
		point: "SavePolicy, before the commit", eager: (*crowd).readPolicy,
		edits: []edit{{file: "session/service.go", from: `	err := s.store.SavePolicy(ctx, saved, caller, demand, audit.Event{
`, to: `	if failpoint.Mutant("memory-before-commit") {
		s.adopt(saved)
		time.Sleep(50 * time.Millisecond)
	}
	err := s.store.SavePolicy(ctx, saved, caller, demand, audit.Event{
`}},
	},
	{
		name: "ack-before-apply", says: "a revocation is answered, and then memory takes it",
		eager: (*crowd).revokeAll,
		edits: []edit{{file: "session/service.go", from: `		org.Generation = receipt.Generation
		s.adopt(org)
`, to: `		org.Generation = receipt.Generation
		if failpoint.Mutant("ack-before-apply") {
			go func() {
				time.Sleep(50 * time.Millisecond)
				s.adopt(org)
			}()
			return receipt, nil
		}
		s.adopt(org)
`}},
	},
	{
		name: "validity-is-a-flag", says: "whoever was let in is let in again until a timer clears their flag",
		eager: (*crowd).revoke,
		edits: []edit{{
			file: "session/service.go", from: `		who, reason, known := roster.admit(id, now, org, kind)
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
`, declares: "var flags sync.Map",
		}},
	},
	{
		name: "stale-generation", says: "a sign-in stamps a generation that was read long before",
		eager: (*crowd).revokeAll,
		edits: []edit{{
			file: "store/sessions.go", from: `		row := sessionRow{
			ID: s.ID.String(), MemberID`, to: `		if failpoint.Mutant("stale-generation") {
			readOnce.CompareAndSwap(0, generations[0].Organization)
			generations[0].Organization = readOnce.Load()
		}
		row := sessionRow{
			ID: s.ID.String(), MemberID`, imports: "sync/atomic", declares: "var readOnce atomic.Uint64",
		}},
	},
	{
		name: "refresh-raises", says: "a refresh gives the session the organization's generation of now",
		eager: (*crowd).refreshWhileAllRevoked,
		edits: []edit{
			{file: "session/service.go", from: `	presented := s.keys.presentation(token)
`, to: `	presented := s.keys.presentation(token)
	if failpoint.Mutant("refresh-raises") {
		time.Sleep(20 * time.Millisecond)
	}
`},
			{file: "store/sessions.go", from: `		var rows []sessionRow
		read := tx.Raw("SELECT refresh_counter`, to: `		if failpoint.Mutant("refresh-raises") {
			if err := exec(tx, "UPDATE sessions SET generation = (SELECT generation FROM organization) WHERE id = ? AND ended_at IS NULL", id.String()); err != nil {
				return err
			}
		}
		var rows []sessionRow
		read := tx.Raw("SELECT refresh_counter`},
		},
	},
	{
		name: "key-forgotten", says: "a revocation that is asked for once more under its key is another one",
		eager: (*crowd).revokeAll,
		edits: []edit{
			{file: "store/organization.go", from: `		if revocation.IdempotencyKey != "" {
			var earlier`, to: `		if revocation.IdempotencyKey != "" && !failpoint.Mutant("key-forgotten") {
			var earlier`},
			{file: "store/organization.go", from: `		if revocation.IdempotencyKey != "" {
			row.IdempotencyKey`, to: `		if revocation.IdempotencyKey != "" && !failpoint.Mutant("key-forgotten") {
			row.IdempotencyKey`},
		},
	},
	{
		name: "audit-beside", says: "the log is written after the transaction of what it records",
		point: "SavePolicy, after the commit",
		edits: []edit{{file: "store/organization.go", from: `			return &session.StaleVersionError{Current: current}
		}
`, to: `			return &session.StaleVersionError{Current: current}
		}
		if failpoint.Mutant("audit-beside") {
			go func() {
				time.Sleep(50 * time.Millisecond)
				db.write(ctx, func(tx *gorm.DB) error {
					_, err := appendAudit(tx, event)
					return err
				})
			}()
			return nil
		}
`}},
	},
	{
		name: "outage-signs-out", says: "trouble with storage is taken for a token that is no good",
		scene: (*stage).fillMutant, eager: (*crowd).refresh,
		edits: []edit{{file: "session/service.go", from: `		return Principal{}, "", fmt.Errorf("rotate refresh token: %w", err)
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
		edits: []edit{{file: "store/organization.go", from: `	return row.organization(), result.Error
`, to: `	if failpoint.Mutant("watermark-forgotten") {
		row.StartedAfter, row.AuthenticatedAfter = 0, 0
	}
	return row.organization(), result.Error
`}},
	},
	{
		name: "clock-goes-back", says: "a restart starts from the machine's clock, whatever time it had been before",
		scene: (*stage).misleadMutant,
		edits: []edit{{file: "store/organization.go", from: `	return instant(newest), unavailable(err)
`, to: `	if failpoint.Mutant("clock-goes-back") {
		newest = 0
	}
	return instant(newest), unavailable(err)
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
