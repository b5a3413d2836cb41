package office

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"mingbai/internal/servers"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(lockHelper); file != "" {
		os.Exit(lockFile(file))
	}
	code := m.Run()
	servers.Stop()
	os.Remove(crashPath()) //nolint:errcheck // if it was built
	os.Exit(code)
}

func TestOpen_PostgreSQL(t *testing.T) {
	t.Parallel()
	o := Options{DatabaseURL: servers.PostgresURL(t)}
	var wg sync.WaitGroup
	for range 3 { // as several processes that start at once
		wg.Go(func() {
			db, err := Open(context.Background(), o)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Ping(context.Background()); err != nil {
				t.Error(err)
			}
			if write, read, dialect := db.Handles(); write != read || dialect != "postgres" {
				t.Errorf("got dialect %q", dialect)
			}
		})
	}
	wg.Wait()
	db, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.write.Exec(`INSERT INTO schema_office (version_id, is_applied) VALUES (9999, true)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(context.Background(), o); KindOf(err) != Conflict {
		t.Errorf("newer records: got %v, %v, want a conflict", db, err)
	}
}
