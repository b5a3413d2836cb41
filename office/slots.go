package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mingbai/calendar"
)

// States of slots.
const (
	SlotFired   = "fired"
	SlotLate    = "late"    // after downtime
	SlotMissed  = "missed"  // left out after downtime
	SlotBlocked = "blocked" // what was to be published may not be any more
	SlotEmpty   = "empty"   // there was nothing left to publish
)

// SlotName is what people read of a state.
func SlotName(state string) string {
	return map[string]string{SlotFired: "已发布", SlotLate: "补发", SlotMissed: "错过未补", SlotBlocked: "被拦下", SlotEmpty: "没有内容可发"}[state]
}

// Fired is a slot that came due.
type Fired struct {
	Plan    int64     `json:"plan"`
	Name    string    `json:"name"` // of the plan
	At      time.Time `json:"at"`
	State   string    `json:"state"`
	Piece   int64     `json:"piece"`
	Title   string    `json:"title"`
	Version int       `json:"version"`
	Fired   time.Time `json:"fired"`
	Note    string    `json:"note"`
}

// errLost says that another process had the slot.
var errLost = errors.New("another process has the slot")

// ClaimDue fires what is due: each slot is a row that one process writes, in one
// transaction with the publication, a delivery for every target, and the plan's
// next time. fixed are the targets of sinks that the settings name: the cloud and
// the hooks. It returns what this process fired.
func (db *DB) ClaimDue(ctx context.Context, check Check, fixed map[string][]string) ([]Fired, error) {
	if _, stop, err := db.Stopped(ctx); stop || err != nil {
		return nil, err
	}
	list, err := plans(ctx, db.read, `WHERE state = $1 ORDER BY next, id`, PlanOn)
	if err != nil {
		return nil, err
	}
	days, err := quietDays(ctx, db.read)
	if err != nil {
		return nil, err
	}
	var fired []Fired
	var faults []error
	for _, p := range list {
		f, err := db.fireDue(ctx, p, days, check, fixed)
		if err != nil && !errors.Is(err, errLost) {
			faults = append(faults, fmt.Errorf("plan %d: %w", p.ID, err))
		}
		if err == nil && f.Plan != 0 {
			fired = append(fired, f)
		}
	}
	return fired, errors.Join(faults...)
}

// fireDue fires a plan if one of its times has come. A clock that was put back
// brings the next time nearer again; what was fired stays fired.
func (db *DB) fireDue(ctx context.Context, p Plan, days quiet, check Check, fixed map[string][]string) (Fired, error) {
	s, err := ParseSpec(p.Spec, p.anchor)
	if err != nil {
		return Fired{}, err
	}
	now, rules := db.now(), db.publishing
	next := rules.slotAfter(p, s, now, days).At
	if p.Next.IsZero() || p.Next.After(now) {
		if next.IsZero() || !p.Next.IsZero() && !next.Before(p.Next) {
			return Fired{}, nil
		}
		return Fired{}, db.setNext(ctx, p, next)
	}
	missed, slot := []time.Time{}, p.Next
	for range maxMissed {
		at := rules.slotAfter(p, s, slot, days).At
		if at.IsZero() || at.After(now) {
			break
		}
		missed, slot = append(missed, slot), at
	}
	f := Fired{Plan: p.ID, Name: p.Name, At: slot, State: SlotFired}
	if now.Sub(slot) > rules.Grace {
		f.State = SlotLate
		if p.CatchUp == CatchSkip {
			f.State = SlotMissed
		} else if _, ok := rules.settle(Plan{Holiday: DaySkip, Weekend: DayAnyway}, now, days); !ok {
			return Fired{}, nil // as soon as the window opens
		}
	}
	return db.fire(ctx, p, f, missed, next, check, fixed)
}

// maxMissed bounds how many missed times are written down.
const maxMissed = 1000

func (db *DB) setNext(ctx context.Context, p Plan, next time.Time) error {
	_, err := db.write.ExecContext(ctx, `UPDATE plans SET next = $1 WHERE id = $2 AND next = $3 AND state = $4`, next.Unix(), p.ID, unix(p.Next), PlanOn)
	return err
}

// fire chooses what to publish and does all of it in one transaction.
func (db *DB) fire(ctx context.Context, p Plan, f Fired, missed []time.Time, next time.Time, check Check, fixed map[string][]string) (Fired, error) {
	it, err := Piece{}, error(nil)
	if f.State != SlotMissed {
		if it, f.Note, err = db.choose(ctx, p, check); err != nil {
			return f, err
		}
		if it.ID == 0 {
			f.State = SlotEmpty
			if f.Note != "" {
				f.State = SlotBlocked
			}
		}
	}
	f.Piece, f.Title, f.Version, f.Fired = it.ID, it.Newest.Title, it.Newest.Version, db.now()
	err = db.update(ctx, func(tx *sql.Tx) error {
		for _, at := range missed {
			if _, err := db.takeSlot(ctx, tx, Fired{Plan: p.ID, At: at, State: SlotMissed, Fired: f.Fired}); err != nil {
				return err
			}
		}
		won, err := db.takeSlot(ctx, tx, f)
		if err != nil {
			return err
		}
		crash("slot")
		if won {
			if err := db.firePiece(ctx, tx, p, f, it, fixed); err != nil {
				return err
			}
		}
		if err := db.moveOn(ctx, tx, p, next); err != nil {
			return err
		}
		if !won {
			f = Fired{}
		}
		return nil
	})
	return f, err
}

// takeSlot writes the slot's row. won is false if somebody has it; one that was
// left out, because the clock had jumped, may be taken when it comes due.
func (db *DB) takeSlot(ctx context.Context, tx *sql.Tx, f Fired) (won bool, err error) {
	r, err := tx.ExecContext(ctx, `INSERT INTO slots (plan, at, state, item, version, fired, note) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (plan, at) DO UPDATE SET state = excluded.state, item = excluded.item, version = excluded.version, fired = excluded.fired, note = excluded.note
		WHERE slots.state = 'missed' AND excluded.state <> 'missed'`, f.Plan, f.At.Unix(), f.State, f.Piece, f.Version, f.Fired.Unix(), f.Note)
	if err != nil {
		return false, fmt.Errorf("take slot: %w", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// firePiece publishes the piece and writes a delivery for every target.
func (db *DB) firePiece(ctx context.Context, tx *sql.Tx, p Plan, f Fired, it Piece, fixed map[string][]string) error {
	if f.State == SlotEmpty || f.State == SlotBlocked {
		body := fmt.Sprintf("计划“%s”%s到点了，没有内容可发：%s", p.Name, f.At.In(china).Format("1月2日15:04"), orElse(f.Note, "排上的都发过了，请补充内容。"))
		if err := db.notify(ctx, tx, "plan", fmt.Sprintf("plan %d %d", p.ID, f.At.Unix()), "", p.Owner, body); err != nil {
			return err
		}
	}
	if it.ID != 0 {
		_, err := db.movePieceIn(ctx, tx, Person{}, it.ID, "publish", it.Newest.Version, p.Name, func(_ *sql.Tx, now *Piece) error {
			if now.Approved != now.Newest.Version {
				return conflict("《%s》刚刚被改过，等重新审核。", now.Newest.Title)
			}
			now.Live = now.Approved
			if now.Published.IsZero() {
				now.Published = db.now()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := db.show(ctx, tx, it.ID); err != nil {
			return err
		}
		crash("publish")
		if err := db.fanOut(ctx, tx, p, f, it, fixed); err != nil {
			return err
		}
		crash("deliveries")
	}
	return db.audit(ctx, tx, "program", "slot "+f.State, planKey(p.ID), f.At.In(china).Format("2006-01-02 15:04")+" "+itemKey(f.Piece))
}

// show keeps what the public sees from now on.
func (db *DB) show(ctx context.Context, tx *sql.Tx, id int64) error {
	it, err := pieceByID(ctx, tx, id)
	if err != nil {
		return err
	}
	approver, err := personByID(ctx, tx, it.Approver)
	if err != nil && KindOf(err) != NotFound {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE items SET shown = live, shown_at = $1, shown_by = $2, shown_basis = basis, why = '' WHERE id = $3`, db.now().Unix(), approver.unit(), id); err != nil {
		return fmt.Errorf("show item: %w", err)
	}
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// moveOn sets the plan's next time.
func (db *DB) moveOn(ctx context.Context, tx *sql.Tx, p Plan, next time.Time) error {
	state := PlanOn
	if next.IsZero() {
		state = PlanDone
	}
	if _, err := tx.ExecContext(ctx, `UPDATE plans SET next = $1, state = $2 WHERE id = $3 AND state = $4`, unix(next), state, p.ID, PlanOn); err != nil {
		return fmt.Errorf("move plan on: %w", err)
	}
	return nil
}

// maxCandidates bounds how many pieces are looked at for one slot.
const maxCandidates = 20

// choose takes the first approved piece of the plan that it has not published
// yet, in the plan's order, then from its pool, the longest waiting first and
// none that another plan waits for. One
// whose basis changed since it was approved is stopped on the way; why says so.
func (db *DB) choose(ctx context.Context, p Plan, check Check) (it Piece, why string, err error) {
	list, err := db.candidates(ctx, p)
	if err != nil {
		return it, "", err
	}
	var stopped []string
	for _, c := range list {
		reason, err := db.changed(ctx, c, check)
		if err != nil {
			return it, "", err
		}
		if reason == "" {
			return c, strings.Join(stopped, "；"), nil
		}
		err = db.update(ctx, func(tx *sql.Tx) error { return db.block(ctx, tx, c.ID, reason) })
		if err != nil && KindOf(err) != Conflict {
			return it, "", err
		}
		stopped = append(stopped, fmt.Sprintf("《%s》%s", c.Newest.Title, reason))
	}
	return it, strings.Join(stopped, "；"), nil
}

func (db *DB) candidates(ctx context.Context, p Plan) ([]Piece, error) {
	query := `SELECT ` + itemColumns + versColumns + ` FROM items i JOIN item_versions v ON v.item = i.id AND v.version = i.version
		LEFT JOIN plan_items x ON x.item = i.id AND x.plan = $1
		WHERE i.state IN ('approved', 'planned') AND i.approved = i.version
		AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.plan = $1 AND s.item = i.id AND s.version = i.version AND s.state IN ('fired', 'late'))
		AND (x.plan IS NOT NULL OR $2 <> '' AND i.state = 'approved' AND (';' || v.audience || ';' LIKE $3 OR v.topic = $2))
		ORDER BY CASE WHEN x.plan IS NULL THEN 1 ELSE 0 END, x.place, i.changed, i.id LIMIT $4`
	rows, err := db.read.QueryContext(ctx, query, p.ID, p.Pool, "%;"+escapeLike(p.Pool)+";%", maxCandidates)
	if err != nil {
		return nil, fmt.Errorf("choose: %w", err)
	}
	defer rows.Close()
	var list []Piece
	for rows.Next() {
		it, err := scanPiece(rows)
		if err != nil {
			return nil, fmt.Errorf("choose: %w", err)
		}
		list = append(list, it)
	}
	return list, rows.Err()
}

// changed says why an approved piece may not be published today, or "".
func (db *DB) changed(ctx context.Context, it Piece, check Check) (string, error) {
	if check == nil {
		return "", nil
	}
	v, err := Review(ctx, it.Newest, check, calendar.Day(db.now()))
	if err != nil {
		return "", err
	}
	for _, f := range v.Findings {
		if f.Stops {
			return f.Rule + "：" + strings.TrimSuffix(f.Msg, "。"), nil
		}
	}
	for _, was := range it.Basis {
		if !slices.Contains(v.Basis, was) {
			name := was.Law
			if was.Article != "" {
				name += "第" + was.Article + "条"
			}
			return "依据的" + name + "在审核以后变了", nil
		}
	}
	return "", nil
}

// Slots lists the slots of plans between two times, the newest first.
func (db *DB) Slots(ctx context.Context, from, to time.Time, n int) ([]Fired, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.plan, p.name, s.at, s.state, s.item, COALESCE(v.title, ''), s.version, s.fired, s.note
		FROM slots s JOIN plans p ON p.id = s.plan LEFT JOIN item_versions v ON v.item = s.item AND v.version = s.version
		WHERE s.at >= $1 AND s.at < $2 ORDER BY s.at DESC, s.plan LIMIT $3`, from.Unix(), to.Unix(), n)
	if err != nil {
		return nil, fmt.Errorf("slots: %w", err)
	}
	defer rows.Close()
	var list []Fired
	for rows.Next() {
		var f Fired
		var at, fired int64
		if err := rows.Scan(&f.Plan, &f.Name, &at, &f.State, &f.Piece, &f.Title, &f.Version, &fired, &f.Note); err != nil {
			return nil, fmt.Errorf("slots: %w", err)
		}
		f.At, f.Fired = fromUnix(at), fromUnix(fired)
		list = append(list, f)
	}
	return list, rows.Err()
}
