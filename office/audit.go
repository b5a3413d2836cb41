package office

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AuditEntry is one thing somebody did. Detail holds no words of residents.
type AuditEntry struct {
	Seq    int64     `json:"seq"` // from 1, without gaps
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Object string    `json:"object"` // a case number, "person 4", …
	Detail string    `json:"detail"`
	Hash   string    `json:"hash"`
}

// audit adds an entry to the chain. It comes last in a transaction: from here
// to the commit nobody else can add one.
func (db *DB) audit(ctx context.Context, tx *sql.Tx, actor, action, object, detail string) error {
	e := AuditEntry{At: db.now(), Actor: actor, Action: action, Object: object, Detail: detail}
	var before string
	if err := tx.QueryRowContext(ctx, `UPDATE audit_head SET seq = seq + 1 WHERE one = 1 RETURNING seq, hash`).Scan(&e.Seq, &before); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	e.Hash = e.chain(before)
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (seq, at, actor, action, object, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.Seq, e.At.Unix(), e.Actor, e.Action, e.Object, e.Detail, e.Hash); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	crash("audit")
	if _, err := tx.ExecContext(ctx, `UPDATE audit_head SET hash = $1 WHERE one = 1`, e.Hash); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Note adds an entry to the audit for something that changed no record, such as
// a request that was refused.
func (db *DB) Note(ctx context.Context, actor, action, object string) error {
	return db.NoteDetail(ctx, actor, action, object, "")
}

// NoteDetail is Note with a detail, which holds no words of residents.
func (db *DB) NoteDetail(ctx context.Context, actor, action, object, detail string) error {
	return db.update(ctx, func(tx *sql.Tx) error { return db.audit(ctx, tx, actor, action, object, detail) })
}

// chain hashes the entry together with the hash of the one before.
func (e AuditEntry) chain(before string) string {
	text, _ := json.Marshal([]any{before, e.Seq, e.At.Unix(), e.Actor, e.Action, e.Object, e.Detail}) // strings and numbers only
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// VerifyAudit walks the whole chain and returns its length. A Conflict names
// the first entry that was changed, is missing or was added without the chain.
func (db *DB) VerifyAudit(ctx context.Context) (n int64, err error) {
	tx, err := db.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // only read
	rows, err := tx.QueryContext(ctx, `SELECT seq, at, actor, action, object, detail, hash FROM audit ORDER BY seq`)
	if err != nil {
		return 0, fmt.Errorf("verify audit: %w", err)
	}
	defer rows.Close()
	before := ""
	for rows.Next() {
		e, err := scanAudit(rows)
		if err != nil {
			return n, err
		}
		if e.Seq != n+1 || e.Hash != e.chain(before) {
			return n, conflict("审计记录从第 %d 条起对不上：有人改过、删过或插进了记录。", n+1)
		}
		n, before = e.Seq, e.Hash
	}
	if err := rows.Err(); err != nil {
		return n, fmt.Errorf("verify audit: %w", err)
	}
	var seq int64
	var hash string
	if err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit_head WHERE one = 1`).Scan(&seq, &hash); err != nil {
		return n, fmt.Errorf("verify audit: %w", err)
	}
	if seq != n || hash != before {
		return n, conflict("审计记录的末尾被删过：应有 %d 条，只有 %d 条。", seq, n)
	}
	return n, nil
}

func scanAudit(rows *sql.Rows) (e AuditEntry, err error) {
	var at int64
	if err := rows.Scan(&e.Seq, &at, &e.Actor, &e.Action, &e.Object, &e.Detail, &e.Hash); err != nil {
		return e, fmt.Errorf("read audit: %w", err)
	}
	e.At = time.Unix(at, 0)
	return e, nil
}

// Audit lists the newest entries about an object, or about all if it is empty.
func (db *DB) Audit(ctx context.Context, object string, n int) ([]AuditEntry, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT seq, at, actor, action, object, detail, hash FROM audit
		WHERE $1 = '' OR object = $1 ORDER BY seq DESC LIMIT $2`, object, n)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var list []AuditEntry
	for rows.Next() {
		e, err := scanAudit(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// AuditFilter narrows the audit. Zero fields do not.
type AuditFilter struct {
	Text     string    // part of actor, action, object or detail
	Object   string    // this object alone
	Actor    string    // this actor alone, as Person.Actor gives it
	From, To time.Time // from inclusive, to exclusive
	Limit    int       // 0: 50
	Offset   int
}

// SearchAudit lists the entries that fit, the newest first, and how many there
// are.
func (db *DB) SearchAudit(ctx context.Context, f AuditFilter) ([]AuditEntry, int, error) {
	w := clause{and: []string{"1 = 1"}}
	if t := escapeLike(strings.TrimSpace(f.Text)); t != "" {
		a := w.arg("%" + t + "%")
		w.and = append(w.and, fmt.Sprintf("(actor LIKE %s OR action LIKE %s OR object LIKE %s OR detail LIKE %s)", a, a, a, a))
	}
	if f.Object != "" {
		w.and = append(w.and, "object = "+w.arg(f.Object))
	}
	if f.Actor != "" {
		w.and = append(w.and, "actor = "+w.arg(f.Actor))
	}
	if !f.From.IsZero() {
		w.and = append(w.and, "at >= "+w.arg(f.From.Unix()))
	}
	if !f.To.IsZero() {
		w.and = append(w.and, "at < "+w.arg(f.To.Unix()))
	}
	where := strings.Join(w.and, " AND ")
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE `+where, w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("audit: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT seq, at, actor, action, object, detail, hash FROM audit WHERE `+where+
		` ORDER BY seq DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var list []AuditEntry
	for rows.Next() {
		e, err := scanAudit(rows)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, e)
	}
	return list, total, rows.Err()
}

// snapshot begins a transaction that sees one state of the records throughout.
func (db *DB) snapshot(ctx context.Context) (*sql.Tx, error) {
	o := &sql.TxOptions{ReadOnly: true}
	if db.dialect != "sqlite" {
		o.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.read.BeginTx(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return tx, nil
}
