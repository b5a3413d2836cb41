package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Actions of the audit about clearances.
const (
	actClear   = "clear person"
	actUnclear = "unclear person"
)

// Clear lets a clerk see the restricted cases in their scope, or a person no
// longer. why (2 to 200 characters, none of residents') stands in the audit.
// Invalid without it, Conflict if it is so already, if a person is no clerk or is
// suspended.
func (db *DB) Clear(ctx context.Context, by string, person int64, cleared bool, why string) error {
	why = strings.TrimSpace(why)
	if n := utf8.RuneCountInString(why); n < 2 || n > 200 || hasControl(why) {
		return invalid("请写一句原因（2 到 200 个字），不要写群众的姓名和事情。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		p, err := personByID(ctx, tx, person)
		if err != nil {
			return err
		}
		clerk := slices.ContainsFunc(p.Posts, func(s Post) bool { return s.Role == Clerk })
		switch {
		case p.Cleared == cleared && cleared:
			return conflict("“%s”已经有授权了。", p.Name)
		case p.Cleared == cleared:
			return conflict("“%s”没有授权。", p.Name)
		case cleared && p.Suspended:
			return conflict("“%s”已停用，先恢复再授权。", p.Name)
		case cleared && !clerk:
			return conflict("“%s”不是经办人，不用授权：限看件由管理员、承办人和授权的经办人看。", p.Name)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET cleared = $1 WHERE id = $2`, number(cleared), person); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
		action := actUnclear
		if cleared {
			action = actClear
		}
		return db.audit(ctx, tx, by, action, personKey(person), why)
	})
}

// Clearances lists when, by whom and why a person was let see restricted cases,
// or no longer, the newest first.
func (db *DB) Clearances(ctx context.Context, person int64) (list []AuditEntry, err error) {
	err = db.each(ctx, func(rows *sql.Rows) error {
		e, err := scanAudit(rows)
		list = append(list, e)
		return err
	}, `SELECT seq, at, actor, action, object, detail, hash FROM audit WHERE object = $1 AND action IN ($2, $3) ORDER BY seq DESC LIMIT 20`, personKey(person), actClear, actUnclear)
	if err != nil {
		return nil, fmt.Errorf("clearances: %w", err)
	}
	return list, nil
}
