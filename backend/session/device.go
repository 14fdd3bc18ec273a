package session

import (
	"strings"

	"github.com/mileusna/useragent"
)

// DeviceKind is what sort of machine a session is on, as far as its client says.
type DeviceKind string

// The kinds of devices. A program is whatever is neither a browser nor a robot.
const (
	Desktop DeviceKind = "desktop"
	Phone   DeviceKind = "phone"
	Tablet  DeviceKind = "tablet"
	Program DeviceKind = "program"
	Bot     DeviceKind = "bot"
)

// Valid tells whether there is such a kind.
func (k DeviceKind) Valid() bool {
	switch k {
	case Desktop, Phone, Tablet, Program, Bot:
		return true
	}
	return false
}

// Device is a client in the words that people use for it, as in "Firefox" on "Windows".
type Device struct {
	Browser string
	OS      string
	Kind    DeviceKind
}

// Device reads the words out of the user agent. They are for people to recognize a session by: a client can say of itself what it likes.
func (c Client) Device() Device {
	if c.device != nil {
		return *c.device
	}
	agent := useragent.Parse(c.UserAgent)
	device := Device{Browser: agent.Name, OS: agent.OS, Kind: Program}
	switch {
	case agent.Bot:
		device.Kind = Bot
	case agent.Tablet:
		device.Kind = Tablet
	case agent.Mobile:
		device.Kind = Phone
	case agent.Desktop:
		device.Kind = Desktop
	}
	return device
}

// words is the device as it is searched and sorted by.
func (d Device) words() string {
	return strings.ToLower(d.Browser + " " + d.OS + " " + string(d.Kind))
}
