package qqtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// tell posts a command to the control API.
func (r *rig) tell(action string, body any) (int, object) {
	r.t.Helper()
	resp, err := http.Post(r.p.ControlURL()+"/api/"+action, "application/json", bytes.NewReader(encode(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := object{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		r.t.Fatalf("%s: %v", action, err)
	}
	return resp.StatusCode, out
}

func (r *rig) get(path string) object {
	r.t.Helper()
	resp, err := http.Get(r.p.ControlURL() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := object{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
	return out
}

func TestControl(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, c := range []struct {
		action string
		body   object
		status int
	}{
		{"bot", object{"app_id": "9", "secret": "s", "name": "二号"}, 200},
		{"bot", object{"app_id": "9", "secret": "s"}, 400},
		{"bot", object{"app_id": "10", "secret": "s", "webhook": "http://example.com:80/"}, 400},
		{"user", object{"user": "甲"}, 200},
		{"user", object{"user": strings.Repeat("长", 30)}, 400},
		{"group", object{"group": "群", "members": []string{"甲", "乙"}}, 200},
		{"guild", object{"guild": "频道"}, 200},
		{"say", object{"user": "甲", "text": "你好", "times": 3}, 200},
		{"say", object{"user": "甲", "group": "群", "at": true, "text": "大家好"}, 200},
		{"say", object{"user": "甲", "guild": "频道", "text": "频道里"}, 200},
		{"say", object{"user": "甲", "guild": "频道", "direct": true, "text": "私信"}, 200},
		{"say", object{"text": "谁"}, 400},
		{"press", object{"user": "甲", "button": "没有"}, 400},
		{"friend", object{"user": "甲", "on": false}, 200},
		{"friend", object{"user": "甲", "on": true, "scene": "v1"}, 200},
		{"robot", object{"group": "群", "on": false}, 200},
		{"robot", object{"group": "群", "on": true}, 200},
		{"push", object{"user": "甲", "on": false}, 200},
		{"push", object{"group": "群", "on": false}, 200},
		{"all", object{"group": "群", "on": true}, 200},
		{"mute", object{"group": "群", "on": true}, 200},
		{"clock", object{"duration": "61m"}, 200},
		{"clock", object{"duration": "-1m"}, 400},
		{"fault", object{"kind": "500", "endpoint": "c2c/messages", "user": "甲", "times": 2}, 200},
		{"fault", object{"kind": "nonsense"}, 400},
		{"disarm", nil, 200},
		{"profile", object{"profile": "lenient"}, 200},
		{"profile", object{"profile": "1999"}, 400},
		{"rules", object{"rules": object{"c2c_window": "90s", "max_runes": 100, "count_off": true}}, 200},
		{"rules", object{"rules": object{"c2c_window": "soon"}}, 400},
		{"revoke", nil, 200},
		{"ban", object{"app_id": "9", "on": true}, 200},
		{"ban", object{"app_id": "none", "on": true}, 400},
		{"attack", object{"kind": "bad-signature"}, 200},
		{"socket", object{"kind": "drop"}, 200},
		{"socket", object{"kind": "close", "code": 1}, 400},
		{"nonsense", nil, 400},
		{"say", object{"unknown_field": 1}, 400},
	} {
		if status, out := r.tell(c.action, c.body); status != c.status {
			t.Errorf("%s %v: %d %v, want %d", c.action, c.body, status, out, c.status)
		}
	}
	if u := r.p.User(r.bot, "甲"); len(u.Seen()) != 3 || u.push || !u.friend {
		t.Errorf("user after it: %d bubbles, push %v, friend %v", len(u.Seen()), u.push, u.friend)
	}
	if ahead := r.p.Now().Sub(clock()); ahead != 61*time.Minute {
		t.Errorf("clock is %v ahead", ahead)
	}
	state := r.get("/api/state")
	if bots, _ := state["bots"].([]any); len(bots) != 2 || state["profile"] != "lenient" {
		t.Errorf("state %v", state)
	}
	if list, _ := r.get("/api/transcript?kind=event&last=2")["entries"].([]any); len(list) != 2 {
		t.Errorf("%d entries, want the last 2", len(list))
	}
	if list, _ := r.get("/api/chat?id=" + r.p.User(r.bot, "甲").OpenID())["bubbles"].([]any); len(list) != 3 {
		t.Errorf("%d bubbles, want 3", len(list))
	}
	if status, _ := r.tell("reset", object{"profile": "2025"}); status != 200 || len(r.p.Transcript(Filter{})) != 0 || r.p.Bot("") != nil {
		t.Errorf("reset: %d", status)
	}
}

func TestControlIsNotOnThePlatformsPort(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, path := range []string{"/api/say", "/api/reset"} {
		if status, _ := r.raw("POST", path, "", object{}); status != 404 {
			t.Errorf("%s on the platform's port: %d", path, status)
		}
	}
	if status, _ := r.raw("GET", "/api/state", "", nil); status != 404 {
		t.Errorf("state on the platform's port: %d", status)
	}
}

func TestControlAnswersThisMachineOnly(t *testing.T) {
	t.Parallel()
	p := New(Options{Clock: clock})
	defer p.Close()
	for _, c := range []struct {
		host, origin string
		status       int
	}{{"127.0.0.1:9", "", 200}, {"localhost:9", "", 200}, {"[::1]:9", "", 200}, {"evil.example:9", "", 403}, {"evil.example", "", 403},
		{"127.0.0.1:9", "http://127.0.0.1:9", 200}, {"127.0.0.1:9", "https://evil.example", 403}} {
		r := httptest.NewRequest("POST", "/api/disarm", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		p.controlHandler().ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("host %q, origin %q: %d, want %d", c.host, c.origin, w.Code, c.status)
		}
	}
}

func TestTranscriptStaysBounded(t *testing.T) {
	t.Parallel()
	count := 0
	r := newRig(t, Options{Keep: 50, OnEntry: func(Entry) { count++ }})
	if err := r.bot.SetWebhook(""); err != nil {
		t.Fatal(err)
	}
	u := r.p.User(r.bot, "甲")
	for range 500 {
		id := u.Say("一")
		r.p.Advance(30 * time.Second)
		r.p.mu.Lock()
		r.bot.rates = map[string]*rate{}
		r.p.mu.Unlock()
		if code := r.send(users(u), text("好", id, 1)); code == codeExpiredToken {
			r.login()
		}
	}
	list := r.p.Transcript(Filter{})
	if len(list) != 50 || list[49].N != list[0].N+49 {
		t.Errorf("%d entries, from %d to %d", len(list), list[0].N, list[49].N)
	}
	if count < 1500 {
		t.Errorf("OnEntry saw %d entries", count)
	}
	if n := len(r.bot.anchors.byID); n > 241 {
		t.Errorf("%d things to answer are kept, want those of two hours", n)
	}
	if n := len(u.Seen()); n != maxSeen {
		t.Errorf("%d bubbles kept", n)
	}
}

func TestLongWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	last, _ := r.get("/api/transcript")["last"].(float64)
	done := make(chan object)
	go func() {
		resp, err := http.Get(r.p.ControlURL() + "/api/transcript?wait=20&after=" + string(encode(int64(last))))
		if err != nil {
			done <- object{"error": err.Error()}
			return
		}
		defer resp.Body.Close()
		raw, _ := io.ReadAll(resp.Body)
		out := object{}
		_ = json.Unmarshal(raw, &out)
		done <- out
	}()
	r.p.User(r.bot, "甲").Say("你好")
	if out := <-done; len(out["entries"].([]any)) == 0 {
		t.Errorf("got %v", out)
	}
}

// FuzzControl gives the control API any command: it never panics and never
// answers with an error of its own making.
func FuzzControl(f *testing.F) {
	f.Add("say", []byte(`{"user":"甲","text":"你好","times":2,"quote":"x","attachments":[{"content_type":"voice"}]}`))
	f.Add("bot", []byte(`{"app_id":"2","secret":"x"}`))
	f.Add("clock", []byte(`{"duration":"61m"}`))
	f.Add("fault", []byte(`{"kind":"duplicate","copies":-3,"times":7}`))
	f.Add("rules", []byte(`{"rules":{"c2c_window":"1h","blocked_ip":true}}`))
	f.Add("socket", []byte(`{"kind":"close","code":4009}`))
	f.Add("group", []byte(`{"group":"群","members":["甲",""]}`))
	f.Add("press", []byte(`{"user":"","button":"\u0000"}`))
	f.Fuzz(func(t *testing.T, action string, raw []byte) {
		if action == "attack" || action == "validate" || action == "webhook" || action == "bot" && bytes.Contains(raw, []byte("webhook")) {
			return // these call the webhook, which nothing serves here
		}
		p := New(Options{Clock: clock})
		defer p.Close()
		if _, err := p.addBot("1", "s", BotOptions{}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/api/x", bytes.NewReader(raw))
		r.SetPathValue("action", action)
		w := httptest.NewRecorder()
		p.control(w, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 413 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q %q: %d %s", action, raw, w.Code, w.Body)
		}
	})
}
