package session

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Guideline is what a standard or guide requires of sessions, in numbers. Meeting one is no
// certification.
type Guideline struct {
	// Key is stable, for programs.
	Key string
	// Family is who publishes it, Badge its name where there is little room, and Name the
	// standard's own, with the clause.
	Family, Badge, Name string
	// Source is the address of the clause, or of the document that holds it.
	Source string
	// Strength is how binding the standard makes it.
	Strength Strength
	// Note is what else an admin should know of it, if anything.
	Note string
	// Idle and Overall are the longest idle limit and the longest limit from the sign-in that meet
	// it, or 0 if it has no number.
	Idle    time.Duration
	Overall time.Duration
	// OverallExists reports whether it requires a limit from the sign-in, with or without a number.
	OverallExists bool
}

// Strength is how binding a standard makes its guideline.
type Strength string

// How binding a guideline is.
const (
	Mandatory   Strength = "required"
	Recommended Strength = "recommended"
	Example     Strength = "example"
)

const (
	nist       = "https://pages.nist.gov/800-63-4/sp800-63b/aal/#"
	stig       = "https://www.stigviewer.com/stigs/application_security_and_development/2025-02-12/finding/"
	cheatSheet = "https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#session-expiration"
	asvs       = "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md#v73-session-timeout"
)

// Guidelines are those that auditors ask admins about most, the stricter of a family after the
// milder.
var Guidelines = []Guideline{
	{Key: "nist-aal1", Family: "NIST", Badge: "NIST AAL1", Name: "NIST SP 800-63B-4, AAL1 (2.1.3)", Source: nist + "aal1reauth", Strength: Recommended, Note: "A limit is required, its number recommended.", Overall: 30 * day, OverallExists: true},
	{Key: "nist-aal2", Family: "NIST", Badge: "NIST AAL2", Name: "NIST SP 800-63B-4, AAL2 (2.2.3)", Source: nist + "aal2reauth", Strength: Recommended, Note: "A limit is required, the numbers recommended.", Idle: time.Hour, Overall: 24 * time.Hour, OverallExists: true},
	{Key: "nist-aal3", Family: "NIST", Badge: "NIST AAL3", Name: "NIST SP 800-63B-4, AAL3 (2.3.3)", Source: nist + "aal3reauth", Strength: Mandatory, Note: "12 hours are required, 15 minutes recommended.", Idle: 15 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "nist-rev3-aal2", Family: "NIST", Badge: "NIST r3 AAL2", Name: "NIST SP 800-63B revision 3, AAL2 (withdrawn, still cited)", Source: "https://pages.nist.gov/800-63-3/sp800-63b.html#aal2reauth", Strength: Mandatory, Note: "Replaced by SP 800-63B-4.", Idle: 30 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "pci-8.2.8", Family: "PCI DSS", Badge: "PCI 8.2.8", Name: "PCI DSS v4, 8.2.8", Source: "https://www.pcisecuritystandards.org/document_library/", Strength: Mandatory, Note: "For payment card data.", Idle: 15 * time.Minute},
	{Key: "stig-user", Family: "DISA", Badge: "STIG", Name: "DISA ASD STIG V-222389", Source: stig + "V-222389", Strength: Mandatory, Note: "Category II.", Idle: 15 * time.Minute},
	{Key: "stig-admin", Family: "DISA", Badge: "STIG admins", Name: "DISA ASD STIG V-222390, for admins", Source: stig + "V-222390", Strength: Mandatory, Note: "Category II.", Idle: 10 * time.Minute},
	{Key: "cisa-scuba", Family: "CISA", Badge: "CISA", Name: "CISA SCuBA GWS.COMMONCONTROLS.4.1", Source: "https://github.com/cisagov/ScubaGoggles/blob/main/scubagoggles/baselines/commoncontrols.md", Strength: Mandatory, Note: "For US federal agencies (BOD 25-01).", Overall: 12 * time.Hour, OverallExists: true},
	{Key: "fedramp-ia11", Family: "FedRAMP", Badge: "FedRAMP", Name: "FedRAMP High, IA-11 guidance", Source: "https://www.fedramp.gov/rev5/baselines/", Strength: Mandatory, Note: "Refers to NIST AAL3.", Idle: 15 * time.Minute, Overall: 12 * time.Hour, OverallExists: true},
	{Key: "cis-4.3", Family: "CIS", Badge: "CIS 4.3", Name: "CIS Controls v8, 4.3", Source: "https://www.cisecurity.org/controls/cis-controls-navigator/v8", Strength: Recommended, Note: "Written for operating systems and devices.", Idle: 15 * time.Minute},
	{Key: "hipaa-logoff", Family: "HIPAA", Badge: "HIPAA", Name: "HIPAA 45 CFR 164.312(a)(2)(iii)", Source: "https://www.ecfr.gov/current/title-45/section-164.312", Strength: Recommended, Note: "Addressable. The rule names no number."},
	{Key: "psd2-rts", Family: "European Union", Badge: "PSD2", Name: "EU 2018/389 (PSD2 RTS), article 4(3)(d)", Source: "https://eur-lex.europa.eu/eli/reg_del/2018/389/oj", Strength: Mandatory, Note: "For access to payment accounts.", Idle: 5 * time.Minute},
	{Key: "owasp-high", Family: "OWASP", Badge: "OWASP high", Name: "OWASP cheat sheet, high-value application", Source: cheatSheet, Strength: Example, Note: "Common range: 2 to 5 minutes.", Idle: 5 * time.Minute},
	{Key: "owasp-low", Family: "OWASP", Badge: "OWASP low", Name: "OWASP cheat sheet, low-risk application", Source: cheatSheet, Strength: Example, Note: "Common range: 15 to 30 minutes, 4 to 8 hours.", Idle: 30 * time.Minute, Overall: 8 * time.Hour, OverallExists: true},
	{Key: "asvs-7.3.1", Family: "OWASP", Badge: "ASVS 7.3.1", Name: "OWASP ASVS 5.0, 7.3.1", Source: asvs, Strength: Mandatory, Note: "Level 2: an idle limit, by documented risk."},
	{Key: "asvs-7.3.2", Family: "OWASP", Badge: "ASVS 7.3.2", Name: "OWASP ASVS 5.0, 7.3.2", Source: asvs, Strength: Mandatory, Note: "Level 2: a limit from the sign-in, by documented risk.", OverallExists: true},
}

// GuidelineChoice is which guidelines apply to the organization. The zero GuidelineChoice means
// that no admin has chosen yet. It is comparable.
type GuidelineChoice struct {
	Made bool
	// List holds the keys, separated by spaces and in the order of [Guidelines].
	List string
}

// Keys returns the keys of the guidelines that apply, or nil if no admin has chosen yet.
func (c GuidelineChoice) Keys() []string {
	if !c.Made {
		return nil
	}
	return strings.Fields(c.List)
}

// chooseGuidelines returns the choice of these keys. It returns an [*InvalidError] for unknown
// keys.
func chooseGuidelines(keys []string) (GuidelineChoice, error) {
	var wrong InvalidError
	for i, key := range keys {
		if !slices.ContainsFunc(Guidelines, func(g Guideline) bool { return g.Key == key }) {
			wrong.Fields = append(wrong.Fields, FieldError{
				Field: fmt.Sprintf("applies.%d", i), Code: "unknown", Message: "There is no such guideline. The preview of a policy lists the keys.",
			})
		}
	}
	if len(wrong.Fields) > 0 {
		return GuidelineChoice{}, &wrong
	}
	var list []string
	for _, g := range Guidelines {
		if slices.Contains(keys, g.Key) {
			list = append(list, g.Key)
		}
	}
	return GuidelineChoice{Made: true, List: strings.Join(list, " ")}, nil
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
