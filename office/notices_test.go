package office

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"
)

// left gives the bodies of what could be sent to an address, and shown to it.
func left(t *testing.T, db *DB, a Account, message string) (bodies []string) {
	t.Helper()
	sent, err := db.ClaimNotices(t.Context(), []Account{a}, 20)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := db.Contact(t.Context(), a, message, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(sent, shown...) {
		bodies = append(bodies, n.Body)
	}
	return bodies
}

// A message whose text was erased, at the person's wish or after its time, is not
// sent as an empty one.
func TestNotices_WhatWasErasedIsNotSent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 22, 10, 0, 0, 0, china))
		keep := Keep{Cases: 3650, Notices: 180}
		tell := func(a Account) {
			t.Helper()
			if err := db.update(ctx, func(tx *sql.Tx) error {
				return db.notify(ctx, tx, "lecture", randomCode(8), a, 0, "讲座定在周五。")
			}); err != nil {
				t.Fatal(err)
			}
		}
		no := mustOpen(t, db, s.resident, wall()).Case.No
		for _, a := range []Action{{Verb: "accept"}, {Verb: "answer", Text: "量过了，墙要退。"}, {Verb: "archive"}} {
			mustAct(t, db, s.clerk, no, a)
		}
		tell(s.resident.Account)
		if e, err := db.Erase(ctx, "test", s.resident.Account, keep, false); err != nil || e.Erased["通知"] == 0 {
			t.Fatalf("got %+v, %v", e, err)
		}
		if got := left(t, db, s.resident.Account, "m1"); got != nil {
			t.Errorf("after an erasure %q is sent", got)
		}
		tell("qq/user/silent")
		pass(181 * 24 * time.Hour)
		if done, err := db.Retain(ctx, "test", keep, false); err != nil || done["通知"] == 0 {
			t.Fatalf("got %v, %v", done, err)
		}
		if got := left(t, db, "qq/user/silent", "m2"); got != nil {
			t.Errorf("after half a year %q is sent", got)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// That somebody took the first answer does not say that they have the second.
func TestContact_TheSecondAnswerIsNotTakenByTheFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		no := mustOpen(t, db, s.resident, wall()).Case.No
		mustAct(t, db, s.clerk, no, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, no, Action{Verb: "answer", Text: "量过了，墙要退。"})
		inbox(t, db, s.resident.Account, "m1")
		if c, err := db.Case(ctx, s.resident, no); err != nil || c.Taken.IsZero() {
			t.Fatalf("the first: %+v, %v", c, err)
		}
		mustAct(t, db, s.resident, no, Action{Verb: "redo", Note: "还没退"})
		mustAct(t, db, s.clerk, no, Action{Verb: "answer", Text: "明天上午再去一趟。"})
		if list, err := db.ClaimNotices(ctx, []Account{s.resident.Account}, 20); err != nil || len(list) != 1 {
			t.Fatalf("being sent: %+v, %v", list, err)
		}
		inbox(t, db, s.resident.Account, "m2") // while the second is on its way
		if c, err := db.Case(ctx, s.resident, no); err != nil || !c.Taken.IsZero() {
			t.Errorf("the second counts as taken at %v, %v", c.Taken, err)
		}
	})
}

// Whoever deals with a case hears that its person took it back.
func TestNotices_TheHolderHearsOfAWithdrawal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		no := mustOpen(t, db, s.resident, wall()).Case.No
		mustAct(t, db, s.clerk, no, Action{Verb: "assign", To: s.mediator.ID})
		inbox(t, db, s.mediator.Account, "m1")
		mustAct(t, db, s.resident, no, Action{Verb: "withdraw"})
		if kinds := inbox(t, db, s.mediator.Account, "m2"); !slices.Equal(kinds, []string{"withdraw"}) {
			t.Errorf("told %v", kinds)
		}
	})
}

// What was dealt with between looking and telling is not called late.
func TestRemind_NotOfWhatWasDoneMeanwhile(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		no := mustOpen(t, db, s.resident, wall()).Case.No
		pass(5 * 24 * time.Hour)
		late, err := db.remindable(ctx, db.now())
		if err != nil || len(late) != 1 {
			t.Fatalf("got %v, %v", late, err)
		}
		mustAct(t, db, s.clerk, no, Action{Verb: "accept"})
		inbox(t, db, s.clerk.Account, "m1")
		if err := db.remindLate(ctx, late, db.now()); err != nil {
			t.Fatal(err)
		}
		if kinds := inbox(t, db, s.clerk.Account, "m2"); kinds != nil {
			t.Errorf("told %v", kinds)
		}
	})
}

// One kind of reminder that fails does not keep the others from being made.
func TestRemind_OneFaultStopsNoOther(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		mustOpen(t, db, s.resident, wall())
		pass(5 * 24 * time.Hour)
		if _, err := db.write.ExecContext(ctx, `DROP TABLE turns`); err != nil {
			t.Fatal(err)
		}
		if err := db.Remind(ctx); err == nil {
			t.Error("the fault is not said")
		}
		if kinds := inbox(t, db, s.clerk.Account, "m1"); !slices.Contains(kinds, "late") {
			t.Errorf("told %v", kinds)
		}
	})
}

// However many answers were taken, those that were not are on the list.
func TestCallList_BehindManyThatWereTaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		taken := mustOpen(t, db, s.resident, wall()).Case
		mustAct(t, db, s.clerk, taken.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, taken.No, Action{Verb: "answer", Text: "量过了，墙要退。"})
		inbox(t, db, s.resident.Account, "m1")
		pass(24 * time.Hour)
		waits := mustOpen(t, db, Person{Account: "qq/user/silent"}, wall()).Case
		mustAct(t, db, s.clerk, waits.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, waits.No, Action{Verb: "answer", Text: "量过了，墙要退。"})
		columns := `version, org, path, matter, state, urgency, via, account, filer, holder, name, phone, place, parties, story, wish, restricted, shared,
			opened, due, promised, answered, closed, answer, approver, drafter, taken, same, into_case`
		if err := db.update(ctx, func(tx *sql.Tx) error {
			for i := range 520 {
				if _, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO cases (no, request, pickup, %s) SELECT 'T-%d', 'T-%d', 'T-%d', %s FROM cases WHERE id = %d`, columns, i, i, i, columns, taken.ID)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		pass(72 * time.Hour)
		if list, err := db.CallList(ctx, s.clerk, 48*time.Hour); err != nil || len(list) != 1 || list[0].No != waits.No {
			t.Errorf("got %d, %v", len(list), err)
		}
	})
}

// A relay whose sender dies each time is given up like one that fails.
func TestRelays_WhatKillsItsSenderIsGivenUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 23, 10, 0, 0, 0, china))
		mustOpen(t, db, s.resident, wall())
		if err := db.PlanRelays(ctx, []string{"wecom"}); err != nil {
			t.Fatal(err)
		}
		tries := 0
		for range 3 * maxRelays {
			list, err := db.ClaimRelays(ctx, []string{"wecom"}, 10)
			if err != nil {
				t.Fatal(err)
			}
			tries += len(list)
			pass(3 * time.Hour)
		}
		if tries != maxRelays {
			t.Errorf("tried %d times, want %d", tries, maxRelays)
		}
		if list, err := db.Relays(ctx, true, 10); err != nil || len(list) != 1 {
			t.Errorf("not on the list of what failed: %+v, %v", list, err)
		}
	})
}

// Who is suspended is told nothing of cases any more, neither unasked nor when
