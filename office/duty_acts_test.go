package office

import (
	"strings"
	"testing"
	"time"
)

// What was published counts towards a duty each time, and the prompt leaves the
// duty out; what is recalled counts no longer.
func TestDuties_PublishedItemsCount(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		checker := hire(t, db, "李审", Officer, k.orgs["青禾县"])
		if err := db.Subscribe(ctx, "web/user/x", "乡村"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddPieceFor(ctx, k.officer, article("反诈"), 99); KindOf(err) != NotFound {
			t.Errorf("a duty that is not there: %v", err)
		}
		it, err := db.AddPieceFor(ctx, k.officer, article("反诈"), 2)
		if err == nil {
			_, _, err = db.Submit(ctx, k.officer, it.ID, 0, nil)
		}
		if err == nil {
			_, _, err = db.Approve(ctx, checker, it.ID, 0, nil)
		}
		if err != nil || it.Duty != 2 {
			t.Fatal(it.Duty, err)
		}
		if _, err := db.AddPlan(ctx, k.officer, Plan{Name: "反诈", Spec: "2026-12-01 09:00", Pieces: []int64{it.ID}, Duty: 3}); err != nil {
			t.Fatal(err)
		}
		if it, err = db.Piece(ctx, it.ID); err != nil || it.Duty != 3 {
			t.Errorf("planned for another duty: %d, %v", it.Duty, err)
		}
		if err := db.SetDuty(ctx, k.head, it.ID, 2); KindOf(err) != Forbidden {
			t.Errorf("set by the department: %v", err)
		}
		if err := db.SetDuty(ctx, k.officer, it.ID, 2); err != nil {
			t.Fatal(err)
		}
		k.gaps(t, "公安局 2,公安局 3,人社局 1")
		k.pass(6 * 24 * time.Hour)
		if list := fireAll(t, db, nil); len(list) != 1 || list[0].Piece != it.ID {
			t.Fatalf("fired %+v", list)
		}
		deliver(t, db, "chat", func(Delivery) error { return nil })
		k.gaps(t, "公安局 3,人社局 1")
		states, err := db.DutyStates(ctx, "2026Q4")
		byID(states)
		if err != nil || len(states[1].Counted) != 1 || states[1].Counted[0] != (DutyAct{Day: "2026-12-01", Kind: KindPublished, Title: "反诈", Heads: 1, Piece: it.ID}) || states[1].Pushes != 1 || states[1].Reached != 1 {
			t.Errorf("counted %+v, %v", states, err)
		}
		drafts, err := db.DraftPrompts(ctx, "test", "2026Q4")
		if err != nil || len(drafts) != 2 {
			t.Fatalf("drafts %+v, %v", drafts, err)
		}
		for _, p := range drafts {
			if strings.Contains(p.Body, "反电信网络诈骗法") {
				t.Errorf("the prompt asks for what was published: %s", p.Body)
			}
		}
		if _, err := db.Recall(ctx, k.officer, it.ID, "写错了"); err != nil {
			t.Fatal(err)
		}
		k.gaps(t, "公安局 2,公安局 3,人社局 1")
		if events, err := db.PieceEvents(ctx, it.ID); err != nil || !strings.Contains(names(events), "定普法责任") {
			t.Errorf("events %s, %v", names(events), err)
		}
	})
}

func names(events []PieceEvent) string {
	var list []string
	for _, e := range events {
		list = append(list, e.Name())
	}
	return strings.Join(list, "、")
}

// gaps wants these duties, by department and number, to have gaps at the end of
// the year.
func (k *school) gaps(t *testing.T, want string) {
	t.Helper()
	states, err := k.db.DutyStates(t.Context(), "2026Q4")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, s := range states {
		if s.Gap {
			got[s.Duty.Org.Name+" "+string('0'+rune(s.Duty.ID))] = true
		}
	}
	for w := range strings.SplitSeq(want, ",") {
		if !got[w] {
			t.Errorf("%s has no gap; gaps: %v", w, got)
		}
		delete(got, w)
	}
	if len(got) > 0 {
		t.Errorf("gaps too many: %v", got)
	}
}

// A lecture counts for the duty that is named when it was held.
func TestDuties_LectureNamesItsDuty(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		k := newSchool(t, db)
		if rep, err := db.ImportDuties(t.Context(), "test", [][]string{{"部门", "法律法规", "普法内容"}, {"人社局", "社会保险法", "参保"}}, false); err != nil || rep.Kept != 1 {
			t.Fatal(rep, err)
		}
		out, err := k.order(t, 1, "2026-12-04 09:00", "城东街道三里村村委会")
		if err != nil {
			t.Fatal(err)
		}
		k.act(t, k.officer, out.Order.No, OrderAction{Verb: "派讲"})
		k.act(t, k.lecturer, out.Order.No, OrderAction{Verb: "接单"})
		k.pass(10 * 24 * time.Hour)
		if _, err := db.ActOrder(t.Context(), k.lecturer, out.Order.No, OrderAction{Verb: "完成讲座", Came: 38, Duty: 2}); KindOf(err) != Invalid || !strings.Contains(err.Error(), "公安局") {
			t.Errorf("another department's duty: %v", err)
		}
		if o := k.act(t, k.lecturer, out.Order.No, OrderAction{Verb: "完成讲座", Came: 38, Duty: 4}); o.Duty != 4 {
			t.Errorf("done %+v", o)
		}
		k.gaps(t, "公安局 2,公安局 3,人社局 1")
	})
}
