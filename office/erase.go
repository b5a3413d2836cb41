package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Keep says for how many days what is kept; 0: for good. Audit entries, which
// hold nobody's words, are always kept for good.
type Keep struct {
	Cases    int // after a case was closed; then what it says of people goes, the row stays for the figures
	Consults int // until counted questions can no longer be told to be one person's
	Notices  int // texts of messages, after they were taken or lay waiting
	Reads    int // who read which case
}

// Kept is one thing that is not erased, and why.
type Kept struct {
	What  string    `json:"what"`
	Why   string    `json:"why"`
	Until time.Time `json:"until"` // zero: until what Why says happens
}

// Erasure is what became of a request to erase somebody's data.
type Erasure struct {
	Receipt string         `json:"receipt"` // names it in the audit; "" in a dry run
	Erased  map[string]int `json:"erased"`  // rows, by what they were
	Kept    []Kept         `json:"kept"`
	DryRun  bool           `json:"dry_run"`
}

// archived are the matters whose files the office must keep: mediation (人民调解法
// 第二十七条), legal aid and notaries have files of their own rules. Until their
// time they are only stored, nothing else is done with them (个人信息保护法 第四十七条).
var archived = []string{"dispute", "aid", "notary"}

// mustKeep says why a case may not be erased now; ok: it may.
func (c Case) mustKeep(keep Keep, now time.Time) (why string, until time.Time, ok bool) {
	switch {
	case c.State.Open():
		return "还在办理。办结以后可以删；不想办了，先回“撤回 " + c.No + "”。", time.Time{}, false
	case c.State == Answered || c.State == Followed:
		return "已经答复，还没有归档。归档以后可以删。", time.Time{}, false
	case c.State == Withdrawn || !slices.Contains(archived, c.Matter):
		return "", time.Time{}, true
	}
	until = c.Closed.AddDate(0, 0, keep.Cases)
	if keep.Cases > 0 && !now.Before(until) {
		return "", time.Time{}, true
	}
	if keep.Cases == 0 {
		until = time.Time{}
	}
	return "案卷按规定要归档保存（人民调解法第二十七条等）；到期以前只存着，不作别的用（个人信息保护法第四十七条）。", until, false
}

// Erase erases what the records hold of the person behind an address, all of it
// that may be erased, in one transaction. What stays is named with its reason,
// and restricted. In a dry run nothing changes.
func (db *DB) Erase(ctx context.Context, by string, a Account, keep Keep, dry bool) (Erasure, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return Erasure{}, err
	}
	e := Erasure{Erased: map[string]int{}, DryRun: dry}
	err = db.update(ctx, func(tx *sql.Tx) error {
		e = Erasure{Erased: map[string]int{}, DryRun: dry}
		list, err := ownCases(ctx, tx, a)
		if err != nil {
			return err
		}
		if err := db.eraseCases(ctx, tx, by, list, keep, &e); err != nil {
			return err
		}
		if err := db.erasePerson(ctx, tx, key, a, &e); err != nil {
			return err
		}
		return db.receipt(ctx, tx, by, &e)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return e, err
}

// EraseCase erases what one case says of people, for somebody who has no address
// here: they came to the desk or called.
func (db *DB) EraseCase(ctx context.Context, by, no string, keep Keep, dry bool) (Erasure, error) {
	e := Erasure{Erased: map[string]int{}, DryRun: dry}
	err := db.update(ctx, func(tx *sql.Tx) error {
		c, err := caseWhere(ctx, tx, "no", no)
		if err != nil {
			return err
		}
		e = Erasure{Erased: map[string]int{}, DryRun: dry}
		if err := db.eraseCases(ctx, tx, by, []Case{c}, keep, &e); err != nil {
			return err
		}
		return db.receipt(ctx, tx, by, &e)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return e, err
}

// receipt names the erasure and puts it into the audit, with counts only.
func (db *DB) receipt(ctx context.Context, tx *sql.Tx, by string, e *Erasure) error {
	if e.DryRun {
		return errDryRun
	}
	e.Receipt = "删-" + db.now().In(china).Format("20060102") + "-" + randomCode(6)
	var parts []string
	for what, n := range e.Erased {
		parts = append(parts, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(parts)
	return db.audit(ctx, tx, by, "erase own data", e.Receipt, fmt.Sprintf("%s; kept %d", strings.Join(parts, ", "), len(e.Kept)))
}

func ownCases(ctx context.Context, tx *sql.Tx, a Account) ([]Case, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE account = $1 AND erased = 0 ORDER BY id`, string(a))
	if err != nil {
		return nil, fmt.Errorf("own cases: %w", err)
	}
	return scanCases(rows)
}

func scanCases(rows *sql.Rows) ([]Case, error) {
	defer rows.Close()
	var list []Case
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, fmt.Errorf("cases: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (db *DB) eraseCases(ctx context.Context, tx *sql.Tx, by string, list []Case, keep Keep, e *Erasure) error {
	for _, c := range list {
		why, until, ok := c.mustKeep(keep, db.now())
		if ok {
			e.Erased["事项"]++
			if err := db.eraseCase(ctx, tx, by, c); err != nil {
				return err
			}
			continue
		}
		e.Kept = append(e.Kept, Kept{What: c.No, Why: why, Until: until})
		if c.State == Archived && !c.Restricted { // from now on only for those who are cleared
			if _, err := tx.ExecContext(ctx, `UPDATE cases SET restricted = 1, cleared_only = 1 WHERE id = $1`, c.ID); err != nil {
				return fmt.Errorf("restrict case: %w", err)
			}
			if err := db.audit(ctx, tx, by, "restrict", c.No, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyNotices begins the statement that takes the text out of messages. What has
// no text any more is not sent, and nobody is to call about it.
func (db *DB) emptyNotices() string {
	return fmt.Sprintf(`UPDATE notices SET body = '', shown_in = '', sent = CASE WHEN sent = 0 THEN %d ELSE sent END, taken = CASE WHEN taken = 0 THEN %[1]d ELSE taken END`, db.now().Unix())
}

// eraseCase takes everything that tells of people out of a case. Its number,
// kind, states and times stay for the figures. What another process has erased
// meanwhile stays as it is.
func (db *DB) eraseCase(ctx context.Context, tx *sql.Tx, by string, c Case) error {
	gone := "erased " + randomCode(20)
	r, err := tx.ExecContext(ctx, `UPDATE cases SET account = '', name = '', phone = '', place = '', parties = '', story = '（已删除）', wish = '', answer = CASE WHEN answer = '' THEN '' ELSE '（已删除）' END,
		request = $1, pickup = $1, same = $1, erased = $2, version = version + 1 WHERE id = $3 AND erased = 0`, gone, db.now().Unix(), c.ID)
	if err != nil {
		return fmt.Errorf("erase case: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`UPDATE case_events SET request = 'erased ' || CAST(id AS TEXT), note = '', actor = CASE WHEN person = 0 THEN '本人' ELSE actor END WHERE case_id = $1`, []any{c.ID}},
		{db.emptyNotices() + `, account = '' WHERE case_id = $1`, []any{c.ID}},
		{`UPDATE mediations SET terms = '' WHERE case_id = $1`, []any{c.ID}},
		{`UPDATE mediation_sessions SET note = '', place = '' WHERE case_id = $1`, []any{c.ID}},
		{`UPDATE ratings SET reason = '' WHERE case_id = $1`, []any{c.ID}},
		{`DELETE FROM case_drafts WHERE case_id = $1`, []any{c.ID}},
		{`DELETE FROM case_talk WHERE case_id = $1`, []any{c.ID}},
	} {
		if _, err := tx.ExecContext(ctx, q.query, q.args...); err != nil {
			return fmt.Errorf("erase case: %w", err)
		}
	}
	if err := reindex(ctx, tx, c, Case{ID: c.ID, No: c.No, Story: "（已删除）"}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM case_grams WHERE block = $1 AND bits = 0`, c.ID/blockSize); err != nil {
		return fmt.Errorf("erase case: %w", err)
	}
	if err := db.event(ctx, tx, Person{Name: "系统"}, &c, "erase", c.State, "", ""); err != nil {
		return err
	}
	return db.audit(ctx, tx, by, "erase", c.No, "")
}

// erasePerson erases what is held of an address besides cases.
func (db *DB) erasePerson(ctx context.Context, tx *sql.Tx, key []byte, a Account, e *Erasure) error {
	p, err := personByAccount(ctx, tx, a)
	if err != nil {
		return err
	}
	if p.ID != 0 {
		e.Kept = append(e.Kept, Kept{What: "工作身份（" + p.label() + "）", Why: "姓名、岗位和履职记录由单位管理，离岗后由管理员处理；这个聊天号不再和它绑在一起。"})
	}
	person := keyed(key, "person", string(a))
	if err := db.eraseOrders(ctx, tx, a, e); err != nil {
		return err
	}
	if err := db.partConsults(ctx, tx, person, e); err != nil {
		return err
	}
	for _, q := range []struct {
		what, query string
		args        []any
	}{
		{"通知", db.emptyNotices() + ` WHERE account = $1 AND body <> '' AND (case_id IS NULL OR case_id IN (SELECT id FROM cases WHERE state IN ('archived', 'merged', 'withdrawn')))`, []any{string(a)}},
		{"订阅", `DELETE FROM subscriptions WHERE account = $1`, []any{string(a)}},
		{"推送记录", `UPDATE deliveries SET target = 'erased ' || CAST(id AS TEXT) WHERE sink = 'chat' AND target = $1`, []any{string(a)}},
		{"推送日", `DELETE FROM push_days WHERE account = $1`, []any{string(a)}},
		{"同意记录", `DELETE FROM notice_answers WHERE person = $1`, []any{person}},
		{"同意码", `DELETE FROM consents WHERE account = $1`, []any{string(a)}},
		{"试错记录", `DELETE FROM attempts WHERE who = $1`, []any{keyed(key, "tries", string(a))}},
		{"身份绑定", `DELETE FROM accounts WHERE account = $1`, []any{string(a)}},
	} {
		r, err := tx.ExecContext(ctx, q.query, q.args...)
		if err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		if n, err := r.RowsAffected(); err == nil && n > 0 {
			e.Erased[q.what] += int(n)
		}
	}
	if p.ID != 0 {
		return db.audit(ctx, tx, personKey(p.ID), "unbind", personKey(p.ID), channelOf(a))
	}
	return nil
}

// partConsults makes the counted questions of a person nobody's: they still
// count as one person's and in as many sessions, but as nobody can tell whose.
func (db *DB) partConsults(ctx context.Context, tx *sql.Tx, person string, e *Erasure) error {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT session FROM consults WHERE person = $1`, person)
	if err != nil {
		return fmt.Errorf("erase consultations: %w", err)
	}
	var sessions []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return errors.Join(err, rows.Close())
		}
		sessions = append(sessions, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil { // before the next statement on this connection
		return err
	}
	nobody := "x" + randomCode(20)
	for _, s := range sessions {
		r, err := tx.ExecContext(ctx, `UPDATE consults SET person = $1, session = $2, reason = '' WHERE person = $3 AND session = $4`, nobody, "x"+randomCode(20), person, s)
		if err != nil {
			return fmt.Errorf("erase consultations: %w", err)
		}
		if n, err := r.RowsAffected(); err == nil {
			e.Erased["咨询记录"] += int(n)
		}
	}
	return nil
}
