package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mingbai/office"
)

// Relayer brings notices to staff outside the bot.
type Relayer interface {
	Way() string // office.Relay.Way
	Relay(ctx context.Context, r office.Relay) error
}

// Relays sends what of notices is to be said in groups and by mail. A receiver
// that fails is tried again later; one that took a message and did not say so
// may get it twice, with the same number in it.
type Relays struct {
	Office *office.DB
	To     []Relayer
	Log    *slog.Logger
}

// relayBatch is how many relays one look sends; robots take twenty a minute.
const relayBatch = 10

// Once plans and sends what is due now.
func (j Relays) Once(ctx context.Context) error {
	byWay, ways := map[string]Relayer{}, []string{}
	for _, to := range j.To {
		byWay[to.Way()], ways = to, append(ways, to.Way())
	}
	if err := j.Office.PlanRelays(ctx, ways); err != nil {
		return err
	}
	list, err := j.Office.ClaimRelays(ctx, ways, relayBatch)
	if err != nil {
		return err
	}
	var faults []error
	for _, r := range list {
		err := byWay[r.Way].Relay(ctx, r)
		var refused *refusal
		fault, final, wait := "", false, time.Duration(0)
		if errors.As(err, &refused) {
			final, wait = refused.final, refused.wait
		}
		if err != nil {
			fault = err.Error()
			j.Log.Warn("a notice was not relayed", "way", r.Way, "notice", r.Notice, "try", r.Tries, "final", final, "fault", fault)
		}
		faults = append(faults, j.Office.RelayDone(context.WithoutCancel(ctx), r, fault, final, wait))
	}
	return errors.Join(faults...)
}
