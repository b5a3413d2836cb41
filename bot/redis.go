package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Limits on what a Redis may cost a message. They are short because nothing in
// Redis is worth waiting for: whatever it does not say in time is done without.
const (
	redisTimeout = 100 * time.Millisecond // one command, or one connection being made
	redisFaults  = 2                      // failures in a row after which it is not asked any more
	redisProbe   = 300 * time.Millisecond // how often it is tried whether it works again
	seenFor      = time.Hour              // how long the first-look dedupe remembers; the inbox remembers for days
)

var errRedisDown = errors.New("bot: Redis does not work now")

// RedisOptions say where Redis is.
type RedisOptions struct {
	URL    string       // see docs of REDIS_URL: redis://, redis+sentinel://, redis+cluster://
	Prefix string       // begins every key; defaults to "mingbai:"
	Log    *slog.Logger // discarded if nil
}

// Redis is what several processes share through Redis: sessions, limits, a
// first look at repeats, and word of new events. All of it may be lost at any
// time. It is safe for concurrent use.
type Redis struct {
	client redis.UniversalClient
	prefix string
	self   string // marks what this process tells
	log    *slog.Logger

	mu     sync.Mutex
	faults int    // failures in a row
	down   bool   // it is not asked, only probed
	broken string // the key that failed last: a Cluster may work in part

	wake   chan struct{} // holds one: probe now
	cancel context.CancelFunc
	ended  chan struct{}
}

// OpenRedis makes a client of the Redis at o.URL. It fails only if the URL
// cannot be used; a Redis that cannot be reached is tried until it can. Close
// must be called.
func OpenRedis(o RedisOptions) (*Redis, error) {
	u, err := parseRedisURL(o.URL)
	if err != nil {
		return nil, err
	}
	setDefault(&o.Prefix, "mingbai:")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	u.ClientName = "mingbai"
	u.DisableIdentity = true
	u.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	u.ContextTimeoutEnabled = true
	u.DialTimeout, u.ReadTimeout, u.WriteTimeout, u.PoolTimeout = 2*redisTimeout, redisTimeout, redisTimeout, redisTimeout
	u.MaxRetries, u.DialerRetries = 1, 1
	u.PoolSize = 32
	redis.SetLogger(silent{}) // it prints addresses on every failure; ours says once that Redis is down
	ctx, cancel := context.WithCancel(context.Background())
	r := &Redis{
		client: redis.NewUniversalClient(u), prefix: o.Prefix, self: randomID()[:8], log: o.Log,
		wake: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{}),
	}
	go r.watch(ctx)
	return r, nil
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Close ends the client.
func (r *Redis) Close() error {
	r.cancel()
	<-r.ended
	return r.client.Close()
}

// Up says whether Redis works as far as is known.
func (r *Redis) Up() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.down
}

// key is a key of one thing: all keys of it lie in one slot of a Cluster. What
// it is about is hashed, because it may name a person or open a conversation.
// Ping says whether Redis takes a write now.
func (r *Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return r.client.Set(ctx, r.prefix+"ping", 1, time.Second).Err()
}

func (r *Redis) key(kind, about string) string {
	sum := sha256.Sum256([]byte(about))
	return r.prefix + kind + ":{" + hex.EncodeToString(sum[:16]) + "}"
}

// do runs one command with a deadline, unless Redis is known to be down.
func (r *Redis) do(ctx context.Context, key string, command func(context.Context) error) error {
	if !r.Up() {
		return errRedisDown
	}
	short, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	err := command(short)
	if err != nil && (errors.Is(err, redis.Nil) || ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled)) {
		return err // an answer, or the caller left: neither says anything of Redis
	}
	r.note(key, err)
	return err
}

// note counts failures in a row.
func (r *Redis) note(key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.faults = 0
		return
	}
	r.broken = key
	if r.faults++; r.faults < redisFaults || r.down {
		return
	}
	r.down = true
	r.log.Warn("Redis does not work; answering without it", "err", err)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// watch tries a Redis that is down until it works.
func (r *Redis) watch(ctx context.Context) {
	defer close(r.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		tick := time.NewTicker(redisProbe)
		for r.probe(ctx) != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		tick.Stop()
	}
}

// probe writes beside the key that failed last, with more patience than a
// message has: a client of a Cluster or of Sentinel may have to find its
// servers anew.
func (r *Redis) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r.mu.Lock()
	key := r.broken + ":probe"
	r.mu.Unlock()
	if err := r.client.Set(ctx, key, 1, time.Second).Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down, r.faults = false, 0
	r.log.Info("Redis works again")
	return nil
}

// bucket is a token bucket kept as the time at which it will be full (GCRA).
// Times are microseconds of the server's clock, so that processes with
// different clocks share it.
var bucket = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = full - now - (burst - 1) * every
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full + every), 'PX', math.ceil((full + every - now) / 1000))
return 0`)

// take takes one token of a bucket; 0: it did, else how long to wait for one.
func (r *Redis) take(ctx context.Context, name string, rate Rate) (wait time.Duration, err error) {
	key := r.key("rate", name)
	err = r.do(ctx, key, func(ctx context.Context) error {
		micros, err := bucket.Run(ctx, r.client, []string{key}, rate.Every.Microseconds(), rate.Burst).Int64()
		wait = time.Duration(micros) * time.Microsecond
		return err
	})
	return wait, err
}

// remember notes that a message is in the inbox. It must be there already:
// otherwise a crash would lose it.
func (r *Redis) remember(ctx context.Context, chat Address, id string) {
	key := r.key("seen", string(chat)+" "+id)
	r.do(ctx, key, func(ctx context.Context) error { return r.client.Set(ctx, key, 1, seenFor).Err() }) //nolint:errcheck // the inbox knows
}

// remembers says that a message is surely in the inbox. false says nothing.
func (r *Redis) remembers(ctx context.Context, chat Address, id string) bool {
	key := r.key("seen", string(chat)+" "+id)
	var n int64
	err := r.do(ctx, key, func(ctx context.Context) (err error) {
		n, err = r.client.Exists(ctx, key).Result()
		return err
	})
	return err == nil && n > 0
}

// tell says a sign of a conversation to the other processes.
func (r *Redis) tell(ctx context.Context, sign, chat string) {
	r.do(ctx, r.prefix+"events", func(ctx context.Context) error { //nolint:errcheck // they look at the rows too
		return r.client.Publish(ctx, r.prefix+"events", strings.Join([]string{sign, r.self, chat}, " ")).Err()
	})
}

// listen hands on what other processes tell until ctx is done.
func (r *Redis) listen(ctx context.Context, hear func(sign, chat string)) error {
	sub := r.client.Subscribe(ctx, r.prefix+"events")
	defer sub.Close()
	news := sub.Channel() // it reconnects by itself
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-news:
			if !ok {
				return errors.New("the subscription ended")
			}
			if part := strings.SplitN(m.Payload, " ", 3); len(part) == 3 && part[1] != r.self {
				hear(part[0], part[2])
			}
		}
	}
}

type redisSessions struct {
	redis *Redis
	ttl   time.Duration
}

// NewRedisSessions keeps sessions in Redis, each until ttl after it was saved
// last. While Redis is down Load and Save fail, each within 100 ms.
func NewRedisSessions(r *Redis, ttl time.Duration) Sessions {
	return &redisSessions{redis: r, ttl: ttl}
}

// swap stores a session if its version is the one expected.
var swap = redis.NewScript(`
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`)

func (s *redisSessions) Load(ctx context.Context, key string) (*Session, error) {
	k := s.redis.key("session", key)
	var stored struct {
		Version int64  `redis:"version"`
		Body    string `redis:"body"`
	}
	err := s.redis.do(ctx, k, func(ctx context.Context) error {
		return s.redis.client.HMGet(ctx, k, "version", "body").Scan(&stored)
	})
	if err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	if stored.Version == 0 {
		return &Session{Key: key}, nil
	}
	return decodeSession([]byte(stored.Body), key, stored.Version), nil
}

func (s *redisSessions) Save(ctx context.Context, session *Session) error {
	body, err := encodeSession(session)
	if err != nil {
		return err
	}
	k := s.redis.key("session", session.Key)
	var done int64
	err = s.redis.do(ctx, k, func(ctx context.Context) (err error) {
		done, err = swap.Run(ctx, s.redis.client, []string{k}, session.Version, session.Version+1, body, s.ttl.Milliseconds()).Int64()
		return err
	})
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	if done == 0 {
		return ErrStale
	}
	session.Version++
	return nil
}

func (s *redisSessions) Delete(ctx context.Context, key string) error {
	k := s.redis.key("session", key)
	err := s.redis.do(ctx, k, func(ctx context.Context) error { return s.redis.client.Del(ctx, k).Err() })
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}
