package office

import (
	"strings"
	"testing"
	"time"
)

func TestMediation(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		o := mustOpen(t, db, s.resident, wall())
		no := o.Case.No
		if o.Case.Lane != LanePeople {
			t.Errorf("lane %q", o.Case.Lane)
		}
		if _, err := db.AddSession(ctx, s.clerk, no, "", "村委会", "双方到场"); KindOf(err) != Conflict {
			t.Errorf("a meeting before it was taken on: %v", err)
		}
		mustAct(t, db, s.clerk, no, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, no, Action{Verb: "assign", To: s.mediator.ID})
		mustAct(t, db, s.mediator, no, Action{Verb: "start"})
		for range 2 { // the same message twice
			if _, err := db.AddSession(ctx, s.mediator, no, "m1", "村委会", "双方到场，各说各的"); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := db.SetOutcome(ctx, s.mediator, no, "", Mediation{Outcome: "握手言和"}); KindOf(err) != Invalid {
			t.Errorf("an outcome that is none: %v", err)
		}
		if _, _, err := db.SetOutcome(ctx, s.mediator, no, "", Mediation{Outcome: "书面协议"}); KindOf(err) != Invalid {
			t.Errorf("an agreement without terms: %v", err)
		}
		c, m, err := db.SetOutcome(ctx, s.mediator, no, "m2", Mediation{Outcome: "书面协议", Terms: "张某在十一月底前把墙退回三十厘米。"})
		if err != nil || m.ConfirmBy.Format(time.DateOnly) != "2026-12-02" {
			t.Fatal(m, err)
		}
		text := c.Agreement(m)
		for _, w := range []string{no, "李某", "张某", "砌墙", "三十厘米", "2026年12月2日", "司法确认"} {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in the agreement:\n%s", w, text)
			}
		}
		c, err = db.Case(ctx, s.mediator, no)
		if err != nil {
			t.Fatal(err)
		}
		if _, meetings, ok, err := db.Mediation(ctx, c); err != nil || !ok || len(meetings) != 1 {
			t.Errorf("got %v, %v, %v", meetings, ok, err)
		}
		count := func() (n int) {
			if err := db.read.QueryRow(`SELECT COUNT(*) FROM notices WHERE kind = 'confirm'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err := db.Remind(ctx); err != nil || count() != 0 {
			t.Errorf("reminded %d times at once, %v", count(), err)
		}
		pass(21 * 24 * time.Hour)
		for range 3 {
			if err := db.Remind(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(); n != 2 {
			t.Errorf("%d reminders, want one for the mediator and one for the applicant", n)
		}
		f, err := db.MediationFigures(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, china), time.Date(2026, 11, 30, 0, 0, 0, 0, china))
		if err != nil || f.Success() != "100.0%（n=1）" || f.Lanes[LanePeople] != 1 {
			t.Errorf("got %+v, %v", f, err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// The 30 days in which both can ask the court run from the day the agreement took
// effect, not from the day somebody wrote it down; an outcome that is put right
// is reminded of anew, and counts once.
func TestMediation_TheDaysRunFromTheSigning(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 2, 10, 0, 0, 0, china))
		no := mustOpen(t, db, s.resident, wall()).Case.No
		mustAct(t, db, s.clerk, no, Action{Verb: "accept"})
		pass(10 * 24 * time.Hour) // 12 November
		m := Mediation{Outcome: "书面协议", Terms: "张某月底前把墙退回三十厘米。"}
		for _, day := range []time.Time{time.Date(2026, 11, 13, 0, 0, 0, 0, china), time.Date(2026, 11, 1, 0, 0, 0, 0, china)} {
			m.Effective = day
			if _, _, err := db.SetOutcome(ctx, s.clerk, no, "", m); KindOf(err) != Invalid {
				t.Errorf("signed on %s: %v", day.Format(time.DateOnly), err)
			}
		}
		m.Effective = time.Date(2026, 11, 5, 0, 0, 0, 0, china)
		c, got, err := db.SetOutcome(ctx, s.clerk, no, "", m)
		if err != nil || got.ConfirmBy.Format(time.DateOnly) != "2026-12-05" || !strings.Contains(c.Agreement(got), "2026年11月5日") {
			t.Fatalf("confirmed until %v, %v", got.ConfirmBy, err)
		}
		reminders := func() (n int) {
			t.Helper()
			if err := db.Remind(ctx); err != nil {
				t.Fatal(err)
			}
			if err := db.read.QueryRow(`SELECT COUNT(*) FROM notices WHERE kind = 'confirm'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		pass(16 * 24 * time.Hour) // 28 November: seven days are left
		if n := reminders(); n != 2 {
			t.Errorf("%d reminders, want one for the desk, as nobody holds the case, and one for the applicant", n)
		}
		m.Effective = time.Date(2026, 11, 25, 0, 0, 0, 0, china)
		if _, _, err := db.SetOutcome(ctx, s.clerk, no, "", m); err != nil {
			t.Fatal(err)
		}
		pass(20 * 24 * time.Hour) // 18 December
		for range 2 {
			if n := reminders(); n != 4 {
				t.Errorf("%d reminders after it was put right, want two more", n)
			}
		}
		if _, _, err := db.SetOutcome(ctx, s.clerk, no, "", m); err != nil { // once more in the next month
			t.Fatal(err)
		}
		sum := 0
		for _, month := range []time.Month{11, 12} {
			f, err := db.MediationFigures(ctx, time.Date(2026, month, 1, 0, 0, 0, 0, china), time.Date(2026, month, 30, 0, 0, 0, 0, china))
			if err != nil {
				t.Fatal(err)
			}
			sum += f.Outcomes["书面协议"]
		}
		if sum != 1 {
			t.Errorf("one agreement counts %d times in two months", sum)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Danger is not given to a mediator; only an administrator says that it is over.
func TestMediation_NotWithDanger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		d := wall()
		d.Story = "他一喝酒就打我，昨天把我打伤了。"
		c := mustOpen(t, db, s.resident, d).Case
		if c.Lane != LaneReport || c.Urgency != Safety || !c.Restricted {
			t.Fatalf("got %+v", c)
		}
		mustAct(t, db, s.clerk, c.No, Action{Verb: "accept"})
		if _, err := db.Act(ctx, s.clerk, c.No, Action{Verb: "assign", To: s.mediator.ID}); KindOf(err) != Conflict {
			t.Errorf("given to a mediator: %v", err)
		}
		if _, err := db.AddSession(ctx, s.clerk, c.No, "", "", "坐下来谈"); KindOf(err) != Conflict {
			t.Errorf("mediated: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, c.No, Action{Verb: "handover", Lane: "人民调解", Note: "不严重"}); KindOf(err) != Forbidden {
			t.Errorf("the clerk says it is over: %v", err)
		}
		after := mustAct(t, db, s.leader, c.No, Action{Verb: "handover", Lane: "人民", Note: "派出所已出告诫书，双方自愿谈财产"})
		if after.No != c.No || after.Lane != LanePeople {
			t.Errorf("got %+v", after)
		}
		mustAct(t, db, s.clerk, c.No, Action{Verb: "assign", To: s.mediator.ID})
	})
}

func TestSuggest_SpreadsTheLoadWithoutConflicts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		for _, name := range []string{"甲调", "乙调", "丙调"} {
			hire(t, db, name, Mediator, s.orgs["城东司法所"])
		}
		hire(t, db, "西调", Mediator, s.orgs["城西司法所"])
		hire(t, db, "离调", Mediator, s.orgs["城东司法所"], func(p *Person) { p.Conflicts = []string{"张某"} })
		given := map[string]int{}
		for i := range 8 {
			d := wall()
			d.Story += strings.Repeat("又", i+1)
			c := mustOpen(t, db, s.resident, d).Case
			list, err := db.Suggest(ctx, c)
			if err != nil || len(list) != maxSuggested {
				t.Fatal(list, err)
			}
			for _, p := range list {
				if p.Name == "西调" || p.Name == "离调" {
					t.Errorf("%s is suggested", p.Name)
				}
			}
			mustAct(t, db, s.clerk, c.No, Action{Verb: "assign", To: list[0].ID})
			given[list[0].Name]++
		}
		for name, n := range given {
			if n != 2 || len(given) != 4 {
				t.Errorf("%s got %d of 8 among %d", name, n, len(given))
			}
		}
	})
}

// Who knows the field of the lane goes first, whatever words the story uses.
func TestSuggest_WhoKnowsTheFieldOfTheLaneGoesFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		road := hire(t, db, "程兰香", Mediator, s.orgs["青禾县"], func(p *Person) { p.Fields = []string{"交通"} })
		d := wall()
		d.Story = "骑车被他的车碰了，住院花了一万八，保险和他都不肯赔。"
		o := mustOpen(t, db, s.resident, d)
		list, err := db.Suggest(t.Context(), o.Case)
		if err != nil || len(list) < 2 || list[0].ID != road.ID {
			t.Errorf("got %v, %v, want %s first", list, err, road.Name)
		}
	})
}
