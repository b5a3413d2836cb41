package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Recall takes a published piece back: off the cloud and the hooks, and whoever
// was sent it is told so with the reason. What was not sent yet is not.
func (db *DB) Recall(ctx context.Context, by Person, id int64, why string) (Piece, error) {
	why = strings.TrimSpace(cleanText(why))
	if utf8.RuneCountInString(why) > maxPieceNote {
		return Piece{}, invalid("原因最多 %d 个字。", maxPieceNote)
	}
	return db.movePiece(ctx, by, id, "recall", 0, why, func(tx *sql.Tx, it *Piece) error {
		if it.Live == 0 {
			return conflict("这条内容没有发布过，不用撤回。")
		}
		it.Live, it.Withdrawn, it.Why = 0, db.now(), why
		if err := db.savePiece(ctx, tx, it); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'cancelled', changed = $1 WHERE item = $2 AND act = 'publish' AND state = 'planned'`, db.now().Unix(), id); err != nil {
			return fmt.Errorf("recall: %w", err)
		}
		crash("recall")
		return db.correct(ctx, tx, `d.item = $1`, []any{id})
	})
}

// Settle is for uncertain deliveries, after somebody asked: arrived, did not
// arrive, or (again) is to be sent once more. What was given up may be sent again
// too.
func (db *DB) Settle(ctx context.Context, by Person, id int64, what string) error {
	state, ok := map[string]string{"arrived": Sent, "lost": Failed, "again": Planned}[what]
	switch {
	case !by.MayPublish():
		return forbidden("不确定的送达由普法干部来核实。")
	case !ok:
		return invalid("写 arrived（送到了）、lost（没送到）或 again（再发一次）。")
	}
	if path, err := db.DeliveryPath(ctx, id); err != nil {
		return err
	} else if !by.covers(Officer, path) && !by.covers(Admin, path) {
		return forbidden("不确定的送达由本辖区的普法干部来核实。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		now := db.now().Unix()
		r, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = CAST($1 AS TEXT), changed = CAST($2 AS BIGINT), due = 0,
			expires = CASE WHEN CAST($1 AS TEXT) = 'planned' THEN CAST($2 AS BIGINT) + 86400 ELSE expires END,
			sent = CASE WHEN CAST($1 AS TEXT) = 'sent' THEN CAST($2 AS BIGINT) ELSE sent END, settled = $3,
			attempts = CASE WHEN CAST($1 AS TEXT) = 'planned' THEN 0 ELSE attempts END
			WHERE id = $4 AND (state = 'uncertain' OR state IN ('failed', 'expired') AND CAST($1 AS TEXT) = 'planned')
			AND (CAST($1 AS TEXT) <> 'planned' OR act <> 'publish' OR EXISTS (SELECT 1 FROM items i WHERE i.id = deliveries.item AND i.live > 0))`, state, now, by.label(), id)
		if err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(conflict("这一条已经有人处理了，或者内容已经撤回。"), err)
		}
		if err := db.correct(ctx, tx, `d.id = $1`, []any{id}); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(by), "settle "+what, fmt.Sprintf("delivery %d", id), "")
	})
}

// DeliveryFilter narrows the ledger. Zero fields do not.
type DeliveryFilter struct {
	Piece  int64
	States []string
	Sink   string
	Act    string
	For    *Person // only what this officer or administrator has to do with
	Limit  int     // 50 if 0
	Offset int
}

// Deliveries reads the ledger, what changed last first, and how many rows there
// are in all.
func (db *DB) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, int, error) {
	var w clause
	from := ` FROM deliveries d JOIN item_versions v ON v.item = d.item AND v.version = d.version JOIN items i ON i.id = d.item WHERE 1 = 1`
	if f.For != nil {
		from += w.desks(*f.For, "i.path")
	}
	if f.Piece != 0 {
		from += ` AND d.item = ` + w.arg(f.Piece)
	}
	if f.Sink != "" {
		from += ` AND d.sink = ` + w.arg(f.Sink)
	}
	if f.Act != "" {
		from += ` AND d.act = ` + w.arg(f.Act)
	}
	var in []string
	for _, s := range f.States {
		in = append(in, w.arg(s))
	}
	if in != nil {
		from += ` AND d.state IN (` + strings.Join(in, ", ") + `)`
	}
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*)`+from, w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("deliveries: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT `+deliveryColumns+`, v.title`+from+` ORDER BY d.changed DESC, d.id DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("deliveries: %w", err)
	}
	defer rows.Close()
	var list []Delivery
	for rows.Next() {
		var title string
		d, err := scanDelivery(rows, &title)
		if err != nil {
			return nil, 0, fmt.Errorf("deliveries: %w", err)
		}
		d.Title = title
		list = append(list, d)
	}
	return list, total, rows.Err()
}

// DeliveryPath is the place whose officers deal with a delivery.
func (db *DB) DeliveryPath(ctx context.Context, id int64) (path string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT i.path FROM deliveries d JOIN items i ON i.id = d.item WHERE d.id = $1`, id).Scan(&path)
	if errors.Is(err, sql.ErrNoRows) {
		return "", notFound("台账里没有这一条。")
	}
	return path, err
}

// Tally counts deliveries.
type Tally struct {
	Act   string `json:"act"`
	Sink  string `json:"sink"`
	State string `json:"state"`
	N     int    `json:"n"`
}

// Tallies counts the deliveries of a piece; 0 counts all.
func (db *DB) Tallies(ctx context.Context, piece int64) ([]Tally, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT act, sink, state, COUNT(*) FROM deliveries WHERE CAST($1 AS BIGINT) = 0 OR item = CAST($1 AS BIGINT)
		GROUP BY act, sink, state ORDER BY act, sink, state`, piece)
	if err != nil {
		return nil, fmt.Errorf("tallies: %w", err)
	}
	defer rows.Close()
	var list []Tally
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Act, &t.Sink, &t.State, &t.N); err != nil {
			return nil, fmt.Errorf("tallies: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// maxWishes bounds how many subscriptions an address may have.
const maxWishes = 20

// Subscribe notes that somebody wants to be sent what is for an audience or of a
// topic; "" is everything.
func (db *DB) Subscribe(ctx context.Context, a Account, audience string) error {
	audience = strings.TrimSpace(audience)
	if utf8.RuneCountInString(audience) > maxName || hasControl(audience) || a == "" {
		return invalid("没有这类内容。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM subscriptions WHERE account = $1 AND stopped = 0`, string(a)).Scan(&n); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		if n >= maxWishes {
			return invalid("最多订阅 %d 类。", maxWishes)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO subscriptions (account, audience, since, stopped, code) VALUES ($1, $2, $3, 0, '')
			ON CONFLICT (account, audience) DO UPDATE SET since = excluded.since, stopped = 0, code = '' WHERE subscriptions.stopped <> 0`, string(a), audience, db.now().Unix()); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		return nil
	})
}

// Unsubscribe ends one subscription of an address, or with all every one.
func (db *DB) Unsubscribe(ctx context.Context, a Account, audience string, all bool) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE subscriptions SET stopped = $1, code = 'user' WHERE account = $2 AND stopped = 0 AND (audience = $3 OR CAST($4 AS INTEGER) = 1)`,
			db.now().Unix(), string(a), strings.TrimSpace(audience), number(all))
		if err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
		return nil
	})
}

// stopSubscriber ends all subscriptions of an address that refused.
func (db *DB) stopSubscriber(ctx context.Context, tx *sql.Tx, a Account, code string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE subscriptions SET stopped = $1, code = $2 WHERE account = $3 AND stopped = 0`, db.now().Unix(), code, string(a)); err != nil {
		return fmt.Errorf("stop subscriber: %w", err)
	}
	return nil
}
