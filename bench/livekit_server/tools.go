//go:build tools

// Package tools pins the real LiveKit server that `make bench-peer` and `make test-livekit` build and compare with.
package tools

import _ "github.com/livekit/livekit-server/cmd/server"
