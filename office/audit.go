package office

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	return db.update(ctx, func(tx *sql.Tx) error { return db.audit(ctx, tx, actor, action, object, "") })
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
