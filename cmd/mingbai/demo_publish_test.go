package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"mingbai/bot/qqtest"
	"mingbai/office"
)

// say tells who watches the demonstration what happens.
func say(format string, a ...any) { fmt.Fprintf(os.Stdout, format+"\n", a...) }

// TestDemoPublish is what `make demo-publish` shows: a plan due in a minute,
// approved by a second officer, published to the directory and to a bucket,
// delivered to two subscribers on a simulated QQ and refused by a third, then
// recalled. It takes a minute and a half, so it waits to be asked for.
func TestDemoPublish(t *testing.T) {
	if os.Getenv("MINGBAI_DEMO") == "" {
		t.Skip("make demo-publish runs it")
	}
	backend := s3mem.New()
	if err := backend.CreateBucket("pufa"); err != nil {
		t.Fatal(err)
	}
	bucket := httptest.NewServer(gofakes3.New(backend, gofakes3.WithTimeSkewLimit(0)).Server())
	defer bucket.Close()
	r := newDemo(t, "PUBLISH_WINDOW=00:00-23:59", "S3_ENDPOINT="+bucket.URL, "S3_BUCKET=pufa", "S3_ACCESS_KEY=id", "S3_SECRET_KEY=geheim", "S3_URL="+bucket.URL+"/pufa/")
	say("程序在 http://%s，QQ 模拟平台在 %s，对象存储在 %s，都只在本机。", r.address, r.platform.URL(), bucket.URL)
	p := r.platform
	wang, li, zhao := p.User(r.bot, "王芳"), p.User(r.bot, "李强"), p.User(r.bot, "赵敏")
	for _, u := range []*qqtest.User{wang, li, zhao} {
		u.Befriend()
		u.Say("订阅 乡村")
		r.shown(u.SeenTexts, "订阅了：乡村")
	}
	zhao.SetPush(false)
	say("王芳、李强、赵敏在 QQ 上发了“订阅 乡村”；赵敏随后关掉了主动消息。")
	run := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		a := &app{out: &out, err: os.Stderr, in: strings.NewReader("借钱要打借条，写清金额、利率、还款日。依据《中华人民共和国民法典》第六百六十七条。"), now: time.Now, environ: r.environ}
		say("$ mingbai %s", strings.Join(args, " "))
		err := a.load("")
		if err == nil {
			for _, c := range commands() {
				if c.name == args[0] {
					err = c.run(t.Context(), a, args[1:])
				}
			}
		}
		say("%s", strings.TrimSpace(out.String()))
		if err != nil {
			say("出错： %s", message(err))
			return "出错：" + message(err)
		}
		return out.String()
	}
	run("org", "add", "县", "青禾县")
	run("person", "add", "李写", "--role", "普法干部", "--org", "青禾县")
	run("person", "add", "吴审", "--role", "普法干部", "--org", "青禾县")
	run("content", "add", "--by", "1", "--title", "借条怎么写", "--audience", "乡村", "-")
	run("content", "submit", "1", "--by", "1")
	if got := run("content", "approve", "1", "--by", "1"); !strings.Contains(got, "不能是同一个人") {
		t.Errorf("who wrote it approved it: %s", got)
	}
	run("content", "approve", "1", "--by", "2")
	due := time.Now().In(time.FixedZone("", 8*3600)).Add(time.Minute + 5*time.Second).Truncate(time.Minute)
	run("plan", "add", "马上", due.Format("2006-01-02 15:04"), "--by", "1", "--item", "1")
	say("等到 %s ……", due.Format("15:04"))
	for _, u := range []*qqtest.User{wang, li} {
		say("QQ 上收到：%s", firstLine(r.shown(u.SeenTexts, "【借条怎么写】")))
	}
	r.ledger(1, office.ActPublish, "refused off,sent,sent,sent,sent")
	for _, at := range []string{"http://" + r.address + "/pufa/a/p1.html", bucket.URL + "/pufa/a/p1.html"} {
		say("GET %s：%s", at, demoPage(t, at, "借条怎么写"))
	}
	run("deliveries", "list")
	run("content", "recall", "1", "利率写错了", "--by", "2")
	for _, u := range []*qqtest.User{wang, li} {
		say("QQ 上收到：%s", firstLine(r.shown(u.SeenTexts, "【更正】")))
	}
	r.ledger(1, office.ActCorrect, "sent,sent")
	r.ledger(1, office.ActWithdraw, "sent,sent")
	for _, at := range []string{"http://" + r.address + "/pufa/a/p1.html", bucket.URL + "/pufa/a/p1.html"} {
		say("GET %s：%s", at, demoPage(t, at, "利率写错了"))
	}
	if texts := strings.Join(zhao.SeenTexts(), "\n"); strings.Contains(texts, "更正") {
		t.Error("who got nothing was told of the recall")
	}
	run("deliveries", "list")
	if got := run("jobs", "last", "publish"); !strings.Contains(got, "publish") || !strings.Contains(got, "好") {
		t.Errorf("jobs last: %s", got)
	}
	run("audit", "verify")
}

// demoRig is the whole program with a bot on a simulated QQ.
type demoRig struct {
	t        *testing.T
	platform *qqtest.Platform
	bot      *qqtest.Bot
	records  *office.DB
	environ  []string
	address  string
}

func newDemo(t *testing.T, more ...string) *demoRig {
	t.Helper()
	r := &demoRig{t: t, platform: qqtest.New(qqtest.Options{Seed: 1})}
	if err := r.platform.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.platform.Close() }) //nolint:errcheck // the demonstration is over
	r.bot = r.platform.AddBot("102000001", "secret", qqtest.BotOptions{})
	r.environ = append([]string{"DATA_DIR=" + t.TempDir(), "LISTEN=127.0.0.1:0", "QQ_APP_ID=102000001", "QQ_APP_SECRET=secret",
		"QQ_API_BASE=" + r.platform.URL(), "QQ_TOKEN_BASE=" + r.platform.URL()}, more...)
	a := &app{out: io.Discard, err: io.Discard, now: time.Now, environ: r.environ}
	if err := a.load(""); err != nil {
		t.Fatal(err)
	}
	s, err := a.newServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.records = s.ln.Addr().String(), s.records
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := r.bot.SetWebhook("http://" + r.address + qqPath); err != nil {
		t.Fatal(err)
	}
	if err := r.bot.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// until waits up to two minutes.
func (r *demoRig) until(what string, ok func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			r.t.Fatalf("it did not come to pass: %s", what)
		case <-look.C:
		}
	}
}

// shown waits until somebody sees a text with these words, and gives it.
func (r *demoRig) shown(texts func() []string, want string) (found string) {
	r.t.Helper()
	r.until("somebody sees "+want, func() bool {
		for _, s := range texts() {
			if strings.Contains(s, want) {
				found = s
			}
		}
		return found != ""
	})
	return found
}

// ledger waits until the deliveries of an item have come to these ends.
func (r *demoRig) ledger(piece int64, act, want string) {
	r.t.Helper()
	r.until("the ledger says "+want, func() bool {
		list, _, err := r.records.Deliveries(r.t.Context(), office.DeliveryFilter{Piece: piece, Act: act})
		if err != nil {
			r.t.Fatal(err)
		}
		var states []string
		for _, d := range list {
			states = append(states, strings.TrimSpace(d.State+" "+d.Code))
		}
		slices.Sort(states)
		return strings.Join(states, ",") == want
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// demoPage fetches a page and finds the words in it.
func demoPage(t *testing.T, at, want string) string {
	t.Helper()
	resp, err := http.Get(at) //nolint:noctx // a demonstration on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || !strings.Contains(string(body), want) {
		t.Fatalf("%s: %s has no %q, %v", at, resp.Status, want, err)
	}
	return resp.Status + "，页面上有“" + want + "”"
}
