package office

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// backupMark begins a backup of PostgreSQL; one of SQLite is a database file.
const backupMark = `{"mingbai_backup":1}`

// maxBackupRow bounds one row of a backup that is read, in bytes.
const maxBackupRow = 16 << 20

// Backup writes one consistent state of all records to a new file while others
// go on working: a database file of SQLite, or the rows of PostgreSQL as
// compressed JSON lines. progress is told each table that is done; it may be nil.
func (db *DB) Backup(ctx context.Context, file string, progress func(table string, rows int)) error {
	if progress == nil {
		progress = func(string, int) {}
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return conflict("文件 %s 已经有了，备份不覆盖旧的，请换一个名字。", file)
	}
	if err != nil {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("写不了文件 %s。", file), Err: err}
	}
	if db.dialect == "sqlite" {
		err = db.vacuum(ctx, file, progress)
	} else {
		err = db.dump(ctx, f, progress)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(file))
	}
	return nil
}

// vacuum copies the file over a connection of its own, so that writers wait for
// nothing.
func (db *DB) vacuum(ctx context.Context, file string, progress func(string, int)) error {
	conn, err := sql.Open("sqlite", sqliteDSN(db.path, "_txlock", "deferred"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return err
	}
	tables, err := db.tables(ctx, conn)
	for _, t := range tables {
		progress(t, 0)
	}
	return err
}

func (db *DB) dump(ctx context.Context, w io.Writer, progress func(string, int)) error {
	tx, err := db.snapshot(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // only read
	z := gzip.NewWriter(w)
	if _, err := io.WriteString(z, backupMark+"\n"); err != nil {
		return err
	}
	tables, err := db.tables(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		n, err := dumpTable(ctx, tx, z, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		progress(t, n)
	}
	return z.Close()
}

func dumpTable(ctx context.Context, tx *sql.Tx, w io.Writer, table string) (n int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT row_to_json(t)::text FROM `+quoted(table)+` t`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			return n, err
		}
		line, err := json.Marshal(map[string]json.RawMessage{"table": json.RawMessage(`"` + table + `"`), "row": json.RawMessage(row)})
		if err != nil {
			return n, err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, ``) + `"` }

// first are the tables that others point to; they are restored in this order,
// before the rest.
var first = []string{"orgs", "people", "cases", "notices", "alerts", "items", "plans", "lecturers", "lectures", "orders"}

// tables lists all tables but those that number the schema, in an order in which
// they can be restored.
func (db *DB) tables(ctx context.Context, q querier) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'schema_%' ORDER BY name`
	if db.dialect != "sqlite" {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
			AND table_name NOT LIKE 'schema\_%' ORDER BY table_name`
	}
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	place := func(t string) int {
		if i := slices.Index(first, t); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(list, func(a, b string) int { return place(a) - place(b) })
	return list, rows.Err()
}

// RestoreFile puts a backup of SQLite into a new data directory. A Conflict if
// there are records already. Open it then: that brings its schema up to date, or
// says that a newer program wrote it.
func RestoreFile(file, dir string) error {
	to := filepath.Join(dir, fileName)
	if _, err := os.Stat(to); err == nil {
		return conflict("%s 里已经有记录，只能恢复到新的地方。", dir)
	}
	in, err := os.Open(file)
	if err != nil {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("打不开备份 %s。", file), Err: err}
	}
	defer in.Close()
	head := make([]byte, 16)
	if _, err := io.ReadFull(in, head); err != nil || string(head) != "SQLite format 3\x00" {
		return invalid("%s 不是 SQLite 的备份；PostgreSQL 的备份要设 DATABASE_URL 再恢复。", file)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("不能建立数据目录 %s。", dir), Err: err}
	}
	out, err := os.OpenFile(to+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return os.Rename(to+".part", to)
}

// RestoreRows puts a backup of PostgreSQL into this new, empty database, all of
// it or nothing. A Conflict if there are records already.
func (db *DB) RestoreRows(ctx context.Context, r io.Reader, progress func(table string, rows int)) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return &Error{Kind: Invalid, Msg: "不是 PostgreSQL 的备份，或者文件不完整。", Err: err}
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, maxBackupRow)
	if !lines.Scan() || lines.Text() != backupMark {
		return invalid("不是 PostgreSQL 的备份。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		var used int
		if err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM orgs) + (SELECT COUNT(*) FROM cases) + (SELECT COUNT(*) FROM consults)`).Scan(&used); err != nil {
			return err
		}
		if used > 0 {
			return conflict("这个数据库里已经有记录，只能恢复到新的数据库。")
		}
		tables, err := db.tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range slices.Backward(tables) {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+quoted(t)); err != nil {
				return fmt.Errorf("restore %s: %w", t, err)
			}
		}
		counts := map[string]int{}
		for lines.Scan() {
			var x struct {
				Table string
				Row   json.RawMessage
			}
			if err := json.Unmarshal(lines.Bytes(), &x); err != nil || !slices.Contains(tables, x.Table) {
				return &Error{Kind: Invalid, Msg: fmt.Sprintf("备份里有看不懂的一行（表 %s）：可能是更新版本的程序写的。", x.Table), Err: err}
			}
			t := quoted(x.Table)
			if _, err := tx.ExecContext(ctx, `INSERT INTO `+t+` SELECT * FROM json_populate_record(NULL::`+t+`, $1::json)`, string(x.Row)); err != nil {
				return fmt.Errorf("restore %s: %w", x.Table, err)
			}
			counts[x.Table]++
		}
		if err := lines.Err(); err != nil {
			return &Error{Kind: Invalid, Msg: "备份文件不完整。", Err: err}
		}
		return resume(ctx, tx, tables, counts, progress)
	})
}

// resume lets keys that count by themselves go on behind what was restored.
func resume(ctx context.Context, tx *sql.Tx, tables []string, counts map[string]int, progress func(string, int)) error {
	for _, t := range tables {
		if progress != nil {
			progress(t, counts[t])
		}
		rows, err := tx.QueryContext(ctx, `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'`, t)
		if err != nil {
			return err
		}
		var columns []string
		for rows.Next() {
			var c string
			if err := rows.Scan(&c); err != nil {
				return errors.Join(err, rows.Close())
			}
			columns = append(columns, c)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, c := range columns {
			if _, err := tx.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence('`+quoted(t)+`', '`+c+`'), COALESCE((SELECT MAX(`+quoted(c)+`) FROM `+quoted(t)+`), 0) + 1, false)`); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fingerprint is a hash of all rows of each table, to see that a restored copy
// holds the same.
func (db *DB) Fingerprint(ctx context.Context) (map[string]string, error) {
	tx, err := db.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // only read
	tables, err := db.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, t := range tables {
		if out[t], err = hashTable(ctx, tx, t); err != nil {
			return nil, fmt.Errorf("fingerprint %s: %w", t, err)
		}
	}
	return out, nil
}

func hashTable(ctx context.Context, tx *sql.Tx, table string) (string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+quoted(table))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintf("%q", fmt.Sprint(values...)))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:]), rows.Err()
}
