package office

import (
	"errors"
	"testing"
	"time"
)

// At night nobody is written to, whatever else would allow it; the day that a
// person has for a push is held, given back, and not given to what they do not
// want any more.
func TestMayPush_HoursDaysAndWishes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db) // Monday 08:00
		d.subscribe(t, db, "qq/user/one 乡村", "qq/user/one 企业")
		one := func(id int64, audience string) Delivery {
			return Delivery{ID: id, Act: ActPublish, Target: "qq/user/one", Version: PieceVersion{Audience: []string{audience}}}
		}
		waits := func(x Delivery, code, until string) {
			t.Helper()
			var w *WaitError
			if err := db.MayPush(ctx, x); !errors.As(err, &w) || w.Code != code || w.Until.In(china).Format("02 15:04") != until {
				t.Errorf("at %s: got %v, want %s until %s", db.now().In(china).Format("15:04"), w, code, until)
			}
		}
		may := func(x Delivery) {
			t.Helper()
			if err := db.MayPush(ctx, x); err != nil {
				t.Errorf("at %s: %v", db.now().In(china).Format("15:04"), err)
			}
		}
		waits(one(1, "乡村"), WaitQuiet, "30 08:30")
		waits(Delivery{ID: 9, Act: ActCorrect, Target: "qq/user/one"}, WaitQuiet, "30 08:30") // corrections keep the hours too
		d.pass(time.Hour)
		may(one(1, "乡村"))
		may(one(1, "乡村")) // the same again, after a crash
		waits(one(2, "乡村"), WaitDay, "01 08:30")
		may(Delivery{ID: 9, Act: ActCorrect, Target: "qq/user/one"}) // but not the one a day
		if err := db.PushLater(ctx, one(1, "乡村")); err != nil {
			t.Fatal(err)
		}
		may(one(2, "乡村"))
		d.pass(12 * time.Hour) // 21:00
		waits(one(3, "乡村"), WaitQuiet, "01 08:30")
		d.pass(12 * time.Hour) // Tuesday 09:00
		if err := db.Unsubscribe(ctx, "qq/user/one", "乡村", false); err != nil {
			t.Fatal(err)
		}
		if err := db.MayPush(ctx, one(3, "乡村")); !errors.As(err, new(*FailedError)) {
			t.Errorf("what they ended: %v", err)
		}
		may(one(4, "企业"))
		if err := db.Unsubscribe(ctx, "qq/user/one", "", true); err != nil {
			t.Fatal(err)
		}
		if err := db.MayPush(ctx, one(4, "企业")); !errors.As(err, new(*RefusedError)) {
			t.Errorf("after ending all: %v", err)
		}
	})
}
