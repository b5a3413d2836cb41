// Command push measures deliveries a second of 明白 and of asynq, in one run on
// one machine: the same fan-out to as many targets, with as many workers, to the
// same loopback sink, each delivery durable before it is done. 明白 keeps its
// ledger in SQLite with synchronous=FULL; asynq keeps its queue in a redis-server
// with appendfsync always that this program starts and ends.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"mingbai/jobs"
	"mingbai/office"
)

func main() {
	n := flag.Int("n", 5000, "deliveries a round")
	rounds := flag.Int("rounds", 3, "rounds of each, in turns")
	workers := flag.Int("workers", 16, "sends at once")
	flag.Parse()
	if err := run(context.Background(), *n, *rounds, *workers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench is what both send to.
type bench struct {
	n, workers int
	sink       string
	got        atomic.Int64
	client     *http.Client
}

func run(ctx context.Context, n, rounds, workers int) error {
	b := &bench{n: n, workers: workers, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: workers}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a short body from this program
		b.got.Add(1)
		w.WriteHeader(http.StatusOK)
	}))
	defer server.Close()
	b.sink = server.URL
	var ours, theirs []float64
	for i := range rounds {
		for _, run := range []struct {
			name string
			do   func(context.Context) (time.Duration, error)
			to   *[]float64
		}{{"mingbai", b.mingbai, &ours}, {"asynq", b.asynq, &theirs}} {
			b.got.Store(0)
			took, err := run.do(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", run.name, err)
			}
			if got := b.got.Load(); got != int64(n) {
				return fmt.Errorf("%s: the sink got %d of %d", run.name, got, n)
			}
			rate := float64(n) / took.Seconds()
			*run.to = append(*run.to, rate)
			fmt.Printf("round %d %-8s %d deliveries in %6.2f s = %6.0f/s\n", i+1, run.name, n, took.Seconds(), rate)
		}
	}
	fmt.Printf("median: mingbai %.0f/s, asynq %.0f/s: %.2f times\n", median(ours), median(theirs), median(ours)/median(theirs))
	return nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// post sends one delivery.
func (b *bench) post(ctx context.Context, key, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.sink, bytes.NewReader([]byte(target)))
	if err != nil {
		return err
	}
	r.Header.Set("Idempotency-Key", key)
	resp, err := b.client.Do(r)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body) // empty
	return resp.Body.Close()
}

type publisher struct{ b *bench }

func (publisher) Name() string { return "hook" }

func (p publisher) Publish(ctx context.Context, d office.Delivery) (string, error) {
	return "", p.b.post(ctx, d.Key(), d.Target)
}

// mingbai fires a plan with n targets and sends until the ledger says that all
// were delivered.
func (b *bench) mingbai(ctx context.Context) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "push-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	at := time.Date(2026, 11, 30, 8, 59, 0, 0, time.FixedZone("CST", 8*3600))
	db, err := office.Open(ctx, office.Options{Dir: dir, Now: func() time.Time { return at }})
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // the figures are taken
	if err := plan(ctx, db); err != nil {
		return 0, err
	}
	at = at.Add(time.Minute)
	var targets []string
	for i := range b.n {
		targets = append(targets, fmt.Sprint("village-", i))
	}
	p := &jobs.Publish{Office: db, To: []jobs.Publisher{publisher{b}}, Fixed: map[string][]string{"hook": targets},
		Workers: map[string]int{"hook": b.workers}, Log: slog.New(slog.DiscardHandler)}
	begin := time.Now()
	if err := p.Once(ctx); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	_, sent, err := db.Deliveries(ctx, office.DeliveryFilter{States: []string{office.Sent}})
	if err == nil && sent != b.n {
		err = fmt.Errorf("the ledger has %d of %d", sent, b.n)
	}
	return took, err
}

// plan has an item approved and planned for 09:00.
func plan(ctx context.Context, db *office.DB) error {
	org, err := db.AddOrg(ctx, "bench", office.Org{Kind: "县", Name: "青禾县"})
	if err != nil {
		return err
	}
	var two [2]office.Person
	for i := range two {
		if two[i], err = db.AddPerson(ctx, "bench", office.Person{Name: fmt.Sprint("人", i), Posts: []office.Post{{Role: office.Officer, Org: org}}}); err != nil {
			return err
		}
	}
	it, err := db.AddPiece(ctx, two[0], office.PieceVersion{Kind: office.KindText, Title: "借条怎么写", Body: "借钱要打借条，写清金额、利率、还款日，双方签名按手印。", Audience: []string{"乡村"}})
	if err != nil {
		return err
	}
	_, _, err = db.Submit(ctx, two[0], it.ID, 0, nil)
	if err == nil {
		_, _, err = db.Approve(ctx, two[1], it.ID, 0, nil)
	}
	if err == nil {
		_, err = db.AddPlan(ctx, two[0], office.Plan{Name: "x", Spec: "2026-11-30 09:00", Pieces: []int64{it.ID}})
	}
	return err
}

// asynq enqueues n tasks, each under its own id so that it is there once, and
// works until all are done.
func (b *bench) asynq(ctx context.Context) (time.Duration, error) {
	address, end, err := redis(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	o := asynq.RedisClientOpt{Addr: address}
	client := asynq.NewClient(o)
	defer client.Close() //nolint:errcheck // the figures are taken
	server := asynq.NewServer(o, asynq.Config{Concurrency: b.workers, LogLevel: asynq.FatalLevel})
	var left sync.WaitGroup
	left.Add(b.n)
	mux := asynq.NewServeMux()
	mux.HandleFunc("push", func(ctx context.Context, t *asynq.Task) error {
		err := b.post(ctx, t.ResultWriter().TaskID(), string(t.Payload()))
		if err == nil {
			left.Done()
		}
		return err
	})
	begin := time.Now()
	if err := server.Start(mux); err != nil {
		return 0, err
	}
	if err := b.enqueue(client); err != nil {
		return 0, err
	}
	left.Wait()
	server.Shutdown() // returns when every task that was done is marked so
	took := time.Since(begin)
	inspector := asynq.NewInspector(o)
	defer inspector.Close() //nolint:errcheck // only read
	info, err := inspector.GetQueueInfo("default")
	if err == nil && info.Pending+info.Active+info.Retry > 0 {
		err = errors.New("tasks are left")
	}
	return took, err
}

// enqueue does the fan-out with as many connections as there are workers.
func (b *bench) enqueue(client *asynq.Client) error {
	faults := make([]error, b.workers)
	var crew sync.WaitGroup
	for w := range b.workers {
		crew.Go(func() {
			for i := w; i < b.n; i += b.workers {
				target := fmt.Sprint("village-", i)
				if _, err := client.Enqueue(asynq.NewTask("push", []byte(target)), asynq.TaskID(target)); err != nil {
					faults[w] = err
					return
				}
			}
		})
	}
	crew.Wait()
	return errors.Join(faults...)
}

// redis starts a redis-server that has every write on disk before it answers.
func redis(ctx context.Context) (address string, end func(), err error) {
	dir, err := os.MkdirTemp("", "push-redis-")
	if err != nil {
		return "", nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = ln.Addr().String()
	_, port, _ := net.SplitHostPort(address) // of a listener
	if err := ln.Close(); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", dir)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	for range 500 {
		if c, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).DialContext(ctx, "tcp", address); err == nil {
			return address, end, c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	end()
	return "", nil, errors.New("redis-server does not answer")
}
