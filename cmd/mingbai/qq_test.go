package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/config"
	"mingbai/office"
)

// qqRig is the whole program with one bot on a QQ platform.
type qqRig struct {
	t        *testing.T
	platform *qqtest.Platform
	bot      *qqtest.Bot
	environ  []string
	address  string // of the program
	server   *server
	records  *office.DB      // the program's
	log      strings.Builder // nothing else runs when it is read
	stop     func()
}

const qqSecret = "secret-canary-4B7"

func newQQRig(t *testing.T, transport string, more ...string) *qqRig {
	t.Helper()
	r := &qqRig{t: t, platform: qqtest.New(qqtest.Options{Seed: 1, RetryWait: 10 * time.Millisecond})}
	if err := r.platform.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.platform.Close() }) //nolint:errcheck // the test is over
	r.bot = r.platform.AddBot("102000001", qqSecret, qqtest.BotOptions{})
	r.environ = []string{
		"DATA_DIR=" + t.TempDir(), "LISTEN=127.0.0.1:0", "LOG_JSON=true", "DEBUG=true",
		"QQ_APP_ID=102000001", "QQ_APP_SECRET=" + qqSecret, "QQ_TRANSPORT=" + transport,
		"QQ_API_BASE=" + r.platform.URL(), "QQ_TOKEN_BASE=" + r.platform.URL(),
	}
	r.environ = append(r.environ, more...)
	a := &app{out: io.Discard, err: &r.log, now: time.Now, environ: r.environ}
	if err := a.load(""); err != nil {
		t.Fatal(err)
	}
	s, err := a.newServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.server, r.records = s.ln.Addr().String(), s, s.records
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	r.stop = func() {
		if cancel != nil {
			cancel()
			cancel = nil
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(func() { r.stop() })
	if transport == "webhook" {
		if err := r.bot.SetWebhook("http://" + r.address + qqPath); err != nil {
			t.Fatal(err)
		}
		if err := r.bot.Validate(t.Context()); err != nil {
			t.Fatalf("the platform does not accept the address: %v", err)
		}
	} else {
		r.until("the bot is connected", func() bool { return r.bot.Connected() == 1 })
	}
	return r
}

func (r *qqRig) until(what string, ok func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := r.platform.WaitFor(ctx, ok); err != nil {
		r.t.Fatalf("it did not come to pass: %s\n%s", what, r.transcript())
	}
}

func (r *qqRig) transcript() string {
	var b strings.Builder
	for _, e := range r.platform.Transcript(qqtest.Filter{}) {
		b.WriteString(strings.Join([]string{string(e.Kind), e.Endpoint, e.Type, e.Fault, e.Note, e.Seen, string(e.Response)}, " ") + "\n")
	}
	return b.String()
}

// says waits until something that holds want is shown, and gives it.
func (r *qqRig) shown(texts func() []string, want string) (found string) {
	r.t.Helper()
	r.until("somebody sees "+want, func() bool {
		all := texts()
		i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, want) })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

func TestServe_QQ(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"webhook", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			r := newQQRig(t, transport)
			p := r.platform
			wang, li := p.User(r.bot, "王芳"), p.User(r.bot, "李强")
			village := p.Group(r.bot, "下村村民群", wang, li)

			wang.Say("人民调解收费吗")
			r.shown(wang.SeenTexts, "《人民调解法》")

			village.Say(li, "我的身份证330724198808120011能办公证吗", true)
			said := r.shown(village.SeenTexts, "不适合在群里说")
			code := regexp.MustCompile(`私聊 ([0-9A-Z]{6})”`).FindStringSubmatch(said)
			if code == nil || strings.Contains(said, "330724") {
				t.Fatalf("said %s", said)
			}
			li.Say("私聊 " + code[1])
			r.shown(li.SeenTexts, "只有我们两个人")

			wang.Say("你好")
			r.until("a menu is shown", func() bool {
				seen := wang.Seen()
				last := seen[len(seen)-1]
				return last.From == "" && len(last.Buttons) > 0
			})
			seen := wang.Seen()
			press, err := wang.Press(seen[len(seen)-1].Buttons[0][0].ID)
			if err != nil {
				t.Fatal(err)
			}
			r.shown(wang.SeenTexts, "《劳动")
			r.until("the button is acknowledged", func() bool { return r.bot.Spinner(press) == "acked" })

			r.stop()
			for _, canary := range []string{"调解收费", qqSecret, "330724", wang.OpenID(), "王芳"} {
				if strings.Contains(r.log.String(), canary) {
					t.Errorf("%s is in the log", canary)
				}
			}
			for _, e := range p.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt}) {
				if !e.Accepted {
					t.Errorf("refused: %s %s %d %s", e.Method, e.Path, e.Code, e.Response)
				}
			}
		})
	}
}

// Each attack is refused and has no effect.
func TestServe_QQAttacks(t *testing.T) {
	t.Parallel()
	r := newQQRig(t, "webhook")
	want := map[qqtest.AttackKind]int{
		qqtest.AttackLarge: 413, qqtest.AttackOracleSigned: 400, qqtest.AttackNotJSON: 400, qqtest.AttackGet: 405,
	}
	for _, kind := range qqtest.Attacks() {
		if a := r.bot.Attack(t.Context(), kind); a.Status != cmp.Or(want[kind], 401) {
			t.Errorf("%s: got %d %s %v, want %d", kind, a.Status, a.Body, a.Err, cmp.Or(want[kind], 401))
		}
	}
	if n := len(r.platform.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt})); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestQQBots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "bots.yaml")
	secret := filepath.Join(dir, "secret")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, "two\n")
	write(file, "- {name: county, app_id: \"1\", secret: one}\n- {app_id: \"2\", secret_file: "+secret+", transport: websocket}\n")
	list, err := qqBots(config.QQ{Bots: file, Transport: "webhook"})
	want := []qqBot{{Name: "county", AppID: "1", Secret: "one", Transport: "webhook"}, {Name: "qq-2", AppID: "2", Secret: "two", SecretFile: secret, Transport: "websocket"}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("got %+v, %v", list, err)
	}
	for name, text := range map[string]string{
		"the same bot twice":            "- {app_id: \"1\", secret: a}\n- {app_id: \"1\", secret: b}",
		"no secret":                     "- {app_id: \"1\"}",
		"a field that is not there":     "- {app_id: \"1\", secret: a, token: b}",
		"a transport that is not there": "- {app_id: \"1\", secret: a, transport: pigeon}",
		"no secret file":                "- {app_id: \"1\", secret_file: " + dir + "/none}",
	} {
		write(file, text)
		if list, err := qqBots(config.QQ{Bots: file, Transport: "webhook"}); err == nil || !strings.Contains(err.Error(), "QQ_BOTS") {
			t.Errorf("%s: got %+v, %v", name, list, err)
		}
	}
}
