package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// lane is the queue of one conversation. The messages themselves are rows of
// the inbox; a lane only counts them and says who works on them.
type lane struct {
	reserved int  // being taken
	queued   int  // taken by this process, not done
	running  bool // a goroutine works on the lane
	again    bool // something was added since it looked last
}

// maxID is how long a platform's message id may be, in bytes.
const maxID = 256

// deliver takes a message durably and sees to it that it is answered. nil: it
// is taken, now or before. ErrTooFast, ErrBusy: it is not; ErrInvalid: it never
// will be.
func (b *Bot) deliver(ctx context.Context, c Channel, m Message) error {
	m.Text = cut(clean(m.Text), maxText)
	if m.ID == "" || len(m.ID) > maxID || m.ID != clean(m.ID) || m.Chat == "" || channelOf(m.Chat) != c.Name() {
		return ErrInvalid
	}
	if m.From == "" {
		m.From = m.Chat
	}
	if m.At.IsZero() {
		m.At = b.inbox.store.now()
	}
	seen, err := b.seen(ctx, m)
	if err != nil || seen {
		b.meter.taken(c.Name(), "repeated", err)
		return err
	}
	if wait, ok := b.person.allow(ctx, string(m.From)); !ok {
		b.meter.taken(c.Name(), "limited", nil)
		return &waitError{wait}
	}
	if !b.reserve(m.Chat) {
		b.meter.taken(c.Name(), "busy", nil)
		return ErrBusy
	}
	// The sender may hang up now; whether the message was taken must not be
	// left open because of that.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var more takeHook
	if h, ok := c.(interface{ onTake() takeHook }); ok {
		more = h.onTake()
	}
	fresh, err := b.inbox.take(ctx, mailbox(c), m, more)
	b.arrived(m.Chat, fresh && err == nil)
	if err != nil {
		b.meter.taken(c.Name(), "failed", err)
		return err
	}
	if b.o.Redis != nil {
		b.o.Redis.remember(ctx, m.Chat, m.ID)
	}
	result := "taken"
	if !fresh {
		result = "repeated"
	}
	b.meter.taken(c.Name(), result, nil)
	return nil
}

// seen says whether a message was taken before: Redis remembers the recent
// ones, the inbox knows all.
func (b *Bot) seen(ctx context.Context, m Message) (bool, error) {
	if b.o.Redis != nil && b.o.Redis.remembers(ctx, m.Chat, m.ID) {
		return true, nil
	}
	return b.inbox.seen(ctx, m.Chat, m.ID)
}

// reserve makes room for one message; false: there is none.
func (b *Bot) reserve(chat Address) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || b.total >= b.o.Queue {
		return false
	}
	l := b.lanes[chat]
	if l == nil {
		l = &lane{}
		b.lanes[chat] = l
	}
	if l.reserved+l.queued >= b.o.PerChat {
		return false
	}
	l.reserved++
	b.total++
	b.crew.Add(1) // stopping waits for what is being taken
	b.meter.queue.Set(float64(b.total))
	return true
}

// arrived turns a reservation into a message to be answered, or gives it back.
func (b *Bot) arrived(chat Address, taken bool) {
	defer b.crew.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[chat]
	l.reserved--
	if taken {
		l.queued++
		b.workOn(chat, l)
		return
	}
	b.total--
	b.leave(chat, l)
}

// wake has a conversation's waiting messages looked at.
func (b *Bot) wake(chat Address) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return
	}
	l := b.lanes[chat]
	if l == nil {
		l = &lane{}
		b.lanes[chat] = l
	}
	b.workOn(chat, l)
}

// workOn starts a goroutine on the lane unless there is one. b.mu is held.
func (b *Bot) workOn(chat Address, l *lane) {
	l.again = true
	if l.running {
		return
	}
	l.running = true
	b.crew.Go(func() { b.runLane(chat, l) })
}

// leave forgets a lane that nobody uses. b.mu is held.
func (b *Bot) leave(chat Address, l *lane) {
	if !l.running && l.reserved == 0 && b.lanes[chat] == l {
		delete(b.lanes, chat)
	}
	b.meter.queue.Set(float64(b.total))
}

// runLane answers the messages of one conversation, oldest first, until there
// is none, or the bot stops and the next must wait.
func (b *Bot) runLane(chat Address, l *lane) {
	for faults, lost := 0, 0; ; {
		b.mu.Lock()
		l.again = false
		b.mu.Unlock()
		wait, more, err := b.step(chat)
		switch {
		case errors.Is(err, errLost): // another process is at an earlier message of this conversation
			b.mu.Lock()
			mine := l.queued > 0
			b.mu.Unlock()
			lost++
			more, wait = mine, min(100*time.Millisecond, time.Duration(lost)*5*time.Millisecond)
		case err != nil:
			faults++
			b.o.Log.Warn("inbox failed; tried again", "chat", short(chat), "err", err)
			more, wait = faults < 5, time.Duration(faults)*200*time.Millisecond
		case more && wait == 0:
			faults, lost = 0, 0
			b.mu.Lock()
			if l.queued > 0 {
				l.queued--
				b.total--
				b.meter.queue.Set(float64(b.total))
			}
			b.mu.Unlock()
		}
		if more && (wait == 0 || b.pause(wait)) && b.work.Err() == nil {
			continue
		}
		if b.endLane(chat, l, more || (err != nil && !errors.Is(err, errLost))) {
			return
		}
	}
}

// endLane ends the work on a lane, unless something was added meanwhile and
// the worker did not give up.
func (b *Bot) endLane(chat Address, l *lane, gaveUp bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.again && !gaveUp && b.work.Err() == nil {
		return false
	}
	b.total -= l.queued
	l.queued = 0
	l.running = false
	b.leave(chat, l)
	return true
}

// pause waits, and says false if the bot stops meanwhile.
func (b *Bot) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-b.stopping:
		return false
	}
}

// step deals with the oldest message of a conversation. more: there was one.
// wait: it is to be tried again after that.
func (b *Bot) step(chat Address) (wait time.Duration, more bool, err error) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-b.work.Done():
		return 0, false, b.work.Err()
	}
	it, err := b.inbox.next(b.work, chat)
	if err != nil || it == nil {
		return 0, false, err
	}
	wait, err = b.answer(b.work, it)
	return wait, true, err
}

// How often a message is tried, and how long is waited before the next try.
const (
	maxTries     = 3
	maxSendTries = 6
)

func backoff(tries int) time.Duration { return time.Duration(tries*tries) * time.Second }

// answer brings a message as far as it can: handle it, store the reply, save
// the session, send the reply, close the message. Each stage is durable before
// the next begins, and a message that comes back starts where it was.
func (b *Bot) answer(ctx context.Context, it *item) (wait time.Duration, err error) {
	c := b.channel(it.Chat)
	if c == nil {
		return 0, fmt.Errorf("no channel %q: %w", channelOf(it.Chat), errLost)
	}
	if it.claims > maxClaims || (it.state == stateTaken && it.tries >= maxTries) {
		return b.giveUp(ctx, c, it)
	}
	var r Reply
	var s *Session
	var lost bool
	if it.state == stateTaken {
		if t, ok := c.(interface {
			typing(context.Context, Address)
		}); ok {
			t.typing(ctx, it.Chat)
		}
		s, lost = b.load(ctx, sessionKey(it.Chat, it.From))
		if r, err = b.handle(b.withShow(ctx, c, it), it.Message, s); err != nil {
			return b.retry(ctx, c, it, maxTries, err)
		}
		crash("handled")
		r.Text = it.whole(r.Text)
		s.Seen = it.At
		if err := b.inbox.answered(ctx, it, r, s); err != nil {
			return 0, err
		}
		crash("answered")
	} else if r, s, err = it.stored(); err != nil {
		return b.giveUp(ctx, c, it)
	}
	b.save(ctx, s, lost)
	crash("saved")
	return b.send(ctx, c, it, r, s, "")
}

// send is the last stage of answer; fault makes the message a dead letter.
func (b *Bot) send(ctx context.Context, c Channel, it *item, r Reply, s *Session, fault string) (time.Duration, error) {
	err := guard(func() error { return c.Send(ctx, it.Chat, it.ID, r) })
	switch {
	case errors.Is(err, errGone): // erased while it was being answered
		if s != nil {
			b.erase(ctx, s)
		}
		return 0, b.inbox.drop(ctx, it)
	case errors.Is(err, ErrClosed):
		fault = "closed"
	case err != nil && it.tries+1 < maxSendTries:
		return b.retry(ctx, c, it, maxSendTries, err)
	case err != nil:
		b.o.Log.Error("reply not sent", "chat", short(it.Chat), "err", err)
		fault = "send"
	default:
		crash("sent")
	}
	if err != nil {
		if err := b.hold(ctx, c, it, r, fault); err != nil {
			return 0, err
		}
	}
	b.meter.answered(c.Name(), fault, b.inbox.store.now().Sub(it.At))
	return 0, b.inbox.done(ctx, it, fault)
}

// hold keeps what could not be brought, on channels that people come back to.
func (b *Bot) hold(ctx context.Context, c Channel, it *item, r Reply, why string) error {
	h, ok := c.(interface {
		hold(ctx context.Context, m Message, r Reply) (held bool, err error)
	})
	if !ok {
		return nil
	}
	held, err := h.hold(ctx, it.Message, r)
	if held {
		b.meter.held.WithLabelValues(c.Name(), why).Inc()
	}
	return err
}

// retry counts a try that failed and says when the next one is due. Being
// stopped is not a failure.
func (b *Bot) retry(ctx context.Context, c Channel, it *item, most int, cause error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	b.meter.failures.WithLabelValues(c.Name()).Inc()
	b.o.Log.Warn("message failed", "chat", short(it.Chat), "try", it.tries+1, "err", cause)
	if err := b.inbox.failed(ctx, it, faultOf(cause)); err != nil {
		return 0, err
	}
	if it.tries >= most {
		return b.giveUp(ctx, c, it)
	}
	return backoff(it.tries), nil
}

// giveUp makes a message a dead letter, and says so politely.
func (b *Bot) giveUp(ctx context.Context, c Channel, it *item) (time.Duration, error) {
	b.o.Log.Error("message given up", "chat", short(it.Chat), "id", it.seq, "tries", it.tries, "claims", it.claims)
	it.tries = maxSendTries // one try to say so is enough
	return b.send(ctx, c, it, Reply{Text: it.whole(sorry)}, nil, "given up")
}

// sorry is said when a message could not be answered.
const sorry = "抱歉，这句话我没能处理好。请换个说法再试一次，或者拨打 12348 公共法律服务热线（免费）。"

// panicError is a panic with where it happened.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %T at %s", p.value, p.stack) }

// guard makes a panic of f an error. The value is not in it: it may quote a
// person.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	return f()
}

// handle calls the handler with a deadline.
func (b *Bot) handle(ctx context.Context, m Message, s *Session) (r Reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.o.Handle)
	defer cancel()
	start := time.Now()
	err = guard(func() (err error) {
		var asked bool
		if r, asked, err = b.pickup(ctx, m); asked || err != nil {
			return err
		}
		r, err = b.handler.Handle(ctx, m, s)
		return err
	})
	b.meter.handle.Observe(time.Since(start).Seconds())
	return r, err
}

// faultOf is what the inbox keeps of an error: its sort, not its words.
func faultOf(err error) string {
	var p *panicError
	switch {
	case errors.As(err, &p):
		return "panic"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}
