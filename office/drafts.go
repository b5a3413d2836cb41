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

// CaseDraft is an answer that a machine proposes to who answers a case. Nobody
// but the desk sees it.
type CaseDraft struct {
	ID      int64
	At      time.Time
	Model   string   // "": put together from reviewed texts, without a model
	Text    string   // in plain text
	Summary []string // what the person said, as the model lists it
	Sources []string // "《民法典》第二百八十八条（现行有效）"
	Missed  string   // why a model that was asked has no part in Text, for who asked for it; it is not kept
}

// KeepDraft keeps a draft of a case that was read for a person who works on it.
func (db *DB) KeepDraft(ctx context.Context, by Person, c Case, d CaseDraft) (CaseDraft, error) {
	if c.Hats&inside == 0 {
		return d, errNoCase
	}
	d.Text = strings.TrimSpace(cleanText(d.Text))
	if r := []rune(d.Text); len(r) > maxAnswer {
		d.Text = string(r[:maxAnswer])
	}
	if d.Text == "" {
		return d, conflict("没有找到能用的依据，请自己写答复。")
	}
	d.At = db.now()
	return d, db.update(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `INSERT INTO case_drafts (case_id, at, model, body, summary, sources) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
			c.ID, d.At.Unix(), d.Model, d.Text, strings.Join(d.Summary, "\n"), strings.Join(d.Sources, "\n")).Scan(&d.ID); err != nil {
			return fmt.Errorf("keep draft: %w", err)
		}
		return db.audit(ctx, tx, actor(by), "draft", c.No, d.Model)
	})
}

// Draft gives the newest draft of a case that was read for a person; ok is false
// if there is none or the person may not see it.
func (db *DB) Draft(ctx context.Context, c Case) (d CaseDraft, ok bool, err error) {
	if c.Hats&inside == 0 {
		return d, false, nil
	}
	var at int64
	var summary, sources string
	err = db.read.QueryRowContext(ctx, `SELECT id, at, model, body, summary, sources FROM case_drafts WHERE case_id = $1 ORDER BY id DESC LIMIT 1`, c.ID).
		Scan(&d.ID, &at, &d.Model, &d.Text, &summary, &sources)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("draft: %w", err)
	}
	d.At, d.Summary, d.Sources = fromUnix(at), lined(summary), lined(sources)
	return d, true, nil
}

func lined(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// shared is how long a piece of a draft must stand in an answer for the answer
// to count as drafted by it, in runes.
const shared = 12

// From says whether a text holds a piece of the draft, whatever was changed
// around it.
func (d CaseDraft) From(text string) bool {
	body, _, _ := strings.Cut(d.Text, "\n依据\n") // the list behind is not the model's
	r := []rune(plain(body))
	text = plain(text)
	for i := 0; i+shared <= len(r); i++ {
		if strings.Contains(text, string(r[i:i+shared])) {
			return true
		}
	}
	return len(r) > 0 && utf8.RuneCountInString(text) > 0 && len(r) < shared && strings.Contains(text, string(r))
}

// drafter names the model of whose drafts for a case an answer holds a piece, the
// newest first; "" if none.
func drafter(ctx context.Context, q querier, c Case, text string) (model string, err error) {
	if c.Hats&inside == 0 {
		return "", nil
	}
	rows, err := q.QueryContext(ctx, `SELECT model, body FROM case_drafts WHERE case_id = $1 AND model <> '' ORDER BY id DESC`, c.ID)
	if err != nil {
		return "", fmt.Errorf("drafter: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d CaseDraft
		if err := rows.Scan(&d.Model, &d.Text); err != nil {
			return "", fmt.Errorf("drafter: %w", err)
		}
		if model == "" && d.From(text) {
			model = d.Model
		}
	}
	return model, rows.Err()
}

// PreviewAnswer is an answer as its reader will see it when a person sends it.
func (db *DB) PreviewAnswer(ctx context.Context, by Person, c Case, text string) (string, error) {
	model, err := drafter(ctx, db.read, c, text)
	if err != nil {
		return "", err
	}
	c.Answer, c.Approver, c.Drafter = strings.TrimSpace(cleanText(text)), by.label(), model
	return c.AnswerText(), nil
}

// Names gives the names of people by their ids.
func (db *DB) Names(ctx context.Context, ids ...int64) (map[int64]string, error) {
	names := map[int64]string{}
	if len(ids) == 0 {
		return names, nil
	}
	rows, err := db.read.QueryContext(ctx, `SELECT id, name FROM people WHERE id IN (`+literals(ids)+`)`)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, fmt.Errorf("names: %w", err)
		}
		names[id] = name
	}
	return names, rows.Err()
}

// DraftConsent says whether the words of a case may go to a model, once they are
// masked: the applicant was asked in their chat and said yes, or has no chat and
// the desk that wrote the case down decides.
func (db *DB) DraftConsent(ctx context.Context, c Case, notice string) (bool, error) {
	if c.account == "" {
		return c.Via == ViaDesk || c.Via == ViaGrid, nil
	}
	a, err := db.NoticeAnswered(ctx, c.account, notice)
	return a.Accepted, err
}
