package office

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDuties_GapsBecomePrompts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		k.pass(30 * 24 * time.Hour) // 25 December
		err := db.AddActivity(ctx, "test", Activity{Day: "2026-12-04", Kind: "主题宣传", Title: "宪法日", Org: k.orgs["人社局"], Place: "广场", Heads: 300, Duty: 1})
		if err != nil {
			t.Fatal(err)
		}
		for why, a := range map[string]Activity{
			"already登记": {Day: "2026-12-04", Kind: "主题宣传", Title: "宪法日", Org: k.orgs["人社局"], Place: "广场"},
			"还没到":       {Day: "2027-01-04", Kind: "主题宣传", Title: "明年", Org: k.orgs["人社局"]},
			"不认识":       {Day: "2026-12-04", Kind: "吃饭", Title: "宪法日", Org: k.orgs["人社局"]},
			"自动登记":      {Day: "2026-12-04", Kind: KindOrdered, Title: "宪法日", Org: k.orgs["人社局"]},
			"是人社局的":     {Day: "2026-12-04", Kind: "主题宣传", Title: "反诈", Org: k.orgs["公安局"], Duty: 1},
		} {
			if err := db.AddActivity(ctx, "test", a); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(why, "already")) {
				t.Errorf("%s: %v", why, err)
			}
		}
		states, err := db.DutyStates(ctx, "2026Q4")
		byID(states)
		if err != nil || len(states) != 3 || states[0].Gap || states[0].Acts != 1 || states[0].Heads != 300 || !states[1].Gap || !states[2].Gap {
			t.Fatalf("states %+v, %v", states, err)
		}
		if early, err := db.DutyStates(ctx, "2026Q3"); err != nil || len(early) != 0 {
			t.Errorf("before the list was made: %+v, %v", early, err)
		}
		later, err := db.DutyStates(ctx, "2027Q1")
		if byID(later); err != nil || !later[0].Gap || later[1].Gap || later[2].Gap {
			t.Errorf("half-yearly and yearly duties are owed later: %+v, %v", later, err)
		}
		drafts, err := db.DraftPrompts(ctx, "test", "2026Q4")
		if err != nil || len(drafts) != 1 || drafts[0].Org.Name != "公安局" {
			t.Fatalf("drafts %+v, %v", drafts, err)
		}
		p := drafts[0]
		hears(t, p.Body, "公安局：", "第五十七条", "1. 《反电信网络诈骗法》", "2. 《治安管理处罚法》", day(p.Due))
		if again, err := db.DraftPrompts(ctx, "test", "2026Q4"); err != nil || len(again) != 1 || again[0].ID != p.ID {
			t.Errorf("drafted again: %+v, %v", again, err)
		}
		if _, err := db.SendPrompt(ctx, k.head, p.ID); KindOf(err) != Forbidden {
			t.Errorf("sent by the department itself: %v", err)
		}
		if _, err := db.AnswerPrompt(ctx, k.head, p.ID, "已经安排"); KindOf(err) != Conflict {
			t.Errorf("answered before it was sent: %v", err)
		}
		if p, err = db.SendPrompt(ctx, k.officer, p.ID); err != nil || p.State(db.now()) != "待反馈" {
			t.Fatalf("sent %+v, %v", p, err)
		}
		hears(t, k.told(t, "孙科长"), "普法提示", fmt.Sprintf("普法反馈 %d", p.ID))
		k.pass(40 * 24 * time.Hour)
		for range 2 {
			if err := db.RemindPrompts(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := k.told(t, "赵干部"); strings.Count(got, "到期没有反馈") != 1 {
			t.Errorf("reminded: %s", got)
		}
		if _, err := db.AnswerPrompt(ctx, k.lecturer, p.ID, "不是我的"); KindOf(err) != NotFound {
			t.Errorf("answered by another department: %v", err)
		}
		if p, err = db.AnswerPrompt(ctx, k.head, p.ID, "本月已进村宣讲三场。"); err != nil || p.State(db.now()) != "已反馈" || p.Answerer != "公安局 孙科长" {
			t.Errorf("answered %+v, %v", p, err)
		}
		hears(t, k.told(t, "赵干部"), "公安局反馈了", "三场")
	})
}

func byID(list []DutyState) {
	slices.SortFunc(list, func(a, b DutyState) int { return int(a.Duty.ID - b.Duty.ID) })
}

func TestParseQuarter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Quarter{"2026Q4": "2026Q4", "2026年第4季度": "2026Q4", "2026年三季度": "2026Q3", "2027q1": "2027Q1"} {
		if q, err := ParseQuarter(text); err != nil || q != want {
			t.Errorf("%s: %s, %v", text, q, err)
		}
	}
	for _, text := range []string{"", "2026", "2026Q5", "Q4", "20Q4"} {
		if q, err := ParseQuarter(text); err == nil {
			t.Errorf("%q: %s", text, q)
		}
	}
}
