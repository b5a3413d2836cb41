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

// Notice is a message that waits for its reader.
type Notice struct {
	ID   int64
	Case string // number; "" if it is not about a case
	Kind string
	Body string
	To   Account // where it can go now
}

// claimFor is how long a notice belongs to whoever is sending it.
const claimFor = time.Minute

// tell leaves a message for an address or a person.
func (db *DB) tell(ctx context.Context, tx *sql.Tx, c Case, kind string, account Account, person int64, body string) error {
	return db.tellOnce(ctx, tx, c, kind, randomCode(26), account, person, body)
}

func (db *DB) tellOnce(ctx context.Context, tx *sql.Tx, c Case, kind, once string, account Account, person int64, body string) error {
	if account == "" && person == 0 {
		return nil
	}
	about := sql.NullInt64{Int64: c.ID, Valid: c.ID != 0}
	if _, err := tx.ExecContext(ctx, `INSERT INTO notices (case_id, kind, once, account, person, body, created, claimed, sent, shown_in, taken)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, '', 0) ON CONFLICT (once) DO NOTHING`, about, kind, once, string(account), person, body, db.now().Unix()); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	return nil
}

// notify leaves a message that is not about a case. once names what it tells, so
// that it is told once.
func (db *DB) notify(ctx context.Context, tx *sql.Tx, kind, once string, account Account, person int64, body string) error {
	return db.tellOnce(ctx, tx, Case{}, kind, once, account, person, body)
}

// tellDesk leaves a message for the clerks in whose scope the case is, else for
// the administrators.
func (db *DB) tellDesk(ctx context.Context, tx *sql.Tx, c Case, kind, body string) error {
	ids, err := desk(ctx, tx, c.path, c.guarded)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := db.tell(ctx, tx, c, kind, "", id, body); err != nil {
			return err
		}
	}
	return nil
}

// desk lists who takes cases of a place on; of a guarded case, those who are
// cleared.
func desk(ctx context.Context, q querier, path string, guarded bool) ([]int64, error) {
	for _, r := range []Role{Clerk, Admin} {
		list, err := people(ctx, q, PeopleFilter{Role: r})
		if err != nil {
			return nil, err
		}
		var ids []int64
		for _, p := range list {
			if p.covers(r, path) && (!guarded || r == Admin || p.Cleared) {
				ids = append(ids, p.ID)
			}
		}
		if ids != nil {
			return ids, nil
		}
	}
	return nil, nil
}

// someoneCleared says whether there is anybody at the desk of a place whom
// restricted cases can be kept to. If not, they go to all of the desk: a case of
// danger must not wait for a clearance.
func someoneCleared(ctx context.Context, q querier, path string) (bool, error) {
	ids, err := desk(ctx, q, path, true)
	return len(ids) > 0, err
}

// tellOfMove leaves the messages that a step calls for.
func (db *DB) tellOfMove(ctx context.Context, tx *sql.Tx, key []byte, by Person, c Case, m Move, a Action, to Person) error {
	applicant, filer, holder := "", "", ""
	code := pickupCode(key, c.request)
	switch m.Verb {
	case "accept":
		applicant = fmt.Sprintf("您的事项 %s 已受理，最迟 %s 答复。", c.No, c.Promised.In(china).Format("1月2日"))
		filer = applicant
	case "return":
		applicant = fmt.Sprintf("您的事项 %s 需要补充：%s。补好后回复“补正 %s 内容”。", c.No, a.Note, c.No)
		filer = fmt.Sprintf("%s 需要补充材料或情况，请联系本人一起补。", c.No)
	case "assign", "reassign":
		holder = fmt.Sprintf("派给您一件：%s（%s，%s），%s 前答复。回复“办理 %s”开始，“看 %s”看内容。", c.No, MatterOf(c.Matter).Name, c.Urgency.Name(), c.Due.In(china).Format("1月2日 15:04"), c.No, c.No)
	case "answer":
		applicant = answerNotice(c, code)
		filer = fmt.Sprintf("%s 已经答复，请提醒本人取件（本人看得到，代办人要本人同意才能看）。", c.No)
	case "redo", "urge":
		holder = fmt.Sprintf("%s 被%s：%s", c.No, m.Name, a.Note)
	case "merge":
		into, err := caseWhere(ctx, tx, "id", c.IntoCase)
		if err != nil {
			return err
		}
		applicant = fmt.Sprintf("您的事项 %s 和另一件是同一回事，并到一起办理；查进度、取件还用原来的编号和取件码。", c.No)
		holder = fmt.Sprintf("%s 并入 %s。", c.No, into.No)
	case "correct", "withdraw", "decline":
		if err := db.tellDesk(ctx, tx, c, m.Verb, fmt.Sprintf("%s：%s。%s", c.No, m.Name, a.Note)); err != nil {
			return err
		}
		if m.Verb == "withdraw" {
			holder = fmt.Sprintf("%s 本人撤回了，不用再办。", c.No)
		}
	}
	if applicant != "" {
		if err := db.tell(ctx, tx, c, m.Verb, Account(c.account), 0, applicant); err != nil {
			return err
		}
	}
	if filer != "" && c.account != "" {
		if err := db.tell(ctx, tx, c, m.Verb, "", c.Filer, filer); err != nil {
			return err
		}
	}
	if holder != "" && c.Holder != by.ID {
		return db.tell(ctx, tx, c, m.Verb, "", c.Holder, holder)
	}
	return nil
}

// answerNotice brings the answer itself, unless somebody else may look at the
// screen it appears on would be harmed by it.
func answerNotice(c Case, code string) string {
	if c.Restricted {
		return fmt.Sprintf("您有一条回复。方便的时候回复“取件 %s”查看。", code)
	}
	return c.AnswerText()
}

// AnswerText is the answer as its reader sees it: who approved it, and whether a
// machine helped.
func (c Case) AnswerText() string {
	if c.Answer == "" {
		return ""
	}
	by := "由" + c.Approver + "答复"
	if c.Drafter != "" {
		by = "AI辅助起草·已由" + c.Approver + "审核"
	}
	return fmt.Sprintf("您的事项 %s 有答复了：\n%s\n（%s）\n满意吗？回复“评价 %s 5”（1到5分，后面可以写原因）。", c.No, c.Answer, by, c.No)
}

// ClaimNotices gives up to n messages that can go to these addresses now, each to
// one sender only for a minute. Report each with NoticeSent or leave it: then it
// is tried again.
func (db *DB) ClaimNotices(ctx context.Context, open []Account, n int) ([]Notice, error) {
	if len(open) == 0 {
		return nil, nil
	}
	var list []Notice
	err := db.update(ctx, func(tx *sql.Tx) error {
		for part := range slices.Chunk(open, 200) {
			got, err := db.claim(ctx, tx, part, n-len(list))
			if err != nil {
				return err
			}
			if list = append(list, got...); len(list) >= n {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	return list, nil
}

func (db *DB) claim(ctx context.Context, tx *sql.Tx, open []Account, n int) ([]Notice, error) {
	var w clause
	now := db.now()
	until, at, limit := w.arg(now.Add(claimFor).Unix()), w.arg(now.Unix()), w.arg(n)
	var in []string
	for _, a := range open {
		in = append(in, w.arg(string(a)))
	}
	set := strings.Join(in, ", ")
	rows, err := tx.QueryContext(ctx, `UPDATE notices SET claimed = `+until+` WHERE id IN (
		SELECT n.id FROM notices n WHERE n.sent = 0 AND n.claimed < `+at+` AND
		(n.account IN (`+set+`) OR n.person IN (SELECT a.person FROM accounts a JOIN people p ON p.id = a.person AND p.suspended = 0 WHERE a.account IN (`+set+`)))
		ORDER BY n.id LIMIT `+limit+`) AND claimed < `+at+`
		RETURNING id, kind, body, account, COALESCE((SELECT no FROM cases WHERE cases.id = notices.case_id), ''),
		COALESCE((SELECT MIN(account) FROM accounts WHERE accounts.person = notices.person AND accounts.account IN (`+set+`)), '')`, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Notice
	for rows.Next() {
		var x Notice
		var own, bound string
		if err := rows.Scan(&x.ID, &x.Kind, &x.Body, &own, &x.Case, &bound); err != nil {
			return nil, err
		}
		if x.To = Account(own); own == "" {
			x.To = Account(bound)
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Notice) int { return int(a.ID - b.ID) })
	return list, rows.Err()
}

// NoticeSent says that a message went out. Whether it was taken shows when its
// reader says something again.
func (db *DB) NoticeSent(ctx context.Context, id int64) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE notices SET sent = $1, claimed = 0 WHERE id = $2`, db.now().Unix(), id)
		return err
	})
}

// Contact is called when somebody says something: it gives the messages that
// wait for them, to be shown in the reply to that message, and notes that those
// sent before were taken. The same message gets the same again.
func (db *DB) Contact(ctx context.Context, a Account, message string, n int) ([]Notice, error) {
	if waits, err := db.waits(ctx, a, message); err != nil || !waits {
		return nil, err
	}
	var list []Notice
	err := db.update(ctx, func(tx *sql.Tx) error {
		now := db.now().Unix()
		mine := `(account = $1 OR person IN (SELECT a.person FROM accounts a JOIN people p ON p.id = a.person AND p.suspended = 0 WHERE a.account = $1))`
		if _, err := tx.ExecContext(ctx, `UPDATE notices SET taken = $2 WHERE `+mine+` AND sent > 0 AND taken = 0`, string(a), now); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `UPDATE notices SET sent = $2, taken = $2, shown_in = $3 WHERE id IN (
			SELECT id FROM notices WHERE `+mine+` AND (sent = 0 AND claimed < $2 OR shown_in = $3) ORDER BY id LIMIT $4)
			RETURNING id, kind, body, COALESCE((SELECT no FROM cases WHERE cases.id = notices.case_id), '')`, string(a), now, message, n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			x := Notice{To: a}
			if err := rows.Scan(&x.ID, &x.Kind, &x.Body, &x.Case); err != nil {
				return err
			}
			list = append(list, x)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b Notice) int { return int(a.ID - b.ID) })
		// An answer that was shown in full is in the applicant's hands.
		_, err = tx.ExecContext(ctx, `UPDATE cases SET taken = $2 WHERE account = $1 AND taken = 0 AND restricted = 0 AND answered > 0
			AND (SELECT n.taken FROM notices n WHERE n.case_id = cases.id AND n.kind = 'answer' AND n.person = 0 ORDER BY n.id DESC LIMIT 1) > 0`, string(a), now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("contact: %w", err)
	}
	return list, nil
}

// waits looks, without writing, whether there is anything for Contact to do.
func (db *DB) waits(ctx context.Context, a Account, message string) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM notices WHERE (taken = 0 OR shown_in = $2)
		AND (account = $1 OR person IN (SELECT person FROM accounts WHERE account = $1))`, string(a), message).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("contact: %w", err)
	}
	return n > 0, nil
}

// Take notes that the applicant has the answer, of a case read for them or with
// its code.
func (db *DB) Take(ctx context.Context, c Case) error {
	if c.Hats&Applicant == 0 || c.Answer == "" || !c.Taken.IsZero() {
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		now := db.now().Unix()
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET taken = $1 WHERE id = $2 AND taken = 0`, now, c.ID); err != nil {
			return fmt.Errorf("take: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE notices SET taken = $1, sent = CASE WHEN sent = 0 THEN $1 ELSE sent END WHERE case_id = $2 AND kind = 'answer' AND person = 0 AND taken = 0`, now, c.ID); err != nil {
			return fmt.Errorf("take: %w", err)
		}
		return db.audit(ctx, tx, "resident", "take", c.No, "")
	})
}

// CallList gives the cases in a person's scope whose answer nobody has fetched
// for that long: somebody should call.
func (db *DB) CallList(ctx context.Context, p Person, after time.Duration) ([]Case, error) {
	list, _, err := db.list(ctx, db.read, p, CaseFilter{States: []State{Answered}, Limit: 500, untaken: db.now().Add(-after)})
	return slices.DeleteFunc(list, func(c Case) bool { return c.Hats&inside == 0 }), err
}

// Remind makes the messages that time calls for, each once: a step that is late,
// asking back after an answer, and answers nobody fetched. One kind that fails
// does not keep the others from being made.
func (db *DB) Remind(ctx context.Context) error {
	now := db.now()
	faults := []error{db.remindConfirm(ctx, now), db.remindUnclaimed(ctx, now), db.Rotate(ctx), db.RemindPrompts(ctx)}
	late, err := db.remindable(ctx, now)
	if err == nil && len(late) > 0 {
		err = db.remindLate(ctx, late, now)
	}
	return errors.Join(append(faults, err)...)
}

// remindLate tells of cases that were late just now, if they are still.
func (db *DB) remindLate(ctx context.Context, late []Case, now time.Time) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, was := range late {
			c, err := caseWhere(ctx, tx, "id", was.ID)
			if err != nil {
				return err
			}
			if !c.Due.Equal(was.Due) || c.State != was.State {
				continue
			}
			if err := db.remind(ctx, tx, c, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// remindable lists cases whose clock has run out and that were not reminded of
// it yet.
func (db *DB) remindable(ctx context.Context, now time.Time) ([]Case, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE due > 0 AND due < $1
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = cases.id AND n.once LIKE 'due ' || CAST(cases.id AS TEXT) || ' ' || CAST(cases.due AS TEXT) || '%')
		ORDER BY due LIMIT 200`, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("remind: %w", err)
	}
	defer rows.Close()
	var list []Case
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, fmt.Errorf("remind: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func (db *DB) remind(ctx context.Context, tx *sql.Tx, c Case, now time.Time) error {
	once := fmt.Sprintf("due %d %d", c.ID, c.Due.Unix())
	if c.State == Answered {
		body := fmt.Sprintf("一周前答复过您的事项 %s，解决了吗？满意请回“评价 %s 5”（1到5分）；没解决回“重办 %s 原因”。", c.No, c.No, c.No)
		if c.Restricted {
			body = "一周前给您回复过，解决了吗？需要帮助随时回“人工”。"
		}
		if c.account == "" {
			return db.tellOnce(ctx, tx, c, "call", once, "", c.Holder, fmt.Sprintf("%s 答复一周了，请打电话回访。", c.No))
		}
		return db.tellOnce(ctx, tx, c, "back", once, Account(c.account), 0, body)
	}
	body := fmt.Sprintf("%s（%s）已过办理时限 %s，现在是“%s”。", c.No, c.Urgency.Name(), c.Due.Format("1月2日 15:04"), c.State.Name())
	ids, err := desk(ctx, tx, c.path, c.guarded)
	if err != nil {
		return err
	}
	if c.Holder != 0 && !slices.Contains(ids, c.Holder) {
		ids = append(ids, c.Holder)
	}
	for _, id := range ids {
		if err := db.tellOnce(ctx, tx, c, "late", fmt.Sprintf("%s %d", once, id), "", id, body); err != nil {
			return err
		}
	}
	return nil
}
