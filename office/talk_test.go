package office

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What was said to the bot goes with a case to those who work on it and to
// nobody else, is bounded, can be taken back, and goes when the case is erased.
func TestTalk_ForThoseWhoWorkOnTheCase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		me := Person{Account: "qq/user/talker"}
		d := wall()
		d.Via = ViaResident
		for i := range 30 {
			d.Talk = append(d.Talk, TalkLine{At: db.now(), Bot: i%2 == 1, Text: fmt.Sprintf("第%d句\u202e聊天秘密", i)})
		}
		no := mustOpen(t, db, me, d).Case.No
		read := func(p Person) []TalkLine {
			c, err := db.Case(ctx, p, no)
			if err != nil {
				return nil
			}
			list, err := db.Talk(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		got := read(s.clerk)
		if len(got) != MaxTalk || got[0].Text != "第10句聊天秘密" || got[MaxTalk-1].Text != "第29句聊天秘密" || !got[MaxTalk-1].Bot || got[0].Bot || got[0].At.IsZero() {
			t.Fatalf("the clerk reads %+v", got)
		}
		for who, p := range map[string]Person{"another resident": {Account: "qq/user/other"}, "a mediator who has not got it": s.mediator} {
			if got := read(p); got != nil {
				t.Errorf("%s reads %+v", who, got)
			}
		}
		if entries, _, err := db.SearchAudit(ctx, AuditFilter{Text: no, Limit: 20}); err != nil || !slices.ContainsFunc(entries, func(e AuditEntry) bool { return e.Action == "read" }) {
			t.Errorf("the reading is not in the audit: %+v, %v", entries, err)
		}
		if own, err := db.Dossier(ctx, "test", me.Account); err != nil || len(own.Cases) != 1 || len(own.Cases[0].Talk) != MaxTalk || !strings.Contains(own.Text(), "附的聊天：明白：第29句聊天秘密") {
			t.Errorf("own data: %+v, %v", own, err)
		}
		if _, err := db.DropTalk(ctx, s.clerk, no, "d0"); KindOf(err) != Forbidden {
			t.Errorf("the clerk takes it back: %v", err)
		}
		for i, want := range []Kind{Internal, Conflict} {
			if _, err := db.DropTalk(ctx, me, no, fmt.Sprint("d", i+1)); KindOf(err) != want || (err == nil) != (i == 0) {
				t.Errorf("taking it back %d: %v", i, err)
			}
		}
		if got := read(s.clerk); got != nil {
			t.Errorf("taken back and still read: %+v", got)
		}
		if found := traces(t, db, "聊天秘密"); found != nil {
			t.Errorf("left: %v", found)
		}
		again := mustOpen(t, db, me, Draft{Via: ViaResident, Matter: "consult", Story: "想问低保怎么办", Talk: d.Talk}).Case.No
		mustAct(t, db, me, again, Action{Verb: "withdraw"})
		if _, err := db.EraseCase(ctx, "test", again, Keep{}, false); err != nil {
			t.Fatal(err)
		}
		if found := traces(t, db, "聊天秘密"); found != nil {
			t.Errorf("left after erasing: %v", found)
		}
		for name, lines := range map[string][]TalkLine{"too long": {{Text: strings.Repeat("长", 8000)}}, "empty": {{Text: " \u0007 "}}} {
			if got := boundTalk(lines); got != nil {
				t.Errorf("%s: %d lines", name, len(got))
			}
		}
	})
}

// The conversation of a case that only cleared people see is theirs alone, and
// retention takes it with the case.
func TestTalk_RestrictedAndRetained(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 22, 10, 0, 0, 0, china))
		d := Draft{Via: ViaResident, Matter: "consult", Place: "城东街道", Story: "同学天天打我要钱", Minor: true, Talk: []TalkLine{{Text: "聊天秘密"}}}
		me := Person{Account: "qq/user/young"}
		no := mustOpen(t, db, me, d).Case.No
		for _, cleared := range []bool{true, false} {
			other := s.clerk
			if !cleared {
				other = hire(t, db, "没指定的", Clerk, s.orgs["城东司法所"])
			}
			c, err := db.Case(ctx, other, no)
			list, fault := db.Talk(ctx, c)
			if (err == nil) != cleared || fault != nil || (list != nil) != cleared {
				t.Errorf("cleared %v: %v, %+v, %v", cleared, err, list, fault)
			}
		}
		mustAct(t, db, me, no, Action{Verb: "withdraw"})
		pass(11 * 24 * time.Hour)
		if done, err := db.Retain(ctx, "test", Keep{Cases: 10}, false); err != nil || done["事项"] != 1 {
			t.Fatalf("retained %v, %v", done, err)
		}
		if found := traces(t, db, "聊天秘密"); found != nil {
			t.Errorf("left: %v", found)
		}
	})
}
