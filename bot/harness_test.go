package bot

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// openSQLite opens handles as office does, on a file that goes with the test.
func openSQLite(t testing.TB, path string) (write, read *sql.DB) {
	t.Helper()
	open := func(more ...string) *sql.DB {
		q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
		for i := 0; i < len(more); i += 2 {
			q.Add(more[i], more[i+1])
		}
		db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	write, read = open("_txlock", "immediate"), open()
	write.SetMaxOpenConns(1)
	return write, read
}

func newStore(t testing.TB) *Store {
	t.Helper()
	write, read := openSQLite(t, filepath.Join(t.TempDir(), "test.db"))
	s, err := OpenStore(context.Background(), write, read, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeChannel is a channel whose messages the test says and whose replies it
// reads. Like a platform it shows a reply to one message once.
type fakeChannel struct {
	name    string
	ready   chan struct{}
	deliver func(context.Context, Message) error
	fail    func(to Address, r Reply) error // nil: sending works

	mu   sync.Mutex
	sent []sentReply
	news chan struct{}
}

type sentReply struct {
	to, ref string
	Reply
}

func newFake(name string) *fakeChannel {
	return &fakeChannel{name: name, ready: make(chan struct{}), news: make(chan struct{}, 1)}
}

func (f *fakeChannel) Name() string    { return f.name }
func (f *fakeChannel) Open() []Address { return nil }

func (f *fakeChannel) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	f.deliver = deliver
	close(f.ready)
	<-ctx.Done()
	return nil
}

func (f *fakeChannel) Send(_ context.Context, to Address, ref string, r Reply) error {
	if f.fail != nil {
		if err := f.fail(to, r); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, sentReply{string(to), ref, r})
	select {
	case f.news <- struct{}{}:
	default:
	}
	return nil
}

func (f *fakeChannel) replies() []sentReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sentReply(nil), f.sent...)
}

// wait returns the replies when there are n of them.
func (f *fakeChannel) wait(t testing.TB, n int) []sentReply {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		if r := f.replies(); len(r) >= n {
			return r
		}
		select {
		case <-f.news:
		case <-limit:
			t.Fatalf("got %d replies, want %d", len(f.replies()), n)
		}
	}
}

func (f *fakeChannel) say(t testing.TB, chat, id, text string) {
	t.Helper()
	<-f.ready
	if err := f.deliver(context.Background(), Message{ID: id, Chat: Address(chat), Text: text}); err != nil {
		t.Fatalf("deliver %s: %v", id, err)
	}
}

// runBot runs b until the test ends or stop is called.
func runBot(t testing.TB, b *Bot) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// echo answers with the words it got and how many turns it remembers.
func echo(_ context.Context, m Message, s *Session) (Reply, error) {
	s.Turns = append(s.Turns, Turn{Text: m.Text, At: m.At})
	return Reply{Text: m.Text}, nil
}

// newPostgresStore opens a store on an empty PostgreSQL database, as office
// does.
func newPostgresStore(t testing.TB, url string) *Store {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(12)
	db.SetMaxIdleConns(12)
	t.Cleanup(func() { db.Close() })
	s, err := OpenStore(context.Background(), db, db, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRedis(t testing.TB, url string) *Redis {
	t.Helper()
	r, err := OpenRedis(RedisOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// until waits for something that becomes true without telling.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("it did not come to pass: %s", what)
		}
	}
}
