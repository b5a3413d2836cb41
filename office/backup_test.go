package office

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mingbai/internal/migrate"
	"mingbai/internal/servers"
)

// The drill: a backup taken while somebody writes holds one whole state; one
// taken at rest has the same rows when it is restored, and numbers go on.
func TestBackup_RestoreDrill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		c := mustOpen(t, db, s.resident, wall()).Case
		mustAct(t, db, s.clerk, c.No, Action{Verb: "accept"})
		busy, rest := filepath.Join(t.TempDir(), "busy"), filepath.Join(t.TempDir(), "rest")
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range 10 {
				d := wall()
				d.Story = fmt.Sprintf("备份的时候来的第%d件。", i)
				if _, err := db.OpenCase(ctx, s.resident, d); err != nil {
					t.Error(err)
				}
			}
		})
		err := db.Backup(ctx, busy, nil)
		writer.Wait()
		if err != nil {
			t.Fatal(err)
		}
		want, err := db.Fingerprint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(ctx, rest, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(ctx, rest, nil); KindOf(err) != Conflict {
			t.Errorf("an old backup is written over: %v", err)
		}
		if info, err := os.Stat(rest); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v", info.Mode(), err)
		}
		restored(t, db, busy)
		copied := restored(t, db, rest)
		got, err := copied.Fingerprint(ctx)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("the restored rows differ: %v\n%v\n%v", err, got, want)
		}
		d := wall()
		d.Story = "恢复以后来的一件。"
		if o := mustOpen(t, copied, s.resident, d); o.Case.No != "2026-城东-0012" {
			t.Errorf("the next number is %s", o.Case.No)
		}
	})
}

// restored puts a backup into a new place, and checks it.
func restored(t *testing.T, from *DB, file string) *DB {
	t.Helper()
	o := Options{Now: from.now}
	if from.dialect == "sqlite" {
		o.Dir = t.TempDir()
		if err := RestoreFile(file, o.Dir); err != nil {
			t.Fatal(err)
		}
		if err := RestoreFile(file, o.Dir); KindOf(err) != Conflict {
			t.Errorf("restored over records: %v", err)
		}
	} else {
		o.DatabaseURL = servers.PostgresURL(t)
	}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if o.DatabaseURL != "" {
		for again := range 2 {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			err = db.RestoreRows(t.Context(), f, nil)
			f.Close()
			if again == 0 && err != nil || again == 1 && KindOf(err) != Conflict {
				t.Fatalf("time %d: %v", again, err)
			}
		}
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	return db
}

// Records of every earlier schema, the oldest included, are brought up to date
// with what was in them.
func TestOpen_FromEveryEarlierSchema(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; n < len(files); n++ {
				o := options(t)
				db := &DB{now: time.Now}
				var err error
				if o.DatabaseURL != "" {
					err = db.openPostgres(o.DatabaseURL)
				} else {
					err = db.openSQLite(o.Dir)
				}
				if err != nil {
					t.Fatal(err)
				}
				old := fstest.MapFS{}
				for _, f := range files[:n] {
					body, err := migrations.ReadFile(f)
					if err != nil {
						t.Fatal(err)
					}
					old[filepath.Base(f)] = &fstest.MapFile{Data: body}
				}
				err = migrate.Up(t.Context(), db.write, db.dialect, "schema_office", old)
				if err == nil {
					_, err = db.write.Exec(`INSERT INTO properties (name, value) VALUES ('kept', 'since then')`)
				}
				if err := errors.Join(err, db.Close()); err != nil {
					t.Fatalf("schema %d: %v", n, err)
				}
				up, err := Open(t.Context(), o)
				if err != nil {
					t.Fatalf("from schema %d: %v", n, err)
				}
				var kept string
				err = up.read.QueryRow(`SELECT value FROM properties WHERE name = 'kept'`).Scan(&kept)
				if err := errors.Join(err, up.Check(t.Context()), up.Close()); err != nil || kept != "since then" {
					t.Errorf("from schema %d: %q, %v", n, kept, err)
				}
			}
		})
	}
}
