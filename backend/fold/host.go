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
	// hosts maps and checks a host's name as browsers do (https://url.spec.whatwg.org/#idna), with an underscore, say, but for empty
	// labels, which they take.
	hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule(), idna.VerifyDNSLength(true))

	hostName = regexp.MustCompile(`^[a-z0-9._-]+$`)
	// A name that ends so is an IPv4 address to browsers, or nothing.
	number = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)

	errHost = errors.New("its host is neither a name nor an address")
)

// Host folds the host of a URL to what browsers make of it: lower case, as an A-label (xn--) where it is
// not ASCII, and without a final dot. An IPv6 address has no brackets.
func Host(host string) (string, error) {
	if address, err := netip.ParseAddr(host); err == nil && address.Zone() == "" {
		if bytes := address.As16(); address.Is4In6() {
			return fmt.Sprintf("::ffff:%x:%x", binary.BigEndian.Uint16(bytes[12:]), binary.BigEndian.Uint16(bytes[14:])), nil
		}
		return address.String(), nil
	}
	name, err := hosts.ToASCII(host)
	if err == nil {
		_, err = hosts.ToUnicode(name) // which holds the letters that others were mapped to to the rules as well
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
