package jobs_test

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/jobs"
)

const hookSecret = "0123456789abcdef0123456789abcdef"

// receiver is a webhook's other end that checks what it is sent, as the
// operator's guide tells receivers to do.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	taken  map[string]string // body by key
	calls  int
	answer func(w http.ResponseWriter) // instead of a success
	faults []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{taken: map[string]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.Close()
		for _, f := range r.faults {
			t.Error(f)
		}
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(q.Body)
	at, _ := strconv.ParseInt(q.Header.Get(jobs.TimestampHeader), 10, 64)
	want := jobs.Sign(hookSecret, time.Unix(at, 0), body)
	key := q.Header.Get(jobs.KeyHeader)
	if q.Method != http.MethodPost || key == "" || !hmac.Equal([]byte(want), []byte(q.Header.Get(jobs.SignatureHeader))) || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
		r.faults = append(r.faults, "a call that a receiver would refuse: "+q.Method+" "+key)
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	r.calls++
	if r.answer != nil {
		r.answer(w)
		return
	}
	r.taken[key] = string(body)
	_, _ = io.WriteString(w, `{"id":"R-`+strconv.Itoa(len(r.taken))+`"}`)
}

func (r *receiver) hook(t *testing.T) *jobs.Hook {
	t.Helper()
	h, err := jobs.NewHook(jobs.HookOptions{URL: r.URL + "/in", Secret: hookSecret, Hosts: []string{"127.0.0.1"}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHook_SignedAndTakenOnce(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := r.hook(t)
	for range 3 {
		if ref, err := h.Post(t.Context(), "k1", []byte(`{"a":1}`)); err != nil || ref != "R-1" {
			t.Errorf("got %q, %v", ref, err)
		}
	}
	if len(r.taken) != 1 || r.calls != 3 {
		t.Errorf("%d calls, %d taken", r.calls, len(r.taken))
	}
}

func TestHook_Answers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		ref    string
		status int // of the error; 0: none, -1: of another kind
		final  bool
		after  time.Duration
	}{
		"nothing more":       {func(w http.ResponseWriter) { w.WriteHeader(204) }, "", 0, false, 0},
		"a number":           {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"id":12}`) }, "12", 0, false, 0},
		"a page":             {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `<html>`) }, "", 0, false, 0},
		"a long one":         {func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) }, "", 0, false, 0},
		"a number with ends": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"id":"a\n\u202eb"}`) }, "a b", 0, false, 0},
		"refused":            {func(w http.ResponseWriter) { w.WriteHeader(403) }, "", 403, true, 0},
		"moved": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(302)
		}, "", 302, true, 0},
		"busy": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, "", 429, false, 7 * time.Second},
		"for ever": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "999999")
			w.WriteHeader(503)
		}, "", 503, false, time.Hour},
		"being worked on": {func(w http.ResponseWriter) { w.WriteHeader(409) }, "", 409, false, 0},
		"cut":             {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "", -1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answer = c.answer
			ref, err := r.hook(t).Post(t.Context(), "k", []byte(`{}`))
			var told *jobs.HookError
			switch {
			case c.status == 0:
				if err != nil || ref != c.ref {
					t.Errorf("got %q, %v", ref, err)
				}
			case c.status < 0:
				if err == nil || errors.As(err, &told) || strings.Contains(err.Error(), r.URL) {
					t.Errorf("got %v", err)
				}
			case !errors.As(err, &told) || told.Status != c.status || told.Final() != c.final || told.After != c.after:
				t.Errorf("got %v %+v", err, told)
			}
		})
	}
}

func TestHook_WhereItMayGo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, secret string
		hosts       []string
		ok          bool
	}{
		{"https://dab.example.gov.cn/in", hookSecret, []string{"dab.example.gov.cn"}, true},
		{"https://DAB.example.gov.cn/in", hookSecret, []string{"dab.example.gov.cn"}, true},
		{"http://10.3.0.7:8000/in", hookSecret, []string{"10.3.0.7"}, true},
		{"http://127.0.0.1:1/in", hookSecret, []string{"127.0.0.1"}, true},
		{"https://dab.example.gov.cn/in", hookSecret, []string{"example.gov.cn"}, false},
		{"https://dab.example.gov.cn/in", hookSecret, nil, false},
		{"http://dab.example.gov.cn/in", hookSecret, []string{"dab.example.gov.cn"}, false},
		{"http://8.8.8.8/in", hookSecret, []string{"8.8.8.8"}, false},
		{"http://localhost/in", hookSecret, []string{"localhost"}, false},
		{"https://u:p@dab.example.gov.cn/in", hookSecret, []string{"dab.example.gov.cn"}, false},
		{"https://dab.example.gov.cn/in", "short", []string{"dab.example.gov.cn"}, false},
		{"ftp://dab.example.gov.cn/in", hookSecret, []string{"dab.example.gov.cn"}, false},
		{"dab.example.gov.cn", hookSecret, []string{"dab.example.gov.cn"}, false},
	} {
		_, err := jobs.NewHook(jobs.HookOptions{URL: c.url, Secret: c.secret, Hosts: c.hosts})
		if (err == nil) != c.ok {
			t.Errorf("%s, allowed %v: %v", c.url, c.hosts, err)
		}
		if err != nil && strings.Contains(err.Error(), hookSecret) {
			t.Error("the error shows the secret")
		}
	}
}

// TestHook_NamesDoNotLeadInside: a name that is allowed and resolves to this
// machine is not called.
func TestHook_NamesDoNotLeadInside(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(r.URL, "http://"), ":")
	h, err := jobs.NewHook(jobs.HookOptions{URL: "https://localhost:" + port + "/in", Secret: hookSecret, Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := h.Post(ctx, "k", []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "inside a network") {
		t.Errorf("got %v", err)
	}
	if r.calls != 0 {
		t.Error("it was called")
	}
}
