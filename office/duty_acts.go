package office

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
)

// DutyState is how a duty stands at the end of a quarter, or now if the quarter
// is not over.
type DutyState struct {
	Duty    Duty      `json:"duty"`
	Acts    int       `json:"acts"`    // activities and lectures held for it in the period
	Heads   int       `json:"heads"`   // who came to them
	Pushes  int       `json:"pushes"`  // times that items were published for it
	Reached int       `json:"reached"` // chats that were sent those items
	Gap     bool      `json:"gap"`     // none of it, though one is owed by the end of the quarter
	Counted []DutyAct `json:"counted"` // the newest maxDutyActs of them, newest first
}

// DutyAct is one thing that counted towards a duty.
type DutyAct struct {
	Day   string `json:"day"`  // ISO date in China
	Kind  string `json:"kind"` // of ActivityKinds, or KindPublished
	Title string `json:"title"`
	Heads int    `json:"heads"`           // who came, or chats that were sent it
	Order int64  `json:"order,omitempty"` // the lecture
	Piece int64  `json:"piece,omitempty"` // the item
}

// KindPublished is the kind of a DutyAct that is an item which was published.
const KindPublished = "推送内容"

// maxDutyActs bounds how much is listed of what counted.
const maxDutyActs = 50

// DutyStates says for each duty in force what was done for it in the period that
// ends with the quarter. An item counts each time it is published, unless it was
// recalled.
func (db *DB) DutyStates(ctx context.Context, q Quarter) ([]DutyState, error) {
	return dutyStates(ctx, db.read, q, q.end())
}

// dutyStates counts what was done until a day.
func dutyStates(ctx context.Context, db querier, q Quarter, until time.Time) ([]DutyState, error) {
	all, err := duties(ctx, db, 0)
	if err != nil {
		return nil, err
	}
	var list []DutyState
	for _, d := range all {
		first, last, owed := q.days(d.Months)
		if !d.Ended.IsZero() && !calendar.Day(d.Ended).After(last) || calendar.Day(d.Since).After(last) {
			continue
		}
		if until.Before(last) {
			last = until
		}
		s := DutyState{Duty: d}
		if err := s.activities(ctx, db, first, last); err != nil {
			return nil, err
		}
		if err := s.published(ctx, db, first, last); err != nil {
			return nil, err
		}
		slices.SortStableFunc(s.Counted, func(a, b DutyAct) int { return cmp.Compare(b.Day, a.Day) })
		s.Counted = s.Counted[:min(len(s.Counted), maxDutyActs)]
		s.Gap = owed && s.Acts == 0 && s.Pushes == 0
		list = append(list, s)
	}
	return list, nil
}

// activities adds what was held.
func (s *DutyState) activities(ctx context.Context, q querier, first, last time.Time) error {
	rows, err := q.QueryContext(ctx, `SELECT day, kind, title, heads, order_id FROM activities WHERE duty = $1 AND day >= $2 AND day <= $3 ORDER BY day DESC, id DESC`,
		s.Duty.ID, first.Format(time.DateOnly), last.Format(time.DateOnly))
	if err != nil {
		return fmt.Errorf("duty states: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a DutyAct
		if err := rows.Scan(&a.Day, &a.Kind, &a.Title, &a.Heads, &a.Order); err != nil {
			return fmt.Errorf("duty states: %w", err)
		}
		s.Acts, s.Heads = s.Acts+1, s.Heads+a.Heads
		s.Counted = append(s.Counted, a)
	}
	return rows.Err()
}

// published adds what was published and not recalled.
func (s *DutyState) published(ctx context.Context, q querier, first, last time.Time) error {
	rows, err := q.QueryContext(ctx, `SELECT l.item, l.fired, v.title, (SELECT COUNT(*) FROM deliveries d WHERE d.item = l.item AND d.plan = l.plan AND d.slot = l.at
		AND d.act = 'publish' AND d.sink = 'chat' AND d.state = 'sent') FROM slots l JOIN items i ON i.id = l.item JOIN item_versions v ON v.item = l.item AND v.version = l.version
		WHERE i.duty = $1 AND i.live > 0 AND l.state IN ('fired', 'late') AND l.fired >= $2 AND l.fired < $3 ORDER BY l.fired DESC`,
		s.Duty.ID, calendarStart(first), calendarStart(last.AddDate(0, 0, 1)))
	if err != nil {
		return fmt.Errorf("duty states: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		a := DutyAct{Kind: KindPublished}
		var fired int64
		if err := rows.Scan(&a.Piece, &fired, &a.Title, &a.Heads); err != nil {
			return fmt.Errorf("duty states: %w", err)
		}
		a.Day = fromUnix(fired).Format(time.DateOnly)
		s.Pushes, s.Reached = s.Pushes+1, s.Reached+a.Heads
		s.Counted = append(s.Counted, a)
	}
	return rows.Err()
}

// Line names a duty in one line of a choice.
func (d Duty) Line() string {
	return d.Org.Name + "《" + strings.Trim(d.Law, "《》") + "》" + d.Content
}

// SetDuty says which duty an item counts for, 0 for none: item, event and audit
// in one transaction. It changes nothing of what is published, so it needs no
// second person.
func (db *DB) SetDuty(ctx context.Context, by Person, piece, duty int64) error {
	return db.update(ctx, func(tx *sql.Tx) error { return db.setDuty(ctx, tx, by, piece, duty) })
}

func (db *DB) setDuty(ctx context.Context, tx *sql.Tx, by Person, piece, duty int64) error {
	it, err := lockPiece(ctx, tx, piece)
	if err != nil {
		return err
	}
	if it.hats(by)&Writer == 0 {
		return forbidden("普法责任要由本辖区的普法干部来定。")
	}
	if it.Duty == duty {
		return nil
	}
	said, err := openDuty(ctx, tx, duty)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE items SET duty = $1, changed = $2 WHERE id = $3`, duty, db.now().Unix(), piece); err != nil {
		return fmt.Errorf("set duty: %w", err)
	}
	return db.itemEvent(ctx, tx, by, it, "duty", it.State, said)
}

// openDuty refuses a duty that is not there or has ended, and names it.
func openDuty(ctx context.Context, q querier, id int64) (name string, err error) {
	if id == 0 {
		return "不对应责任", nil
	}
	d, err := dutyByID(ctx, q, id)
	if err != nil {
		return "", err
	}
	if !d.Ended.IsZero() {
		return "", invalid("责任 %s 已经停用，请选别的。", strconv.FormatInt(id, 10))
	}
	return d.Line(), nil
}
