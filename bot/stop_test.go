package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestBot_StoppingWaitsForWhatIsBeingAnswered(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		close(started)
		<-release
		return echo(ctx, m, s)
	}), fast)
	stop := runBot(t, b)
	c.say(t, "fake/user/a", "1", "x")
	<-started
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	<-b.stopping
	if err := c.deliver(context.Background(), message("fake/user/a", "2")); !errors.Is(err, ErrBusy) {
		t.Errorf("a message while stopping: got %v, want ErrBusy", err)
	}
	select {
	case <-stopped:
		t.Fatal("it stopped before the answer")
	default:
	}
	close(release)
	<-stopped
	if r := c.replies(); len(r) != 1 {
		t.Errorf("got %d replies, want 1", len(r))
	}
}

func TestBot_StoppingCancelsAHandlerThatTakesTooLong(t *testing.T) {
	t.Parallel()
	o := fast
	o.Drain = 50 * time.Millisecond
	started := make(chan struct{}, 1)
	var hang atomic.Bool
	hang.Store(true)
	b, c, _ := setup(t, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		if hang.Load() {
			started <- struct{}{}
			<-ctx.Done()
			return Reply{}, ctx.Err()
		}
		return echo(ctx, m, s)
	}), o)
	stop := runBot(t, b)
	c.say(t, "fake/user/a", "1", "x")
	<-started
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	hang.Store(false)
	c.ready = make(chan struct{})
	runBot(t, b)
	if r := c.wait(t, 1); r[0].ref != "1" {
		t.Errorf("after the next start: got %+v", r)
	}
	if dead, err := b.inbox.Dead(context.Background(), 1); err != nil || len(dead) > 0 {
		t.Errorf("being stopped counted as a failure: %+v, %v", dead, err)
	}
}

// Messages come from many sides while the bot is started and stopped: each that
// was taken is answered once, in its conversation's order.
func TestBot_StartStopStress(t *testing.T) {
	t.Parallel()
	const starts, senders = 30, 8
	store := newStore(t)
	web := newFake("fake")
	var taken sync.Map
	for range starts {
		b := New(HandlerFunc(echo), NewLocalSessions(store, time.Hour), NewInbox(store), fast)
		web.ready = make(chan struct{})
		b.Attach(web)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		<-web.ready
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := range 5 {
					m := message(fmt.Sprintf("fake/user/%d", i), fmt.Sprintf("%s-%d", randomID()[:6], n))
					if err := web.deliver(context.Background(), m); err == nil {
						taken.Store(string(m.Chat)+m.ID, true)
					} else if !errors.Is(err, ErrBusy) {
						t.Error(err)
					}
				}
			})
		}
		if rand.IntN(2) == 0 {
			wg.Wait()
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
	b := New(HandlerFunc(echo), NewLocalSessions(store, time.Hour), NewInbox(store), fast)
	web.ready = make(chan struct{})
	b.Attach(web)
	runBot(t, b)
	count := 0
	taken.Range(func(any, any) bool { count++; return true })
	web.wait(t, count)
	seen := map[string]int{}
	for _, r := range web.replies() {
		seen[r.to+r.ref]++
	}
	for key, n := range seen {
		if _, ok := taken.Load(key); n != 1 || !ok {
			t.Errorf("%s: %d replies, taken: %v", key, n, ok)
		}
	}
	if len(seen) != count {
		t.Errorf("%d messages answered, %d taken", len(seen), count)
	}
}

func TestBot_AChannelThatPanicsDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t, HandlerFunc(echo), fast)
	b.Attach(brokenChannel{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	c.say(t, "fake/user/a", "1", "x")
	c.wait(t, 1)
	if err := b.Send(ctx, "nowhere/user/a", Reply{}); !errors.Is(err, ErrClosed) {
		t.Errorf("sending to no channel: got %v, want ErrClosed", err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the panic was not told")
	}
}

type brokenChannel struct{}

func (brokenChannel) Name() string { return "broken" }
func (brokenChannel) Run(context.Context, func(context.Context, Message) error) error {
	panic("broken")
}
func (brokenChannel) Send(context.Context, Address, string, Reply) error { return ErrClosed }
func (brokenChannel) Open() []Address                                    { return nil }
