package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/bot/qqtest"
)

// qqRig is a bot on a QQ platform that enforces the platform's rules, as a
// person sees it: events come by the real webhook, replies go over the wire.
type qqRig struct {
	t     testing.TB
	p     *qqtest.Platform
	bot   *qqtest.Bot
	q     *QQ
	b     *Bot
	store *Store

	mu   sync.Mutex
	gate chan struct{} // what is asked with 慢 is answered when this is closed
	in   chan struct{} // holds one for each 慢 that is being answered
}

const qqRigDomain = "12348.example.cn"

func newQQRig(t testing.TB, profile qqtest.Profile) *qqRig {
	t.Helper()
	return newQQRigOn(t, profile, QQByWebhook, nil)
}

func newQQRigOn(t testing.TB, profile qqtest.Profile, transport string, log *slog.Logger) *qqRig {
	t.Helper()
	p := qqtest.New(qqtest.Options{Profile: profile, RetryWait: 10 * time.Millisecond})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	r := &qqRig{t: t, p: p, store: newStore(t), gate: make(chan struct{}), in: make(chan struct{}, 100)}
	q, err := NewQQ(r.store, QQOptions{AppID: "102000001", Secret: "DG5g3B4j9X2KOErG", APIBase: p.URL(), TokenBase: p.URL(), Transport: transport, Log: log, Domains: []string{qqRigDomain}})
	if err != nil {
		t.Fatal(err)
	}
	r.q = q
	o := fast
	o.Log = log
	r.b = New(HandlerFunc(r.answer), NewLocalSessions(r.store, time.Hour), NewInbox(r.store), o)
	r.b.Attach(q)
	hook := httptest.NewServer(NewQQWebhook(q))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		hook.Close()
		closeIdle(q.api)
	})
	on := qqtest.BotOptions{Domains: []string{qqRigDomain}}
	if transport == QQBySocket {
		r.bot = p.AddBot("102000001", "DG5g3B4j9X2KOErG", on)
		runBot(t, r.b)
		waitPlatform(t, p, "the bot is connected", func() bool { return r.bot.Connected() > 0 })
		return r
	}
	runBot(t, r.b)
	until(t, "the bot runs", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.deliver != nil })
	on.Webhook = hook.URL + "/qq/webhook"
	r.bot = p.AddBot("102000001", "DG5g3B4j9X2KOErG", on)
	return r
}

// answer says what it was asked; 慢… waits for the gate, 菜单 offers choices, 长
// is long, and 原文… is said back as it is.
func (r *qqRig) answer(ctx context.Context, m Message, s *Session) (Reply, error) {
	switch {
	case strings.HasPrefix(m.Text, "慢"):
		r.mu.Lock()
		gate := r.gate
		r.mu.Unlock()
		r.in <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
	case m.Text == "菜单":
		return Reply{Text: "请选一项", Choices: []string{"劳动监察和仲裁选哪个", "转人工"}}, nil
	case strings.HasPrefix(m.Text, "长"):
		return Reply{Text: strings.Repeat("一二三四五六七八九。", 100*len([]rune(m.Text)))}, nil
	case strings.HasPrefix(m.Text, "原文"):
		return Reply{Text: strings.TrimPrefix(m.Text, "原文")}, nil
	}
	return Reply{Text: "答：" + m.Text}, nil
}

// late lets somebody ask, moves the clock on while the answer is being written,
// and lets it go.
func (r *qqRig) late(say func(), by time.Duration) {
	r.t.Helper()
	say()
	select {
	case <-r.in:
	case <-time.After(20 * time.Second):
		r.t.Fatal("the question did not arrive")
	}
	r.p.Advance(by)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.gate)
	r.gate = make(chan struct{})
}

// shown waits until texts are what the bot has shown, and no more.
func (r *qqRig) shown(texts func() []string, want ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	err := r.p.WaitFor(ctx, func() bool { return len(texts()) >= len(want) })
	r.settled()
	got := texts()
	if err != nil || len(got) != len(want) {
		r.t.Fatalf("shown %d messages, want %d:\n%q\n%s", len(got), len(want), got, r.log())
	}
	for i, w := range want {
		if got[i] != w && !(strings.HasSuffix(w, "…") && strings.HasPrefix(got[i], strings.TrimSuffix(w, "…"))) {
			r.t.Errorf("message %d: got %q, want %q", i+1, got[i], w)
		}
	}
}

// settled waits until no message is left to be answered.
func (r *qqRig) settled() {
	r.t.Helper()
	until(r.t, "everything is answered", func() bool {
		var n int
		err := r.store.read.QueryRow(`SELECT COUNT(*) FROM inbox WHERE state < 2`).Scan(&n)
		return err == nil && n == 0
	})
}

// waiting is how many replies wait to be fetched.
func (r *qqRig) waiting() (n int) {
	r.t.Helper()
	r.settled()
	if err := r.store.read.QueryRow(`SELECT COUNT(*) FROM held WHERE state = 0`).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// attempts are the codes of the calls to send.
func (r *qqRig) attempts() (codes []int) {
	for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt}) {
		if strings.HasSuffix(e.Endpoint, "/messages") {
			codes = append(codes, e.Code)
		}
	}
	return codes
}

// tried says whether a call was refused with a code.
func (r *qqRig) tried(code int) bool {
	for _, c := range r.attempts() {
		if c == code {
			return true
		}
	}
	return false
}

// log is the calls to send, for a test that fails.
func (r *qqRig) log() string {
	var b strings.Builder
	for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt}) {
		fmt.Fprintf(&b, "%s seq %d active %v: %d %d %s %.60q\n", e.Endpoint, e.Seq, e.Active, e.Status, e.Code, e.Fault, e.Seen)
	}
	return b.String()
}

// eachProfile runs a test under each set of rules, with events coming both
// ways.
func eachProfile(t *testing.T, f func(t *testing.T, r *qqRig, profile qqtest.Profile)) {
	t.Parallel()
	for _, profile := range qqtest.Profiles() {
		for _, transport := range []string{QQByWebhook, QQBySocket} {
			t.Run(string(profile)+" "+transport, func(t *testing.T) {
				t.Parallel()
				f(t, newQQRigOn(t, profile, transport, nil), profile)
			})
		}
	}
}

// Behaviours 1 and 4–8: what is asked is answered, once, where it was asked.
func TestQQEnd_AskAndAnswer(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		g := r.p.Group(r.bot, "群", u)
		guild := r.p.Guild(r.bot, "频道")
		u.Say("私聊")
		g.Say(u, "群里", true)
		guild.Say(u, "频道里")
		guild.Direct(u, "私信")
		r.shown(u.SeenTexts, "答：私聊")
		r.shown(g.SeenTexts, "答：群里")
		r.shown(guild.SeenTexts, "答：频道里")
		r.shown(func() []string { return guild.DirectTexts(u) }, "答：私信")
		for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt}) {
			if e.Code != 0 || e.Active {
				t.Errorf("refused, or not an answer: %+v", e)
			}
		}
	})
}

// Behaviour 1: a revoked token is replaced.
func TestQQEnd_RevokedToken(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		u.Say("一")
		r.shown(u.SeenTexts, "答：一")
		r.p.RevokeToken(r.bot)
		u.Say("二")
		r.shown(u.SeenTexts, "答：一", "答：二")
	})
}

// Behaviour 2: the token server is out, and comes back.
func TestQQEnd_TokenServerOut(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		r.p.Arm(qqtest.Fault{Kind: qqtest.Fault500, Endpoint: "token"}, 2)
		u := r.p.User(r.bot, "甲")
		u.Say("一")
		r.shown(u.SeenTexts, "答：一")
	})
}

// Behaviour 3: the address is not on the allow-list. Nothing more is tried, and
// the answer waits.
func TestQQEnd_AddressNotAllowed(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		r.p.Rules(func(rules *qqtest.Rules) { rules.BlockedIP = true })
		ctx := context.Background()
		for i := range 5 {
			to := Address("qq/user/" + r.p.User(r.bot, fmt.Sprint("甲", i)).OpenID())
			if err := r.q.Send(ctx, to, "", Reply{Text: "通知"}); qqClassOf(err) != qqConfig {
				t.Errorf("got %v", err)
			}
		}
		if n := len(r.attempts()); n != 1 {
			t.Errorf("%d calls, want 1: the breaker is open", n)
		}
	})
}

// Behaviours 4 and 5: the window is over when the answer is ready.
func TestQQEnd_TooLate(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, profile qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		g := r.p.Group(r.bot, "群", u)
		u.SetPush(false)
		g.SetPush(false)
		r.late(func() { u.Say("慢一") }, 61*time.Minute)
		r.late(func() { g.Say(u, "慢二", true) }, 6*time.Minute)
		if n := r.waiting(); n != 2 {
			t.Fatalf("%d replies wait, want 2\n%s", n, r.log())
		}
		r.shown(u.SeenTexts)
		r.shown(g.SeenTexts)
		u.Say("三")
		r.shown(u.SeenTexts, wordsLate+"答：慢一", "答：三")
		g.Say(r.p.User(r.bot, "乙"), "别人", true)
		r.shown(g.SeenTexts, "答：别人")
		g.Say(u, "四", true)
		r.shown(g.SeenTexts, "答：别人", wordsLate+"答：慢二", "答：四")
		if n := r.waiting(); n != 0 {
			t.Errorf("%d replies still wait", n)
		}
	})
}

// Behaviours 9 and 12: late answers go as a recall or unasked where that exists.
func TestQQEnd_LateAnswersFindAnotherWay(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, profile qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		r.late(func() { u.Say("慢一") }, 61*time.Minute)
		if profile == qqtest.Profile2025 {
			if n := r.waiting(); n != 1 || !r.tried(40034102) {
				t.Errorf("%d replies wait\n%s", n, r.log())
			}
			return
		}
		r.shown(u.SeenTexts, "答：慢一")
		var active int
		for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt, Endpoint: "c2c/messages"}) {
			if e.Accepted && e.Active {
				active++
			}
		}
		if active != 1 {
			t.Errorf("%d messages went unasked\n%s", active, r.log())
		}
	})
}

// Behaviour 6: no more replies than are counted, the rest is continued.
func TestQQEnd_ReplyCount(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		g := r.p.Group(r.bot, "群", u)
		for _, c := range []struct {
			say  func(string)
			seen func() []string
		}{
			{func(s string) { u.Say(s) }, u.SeenTexts},
			{func(s string) { g.Say(u, s, true) }, g.SeenTexts},
		} {
			c.say("长长长长长长") // 6,000 runes
			r.shown(c.seen, "（1/3）…", "（2/3）…", "（3/3）…")
			c.say("继续")
			r.shown(c.seen, "（1/3）…", "（2/3）…", "（3/3）…", "一二三…")
			if got := strings.Count(strings.Join(c.seen(), ""), "九"); got != 600 {
				t.Errorf("%d of 600 sentences were shown", got)
			}
		}
		if r.tried(40034128) {
			t.Errorf("more replies than are counted\n%s", r.log())
		}
	})
}

// Behaviour 7: a typing notice takes a msg_seq of its own.
func TestQQEnd_TypingTakesASeq(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		u.Say("慢一")
		<-r.in
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		typing := func() bool {
			for _, s := range u.Seen() {
				if s.Kind == "typing" {
					return true
				}
			}
			return false
		}
		if err := r.p.WaitFor(ctx, typing); err != nil {
			t.Fatal("no typing notice")
		}
		close(r.gate)
		r.shown(u.SeenTexts, "答：慢一")
		if r.tried(40054005) {
			t.Errorf("a msg_seq was used twice\n%s", r.log())
		}
	})
}

// Behaviour 8 and 19: events are answered by their outer id, buttons too.
func TestQQEnd_EventsAndButtons(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		u.Say("菜单")
		r.shown(u.SeenTexts, "请选一项\n\n1. 劳动监察和仲裁选哪个\n2. 转人工\n\n（回复数字即可选择）")
		id, err := u.Press("转人工")
		if err != nil {
			t.Fatal(err)
		}
		r.shown(u.SeenTexts, "请选一项…", "答：转人工")
		until(t, "the button is acknowledged", func() bool { return r.bot.Spinner(id) == "acked" })
		u.Befriend()
		r.shown(u.SeenTexts, "请选一项…", "答：转人工", "答："+qqHello)
		g := r.p.Group(r.bot, "群", u)
		g.Say(u, "菜单", true)
		r.shown(g.SeenTexts, "请选一项…")
		if _, err := g.Press(u, "转人工"); err != nil {
			t.Fatal(err)
		}
		r.shown(g.SeenTexts, "请选一项…", "答：转人工")
		g.AddRobot()
		r.shown(g.SeenTexts, "请选一项…", "答：转人工", "答："+qqHello)
		for _, code := range []int{40034024, 40034025, 40034026, 40034027} {
			if r.tried(code) {
				t.Errorf("refused with %d\n%s", code, r.log())
			}
		}
	})
}

// Behaviours 9 and 28: notices go where they are allowed, and stop at once when
// they are switched off.
func TestQQEnd_PushSwitches(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, profile qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		g := r.p.Group(r.bot, "群", u)
		for _, c := range []struct {
			to   Address
			push func(bool) string
			seen func() []string
		}{{Address("qq/user/" + u.OpenID()), u.SetPush, u.SeenTexts}, {Address("qq/group/" + g.OpenID()), g.SetPush, g.SeenTexts}} {
			switched := func(on bool) {
				c.push(on)
				until(t, "the switch is known", func() bool {
					target, err := r.q.book.target(context.Background(), c.to)
					return err == nil && target.push == qqPushIs[on]
				})
			}
			switched(true)
			err := r.q.Send(context.Background(), c.to, "", Reply{Text: "通知"})
			if profile == qqtest.Profile2025 {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("%s: got %v", c.to, err)
				}
			} else if err != nil {
				t.Errorf("%s: %v", c.to, err)
			}
			before := len(r.attempts())
			switched(false)
			if err := r.q.Send(context.Background(), c.to, "", Reply{Text: "又一个"}); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: got %v", c.to, err)
			}
			if n := len(r.attempts()) - before; n != 0 {
				t.Errorf("%s: %d calls after it was switched off", c.to, n)
			}
		}
	})
}

// Behaviour 10: what is over a quota is put off, not lost.
func TestQQEnd_Quotas(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		r.p.Arm(qqtest.Fault{Kind: qqtest.FaultError, Endpoint: "c2c/messages", Status: 400, Code: 40034100}, 1)
		r.p.Arm(qqtest.Fault{Kind: qqtest.FaultError, Endpoint: "c2c/messages", Status: 429, Code: 20028}, 1)
		u.Say("一")
		r.shown(u.SeenTexts, "答：一")
		for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt, Endpoint: "c2c/messages"}) {
			if e.Seq > 1 {
				t.Errorf("another msg_seq\n%s", r.log())
			}
		}
	})
}

// Behaviour 11: gone, refusing, muted.
func TestQQEnd_ClosedConversations(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u, g := r.p.User(r.bot, "甲"), r.p.Group(r.bot, "群", r.p.User(r.bot, "乙"))
		muted := r.p.Group(r.bot, "禁言群", r.p.User(r.bot, "乙"))
		muted.Mute(true)
		r.late(func() { u.Say("慢一") }, 0)
		r.shown(u.SeenTexts, "答：慢一")
		u.Say("慢二")
		<-r.in
		u.Unfriend()
		until(t, "it is known", func() bool {
			target, err := r.q.book.target(context.Background(), Address("qq/user/"+u.OpenID()))
			return err == nil && !target.member
		})
		close(r.gate)
		muted.Say(r.p.User(r.bot, "乙"), "禁言里", true)
		if n := r.waiting(); n != 2 {
			t.Errorf("%d replies wait, want 2\n%s", n, r.log())
		}
		g.RemoveRobot()
		until(t, "it is known", func() bool {
			target, err := r.q.book.target(context.Background(), Address("qq/group/"+g.OpenID()))
			return err == nil && !target.member
		})
		if err := r.q.Send(context.Background(), Address("qq/group/"+g.OpenID()), "", Reply{Text: "通知"}); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
		muted.Mute(false)
		muted.Say(r.p.User(r.bot, "乙"), "好了", true)
		r.shown(muted.SeenTexts, wordsLate+"答：禁言里", "答：好了")
	})
}
