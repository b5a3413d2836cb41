package office

import (
	"strings"
	"testing"
)

// merged opens the same quarrel as two people and merges the second into the
// first.
func merged(t *testing.T, db *DB, s staff, first func(*Draft)) (a, b Opened, neighbour Person) {
	t.Helper()
	d := wall()
	if first != nil {
		first(&d)
	}
	a = mustOpen(t, db, s.resident, d)
	neighbour = Person{Account: "qq/user/老孙"}
	d = wall()
	d.Name, d.Story = "孙某", "张某砌墙，我家的车也过不去了。"
	b = mustOpen(t, db, neighbour, d)
	mustAct(t, db, s.clerk, b.Case.No, Action{Verb: "merge", Into: a.Case.No})
	return a, b, neighbour
}

// Whose case was merged into another was told that number and code stay good:
// the answer comes to them too, however often the cases were merged.
func TestMerge_EverybodyGetsTheAnswer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		a, b, neighbour := merged(t, db, s, nil)
		third := Person{Account: "qq/user/老周"}
		d := wall()
		d.Name, d.Story = "周某", "那堵墙把路堵死了。"
		last := mustOpen(t, db, third, d)
		mustAct(t, db, s.clerk, last.Case.No, Action{Verb: "merge", Into: a.Case.No})
		d.Name, d.Story = "李某", "张某的墙越砌越高，谁也过不去。"
		main := mustOpen(t, db, s.resident, d)
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "merge", Into: main.Case.No})
		mustAct(t, db, s.clerk, main.Case.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, main.Case.No, Action{Verb: "answer", Text: "量过了，墙月底前退回三十厘米。"})
		for who, o := range map[*Person]Opened{&neighbour: b, &third: last} {
			list, err := db.Contact(ctx, who.Account, "m1", 20)
			if err != nil || len(list) == 0 || list[len(list)-1].Kind != "answer" || !strings.Contains(list[len(list)-1].Body, "三十厘米") || !strings.Contains(list[len(list)-1].Body, o.Case.No) {
				t.Errorf("%s is told %+v, %v", who.Account, list, err)
			}
			c, err := db.CaseByCode(ctx, "web/user/elsewhere", o.Code)
			if err != nil || c.Answer == "" || c.State != Merged || c.Answered.IsZero() {
				t.Errorf("%s by code: %+v, %v", who.Account, c, err)
			}
			if err := db.RateCase(ctx, c, 5, ""); err != nil {
				t.Error(err)
			}
		}
		mustAct(t, db, s.resident, main.Case.No, Action{Verb: "redo", Note: "墙没退"})
		mustAct(t, db, s.clerk, main.Case.No, Action{Verb: "answer", Text: "今天拆完了，请来看。"})
		if list, err := db.Contact(ctx, neighbour.Account, "m2", 20); err != nil || len(list) != 1 || !strings.Contains(list[0].Body, "拆完了") {
			t.Errorf("of the second answer: %+v, %v", list, err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// An answer that only one may read does not go to others whose cases were merged
// into theirs; the desk is asked to tell them theirs.
func TestMerge_ARestrictedAnswerStaysWithItsPerson(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		a, b, neighbour := merged(t, db, s, func(d *Draft) { d.Minor = true })
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "accept"})
		inbox(t, db, s.clerk.Account, "m0")
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "answer", Text: "孩子的事学校已经处理。"})
		list, err := db.Contact(ctx, neighbour.Account, "m1", 20)
		if err != nil || len(list) == 0 {
			t.Fatalf("got %+v, %v", list, err)
		}
		for _, n := range list {
			if strings.Contains(n.Body, "学校") {
				t.Errorf("somebody else reads %q", n.Body)
			}
		}
		if c, err := db.Case(ctx, neighbour, b.Case.No); err != nil || c.Answer != "" {
			t.Errorf("got %q, %v", c.Answer, err)
		}
		if kinds := inbox(t, db, s.clerk.Account, "m2"); len(kinds) != 1 || kinds[0] != "merge" {
			t.Errorf("the desk is told %v", kinds)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}
