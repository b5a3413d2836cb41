package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// Chat is the Publisher that sends published items to those who subscribed, where
// the platform allows it. Who cannot be written to finds them under 今日普法.
type Chat struct {
	Office *office.DB
	Bot    interface {
		Push(ctx context.Context, to bot.Address, key string, r bot.Reply) (id string, err error)
	}
	Now func() time.Time // time.Now if nil
}

// closedFor is how long one who cannot be written to now is left alone: less than
// half a day, so that each part of the day is tried until the delivery expires.
const closedFor = 5 * time.Hour

// laterFor is how long is waited after an error that was none of the target's.
const laterFor = 10 * time.Minute

// Name is the key of the sink.
func (c Chat) Name() string { return "chat" }

// Publish sends one delivery. What is not sent gives the person's day back.
func (c Chat) Publish(ctx context.Context, d office.Delivery) (ref string, err error) {
	if err := c.Office.MayPush(ctx, d); err != nil {
		if !decided(err) {
			return "", &office.RetryError{Err: err} // nothing was sent
		}
		return "", err
	}
	words := d.Words(placeOf(d.Target))
	// An officer may have it sent again after an uncertain end: then it is another.
	key := fmt.Sprintf("%s-%d", d.Key(), d.Attempts)
	ref, err = c.Bot.Push(ctx, bot.Address(d.Target), key, bot.Reply{Text: words})
	if err == nil {
		return ref, nil
	}
	err = c.outcome(err)
	if errors.Is(err, office.ErrUncertain) {
		return "", err
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if d.Act != office.ActPublish { // who got it hears of the correction wherever they speak next
		if leaveErr := c.Office.LeaveCorrection(keep, d, words); leaveErr != nil {
			return "", &office.RetryError{Err: leaveErr}
		}
		return "notice", nil
	}
	if giveErr := c.Office.PushLater(keep, d); giveErr != nil {
		return "", errors.Join(err, giveErr)
	}
	return "", err
}

// decided says whether the office said no, and did not just fail to answer.
func decided(err error) bool {
	return errors.As(err, new(*office.WaitError)) || errors.As(err, new(*office.RefusedError)) || errors.As(err, new(*office.FailedError))
}

// outcome puts what the bot says into the office's words.
func (c Chat) outcome(err error) error {
	var refused *bot.RefusedError
	var content *bot.ContentError
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	switch {
	case errors.Is(err, bot.ErrUncertain):
		return office.ErrUncertain
	case errors.As(err, &refused):
		return &office.RefusedError{Code: refused.Code}
	case errors.As(err, &content):
		return &office.FailedError{Code: content.Code}
	case errors.Is(err, bot.ErrClosed):
		return &office.WaitError{Until: now().Add(closedFor), Code: office.WaitClosed}
	}
	return &office.RetryError{After: laterFor, Err: err}
}

// placeOf is how much fits where a target is.
func placeOf(target string) office.Place {
	key := "qq"
	if _, rest, _ := strings.Cut(target, "/"); strings.HasPrefix(rest, "group/") || strings.HasPrefix(rest, "guild/") {
		key = "group"
	}
	for _, p := range office.Places {
		if p.Key == key {
			return p
		}
	}
	return office.Places[0]
}
