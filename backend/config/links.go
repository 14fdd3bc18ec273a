package config

import "regexp"

// A Kubernetes Service of the same namespace, and a container that Docker links (--link), tell their address in variables that begin with
// their name, so those of one called curfew, or curfew-mail, look like settings.
//
// https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
// https://docs.docker.com/engine/network/links/#environment-variables
var linkVariables = regexp.MustCompile(`(?s)^CURFEW_(?:[A-Z0-9_]+_)?(?:` +
	`SERVICE_HOST=(?:` + ipAddress + `)?|` +
	`SERVICE_PORT(?:_[A-Z0-9_]+)?=[0-9]*|` +
	`PORT(?:_[0-9]+_` + protocols + `(?:_START|_END)?)?=(?:(?i:` + protocols + `)://` + ipAddress + `:[0-9]+)?|` +
	`PORT_[0-9]+_` + protocols + `_PROTO=(?i:` + protocols + `)?|` +
	`PORT_[0-9]+_` + protocols + `_PORT(?:_START|_END)?=[0-9]*|` +
	`PORT_[0-9]+_` + protocols + `_ADDR=(?:` + ipAddress + `)?)$|` +
	`^CURFEW_NAME=(?:/[^/]+/(?i:curfew))?$|` +
	`^CURFEW_ENV_`)

const (
	protocols = `(?:TCP|UDP|SCTP)`
	ipAddress = `(?:[0-9.]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)`
)

// linkVariable reports whether a variable is one of those. The value has to look like theirs, or be empty as an operator makes it who
// takes it back, so that a setting that is only misspelled still stops the start.
func linkVariable(name, value string) bool { return linkVariables.MatchString(name + "=" + value) }
