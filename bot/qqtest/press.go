package qqtest

import (
	"encoding/json"
	"time"
)

// interaction is one press of a callback button, whose spinner turns until the
// bot answers or gives up after Rules.AckWithin.
type interaction struct {
	id, outer string
	at        time.Time
	state     string // "", "acked", "late"
	chat      *chat
}

// Press presses the button of that id or label in the newest bubble that has
// it. A command button says its text instead. The id of the interaction or of
// the message is returned.
func (u *User) Press(button string) (string, error) {
	p := u.bot.p
	p.mu.Lock()
	s, b, err := u.chat.button(button)
	if err != nil || b.Type != 1 {
		p.mu.Unlock()
		if err != nil || b.Type == 0 {
			return "", err
		}
		return u.Say(b.Data), nil
	}
	defer p.mu.Unlock()
	u.speak(p.now())
	d := object{"chat_type": 2, "scene": "c2c", "user_openid": u.openid}
	return u.bot.press(u.chat, s, b, d, u.openid), nil
}

// Press lets a member press a button in the group.
func (g *Group) Press(u *User, button string) (string, error) {
	p := g.bot.p
	p.mu.Lock()
	s, b, err := g.chat.button(button)
	if err != nil || b.Type != 1 {
		p.mu.Unlock()
		if err != nil || b.Type == 0 {
			return "", err
		}
		return g.Say(u, b.Data, true), nil
	}
	defer p.mu.Unlock()
	d := object{"chat_type": 1, "scene": "group", "group_openid": g.openid, "group_member_openid": u.member}
	return g.bot.press(g.chat, s, b, d, g.openid), nil
}

// press tells the bot of a pressed button.
func (b *Bot) press(c *chat, s *Seen, button Button, d object, target string) string {
	p := b.p
	id := p.uuid("interaction")
	d["id"], d["application_id"], d["type"], d["version"] = id, b.appID, 11, 1
	d["timestamp"] = p.now().Format(time.RFC3339)
	d["data"] = object{"type": 11, "resolved": object{"button_data": button.Data, "button_id": button.ID, "message_id": s.ID}}
	i := &interaction{id: id, at: p.now(), chat: c}
	p.sweep()
	b.spinners.add(i)
	if s.interactions == nil {
		s.interactions = map[string]string{}
	}
	s.interactions[button.ID] = id
	i.outer = b.emit(event{typ: "INTERACTION_CREATE", d: d, scene: c.scene, target: target, conv: target, seen: "[" + button.Label + "]"})
	return id
}

// ackInteraction answers PUT /interactions/{id}.
func (c *call) ackInteraction() reply {
	i := c.bot.spinners.byID[c.vars["id"]]
	if i == nil {
		return refuse(codeAckForeign)
	}
	var in struct {
		Code *int `json:"code"`
	}
	if json.Unmarshal(c.body, &in) != nil || in.Code == nil || *in.Code < 0 || *in.Code > 5 {
		return refuse(codeParam)
	}
	c.p.sweep()
	c.entry.EventID, c.entry.Target = i.outer, i.chat.id
	switch i.state {
	case "acked":
		return refuse(codeAckTwice)
	case "late": // taken, but the person has seen it fail
		c.entry.Note = "the spinner had given up"
		i.state = "acked"
		return reply{status: 200, body: object{}}
	}
	i.state = "acked"
	c.entry.Seen = "（按钮转完）" + [...]string{"成功", "操作失败", "操作频繁", "重复操作", "没有权限", "仅管理员可操作"}[*in.Code]
	return reply{status: 200, body: object{}}
}

// spinners are a bot's interactions in the order in which they began.
type spinners struct {
	byID  map[string]*interaction
	order []*interaction
	fresh int // index in order of the first that may still turn
}

// maxSpinnerAge is how long a press is remembered, of the platform's clock.
const maxSpinnerAge = 10 * time.Minute

func (l *spinners) add(i *interaction) {
	l.byID[i.id] = i
	l.order = append(l.order, i)
}

// sweep lets spinners give up whose time is over and forgets old ones.
func (p *Platform) sweep() {
	now := p.now()
	for _, b := range p.order {
		l := &b.spinners
		for ; l.fresh < len(l.order) && now.Sub(l.order[l.fresh].at) > p.rules.AckWithin; l.fresh++ {
			i := l.order[l.fresh]
			if i.state == "" {
				i.state = "late"
				p.record(Entry{Kind: KindNote, Bot: b.appID, Target: i.chat.id, EventID: i.outer, Note: "spinner gave up", Seen: "操作失败，请稍后再试"})
			}
		}
		for l.fresh > 0 && now.Sub(l.order[0].at) > maxSpinnerAge {
			delete(l.byID, l.order[0].id)
			l.order[0] = nil
			l.order, l.fresh = l.order[1:], l.fresh-1
		}
	}
}

// Spinner is the state of a press: "turning", "acked" or "late".
func (b *Bot) Spinner(interaction string) string {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.sweep()
	i := b.spinners.byID[interaction]
	if i == nil {
		return ""
	}
	if i.state == "" {
		return "turning"
	}
	return i.state
}
