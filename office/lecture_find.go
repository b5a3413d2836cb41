package office

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
)

var orderNo = regexp.MustCompile(`^(?:讲)?(?:([0-9]{4})-)?([0-9]{1,6})$`)

// findOrder reads the order with that number for a person; the year may be left
// out for this year's.
func (db *DB) findOrder(ctx context.Context, q querier, p Person, no string) (Order, error) {
	m := orderNo.FindStringSubmatch(strings.NewReplacer("—", "-", "－", "-", "–", "-", " ", "").Replace(no))
	if m == nil {
		return Order{}, errNoOrder
	}
	year := m[1]
	if year == "" {
		year = strconv.Itoa(db.now().In(china).Year())
	}
	n, _ := strconv.Atoi(m[2])
	o, err := orderWhere(ctx, q, "x.no", fmt.Sprintf("讲%s-%04d", year, n))
	if err != nil {
		return o, err
	}
	if o.wear(p); o.Hats == 0 {
		return Order{}, errNoOrder
	}
	return o, nil
}

// Order reads an order by its number. NotFound also if the person has nothing
// to do with it.
func (db *DB) Order(ctx context.Context, p Person, no string) (Order, error) {
	return db.findOrder(ctx, db.read, p, no)
}

// OrderByCode reads an order with its code, as the orderer would. Wrong codes are
// counted against the address.
func (db *DB) OrderByCode(ctx context.Context, a Account, typed string) (Order, error) {
	if err := db.mayTry(ctx, a, "lecture"); err != nil {
		return Order{}, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Order{}, err
	}
	clean := CleanCode(typed)
	if len(clean) == pickupDigits {
		clean = clean[:4] + "-" + clean[4:]
	}
	o, err := orderWhere(ctx, db.read, "x.pickup", keyed(key, "lecture pickup", clean))
	if err != nil && KindOf(err) == NotFound {
		return Order{}, errors.Join(err, db.wrong(ctx, a, "lecture"))
	}
	o.Hats = Orderer
	o.Next = nextOrder(o.State, Orderer)
	return o, err
}

// OrderFilter narrows a list of orders. Zero fields do not.
type OrderFilter struct {
	Open  bool // still to be held
	Mine  bool // ordered by the person, or theirs to hold
	State OrderState
	From  time.Time // held from this day …
	To    time.Time // … to this day, inclusive
	Limit int       // 0: 50, at most 500
}

// Orders lists the orders a person may know of by time, and how many there are.
func (db *DB) Orders(ctx context.Context, p Person, f OrderFilter) ([]Order, int, error) {
	var w clause
	w.ordersOf(p, f.Mine)
	if f.Open {
		w.and = append(w.and, "x.state IN ('placed', 'dispatched', 'accepted', 'proposed', 'declined')")
	}
	if f.State != "" {
		w.and = append(w.and, "x.state = "+w.arg(string(f.State)))
	}
	if !f.From.IsZero() {
		w.and = append(w.and, "x.at >= "+w.arg(calendarStart(f.From)))
	}
	if !f.To.IsZero() {
		w.and = append(w.and, "x.at < "+w.arg(calendarStart(f.To.AddDate(0, 0, 1))))
	}
	where := strings.Join(w.and, " AND ")
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM orders x LEFT JOIN lecturers w ON w.id = x.lecturer WHERE `+where, w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("orders: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT `+orderColumns+` WHERE `+where+` ORDER BY x.at, x.id LIMIT `+w.arg(min(f.Limit, 500)), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("orders: %w", err)
	}
	defer rows.Close()
	var list []Order
	for rows.Next() {
		o, err := scanOrder(rows)
		if err != nil {
			return nil, 0, fmt.Errorf("orders: %w", err)
		}
		o.wear(p)
		list = append(list, o)
	}
	return list, total, rows.Err()
}

// ordersOf limits a list to what the person is something to; the same rule as
// Order.wear, in SQL.
func (c *clause) ordersOf(p Person, mine bool) {
	var or []string
	if p.Account != "" {
		or = append(or, "x.account = "+c.arg(string(p.Account)))
	}
	if p.ID != 0 && !p.Suspended {
		or = append(or, "w.person = "+c.arg(p.ID))
		for _, q := range p.Posts {
			or = append(or, "x.org = "+c.arg(q.Org.ID))
			if !mine && (q.Role == Officer || q.Role == Admin) {
				or = append(or, "x.path LIKE "+c.arg(q.Scope()+"%"))
			}
		}
	}
	if or == nil {
		or = []string{"1 = 0"}
	}
	c.and = append(c.and, "("+strings.Join(or, " OR ")+")")
}

// calendarStart is the first second of the day t falls on in China.
func calendarStart(t time.Time) int64 {
	d := calendar.Day(t)
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, china).Unix()
}

// OrderEvent is one step of an order's history.
type OrderEvent struct {
	At    time.Time  `json:"at"`
	Actor string     `json:"actor"`
	Verb  string     `json:"verb"`
	State OrderState `json:"state"`
	Note  string     `json:"note"`
}

// Name is what people read of a step.
func (e OrderEvent) Name() string {
	for _, m := range OrderMoves {
		if m.Verb == e.Verb {
			return m.Name
		}
	}
	return "下单"
}

// OrderEvents gives the history of an order that was read for a person.
func (db *DB) OrderEvents(ctx context.Context, o Order) ([]OrderEvent, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT at, actor, verb, state, note FROM order_events WHERE order_id = $1 ORDER BY id LIMIT 200`, o.ID)
	if err != nil {
		return nil, fmt.Errorf("order events: %w", err)
	}
	defer rows.Close()
	var list []OrderEvent
	for rows.Next() {
		var e OrderEvent
		var at int64
		var state string
		if err := rows.Scan(&at, &e.Actor, &e.Verb, &state, &e.Note); err != nil {
			return nil, fmt.Errorf("order events: %w", err)
		}
		e.At, e.State = fromUnix(at), OrderState(state)
		list = append(list, e)
	}
	return list, rows.Err()
}

// OrderByID reads an order by its id for a person, as Order does.
func (db *DB) OrderByID(ctx context.Context, p Person, id int64) (Order, error) {
	o, err := orderWhere(ctx, db.read, "x.id", id)
	if err != nil {
		return o, err
	}
	if o.wear(p); o.Hats == 0 {
		return Order{}, errNoOrder
	}
	return o, nil
}

// OrderPlaces gives where an order is to be held and, if it was given to a
// department, where that stands among the organisations.
func (db *DB) OrderPlaces(ctx context.Context, id int64) ([]string, error) {
	o, err := orderWhere(ctx, db.read, "x.id", id)
	if err != nil || o.Org == 0 {
		return []string{o.path}, err
	}
	org, err := orgByID(ctx, db.read, o.Org)
	return []string{o.path, org.Path}, err
}
