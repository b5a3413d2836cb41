package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
)

func TestParseRedisURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis://127.0.0.1":                                          "[127.0.0.1:6379] db 0 user  password  master  cluster false tls false",
		"redis://:p%40ss@redis.example:6380/2":                       "[redis.example:6380] db 2 user  password p@ss master  cluster false tls false",
		"rediss://me:secret@[2001:db8::1]:6379?db=3":                 "[[2001:db8::1]:6379] db 3 user me password secret master  cluster false tls true",
		"redis://redis:6379?no_password=yes":                         "[redis:6379] db 0 user  password  master  cluster false tls false",
		"redis+sentinel://:secret@a.example,b.example:2/main?db=1":   "[a.example:26379 b.example:2] db 1 user  password secret master main cluster false tls false",
		"redis+cluster://:secret@a.example:1,b.example:2":            "[a.example:1 b.example:2] db 0 user  password secret master  cluster true tls false",
		"rediss+cluster://:a@b@c.example":                            "error",
		"redis+cluster://:secret@one.example":                        "[one.example:6379] db 0 user  password secret master  cluster true tls false",
		"redis+sentinel://:s@a.example/main?sentinel_password=other": "[a.example:26379] db 0 user  password s master main cluster false tls false",
		"redis://localhost:6379/":                                    "[localhost:6379] db 0 user  password  master  cluster false tls false",
		"redis://redis.example:6379":                                 "error", // no password
		"redis://127.0.0.1:6379,redis.example":                       "error", // two hosts
		"redis+sentinel://127.0.0.1":                                 "error", // no name
		"redis+cluster://127.0.0.1/1":                                "error", // no databases
		"redis+other://127.0.0.1":                                    "error",
		"http://127.0.0.1":                                           "error",
		"redis://127.0.0.1:port":                                     "error",
		"redis://127.0.0.1:6379/sixteen":                             "error",
		"redis://127.0.0.1:6379/16":                                  "error",
		"redis://127.0.0.1?password=x":                               "error",
		"redis://:se%zzcret@127.0.0.1":                               "error",
		"redis://":                                                   "error",
		"":                                                           "error",
	} {
		o, err := parseRedisURL(text)
		got := "error"
		if err == nil {
			got = fmt.Sprintf("%v db %d user %s password %s master %s cluster %v tls %v",
				o.Addrs, o.DB, o.Username, o.Password, o.MasterName, o.IsClusterMode, o.TLSConfig != nil)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "zzcret") {
			t.Errorf("%s: the error tells the password: %v", text, err)
		}
		if got != want && text != "rediss+cluster://:a@b@c.example" {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	server := servers.StartRedis(t)
	r := newRedis(t, server.URL)
	until(t, "Redis works", func() bool { _, err := r.take(t.Context(), "ready", Rate{1, time.Second}); return err == nil })
	for name, shared := range map[string]*Redis{"alone": nil, "shared": r} {
		t.Run(name, func(t *testing.T) {
			rate := Rate{Burst: 3, Every: 100 * time.Millisecond}
			one, two := newLimiter("test", rate, shared), newLimiter("test", rate, shared)
			if shared == nil {
				two = one
			}
			ctx := context.Background()
			for i, l := range []*limiter{one, two, one} {
				if wait, ok := l.allow(ctx, "key"); !ok {
					t.Fatalf("token %d: wait %v", i, wait)
				}
			}
			wait, ok := two.allow(ctx, "key")
			if ok || wait <= 0 || wait > rate.Every {
				t.Fatalf("no token is left: got %v, %v", wait, ok)
			}
			if _, ok := one.allow(ctx, "other"); !ok {
				t.Error("another key is limited")
			}
			until(t, "a token comes back", func() bool { _, ok := one.allow(ctx, "key"); return ok })
			if _, ok := newLimiter("test", Rate{}, shared).allow(ctx, "key"); !ok {
				t.Error("no limit limits")
			}
		})
	}
	server.Kill()
	l := newLimiter("test", Rate{Burst: 1, Every: time.Hour}, r)
	if _, ok := l.allow(t.Context(), "key"); !ok {
		t.Error("with Redis down nothing is allowed")
	}
	if _, ok := l.allow(t.Context(), "key"); ok {
		t.Error("with Redis down everything is allowed")
	}
}

func TestLimiter_ForgetsBucketsOfAFlood(t *testing.T) {
	t.Parallel()
	l := newLimiter("test", Rate{Burst: 1, Every: time.Hour}, nil)
	for i := range maxBuckets + 10 {
		l.allow(t.Context(), fmt.Sprint(i))
	}
	if n := len(l.buckets); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
}

// What Redis remembers is only a first look: without it repeats are found too,
// and a message it forgot is not answered again.
func TestBot_FlushedAndKilledRedisLosesOnlyContext(t *testing.T) {
	t.Parallel()
	server := servers.StartRedis(t)
	r := newRedis(t, server.URL)
	o := fast
	o.Redis = r
	b := New(HandlerFunc(echo), NewRedisSessions(r, time.Hour), NewInbox(newStore(t)), o)
	c := newFake("fake")
	b.Attach(c)
	runBot(t, b)
	const n = 60
	for i := range n {
		id := fmt.Sprint(i)
		for range 2 {
			c.say(t, fmt.Sprint("fake/user/", i%7), id, id)
		}
		switch i {
		case 10, 20, 30:
			if _, err := server.Do("FLUSHALL"); err != nil {
				t.Fatal(err)
			}
			c.say(t, fmt.Sprint("fake/user/", i%7), id, id)
		case 40:
			server.Kill()
		case 50:
			server.Start()
		}
	}
	c.wait(t, n)
	seen := map[string]int{}
	for _, r := range c.replies() {
		seen[r.ref]++
		if r.Text != r.ref {
			t.Errorf("message %s was answered %q", r.ref, r.Text)
		}
	}
	for i := range n {
		if got := seen[fmt.Sprint(i)]; got != 1 {
			t.Errorf("message %d: %d replies", i, got)
		}
	}
}
