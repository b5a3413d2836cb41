//go:build !crashtest

package bot

import "time"

// lease is how long a message belongs to the process that took it without word
// from it; renewal keeps it. A crashed process's messages wait this long before
// another answers them. It must exceed renewal by more than clocks of two hosts
// may differ.
const (
	lease   = 10 * time.Second
	renewal = 3 * time.Second
)

// crash does nothing: crash points exist in the test build only.
func crash(string) {}
