package config

import "regexp"

// linkVariables matches the variables in which Kubernetes passes the address of a Service of the
// same namespace, and Docker that of a linked container (--link). They begin with the name, so
// those of a Service called curfew or curfew-mail look like settings.
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

// linkVariable reports whether a variable is one of those. Its value must look like theirs or be
// empty, as an operator clears it. So a misspelled setting is still an error.
func linkVariable(name, value string) bool { return linkVariables.MatchString(name + "=" + value) }
