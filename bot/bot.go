package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options tune a Bot. The zero value is fit for one office on two cores.
type Options struct {
	Log     *slog.Logger          // discarded if nil
	Metrics prometheus.Registerer // not registered if nil
	Redis   *Redis                // shares limits and first-look dedupe between processes; nil: each for itself

	Workers int // messages being handled at once; defaults to 64: handlers mostly wait for others
	Queue   int // messages taken and not answered, in all; defaults to 2,000
	PerChat int // the same, in one conversation; defaults to 20

	PerPerson Rate          // messages of one person; defaults to 20 at once, then one every 2 s
	Handle    time.Duration // how long a handler may take; defaults to 25 s: a model has 20 s
	Drain     time.Duration // how long stopping waits for handlers; defaults to 8 s of the 10 s that stopping may take
	Keep      time.Duration // how long message ids and web conversations are kept; defaults to 7 days
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.Workers, 64)
	setDefault(&o.Queue, 2000)
	setDefault(&o.PerChat, 20)
	setDefault(&o.PerPerson, Rate{Burst: 20, Every: 2 * time.Second})
	setDefault(&o.Handle, 25*time.Second)
	setDefault(&o.Drain, 8*time.Second)
	setDefault(&o.Keep, 7*24*time.Hour)
	return o
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Bot takes messages from its channels, has each answered once by the handler,
// and brings the replies back. Messages of one conversation are answered in
// order, different conversations at the same time.
type Bot struct {
	handler  Handler
	sessions Sessions
	inbox    *Inbox
	o        Options
	person   *limiter
	codes    *limiter // tries of pick-up codes
	meter    *meter
	slots    chan struct{} // one token a message being handled

	mu       sync.Mutex
	channels map[string]Channel
	lanes    map[Address]*lane
	total    int  // messages reserved or queued in all lanes
	open     bool // messages are taken
	running  bool

	stopping chan struct{}   // closed when draining begins
	work     context.Context // ends when draining has taken too long
	crew     sync.WaitGroup  // lanes at work
	warned   time.Time       // last warning about the session store
}

// New makes a bot that answers with h and keeps its sessions in s.
func New(h Handler, s Sessions, in *Inbox, o Options) *Bot {
	o = o.withDefaults()
	return &Bot{
		handler: h, sessions: s, inbox: in, o: o,
		person:   newLimiter("person", o.PerPerson, o.Redis),
		codes:    newLimiter("code", pickupRate, o.Redis),
		meter:    newMeter(o.Metrics, o.Redis),
		slots:    make(chan struct{}, o.Workers),
		channels: map[string]Channel{},
		lanes:    map[Address]*lane{},
	}
}

// Attach adds a channel. It must be called before Run; it panics if there is a
// channel of that name already.
func (b *Bot) Attach(c Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.channels[c.Name()]; ok {
		panic("bot: two channels named " + c.Name())
	}
	b.channels[c.Name()] = c
	if a, ok := c.(interface{ attached(*Bot) }); ok {
		a.attached(b)
	}
}

// Run takes and answers messages until ctx is done or all channels have ended.
// Then it takes no more, waits for those being answered (Options.Drain at
// most), and returns when every goroutine it started has ended; what is left
// is answered after the next start. It may be called again then.
func (b *Bot) Run(ctx context.Context) error {
	if err := b.start(); err != nil {
		return err
	}
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	b.work = work
	defer b.ended()
	if err := b.resume(ctx); err != nil {
		b.stop()
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	upkeep := make(chan struct{})
	go func() {
		defer close(upkeep)
		b.upkeep(ctx, work)
	}()
	err := b.runChannels(ctx)
	cancel()
	b.stop()
	b.drain(abandon)
	abandon()
	<-upkeep
	release, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	if e := b.inbox.release(release); e != nil {
		b.o.Log.Error("messages not released; they are answered when their lease ends", "err", e)
	}
	for _, c := range b.channels {
		if d, ok := c.(interface{ drained() }); ok {
			d.drained()
		}
	}
	return err
}

func (b *Bot) ended() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = false
}

func (b *Bot) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running {
		return errors.New("bot: already running")
	}
	b.running, b.open, b.total = true, true, 0
	b.lanes = map[Address]*lane{}
	b.stopping = make(chan struct{})
	return nil
}

// stop refuses messages from now on.
func (b *Bot) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.open = false
		close(b.stopping)
	}
}

// resume makes what an earlier process left ready to be answered at once. A
// database that others may use too has to wait for the leases instead.
func (b *Bot) resume(ctx context.Context) error {
	if b.inbox.store.shared() {
		return nil
	}
	return b.inbox.seize(ctx, b.mailboxes())
}

// runChannels returns when all channels have ended, which they do when ctx is
// done. A channel that fails does not stop the others.
func (b *Bot) runChannels(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(b.channels))
	i := 0
	for name, c := range b.channels {
		at := i
		i++
		wg.Go(func() {
			err := runChannel(ctx, c, func(ctx context.Context, m Message) error { return b.deliver(ctx, c, m) })
			if err != nil && ctx.Err() == nil {
				errs[at] = fmt.Errorf("channel %s: %w", name, err)
				b.o.Log.Error("channel ended", "channel", name, "err", err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func runChannel(ctx context.Context, c Channel, deliver func(context.Context, Message) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.Run(ctx, deliver)
}

// drain waits for the lanes; when that takes too long it cancels the handlers.
func (b *Bot) drain(abandon func()) {
	done := make(chan struct{})
	go func() {
		b.crew.Wait()
		close(done)
	}()
	late := time.NewTimer(b.o.Drain)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		b.o.Log.Warn("handlers cancelled: they did not end in time", "after", b.o.Drain)
		abandon()
		<-done
	}
}

// upkeep looks for messages that nobody answers, keeps the leases of those
// being answered until work ends, and throws away what is old.
func (b *Bot) upkeep(ctx, work context.Context) {
	sweep, renew, prune := time.NewTicker(time.Second), time.NewTicker(renewal), time.NewTicker(time.Hour)
	defer sweep.Stop()
	defer renew.Stop()
	defer prune.Stop()
	b.sweep(ctx)
	for {
		var err error
		select {
		case <-work.Done():
			return
		case <-sweep.C:
			if ctx.Err() == nil {
				b.sweep(ctx)
			}
		case <-renew.C:
			err = b.renew(work)
		case <-prune.C:
			_, err = b.inbox.store.prune(work, b.o.Keep)
		}
		if err != nil && work.Err() == nil {
			b.o.Log.Warn("upkeep failed; it is tried again", "err", err)
		}
	}
}

func (b *Bot) renew(ctx context.Context) error {
	b.mu.Lock()
	idle := len(b.lanes) == 0
	b.mu.Unlock()
	if idle {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, renewal)
	defer cancel()
	return b.inbox.renew(ctx)
}

// sweepSize is how many waiting conversations one sweep starts on.
const sweepSize = 200

func (b *Bot) sweep(ctx context.Context) {
	chats, err := b.inbox.Pending(ctx, sweepSize, b.mailboxes()...)
	if err != nil {
		if ctx.Err() == nil {
			b.o.Log.Warn("pending messages not listed", "err", err)
		}
		return
	}
	for _, chat := range chats {
		b.wake(chat)
	}
}

// mailboxes names what of the inbox this bot answers: its channels by name, or
// what a channel says instead.
func (b *Bot) mailboxes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, c := range b.channels {
		names = append(names, mailbox(c))
	}
	sort.Strings(names)
	return names
}

func mailbox(c Channel) string {
	if m, ok := c.(interface{ mailbox() string }); ok {
		return m.mailbox()
	}
	return c.Name()
}

func (b *Bot) channel(a Address) Channel {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.channels[channelOf(a)]
}

// Send brings r to a conversation without a message to answer. ErrClosed: it
// cannot be written to now, or there is no such channel.
func (b *Bot) Send(ctx context.Context, to Address, r Reply) error {
	c := b.channel(to)
	if c == nil {
		return fmt.Errorf("send to channel %q: %w", channelOf(to), ErrClosed)
	}
	return c.Send(ctx, to, "", r)
}

// Open lists the conversations that Send can reach now.
func (b *Bot) Open() []Address {
	b.mu.Lock()
	channels := make([]Channel, 0, len(b.channels))
	for _, c := range b.channels {
		channels = append(channels, c)
	}
	b.mu.Unlock()
	var open []Address
	for _, c := range channels {
		open = append(open, c.Open()...)
	}
	return open
}

// Forget erases what the bot remembers of a person in a conversation: the
// session, the messages answered and the replies that wait. A message being
// answered now is erased when that is done.
func (b *Bot) Forget(ctx context.Context, chat, from Address) error {
	return errors.Join(b.sessions.Delete(ctx, sessionKey(chat, from)), b.inbox.forget(ctx, chat), b.inbox.store.forgetCodes(ctx, from),
		b.inbox.store.forgetHeld(ctx, chat, from), b.inbox.store.forgetQQ(ctx, chat))
}
