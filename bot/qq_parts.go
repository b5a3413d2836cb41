package bot

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// States of a part.
const (
	qqPlanned = 0
	qqSent    = 1
	qqUnknown = 2 // sent unasked, and nobody knows whether it was shown
	qqRefused = 3
	qqHeld    = 4
	qqInAudit = 5
)

// qqPartWidth is how many numbers a part has to itself: room for the halves of
// one that is too long, and theirs.
const qqPartWidth = 1 << 16

// Ways of a part to its reader.
const (
	qqNoWay    = 0
	qqHung     = 1 // on a message or an event
	qqRecalled = 2 // the one message of this period
	qqUnasked  = 3
)

// qqPart is one message to be sent: a reply, or a part of one.
type qqPart struct {
	chat Address
	ref  string // the message that the reply answers; "~…" if none
	n    int    // its place among the parts

	Width int `json:"width"` // numbers from n on that are this part's

	Lead    string   `json:"lead,omitempty"` // said before Text: "（1/2）"
	Text    string   `json:"text"`           // as the handler wrote it
	Tail    string   `json:"tail,omitempty"` // said after it: where the rest is
	Choices []string `json:"choices,omitempty"`

	form   int // qqRich and plainer ones
	way    int
	anchor string
	seq    int
	tries  int  // calls made in this form and way
	doubt  bool // one of them may have been taken, and nobody knows
	state  int
	audit  string
	sentID string // of the last call, if it succeeded
}

// heldRef names a part among the held replies.
func heldRef(p *qqPart) string { return fmt.Sprintf("%s#%d", p.ref, p.n) }

// parts lists the messages of a reply in their order; none: it was not planned.
func (b *qqBook) parts(ctx context.Context, chat Address, ref string) ([]*qqPart, error) {
	rows, err := b.store.read.QueryContext(ctx, `SELECT part, body, form, way, anchor, seq, tries, doubt, state, audit FROM qq_parts
		WHERE chat = $1 AND ref = $2 ORDER BY part`, string(chat), ref)
	if err != nil {
		return nil, fmt.Errorf("list the parts of a reply: %w", err)
	}
	defer rows.Close()
	var out []*qqPart
	for rows.Next() {
		p := &qqPart{chat: chat, ref: ref}
		var body string
		if err := rows.Scan(&p.n, &body, &p.form, &p.way, &p.anchor, &p.seq, &p.tries, &p.doubt, &p.state, &p.audit); err != nil {
			return nil, fmt.Errorf("list the parts of a reply: %w", err)
		}
		if body != "" {
			if err := json.Unmarshal([]byte(body), p); err != nil {
				return nil, fmt.Errorf("decode a part: %w", err)
			}
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// add plans one part, unless it is there.
func (b *qqBook) add(ctx context.Context, tx *sql.Tx, p *qqPart) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO qq_parts (chat, ref, part, body, form, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (chat, ref, part) DO NOTHING`, string(p.chat), p.ref, p.n, string(body), p.form, b.store.ms())
	if err != nil {
		return fmt.Errorf("plan a part: %w", err)
	}
	return nil
}

// errNoSlot says that an anchor was used up meanwhile.
var errNoSlot = errors.New("bot: the anchor has no reply left")

// hangOn takes a msg_seq of an anchor for p, before the call that uses it.
func (b *qqBook) hangOn(ctx context.Context, p *qqPart, anchor string, used int) error {
	var seq int
	err := b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, ok, err := b.slot(ctx, tx, p.chat, anchor, used)
		if err != nil {
			return err
		}
		if !ok {
			return errNoSlot
		}
		seq = n
		return b.setWay(ctx, tx, p, qqHung, anchor, seq)
	})
	if err != nil {
		return err
	}
	p.take(qqHung, anchor, seq)
	return nil
}

// recall uses a period's one message for p. errNoSlot: somebody else did.
func (b *qqBook) recall(ctx context.Context, p *qqPart, woken, bit int) error {
	err := b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE qq_targets SET woken = $1 WHERE chat = $2 AND woken = $3`, woken|bit, string(p.chat), woken)
		if err != nil {
			return fmt.Errorf("use a recall: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errNoSlot, err)
		}
		return b.setWay(ctx, tx, p, qqRecalled, "", 0)
	})
	if err == nil {
		p.take(qqRecalled, "", 0)
	}
	return err
}

// unasked sends p without anything to hang it on.
func (b *qqBook) unasked(ctx context.Context, p *qqPart) error {
	err := b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error { return b.setWay(ctx, tx, p, qqUnasked, "", 0) })
	if err == nil {
		p.take(qqUnasked, "", 0)
	}
	return err
}

func (p *qqPart) take(way int, anchor string, seq int) {
	p.way, p.anchor, p.seq, p.tries, p.doubt = way, anchor, seq, 0, false
}

func (b *qqBook) setWay(ctx context.Context, tx *sql.Tx, p *qqPart, way int, anchor string, seq int) error {
	_, err := tx.ExecContext(ctx, `UPDATE qq_parts SET way = $1, anchor = $2, seq = $3, tries = 0, doubt = 0
		WHERE chat = $4 AND ref = $5 AND part = $6`, way, anchor, seq, string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("note the way of a part: %w", err)
	}
	return nil
}

// lost takes p's way back: the platform refused it for certain, so its reply is
// not used up. The msg_seq is never used again.
func (b *qqBook) lost(ctx context.Context, p *qqPart) error {
	err := b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if p.way == qqHung {
			_, err := tx.ExecContext(ctx, `UPDATE qq_anchors SET used = used - 1 WHERE chat = $1 AND id = $2 AND used > 0`, string(p.chat), p.anchor)
			if err != nil {
				return fmt.Errorf("give a reply back: %w", err)
			}
		}
		return b.setWay(ctx, tx, p, qqNoWay, "", 0)
	})
	if err == nil {
		p.take(qqNoWay, "", 0)
	}
	return err
}

// trying counts a call before it is made, with the hash of what it says: after
// a crash it is known that there may have been one.
func (b *qqBook) trying(ctx context.Context, p *qqPart, m *qqBody) error {
	said, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(said)
	p.tries++
	p.doubt = true
	_, err = b.store.exec(ctx, `UPDATE qq_parts SET tries = $1, hash = $2, doubt = 1 WHERE chat = $3 AND ref = $4 AND part = $5`,
		p.tries, hex.EncodeToString(sum[:]), string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("count a call: %w", err)
	}
	return nil
}

// answered notes that the last call was answered: the platform did not take it.
func (b *qqBook) answered(ctx context.Context, p *qqPart) error {
	_, err := b.store.exec(ctx, `UPDATE qq_parts SET doubt = 0 WHERE chat = $1 AND ref = $2 AND part = $3`, string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("note an answer: %w", err)
	}
	p.doubt = false
	return nil
}

// reform gives p another form, or other words, and lets it find a way anew.
func (b *qqBook) reform(ctx context.Context, p *qqPart, more ...*qqPart) error {
	return b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := b.reformTx(ctx, tx, p); err != nil {
			return err
		}
		for _, q := range more {
			if err := b.add(ctx, tx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *qqBook) reformTx(ctx context.Context, tx *sql.Tx, p *qqPart) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE qq_parts SET body = $1, form = $2 WHERE chat = $3 AND ref = $4 AND part = $5`,
		string(body), p.form, string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("change the form of a part: %w", err)
	}
	return nil
}

// settle notes what became of p. Its words are not kept, but while people look
// at it.
func (b *qqBook) settle(ctx context.Context, p *qqPart, state, code int, sent string) error {
	err := b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error { return b.settleTx(ctx, tx, p, state, code, sent) })
	if err == nil {
		p.state = state
	}
	return err
}

func (b *qqBook) settleTx(ctx context.Context, tx *sql.Tx, p *qqPart, state, code int, sent string) error {
	_, err := tx.ExecContext(ctx, `UPDATE qq_parts SET state = $1, code = $2, sent = $3, body = '' WHERE chat = $4 AND ref = $5 AND part = $6`,
		state, code, sent, string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("settle a part: %w", err)
	}
	return nil
}

// await notes that people look at p. Their verdict may be there already: each of
// await and audited writes first and then looks for what the other wrote.
func (b *qqBook) await(ctx context.Context, p *qqPart, audit string) error {
	_, err := b.store.exec(ctx, `UPDATE qq_parts SET state = 5, audit = $1 WHERE chat = $2 AND ref = $3 AND part = $4`,
		audit, string(p.chat), p.ref, p.n)
	if err != nil {
		return fmt.Errorf("note an audit: %w", err)
	}
	p.state, p.audit = qqInAudit, audit
	var passed bool
	var sent string
	err = b.store.read.QueryRowContext(ctx, `SELECT passed, sent FROM qq_verdicts WHERE audit = $1`, audit).Scan(&passed, &sent)
	if isNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a verdict: %w", err)
	}
	return b.judged(ctx, audit, passed, sent)
}

// audited takes the verdict of the platform's people on what they looked at.
func (b *qqBook) audited(ctx context.Context, audit string, passed bool, messageID string) error {
	_, err := b.store.exec(ctx, `INSERT INTO qq_verdicts (audit, passed, sent, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (audit) DO NOTHING`, audit, flag(passed), messageID, b.store.ms())
	if err != nil {
		return fmt.Errorf("keep a verdict: %w", err)
	}
	return b.judged(ctx, audit, passed, messageID)
}

// judged acts on a verdict, if it is known what it is about: what was refused
// waits to be fetched.
func (b *qqBook) judged(ctx context.Context, audit string, passed bool, messageID string) error {
	var p qqPart
	var body string
	err := b.store.read.QueryRowContext(ctx, `SELECT chat, ref, part, body FROM qq_parts WHERE audit = $1 AND state = 5`, audit).
		Scan(&p.chat, &p.ref, &p.n, &body)
	if isNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what was looked at: %w", err)
	}
	if passed {
		return b.settle(ctx, &p, qqSent, 0, messageID)
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return fmt.Errorf("decode a part: %w", err)
	}
	_, err = b.holdPart(ctx, &p, p.Text, heldTell)
	return err
}

// sender is who said a message; the conversation itself if that is not known.
func (b *qqBook) sender(ctx context.Context, chat Address, id string) (Address, error) {
	from := chat
	err := b.store.read.QueryRowContext(ctx, `SELECT sender FROM inbox WHERE chat = $1 AND id = $2`, string(chat), id).Scan(&from)
	if err != nil && !isNoRows(err) {
		return chat, fmt.Errorf("look for who asked: %w", err)
	}
	return from, nil
}

// holdPart keeps the words of p to be fetched, and settles it.
func (b *qqBook) holdPart(ctx context.Context, p *qqPart, text string, mode int) (code string, err error) {
	from, err := b.sender(ctx, p.chat, p.ref)
	if err != nil {
		return "", err
	}
	err = b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		code, err = b.store.hold(ctx, tx, held{chat: p.chat, sender: from, ref: heldRef(p), text: text, mode: mode})
		if err != nil {
			return err
		}
		return b.settleTx(ctx, tx, p, qqHeld, 0, "")
	})
	if err == nil {
		p.state = qqHeld
	}
	return code, err
}

// used is how many replies a message has had.
func (b *qqBook) used(ctx context.Context, chat Address, id string) (n int, err error) {
	err = b.store.read.QueryRowContext(ctx, `SELECT used FROM qq_anchors WHERE chat = $1 AND id = $2`, string(chat), id).Scan(&n)
	if err != nil && !isNoRows(err) {
		return 0, fmt.Errorf("count the replies to a message: %w", err)
	}
	return n, nil
}

// giveUp settles what of a message was not sent: it is the caller's again.
func (b *qqBook) giveUp(ctx context.Context, chat Address, ref string) error {
	_, err := b.store.exec(ctx, `UPDATE qq_parts SET state = 3, body = '' WHERE chat = $1 AND ref = $2 AND state = 0`, string(chat), ref)
	if err != nil {
		return fmt.Errorf("give a message back: %w", err)
	}
	return nil
}

// typing sends a typing notice on the newest message, if that leaves room for
// an answer.
func (b *qqBook) typing(ctx context.Context, to Address, api *qqAPI) error {
	id, ok, err := b.newest(ctx, to, "", 1)
	if !ok || err != nil {
		return err
	}
	m := &qqBody{MsgType: qqTypingType, Typing: &qqTyping{Type: 1, Seconds: qqTypingFor}}
	if err := b.hang(ctx, to, id, m); err != nil {
		return err
	}
	err = b.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		m.MsgSeq, ok, err = b.slot(ctx, tx, to, id, 1)
		return err
	})
	if !ok || err != nil {
		return err
	}
	_, err = api.post(ctx, to, m)
	return err
}
