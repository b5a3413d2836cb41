package bot

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// benchStores are the databases that the benchmarks run on.
func benchStores(b *testing.B, run func(b *testing.B, s *Store)) {
	b.Run("db=sqlite", func(b *testing.B) { run(b, newStore(b)) })
	b.Run("db=postgres", func(b *testing.B) { run(b, newPostgresStore(b, servers.PostgresURL(b))) })
}

func BenchmarkInboxTake(b *testing.B) {
	benchStores(b, func(b *testing.B, s *Store) {
		in := NewInbox(s)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			if _, err := in.Take(context.Background(), message("fake/user/a", fmt.Sprint(n))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInboxTakeParallel is what many conversations at once make of it.
func BenchmarkInboxTakeParallel(b *testing.B) {
	benchStores(b, func(b *testing.B, s *Store) {
		in := NewInbox(s)
		var n atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1)
				if _, err := in.Take(context.Background(), message(fmt.Sprint("fake/user/", i%100), fmt.Sprint(i))); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func benchSessions(b *testing.B, s Sessions) {
	ctx := context.Background()
	session := &Session{Key: "fake/user/a"}
	for range 10 {
		session.Turns = append(session.Turns, Turn{Text: strings.Repeat("问", 60), Kind: "answer", At: time.Now()})
	}
	faults := 0 // a busy machine may make Redis take longer than it may
	b.ReportAllocs()
	for b.Loop() {
		err := s.Save(ctx, session)
		if loaded, e := s.Load(ctx, session.Key); err == nil && e == nil {
			session = loaded
		} else if faults++; e == nil {
			session.Version = loaded.Version
		}
	}
	b.ReportMetric(float64(faults)/float64(b.N), "faults/op")
}

// BenchmarkSessions saves and loads a session of ten turns (about 3 KB).
func BenchmarkSessions(b *testing.B) {
	benchStores(b, func(b *testing.B, s *Store) { benchSessions(b, NewLocalSessions(s, time.Hour)) })
	open := func(b *testing.B, url string) Sessions {
		s := NewRedisSessions(newRedis(b, url), time.Hour)
		until(b, "Redis works", func() bool { _, err := s.Load(context.Background(), "ready"); return err == nil })
		return s
	}
	b.Run("db=redis", func(b *testing.B) { benchSessions(b, open(b, servers.StartRedis(b).URL)) })
	b.Run("db=cluster", func(b *testing.B) { benchSessions(b, open(b, servers.StartCluster(b).URL)) })
	b.Run("db=sentinel", func(b *testing.B) { benchSessions(b, open(b, servers.StartSentinel(b).URL)) })
}

// BenchmarkWebAsk is one question over HTTP with a handler that answers at
// once.
func BenchmarkWebAsk(b *testing.B) {
	many := Rate{}
	s := newSite(b, newStore(b), HandlerFunc(fullAnswer), WebOptions{PerAddress: Rate{Burst: 1 << 30, Every: 1}, NewChats: many}, fast)
	b.ReportAllocs()
	for b.Loop() {
		res, err := s.Client().Post(s.URL+"/api/v1/ask", "application/json", strings.NewReader(`{"text":"老板三个月没发工资"}`))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body) //nolint:errcheck // read to use the connection again
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			b.Fatal(res.Status)
		}
	}
}

// BenchmarkWebChat is one message of a conversation: sent, taken, answered, its
// reply read from the event stream.
func BenchmarkWebChat(b *testing.B) {
	benchStores(b, func(b *testing.B, store *Store) {
		s := newSite(b, store, HandlerFunc(fullAnswer), WebOptions{PerAddress: Rate{Burst: 1 << 30, Every: 1}}, fast)
		chat := s.begin(b)
		events, _ := s.listen(b, chat, 0)
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			n++
			if status := s.say(b, chat, fmt.Sprint(n), "老板三个月没发工资"); status != 202 {
				b.Fatal(status)
			}
			next(b, events)
			next(b, events)
		}
	})
}

// BenchmarkWebChatParallel is many conversations at once.
func BenchmarkWebChatParallel(b *testing.B) {
	benchStores(b, func(b *testing.B, store *Store) {
		s := newSite(b, store, HandlerFunc(fullAnswer), WebOptions{PerAddress: Rate{Burst: 1 << 30, Every: 1}, NewChats: Rate{Burst: 1 << 30, Every: 1}}, fast)
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			chat := s.begin(b)
			events, _ := s.listen(b, chat, 0)
			for n := 0; pb.Next(); n++ {
				if status := s.say(b, chat, fmt.Sprint(n), "老板三个月没发工资"); status != 202 {
					b.Error(status)
					return
				}
				next(b, events)
				next(b, events)
			}
		})
	})
}
