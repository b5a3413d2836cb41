package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const caseColumns = `id, no, request, version, org, path, matter, state, urgency, via, account, filer, holder, name, phone, place, parties, story, wish,
	restricted, shared, opened, due, promised, answered, closed, answer, approver, drafter, taken, into_case, lane, topic, cleared_only,
	COALESCE((SELECT a.person FROM accounts a WHERE a.account = cases.account), 0)`

func scanCase(row interface{ Scan(...any) error }) (c Case, err error) {
	var state string
	var urgency, restricted, shared, guarded int
	var opened, due, promised, answered, closed, taken int64
	err = row.Scan(&c.ID, &c.No, &c.request, &c.Version, &c.Org, &c.path, &c.Matter, &state, &urgency, &c.Via, &c.account, &c.Filer, &c.Holder,
		&c.Name, &c.Phone, &c.Place, &c.Parties, &c.Story, &c.Wish, &restricted, &shared,
		&opened, &due, &promised, &answered, &closed, &c.Answer, &c.Approver, &c.Drafter, &taken, &c.IntoCase, &c.Lane, &c.Topic, &guarded, &c.owner)
	c.State, c.Urgency, c.Restricted, c.Shared, c.guarded = State(state), Urgency(urgency), restricted != 0, shared != 0, guarded != 0
	c.Opened, c.Due, c.Promised = fromUnix(opened), fromUnix(due), fromUnix(promised)
	c.Answered, c.Closed, c.Taken = fromUnix(answered), fromUnix(closed), fromUnix(taken)
	return c, err
}

// caseWhere reads one case by a column that is unique.
func caseWhere(ctx context.Context, q querier, column string, value any) (Case, error) {
	c, err := scanCase(q.QueryRowContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE `+column+` = $1`, value))
	if errors.Is(err, sql.ErrNoRows) {
		return c, errNoCase
	}
	return c, err
}

// CaseNo gives the number of a case that another one names.
func (db *DB) CaseNo(ctx context.Context, id int64) (string, error) {
	c, err := caseWhere(ctx, db.read, "id", id)
	return c.No, err
}

// errNoCase is said of cases that are not there and of those a person may not
// know of, so that nobody learns which exist.
var errNoCase = &Error{Kind: NotFound, Msg: "没有找到这件事。请核对编号；用取件码查也可以。"}

// hats says what a person is to a case.
func hats(p Person, c Case) Hat {
	var h Hat
	if p.Account != "" && c.account == string(p.Account) {
		h |= Applicant
	}
	if p.ID == 0 || p.Suspended {
		return h
	}
	if c.Filer == p.ID {
		h |= Filer
	}
	if c.Holder == p.ID {
		h |= Holder
	}
	if p.covers(Clerk, c.path) && (p.Cleared || !c.guarded) {
		h |= Desk
	}
	if p.covers(Admin, c.path) {
		h |= Lead
	}
	return h
}

// inside are the hats of those who work on a case and see all of it.
const inside = Desk | Holder | Lead

// wear notes what the person is to the case and takes away what they may not
// see: somebody who filed it for another sees how it stands, and the answer only
// if it was shared.
func (c *Case) wear(p Person) {
	c.Hats = hats(p, *c)
	c.Next = next(c.State, c.Hats)
	if c.Hats&(Applicant|inside) == 0 && !c.Shared {
		c.Answer = ""
	}
}

// DueNow says whether the step that is waited for is late.
func (c Case) DueNow(now time.Time) bool { return !c.Due.IsZero() && now.After(c.Due) }

var shortNo = regexp.MustCompile(`^\d{1,6}$`)

// findCase reads the case with that number for a person. Staff may leave all but
// the last part away if it means one case of this year in their scope.
func (db *DB) findCase(ctx context.Context, q querier, p Person, no string) (Case, error) {
	no = strings.TrimSpace(strings.NewReplacer("—", "-", "－", "-", "–", "-").Replace(no))
	if shortNo.MatchString(no) {
		n, _ := strconv.Atoi(no)
		return db.findShort(ctx, q, p, n)
	}
	c, err := caseWhere(ctx, q, "no", no)
	if err != nil {
		return c, err
	}
	if c.wear(p); c.Hats == 0 {
		return Case{}, errNoCase
	}
	return c, nil
}

func (db *DB) findShort(ctx context.Context, q querier, p Person, n int) (Case, error) {
	f := CaseFilter{Text: fmt.Sprintf("%04d", n), tail: fmt.Sprintf("-%04d", n), year: db.now().In(china).Year(), Limit: 3}
	list, _, err := db.list(ctx, q, p, f)
	switch {
	case err != nil:
		return Case{}, err
	case len(list) == 0:
		return Case{}, errNoCase
	case len(list) > 1:
		return Case{}, invalid("有几件都是这个尾号，请写全编号，例如 %s。", list[0].No)
	}
	return list[0], nil
}

// Case reads a case by its number, and notes that staff read it. NotFound also
// if the person has nothing to do with it.
func (db *DB) Case(ctx context.Context, p Person, no string) (Case, error) {
	c, err := db.findCase(ctx, db.read, p, no)
	if err != nil || c.Hats&inside == 0 {
		return c, err
	}
	what := ReadPage
	if p.Account != "" {
		what = ReadChat
	}
	return c, db.noteCase(ctx, p, c, what)
}

// Event is one step of a case's history.
type Event struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Verb  string    `json:"verb"`
	State State     `json:"state"`
	Note  string    `json:"note"`
}

// Name is what people read of a step.
func (e Event) Name() string {
	for verb, name := range map[string]string{"open": "提交", "session": "调解记录", "outcome": "调解结果", "facts": "更正事实", "share": "同意代办人看答复", "unshare": "不再给代办人看答复", "untalk": "收回聊天", "erase": "删除个人信息"} {
		if e.Verb == verb {
			return name
		}
	}
	for _, m := range Moves {
		if m.Verb == e.Verb {
			return m.Name
		}
	}
	return e.Verb
}

// Events gives the history of a case that was read for a person, oldest first.
// Notes are for those who work on it; others see those meant for them.
func (db *DB) Events(ctx context.Context, c Case) ([]Event, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT at, actor, verb, state, note FROM case_events WHERE case_id = $1 ORDER BY id`, c.ID)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	defer rows.Close()
	var list []Event
	for rows.Next() {
		var e Event
		var at int64
		var state string
		if err := rows.Scan(&at, &e.Actor, &e.Verb, &state, &e.Note); err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		e.At, e.State = fromUnix(at), State(state)
		if c.Hats&inside == 0 {
			if e.Verb == "note" || e.Verb == "urge" {
				continue
			}
			if e.Verb != "return" {
				e.Note = ""
			}
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// CaseByCode reads a case with its pick-up code, as its applicant would. Wrong
// codes are counted against the address.
func (db *DB) CaseByCode(ctx context.Context, a Account, typed string) (Case, error) {
	if err := db.mayTry(ctx, a, "pickup"); err != nil {
		return Case{}, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Case{}, err
	}
	clean := CleanCode(typed)
	if len(clean) == pickupDigits {
		clean = clean[:4] + "-" + clean[4:]
	}
	c, err := caseWhere(ctx, db.read, "pickup", keyed(key, "pickup", clean))
	if KindOf(err) == NotFound && err != nil {
		return Case{}, errors.Join(err, db.wrong(ctx, a, "pickup"))
	}
	c.Hats = Applicant
	c.Next = next(c.State, Applicant)
	return c, err
}
