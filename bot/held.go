package bot

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// heldFor is how long a reply that could not be brought waits. Source: QQ's
// last recall period ends 30 days after a person spoke; who has not come back
// by then will ask anew.
const heldFor = 30 * 24 * time.Hour

// Pick-up codes: ten of 28 signs that nobody takes for one another, 2^48 of
// them. At the rate that look-ups are allowed nobody finds one by trying.
const (
	codeSigns  = "23456789ABCDEFGHJKMNPQRTUVWX"
	codeLength = 10
)

// pickupRate is how often one person, or one address, may try a code.
var pickupRate = Rate{Burst: 6, Every: 20 * time.Second}

// Modes of a held reply.
const (
	heldSend = 0 // goes out by itself at the person's next message
	heldTell = 1 // its code is told then: it may have been seen, or cannot be said there
	heldTold = 2 // its code was told
)

// held is a reply that could not be brought.
type held struct {
	code   string
	chat   Address
	sender Address // who asked
	ref    string  // the message that it answers, or a part of that
	text   string
	mode   int
	made   int64 // Unix milliseconds
}

func newCode() string {
	var b strings.Builder
	for range codeLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(codeSigns))))
		if err != nil {
			panic(err) // never since Go 1.24
		}
		b.WriteByte(codeSigns[n.Int64()])
	}
	return b.String()
}

// showCode writes a code in two halves, as people read it.
func showCode(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// readCode reads a code as people write it; "": it is none.
func readCode(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ':
			r -= '０' - '0'
		case r == '-', r == ' ', r == '－', r == '—', r == '　':
			return -1
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, text)
	if len(text) != codeLength || strings.Trim(text, codeSigns) != "" {
		return ""
	}
	return text
}

// hold keeps a reply and gives its code; the same reply has the same code.
func (s *Store) hold(ctx context.Context, tx *sql.Tx, h held) (code string, err error) {
	now := s.now()
	err = tx.QueryRowContext(ctx, `INSERT INTO held (code, chat, sender, ref, text, mode, made, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (chat, ref) DO UPDATE SET text = excluded.text, mode = excluded.mode RETURNING code`,
		newCode(), string(h.chat), string(h.sender), h.ref, h.text, h.mode, now.UnixMilli(), now.Add(heldFor).UnixMilli()).Scan(&code)
	if err != nil {
		return "", fmt.Errorf("hold a reply: %w", err)
	}
	return code, nil
}

// waiting lists the held replies of a person in a conversation that should
// go out or be told of, oldest first.
func (s *Store) waiting(ctx context.Context, tx *sql.Tx, chat, sender Address, n int) ([]held, error) {
	rows, err := tx.QueryContext(ctx, `SELECT code, ref, text, mode FROM held
		WHERE chat = $1 AND sender = $2 AND state = 0 AND mode < 2 AND expires > $3 ORDER BY made, code LIMIT $4`,
		string(chat), string(sender), s.ms(), n)
	if err != nil {
		return nil, fmt.Errorf("list held replies: %w", err)
	}
	defer rows.Close()
	var out []held
	for rows.Next() {
		h := held{chat: chat, sender: sender}
		if err := rows.Scan(&h.code, &h.ref, &h.text, &h.mode); err != nil {
			return nil, fmt.Errorf("list held replies: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// took notes that a held reply went to the message by. It can still be fetched
// with its code.
func (s *Store) took(ctx context.Context, tx *sql.Tx, code, by string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE held SET state = 1, taken_by = $1 WHERE code = $2`, by, code); err != nil {
		return fmt.Errorf("note a held reply as taken: %w", err)
	}
	return nil
}

// told notes that a person was told the code.
func (s *Store) told(ctx context.Context, tx *sql.Tx, code string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE held SET mode = 2 WHERE code = $1`, code); err != nil {
		return fmt.Errorf("note a code as told: %w", err)
	}
	return nil
}

// untold has a code told with the next answer: the sentence that told it did not
// get through.
func (s *Store) untold(ctx context.Context, chat Address, ref string) error {
	if _, err := s.exec(ctx, `UPDATE held SET mode = 1 WHERE chat = $1 AND ref = $2`, string(chat), ref); err != nil {
		return fmt.Errorf("note a code as untold: %w", err)
	}
	return nil
}

// fetch is the held reply with a code. ErrUnknown: there is none.
func (s *Store) fetch(ctx context.Context, code string) (held, error) {
	h := held{code: code}
	err := s.read.QueryRowContext(ctx, `SELECT chat, sender, ref, text, mode, made FROM held WHERE code = $1 AND expires > $2`,
		code, s.ms()).Scan(&h.chat, &h.sender, &h.ref, &h.text, &h.mode, &h.made)
	if isNoRows(err) {
		return h, ErrUnknown
	}
	if err != nil {
		return h, fmt.Errorf("fetch a held reply: %w", err)
	}
	return h, nil
}

// further takes the oldest held reply of a person for the message by, or finds
// the one it took before. nil: there is none.
func (s *Store) further(ctx context.Context, chat, sender Address, by string) (*held, error) {
	var found *held
	err := s.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		h := held{chat: chat, sender: sender}
		err := tx.QueryRowContext(ctx, `SELECT code, ref, text, mode FROM held
			WHERE chat = $1 AND sender = $2 AND (state = 0 OR taken_by = $3) AND expires > $4
			ORDER BY state DESC, made, code LIMIT 1`, string(chat), string(sender), by, s.ms()).
			Scan(&h.code, &h.ref, &h.text, &h.mode)
		if found = nil; isNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for a held reply: %w", err)
		}
		found = &h
		return s.took(ctx, tx, h.code, by)
	})
	return found, err
}

// What people say to fetch a held reply.
var (
	pickupWords   = regexp.MustCompile(`^[/／]?取件码?[:：\s]*([0-9A-Za-z０-９Ａ-Ｚａ-ｚ －—-]{8,20})$`)
	pickupAlone   = regexp.MustCompile(`^[/／]?取件码?[。.!！]?$`)
	continueWords = regexp.MustCompile(`^[/／]?(继续|接着说|还有呢|下一页)[。.!！]?$`)
)

// What the bot says about held replies.
const (
	wordsPickupHow     = "请把取件码写在后面，例如：取件 ABCDE-FGHJK。"
	wordsPickupNone    = "没有找到这个取件码对应的答复。请核对一下；取件码 30 天内有效，过期请重新提问。"
	wordsPickupFast    = "您查得太快了，请等一会儿再试。"
	wordsPickupPrivate = "这份答复不能在这里显示。请在与我的私聊里发送取件码，或到网页上取。"
)

// pickup answers a message that asks for a held reply, before any handler sees
// it. false: it does not.
func (b *Bot) pickup(ctx context.Context, m Message) (Reply, bool, error) {
	switch {
	case pickupAlone.MatchString(m.Text):
		return Reply{Text: wordsPickupHow}, true, nil
	case continueWords.MatchString(m.Text):
		h, err := b.inbox.store.further(ctx, m.Chat, m.From, m.ID)
		if h == nil || err != nil {
			return Reply{}, err != nil, err
		}
		b.meter.pickups.WithLabelValues("continue").Inc()
		return Reply{Text: h.text}, true, nil
	}
	found := pickupWords.FindStringSubmatch(m.Text)
	if found == nil || readCode(found[1]) == "" {
		return Reply{}, false, nil // a case's code, which a handler knows
	}
	if _, ok := b.codes.allow(ctx, string(m.From)); !ok {
		return Reply{Text: wordsPickupFast}, true, nil
	}
	h, err := b.inbox.store.fetch(ctx, readCode(found[1]))
	switch {
	case errors.Is(err, ErrUnknown):
		return Reply{Text: wordsPickupNone}, true, nil
	case err != nil:
		return Reply{}, true, err
	case m.Chat != m.From && h.sender != m.From:
		return Reply{Text: wordsPickupPrivate}, true, nil
	}
	b.meter.pickups.WithLabelValues("code").Inc()
	return Reply{Text: h.text}, true, b.inbox.store.collected(ctx, h.code, m.ID)
}

// collected notes that somebody has what the code is for.
func (s *Store) collected(ctx context.Context, code, by string) error {
	return s.update(ctx, func(ctx context.Context, tx *sql.Tx) error { return s.took(ctx, tx, code, by) })
}

// forgetHeld deletes what waits for somebody in a conversation.
func (s *Store) forgetHeld(ctx context.Context, chat, sender Address) error {
	if _, err := s.exec(ctx, `DELETE FROM held WHERE chat = $1 AND sender = $2`, string(chat), string(sender)); err != nil {
		return fmt.Errorf("forget held replies: %w", err)
	}
	return nil
}
