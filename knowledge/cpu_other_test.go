//go:build !linux

package knowledge

import "time"

var threadStart = time.Now()

// threadTime is the time on the wall, where the time of a thread is not known.
func threadTime() time.Duration { return time.Since(threadStart) }
