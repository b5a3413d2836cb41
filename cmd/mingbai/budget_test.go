package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"mingbai/internal/servers"
	"mingbai/knowledge/llmtest"
)

// budgetAnswer is what the model says each time.
const budgetAnswer = "能要，满一个月没签书面合同，从第二个月起每月可以要两倍工资。〔1〕〔2〕"

// twoServers runs the program twice on one PostgreSQL and one Redis, and gives
// people who talk to the one and the other.
func twoServers(t *testing.T, env ...string) (ranges [2]*hostileRange, redis *servers.Redis, model *llmtest.Server) {
	t.Helper()
	redis, model = servers.StartRedis(t), llmtest.New()
	t.Cleanup(model.Close)
	model.Say(budgetAnswer)
	env = append(env, "REDIS_URL="+redis.URL, "DATABASE_URL="+servers.PostgresURL(t), "OPENAI_BASE_URL="+model.URL(), "OPENAI_MODEL="+llmtest.Name,
		"LISTEN=127.0.0.1:0", "TRUSTED_PROXIES=127.0.0.0/8", "KNOWLEDGE_RELOAD=1h")
	for i := range ranges {
		a := &app{out: io.Discard, err: io.Discard, now: time.Now, environ: append(env, "DATA_DIR="+t.TempDir())}
		if err := a.load(""); err != nil {
			t.Fatal(err)
		}
		s, err := a.newServer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		ranges[i] = &hostileRange{ctx: t.Context(), replicas: []*replica{{server: s, base: "http://" + s.ln.Addr().String()}}}
		ranges[i].serial.Store(int64(1000 * i))
	}
	return ranges, redis, model
}

// TestBudgets_TwoProcesses: what all may spend in a day is spent once, however
// many processes ask at the same time; and while Redis is down, half of it.
func TestBudgets_TwoProcesses(t *testing.T) {
	t.Parallel()
	const day, person = 16_000, 5_000 // a call reserves between 2,500 and 4,000
	ranges, redis, model := twoServers(t, fmt.Sprint("MODEL_TOKENS_DAY=", day), fmt.Sprint("MODEL_TOKENS_PERSON=", person), "MODEL_CONCURRENT=20")
	ask := func(i int) {
		t.Helper()
		u, err := ranges[i%2].agreed()
		if err != nil {
			t.Error(err)
			return
		}
		if _, status, err := u.say(midStory); err != nil || status != 202 {
			t.Errorf("HTTP %d, %v", status, err)
		}
	}
	spent := func() int {
		t.Helper()
		n, err := ranges[0].first().server.records.Spent(t.Context(), "all", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ask(0)
	if n := len(model.Requests()); n != 1 {
		t.Fatalf("the model was asked %d times, want once", n)
	}
	redis.Kill()
	ask(0) // half of a person's budget does not hold a call
	ask(1)
	if n := len(model.Requests()); n != 1 {
		t.Errorf("the model was asked %d times while Redis was down, want not at all", n-1)
	}
	redis.Start()
	for i, r := range ranges {
		for end := time.Now().Add(time.Minute); !r.first().server.redis.Up(); {
			if err := pause(t.Context(), 10*time.Millisecond); err != nil || time.Now().After(end) {
				t.Fatalf("process %d does not find Redis again", i)
			}
		}
	}
	var crew sync.WaitGroup
	for i := range 16 {
		crew.Go(func() { ask(i) })
	}
	crew.Wait()
	calls, used := len(model.Requests()), spent()
	if used > day || calls < 3 || calls > day/1_500 {
		t.Errorf("%d calls for %d tokens of %d", calls, used, day)
	}
	cost := calls * len([]rune(budgetAnswer))
	for _, q := range model.Requests() {
		for _, m := range q.Messages {
			cost += len([]rune(m.Content)) // a token each, as this model counts
		}
	}
	if cost != used {
		t.Errorf("%d tokens are booked, the calls cost %d", used, cost)
	}
	ask(0)
	ask(1)
	if n := len(model.Requests()); n > calls+1 {
		t.Errorf("the model was asked %d times more when the day's tokens were used up", n-calls)
	}
	t.Logf("%d calls, %d tokens of %d", calls, used, day)
}
