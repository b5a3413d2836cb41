package bot

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// How long one-time codes are good, and of how many signs they are. A door
// leads to nothing but a subject; a binding says who somebody is.
const (
	doorLasts  = 30 * time.Minute
	doorSigns  = 6
	bindLasts  = 10 * time.Minute
	bindSigns  = 8
	kindDoor   = "door"
	kindBind   = "bind"
	plainSigns = "23456789ABCDEFGHJKMNPQRTUVWX" // none is taken for another
)

// Codes makes and takes one-time codes, and knows which members of groups are
// which persons. A member and a person are never joined by what the platform
// calls them, only by a code that was given in the person's private chat and
// then said in the group. Each code is taken once, by one message; the same
// message may come again.
type Codes struct{ store *Store }

// NewCodes keeps codes and members in s.
func NewCodes(s *Store) *Codes { return &Codes{store: s} }

// Door makes a code of 6 signs, good for 30 minutes, that opens a private chat
// about something that was begun in a group. about must hold no words of
// anybody.
func (c *Codes) Door(ctx context.Context, about string) (code string, err error) {
	return c.make(ctx, kindDoor, about, doorSigns, doorLasts)
}

// Enter uses a door's code up for the message by, and gives what it is about.
// ErrUnknown: there is no such code, or it is too old or used.
func (c *Codes) Enter(ctx context.Context, code, by string) (about string, err error) {
	return c.use(ctx, kindDoor, code, by, nil)
}

// Offer makes a code of 8 signs, good for 10 minutes, by which a member of a
// group proves to be person. It must be told to that person alone. An earlier
// one is good no more.
func (c *Codes) Offer(ctx context.Context, person Address) (code string, err error) {
	if _, err := c.store.exec(ctx, `DELETE FROM codes WHERE kind = $1 AND about = $2 AND used = ''`, kindBind, string(person)); err != nil {
		return "", fmt.Errorf("withdraw a code: %w", err)
	}
	return c.make(ctx, kindBind, string(person), bindSigns, bindLasts)
}

// Bind joins member to the person whose code it said in the message by.
// ErrUnknown: as Enter.
func (c *Codes) Bind(ctx context.Context, member Address, code, by string) error {
	_, err := c.use(ctx, kindBind, code, by, func(ctx context.Context, tx *sql.Tx, person string) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO members (member, person, bound) VALUES ($1, $2, $3)
			ON CONFLICT (member) DO UPDATE SET person = excluded.person, bound = excluded.bound`, string(member), person, c.store.ms())
		return err
	})
	return err
}

// Person is who a member proved to be; false: nobody knows.
func (c *Codes) Person(ctx context.Context, member Address) (person Address, ok bool, err error) {
	ctx, cancel := brief(ctx)
	defer cancel()
	err = c.store.read.QueryRowContext(ctx, `SELECT person FROM members WHERE member = $1`, string(member)).Scan(&person)
	if isNoRows(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look a member up: %w", err)
	}
	return person, true, nil
}

// Unbind parts a person from every member it was joined to, and says how many
// they were.
func (c *Codes) Unbind(ctx context.Context, person Address) (n int64, err error) {
	if n, err = c.store.exec(ctx, `DELETE FROM members WHERE person = $1`, string(person)); err != nil {
		return 0, fmt.Errorf("part a person from members: %w", err)
	}
	return n, nil
}

// forgetCodes deletes what is known of a person: its bindings and codes.
func (s *Store) forgetCodes(ctx context.Context, person Address) error {
	for _, q := range []string{`DELETE FROM members WHERE person = $1 OR member = $1`, `DELETE FROM codes WHERE about = $1`} {
		if _, err := s.exec(ctx, q, string(person)); err != nil {
			return fmt.Errorf("forget codes: %w", err)
		}
	}
	return nil
}

func (c *Codes) make(ctx context.Context, kind, about string, signs int, lasts time.Duration) (string, error) {
	for {
		code := plainCode(signs)
		n, err := c.store.exec(ctx, `INSERT INTO codes (code, kind, about, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (code) DO NOTHING`,
			code, kind, about, c.store.now().Add(lasts).UnixMilli())
		if err != nil {
			return "", fmt.Errorf("make a code: %w", err)
		}
		if n == 1 {
			return code, nil
		}
	}
}

func (c *Codes) use(ctx context.Context, kind, code, by string, then func(context.Context, *sql.Tx, string) error) (about string, err error) {
	err = c.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE codes SET used = $1 WHERE code = $2 AND kind = $3 AND expires > $4 AND used IN ('', $1)
			RETURNING about`, by, strings.ToUpper(code), kind, c.store.ms()).Scan(&about)
		if isNoRows(err) {
			return ErrUnknown
		}
		if err == nil && then != nil {
			err = then(ctx, tx, about)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("use a code: %w", err)
	}
	return about, nil
}

func plainCode(signs int) string {
	var b strings.Builder
	for range signs {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(plainSigns))))
		if err != nil {
			panic(err) // never since Go 1.24
		}
		b.WriteByte(plainSigns[n.Int64()])
	}
	return b.String()
}
