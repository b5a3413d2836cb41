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

// Action is one step somebody takes with a case.
type Action struct {
	Request string // names what caused it; the same is done once
	Verb    string // of Moves
	Note    string // the reason, or what was done
	Text    string // the answer
	Drafter string // model that drafted the answer; "" if none
	To      int64  // person who is to deal with it
	Into    string // number it goes on under
	Lane    string // lane it is handed over to; the number stays
	Version int64  // of the case the person saw; 0: whatever it is now
}

// maxAnswer bounds an answer, in runes.
const maxAnswer = 4000

// Act takes a step: the case, its event, notices and the audit change in one
// transaction. The errors say why not: NotFound if the person may not know of
// the case, Forbidden, Conflict (its state does not allow it, or somebody was
// quicker), Invalid (something is missing).
func (db *DB) Act(ctx context.Context, by Person, no string, a Action) (Case, error) {
	a.Note, a.Text = strings.TrimSpace(cleanText(a.Note)), strings.TrimSpace(cleanText(a.Text))
	if utf8.RuneCountInString(a.Text) > maxAnswer || utf8.RuneCountInString(a.Note) > maxStory {
		return Case{}, invalid("答复最多 %d 个字，说明最多 %d 个字。", maxAnswer, maxStory)
	}
	if a.Request == "" {
		a.Request = randomCode(26)
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Case{}, err
	}
	var c Case
	err = db.update(ctx, func(tx *sql.Tx) error {
		c, err = db.act(ctx, tx, key, by, no, a)
		return err
	})
	return c, err
}

func (db *DB) act(ctx context.Context, tx *sql.Tx, key []byte, by Person, no string, a Action) (Case, error) {
	c, err := db.findCase(ctx, tx, by, no)
	if err != nil {
		return Case{}, err
	}
	var done int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM case_events WHERE request = $1 AND case_id = $2`, a.Request, c.ID).Scan(&done); err != nil || done > 0 {
		return c, err
	}
	m, err := move(a.Verb, c.State, c.Hats)
	if err != nil {
		return Case{}, err
	}
	if by.ID != 0 && c.of(by) && m.Who&Applicant == 0 {
		return Case{}, errOwnCase
	}
	if a.Version != 0 && a.Version != c.Version {
		return Case{}, errStale
	}
	was := c.State
	to, err := db.apply(ctx, tx, by, &c, m, a)
	if err != nil {
		return Case{}, err
	}
	if err := save(ctx, tx, c); err != nil {
		return Case{}, err
	}
	crash("case")
	if err := db.event(ctx, tx, by, &c, m.Verb, was, a.Request, a.Note); err != nil {
		return Case{}, err
	}
	crash("event")
	if err := db.tellOfMove(ctx, tx, key, by, c, m, a, to); err != nil {
		return Case{}, err
	}
	if m.Verb == "answer" {
		if err := db.answerMerged(ctx, tx, key, by, c); err != nil {
			return Case{}, err
		}
	}
	crash("notices")
	if err := db.audit(ctx, tx, actor(by), m.Verb, c.No, string(was)+" > "+string(c.State)); err != nil {
		return Case{}, err
	}
	c.Version++
	c.wear(by)
	return c, nil
}

var errStale = &Error{Kind: Conflict, Msg: "这件事刚刚被别人处理过，请再看一眼现在的情况。"}

// apply changes the case as the row of the table says, and returns the person
// it goes to, if any.
func (db *DB) apply(ctx context.Context, tx *sql.Tx, by Person, c *Case, m Move, a Action) (Person, error) {
	now := db.now()
	var to Person
	switch {
	case m.Needs&NeedReason != 0 && a.Note == "":
		return to, invalid("“%s”要写明原因或经过。", m.Name)
	case m.Needs&NeedText != 0 && utf8.RuneCountInString(a.Text) < 4:
		return to, invalid("请写上答复的内容。")
	}
	if m.Needs&NeedPerson != 0 {
		var err error
		if to, err = personByID(ctx, tx, a.To); err != nil {
			return to, err
		}
		if err := mayHold(to, *c); err != nil {
			return to, err
		}
		c.Holder = to.ID
	}
	if m.Needs&NeedCase != 0 {
		into, err := db.findCase(ctx, tx, by, a.Into)
		if err != nil {
			return to, err
		}
		if into.ID == c.ID || !into.State.Open() {
			return to, conflict("只能并到另一件还没办完的事里。")
		}
		c.IntoCase = into.ID
	}
	switch m.Verb {
	case "handover":
		if err := handOver(c, a.Lane); err != nil {
			return to, err
		}
	case "correct":
		if err := db.stood(ctx, tx, c, now); err != nil {
			return to, err
		}
	case "decline":
		c.Holder = 0
	case "start":
		if c.Holder == 0 {
			c.Holder = by.ID
		}
	case "answer":
		if a.Drafter == "" {
			var err error
			if a.Drafter, err = drafter(ctx, tx, *c, a.Text); err != nil {
				return to, err
			}
		}
		c.Answer, c.Approver, c.Drafter, c.Taken = a.Text, by.label(), a.Drafter, time.Time{}
		if c.Answered.IsZero() {
			c.Answered = now
		}
		if c.Holder == 0 {
			c.Holder = by.ID
		}
	}
	if m.To != "" {
		c.State = m.To
	}
	db.wind(c, m, now)
	return to, nil
}

// wind sets the clock that the move starts.
func (db *DB) wind(c *Case, m Move, now time.Time) {
	kind := MatterOf(c.Matter)
	switch {
	case m.Clock == ClockNone:
		c.Due = time.Time{}
	case m.Verb == "redo":
		c.Due, _ = due(ClockAnswer, kind, c.Urgency, now, now)
	case m.Clock == ClockAnswer:
		c.Due = c.Promised
	case m.Clock != ClockKeep:
		c.Due, _ = due(m.Clock, kind, c.Urgency, c.Opened, now)
	}
	c.Closed = time.Time{}
	if c.State.Finished() {
		c.Closed = now
	}
}

// mayHold refuses people who cannot deal with the case: without a fitting role,
// suspended, or with a declared conflict.
func mayHold(p Person, c Case) error {
	switch {
	case p.Suspended:
		return conflict("“%s”已停用，请另派一位。", p.Name)
	case !p.Staff():
		return conflict("“%s”不是经办人、调解员或法律顾问，不能派给他。", p.Name)
	case c.Lane == LaneReport && !p.Has(Clerk) && !p.Has(Admin) && !p.Has(Adviser):
		return conflict("这件事可能有危险或涉嫌违法犯罪，不能先派给调解员：先报告、先保护；处置好了，管理员可以“转道”后再派。")
	case c.of(p):
		return conflict("这件事是“%s”自己的，请另派一位。", p.Name)
	case inConflict(p, c):
		return conflict("“%s”申报过与这件事有关的回避，请另派一位。", p.Name)
	}
	return nil
}

// inConflict says whether something the person declared is named in the case.
func inConflict(p Person, c Case) bool {
	for _, s := range p.Conflicts {
		if s != "" && (strings.Contains(c.Parties, s) || strings.Contains(c.Name, s) || strings.Contains(c.Place, s) || strings.Contains(c.Story, s)) {
			return true
		}
	}
	return false
}

// of says whether the case is the person's own.
func (c Case) of(p Person) bool {
	return p.ID != 0 && c.owner == p.ID || c.account != "" && c.account == string(p.Account)
}

var errOwnCase = &Error{Kind: Forbidden, Msg: "这是您自己的事，由别的经办人来办。您可以查进度、补正、撤回。"}

// save writes what a step changed, if nobody was quicker.
func save(ctx context.Context, tx *sql.Tx, c Case) error {
	r, err := tx.ExecContext(ctx, `UPDATE cases SET version = version + 1, state = $1, holder = $2, due = $3, answered = $4, closed = $5,
		answer = $6, approver = $7, drafter = $8, taken = $9, into_case = $10, shared = $11, lane = $12, promised = $13 WHERE id = $14 AND version = $15`,
		string(c.State), c.Holder, unix(c.Due), unix(c.Answered), unix(c.Closed), c.Answer, c.Approver, c.Drafter, unix(c.Taken), c.IntoCase, number(c.Shared), c.Lane, unix(c.Promised), c.ID, c.Version)
	if err != nil {
		return fmt.Errorf("save case: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errStale, err)
	}
	return nil
}

// Share lets the person who filed a case read its answer, or no longer. Only the
// applicant decides that.
func (db *DB) Share(ctx context.Context, by Person, no string, share bool) (Case, error) {
	var c Case
	err := db.update(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = db.findCase(ctx, tx, by, no); err != nil {
			return err
		}
		switch {
		case c.Hats&Applicant == 0:
			return forbidden("只有本人可以决定给不给代办人看答复。")
		case c.Filer == 0:
			return conflict("这件事没有代办人。")
		}
		c.Shared = share
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		verb := "share"
		if !share {
			verb = "unshare"
		}
		if err := db.event(ctx, tx, by, &c, verb, c.State, "", ""); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(by), verb, c.No, "")
	})
	return c, err
}
