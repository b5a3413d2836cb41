package office

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// TalkLine is one thing that was said before a case was handed in, by the person
// or by the bot. Its text is masked before it comes here.
type TalkLine struct {
	At   time.Time `json:"at"`
	Bot  bool      `json:"bot"`
	Text string    `json:"text"`
}

// Speaker names who said it, in a case that came in that way.
func (l TalkLine) Speaker(via string) string {
	switch {
	case l.Bot:
		return "明白"
	case via == ViaHelper:
		return "代办人"
	}
	return "本人"
}

// Bounds of the conversation that is kept with a case: what a clerk reads in a
// minute. The newest lines are kept.
const (
	MaxTalk      = 20     // lines
	maxTalkBytes = 20_000 // of their texts
)

// boundTalk gives the newest lines that fit, without what disguises a text.
func boundTalk(lines []TalkLine) []TalkLine {
	var kept []TalkLine
	size := 0
	for i := len(lines) - 1; i >= 0 && len(kept) < MaxTalk; i-- {
		l := lines[i]
		if l.Text = strings.TrimSpace(cleanText(l.Text)); l.Text == "" {
			continue
		}
		if size += len(l.Text); size > maxTalkBytes {
			break
		}
		kept = append([]TalkLine{l}, kept...)
	}
	return kept
}

// keepTalk keeps the conversation with a case that is being opened, and says so
// for its history; "" if there is none.
func keepTalk(ctx context.Context, tx *sql.Tx, c Case, lines []TalkLine) (note string, err error) {
	for i, l := range lines {
		if _, err := tx.ExecContext(ctx, `INSERT INTO case_talk (case_id, n, at, bot, body) VALUES ($1, $2, $3, $4, $5)`, c.ID, i+1, unix(l.At), number(l.Bot), l.Text); err != nil {
			return "", fmt.Errorf("keep talk: %w", err)
		}
	}
	if len(lines) == 0 {
		return "", nil
	}
	return fmt.Sprintf("提交的人同意附上聊天 %d 句，姓名、电话、证件号、住址已遮住。", len(lines)), nil
}

// Talk gives the conversation that was handed in with a case that was read for a
// person, oldest first: to those who work on it and to the applicant.
func (db *DB) Talk(ctx context.Context, c Case) ([]TalkLine, error) {
	if c.Hats&(inside|Applicant) == 0 {
		return nil, nil
	}
	var list []TalkLine
	err := db.each(ctx, func(rows *sql.Rows) error {
		var l TalkLine
		var at, bot int64
		err := rows.Scan(&at, &bot, &l.Text)
		l.At, l.Bot = fromUnix(at), bot == 1
		list = append(list, l)
		return err
	}, `SELECT at, bot, body FROM case_talk WHERE case_id = $1 ORDER BY n`, c.ID)
	if err != nil {
		return nil, fmt.Errorf("talk: %w", err)
	}
	return list, nil
}

// DropTalk takes the conversation out of a case again: who let it be kept takes
// that back (个人信息保护法 第十五条). Conflict if there is none.
func (db *DB) DropTalk(ctx context.Context, by Person, no, request string) (Case, error) {
	return db.noted(ctx, by, no, "untalk", request, func(tx *sql.Tx, c *Case) (string, error) {
		if c.Hats&(Applicant|Filer) == 0 {
			return "", forbidden("只有本人和代办人可以收回聊天。")
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM case_talk WHERE case_id = $1`, c.ID)
		if err != nil {
			return "", fmt.Errorf("drop talk: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return "", conflict("这件没有附聊天。")
		}
		return "", nil
	})
}
