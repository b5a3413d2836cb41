// Command pushvictim publishes until it is killed, for tests that kill it. With
// SINK it sends what is due to that address over and over; without, it fires what
// is due at each time that it reads from standard input, and says how many. Its
// clock is BASE, and goes on from START; both are in Unix milliseconds.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/jobs"
	"mingbai/office"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	now := time.Now
	if base, err := strconv.ParseInt(os.Getenv("BASE"), 10, 64); err == nil {
		start, err := strconv.ParseInt(os.Getenv("START"), 10, 64)
		if err != nil {
			return err
		}
		now = func() time.Time { return time.UnixMilli(base).Add(time.Since(time.UnixMilli(start))) }
	}
	var told time.Time
	if os.Getenv("SINK") == "" {
		now = func() time.Time { return told }
	}
	db, err := office.Open(ctx, office.Options{Dir: os.Getenv("DATA_DIR"), DatabaseURL: os.Getenv("DATABASE_URL"), Now: now})
	if err != nil {
		return err
	}
	defer db.Close()
	if os.Getenv("SINK") == "" {
		return ticks(ctx, db, &told)
	}
	p := &jobs.Publish{
		Office: db, To: []jobs.Publisher{poster{"hook"}, poster{"chat"}}, Log: slog.New(slog.DiscardHandler),
		Workers: map[string]int{"hook": 8, "chat": 2}, Lease: time.Second,
	}
	fmt.Println("ready")
	for {
		if err := p.Once(ctx); err != nil {
			return err
		}
		<-time.After(20 * time.Millisecond)
	}
}

// poster brings a delivery to the sink under its key.
type poster struct{ name string }

func (p poster) Name() string { return p.name }

func (p poster) Publish(ctx context.Context, d office.Delivery) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("SINK")+"/"+p.name, bytes.NewReader([]byte(d.Key()+" "+d.Target)))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	return d.Key()[:8], nil
}

// ticks fires what is due at each time that is read. It keeps a session as a
// running bot does, so that a flushed Redis is one that was in use.
func ticks(ctx context.Context, db *office.DB, told *time.Time) error {
	redis, err := bot.OpenRedis(bot.RedisOptions{URL: os.Getenv("REDIS_URL"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	sessions := bot.NewRedisSessions(redis, time.Hour)
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		at, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64)
		if err != nil {
			return err
		}
		*told = time.Unix(at, 0)
		s, err := sessions.Load(ctx, "web/user/"+strconv.Itoa(os.Getpid()))
		if err != nil {
			return err
		}
		if err := sessions.Save(ctx, s); err != nil && !errors.Is(err, bot.ErrStale) {
			return err
		}
		fired, err := db.ClaimDue(ctx, nil, nil)
		if err != nil {
			return err
		}
		fmt.Println("fired", len(fired))
	}
	return nil
}
