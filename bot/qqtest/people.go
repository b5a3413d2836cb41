package qqtest

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// BotOptions describe a bot in the platform's console.
type BotOptions struct {
	Name        string   // shown to people
	Webhook     string   // callback URL on this machine; "" for a bot on the websocket
	Domains     []string // registered domains: URLs on them are let through
	Private     bool     // may post threads and recall others' guild messages
	WhiteListed bool     // may ask for a group's state
	NoActive    bool     // active messages were not approved
	Intents     int      // bits it may subscribe; 0: all
}

// Bot is one bot of the platform. Handles stay good until Reset.
type Bot struct {
	p             *Platform
	appID, secret string
	options       BotOptions
	banned        bool
	token         *token

	users    map[string]*User // by user_openid
	groups   map[string]*Group
	guilds   map[string]*Guild
	channels map[string]*Guild // by channel id
	dms      map[string]*dm    // by the guild id of the direct message
	chats    []*chat

	anchors  anchors
	rates    map[string]*rate
	spinners spinners
	files    map[string]*file
	uploads  map[string]*upload
	streams  map[string]*stream
	threads  map[string][]object
	menu     object
	panels   []object
	links    map[string]string // callback_data by share link
	seq      int64             // s of the last event
	queue    [shards]chan *delivery
	end      context.CancelFunc // of its deliveries
	gone     bool
	held     *delivery
	sessions map[string]*session
}

// AddBot registers a bot. It panics on a webhook that is not on this machine
// or an app id that is taken: both are mistakes of the test.
func (p *Platform) AddBot(appID, secret string, o BotOptions) *Bot {
	b, err := p.addBot(appID, secret, o)
	if err != nil {
		panic(err)
	}
	return b
}

func (p *Platform) addBot(appID, secret string, o BotOptions) (*Bot, error) {
	if err := checkWebhook(o.Webhook); err != nil {
		return nil, err
	}
	if appID == "" || secret == "" {
		return nil, fmt.Errorf("a bot needs an app id and a secret")
	}
	if o.Name == "" {
		o.Name = "明白"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bots[appID] != nil {
		return nil, fmt.Errorf("app id %q is taken", appID)
	}
	b := &Bot{
		p: p, appID: appID, secret: secret, options: o,
		users: map[string]*User{}, groups: map[string]*Group{}, guilds: map[string]*Guild{}, channels: map[string]*Guild{}, dms: map[string]*dm{},
		anchors: newAnchors(), rates: map[string]*rate{}, spinners: spinners{byID: map[string]*interaction{}}, files: map[string]*file{},
		uploads: map[string]*upload{}, streams: map[string]*stream{}, threads: map[string][]object{},
		sessions: map[string]*session{}, links: map[string]string{},
	}
	ctx, end := context.WithCancel(context.Background())
	b.end = end
	for i := range b.queue {
		b.queue[i] = make(chan *delivery, queueLength)
		if !p.spawnLocked(func() { b.work(ctx, b.queue[i]) }) {
			end()
			return nil, errClosed
		}
	}
	p.bots[appID] = b
	p.order = append(p.order, b)
	p.record(Entry{Kind: KindNote, Bot: appID, Note: "bot added"})
	return b, nil
}

// retire stops a bot's deliveries and sockets.
func (b *Bot) retire() {
	if b.gone {
		return
	}
	b.gone = true
	b.end()
	for _, s := range b.sessions {
		s.drop()
	}
}

// AppID is the bot's app id.
func (b *Bot) AppID() string { return b.appID }

// SetWebhook changes where the bot is called back; "" turns it off.
func (b *Bot) SetWebhook(url string) error {
	if err := checkWebhook(url); err != nil {
		return err
	}
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.options.Webhook = url
	b.p.record(Entry{Kind: KindNote, Bot: b.appID, Note: "webhook " + url})
	return nil
}

// Ban takes the bot off the platform: no token, no call, no event.
func (b *Bot) Ban(on bool) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.banned = on
	b.p.record(Entry{Kind: KindNote, Bot: b.appID, Note: fmt.Sprintf("banned %v", on)})
}

// User is a person as one bot knows them.
type User struct {
	bot     *Bot
	chat    *chat
	name    string
	openid  string // in private chat
	member  string // in groups
	guildID string // in guilds: ids there are no openids
	friend  bool
	push    bool
	wakeups
}

// Group is a group the bot is or was in.
type Group struct {
	bot     *Bot
	chat    *chat
	name    string
	openid  string
	members []*User
	in      bool // the bot is a member
	push    bool // the owner lets it speak without being asked
	all     bool // it gets every message, not only those that name it
	muted   bool
}

// User is the person of that name, made at the first call: a friend of the bot
// who lets it write unasked.
func (p *Platform) User(b *Bot, name string) *User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return b.user(name)
}

func (b *Bot) user(name string) *User {
	id := strings.ToUpper(b.p.fixedID(b.appID, "user", name))
	if u := b.users[id]; u != nil {
		return u
	}
	u := &User{bot: b, name: name, openid: id, member: id, friend: true, push: true, guildID: b.p.snowflake(b.appID, "guild user", name)}
	if !b.p.rules.SameOpenID {
		u.member = strings.ToUpper(b.p.fixedID(b.appID, "member", name))
	}
	u.chat = b.openChat(sceneC2C, id, name)
	b.users[id] = u
	b.p.wake()
	return u
}

// Group is the group of that name, made at the first call with the bot in it.
// The first member is its owner.
func (p *Platform) Group(b *Bot, name string, members ...*User) *Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	return b.group(name, members...)
}

func (b *Bot) group(name string, members ...*User) *Group {
	id := strings.ToUpper(b.p.fixedID(b.appID, "group", name))
	g := b.groups[id]
	if g == nil {
		g = &Group{bot: b, name: name, openid: id, in: true, push: true}
		g.chat = b.openChat(sceneGroup, id, name)
		b.groups[id] = g
	}
	for _, u := range members {
		g.join(u)
	}
	b.p.wake()
	return g
}

func (g *Group) join(u *User) {
	for _, m := range g.members {
		if m == u {
			return
		}
	}
	g.members = append(g.members, u)
}

func (g *Group) role(u *User) string {
	if len(g.members) > 0 && g.members[0] == u {
		return "owner"
	}
	return "member"
}

// owner is the member_openid of who may switch the bot.
func (g *Group) owner() string {
	if len(g.members) == 0 {
		return ""
	}
	return g.members[0].member
}

// OpenID is the person's user_openid, by which the bot writes to them.
func (u *User) OpenID() string { return u.openid }

// MemberOpenID is the person's openid in groups.
func (u *User) MemberOpenID() string { return u.member }

// OpenID is the group_openid.
func (g *Group) OpenID() string { return g.openid }

// Befriend makes the bot a friend again; scene is the callback_data of the link
// that led to it. The outer id of the event is returned.
func (u *User) Befriend(scene ...string) string {
	p := u.bot.p
	p.mu.Lock()
	defer p.mu.Unlock()
	u.friend, u.push = true, true
	d := object{"openid": u.openid, "timestamp": p.now().Unix(), "scene": 1000, "scene_param": strings.Join(scene, ""),
		"short_code": "", "author": object{"union_openid": ""}}
	return u.bot.emit(event{typ: "FRIEND_ADD", d: d, scene: sceneC2C, target: u.openid, conv: u.openid})
}

// OpenLink is the person opening a share link of the bot, which adds it: the bot
// is told with the link's callback_data. Whoever has it as a friend already only
// comes to the chat, of which the bot hears nothing.
func (u *User) OpenLink(link string) (id string, err error) {
	u.bot.p.mu.Lock()
	data, known := u.bot.links[link]
	friend := u.friend
	u.bot.p.mu.Unlock()
	switch {
	case !known:
		return "", fmt.Errorf("no link %q of this bot", link)
	case friend:
		return "", nil
	}
	return u.Befriend(data), nil
}

// Unfriend takes the bot off the person's list.
func (u *User) Unfriend() string {
	u.bot.p.mu.Lock()
	defer u.bot.p.mu.Unlock()
	u.friend = false
	return u.plain("FRIEND_DEL")
}

// SetPush says whether the bot may write unasked.
func (u *User) SetPush(on bool) string {
	u.bot.p.mu.Lock()
	defer u.bot.p.mu.Unlock()
	u.push = on
	return u.plain(map[bool]string{true: "C2C_MSG_RECEIVE", false: "C2C_MSG_REJECT"}[on])
}

// plain tells the bot of an event that has nothing but the person and a time.
func (u *User) plain(typ string) string {
	d := object{"openid": u.openid, "timestamp": u.bot.p.now().Unix()}
	return u.bot.emit(event{typ: typ, d: d, scene: sceneC2C, target: u.openid, conv: u.openid})
}

// SetPush is the owner's switch for messages nobody asked for.
func (g *Group) SetPush(on bool) string {
	g.bot.p.mu.Lock()
	defer g.bot.p.mu.Unlock()
	g.push = on
	return g.plain(map[bool]string{true: "GROUP_MSG_RECEIVE", false: "GROUP_MSG_REJECT"}[on])
}

// AddRobot puts the bot back into the group.
func (g *Group) AddRobot() string {
	g.bot.p.mu.Lock()
	defer g.bot.p.mu.Unlock()
	g.in = true
	return g.plain("GROUP_ADD_ROBOT")
}

// RemoveRobot takes it out.
func (g *Group) RemoveRobot() string {
	g.bot.p.mu.Lock()
	defer g.bot.p.mu.Unlock()
	g.in = false
	return g.plain("GROUP_DEL_ROBOT")
}

func (g *Group) plain(typ string) string {
	d := object{"group_openid": g.openid, "op_member_openid": g.owner(), "timestamp": g.bot.p.now().Unix()}
	return g.bot.emit(event{typ: typ, d: d, scene: sceneGroup, target: g.openid, conv: g.openid})
}

// SetAll lets the bot hear every message of the group.
func (g *Group) SetAll(on bool) { g.set(&g.all, on, "hears all") }

// Mute forbids the bot to speak in the group.
func (g *Group) Mute(on bool) { g.set(&g.muted, on, "muted") }

func (g *Group) set(field *bool, on bool, what string) {
	g.bot.p.mu.Lock()
	defer g.bot.p.mu.Unlock()
	*field = on
	g.bot.p.record(Entry{Kind: KindNote, Bot: g.bot.appID, Target: g.openid, Note: fmt.Sprintf("%s %v", what, on)})
}

// wakeups is the ledger of interaction recall: one message in each of four
// periods after the person last spoke.
type wakeups struct {
	spoke time.Time
	used  [4]bool
}

func (w *wakeups) speak(now time.Time) { *w = wakeups{spoke: now} }

// take uses the period that now falls into; false if it is used or there is none.
func (w *wakeups) take(now time.Time) bool {
	const day = 24 * time.Hour
	if w.spoke.IsZero() {
		return false
	}
	for i, end := range [4]time.Duration{day, 3 * day, 7 * day, 30 * day} {
		if now.Sub(w.spoke) < end {
			free := !w.used[i]
			w.used[i] = true
			return free
		}
	}
	return false
}
