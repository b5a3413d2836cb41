package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mingbai/bot/qqtest"
)

// tally counts how often people saw the answer to each question.
type tally struct {
	armed int // faults; only the talking goroutine writes it

	mu    sync.Mutex
	asked int
	open  map[int]bool // asked and not seen answered
	twice []int
	odd   []string // refusals that must not happen
}

func newTally() *tally { return &tally{open: map[int]bool{}} }

func (t *tally) next() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	t.open[t.asked] = true
	return t.asked
}

var named = regexp.MustCompile(`答([0-9]+)。`)

// mistakes are refusals that show a bot that does not keep the rules.
var mistakes = []int{22006, 40034011, 40034029, 305007, 304061, 40054010, 40034128, 11241}

// see takes an entry of the transcript: what the platform took is what people
// saw, whatever the bot was told.
func (t *tally) see(e qqtest.Entry) {
	if e.Kind != qqtest.KindAttempt || !strings.HasSuffix(e.Endpoint, "/messages") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(mistakes, e.Code) && e.Fault == "" && len(t.odd) < 20 {
		t.odd = append(t.odd, fmt.Sprintf("%s refused with %d", e.Endpoint, e.Code))
	}
	if !e.Accepted {
		return
	}
	for _, m := range named.FindAllStringSubmatch(e.Seen, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			continue
		}
		if !t.open[n] {
			t.twice = append(t.twice, n)
		}
		delete(t.open, n)
	}
}

func (t *tally) counts() (asked, answered, twice int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked, t.asked - len(t.open), len(t.twice)
}

// wait waits until every question was answered or its answer waits to be
// fetched, and returns those of which neither is true.
func (t *tally) wait(ctx context.Context, held func() (string, error)) (open []int) {
	for tick := time.NewTicker(time.Second); ; {
		words, err := held()
		open = open[:0]
		t.mu.Lock()
		for n := range t.open {
			if err != nil || !strings.Contains(words, fmt.Sprintf("答%d。", n)) {
				open = append(open, n)
			}
		}
		t.mu.Unlock()
		if len(open) == 0 {
			tick.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return open
		}
	}
}

func (t *tally) verdict(open []int) error {
	asked, answered, _ := t.counts()
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Printf("asked %d, seen answered %d, waiting to be fetched %d, lost %d, twice %d, mistakes %d\n",
		asked, answered, asked-answered-len(open), len(open), len(t.twice), len(t.odd))
	if len(open)+len(t.twice)+len(t.odd) > 0 {
		return errors.New(fmt.Sprint("lost ", open, ", twice ", t.twice, ", ", strings.Join(t.odd, "; ")))
	}
	return nil
}
