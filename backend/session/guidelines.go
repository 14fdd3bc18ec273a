package session

import "time"

// Guideline is what a standard or guide requires of sessions, in numbers. Meeting one is no
// certification.
type Guideline struct {
	// Key is stable, for programs.
	Key string
	// Name is the standard's own, with the clause.
	Name string
	// Strength is how binding the standard makes it, in its own words.
	Strength string
	// Idle and Overall are the longest idle limit and the longest limit from the sign-in that meet
	// it, or 0 if it has no number.
	Idle    time.Duration
	Overall time.Duration
	// OverallExists reports whether it requires a limit from the sign-in, with or without a number.
	OverallExists bool
}

// Guidelines are those that auditors ask admins about most, the stricter of a family after the
// milder.
var Guidelines = []Guideline{
	{Key: "nist-aal1", Name: "NIST SP 800-63B-4, AAL1 (2.1.3)", Strength: "a limit SHALL exist; 30 days SHOULD", Overall: 30 * day, OverallExists: true},
	{Key: "nist-aal2", Name: "NIST SP 800-63B-4, AAL2 (2.2.3)", Strength: "a limit SHALL exist; the numbers SHOULD", Idle: time.Hour, Overall: 24 * time.Hour, OverallExists: true},
	{Key: "nist-aal3", Name: "NIST SP 800-63B-4, AAL3 (2.3.3)", Strength: "12 hours SHALL; 15 minutes SHOULD", Idle: 15 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "nist-rev3-aal2", Name: "NIST SP 800-63B revision 3, AAL2 (withdrawn, still cited)", Strength: "SHALL", Idle: 30 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "pci-8.2.8", Name: "PCI DSS v4, 8.2.8", Strength: "required", Idle: 15 * time.Minute},
	{Key: "stig-user", Name: "DISA ASD STIG V-222389", Strength: "CAT II", Idle: 15 * time.Minute},
	{Key: "stig-admin", Name: "DISA ASD STIG V-222390, for admins", Strength: "CAT II", Idle: 10 * time.Minute},
	{Key: "cisa-scuba", Name: "CISA SCuBA GWS.COMMONCONTROLS.4.1", Strength: "SHALL (BOD 25-01)", Overall: 12 * time.Hour, OverallExists: true},
	{Key: "fedramp-ia11", Name: "FedRAMP High, IA-11 guidance", Strength: "points at NIST AAL3", Idle: 15 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "cis-4.3", Name: "CIS Controls v8, 4.3", Strength: "a guide: about operating systems and devices", Idle: 15 * time.Minute},
	{Key: "hipaa-logoff", Name: "HIPAA 45 CFR 164.312(a)(2)(iii)", Strength: "addressable; the rule names no number"},
	{Key: "psd2-rts", Name: "EU 2018/389 (PSD2 RTS), article 4(3)(d)", Strength: "for access to payment accounts", Idle: 5 * time.Minute},
	{Key: "owasp-high", Name: "OWASP cheat sheet, high-value application", Strength: "common range: 2 to 5 minutes", Idle: 5 * time.Minute},
	{Key: "owasp-low", Name: "OWASP cheat sheet, low-risk application", Strength: "common range: 15 to 30 minutes, 4 to 8 hours", Idle: 30 * time.Minute, Overall: 8 * time.Hour, OverallExists: true},
	{Key: "asvs-7.3.1", Name: "OWASP ASVS 5.0, 7.3.1", Strength: "level 2: an idle limit exists, by documented risk"},
	{Key: "asvs-7.3.2", Name: "OWASP ASVS 5.0, 7.3.2", Strength: "level 2: a limit from the sign-in exists, by documented risk", OverallExists: true},
}

const day = 24 * time.Hour

// Limits returns how long a session lives without an access, and from the sign-in at most. Overall
// is 0 if there is no such limit: a session in use then never expires.
func (p Policy) Limits() (idle, overall time.Duration) {
	idle = p.Length.Duration()
	if !p.RefreshAutomatically {
		overall = idle
	}
	if maximum := p.MaximumLifetime.Duration(); maximum > 0 && (overall == 0 || maximum < overall) {
		overall = maximum
	}
	return idle, overall
}

// MetBy reports whether the policy meets the guideline.
func (g Guideline) MetBy(p Policy) bool {
	idle, overall := p.Limits()
	if g.Idle > 0 && idle > g.Idle {
		return false
	}
	if g.OverallExists && overall == 0 {
		return false
	}
	return g.Overall == 0 || overall <= g.Overall
}

// Meet returns the policy with the least change that meets the guideline. It lengthens nothing, and
// refresh stays as it is.
func (g Guideline) Meet(p Policy) Policy {
	if g.Idle > 0 && p.Length.Duration() > g.Idle {
		p.Length = lengthOf(g.Idle)
	}
	if _, overall := p.Limits(); !g.OverallExists || overall > 0 && (g.Overall == 0 || overall <= g.Overall) {
		return p
	}
	limit := g.Overall
	if limit == 0 {
		limit = max(30*day, p.Length.Duration()) // the guideline has no number: one that people hardly notice
	}
	if p.RefreshAutomatically {
		p.MaximumLifetime = lengthOf(limit)
		if p.Length.Duration() > limit {
			p.Length = lengthOf(limit)
		}
	} else {
		p.Length = lengthOf(limit)
	}
	return p
}

// lengthOf returns a duration in days, hours or minutes: the largest unit that divides it.
func lengthOf(d time.Duration) Length {
	for _, unit := range []Unit{Days, Hours} {
		if d%unit.duration() == 0 {
			return Length{int64(d / unit.duration()), unit}
		}
	}
	return Length{int64(d / time.Minute), Minutes}
}
