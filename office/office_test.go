package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOpen_MakesAndReopensAFileOnlyTheOwnerReads(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new dir")
	for range 2 {
		db, err := Open(context.Background(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(context.Background()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, fileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestOpen_SQLiteSettings(t *testing.T) {
	t.Parallel()
	db, err := Open(context.Background(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write, read, dialect := db.Handles()
	if dialect != "sqlite" {
		t.Errorf("got dialect %q", dialect)
	}
	for _, handle := range []*sql.DB{write, read} {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "secure_delete": "1",
		} {
			var got string
			if err := handle.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", pragma, got, err, want)
			}
		}
	}
	if _, err := read.Exec(`INSERT INTO properties (name, value) VALUES ('a', 'b')`); err == nil {
		t.Error("the reading handle wrote")
	}
}

func TestOpen_RefusesNewerRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec(`INSERT INTO schema_office (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(context.Background(), Options{Dir: dir})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Conflict {
		t.Fatalf("got %v, %v, want a conflict", db, err)
	}
}

func TestOpen_RefusesSettingsItCannotUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"no directory":        {},
		"a file as directory": {Dir: file},
		"another database":    {DatabaseURL: "mysql://localhost/x"},
		"a bad address":       {DatabaseURL: "postgres://localhost:port/x"},
	} {
		if db, err := Open(context.Background(), o); KindOf(err) != Invalid {
			t.Errorf("%s: got %v, %v, want an invalid setting", name, db, err)
		}
	}
}

func TestMigrations_AreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		if base := filepath.Base(name); base[:4] != fmt.Sprintf("%04d", i+1) {
			t.Errorf("%s: want number %d", base, i+1)
		}
	}
}
