package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// shower is a channel that can show a reply while it is being made. What was
// shown must be the beginning of the reply that follows.
type shower interface {
	show(ctx context.Context, chat Address, inReplyTo, soFar string)
}

type showKey struct{}

// progress is what of a reply was shown before it was whole.
type progress struct {
	it   *item
	show func(piece string) // nil: whole replies only
}

// withShow lets the handler of a message show pieces of its reply, if the
// channel can. A piece is a row before it is shown, so that a process which
// takes the message over knows what the person has read. It shows nothing
// itself: its draft may be another.
func (b *Bot) withShow(ctx context.Context, c Channel, it *item) context.Context {
	p := &progress{it: it}
	handling := context.WithValue(ctx, showKey{}, p)
	s, ok := c.(shower)
	if !ok || it.shown != "" {
		return handling
	}
	lost := false
	p.show = func(piece string) {
		if lost {
			return
		}
		if err := b.inbox.showing(ctx, it, it.shown+piece); err != nil {
			lost = true // nothing more is shown; the reply comes as a whole
			b.o.Log.Warn("reply not shown while it is made", "chat", short(it.Chat), "err", err)
			return
		}
		s.show(ctx, it.Chat, it.ID, it.shown)
		crash("shown")
	}
	return handling
}

// Shower gives what shows a piece of the reply that is being made to the
// person, each after the last; nil where the channel shows whole replies only,
// and where an earlier try has shown something. It is for the handler's
// goroutine alone. What was shown must be the beginning of the reply's text.
func Shower(ctx context.Context) func(piece string) {
	if p, ok := ctx.Value(showKey{}).(*progress); ok {
		return p.show
	}
	return nil
}

// Shown is what of the reply the person has read already: shown by this
// handler, or by one that was cut off before its reply was whole.
func Shown(ctx context.Context) string {
	if p, ok := ctx.Value(showKey{}).(*progress); ok {
		return p.it.shown
	}
	return ""
}

// goesOn joins what was shown with a reply that does not begin with it.
const goesOn = "\n\n（上面的话没有说完。下面是完整的回答，以它为准。）\n\n"

// whole gives a reply's text with what was shown at its beginning: nothing that
// a person has read is taken back.
func (it *item) whole(text string) string {
	if strings.HasPrefix(text, strings.TrimRight(it.shown, "\n ")) { // white space at an end is not read
		return text
	}
	return it.shown + goesOn + text
}

// showing keeps what is about to be shown. errLost: the message belongs to
// another process now, and nothing may be shown.
func (in *Inbox) showing(ctx context.Context, it *item, soFar string) error {
	n, err := in.store.exec(ctx, `UPDATE inbox SET shown = $1 WHERE seq = $2 AND owner = $3 AND state = 0`, soFar, it.seq, in.owner)
	if err != nil {
		return fmt.Errorf("keep what is shown: %w", err)
	}
	if n == 0 {
		return errLost
	}
	it.shown = soFar
	return nil
}

// partial is a reply that is being made, for streams.
type partial struct {
	Type string `json:"type"` // "partial"
	Ref  string `json:"ref"`
	Text string `json:"text"` // all so far
}

// unfinished is what was shown of the reply a conversation waits for; "": nothing.
func (s *Store) unfinished(ctx context.Context, chat Address) (p partial, err error) {
	ctx, cancel := brief(ctx)
	defer cancel()
	p.Type = "partial"
	err = s.read.QueryRowContext(ctx, `SELECT id, shown FROM inbox WHERE chat = $1 AND state < 2 AND shown <> '' ORDER BY seq LIMIT 1`, string(chat)).Scan(&p.Ref, &p.Text)
	if isNoRows(err) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("look for what was shown: %w", err)
	}
	return p, nil
}

// show tells the streams of this process. Those of others see the whole reply.
func (w *WebChat) show(_ context.Context, chat Address, inReplyTo, soFar string) {
	data, err := json.Marshal(partial{"partial", inReplyTo, soFar})
	if err != nil {
		return // a string always encodes
	}
	w.hub.showAll(chat, data)
}

// showAll leaves a partial reply with each stream; a stream that has not looked
// at the last one sees this one only.
func (h *hub) showAll(chat Address, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams[chat] {
		select {
		case <-s.partial:
		default:
		}
		s.partial <- data // it holds one, and only this writes to it
	}
}
