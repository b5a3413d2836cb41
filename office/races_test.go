package office

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// A story that comes in several times at once, from two windows or two
// processes, becomes one case.
func TestOpenCase_OneStoryAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		for round := range 3 {
			var wg sync.WaitGroup
			numbers := make([]string, 6)
			for i := range numbers {
				wg.Go(func() {
					d := wall()
					d.Story += strings.Repeat("又", round+1)
					d.Request = fmt.Sprintf("web/user/1#%d-%d", round, i/2) // each message comes twice
					o, err := db.OpenCase(t.Context(), s.resident, d)
					if err != nil {
						t.Error(err)
					}
					numbers[i] = o.Case.No
				})
			}
			wg.Wait()
			for _, no := range numbers {
				if no != numbers[0] {
					t.Fatalf("one story became %v", numbers)
				}
			}
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One code from the phone lets in once, also when it is sent twice at the same
// moment.
func TestSignIn_OneCodeAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		if _, err := db.AddConsoleAccount(ctx, "test", s.clerk.ID, "chen"); err != nil {
			t.Fatal(err)
		}
		secret := newTOTP()
		if _, err := db.write.ExecContext(ctx, `UPDATE console_accounts SET totp = $1 WHERE person = $2`, secret, s.clerk.ID); err != nil {
			t.Fatal(err)
		}
		code, err := totpCode(secret, db.now().Unix()/totpStep)
		if err != nil {
			t.Fatal(err)
		}
		first, err := db.write.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if how, err := db.useCode(ctx, first, nil, s.clerk.ID, code, true); err != nil || how == "" {
			t.Fatalf("the first: %q, %v", how, err)
		}
		began, second := make(chan struct{}), make(chan string, 1)
		go func() {
			defer close(second)
			close(began)
			tx, err := db.write.BeginTx(ctx, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer tx.Rollback() //nolint:errcheck // only looked at
			how, err := db.useCode(ctx, tx, nil, s.clerk.ID, code, false)
			if err != nil {
				t.Error(err)
			}
			second <- how
		}()
		<-began
		pause(200 * time.Millisecond) // so that PostgreSQL's second has read before the first commits
		if err := first.Commit(); err != nil {
			t.Fatal(err)
		}
		if how := <-second; how != "" {
			t.Errorf("the second was let in with %q", how)
		}
	})
}

// Of two administrators who take away one of somebody's two posts each, one is
// told that it is the last.
func TestRemovePost_TheLastStays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		for i := range 6 {
			p := hire(t, db, fmt.Sprint("人", i), Helper, s.orgs["三里村"])
			if err := db.AddPost(ctx, s.leader, p.ID, Post{Role: Grid, Org: s.orgs["三里村"]}); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for _, r := range []Role{Helper, Grid} {
				wg.Go(func() {
					if err := db.RemovePost(ctx, s.leader, p.ID, Post{Role: r, Org: s.orgs["三里村"]}); err != nil && KindOf(err) != Conflict {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if q, err := db.Person(ctx, p.ID); err != nil || len(q.Posts) != 1 {
				t.Fatalf("left with %d posts, %v", len(q.Posts), err)
			}
		}
	})
}
