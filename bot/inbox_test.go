package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mingbai/internal/servers"
)

// onBoth runs a test on both kinds of records database.
func onBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newStore(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgresStore(t, servers.PostgresURL(t)))
	})
}

// clock is a time that the test moves.
type clock struct{ ns atomic.Int64 }

func newClock(s *Store) *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC).UnixNano())
	s.now = func() time.Time { return time.Unix(0, c.ns.Load()) }
	return c
}

func (c *clock) move(d time.Duration) { c.ns.Add(int64(d)) }

func message(chat, id string) Message {
	return Message{ID: id, Chat: Address(chat), From: Address(chat), Text: "words of " + id, At: time.UnixMilli(1e12)}
}

func TestInbox_OneOfManyCopiesIsTaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *Store) {
		boxes := []*Inbox{NewInbox(s), NewInbox(s)}
		var taken atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				fresh, err := boxes[i%2].Take(context.Background(), message("fake/user/a", "1"))
				if err != nil {
					t.Error(err)
				}
				if fresh {
					taken.Add(1)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1 {
			t.Errorf("taken %d times, want once", taken.Load())
		}
	})
}

func TestInbox_AMessageBelongsToOneProcessUntilItsLeaseEnds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	onBoth(t, func(t *testing.T, s *Store) {
		now := newClock(s)
		a, b := NewInbox(s), NewInbox(s)
		if _, err := a.Take(ctx, message("fake/user/a", "1")); err != nil {
			t.Fatal(err)
		}
		mine, err := a.next(ctx, "fake/user/a")
		if err != nil || mine == nil || mine.Text != "words of 1" {
			t.Fatalf("its owner: got %+v, %v", mine, err)
		}
		if it, err := b.next(ctx, "fake/user/a"); !errors.Is(err, errLost) {
			t.Fatalf("another: got %+v, %v, want errLost", it, err)
		}
		now.move(lease - time.Second)
		if err := a.renew(ctx); err != nil {
			t.Fatal(err)
		}
		now.move(lease - time.Second)
		if chats, err := b.Pending(ctx, 10, "fake"); err != nil || len(chats) != 0 {
			t.Errorf("pending while the lease lasts: got %v, %v", chats, err)
		}
		now.move(2 * time.Second)
		if chats, err := b.Pending(ctx, 10, "fake"); err != nil || len(chats) != 1 {
			t.Errorf("pending after the lease: got %v, %v", chats, err)
		}
		if chats, err := b.Pending(ctx, 10, "other"); err != nil || len(chats) != 0 {
			t.Errorf("pending of another channel: got %v, %v", chats, err)
		}
		taken, err := b.next(ctx, "fake/user/a")
		if err != nil || taken == nil || taken.claims != 1 {
			t.Fatalf("another after the lease: got %+v, %v", taken, err)
		}
		if err := a.answered(ctx, mine, Reply{Text: "late"}, &Session{}); !errors.Is(err, errLost) {
			t.Errorf("the late owner's reply: got %v, want errLost", err)
		}
		if err := b.answered(ctx, taken, Reply{Text: "in time"}, &Session{Key: "k"}); err != nil {
			t.Error(err)
		}
		if again, err := b.next(ctx, "fake/user/a"); err != nil || again.state != stateAnswered {
			t.Errorf("after the answer: got %+v, %v", again, err)
		} else if r, session, err := again.stored(); err != nil || r.Text != "in time" || session.Key != "k" {
			t.Errorf("stored: got %+v, %+v, %v", r, session, err)
		}
		if err := b.done(ctx, taken, ""); err != nil {
			t.Error(err)
		}
		if it, err := b.next(ctx, "fake/user/a"); err != nil || it != nil {
			t.Errorf("when all is done: got %+v, %v", it, err)
		}
	})
}

func TestInbox_KeepsNoWordsOfWhatIsDone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	onBoth(t, func(t *testing.T, s *Store) {
		now := newClock(s)
		in := NewInbox(s)
		for i := range 3 {
			if _, err := in.Take(ctx, message("fake/user/a", fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			it, err := in.next(ctx, "fake/user/a")
			if err != nil {
				t.Fatal(err)
			}
			if err := in.answered(ctx, it, Reply{Text: "words of a reply"}, &Session{Turns: []Turn{{Text: "words"}}}); err != nil {
				t.Fatal(err)
			}
			if err := in.done(ctx, it, []string{"", "", "given up"}[i]); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM inbox WHERE text LIKE '%words%' OR reply LIKE '%words%' OR session LIKE '%words%'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows have words, %v", n, err)
		}
		if fresh, err := in.Take(ctx, message("fake/user/a", "0")); err != nil || fresh {
			t.Errorf("a repeat: got %v, %v", fresh, err)
		}
		if dead, err := in.Dead(ctx, 10); err != nil || len(dead) != 1 || dead[0].ID != "2" || dead[0].Fault != "given up" {
			t.Errorf("dead letters: got %+v, %v", dead, err)
		}
		now.move(8 * 24 * time.Hour)
		if n, err := s.prune(ctx, 7*24*time.Hour); err != nil || n != 3 {
			t.Errorf("pruned %d, %v, want 3", n, err)
		}
	})
}

func TestBot_AnswersWhatAnEarlierProcessLeft(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t)
	crashed := NewInbox(store)
	for i := range 3 {
		if _, err := crashed.Take(ctx, message("fake/user/a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	it, err := crashed.next(ctx, "fake/user/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := crashed.answered(ctx, it, Reply{Text: "the stored reply"}, &Session{Key: "fake/user/a", Turns: []Turn{{Text: "t"}}}); err != nil {
		t.Fatal(err)
	}
	b := New(HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		r, err := echo(ctx, m, s)
		r.Text = fmt.Sprintf("%s %d", m.ID, len(s.Turns))
		return r, err
	}), NewLocalSessions(store, time.Hour), NewInbox(store), fast)
	c := newFake("fake")
	b.Attach(c)
	runBot(t, b)
	r := c.wait(t, 3)
	if r[0].Text != "the stored reply" || r[1].Text != "1 2" || r[2].Text != "2 3" {
		t.Errorf("got %+v", r)
	}
}

func TestBot_APoisonMessageIsGivenUpPolitely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testPoison) // the waits between tries take no time
}

func testPoison(t *testing.T) {
	var tries atomic.Int32
	b, c, store := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		if m.ID == "poison" {
			s.Turns = append(s.Turns, Turn{Text: "half done"})
			tries.Add(1)
			panic("secret words")
		}
		r, err := echo(ctx, m, s)
		r.Text = fmt.Sprint(len(s.Turns))
		return r, err
	}), fast)
	runBot(t, b)
	c.say(t, "fake/user/a", "poison", "x")
	c.say(t, "fake/user/a", "after", "x")
	c.say(t, "fake/user/b", "other", "x")
	r := c.wait(t, 3)
	if r[0].ref != "other" || r[1].Text != sorry || r[1].ref != "poison" || r[2].ref != "after" || r[2].Text != "1" {
		t.Errorf("got %+v", r)
	}
	if tries.Load() != maxTries {
		t.Errorf("tried %d times, want %d", tries.Load(), maxTries)
	}
	dead, err := NewInbox(store).Dead(context.Background(), 10)
	if err != nil || len(dead) != 1 || dead[0].ID != "poison" {
		t.Errorf("dead letters: got %+v, %v", dead, err)
	}
}

func TestBot_SendsAgainWhatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	var handled, refused atomic.Int32
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		return Reply{Text: fmt.Sprint(handled.Add(1))}, nil
	}), fast)
	c.fail = func(to Address, _ Reply) error {
		if to == "fake/user/closed" {
			return ErrClosed
		}
		if refused.Add(1) == 1 {
			return errors.New("the platform is out")
		}
		return nil
	}
	runBot(t, b)
	c.say(t, "fake/user/a", "1", "x")
	if r := c.wait(t, 1); r[0].Text != "1" || handled.Load() != 1 {
		t.Errorf("got %+v, handled %d times", r, handled.Load())
	}
	c.say(t, "fake/user/closed", "1", "x")
	until(t, "it is a dead letter", func() bool {
		dead, err := b.inbox.Dead(context.Background(), 10)
		return err == nil && len(dead) == 1 && dead[0].Fault == "closed"
	})
}

// keeper is a channel that people come back to.
type keeper struct {
	*fakeChannel
	kept chan string
	err  error // the first time
}

func (k *keeper) hold(_ context.Context, m Message, r Reply) (bool, error) {
	if err := k.err; err != nil {
		k.err = nil
		return false, err
	}
	k.kept <- m.ID + " " + r.Text
	return true, nil
}

// What could not be brought is held before the message is closed; what was
// brought is not.
func TestBot_HoldsWhatItCannotBring(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	b := New(HandlerFunc(echo), NewLocalSessions(s, time.Hour), NewInbox(s), fast)
	c := &keeper{fakeChannel: newFake("fake"), kept: make(chan string, 10), err: errors.New("the database is away")}
	c.fail = func(_ Address, r Reply) error {
		if r.Text == "迟" {
			return ErrClosed
		}
		return nil
	}
	b.Attach(c)
	runBot(t, b)
	c.say(t, "fake/user/a", "1", "迟")
	c.say(t, "fake/user/a", "2", "好")
	if got := <-c.kept; got != "1 迟" {
		t.Errorf("got %q", got)
	}
	c.wait(t, 1)
	if len(c.kept) != 0 {
		t.Errorf("held %q too", <-c.kept)
	}
}
