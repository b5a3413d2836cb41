package office

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPiece_TwoPeopleAndVersions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "借条怎么写", nil)
		if it.State != PieceApproved || it.Approved != 1 || it.Approver != d.second.ID {
			t.Fatalf("got %+v", it)
		}
		v := it.Newest
		v.Body += "\n\n利率不要超过法律保护的上限。"
		it, err := db.EditPiece(ctx, d.second, it.ID, 1, v)
		if err != nil || it.State != PieceDraft || it.Newest.Version != 2 {
			t.Fatalf("a change after approval: %+v, %v", it, err)
		}
		if _, err := db.EditPiece(ctx, d.writer, it.ID, 1, article("别的")); KindOf(err) != Conflict {
			t.Errorf("a change of what is not the newest: %v", err)
		}
		if _, _, err = db.Submit(ctx, d.writer, it.ID, 2, nil); err != nil {
			t.Fatal(err)
		}
		for name, p := range map[string]Person{"wrote it": d.second, "submitted it": d.writer, "another place": d.town, "a resident": {Account: "qq/user/x"}} {
			want := Forbidden
			if name == "another place" {
				want = NotFound
			}
			if _, _, err := db.Approve(ctx, p, it.ID, 2, nil); KindOf(err) != want {
				t.Errorf("approved by one who %s: %v", name, err)
			}
		}
		if _, err := db.Return(ctx, d.minors, it.ID, " "); KindOf(err) != Invalid {
			t.Errorf("returned without a reason: %v", err)
		}
		if it, _, err = db.Approve(ctx, d.minors, it.ID, 2, nil); err != nil || it.Approved != 2 {
			t.Fatalf("got %+v, %v", it, err)
		}
		list, err := db.PieceVersions(ctx, it.ID)
		if err != nil || len(list) != 2 {
			t.Fatalf("got %d versions, %v", len(list), err)
		}
		var changes []string
		for _, l := range Diff(list[1], list[0]) {
			if l.Op != "=" && l.Text != "" {
				changes = append(changes, l.Op+l.Text)
			}
		}
		if !slices.Equal(changes, []string{"+利率不要超过法律保护的上限。"}) {
			t.Errorf("got %q", changes)
		}
		if it, err = db.RollBack(ctx, d.writer, it.ID, 1); err != nil || it.Newest.Version != 3 || it.Newest.Body != list[1].Body || it.State != PieceDraft {
			t.Errorf("rolled back: %+v, %v", it, err)
		}
		if _, err := db.RollBack(ctx, d.writer, it.ID, 1); KindOf(err) != Conflict {
			t.Errorf("a version that says the same: %v", err)
		}
		if _, err := db.AddPiece(ctx, Person{Account: "qq/user/x"}, article("x")); KindOf(err) != Forbidden {
			t.Errorf("written by a resident: %v", err)
		}
		if kinds := inbox(t, db, d.writer.Account, "m1"); len(kinds) == 0 {
			t.Error("the writer was not told of the approval")
		}
		if _, err := db.VerifyAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestPiece_WhatMinorsReadIsReviewedApart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		v := article("网络欺凌怎么办")
		v.Audience = []string{"学校"}
		it, err := db.AddPiece(ctx, d.writer, v)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = db.Submit(ctx, d.writer, it.ID, 0, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.Approve(ctx, d.second, it.ID, 0, nil); KindOf(err) != Forbidden || !strings.Contains(err.Error(), MinorsField) {
			t.Errorf("approved by one who is not cleared: %v", err)
		}
		if _, _, err := db.Approve(ctx, d.minors, it.ID, 0, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestReview_FindsWhatTheOfficeCanSee(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*PieceVersion)
		rule   string
		stops  bool
	}{
		"fine":               {func(*PieceVersion) {}, "", false},
		"short":              {func(v *PieceVersion) { v.Body = "太短" }, "内容", true},
		"film without link":  {func(v *PieceVersion) { v.Kind = KindVideo }, "内容", true},
		"card without entry": {func(v *PieceVersion) { v.Kind = KindCard }, "内容", true},
		"no audience":        {func(v *PieceVersion) { v.Audience = nil }, "受众", true},
		"HTML":               {func(v *PieceVersion) { v.Body += "<script>" }, "格式", true},
		"invisible":          {func(v *PieceVersion) { v.Body += "\u202e倒" }, "格式", true},
		"too long for some":  {func(v *PieceVersion) { v.Body = strings.Repeat("句子不长。", 200) }, "长度", false},
		"hard to read":       {func(v *PieceVersion) { v.Body = strings.Repeat("这是一个很长很长的句子", 8) + "。" }, "好不好懂", false},
	} {
		v := article("题")
		c.change(&v)
		got, err := Review(t.Context(), v, nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(got.Findings, func(f Finding) bool { return f.Rule == c.rule })
		if c.rule == "" && len(got.Findings) > 0 || c.rule != "" && (i < 0 || got.Findings[i].Stops != c.stops) || got.Stops() != c.stops {
			t.Errorf("%s: got %+v", name, got.Findings)
		}
	}
}
