package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mingbai/office"
)

// Publisher is one way of publishing. Publish brings one delivery to its target
// and gives the receiver's id of it. Its errors are those of package office:
// RefusedError, RetryError, ErrUncertain; any other may have come after the
// target had it.
type Publisher interface {
	Name() string // key of office.Sinks
	Publish(ctx context.Context, d office.Delivery) (ref string, err error)
}

// Publish fires the plans that are due and sends what they planned. Once is not
// for several goroutines; several processes may share the records.
type Publish struct {
	Office *office.DB
	Check  office.Check
	To     []Publisher
	Fixed  map[string][]string // targets of the cloud and of the hooks
	Log    *slog.Logger
	Meter  *prometheus.CounterVec // labels sink, state; may be nil

	Workers map[string]int // sends at once, by sink; 8 if none is set
	// Lease is how long a delivery belongs to who sends it: longer than a send
	// takes, and how long a crash delays it. 2 minutes if zero.
	Lease time.Duration

	sent, unsent atomic.Int64 // of this look
}

// NewPublishMeter counts deliveries by sink and how they ended.
func NewPublishMeter(to prometheus.Registerer) *prometheus.CounterVec {
	m := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_deliveries_total",
		Help: "Deliveries by sink and how they ended: sent, refused, uncertain, retry."}, []string{"sink", "state"})
	to.MustRegister(m)
	return m
}

// Job makes it a job of the scheduler: slots are looked for every few seconds.
func (p *Publish) Job() Job {
	return Job{Name: "publish", Doc: "到点的计划发布，待发的送出去", Spec: "@every 5s", Timeout: 30 * time.Minute, Run: p.Once}
}

// Once fires what is due and sends until nothing waits.
func (p *Publish) Once(ctx context.Context) error {
	p.sent.Store(0)
	p.unsent.Store(0)
	fired, err := p.Office.ClaimDue(ctx, p.Check, p.Fixed)
	for _, f := range fired {
		p.Log.Info("plan fired", "plan", f.Plan, "state", f.State, "item", f.Piece, "version", f.Version)
	}
	faults := make([]error, len(p.To))
	var crew sync.WaitGroup
	for i, to := range p.To {
		crew.Go(func() { faults[i] = p.send(ctx, to) })
	}
	crew.Wait()
	if sent, unsent := p.sent.Load(), p.unsent.Load(); len(fired)+int(sent+unsent) > 0 {
		Did(ctx, "到点 %d 个计划，送达 %d 份，没送成 %d 份", len(fired), sent, unsent)
	}
	return errors.Join(append(faults, err)...)
}

// keyedBatch is how many deliveries are claimed at once for receivers that take
// the same once; two transactions then serve so many.
const keyedBatch = 256

func (p *Publish) send(ctx context.Context, to Publisher) error {
	workers := p.Workers[to.Name()]
	if workers <= 0 {
		workers = 8
	}
	for _, s := range office.Sinks {
		if s.Key == to.Name() && s.Keyed {
			return p.sendKeyed(ctx, to, workers)
		}
	}
	return p.sendOnce(ctx, to, workers)
}

func (p *Publish) lease() time.Duration {
	if p.Lease > 0 {
		return p.Lease
	}
	return 2 * time.Minute
}

// sendKeyed claims many, sends several at once, and records what became of them
// in as few transactions as the records are quick.
func (p *Publish) sendKeyed(ctx context.Context, to Publisher, workers int) error {
	queue, done := make(chan office.Delivery, keyedBatch), make(chan office.Outcome, keyedBatch)
	var crew sync.WaitGroup
	for range workers {
		crew.Go(func() {
			for d := range queue {
				done <- p.one(ctx, to, d)
			}
		})
	}
	recorded := make(chan error, 1)
	go func() { recorded <- p.record(ctx, done) }()
	var fault error
	for ctx.Err() == nil {
		var list []office.Delivery
		if list, fault = p.Office.ClaimDeliveries(ctx, to.Name(), keyedBatch, p.lease()); fault != nil || len(list) == 0 {
			break
		}
		for _, d := range list {
			queue <- d
		}
	}
	close(queue)
	crew.Wait()
	close(done)
	return errors.Join(fault, <-recorded)
}

// record writes outcomes, as many in one transaction as came while the last was
// written. The outcome of what was sent is recorded even when the program stops.
func (p *Publish) record(ctx context.Context, done <-chan office.Outcome) error {
	ctx = context.WithoutCancel(ctx)
	var faults error
	for o := range done {
		batch := []office.Outcome{o}
	more:
		for len(batch) < keyedBatch {
			select {
			case o, ok := <-done:
				if !ok {
					break more
				}
				batch = append(batch, o)
			default:
				break more
			}
		}
		if err := p.Office.Delivered(ctx, batch...); err != nil {
			faults = errors.Join(faults, err) // the leases run out and they are sent again
		}
	}
	return faults
}

// sendOnce is for receivers that would take the same twice: a worker claims one,
// sends it and records it, so a crash leaves no more than one a worker uncertain.
func (p *Publish) sendOnce(ctx context.Context, to Publisher, workers int) error {
	faults := make([]error, workers)
	var crew sync.WaitGroup
	for i := range workers {
		crew.Go(func() {
			for ctx.Err() == nil {
				list, err := p.Office.ClaimDeliveries(ctx, to.Name(), 1, p.lease())
				if err != nil || len(list) == 0 {
					faults[i] = err
					return
				}
				if err := p.Office.Delivered(context.WithoutCancel(ctx), p.one(ctx, to, list[0])); err != nil {
					faults[i] = err
					return
				}
			}
		})
	}
	crew.Wait()
	return errors.Join(faults...)
}

// one sends one delivery. A publisher that panics has not said what happened.
func (p *Publish) one(ctx context.Context, to Publisher, d office.Delivery) (o office.Outcome) {
	o.ID = d.ID
	defer func() {
		if v := recover(); v != nil {
			o.Err = fmt.Errorf("publisher %s panicked: %v", to.Name(), v)
			p.Log.Error("publisher panicked", "sink", to.Name(), "delivery", d.ID, "panic", v, "stack", string(debug.Stack()))
		}
		p.count(to.Name(), o.Err)
		if o.Err == nil {
			p.sent.Add(1)
		} else {
			p.unsent.Add(1)
		}
	}()
	if ctx.Err() != nil { // claimed, and surely not sent
		o.Err = &office.RetryError{After: time.Second, Err: ctx.Err()}
		return o
	}
	o.Ref, o.Err = to.Publish(ctx, d)
	var wait *office.WaitError
	if o.Err != nil && !errors.As(o.Err, &wait) {
		p.Log.Warn("delivery not made", "sink", to.Name(), "delivery", d.ID, "attempt", d.Attempts, "err", o.Err)
	}
	return o
}

func (p *Publish) count(sink string, err error) {
	if p.Meter == nil {
		return
	}
	var refused *office.RefusedError
	var retry *office.RetryError
	state := "uncertain"
	switch {
	case err == nil:
		state = "sent"
	case errors.As(err, &refused):
		state = "refused"
	case errors.As(err, &retry), errors.As(err, new(*office.WaitError)):
		state = "retry"
	case errors.As(err, new(*office.FailedError)):
		state = "failed"
	}
	p.Meter.WithLabelValues(sink, state).Inc()
}
