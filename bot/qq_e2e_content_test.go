package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/bot/qqtest"
)

// pickupCode is a code as it is shown.
var pickupCode = regexp.MustCompile(`[0-9A-Z]{5}-[0-9A-Z]{5}`)

// Behaviour 12: one recall a period; then it is over.
func TestQQEnd_RecallsAreCounted(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, profile qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		r.late(func() { u.Say("慢一") }, 61*time.Minute)
		r.late(func() { u.Say("慢二") }, 61*time.Minute)
		if profile == qqtest.Profile2025 {
			if n := r.waiting(); n == 0 {
				t.Errorf("nothing waits\n%s", r.log())
			}
			return
		}
		r.shown(u.SeenTexts, "答：慢一", "答：慢二")
		to := Address("qq/user/" + u.OpenID())
		// The recall of today is used up here; the notice goes unasked.
		if err := r.q.Send(context.Background(), to, "", Reply{Text: "通知"}); err != nil {
			t.Error(err)
		}
		if r.tried(40034122) {
			t.Errorf("a recall was tried twice in its period\n%s", r.log())
		}
	})
}

// Behaviour 13: nothing that looks like a link, but on registered domains.
func TestQQEnd_Links(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		g := r.p.Group(r.bot, "群", u)
		guild := r.p.Guild(r.bot, "频道")
		said := "原文见 https://www.court.gov.cn/a 和 README.md，或 https://" + qqRigDomain + "/x"
		want := "见 www．court．gov．cn/a 和 README．md，或 https://" + qqRigDomain + "/x"
		g.Say(u, said, true)
		r.shown(g.SeenTexts, want)
		guild.Say(u, said)
		r.shown(guild.SeenTexts, want)
		if r.tried(40054010) || r.tried(304003) {
			t.Errorf("a link was tried\n%s", r.log())
		}
		u.Say(said) // links in private chats are refused by some: then they go
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := r.p.WaitFor(ctx, func() bool { return len(u.SeenTexts()) == 1 }); err != nil {
			t.Fatalf("not shown\n%s", r.log())
		}
	})
}

// Behaviour 14: words that are refused can be fetched with a code.
func TestQQEnd_SensitiveWords(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		u.Say("原文这里有违禁词样例，没法说")
		r.shown(u.SeenTexts, "这段答复不能在QQ里完整显示…")
		code := pickupCode.FindString(u.SeenTexts()[0])
		h, err := r.store.fetch(context.Background(), readCode(code))
		if err != nil || h.text != "这里有违禁词样例，没法说" {
			t.Errorf("code %q: got %q, %v", code, h.text, err)
		}
		bodies := map[string]bool{}
		for _, e := range r.p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt, Endpoint: "c2c/messages"}) {
			if bodies[string(e.Request)] {
				t.Errorf("the same body twice\n%s", r.log())
			}
			bodies[string(e.Request)] = true
		}
	})
}

// Behaviour 15: however short a message must be, nothing is lost.
func TestQQEnd_Lengths(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		for i, limit := range []func(*qqtest.Rules){
			func(rules *qqtest.Rules) { rules.MaxRunes = 800 },
			func(rules *qqtest.Rules) { rules.MaxRunes, rules.MaxBytes = 2000, 2000 },
		} {
			r.p.Rules(limit)
			before := len(u.SeenTexts())
			u.Say("长长") // 2,000 runes
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := r.p.WaitFor(ctx, func() bool { return len(u.SeenTexts()) > before }); err != nil {
				t.Fatal(err)
			}
			for n := range 4 { // what there was no room for goes on at the next message
				if r.waiting() > 0 {
					shown := len(u.SeenTexts())
					u.Say(fmt.Sprint("继续", strings.Repeat("。", n%2)))
					until(t, "it went on", func() bool { return len(u.SeenTexts()) > shown })
				}
			}
			if got := strings.Count(strings.Join(u.SeenTexts()[before:], ""), "九"); got != 200 {
				t.Errorf("limit %d: %d of 200 sentences were shown\n%s", i, got, r.log())
			}
		}
	})
}

// Behaviours 16 and 17: no message is refused for its form.
func TestQQEnd_Forms(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		ctx := context.Background()
		for n := range 30 {
			var choices []string
			for i := range n {
				choices = append(choices, fmt.Sprintf("第%d个很长很长很长很长的选项", i))
			}
			u := r.p.User(r.bot, fmt.Sprint("丙", n))
			id := u.Say("x")
			r.shown(u.SeenTexts, "答：x")
			p := &qqPart{chat: Address("qq/user/" + u.OpenID()), Text: "选", Choices: choices}
			m := p.bodyOf(nil)
			m.MsgID, m.MsgSeq = id, 9
			if _, err := r.q.api.post(ctx, p.chat, m); err != nil {
				t.Errorf("%d choices: %v", n, err)
			}
		}
		for _, code := range []int{22006, 40034011, 40034029, 305007, 304061, 50057} {
			if r.tried(code) {
				t.Errorf("refused with %d\n%s", code, r.log())
			}
		}
	})
}

// Behaviour 16: Markdown or buttons are refused: the plainer form goes.
func TestQQEnd_PlainerForms(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		for i, code := range []int{40034011, 40034029, 305007, 50057, 22006} {
			r.p.Arm(qqtest.Fault{Kind: qqtest.FaultError, Endpoint: "c2c/messages", Status: 400, Code: code}, 1)
			u.Say("菜单")
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := r.p.WaitFor(ctx, func() bool { return len(u.SeenTexts()) == i+1 }); err != nil {
				t.Fatalf("%d: not shown\n%s", code, r.log())
			}
			if s := u.Seen(); s[len(s)-1].Kind != "text" || !strings.Contains(s[len(s)-1].Text, "2. 转人工") {
				t.Errorf("%d: got %+v", code, s[len(s)-1])
			}
		}
	})
}

// Behaviour 18: people look at what goes unasked into a guild.
func TestQQEnd_Audits(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		r.p.Rules(func(rules *qqtest.Rules) { rules.AuditReplies = true })
		u, guild := r.p.User(r.bot, "甲"), r.p.Guild(r.bot, "频道")
		guild.Say(u, "一")
		r.shown(guild.SeenTexts, "答：一")
		guild.FailAudits(true)
		guild.Say(u, "二")
		until(t, "the verdict is known", func() bool { return r.waiting() == 1 })
		guild.FailAudits(false)
		guild.Say(u, "三")
		r.shown(guild.SeenTexts, "答：一", "答：三\n（您还有一条没有看到的答复…")
	})
}

// Behaviour 23: whatever goes wrong on the way, a person sees the answer once.
func TestQQEnd_Faults(t *testing.T) {
	t.Parallel()
	for _, kind := range []qqtest.FaultKind{
		qqtest.Fault500, qqtest.Fault504, qqtest.FaultHTML, qqtest.Fault200Error, qqtest.FaultErrOnly, qqtest.FaultEmpty,
		qqtest.FaultNoType, qqtest.FaultTimeout, qqtest.FaultReset, qqtest.FaultSlow, qqtest.FaultNumbers,
	} {
		for _, profile := range qqtest.Profiles() {
			t.Run(fmt.Sprintf("%s/%s", kind, profile), func(t *testing.T) {
				t.Parallel()
				r := newQQRig(t, profile)
				u := r.p.User(r.bot, "甲")
				g := r.p.Group(r.bot, "群", u)
				r.p.Arm(qqtest.Fault{Kind: kind, Endpoint: "c2c/messages"}, 1)
				r.p.Arm(qqtest.Fault{Kind: kind, Endpoint: "group/messages"}, 1)
				u.Say("一")
				g.Say(u, "群里", true)
				r.shown(u.SeenTexts, "答：一")
				r.shown(g.SeenTexts, "答：群里")
				if n := r.waiting(); n != 0 {
					t.Errorf("%d replies are held though all was shown", n)
				}
			})
		}
	}
}

// An accepted message whose answer is lost, and a window that is over before
// the next try: it is not shown twice, and its code is told.
func TestQQEnd_LostAnswerAtTheEndOfTheWindow(t *testing.T) {
	eachProfile(t, func(t *testing.T, r *qqRig, _ qqtest.Profile) {
		u := r.p.User(r.bot, "甲")
		r.p.Arm(qqtest.Fault{Kind: qqtest.FaultEmpty, Endpoint: "c2c/messages"}, 1)
		r.p.Arm(qqtest.Fault{Kind: qqtest.FaultError, Endpoint: "c2c/messages", Status: 400, Code: 40034005}, 1)
		u.Say("一")
		r.shown(u.SeenTexts, "答：一")
		u.Say("二")
		r.shown(u.SeenTexts, "答：一", "答：二\n（您还有一条没有看到的答复…")
	})
}

// What goes unasked and whose answer is lost is not sent again.
func TestQQEnd_UncertainNotices(t *testing.T) {
	t.Parallel()
	for _, kind := range []qqtest.FaultKind{qqtest.FaultEmpty, qqtest.FaultReset, qqtest.FaultTimeout} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newQQRig(t, qqtest.Strict2026)
			u := r.p.User(r.bot, "甲")
			r.p.Arm(qqtest.Fault{Kind: kind, Endpoint: "c2c/messages"}, 1)
			err := r.q.Send(context.Background(), Address("qq/user/"+u.OpenID()), "", Reply{Text: "通知"})
			if !errors.Is(err, ErrUncertain) {
				t.Errorf("got %v", err)
			}
			r.shown(u.SeenTexts, "通知")
		})
	}
}
