//go:build crashtest

package bot

import (
	"os"
	"time"
)

// lease and renewal are shorter than in the real build, so that a test of many
// crashes does not wait all day.
const (
	lease   = 3 * time.Second
	renewal = time.Second
)

// crash ends the process without any cleaning up when the environment variable
// CRASH_AT names this point. Points: taken, handled, answered, saved, sending,
// posted, sent.
func crash(label string) {
	if os.Getenv("CRASH_AT") == label {
		os.Exit(137)
	}
}
