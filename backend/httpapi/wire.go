package httpapi

import (
	"time"

	"curfew/backend/audit"
	"curfew/backend/fold"
	"curfew/backend/member"
	"curfew/backend/session"
)

// These functions convert the domain's types to the contract's. They decide nothing.

func wireSession(p session.Principal, current session.ID) Session {
	s := p.Session
	return Session{
		Id: s.ID.String(), MemberId: s.MemberID.String(),
		AuthenticatedAt: s.AuthenticatedAt, ProvedAt: s.ProvedAt, StartedAt: s.StartedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: p.ExpiresAt,
		Generation: int64(s.Generation), Current: s.ID == current, Client: wireClient(s.Client), Methods: s.Methods,
	}
}

func wireClient(client session.Client) SessionClient {
	device := client.Device()
	return SessionClient{Address: client.AddressText(), UserAgent: client.UserAgent, Browser: device.Browser, Os: device.OS, Device: SessionClientDevice(device.Kind)}
}

func wireMember(m member.Member) Member {
	return Member{Id: m.ID.String(), Name: m.Name, Email: fold.ShowAddress(m.Email), Role: Role(m.Role)}
}

func wireLength(l session.Length) Length { return Length{Value: l.Value, Unit: Unit(l.Unit)} }

// optional returns nil for the zero value.
func optional[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

func wirePolicy(p session.Policy) Policy {
	return Policy{
		SessionLength: wireLength(p.Length), RefreshAutomatically: p.RefreshAutomatically, MaximumLifetime: optional(wireLength(p.MaximumLifetime)),
	}
}

func wireSettings(org session.Organization) SecuritySettings {
	wire := SecuritySettings{
		SessionLength: wireLength(org.Policy.Length), RefreshAutomatically: org.Policy.RefreshAutomatically,
		MaximumLifetime: optional(wireLength(org.Policy.MaximumLifetime)), Version: org.Version, UpdatedAt: org.SavedAt,
		UpdatedBy: optional(wireActor(org.SavedBy)),
	}
	if keys := org.Guidelines.Keys(); keys != nil {
		wire.Applies = &keys
	}
	return wire
}

func wireActor(a audit.Actor) Actor { return Actor{Id: a.ID, Name: a.Name} }

func wireAuditEntry(e audit.Entry) AuditEntry {
	wire := AuditEntry{
		Sequence: e.Sequence, At: e.At, Action: string(e.Action), Actor: wireActor(e.Actor), Target: e.Target, Address: e.Address,
		Details: e.Details, Hash: e.Hash.String(),
	}
	if wire.Details == nil {
		wire.Details = map[string]any{}
	}
	if agent, said := e.Details["userAgent"].(string); said {
		client := wireClient(session.Client{Address: session.ParseAddress(e.Address), UserAgent: agent})
		wire.Client = &client
	}
	return wire
}

// each converts the items of a list. The result is never nil, which would be null in JSON.
func each[From, To any](items []From, convert func(From) To) []To {
	converted := make([]To, len(items))
	for i, item := range items {
		converted[i] = convert(item)
	}
	return converted
}

func wireFinding(found audit.Finding, at time.Time) AuditChain {
	wire := AuditChain{Entries: found.Entries, Intact: found.Broken == nil, Head: found.Head.String(), CheckedAt: at}
	if found.Broken != nil {
		wire.Broken = &struct {
			Reason   string `json:"reason"`
			Sequence int64  `json:"sequence"`
		}{found.Broken.Reason, found.Broken.Sequence}
	}
	return wire
}

func wireReceipt(r session.Receipt, to session.Principal) RevocationReceipt {
	return RevocationReceipt{
		Generation: int64(r.Generation), RevokedAt: r.RevokedAt, By: wireActor(r.By), Reason: r.Reason,
		SessionsEnded: int64(r.SessionsEnded), MembersSignedOut: int64(r.MembersSignedOut), LinksWithdrawn: int64(r.LinksWithdrawn), Yours: !r.Repeated && !to.IsOperator(),
		AuditSequence: r.AuditSequence, AuditHash: r.AuditHash.String(),
	}
}

func wirePreview(p session.Preview, next session.Policy) PolicyPreview {
	return PolicyPreview{
		Live: wireCount(p.Live), AtOnce: wireCount(p.AtOnce), WithinHour: wireCount(p.WithinHour), WithinDay: wireCount(p.WithinDay),
		LastEndsAt: optional(p.LastEndsAt), Yours: p.Yours, Loosens: p.Loosens, Named: each(p.Named, wireActor),
		Remaining: each(p.Remaining, func(r session.Remaining) Remaining {
			return Remaining{At: r.At, Before: int64(r.Before), After: int64(r.After)}
		}),
		Guidelines: each(session.Guidelines, func(g session.Guideline) Guideline { return wireGuideline(g, next) }),
	}
}

func wireCount(c session.Count) SessionSummary {
	return SessionSummary{Sessions: int64(c.Sessions), Members: int64(c.Members)}
}

func wireGuideline(g session.Guideline, p session.Policy) Guideline {
	return Guideline{
		Key: g.Key, Family: g.Family, Badge: g.Badge, Name: g.Name, Source: g.Source,
		Strength: GuidelineStrength(g.Strength), Note: g.Note, Met: g.MetBy(p), Meet: wirePolicy(g.Meet(p)),
		IdleSeconds: optional(int64(g.Idle.Seconds())), OverallSeconds: optional(int64(g.Overall.Seconds())), OverallRequired: optional(g.OverallExists),
	}
}

// policy returns the policy of a request that was validated.
func (in PolicyRequest) policy() session.Policy {
	return session.Policy{
		Length: in.SessionLength.length(), RefreshAutomatically: *in.RefreshAutomatically, MaximumLifetime: in.MaximumLifetime.length(),
	}
}

// length returns the length of a request that was validated; the zero Length for none.
func (l *LengthRequest) length() session.Length {
	if l == nil {
		return session.Length{}
	}
	return session.Length{Value: *l.Value, Unit: session.Unit(*l.Unit)}
}
