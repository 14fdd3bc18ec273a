package main

import "embed"

// frontendBuild is the built web app. The prefix all: takes the files under _app, which embed would
// leave out.
//
//go:embed all:frontend/build
var frontendBuild embed.FS
