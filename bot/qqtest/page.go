package qqtest

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

//go:embed page
var pageFiles embed.FS

// bubble is a message as the page shows it.
type bubble struct {
	Seen
	HTML     string            `json:"html,omitempty"`     // of Markdown
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
			if !s.until.IsZero() && p.now().After(s.until) {
				continue // a typing notice that is over
			}
			one := bubble{Seen: *s, HTML: s.render()}
			for button, id := range s.interactions {
				if one.Spinners == nil {
					one.Spinners = map[string]string{}
				}
				if i := b.spinners.byID[id]; i != nil {
					one.Spinners[button] = map[string]string{"": "turning"}[i.state] + i.state
				}
			}
			list = append(list, one)
		}
	}
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, object{"bubbles": list})
}

// policy lets the page load nothing but its own files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// pageRoutes serves the page's files.
func (p *Platform) pageRoutes(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // embedded
	}
	serve := http.FileServerFS(files)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		serve.ServeHTTP(w, r)
	})
}

// The platform's own tags in Markdown, and pictures, which the page does not load.
var (
	commandTag = regexp.MustCompile(`<qqbot-cmd-(?:input|enter)\s([^<>]*?)/?>`)
	mentionTag = regexp.MustCompile(`<qqbot-at-user\s[^<>]*?/?>`)
	attribute  = regexp.MustCompile(`(\w+)="([^"]*)"`)
	picture    = regexp.MustCompile(`!\[([^\]]*)\]\([^)]*\)`)
)

// render is the bubble's Markdown as HTML: raw HTML and script links are left
// out, commands become links that the page says.
func (s *Seen) render() string {
	if s.Kind != "markdown" && s.Kind != "stream" || s.Open {
		return ""
	}
	if s.html != "" {
		return s.html
	}
	text := commandTag.ReplaceAllStringFunc(s.Text, commandLink)
	text = mentionTag.ReplaceAllString(text, "@成员")
	text = picture.ReplaceAllString(text, "［图片 $1］")
	var out bytes.Buffer
	m := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithHardWraps()))
	if err := m.Convert([]byte(text), &out); err != nil {
		return "" // the page shows the text
	}
	s.html = out.String()
	return s.html
}

func commandLink(tag string) string {
	a := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		a[m[1]] = m[2]
	}
	text, err := url.QueryUnescape(a["text"])
	if err != nil {
		text = a["text"]
	}
	show := a["show"]
	if show == "" {
		show = text
	}
	if plain, err := url.QueryUnescape(show); err == nil {
		show = plain
	}
	return fmt.Sprintf("[%s](#say-%s)", strings.NewReplacer("[", "", "]", "").Replace(show), url.PathEscape(text))
}
