package jobs

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"mingbai/office"
)

// Opened counts how often the pages of published items are opened: a number an
// item and day, nothing of who opened them. It counts in memory and writes now
// and then, so that many readers cost the records little; what was counted since
// is lost with a crash.
type Opened struct {
	Office *office.DB

	mu sync.Mutex
	n  map[int64]int
}

// maxOpened bounds how many items are counted at once between two writes.
const maxOpened = 10000

var itemPage = regexp.MustCompile(`^(?:a|large|text)/p0*([0-9]{1,15})\.(?:html|txt)$`)

// Handler counts what next serves below prefix.
func (o *Opened) Handler(prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(out, r)
		if r.Method != http.MethodGet || out.status != http.StatusOK || len(r.URL.Path) < len(prefix) {
			return
		}
		m := itemPage.FindStringSubmatch(r.URL.Path[len(prefix):])
		if m == nil {
			return
		}
		id, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.n == nil {
			o.n = map[int64]int{}
		}
		if _, known := o.n[id]; known || len(o.n) < maxOpened {
			o.n[id]++
		}
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets a http.ResponseController reach what is beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush writes what was counted. What could not be written is counted on.
func (o *Opened) Flush(ctx context.Context) error {
	o.mu.Lock()
	n := o.n
	o.n = nil
	o.mu.Unlock()
	var faults []error
	for id, times := range n {
		if err := o.Office.CountPiece(ctx, id, office.CountOpened, "", times); err != nil {
			faults = append(faults, err)
			o.mu.Lock()
			if o.n == nil {
				o.n = map[int64]int{}
			}
			o.n[id] += times
			o.mu.Unlock()
		}
	}
	return errors.Join(faults...)
}

// Job makes it a job of the scheduler.
func (o *Opened) Job() Job {
	return Job{Name: "opened", Doc: "记下普法网页打开了多少次（只记数）", Spec: "@every 30s", Timeout: time.Minute, Run: o.Flush}
}
