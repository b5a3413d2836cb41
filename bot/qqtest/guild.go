package qqtest

import (
	"html"
	"strings"
	"time"
	"unicode/utf8"
)

// Guild is a guild with one text channel and one forum channel. Ids there are
// numbers and no openids.
type Guild struct {
	bot         *Bot
	chat        *chat
	id, channel string
	name        string
	forum       string
	seq         int64
	failAudit   bool
}

// dm is the private room of one person and the bot, opened from a guild.
type dm struct {
	guild, channel string // as a room is addressed
	chat           *chat
	user           *User
}

// Guild is the guild of that name, made at the first call.
func (p *Platform) Guild(b *Bot, name string) *Guild {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := p.snowflake(b.appID, "guild", name)
	if g := b.guilds[id]; g != nil {
		return g
	}
	g := &Guild{bot: b, name: name, id: id, channel: p.snowflake(b.appID, "channel", name), forum: p.snowflake(b.appID, "forum", name)}
	g.chat = b.openChat(sceneGuild, g.channel, name)
	b.guilds[id], b.channels[g.channel], b.channels[g.forum] = g, g, g
	p.wake()
	return g
}

// ID is the guild's id; Channel that of its text channel, Forum of its forum.
func (g *Guild) ID() string      { return g.id }
func (g *Guild) Channel() string { return g.channel }
func (g *Guild) Forum() string   { return g.forum }

// Seen is the channel as its members see it.
func (g *Guild) Seen() []Seen { return g.chat.seen() }

// SeenTexts are the bot's messages in it, oldest first.
func (g *Guild) SeenTexts() []string { return g.chat.texts() }

// FailAudits lets the audits of what the bot sends unasked fail.
func (g *Guild) FailAudits(on bool) {
	g.bot.p.mu.Lock()
	defer g.bot.p.mu.Unlock()
	g.failAudit = on
}

// Say lets a person name the bot in the channel.
func (g *Guild) Say(u *User, text string) string {
	b := g.bot
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	id := b.p.messageID()
	g.chat.add(&Seen{ID: id, From: u.name, Kind: "text", Text: "@" + b.options.Name + " " + text})
	d := g.message(u, id, "<@!"+b.selfID()+"> "+html.EscapeString(text), g.id, g.channel)
	b.emit(event{typ: "AT_MESSAGE_CREATE", d: d, scene: sceneGuild, target: g.channel, conv: g.channel, messageID: id, seen: text})
	return id
}

// Direct lets a person write to the bot in private, out of the guild.
func (g *Guild) Direct(u *User, text string) string {
	b := g.bot
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	room := g.room(u)
	id := b.p.messageID()
	room.chat.add(&Seen{ID: id, From: u.name, Kind: "text", Text: text})
	d := g.message(u, id, html.EscapeString(text), room.guild, room.channel)
	d["src_guild_id"], d["direct_message"] = g.id, true
	b.emit(event{typ: "DIRECT_MESSAGE_CREATE", d: d, scene: sceneDM, target: room.guild, conv: room.guild, messageID: id, seen: text})
	return id
}

// DirectTexts are the bot's messages in that room, oldest first.
func (g *Guild) DirectTexts(u *User) []string {
	g.bot.p.mu.Lock()
	room := g.room(u)
	g.bot.p.mu.Unlock()
	return room.chat.texts()
}

func (g *Guild) room(u *User) *dm {
	b := g.bot
	id := b.p.snowflake(b.appID, "dm", u.name)
	if b.dms[id] == nil {
		b.dms[id] = &dm{guild: id, channel: b.p.snowflake(b.appID, "dm channel", u.name), user: u, chat: b.openChat(sceneDM, id, u.name+"（频道私信）")}
	}
	return b.dms[id]
}

func (g *Guild) message(u *User, id, content, guild, channel string) object {
	g.seq++
	return object{
		"id": id, "guild_id": guild, "channel_id": channel, "content": content, "seq": g.seq, "timestamp": g.bot.p.stamp(""),
		"author": object{"id": u.guildID, "username": u.name, "avatar": "", "bot": false},
		"member": object{"joined_at": "2025-01-01T00:00:00+08:00", "roles": []string{"1"}},
	}
}

// selfID is the bot's own id in guilds.
func (b *Bot) selfID() string { return b.p.snowflake(b.appID, "self") }

// sendChannel answers POST /channels/{channel}/messages.
func (c *call) sendChannel() reply {
	g := c.bot.channels[c.vars["channel"]]
	if g == nil || c.vars["channel"] != g.channel {
		return refuse(codeNotInGroup)
	}
	s, code := c.readGuild()
	if code != 0 {
		return refuse(code)
	}
	r := c.p.rules
	if s.MsgID != "" || s.EventID != "" {
		a, code := c.anchor(s.MsgID, s.EventID, sceneGuild, g.channel)
		if code == 0 {
			code = c.useSlot(a, c.guildSeq(a, s), s.EventID != "", false)
		}
		if code != 0 {
			return refuse(code)
		}
		if r.AuditReplies {
			return c.audit(s, g, codeAuditReply)
		}
		return c.accept(s, g.chat)
	}
	if !c.bot.allow("day "+g.channel, c.p.now(), 24*time.Hour, r.ChannelDay) {
		return refuse(codeChannelQuota)
	}
	if r.Audit {
		return c.audit(s, g, codeAudit)
	}
	return c.accept(s, g.chat)
}

// readGuild reads a body; in guilds what a message is follows from what it has.
func (c *call) readGuild() (*sending, int) {
	s, code := c.read()
	if code != 0 {
		return nil, code
	}
	if s.Markdown != nil {
		s.MsgType = typeMarkdown
	}
	return s, c.checkShape(s, sceneGuild)
}

// guildSeq: guilds know no msg_seq, so an omitted one is the next free one.
func (c *call) guildSeq(a *anchor, s *sending) int {
	if s.MsgSeq != nil {
		return s.seq()
	}
	n := 1
	for a.slots[n] {
		n++
	}
	return n
}

// audit takes the message and answers 202; what people see is decided by the
// audit, whose event follows at once.
func (c *call) audit(s *sending, g *Guild, code int) reply {
	b, p := c.bot, c.p
	id := p.uuid("audit")
	d := object{"audit_id": id, "audit_time": p.stamp(""), "create_time": p.stamp(""), "guild_id": g.id, "channel_id": g.channel}
	typ := "MESSAGE_AUDIT_REJECT"
	if !g.failAudit {
		typ = "MESSAGE_AUDIT_PASS"
		mid := p.messageID()
		d["message_id"] = mid
		kind, text := s.text()
		c.show(g.chat, &Seen{ID: mid, Kind: kind, Text: text, Buttons: s.buttons(), ReplyTo: s.MsgID})
	}
	b.emit(event{typ: typ, d: d, scene: sceneGuild, target: g.channel, conv: g.channel})
	return reply{status: 202, code: code, body: object{"code": code, "message": words[code], "data": object{"message_audit": object{"audit_id": id}}}}
}

func (c *call) recallChannel() reply {
	g := c.bot.channels[c.vars["channel"]]
	if g == nil || !c.bot.options.Private {
		return refuse(codeRecallForeign)
	}
	return c.recall(g.chat, false)
}

// openDM answers POST /users/@me/dms.
func (c *call) openDM() reply {
	var in struct {
		Recipient string `json:"recipient_id"`
		Guild     string `json:"source_guild_id"`
	}
	if !c.decode(&in) {
		return refuse(codeParam)
	}
	g := c.bot.guilds[in.Guild]
	for _, u := range c.bot.users {
		if g != nil && u.guildID == in.Recipient {
			room := g.room(u)
			return ok(object{"guild_id": room.guild, "channel_id": room.channel, "create_time": c.p.now().Unix()})
		}
	}
	return refuse(codeNotInGroup)
}

// Direct messages a bot may send unasked in a day (message overview).
const (
	dmPerUser = 2
	dmPerBot  = 200
)

// sendDM answers POST /dms/{guild}/messages.
func (c *call) sendDM() reply {
	room := c.bot.dms[c.vars["guild"]]
	if room == nil {
		return refuse(codeNotInGroup)
	}
	s, code := c.readGuild()
	if code != 0 {
		return refuse(code)
	}
	if s.MsgID != "" {
		a, code := c.anchor(s.MsgID, "", sceneDM, room.guild)
		if code == 0 {
			code = c.useSlot(a, c.guildSeq(a, s), false, false)
		}
		if code != 0 {
			return refuse(code)
		}
		return c.accept(s, room.chat)
	}
	now := c.p.now()
	if !c.bot.allow("day "+room.guild, now, 24*time.Hour, dmPerUser) || !c.bot.allow("day dm", now, 24*time.Hour, dmPerBot) {
		return refuse(codeDMQuota)
	}
	return c.accept(s, room.chat)
}

func (c *call) recallDM() reply {
	room := c.bot.dms[c.vars["guild"]]
	if room == nil || !c.bot.options.Private {
		return refuse(codeRecallForeign)
	}
	return c.recall(room.chat, false)
}

const (
	maxThreads    = 200 // of one forum
	maxThreadText = 10_000
)

// postThread answers PUT /channels/{channel}/threads, for private bots.
func (c *call) postThread() reply {
	g := c.bot.channels[c.vars["channel"]]
	if g == nil || c.vars["channel"] != g.forum || !c.bot.options.Private {
		return refuse(codeNoRight)
	}
	var in struct {
		Title   string `json:"title"`
		Content string `json:"content"`
		Format  int    `json:"format"`
	}
	if !c.decode(&in) || in.Title == "" || in.Content == "" || in.Format < 1 || in.Format > 4 {
		return refuse(codeParam)
	}
	if utf8.RuneCountInString(in.Content) > maxThreadText {
		return refuse(codeThreadSize)
	}
	if code := c.checkText(in.Title+in.Content, sceneGuild); code != 0 {
		return refuse(code)
	}
	list := c.bot.threads[g.forum]
	if !c.bot.allow("threads "+g.forum, c.p.now(), time.Minute, 5) || len(list) >= maxThreads {
		return refuse(codeThreadRate)
	}
	task, id := c.p.nextID("task"), c.p.nextID("thread")
	c.bot.threads[g.forum] = append(list, object{"thread_id": id, "title": in.Title, "content": in.Content, "date_time": c.p.stamp("")})
	c.entry.Seen = "[帖子] " + in.Title
	c.bot.emit(event{typ: "FORUM_PUBLISH_AUDIT_RESULT", scene: sceneGuild, target: g.forum, conv: g.forum,
		d: object{"task_id": task, "guild_id": g.id, "channel_id": g.forum, "thread_id": id, "result": 0, "type": 1}})
	return ok(object{"task_id": task, "create_time": c.p.now().Unix()})
}

func (c *call) listThreads() reply {
	list := c.bot.threads[c.vars["channel"]]
	if list == nil {
		list = []object{}
	}
	return ok(object{"threads": list, "is_finish": 1})
}

func (c *call) deleteThread() reply {
	list := c.bot.threads[c.vars["channel"]]
	for i, t := range list {
		if t["thread_id"] == c.vars["id"] {
			c.bot.threads[c.vars["channel"]] = append(list[:i:i], list[i+1:]...)
			return reply{status: 204}
		}
	}
	return refuse(codeParam)
}

// me answers GET /users/@me.
func (c *call) me() reply {
	return ok(object{"id": c.bot.selfID(), "username": c.bot.options.Name, "avatar": "", "bot": true, "union_openid": "", "union_user_account": ""})
}

// myGuilds answers GET /users/@me/guilds.
func (c *call) myGuilds() reply {
	list := []object{}
	for _, ch := range c.bot.chats { // in the order they were made
		if g := c.bot.channels[ch.id]; g != nil && !strings.HasPrefix(ch.scene, sceneDM) {
			list = append(list, object{"id": g.id, "name": g.name, "icon": "", "owner_id": "", "owner": false})
		}
	}
	return ok(list)
}
