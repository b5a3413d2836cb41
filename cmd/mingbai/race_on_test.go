//go:build race

package main

// underRace says that the race detector watches, under which memory and time
// say nothing; make quality measures without it.
const underRace = true
