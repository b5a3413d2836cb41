//go:build crashtest

package office

import "os"

// crash ends the process without any cleaning up when the environment variable
// CRASH_AT names this point of a case's transaction. Points: number, case,
// event, notices, audit, commit, mediation.
func crash(label string) {
	if os.Getenv("CRASH_AT") == label {
		os.Exit(137)
	}
}
