package office

import (
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
