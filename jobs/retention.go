package jobs

import (
	"context"
	"log/slog"
	"time"

	"mingbai/office"
)

// Retention erases once a day what was kept for its time.
type Retention struct {
	Office *office.DB
	Keep   office.Keep
	Log    *slog.Logger
	Every  time.Duration // how often it looks whether it is due; an hour if zero
}

// Run looks at once and then every Every until ctx is done.
func (r Retention) Run(ctx context.Context) {
	every := r.Every
	if every <= 0 {
		every = time.Hour
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		done, err := r.Office.RetainDaily(ctx, r.Keep)
		switch {
		case err != nil && ctx.Err() == nil:
			r.Log.Warn("what is due was not erased; it is tried again", "err", err)
		case len(done) > 0:
			r.Log.Info("kept for its time and erased", "rows", done)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
