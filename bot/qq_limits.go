package bot

import (
	"context"
	"errors"
	"time"
)

// How much is sent, at half of what the platform allows. In any span t at most
// Burst + t/Every go out. Source: message overview and send pages, 2026-09.
var (
	qqAnswerRate  = Rate{Burst: 10, Every: time.Second / 40} // a bot's answers; allowed: 100 a second at each address
	qqUserRate    = Rate{Burst: 2, Every: time.Second / 3}   // a bot's unasked messages to people; allowed: 10 a second
	qqGroupRate   = Rate{Burst: 5, Every: 60 * time.Second / 25}
	qqChannelRate = Rate{Burst: 2, Every: time.Second / 2}

	qqPerUser    = Rate{Burst: 4, Every: 10 * time.Second} // to one person; allowed: 20 a minute
	qqPerGroup   = Rate{Burst: 4, Every: 10 * time.Second}
	qqPerChannel = Rate{Burst: 2, Every: 3 * time.Hour}  // allowed: 20 a day
	qqPerDM      = Rate{Burst: 1, Every: 24 * time.Hour} // allowed: 2 a day
	qqPerDay     = Rate{Burst: 250, Every: 24 * time.Hour / 250}
)

// qqPatient is how long a message waits for its turn before it is put off.
const qqPatient = 5 * time.Second

// errQQLater says that too much was sent for now.
var errQQLater = errors.New("bot: too much is sent to QQ now; later")

// qqLimits keeps a bot below the platform's quotas. With a Redis all processes
// of the bot share them.
type qqLimits struct {
	answers map[string]*limiter // by kind of conversation: each has its address
	bot     map[string]*limiter
	target  map[string][]*limiter
	app     string
}

func newQQLimits(o QQOptions) *qqLimits {
	make := func(name string, r Rate) *limiter { return newLimiter("qq-"+name, r, o.Redis) }
	channel := make("channel", qqChannelRate)
	return &qqLimits{
		app: o.AppID,
		answers: map[string]*limiter{
			qqUser: make("answer-user", qqAnswerRate), qqGroup: make("answer-group", qqAnswerRate),
			qqGuild: make("answer-guild", qqAnswerRate), qqDM: make("answer-dm", qqAnswerRate),
		},
		bot: map[string]*limiter{qqUser: make("user", qqUserRate), qqGroup: make("group", qqGroupRate), qqGuild: channel, qqDM: channel},
		target: map[string][]*limiter{
			qqUser:  {make("to-user", qqPerUser), make("day-user", qqPerDay)},
			qqGroup: {make("to-group", qqPerGroup), make("day-group", qqPerDay)},
			qqGuild: {make("to-guild", qqPerChannel)},
			qqDM:    {make("to-dm", qqPerDM)},
		},
	}
}

// wait waits for p's turn. errQQLater: it is too far off.
func (l *qqLimits) wait(ctx context.Context, p *qqPart) error {
	kind, _ := qqKind(p.chat)
	if p.way == qqHung {
		return l.turn(ctx, l.answers[kind], l.app)
	}
	for _, one := range l.target[kind] {
		if err := l.turn(ctx, one, string(p.chat)); err != nil {
			return err
		}
	}
	return l.turn(ctx, l.bot[kind], l.app)
}

func (l *qqLimits) turn(ctx context.Context, one *limiter, key string) error {
	if one == nil { // an address that the platform does not have: post says so
		return nil
	}
	for waited := time.Duration(0); ; {
		wait, ok := one.allow(ctx, key)
		if ok {
			return nil
		}
		if wait = max(wait, time.Millisecond); waited+wait > qqPatient {
			return errQQLater
		}
		waited += wait
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}
