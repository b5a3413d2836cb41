package qqtest

import (
	"strings"
	"time"
	"unicode/utf8"
)

// stream is a private message that is written piece by piece.
type stream struct {
	id, user string
	seen     *Seen
	index    int
	text     string // as the person sees it
	left     int    // runes that may still come
	seq      int
	anchor   *anchor
	last     time.Time
	ended    bool
}

// streamStates of input_state.
const (
	streamGoing = 1
	streamDone  = 10
)

// maxStreams is how many streams of one bot are remembered.
const maxStreams = 500

// slice is the body of a stream request.
type slice struct {
	Mode        string `json:"input_mode"`
	State       int    `json:"input_state"`
	Index       *int   `json:"index"`
	ContentType string `json:"content_type"`
	Content     string `json:"content_raw"`
	MsgID       string `json:"msg_id"`
	EventID     string `json:"event_id"`
	StreamID    string `json:"stream_msg_id"`
	MsgSeq      *int   `json:"msg_seq"`
}

// stream answers POST /v2/users/{user}/stream_messages.
func (c *call) stream() reply {
	u := c.bot.users[c.vars["user"]]
	if u == nil || !u.friend {
		return refuse(codeNotFriend)
	}
	var s slice
	if !c.decode(&s) || s.Index == nil || s.Mode != "append" && s.Mode != "replace" || s.State != streamGoing && s.State != streamDone ||
		s.ContentType != "text" && s.ContentType != "markdown" {
		return refuse(codeParam)
	}
	c.entry.MsgID, c.entry.EventID = s.MsgID, s.EventID
	if code := c.checkText(s.Content, sceneC2C); code != 0 {
		return refuse(code)
	}
	seq := (&sending{MsgSeq: s.MsgSeq}).seq()
	c.entry.Seq = seq
	st := c.bot.streams[s.StreamID]
	if s.StreamID == "" {
		var code int
		if st, code = c.startStream(u, &s, seq); code != 0 {
			return refuse(code)
		}
	}
	if st == nil || st.user != u.openid || st.seq != seq || st.ended {
		return refuse(codeParam)
	}
	return c.apply(st, &s)
}

// startStream takes the one slot the whole stream uses.
func (c *call) startStream(u *User, s *slice, seq int) (*stream, int) {
	if s.MsgID == "" && s.EventID == "" {
		return nil, codeParam
	}
	a, code := c.anchor(s.MsgID, s.EventID, sceneC2C, u.openid)
	if code == 0 {
		code = c.useSlot(a, seq, s.EventID != "", false)
	}
	if code != 0 {
		return nil, code
	}
	if len(c.bot.streams) >= maxStreams {
		clear(c.bot.streams)
	}
	st := &stream{id: c.p.messageID(), user: u.openid, index: -1, left: c.p.rules.StreamRunes, seq: seq, anchor: a}
	st.seen = &Seen{ID: st.id, Kind: "stream", ReplyTo: a.id, Open: true}
	c.show(u.chat, st.seen)
	c.bot.streams[st.id] = st
	return st, 0
}

// apply adds a slice. When no more runes may come the platform goes on saying
// 200 but shows nothing more, and the bubble stays unfinished.
func (c *call) apply(st *stream, s *slice) reply {
	now := c.p.now()
	if *s.Index <= st.index {
		return refuse(codeStreamIndex)
	}
	if st.index >= 0 && now.Sub(st.last) < c.p.rules.StreamPause {
		return refuse(codeStreamRate)
	}
	text := st.text + s.Content
	if s.Mode == "replace" {
		if !strings.HasPrefix(s.Content, st.text) {
			return refuse(codeStreamPrefix)
		}
		text = s.Content
	}
	st.index, st.last = *s.Index, now
	grown := utf8.RuneCountInString(text) - utf8.RuneCountInString(st.text)
	if grown > st.left {
		st.left = 0
		c.entry.Note = "slice not applied: no length remains"
	} else {
		st.left -= grown
		st.text, st.seen.Text = text, text
		if s.State == streamDone {
			st.ended, st.seen.Open = true, false
		}
	}
	c.entry.Seen = st.text
	return ok(object{"id": st.id, "timestamp": now.Format(time.RFC3339), "ext_info": object{"ref_idx": ""}, "remain_msg_len": st.left})
}
