package knowledge

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mingbai/knowledge/llmtest"
)

// patient are times that a busy machine keeps too: who waits for a place gets one.
var patient = modelTimes{place: time.Minute, first: time.Minute, idle: time.Minute, total: 2 * time.Minute}

// TestChatModel_Flood: 600 requests of one person, as fast as ten connections
// bring them, while fifty persons ask three questions each. The flood costs no
// more than that person's budget, and takes nothing from the others: each of
// them is answered, in times that are theirs.
func TestChatModel_Flood(t *testing.T) {
	t.Parallel()
	b := &budgetBook{}
	m, s := newChatModel(t, ModelOptions{PerPerson: 20_000, PerDay: 2_000_000, Concurrent: 8, Spend: b.spend, times: patient})
	s.Answer(func(llmtest.Request) (string, llmtest.Fault) {
		<-time.After(5 * time.Millisecond) // it thinks
		return "可以申请法律援助。", llmtest.None
	})
	fifty := func() (took []time.Duration) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				p := said("老板拖欠工资怎么办")
				p.Person = fmt.Sprint("resident ", i)
				for range 3 {
					begun := time.Now()
					if _, err := m.Stream(t.Context(), p, func(string) error { return nil }); err != nil {
						t.Errorf("%s: %v", p.Person, err)
					}
					mu.Lock()
					took = append(took, time.Since(begun))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(took)
		return took
	}
	calm := fifty()
	before := len(s.Requests())
	var flood sync.WaitGroup
	var answered, refused atomic.Int64
	for range 10 {
		flood.Go(func() {
			for range 60 {
				p := said("为什么为什么为什么")
				p.Person = "flooder"
				switch _, err := m.Stream(t.Context(), p, func(string) error { return nil }); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, ErrBudget):
					refused.Add(1)
				default:
					t.Errorf("flooder: %v", err)
				}
			}
		})
	}
	stormy := fifty()
	flood.Wait()
	if used := b.used("person flooder"); used > 20_000 || answered.Load()+refused.Load() != 600 || refused.Load() == 0 {
		t.Errorf("%d answered, %d refused, %d tokens used", answered.Load(), refused.Load(), used)
	}
	if calls := len(s.Requests()) - before; int64(calls) != answered.Load()+150 {
		t.Errorf("%d calls for %d answers", calls, answered.Load()+150)
	}
	p99 := func(d []time.Duration) time.Duration { return d[len(d)*99/100] }
	t.Logf("flood: %d answered, %d refused; others p50 %v then %v, p99 %v then %v", answered.Load(), refused.Load(),
		calm[len(calm)/2], stormy[len(stormy)/2], p99(calm), p99(stormy))
}
