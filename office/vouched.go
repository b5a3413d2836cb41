package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// maxSubject is how long the name may be by which another system knows somebody,
// in bytes (OpenID Connect Core 1.0, 2: 255 ASCII characters).
const maxSubject = 255

// LinkConsole says what another system calls the person with an account; "" to
// part them. The person has to sign in again.
func (db *DB) LinkConsole(ctx context.Context, by string, person int64, subject string) error {
	subject = strings.TrimSpace(subject)
	if len(subject) > maxSubject || hasControl(subject) {
		return invalid("统一身份认证的用户号最多 %d 个字符。", maxSubject)
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		var taken int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM console_accounts WHERE subject = $1 AND subject <> '' AND person <> $2`, subject, person).Scan(&taken); err != nil {
			return fmt.Errorf("link account: %w", err)
		}
		if taken > 0 {
			return conflict("这个用户号已经是别人的了。")
		}
		r, err := tx.ExecContext(ctx, `UPDATE console_accounts SET subject = $1 WHERE person = $2`, subject, person)
		if err != nil {
			return fmt.Errorf("link account: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(conflict("这个人还没有开通后台登录，先开通。"), err)
		}
		if err := endSessions(ctx, tx, person); err != nil {
			return err
		}
		action := "link account"
		if subject == "" {
			action = "part account"
		}
		return db.audit(ctx, tx, by, action, personKey(person), "")
	})
}

// LinkManaged is LinkConsole for an administrator.
func (db *DB) LinkManaged(ctx context.Context, by Person, id int64, subject string) error {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return err
	}
	return db.LinkConsole(ctx, actor(by), id, subject)
}

// SignInVouched gives the token of a new session of whom another system calls
// by subject. Invalid if there is nobody, or they are suspended.
func (db *DB) SignInVouched(ctx context.Context, subject, device string) (token string, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		a, err := consoleAccount(ctx, tx, "subject", subject)
		if err != nil && KindOf(err) != NotFound {
			return err
		}
		if subject == "" || err != nil {
			return db.audit(ctx, tx, "console", "sign in failed", "console", "vouched for")
		}
		p, err := personByID(ctx, tx, a.Person)
		if err != nil {
			return err
		}
		if p.Suspended {
			return db.audit(ctx, tx, "console", "sign in failed", personKey(p.ID), "vouched for")
		}
		if token, err = db.openSession(ctx, tx, p.ID, device); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE console_sessions SET vouched = 1 WHERE hash = $1`, tokenHash(token)); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		return db.audit(ctx, tx, actor(p), "sign in", personKey(p.ID), "vouched for")
	})
	if err == nil && token == "" {
		return "", invalid("统一身份认证通过了，但这里没有对应的账号。请管理员在您的人员页面填上您的用户号。")
	}
	return token, err
}
