package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// pushed begins the ref of a message that nobody asked for: unasked, and more
// careful. It uses no recall, which is kept for answers and people's own
// matters, and in a group it needs the owner's switch.
const pushed = unasked + "!"

// Outcomes of a push other than nil and ErrUncertain.
type (
	// RefusedError says that the conversation does not take pushes: switched off,
	// not a friend any more, or refused by the platform with Code.
	RefusedError struct{ Code string }
	// ContentError says that the platform takes these words in no form.
	ContentError struct{ Code string }
)

func (e *RefusedError) Error() string { return "bot: the conversation takes no pushes: " + e.Code }
func (e *ContentError) Error() string { return "bot: the words are not taken: " + e.Code }

// Is makes a RefusedError an ErrClosed.
func (e *RefusedError) Is(target error) bool { return target == ErrClosed }

// pusher is a channel that brings messages nobody asked for.
type pusher interface {
	Push(ctx context.Context, to Address, key string, r Reply) (id string, err error)
}

// Push brings what nobody asked for to a conversation, if it takes that, and
// gives the platform's id of the message. key names it: the same is sent once.
// The errors: *RefusedError, *ContentError, ErrUncertain, ErrClosed (it cannot be
// written to now, or the channel brings no pushes); any other was surely not
// sent.
func (b *Bot) Push(ctx context.Context, to Address, key string, r Reply) (id string, err error) {
	c, ok := b.channel(to).(pusher)
	if !ok {
		return "", fmt.Errorf("push to channel %q: %w", channelOf(to), ErrClosed)
	}
	return c.Push(ctx, to, key, r)
}

// Push brings a message nobody asked for, as Bot.Push says.
func (q *QQ) Push(ctx context.Context, to Address, key string, r Reply) (id string, err error) {
	ref := pushed + key
	err = q.out.send(ctx, to, ref, r)
	keep := context.WithoutCancel(ctx)
	if err == nil {
		id, unknown, err := q.book.sentID(keep, to, ref)
		if err == nil && unknown {
			err = ErrUncertain
		}
		return id, err
	}
	var e *qqError
	switch {
	case errors.Is(err, ErrUncertain):
		return "", ErrUncertain
	case errors.Is(err, errUnsayable):
		return "", errors.Join(&ContentError{Code: "content"}, q.book.giveUp(keep, to, ref))
	case errors.As(err, &e) && e.Class == qqUncertain:
		return "", errors.Join(ErrUncertain, q.book.giveUp(keep, to, ref))
	case !errors.Is(err, ErrClosed):
		return "", errors.Join(err, q.book.giveUp(keep, to, ref))
	}
	if err := q.book.giveUp(keep, to, ref); err != nil {
		return "", err
	}
	t, code, lookErr := q.book.refusal(keep, to)
	if lookErr != nil {
		return "", errors.Join(err, lookErr)
	}
	if !t.member || t.push == qqPushIs[false] {
		return "", &RefusedError{Code: code}
	}
	return "", ErrClosed
}

// allowed refuses a push where it may not go; errNoSlot: not hung on anything.
func (t qqTarget) allowed(kind string) error {
	switch {
	case !t.member:
		return fmt.Errorf("%w: not a friend, or not in the group", ErrClosed)
	case t.push == qqPushIs[false]:
		return fmt.Errorf("%w: messages are switched off", ErrClosed)
	case kind != qqUser && t.push != qqPushIs[true]:
		return fmt.Errorf("%w: the owner has not switched messages on", ErrClosed)
	}
	return nil
}

// routePush finds the way of a push: on what somebody said lately in a private
// chat, else unasked.
func (s *qqSender) routePush(ctx context.Context, p *qqPart) error {
	t, err := s.book.target(ctx, p.chat)
	if err != nil {
		return err
	}
	kind, _ := qqKind(p.chat)
	if err := t.allowed(kind); err != nil {
		return err
	}
	// One reply of each message is left for the person's own question.
	for kind == qqUser {
		anchor, ok, err := s.book.newest(ctx, p.chat, "", qqReplies-1)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := s.book.hangOn(ctx, p, anchor, qqReplies-1); !errors.Is(err, errNoSlot) {
			return err
		}
	}
	return s.book.unasked(ctx, p)
}

// refusal is what is known of a conversation and the code of its last refusal.
func (b *qqBook) refusal(ctx context.Context, chat Address) (qqTarget, string, error) {
	t, err := b.target(ctx, chat)
	if err != nil {
		return t, "", err
	}
	var code int
	err = b.store.read.QueryRowContext(ctx, `SELECT code FROM qq_targets WHERE chat = $1`, string(chat)).Scan(&code)
	switch {
	case err != nil && !isNoRows(err):
		return t, "", fmt.Errorf("look a refusal up: %w", err)
	case code != 0:
		return t, strconv.Itoa(code), nil
	case !t.member:
		return t, "left", nil
	}
	return t, "off", nil
}

// sentID is the platform's id of the first part of what was sent. unknown: people
// look at it first, or nobody knows whether it was shown.
func (b *qqBook) sentID(ctx context.Context, chat Address, ref string) (id string, unknown bool, err error) {
	var state int
	err = b.store.read.QueryRowContext(ctx, `SELECT sent, state FROM qq_parts WHERE chat = $1 AND ref = $2 ORDER BY part LIMIT 1`, string(chat), ref).Scan(&id, &state)
	if err != nil {
		return "", false, fmt.Errorf("look up what was sent: %w", err)
	}
	return id, state != qqSent, nil
}
