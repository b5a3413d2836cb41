package qqtest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Behaviours 19 and 23: spinners, and answers that break.

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   FaultKind
		done   bool // the message arrived all the same
		status int  // 0: no answer
		has    string
	}{
		{Fault500, false, 500, "50055001"}, {Fault504, false, 504, "504"}, {FaultHTML, false, 502, "<html>"},
		{Fault200Error, false, 200, `"err_code":50055001`}, {FaultErrOnly, false, 400, `{"err_code":50055001`},
		{FaultEmpty, true, 200, "{}"}, {FaultNoType, true, 200, "ROBOT1.0_"}, {FaultTimeout, true, 0, ""},
		{FaultReset, true, 0, ""}, {FaultSlow, true, 200, "ROBOT1.0_"}, {FaultNumbers, true, 200, `"timestamp":17`},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			u := r.p.User(r.bot, "甲")
			id := u.Say("一")
			if !r.p.Arm(Fault{Kind: c.kind, Endpoint: "c2c/messages", Target: u.OpenID(), Delay: 20 * time.Millisecond}, 1) {
				t.Fatal("not armed")
			}
			other := r.p.User(r.bot, "乙")
			r.want("another's call", r.send(users(other), text("好", other.Say("一"), 1)), 0)
			req, err := http.NewRequestWithContext(t.Context(), "POST", r.p.URL()+users(u)+"/messages", strings.NewReader(string(encode(text("好", id, 1)))))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "QQBot "+r.token)
			status, body, typ := 0, "", ""
			if resp, err := http.DefaultClient.Do(req); err == nil {
				raw, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil {
					status, body, typ = resp.StatusCode, string(raw), resp.Header.Get("Content-Type")
				}
			}
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("got %d %q, want %d with %q", status, body, c.status, c.has)
			}
			if want := map[FaultKind]string{FaultHTML: "text/html", FaultNoType: ""}; c.status != 0 {
				if w, special := want[c.kind]; special && typ != w || !special && typ != "application/json" {
					t.Errorf("Content-Type %q", typ)
				}
			}
			if got := len(u.SeenTexts()); got != map[bool]int{true: 1}[c.done] {
				t.Errorf("seen %d", got)
			}
			want := 0
			if c.done {
				want = codeDuplicate
			}
			r.want("the same again", r.send(users(u), text("好", id, 1)), want)
		})
	}
}

func TestFaultsAreCountedAndAimed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.p.Arm(Fault{Kind: FaultError, Status: 401, Code: codeExpiredToken}, 2)
	if status, _ := r.raw("POST", "/app/getAppAccessToken", "", object{"appId": appID, "clientSecret": secret}); status != 200 {
		t.Errorf("a fault for any call hits the token: %d", status)
	}
	for i, want := range []int{401, 401, 200} {
		if status, _ := r.call("GET", "/users/@me", nil); status != want {
			t.Errorf("call %d: %d, want %d", i, status, want)
		}
	}
	r.p.Arm(Fault{Kind: Fault500, Endpoint: "token"}, 30) // an outage
	r.p.Disarm()
	r.login()
	if r.p.Arm(Fault{Kind: "nonsense"}, 1) || r.p.Arm(Fault{Kind: Fault500}, 0) || r.p.Arm(Fault{Kind: Fault500, Endpoint: EndpointDelivery}, 1) {
		t.Error("a fault that does not exist is armed")
	}
}

func TestSpinners(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	keys := object{"content": object{"rows": []object{{"buttons": []object{
		{"id": "human", "render_data": object{"label": "转人工"}, "action": object{"type": 1, "data": "escalate:1"}},
		{"id": "more", "render_data": object{"label": "继续"}, "action": object{"type": 2, "data": "继续", "enter": true}},
		{"id": "site", "render_data": object{"label": "网页"}, "action": object{"type": 0, "data": "https://example.com"}},
	}}}}}
	r.want("keyboard", r.send(users(u), object{"msg_type": 2, "markdown": object{"content": "还要什么"}, "keyboard": keys, "msg_id": u.Say("一"), "msg_seq": 1}), 0)
	press := func() string {
		t.Helper()
		id, err := u.Press("转人工")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	ack := func(id string, body any) int {
		_, out := r.call("PUT", "/interactions/"+id, body)
		return errCode(out)
	}
	id := press()
	if r.bot.Spinner(id) != "turning" {
		t.Errorf("spinner %q", r.bot.Spinner(id))
	}
	d := r.delivered(2)[1].decoded
	if d.T != "INTERACTION_CREATE" || d.D["id"] != id || d.D["user_openid"] != u.OpenID() || d.ID != "INTERACTION_CREATE:"+strings.TrimPrefix(d.ID, "INTERACTION_CREATE:") {
		t.Errorf("event %+v", d)
	}
	r.want("bad body", ack(id, object{}), codeParam)
	r.want("in time, as text", ack(id, `{"code":0}`), 0)
	r.want("twice", ack(id, object{"code": 0}), codeAckTwice)
	r.want("foreign", ack("nonsense", object{"code": 0}), codeAckForeign)
	if r.bot.Spinner(id) != "acked" {
		t.Errorf("spinner %q", r.bot.Spinner(id))
	}
	r.want("reply by d.id", r.send(users(u), object{"msg_type": 0, "content": "好", "event_id": id, "msg_seq": 1}), codeBadEventID)
	r.want("reply by outer id", r.send(users(u), object{"msg_type": 0, "content": "好", "event_id": d.ID, "msg_seq": 1}), 0)
	late := press()
	r.p.Advance(3*time.Second + time.Millisecond)
	if r.bot.Spinner(late) != "late" {
		t.Errorf("spinner %q after 3 s", r.bot.Spinner(late))
	}
	r.want("late", ack(late, object{"code": 0}), 0)
	if _, err := u.Press("more"); err != nil || r.lastEvent("C2C_MESSAGE_CREATE") == "" {
		t.Errorf("a command button: %v", err)
	}
	if id, err := u.Press("site"); err != nil || id != "" {
		t.Errorf("a link button: %q %v", id, err)
	}
	if _, err := u.Press("nothing"); err == nil {
		t.Error("a button that is not there can be pressed")
	}
	gave := 0
	for _, e := range r.p.Transcript(Filter{Kind: KindNote}) {
		if e.Note == "spinner gave up" {
			gave++
		}
	}
	if gave != 1 {
		t.Errorf("%d spinners gave up, want 1", gave)
	}
}
