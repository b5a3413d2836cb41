package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
	"mingbai/knowledge/llmtest"
)

// TestMain lets a test run the program as a process of its own, which it can
// kill.
func TestMain(m *testing.M) {
	if line := os.Getenv("MINGBAI_TEST_RUN"); line != "" {
		os.Exit(run(context.Background(), strings.Fields(line), os.Stdin, os.Stdout, os.Stderr, os.Environ()))
	}
	code := m.Run()
	servers.Stop()
	os.Exit(code)
}

// served is `mingbai serve` as a process.
type served struct {
	t    *testing.T
	base string
	env  []string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

func newServed(t *testing.T, env ...string) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &served{t: t, base: "http://" + addr, env: append(env, "MINGBAI_TEST_RUN=serve", "MINGBAI_CONFIG=", "LISTEN="+addr, "DATA_DIR="+filepath.Join(t.TempDir(), "data"))}
	t.Cleanup(s.kill)
	return s
}

func (s *served) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Dir = s.t.TempDir()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(3 * time.Minute); ; {
		resp, err := http.Get(s.base + "/healthz")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // it answers, that is all
			resp.Body.Close()
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("it does not serve: %v\n%s", err, s.log.String())
		}
		if err := pause(s.t.Context(), 20*time.Millisecond); err != nil {
			s.t.Fatal(err)
		}
	}
}

// kill ends it as kill -9 does.
func (s *served) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it may have gone
		_ = s.cmd.Wait()         // it was killed
		s.cmd = nil
	}
}

// chatPage is the chat page in a browser.
type chatPage struct {
	context.Context
	t *testing.T
}

func openChat(t *testing.T, browser context.Context, url string) *chatPage {
	t.Helper()
	ctx, shut := chromedp.NewContext(browser)
	t.Cleanup(shut)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	p := &chatPage{ctx, t}
	p.run(chromedp.EmulateViewport(390, 844), chromedp.Navigate(url))
	return p
}

func (p *chatPage) run(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p, actions...); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
}

func (p *chatPage) say(text string) {
	p.t.Helper()
	p.until(`!document.querySelector('#composer').hidden`)
	p.run(chromedp.Focus(`#words`, chromedp.ByQuery),
		chromedp.ActionFunc(func(ctx context.Context) error { return input.InsertText(text).Do(ctx) }),
		chromedp.Evaluate(`document.querySelector('#composer').requestSubmit()`, nil))
}

func (p *chatPage) until(expression string) {
	p.t.Helper()
	var ok bool
	err := chromedp.Run(p, chromedp.Poll(`(() => { try { return !!(`+expression+`); } catch { return false; } })()`, &ok,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(time.Minute)))
	if err != nil {
		p.t.Fatalf("waiting for %s: %v\npage: %s", expression, err, p.text(`document.body.innerText`))
	}
}

func (p *chatPage) text(expression string) string {
	p.t.Helper()
	var s string
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p), 10*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Evaluate(expression, &s)); err != nil {
		p.t.Errorf("browser: %v", err)
	}
	return s
}

// picture stores what the page looks like where SCREENSHOTS names a directory.
func (p *chatPage) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	p.run(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		p.t.Error(err)
	}
}

// midStory is a story that a model words the answer to.
const midStory = "我在工地上干了半年，老板一直没和我签书面合同，现在我要走了，他说没签合同就什么也没有，我能要多少双倍工资"

// midDraft is what the model would say; it never comes further than its middle.
const midDraft = "能要，满一个月没签书面合同，从第二个月起每月可以要两倍工资。〔1〕〔2〕最多补11个月。〔2〕先把工资条、考勤和聊天记录保存好。再向劳动仲裁委申请，仲裁不收费。一年之内都可以申请，越早越好。别签日期倒填的合同。"

const (
	midShown = `document.querySelector('.growing .body').innerText`
	midFinal = `[...document.querySelectorAll('.turn.bot:not(.growing)')].at(-1).querySelector('.body').innerText`
)

// inMidAnswer has a person agree to the model and ask, and returns when the page
// shows the beginning of what the model says and the model has fallen silent.
func inMidAnswer(t *testing.T, browser context.Context) (s *served, model *llmtest.Server, p *chatPage, shown string) {
	t.Helper()
	model = llmtest.New()
	model.Answer(llmtest.Wrong(midDraft, llmtest.Stall))
	s = newServed(t, "OPENAI_BASE_URL="+model.URL(), "OPENAI_MODEL="+llmtest.Name)
	s.start()
	p = openChat(t, browser, s.base)
	p.say("同意AI")
	p.until(`document.querySelectorAll('.turn.bot').length == 1`)
	p.say(midStory)
	p.until(midShown + `.includes('最多补11个月')`)
	shown = p.text(midShown)
	if !strings.HasPrefix(shown, "AI生成") || !strings.Contains(shown, "两倍工资") {
		t.Fatalf("the page shows %q", shown)
	}
	p.picture("mid-answer")
	return s, model, p, shown
}

// kept fails the test unless the final answer on the page is what was shown and
// then the reviewed answer, labelled.
func (p *chatPage) kept(shown string) {
	p.t.Helper()
	p.until(midFinal + `.includes('中断了')`)
	got := p.text(midFinal)
	_, words, _ := strings.Cut(strings.TrimSpace(shown), "\n\n") // below the label
	before, after, ok := strings.Cut(got, words)
	if !strings.HasPrefix(before, "AI生成") || !ok || len([]rune(before)) > 60 || !strings.Contains(after, "按你说的时间算") {
		p.t.Errorf("shown was\n%s\nand then\n%s", shown, got)
	}
	if n := p.text(`String(document.querySelectorAll('.growing').length)`); n != "0" {
		p.t.Errorf("%s drafts are left on the page", n)
	}
}

// TestPage_MidAnswer: what a page has shown of a model's answer stays there.
func TestPage_MidAnswer(t *testing.T) {
	t.Parallel()
	browser := servers.StartChromium(t)
	t.Run("the model is unplugged", func(t *testing.T) { modelUnplugged(t, browser) })
	t.Run("the program is killed", func(t *testing.T) { killedInMidAnswer(t, browser) })
}

// modelUnplugged: the model goes in the middle of its answer. The reviewed answer
// follows.
func modelUnplugged(t *testing.T, browser context.Context) {
	_, model, p, shown := inMidAnswer(t, browser)
	model.Close()
	p.kept(shown)
	p.picture("unplugged")
}

// killedInMidAnswer: the program is killed in the middle of an answer
// and started again. The page keeps what it showed, never shows another draft,
// and gets the reviewed answer behind; the model is not asked again.
func killedInMidAnswer(t *testing.T, browser context.Context) {
	s, model, p, shown := inMidAnswer(t, browser)
	defer model.Close()
	var asked atomic.Int32
	model.Answer(func(llmtest.Request) (string, llmtest.Fault) {
		asked.Add(1)
		return "不能要，一分钱也没有，这是另一稿。〔1〕", llmtest.None
	})
	p.text(`(() => {
		window.drafts = [];
		new MutationObserver(() => document.querySelectorAll('.growing .body').forEach((n) => window.drafts.push(n.innerText)))
			.observe(document.body, {subtree: true, childList: true, characterData: true});
		return '';
	})()`)
	s.kill()
	if now := p.text(midShown); now != shown {
		t.Errorf("the page shows %q while the program is down, want %q", now, shown)
	}
	s.start()
	p.kept(shown)
	p.picture("killed")
	if drafts := p.text(`window.drafts.filter((d) => d !== ` + jsonOf(shown) + `).join('|')`); drafts != "" {
		t.Errorf("other drafts were shown: %s", drafts)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the model was asked %d times again", n)
	}
}
