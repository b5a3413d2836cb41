package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fast has no limits that a test would meet by chance.
var fast = Options{PerPerson: Rate{Burst: 1 << 20, Every: time.Millisecond}, PerChat: 1000}

func setup(t *testing.T, h Handler, o Options) (*Bot, *fakeChannel, *Store) {
	t.Helper()
	store := newStore(t)
	b := New(h, NewLocalSessions(store, time.Hour), NewInbox(store), o)
	c := newFake("fake")
	b.Attach(c)
	return b, c, store
}

func TestBot_AnswersInOrderWithinAConversation(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t, HandlerFunc(echo), fast)
	runBot(t, b)
	for i := range 30 {
		for _, chat := range []string{"fake/user/a", "fake/user/b", "fake/user/c"} {
			c.say(t, chat, fmt.Sprint(i), fmt.Sprint(i))
		}
	}
	next := map[string]int{}
	for _, r := range c.wait(t, 90) {
		if want := fmt.Sprint(next[r.to]); r.Text != want {
			t.Fatalf("%s: got reply %s, want %s", r.to, r.Text, want)
		}
		next[r.to]++
	}
}

func TestBot_ConversationsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		if m.Chat == "fake/user/slow" {
			<-release
		}
		return echo(ctx, m, s)
	}), fast)
	runBot(t, b)
	c.say(t, "fake/user/slow", "1", "slow")
	c.say(t, "fake/user/quick", "1", "quick")
	if r := c.wait(t, 1); r[0].Text != "quick" {
		t.Fatalf("got %q first", r[0].Text)
	}
	close(release)
	c.wait(t, 2)
}

func TestBot_ARepeatIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	var handled atomic.Int32
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		handled.Add(1)
		return echo(ctx, m, s)
	}), fast)
	runBot(t, b)
	<-c.ready
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { c.say(t, "fake/user/a", "same", "x") })
	}
	wg.Wait()
	c.wait(t, 1)
	c.say(t, "fake/user/a", "other", "y")
	c.wait(t, 2)
	if n := handled.Load(); n != 2 {
		t.Fatalf("handled %d times, want 2", n)
	}
}

func TestBot_QueuesAreBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		<-release
		return echo(ctx, m, s)
	}), Options{PerChat: 3, Queue: 5, PerPerson: fast.PerPerson})
	runBot(t, b)
	<-c.ready
	say := func(chat, id string) error {
		return c.deliver(context.Background(), Message{ID: id, Chat: Address(chat), Text: "x"})
	}
	for i := range 3 {
		if err := say("fake/user/a", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := say("fake/user/a", "4"); !errors.Is(err, ErrBusy) {
		t.Fatalf("full conversation: got %v, want ErrBusy", err)
	}
	for i := range 2 {
		if err := say("fake/user/b", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := say("fake/user/c", "1"); !errors.Is(err, ErrBusy) {
		t.Fatalf("full queue: got %v, want ErrBusy", err)
	}
	close(release)
	c.wait(t, 5)
	c.say(t, "fake/user/c", "1", "now there is room")
	c.wait(t, 6)
}

func TestBot_LimitsAPersonNotOthers(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t, HandlerFunc(echo), Options{PerPerson: Rate{Burst: 2, Every: time.Hour}})
	runBot(t, b)
	c.say(t, "fake/user/a", "1", "x")
	c.say(t, "fake/user/a", "2", "x")
	c.say(t, "fake/user/a", "2", "x") // a repeat costs nothing
	err := c.deliver(context.Background(), Message{ID: "3", Chat: "fake/user/a", Text: "x"})
	var soon *waitError
	if !errors.Is(err, ErrTooFast) || !errors.As(err, &soon) || soon.wait <= 0 {
		t.Fatalf("got %v, want ErrTooFast with a wait", err)
	}
	c.say(t, "fake/user/b", "1", "x")
	c.wait(t, 3)
}
