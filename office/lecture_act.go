package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// OrderAction is one step somebody takes with an order.
type OrderAction struct {
	Request  string // names what caused it; the same is done once
	Verb     string // of OrderMoves, or its name
	Note     string
	At       time.Time // the new time
	Lecturer int64     // who is to hold it; for accept: who of the department
	Org      int64     // department, if no lecturer is named
	Came     int       // who signed in
	Duty     int64     // of the department, that a lecture which was held counts for; 0: as the menu says
	Photo    string    // in words, where a photo is that is not kept here
	File     []byte    // a photo that is to be kept here: JPEG or PNG, up to MaxPhoto bytes
	Score    int       // 1 to 5
	Code     string    // the order's code, from somebody without the chat it came from
	Version  int64     // of the order the person saw; 0: whatever it is now
}

// ActOrder takes a step: order, event, activity, notices and audit change in one
// transaction. The errors say why not: NotFound, Forbidden, Conflict (its state
// or another booking does not allow it, or somebody was quicker), Invalid.
func (db *DB) ActOrder(ctx context.Context, by Person, no string, a OrderAction) (o Order, err error) {
	a.Note, a.Photo = strings.TrimSpace(cleanText(a.Note)), strings.TrimSpace(cleanText(a.Photo))
	if utf8.RuneCountInString(a.Note) > maxReason || utf8.RuneCountInString(a.Photo) > maxReason {
		return o, invalid("说明和照片的位置最多写 %d 个字。", maxReason)
	}
	if a.Request == "" {
		a.Request = randomCode(26)
	}
	if a.Code != "" { // shows that the person is the orderer
		if o, err = db.OrderByCode(ctx, by.Account, a.Code); err != nil {
			return Order{}, err
		}
		by.Account, no = Account(o.account), o.No
	}
	coded := o.ID
	picture, err := db.takePhoto(ctx, by, no, a)
	if err != nil {
		return Order{}, err
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		o, err = db.actOrder(ctx, tx, by, no, coded, a, picture)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	return o, nil
}

func (db *DB) actOrder(ctx context.Context, tx *sql.Tx, by Person, no string, coded int64, a OrderAction, picture Image) (Order, error) {
	var o Order
	var err error
	if coded != 0 {
		o, err = orderWhere(ctx, tx, "x.id", coded)
		o.wear(by)
		o.Hats |= Orderer
	} else {
		o, err = db.findOrder(ctx, tx, by, no)
	}
	if err != nil {
		return o, err
	}
	var done int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM order_events WHERE request = $1 AND order_id = $2`, a.Request, o.ID).Scan(&done); err != nil || done > 0 {
		return o, err
	}
	m, err := orderMove(a.Verb, o.State, o.Hats)
	if err != nil {
		return o, err
	}
	if a.Version != 0 && a.Version != o.Version {
		return o, errOrderStale
	}
	was, before := o.State, o
	if err := db.applyOrder(ctx, tx, by, &o, m, a); err != nil {
		return o, err
	}
	if m.To != "" {
		o.State = m.To
	}
	if err := putPhoto(ctx, tx, &o, m, picture); err != nil {
		return o, err
	}
	if err := saveOrder(ctx, tx, o); err != nil {
		return o, err
	}
	if err := db.orderEvent(ctx, tx, by, o, m.Verb, was, a.Request, a.Note); err != nil {
		return o, err
	}
	if err := db.tellOfOrder(ctx, tx, by, before, o, m, a); err != nil {
		return o, err
	}
	if err := db.audit(ctx, tx, actor(by), "lecture "+m.Verb, o.No, string(was)+" > "+string(o.State)); err != nil {
		return o, err
	}
	o.Version++
	hats := o.Hats
	o.wear(by)
	o.Hats |= hats & Orderer
	o.Next = nextOrder(o.State, o.Hats)
	return o, nil
}

var errOrderStale = &Error{Kind: Conflict, Msg: "这场讲座刚刚被别人处理过，请再看一眼现在的情况。"}

// applyOrder changes the order as the row of the table says.
func (db *DB) applyOrder(ctx context.Context, tx *sql.Tx, by Person, o *Order, m OrderMove, a OrderAction) error {
	now := db.now()
	switch {
	case m.Needs&NeedWhy != 0 && a.Note == "":
		return invalid("“%s”要写明原因，对方看得到。", m.Name)
	case m.Needs&NeedScore != 0 && (a.Score < 1 || a.Score > 5):
		return invalid("请打 1 到 5 分，例如“评讲座 %s 5 讲得明白”。", o.short())
	case m.Needs&NeedCount != 0 && (a.Came < 1 || a.Came > maxHeads):
		return invalid("请写签到人数，例如“完成讲座 %s 45 照片名”。", o.short())
	case m.Needs&NeedPhoto != 0 && len(a.File) == 0:
		return invalid("请选一张现场照片：JPG 或 PNG，%d MB 以内。", MaxPhoto>>20)
	}
	switch m.Verb {
	case "dispatch", "redispatch":
		return db.give(ctx, tx, o, a)
	case "accept":
		return db.take(ctx, tx, by, o, a)
	case "reschedule", "move":
		return db.shift(ctx, tx, o, m, a)
	case "agree":
		o.At, o.Ends, o.NewAt = o.NewAt, o.NewAt.Add(o.Ends.Sub(o.At)), time.Time{}
		if o.Lecturer != 0 {
			return reserve(ctx, tx, o.Lecturer, o.ID, o.At, o.Ends)
		}
	case "decline":
		o.Org, o.Lecturer, o.By, o.lecturerPerson, o.NewAt = 0, 0, "", 0, time.Time{}
	case "complete":
		if now.Before(o.At) {
			return conflict("%s 才开讲，讲完再填签到人数。", TimeName(o.At))
		}
		if err := o.counts(ctx, tx, a.Duty); err != nil {
			return err
		}
		o.Came, o.Photo = a.Came, a.Photo
		return db.addHeld(ctx, tx, by, *o)
	case "rate":
		o.Score, o.Reason = a.Score, a.Note
	}
	return nil
}

// counts notes the duty that the lecture counts for, if one is named.
func (o *Order) counts(ctx context.Context, tx *sql.Tx, duty int64) error {
	if duty == 0 || duty == o.Duty {
		return nil
	}
	d, err := dutyByID(ctx, tx, duty)
	if err != nil {
		return err
	}
	if d.Org.ID != o.Org {
		return invalid("责任 %d 是%s的，不是%s的。", duty, d.Org.Name, o.OrgName)
	}
	o.Duty = duty
	return nil
}

// give hands an order to a lecturer, or to a department that will name one.
// Neither: to whom the menu says.
func (db *DB) give(ctx context.Context, tx *sql.Tx, o *Order, a OrderAction) error {
	if a.Lecturer == 0 && a.Org == 0 {
		list, err := menu(ctx, tx, o.Lecture)
		if err != nil || len(list) == 0 {
			return errors.Join(err, errNoOrder)
		}
		a.Lecturer, a.Org = list[0].Lecturer, list[0].Org.ID
	}
	o.NewAt = time.Time{}
	if o.At.Before(db.now()) {
		return conflict("定的时间 %s 已经过了，请取消后重新约。", TimeName(o.At))
	}
	if a.Lecturer != 0 {
		return db.assign(ctx, tx, o, a.Lecturer)
	}
	org, err := orgByID(ctx, tx, a.Org)
	if err != nil {
		return err
	}
	o.Org, o.OrgName, o.Lecturer, o.By, o.lecturerPerson = org.ID, org.Name, 0, "", 0
	return nil
}

func (db *DB) assign(ctx context.Context, tx *sql.Tx, o *Order, lecturer int64) error {
	l, err := lecturerByID(ctx, tx, lecturer)
	if err != nil {
		return err
	}
	o.Org, o.OrgName, o.Lecturer, o.By, o.lecturerPerson = l.Org.ID, l.Org.Name, l.ID, l.Name, l.Person
	return reserve(ctx, tx, l.ID, o.ID, o.At, o.Ends)
}

// take accepts an order. A department says which of its lecturers comes; a
// lecturer who accepts comes themselves.
func (db *DB) take(ctx context.Context, tx *sql.Tx, by Person, o *Order, a OrderAction) error {
	who := o.Lecturer
	if a.Lecturer != 0 {
		who = a.Lecturer
	}
	if who == 0 {
		err := tx.QueryRowContext(ctx, `SELECT id FROM lecturers WHERE person = $1 AND org = $2 ORDER BY id LIMIT 1`, by.ID, o.Org).Scan(&who)
		if errors.Is(err, sql.ErrNoRows) {
			return invalid("请写上哪位讲师去，例如“接单 %s 姓名”。", o.short())
		}
		if err != nil {
			return fmt.Errorf("take: %w", err)
		}
	}
	org := o.Org
	if err := db.assign(ctx, tx, o, who); err != nil {
		return err
	}
	if o.Org != org {
		return invalid("“%s”不是承接部门的讲师，请选本部门的，或请普法干部改派。", o.By)
	}
	return nil
}

// shift proposes or sets another time.
func (db *DB) shift(ctx context.Context, tx *sql.Tx, o *Order, m OrderMove, a OrderAction) error {
	if a.At.IsZero() {
		return invalid("请写上新的时间，例如“%s %s 12月8日上午9点”。", m.Name, o.short())
	}
	list, err := menu(ctx, tx, o.Lecture)
	if err != nil || len(list) == 0 {
		return errors.Join(err, errNoOrder)
	}
	if _, err := bookable(a.At, o.Minutes, list[0].Extra, db.now()); err != nil {
		return err
	}
	length := o.Ends.Sub(o.At)
	if o.Lecturer != 0 {
		if err := reserve(ctx, tx, o.Lecturer, o.ID, a.At, a.At.Add(length)); err != nil {
			return err
		}
	}
	if m.Verb == "reschedule" {
		o.NewAt = a.At
		return nil
	}
	o.At, o.Ends, o.NewAt = a.At, a.At.Add(length), time.Time{}
	return nil
}

func saveOrder(ctx context.Context, tx *sql.Tx, o Order) error {
	r, err := tx.ExecContext(ctx, `UPDATE orders SET version = version + 1, state = $1, at = $2, ends = $3, new_at = $4, org = $5, lecturer = $6, came = $7, photo = $8, score = $9, reason = $10, picture = $11, duty = $12
		WHERE id = $13 AND version = $14`, string(o.State), o.At.Unix(), o.Ends.Unix(), unix(o.NewAt), o.Org, o.Lecturer, o.Came, o.Photo, o.Score, o.Reason, o.Picture, o.Duty, o.ID, o.Version)
	if err != nil {
		return fmt.Errorf("save order: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errOrderStale, err)
	}
	return nil
}

// tellOfOrder tells the other side what a step means for them. before is the
// order as it was: who gave it up or lost it is told too.
func (db *DB) tellOfOrder(ctx context.Context, tx *sql.Tx, by Person, before, o Order, m OrderMove, a OrderAction) error {
	head := fmt.Sprintf("讲座 %s（%s，%s）", o.No, o.Topic, o.Unit)
	var orderer, provider, host string
	switch m.Verb {
	case "dispatch", "redispatch":
		provider = fmt.Sprintf("请您接一场讲座 %s：%s，%s，%s，约 %d 人，联系人 %s %s。%s回“接单 %s”“改期 %s 时间 原因”或“谢绝 %s 原因”。",
			o.No, o.Topic, TimeName(o.At), o.Unit, o.Heads, o.Contact, o.Phone, wishLine(o.Wish), o.short(), o.short(), o.short())
	case "accept":
		orderer = fmt.Sprintf("%s定下来了：%s，%s的%s来讲。请准备好场地、投影和签到表。有变化回“改约 %s 新时间”或“取消讲座 %s 原因”。", head, TimeName(o.At), o.OrgName, o.By, o.short(), o.short())
		host = fmt.Sprintf("%s已接单：%s。", head, o.By)
	case "reschedule":
		orderer = fmt.Sprintf("%s，讲师那天有困难（%s），想改到 %s。可以就回“同意改期 %s”，不行回“改约 %s 您方便的时间”。", head, a.Note, TimeName(o.NewAt), o.short(), o.short())
		host = fmt.Sprintf("%s请求改到 %s：%s。", head, TimeName(o.NewAt), a.Note)
	case "agree":
		provider = fmt.Sprintf("%s改到 %s，对方同意了。", head, TimeName(o.At))
	case "move":
		provider = fmt.Sprintf("%s，对方改约到 %s。行就回“接单 %s”。", head, TimeName(o.At), o.short())
	case "decline":
		host = fmt.Sprintf("%s被谢绝：%s。请回“派讲 %s 姓名”另派。", head, a.Note, o.short())
	case "complete":
		orderer = fmt.Sprintf("%s讲完了，签到 %d 人。讲得怎么样？回“评讲座 %s 5”（1到5分，后面可以写意见）。", head, o.Came, o.short())
		host = fmt.Sprintf("%s已完成，签到 %d 人。", head, o.Came)
	case "rate":
		provider = fmt.Sprintf("%s得了 %d 分。%s", head, o.Score, o.Reason)
		if o.Score < 3 {
			host = provider
		}
	case "cancel":
		orderer = fmt.Sprintf("%s取消了：%s。", head, a.Note)
		provider, host = orderer, orderer
	}
	if err := db.tellLost(ctx, tx, by, before, o, m); err != nil {
		return err
	}
	return db.tellSides(ctx, tx, by, o, m.Verb, orderer, provider, host)
}

func wishLine(wish string) string {
	if wish == "" {
		return ""
	}
	return "要求：" + wish + "。"
}

// tellLost tells the lecturer from whom an order was taken.
func (db *DB) tellLost(ctx context.Context, tx *sql.Tx, by Person, before, o Order, m OrderMove) error {
	if m.Verb != "redispatch" || before.lecturerPerson == 0 || before.lecturerPerson == o.lecturerPerson || before.lecturerPerson == by.ID {
		return nil
	}
	return db.notify(ctx, tx, "lecture", fmt.Sprintf("lecture %d lost %d", o.ID, o.Version), "", before.lecturerPerson,
		fmt.Sprintf("讲座 %s（%s）改由别人去讲，您不用去了。", o.No, TimeName(o.At)))
}

// tellSides leaves the messages for the sides that did not act themselves.
func (db *DB) tellSides(ctx context.Context, tx *sql.Tx, by Person, o Order, verb, orderer, provider, host string) error {
	once := func(who string) string { return fmt.Sprintf("lecture %d %d %s", o.ID, o.Version, who) }
	if orderer != "" && o.account != "" && o.account != string(by.Account) {
		if err := db.notify(ctx, tx, "lecture", once("orderer"), Account(o.account), 0, orderer); err != nil {
			return err
		}
	}
	told := map[int64]bool{by.ID: true, 0: true}
	send := func(ids []int64, body string) error {
		for _, id := range ids {
			if body == "" || told[id] {
				continue
			}
			told[id] = true
			if err := db.notify(ctx, tx, "lecture", once(fmt.Sprint(id)), "", id, body); err != nil {
				return err
			}
		}
		return nil
	}
	providers, err := providersOf(ctx, tx, o)
	if err != nil {
		return err
	}
	ids, err := hosts(ctx, tx, o.path)
	if err != nil {
		return err
	}
	if provider != "" && len(providers) == 0 && (verb == "dispatch" || verb == "redispatch") {
		host = fmt.Sprintf("讲座 %s 派给了%s%s，但那里没有人绑定聊天：请打电话通知，接不接由您在这里代记。", o.No, o.OrgName, o.By)
		told[by.ID] = false
	}
	if err := send(providers, provider); err != nil {
		return err
	}
	return send(ids, host)
}

// providersOf lists the people who are told: the lecturer, else everybody of the
// department.
func providersOf(ctx context.Context, q querier, o Order) ([]int64, error) {
	if o.lecturerPerson != 0 {
		return []int64{o.lecturerPerson}, nil
	}
	if o.Org == 0 {
		return nil, nil
	}
	list, err := people(ctx, q, PeopleFilter{Org: o.Org})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, p := range list {
		for _, q := range p.Posts {
			if q.Org.ID == o.Org && !p.Suspended {
				ids = append(ids, p.ID)
				break
			}
		}
	}
	return ids, nil
}
