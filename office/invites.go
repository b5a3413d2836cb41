package office

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Invite codes: how long one is good for, and how often an address may be wrong
// in an hour. A code has 50 bits; at this rate guessing one is hopeless.
const (
	InviteLife   = 7 * 24 * time.Hour
	maxWrong     = 5
	wrongWithin  = time.Hour
	inviteDigits = 10
	pickupDigits = 8 // 40 bits
)

// letters are those of Crockford's base 32: no I, L, O, U.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// code turns random bytes into n letters.
func code(b []byte, n int) string {
	var s strings.Builder
	for _, c := range b[:n] {
		s.WriteByte(letters[c&31])
	}
	return s.String()
}

func randomCode(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return code(b, n)
}

// CleanCode folds what people type for a code: case, spaces, hyphens, full-width
// forms, and the letters that are mistaken for digits.
func CleanCode(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xff01 && r <= 0xff5e {
			r -= 0xfee0
		}
		switch {
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r == ' ' || r == '-' || r == '　' || r == '—':
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, s)
}

// Invite makes a one-time code with which a person binds a chat address. It is
// shown this once; only its hash is kept.
func (db *DB) Invite(ctx context.Context, by string, person int64) (string, time.Time, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	c, until := randomCode(inviteDigits), db.now().Add(InviteLife)
	err = db.update(ctx, func(tx *sql.Tx) error {
		p, err := personByID(ctx, tx, person)
		if err != nil {
			return err
		}
		if p.Suspended {
			return conflict("“%s”已停用，先恢复再邀请。", p.Name)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO invites (hash, person, made_by, expires, used) VALUES ($1, $2, $3, $4, 0)`,
			keyed(key, "invite", c), person, by, until.Unix()); err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		return db.audit(ctx, tx, by, "invite", personKey(person), "")
	})
	return c[:5] + "-" + c[5:], until, err
}

var errNoInvite = &Error{Kind: Invalid, Msg: "邀请码不对、用过了或过期了，请找管理员重新要一个。"}

// Bind makes an address a person's with an invite code. Invalid if the code is
// wrong, used or out of date — which of these it does not say.
func (db *DB) Bind(ctx context.Context, a Account, typed string) (Person, error) {
	if err := db.mayTry(ctx, a, "bind"); err != nil {
		return Person{}, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Person{}, err
	}
	var p Person
	err = db.update(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `UPDATE invites SET used = $1 WHERE hash = $2 AND used = 0 AND expires > $1 RETURNING person`,
			db.now().Unix(), keyed(key, "invite", CleanCode(typed))).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoInvite
		}
		if err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO accounts (account, person, bound) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET person = excluded.person, bound = excluded.bound`, string(a), id, db.now().Unix()); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		if p, err = personByAccount(ctx, tx, a); err != nil {
			return err
		}
		if p.Suspended {
			return errNoInvite
		}
		return db.audit(ctx, tx, personKey(id), "bind", personKey(id), channelOf(a))
	})
	if KindOf(err) == Invalid {
		return Person{}, errors.Join(err, db.wrong(ctx, a, "bind"))
	}
	return p, err
}

// Invited says whom an invite code is for, and takes nothing of it. Invalid as
// Bind; a wrong code counts as one.
func (db *DB) Invited(ctx context.Context, a Account, typed string) (Person, error) {
	if err := db.mayTry(ctx, a, "bind"); err != nil {
		return Person{}, err
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return Person{}, err
	}
	var id int64
	err = db.read.QueryRowContext(ctx, `SELECT person FROM invites WHERE hash = $1 AND used = 0 AND expires > $2`, keyed(key, "invite", CleanCode(typed)), db.now().Unix()).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Person{}, fmt.Errorf("invited: %w", err)
	}
	var p Person
	if err == nil {
		if p, err = personByID(ctx, db.read, id); err != nil {
			return Person{}, err
		}
	}
	if p.ID == 0 || p.Suspended {
		return Person{}, errors.Join(errNoInvite, db.wrong(ctx, a, "bind"))
	}
	return p, nil
}

// Unbind takes an address from its person, for a lost or changed phone.
func (db *DB) Unbind(ctx context.Context, by string, a Account) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `DELETE FROM accounts WHERE account = $1 RETURNING person`, string(a)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return notFound("这里没有绑定身份。")
		}
		if err != nil {
			return fmt.Errorf("unbind: %w", err)
		}
		return db.audit(ctx, tx, by, "unbind", personKey(id), channelOf(a))
	})
}

func channelOf(a Account) string {
	c, _, _ := strings.Cut(string(a), "/")
	return c
}

// mayTry refuses an address that was wrong too often within the hour.
func (db *DB) mayTry(ctx context.Context, a Account, what string) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	var n int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM attempts WHERE who = $1 AND what = $2 AND at > $3`,
		keyed(key, "tries", string(a)), what, db.now().Add(-wrongWithin).Unix()).Scan(&n); err != nil {
		return fmt.Errorf("attempts: %w", err)
	}
	if n >= maxWrong {
		return forbidden("试错的次数太多了，请一小时后再试。")
	}
	return nil
}

// wrong counts one wrong code, and forgets those of yesterday.
func (db *DB) wrong(ctx context.Context, a Account, what string) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM attempts WHERE at < $1`, db.now().Add(-24*time.Hour).Unix()); err != nil {
			return fmt.Errorf("attempts: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO attempts (who, what, at) VALUES ($1, $2, $3)`, keyed(key, "tries", string(a)), what, db.now().Unix()); err != nil {
			return fmt.Errorf("attempts: %w", err)
		}
		return db.audit(ctx, tx, "someone", "wrong code", what, "")
	})
}
