package office

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlan_FiresOnceToEveryTarget(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		d := newDesk(t, db)
		it := d.approved(t, db, "借条怎么写", nil)
		d.subscribe(t, db, "qq/user/1 乡村", "qq/user/1 社区", "qq/user/2 ", "qq/user/3 学校", "web/user/4 DB")
		p := d.plan(t, db, Plan{Spec: "每周一上午九点", Pieces: []int64{it.ID}})
		if len(fireAll(t, db, nil)) != 0 {
			t.Error("fired before its time")
		}
		d.pass(time.Hour)
		fired := fireAll(t, db, nil)
		if len(fired) != 1 || fired[0].State != SlotFired || fired[0].Piece != it.ID {
			t.Fatalf("got %+v", fired)
		}
		if got := ledger(t, db, it.ID); got != "publish/chat/planned 3, publish/cloud/planned 1, publish/hook/planned 1" {
			t.Errorf("got %s", got)
		}
		for range 2 {
			if len(fireAll(t, db, nil)) != 0 {
				t.Error("fired again")
			}
		}
		if it, _ = db.Piece(t.Context(), it.ID); it.State != PiecePublished || it.Live != 1 || it.Published.IsZero() {
			t.Errorf("got %+v", it)
		}
		live, n, err := db.Pieces(t.Context(), PieceFilter{Live: true, Audience: "乡村"})
		if err != nil || n != 1 || live[0].ID != it.ID {
			t.Errorf("published: %+v, %d, %v", live, n, err)
		}
		d.pass(7 * 24 * time.Hour) // nothing is left
		if fired = fireAll(t, db, nil); len(fired) != 1 || fired[0].State != SlotEmpty {
			t.Errorf("a week later: %+v", fired)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if p, _ = db.Plan(t.Context(), p.ID); !p.Next.Equal(time.Date(2026, 12, 14, 9, 0, 0, 0, china)) {
			t.Errorf("next is %v", p.Next)
		}
	})
}

func TestPlan_GoesThroughItsPoolWithoutRepeats(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		d := newDesk(t, db)
		var want []int64
		for i := range 3 {
			want = append(want, d.approved(t, db, fmt.Sprint("第", i, "条"), nil).ID)
			d.pass(time.Second)
		}
		d.plan(t, db, Plan{Spec: "每天9点", Pool: "社区", Pieces: want[2:]})
		other := d.approved(t, db, "别的计划等着的", nil)
		d.plan(t, db, Plan{Name: "别的", Spec: "2026-12-31 09:00", Pieces: []int64{other.ID}})
		want = []int64{want[2], want[0], want[1], 0}
		var got []int64
		d.pass(time.Hour)
		for range 4 {
			for _, f := range fireAll(t, db, nil) {
				got = append(got, f.Piece)
			}
			d.pass(24 * time.Hour)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestPlan_WhatChangedSinceApprovalIsBlocked(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		mark, stop := "v1", false
		check := func(context.Context, PieceVersion, time.Time) (Verdict, error) {
			v := Verdict{Basis: []Rest{{"民法典", "680", mark}}}
			if stop {
				v.Findings = []Finding{{"依据", true, "", "民法典第680条已经失效。"}}
			}
			return v, nil
		}
		a, b, c := d.approved(t, db, "一", check), d.approved(t, db, "二", check), d.approved(t, db, "三", nil)
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{a.ID, c.ID}})
		d.pass(time.Hour)
		mark = "v2"
		if fired := fireAll(t, db, check); len(fired) != 1 || fired[0].Piece != c.ID {
			t.Fatalf("got %+v", fired)
		}
		if a, _ = db.Piece(ctx, a.ID); a.State != PieceBlocked {
			t.Errorf("it is %s", a.State)
		}
		for who, p := range map[string]Person{"writer": d.writer, "approver": d.second} {
			list, err := db.ClaimNotices(ctx, []Account{p.Account}, 20)
			if err != nil || !slices.ContainsFunc(list, func(n Notice) bool {
				return strings.Contains(n.Body, "《一》") && strings.Contains(n.Body, "民法典第680条")
			}) {
				t.Errorf("the %s was not told: %+v, %v", who, list, err)
			}
		}
		stop = true
		d.plan(t, db, Plan{Spec: "今天10点", Pieces: []int64{b.ID}})
		d.pass(time.Hour)
		fired := fireAll(t, db, check)
		if len(fired) != 1 || fired[0].State != SlotBlocked || !strings.Contains(fired[0].Note, "失效") {
			t.Errorf("got %+v", fired)
		}
		if got := ledger(t, db, b.ID); got != "" {
			t.Errorf("delivered all the same: %s", got)
		}
	})
}

func TestPlan_CatchesUpAsSet(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		d := newDesk(t, db)
		for rule, want := range map[string]string{CatchSkip: SlotMissed, CatchOnce: SlotLate, CatchLate: SlotLate} {
			for jump, slots := range map[time.Duration]int{2 * time.Hour: 1, 31 * 24 * time.Hour: 31} {
				d.pass = clockAt(db, time.Date(2026, 11, 30, 8, 0, 0, 0, china))
				d.catchUp(t, db, rule, want, jump, slots)
			}
		}
	})
}

// catchUp has a daily plan miss its times by a jump of the clock, and then puts
// the clock right.
func (d pubDesk) catchUp(t *testing.T, db *DB, rule, want string, jump time.Duration, slots int) {
	t.Helper()
	it := d.approved(t, db, "一", nil)
	p := d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}, CatchUp: rule, Holiday: DayAnyway})
	d.pass(jump + 30*time.Minute)
	if fired := fireAll(t, db, nil); len(fired) != 1 || fired[0].State != want {
		t.Fatalf("%s, %v: got %+v, want one that is %s", rule, jump, fired, want)
	}
	all, err := db.Slots(t.Context(), time.Unix(0, 0), db.now(), 500)
	all = slices.DeleteFunc(all, func(f Fired) bool { return f.Plan != p.ID })
	if err != nil || len(all) != slots {
		t.Errorf("%s, %v: got %d slots, %v, want %d", rule, jump, len(all), err, slots)
	}
	d.pass(-jump)
	for range 8 {
		for _, f := range fireAll(t, db, nil) {
			if f.Piece != 0 && rule != CatchSkip {
				t.Errorf("%s, %v: fired again: %+v", rule, jump, f)
			}
		}
		d.pass(10 * time.Minute)
	}
	_, n, err := db.Deliveries(t.Context(), DeliveryFilter{Piece: it.ID, Sink: "cloud"})
	sent := deliver(t, db, "cloud", nil)
	if err != nil || n != 1 || len(sent) != 1 {
		t.Fatalf("%s, %v: %d deliveries, %d sent, %v", rule, jump, n, len(sent), err)
	}
	if late := strings.Contains(sent[0].Words(Places[0]), "原定"); late != (rule == CatchLate) {
		t.Errorf("%s, %v: late said: %v", rule, jump, late)
	}
	if _, err := db.PausePlan(t.Context(), d.writer, p.ID, true); err != nil {
		t.Fatal(err)
	}
}

func TestPlan_WaitsForTheWindowToCatchUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		d := newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.plan(t, db, Plan{Spec: "今天20点", Pieces: []int64{it.ID}})
		d.pass(15 * time.Hour) // 23:00
		if fired := fireAll(t, db, nil); len(fired) != 0 {
			t.Errorf("published at night: %+v", fired)
		}
		d.pass(10 * time.Hour)
		if fired := fireAll(t, db, nil); len(fired) != 1 || fired[0].State != SlotLate {
			t.Errorf("got %+v", fired)
		}
	})
}

func TestPlan_AClockPutBackFiresNothingTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		d := newDesk(t, db)
		a, b := d.approved(t, db, "一", nil), d.approved(t, db, "二", nil)
		p := d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{a.ID, b.ID}})
		d.pass(time.Hour)
		n := len(fireAll(t, db, nil))
		d.pass(-10 * time.Minute)
		for range 15 {
			n += len(fireAll(t, db, nil))
			d.pass(time.Minute)
		}
		if n != 1 {
			t.Errorf("fired %d times", n)
		}
		if p, _ = db.Plan(t.Context(), p.ID); !p.Next.Equal(time.Date(2026, 12, 1, 9, 0, 0, 0, china)) {
			t.Errorf("next is %v", p.Next)
		}
	})
}

func TestPlan_PauseAndEmergencyStop(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		a, b := d.approved(t, db, "一", nil), d.approved(t, db, "二", nil)
		p := d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{a.ID, b.ID}})
		if _, err := db.PausePlan(ctx, d.town, p.ID, true); KindOf(err) != Forbidden {
			t.Errorf("paused from another place: %v", err)
		}
		if _, err := db.PausePlan(ctx, d.second, p.ID, true); err != nil {
			t.Fatal(err)
		}
		d.pass(time.Hour)
		if fired := fireAll(t, db, nil); len(fired) != 0 {
			t.Errorf("a paused plan fired: %+v", fired)
		}
		if p, err := db.PausePlan(ctx, d.second, p.ID, false); err != nil || !p.Next.After(db.now()) {
			t.Errorf("resumed: %+v, %v", p, err)
		}
		d.pass(24 * time.Hour)
		if fired := fireAll(t, db, nil); len(fired) != 1 {
			t.Fatalf("got %+v", fired)
		}
		if err := db.StopAll(ctx, d.second, true, "发现错误"); err != nil {
			t.Fatal(err)
		}
		if list := deliver(t, db, "cloud", nil); len(list) != 0 {
			t.Errorf("sent while stopped: %+v", list)
		}
		d.pass(24 * time.Hour)
		if fired := fireAll(t, db, nil); len(fired) != 0 {
			t.Errorf("fired while stopped: %+v", fired)
		}
		if why, stop, err := db.Stopped(ctx); !stop || err != nil || !strings.Contains(why, "发现错误") {
			t.Errorf("got %q, %v, %v", why, stop, err)
		}
		if err := db.StopAll(ctx, d.second, false, ""); err != nil {
			t.Fatal(err)
		}
		if list := deliver(t, db, "cloud", nil); len(list) != 1 {
			t.Errorf("after the stop: %+v", list)
		}
	})
}
