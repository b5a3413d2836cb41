package bot

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// sessionStore is one kind of session store with its server.
type sessionStore struct {
	open   func(ttl time.Duration) Sessions
	kill   func() // nil: there is no server to kill
	revive func()
	up     func() bool
}

// sessionStores is every kind there is; all must pass the same test.
var sessionStores = map[string]func(t *testing.T) sessionStore{
	"SQLite": func(t *testing.T) sessionStore {
		s := newStore(t)
		return sessionStore{open: func(ttl time.Duration) Sessions { return NewLocalSessions(s, ttl) }}
	},
	"PostgreSQL": func(t *testing.T) sessionStore {
		p := servers.StartPostgres(t)
		s := newPostgresStore(t, p.URL)
		return sessionStore{
			open: func(ttl time.Duration) Sessions { return NewLocalSessions(s, ttl) },
			kill: p.Kill, revive: p.Start, up: func() bool { return s.read.Ping() == nil },
		}
	},
	"Redis": func(t *testing.T) sessionStore {
		s := servers.StartRedis(t)
		return onRedis(t, s.URL, s.Kill, s.Start)
	},
	"Cluster": func(t *testing.T) sessionStore {
		c := servers.StartCluster(t)
		return onRedis(t, c.URL, func() {
			for _, n := range c.Nodes {
				n.Kill()
			}
		}, func() {
			for _, n := range c.Nodes {
				n.Start()
			}
			c.Wait()
		})
	},
	"Sentinel": func(t *testing.T) sessionStore {
		s := servers.StartSentinel(t)
		return onRedis(t, s.URL, func() { s.Master().Kill() }, func() {}) // the sentinels make the replica master
	},
}

func onRedis(t *testing.T, url string, kill, revive func()) sessionStore {
	r := newRedis(t, url)
	until(t, "Redis works", func() bool { _, err := NewRedisSessions(r, time.Minute).Load(t.Context(), "ready"); return err == nil })
	return sessionStore{
		open: func(ttl time.Duration) Sessions { return NewRedisSessions(r, ttl) },
		kill: kill, revive: revive, up: r.Up,
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	for name, make := range sessionStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			testSessions(t, s.open)
			if s.kill != nil {
				testSessionsKilled(t, s)
			}
		})
	}
}

// testSessions is what every store must do.
func testSessions(t *testing.T, open func(ttl time.Duration) Sessions) {
	ctx := context.Background()
	store := open(time.Hour)
	t.Run("a session is kept whole", func(t *testing.T) {
		s, err := store.Load(ctx, "whole {x} 钥匙")
		if err != nil || s.Version != 0 || s.Key != "whole {x} 钥匙" {
			t.Fatalf("absent: got %+v, %v", s, err)
		}
		s.Turns = []Turn{{Text: "问\x00题\u2028", Kind: "answer", At: time.UnixMilli(1e12).UTC()}}
		s.Menu = &Menu{Kind: "next", Choices: []Choice{{Label: "一", Value: "1"}}}
		s.Form = &Form{Name: "上报", Step: 2, Fields: map[string]string{"地点": "城东"}}
		if err := store.Save(ctx, s); err != nil || s.Version != 1 {
			t.Fatalf("save: version %d, %v", s.Version, err)
		}
		got, err := store.Load(ctx, s.Key)
		if err != nil || got.Version != 1 || !reflect.DeepEqual(got.Turns, s.Turns) || got.Menu.Choices[0] != s.Menu.Choices[0] || got.Form.Fields["地点"] != "城东" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a stale session is refused", func(t *testing.T) {
		first, _ := store.Load(ctx, "stale")
		second, _ := store.Load(ctx, "stale")
		if err := store.Save(ctx, first); err != nil {
			t.Fatal(err)
		}
		if err := store.Save(ctx, second); !errors.Is(err, ErrStale) {
			t.Errorf("new over new: got %v, want ErrStale", err)
		}
		second, _ = store.Load(ctx, "stale")
		if err := store.Save(ctx, first); err != nil {
			t.Fatal(err)
		}
		if err := store.Save(ctx, second); !errors.Is(err, ErrStale) {
			t.Errorf("old over new: got %v, want ErrStale", err)
		}
	})
	t.Run("no change is lost when many save at once", func(t *testing.T) {
		const people, changes = 6, 10
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				for done := 0; done < changes; {
					s, err := store.Load(ctx, "many")
					if err != nil {
						continue // a busy machine: Redis took longer than it may
					}
					s.Asked++
					if store.Save(ctx, s) == nil {
						done++
					}
				}
			})
		}
		wg.Wait()
		// A save that timed out may have been made all the same, so there may be more.
		if s, err := store.Load(ctx, "many"); err != nil || s.Asked < people*changes || int64(s.Asked) != s.Version {
			t.Errorf("got %d changes, version %d, %v, want %d", s.Asked, s.Version, err, people*changes)
		}
	})
	t.Run("a deleted session is gone", func(t *testing.T) {
		s, _ := store.Load(ctx, "deleted")
		if err := store.Save(ctx, s); err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(ctx, "deleted"); err != nil {
			t.Fatal(err)
		}
		if err := store.Save(ctx, s); !errors.Is(err, ErrStale) {
			t.Errorf("saving a deleted session: got %v, want ErrStale", err)
		}
		if got, err := store.Load(ctx, "deleted"); err != nil || got.Version != 0 {
			t.Errorf("got version %d, %v", got.Version, err)
		}
	})
	t.Run("a session runs out", func(t *testing.T) {
		brief := open(200 * time.Millisecond)
		s, _ := brief.Load(ctx, "brief")
		if err := brief.Save(ctx, s); err != nil {
			t.Fatal(err)
		}
		until(t, "it is gone", func() bool { s, err := brief.Load(ctx, "brief"); return err == nil && s.Version == 0 })
		if err := brief.Save(ctx, &Session{Key: "brief"}); err != nil {
			t.Errorf("after it ran out: %v", err)
		}
	})
	t.Run("a large session forgets its oldest turns", func(t *testing.T) {
		s, _ := store.Load(ctx, "large")
		for i := range 100 {
			s.Turns = append(s.Turns, Turn{Text: fmt.Sprint(i) + strings.Repeat("长", 500)})
		}
		if err := store.Save(ctx, s); err != nil {
			t.Fatal(err)
		}
		got, _ := store.Load(ctx, "large")
		if n := len(got.Turns); n == 0 || n > 12 || !strings.HasPrefix(got.Turns[n-1].Text, "99") {
			t.Errorf("got %d turns", n)
		}
	})
}

// testSessionsKilled kills the store in mid-conversation: messages are answered
// from an empty session, quickly, and context comes back with the store.
func testSessionsKilled(t *testing.T, s sessionStore) {
	inbox := newStore(t)
	b := New(HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		r, err := echo(ctx, m, s)
		if r.Text = fmt.Sprint(len(s.Turns)); s.Lost {
			r.Text = "lost"
		}
		return r, err
	}), s.open(time.Hour), NewInbox(inbox), fast)
	c := newFake("fake")
	b.Attach(c)
	stop := runBot(t, b)
	defer stop()
	said := 0
	say := func() (turns string, took time.Duration) {
		said++
		start := time.Now()
		c.say(t, "fake/user/a", fmt.Sprint(said), "x")
		r := c.wait(t, said)
		return r[said-1].Text, time.Since(start)
	}
	say()
	if turns, _ := say(); turns != "2" {
		t.Fatalf("before: got %s turns, want 2", turns)
	}
	s.kill()
	for range 5 {
		turns, took := say()
		if turns != "lost" && !s.up() {
			t.Errorf("while it is down: got %s turns, want to be told that they are lost", turns)
		}
		t.Logf("answered in %v while the store is down", took)
	}
	s.revive()
	until(t, "context is kept again", func() bool {
		say()
		turns, _ := say()
		return turns != "1" && turns != "lost"
	})
}

// A Redis that neither answers nor refuses is the worst case: each call would
// wait as long as it may.
func TestBot_AFrozenRedisCostsLittle(t *testing.T) {
	t.Parallel()
	server := servers.StartRedis(t)
	r := newRedis(t, server.URL)
	sessions := NewRedisSessions(r, time.Hour)
	o := fast
	o.Redis = r
	b := New(HandlerFunc(echo), sessions, NewInbox(newStore(t)), o)
	c := newFake("fake")
	b.Attach(c)
	runBot(t, b)
	said := 0
	say := func() time.Duration {
		said++
		start := time.Now()
		c.say(t, "fake/user/a", fmt.Sprint(said), "x")
		c.wait(t, said)
		return time.Since(start)
	}
	usual := max(say(), say(), say())
	server.Freeze()
	for i := range 10 {
		took := say()
		t.Logf("message %d: %v (before: %v)", i, took, usual)
		if took > usual+250*time.Millisecond+slack {
			t.Errorf("message %d took %v, %v before Redis froze", i, took, usual)
		}
	}
	server.Thaw()
	start := time.Now()
	until(t, "Redis is used again", r.Up)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("used again after %v, want 2s at most", took)
	}
}

// slack is what a busy machine may add to a time that is measured.
const slack = 100 * time.Millisecond
