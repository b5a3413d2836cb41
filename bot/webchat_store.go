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

// Kinds of stored events.
const (
	eventMessage = "message"
	eventReply   = "reply"
)

// unasked begins the ref of a reply to nothing; message ids cannot.
const unasked = "~"

// errRepeated says that an event is there already.
var errRepeated = errors.New("bot: the event is there already")

func (s *Store) newConversation(ctx context.Context, chat Address) (time.Time, error) {
	now := s.now()
	_, err := s.exec(ctx, `INSERT INTO conversations (chat, created, seen, last) VALUES ($1, $2, $2, 0)`, string(chat), now.UnixMilli())
	if err != nil {
		return now, fmt.Errorf("begin conversation: %w", err)
	}
	return now, nil
}

// conversation is what is known of one, without its events. errGone: there is
// none.
func (s *Store) conversation(ctx context.Context, chat Address) (conversation, error) {
	c := conversation{ID: strings.TrimPrefix(string(chat), webPrefix)}
	var created int64
	err := s.read.QueryRowContext(ctx, `SELECT created, last FROM conversations WHERE chat = $1`, string(chat)).Scan(&created, &c.Last)
	if isNoRows(err) {
		return c, errGone
	}
	if err != nil {
		return c, fmt.Errorf("find conversation: %w", err)
	}
	c.Created = stamp(time.UnixMilli(created))
	return c, nil
}

func (s *Store) eraseConversation(ctx context.Context, chat Address) error {
	n, err := s.exec(ctx, `DELETE FROM conversations WHERE chat = $1`, string(chat))
	if err != nil {
		return fmt.Errorf("erase conversation: %w", err)
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// addEvent adds an event unless one of that kind and ref is there. errGone: the
// conversation is not there.
func (s *Store) addEvent(ctx context.Context, chat Address, kind, ref, body string) error {
	err := s.update(ctx, func(ctx context.Context, tx *sql.Tx) error { return s.insertEvent(ctx, tx, chat, kind, ref, body) })
	if errors.Is(err, errRepeated) {
		return nil
	}
	return err
}

// insertEvent gives the event the conversation's next number. The row of the
// conversation stays locked until the commit, so that numbers become visible
// in their order and a reader who asks for those after n misses none.
func (s *Store) insertEvent(ctx context.Context, tx *sql.Tx, chat Address, kind, ref, body string) error {
	now := s.ms()
	var seq int64
	err := tx.QueryRowContext(ctx, `UPDATE conversations SET last = last + 1, seen = $1 WHERE chat = $2 RETURNING last`, now, string(chat)).Scan(&seq)
	if isNoRows(err) {
		return errGone
	}
	if err != nil {
		return fmt.Errorf("number event: %w", err)
	}
	r, err := tx.ExecContext(ctx, `INSERT INTO events (chat, seq, kind, ref, body, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (chat, kind, ref) DO NOTHING`, string(chat), seq, kind, ref, body, now)
	if err != nil {
		return fmt.Errorf("add event: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errRepeated)
	}
	return nil
}

// echo adds a person's own message to its conversation.
func (s *Store) echo(ctx context.Context, tx *sql.Tx, m Message) error {
	body, err := json.Marshal(Reply{Text: m.Text})
	if err != nil {
		return err
	}
	return s.insertEvent(ctx, tx, m.Chat, eventMessage, m.ID, string(body))
}

// said says whether a person's message is in the conversation. errRefused:
// with other words. errGone: there is no such conversation.
func (s *Store) said(ctx context.Context, chat Address, id, text string) (bool, error) {
	var body sql.NullString
	err := s.read.QueryRowContext(ctx, `SELECT e.body FROM conversations c
		LEFT JOIN events e ON e.chat = c.chat AND e.kind = 'message' AND e.ref = $2
		WHERE c.chat = $1`, string(chat), id).Scan(&body)
	if isNoRows(err) {
		return false, errGone
	}
	if err != nil {
		return false, fmt.Errorf("look for message: %w", err)
	}
	if !body.Valid {
		return false, nil
	}
	var r Reply
	if err := json.Unmarshal([]byte(body.String), &r); err != nil {
		return false, fmt.Errorf("decode event: %w", err)
	}
	if r.Text != text {
		return false, errRefused
	}
	return true, nil
}

// events lists up to n events after number after, oldest first.
func (s *Store) events(ctx context.Context, chat Address, after int64, n int) ([]event, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT seq, kind, ref, body, at FROM events
		WHERE chat = $1 AND seq > $2 ORDER BY seq LIMIT $3`, string(chat), after, n)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	defer rows.Close()
	out := []event{}
	for rows.Next() {
		var e event
		var body string
		var at int64
		if err := rows.Scan(&e.ID, &e.Type, &e.Ref, &body, &at); err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		var r Reply
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return nil, fmt.Errorf("decode event: %w", err)
		}
		e.Text, e.Choices, e.Answer, e.At = r.Text, r.Choices, r.Answer, stamp(time.UnixMilli(at))
		if strings.HasPrefix(e.Ref, unasked) {
			e.Ref = ""
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
