package jobs_test

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"mingbai/jobs"
)

// memory is a store for tests that look at what is written.
type memory struct {
	mu      sync.Mutex
	objects map[string]jobs.Object
	order   []string
}

func (m *memory) Get(_ context.Context, key string, _ int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[key]; ok {
		return o.Body, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Put(_ context.Context, o jobs.Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string]jobs.Object{}
	}
	m.objects[o.Key] = o
	m.order = append(m.order, o.Key)
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

func (m *memory) Sizes(context.Context) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sizes := map[string]int64{}
	for key, o := range m.objects {
		sizes[key] = int64(len(o.Body))
	}
	return sizes, nil
}

// files are the bytes by key.
func (m *memory) files() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := map[string]string{}
	for key, o := range m.objects {
		files[key] = string(o.Body)
	}
	return files
}

func (m *memory) Flush(context.Context) error { return nil }

func (m *memory) String() string { return "内存" }

// TestSite_TwoProcesses publishes from two programs into one store, each with a
// view of its own that may be behind; in the end the store holds the newest.
func TestSite_TwoProcesses(t *testing.T) {
	t.Parallel()
	for seed := range 6 {
		from, m := many(10), &memory{}
		sync1(t, newSite(t, from, m))
		var crew sync.WaitGroup
		for p := range 2 {
			site := newSite(t, from, m)
			crew.Go(func() {
				for n := range 6 {
					from.add(article(100 + seed*100 + p*10 + n))
					if _, err := site.Sync(context.Background(), false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		crew.Wait()
		want := &memory{}
		sync1(t, newSite(t, from, want))
		for key, o := range want.objects {
			if strings.HasPrefix(key, "manifest/") {
				continue
			}
			if got := m.objects[key]; string(got.Body) != string(o.Body) {
				t.Fatalf("seed %d: %s is not the newest", seed, key)
			}
		}
	}
}
