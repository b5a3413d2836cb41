package bot

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a token bucket: Burst at once, then one more every Every. The zero
// Rate does not limit.
type Rate struct {
	Burst int
	Every time.Duration
}

func (r Rate) unlimited() bool { return r.Burst <= 0 || r.Every <= 0 }

// maxBuckets is how many keys one limiter remembers (about 120 bytes each).
// Beyond it full buckets are forgotten, then any: a flood of addresses must
// not fill the memory.
const maxBuckets = 50_000

// limiter holds one token bucket a key. With a Redis it counts there, so that
// several processes share the limit; without one, or while it is down, here.
type limiter struct {
	name  string // part of the key in Redis
	rate  Rate
	redis *Redis // may be nil
	now   func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimiter(name string, r Rate, shared *Redis) *limiter {
	return &limiter{name: name, rate: r, redis: shared, now: time.Now, buckets: map[string]*rate.Limiter{}}
}

// allow takes one token of key's bucket. If there is none it says how long to
// wait for one.
func (l *limiter) allow(ctx context.Context, key string) (wait time.Duration, ok bool) {
	if l.rate.unlimited() {
		return 0, true
	}
	if l.redis != nil {
		if wait, err := l.redis.take(ctx, l.name+":"+key, l.rate); err == nil {
			return wait, wait == 0
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.buckets[key]
	if b == nil {
		l.shrink(now)
		b = rate.NewLimiter(rate.Every(l.rate.Every), l.rate.Burst)
		l.buckets[key] = b
	}
	if b.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - b.TokensAt(now)
	return time.Duration(missing * float64(l.rate.Every)), false
}

// shrink forgets buckets when there are too many of them.
func (l *limiter) shrink(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.rate.Burst) {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < maxBuckets*3/4 {
			break
		}
		delete(l.buckets, key)
	}
}
