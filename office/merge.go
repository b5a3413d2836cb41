package office

import (
	"context"
	"database/sql"
	"fmt"
)

// answerMerged brings an answer to those whose cases were merged into the one
// that was answered: they were told that their numbers and codes stay good. An
// answer that others may not read stays with its person; then the desk is to tell
// the others theirs.
func (db *DB) answerMerged(ctx context.Context, tx *sql.Tx, key []byte, by Person, c Case) error {
	rows, err := tx.QueryContext(ctx, `SELECT `+caseColumns+` FROM cases WHERE into_case = $1 AND state = 'merged' AND erased = 0 ORDER BY id`, c.ID)
	if err != nil {
		return fmt.Errorf("answer merged cases: %w", err)
	}
	list, err := scanCases(rows)
	if err != nil {
		return err
	}
	for _, x := range list {
		if c.Restricted && x.account != c.account {
			if err := db.tellDesk(ctx, tx, x, "merge", fmt.Sprintf("%s 并入的 %s 有答复了，内容不便给别人看：请打电话把和本人有关的告诉他。", x.No, c.No)); err != nil {
				return err
			}
			body := fmt.Sprintf("和您的事项 %s 一并办理的事有结果了，里面有别人的隐私；和您有关的，工作人员会告诉您。", x.No)
			if err := db.tell(ctx, tx, x, "merge", Account(x.account), 0, body); err != nil {
				return err
			}
			continue
		}
		if err := db.answerWith(ctx, tx, key, by, x, c); err != nil {
			return err
		}
	}
	return nil
}

// answerWith gives a merged case the answer of the one it went on under.
func (db *DB) answerWith(ctx context.Context, tx *sql.Tx, key []byte, by Person, x, c Case) error {
	x.Answer, x.Approver, x.Drafter, x.Taken = c.Answer, c.Approver, c.Drafter, c.Taken
	if x.Answered.IsZero() {
		x.Answered = db.now()
	}
	if err := save(ctx, tx, x); err != nil {
		return err
	}
	if err := db.event(ctx, tx, by, &x, "answer", x.State, "", ""); err != nil {
		return err
	}
	if err := db.tell(ctx, tx, x, "answer", Account(x.account), 0, answerNotice(x, pickupCode(key, x.request))); err != nil {
		return err
	}
	if err := db.answerMerged(ctx, tx, key, by, x); err != nil {
		return err
	}
	return db.audit(ctx, tx, actor(by), "answer", x.No, "with "+c.No)
}
