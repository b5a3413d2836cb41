package office

import (
	"strings"
	"testing"
	"time"
)

// While the person is to correct something the clock stands: nobody is promised
// an answer for a day that has passed.
func TestDeadline_StandsWhileThePersonCorrects(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china)) // a Monday
		d := wall()
		d.Matter = "consult" // three working days
		o := mustOpen(t, db, s.resident, d)
		if got := o.Case.Promised.Format(time.DateOnly); got != "2026-11-05" {
			t.Fatalf("promised for %s", got)
		}
		twice := func(days int) {
			t.Helper()
			mustAct(t, db, s.clerk, o.Case.No, Action{Verb: "return", Note: "没写是哪一户"})
			pass(time.Duration(days) * 24 * time.Hour)
			mustAct(t, db, s.resident, o.Case.No, Action{Verb: "correct", Note: "东头第三户"})
		}
		pass(24 * time.Hour)
		twice(7)
		c, err := db.Case(ctx, s.clerk, o.Case.No)
		if err != nil || c.Promised.Format(time.DateOnly) != "2026-11-12" {
			t.Errorf("after a week: promised for %v, %v", c.Promised, err)
		}
		twice(7)
		inbox(t, db, s.resident.Account, "m1")
		c = mustAct(t, db, s.clerk, o.Case.No, Action{Verb: "accept"})
		if c.Promised.Format(time.DateOnly) != "2026-11-19" || !c.Due.Equal(c.Promised) {
			t.Errorf("after two: promised for %v, due %v", c.Promised, c.Due)
		}
		if list, err := db.Contact(ctx, s.resident.Account, "m2", 20); err != nil || len(list) != 1 || !strings.Contains(list[0].Body, "11月19日") {
			t.Errorf("told %+v, %v", list, err)
		}
		mustAct(t, db, s.clerk, o.Case.No, Action{Verb: "answer", Text: "答复如下，请看。"})
		pass(20 * 24 * time.Hour)
		if f, err := db.CaseFigures(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, china), time.Date(2026, 11, 30, 0, 0, 0, 0, china)); err != nil || f.OnTime() != "100.0%（n=1）" {
			t.Errorf("in time: %s, %v", f.OnTime(), err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A day that another system set is not ours to move.
func TestDeadline_OfATicketStays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		rep, err := db.ImportTickets(ctx, "test", [][]string{{"工单编号", "诉求内容", "事发地点", "答复时限"}, {"T-1", "楼下烧烤摊油烟太大，天天熏人。", "城东街道三里村", "2026-11-09"}}, false)
		if err != nil || rep.Kept != 1 {
			t.Fatalf("got %+v, %v", rep, err)
		}
		list, _, err := db.Cases(ctx, s.clerk, CaseFilter{})
		if err != nil || len(list) != 1 {
			t.Fatalf("got %v, %v", list, err)
		}
		no := list[0].No
		mustAct(t, db, s.clerk, no, Action{Verb: "return", Note: "没写是哪一家"})
		pass(3 * 24 * time.Hour)
		if c := mustAct(t, db, s.clerk, no, Action{Verb: "correct", Note: "打电话问了，是老王烧烤"}); c.Promised.Format(time.DateOnly) != "2026-11-09" {
			t.Errorf("promised for %v", c.Promised)
		}
	})
}
