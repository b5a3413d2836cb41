package office

import (
	"testing"
	"time"
)

func TestRelays_PlannedOnceClaimedByOne(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 23, 10, 0, 0, 0, china))
		second := hire(t, db, "吴所", Clerk, s.orgs["城东司法所"])
		for _, p := range []Person{s.clerk, second} {
			if err := db.SetEmail(ctx, "test", p.ID, "clerk@example.gov.cn"); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.SetEmail(ctx, "test", s.clerk.ID, "a@b.cn\r\nBcc: x@y.z"); KindOf(err) != Invalid {
			t.Errorf("got %v", err)
		}
		mustOpen(t, db, s.resident, wall())
		ways := []string{"wecom", Mail}
		for range 2 {
			if err := db.PlanRelays(ctx, ways); err != nil {
				t.Fatal(err)
			}
		}
		list, err := db.ClaimRelays(ctx, ways, 10)
		if err != nil || len(list) != 3 {
			t.Fatalf("got %+v, %v; want one for the group and two mails", list, err)
		}
		if again, err := db.ClaimRelays(ctx, ways, 10); err != nil || len(again) != 0 {
			t.Errorf("claimed twice: %+v, %v", again, err)
		}
		if err := db.RelayDone(ctx, list[0], "", false, 0); err != nil {
			t.Fatal(err)
		}
		if err := db.RelayDone(ctx, list[1], "down", false, 0); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Minute) // list[2]'s sender died
		again, err := db.ClaimRelays(ctx, ways, 10)
		if err != nil || len(again) != 2 || again[0].Tries != 2 {
			t.Errorf("got %+v, %v; want the failed one and the one whose sender died", again, err)
		}
		for n := range maxRelays { // the receiver stays down
			for _, r := range again {
				if err := db.RelayDone(ctx, r, "down", false, 0); err != nil {
					t.Fatal(err)
				}
			}
			pass(3 * time.Hour)
			if again, err = db.ClaimRelays(ctx, ways, 10); err != nil || len(again) == 0 != (n >= maxRelays-2) {
				t.Errorf("round %d: got %+v, %v", n, again, err)
			}
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}
