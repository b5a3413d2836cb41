package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// NoticeAnswer is what a person said to a notice (个人信息保护法 第十四条: a new consent is
// needed when what was consented to changes; 第十五条: it can be taken back).
type NoticeAnswer struct {
	Version  string // of the notice they saw
	Accepted bool
}

// NoticeAnswered finds what the person behind an account said to a notice last; the
// zero NoticeAnswer if nothing.
func (db *DB) NoticeAnswered(ctx context.Context, account, notice string) (NoticeAnswer, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return NoticeAnswer{}, err
	}
	var c NoticeAnswer
	var accepted int
	err = db.read.QueryRowContext(ctx, `SELECT version, accepted FROM notice_answers WHERE person = $1 AND notice = $2`,
		keyed(key, "person", account), notice).Scan(&c.Version, &accepted)
	if errors.Is(err, sql.ErrNoRows) {
		return NoticeAnswer{}, nil
	}
	if err != nil {
		return NoticeAnswer{}, fmt.Errorf("consent: %w", err)
	}
	c.Accepted = accepted == 1
	return c, nil
}

// AnswerNotice keeps what the person behind an account said to a notice.
func (db *DB) AnswerNotice(ctx context.Context, account, notice string, c NoticeAnswer) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	accepted := 0
	if c.Accepted {
		accepted = 1
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO notice_answers (person, notice, version, accepted, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (person, notice) DO UPDATE SET version = excluded.version, accepted = excluded.accepted, at = excluded.at`,
			keyed(key, "person", account), notice, c.Version, accepted, db.now().Unix())
		if err != nil {
			return fmt.Errorf("keep consent: %w", err)
		}
		return nil
	})
}
