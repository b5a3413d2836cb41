package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// size is a number from the environment, or a small one for every day.
func size(t testing.TB, name string, daily int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return daily
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// twoBots are two processes, as far as a test needs them: all they share is the
// database and Redis.
func twoBots(t *testing.T, h Handler, log *slog.Logger) (bots [2]*Bot, channels [2]*fakeChannel, redis *servers.Redis) {
	t.Helper()
	url := servers.PostgresURL(t)
	redis = servers.StartRedis(t)
	for i := range bots {
		r := newRedis(t, redis.URL)
		o := fast
		o.Redis, o.Log, o.Queue = r, log, 100_000
		bots[i] = New(h, NewRedisSessions(r, time.Hour), NewInbox(newPostgresStore(t, url)), o)
		channels[i] = newFake("fake")
		bots[i].Attach(channels[i])
		runBot(t, bots[i])
		<-channels[i].ready
	}
	return bots, channels, redis
}

// Each message comes 2 to 50 times, to two processes, in any order, while Redis
// is flushed. MINGBAI_COPIES sets how many messages there are.
func TestTwo_CopiesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	messages := size(t, "MINGBAI_COPIES", 200)
	_, channels, redis := twoBots(t, HandlerFunc(echo), nil)
	var copies []int
	for i := range messages {
		for range 2 + rand.IntN(49) {
			copies = append(copies, i)
		}
	}
	rand.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	feed := make(chan int)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for i := range feed {
				m := message(fmt.Sprint("fake/user/", i%50), fmt.Sprint(i))
				for errors.Is(channels[rand.IntN(2)].deliver(context.Background(), m), ErrBusy) {
					time.Sleep(time.Millisecond) // as a platform that sends again
				}
			}
		})
	}
	for n, i := range copies {
		feed <- i
		if n%(len(copies)/4+1) == 0 {
			redis.Do("FLUSHALL") //nolint:errcheck // the point is that it does not matter
		}
	}
	close(feed)
	senders.Wait()
	all := func() []sentReply { return append(channels[0].replies(), channels[1].replies()...) }
	until(t, "all are answered", func() bool { return len(all()) >= messages })
	seen := map[string]int{}
	for _, r := range all() {
		seen[r.ref]++
	}
	for i := range messages {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("message %d: %d replies, want 1", i, n)
		}
	}
	t.Logf("%d messages in %d copies", messages, len(copies))
}

// Sessions never mix: each person sees their own words only, whichever process
// answers and whatever happens to Redis. MINGBAI_TURNS sets the turns of each.
func TestTwo_SessionsDoNotMix(t *testing.T) {
	t.Parallel()
	turns := size(t, "MINGBAI_TURNS", 5)
	const people = 200
	var logged safeBuffer
	log := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, channels, redis := twoBots(t, HandlerFunc(func(_ context.Context, m Message, s *Session) (Reply, error) {
		s.Turns = append(s.Turns, Turn{Text: m.Text})
		var all []string
		for _, turn := range s.Turns {
			all = append(all, turn.Text)
		}
		if rand.IntN(300) == 0 {
			return Reply{}, fmt.Errorf("a fault now and then")
		}
		return Reply{Text: strings.Join(all, " ")}, nil
	}), log)
	var talk sync.WaitGroup
	for turn := range turns {
		for _, i := range rand.Perm(people) {
			talk.Go(func() {
				m := message(fmt.Sprint("fake/group/", i%10), fmt.Sprintf("%d-%d", i, turn))
				m.From = Address(fmt.Sprint("fake/user/", i))
				m.Text = fmt.Sprintf("canary-%d-%d", i, turn)
				if err := channels[rand.IntN(2)].deliver(context.Background(), m); err != nil {
					t.Error(err)
				}
			})
		}
		talk.Wait()
		if turn%3 == 1 {
			redis.Kill()
			redis.Start()
		}
	}
	all := func() []sentReply { return append(channels[0].replies(), channels[1].replies()...) }
	until(t, "all are answered", func() bool { return len(all()) >= people*turns })
	remembered := 0
	for _, r := range all() {
		who, _, _ := strings.Cut(r.ref, "-")
		words := strings.Fields(r.Text)
		if len(words) > 1 {
			remembered++
		}
		for _, w := range words {
			if !strings.HasPrefix(w, "canary-"+who+"-") && r.Text != sorry {
				t.Errorf("%s was told %s", who, w)
			}
		}
	}
	if remembered == 0 {
		t.Error("no context was kept, so nothing was tested")
	}
	if strings.Contains(logged.String(), "canary") || strings.Contains(logged.String(), "fake/user") {
		t.Error("words or addresses of people are in the log")
	}
	for line := range strings.Lines(logged.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a JSON line: %s", line)
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
