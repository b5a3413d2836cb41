package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// eraseOrders takes what tells of the person out of the orders they placed; those
// that are still to be held stay until they are over or cancelled.
func (db *DB) eraseOrders(ctx context.Context, tx *sql.Tx, a Account, e *Erasure) error {
	rows, err := tx.QueryContext(ctx, `SELECT id, no, state FROM orders WHERE account = $1 ORDER BY id`, string(a))
	if err != nil {
		return fmt.Errorf("erase orders: %w", err)
	}
	var over []int64
	for rows.Next() {
		var id int64
		var no, state string
		if err := rows.Scan(&id, &no, &state); err != nil {
			return errors.Join(err, rows.Close())
		}
		if !OrderState(state).Open() {
			over = append(over, id)
			continue
		}
		e.Kept = append(e.Kept, Kept{What: no, Why: "讲座还没有讲，讲师要凭它联系您。讲完以后可以删；不听了，先回“取消讲座 " + no + " 原因”。"})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range over {
		if err := db.eraseOrder(ctx, tx, id); err != nil {
			return err
		}
		e.Erased["讲座订单"]++
	}
	return nil
}

// eraseOrder takes who ordered out of one order, its history and the messages
// about it, and its photo, which shows people of the place. Topic, place, day and
// figures stay.
func (db *DB) eraseOrder(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, query := range []string{
		`DELETE FROM item_images WHERE sum IN (SELECT picture FROM orders WHERE id = $1 AND picture <> '')`,
		`UPDATE activities SET photo = '' WHERE order_id = $1`,
		`UPDATE orders SET account = '', contact = '', phone = '', wish = '', reason = '', photo = '', picture = '', request = 'erased ' || CAST(id AS TEXT), version = version + 1 WHERE id = $1`,
		`UPDATE order_events SET note = '', request = 'erased ' || CAST(id AS TEXT) WHERE order_id = $1`,
		db.emptyNotices() + `, account = '' WHERE kind = 'lecture' AND once LIKE 'lecture ' || CAST(CAST($1 AS BIGINT) AS TEXT) || ' %'`,
	} {
		if _, err := tx.ExecContext(ctx, query, id); err != nil {
			return fmt.Errorf("erase order: %w", err)
		}
	}
	return nil
}
