// Package office keeps the records and all rules about them. It hides which
// database holds them: an SQLite file in the data directory by default, or
// PostgreSQL. It does not know how people reach the office, nor what the law
// says.
package office

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mingbai/internal/migrate"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// fileName is the SQLite file in Options.Dir.
const fileName = "mingbai.db"

// Pool sizes. SQLite lets one connection write at a time, so a second would
// only wait; readers do not wait for the writer in WAL mode. PostgreSQL forks a
// process a connection: 12 serve 300 messages a second on two cores, and eight
// program instances stay below its default of 100.
const (
	sqliteReaders = 8
	postgresConns = 12
)

// Options says where the records are.
type Options struct {
	Dir         string           // directory of the SQLite file; made if missing, readable by the owner only
	DatabaseURL string           // postgres://…; empty: the file in Dir
	Now         func() time.Time // time.Now if nil
	Publishing  Publishing       // DefaultPublishing if zero
}

// DB is the records database. It is safe for concurrent use.
type DB struct {
	write, read *sql.DB
	dialect     string
	path        string // of the SQLite file
	server      string // host and port of PostgreSQL, for advice
	now         func() time.Time
	key         atomic.Pointer[[]byte] // accounts are hashed with it
	publishing  Publishing
	hasher      *hasher
}

// Open opens the records, makes them if there are none, and brings their
// schema up to date. It returns an *Error of kind Invalid if the setting cannot
// be used, of kind Conflict if a newer program wrote the records, and of kind
// Unavailable, with advice, if they cannot be reached or written to.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{now: o.Now, publishing: o.Publishing, hasher: newHasher()}
	if db.publishing == (Publishing{}) {
		db.publishing = DefaultPublishing
	}
	if db.now == nil {
		db.now = time.Now
	}
	var err error
	if o.DatabaseURL != "" {
		err = db.openPostgres(o.DatabaseURL)
	} else {
		err = db.openSQLite(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		if advice, ok := outage(err); ok {
			err = &Error{Kind: Unavailable, Msg: db.place() + advice, Err: err}
		}
		return nil, errors.Join(err, db.Close())
	}
	if err := db.indexCases(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes the database. Statements under way end first.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

// Handles gives the database to packages that keep their own tables in it: a
// handle to write with, one to read with (they may be the same), and the
// dialect, "sqlite" or "postgres".
func (db *DB) Handles() (write, read *sql.DB, dialect string) {
	return db.write, db.read, db.dialect
}

// Ping says whether the records can be written to.
func (db *DB) Ping(ctx context.Context) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO properties (name, value) VALUES ('ping', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, db.now().UTC().Format(time.RFC3339))
		return err
	})
}

// update runs f in one transaction on the writing handle, and commits unless f
// fails.
func (db *DB) update(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // no effect after Commit
	if err := f(tx); err != nil {
		return err
	}
	crash("commit")
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (db *DB) openSQLite(dir string) error {
	if dir == "" {
		return &Error{Kind: Invalid, Msg: "没有设置数据目录。"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("不能建立数据目录 %s。", dir), Err: err}
	}
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	// SQLite gives its -wal and -shm files the mode of the database file.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("不能写数据库文件 %s。", path), Err: err}
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the database file: %w", err)
	}
	db.dialect, db.path = migrate.SQLite, path
	if db.write, err = sql.Open("sqlite", sqliteDSN(path, "_txlock", "immediate")); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = sql.Open("sqlite", sqliteDSN(path, "_pragma", "query_only(1)")); err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), db.write.Close())
	}
	db.read.SetMaxOpenConns(sqliteReaders)
	db.read.SetMaxIdleConns(sqliteReaders)
	return nil
}

// sqliteDSN names the file with the settings every connection needs.
// synchronous(FULL) makes a commit survive a power cut, not only a crash;
// secure_delete overwrites what a person had erased; the busy timeout is in
// milliseconds and is how long a write waits for another process.
func sqliteDSN(path, key, value string) string {
	q := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)",
	}}
	q.Add(key, value)
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func (db *DB) openPostgres(address string) error {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return &Error{Kind: Invalid, Msg: "DATABASE_URL 要以 postgres:// 开头；留空则使用数据目录里的文件。"}
	}
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return &Error{Kind: Invalid, Msg: "DATABASE_URL 写得不对，例：postgres://用户:密码@主机:5432/mingbai", Err: err}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "mingbai"
	}
	db.dialect, db.server = migrate.Postgres, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	db.write = stdlib.OpenDB(*c)
	db.write.SetMaxOpenConns(postgresConns)
	db.write.SetMaxIdleConns(postgresConns)
	db.write.SetConnMaxIdleTime(5 * time.Minute)
	db.read = db.write
	return nil
}

// place begins advice with where the records are; never with a password.
func (db *DB) place() string {
	if db.server != "" {
		return "PostgreSQL（" + db.server + "）："
	}
	return db.path + "："
}

func (db *DB) migrate(ctx context.Context) error {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	err = migrate.Up(ctx, db.write, db.dialect, "schema_office", fsys)
	var newer *migrate.NewerError
	if errors.As(err, &newer) {
		return &Error{Kind: Conflict, Err: err, Msg: fmt.Sprintf(
			"数据库是更新版本的程序写的（版本 %d，本程序只认识到 %d）：请换用新版程序，或恢复升级前的备份。", newer.Have, newer.Know)}
	}
	if err != nil {
		return fmt.Errorf("open the records: %w", err)
	}
	return nil
}
