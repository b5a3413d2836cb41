package qqtest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Behaviour 27: the gateway.

const allIntents = 1<<25 | 1<<26

// wire is a bot's end of a socket.
type wire struct {
	r    *rig
	conn *websocket.Conn
}

type packet struct {
	Op int             `json:"op"`
	S  int64           `json:"s"`
	T  string          `json:"t"`
	ID string          `json:"id"`
	D  json.RawMessage `json:"d"`
}

func (r *rig) dial() *wire {
	r.t.Helper()
	_, out := r.call("GET", "/gateway/bot", nil)
	url, _ := out["url"].(string)
	if !strings.HasPrefix(url, "ws://127.0.0.1:") || out["shards"] != 1.0 {
		r.t.Fatalf("gateway %v", out)
	}
	conn, resp, err := websocket.DefaultDialer.DialContext(r.t.Context(), url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	r.t.Cleanup(func() { conn.Close() })
	w := &wire{r, conn}
	if p := w.next(); p.Op != opHello || !strings.Contains(string(p.D), "45000") {
		r.t.Fatalf("hello: %+v", p)
	}
	return w
}

func (w *wire) next() packet {
	w.r.t.Helper()
	var p packet
	_ = w.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err := w.conn.ReadJSON(&p); err != nil {
		w.r.t.Fatalf("read: %v", err)
	}
	return p
}

func (w *wire) say(op int, d any) {
	w.r.t.Helper()
	if err := w.conn.WriteJSON(object{"op": op, "d": d}); err != nil {
		w.r.t.Fatalf("write: %v", err)
	}
}

// closed is the code of the close frame, 0 for a broken connection.
func (w *wire) closed() int {
	w.r.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, _, err := w.conn.ReadMessage()
		var c *websocket.CloseError
		switch {
		case errors.As(err, &c) && c.Code != websocket.CloseAbnormalClosure:
			return c.Code
		case err != nil:
			return 0
		}
	}
}

// identify logs in and returns the session id and the s of READY.
func (w *wire) identify() (string, int64) {
	w.r.t.Helper()
	w.say(opIdentify, object{"token": "QQBot " + w.r.token, "intents": allIntents, "shard": []int{0, 1}, "Session": nil})
	p := w.next()
	var d struct {
		Session string `json:"session_id"`
		Shard   []int
		User    struct{ Bot bool }
	}
	if err := json.Unmarshal(p.D, &d); err != nil || p.T != "READY" || d.Session == "" || len(d.Shard) != 2 || !d.User.Bot {
		w.r.t.Fatalf("ready: %+v %v", p, err)
	}
	return d.Session, p.S
}

func socketRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, Options{})
	if err := r.bot.SetWebhook(""); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSocket(t *testing.T) {
	t.Parallel()
	r := socketRig(t)
	u := r.p.User(r.bot, "甲")
	u.Say("没人听")
	w := r.dial()
	_, s := w.identify()
	w.say(opHeartbeat, s)
	if p := w.next(); p.Op != opAlive {
		t.Errorf("heartbeat: %+v", p)
	}
	id := u.Say("你好")
	p := w.next()
	if p.T != "C2C_MESSAGE_CREATE" || p.S <= s || !strings.Contains(string(p.D), id) || !strings.HasPrefix(p.ID, "C2C_MESSAGE_CREATE:") {
		t.Errorf("event: %+v", p)
	}
	r.want("reply", r.send(users(u), text("好", id, 1)), 0)
	if r.bot.Connected() != 1 {
		t.Errorf("%d connected", r.bot.Connected())
	}
	r.p.Guild(r.bot, "频道").Say(u, "没订阅的")
	r.p.Arm(Fault{Kind: FaultDuplicate, Copies: 3}, 1)
	u.Say("三份")
	first := w.next()
	for range 2 {
		if q := w.next(); q.ID != first.ID || q.T != "C2C_MESSAGE_CREATE" {
			t.Errorf("copy: %+v", q)
		}
	}
}

func TestSocketResume(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*rig) int{
		"dropped": func(r *rig) int { return r.bot.DropSockets() },
		"4009":    func(r *rig) int { return r.bot.CloseSockets(4009) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := socketRig(t)
			u := r.p.User(r.bot, "甲")
			w := r.dial()
			session, _ := w.identify()
			u.Say("零")
			s := w.next().S
			if n := cut(r); n != 1 {
				t.Fatalf("%d sockets cut", n)
			}
			if got, want := w.closed(), map[string]int{"4009": 4009}[name]; got != want {
				t.Errorf("close code %d, want %d", got, want)
			}
			r.until("away", func() bool { return r.bot.Connected() == 0 })
			u.Say("一")
			u.Say("二")
			fresh := r.dial()
			fresh.identify() // a new session gets nothing of what was missed
			back := r.dial()
			back.say(opResume, object{"token": r.token, "session_id": session, "seq": s}) // without its scheme
			for _, want := range []string{"一", "二"} {
				if p := back.next(); !strings.Contains(string(p.D), want) || p.S <= s {
					t.Errorf("replay: %+v, want %s", p, want)
				}
			}
			if p := back.next(); p.T != "RESUMED" || string(p.D) != `""` {
				t.Errorf("resumed: %+v", p)
			}
			u.Say("三")
			for _, x := range []*wire{fresh, back} {
				if p := x.next(); !strings.Contains(string(p.D), "三") {
					t.Errorf("after it: %+v", p)
				}
			}
		})
	}
}

func TestSocketRefusals(t *testing.T) {
	t.Parallel()
	r := socketRig(t)
	r.p.mu.Lock()
	r.bot.options.Intents = allIntents
	r.p.mu.Unlock()
	for name, c := range map[string]struct {
		op   int
		d    any
		code int
	}{
		"token":    {opIdentify, object{"token": "QQBot x", "intents": 1, "shard": []int{0, 1}}, closeAuth},
		"scheme":   {opIdentify, object{"token": r.token, "intents": 1, "shard": []int{0, 1}}, closeAuth},
		"intents":  {opIdentify, object{"token": "QQBot " + r.token, "intents": 1 << 9, "shard": []int{0, 1}}, closeIntents},
		"no shard": {opIdentify, object{"token": "QQBot " + r.token, "intents": allIntents}, closeShard},
		"session":  {opResume, object{"token": r.token, "session_id": "x", "seq": 1}, closeSession},
		"opcode":   {99, nil, closeOpcode},
		"payload":  {opIdentify, "text", closePayload},
	} {
		w := r.dial()
		w.say(c.op, c.d)
		if got := w.closed(); got != c.code {
			t.Errorf("%s: close code %d, want %d", name, got, c.code)
		}
	}
	w := r.dial()
	session, _ := w.identify()
	w2 := r.dial()
	w2.say(opResume, object{"token": "QQBot " + r.token, "session_id": session, "seq": 1 << 40})
	if got := w2.closed(); got != closeSeq {
		t.Errorf("seq of the future: %d", got)
	}
	for _, code := range []int{4914, 4006} {
		w = r.dial()
		w.identify()
		r.bot.CloseSockets(code)
		if got := w.closed(); got != code {
			t.Errorf("closed with %d, want %d", got, code)
		}
	}
	r.p.Rules(func(r *Rules) { r.BlockedIP = true })
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(r.p.URL(), "http")+"/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	w = &wire{r, conn}
	w.next()
	w.say(opIdentify, object{"token": "QQBot " + r.token, "intents": allIntents, "shard": []int{0, 1}})
	if got := w.closed(); got != closeIP {
		t.Errorf("address not allowed: %d", got)
	}
}

func TestSocketAskedToComeBack(t *testing.T) {
	t.Parallel()
	r := socketRig(t)
	w := r.dial()
	session, s := w.identify()
	r.bot.AskReconnect()
	if p := w.next(); p.Op != opReconnect {
		t.Errorf("got %+v, want op 7", p)
	}
	w.conn.Close()
	r.until("away", func() bool { return r.bot.Connected() == 0 })
	r.p.Advance(maxAway + time.Second)
	back := r.dial()
	back.say(opResume, object{"token": r.token, "session_id": session, "seq": s})
	if got := back.closed(); got != closeSession {
		t.Errorf("resumed after %v: %d", maxAway, got)
	}
	w = r.dial()
	session, s = w.identify()
	r.bot.InvalidateSessions()
	if p := w.next(); p.Op != opInvalid {
		t.Errorf("got %+v, want op 9", p)
	}
	w.conn.Close()
	back = r.dial()
	back.say(opResume, object{"token": r.token, "session_id": session, "seq": s})
	if got := back.closed(); got != closeSession {
		t.Errorf("an invalid session is resumed: %d", got)
	}
}

func TestResumeAfterTooMuch(t *testing.T) {
	t.Parallel()
	r := socketRig(t)
	w := r.dial()
	session, s := w.identify()
	r.bot.DropSockets()
	r.until("away", func() bool { return r.bot.Connected() == 0 })
	u := r.p.User(r.bot, "甲")
	for range maxBuffer + 1 {
		u.Say("一")
	}
	back := r.dial()
	back.say(opResume, object{"token": r.token, "session_id": session, "seq": s})
	if p := back.next(); p.Op != opInvalid {
		t.Errorf("got %+v, want op 9: the first event is gone", p)
	}
}
