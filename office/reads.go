package office

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Ways of looking at what is held of people.
const (
	ReadPage      = "page"      // a case in the console
	ReadChat      = "chat"      // a case in the chat
	ReadPrint     = "print"     // a case to be printed
	ReadAgreement = "agreement" // the parties' agreement
	ReadData      = "data"      // everything that is held of a case's applicant
	ReadPerson    = "person"    // the record of somebody who works here
	ReadLog       = "log"       // who looked at what
)

var readNames = map[string]string{ReadPage: "在后台看", ReadChat: "在聊天里看", ReadPrint: "打印页", ReadAgreement: "协议书", ReadData: "导出本人全部资料", ReadPerson: "人员资料", ReadLog: "查看记录"}

// readAgain is for how long looking at the same again is the same reading.
const readAgain = 10 * time.Minute

// Read is one time that somebody looked at what is held of people.
type Read struct {
	At     time.Time `json:"at"`
	Reader int64     `json:"reader"` // a person; -1: at the machine itself
	Actor  string    `json:"actor"`  // what the reader was called then
	Case   string    `json:"case,omitempty"`
	Person int64     `json:"person,omitempty"` // whose record
	Name   string    `json:"name,omitempty"`   // of that person, now
	What   string    `json:"what"`             // one of Read…
	Why    string    `json:"why"`              // the right by which they could: "经办人、承办人"
}

// WhatName is what people read of how it was looked at.
func (r Read) WhatName() string { return readNames[r.What] }

// NoteRead keeps that somebody who works on a case looked at it in another way
// than Case notes by itself.
func (db *DB) NoteRead(ctx context.Context, p Person, no, what string) error {
	c, err := db.findCase(ctx, db.read, p, no)
	if err != nil || c.Hats&inside == 0 {
		return err
	}
	return db.noteCase(ctx, p, c, what)
}

func (db *DB) noteCase(ctx context.Context, p Person, c Case, what string) error {
	return db.noteRead(ctx, p, Read{Case: c.No, What: what, Why: c.right(p)}, c.ID)
}

// right says by what somebody may see a case.
func (c Case) right(p Person) string {
	why := (c.Hats & inside).names()
	if c.Restricted && p.Cleared && c.Hats&Desk != 0 {
		why += "（授权看限看件）"
	}
	return why
}

// NotePersonRead keeps that somebody looked at the record of another who works
// here. Looking at one's own is nothing to note.
func (db *DB) NotePersonRead(ctx context.Context, by, of Person) error {
	if by.ID == of.ID {
		return nil
	}
	var roles []string
	for _, r := range []Role{Clerk, Officer, Admin} {
		if by.Has(r) {
			roles = append(roles, r.String())
		}
	}
	return db.noteRead(ctx, by, Read{Person: of.ID, What: ReadPerson, Why: strings.Join(roles, "、")}, 0)
}

// noteRead keeps a reading in the log of reads and the audit, once in readAgain.
func (db *DB) noteRead(ctx context.Context, by Person, r Read, caseID int64) error {
	now, about := db.now(), r.Case
	if about == "" && r.Person != 0 {
		about = personKey(r.Person)
	}
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM reads WHERE reader = $1 AND at > $2 AND COALESCE(case_id, 0) = $3 AND COALESCE(person, 0) = $4 AND what = $5`,
		by.ID, now.Add(-readAgain).Unix(), caseID, r.Person, r.What).Scan(&n)
	if err != nil {
		return fmt.Errorf("note reading: %w", err)
	}
	if n > 0 {
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO reads (at, reader, actor, case_id, person, what, why) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			now.Unix(), by.ID, by.label(), nullable(caseID), nullable(r.Person), r.What, r.Why); err != nil {
			return fmt.Errorf("note reading: %w", err)
		}
		action, detail := "read", r.What
		if r.What == ReadLog {
			action, detail = "read log", ""
		}
		return db.audit(ctx, tx, actor(by), action, about, detail)
	})
}

func nullable(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

// ReadFilter narrows the log of reads. Zero fields do not.
type ReadFilter struct {
	By       string    // the reader's name
	About    string    // a case's number, or the name of somebody who works here
	From, To time.Time // from inclusive, to exclusive
	Limit    int       // 0: 50
	Offset   int
}

// Reads lists who looked at what in the places that by administers, the newest
// first, and how many there are. That it was looked at is noted too. Invalid if
// the filter names what is not theirs or not there, Forbidden for others than
// administrators.
func (db *DB) Reads(ctx context.Context, by Person, f ReadFilter) ([]Read, int, error) {
	if !by.Has(Admin) {
		return nil, 0, forbidden("查看记录由管理员看。")
	}
	seen := Read{What: ReadLog, Why: Admin.String()}
	w, caseID, err := db.readsWhere(ctx, by, f, &seen)
	if err != nil {
		return nil, 0, err
	}
	const from = ` FROM reads r LEFT JOIN cases c ON c.id = r.case_id LEFT JOIN people p ON p.id = r.person WHERE `
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*)`+from+w.where(), w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("reads: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	where := w.where()
	var list []Read
	err = db.each(ctx, func(rows *sql.Rows) error {
		var r Read
		var at int64
		err := rows.Scan(&at, &r.Reader, &r.Actor, &r.Case, &r.Person, &r.Name, &r.What, &r.Why)
		r.At = fromUnix(at)
		list = append(list, r)
		return err
	}, `SELECT r.at, r.reader, r.actor, COALESCE(c.no, ''), COALESCE(r.person, 0), COALESCE(p.name, ''), r.what, r.why`+from+where+
		` ORDER BY r.id DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("reads: %w", err)
	}
	return list, total, db.noteRead(ctx, by, seen, caseID)
}

// readsWhere is the condition of a filter, and what the filter is about: a case,
// or a person that seen then names.
func (db *DB) readsWhere(ctx context.Context, by Person, f ReadFilter, seen *Read) (w clause, caseID int64, err error) {
	w.administered(by)
	if f.By != "" {
		name := w.arg(f.By)
		w.and = append(w.and, "(r.reader IN (SELECT id FROM people WHERE name = "+name+") OR r.actor = "+name+")")
	}
	if !f.From.IsZero() {
		w.and = append(w.and, "r.at >= "+w.arg(f.From.Unix()))
	}
	if !f.To.IsZero() {
		w.and = append(w.and, "r.at < "+w.arg(f.To.Unix()))
	}
	switch {
	case f.About == "":
	case strings.Contains(f.About, "-"):
		caseID, err = db.readsOfCase(ctx, by, f.About, seen)
		w.and = append(w.and, "r.case_id = "+w.arg(caseID))
	default:
		err = db.readsOfPerson(ctx, by, f.About, seen, &w)
	}
	return w, caseID, err
}

func (db *DB) readsOfCase(ctx context.Context, by Person, no string, seen *Read) (int64, error) {
	c, err := db.findCase(ctx, db.read, by, no)
	if err != nil && KindOf(err) != NotFound {
		return 0, err
	}
	if c.Hats&Lead == 0 {
		return 0, invalid("没有“%s”这一件，或者它不归您管。编号要写全，如 2026-城东-0012。", no)
	}
	seen.Case = c.No
	return c.ID, nil
}

func (db *DB) readsOfPerson(ctx context.Context, by Person, name string, seen *Read, w *clause) error {
	list, err := db.PeopleFor(ctx, by, []Role{Admin}, PeopleFilter{Name: name})
	if err != nil {
		return err
	}
	var in []string
	for _, p := range list {
		if p.Name == name {
			seen.Person, in = p.ID, append(in, w.arg(p.ID))
		}
	}
	if in == nil {
		return invalid("您管的人里没有叫“%s”的。看一件的，写它的编号。", name)
	}
	w.and = append(w.and, "r.person IN ("+strings.Join(in, ", ")+")")
	return nil
}

// administered limits reads to cases and people of the places that by
// administers; what is of no place is the county's.
func (c *clause) administered(by Person) {
	if by.CoversAll(Admin) {
		return
	}
	or := []string{"1 = 0"}
	for _, q := range by.Posts {
		if q.Role == Admin {
			like := c.arg(q.Scope() + "%")
			or = append(or, "c.path LIKE "+like, "EXISTS (SELECT 1 FROM posts s JOIN orgs o ON o.id = s.org WHERE s.person = r.person AND o.path LIKE "+like+")")
		}
	}
	c.and = append(c.and, "("+strings.Join(or, " OR ")+")")
}
