package bot

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Windows and counts of answers. The platform's pages disagree on them; these
// hold under each. Source: message overview and send pages, 2026-09: a group
// 5 min and 5 replies, a private chat 60 min (elsewhere 5) and 4, guilds 5 min.
const (
	qqGroupWindow   = 4*time.Minute + 30*time.Second
	qqPrivateWindow = 55 * time.Minute
	qqReplies       = 3 // that an answer may take, the typing notice counted
	qqRepliesMost   = 4 // with the one kept for saying that something went wrong
)

// qqWindow is how long a message may be answered.
func qqWindow(chat Address) time.Duration {
	if kind, _ := qqKind(chat); kind == qqUser {
		return qqPrivateWindow
	}
	return qqGroupWindow
}

// qqRecalls ends the periods after somebody spoke in each of which the platform
// takes one message unasked. Source: message overview, is_wakeup, 2026-09.
var qqRecalls = [4]time.Duration{24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// qqBook knows what replies may be hung on, what was sent, and what each
// conversation allows. All of it is rows, so that a restart repeats nothing.
type qqBook struct {
	store *Store
	name  string // of the channel
}

func newQQBook(s *Store, name string) *qqBook { return &qqBook{store: s, name: name} }

// qqAnchor is a message or an event that replies may be hung on.
type qqAnchor struct {
	ID    string // Message.ID
	Event bool   // Ref names an event
	Ref   string // what the platform knows it by
	Chat  Address
	At    time.Time // when it was said, by the platform's clock
}

// anchorOf is what a reply to a message of QQ may be hung on.
func anchorOf(m Message) qqAnchor {
	return qqAnchor{ID: m.ID, Event: strings.HasPrefix(m.ID, qqByEvent), Ref: m.Anchor, Chat: m.Chat, At: m.At}
}

// anchor notes a, in the transaction that takes its message. Whoever speaks can
// be spoken to.
func (b *qqBook) anchor(ctx context.Context, tx *sql.Tx, a qqAnchor) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO qq_anchors (chat, id, event, ref, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (chat, id) DO NOTHING`, string(a.Chat), a.ID, flag(a.Event), a.Ref, a.At.UnixMilli())
	if err != nil {
		return fmt.Errorf("note an anchor: %w", err)
	}
	heard := a.At.UnixMilli()
	if a.Event {
		heard = 0 // a button, or coming in: not words
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO qq_targets (chat, member, member_at, heard) VALUES ($1, 1, $2, $3)
		ON CONFLICT (chat) DO UPDATE SET
			member = CASE WHEN excluded.member_at >= qq_targets.member_at THEN 1 ELSE qq_targets.member END,
			member_at = CASE WHEN excluded.member_at >= qq_targets.member_at THEN excluded.member_at ELSE qq_targets.member_at END,
			woken = CASE WHEN excluded.heard > qq_targets.heard THEN 0 ELSE qq_targets.woken END,
			heard = CASE WHEN excluded.heard > qq_targets.heard THEN excluded.heard ELSE qq_targets.heard END`,
		string(a.Chat), a.At.UnixMilli(), heard)
	if err != nil {
		return fmt.Errorf("note who spoke: %w", err)
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// change notes what an event allows or forbids. One that is older than what is
// known changes nothing: events may come out of order.
func (b *qqBook) change(ctx context.Context, chat Address, c qqChange, at time.Time) error {
	var query string
	var value int
	switch c {
	case qqFriendAdded, qqGroupJoined, qqFriendGone, qqGroupLeft:
		value = flag(c == qqFriendAdded || c == qqGroupJoined)
		query = `INSERT INTO qq_targets (chat, member, member_at) VALUES ($1, $2, $3)
			ON CONFLICT (chat) DO UPDATE SET member = excluded.member, member_at = excluded.member_at, code = 0
			WHERE qq_targets.member_at <= excluded.member_at`
	case qqPushOn, qqPushOff:
		value = qqPushIs[c == qqPushOn]
		query = `INSERT INTO qq_targets (chat, push, push_at) VALUES ($1, $2, $3)
			ON CONFLICT (chat) DO UPDATE SET push = excluded.push, push_at = excluded.push_at, code = 0
			WHERE qq_targets.push_at <= excluded.push_at`
	default:
		return nil
	}
	if _, err := b.store.exec(ctx, query, string(chat), value, at.UnixMilli()); err != nil {
		return fmt.Errorf("note a change of a conversation: %w", err)
	}
	return nil
}

// qqPushIs is how a push switch is stored; 0: nobody said.
var qqPushIs = map[bool]int{true: 1, false: 2}

// close notes that the platform refused a message unasked with code: none is
// sent until an event, or the person, opens the conversation again.
func (b *qqBook) close(ctx context.Context, chat Address, code int) error {
	query := `INSERT INTO qq_targets (chat, push, push_at, code) VALUES ($1, 2, $2, $3)
		ON CONFLICT (chat) DO UPDATE SET push = 2, push_at = excluded.push_at, code = excluded.code`
	switch code {
	case 40054003, 40054004, 40034101: // not a friend, not in the group
		query = `INSERT INTO qq_targets (chat, member, member_at, code) VALUES ($1, 0, $2, $3)
			ON CONFLICT (chat) DO UPDATE SET member = 0, member_at = excluded.member_at, code = excluded.code`
	}
	if _, err := b.store.exec(ctx, query, string(chat), b.store.ms(), code); err != nil {
		return fmt.Errorf("note a closed conversation: %w", err)
	}
	return nil
}

// qqTarget is what a conversation allows.
type qqTarget struct {
	member bool
	push   int // 0 nobody said, 1 on, 2 off
	heard  time.Time
	woken  int
}

// target is what is known of a conversation; one that is unknown may be tried.
func (b *qqBook) target(ctx context.Context, chat Address) (qqTarget, error) {
	t := qqTarget{member: true}
	var heard int64
	err := b.store.read.QueryRowContext(ctx, `SELECT member, push, heard, woken FROM qq_targets WHERE chat = $1`, string(chat)).
		Scan(&t.member, &t.push, &heard, &t.woken)
	if err != nil && !isNoRows(err) {
		return t, fmt.Errorf("look a conversation up: %w", err)
	}
	t.heard = time.UnixMilli(heard)
	return t, nil
}

// recall is the bit of the period that a recall would fall into now; 0: it was
// used, or there is none.
func (t qqTarget) recall(now time.Time) int {
	since := now.Sub(t.heard)
	for i, end := range qqRecalls {
		if since < end {
			if bit := 1 << i; t.woken&bit == 0 {
				return bit
			}
			return 0
		}
	}
	return 0
}

// newest is the anchor that a message to chat is best hung on: prefer, if it is
// still good, else the newest. used bounds the replies it has had. false: there
// is none.
func (b *qqBook) newest(ctx context.Context, chat Address, prefer string, used int) (id string, ok bool, err error) {
	since := b.store.now().Add(-qqWindow(chat)).UnixMilli()
	err = b.store.read.QueryRowContext(ctx, `SELECT id FROM qq_anchors WHERE chat = $1 AND dead = 0 AND at > $2 AND used < $3
		ORDER BY CASE WHEN id = $4 THEN 0 ELSE 1 END, at DESC LIMIT 1`, string(chat), since, used, prefer).Scan(&id)
	if isNoRows(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for an anchor: %w", err)
	}
	return id, true, nil
}

// kill notes that the platform does not take an anchor any more.
func (b *qqBook) kill(ctx context.Context, chat Address, id string) error {
	if _, err := b.store.exec(ctx, `UPDATE qq_anchors SET dead = 1 WHERE chat = $1 AND id = $2`, string(chat), id); err != nil {
		return fmt.Errorf("note a dead anchor: %w", err)
	}
	return nil
}

// slot takes the next msg_seq of an anchor, in a row, so that nobody takes it
// twice. false: it has had used replies, or is dead.
func (b *qqBook) slot(ctx context.Context, tx *sql.Tx, chat Address, id string, used int) (seq int, ok bool, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE qq_anchors SET next = next + 1, used = used + 1
		WHERE chat = $1 AND id = $2 AND dead = 0 AND used < $3 RETURNING next - 1`, string(chat), id, used).Scan(&seq)
	if isNoRows(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("take a msg_seq: %w", err)
	}
	return seq, true, nil
}

// hang gives what an anchor is called on the wire.
func (b *qqBook) hang(ctx context.Context, chat Address, id string, m *qqBody) error {
	var event bool
	var ref string
	err := b.store.read.QueryRowContext(ctx, `SELECT event, ref FROM qq_anchors WHERE chat = $1 AND id = $2`, string(chat), id).Scan(&event, &ref)
	if err != nil {
		return fmt.Errorf("look an anchor up: %w", err)
	}
	if event {
		m.EventID = ref
	} else {
		m.MsgID = ref
	}
	return nil
}

// open lists conversations that can be written to without an answer being due:
// where push is on, or a message may still be answered twice.
func (b *qqBook) open(ctx context.Context, n int) ([]Address, error) {
	now := b.store.now()
	rows, err := b.store.read.QueryContext(ctx, `SELECT t.chat FROM qq_targets t
		WHERE t.chat LIKE $1 AND t.member = 1 AND (t.push = 1 OR EXISTS (
			SELECT 1 FROM qq_anchors a WHERE a.chat = t.chat AND a.dead = 0 AND a.used <= $2
			AND a.at > CASE WHEN t.chat LIKE $3 THEN CAST($4 AS BIGINT) ELSE CAST($5 AS BIGINT) END))
		ORDER BY t.heard DESC LIMIT $6`,
		b.name+"/%", qqRepliesMost-2, b.name+"/"+qqUser+"/%",
		now.Add(-qqPrivateWindow).UnixMilli(), now.Add(-qqGroupWindow).UnixMilli(), n)
	if err != nil {
		return nil, fmt.Errorf("list open conversations: %w", err)
	}
	defer rows.Close()
	var out []Address
	for rows.Next() {
		var a Address
		if err := rows.Scan(&a); err != nil {
			return nil, fmt.Errorf("list open conversations: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// forgetQQ deletes what was sent to a conversation. What replies may still be
// hung on stays: the person is to be told that the rest is gone.
func (s *Store) forgetQQ(ctx context.Context, chat Address) error {
	if _, err := s.exec(ctx, `DELETE FROM qq_parts WHERE chat = $1 AND state <> 0`, string(chat)); err != nil {
		return fmt.Errorf("forget what was sent: %w", err)
	}
	return nil
}
