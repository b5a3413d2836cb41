package bot

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"mingbai/bot/qqtest"
)

// socketBot runs a bot on a platform over a websocket and waits until it is
// connected.
func socketBot(t *testing.T, s *Store, p *qqtest.Platform, on *qqtest.Bot) (stop func()) {
	t.Helper()
	q, err := NewQQ(s, QQOptions{AppID: on.AppID(), Secret: goldenSecret, APIBase: p.URL(), TokenBase: p.URL(), Transport: QQBySocket})
	if err != nil {
		t.Fatal(err)
	}
	b := New(HandlerFunc(echo), NewLocalSessions(s, time.Hour), NewInbox(s), fast)
	b.Attach(q)
	stop = runBot(t, b)
	waitPlatform(t, p, "the bot is connected", func() bool { return on.Connected() > 0 })
	return stop
}

func waitPlatform(t testing.TB, p *qqtest.Platform, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.WaitFor(ctx, ok); err != nil {
		t.Fatalf("it did not come to pass: %s", what)
	}
}

func newQQPlatform(t *testing.T) (*qqtest.Platform, *qqtest.Bot) {
	t.Helper()
	p := qqtest.New(qqtest.Options{Seed: 1})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() }) //nolint:errcheck // the test is over
	return p, p.AddBot("102000001", goldenSecret, qqtest.BotOptions{})
}

// Whatever ends a connection, and whether or not the token is still good and
// the platform answers then, the bot is back and what is said is answered once.
// What is said before it is back is answered too where the platform sends it
// again: after everything that leaves the session alive. MINGBAI_MATRIX=1 tries
// each end with each trouble.
func TestQQSocket_EveryEnd(t *testing.T) {
	t.Parallel()
	type end struct {
		name    string
		replays bool
		do      func(*qqtest.Bot) int
	}
	closes := func(code int, replays bool) end {
		return end{fmt.Sprint("closed with ", code), replays, func(b *qqtest.Bot) int { return b.CloseSockets(code) }}
	}
	ends := []end{
		{"dropped", true, (*qqtest.Bot).DropSockets},
		{"asked to reconnect", true, (*qqtest.Bot).AskReconnect},
		{"session invalid", false, (*qqtest.Bot).InvalidateSessions},
		closes(4004, false), closes(4006, false), closes(4007, false), closes(4008, true), closes(4009, true), closes(4900, false), closes(1001, true),
	}
	whole := size(t, "MINGBAI_MATRIX", 0) > 0
	for i, e := range ends {
		for _, trouble := range []string{"", "token revoked", "token server fails", "gateway fails"} {
			if trouble != "" && i%4 != 0 && !whole {
				continue
			}
			t.Run(e.name+" "+trouble, func(t *testing.T) {
				t.Parallel()
				p, on := newQQPlatform(t)
				wang := p.User(on, "王芳")
				socketBot(t, newStore(t), p, on)
				wang.Say("一")
				answered := func(text string) func() bool {
					return func() bool { return slices.Contains(wang.SeenTexts(), text) }
				}
				waitPlatform(t, p, "the first is answered", answered("一"))
				switch trouble {
				case "token revoked":
					p.RevokeToken(on)
				case "token server fails":
					p.RevokeToken(on)
					p.Arm(qqtest.Fault{Endpoint: "token", Kind: qqtest.Fault500}, 2)
				case "gateway fails":
					p.Arm(qqtest.Fault{Endpoint: "gateway", Kind: qqtest.Fault500}, 2)
				}
				if e.do(on) == 0 {
					t.Fatal("there was no connection")
				}
				if e.replays {
					wang.Say("二")
				}
				began := time.Now()
				waitPlatform(t, p, "the bot is back", func() bool { return greetings(p) > 1 })
				wang.Say("三")
				waitPlatform(t, p, "the third is answered", answered("三"))
				t.Logf("back and answering after %v", time.Since(began).Round(time.Millisecond))
				if e.replays {
					waitPlatform(t, p, "what was said meanwhile is answered", answered("二"))
				}
				for _, text := range []string{"一", "二", "三"} {
					if n := count(wang.SeenTexts(), text); n > 1 {
						t.Errorf("%s was answered %d times", text, n)
					}
				}
			})
		}
	}
}

// greetings is how often a session was begun or resumed.
func greetings(p *qqtest.Platform) (n int) {
	for _, e := range p.Transcript(qqtest.Filter{Kind: qqtest.KindNote}) {
		if e.Note == "socket identified" || e.Note == "socket resumed" {
			n++
		}
	}
	return n
}

func count(texts []string, text string) (n int) {
	for _, s := range texts {
		if s == text {
			n++
		}
	}
	return n
}

// What is said while the program is down is answered when it is up again.
func TestQQSocket_ARestartLosesNothing(t *testing.T) {
	t.Parallel()
	p, on := newQQPlatform(t)
	wang := p.User(on, "王芳")
	s := newStore(t)
	for i := range 5 {
		stop := socketBot(t, s, p, on)
		text := fmt.Sprint("在线", i)
		wang.Say(text)
		waitPlatform(t, p, text, func() bool { return slices.Contains(wang.SeenTexts(), text) })
		stop()
		waitPlatform(t, p, "the connection is gone", func() bool { return on.Connected() == 0 })
		wang.Say(fmt.Sprint("不在", i))
	}
	socketBot(t, s, p, on)
	for i := range 5 {
		text := fmt.Sprint("不在", i)
		waitPlatform(t, p, text, func() bool { return slices.Contains(wang.SeenTexts(), text) })
		if n := count(wang.SeenTexts(), text); n != 1 {
			t.Errorf("%s was answered %d times", text, n)
		}
	}
}
