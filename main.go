// Curfew decides how long the people of an organization stay signed in, shows who is, and signs
// everyone out with one button.
//
// The map of the code is in backend/doc.go.
package main

import (
	"fmt"
	"io/fs"
	"os"

	"curfew/backend/cli"
)

func main() {
	web, err := fs.Sub(frontendBuild, "frontend/build")
	if err != nil {
		fmt.Fprintln(os.Stderr, "curfew:", err)
		os.Exit(1)
	}
	os.Exit(cli.Run(cli.Environment{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Web: web,
	}))
}
