package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// desk is a county with officers, and a clock that the test moves.
type pubDesk struct {
	writer, second, minors, town Person
	pass                         func(time.Duration)
}

// newDesk starts on Monday 30 November 2026, 08:00.
func newDesk(t *testing.T, db *DB) pubDesk {
	t.Helper()
	orgs := place(t, db)
	d := pubDesk{
		writer: hire(t, db, "甲写", Officer, orgs["青禾县"]),
		second: hire(t, db, "乙审", Officer, orgs["青禾县"]),
		minors: hire(t, db, "丙审", Officer, orgs["青禾县"], func(p *Person) { p.Fields = []string{MinorsField} }),
		town:   hire(t, db, "丁镇", Officer, orgs["城东街道"]),
	}
	d.pass = clockAt(db, time.Date(2026, 11, 30, 8, 0, 0, 0, china))
	return d
}

func article(title string) PieceVersion {
	return PieceVersion{Kind: KindText, Title: title, Body: "## 先说结论\n\n打借条要写清金额、利率和还款日。写不清的，以后说不明白。", Topic: "DB", Audience: []string{"乡村", "社区"}}
}

// approved takes a piece through the two people.
func (d pubDesk) approved(t *testing.T, db *DB, title string, check Check) Piece {
	t.Helper()
	it, err := db.AddPiece(t.Context(), d.writer, article(title))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = db.Submit(t.Context(), d.writer, it.ID, 0, check); err != nil {
		t.Fatal(err)
	}
	if it, _, err = db.Approve(t.Context(), d.second, it.ID, 0, check); err != nil {
		t.Fatal(err)
	}
	return it
}

func (d pubDesk) plan(t *testing.T, db *DB, p Plan) Plan {
	t.Helper()
	if p.Name == "" {
		p.Name = "试发"
	}
	p, err := db.AddPlan(t.Context(), d.writer, p)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var everywhere = map[string][]string{"cloud": {"cloud"}, "hook": {"village"}}

func fireAll(t *testing.T, db *DB, check Check) []Fired {
	t.Helper()
	list, err := db.ClaimDue(t.Context(), check, everywhere)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (d pubDesk) subscribe(t *testing.T, db *DB, list ...string) {
	t.Helper()
	for _, s := range list {
		account, audience, _ := strings.Cut(s, " ")
		if err := db.Subscribe(t.Context(), Account(account), audience); err != nil {
			t.Fatal(err)
		}
	}
}

func ledger(t *testing.T, db *DB, piece int64) string {
	t.Helper()
	list, err := db.Tallies(t.Context(), piece)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, x := range list {
		words = append(words, fmt.Sprintf("%s/%s/%s %d", x.Act, x.Sink, x.State, x.N))
	}
	return strings.Join(words, ", ")
}

// deliver sends all that is due of a sink, as a publisher would.
func deliver(t *testing.T, db *DB, sink string, outcome func(Delivery) error) []Delivery {
	t.Helper()
	list, err := db.ClaimDeliveries(t.Context(), sink, 50, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		var err error
		if outcome != nil {
			err = outcome(x)
		}
		if err := db.Delivered(t.Context(), Outcome{ID: x.ID, Ref: fmt.Sprint("ref-", x.ID), Err: err}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

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

func TestDeliveries_EveryOutcome(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.subscribe(t, db, "qq/user/sent ", "qq/user/refused ", "qq/user/uncertain ", "qq/user/retry ", "qq/user/odd ", "qq/user/died ")
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}})
		d.pass(time.Hour)
		fireAll(t, db, nil)
		outcomes := map[string]error{"qq/user/refused": &RefusedError{Code: "40034105"}, "qq/user/uncertain": ErrUncertain,
			"qq/user/retry": &RetryError{Err: errors.New("busy")}, "qq/user/odd": errors.New("something else")}
		list, err := db.ClaimDeliveries(ctx, "chat", 50, time.Minute)
		if err != nil || len(list) != 6 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		for _, x := range list {
			if x.Target == "qq/user/died" {
				continue
			}
			if err := db.Delivered(ctx, Outcome{ID: x.ID, Ref: "r", Err: outcomes[x.Target]}); err != nil {
				t.Fatal(err)
			}
		}
		if got := ledger(t, db, it.ID); !strings.Contains(got, "publish/chat/planned 1, publish/chat/refused 1, publish/chat/sending 1, publish/chat/sent 1, publish/chat/uncertain 2") {
			t.Errorf("got %s", got)
		}
		if again, _ := db.ClaimDeliveries(ctx, "chat", 50, time.Minute); len(again) != 0 {
			t.Errorf("given out at once again: %+v", again)
		}
		d.pass(2 * time.Minute) // the lease is over, and the wait
		if again := deliver(t, db, "chat", nil); len(again) != 1 || again[0].Target != "qq/user/retry" || again[0].Attempts != 2 {
			t.Errorf("given out again: %+v", again)
		}
		unsure, n, err := db.Deliveries(ctx, DeliveryFilter{States: []string{Uncertain}})
		if err != nil || n != 3 {
			t.Fatalf("%d are uncertain, %v", n, err)
		}
		for i, what := range []string{"arrived", "lost", "again"} {
			if err := db.Settle(ctx, d.second, unsure[i].ID, what); err != nil {
				t.Error(err)
			}
			if err := db.Settle(ctx, d.second, unsure[i].ID, what); KindOf(err) != Conflict {
				t.Errorf("settled twice: %v", err)
			}
		}
		if again := deliver(t, db, "chat", nil); len(again) != 1 || again[0].ID != unsure[2].ID {
			t.Errorf("sent again on demand: %+v", again)
		}
		var stopped string
		if err := db.read.QueryRowContext(ctx, `SELECT code FROM subscriptions WHERE account = 'qq/user/refused' AND stopped > 0`).Scan(&stopped); err != nil || stopped != "40034105" {
			t.Errorf("who refused is written to again: %q, %v", stopped, err)
		}
		for i := range 2 * maxAttempts { // a keyed receiver that is down
			list := deliver(t, db, "hook", func(Delivery) error { return errors.New("down") })
			if want := i < maxAttempts; (len(list) == 1) != want {
				t.Errorf("try %d: %+v", i, list)
			}
			d.pass(3 * time.Hour)
		}
		if got := ledger(t, db, it.ID); !strings.Contains(got, "publish/hook/failed 1") {
			t.Errorf("got %s", got)
		}
		given, _, err := db.Deliveries(ctx, DeliveryFilter{States: []string{Failed}, Sink: "hook"})
		if err != nil || len(given) != 1 {
			t.Fatal(given, err)
		}
		if err := db.Settle(ctx, d.second, given[0].ID, "arrived"); KindOf(err) != Conflict {
			t.Errorf("what was given up was said to have arrived: %v", err)
		}
		if err := db.Settle(ctx, d.second, given[0].ID, "again"); err != nil {
			t.Fatal(err)
		}
		if list := deliver(t, db, "hook", nil); len(list) != 1 || list[0].Attempts != 1 {
			t.Errorf("sent again on demand: %+v", list)
		}
	})
}

func TestRecall_TellsExactlyThoseWhoGotIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, d := t.Context(), newDesk(t, db)
		it := d.approved(t, db, "一", nil)
		d.subscribe(t, db, "qq/user/got ", "qq/user/refused ", "qq/user/slow ", "qq/user/waits ", "qq/user/unsure ")
		d.plan(t, db, Plan{Spec: "每天9点", Pieces: []int64{it.ID}})
		d.pass(time.Hour)
		fireAll(t, db, nil)
		deliver(t, db, "cloud", nil)
		list, err := db.ClaimDeliveries(ctx, "chat", 50, time.Minute)
		if err != nil || len(list) != 5 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		var slow Delivery
		for _, x := range list {
			o := Outcome{ID: x.ID, Ref: "r"}
			switch x.Target {
			case "qq/user/refused":
				o.Err = &RefusedError{Code: "1"}
			case "qq/user/waits":
				o.Err = &RetryError{Err: errors.New("busy")}
			case "qq/user/unsure":
				o.Err = ErrUncertain
			case "qq/user/slow":
				slow = x
				continue
			}
			if err := db.Delivered(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Recall(ctx, d.second, it.ID, ""); KindOf(err) != Invalid {
			t.Errorf("without a reason: %v", err)
		}
		if it, err = db.Recall(ctx, d.second, it.ID, "利率写错了"); err != nil || it.State != PieceWithdrawn || it.Live != 0 {
			t.Fatalf("got %+v, %v", it, err)
		}
		if err := db.Delivered(ctx, Outcome{ID: slow.ID, Ref: "late"}); err != nil { // it was under way
			t.Fatal(err)
		}
		var told []string
		for range 2 {
			for _, x := range deliver(t, db, "chat", nil) {
				if x.Act != ActCorrect || !strings.Contains(x.Words(Places[1]), "利率写错了") {
					t.Errorf("got %+v: %s", x, x.Words(Places[1]))
				}
				told = append(told, x.Target)
			}
			d.pass(24 * time.Hour)
		}
		slices.Sort(told)
		if !slices.Equal(told, []string{"qq/user/got", "qq/user/slow"}) {
			t.Errorf("told %v", told)
		}
		if list := deliver(t, db, "cloud", nil); len(list) != 1 || list[0].Act != ActWithdraw {
			t.Errorf("the cloud: %+v", list)
		}
		unsure, _, _ := db.Deliveries(ctx, DeliveryFilter{States: []string{Uncertain}})
		if err := errors.Join(db.Settle(ctx, d.writer, unsure[0].ID, "again")); KindOf(err) != Conflict {
			t.Errorf("what was recalled was sent again: %v", err)
		}
		if err := db.Settle(ctx, d.writer, unsure[0].ID, "arrived"); err != nil {
			t.Fatal(err)
		}
		if list := deliver(t, db, "chat", nil); len(list) != 1 || list[0].Target != "qq/user/unsure" || list[0].Act != ActCorrect {
			t.Errorf("the one who had it after all: %+v", list)
		}
		if _, err := db.Recall(ctx, d.second, it.ID, "again"); KindOf(err) != Conflict {
			t.Errorf("recalled twice: %v", err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for i := range keptRuns + 5 {
			id, err := db.BeginRun(ctx, "publish", "p1")
			if err != nil {
				t.Fatal(err)
			}
			if err := db.EndRun(ctx, Run{ID: id, Job: "publish", Ended: db.now(), State: "ok", Note: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.EndRun(ctx, Run{Job: "notices", Process: "p2", Started: db.now(), Ended: db.now(), State: "failed", Note: "x"}); err != nil {
			t.Fatal(err)
		}
		list, err := db.LastRuns(ctx, "", 2)
		if err != nil || len(list) != 3 || list[0].Job != "notices" || list[1].Note != fmt.Sprint(keptRuns+4) {
			t.Errorf("got %+v, %v", list, err)
		}
		if list, err = db.LastRuns(ctx, "publish", 500); err != nil || len(list) != keptRuns {
			t.Errorf("kept %d, %v", len(list), err)
		}
	})
}
