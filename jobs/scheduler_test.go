package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mingbai/office"
)

// memory keeps runs in memory.
type memory struct {
	mu   sync.Mutex
	runs []office.Run
}

func (m *memory) BeginRun(_ context.Context, job, process string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs = append(m.runs, office.Run{ID: int64(len(m.runs) + 1), Job: job, Process: process, State: "running"})
	return int64(len(m.runs)), nil
}

func (m *memory) EndRun(_ context.Context, r office.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.ID == 0 {
		m.runs = append(m.runs, r)
		return nil
	}
	m.runs[r.ID-1].State, m.runs[r.ID-1].Note = r.State, r.Note
	return nil
}

func (m *memory) states() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, r := range m.runs {
		list = append(list, r.Job+":"+r.State)
	}
	return strings.Join(list, " ")
}

func newScheduler(m Runs) *Scheduler {
	return NewScheduler(SchedulerOptions{Runs: m, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
}

func TestScheduler_EveryEndIsKept(t *testing.T) {
	t.Parallel()
	m := &memory{}
	s := newScheduler(m)
	for name, run := range map[string]func(context.Context) error{
		"good":  func(context.Context) error { return nil },
		"bad":   func(context.Context) error { return errors.New("no disk") },
		"panic": func(context.Context) error { panic("oh") },
		"slow":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		if err := s.Add(Job{Name: name, Spec: "0 3 * * *", Timeout: time.Millisecond, Run: run}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"good", "bad", "panic", "slow", "panic"} { // after a panic it runs again
		if _, err := s.Trigger(t.Context(), name); (err == nil) != (name == "good") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Add(Job{Name: "often", Spec: "@every 5s", Run: func(ctx context.Context) error { Did(ctx, "送达 %d 份", 3); return nil }}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.run(t.Context(), s.jobs[len(s.jobs)-1], false); err != nil {
			t.Fatal(err)
		}
	}
	if m.runs[len(m.runs)-1].Note != "送达 3 份" || strings.Count(m.states(), "often:ok") != 2 {
		t.Errorf("runs that did something: %+v", m.runs)
	}
	m.runs = m.runs[:len(m.runs)-2]
	if got := m.states(); got != "good:ok bad:failed panic:panicked slow:timeout panic:panicked" {
		t.Errorf("got %s", got)
	}
	if _, err := s.Trigger(t.Context(), "none"); office.KindOf(err) != office.NotFound {
		t.Errorf("a job that is none: %v", err)
	}
	if s.Add(Job{Name: "good", Spec: "@every 1m"}) == nil || s.Add(Job{Name: "x", Spec: "soon"}) == nil {
		t.Error("a name twice or a bad spec was taken")
	}
}

func TestScheduler_RunsByTheClockAndNeverTwiceAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		s := newScheduler(m)
		var mu sync.Mutex
		n, now, most := 0, 0, 0
		err := s.Add(Job{Name: "slow", Spec: "@every 10s", Timeout: time.Minute, Run: func(ctx context.Context) error {
			mu.Lock()
			n, now = n+1, now+1
			most = max(most, now)
			mu.Unlock()
			<-time.After(25 * time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			if n == 2 {
				panic("once")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		<-time.After(2 * time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n < 3 || most != 1 || now != 0 {
			t.Errorf("ran %d times, %d at once, %d under way at the end", n, most, now)
		}
		if got := m.states(); !strings.Contains(got, "slow:panicked") || strings.Count(got, "slow:ok") > 2 {
			t.Errorf("kept %s: good runs of a job that comes often are not all kept, bad ones are", got)
		}
	})
}
