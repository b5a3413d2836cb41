package qqtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Behaviours 24 to 26: how events come, and what strangers send.

func TestHandshake(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	answer := func(f func(plain, stamp string) (int, string)) {
		r.hook.mu.Lock()
		defer r.hook.mu.Unlock()
		r.hook.answer = func(_ int, body []byte) (int, string) {
			var in struct {
				Op int
				D  struct {
					Plain string `json:"plain_token"`
					Stamp string `json:"event_ts"`
				}
			}
			if json.Unmarshal(body, &in) != nil || in.Op != 13 {
				return 400, ""
			}
			return f(in.D.Plain, in.D.Stamp)
		}
	}
	answer(func(plain, stamp string) (int, string) {
		return 200, string(encode(object{"plain_token": plain, "signature": sign(secret, stamp, []byte(plain)), "data_version": ""}))
	})
	if err := r.bot.Validate(t.Context()); err != nil {
		t.Errorf("a right answer: %v", err)
	}
	for name, f := range map[string]func(plain, stamp string) (int, string){
		"other secret": func(plain, stamp string) (int, string) {
			return 200, string(encode(object{"plain_token": plain, "signature": sign("x", stamp, []byte(plain))}))
		},
		"other token": func(_, stamp string) (int, string) {
			return 200, string(encode(object{"plain_token": "x", "signature": sign(secret, stamp, []byte("x"))}))
		},
		"no JSON": func(string, string) (int, string) { return 200, "ok" },
		"401":     func(string, string) (int, string) { return 401, "" },
	} {
		answer(f)
		if err := r.bot.Validate(t.Context()); err == nil {
			t.Errorf("%s passes the handshake", name)
		}
	}
}

func TestDeliveredUntilTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(n int) (int, string)
		tries  int
	}{
		"at once": {func(int) (int, string) { return 200, `{"op":12,"d":0}` }, 1},
		"second time": {func(n int) (int, string) {
			return 200, `{"op":12,"d":` + map[bool]string{true: "1", false: "0"}[n == 1] + `}`
		}, 2},
		"never more":     {func(int) (int, string) { return 503, "" }, 3},
		"empty 200":      {func(int) (int, string) { return 200, "" }, 3},
		"wrong field":    {func(int) (int, string) { return 200, `{"opcode":12}` }, 3},
		"after a broken": {func(n int) (int, string) { return map[bool]int{true: 500, false: 200}[n < 3], `{"op":12,"d":0}` }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.hook.answer = func(n int, _ []byte) (int, string) { return c.answer(n) }
			r.p.User(r.bot, "甲").Say("你好")
			r.delivered(c.tries)
			r.p.User(r.bot, "甲").Say("完") // of the same conversation: comes behind all tries
			got := r.delivered(c.tries + 1)
			for _, g := range got[:c.tries] {
				if g.decoded.ID != got[0].decoded.ID || !verify(secret, g.header.Get("X-Signature-Timestamp"), g.body, g.header.Get("X-Signature-Ed25519")) {
					t.Errorf("a try has another id or no signature: %s", g.body)
				}
			}
			if got[c.tries].decoded.ID == got[0].decoded.ID {
				t.Errorf("more than %d tries", c.tries)
			}
		})
	}
}

func TestSlowWebhookIsAskedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{AckTimeout: 30 * time.Millisecond})
	release := make(chan struct{})
	r.hook.answer = func(n int, _ []byte) (int, string) {
		if n == 1 {
			<-release
		}
		return 200, `{"op":12,"d":0}`
	}
	r.p.User(r.bot, "甲").Say("你好")
	got := r.delivered(2)
	close(release)
	if len(got) != 2 || got[0].decoded.ID != got[1].decoded.ID {
		t.Errorf("%d deliveries, want the same event twice", len(got))
	}
}

func TestFormsOfDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	long := repeat("拖欠工资怎么办", 900)
	r.p.Arm(Fault{Kind: FaultSplit}, 1)
	u.Say(long)
	r.delivered(1)
	r.p.Arm(Fault{Kind: FaultChunked}, 1)
	u.Say(long)
	r.delivered(2)
	r.p.Arm(Fault{Kind: FaultDuplicate, Copies: 7}, 1)
	u.Say("七份")
	got := r.delivered(9)
	for _, g := range got[:2] {
		if len(g.body) < 4<<10 || g.decoded.D["content"] != long || !verify(secret, g.header.Get("X-Signature-Timestamp"), g.body, g.header.Get("X-Signature-Ed25519")) {
			t.Errorf("%d bytes came broken", len(g.body))
		}
	}
	if got[1].length != -1 {
		t.Errorf("Content-Length %d of the chunked one", got[1].length)
	}
	for _, g := range got[2:] {
		if g.decoded.ID != got[2].decoded.ID {
			t.Error("the copies differ in their id")
		}
	}
	r.p.Arm(Fault{Kind: FaultSwap}, 1)
	u.Say("先")
	u.Say("后")
	got = r.delivered(11)
	if got[9].decoded.D["content"] != "后" || got[10].decoded.D["content"] != "先" {
		t.Errorf("order: %v, %v", got[9].decoded.D["content"], got[10].decoded.D["content"])
	}
	r.p.Arm(Fault{Kind: FaultLose}, 1)
	u.Say("回执丢了")
	got = r.delivered(13)
	if got[11].decoded.ID != got[12].decoded.ID {
		t.Error("a lost answer is not repeated with the same id")
	}
}

func TestBurstKeepsEachConversationInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	const each, people = 20, 10
	for range each {
		for i := range people {
			r.p.User(r.bot, string(rune('甲'+i))).Say("一")
		}
	}
	last := map[any]int64{}
	for _, g := range r.delivered(each * people) {
		author, _ := g.decoded.D["author"].(map[string]any)
		if g.decoded.S <= last[author["id"]] {
			t.Fatalf("s %d after %d", g.decoded.S, last[author["id"]])
		}
		last[author["id"]] = g.decoded.S
	}
	if len(last) != people {
		t.Errorf("%d people", len(last))
	}
}

func TestAttacksAreWhatTheySay(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	guard := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		stamp, sig := q.Header.Get("X-Signature-Timestamp"), q.Header.Get("X-Signature-Ed25519")
		switch {
		case q.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case q.ContentLength > 64<<10:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		var body strings.Builder
		if _, err := copyBody(&body, q); err != nil || !verify(secret, stamp, []byte(body.String()), sig) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusOK) // right so far: stale, not JSON, a signed oracle
	})
	r.hook.Config.Handler = guard
	for kind, want := range map[AttackKind]int{
		AttackBadSignature: 401, AttackNoSignature: 401, AttackTampered: 401, AttackOracle: 401, AttackValidation: 401, AttackOtherBot: 401,
		AttackHuge: 413, AttackLarge: 413, AttackGet: 405, AttackStale: 200, AttackFuture: 200, AttackNotJSON: 200, AttackOracleSigned: 200,
		"nonsense": 0,
	} {
		if got := r.bot.Attack(t.Context(), kind); got.Status != want {
			t.Errorf("%s: %d %s, want %d from a webhook that looks at signature, size and method", kind, got.Status, got.Err, want)
		}
	}
	for _, kind := range Attacks() {
		if a := r.bot.Attack(t.Context(), kind); a.Status == 0 {
			t.Errorf("%s: no answer: %s", kind, a.Err)
		}
	}
}

func TestPayloadVariants(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	g := r.p.Group(r.bot, "群", u)
	got := func(n int) map[string]any { return r.delivered(n)[n-1].decoded.D }
	u.SayWith(Said{Text: "整数时间", Stamp: "int", IDs: "author"})
	d := got(1)
	if _, isNumber := d["timestamp"].(float64); !isNumber || len(d["author"].(map[string]any)) != 1 {
		t.Errorf("int, author alone: %v", d)
	}
	u.SayWith(Said{Text: "文字时间", Stamp: "string", Extra: true})
	if d = got(2); strings.Trim(d["timestamp"].(string), "0123456789") != "" || d["new_field_2027"] == nil {
		t.Errorf("string, extra: %v", d)
	}
	u.SayWith(Said{Text: " ", Quote: "原话"})
	if d = got(3); d["message_type"] != 103.0 || d["msg_elements"] == nil {
		t.Errorf("quote: %v", d)
	}
	u.SayWith(Said{Card: "小程序"})
	if d = got(4); d["message_type"] != 3.0 || d["ark_data"] == nil {
		t.Errorf("card: %v", d)
	}
	u.SayWith(Said{Attachments: []Attachment{{ContentType: "voice", Recognised: "我要离婚", URL: "https://example.com/v"}}})
	if d = got(5); d["content"] != "" || d["attachments"].([]any)[0].(map[string]any)["asr_refer_text"] != "我要离婚" {
		t.Errorf("voice: %v", d)
	}
	g.SayWith(u, Said{Text: "旧字段", At: true, IDs: "legacy"})
	if d = got(6); d["group_openid"] != nil || d["group_id"] != g.OpenID() {
		t.Errorf("legacy: %v", d)
	}
	g.Say(u, "闲聊", false)
	g.SetAll(true)
	g.Say(u, "都听", false)
	if e := r.delivered(7)[6].decoded; e.T != "GROUP_MESSAGE_CREATE" || e.D["content"] != "都听" {
		t.Errorf("hears all: %s %v", e.T, e.D)
	}
}
