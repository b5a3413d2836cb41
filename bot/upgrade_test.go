package bot

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"mingbai/internal/migrate"
	"mingbai/internal/servers"
)

// Tables of every earlier schema, the oldest included, are brought up to date
// with the message that waited in them.
func TestOpenStore_FromEveryEarlierSchema(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for dialect, open := range map[string]func(t *testing.T) (*sql.DB, *sql.DB){
		"sqlite": func(t *testing.T) (*sql.DB, *sql.DB) { return openSQLite(t, filepath.Join(t.TempDir(), "old.db")) },
		"postgres": func(t *testing.T) (*sql.DB, *sql.DB) {
			db, err := sql.Open("pgx", servers.PostgresURL(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db, db
		},
	} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			for n := 1; n < len(files); n++ {
				write, read := open(t)
				old := fstest.MapFS{}
				for _, f := range files[:n] {
					body, err := migrations.ReadFile(f)
					if err != nil {
						t.Fatal(err)
					}
					old[filepath.Base(f)] = &fstest.MapFile{Data: body}
				}
				if err := migrate.Up(t.Context(), write, dialect, "schema_bot", old); err != nil {
					t.Fatalf("schema %d: %v", n, err)
				}
				if _, err := write.Exec(`INSERT INTO inbox (channel, chat, id, sender, text, said, taken, owner, lease)
					VALUES ('web', 'web/user/a', '1', 'web/user/a', '等着回答', 1, 1, 'gone', 1)`); err != nil {
					t.Fatal(err)
				}
				store, err := OpenStore(t.Context(), write, read, dialect)
				if err != nil {
					t.Fatalf("from schema %d: %v", n, err)
				}
				it, err := NewInbox(store).next(t.Context(), "web/user/a")
				if err != nil || it == nil || it.Text != "等着回答" {
					t.Errorf("from schema %d: got %+v, %v", n, it, err)
				}
			}
		})
	}
}
