package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measureSignIns asks questions at a fixed rate, first alone, then while so many
// people sign in to the console at once, over and over, and prints how much
// longer answers take: both halves of a run are on the same machine within
// seconds, so that the ratio holds where the milliseconds do not.
func measureSignIns(binary string, runs, people int, length time.Duration, rates string) error {
	first, _, _ := strings.Cut(rates, ",")
	rate, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mingbai-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := start(binary, filepath.Join(dir, "data"), "TRUSTED_PROXIES=127.0.0.1/32")
	if err != nil {
		return err
	}
	ask, storm := p.url+"/api/v1/ask", signIns{to: p.url + "/console/sign-in"}
	load(ask, rate, time.Second) // warm
	var p50, p99, r50, r99, with50, with99 []float64
	errs := 0
	for range runs {
		alone := load(ask, rate, length)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { storm.run(ctx, people); close(ended) }()
		beside := load(ask, rate, length)
		stop()
		<-ended
		errs += alone.errors + beside.errors
		p50, p99 = append(p50, ms(alone.p50)), append(p99, ms(alone.p99))
		with50, with99 = append(with50, ms(beside.p50)), append(with99, ms(beside.p99))
		r50, r99 = append(r50, float64(beside.p50)/float64(alone.p50)), append(r99, float64(beside.p99)/float64(alone.p99))
	}
	fmt.Printf("| questions %d/s | p50 ms | p99 ms |\n|---|---|---|\n| alone | %.2f | %.2f |\n| beside %d sign-ins at once | %.2f | %.2f |\n| ratio | %.2f | %.2f |\n",
		rate, median(p50), median(p99), people, median(with50), median(with99), median(r50), median(r99))
	fmt.Printf("\n%d sign-ins were compared, %d were told to try again in a few seconds, %d failed otherwise; %d questions failed.\n", storm.compared.Load(), storm.busy.Load(), storm.failed.Load(), errs)
	return p.stop()
}

// signIns counts what became of them.
type signIns struct {
	to                     string
	n                      atomic.Int64
	compared, busy, failed atomic.Int64
}

// run has people sign in at once, again and again until ctx ends. Each is another
// account from another address, so that none is refused before the password is
// looked at; there is no such account, which costs as much.
func (s *signIns) run(ctx context.Context, people int) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: people}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() { s.one(client) })
		}
		wg.Wait()
	}
}

func (s *signIns) one(client *http.Client) {
	n := s.n.Add(1)
	form := url.Values{"_login": {fmt.Sprintf("nobody%d", n)}, "_password": {"xigua qiaoliang 42"}}
	req, err := http.NewRequest(http.MethodPost, s.to, strings.NewReader(form.Encode()))
	if err != nil {
		s.failed.Add(1)
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	r, err := client.Do(req)
	if err != nil {
		s.failed.Add(1)
		return
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body) // the status says all
	switch r.StatusCode {
	case http.StatusUnprocessableEntity:
		s.compared.Add(1)
	case http.StatusConflict:
		s.busy.Add(1)
	default:
		s.failed.Add(1)
	}
}
