//go:build race

package knowledge

// underRace says that the race detector watches, under which measuring quality
// takes minutes; make quality measures without it.
const underRace = true
