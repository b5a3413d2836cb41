package office

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Dossier is everything the records hold of the person behind an address
// (个人信息保护法 第四十五条: a person may read and copy it).
type Dossier struct {
	At       time.Time         `json:"at"`
	Person   *Person           `json:"person,omitempty"` // their duty, if the address is bound
	Cases    []DossierCase     `json:"cases"`
	Lectures []Order           `json:"lectures"` // ordered
	Notices  []DossierNotice   `json:"notices"`
	Consults []DossierConsult  `json:"consults"` // never the words: they are not kept
	Consents []DossierConsent  `json:"consents"`
	Codes    int               `json:"codes"` // consent codes that are good now
	Said     []DossierSentence `json:"said"`  // what the conversation remembers; filled in by who keeps it
}

// DossierCase is one matter of the person's own with its history.
type DossierCase struct {
	Case      Case       `json:"case"`
	Events    []Event    `json:"events"`
	Talk      []TalkLine `json:"talk,omitempty"` // handed in with it, masked
	Mediation *Mediation `json:"mediation,omitempty"`
	Score     int        `json:"score,omitempty"` // 1 to 5
	Reason    string     `json:"reason,omitempty"`
}

// DossierNotice is a message that was left for the person.
type DossierNotice struct {
	At   time.Time `json:"at"`
	Body string    `json:"body"`
}

// DossierConsult is one question that was counted.
type DossierConsult struct {
	At      time.Time `json:"at"`
	Channel string    `json:"channel"`
	Kind    string    `json:"kind"`
	Topic   string    `json:"topic"`
	Area    string    `json:"area"`
	Reason  string    `json:"reason,omitempty"` // written with a rating
}

// DossierConsent is an answer to a notice, with the version that was seen.
type DossierConsent struct {
	Notice   string    `json:"notice"`
	Version  string    `json:"version"`
	Accepted bool      `json:"accepted"`
	At       time.Time `json:"at"`
}

// DossierSentence is something the person said that is still remembered.
type DossierSentence struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// maxDossier bounds each list of a dossier.
const maxDossier = 2000

// Dossier collects what is held of the person behind an address, and notes in
// the audit that it was given out.
func (db *DB) Dossier(ctx context.Context, by string, a Account) (Dossier, error) {
	d := Dossier{At: db.now().In(china)}
	key, err := db.hashKey(ctx)
	if err != nil {
		return d, err
	}
	for _, part := range []func(context.Context, []byte, Account, *Dossier) error{db.dossierPerson, db.dossierCases, db.dossierLectures, db.dossierNotices, db.dossierConsults, db.dossierConsents} {
		if err := part(ctx, key, a, &d); err != nil {
			return d, fmt.Errorf("dossier: %w", err)
		}
	}
	return d, db.Note(ctx, by, "export own data", subject(key, a))
}

// subject names the person behind an address in the audit without saying who it
// is.
func subject(key []byte, a Account) string { return "subject " + keyed(key, "subject", string(a))[:12] }

func (db *DB) dossierPerson(ctx context.Context, _ []byte, a Account, d *Dossier) error {
	p, err := db.PersonByAccount(ctx, a)
	if err == nil && p.ID != 0 {
		d.Person = &p
	}
	return err
}

func (db *DB) dossierCases(ctx context.Context, _ []byte, a Account, d *Dossier) error {
	rows, err := db.read.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE account = $1 ORDER BY id DESC LIMIT $2`, string(a), maxDossier)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return err
		}
		c.wear(Person{Account: a})
		d.Cases = append(d.Cases, DossierCase{Case: c})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range d.Cases {
		if err := db.dossierCase(ctx, &d.Cases[i]); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) dossierCase(ctx context.Context, x *DossierCase) (err error) {
	if x.Events, err = db.Events(ctx, x.Case); err != nil {
		return err
	}
	if x.Talk, err = db.Talk(ctx, x.Case); err != nil {
		return err
	}
	m, _, ok, err := db.Mediation(ctx, x.Case)
	if err != nil {
		return err
	}
	if ok {
		x.Mediation = &m
	}
	err = db.read.QueryRowContext(ctx, `SELECT score, reason FROM ratings WHERE case_id = $1`, x.Case.ID).Scan(&x.Score, &x.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// each runs a query and hands every row to scan.
func (db *DB) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (db *DB) dossierNotices(ctx context.Context, _ []byte, a Account, d *Dossier) error {
	return db.each(ctx, func(rows *sql.Rows) error {
		var n DossierNotice
		var at int64
		err := rows.Scan(&at, &n.Body)
		n.At = fromUnix(at)
		d.Notices = append(d.Notices, n)
		return err
	}, `SELECT created, body FROM notices WHERE body <> '' AND (account = $1 OR person IN (SELECT person FROM accounts WHERE account = $1)) ORDER BY id DESC LIMIT $2`, string(a), maxDossier)
}

func (db *DB) dossierConsults(ctx context.Context, key []byte, a Account, d *Dossier) error {
	return db.each(ctx, func(rows *sql.Rows) error {
		var c DossierConsult
		var at int64
		err := rows.Scan(&at, &c.Channel, &c.Kind, &c.Topic, &c.Area, &c.Reason)
		c.At = fromUnix(at)
		d.Consults = append(d.Consults, c)
		return err
	}, `SELECT at, channel, kind, topic, area, reason FROM consults WHERE person = $1 ORDER BY at DESC LIMIT $2`, keyed(key, "person", string(a)), maxDossier)
}

func (db *DB) dossierConsents(ctx context.Context, key []byte, a Account, d *Dossier) error {
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM consents WHERE account = $1 AND used = 0 AND expires > $2`, string(a), db.now().Unix()).Scan(&d.Codes); err != nil {
		return err
	}
	return db.each(ctx, func(rows *sql.Rows) error {
		var c DossierConsent
		var accepted int
		var at int64
		err := rows.Scan(&c.Notice, &c.Version, &accepted, &at)
		c.Accepted, c.At = accepted == 1, fromUnix(at)
		d.Consents = append(d.Consents, c)
		return err
	}, `SELECT notice, version, accepted, at FROM notice_answers WHERE person = $1 ORDER BY notice`, keyed(key, "person", string(a)))
}

// Text is the dossier as somebody reads it in a chat.
func (d Dossier) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "截至 %s，这里有您的：\n", d.At.Format("2006年1月2日 15:04"))
	if d.Person != nil {
		fmt.Fprintf(&b, "【工作身份】%s，电话 %s\n", d.Person.label(), orNone(d.Person.Phone))
	}
	fmt.Fprintf(&b, "【事项】%d 件\n", len(d.Cases))
	for _, x := range d.Cases {
		c := x.Case
		fmt.Fprintf(&b, "- %s %s，%s，%s提交\n", c.No, MatterOf(c.Matter).Name, c.State.Name(), c.Opened.Format("2006年1月2日"))
		for _, f := range [][2]string{{"称呼", c.Name}, {"电话", c.Phone}, {"地点", c.Place}, {"对方", c.Parties}, {"经过", c.Story}, {"诉求", c.Wish}, {"答复", c.Answer}} {
			if f[1] != "" {
				fmt.Fprintf(&b, "  %s：%s\n", f[0], f[1])
			}
		}
		for _, l := range x.Talk {
			fmt.Fprintf(&b, "  附的聊天：%s：%s\n", l.Speaker(c.Via), l.Text)
		}
		if x.Mediation != nil {
			fmt.Fprintf(&b, "  调解：%s %s\n", x.Mediation.Outcome, x.Mediation.Terms)
		}
		if x.Score > 0 {
			fmt.Fprintf(&b, "  评价：%d 分 %s\n", x.Score, x.Reason)
		}
	}
	fmt.Fprintf(&b, "【订的讲座】%d 场\n", len(d.Lectures))
	for _, o := range d.Lectures {
		fmt.Fprintf(&b, "- %s %s，%s，%s，联系人 %s %s %s\n", o.No, o.Topic, TimeName(o.At), o.Unit, o.Contact, o.Phone, o.Wish)
	}
	fmt.Fprintf(&b, "【通知】%d 条\n【咨询记录】%d 次（只有时间和专题，没有原话）\n", len(d.Notices), len(d.Consults))
	fmt.Fprintf(&b, "【同意记录】%d 条", len(d.Consents))
	for _, c := range d.Consents {
		fmt.Fprintf(&b, "；%s 第 %s 版：%s（%s）", c.Notice, c.Version, map[bool]string{true: "同意", false: "不同意"}[c.Accepted], c.At.Format("2006年1月2日"))
	}
	fmt.Fprintf(&b, "\n【还记着的话】%d 句\n", len(d.Said))
	for _, s := range d.Said {
		fmt.Fprintf(&b, "- %s\n", s.Text)
	}
	return strings.TrimSpace(b.String())
}

func orNone(s string) string {
	if s == "" {
		return "没有"
	}
	return s
}

// ApplicantOf gives the address of the person whose matter a case is; "" if they
// have none here.
func (db *DB) ApplicantOf(ctx context.Context, no string) (Account, error) {
	c, err := caseWhere(ctx, db.read, "no", strings.TrimSpace(no))
	return Account(c.account), err
}

// ConsentVersion counts the answers to one version of a notice.
type ConsentVersion struct {
	Notice, Version   string
	Accepted, Refused int
}

// ConsentVersions counts the answers to notices, by version.
func (db *DB) ConsentVersions(ctx context.Context) ([]ConsentVersion, error) {
	var list []ConsentVersion
	err := db.each(ctx, func(rows *sql.Rows) error {
		var v ConsentVersion
		err := rows.Scan(&v.Notice, &v.Version, &v.Accepted, &v.Refused)
		list = append(list, v)
		return err
	}, `SELECT notice, version, SUM(accepted), SUM(1 - accepted) FROM notice_answers GROUP BY notice, version ORDER BY notice, version`)
	if err != nil {
		return nil, fmt.Errorf("consents: %w", err)
	}
	return list, nil
}

// NewID makes 64 random bits in hexadecimal.
func NewID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}
