package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// firstPasswordLife is how long a password that somebody else set may wait for
// its first use.
const firstPasswordLife = 7 * 24 * time.Hour

// recoveryCodes are made when somebody turns codes from the phone on.
const (
	recoveryCodes  = 10
	recoveryDigits = 10 // 50 bits
)

var consoleLogin = regexp.MustCompile(`^[\p{Han}a-z0-9][\p{Han}a-z0-9._@-]{1,31}$`)

// ConsoleAccount is how a person signs in to the console.
type ConsoleAccount struct {
	Person      int64
	Login       string
	Subject     string // what the other system calls them; "" if none vouches
	PasswordSet time.Time
	MustChange  bool // somebody else knows the password
	TOTP        bool // a code from the phone is asked for
	Codes       int  // recovery codes left

	password, totp, pending string
	step                    int64
}

// CleanLogin folds what people type for a login: case, spaces around, full width.
func CleanLogin(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 0xff01 && r <= 0xff5e {
			return r - 0xfee0
		}
		return r
	}, strings.TrimSpace(s)))
}

// AddConsoleAccount lets a person sign in, and gives a password that is good once
// within a week. It is shown this once.
func (db *DB) AddConsoleAccount(ctx context.Context, by string, person int64, login string) (string, error) {
	password, add, err := db.newAccount(ctx, login)
	if err != nil {
		return "", err
	}
	return password, db.update(ctx, func(tx *sql.Tx) error { return add(tx, by, person) })
}

// newAccount makes a password, outside of a transaction since hashing takes
// long, and gives the function that adds the account.
func (db *DB) newAccount(ctx context.Context, login string) (password string, add func(tx *sql.Tx, by string, person int64) error, err error) {
	login = CleanLogin(login)
	if !consoleLogin.MatchString(login) {
		return "", nil, invalid("登录名要写 2 到 32 个字母、数字、汉字或 . _ @ -，以字母、数字或汉字开头。")
	}
	password = grouped(randomCode(16))
	hash, err := db.hasher.hash(ctx, password)
	if err != nil {
		return "", nil, err
	}
	return password, func(tx *sql.Tx, by string, person int64) error {
		return db.addAccount(ctx, tx, by, person, login, hash)
	}, nil
}

func (db *DB) addAccount(ctx context.Context, tx *sql.Tx, by string, person int64, login, hash string) error {
	p, err := personByID(ctx, tx, person)
	if err != nil {
		return err
	}
	var own, taken int
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN person = $1 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN login = $2 THEN 1 ELSE 0 END), 0)
		FROM console_accounts WHERE person = $1 OR login = $2`, person, login).Scan(&own, &taken); err != nil {
		return fmt.Errorf("add account: %w", err)
	}
	switch {
	case p.Suspended:
		return conflict("“%s”已停用，先恢复再开通。", p.Name)
	case own > 0:
		return conflict("“%s”已经开通了后台登录。", p.Name)
	case taken > 0:
		return conflict("登录名“%s”已经有人用了，请换一个。", login)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO console_accounts (person, login, subject, password, password_set, must_change, totp, totp_new, totp_step, created)
		VALUES ($1, $2, '', $3, $4, 1, '', '', 0, $4)`, person, login, hash, db.now().Unix()); err != nil {
		return fmt.Errorf("add account: %w", err)
	}
	return db.audit(ctx, tx, by, "add console account", personKey(person), "")
}

// grouped puts a hyphen behind every four letters.
func grouped(s string) string {
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.ToLower(strings.Join(append(parts, s), "-"))
}

// ResetConsolePassword gives a person's account a new password that is good once
// within a week, and ends all sessions. With phone it also asks for no code from
// the phone any more, for who lost it.
func (db *DB) ResetConsolePassword(ctx context.Context, by string, person int64, phone bool) (string, error) {
	password := grouped(randomCode(16))
	hash, err := db.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	return password, db.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE console_accounts SET password = $1, password_set = $2, must_change = 1,
			totp = CASE WHEN $3 = 1 THEN '' ELSE totp END, totp_new = '' WHERE person = $4`, hash, db.now().Unix(), number(phone), person)
		if err != nil {
			return fmt.Errorf("reset password: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(notFound("这个人还没有开通后台登录。"), err)
		}
		detail := "password"
		if phone {
			detail = "password and code"
			if _, err := tx.ExecContext(ctx, `DELETE FROM console_codes WHERE person = $1`, person); err != nil {
				return fmt.Errorf("reset password: %w", err)
			}
		}
		if err := endSessions(ctx, tx, person); err != nil {
			return err
		}
		return db.audit(ctx, tx, by, "reset console account", personKey(person), detail)
	})
}

// ConsoleAccount reads a person's account. NotFound if they have none.
func (db *DB) ConsoleAccount(ctx context.Context, person int64) (ConsoleAccount, error) {
	return consoleAccount(ctx, db.read, "person", person)
}

// ConsoleAccountNamed reads the account with that login.
func (db *DB) ConsoleAccountNamed(ctx context.Context, login string) (ConsoleAccount, error) {
	return consoleAccount(ctx, db.read, "login", CleanLogin(login))
}

func consoleAccount(ctx context.Context, q querier, column string, value any) (a ConsoleAccount, err error) {
	var set int64
	var must int
	err = q.QueryRowContext(ctx, `SELECT person, login, subject, password, password_set, must_change, totp, totp_new, totp_step,
		(SELECT COUNT(*) FROM console_codes c WHERE c.person = a.person AND c.used = 0) FROM console_accounts a WHERE `+column+` = $1`, value).
		Scan(&a.Person, &a.Login, &a.Subject, &a.password, &set, &must, &a.totp, &a.pending, &a.step, &a.Codes)
	if errors.Is(err, sql.ErrNoRows) {
		return a, notFound("没有这个后台账号。")
	}
	if err != nil {
		return a, fmt.Errorf("console account: %w", err)
	}
	a.PasswordSet, a.MustChange, a.TOTP = fromUnix(set), must != 0, a.totp != ""
	return a, nil
}

// ownAccount reads the account of who is signed in; a Conflict if another system
// vouches for them and they have none.
func ownAccount(ctx context.Context, q querier, s ConsoleSession) (ConsoleAccount, error) {
	a, err := consoleAccount(ctx, q, "person", s.Person.ID)
	if KindOf(err) == NotFound && err != nil {
		return a, conflict("您不是用这里的密码登录的，这一项不用设。")
	}
	return a, err
}

// ChangeConsolePassword sets a person's own password after the old one was
// given. All sessions end; the token of a new one is returned.
func (db *DB) ChangeConsolePassword(ctx context.Context, s ConsoleSession, old, fresh string) (string, error) {
	a, err := ownAccount(ctx, db.read, s)
	if err != nil {
		return "", err
	}
	if err := checkPassword(fresh, a.Login, s.Person.Name); err != nil {
		return "", err
	}
	if old == fresh {
		return "", invalid("新密码不能和原来的一样。")
	}
	if err := db.provePassword(ctx, s, a, old); err != nil {
		return "", err
	}
	hash, err := db.hasher.hash(ctx, fresh)
	if err != nil {
		return "", err
	}
	var token string
	err = db.update(ctx, func(tx *sql.Tx) error {
		// Of two changes at once the second finds another old password.
		r, err := tx.ExecContext(ctx, `UPDATE console_accounts SET password = $1, password_set = $2, must_change = 0 WHERE person = $3 AND password = $4`,
			hash, db.now().Unix(), s.Person.ID, a.password)
		if err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(conflict("密码刚刚被改过，请重新登录。"), err)
		}
		if err := endSessions(ctx, tx, s.Person.ID); err != nil {
			return err
		}
		if token, err = db.openSession(ctx, tx, s.Person.ID, s.Device); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(s.Person), "change password", personKey(s.Person.ID), "")
	})
	return token, err
}

// StartTOTP makes a secret for the person's authenticator app. It counts once
// ConfirmTOTP got a code made from it.
func (db *DB) StartTOTP(ctx context.Context, s ConsoleSession) (secret string, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		a, err := ownAccount(ctx, tx, s)
		if err != nil {
			return err
		}
		if a.TOTP {
			return conflict("已经设过手机验证码了。要换手机，先关掉再设。")
		}
		if secret = a.pending; secret != "" {
			return nil
		}
		secret = newTOTP()
		_, err = tx.ExecContext(ctx, `UPDATE console_accounts SET totp_new = $1 WHERE person = $2`, secret, s.Person.ID)
		return err
	})
	return secret, err
}

// ConfirmTOTP turns codes from the phone on and gives the recovery codes, which
// are shown this once. The person's other sessions end.
func (db *DB) ConfirmTOTP(ctx context.Context, s ConsoleSession, typed string) (codes []string, err error) {
	try, err := db.try(ctx, s.account, personKey(s.Person.ID))
	if err != nil {
		return nil, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return nil, err
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		a, err := ownAccount(ctx, tx, s)
		if err != nil {
			return err
		}
		if a.TOTP || a.pending == "" {
			return conflict("请先扫新的二维码。")
		}
		step, err := totpMatch(a.pending, typed, db.now())
		if err != nil {
			return err
		}
		if step == 0 {
			return invalid("验证码不对。请看手机上现在显示的 6 个数字；手机的时间要准。")
		}
		if _, err := tx.ExecContext(ctx, `UPDATE console_accounts SET totp = totp_new, totp_new = '', totp_step = $1 WHERE person = $2`, step, s.Person.ID); err != nil {
			return fmt.Errorf("turn codes on: %w", err)
		}
		if codes, err = freshCodes(ctx, tx, key, s.Person.ID); err != nil {
			return err
		}
		if err := try.undo(ctx, tx); err != nil {
			return err
		}
		if err := endOtherSessions(ctx, tx, s); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(s.Person), "codes on", personKey(s.Person.ID), "")
	})
	return codes, err
}

// DropTOTP turns codes from the phone off. The person's other sessions end.
func (db *DB) DropTOTP(ctx context.Context, s ConsoleSession) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE console_accounts SET totp = '', totp_new = '' WHERE person = $1`, s.Person.ID); err != nil {
			return fmt.Errorf("turn codes off: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM console_codes WHERE person = $1`, s.Person.ID); err != nil {
			return fmt.Errorf("turn codes off: %w", err)
		}
		if err := endOtherSessions(ctx, tx, s); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(s.Person), "codes off", personKey(s.Person.ID), "")
	})
}

// NewRecoveryCodes makes new recovery codes; the old ones are void.
func (db *DB) NewRecoveryCodes(ctx context.Context, s ConsoleSession) (codes []string, err error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return nil, err
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		a, err := ownAccount(ctx, tx, s)
		if err != nil {
			return err
		}
		if !a.TOTP {
			return conflict("没有设手机验证码，用不着备用码。")
		}
		if codes, err = freshCodes(ctx, tx, key, s.Person.ID); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(s.Person), "recovery codes", personKey(s.Person.ID), "")
	})
	return codes, err
}

func freshCodes(ctx context.Context, tx *sql.Tx, key []byte, person int64) ([]string, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM console_codes WHERE person = $1`, person); err != nil {
		return nil, fmt.Errorf("recovery codes: %w", err)
	}
	var codes []string
	for range recoveryCodes {
		c := randomCode(recoveryDigits)
		if _, err := tx.ExecContext(ctx, `INSERT INTO console_codes (person, hash, used) VALUES ($1, $2, 0)`, person, keyed(key, "recovery", c)); err != nil {
			return nil, fmt.Errorf("recovery codes: %w", err)
		}
		codes = append(codes, c[:5]+"-"+c[5:])
	}
	return codes, nil
}

// tooLong keeps what no honest person types from being hashed.
func tooLong(s string) bool { return len(s) > 4*maxPassword || utf8.RuneCountInString(s) > maxPassword }

// AddAdmin adds an administrator of the whole county together with an account,
// and gives its password, which is shown this once. Conflict if there is no
// county yet.
func (db *DB) AddAdmin(ctx context.Context, by, login string, p Person) (Person, string, error) {
	var root Org
	err := db.read.QueryRowContext(ctx, `SELECT id FROM orgs WHERE parent = 0`).Scan(&root.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return p, "", conflict("还没有设县。先加：mingbai org add 县 名称")
	}
	if err != nil {
		return p, "", fmt.Errorf("add administrator: %w", err)
	}
	password, add, err := db.newAccount(ctx, login)
	if err != nil {
		return p, "", err
	}
	p.Posts = []Post{{Role: Admin, Org: root}}
	err = db.update(ctx, func(tx *sql.Tx) error {
		if p, err = db.addPerson(ctx, tx, by, p); err != nil {
			return err
		}
		return add(tx, by, p.ID)
	})
	return p, password, err
}

// ConsoleAccounts counts who may sign in.
func (db *DB) ConsoleAccounts(ctx context.Context) (n int, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM console_accounts`).Scan(&n)
	return n, err
}
