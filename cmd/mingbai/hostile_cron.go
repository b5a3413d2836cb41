package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mingbai/jobs"
	"mingbai/office"
)

// planTime is the hour at which the range's plan publishes.
const planTime = 10 // o'clock, within the usual window

// weekly has two officers get a piece of content ready, and one plan it for every
// week, and sets the product's clock to a moment before the next time.
func (r *hostileRange) weekly() (office.Plan, error) {
	s := r.first().server
	v := office.PieceVersion{Kind: office.KindText, Title: "欠薪怎么办" + r.next(), Body: "拖欠工资可以找劳动监察。依据：《劳动法》第五十条。咨询打 12348。", Audience: []string{"乡村"}}
	it, err := s.records.AddPiece(r.ctx, r.staff.officerA, v)
	if err != nil {
		return office.Plan{}, err
	}
	if _, _, err = s.records.Submit(r.ctx, r.staff.officerA, it.ID, 0, s.publishCheck()); err != nil {
		return office.Plan{}, err
	}
	if _, _, err = s.records.Approve(r.ctx, r.staff.officerA2, it.ID, 0, s.publishCheck()); err != nil {
		return office.Plan{}, err
	}
	p, err := s.records.AddPlan(r.ctx, r.staff.officerA, office.Plan{
		Name: "每周普法", Spec: fmt.Sprintf("0 %d * * 1", planTime), Pieces: []int64{it.ID}, Sinks: []string{"hook"}, Holiday: "照发", Weekend: "照发",
	})
	if err != nil {
		return p, err
	}
	r.setClock(p.Next.Add(-time.Minute))
	return p, nil
}

// setClock sets the product's clock.
func (r *hostileRange) setClock(to time.Time) { r.clock.Store(int64(time.Until(to))) }

// receiver is where the range has plans publish to. It counts what comes.
type receiver struct {
	mu  sync.Mutex
	got map[string]int // by piece, version, act and target
}

// Name takes the place of the site, for which no second copy of a piece can be
// told from the first.
func (c *receiver) Name() string { return "hook" }

// Publish implements jobs.Publisher.
func (c *receiver) Publish(_ context.Context, d office.Delivery) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprint(d.Piece, " ", d.Version, " ", d.Act, " ", d.Target)
	c.got[key]++
	return key, nil
}

// fire has the replicas look at once for plans that are due, several times.
func (r *hostileRange) fire(to *receiver) error {
	var crew sync.WaitGroup
	faults := make([]error, len(r.replicas))
	for i, p := range r.replicas {
		publish := &jobs.Publish{Office: p.server.records, Check: p.server.publishCheck(), To: []jobs.Publisher{to}, Fixed: rangeTargets, Log: p.server.app.log}
		crew.Go(func() {
			for range 3 {
				faults[i] = errors.Join(faults[i], publish.Once(r.ctx))
			}
		})
	}
	crew.Wait()
	return errors.Join(faults...)
}

// rangeTargets is where plans publish to: two receivers.
var rangeTargets = map[string][]string{"hook": {"range-1", "range-2"}}

// firedOnce says whether the plan was published in one slot, and each target got
// it once.
func (r *hostileRange) firedOnce(p office.Plan, to *receiver, got *reached) error {
	var slots int
	if err := r.db().QueryRowContext(r.ctx, `SELECT COUNT(*) FROM slots WHERE plan = $1 AND state IN ('fired', 'late')`, p.ID).Scan(&slots); err != nil {
		return err
	}
	list, total, err := r.first().server.records.Deliveries(r.ctx, office.DeliveryFilter{Limit: 50})
	if err != nil {
		return err
	}
	sent := 0
	for _, d := range list {
		got.reply = append(got.reply, fmt.Sprint(d.Sink, " ", d.Target, " ", d.State))
		if d.State == office.Sent {
			sent++
		}
	}
	most := 0
	to.mu.Lock()
	for _, n := range to.got {
		most = max(most, n)
	}
	kinds := len(to.got)
	to.mu.Unlock()
	targets := len(rangeTargets["hook"])
	got.state("one_reply", slots == 1 && total == targets && sent == targets && kinds == targets && most == 1,
		fmt.Sprintf("发了 %d 期，%d 份里送到 %d 份，同一处收到最多 %d 次", slots, total, sent, most))
	got.db = fmt.Sprintf("slots %d\tdeliveries %d", slots, total)
	return nil
}

// runDoubleFire lets copies of the product find one plan due at the same moment.
func runDoubleFire(r *hostileRange, x attack, w *watch) (reached, error) {
	return r.cron(x, w, func(p office.Plan, to *receiver) error {
		for len(r.replicas) < min(max(x.Payload.Replicas, 2), 3) {
			if _, err := r.start("webhook"); err != nil {
				return err
			}
		}
		r.setClock(p.Next.Add(time.Second))
		return r.fire(to)
	})
}

// runClockJump puts the clock back after a plan was published, and lets its time
// come once more.
func runClockJump(r *hostileRange, x attack, w *watch) (reached, error) {
	back := time.Duration(x.Payload.Seconds) * time.Second
	if back == 0 {
		back = -10 * time.Minute
	}
	return r.cron(x, w, func(p office.Plan, to *receiver) error {
		for _, at := range []time.Time{p.Next.Add(time.Second), p.Next.Add(time.Second + back), p.Next.Add(2 * time.Second)} {
			r.setClock(at)
			if err := r.fire(to); err != nil {
				return err
			}
		}
		return nil
	})
}

// runLockLost stops a copy in the middle of publishing and lets another go on.
func runLockLost(r *hostileRange, x attack, w *watch) (reached, error) {
	return r.cron(x, w, func(p office.Plan, to *receiver) error {
		second, err := r.start("webhook")
		if err != nil {
			return err
		}
		r.setClock(p.Next.Add(time.Second))
		// The first claims the slot and its deliveries, and goes before it sends.
		first := r.first()
		if _, err := first.server.records.ClaimDue(r.ctx, first.server.publishCheck(), rangeTargets); err != nil {
			return err
		}
		if _, err := first.server.records.ClaimDeliveries(r.ctx, "hook", 1, time.Second); err != nil {
			return err
		}
		r.replicas = []*replica{second}
		if err := first.stop(); err != nil {
			return err
		}
		r.setClock(p.Next.Add(3 * time.Minute)) // the lease is over
		return r.fire(to)
	})
}

func (r *hostileRange) cron(_ attack, w *watch, run func(office.Plan, *receiver) error) (reached, error) {
	r.spoiled = true // the clock was moved
	got := reached{}
	p, err := r.weekly()
	if err != nil {
		return got, err
	}
	if w, err = r.rewatch(w); err != nil {
		return got, err
	}
	got.watched = w
	to := &receiver{got: map[string]int{}}
	if err := run(p, to); err != nil {
		return got, err
	}
	w.done()
	if err := r.firedOnce(p, to, &got); err != nil {
		return got, err
	}
	got.state("no_effect", true, "")
	if len(got.reply) > 0 {
		got.reply = []string{strings.Join(got.reply, "\n")}
	}
	return got, nil
}
