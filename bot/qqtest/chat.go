package qqtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The scenes a conversation can be in; replies belong to the scene of what they answer.
const (
	sceneC2C   = "c2c"
	sceneGroup = "group"
	sceneGuild = "guild" // a channel of a guild
	sceneDM    = "dm"    // a direct message of a guild
)

// Button is a button as a person sees it.
type Button struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Type  int    `json:"type"` // 0 link, 1 callback, 2 command
	Data  string `json:"data"`
	Enter bool   `json:"enter,omitempty"` // a command that is sent at once
}

// Seen is one bubble of a chat as the people in it see it.
type Seen struct {
	ID       string     `json:"id"`
	At       time.Time  `json:"at"`
	From     string     `json:"from"` // a person's name, "" for the bot
	Kind     string     `json:"kind"` // text, markdown, media, typing, stream, system
	Text     string     `json:"text"`
	Buttons  [][]Button `json:"buttons,omitempty"`
	ReplyTo  string     `json:"reply_to,omitempty"` // what it answers: a message or event id
	Recalled bool       `json:"recalled,omitempty"`
	Open     bool       `json:"open,omitempty"` // a stream that did not end yet

	interactions map[string]string // button → id of the last press
	html         string            // of Markdown, once it was shown
	until        time.Time         // end of a typing notice
}

// chat is what the people of one conversation see.
type chat struct {
	bot   *Bot
	scene string
	id    string
	name  string
	list  []*Seen
}

// maxSeen is how many bubbles of one chat are kept.
const maxSeen = 300

func (b *Bot) openChat(scene, id, name string) *chat {
	c := &chat{bot: b, scene: scene, id: id, name: name}
	b.chats = append(b.chats, c)
	return c
}

func (c *chat) add(s *Seen) {
	s.At = c.bot.p.now()
	if len(c.list) >= maxSeen {
		c.list = slices.Delete(c.list, 0, len(c.list)-maxSeen+1)
	}
	c.list = append(c.list, s)
}

func (c *chat) find(id string) *Seen {
	for _, s := range slices.Backward(c.list) {
		if s.ID == id && s.From == "" {
			return s
		}
	}
	return nil
}

// seen copies the bubbles, so that they can be read without the lock.
func (c *chat) seen() []Seen {
	c.bot.p.mu.Lock()
	defer c.bot.p.mu.Unlock()
	list := make([]Seen, len(c.list))
	for i, s := range c.list {
		list[i] = *s
		list[i].interactions = nil
	}
	return list
}

// texts are what the bot's bubbles say, without typing notices and recalled ones.
func (c *chat) texts() []string {
	var list []string
	for _, s := range c.seen() {
		if s.From == "" && !s.Recalled && s.Kind != "typing" && s.Kind != "system" {
			list = append(list, s.Text)
		}
	}
	return list
}

// Seen is the chat with the bot as the person sees it.
func (u *User) Seen() []Seen { return u.chat.seen() }

// SeenTexts are the bot's messages in it, oldest first.
func (u *User) SeenTexts() []string { return u.chat.texts() }

// Seen is the group chat as its members see it.
func (g *Group) Seen() []Seen { return g.chat.seen() }

// SeenTexts are the bot's messages in it, oldest first.
func (g *Group) SeenTexts() []string { return g.chat.texts() }

// Said is a message of a person, with the variations of the payload that the
// platform is known to send.
type Said struct {
	Text  string `json:"text"`
	At    bool   `json:"at"`              // in a group: it names the bot
	Type  int    `json:"type,omitempty"`  // message_type: 0 text, 3 card, 101, 102 record, 103 quote
	Quote string `json:"quote,omitempty"` // text of the quoted message
	Card  string `json:"card,omitempty"`  // prompt of a card
	// Attachments are given to the bot as they are.
	Attachments []Attachment `json:"attachments,omitempty"`
	Stamp       string       `json:"stamp,omitempty"` // form of the timestamp: "" RFC 3339, "int", "string"
	IDs         string       `json:"ids,omitempty"`   // "" all, "author" author.id alone, "legacy" group_id for group_openid
	Extra       bool         `json:"extra,omitempty"` // with fields nobody documented
}

// Attachment is a file of a message.
type Attachment struct {
	URL         string `json:"url"`
	Filename    string `json:"filename"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Size        int    `json:"size"`
	ContentType string `json:"content_type"`
	VoiceWavURL string `json:"voice_wav_url"`
	Recognised  string `json:"asr_refer_text"`
}

// Say sends a text to the bot and returns its message id (d.id).
func (u *User) Say(text string) string { return u.SayWith(Said{Text: text}) }

// SayWith sends a message of any form.
func (u *User) SayWith(s Said) string {
	b := u.bot
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	id := b.p.messageID()
	u.speak(b.p.now())
	u.chat.add(&Seen{ID: id, From: u.name, Kind: "text", Text: s.shown()})
	author := object{"id": u.openid, "user_openid": u.openid, "union_openid": "", "username": "", "bot": false}
	if s.IDs == "author" {
		author = object{"id": u.openid}
	}
	d := s.payload(b.p, id, author)
	b.emit(event{typ: "C2C_MESSAGE_CREATE", d: d, scene: sceneC2C, target: u.openid, conv: u.openid, messageID: id, seen: s.shown()})
	return id
}

// Say lets a member speak in the group; the bot hears it if named or if it
// hears everything. The message id is returned.
func (g *Group) Say(u *User, text string, at bool) string {
	return g.SayWith(u, Said{Text: text, At: at})
}

// SayWith lets a member send a message of any form.
func (g *Group) SayWith(u *User, s Said) string {
	b := g.bot
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	g.join(u)
	id := b.p.messageID()
	shown := s.shown()
	if s.At {
		shown = "@" + b.options.Name + " " + shown
	}
	g.chat.add(&Seen{ID: id, From: u.name, Kind: "text", Text: shown})
	if !g.in || !s.At && !g.all {
		b.p.record(Entry{Kind: KindNote, Bot: b.appID, Target: g.openid, MsgID: id, Seen: shown, Note: "said where the bot does not hear it"})
		return id
	}
	author := object{"id": u.member, "member_openid": u.member, "union_openid": "", "username": "", "bot": false, "member_role": g.role(u)}
	if s.IDs == "author" {
		author = object{"id": u.member}
	}
	typ := "GROUP_MESSAGE_CREATE"
	if s.At {
		typ, s.Text = "GROUP_AT_MESSAGE_CREATE", " "+s.Text+" " // the name is cut off, its spaces stay
	}
	d := s.payload(b.p, id, author)
	d["mentions"] = []object{}
	d["group_openid"] = g.openid
	if s.IDs != "author" {
		d["group_id"] = g.openid
	}
	if s.IDs == "legacy" {
		delete(d, "group_openid")
	}
	b.emit(event{typ: typ, d: d, scene: sceneGroup, target: g.openid, conv: g.openid, messageID: id, seen: shown})
	return id
}

// shown is what the message looks like in the chat.
func (s Said) shown() string {
	text := s.Text
	if s.Quote != "" {
		text = "「" + s.Quote + "」" + text
	}
	if s.Card != "" {
		text += "[卡片] " + s.Card
	}
	for _, a := range s.Attachments {
		text += "[" + a.ContentType + "]" + a.Recognised
	}
	return text
}

// payload is the d of a message event.
func (s Said) payload(p *Platform, id string, author object) object {
	d := object{
		"id": id, "author": author, "content": s.Text, "message_type": s.Type, "timestamp": p.stamp(s.Stamp),
		"message_scene": object{"source": "default", "ext": []string{"msg_idx=REFIDX_" + p.nextID("idx") + "=="}},
	}
	if len(s.Attachments) > 0 {
		d["attachments"] = s.Attachments
	}
	if s.Card != "" {
		d["message_type"] = 3
		d["ark_data"] = object{"prompt": s.Card, "ark_type": "miniapp", "ark_name": "", "fields": object{}}
	}
	if s.Quote != "" {
		d["message_type"] = 103
		d["msg_elements"] = []object{{"msg_idx": "REFIDX_" + p.nextID("idx") + "==", "message_type": 0, "content": s.Quote,
			"author": object{}, "attachments": []object{}, "msg_elements": []object{}}}
	}
	if s.Extra {
		d["new_field_2027"] = object{"nested": []any{1, "x", nil}}
		author["level"] = 3
	}
	return d
}

// stamp is the time in one of the three forms that are seen.
func (p *Platform) stamp(form string) any {
	now := p.now()
	switch form {
	case "int":
		return now.Unix()
	case "string":
		return strconv.FormatInt(now.Unix(), 10)
	}
	return now.Format(time.RFC3339)
}

func (p *Platform) messageID() string { return "ROBOT1.0_" + p.nextID("message") }

var errNoButton = errors.New("no such button is to be seen")

// button finds the last bubble with that button, by its id or its label.
func (c *chat) button(id string) (*Seen, Button, error) {
	for _, s := range slices.Backward(c.list) {
		if s.Recalled {
			continue
		}
		for _, row := range s.Buttons {
			for _, b := range row {
				if b.ID == id || b.Label == id {
					return s, b, nil
				}
			}
		}
	}
	return nil, Button{}, fmt.Errorf("%w: %q", errNoButton, id)
}
