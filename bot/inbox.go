package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// maxClaims is how many processes may die holding one message before it is
	// given up: the message may be what kills them. Messages that only wait
	// are counted too, so it is not small.
	maxClaims = 8
)

// Stages of a message in the inbox.
const (
	stateTaken    = 0
	stateAnswered = 1 // the reply is stored and not sent
	stateDone     = 2
	stateDead     = 3
)

// errLost says that another process answers the message now.
var errLost = errors.New("bot: the message belongs to another process")

// Inbox keeps each message from the moment it is taken until it is answered.
// It survives crashes; two processes on one database answer a message once. It
// is safe for concurrent use.
type Inbox struct {
	store *Store
	owner string // this process, or this Inbox: leases carry it
}

// NewInbox makes an inbox of the store's messages. Each Inbox is an owner of
// its own.
func NewInbox(s *Store) *Inbox { return &Inbox{store: s, owner: randomID()[:16]} }

// Letter is a message that was given up, for people to look at.
type Letter struct {
	Chat  Address
	ID    string
	Taken time.Time
	Tries int
	Fault string // what went wrong, without the person's words
}

// Take stores m. It is durable when Take returns true; false: m was taken
// before. Either way the caller may acknowledge it.
func (in *Inbox) Take(ctx context.Context, m Message) (bool, error) {
	return in.take(ctx, channelOf(m.Chat), m, nil)
}

// takeHook writes something more in the transaction that takes a message. When
// it returns errTaken the message was taken before under another id.
type takeHook func(context.Context, *sql.Tx, Message) error

var errTaken = errors.New("bot: the message was taken before")

func (in *Inbox) take(ctx context.Context, mailbox string, m Message, more takeHook) (bool, error) {
	now := in.store.now()
	fresh := false
	err := in.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		fresh = false // it may run twice
		r, err := tx.ExecContext(ctx, `INSERT INTO inbox (channel, chat, id, sender, text, said, taken, owner, lease)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (chat, id) DO NOTHING`,
			mailbox, string(m.Chat), m.ID, string(m.From), m.Text, m.At.UnixMilli(),
			now.UnixMilli(), in.owner, now.Add(lease).UnixMilli())
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		if more != nil {
			return more(ctx, tx, m)
		}
		return nil
	})
	if errors.Is(err, errTaken) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take message: %w", err)
	}
	if fresh {
		crash("taken")
	}
	return fresh, nil
}

// seen says whether a message was taken before.
func (in *Inbox) seen(ctx context.Context, chat Address, id string) (bool, error) {
	ctx, cancel := brief(ctx)
	defer cancel()
	var one int
	err := in.store.read.QueryRowContext(ctx,
		`SELECT 1 FROM inbox WHERE chat = $1 AND id = $2`, string(chat), id).Scan(&one)
	if isNoRows(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for message: %w", err)
	}
	return true, nil
}

// item is a message in the inbox with what is known of it.
type item struct {
	Message
	seq    int64
	state  int
	claims int
	tries  int
	reply  string // JSON of a Reply, when answered
	after  string // JSON of the Session to save, when answered
	shown  string // of the reply, before it was whole
}

// next is the oldest message of a conversation that is not done, if it is this
// inbox's to answer; a message whose owner has gone is taken over. nil: there
// is none. errLost: another process has it.
func (in *Inbox) next(ctx context.Context, chat Address) (*item, error) {
	ctx, cancel := brief(ctx)
	defer cancel()
	it := &item{}
	var owner string
	var until, said int64
	err := in.store.read.QueryRowContext(ctx, `SELECT seq, id, sender, text, said, state, claims, tries, reply, session, shown, owner, lease
		FROM inbox WHERE chat = $1 AND state < 2 ORDER BY seq LIMIT 1`, string(chat)).
		Scan(&it.seq, &it.ID, &it.From, &it.Text, &said, &it.state, &it.claims, &it.tries, &it.reply, &it.after, &it.shown, &owner, &until)
	if isNoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("next message: %w", err)
	}
	it.Chat, it.At = chat, time.UnixMilli(said).UTC()
	if owner == in.owner {
		return it, nil
	}
	now := in.store.now()
	if until >= now.UnixMilli() {
		return nil, errLost
	}
	it.claims++
	n, err := in.store.exec(ctx, `UPDATE inbox SET owner = $1, lease = $2, claims = $3
		WHERE seq = $4 AND owner = $5 AND lease = $6 AND state < 2`,
		in.owner, now.Add(lease).UnixMilli(), it.claims, it.seq, owner, until)
	if err != nil {
		return nil, fmt.Errorf("take over message: %w", err)
	}
	if n == 0 {
		return nil, errLost
	}
	return it, nil
}

// answered stores the reply and the session to be saved with it, so that a
// crash from here on sends the same reply again. errLost: another process took
// the message over, and this reply must not be sent.
func (in *Inbox) answered(ctx context.Context, it *item, r Reply, s *Session) error {
	reply, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	after, err := encodeSession(s)
	if err != nil {
		return err
	}
	n, err := in.store.exec(ctx, `UPDATE inbox SET state = 1, reply = $1, session = $2
		WHERE seq = $3 AND owner = $4 AND state = 0`, string(reply), string(after), it.seq, in.owner)
	if err != nil {
		return fmt.Errorf("store reply: %w", err)
	}
	if n == 0 {
		return errLost
	}
	it.state, it.reply, it.after = stateAnswered, string(reply), string(after)
	return nil
}

// stored is the reply and the session of a message that was answered.
func (it *item) stored() (r Reply, s *Session, err error) {
	if err := json.Unmarshal([]byte(it.reply), &r); err != nil {
		return r, nil, fmt.Errorf("decode reply: %w", err)
	}
	if err := json.Unmarshal([]byte(it.after), &s); err != nil {
		return r, nil, fmt.Errorf("decode session: %w", err)
	}
	return r, s, nil
}

// failed counts one more try that went wrong.
func (in *Inbox) failed(ctx context.Context, it *item, fault string) error {
	it.tries++
	_, err := in.store.exec(ctx, `UPDATE inbox SET tries = $1, fault = $2 WHERE seq = $3 AND owner = $4 AND state < 2`,
		it.tries, fault, it.seq, in.owner)
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	return nil
}

// done closes a message. Its words and the reply are not kept; its id is, to
// know a repeat by. A fault makes it a dead letter.
func (in *Inbox) done(ctx context.Context, it *item, fault string) error {
	state := stateDone
	if fault != "" {
		state = stateDead
	}
	_, err := in.store.exec(ctx, `UPDATE inbox SET state = $1, fault = $2, text = '', reply = '', session = '', shown = ''
		WHERE seq = $3 AND state < 2`, state, fault, it.seq)
	if err != nil {
		return fmt.Errorf("close message: %w", err)
	}
	return nil
}

// renew keeps this inbox's messages its own for another lease.
func (in *Inbox) renew(ctx context.Context) error {
	_, err := in.store.exec(ctx, `UPDATE inbox SET lease = $1 WHERE owner = $2 AND state < 2`,
		in.store.now().Add(lease).UnixMilli(), in.owner)
	if err != nil {
		return fmt.Errorf("renew leases: %w", err)
	}
	return nil
}

// release lets other processes, or the next start, take over what this inbox
// holds at once. It does not count as a death.
func (in *Inbox) release(ctx context.Context) error {
	_, err := in.store.exec(ctx, `UPDATE inbox SET lease = 0, claims = claims - 1
		WHERE owner = $1 AND state < 2`, in.owner)
	if err != nil {
		return fmt.Errorf("release messages: %w", err)
	}
	return nil
}

// seize takes over the named mailboxes from whoever had them. Only for a
// database that no other process answers from.
func (in *Inbox) seize(ctx context.Context, mailboxes []string) error {
	for _, name := range mailboxes {
		_, err := in.store.exec(ctx, `UPDATE inbox SET lease = 0 WHERE channel = $1 AND state < 2 AND owner <> $2`, name, in.owner)
		if err != nil {
			return fmt.Errorf("take over messages: %w", err)
		}
	}
	return nil
}

// Pending lists up to n conversations of the named channels that have messages
// this inbox may answer now: its own, and those whose owner has gone.
func (in *Inbox) Pending(ctx context.Context, n int, channels ...string) ([]Address, error) {
	if len(channels) == 0 {
		return nil, nil
	}
	ctx, cancel := brief(ctx)
	defer cancel()
	args := []any{in.owner, in.store.ms(), n}
	marks := make([]string, len(channels))
	for i, c := range channels {
		args = append(args, c)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	rows, err := in.store.read.QueryContext(ctx, `SELECT chat, MIN(seq) FROM inbox
		WHERE state < 2 AND (owner = $1 OR lease < $2) AND channel IN (`+strings.Join(marks, ",")+`)
		GROUP BY chat ORDER BY 2 LIMIT $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("list pending messages: %w", err)
	}
	defer rows.Close()
	var chats []Address
	for rows.Next() {
		var chat Address
		var seq int64
		if err := rows.Scan(&chat, &seq); err != nil {
			return nil, fmt.Errorf("list pending messages: %w", err)
		}
		chats = append(chats, chat)
	}
	return chats, rows.Err()
}

// Dead lists the last n messages that were given up, newest first.
func (in *Inbox) Dead(ctx context.Context, n int) ([]Letter, error) {
	rows, err := in.store.read.QueryContext(ctx, `SELECT chat, id, taken, tries, fault FROM inbox
		WHERE state = 3 ORDER BY seq DESC LIMIT $1`, n)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	defer rows.Close()
	var out []Letter
	for rows.Next() {
		var l Letter
		var taken int64
		if err := rows.Scan(&l.Chat, &l.ID, &taken, &l.Tries, &l.Fault); err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		l.Taken = time.UnixMilli(taken).UTC()
		out = append(out, l)
	}
	return out, rows.Err()
}

// forget deletes the messages of a conversation that are done.
func (in *Inbox) forget(ctx context.Context, chat Address) error {
	_, err := in.store.exec(ctx, `DELETE FROM inbox WHERE chat = $1 AND state >= 2`, string(chat))
	if err != nil {
		return fmt.Errorf("forget messages: %w", err)
	}
	return nil
}

// drop deletes one message: its conversation was erased.
func (in *Inbox) drop(ctx context.Context, it *item) error {
	if _, err := in.store.exec(ctx, `DELETE FROM inbox WHERE seq = $1`, it.seq); err != nil {
		return fmt.Errorf("drop message: %w", err)
	}
	return nil
}
