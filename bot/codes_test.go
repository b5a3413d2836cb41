package bot

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mingbai/internal/servers"
)

func TestCodes(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *Store{
		"sqlite":   func(t *testing.T) *Store { return newStore(t) },
		"postgres": func(t *testing.T) *Store { return newPostgresStore(t, servers.PostgresURL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := context.Background(), open(t)
			now := time.Unix(1_795_000_000, 0)
			s.now = func() time.Time { return now }
			c := NewCodes(s)
			door, err := c.Door(ctx, "FM10")
			if err != nil || len(door) != doorSigns {
				t.Fatalf("got %q, %v", door, err)
			}
			unknown := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, ErrUnknown) {
					t.Errorf("%s: got %v, want ErrUnknown", what, err)
				}
			}
			unknown("a door's code binds nobody", c.Bind(ctx, "qq/member/G/M", door, "1"))
			for range 2 { // the message may come again
				if about, err := c.Enter(ctx, door, "1"); err != nil || about != "FM10" {
					t.Errorf("got %q, %v", about, err)
				}
			}
			_, err = c.Enter(ctx, door, "2")
			unknown("a used door", err)

			first, _ := c.Offer(ctx, "qq/user/U")
			second, err := c.Offer(ctx, "qq/user/U")
			if err != nil {
				t.Fatal(err)
			}
			unknown("a withdrawn code", c.Bind(ctx, "qq/member/G/M", first, "3"))
			if _, ok, _ := c.Person(ctx, "qq/member/G/M"); ok {
				t.Error("joined without a code")
			}
			if err := c.Bind(ctx, "qq/member/G/M", second, "4"); err != nil {
				t.Fatal(err)
			}
			unknown("another member with the same code", c.Bind(ctx, "qq/member/G/N", second, "5"))
			if p, ok, err := c.Person(ctx, "qq/member/G/M"); p != "qq/user/U" || !ok || err != nil {
				t.Errorf("got %q, %v, %v", p, ok, err)
			}
			if _, ok, _ := c.Person(ctx, "qq/member/G2/M"); ok {
				t.Error("the same id in another group was joined")
			}
			if n, err := c.Unbind(ctx, "qq/user/U"); n != 1 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}

			late, err := c.Offer(ctx, "qq/user/U")
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(bindLasts)
			unknown("an old code", c.Bind(ctx, "qq/member/G/M", late, "6"))
		})
	}
}

// Whoever comes first has the code; nobody else.
func TestCodes_TakenOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := NewCodes(newStore(t))
	code, err := c.Offer(ctx, "qq/user/U")
	if err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if c.Bind(ctx, Address("qq/member/G/"+string(rune('A'+i))), code, string(rune('A'+i))) == nil {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("taken %d times", n)
	}
}
