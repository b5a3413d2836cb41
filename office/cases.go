package office

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Ways a case comes in.
const (
	ViaResident = "resident"
	ViaHelper   = "helper" // by a 法律明白人, with the resident's consent code
	ViaGrid     = "grid"   // a grid member reports what they saw
	ViaTicket   = "ticket" // a work order of another system, such as 12345
	ViaDesk     = "desk"   // a clerk writes down what is said at the desk or the phone
)

// Way is one of the ways in with its name.
type Way struct{ Key, Name string }

// Ways lists them.
var Ways = []Way{{ViaResident, "本人"}, {ViaHelper, "法律明白人代办"}, {ViaGrid, "网格上报"}, {ViaDesk, "窗口、电话"}, {ViaTicket, "12345 等工单"}}

// Case is one matter from handing in to the archive.
type Case struct {
	ID         int64     `json:"id"`
	No         string    `json:"no"` // 2026-城东-0012
	Version    int64     `json:"version"`
	Org        int64     `json:"org"`
	Matter     string    `json:"matter"` // Matter.Key
	State      State     `json:"state"`
	Urgency    Urgency   `json:"urgency"`
	Via        string    `json:"via"`
	Filer      int64     `json:"filer"`
	Holder     int64     `json:"holder"`
	Name       string    `json:"name"`
	Phone      string    `json:"phone"`
	Place      string    `json:"place"`
	Parties    string    `json:"parties"`
	Story      string    `json:"story"`
	Wish       string    `json:"wish"`
	Restricted bool      `json:"restricted"`
	Shared     bool      `json:"shared"`
	Opened     time.Time `json:"opened"`
	Due        time.Time `json:"due"`      // of the step that is waited for; zero: none
	Promised   time.Time `json:"promised"` // of the answer
	Answered   time.Time `json:"answered"` // first answer; zero: none
	Closed     time.Time `json:"closed"`
	Answer     string    `json:"answer"`
	Approver   string    `json:"approver"`
	Drafter    string    `json:"drafter"` // model; "" if no machine helped
	Taken      time.Time `json:"taken"`   // when the applicant got the answer
	IntoCase   int64     `json:"into_case"`
	Lane       string    `json:"lane"`  // of a dispute: LanePeople …; "": none
	Topic      string    `json:"topic"` // "TT08"; "": not known
	Hats       Hat       `json:"-"`     // what the person it was read for is to it
	Next       []string  `json:"next"`  // verbs that person may use now

	account, path, request string
	guarded                bool  // of the desk, only people who are cleared see it
	owner                  int64 // the applicant, if they have a duty here; 0: they have none
}

// Draft is what somebody hands in.
type Draft struct {
	Request string // names the message it came with; the same one opens one case only
	Via     string
	Matter  string
	Name    string
	Phone   string
	Place   string // where; a township's or village's name in it decides who receives the case
	Parties string // the other side
	Story   string
	Wish    string
	Consent string     // the resident's code, for ViaHelper
	Limit   time.Time  // last day of a limitation, as package calendar counts; zero: none known
	Danger  bool       // somebody may be harmed
	Minor   bool       // about somebody under 18
	Guarded bool       // an old or disabled person
	Promise time.Time  // when the answer is due, if another system says so
	Topic   string     // what the knowledge base takes it to be about: "TT08"; may be empty
	Talk    []TalkLine // what was said to the bot before, masked; only if the person lets it be kept
}

// Opened is what became of a Draft.
type Opened struct {
	Case   Case
	Code   string // with which the answer is fetched; only the applicant should get it
	Exact  bool   // false: holidays of the year are not announced, the day may move
	Repeat bool   // the same matter was handed in before; Case is that one
}

// Bounds of a draft's fields, in runes.
const (
	maxField = 100
	maxStory = 2000
)

func (d *Draft) check() error {
	for _, f := range []*string{&d.Name, &d.Phone, &d.Place, &d.Parties, &d.Story, &d.Wish, &d.Request} {
		*f = strings.TrimSpace(cleanText(*f))
	}
	d.Matter, d.Talk = MatterOf(d.Matter).Key, boundTalk(d.Talk)
	switch {
	case utf8.RuneCountInString(d.Story) < 4:
		return invalid("请用一两句话写清楚发生了什么事。")
	case utf8.RuneCountInString(d.Story) > maxStory || utf8.RuneCountInString(d.Wish) > maxStory:
		return invalid("经过和诉求请各写在 %d 个字以内。", maxStory)
	case d.Phone != "" && !personPhone.MatchString(d.Phone):
		return invalid("电话看不懂，请只写数字，例如 13800000000。")
	}
	for _, s := range []string{d.Name, d.Place, d.Parties} {
		if utf8.RuneCountInString(s) > maxField {
			return invalid("姓名、地点和对方请各写在 %d 个字以内。", maxField)
		}
	}
	return nil
}

// cleanText takes out what could disguise a text: control characters but line
// ends, and marks that turn the direction of writing.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// Receives says whether there is somebody whom a case could reach: a clerk or
// administrator who is not suspended.
func (db *DB) Receives(ctx context.Context) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM posts s JOIN people p ON p.id = s.person WHERE p.suspended = 0 AND s.role IN ($1, $2)`,
		Clerk.String(), Admin.String()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("receives: %w", err)
	}
	return n > 0, nil
}

// MayOpen says whether a person may hand in a case that way, so that nobody
// fills in a form for nothing.
func MayOpen(p Person, via string) error {
	need := map[string]Role{ViaHelper: Helper, ViaGrid: Grid, ViaDesk: Clerk}
	r, ok := need[via]
	switch {
	case via == ViaResident:
		return nil
	case !ok:
		return invalid("没有这种办法。")
	case !p.Has(r) && !(via == ViaHelper && p.Has(Grid)):
		return forbidden("这一项要先绑定%s的身份：请向管理员要邀请码，再发“绑定 邀请码”。", r)
	}
	return nil
}

// ConsentLife is how long a consent code is good for.
const ConsentLife = time.Hour

// Consent makes a code with which the resident at an address lets a helper hand
// in a case for them, once.
func (db *DB) Consent(ctx context.Context, a Account) (string, time.Time, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	c, until := randomCode(pickupDigits), db.now().Add(ConsentLife)
	err = db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM consents WHERE used = 0 AND (account = $1 OR expires < $2)`, string(a), db.now().Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO consents (hash, account, expires, used) VALUES ($1, $2, $3, 0)`, keyed(key, "consent", c), string(a), until.Unix())
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("consent: %w", err)
	}
	return c[:4] + "-" + c[4:], until, nil
}

// OpenCase takes a matter on record: case, event, notices and audit in one
// transaction. Forbidden if the person may not, Invalid if something is missing
// or the consent code is wrong, Conflict if nobody could receive it.
func (db *DB) OpenCase(ctx context.Context, by Person, d Draft) (Opened, error) {
	if err := d.check(); err != nil {
		return Opened{}, err
	}
	if err := MayOpen(by, d.Via); err != nil {
		return Opened{}, err
	}
	if d.Via == ViaHelper {
		if err := db.mayTry(ctx, by.Account, "consent"); err != nil {
			return Opened{}, err
		}
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Opened{}, err
	}
	if d.Request == "" {
		d.Request = randomCode(26)
	}
	o := opening{db: db, key: key, by: by, d: d}
	err = db.update(ctx, func(tx *sql.Tx) error { return o.run(ctx, tx) })
	if errors.Is(err, errWrongConsent) {
		return Opened{}, errors.Join(err, db.wrong(ctx, by.Account, "consent"))
	}
	return o.out, err
}

var errWrongConsent = &Error{Kind: Invalid, Msg: "同意码不对、用过了或过期了。请本人在自己的聊天里发“同意代办”，把新的码告诉您。"}

// opening is one case on its way into the records.
type opening struct {
	db  *DB
	key []byte
	by  Person
	d   Draft
	c   Case
	org Org
	out Opened
}

func (o *opening) run(ctx context.Context, tx *sql.Tx) (err error) {
	if o.org, err = receiver(ctx, tx, o.by, o.d); err != nil {
		return err
	}
	if err := o.lock(ctx, tx); err != nil {
		return err
	}
	if again, err := caseWhere(ctx, tx, "request", o.d.Request); err == nil || KindOf(err) != NotFound {
		o.done(again, false)
		return err
	}
	if err := o.applicant(ctx, tx); err != nil {
		return err
	}
	same := o.sameKey()
	before, err := o.repeated(ctx, tx, same)
	if err != nil || before.ID != 0 {
		o.done(before, true)
		return err
	}
	if err := o.number(ctx, tx); err != nil {
		return err
	}
	crash("number")
	if err := o.insert(ctx, tx, same); err != nil {
		return err
	}
	crash("case")
	note, err := keepTalk(ctx, tx, o.c, o.d.Talk)
	if err != nil {
		return err
	}
	if err := o.db.event(ctx, tx, o.by, &o.c, "open", "", o.d.Request, note); err != nil {
		return err
	}
	crash("event")
	if err := o.notices(ctx, tx); err != nil {
		return err
	}
	crash("notices")
	if err := o.db.watch(ctx, tx, o.key, o.c); err != nil {
		return err
	}
	if err := o.db.audit(ctx, tx, actor(o.by), "open", o.c.No, o.d.Via+" "+o.d.Matter); err != nil {
		return err
	}
	o.done(o.c, false)
	return nil
}

func (o *opening) done(c Case, repeat bool) {
	c.wear(o.by)
	o.out = Opened{Case: c, Code: pickupCode(o.key, c.request), Repeat: repeat, Exact: o.out.Exact || c.ID != o.c.ID}
}

// applicant finds out whose matter it is.
func (o *opening) applicant(ctx context.Context, tx *sql.Tx) error {
	switch o.d.Via {
	case ViaResident:
		o.c.account, o.c.owner = string(o.by.Account), o.by.ID
	case ViaHelper:
		o.c.Filer = o.by.ID
		err := tx.QueryRowContext(ctx, `UPDATE consents SET used = 1 WHERE hash = $1 AND used = 0 AND expires > $2 RETURNING account`,
			keyed(o.key, "consent", CleanCode(o.d.Consent)), o.db.now().Unix()).Scan(&o.c.account)
		if errors.Is(err, sql.ErrNoRows) {
			return errWrongConsent
		}
		if err != nil {
			return fmt.Errorf("open case: %w", err)
		}
		p, err := personByAccount(ctx, tx, Account(o.c.account))
		if err != nil {
			return err
		}
		if o.c.owner = p.ID; p.ID == o.by.ID {
			return invalid("这是您自己的同意码。自己的事请直接发“上报”；替别人代办要用本人的码。")
		}
	default:
		o.c.Filer = o.by.ID
	}
	return nil
}

// sameKey is shared by drafts that say the same: one person, one story.
func (o *opening) sameKey() string {
	who := o.c.account
	if who == "" {
		who = o.d.Name + "|" + o.d.Phone
	}
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, o.d.Story)
	return keyed(o.key, "same", who+"|"+letters)
}

// repeated finds the open case that says the same.
func (o *opening) repeated(ctx context.Context, tx *sql.Tx, same string) (Case, error) {
	c, err := scanCase(tx.QueryRowContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE same = $1 AND closed = 0 ORDER BY id DESC LIMIT 1`, same))
	if errors.Is(err, sql.ErrNoRows) {
		return Case{}, nil
	}
	return c, err
}

// lock has cases of one place opened one after the other, so that what is a repeat
// sees what it repeats, also in another process.
func (o *opening) lock(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO case_numbers (org, year, last) VALUES ($1, $2, 0) ON CONFLICT (org, year) DO UPDATE SET last = case_numbers.last`,
		o.org.ID, o.db.now().In(china).Year()); err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	return nil
}

// number gives the next number of the place and year. The counter's row stays
// locked until the commit, so numbers have no gaps and no twins.
func (o *opening) number(ctx context.Context, tx *sql.Tx) error {
	year := o.db.now().In(china).Year()
	var n int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO case_numbers (org, year, last) VALUES ($1, $2, 1)
		ON CONFLICT (org, year) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`, o.org.ID, year).Scan(&n); err != nil {
		return fmt.Errorf("number: %w", err)
	}
	o.c.No = fmt.Sprintf("%d-%s-%04d", year, o.org.Short, n)
	return nil
}

func (o *opening) insert(ctx context.Context, tx *sql.Tx, same string) error {
	now, d := o.db.now(), o.d
	c := &o.c
	c.Version, c.Org, c.path, c.Matter, c.State, c.Via = 1, o.org.ID, o.org.Path, d.Matter, New, d.Via
	c.Name, c.Phone, c.Place, c.Parties, c.Story, c.Wish = d.Name, d.Phone, d.Place, d.Parties, d.Story, d.Wish
	c.Opened, c.request = now, d.Request
	if d.Matter == "dispute" || d.Matter == "wages" || d.Matter == "lead" {
		list, err := items(ctx, tx)
		if err != nil {
			return err
		}
		if c.Lane, c.Topic = Propose(d.Story, d.Topic, list).Lane, d.Topic; d.Danger {
			c.Lane = LaneReport
		}
	}
	d.Danger = d.Danger || c.Lane == LaneReport
	c.Restricted = d.Minor || d.Danger
	switch {
	case d.Danger:
		c.Urgency = Safety
	case nearLimit(d.Limit, now):
		c.Urgency = Limit
	case d.Minor || d.Guarded:
		c.Urgency = Guarded
	default:
		c.Urgency = Normal
	}
	if c.Restricted {
		var err error
		if c.guarded, err = someoneCleared(ctx, tx, c.path); err != nil {
			return err
		}
	}
	m := MatterOf(d.Matter)
	c.Due, _ = due(ClockAccept, m, c.Urgency, now, now)
	c.Promised, o.out.Exact = due(ClockAnswer, m, c.Urgency, now, now)
	if !d.Promise.IsZero() {
		c.Promised, o.out.Exact = d.Promise, true
	}
	err := tx.QueryRowContext(ctx, `INSERT INTO cases (no, request, version, org, path, matter, state, urgency, via, account, filer, holder,
		name, phone, place, parties, story, wish, restricted, shared, opened, due, promised, answered, closed, answer, approver, drafter, taken, pickup, same, into_case, lane, topic, cleared_only, indexed)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14, $15, $16, $17, 0, $18, $19, $20, 0, 0, '', '', '', 0, $21, $22, 0, $23, $24, $25, 1) RETURNING id`,
		c.No, c.request, c.Org, c.path, c.Matter, string(c.State), int(c.Urgency), c.Via, c.account, c.Filer,
		c.Name, c.Phone, c.Place, c.Parties, c.Story, c.Wish, number(c.Restricted), now.Unix(), unix(c.Due), unix(c.Promised),
		keyed(o.key, "pickup", pickupCode(o.key, c.request)), same, c.Lane, c.Topic, number(c.guarded)).Scan(&c.ID)
	if err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	return addGrams(ctx, tx, map[int64][]int64{c.ID: c.grams()})
}

// notices tells the desk that something came in, and the applicant the number
// if somebody else handed it in.
func (o *opening) notices(ctx context.Context, tx *sql.Tx) error {
	c := o.c
	head := fmt.Sprintf("新件 %s（%s，%s）。", c.No, MatterOf(c.Matter).Name, c.Urgency.Name())
	body := head + fmt.Sprintf("请在 %s 前受理：回复“受理 %s”；看内容回复“看 %s”。", c.Due.In(china).Format("1月2日 15:04"), c.No, c.No)
	if err := o.db.tellDesk(ctx, tx, c, "open", body); err != nil {
		return err
	}
	if o.d.Via != ViaHelper {
		return nil
	}
	body = fmt.Sprintf("%s已按您的同意替您提交，编号 %s，取件码 %s。不是您的意思就回复“撤回 %s”。", o.by.Name, c.No, pickupCode(o.key, c.request), c.No)
	return o.db.tell(ctx, tx, c, "filed", Account(c.account), 0, body)
}

// pickupCode is made from the key and the request, so that it can be said again
// and need not be kept.
func pickupCode(key []byte, request string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("pickup code\x00" + request))
	c := code(h.Sum(nil), pickupDigits)
	return c[:4] + "-" + c[4:]
}

// event adds a step to a case's history. request names what caused it, so that
// it is done once.
func (db *DB) event(ctx context.Context, tx *sql.Tx, by Person, c *Case, verb string, was State, request, note string) error {
	if request == "" {
		request = randomCode(26)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO case_events (case_id, request, at, person, actor, verb, was, state, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.ID, request, db.now().Unix(), by.ID, by.label(), verb, string(was), string(c.State), note); err != nil {
		return fmt.Errorf("case event: %w", err)
	}
	return nil
}

// actor names a person in the audit without saying who a resident is.
func actor(p Person) string {
	switch {
	case p.ID == 0:
		return "resident"
	case p.ID < 0:
		return p.Name // at the machine itself
	}
	return personKey(p.ID)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).In(china)
}
