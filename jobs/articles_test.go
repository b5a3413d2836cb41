package jobs

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

// TestHookSink: the receiver is told of a publication and of its recall; the
// first call gets no answer and comes again with the same key and body.
func TestHookSink(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef0123456789abcdef"
	type call struct{ key, body string }
	var calls []call
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls = append(calls, call{r.Header.Get(KeyHeader), string(body)})
		if len(calls) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"id":"D1"}`)
	}))
	t.Cleanup(srv.Close)
	hook, err := NewHook(HookOptions{URL: srv.URL, Secret: secret, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	sink := HookSink{Hook: hook, Page: func(id string) string { return "https://pufa.example.gov.cn/" + articleKey(id) }}
	p := &Publish{Office: b.db, To: []Publisher{sink}, Fixed: map[string][]string{"hook": {"dab"}}, Log: slog.New(slog.DiscardHandler)}
	it := b.publish(t, "借条怎么写")
	once := func() {
		t.Helper()
		if err := p.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	once()
	b.pass(time.Minute) // the time between two tries
	once()
	if _, err := b.db.Recall(t.Context(), b.checker, it.ID, "利率写错了"); err != nil {
		t.Fatal(err)
	}
	once()
	if len(calls) != 3 || calls[0] != calls[1] || calls[2].key == calls[1].key {
		t.Fatalf("called %d times: %+v", len(calls), calls)
	}
	for i, want := range map[int]hookBody{1: {Act: office.ActPublish, Text: "双方签名"}, 2: {Act: office.ActWithdraw, Text: "利率写错了"}} {
		var got hookBody
		if err := json.Unmarshal([]byte(calls[i].body), &got); err != nil || got.Act != want.Act || !strings.Contains(got.Text, want.Text) || got.Key != calls[i].key || got.Title != "借条怎么写" || !strings.HasPrefix(got.Page, "https://pufa.example.gov.cn/a/p") {
			t.Errorf("call %d: %+v, %v", i, got, err)
		}
	}
	list, _, err := b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: it.ID})
	if err != nil || len(list) != 2 || slices.ContainsFunc(list, func(d office.Delivery) bool { return d.State != office.Sent || d.Ref != "D1" }) {
		t.Errorf("the ledger: %+v, %v", list, err)
	}
}

func TestHookSink_Refused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(srv.Close)
	hook, err := NewHook(HookOptions{URL: srv.URL, Secret: strings.Repeat("s", 32), Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = HookSink{hook, func(string) string { return "" }}.Publish(t.Context(), office.Delivery{})
	var refused *office.RefusedError
	if !errors.As(err, &refused) || refused.Code != "HTTP 403" {
		t.Errorf("got %v", err)
	}
}

// TestCloud_Targets: each target has its site; one that the settings do not have
// any more refuses.
func TestCloud_Targets(t *testing.T) {
	t.Parallel()
	var refused *office.RefusedError
	if _, err := (Cloud{}).Publish(t.Context(), office.Delivery{Target: "s3"}); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// TestScheduler_KeepsWhatWasDone: of a job that comes every few seconds the runs
// that did something are on record with it, the idle ones are not.
func TestScheduler_KeepsWhatWasDone(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	b.publish(t, "借条怎么写")
	p := &Publish{Office: b.db, To: []Publisher{&sink{name: "hook"}}, Fixed: map[string][]string{"hook": {"dab", "ping"}}, Log: slog.New(slog.DiscardHandler)}
	s := NewScheduler(SchedulerOptions{Runs: b.db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }})
	if err := s.Add(p.Job()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.run(t.Context(), s.jobs[0], false); err != nil {
			t.Fatal(err)
		}
		b.pass(5 * time.Second)
	}
	list, err := b.db.LastRuns(t.Context(), "publish", 10)
	if err != nil || len(list) != 1 || list[0].Note != "到点 1 个计划，送达 2 份，没送成 0 份" {
		t.Errorf("on record: %+v, %v", list, err)
	}
}
