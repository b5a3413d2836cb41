package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Order is one lecture that a village, school or firm asked for.
type Order struct {
	ID       int64      `json:"id"`
	No       string     `json:"no"` // 讲2026-0012
	Version  int64      `json:"version"`
	State    OrderState `json:"state"`
	Lecture  int64      `json:"lecture"`
	Topic    string     `json:"topic"`
	Minutes  int        `json:"minutes"`
	Duty     int64      `json:"duty"`
	Place    int64      `json:"place"` // organisation where it is, as far as known
	Unit     string     `json:"unit"`
	Contact  string     `json:"contact"`
	Phone    string     `json:"phone"`
	Wish     string     `json:"wish"`
	Heads    int        `json:"heads"` // expected
	At       time.Time  `json:"at"`
	Ends     time.Time  `json:"ends"`
	NewAt    time.Time  `json:"new_at"` // proposed instead; zero: none
	Org      int64      `json:"org"`    // department it was given to; 0: none yet
	OrgName  string     `json:"org_name"`
	Lecturer int64      `json:"lecturer"`
	By       string     `json:"by"` // lecturer's name
	Came     int        `json:"came"`
	Photo    string     `json:"photo"`   // in words: where a photo is that is not kept here
	Picture  string     `json:"picture"` // name of the photo that DB.Photo gives; "": none
	Score    int        `json:"score"`   // 0: not rated
	Reason   string     `json:"reason"`
	Ordered  time.Time  `json:"ordered"`
	Hats     OrderHat   `json:"-"` // what the person it was read for is to it
	Next     []string   `json:"next"`

	account, path, request string
	lecturerPerson         int64
}

// OrderDraft is what somebody orders.
type OrderDraft struct {
	Request string // names the message it came with; the same one orders once
	Lecture int64
	At      time.Time
	Heads   int
	Unit    string // who and where: 城东街道三里村村委会
	Contact string
	Phone   string
	Wish    string
}

// Ordered is what became of a draft.
type Ordered struct {
	Order  Order
	Code   string // with which the order is seen and rated without the chat it came from
	Exact  bool   // false: holidays of that year are not announced, the day may not do
	Repeat bool   // was ordered with the same request before
}

// maxOpenOrders bounds how many lectures one phone may have waiting.
const maxOpenOrders = 10

// maxHeads bounds how many listeners are believed.
const maxHeads = 5000

func (d *OrderDraft) check() error {
	for _, s := range []*string{&d.Unit, &d.Contact, &d.Phone, &d.Wish, &d.Request} {
		*s = strings.TrimSpace(cleanText(*s))
	}
	switch {
	case utf8.RuneCountInString(d.Unit) < 2 || utf8.RuneCountInString(d.Unit) > maxField:
		return invalid("请写清楚是哪个单位、在哪里，例如“城东街道三里村村委会”。")
	case d.Heads < 1 || d.Heads > maxHeads:
		return invalid("人数请写 1 到 %d 的数字。", maxHeads)
	case d.Contact == "" || utf8.RuneCountInString(d.Contact) > maxName || hasControl(d.Contact):
		return invalid("请写联系人的姓名。")
	case !personPhone.MatchString(d.Phone):
		return invalid("联系电话看不懂，请写“姓名 电话”，例如“张三 13800000000”。")
	case utf8.RuneCountInString(d.Wish) > 300:
		return invalid("要求请写在 300 个字以内。")
	}
	return nil
}

// Bookable refuses a time at which the lecture cannot be: too soon, on a holiday,
// outside its hours, or when its lecturer is taken. exact is false if the
// holidays of that year are not announced.
func (db *DB) Bookable(ctx context.Context, lecture int64, at time.Time) (exact bool, err error) {
	l, err := lectureByID(ctx, db.read, lecture)
	if err != nil {
		return false, err
	}
	if exact, err = bookable(at, l.Minutes, l.Extra, db.now()); err != nil || l.Lecturer == 0 {
		return exact, err
	}
	return exact, free(ctx, db.read, l.Lecturer, 0, at, at.Add(time.Duration(l.Minutes)*time.Minute))
}

// free refuses a time at which a lecturer has another lecture, or too little
// time to get from one to the other.
func free(ctx context.Context, q querier, lecturer, but int64, at, ends time.Time) error {
	var other int64
	err := q.QueryRowContext(ctx, `SELECT at FROM orders WHERE lecturer = $1 AND id <> $2 AND state IN ('placed', 'dispatched', 'accepted', 'proposed')
		AND (at < $4 AND ends > $3 OR new_at > 0 AND new_at < $4 AND new_at + (ends - at) > $3) ORDER BY at LIMIT 1`,
		lecturer, but, at.Add(-travel).Unix(), ends.Add(travel).Unix()).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("free: %w", err)
	}
	return conflict("这位讲师 %s 已经有一场了，前后要留 %d 分钟路上的时间。请换个时间或换一位讲师。", TimeName(fromUnix(other)), int(travel.Minutes()))
}

// reserve holds the lecturer's row until the commit, so that two bookings at
// once cannot both find the time free.
func reserve(ctx context.Context, tx *sql.Tx, lecturer, but int64, at, ends time.Time) error {
	var away int
	err := tx.QueryRowContext(ctx, `UPDATE lecturers SET booked = booked + 1 WHERE id = $1 RETURNING away`, lecturer).Scan(&away)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if away != 0 {
		return conflict("这位讲师现在停讲，请换一位。")
	}
	return free(ctx, tx, lecturer, but, at, ends)
}

// hosts lists who deals with orders of a place: 普法干部, else administrators.
func hosts(ctx context.Context, q querier, path string) ([]int64, error) {
	for _, r := range []Role{Officer, Admin} {
		list, err := people(ctx, q, PeopleFilter{Role: r})
		if err != nil {
			return nil, err
		}
		var ids []int64
		for _, p := range list {
			if p.covers(r, path) {
				ids = append(ids, p.ID)
			}
		}
		if ids != nil {
			return ids, nil
		}
	}
	return nil, nil
}

// PlaceOrder orders a lecture: order, event, notices and audit in one
// transaction. Invalid says what to write otherwise, Conflict that the time is
// taken or nobody could deal with it.
func (db *DB) PlaceOrder(ctx context.Context, by Person, d OrderDraft) (out Ordered, err error) {
	if err := d.check(); err != nil {
		return out, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return out, err
	}
	if d.Request == "" {
		d.Request = randomCode(26)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		out, err = db.placeOrder(ctx, tx, key, by, d)
		return err
	})
	if err != nil {
		return Ordered{}, err
	}
	out.Code = orderCode(key, d.Request)
	return out, nil
}

func orderCode(key []byte, request string) string { return pickupCode(key, "lecture "+request) }

func (db *DB) placeOrder(ctx context.Context, tx *sql.Tx, key []byte, by Person, d OrderDraft) (out Ordered, err error) {
	if again, err := orderWhere(ctx, tx, "x.request", d.Request); err == nil || KindOf(err) != NotFound {
		again.wear(by)
		return Ordered{Order: again, Exact: true, Repeat: true}, err
	}
	l, err := lectureByID(ctx, tx, d.Lecture)
	if err != nil {
		return out, err
	}
	if out.Exact, err = bookable(d.At, l.Minutes, l.Extra, db.now()); err != nil {
		return out, err
	}
	ends := d.At.Add(time.Duration(l.Minutes) * time.Minute)
	if l.Lecturer != 0 {
		if err := reserve(ctx, tx, l.Lecturer, 0, d.At, ends); err != nil {
			return out, err
		}
	}
	where, err := placeOf(ctx, tx, d.Unit)
	if err != nil {
		return out, err
	}
	ids, err := hosts(ctx, tx, where.Path)
	if err != nil {
		return out, err
	}
	if ids == nil {
		return out, conflict("这里还没有设普法干部，没有人接单，请打 12348 或找司法所。")
	}
	o := Order{State: Placed, Lecture: l.ID, Topic: l.Topic, Minutes: l.Minutes, Duty: l.Duty, Lecturer: l.Lecturer, Place: where.ID, path: where.Path, Unit: d.Unit, Contact: d.Contact,
		Phone: d.Phone, Wish: d.Wish, Heads: d.Heads, At: d.At, Ends: ends, Ordered: db.now(), account: string(by.Account), request: d.Request, Version: 1}
	if err := db.insertOrder(ctx, tx, key, &o); err != nil {
		return out, err
	}
	if err := db.orderEvent(ctx, tx, by, o, "order", "", d.Request, ""); err != nil {
		return out, err
	}
	body := fmt.Sprintf("新的讲座订单 %s：%s，%s，%d 人，%s。回“派讲 %s 讲师姓名”派单，或“看讲座 %s”。", o.No, o.Topic, o.Unit, o.Heads, TimeName(o.At), o.short(), o.short())
	for _, id := range ids {
		if err := db.notify(ctx, tx, "lecture", fmt.Sprintf("lecture %d new %d", o.ID, id), "", id, body); err != nil {
			return out, err
		}
	}
	if err := db.audit(ctx, tx, actor(by), "order lecture", o.No, ""); err != nil {
		return out, err
	}
	o.wear(by)
	out.Order = o
	return out, nil
}

func (db *DB) insertOrder(ctx context.Context, tx *sql.Tx, key []byte, o *Order) error {
	year := db.now().In(china).Year()
	var n, same int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO order_numbers (year, last) VALUES ($1, 1) ON CONFLICT (year) DO UPDATE SET last = order_numbers.last + 1 RETURNING last`, year).Scan(&n); err != nil {
		return fmt.Errorf("order number: %w", err)
	}
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM orders WHERE unit = $1 AND state IN ('placed', 'dispatched', 'accepted', 'proposed', 'declined') AND at < $2 AND ends > $3`,
		o.Unit, o.Ends.Unix(), o.At.Unix()).Scan(&same); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	var open int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM orders WHERE phone = $1 AND state IN ('placed', 'dispatched', 'accepted', 'proposed', 'declined')`, o.Phone).Scan(&open); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	if open >= maxOpenOrders {
		return conflict("这个电话已经约了 %d 场还没讲的，讲完或取消一些再约。", open)
	}
	if same > 0 {
		return conflict("“%s”在这个时间已经约了一场。要改时间请回“我的讲座”。", o.Unit)
	}
	o.No = fmt.Sprintf("讲%d-%04d", year, n)
	err := tx.QueryRowContext(ctx, `INSERT INTO orders (no, request, version, state, lecture, topic, minutes, duty, place_org, path, unit, account, contact, phone, wish, heads,
		at, ends, new_at, org, lecturer, came, photo, score, reason, ordered, pickup)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0, $20, 0, '', 0, '', $18, $19) RETURNING id`,
		o.No, o.request, string(o.State), o.Lecture, o.Topic, o.Minutes, o.Duty, o.Place, o.path, o.Unit, o.account, o.Contact, o.Phone, o.Wish, o.Heads,
		o.At.Unix(), o.Ends.Unix(), o.Ordered.Unix(), keyed(key, "lecture pickup", orderCode(key, o.request)), o.Lecturer).Scan(&o.ID)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// placeOf is the village or township whose name stands in a text, else the
// county.
func placeOf(ctx context.Context, q querier, text string) (Org, error) {
	all, err := orgs(ctx, q)
	if err != nil {
		return Org{}, err
	}
	if len(all) == 0 {
		return Org{}, conflict("这里还没有设置机构，请打 12348。")
	}
	best, length, village := all[0], 0, false
	for _, x := range all {
		if x.Parent == 0 && length == 0 {
			best = x
		}
		for _, name := range []string{x.Name, x.Short} {
			v := x.Kind == "村社区"
			if (v || x.Kind == "乡镇街道") && len(name) > 3 && strings.Contains(text, name) && (v && !village || v == village && len(name) > length) {
				best, length, village = x, len(name), v
			}
		}
	}
	return best, nil
}

func (db *DB) orderEvent(ctx context.Context, tx *sql.Tx, by Person, o Order, verb string, was OrderState, request, note string) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO order_events (order_id, request, at, actor, verb, was, state, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		o.ID, request, db.now().Unix(), by.label(), verb, string(was), string(o.State), note); err != nil {
		return fmt.Errorf("order event: %w", err)
	}
	return nil
}

// short is the end of the number, which is enough in the chat.
func (o Order) short() string {
	_, n, _ := strings.Cut(o.No, "-")
	return strings.TrimLeft(n, "0")
}

// wear notes what a person is to the order.
func (o *Order) wear(p Person) {
	o.Hats = 0
	if p.Account != "" && o.account == string(p.Account) {
		o.Hats |= Orderer
	}
	if p.ID != 0 && !p.Suspended {
		if p.covers(Officer, o.path) || p.covers(Admin, o.path) {
			o.Hats |= Host
		}
		if o.lecturerPerson == p.ID || o.Org != 0 && slices.ContainsFunc(p.Posts, func(q Post) bool { return q.Org.ID == o.Org }) {
			o.Hats |= Provider
		}
	}
	o.Next = nextOrder(o.State, o.Hats)
}

// errNoOrder is said of orders that are not there and of those a person may not
// know of.
var errNoOrder = &Error{Kind: NotFound, Msg: "没有找到这场讲座。请核对编号；自己订的回“我的讲座”查看。"}

const orderColumns = `x.id, x.no, x.request, x.version, x.state, x.lecture, x.topic, x.minutes, x.duty, x.place_org, x.path, x.unit, x.account, x.contact, x.phone, x.wish, x.heads,
	x.at, x.ends, x.new_at, x.org, COALESCE(o.name, ''), x.lecturer, COALESCE(w.name, ''), COALESCE(w.person, 0), x.came, x.photo, x.picture, x.score, x.reason, x.ordered
	FROM orders x LEFT JOIN orgs o ON o.id = x.org LEFT JOIN lecturers w ON w.id = x.lecturer`

func scanOrder(row interface{ Scan(...any) error }) (o Order, err error) {
	var state string
	var at, ends, newAt, ordered int64
	err = row.Scan(&o.ID, &o.No, &o.request, &o.Version, &state, &o.Lecture, &o.Topic, &o.Minutes, &o.Duty, &o.Place, &o.path, &o.Unit, &o.account, &o.Contact, &o.Phone, &o.Wish, &o.Heads,
		&at, &ends, &newAt, &o.Org, &o.OrgName, &o.Lecturer, &o.By, &o.lecturerPerson, &o.Came, &o.Photo, &o.Picture, &o.Score, &o.Reason, &ordered)
	o.State, o.At, o.Ends, o.NewAt, o.Ordered = OrderState(state), fromUnix(at), fromUnix(ends), fromUnix(newAt), fromUnix(ordered)
	return o, err
}

func orderWhere(ctx context.Context, q querier, column string, value any) (Order, error) {
	o, err := scanOrder(q.QueryRowContext(ctx, `SELECT `+orderColumns+` WHERE `+column+` = $1`, value))
	if errors.Is(err, sql.ErrNoRows) {
		return o, errNoOrder
	}
	return o, err
}

func (db *DB) dossierLectures(ctx context.Context, _ []byte, a Account, d *Dossier) error {
	return db.each(ctx, func(rows *sql.Rows) error {
		o, err := scanOrder(rows)
		d.Lectures = append(d.Lectures, o)
		return err
	}, `SELECT `+orderColumns+` WHERE x.account = $1 ORDER BY x.id DESC LIMIT $2`, string(a), maxDossier)
}
