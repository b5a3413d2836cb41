package qqtest

import (
	"context"
	"errors"
	"fmt"
)

var errWhom = errors.New("whom: user, group or guild")

// botActions are the commands that concern one bot; the fields they read are
// named beside them.
var botActions = map[string]func(context.Context, *Bot, *command) (any, error){
	"webhook":  func(_ context.Context, b *Bot, c *command) (any, error) { return nil, b.SetWebhook(c.Webhook) },
	"validate": func(ctx context.Context, b *Bot, _ *command) (any, error) { return nil, b.Validate(ctx) },
	"ban":      func(_ context.Context, b *Bot, c *command) (any, error) { b.Ban(c.On); return nil, nil },
	"revoke":   func(_ context.Context, b *Bot, _ *command) (any, error) { b.p.RevokeToken(b); return nil, nil },
	"attack": func(ctx context.Context, b *Bot, c *command) (any, error) { // kind
		a := b.Attack(ctx, AttackKind(c.Kind))
		return object{"status": a.Status, "body": string(a.Body), "error": a.Err}, nil
	},
	"user":   makeUser,  // user
	"group":  makeGroup, // group members
	"guild":  makeGuild, // guild
	"say":    say,       // user, group or guild, direct, times, and the fields of Said
	"press":  pressed,   // user, group, button
	"friend": friend,    // user on scene
	"open":   open,      // user link: who is not there yet has not added the bot before
	"robot": func(_ context.Context, b *Bot, c *command) (any, error) { // group on
		return inGroup(b, c, func(g *Group) string { return map[bool]func() string{true: g.AddRobot, false: g.RemoveRobot}[c.On]() })
	},
	"push": func(_ context.Context, b *Bot, c *command) (any, error) { // user or group, on
		if c.Group == "" && c.User != "" {
			return object{"id": b.p.User(b, c.User).SetPush(c.On)}, nil
		}
		return inGroup(b, c, func(g *Group) string { return g.SetPush(c.On) })
	},
	"all": func(_ context.Context, b *Bot, c *command) (any, error) { // group on
		return inGroup(b, c, func(g *Group) string { g.SetAll(c.On); return "" })
	},
	"mute": func(_ context.Context, b *Bot, c *command) (any, error) { // group on
		return inGroup(b, c, func(g *Group) string { g.Mute(c.On); return "" })
	},
	"socket": socket, // kind: close with code, drop, reconnect, invalid
}

// maxNames bounds how many people and rooms the control API may make, and
// their names.
const (
	maxNames = 2000
	maxName  = 60 // bytes
)

// room checks that the names are short and that there is room for one more.
func room(b *Bot, names ...string) error {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if len(b.chats) >= maxNames {
		return errors.New("too many people and groups")
	}
	for _, n := range names {
		if len(n) > maxName {
			return fmt.Errorf("a name of more than %d bytes", maxName)
		}
	}
	return nil
}

func makeUser(_ context.Context, b *Bot, c *command) (any, error) {
	if c.User == "" {
		return nil, errWhom
	}
	if err := room(b, c.User); err != nil {
		return nil, err
	}
	u := b.p.User(b, c.User)
	return object{"openid": u.openid, "member_openid": u.member}, nil
}

func makeGroup(_ context.Context, b *Bot, c *command) (any, error) {
	if c.Group == "" || len(c.Members) > 200 {
		return nil, errWhom
	}
	if err := room(b, append(c.Members, c.Group)...); err != nil {
		return nil, err
	}
	var members []*User
	for _, m := range c.Members {
		members = append(members, b.p.User(b, m))
	}
	return object{"openid": b.p.Group(b, c.Group, members...).openid}, nil
}

func makeGuild(_ context.Context, b *Bot, c *command) (any, error) {
	if c.Guild == "" {
		return nil, errWhom
	}
	if err := room(b, c.Guild); err != nil {
		return nil, err
	}
	g := b.p.Guild(b, c.Guild)
	return object{"id": g.id, "channel": g.channel, "forum": g.forum}, nil
}

// say lets somebody speak, as often as Times says.
func say(_ context.Context, b *Bot, c *command) (any, error) {
	if c.User == "" {
		return nil, errWhom
	}
	if err := room(b, c.User, c.Group, c.Guild); err != nil {
		return nil, err
	}
	u := b.p.User(b, c.User)
	ids := []string{}
	for range max(c.Times, 1) {
		switch {
		case c.Guild != "" && c.Direct:
			ids = append(ids, b.p.Guild(b, c.Guild).Direct(u, c.Text))
		case c.Guild != "":
			ids = append(ids, b.p.Guild(b, c.Guild).Say(u, c.Text))
		case c.Group != "":
			ids = append(ids, b.p.Group(b, c.Group).SayWith(u, c.Said))
		default:
			ids = append(ids, u.SayWith(c.Said))
		}
	}
	return object{"ids": ids}, nil
}

func pressed(_ context.Context, b *Bot, c *command) (any, error) {
	if c.User == "" {
		return nil, errWhom
	}
	if err := room(b, c.User, c.Group); err != nil {
		return nil, err
	}
	u := b.p.User(b, c.User)
	var id string
	var err error
	if c.Group != "" {
		id, err = b.p.Group(b, c.Group).Press(u, c.Button)
	} else {
		id, err = u.Press(c.Button)
	}
	return object{"id": id}, err
}

func friend(_ context.Context, b *Bot, c *command) (any, error) {
	if c.User == "" {
		return nil, errWhom
	}
	if err := room(b, c.User); err != nil {
		return nil, err
	}
	u := b.p.User(b, c.User)
	if c.On {
		return object{"id": u.Befriend(c.Scene)}, nil
	}
	return object{"id": u.Unfriend()}, nil
}

func open(_ context.Context, b *Bot, c *command) (any, error) {
	if c.User == "" {
		return nil, errWhom
	}
	if err := room(b, c.User); err != nil {
		return nil, err
	}
	b.p.mu.Lock()
	had := len(b.users)
	u := b.user(c.User)
	u.friend = u.friend && len(b.users) == had
	b.p.mu.Unlock()
	id, err := u.OpenLink(c.Link)
	return object{"id": id, "added": id != ""}, err
}

func inGroup(b *Bot, c *command, f func(*Group) string) (any, error) {
	if c.Group == "" {
		return nil, errWhom
	}
	if err := room(b, c.Group); err != nil {
		return nil, err
	}
	return object{"id": f(b.p.Group(b, c.Group))}, nil
}

func socket(_ context.Context, b *Bot, c *command) (any, error) {
	n := 0
	switch c.Kind {
	case "close":
		if c.Code < 4000 || c.Code > 4999 {
			return nil, fmt.Errorf("close code %d", c.Code)
		}
		n = b.CloseSockets(c.Code)
	case "drop":
		n = b.DropSockets()
	case "reconnect":
		n = b.AskReconnect()
	case "invalid":
		n = b.InvalidateSessions()
	default:
		return nil, fmt.Errorf("kind %q: close, drop, reconnect or invalid", c.Kind)
	}
	return object{"sockets": n}, nil
}
