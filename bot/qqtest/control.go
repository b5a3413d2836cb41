package qqtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxCommand is how many bytes a command of the control API may have.
const maxCommand = 64 << 10

// command is what the control API may be told, POST /api/{action}. Which fields
// an action reads is said beside it in actions. The first bot is meant if
// AppID is empty.
type command struct {
	AppID   string   `json:"app_id"`
	Secret  string   `json:"secret"`
	Webhook string   `json:"webhook"`
	Name    string   `json:"name"`
	Domains []string `json:"domains"`
	Private bool     `json:"private"`
	White   bool     `json:"white_listed"`

	User    string   `json:"user"` // by name, made if there is none
	Group   string   `json:"group"`
	Guild   string   `json:"guild"`
	Members []string `json:"members"`
	On      bool     `json:"on"`
	Scene   string   `json:"scene"`
	Link    string   `json:"link"`
	Button  string   `json:"button"`
	Times   int      `json:"times"`
	Direct  bool     `json:"direct"`
	Said

	Duration string    `json:"duration"` // "61m"
	Kind     string    `json:"kind"`
	Endpoint string    `json:"endpoint"`
	Status   int       `json:"status"`
	Code     int       `json:"code"`
	Copies   int       `json:"copies"`
	Profile  Profile   `json:"profile"`
	Rules    *ruleEdit `json:"rules"`
}

// ruleEdit changes single rules; what is absent stays.
type ruleEdit struct {
	C2CWindow   string `json:"c2c_window"`
	GroupWindow string `json:"group_window"`
	MaxRunes    int    `json:"max_runes"`
	CountOff    bool   `json:"count_off"`
	BlockedIP   *bool  `json:"blocked_ip"`
}

// decodeCommand reads one command; unknown fields are mistakes.
func decodeCommand(raw []byte) (command, error) {
	var c command
	if len(raw) == 0 {
		return c, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read the command: %w", err)
	}
	if d.More() {
		return c, errors.New("read the command: more than one value")
	}
	if c.Profile != "" && c.Profile != Strict2026 && c.Profile != Lenient && c.Profile != Profile2025 {
		return c, fmt.Errorf("no profile %q", c.Profile)
	}
	if c.Times < 0 || c.Times > 1000 {
		return c, errors.New("times: 0 to 1000")
	}
	return c, nil
}

// controlHandler serves the control API and the page. It answers only requests
// that name this machine, so that no web site can drive it by a name of its own.
func (p *Platform) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/{action}", p.control)
	mux.HandleFunc("GET /api/transcript", p.showTranscript)
	mux.HandleFunc("GET /api/state", p.showState)
	mux.HandleFunc("GET /api/chat", p.showChat)
	p.pageRoutes(mux)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.enter() {
			panic(http.ErrAbortHandler)
		}
		defer p.crew.Done()
		if host := r.Host; CheckLoopback(host) != nil && CheckLoopback(net.JoinHostPort(host, "80")) != nil {
			http.Error(w, "this machine only", http.StatusForbidden)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

func (p *Platform) control(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
	if err != nil {
		answerJSON(w, http.StatusRequestEntityTooLarge, object{"error": "too large"})
		return
	}
	out, err := p.command(r.Context(), r.PathValue("action"), raw)
	if err != nil {
		answerJSON(w, http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	if out == nil {
		out = object{}
	}
	answerJSON(w, http.StatusOK, out)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v))
}

// command carries out one command.
func (p *Platform) command(ctx context.Context, action string, raw []byte) (any, error) {
	c, err := decodeCommand(raw)
	if err != nil {
		return nil, err
	}
	if f := platformActions[action]; f != nil {
		return f(p, &c)
	}
	f := botActions[action]
	if f == nil {
		return nil, fmt.Errorf("no action %q", action)
	}
	b := p.bot(c.AppID)
	if b == nil {
		return nil, fmt.Errorf("no bot %q", c.AppID)
	}
	return f(ctx, b, &c)
}

// bot finds a bot by its app id, the first if that is empty.
func (p *Platform) bot(appID string) *Bot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if appID == "" && len(p.order) > 0 {
		return p.order[0]
	}
	return p.bots[appID]
}

// Bot finds a bot by its app id, nil if there is none.
func (p *Platform) Bot(appID string) *Bot { return p.bot(appID) }

var platformActions = map[string]func(*Platform, *command) (any, error){
	"bot": func(p *Platform, c *command) (any, error) { // app_id secret name webhook domains private white_listed
		b, err := p.addBot(c.AppID, c.Secret, BotOptions{Name: c.Name, Webhook: c.Webhook, Domains: c.Domains, Private: c.Private, WhiteListed: c.White})
		if err != nil {
			return nil, err
		}
		return object{"app_id": b.appID}, nil
	},
	"clock": func(p *Platform, c *command) (any, error) { // duration
		d, err := time.ParseDuration(c.Duration)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("duration %q", c.Duration)
		}
		p.Advance(min(d, 400*24*time.Hour))
		return object{"now": p.Now()}, nil
	},
	"fault": func(p *Platform, c *command) (any, error) { // kind endpoint status code duration copies times, and whom: user or group
		f := Fault{Kind: FaultKind(c.Kind), Endpoint: c.Endpoint, Status: c.Status, Code: c.Code, Copies: c.Copies}
		if c.Duration != "" {
			d, err := time.ParseDuration(c.Duration)
			if err != nil || d < 0 || d > time.Minute {
				return nil, fmt.Errorf("duration %q: at most 1m", c.Duration)
			}
			f.Delay = d
		}
		if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
			return nil, fmt.Errorf("status %d", c.Status)
		}
		if b := p.bot(c.AppID); b != nil && c.Group != "" {
			f.Target = p.Group(b, c.Group).openid
		} else if b != nil && c.User != "" {
			f.Target = p.User(b, c.User).openid
		}
		if !p.Arm(f, max(c.Times, 1)) {
			return nil, fmt.Errorf("no fault %q at endpoint %q", c.Kind, c.Endpoint)
		}
		return nil, nil
	},
	"disarm": func(p *Platform, _ *command) (any, error) { p.Disarm(); return nil, nil },
	"profile": func(p *Platform, c *command) (any, error) { // profile
		if c.Profile == "" {
			return nil, errors.New("which profile?")
		}
		p.Rules(func(r *Rules) { *r = RulesOf(c.Profile) })
		return nil, nil
	},
	"rules": func(p *Platform, c *command) (any, error) { // rules
		if c.Rules == nil {
			return nil, errors.New("which rules?")
		}
		return nil, p.edit(c.Rules)
	},
	"reset": func(p *Platform, c *command) (any, error) { // profile
		if c.Profile == "" {
			c.Profile = p.options.Profile
		}
		p.Reset(c.Profile)
		return nil, nil
	},
}

func (p *Platform) edit(e *ruleEdit) error {
	windows := map[string]time.Duration{}
	for _, s := range []string{e.C2CWindow, e.GroupWindow} {
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			windows[s] = d
		} else if s != "" {
			return fmt.Errorf("window %q", s)
		}
	}
	p.Rules(func(r *Rules) {
		if d := windows[e.C2CWindow]; d > 0 {
			r.C2CWindow = d
		}
		if d := windows[e.GroupWindow]; d > 0 {
			r.GroupWindow = d
		}
		if e.MaxRunes > 0 {
			r.MaxRunes = e.MaxRunes
		}
		if e.BlockedIP != nil {
			r.BlockedIP = *e.BlockedIP
		}
		r.CountReplies = r.CountReplies && !e.CountOff
	})
	return nil
}

// showTranscript answers GET /api/transcript?after&bot&kind&endpoint&target&wait&last:
// the entries after a number, waiting up to wait seconds for the first; with
// last only so many of the newest.
func (p *Platform) showTranscript(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, _ := strconv.ParseInt(q.Get("after"), 10, 64)
	f := Filter{Bot: q.Get("bot"), Kind: Kind(q.Get("kind")), Endpoint: q.Get("endpoint"), Target: q.Get("target"), After: after}
	if seconds, err := strconv.Atoi(q.Get("wait")); err == nil && seconds > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(min(seconds, 60))*time.Second)
		defer cancel()
		_ = p.WaitFor(ctx, func() bool { return p.last() != after }) // nothing new is an answer too
	}
	list := p.Transcript(f)
	if n, err := strconv.Atoi(q.Get("last")); err == nil && n >= 0 && len(list) > n {
		list = list[len(list)-n:]
	}
	if list == nil {
		list = []Entry{}
	}
	answerJSON(w, http.StatusOK, object{"entries": list, "last": p.last()})
}

// last is the number of the newest entry.
func (p *Platform) last() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entries.last
}
