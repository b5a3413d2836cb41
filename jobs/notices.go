// Package jobs does what must happen without anybody saying something: notices
// go out, reminders are made. What is due are rows of package office, so a
// restart, a second process or a missed minute changes nothing.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// Notices brings waiting messages to their readers.
type Notices struct {
	Office *office.DB
	Bot    interface {
		Open() []bot.Address
		Send(ctx context.Context, to bot.Address, r bot.Reply) error
	}
	Log   *slog.Logger
	Every time.Duration    // how often it looks; 5 s if zero
	Now   func() time.Time // time.Now if nil
}

func (n Notices) now() time.Time {
	if n.Now == nil {
		return time.Now()
	}
	return n.Now()
}

// batch is how many notices are claimed at once, and patience how long sending
// them may take of the minute that a claim lasts: on a platform that hangs, the
// rest waits for the next look, lest somebody else says the same meanwhile.
const (
	batch    = 20
	patience = 30 * time.Second
)

// Run sends what can be sent until ctx is done. A message to somebody who cannot
// be written to now stays, and is shown when they say something.
func (n Notices) Run(ctx context.Context) {
	every := n.Every
	if every <= 0 {
		every = 5 * time.Second
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		if err := n.Once(ctx); err != nil && ctx.Err() == nil {
			n.Log.Warn("notices not sent; they are tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Once makes the reminders that are due and sends what can be sent now, also if a
// reminder cannot be made.
func (n Notices) Once(ctx context.Context) error {
	faults := []error{n.Office.Remind(ctx)}
	var open []office.Account
	for _, a := range n.Bot.Open() {
		open = append(open, office.Account(a))
	}
	list, err := n.Office.ClaimNotices(ctx, open, batch)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	claimed := n.now()
	for _, x := range list {
		if ctx.Err() != nil || n.now().Sub(claimed) > patience {
			break
		}
		err := n.Bot.Send(ctx, bot.Address(x.To), bot.Reply{Text: x.Body})
		if err == nil { // it is out, whether or not we are stopping
			err = n.Office.NoticeSent(context.WithoutCancel(ctx), x.ID)
		}
		if err != nil && !errors.Is(err, bot.ErrClosed) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
