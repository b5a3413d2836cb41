package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/robfig/cron/v3"

	"mingbai/office"
)

// Job is something that is done by the clock.
type Job struct {
	Name    string // lower-case word
	Doc     string // what it does, in Chinese
	Spec    string // five cron fields, or "@every 10s"
	Timeout time.Duration
	Run     func(ctx context.Context) error // its error holds no words of residents
}

// Runs keeps what jobs did: package office does.
type Runs interface {
	BeginRun(ctx context.Context, job, process string) (int64, error)
	EndRun(ctx context.Context, r office.Run) error
}

// SchedulerOptions is what a Scheduler works with.
type SchedulerOptions struct {
	Runs    Runs
	Log     *slog.Logger
	Metrics prometheus.Registerer // not registered if nil
	Now     func() time.Time      // time.Now if nil
}

// Scheduler runs jobs when their time has come. It uses cron for timing alone:
// each run has a context that ends at the job's timeout, a panic ends one run
// and not the job, no job runs twice at once in a process, and what was done is
// kept as rows. That a job is done once by several processes is the job's care.
type Scheduler struct {
	o       SchedulerOptions
	process string
	cron    *cron.Cron
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	last    *prometheus.GaugeVec

	mu   sync.Mutex
	jobs []*scheduled
}

type scheduled struct {
	Job
	often bool // comes so often that not every run is kept
	busy  sync.Mutex
	kept  time.Time // when a good run was kept last
}

// oftenBelow is the least time between runs that are all kept; of jobs that come
// more often one good run in that time is, and every bad one.
const oftenBelow = 5 * time.Minute

// NewScheduler makes one without jobs.
func NewScheduler(o SchedulerOptions) *Scheduler {
	if o.Now == nil {
		o.Now = time.Now
	}
	host, _ := os.Hostname() // a name for people; empty is good enough
	s := &Scheduler{
		o: o, process: fmt.Sprintf("%s %d-%04x", host, os.Getpid(), rand.IntN(1<<16)),
		cron: cron.New(cron.WithLocation(time.FixedZone("Asia/Shanghai", 8*3600)), cron.WithLogger(cron.DiscardLogger)),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_job_runs_total",
			Help: "Runs of jobs, by job and how they ended: ok, failed, panicked, timeout, skipped."}, []string{"job", "state"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mingbai_job_seconds", Help: "How long runs of jobs took.",
			Buckets: []float64{.01, .1, 1, 10, 60, 300}}, []string{"job"}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "mingbai_job_last_ok_timestamp_seconds", Help: "When a run of the job last ended well."}, []string{"job"}),
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(s.runs, s.seconds, s.last)
	}
	return s
}

// Add takes a job on. The error is a programmer's: a name twice, a spec that
// cannot be read.
func (s *Scheduler) Add(j Job) error {
	spec, err := cron.ParseStandard(j.Spec)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.Name, err)
	}
	if j.Timeout <= 0 {
		j.Timeout = time.Minute
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.jobs, func(k *scheduled) bool { return k.Name == j.Name }) {
		return fmt.Errorf("job %s: there is one of that name", j.Name)
	}
	first := spec.Next(s.o.Now())
	s.jobs = append(s.jobs, &scheduled{Job: j, often: spec.Next(first).Sub(first) < oftenBelow})
	return nil
}

// Jobs lists the jobs by name.
func (s *Scheduler) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Job
	for _, j := range s.jobs {
		list = append(list, j.Job)
	}
	return list
}

// Run runs jobs until ctx is done, and returns when those under way have ended.
func (s *Scheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	for _, j := range s.jobs {
		if _, err := s.cron.AddFunc(j.Spec, func() { _, _ = s.run(ctx, j, false) }); err != nil { // its outcome is kept
			s.mu.Unlock()
			return err
		}
	}
	s.mu.Unlock()
	s.cron.Start()
	<-ctx.Done()
	<-s.cron.Stop().Done()
	return nil
}

// ErrBusy says that the job is running in this process.
var ErrBusy = errors.New("the job is running")

// Trigger runs a job now and waits for its end.
func (s *Scheduler) Trigger(ctx context.Context, name string) (office.Run, error) {
	s.mu.Lock()
	i := slices.IndexFunc(s.jobs, func(j *scheduled) bool { return j.Name == name })
	s.mu.Unlock()
	if i < 0 {
		return office.Run{}, &office.Error{Kind: office.NotFound, Msg: "没有“" + name + "”这项活。"}
	}
	return s.run(ctx, s.jobs[i], true)
}

// did is where a run says what it did.
type did struct{}

// Did notes what a run of a job did, for whoever looks at the last runs; it holds
// no words of residents. A run that did something is kept. Outside of a run it
// does nothing.
func Did(ctx context.Context, format string, a ...any) {
	if note, ok := ctx.Value(did{}).(*string); ok {
		*note = clipped(fmt.Sprintf(format, a...))
	}
}

// run does a job once and keeps what became of it.
func (s *Scheduler) run(ctx context.Context, j *scheduled, always bool) (office.Run, error) {
	if !j.busy.TryLock() {
		s.runs.WithLabelValues(j.Name, "skipped").Inc()
		return office.Run{}, ErrBusy
	}
	defer j.busy.Unlock()
	r := office.Run{Job: j.Name, Process: s.process, Started: s.o.Now(), State: "running"}
	keep := !j.often || always
	if keep {
		var err error
		if r.ID, err = s.o.Runs.BeginRun(ctx, j.Name, s.process); err != nil {
			s.o.Log.Warn("a run of a job is not on record", "job", j.Name, "err", err)
		}
	}
	begin := time.Now()
	err := j.guarded(context.WithValue(ctx, did{}, &r.Note))
	s.seconds.WithLabelValues(j.Name).Observe(time.Since(begin).Seconds())
	r.Ended, r.State = s.o.Now(), outcome(err)
	keep = keep || r.Note != ""
	if err != nil {
		r.Note = clipped(err.Error())
	}
	s.runs.WithLabelValues(j.Name, r.State).Inc()
	if err == nil {
		s.last.WithLabelValues(j.Name).SetToCurrentTime()
		keep = keep || r.Ended.Sub(j.kept) >= oftenBelow || r.Ended.Before(j.kept)
	}
	if err != nil && ctx.Err() == nil {
		s.o.Log.Warn("job failed; it is tried again when its time comes", "job", j.Name, "state", r.State, "err", err)
	}
	if keep || err != nil {
		j.kept = r.Ended
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := s.o.Runs.EndRun(end, r); err != nil {
			s.o.Log.Warn("a run of a job is not on record", "job", j.Name, "err", err)
		}
	}
	return r, err
}

// PanicError is a job that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// guarded runs the job within its timeout and turns a panic into an error.
func (j *scheduled) guarded(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return j.Run(ctx)
}

func outcome(err error) string {
	var p *PanicError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &p):
		return "panicked"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "failed"
}

// clipped bounds what is kept of an error, in runes.
func clipped(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 200)])
}
