package qqtest

import (
	"net/http"
	"time"
)

// bubble is a message as the page shows it.
type bubble struct {
	Seen
	Spinners map[string]string `json:"spinners,omitempty"` // button → turning, acked, late
}

// contact is a line of the page's list of chats.
type contact struct {
	ID     string   `json:"id"`
	Scene  string   `json:"scene"`
	Name   string   `json:"name"`
	Last   string   `json:"last"`
	Count  int      `json:"count"`
	Friend bool     `json:"friend"`
	Push   bool     `json:"push"`
	In     bool     `json:"in"`
	All    bool     `json:"all"`
	Muted  bool     `json:"muted"`
	People []string `json:"people,omitempty"`
}

// showState answers GET /api/state: clock, rules, faults, bots and their chats.
func (p *Platform) showState(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	bots := []object{}
	for _, b := range p.order {
		contacts := []contact{}
		for _, c := range b.chats {
			contacts = append(contacts, c.contact())
		}
		bots = append(bots, object{"app_id": b.appID, "name": b.options.Name, "webhook": b.options.Webhook, "chats": contacts, "banned": b.banned})
	}
	faults := []object{}
	for _, a := range p.faults {
		faults = append(faults, object{"kind": a.fault.Kind, "endpoint": a.fault.Endpoint, "left": a.left})
	}
	out := object{"now": p.now().Format(time.RFC3339), "ahead": int64(p.offset / time.Second), "profile": p.rules.Profile, "active": p.rules.Active,
		"c2c_window": int(p.rules.C2CWindow / time.Second), "group_window": int(p.rules.GroupWindow / time.Second),
		"blocked_ip": p.rules.BlockedIP, "faults": faults, "bots": bots, "last": p.entries.last, "api": p.apiURL}
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, out)
}

func (c *chat) contact() contact {
	out := contact{ID: c.id, Scene: c.scene, Name: c.name, Count: len(c.list)}
	if n := len(c.list); n > 0 {
		out.Last = c.list[n-1].Text
	}
	if u := c.bot.users[c.id]; u != nil {
		out.Friend, out.Push = u.friend, u.push
	}
	if g := c.bot.groups[c.id]; g != nil {
		out.Push, out.In, out.All, out.Muted = g.push, g.in, g.all, g.muted
		for _, m := range g.members {
			out.People = append(out.People, m.name)
		}
	}
	return out
}

// showChat answers GET /api/chat?bot&id with the bubbles of one chat.
func (p *Platform) showChat(w http.ResponseWriter, r *http.Request) {
	b := p.bot(r.URL.Query().Get("bot"))
	if b == nil {
		answerJSON(w, http.StatusNotFound, object{"error": "no such bot"})
		return
	}
	p.mu.Lock()
	p.sweep()
	list := []bubble{}
	for _, c := range b.chats {
		if c.id != r.URL.Query().Get("id") {
			continue
		}
		for _, s := range c.list {
			one := bubble{Seen: *s}
			for button, id := range s.interactions {
				if one.Spinners == nil {
					one.Spinners = map[string]string{}
				}
				if i := b.spinners[id]; i != nil {
					one.Spinners[button] = map[string]string{"": "turning"}[i.state] + i.state
				}
			}
			list = append(list, one)
		}
	}
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, object{"bubbles": list})
}

func (p *Platform) pageRoutes(*http.ServeMux) {}
