package knowledge

import (
	"syscall"
	"time"
)

// threadTime is the processor time of this thread: what a piece of work costs
// however busy the machine is. The goroutine must be locked to its thread.
func threadTime() time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
