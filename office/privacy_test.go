package office

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// traces looks for words in every text of every table.
func traces(t *testing.T, db *DB, words ...string) []string {
	t.Helper()
	tables, err := db.tables(t.Context(), db.read)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, table := range tables {
		rows, err := db.read.Query(`SELECT * FROM ` + quoted(table))
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				for _, w := range words {
					if strings.Contains(fmt.Sprint(v), w) {
						found = append(found, fmt.Sprintf("%s.%s: %v", table, columns[i], v))
					}
				}
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// One person with an archived consultation, an archived dispute, an open and a
// withdrawn case, a rating, a consent, counted questions and a binding.
func TestErase_WhatMayGoGoesTheRestIsNamed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 22, 10, 0, 0, 0, china))
		me := Person{Account: "qq/user/secret-one"}
		keep := Keep{Cases: 3650, Consults: 400, Notices: 180, Reads: 400}
		open := func(matter, story string) string {
			return mustOpen(t, db, me, Draft{Request: "qq/user/secret-one#" + story, Via: ViaResident, Matter: matter, Name: "牛翠花", Phone: "13912345678", Place: "城东街道三里村", Parties: "马二虎", Story: story, Wish: "早点办"}).Case.No
		}
		finish := func(no string) {
			for _, a := range []Action{{Verb: "accept"}, {Verb: "answer", Text: "牛翠花您好，答复如下。"}, {Verb: "archive"}} {
				mustAct(t, db, s.clerk, no, a)
			}
		}
		consult, dispute, waits, away := open("consult", "秘密甲的事情"), open("dispute", "秘密乙：邻居砌墙占了过道"), open("wages", "秘密丙：工资没发"), open("notary", "秘密丁：要办公证")
		finish(consult)
		if _, err := db.Case(ctx, s.clerk, consult); err != nil {
			t.Fatal(err)
		}
		c, err := db.Case(ctx, me, consult)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.RateCase(ctx, c, 2, "秘密戊：太慢"); err != nil {
			t.Fatal(err)
		}
		finish(dispute)
		mustAct(t, db, me, away, Action{Verb: "withdraw"})
		if _, _, err := db.Consent(ctx, me.Account); err != nil {
			t.Fatal(err)
		}
		if err := db.AnswerNotice(ctx, string(me.Account), "model", NoticeAnswer{Version: "1", Accepted: true}); err != nil {
			t.Fatal(err)
		}
		other := Consult{ID: "9", At: db.now(), Account: "qq/user/other", Session: "s9", Channel: "qq", Kind: "answer"}
		if err := db.RecordConsults(ctx, other, Consult{ID: "1", At: db.now(), Account: string(me.Account), Session: "s1", Channel: "qq", Kind: "answer"},
			Consult{ID: "2", At: db.now(), Account: string(me.Account), Session: "s1", Channel: "qq", Kind: "answer"}); err != nil {
			t.Fatal(err)
		}
		if err := db.Rate(ctx, "1", false, "秘密己：没说清"); err != nil {
			t.Fatal(err)
		}

		d, err := db.Dossier(ctx, "test", me.Account)
		if err != nil || len(d.Cases) != 4 || len(d.Consults) != 2 || len(d.Consents) != 1 || d.Codes != 1 || len(d.Notices) == 0 {
			t.Fatalf("got %+v, %v", d, err)
		}
		body, err := json.Marshal(d)
		for _, w := range []string{"秘密甲", "秘密乙", "秘密丙", "秘密丁", "秘密戊", "秘密己", "13912345678", "答复如下"} {
			if err != nil || !strings.Contains(string(body), w) {
				t.Errorf("the dossier lacks %q, %v", w, err)
			}
		}
		if !strings.Contains(d.Text(), "秘密乙") || !strings.Contains(d.Text(), "2 次") {
			t.Error(d.Text())
		}

		before, err := db.Fingerprint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		e, err := db.Erase(ctx, "test", me.Account, keep, true)
		if err != nil || e.Receipt != "" || e.Erased["事项"] != 2 || len(e.Kept) != 2 {
			t.Fatalf("dry: got %+v, %v", e, err)
		}
		if after, err := db.Fingerprint(ctx); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Error("a dry run changed something", err)
		}
		if e, err = db.Erase(ctx, "test", me.Account, keep, false); err != nil || e.Receipt == "" || e.Erased["咨询记录"] != 2 || e.Erased["同意记录"] != 1 {
			t.Fatalf("got %+v, %v", e, err)
		}
		for _, k := range e.Kept {
			if k.What == waits && !strings.Contains(k.Why, "撤回") || k.What == dispute && (!strings.Contains(k.Why, "第四十七条") || k.Until.Year() != 2036) {
				t.Errorf("kept for the wrong reason: %+v", k)
			}
		}
		if found := traces(t, db, "秘密甲", "秘密丁", "秘密戊", "秘密己"); found != nil {
			t.Errorf("still there: %q", found)
		}
		if list, n, err := db.Cases(ctx, s.leader, CaseFilter{Text: "秘密甲"}); err != nil || n != 0 {
			t.Errorf("search finds what was erased: %+v, %v", list, err)
		}
		if found := traces(t, db, "secret-one"); len(found) == 0 {
			t.Error("the kept cases lost their owner")
		}
		if c, err = db.Case(ctx, me, dispute); err != nil || !c.Restricted || c.Story == "" {
			t.Errorf("the archived case: %+v, %v", c, err)
		}
		if list, err := db.Audit(ctx, e.Receipt, 5); err != nil || len(list) != 1 || !strings.Contains(list[0].Detail, "kept 2") {
			t.Errorf("receipt: %+v, %v", list, err)
		}
		day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		if f, err := db.Figures(ctx, day, day); err != nil || f.Persons != 2 || f.Sessions != 2 || f.Questions != 3 {
			t.Errorf("figures changed: %+v, %v", f, err)
		}
		if f, err := db.CaseFigures(ctx, day, day); err != nil || f.Opened != 4 {
			t.Errorf("figures changed: %+v, %v", f, err)
		}

		// Once the open one is over and the time of the archive has passed, nothing is left.
		mustAct(t, db, me, waits, Action{Verb: "withdraw"})
		pass(3651 * 24 * time.Hour)
		if done, err := db.Retain(ctx, "test", keep, true); err != nil || done["事项"] != 2 {
			t.Errorf("dry: got %v, %v", done, err)
		}
		if done, err := db.RetainDaily(ctx, keep); err != nil || done["事项"] != 2 || done["查看记录"] == 0 {
			t.Errorf("got %v, %v", done, err)
		}
		if done, err := db.RetainDaily(ctx, keep); err != nil || done != nil {
			t.Errorf("twice a day: %v, %v", done, err)
		}
		if found := traces(t, db, "secret-one", "秘密", "牛翠花", "马二虎", "13912345678"); found != nil {
			t.Errorf("still there: %q", found)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestErase_StaffAndTheDesk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		e, err := db.Erase(ctx, "test", s.helper.Account, Keep{}, false)
		if err != nil || len(e.Kept) != 1 || !strings.Contains(e.Kept[0].Why, "管理员") || e.Erased["身份绑定"] != 1 {
			t.Fatalf("got %+v, %v", e, err)
		}
		if p, err := db.PersonByAccount(ctx, s.helper.Account); err != nil || p.ID != 0 {
			t.Errorf("still bound: %+v, %v", p, err)
		}
		d := wall()
		d.Via, d.Matter = ViaDesk, "consult"
		no := mustOpen(t, db, s.clerk, d).Case.No
		if e, err := db.EraseCase(ctx, "test", no, Keep{}, false); err != nil || len(e.Kept) != 1 {
			t.Errorf("an open case: %+v, %v", e, err)
		}
		for _, a := range []Action{{Verb: "accept"}, {Verb: "answer", Text: "答复如下。"}, {Verb: "archive"}} {
			mustAct(t, db, s.clerk, no, a)
		}
		if e, err := db.EraseCase(ctx, "test", no, Keep{}, false); err != nil || e.Erased["事项"] != 1 {
			t.Errorf("got %+v, %v", e, err)
		}
		if found := traces(t, db, "13800000000", "李某"); found != nil {
			t.Errorf("still there: %q", found)
		}
		if _, err := db.EraseCase(ctx, "test", "2026-城东-9999", Keep{}, false); KindOf(err) != NotFound {
			t.Error(err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// they say something.
func TestNotices_NoneForWhoIsSuspended(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		mustOpen(t, db, s.resident, wall())
		if err := db.Suspend(t.Context(), "test", s.clerk.ID, true); err != nil {
			t.Fatal(err)
		}
		if got := left(t, db, s.clerk.Account, "m1"); got != nil {
			t.Errorf("told %q", got)
		}
	})
}
