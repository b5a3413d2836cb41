package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// errUnsayable says that no form of a message is taken.
var errUnsayable = errors.New("bot: QQ does not take these words in any form")

const (
	// qqSteps bounds what is tried with one message in one go: forms, ways and
	// two calls each.
	qqSteps = 16
	// qqAgain is about how long is waited before the second call of a way.
	qqAgain = 300 * time.Millisecond
	// qqCalls is how often one way is tried in one go; the inbox comes back.
	qqCalls = 2
	// qqShortest is what is not halved any more, in runes.
	qqShortest = 60
)

// bring sends one message: it finds a way for it, calls, and acts on what the
// platform says, until it is settled. more are messages that came to follow it.
func (s *qqSender) bring(ctx context.Context, p *qqPart) (more []*qqPart, err error) {
	calls := 0
	for range qqSteps {
		if p.state != qqPlanned {
			return more, nil
		}
		if p.doubt && p.way != qqHung {
			return more, s.uncertain(ctx, p)
		}
		if p.way == qqNoWay {
			if err := s.route(ctx, p); err != nil {
				return more, err
			}
			calls = 0
		}
		doubted := p.doubt
		err := s.call(ctx, p)
		calls++
		half, err := s.judge(ctx, p, err, doubted, calls)
		more = append(half, more...)
		if err != nil {
			return more, err
		}
	}
	return more, errors.New("bot: no end of refusals")
}

// route finds what p can be hung on, or another way. ErrClosed: there is none.
func (s *qqSender) route(ctx context.Context, p *qqPart) error {
	if strings.HasPrefix(p.ref, pushed) {
		return s.routePush(ctx, p)
	}
	room := qqReplies
	if p.form == qqNeutral {
		room = qqRepliesMost
	}
	for {
		anchor, ok, err := s.book.newest(ctx, p.chat, p.ref, room)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := s.book.hangOn(ctx, p, anchor, room); !errors.Is(err, errNoSlot) {
			return err
		}
	}
	t, err := s.book.target(ctx, p.chat)
	if err != nil {
		return err
	}
	if !t.member {
		return fmt.Errorf("%w: not a friend, or not in the group", ErrClosed)
	}
	kind, _ := qqKind(p.chat)
	if bit := t.recall(s.book.store.now()); kind == qqUser && bit != 0 {
		if err := s.book.recall(ctx, p, t.woken, bit); !errors.Is(err, errNoSlot) {
			return err
		}
	}
	if t.push == qqPushIs[false] {
		return fmt.Errorf("%w: messages are switched off", ErrClosed)
	}
	return s.book.unasked(ctx, p)
}

// call makes one call for p.
func (s *qqSender) call(ctx context.Context, p *qqPart) error {
	if err := s.limits.wait(ctx, p); err != nil {
		return err
	}
	m := p.bodyOf(s.o.Domains)
	switch p.way {
	case qqHung:
		if err := s.book.hang(ctx, p.chat, p.anchor, m); err != nil {
			return err
		}
		m.MsgSeq = p.seq
	case qqRecalled:
		m.IsWakeup = true
	}
	if err := s.book.trying(ctx, p, m); err != nil {
		return err
	}
	crash("sending")
	id, err := s.api.post(ctx, p.chat, m)
	if err != nil {
		return err
	}
	crash("posted")
	p.sentID = id
	return nil
}

// judge acts on the outcome of a call. doubted: an earlier one of this way may
// have been taken. nil: go on, p says how far it is.
func (s *qqSender) judge(ctx context.Context, p *qqPart, outcome error, doubted bool, calls int) (more []*qqPart, err error) {
	if outcome == nil {
		s.count("sent")
		return nil, s.book.settle(ctx, p, qqSent, 0, p.sentID)
	}
	var e *qqError
	if !errors.As(outcome, &e) {
		return nil, outcome // of ours: the limit, the database, the context
	}
	s.count(e.Class.String())
	switch e.Class {
	case qqRetry, qqUncertain:
		if e.Class == qqRetry && e.Status < 500 && !doubted { // it was surely not taken
			if err := s.book.answered(ctx, p); err != nil {
				return nil, err
			}
		}
		if p.way != qqHung && p.doubt {
			return nil, s.uncertain(ctx, p)
		}
		if calls >= qqCalls {
			return nil, outcome
		}
		return nil, linger(ctx, qqAgain+rand.N(qqAgain))
	case qqDone:
		if doubted || p.tries > 1 {
			return nil, s.book.settle(ctx, p, qqSent, e.Code, "")
		}
		s.log(p).Error("a msg_seq was used twice", "trace", e.Trace)
		return nil, s.book.lost(ctx, p)
	case qqPending:
		if e.Audit == "" { // no verdict can be told apart
			return nil, s.uncertain(ctx, p)
		}
		return nil, s.book.await(ctx, p, e.Audit)
	case qqStaleToken, qqConfig, qqQuota: // it was not looked at
		if doubted {
			return nil, e
		}
		return nil, errors.Join(e, s.book.answered(ctx, p))
	}
	if doubted { // the platform refuses it now; it may have shown it before
		return nil, s.uncertain(ctx, p)
	}
	return s.refused(ctx, p, e)
}

// refused acts on a refusal that is certain.
func (s *qqSender) refused(ctx context.Context, p *qqPart, e *qqError) (more []*qqPart, err error) {
	switch e.Class {
	case qqOtherAnchor:
		if p.way == qqUnasked {
			return nil, errors.Join(ErrClosed, s.book.lost(ctx, p))
		}
		if p.way == qqHung {
			if err := s.book.kill(ctx, p.chat, p.anchor); err != nil {
				return nil, err
			}
		}
		return nil, s.book.lost(ctx, p)
	case qqClosed:
		s.log(p).Info("a conversation is closed to the bot", "code", e.Code)
		return nil, errors.Join(ErrClosed, s.book.close(ctx, p.chat, e.Code), s.book.lost(ctx, p))
	case qqMuted:
		s.log(p).Warn("the bot may not speak in a conversation; its owner can change that", "code", e.Code, "trace", e.Trace)
		return nil, errors.Join(ErrClosed, s.book.lost(ctx, p))
	}
	if err := s.book.lost(ctx, p); err != nil {
		return nil, err
	}
	return s.otherForm(ctx, p, e)
}

// otherForm makes another form of a refused message: the same body is never
// sent again.
func (s *qqSender) otherForm(ctx context.Context, p *qqPart, e *qqError) (more []*qqPart, err error) {
	s.log(p).Warn("QQ refused a message's form", "code", e.Code, "form", p.form, "trace", e.Trace)
	if p.form == qqNeutral { // then the code is told with the next answer
		return nil, errors.Join(s.book.settle(ctx, p, qqRefused, e.Code, ""), s.book.store.untold(ctx, p.chat, heldRef(p)))
	}
	next := *p
	switch e.Remedy {
	case qqNotThere:
		return nil, errUnsayable
	case qqShorter:
		n := runes(p.Text)
		if n <= qqShortest {
			return nil, errUnsayable
		}
		next.form = max(p.form, qqPlain)
		more = halve(&next, n)
	case qqNoLinks:
		next.form = max(p.form+1, qqBare)
	default:
		next.form = p.form + 1
	}
	if next.form > qqBare || next.Width == 0 {
		return nil, errUnsayable
	}
	if err := s.book.reform(ctx, &next, more...); err != nil {
		return nil, err
	}
	*p = next
	return more, nil
}

// halve leaves p the first half of its text and makes messages of the rest,
// which share p's numbers with it.
func halve(p *qqPart, n int) (more []*qqPart) {
	texts := splitText(p.Text, (n+1)/2+8)
	width := p.Width / len(texts)
	for i, text := range texts[1:] {
		more = append(more, &qqPart{chat: p.chat, ref: p.ref, n: p.n + (i+1)*width, Width: width, Text: text, form: p.form})
	}
	p.Text, p.Width = texts[0], width
	if len(more) > 0 {
		last := more[len(more)-1]
		last.Tail, last.Choices = p.Tail, p.Choices
		p.Tail, p.Choices = "", nil
	}
	return more
}

// uncertain settles a message of which nobody knows whether it was shown. An
// answer can be fetched with a code, which is told next time; anything else is
// its sender's business.
func (s *qqSender) uncertain(ctx context.Context, p *qqPart) error {
	s.log(p).Warn("it is not known whether a message was shown")
	if strings.HasPrefix(p.ref, unasked) {
		return errors.Join(ErrUncertain, s.book.settle(ctx, p, qqUnknown, 0, ""))
	}
	_, err := s.book.holdPart(ctx, p, p.Text, heldTell)
	return err
}

// linger waits, or says that ctx ended.
func linger(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
