package session

import (
	"regexp"
	"strings"

	"github.com/mileusna/useragent"

	"curfew/backend/fold"
)

// DeviceKind is the kind of device that a session is on, as its client says.
type DeviceKind string

// The kinds of devices. A program is neither a browser nor a robot.
const (
	Desktop DeviceKind = "desktop"
	Phone   DeviceKind = "phone"
	Tablet  DeviceKind = "tablet"
	Program DeviceKind = "program"
	Bot     DeviceKind = "bot"
)

// Device is a client in words that people know, as in "Firefox" on "Windows".
type Device struct {
	Browser string
	OS      string
	Kind    DeviceKind
}

// Device parses the user agent. People recognize a session by it, but a client can send any.
func (c Client) Device() Device {
	if c.device != nil {
		return *c.device
	}
	agent := useragent.Parse(c.UserAgent)
	device := Device{Browser: agent.Name, OS: agent.OS, Kind: Program}
	browser := strings.HasPrefix(c.UserAgent, "Mozilla/")
	switch {
	case agent.Bot:
		device.Kind = Bot
	case agent.Tablet, agent.OS == useragent.Android && browser && !strings.Contains(c.UserAgent, "Mobile"):
		device.Kind = Tablet // browsers on Android say Mobile only on phones
	case agent.Mobile:
		device.Kind = Phone
	case agent.Desktop:
		device.Kind = Desktop
	case browser:
		if system := unixDesktop.FindStringSubmatch(c.UserAgent); system != nil {
			device.OS, device.Kind = system[1], Desktop
		}
	}
	return device
}

// unixDesktop matches systems with X11 that the library does not know, such as the BSDs.
var unixDesktop = regexp.MustCompile(`\(X11; (?:U; )?([\w/]+)`)

// synonyms are more words that people use for a kind of device in a search.
var synonyms = map[DeviceKind]string{
	Desktop: "computer laptop notebook pc",
	Phone:   "mobile smartphone",
	Tablet:  "mobile pad",
	Program: "script app api",
	Bot:     "robot crawler",
}

// words returns the text by which the device is searched and sorted.
func (d Device) words() string {
	words := d.Browser + " " + d.OS + " " + string(d.Kind) + " " + synonyms[d.Kind]
	switch {
	case d.OS == useragent.IOS && d.Kind == Phone:
		words += " iphone"
	case d.OS == useragent.IOS && d.Kind == Tablet:
		words += " ipad ipados"
	case d.OS == useragent.MacOS:
		words += " mac macbook imac"
	}
	return fold.Key(words)
}
