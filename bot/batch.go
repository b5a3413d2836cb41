package bot

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

const (
	// maxBatch is how many changes share one commit. It bounds how long the
	// first of them waits for the others.
	maxBatch = 64

	// batchTime is how long a commit may take; SQLite waits up to 5 s of it
	// for another process that writes.
	batchTime = 8 * time.Second
)

// change is one transaction's work. It may run twice.
type change struct {
	ctx  context.Context
	run  func(context.Context, *sql.Tx) error
	err  error
	turn chan bool // true: lead the next batch; false: done
}

// batch collects the changes that come while a commit is under way, so that
// they share the next one: SQLite waits for the disk at every commit and takes
// one at a time, which alone would be all that limits how many people are
// served.
type batch struct {
	mu    sync.Mutex
	queue []*change
	busy  bool
}

// update runs f in a transaction, which it shares with other changes where that
// helps, and commits. If f fails nothing of it is kept. f may run twice.
func (s *Store) update(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	if s.shared() { // the server does this by itself
		ctx, cancel := brief(ctx)
		defer cancel()
		return s.commit(ctx, func(tx *sql.Tx) error { return f(ctx, tx) })
	}
	c := &change{ctx: ctx, run: f, turn: make(chan bool, 1)}
	b := &s.batch
	b.mu.Lock()
	b.queue = append(b.queue, c)
	lead := !b.busy
	b.busy = true
	b.mu.Unlock()
	if !lead && !<-c.turn {
		return c.err
	}
	b.mu.Lock()
	n := min(len(b.queue), maxBatch)
	group := append([]*change(nil), b.queue[:n]...) // c is the first of it
	b.queue = append(b.queue[:0], b.queue[n:]...)
	b.mu.Unlock()
	s.together(group)
	b.mu.Lock()
	if b.busy = len(b.queue) > 0; b.busy {
		b.queue[0].turn <- true
	}
	b.mu.Unlock()
	for _, done := range group[1:] {
		done.turn <- false
	}
	return c.err
}

// together makes the changes of a group in one transaction; if one of them
// fails, each in its own.
func (s *Store) together(group []*change) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTime)
	defer cancel()
	if len(group) > 1 {
		err := s.commit(ctx, func(tx *sql.Tx) error {
			for _, c := range group {
				if c.err = c.ctx.Err(); c.err != nil {
					continue
				}
				if err := guard(func() error { return c.run(ctx, tx) }); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			return
		}
	}
	for _, c := range group {
		if c.err = c.ctx.Err(); c.err == nil {
			c.err = s.commit(ctx, func(tx *sql.Tx) error { return guard(func() error { return c.run(ctx, tx) }) })
		}
	}
}

func (s *Store) commit(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
