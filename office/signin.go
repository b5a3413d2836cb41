package office

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Bounds of guessing: failed sign-ins of one account and from one address in a
// minute, and of one account in an hour, so that a code from the phone is not
// found by trying even by who knows the password. Nobody else's are counted.
const (
	triesMinute = 5
	triesHour   = 30
)

// Lives of a session: without a request, and at most. Dangerous acts need a
// password or code given within ProvedFor.
const (
	ConsoleIdle = 30 * time.Minute
	ConsoleLife = 12 * time.Hour
	ProvedFor   = 10 * time.Minute
)

// seenEvery is how exact a session's last use is kept, so that reading a page
// seldom writes.
const seenEvery = time.Minute

// SignIn is what somebody typed to sign in.
type SignIn struct {
	Login, Password string
	Code            string // from the phone, or a recovery code
	Address         string // network address, for counting failures; kept as a keyed hash
	Device          string // what the browser says it is, in short
}

// errSignIn does not say which of the three was wrong, nor whether there is such
// an account.
var errSignIn = &Error{Kind: Invalid, Msg: "登录名、密码或验证码不对。设过手机验证码的，验证码也要填，每个只能用一次。"}

// SignIn gives the token of a new session. Invalid if something is wrong,
// Forbidden after too many failures, Conflict if too many sign in at once.
func (db *DB) SignIn(ctx context.Context, in SignIn) (token string, err error) {
	in.Login = CleanLogin(in.Login)
	if tooLong(in.Login) || tooLong(in.Password) || tooLong(in.Code) {
		in = SignIn{Address: in.Address, Device: in.Device}
	}
	try, err := db.try(ctx, in.Login, in.Address)
	if err != nil {
		return "", err
	}
	a, err := db.ConsoleAccountNamed(ctx, in.Login)
	if err != nil && KindOf(err) != NotFound {
		return "", err
	}
	right, err := db.hasher.same(ctx, in.Password, a.password)
	if err != nil {
		return "", err
	}
	if a.MustChange && db.now().Sub(a.PasswordSet) > firstPasswordLife {
		right = false
	}
	key, err := db.hashKey(ctx)
	if err != nil {
		return "", err
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		token, err = db.signIn(ctx, tx, key, in, a, right, try)
		return err
	})
	if err == nil && token == "" {
		return "", errSignIn
	}
	return token, err
}

// signIn ends a sign-in in one transaction; the token is empty if it failed.
func (db *DB) signIn(ctx context.Context, tx *sql.Tx, key []byte, in SignIn, a ConsoleAccount, right bool, try attempt) (string, error) {
	if a.Person == 0 {
		return "", db.audit(ctx, tx, "console", "sign in failed", "console", "")
	}
	how, err := db.useCode(ctx, tx, key, a.Person, in.Code, right)
	if err != nil {
		return "", err
	}
	p, err := personByID(ctx, tx, a.Person)
	if err != nil {
		return "", err
	}
	now, err := consoleAccount(ctx, tx, "person", a.Person)
	if err != nil {
		return "", err
	}
	if !right || how == "" || p.Suspended || now.password != a.password {
		return "", db.audit(ctx, tx, "console", "sign in failed", personKey(a.Person), "")
	}
	if err := try.undo(ctx, tx); err != nil {
		return "", err
	}
	token, err := db.openSession(ctx, tx, a.Person, in.Device)
	if err != nil {
		return "", err
	}
	return token, db.audit(ctx, tx, actor(p), "sign in", personKey(a.Person), how)
}

// useCode says how the account's second question was answered; "" if it was not.
// A code from the phone is used up whether or not the password was right; a
// recovery code only if it was.
func (db *DB) useCode(ctx context.Context, tx *sql.Tx, key []byte, person int64, typed string, right bool) (string, error) {
	a, err := consoleAccount(ctx, tx, "person", person)
	if err != nil || !a.TOTP {
		return "password", err
	}
	step, err := totpMatch(a.totp, typed, db.now())
	if err != nil {
		return "", err
	}
	if step > a.step { // of two at once the second finds it used
		r, err := tx.ExecContext(ctx, `UPDATE console_accounts SET totp_step = $1 WHERE person = $2 AND totp_step < $1`, step, person)
		if err != nil {
			return "", fmt.Errorf("use a code: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return "", err
		}
		return "password and code", nil
	}
	clean := CleanCode(typed)
	if !right || len(clean) != recoveryDigits {
		return "", nil
	}
	r, err := tx.ExecContext(ctx, `UPDATE console_codes SET used = $1 WHERE person = $2 AND hash = $3 AND used = 0`, db.now().Unix(), person, keyed(key, "recovery", clean))
	if err != nil {
		return "", fmt.Errorf("use a recovery code: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return "", err
	}
	return "password and recovery code", nil
}

// Prove says that it is still the person who sits there: the password, or a code
// from the phone. Invalid if it is neither.
func (db *DB) Prove(ctx context.Context, s ConsoleSession, typed string) error {
	a, err := ownAccount(ctx, db.read, s)
	if err != nil {
		return err
	}
	if a.TOTP && len(CleanCode(typed)) == totpDigits {
		return db.proveCode(ctx, s, typed)
	}
	return db.provePassword(ctx, s, a, typed)
}

func (db *DB) proveCode(ctx context.Context, s ConsoleSession, typed string) error {
	try, err := db.try(ctx, s.account, personKey(s.Person.ID))
	if err != nil {
		return err
	}
	good := false
	err = db.update(ctx, func(tx *sql.Tx) error {
		how, err := db.useCode(ctx, tx, nil, s.Person.ID, typed, false)
		if err != nil {
			return err
		}
		good = how == "password and code"
		return db.proved(ctx, tx, s, try, good)
	})
	return proofError(err, good)
}

func (db *DB) provePassword(ctx context.Context, s ConsoleSession, a ConsoleAccount, typed string) error {
	if tooLong(typed) {
		typed = ""
	}
	try, err := db.try(ctx, a.Login, personKey(s.Person.ID))
	if err != nil {
		return err
	}
	good, err := db.hasher.same(ctx, typed, a.password)
	if err != nil {
		return err
	}
	err = db.update(ctx, func(tx *sql.Tx) error { return db.proved(ctx, tx, s, try, good) })
	return proofError(err, good)
}

func proofError(err error, good bool) error {
	if err == nil && !good {
		return invalid("密码或验证码不对。")
	}
	return err
}

func (db *DB) proved(ctx context.Context, tx *sql.Tx, s ConsoleSession, try attempt, good bool) error {
	if !good {
		return db.audit(ctx, tx, actor(s.Person), "proof failed", personKey(s.Person.ID), "")
	}
	if err := try.undo(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE console_sessions SET proved = $1 WHERE id = $2`, db.now().Unix(), s.ID); err != nil {
		return fmt.Errorf("proved: %w", err)
	}
	return nil
}

// attempt is a sign-in under way; it counts as failed until it is undone.
type attempt struct{ id int64 }

func (a attempt) undo(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM console_tries WHERE id = $1`, a.id); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return nil
}

// try counts an attempt before anything is compared, so that many at once are
// not more than the limit. Forbidden if the account or the address has none left.
func (db *DB) try(ctx context.Context, login, address string) (attempt, error) {
	key, err := db.hashKey(ctx)
	if err != nil {
		return attempt{}, err
	}
	login, address = keyed(key, "login", login), keyed(key, "address", address)
	if err := db.mayGuess(ctx, db.read, login, address); err != nil {
		return attempt{}, err // without a write, so that a flood costs little
	}
	var a attempt
	err = db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM console_tries WHERE at < $1`, db.now().Add(-time.Hour).Unix()); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		// The row is a lock: of two attempts at once the second counts the first.
		if _, err := tx.ExecContext(ctx, `INSERT INTO properties (name, value) VALUES ('console tries', '') ON CONFLICT (name) DO UPDATE SET value = excluded.value`); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		if err := db.mayGuess(ctx, tx, login, address); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `INSERT INTO console_tries (login, address, at) VALUES ($1, $2, $3) RETURNING id`, login, address, db.now().Unix()).Scan(&a.id); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		return nil
	})
	return a, err
}

func (db *DB) mayGuess(ctx context.Context, q querier, login, address string) error {
	minute, hour := db.now().Add(-time.Minute).Unix(), db.now().Add(-time.Hour).Unix()
	var account, long, place int
	if err := q.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN login = $1 AND at > $3 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN login = $1 AND at > $4 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN address = $2 AND at > $3 THEN 1 ELSE 0 END), 0)
		FROM console_tries WHERE login = $1 OR address = $2`, login, address, minute, hour).Scan(&account, &long, &place); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	switch {
	case long >= triesHour:
		return forbidden("这个账号试错的次数太多了，请一小时后再试，或者找管理员。")
	case account >= triesMinute || place >= triesMinute:
		return forbidden("试错的次数太多了，请过一分钟再试。")
	}
	return nil
}

// ConsoleSession is a browser that is signed in.
type ConsoleSession struct {
	ID                    int64
	Person                Person
	Device                string
	Flash                 string // what the next page says, once
	Created, Seen, Proved time.Time
	MustChange            bool // the password was set by somebody else
	TOTP                  bool
	Vouched               bool // another system vouched for this sign-in: its rules for passwords and codes hold

	account string // login
}

// Fresh says whether the person proved lately that they sit there.
func (s ConsoleSession) Fresh(now time.Time) bool { return now.Sub(s.Proved) < ProvedFor }

// openSession gives the token of a new session. Sessions that are over go.
func (db *DB) openSession(ctx context.Context, tx *sql.Tx, person int64, device string) (string, error) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	token, now := base64.RawURLEncoding.EncodeToString(b), db.now()
	if _, err := tx.ExecContext(ctx, `DELETE FROM console_sessions WHERE seen < $1 OR created < $2`, now.Add(-ConsoleIdle).Unix(), now.Add(-ConsoleLife).Unix()); err != nil {
		return "", fmt.Errorf("open session: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO console_sessions (hash, person, device, flash, created, seen, proved) VALUES ($1, $2, $3, '', $4, $4, $4)`,
		tokenHash(token), person, device, now.Unix()); err != nil {
		return "", fmt.Errorf("open session: %w", err)
	}
	return token, nil
}

// OpenConsole signs a person in whom somebody else vouches for: another system,
// or a test. Conflict if they are suspended.
func (db *DB) OpenConsole(ctx context.Context, person int64, device string) (token string, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		p, err := personByID(ctx, tx, person)
		if err != nil {
			return err
		}
		if p.Suspended {
			return conflict("“%s”已停用。", p.Name)
		}
		if token, err = db.openSession(ctx, tx, person, device); err != nil {
			return err
		}
		return db.audit(ctx, tx, actor(p), "sign in", personKey(person), "vouched for")
	})
	return token, err
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// ConsoleSession finds the session of a token. NotFound if there is none, it is
// over, or its person was suspended.
func (db *DB) ConsoleSession(ctx context.Context, token string) (ConsoleSession, error) {
	var s ConsoleSession
	var created, seen, proved, person, vouched int64
	err := db.read.QueryRowContext(ctx, `SELECT id, person, device, flash, created, seen, proved, vouched FROM console_sessions WHERE hash = $1`, tokenHash(token)).
		Scan(&s.ID, &person, &s.Device, &s.Flash, &created, &seen, &proved, &vouched)
	now := db.now()
	s.Created, s.Seen, s.Proved = fromUnix(created), fromUnix(seen), fromUnix(proved)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (now.Sub(s.Seen) > ConsoleIdle || now.Sub(s.Created) > ConsoleLife) {
		return ConsoleSession{}, errSignedOut
	}
	if err != nil {
		return s, fmt.Errorf("session: %w", err)
	}
	if s.Person, err = personByID(ctx, db.read, person); err != nil {
		return s, err
	}
	if s.Person.Suspended {
		return ConsoleSession{}, errSignedOut
	}
	a, err := consoleAccount(ctx, db.read, "person", person)
	if err != nil && KindOf(err) != NotFound {
		return s, err
	}
	s.account, s.TOTP, s.Vouched = a.Login, a.TOTP, vouched != 0
	s.MustChange = a.MustChange && !s.Vouched
	if now.Sub(s.Seen) > seenEvery {
		err = db.update(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE console_sessions SET seen = $1 WHERE id = $2`, now.Unix(), s.ID)
			return err
		})
		return s, err
	}
	return s, nil
}

var errSignedOut = &Error{Kind: NotFound, Msg: "请重新登录。"}

// SetFlash keeps what the session's next page says; "" after it was said.
func (db *DB) SetFlash(ctx context.Context, s ConsoleSession, text string) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE console_sessions SET flash = $1 WHERE id = $2`, text, s.ID)
		return err
	})
}

// ConsoleSessions lists where a person is signed in, the newest first.
func (db *DB) ConsoleSessions(ctx context.Context, person int64) ([]ConsoleSession, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT id, device, created, seen, proved FROM console_sessions WHERE person = $1 AND seen >= $2 AND created >= $3 ORDER BY created DESC, id DESC`,
		person, db.now().Add(-ConsoleIdle).Unix(), db.now().Add(-ConsoleLife).Unix())
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	defer rows.Close()
	var list []ConsoleSession
	for rows.Next() {
		var s ConsoleSession
		var created, seen, proved int64
		if err := rows.Scan(&s.ID, &s.Device, &created, &seen, &proved); err != nil {
			return nil, fmt.Errorf("sessions: %w", err)
		}
		s.Created, s.Seen, s.Proved = fromUnix(created), fromUnix(seen), fromUnix(proved)
		list = append(list, s)
	}
	return list, rows.Err()
}

// EndConsoleSession signs one of a person's browsers out. NotFound if it is not
// theirs.
func (db *DB) EndConsoleSession(ctx context.Context, p Person, id int64) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM console_sessions WHERE id = $1 AND person = $2`, id, p.ID)
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(notFound("没有这次登录，可能已经退出了。"), err)
		}
		return db.audit(ctx, tx, actor(p), "sign out", personKey(p.ID), "")
	})
}

// endSessions signs a person out everywhere.
func endSessions(ctx context.Context, tx *sql.Tx, person int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM console_sessions WHERE person = $1`, person); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

func endOtherSessions(ctx context.Context, tx *sql.Tx, s ConsoleSession) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM console_sessions WHERE person = $1 AND id <> $2`, s.Person.ID, s.ID); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
