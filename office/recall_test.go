package office

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What was under way when a piece was taken back, and was not sent, is not sent
// later: the night began, the platform was busy, the sender died.
func TestRecall_WhatWasUnderWayAndNotSentIsNotSentLater(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.subscribe(t, db, "qq/user/night ", "qq/user/busy ")
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}})
		d.pass(time.Hour)
		fireAll(t, db, nil)
		chat, err := db.ClaimDeliveries(ctx, "chat", 50, time.Minute)
		if err != nil || len(chat) != 2 {
			t.Fatalf("got %d, %v", len(chat), err)
		}
		hook, err := db.ClaimDeliveries(ctx, "hook", 50, time.Minute)
		if err != nil || len(hook) != 1 {
			t.Fatalf("got %d, %v", len(hook), err)
		}
		if _, err := db.Recall(ctx, d.second, it.ID, "利率写错了"); err != nil {
			t.Fatal(err)
		}
		for _, x := range chat {
			fault := error(&RetryError{Err: errors.New("busy")})
			if x.Target == "qq/user/night" {
				fault = &WaitError{Until: db.now().Add(time.Hour), Code: WaitQuiet}
			}
			if err := db.Delivered(ctx, Outcome{ID: x.ID, Err: fault}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // the lease of the hook's sender runs out too
			d.pass(3 * time.Hour)
			for _, sink := range []string{"chat", "hook"} {
				for _, x := range deliver(t, db, sink, nil) {
					if x.Act == ActPublish {
						t.Errorf("what was taken back was sent to %s", x.Target)
					}
				}
			}
		}
		if got := ledger(t, db, it.ID); !strings.Contains(got, "publish/chat/cancelled 2") || !strings.Contains(got, "publish/hook/cancelled 1") {
			t.Errorf("got %s", got)
		}
	})
}

// Whoever got a piece while it was being taken back is told, also when somebody
// writes at it again at once.
func TestRecall_TellsWhoGotItWhileItWasRewritten(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.subscribe(t, db, "qq/user/slow ")
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}})
		d.pass(time.Hour)
		fireAll(t, db, nil)
		list, err := db.ClaimDeliveries(ctx, "chat", 50, time.Minute)
		if err != nil || len(list) != 1 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		if _, err := db.Recall(ctx, d.second, it.ID, "利率写错了"); err != nil {
			t.Fatal(err)
		}
		better := article("一")
		better.Body += "利率最高是一年期贷款市场报价利率的四倍。"
		if _, err := db.EditPiece(ctx, d.writer, it.ID, 0, better); err != nil {
			t.Fatal(err)
		}
		if err := db.Delivered(ctx, Outcome{ID: list[0].ID, Ref: "late"}); err != nil {
			t.Fatal(err)
		}
		told := deliver(t, db, "chat", nil)
		if len(told) != 1 || told[0].Act != ActCorrect || told[0].Target != "qq/user/slow" {
			t.Fatalf("who got it at the last moment was told %+v", told)
		}
		if words := told[0].Words(Places[1]); !strings.Contains(words, "利率写错了") {
			t.Errorf("got %q", words)
		}
	})
}

// A receiver's number or fault in Chinese is cut between characters: PostgreSQL
// takes no half ones, and with it none of the batch would be on record.
func TestDelivered_CutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.subscribe(t, db, "qq/user/a ", "qq/user/b ")
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}})
		d.pass(time.Hour)
		fireAll(t, db, nil)
		list, err := db.ClaimDeliveries(ctx, "chat", 50, time.Minute)
		if err != nil || len(list) != 2 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		long := "x" + strings.Repeat("号", maxRef)
		if err := db.Delivered(ctx, Outcome{ID: list[0].ID, Ref: long + "\x00"}, Outcome{ID: list[1].ID, Err: &RefusedError{Code: "\x00" + long}}); err != nil {
			t.Fatal(err)
		}
		rows, _, err := db.Deliveries(ctx, DeliveryFilter{Piece: it.ID, Sink: "chat"})
		if err != nil || len(rows) != 2 {
			t.Fatalf("got %+v, %v", rows, err)
		}
		for _, x := range rows {
			if s := x.Ref + x.Code; !utf8.ValidString(s) || len(s) > maxRef || len(s) < maxRef-3 || !strings.Contains(s, "号") {
				t.Errorf("%s: kept %q", x.State, s)
			}
		}
	})
}

// Reasons are bounded like all that people write.
func TestReturn_TakesNoBookForAReason(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it, err := db.AddPiece(ctx, d.writer, article("一"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.Submit(ctx, d.writer, it.ID, 0, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Return(ctx, d.second, it.ID, strings.Repeat("改", maxPieceNote+1)); KindOf(err) != Invalid {
			t.Errorf("a book for a reason: %v", err)
		}
		if _, err := db.Return(ctx, d.second, it.ID, "改"); err != nil {
			t.Error(err)
		}
	})
}

// A plan for a piece that is not there says so, and a piece of another place is
// as if it were not there.
func TestPlan_OfAPieceThatIsNotThere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		if _, err := db.AddPlan(ctx, d.writer, Plan{Name: "试发", Spec: "每天9点", Pieces: []int64{4711}}); KindOf(err) != NotFound {
			t.Errorf("got %v", err)
		}
		it := d.approved(t, db, "一", nil)
		for what, err := range map[string]error{
			"plan":   third(db.AddPlan(ctx, d.town, Plan{Name: "试发", Spec: "每天9点", Pieces: []int64{it.ID}})),
			"recall": third(db.Recall(ctx, d.town, it.ID, "不归我管")),
			"edit":   third(db.EditPiece(ctx, d.town, it.ID, 0, article("二"))),
		} {
			if KindOf(err) != NotFound {
				t.Errorf("%s by an officer of elsewhere: %v", what, err)
			}
		}
		if list, err := db.Plans(ctx); err != nil || slices.ContainsFunc(list, func(Plan) bool { return true }) {
			t.Errorf("half a plan is kept: %+v, %v", list, err)
		}
	})
}

func third[T any](_ T, err error) error { return err }
