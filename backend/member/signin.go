package member

import (
	"context"
	"errors"
	"fmt"

	"curfew/backend/audit"
	"curfew/backend/fold"
)

// attempt is one try to prove an identity by a password, and by a code if the member has a second
// factor.
type attempt struct {
	email, password, code string
	origin                Origin
	// refused is the action of the audit entry of a refusal.
	refused audit.Action

	// member is zero if the address is no member's. device reports whether the attempt comes from a
	// device that the member has signed in on.
	member Member
	device bool
}

// Authenticate proves the identity of a client by e-mail address and password. For a member with a
// second factor it also takes a code of that, or a recovery code. It returns ErrBadCredentials, a
// [*ThrottledError] or ErrBusy. Only after a right password it returns ErrSecondFactorRequired for
// an empty code, or ErrBadCode.
func (s *Service) Authenticate(ctx context.Context, email, password, code string, origin Origin) (Proof, error) {
	return s.verify(ctx, attempt{email: email, password: password, code: code, origin: origin, refused: audit.SessionRefused})
}

// Reauthenticate proves a member's identity again. It returns what Authenticate returns.
func (s *Service) Reauthenticate(ctx context.Context, m Member, password, code string, origin Origin) (Proof, error) {
	origin.Device, origin.Known = "signed in", m.ID // a live session is a known client
	return s.verify(ctx, attempt{email: m.Email, password: password, code: code, origin: origin, refused: audit.ReauthenticationRefused})
}

// verify looks the member up, waits for the attempt's turn, and judges password and code.
func (s *Service) verify(ctx context.Context, a attempt) (Proof, error) {
	if s.crowded(a.origin) {
		return Proof{}, ErrBusy // before the first look-up
	}
	m, hash, err := s.store.MemberByEmail(ctx, a.email)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Proof{}, fmt.Errorf("find member: %w", err)
	}
	a.member, a.device = m, a.origin.Device != "" && m != (Member{}) && a.origin.Known == m.ID
	sets, seat, err := s.admit(ctx, a)
	if err != nil {
		return Proof{}, err
	}
	defer seat.leave()
	taken, err := s.take(ctx, sets...)
	if err != nil {
		return Proof{}, err
	}
	matches, err := seat.matches(ctx, a.password, hash)
	if err != nil && a.device {
		err = errors.Join(err, s.returnUnused(ctx, taken[0]))
	}
	if err != nil {
		return Proof{}, err
	}
	if !matches || !m.Active {
		return Proof{}, s.refuse(ctx, m, a.origin, a.refused, ErrBadCredentials)
	}
	proof := Proof{Member: m, PasswordHash: hash, Methods: []string{ByPassword}}
	if m.SecondFactor {
		method, ofCode, err := s.verifySecondFactor(ctx, a, taken)
		if err != nil {
			return Proof{}, err
		}
		proof.Methods, taken = append(proof.Methods, method), append(taken, ofCode...)
	}
	return proof, s.succeed(ctx, m, a.refused, taken)
}

// crowded reports whether there is no room for the attempt in any lane that it could take.
func (s *Service) crowded(origin Origin) bool {
	return s.hasher.full(crowd) && (s.hasher.impatient(site(origin.Address), s.now()) || s.hasher.full(newcomers)) &&
		(origin.Device == "" || s.hasher.full(trusted))
}

// admit returns the buckets of an attempt, and its seat in the queue. Both are the same for an
// unknown account and for a stranger at a known one. A seat in a lane of few is taken at once, by
// attempts that have room in their buckets: those that have none must not keep others out.
func (s *Service) admit(ctx context.Context, a attempt) ([][]Bucket, *seat, error) {
	sets, seat, err := s.queueFor(ctx, a)
	if err != nil || seat.lane == crowd {
		return sets, seat, err
	}
	retryAfter, err := s.store.AwaitAttempt(ctx, sets, s.now())
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("look for room: %w", err)
	case retryAfter > 0 && seat.lane == newcomers:
		return nil, nil, ErrBusy
	case retryAfter > 0:
		return nil, nil, &ThrottledError{RetryAfter: retryAfter}
	}
	return sets, seat, seat.take()
}

// queueFor returns the buckets of an attempt, and the seat that it may take.
func (s *Service) queueFor(ctx context.Context, a attempt) ([][]Bucket, *seat, error) {
	m, address := a.member, a.origin.Address
	if a.device {
		return [][]Bucket{{deviceBucket(m.ID, a.origin.Device)}}, s.hasher.trustedSeat(m.ID.String()), nil
	}
	sets := strangerBuckets(fold.AddressKey(a.email), address)
	if m != (Member{}) {
		familiar, err := s.store.SignedInFrom(ctx, m.ID, address, s.now().Add(-familiarFor))
		if err != nil {
			return nil, nil, fmt.Errorf("look for a familiar address: %w", err)
		}
		if familiar {
			sets = [][]Bucket{familiarBuckets(m.ID, address)}
		}
	}
	if !s.hasher.full(crowd) {
		return sets, &seat{hasher: s.hasher, lane: crowd}, nil
	}
	for i := range sets {
		sets[i] = append(sets[i], newcomerBucket(address))
	}
	return sets, &seat{hasher: s.hasher, lane: newcomers, client: site(address)}, nil
}

// take takes an attempt from one of the sets of buckets, or returns a [*ThrottledError].
func (s *Service) take(ctx context.Context, sets ...[]Bucket) ([]Bucket, error) {
	taken, retryAfter, err := s.store.TakeAttempt(ctx, sets, s.now())
	if err != nil {
		return nil, fmt.Errorf("count attempt: %w", err)
	}
	if retryAfter > 0 {
		return nil, &ThrottledError{RetryAfter: retryAfter}
	}
	return taken, nil
}

// returnUnused gives an attempt that never reached a hash back to a known device, within bounds:
// hanging up must not make flooding free.
func (s *Service) returnUnused(ctx context.Context, device Bucket) error {
	ctx = context.WithoutCancel(ctx)
	_, err := s.take(ctx, []Bucket{returnedBucket(device)})
	var throttled *ThrottledError
	if errors.As(err, &throttled) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.giveBack(ctx, notOwn([]Bucket{device}))
}

// verifySecondFactor judges the code that came with a right password, and returns what it took from
// buckets. Codes are few, so they have a slower bucket next to those of the password. An attempt is
// taken from it before the code is compared.
func (s *Service) verifySecondFactor(ctx context.Context, a attempt, taken []Bucket) (method string, ofCode []Bucket, err error) {
	if a.code == "" {
		return "", nil, s.askForCode(ctx, a, taken)
	}
	if ofCode, err = s.take(ctx, []Bucket{codeBucket(taken[0])}); err != nil {
		return "", nil, err
	}
	method, err = s.spendCode(context.WithoutCancel(ctx), a.member, a.code, a.origin)
	if errors.Is(err, ErrBadCode) {
		err = s.refuse(ctx, a.member, a.origin, a.refused, ErrBadCode)
	}
	return method, ofCode, err
}

// askForCode returns ErrSecondFactorRequired. The password was half of an attempt: it costs
// nothing, and forgives nothing that went before.
func (s *Service) askForCode(ctx context.Context, a attempt, taken []Bucket) error {
	if _, err := s.take(ctx, []Bucket{halfwayBucket(taken[0], a.origin.Address)}); err != nil {
		return err
	}
	if err := s.giveBack(ctx, notOwn(taken)); err != nil {
		return err
	}
	if taken[0].Own {
		return ErrSecondFactorRequired // so begins each sign-in
	}
	return s.refuse(ctx, a.member, a.origin, a.refused, ErrSecondFactorRequired) // a thief may have the password alone
}

// succeed paces successes too: each leaves a session or an audit entry. One that comes too early
// gets nothing back, or its hash would be free.
func (s *Service) succeed(ctx context.Context, m Member, refusal audit.Action, taken []Bucket) error {
	if _, err := s.take(context.WithoutCancel(ctx), []Bucket{successBucket(m.ID, refusal)}); err != nil {
		return err
	}
	return s.giveBack(ctx, taken)
}

func (s *Service) giveBack(ctx context.Context, buckets []Bucket) error {
	return during("return attempt", s.store.ReturnAttempt(context.WithoutCancel(ctx), buckets))
}
