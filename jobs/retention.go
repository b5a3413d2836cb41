package jobs

import (
	"context"
	"log/slog"

	"mingbai/office"
)

// Retention erases once a day what was kept for its time.
type Retention struct {
	Office *office.DB
	Keep   office.Keep
	Log    *slog.Logger
}

// Once erases what is due, if that was not done today.
func (r Retention) Once(ctx context.Context) error {
	done, err := r.Office.RetainDaily(ctx, r.Keep)
	if err == nil && len(done) > 0 {
		r.Log.Info("kept for its time and erased", "rows", done)
	}
	return err
}
