package office

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a delivery does at its target.
const (
	ActPublish  = "publish"
	ActWithdraw = "withdraw" // takes it off the cloud and the hooks
	ActCorrect  = "correct"  // tells somebody who was sent it that it was taken back
)

// States of deliveries.
const (
	Planned   = "planned"
	Sending   = "sending"
	Sent      = "sent"
	Refused   = "refused"   // the target does not want it or may not get it
	Uncertain = "uncertain" // it may have arrived; never sent again by itself
	Failed    = "failed"    // given up
	Expired   = "expired"   // could not be sent in time
	Cancelled = "cancelled" // taken back before it was sent
)

// DeliveryStates lists all.
var DeliveryStates = []string{Planned, Sending, Sent, Refused, Uncertain, Failed, Expired, Cancelled}

// DeliveryName is what people read of a state.
func DeliveryName(state string) string {
	return map[string]string{Planned: "待发", Sending: "正在发", Sent: "已送达", Refused: "对方不收", Uncertain: "不确定",
		Failed: "没发成", Expired: "过期未发", Cancelled: "已取消"}[state]
}

// Delivery is one version for one target.
type Delivery struct {
	ID       int64     `json:"id"`
	Piece    int64     `json:"piece"`
	Number   int       `json:"version"`
	Act      string    `json:"act"`
	Sink     string    `json:"sink"`
	Target   string    `json:"target"` // "cloud", a hook's name, or a chat address
	Keyed    bool      `json:"keyed"`
	Plan     int64     `json:"plan"`
	Slot     time.Time `json:"slot"`
	State    string    `json:"state"`
	Due      time.Time `json:"due"`
	Attempts int       `json:"attempts"`
	Ref      string    `json:"ref"`
	Code     string    `json:"code"`
	Changed  time.Time `json:"changed"`
	SentAt   time.Time `json:"sent"`
	Settled  string    `json:"settled"`
	Title    string    `json:"title"`

	Version  PieceVersion `json:"-"` // what is delivered; filled in by ClaimDeliveries
	Approver string       `json:"-"`
	Late     bool         `json:"-"` // the text says when it should have come
	Why      string       `json:"-"` // of a withdrawal
}

// Key names the delivery for receivers that take the same once.
func (d Delivery) Key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", d.Piece, d.Number, d.Act, d.Target))
	return hex.EncodeToString(sum[:16])
}

// Words is what somebody who gets the delivery at a place reads.
func (d Delivery) Words(p Place) string {
	if d.Act != ActPublish {
		return fmt.Sprintf("【更正】之前发的《%s》已经撤回：%s。请不要再转发；有疑问请打 12348。", d.Version.Title, strings.TrimRight(d.Why, "。"))
	}
	late := ""
	if d.Late {
		late = "（原定" + d.Slot.In(china).Format("1月2日15:04") + "发布）"
	}
	return d.Version.Words(p, d.Approver, late)
}

// newDeliveries writes a delivery for every row "target" of what stands between.
const (
	newDeliveries = `INSERT INTO deliveries (item, version, act, sink, target, keyed, plan, slot, state, due, lease, attempts, ref, code, created, changed, sent, expires, settled)
		SELECT CAST($1 AS BIGINT), CAST($2 AS INTEGER), 'publish', CAST($3 AS TEXT), t.target, CAST($4 AS INTEGER), CAST($5 AS BIGINT), CAST($6 AS BIGINT), 'planned',
		0, 0, 0, '', '', CAST($7 AS BIGINT), CAST($7 AS BIGINT), 0, CAST($8 AS BIGINT), '' FROM (`
	onceDeliveries = `) AS t WHERE 1 = 1 ON CONFLICT (item, version, act, target) DO NOTHING`
)

// fanOut writes a delivery for every target of a plan. What a target has had of
// this version it does not get again.
func (db *DB) fanOut(ctx context.Context, tx *sql.Tx, p Plan, f Fired, it Piece, fixed map[string][]string) error {
	now := db.now()
	for _, sink := range Sinks {
		if !slices.Contains(p.Sinks, sink.Key) {
			continue
		}
		w := clause{args: []any{it.ID, f.Version, sink.Key, number(sink.Keyed), p.ID, f.At.Unix(), now.Unix(), now.Add(db.publishing.Expire).Unix()}}
		targets := []string{subscribers(&w, it.Newest)}
		if sink.Key != "chat" {
			w.args, targets = w.args[:8], nil
		}
		for part := range slices.Chunk(fixed[sink.Key], 300) {
			own := clause{args: slices.Clone(w.args)}
			var rows []string
			for _, t := range part {
				rows = append(rows, "(CAST("+own.arg(t)+" AS TEXT))")
			}
			if _, err := tx.ExecContext(ctx, newDeliveries+`SELECT column1 AS target FROM (VALUES `+strings.Join(rows, ", ")+`) AS v`+onceDeliveries, own.args...); err != nil {
				return fmt.Errorf("fan out: %w", err)
			}
		}
		for _, query := range targets {
			if _, err := tx.ExecContext(ctx, newDeliveries+query+onceDeliveries, w.args...); err != nil {
				return fmt.Errorf("fan out: %w", err)
			}
		}
	}
	return nil
}

// Outcomes of a publisher, other than nil.
type (
	// RefusedError says that the target will not take it: it is not tried again,
	// and somebody who subscribed is not written to again.
	RefusedError struct{ Code string }
	// RetryError says that it surely was not delivered and may be tried again;
	// After is the least time to wait, zero for the usual.
	RetryError struct {
		After time.Duration
		Err   error
	}
)

// ErrUncertain says that it may have been delivered. Any error that is none of
// these counts as uncertain where the receiver would take the same twice.
var ErrUncertain = errors.New("it is not certain whether it was delivered")

func (e *RefusedError) Error() string { return "refused: " + e.Code }
func (e *RetryError) Error() string   { return fmt.Sprintf("not delivered: %v", e.Err) }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }

// Tries of a delivery: attempts and the time between them, doubled each time.
const (
	maxAttempts = 8
	firstWait   = 30 * time.Second
	longestWait = 2 * time.Hour
)

func backoff(attempts int) time.Duration {
	return min(firstWait<<min(max(attempts-1, 0), 10), longestWait)
}

// ClaimDeliveries gives up to n deliveries of a sink that can be sent now, each
// to one sender only, for the time of the lease. One whose sender died is given
// again if its receiver takes the same once; else it becomes uncertain. Claim no
// more at once of the others than are sent at once.
func (db *DB) ClaimDeliveries(ctx context.Context, sink string, n int, lease time.Duration) ([]Delivery, error) {
	var ids []int64
	err := db.update(ctx, func(tx *sql.Tx) error {
		var err error
		if err = db.sweep(ctx, tx, sink); err != nil {
			return err
		}
		ids, err = db.claimDeliveries(ctx, tx, sink, n, lease)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return db.claimed(ctx, ids)
}

// recalled says of a row of deliveries that it would publish a version that was
// taken back since.
const recalled = `deliveries.act = 'publish' AND EXISTS (SELECT 1 FROM item_events e WHERE e.item = deliveries.item AND e.verb = 'recall' AND e.version >= deliveries.version)`

// sweep takes back what dead senders hold, and ends what is too old. A lease of
// more than a day, or a wait of more than three, is from a clock that was ahead.
func (db *DB) sweep(ctx context.Context, tx *sql.Tx, sink string) error {
	now := db.now().Unix()
	for _, q := range []string{
		`UPDATE deliveries SET state = CASE WHEN ` + recalled + ` THEN 'cancelled' ELSE 'planned' END, lease = 0, changed = $2
			WHERE sink = $1 AND state = 'sending' AND (lease < $2 OR lease > $2 + 86400) AND keyed = 1`,
		`UPDATE deliveries SET state = 'uncertain', lease = 0, changed = $2, code = 'crash' WHERE sink = $1 AND state = 'sending' AND (lease < $2 OR lease > $2 + 86400) AND keyed = 0`,
		`UPDATE deliveries SET state = 'expired', changed = $2 WHERE sink = $1 AND state = 'planned' AND due <= $2 AND expires < $2 AND keyed = 0`,
	} {
		if _, err := tx.ExecContext(ctx, q, sink, now); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

func (db *DB) claimDeliveries(ctx context.Context, tx *sql.Tx, sink string, n int, lease time.Duration) ([]int64, error) {
	only := ""
	if _, stop, err := stopped(ctx, tx); err != nil {
		return nil, err
	} else if stop {
		only = ` AND act <> 'publish'`
	}
	now := db.now()
	rows, err := tx.QueryContext(ctx, `UPDATE deliveries SET state = 'sending', lease = $3, attempts = attempts + 1, changed = $2 WHERE id IN (
		SELECT id FROM deliveries WHERE sink = $1 AND state = 'planned' AND (due <= $2 OR due > $2 + 259200)`+only+` ORDER BY id LIMIT $4) AND state = 'planned' RETURNING id`,
		sink, now.Unix(), now.Add(lease).Unix(), n)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("claim deliveries: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

const deliveryColumns = `d.id, d.item, d.version, d.act, d.sink, d.target, d.keyed, d.plan, d.slot, d.state, d.due, d.attempts, d.ref, d.code, d.changed, d.sent, d.settled`

func scanDelivery(row interface{ Scan(...any) error }, more ...any) (d Delivery, err error) {
	var keyed int
	var slot, due, changed, sent int64
	err = row.Scan(append([]any{&d.ID, &d.Piece, &d.Number, &d.Act, &d.Sink, &d.Target, &keyed, &d.Plan, &slot, &d.State, &due, &d.Attempts,
		&d.Ref, &d.Code, &changed, &sent, &d.Settled}, more...)...)
	d.Keyed, d.Slot, d.Due, d.Changed, d.SentAt = keyed != 0, fromUnix(slot), fromUnix(due), fromUnix(changed), fromUnix(sent)
	return d, err
}

// claimed reads what was claimed, with what is to be delivered.
func (db *DB) claimed(ctx context.Context, ids []int64) ([]Delivery, error) {
	var w clause
	var in []string
	for _, id := range ids {
		in = append(in, w.arg(id))
	}
	rows, err := db.read.QueryContext(ctx, `SELECT `+deliveryColumns+`, i.why, i.shown_by, COALESCE(s.state, ''), COALESCE(l.catchup, '') FROM deliveries d JOIN items i ON i.id = d.item
		LEFT JOIN slots s ON s.plan = d.plan AND s.at = d.slot LEFT JOIN plans l ON l.id = d.plan
		WHERE d.id IN (`+strings.Join(in, ", ")+`) ORDER BY d.id`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("claimed: %w", err)
	}
	defer rows.Close()
	var list []Delivery
	for rows.Next() {
		var why, approver, slot, catchUp string
		d, err := scanDelivery(rows, &why, &approver, &slot, &catchUp)
		if err != nil {
			return nil, fmt.Errorf("claimed: %w", err)
		}
		d.Why, d.Approver, d.Late = why, approver, slot == SlotLate && catchUp == CatchLate
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("claimed: %w", err)
	}
	type number struct {
		piece   int64
		version int
	}
	versions := map[number]PieceVersion{}
	for i := range list {
		d := &list[i]
		n := number{d.Piece, d.Number}
		if _, ok := versions[n]; !ok {
			if versions[n], err = db.PieceVersion(ctx, n.piece, n.version); err != nil {
				return nil, err
			}
		}
		d.Version = versions[n]
		d.Title = d.Version.Title
	}
	return list, nil
}

// Outcome is what became of a delivery: the receiver's id of it, or an error of
// the types above.
type Outcome struct {
	ID  int64
	Ref string
	Err error
}

// maxRef bounds what receivers say, in bytes.
const maxRef = 200

// clipped bounds what a receiver says, between two characters. PostgreSQL keeps
// no half ones and no zero bytes.
func clipped(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), maxRef)], "")
}

// Delivered records what became of deliveries, all in one transaction.
func (db *DB) Delivered(ctx context.Context, list ...Outcome) error {
	if len(list) == 0 {
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		var sent []Outcome
		for _, o := range list {
			if o.Err == nil {
				sent = append(sent, o)
				continue
			}
			if err := db.undelivered(ctx, tx, o); err != nil {
				return err
			}
		}
		for len(sent) > 0 {
			n := min(len(sent), 400)
			if err := db.sent(ctx, tx, sent[:n]); err != nil {
				return err
			}
			sent = sent[n:]
		}
		crash("delivered")
		return nil
	})
}

// sent marks many at once. Whoever got what was recalled meanwhile is told so.
func (db *DB) sent(ctx context.Context, tx *sql.Tx, list []Outcome) error {
	var w clause
	now := db.now().Unix()
	at := w.arg(now)
	var ids clause
	var rows, in []string
	for _, o := range list {
		rows = append(rows, "(CAST("+w.arg(o.ID)+" AS BIGINT), CAST("+w.arg(clipped(o.Ref))+" AS TEXT))")
		in = append(in, ids.arg(o.ID))
	}
	if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'sent', ref = r.column2, code = '', lease = 0, sent = `+at+`, changed = `+at+`
		FROM (VALUES `+strings.Join(rows, ", ")+`) AS r WHERE deliveries.id = r.column1 AND deliveries.state <> 'sent'`, w.args...); err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	return db.correct(ctx, tx, `d.id IN (`+strings.Join(in, ", ")+`)`, ids.args)
}

// correct writes the deliveries that take back what of withdrawn items was
// delivered, also if somebody has begun to write at them again; where narrows it
// to some.
func (db *DB) correct(ctx context.Context, tx *sql.Tx, where string, args []any) error {
	w := clause{args: args}
	now := w.arg(db.now().Unix())
	now = "CAST(" + now + " AS BIGINT)"
	if _, err := tx.ExecContext(ctx, `INSERT INTO deliveries (item, version, act, sink, target, keyed, plan, slot, state, due, lease, attempts, ref, code, created, changed, sent, expires, settled)
		SELECT d.item, MAX(d.version), CASE WHEN d.sink = 'chat' THEN 'correct' ELSE 'withdraw' END, d.sink, d.target, d.keyed, 0, 0, 'planned', `+now+`, 0, 0, '', '', `+now+`, `+now+`, 0,
		`+now+` + 2592000, '' FROM deliveries d JOIN items i ON i.id = d.item
		WHERE (i.state = 'withdrawn' OR EXISTS (SELECT 1 FROM item_events e WHERE e.item = d.item AND e.verb = 'recall' AND e.version >= d.version))
		AND d.act = 'publish' AND (d.state = 'sent' OR d.keyed = 1 AND d.state IN ('sending', 'uncertain', 'failed')) AND `+where+`
		GROUP BY d.item, d.sink, d.target, d.keyed ON CONFLICT (item, version, act, target) DO NOTHING`, w.args...); err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	return nil
}

// undelivered records an error.
func (db *DB) undelivered(ctx context.Context, tx *sql.Tx, o Outcome) error {
	d, err := scanDelivery(tx.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries d WHERE d.id = $1`, o.ID))
	if err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	if d.State != Sending && d.State != Uncertain {
		return nil // somebody knows more
	}
	now := db.now()
	d.State, d.Code, d.Due = d.outcome(o.Err, now)
	d.Code = clipped(d.Code)
	if errors.As(o.Err, new(*WaitError)) {
		d.Attempts-- // waiting is no try
	}
	// What was taken back while it was under way, and surely was not sent, is not
	// sent later.
	if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = CASE WHEN CAST($1 AS TEXT) = 'planned' AND `+recalled+` THEN 'cancelled' ELSE CAST($1 AS TEXT) END,
		code = $2, due = $3, lease = 0, changed = $4, attempts = $6 WHERE id = $5`,
		d.State, d.Code, d.Due.Unix(), now.Unix(), d.ID, d.Attempts); err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	if d.State == Refused && d.Sink == "chat" {
		return db.stopSubscriber(ctx, tx, Account(d.Target), d.Code)
	}
	return nil
}

// outcome decides what a delivery becomes after an error.
func (d Delivery) outcome(err error, now time.Time) (state, code string, due time.Time) {
	var refused *RefusedError
	var retry *RetryError
	var later *WaitError
	var failed *FailedError
	switch {
	case errors.As(err, &refused):
		return Refused, refused.Code, d.Due
	case errors.As(err, &later):
		return Planned, later.Code, later.Until
	case errors.As(err, &failed):
		return Failed, failed.Code, d.Due
	case errors.As(err, &retry):
	case !d.Keyed:
		return Uncertain, "unknown", d.Due
	}
	if d.Attempts >= maxAttempts {
		return Failed, "gave up", d.Due
	}
	wait := backoff(d.Attempts)
	if retry != nil {
		wait = max(wait, retry.After)
		if retry.After > 0 {
			wait = retry.After
		}
	}
	return Planned, "retry", now.Add(wait)
}
