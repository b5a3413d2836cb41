package office

import (
	"testing"
	"time"
)

// What tells of somebody who ordered a lecture goes with all the rest at their
// wish: also out of the messages to the lecturer and out of the history. Without
// a wish it goes after its time.
func TestErase_WhoOrderedALecture(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		keep := Keep{Cases: 3650}
		menu, err := db.Menu(ctx, "企业", false)
		if err != nil {
			t.Fatal(err)
		}
		held := func(by Person, contact, phone, when string) string {
			t.Helper()
			at, err := time.ParseInLocation("2006-01-02 15:04", when, china)
			if err != nil {
				t.Fatal(err)
			}
			out, err := db.PlaceOrder(ctx, by, OrderDraft{Lecture: menu[0].ID, At: at, Heads: 40, Unit: "城东街道三里村村委会", Contact: contact, Phone: phone, Wish: "牛翠花腿脚不便"})
			if err != nil {
				t.Fatal(err)
			}
			no := out.Order.No
			k.act(t, k.officer, no, OrderAction{Verb: "dispatch"})
			k.act(t, k.lecturer, no, OrderAction{Verb: "accept"})
			return no
		}
		me := Person{Account: "web/user/村长"}
		one := held(me, "马大牛", "13912340001", "2026-12-04 09:00")
		two := held(Person{}, "马二牛", "13912340002", "2026-12-07 09:00") // on the page, without a chat
		k.pass(14 * 24 * time.Hour)
		k.act(t, k.lecturer, one, OrderAction{Verb: "complete", Came: 30})
		k.act(t, me, one, OrderAction{Verb: "rate", Score: 2, Note: "马大牛说讲得太快"})
		k.act(t, k.lecturer, two, OrderAction{Verb: "complete", Came: 30})
		if e, err := db.Erase(ctx, "test", me.Account, keep, false); err != nil || e.Erased["讲座订单"] != 1 {
			t.Fatalf("got %+v, %v", e, err)
		}
		if found := traces(t, db, "马大牛", "13912340001", "web/user/村长"); found != nil {
			t.Errorf("still there: %q", found)
		}
		k.pass(3651 * 24 * time.Hour)
		if done, err := db.Retain(ctx, "test", keep, true); err != nil || done["讲座订单"] != 1 {
			t.Errorf("dry: got %v, %v", done, err)
		}
		if done, err := db.Retain(ctx, "test", keep, false); err != nil || done["讲座订单"] != 1 {
			t.Errorf("got %v, %v", done, err)
		}
		if found := traces(t, db, "马二牛", "13912340002", "牛翠花"); found != nil {
			t.Errorf("still there: %q", found)
		}
		year := time.Date(2026, 1, 1, 0, 0, 0, 0, china)
		if f, err := db.LectureFigures(ctx, year, year.AddDate(1, 0, -1)); err != nil || f.Held != 2 || f.Heads != 60 {
			t.Errorf("figures changed: %+v, %v", f, err)
		}
	})
}

// Two processes that erase at once erase a case once.
func TestErase_ACaseOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		d := wall()
		d.Matter = "consult"
		no := mustOpen(t, db, s.resident, d).Case.No
		mustAct(t, db, s.resident, no, Action{Verb: "withdraw"})
		c, err := caseWhere(ctx, db.read, "no", no)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // both have read it before either wrote
			tx, err := db.write.BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.eraseCase(ctx, tx, "test", c); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM case_events WHERE verb = 'erase'`).Scan(&n); err != nil || n != 1 {
			t.Errorf("erased %d times, %v", n, err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}
