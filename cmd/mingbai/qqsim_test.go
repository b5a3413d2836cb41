package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSimulatorStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"qqsim --listen 0.0.0.0:0":       "只在本机",
		"qqsim --control 192.168.1.7:80": "只在本机",
		"qqsim --listen 127.0.0.1:0 --control 127.0.0.1:0 --webhook http://example.com:80/x": "127.0.0.1:端口",
		"qqsim --profile 1999":       "strict2026",
		"qqsim extra":                "extra",
		"demo --listen 0.0.0.0:0":    "只在本机",
		"demo --page example.com:80": "只在本机",
	} {
		if code, _, errs := try(t, t.TempDir(), "", strings.Fields(line)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %q, want %q", line, code, errs, want)
		}
	}
}

// trial is a running demo, driven by the control API as its page does.
type trial struct {
	t    *testing.T
	page string
	last int64 // entries of the transcript looked at
}

type wireEntry struct {
	N        int64  `json:"n"`
	Kind     string `json:"kind"`
	Type     string `json:"type"`
	Endpoint string `json:"endpoint"`
	Accepted bool   `json:"accepted"`
	Code     int    `json:"code"`
	Note     string `json:"note"`
	Seen     string `json:"seen"`
}

func startDemo(t *testing.T, transport string) *trial {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"demo", "--page", "127.0.0.1:0", "--platform", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--transport", transport},
			strings.NewReader(""), in, &errs, []string{"DATA_DIR=" + t.TempDir()})
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	d := &trial{t: t}
	for d.page == "" && lines.Scan() {
		d.page = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text())
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, out)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit %d: %s", code, errs.String())
		}
		<-drained
	})
	if d.page == "" {
		t.Fatalf("no address of the page: exit %d, %s", <-done, errs.String())
	}
	return d
}

func (d *trial) tell(action, body string) {
	d.t.Helper()
	resp, err := http.Post(d.page+"/api/"+action, "application/json", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		text, _ := io.ReadAll(resp.Body)
		d.t.Fatalf("%s %s: %s", action, body, text)
	}
}

// until reads the transcript on until an entry fits.
func (d *trial) until(what string, fits func(wireEntry) bool) wireEntry {
	d.t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); {
		_, body := get(d.t, d.page+"/api/transcript?wait=5&after="+jsonOf(d.last))
		var out struct{ Entries []wireEntry }
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			d.t.Fatal(err)
		}
		for _, e := range out.Entries {
			d.last = e.N
			if fits(e) {
				return e
			}
		}
	}
	_, body := get(d.t, d.page+"/api/transcript?last=20")
	d.t.Fatalf("%s: it did not happen\n%s", what, body)
	return wireEntry{}
}

func jsonOf(v any) string {
	raw, _ := json.Marshal(v) // numbers always marshal
	return string(raw)
}

// sees waits until somebody sees a message of the bot with these words.
func (d *trial) sees(endpoint string, words ...string) wireEntry {
	d.t.Helper()
	return d.until(endpoint+" "+strings.Join(words, " "), func(e wireEntry) bool {
		for _, w := range words {
			if !strings.Contains(e.Seen, w) {
				return false
			}
		}
		return e.Kind == "attempt" && e.Accepted && e.Endpoint == endpoint
	})
}

// refused waits until the platform refuses a message with the code.
func (d *trial) refused(code int) {
	d.t.Helper()
	d.until("a refusal", func(e wireEntry) bool { return e.Kind == "attempt" && e.Code == code })
}

// TestDemo walks through what a first visitor of make demo does, on both
// transports: private questions, one in a group with an ID number in it, a
// button, a reply that comes too late and is held, and a push that is off.
func TestDemo(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"webhook", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, transport)
			if transport == "webhook" {
				d.until("the bot", func(e wireEntry) bool { return strings.HasPrefix(e.Note, "webhook http://") })
				d.tell("validate", `{}`)
			} else {
				d.until("a session", func(e wireEntry) bool { return e.Note == "socket identified" })
			}
			d.sees("c2c/messages", "绑定好了")
			d.tell("say", `{"user":"李梅","text":"老板三个月没发工资，我是外地来打工的，能请免费律师吗"}`)
			d.sees("c2c/messages", "法律援助")
			d.tell("say", `{"user":"周大娘","text":"工资"}`)
			d.sees("c2c/messages", "哪一个")
			d.tell("press", `{"user":"周大娘","button":"c1"}`)
			d.until("the spinner", func(e wireEntry) bool { return e.Endpoint == "interactions" && e.Accepted })
			d.sees("c2c/messages")
			d.tell("say", `{"user":"周大娘","text":"老板欠我三个月工资一直不给怎么办"}`)
			d.sees("c2c/messages", "欠")
			d.tell("say", `{"user":"王强","text":"被狗咬了谁赔"}`)
			d.sees("c2c/messages", "狗")
			d.tell("say", `{"user":"周大娘","group":"城东村法治群","at":true,"text":"我身份证号110101194912310022，低保被取消了怎么办"}`)
			if e := d.sees("group/messages", "私聊"); strings.Contains(e.Seen, "110101194912310022") {
				t.Errorf("the group reads the number: %s", e.Seen)
			}

			d.tell("fault", `{"kind":"500","endpoint":"c2c/messages","user":"李梅","times":3}`)
			d.tell("push", `{"user":"李梅","on":false}`)
			d.tell("say", `{"user":"李梅","text":"城里人可以买农村的宅基地房子吗"}`)
			d.until("a failure", func(e wireEntry) bool { return e.Code == 50055001 })
			d.tell("clock", `{"duration":"61m"}`)
			d.refused(40034005)
			d.tell("say", `{"user":"李梅","text":"你好"}`)
			d.sees("c2c/messages", "取件")
			pushesToTheClerk(d)
		})
	}
}

// pushesToTheClerk has two residents hand in a case each: the clerk is told of
// the first unasked, and of the second, once he wants no pushes any more, when
// he says something.
func pushesToTheClerk(d *trial) {
	d.t.Helper()
	file := func(who string, until ...string) {
		said := []string{"人工", "1", "三里村", "无", "无", "无", "无"} // the story is what they asked before
		for _, words := range said {
			d.tell("say", `{"user":"`+who+`","text":"`+words+`"}`)
			d.sees("c2c/messages")
		}
		d.tell("say", `{"user":"`+who+`","text":"1"}`)
		missing := map[string]bool{} // they come in any order
		for _, words := range until {
			missing[words] = true
		}
		for len(missing) > 0 {
			seen := d.sees("c2c/messages").Seen
			for words := range missing {
				if strings.Contains(seen, words) {
					delete(missing, words)
				}
			}
		}
	}
	d.tell("clock", `{"duration":"61m"}`)
	file("王强", "已登记", "新件")
	d.tell("push", `{"user":"陈所长","on":false}`)
	file("周大娘", "已登记")
	d.tell("say", `{"user":"陈所长","text":"待办"}`)
	d.sees("c2c/messages", "【您有 1 条消息】", "新件", "待办 2 件")
}
