package fold

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

var (
	// hosts maps and checks a host name as browsers do (https://url.spec.whatwg.org/#idna). Unlike
	// browsers, it refuses empty labels.
	hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule(), idna.VerifyDNSLength(true))

	hostName = regexp.MustCompile(`^[a-z0-9._-]+$`)
	// Browsers parse a name with this end as an IPv4 address, or refuse it.
	number = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)

	errHost = errors.New("its host is neither a name nor an address")
)

// Host folds the host of a URL as browsers do: lower case, A-labels (xn--) for labels that are not
// ASCII, and without a final dot. An IPv6 address has no brackets.
func Host(host string) (string, error) {
	if address, err := netip.ParseAddr(host); err == nil && address.Zone() == "" {
		if bytes := address.As16(); address.Is4In6() {
			return fmt.Sprintf("::ffff:%x:%x", binary.BigEndian.Uint16(bytes[12:]), binary.BigEndian.Uint16(bytes[14:])), nil
		}
		return address.String(), nil
	}
	name, err := hosts.ToASCII(host)
	if err == nil {
		_, err = hosts.ToUnicode(name) // checks the letters after mapping, too
	}
	name = strings.TrimSuffix(name, ".")
	if err != nil || !hostName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") {
		return "", errHost
	}
	if _, err := netip.ParseAddr(name); err != nil && number.MatchString(name) {
		return "", errHost
	}
	return name, nil
}
