package bot

import (
	"context"
	"encoding/json"
	"strings"
)

// shower is a channel that can show a reply while it is being made. What was
// shown must be the beginning of the reply that follows.
type shower interface {
	show(ctx context.Context, chat Address, inReplyTo, soFar string)
}

type showKey struct{}

// withShow lets the handler of m show pieces of its reply, if the channel can.
func withShow(ctx context.Context, c Channel, m Message) context.Context {
	s, ok := c.(shower)
	if !ok {
		return ctx
	}
	var soFar strings.Builder
	return context.WithValue(ctx, showKey{}, func(piece string) {
		soFar.WriteString(piece)
		s.show(ctx, m.Chat, m.ID, soFar.String())
	})
}

// Shower gives what shows a piece of the reply that is being made to the
// person, each after the last; nil where the channel shows whole replies only.
// It is for the handler's goroutine alone. What was shown must be the beginning
// of the reply's text.
func Shower(ctx context.Context) func(piece string) {
	show, _ := ctx.Value(showKey{}).(func(string))
	return show
}

// partial is a reply that is being made, for streams; it is not kept.
type partial struct {
	Type string `json:"type"` // "partial"
	Ref  string `json:"ref"`
	Text string `json:"text"` // all so far
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
