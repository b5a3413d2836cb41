package qqtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// object is a JSON object of the wire.
type object = map[string]any

// maxBody is how many bytes of a request the platform reads: a file in base64
// is the largest, 20 MB of image.
const maxBody = 32 << 20

// call is one request of a bot while it is being answered.
type call struct {
	p     *Platform
	bot   *Bot
	vars  map[string]string
	query string
	body  []byte
	entry *Entry
}

// reply is what a request is answered with.
type reply struct {
	status int
	code   int // err_code, 0 if taken
	body   any // nil: no body
}

func ok(body any) reply { return reply{status: 200, body: body} }

// refuse is the platform's error of that code.
func refuse(code int) reply { return reply{status: 400, code: code} }

// route is one row of the table of endpoints. name is the endpoint in faults
// and in the transcript, target the path variable that names the other side.
type route struct {
	method, path, name string
	target             string
	open               bool // needs no token
	handle             func(*call) reply
}

func routes() []route {
	return []route{
		{"POST", "/app/getAppAccessToken", "token", "", true, (*call).issueToken},
		{"GET", "/gateway", "gateway", "", false, (*call).gateway},
		{"GET", "/gateway/bot", "gateway", "", false, (*call).gatewayBot},
		{"GET", "/users/@me", "me", "", false, (*call).me},
		{"GET", "/users/@me/guilds", "me", "", false, (*call).myGuilds},
		{"POST", "/v2/users/{user}/messages", "c2c/messages", "user", false, (*call).sendC2C},
		{"POST", "/v2/users/{user}/stream_messages", "c2c/stream", "user", false, (*call).stream},
		{"DELETE", "/v2/users/{user}/messages/{id}", "c2c/recall", "user", false, (*call).recallC2C},
		{"POST", "/v2/users/{user}/files", "c2c/files", "user", false, (*call).uploadC2C},
		{"POST", "/v2/users/{user}/upload_prepare", "c2c/upload", "user", false, (*call).prepareUpload},
		{"POST", "/v2/users/{user}/upload_part_finish", "c2c/upload", "user", false, (*call).finishPart},
		{"POST", "/v2/groups/{group}/messages", "group/messages", "group", false, (*call).sendGroup},
		{"DELETE", "/v2/groups/{group}/messages/{id}", "group/recall", "group", false, (*call).recallGroup},
		{"POST", "/v2/groups/{group}/files", "group/files", "group", false, (*call).uploadGroup},
		{"POST", "/v2/groups/{group}/upload_prepare", "group/upload", "group", false, (*call).prepareUpload},
		{"POST", "/v2/groups/{group}/upload_part_finish", "group/upload", "group", false, (*call).finishPart},
		{"GET", "/v2/groups/{group}/bot_state", "group/state", "group", false, (*call).groupState},
		{"GET", "/v2/groups/{group}/info", "group/info", "group", false, (*call).groupInfo},
		{"PUT", "/_cos/{part}", "cos", "", true, (*call).putPart},
		{"PUT", "/interactions/{id}", "interactions", "", false, (*call).ackInteraction},
		{"POST", "/channels/{channel}/messages", "guild/messages", "channel", false, (*call).sendChannel},
		{"DELETE", "/channels/{channel}/messages/{id}", "guild/recall", "channel", false, (*call).recallChannel},
		{"POST", "/users/@me/dms", "dms", "", false, (*call).openDM},
		{"POST", "/dms/{guild}/messages", "dm/messages", "guild", false, (*call).sendDM},
		{"DELETE", "/dms/{guild}/messages/{id}", "dm/recall", "guild", false, (*call).recallDM},
		{"PUT", "/channels/{channel}/threads", "threads", "channel", false, (*call).postThread},
		{"GET", "/channels/{channel}/threads", "threads", "channel", false, (*call).listThreads},
		{"DELETE", "/channels/{channel}/threads/{id}", "threads", "channel", false, (*call).deleteThread},
		{"GET", "/v2/menu", "menu", "", false, (*call).getMenu},
		{"PUT", "/v2/menu", "menu", "", false, (*call).putMenu},
		{"GET", "/v2/panels", "panels", "", false, (*call).listPanels},
		{"POST", "/v2/panels", "panels", "", false, (*call).addPanel},
		{"GET", "/v2/panels/{id}", "panels", "", false, (*call).getPanel},
		{"PUT", "/v2/panels/{id}", "panels", "", false, (*call).putPanel},
		{"DELETE", "/v2/panels/{id}", "panels", "", false, (*call).deletePanel},
		{"PUT", "/v2/panels/{id}/target", "panels", "", false, (*call).targetPanel},
		{"POST", "/v2/generate_url_link", "link", "", false, (*call).urlLink},
	}
}

// match finds the route of a request; a nil route with status 404 or 405.
func match(table []route, method, path string) (*route, map[string]string, int) {
	status := http.StatusNotFound
	for i := range table {
		vars, same := bind(table[i].path, path)
		if !same {
			continue
		}
		if table[i].method == method {
			return &table[i], vars, 0
		}
		status = http.StatusMethodNotAllowed
	}
	return nil, nil, status
}

// bind compares a path with a pattern of the table and reads its variables.
func bind(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	vars := map[string]string{}
	for i, w := range want {
		if name, isVar := strings.CutPrefix(w, "{"); isVar && got[i] != "" {
			vars[strings.TrimSuffix(name, "}")] = got[i]
		} else if w != got[i] {
			return nil, false
		}
	}
	return vars, true
}

// serveAPI answers what a bot asks: it takes the fault that is armed for the
// call, lets the endpoint decide, writes the transcript, then answers.
func (p *Platform) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !p.enter() {
		panic(http.ErrAbortHandler)
	}
	defer p.crew.Done()
	if r.URL.Path == "/websocket" {
		p.serveSocket(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		p.send(w, r, reply{status: http.StatusRequestEntityTooLarge, code: codeParam}, nil, "")
		return
	}
	out, f, trace := p.answer(r, body)
	p.send(w, r, out, f, trace)
}

// answer carries a request out under the lock.
func (p *Platform) answer(r *http.Request, body []byte) (reply, *Fault, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	trace := p.nextID("trace")
	e := Entry{Kind: KindAttempt, Method: r.Method, Path: r.URL.Path, Request: body}
	rt, vars, status := match(routes(), r.Method, r.URL.Path)
	if rt == nil {
		out := reply{status: status, code: codeNotFound}
		e.Status, e.Code = out.status, out.code
		p.record(e)
		return out, nil, trace
	}
	e.Endpoint, e.Target = rt.name, vars[rt.target]
	c := &call{p: p, vars: vars, query: r.URL.RawQuery, body: body, entry: &e}
	bot, code := p.identify(r.Header.Get("Authorization"))
	if bot != nil {
		e.Bot = bot.appID
	}
	f := p.takeFault(rt.name, e.Target)
	if f != nil {
		e.Fault = string(f.Kind)
	}
	out := p.decide(c, rt, bot, code, f, r.Header.Get("Authorization"))
	e.Status, e.Code = out.status, out.code
	e.Accepted = out.code == 0 && out.status < 300
	e.Response = out.json(trace)
	if e.Endpoint == "token" { // never keep a secret
		e.Request, e.Response = nil, nil
	}
	p.record(e)
	return out, f, trace
}

// decide is the order in which the platform looks at a request.
func (p *Platform) decide(c *call, rt *route, bot *Bot, code int, f *Fault, auth string) reply {
	if f != nil && f.before() {
		return f.reply()
	}
	if !rt.open {
		if code != 0 {
			return reply{status: http.StatusUnauthorized, code: code}
		}
		if p.rules.BlockedIP {
			return reply{status: http.StatusUnauthorized, code: codeIPErr, body: object{"message": words[codeIP], "code": codeIP, "err_code": codeIPErr}}
		}
		if !bot.within(rt.name, p.now(), p.rules.EndpointQPS) {
			return reply{status: http.StatusTooManyRequests, code: codeRate}
		}
	} else if rt.name == "cos" && auth != "" {
		return reply{status: http.StatusForbidden, code: codeParam} // presigned: no Authorization
	}
	c.bot = bot
	return rt.handle(c)
}

// json is the body as it goes over the wire, nil if there is none.
func (r reply) json(trace string) []byte {
	body := r.body
	if body == nil && r.code != 0 {
		body = object{"message": words[r.code], "code": r.code, "err_code": r.code}
	}
	if m, isObject := body.(object); isObject && r.code != 0 && m["err_code"] != nil {
		m["trace_id"] = trace
	}
	if body == nil {
		return nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types
	}
	return raw
}

// send writes a reply, or what the fault makes of it.
func (p *Platform) send(w http.ResponseWriter, r *http.Request, out reply, f *Fault, trace string) {
	body := out.json(trace)
	w.Header().Set("X-Tps-trace-ID", trace)
	if f != nil && f.disturb(p, w, r, out.status, body) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	_, _ = w.Write(body) // the bot may have gone
}

// pause waits for a fault's delay or until the bot hangs up.
func (p *Platform) pause(r *http.Request, f *Fault) bool {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	return p.wait(ctx, f.delay())
}

// decode reads the call's body; unknown fields are the documents' to add.
func (c *call) decode(into any) bool { return json.Unmarshal(c.body, into) == nil }
