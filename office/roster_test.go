package office

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// advisers adds three advisers of the village and puts them on its roster.
func advisers(t *testing.T, db *DB, s staff) []Person {
	t.Helper()
	var list []Person
	rows := [][]string{rosterHeading}
	for i, name := range []string{"甲律师", "乙律师", "丙律师"} {
		list = append(list, hire(t, db, name, Adviser, s.orgs["三里村"]))
		rows = append(rows, []string{"三里村", name, string(rune('1' + i)), map[string]string{"甲律师": "一三五"}[name], "2026-11-01", ""})
	}
	if rep, err := db.ImportRoster(t.Context(), "test", rows, false); err != nil || len(rep.Errors) > 0 || rep.Kept != 3 {
		t.Fatal(rep, err)
	}
	return list
}

func TestRoster_WhoIsOnDutyAndWhoIsNext(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 24, 10, 0, 0, 0, china)) // a Tuesday: 甲 is off
		list := advisers(t, db, s)
		for _, bad := range [][]string{{"三里村", "王明", "1"}, {"三里村", "甲律师", "0"}, {"三里村", "甲律师", "1", "礼拜八"}, {"三里村", "甲律师", "1", "", "昨天"}, {"没有村", "甲律师"}} {
			if rep, err := db.ImportRoster(ctx, "test", [][]string{rosterHeading, bad}, false); err != nil || len(rep.Errors) != 1 {
				t.Errorf("%v: got %+v, %v", bad, rep, err)
			}
		}
		no := mustOpen(t, db, s.resident, wall()).Case.No
		if _, _, err := db.AskAdviser(ctx, s.resident, no, ""); KindOf(err) != Forbidden {
			t.Errorf("a resident hands cases out: %v", err)
		}
		c, to, err := db.AskAdviser(ctx, s.clerk, no, "ask 1")
		if err != nil || to.ID != list[1].ID || c.Holder != to.ID || c.State != Assigned {
			t.Fatalf("got %s, %+v, %v; want 乙律师", to.Name, c, err)
		}
		if _, again, err := db.AskAdviser(ctx, s.clerk, no, "ask 1"); err != nil || again.ID != to.ID {
			t.Errorf("the same request again: %s, %v", again.Name, err)
		}
		if kinds := inbox(t, db, list[1].Account, "m1"); !slices.Contains(kinds, "duty") {
			t.Errorf("told %v", kinds)
		}
		pass(20 * time.Hour) // Wednesday 6 o'clock: still time
		if err := db.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		if c, _ = db.Case(ctx, s.clerk, no); c.Holder != list[1].ID {
			t.Error("passed on too early")
		}
		pass(24 * time.Hour) // Thursday: the working day is over, 甲 is off, 丙 is next
		if err := db.Remind(ctx); err != nil {
			t.Fatal(err)
		}
		if c, _ = db.Case(ctx, s.clerk, no); c.Holder != list[2].ID || c.State != Assigned {
			t.Errorf("holder %d, %s; want 丙律师", c.Holder, c.State)
		}
		mustAct(t, db, list[2], no, Action{Verb: "start"})
		pass(72 * time.Hour)
		if err := db.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		if c, _ = db.Case(ctx, s.clerk, no); c.Holder != list[2].ID || c.State != Working {
			t.Errorf("taken from who began: %+v", c)
		}
		day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		f, err := db.TurnFigures(ctx, day, day.AddDate(0, 0, 7))
		if err != nil || f != (TurnFigures{Asked: 2, Answered: 1, Passed: 1}) || f.Response() != "50.0%（n=2）" {
			t.Errorf("got %+v, %v", f, err)
		}

		// Everybody else is away, suspended or was asked: the desk is told.
		if err := db.Leave(ctx, "test", list[2].ID, "2026-11-20", "2027-01-20"); err != nil {
			t.Fatal(err)
		}
		if err := db.Suspend(ctx, "test", list[0].ID, true); err != nil {
			t.Fatal(err)
		}
		d := wall()
		d.Story = "另一家的水沟堵了，说不通。"
		other := mustOpen(t, db, s.resident, d).Case.No
		if _, to, err = db.AskAdviser(ctx, s.clerk, other, ""); err != nil || to.ID != list[1].ID {
			t.Fatalf("got %s, %v; want 乙律师", to.Name, err)
		}
		pass(96 * time.Hour)
		inbox(t, db, s.clerk.Account, "m2")
		if err := db.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		if kinds := inbox(t, db, s.clerk.Account, "m3"); !slices.Contains(kinds, "unclaimed") {
			t.Errorf("the desk was told %v", kinds)
		}
		if err := db.Leave(ctx, "test", s.clerk.ID, "2026-11-20", "2026-11-21"); KindOf(err) != NotFound {
			t.Error(err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestRemind_WhatNobodyLooksAtGoesUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 24, 9, 0, 0, 0, china))
		lies := mustOpen(t, db, s.resident, wall()).Case.No
		d := wall()
		d.Story = "这一件经办人看过了，正在想怎么办。"
		seen := mustOpen(t, db, s.resident, d).Case.No
		if _, err := db.Case(ctx, s.clerk, seen); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Hour)
		for range 2 {
			if err := db.Remind(ctx); err != nil {
				t.Fatal(err)
			}
		}
		list, err := db.Contact(ctx, s.leader.Account, "m1", 20)
		if err != nil || len(list) != 1 || list[0].Kind != "unclaimed" || list[0].Case != lies {
			t.Errorf("got %+v, %v; want one about %s", list, err, lies)
		}
	})
}

func TestTickets_InOnceOutSafely(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		clockAt(db, time.Date(2026, 11, 24, 10, 0, 0, 0, china))
		rows := [][]string{ticketHeading,
			{"GD1", "楼下烧烤摊半夜还吵，睡不着。", "城东街道三里村", "=cmd|'/c calc'!A1", "138 0000 0000", "矛盾纠纷", "2026-11-23 09:30", "2026-11-30"},
			{"GD2", "公司注册的事想问问流程。", "城西街道", "赵某", "", "涉企", "2026/11/23", ""}}
		for _, bad := range [][]string{{"", "没有编号的一件事"}, {"GD3", "短"}, {"GD4", "时间写错了的一件事", "", "", "", "", "前天"}, {"GD5", "时限早于受理的一件事", "", "", "", "", "2026-11-23", "2026-11-20"}} {
			rep, err := db.ImportTickets(ctx, "test", append(slices.Clone(rows), bad), false)
			if err != nil || len(rep.Errors) != 1 || rep.Errors[0].Row != 4 || rep.Kept != 0 {
				t.Errorf("%v: got %+v, %v", bad, rep, err)
			}
		}
		if rep, err := db.ImportTickets(ctx, "test", rows, true); err != nil || rep.Rows != 2 || rep.Kept != 0 || len(rep.Errors) > 0 {
			t.Errorf("dry: got %+v, %v", rep, err)
		}
		if rep, err := db.ImportTickets(ctx, "test", rows, false); err != nil || rep.Kept != 2 || rep.Same != 0 {
			t.Fatalf("got %+v, %v", rep, err)
		}
		if rep, err := db.ImportTickets(ctx, "test", rows, false); err != nil || rep.Same != 2 {
			t.Errorf("again: got %+v, %v", rep, err)
		}
		list, n, err := db.Cases(ctx, s.leader, CaseFilter{})
		if err != nil || n != 2 {
			t.Fatalf("%d cases, %v", n, err)
		}
		i := slices.IndexFunc(list, func(c Case) bool { return c.Matter == "dispute" })
		c := list[i]
		if c.Via != ViaTicket || !c.Promised.Equal(time.Date(2026, 11, 30, 23, 59, 59, 0, china)) || c.Phone != "13800000000" {
			t.Errorf("got %+v", c)
		}
		if no, err := db.TicketOf(ctx, c); err != nil || no != "GD1" {
			t.Error(no, err)
		}
		mustAct(t, db, s.clerk, c.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, c.No, Action{Verb: "answer", Text: "=1+1 已经责令摊主十点后收摊。"})
		day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		tickets, err := db.Tickets(ctx, s.leader, day, day)
		table := TicketTable(tickets, db.now())
		if err != nil || len(table) != 3 || table[1][0] != "GD1" || table[1][6] != "是" || table[2][6] != "未到期" {
			t.Fatalf("got %q, %v", table, err)
		}
		if own, err := db.Tickets(ctx, s.clerk, day, day); err != nil || len(own) != 1 || own[0].No != "GD1" {
			t.Errorf("a township's clerk sees %+v, %v", own, err)
		}
		if none, err := db.Tickets(ctx, s.helper, day, day); err != nil || len(none) != 0 {
			t.Errorf("a helper sees %+v, %v", none, err)
		}
		west := [][]string{ticketHeading, {"GD8", "五里村的水渠堵了没人管。", "城西镇五里村"}}
		if rep, err := db.ImportTicketsFor(ctx, s.clerk, west, false); err != nil || len(rep.Errors) != 1 || !strings.Contains(rep.Errors[0].Msg, "不归您管") {
			t.Errorf("of another place: %+v, %v", rep, err)
		}
		if rep, err := db.ImportTicketsFor(ctx, s.other, west, true); err != nil || len(rep.Errors) != 0 {
			t.Errorf("of one's own: %+v, %v", rep, err)
		}
		var out bytes.Buffer
		if err := WriteCSV(&out, table); err != nil || !strings.Contains(out.String(), "'=1+1") {
			t.Errorf("%v in %s", err, out.String())
		}
		if f, err := db.MatterFigures(ctx, ViaTicket, day, day); err != nil || f.Opened != 2 || f.Open != 1 || f.Satisfaction() != "暂无评价（n=0）" {
			t.Errorf("got %+v, %v", f, err)
		}
		if f, err := db.MatterFigures(ctx, "firm", day, day); err != nil || f.Opened != 1 {
			t.Errorf("got %+v, %v", f, err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestLedger_AddsUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		clockAt(db, time.Date(2026, 11, 24, 10, 0, 0, 0, china))
		for i, d := range []Deed{{Kind: "走访", People: 3, Minutes: 60, Note: "看了独居老人"}, {Kind: "走访", People: 2}, {Kind: "宣讲", People: 40, Minutes: 90, Day: "2026-11-20"}} {
			d.Person = s.helper
			for range 2 {
				if err := db.AddDeed(ctx, d, string(rune('a'+i))); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, d := range []Deed{{Person: s.clerk, Kind: "走访"}, {Person: s.helper, Kind: "喝茶"}, {Person: s.helper, Kind: "走访", People: -1}, {Person: s.helper, Kind: "走访", Day: "2027-01-01"}} {
			if err := db.AddDeed(ctx, d, ""); err == nil {
				t.Errorf("%+v was taken", d)
			}
		}
		week := Week(db.now())
		if week != "2026-W48" {
			t.Error(week)
		}
		for _, good := range []int{1, 3, 2} {
			if err := db.SaveLesson(ctx, s.helper, week, good, 3); err != nil {
				t.Fatal(err)
			}
		}
		if good, asked, ok, err := db.Lesson(ctx, s.helper, week); good != 3 || asked != 3 || !ok || err != nil {
			t.Error(good, asked, ok, err)
		}
		if err := db.SaveLesson(ctx, s.resident, week, 3, 3); KindOf(err) != Forbidden {
			t.Error(err)
		}
		from, to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		l, err := db.Ledger(ctx, s.helper, from, to)
		if err != nil || l.Kinds["走访"] != 2 || l.Kinds["学习"] != 1 || l.People != 45 || l.Minutes != 160 || l.Lessons != 1 || len(l.Latest) != 4 {
			t.Errorf("got %+v, %v", l, err)
		}
		f, err := db.TrainingFigures(ctx, from, to)
		if err != nil || f.Helpers != 1 || f.Learnt != 1 || f.Coverage() != "100.0%（n=1）" || f.Right() != "100.0%（n=3）" || f.Deeds["走访"] != 2 {
			t.Errorf("got %+v, %v", f, err)
		}
		table, err := db.LedgerTable(ctx, from, to)
		if err != nil || len(table) != 6 || table[5][2] != "合计" || table[5][4] != "45" {
			t.Errorf("got %q, %v", table, err)
		}
	})
}
