package office

import (
	"strings"
	"testing"
)

func TestDraft_WhatGoesOutSaysThatAIHelpedIfItDid(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s, ctx := people4(t, db), t.Context()
		const text = "先保留欠条和转账记录，再到司法所申请调解，谈不成可以起诉。"
		for _, x := range []struct {
			name, model, answer string
			helped              bool
		}{
			{"the draft with another beginning", "模型甲", "李某您好：" + text + "周三上午来。", true},
			{"words of one's own", "模型甲", "双方已经谈好，墙退回三十厘米。", false},
			{"a draft without a model", "", text, false},
			{"the list behind a draft", "模型甲", "双方谈好了。\n依据\n《民法典》第二百八十八条（2021-01-01起施行，现行有效）", false},
		} {
			c := mustOpen(t, db, Person{Account: Account("qq/user/" + x.name)}, wall()).Case
			mustAct(t, db, s.clerk, c.No, Action{Verb: "accept"})
			c, err := db.Case(ctx, s.clerk, c.No)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.KeepDraft(ctx, s.clerk, c, CaseDraft{Model: x.model, Text: text + "\n依据\n《民法典》第二百八十八条（2021-01-01起施行，现行有效）", Summary: []string{"当事人说：墙占了过道"}, Sources: []string{"《民法典》第二百八十八条"}}); err != nil {
				t.Fatal(err)
			}
			d, ok, err := db.Draft(ctx, c)
			if err != nil || !ok || !strings.HasPrefix(d.Text, text) || len(d.Summary) != 1 || len(d.Sources) != 1 {
				t.Fatalf("got %+v, %v, %v", d, ok, err)
			}
			if _, err := db.KeepDraft(ctx, s.clerk, c, CaseDraft{Text: "后来又从条目里摘了一份。"}); err != nil { // what went before still counts
				t.Fatal(err)
			}
			preview, err := db.PreviewAnswer(ctx, s.clerk, c, x.answer)
			if err != nil {
				t.Fatal(err)
			}
			after := mustAct(t, db, s.clerk, c.No, Action{Verb: "answer", Text: x.answer})
			got := after.AnswerText()
			if got != preview {
				t.Errorf("%s: previewed %q, sent %q", x.name, preview, got)
			}
			if helped := strings.Contains(got, "AI辅助起草·已由城东司法所 陈所审核"); helped != x.helped {
				t.Errorf("%s: %s", x.name, got)
			}
		}
		mine := mustOpen(t, db, s.resident, wall()).Case
		mine, err := db.Case(ctx, s.resident, mine.No)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.KeepDraft(ctx, s.resident, mine, CaseDraft{Text: text}); KindOf(err) != NotFound {
			t.Errorf("a resident keeps a draft: %v", err)
		}
		if _, ok, _ := db.Draft(ctx, mine); ok {
			t.Error("a resident sees a draft")
		}
	})
}

func TestDraftConsent_OnlyWithTheApplicantsYes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s, ctx := people4(t, db), t.Context()
		c := mustOpen(t, db, s.resident, wall()).Case
		desk := wall()
		desk.Via = ViaDesk
		written := mustOpen(t, db, s.clerk, desk).Case
		asked := func(c Case) bool {
			ok, err := db.DraftConsent(ctx, c, "model")
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if asked(c) || !asked(written) {
			t.Errorf("before anybody was asked: %v, at the desk %v", asked(c), asked(written))
		}
		for _, yes := range []bool{true, false} {
			if err := db.AnswerNotice(ctx, string(s.resident.Account), "model", NoticeAnswer{Version: "1", Accepted: yes}); err != nil {
				t.Fatal(err)
			}
			if asked(c) != yes {
				t.Errorf("after %v: got %v", yes, asked(c))
			}
		}
	})
}
