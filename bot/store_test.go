package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/internal/servers"
)

func TestOpenStore_ManyAtOnceAndRefusesNewer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url, file := servers.PostgresURL(t), filepath.Join(t.TempDir(), "test.db")
	for dialect, open := range map[string]func() (*sql.DB, *sql.DB){
		"sqlite": func() (*sql.DB, *sql.DB) { return openSQLite(t, file) },
		"postgres": func() (*sql.DB, *sql.DB) {
			db, err := sql.Open("pgx", url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db, db
		},
	} {
		var wg sync.WaitGroup
		for range 3 {
			write, read := open()
			wg.Go(func() {
				if _, err := OpenStore(ctx, write, read, dialect); err != nil {
					t.Errorf("%s: %v", dialect, err)
				}
			})
		}
		wg.Wait()
		write, read := open()
		if _, err := write.Exec(`INSERT INTO schema_bot (version_id, is_applied) VALUES (9999, $1)`, true); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenStore(ctx, write, read, dialect); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("%s: got %v, want a refusal of the newer schema", dialect, err)
		}
	}
	if _, err := OpenStore(ctx, nil, nil, "oracle"); err == nil {
		t.Error("an unknown dialect was taken")
	}
}

// Changes that share a commit do not share their failures.
func TestStore_AChangeThatFailsFailsAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := context.Background()
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			err := s.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, `INSERT INTO sessions (key, version, body, expires) VALUES ($1, 1, '', 0)`, fmt.Sprint(i)); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return errGone
				case 2:
					panic("a mistake")
				}
				return nil
			})
			var p *panicError
			if ok := []bool{err == nil, errors.Is(err, errGone), errors.As(err, &p)}[i%3]; !ok {
				t.Errorf("change %d: got %v", i, err)
			}
		})
	}
	wg.Wait()
	var n, right int
	if err := s.read.QueryRow(`SELECT COUNT(*), SUM(CASE WHEN CAST(key AS INTEGER) % 3 = 0 THEN 1 ELSE 0 END) FROM sessions`).Scan(&n, &right); err != nil || n != 20 || right != 20 {
		t.Errorf("got %d rows, %d right, %v, want 20", n, right, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.update(done, func(context.Context, *sql.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: got %v", err)
	}
}

// A database that another process locks is never waited for silently, and what
// was not acknowledged is not taken.
func TestWebChat_ALockedDatabaseIsSaidSo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.db")
	write, read := openSQLite(t, file)
	store, err := OpenStore(context.Background(), write, read, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, store, HandlerFunc(echo), WebOptions{}, fast)
	chat := s.begin(t)
	other, _ := openSQLite(t, file)
	lock, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if status := s.say(t, chat, "m1", "x"); status != 503 {
		t.Errorf("while it is locked: %d, want 503", status)
	}
	if took := time.Since(begin); took > 7*time.Second {
		t.Errorf("told after %v, want 5s or so", took)
	}
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if status := s.say(t, chat, "m1", "x"); status != 202 {
		t.Errorf("sent again: %d, want 202", status)
	}
	events, _ := s.listen(t, chat, 0)
	if own, reply := next(t, events), next(t, events); own.id != "1" || reply.id != "2" {
		t.Errorf("got %+v, %+v", own, reply)
	}
}

func TestWebChat_AFullDiskIsSaidSoAndWorkGoesOnLater(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := newSite(t, store, HandlerFunc(echo), WebOptions{}, fast)
	chat := s.begin(t)
	var pages int
	if err := store.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := store.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	status, last := 0, 0
	for status != 503 && last < 200 {
		status = s.say(t, chat, fmt.Sprint("m", last), strings.Repeat("长", 1500))
		last++
	}
	if status != 503 {
		t.Fatal("the disk was never full")
	}
	limit(1 << 30)
	for i := range last {
		if status := s.say(t, chat, fmt.Sprint("m", i), strings.Repeat("长", 1500)); status != 202 {
			t.Errorf("message %d sent again: %d, want 202", i, status)
		}
	}
	until(t, "all are answered once", func() bool {
		c, err := store.conversation(t.Context(), Address(webPrefix+chat))
		return err == nil && c.Last == int64(2*last)
	})
	var ok string
	if err := store.read.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Errorf("integrity: %s, %v", ok, err)
	}
}
