package bot

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"mingbai/internal/migrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the part of the records database that the bot keeps for itself:
// messages taken, sessions and the web page's conversations. It is safe for
// concurrent use; several processes may use one PostgreSQL database if their
// clocks agree within five seconds.
type Store struct {
	write, read *sql.DB
	dialect     string
	now         func() time.Time
	batch       batch
}

// OpenStore makes or updates the bot's tables in a database that somebody else
// opened and will close. dialect is "sqlite" or "postgres"; write and read may
// be the same handle. It fails if a newer program wrote the tables.
func OpenStore(ctx context.Context, write, read *sql.DB, dialect string) (*Store, error) {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := migrate.Up(ctx, write, dialect, "schema_bot", fsys); err != nil {
		return nil, fmt.Errorf("open the bot's tables: %w", err)
	}
	return &Store{write: write, read: read, dialect: dialect, now: time.Now}, nil
}

// shared says whether other processes may use the same database.
func (s *Store) shared() bool { return s.dialect == migrate.Postgres }

// brief bounds one look at the database: a server that neither answers nor
// refuses must not hold a conversation for ever.
func brief(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, batchTime)
}

// exec runs one statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	if s.shared() {
		ctx, cancel := brief(ctx)
		defer cancel()
		r, err := s.write.ExecContext(ctx, query, args...)
		if err != nil {
			return 0, err
		}
		return r.RowsAffected()
	}
	err = s.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// ms is the unit of time in the tables.
func (s *Store) ms() int64 { return s.now().UnixMilli() }

// prune deletes what is too old: messages taken before keep, sessions that
// have run out, conversations silent since keep. It returns the rows deleted.
func (s *Store) prune(ctx context.Context, keep time.Duration) (int64, error) {
	now, old := s.ms(), s.now().Add(-keep).UnixMilli()
	var total int64
	for _, q := range []struct {
		text string
		arg  int64
	}{
		{`DELETE FROM inbox WHERE taken < $1`, old},
		{`DELETE FROM sessions WHERE expires < $1`, now},
		{`DELETE FROM conversations WHERE seen < $1`, old},
		{`DELETE FROM qq_events WHERE at < $1`, old},
		{`DELETE FROM held WHERE expires < $1`, now},
		{`DELETE FROM qq_anchors WHERE at < $1`, old},
		{`DELETE FROM qq_parts WHERE at < $1`, old},
		{`DELETE FROM qq_verdicts WHERE at < $1`, old},
		{`DELETE FROM codes WHERE expires < $1`, now},
	} {
		n, err := s.exec(ctx, q.text, q.arg)
		if err != nil {
			return total, fmt.Errorf("prune: %w", err)
		}
		total += n
	}
	return total, nil
}

// isNoRows says that a query found nothing.
func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
