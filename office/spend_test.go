package office

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		take := func(budget string, n int, want bool) {
			t.Helper()
			if ok, err := db.Spend(ctx, budget, n, 100); err != nil || ok != want {
				t.Errorf("take %d of %s: got %v, %v, want %v", n, budget, ok, err, want)
			}
		}
		used := func(budget string, want int) {
			t.Helper()
			if n, err := db.Spent(ctx, budget, db.now()); err != nil || n != want {
				t.Errorf("%s: got %d, %v, want %d", budget, n, err, want)
			}
		}
		take("a", 101, false)
		used("a", 0)
		take("a", 60, true)
		take("a", 41, false)
		take("a", 40, true)
		take("a", 1, false)
		used("a", 100)
		take("b", 100, true)
		take("a", -30, true)
		take("a", 30, true)
		take("a", -1000, true)
		used("a", 0)
		db.now = func() time.Time { return time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC) } // midnight in China
		take("b", 100, true)
		db.now = func() time.Time { return time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC) }
		take("b", 100, true)
		var rows int
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM spent`).Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d rows are left of old days, %v", rows-1, err)
		}
	})
}

// TestSpend_AtOnce: however many take at once, no more is taken than there is.
func TestSpend_AtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		var wg sync.WaitGroup
		var got atomic.Int64
		for range 40 {
			wg.Go(func() {
				for range 5 {
					ok, err := db.Spend(t.Context(), "all", 7, 500)
					if err != nil {
						t.Error(err)
					}
					if ok {
						got.Add(7)
					}
				}
			})
		}
		wg.Wait()
		if n, err := db.Spent(t.Context(), "all", db.now()); err != nil || int64(n) != got.Load() || n != 497 {
			t.Errorf("%d recorded, %d granted, %v, want 497", n, got.Load(), err)
		}
	})
}
