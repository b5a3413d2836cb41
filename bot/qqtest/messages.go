package qqtest

import (
	"encoding/json"
	"slices"
	"time"
)

// The kinds of message a bot may send (msg_type).
const (
	typeText     = 0
	typeMarkdown = 2
	typeArk      = 3
	typeEmbed    = 4
	typeTyping   = 6
	typeMedia    = 7
)

// sending is the body of a message as the documents describe it.
type sending struct {
	Content  string `json:"content"`
	MsgType  int    `json:"msg_type"`
	Markdown *struct {
		Content    string          `json:"content"`
		TemplateID json.RawMessage `json:"template_id"`
		CustomID   string          `json:"custom_template_id"`
	} `json:"markdown"`
	Keyboard *keyboard `json:"keyboard"`
	Media    *struct {
		FileInfo string `json:"file_info"`
	} `json:"media"`
	Typing *struct {
		Type   int `json:"input_type"`
		Second int `json:"input_second"`
	} `json:"input_notify"`
	MsgID   string `json:"msg_id"`
	EventID string `json:"event_id"`
	MsgSeq  *int   `json:"msg_seq"`
	Wakeup  bool   `json:"is_wakeup"`
}

// keyboard is the buttons under a message.
type keyboard struct {
	ID      string `json:"id"`
	Content *struct {
		Rows []struct {
			Buttons []wireButton `json:"buttons"`
		} `json:"rows"`
	} `json:"content"`
}

type wireButton struct {
	ID     string `json:"id"`
	Render struct {
		Label        string `json:"label"`
		VisitedLabel string `json:"visited_label"`
		Style        int    `json:"style"`
	} `json:"render_data"`
	Action struct {
		Type       int `json:"type"`
		Permission *struct {
			Type int      `json:"type"`
			IDs  []string `json:"specify_user_ids"`
		} `json:"permission"`
		Data        string `json:"data"`
		Enter       bool   `json:"enter"`
		Unsupported string `json:"unsupport_tips"`
		Modal       *struct {
			Content string `json:"content"`
		} `json:"modal"`
	} `json:"action"`
}

// seq is the message's sequence number; the platform takes a missing one for 1.
func (s *sending) seq() int {
	if s.MsgSeq == nil || *s.MsgSeq == 0 {
		return 1
	}
	return *s.MsgSeq
}

// text is what the person reads of it.
func (s *sending) text() (kind, text string) {
	switch s.MsgType {
	case typeMarkdown:
		return "markdown", s.Markdown.Content
	case typeTyping:
		return "typing", ""
	case typeMedia:
		return "media", "[媒体] " + s.Content
	}
	return "text", s.Content
}

// read decodes the body and notes it in the transcript.
func (c *call) read() (*sending, int) {
	var s sending
	if !c.decode(&s) {
		return nil, codeParam
	}
	e := c.entry
	e.MsgID, e.EventID, e.Seq = s.MsgID, s.EventID, s.seq()
	e.Active = s.MsgID == "" && s.EventID == ""
	return &s, 0
}

// sendC2C answers POST /v2/users/{user}/messages.
func (c *call) sendC2C() reply {
	u := c.bot.users[c.vars["user"]]
	if u == nil {
		return refuse(codeNotFriend)
	}
	s, code := c.read()
	if code != 0 {
		return refuse(code)
	}
	if code := c.checkShape(s, sceneC2C); code != 0 {
		return refuse(code)
	}
	if !u.friend {
		return refuse(codeNotFriend)
	}
	if code := c.checkTurn(s, place{scene: sceneC2C, target: u.openid, user: u}); code != 0 {
		return refuse(code)
	}
	return c.accept(s, u.chat)
}

// sendGroup answers POST /v2/groups/{group}/messages.
func (c *call) sendGroup() reply {
	g := c.bot.groups[c.vars["group"]]
	if g == nil {
		return refuse(codeNotInGroup)
	}
	s, code := c.read()
	if code != 0 {
		return refuse(code)
	}
	if code := c.checkShape(s, sceneGroup); code != 0 {
		return refuse(code)
	}
	if !g.in {
		return refuse(codeRobotOut)
	}
	if g.muted {
		return refuse(codeMuted)
	}
	if code := c.checkTurn(s, place{scene: sceneGroup, target: g.openid, group: g}); code != 0 {
		return refuse(code)
	}
	return c.accept(s, g.chat)
}

// accept shows the message and answers with its id.
func (c *call) accept(s *sending, to *chat) reply {
	id := c.p.messageID()
	kind, text := s.text()
	bubble := &Seen{ID: id, Kind: kind, Text: text, Buttons: s.buttons(), ReplyTo: s.MsgID + s.EventID}
	if kind == "typing" {
		bubble.until = c.p.now().Add(time.Duration(s.Typing.Second) * time.Second)
	}
	c.show(to, bubble)
	return ok(object{"id": id, "timestamp": c.p.now().Format(time.RFC3339), "ext_info": object{"ref_idx": "REFIDX_" + c.p.nextID("idx") + "=="}})
}

// show puts a bubble into a chat. A message takes the place of a typing notice.
func (c *call) show(to *chat, s *Seen) {
	to.list = slices.DeleteFunc(to.list, func(s *Seen) bool { return s.Kind == "typing" })
	to.add(s)
	c.entry.Seen = s.Text
	if s.Kind == "typing" {
		c.entry.Seen = "（正在输入…）"
	}
}

// buttons are the keyboard as a person sees it.
func (s *sending) buttons() [][]Button {
	if s.Keyboard == nil || s.Keyboard.Content == nil {
		return nil
	}
	var rows [][]Button
	for _, r := range s.Keyboard.Content.Rows {
		var row []Button
		for _, b := range r.Buttons {
			row = append(row, Button{ID: b.ID, Label: b.Render.Label, Type: b.Action.Type, Data: b.Action.Data, Enter: b.Action.Enter})
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *call) recallC2C() reply {
	u := c.bot.users[c.vars["user"]]
	if u == nil {
		return refuse(codeRecallForeign)
	}
	return c.recall(u.chat, true)
}

func (c *call) recallGroup() reply {
	g := c.bot.groups[c.vars["group"]]
	if g == nil {
		return refuse(codeRecallForeign)
	}
	return c.recall(g.chat, true)
}

// recallWithin is how long a bot may take a message back (recall page).
const recallWithin = 2 * time.Minute

// recall takes the bot's message out of a chat.
func (c *call) recall(from *chat, limited bool) reply {
	s := from.find(c.vars["id"])
	if s == nil {
		return refuse(codeRecallForeign)
	}
	if limited && c.p.now().Sub(s.At) > recallWithin {
		return refuse(codeRecallLate)
	}
	s.Recalled = true
	c.entry.Seen = "（撤回了一条消息）"
	return reply{status: 200, body: object{}}
}
