package qqtest

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"mingbai/internal/servers"
)

// sheet is the page in a browser.
type sheet struct {
	context.Context
	t *testing.T

	mu     sync.Mutex
	faults []string // exceptions nobody caught, breaches of the policy
}

func openPage(t *testing.T, url string) *sheet {
	t.Helper()
	ctx := servers.StartChromium(t)
	ctx, done := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(done)
	s := &sheet{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, s.heard)
	s.run(log.Enable(), chromedp.EmulateViewport(1440, 900), chromedp.Navigate(url))
	s.until(`document.querySelector('.contact')`)
	return s
}

func (s *sheet) heard(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		s.faults = append(s.faults, e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			s.faults = append(s.faults, e.Entry.Text)
		}
	}
}

func (s *sheet) run(actions ...chromedp.Action) {
	s.t.Helper()
	if err := chromedp.Run(s, actions...); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a condition of the page.
func (s *sheet) until(condition string) {
	s.t.Helper()
	var yes bool
	if err := chromedp.Run(s, chromedp.Poll("!!("+condition+")", &yes, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		var text string
		_ = chromedp.Run(s, chromedp.Evaluate(`document.body.innerText`, &text)) // for the message
		s.t.Fatalf("%s: %v\n%s", condition, err, text)
	}
}

func (s *sheet) say(text string) {
	s.t.Helper()
	s.run(chromedp.SendKeys(`#composer textarea`, text, chromedp.ByQuery), chromedp.Click(`#composer button.main`, chromedp.ByQuery))
}

func (s *sheet) has(text string) {
	s.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		s.t.Fatal(err)
	}
	s.until(`document.querySelector('#bubbles').innerText.includes(` + string(quoted) + `)`)
}

// shoot stores a picture in the directory SCREENSHOTS names, if it names one.
func (s *sheet) shoot(name string) {
	s.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var picture []byte
	s.run(chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// parrot answers what it is told with Markdown and two keys.
func (r *rig) parrot() {
	r.hook.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var in struct {
			ID string `json:"id"`
			T  string `json:"t"`
			D  struct {
				ID      string `json:"id"`
				Content string `json:"content"`
				Group   string `json:"group_openid"`
				User    string `json:"user_openid"`
				Author  struct {
					User string `json:"user_openid"`
				} `json:"author"`
			} `json:"d"`
		}
		if json.NewDecoder(q.Body).Decode(&in) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"op":12,"d":0}`))
		path := "/v2/users/" + in.D.Author.User + in.D.User
		picture := "https://example.com/a.png"
		if in.D.Group != "" {
			picture = "图" // no addresses in groups
			path = "/v2/groups/" + in.D.Group
		}
		answer := object{"msg_type": 2, "msg_seq": 1, "markdown": object{"content": "## 可以申请劳动仲裁\n\n你说的是：" + in.D.Content +
			"\n\n1. 先收集**工资条**、考勤记录\n2. 到劳动人事争议仲裁委员会申请\n\n> 《劳动争议调解仲裁法》第二十七条\n\n<script>alert(1)</script>\n\n<qqbot-cmd-enter text=\"%E7%BB%A7%E7%BB%AD\" /> ![图](" + picture + ")"},
			"keyboard": object{"content": object{"rows": []object{{"buttons": []object{
				{"id": "human", "render_data": object{"label": "转人工"}, "action": object{"type": 1, "data": "human"}},
				{"id": "more", "render_data": object{"label": "怎样写申请书"}, "action": object{"type": 2, "data": "怎样写申请书", "enter": true}}}}}}}}
		if in.T == "INTERACTION_CREATE" {
			answer["event_id"] = in.ID
			_, _ = r.call("PUT", "/interactions/"+in.D.ID, object{"code": 0})
		} else {
			answer["msg_id"] = in.D.ID
		}
		_, _ = r.call("POST", path+"/messages", answer)
	})
}

func TestPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Clock: time.Now})
	r.parrot()
	mei, qiang := r.p.User(r.bot, "李梅"), r.p.User(r.bot, "王强")
	r.p.Group(r.bot, "城东村法治群", mei, qiang)
	s := openPage(t, r.p.ControlURL()+"/")
	s.say("老板拖欠三个月工资怎么办")
	s.has("到劳动人事争议仲裁委员会申请")
	s.until(`document.querySelector('#bubbles h2, #bubbles ol li strong') && !document.querySelector('#bubbles script, #bubbles img')`)
	s.shoot("chat")
	s.run(chromedp.Evaluate(`document.querySelector('.keys button[data-key="human"]').click()`, nil))
	s.until(`document.querySelector('.keys button[data-spin="acked"]')`)
	s.run(chromedp.Evaluate(`document.querySelector('.bubble a[href^="#say-"]').click()`, nil))
	s.has("你说的是：继续")
	s.run(chromedp.Evaluate(`[...document.querySelectorAll('.contact')].find((c) => c.innerText.includes('城东村法治群')).click()`, nil))
	s.until(`document.querySelector('#name').innerText === '城东村法治群'`)
	s.say("邻居占了我家地")
	s.has("@明白 邻居占了我家地")
	s.has("你说的是： 邻居占了我家地")
	s.shoot("group")
	s.run(chromedp.Click(`[data-advance="61m"]`, chromedp.ByQuery))
	s.until(`!document.querySelector('#ahead').hidden && document.querySelector('#ahead').innerText.includes('1 时')`)
	s.run(chromedp.Evaluate(`[...document.querySelectorAll('#switches label')].find((l) => l.innerText.includes('允许主动消息')).click()`, nil))
	r.until("the switch", func() bool { return r.lastEvent("GROUP_MSG_REJECT") != "" })
	s.run(chromedp.Click(`#faults summary`, chromedp.ByQuery))
	s.shoot("faults")
	s.run(chromedp.Click(`#fault button.main`, chromedp.ByQuery))
	s.until(`document.querySelector('#armed').innerText === '1'`)
	s.run(chromedp.SetValue(`#profile`, "2025", chromedp.ByQuery), chromedp.Evaluate(`document.querySelector('#profile').dispatchEvent(new Event('change'))`, nil))
	r.until("the profile", func() bool {
		r.p.mu.Lock()
		defer r.p.mu.Unlock()
		return r.p.rules.Profile == Profile2025
	})
	s.run(chromedp.Evaluate(`document.querySelectorAll('#wire li[data-kind="attempt"] summary')[1].click()`, nil))
	s.until(`document.querySelector('#wire pre') && document.querySelectorAll('#wire li[data-kind="delivery"] .good').length >= 3`)
	s.shoot("wire")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) > 0 {
		t.Errorf("the page has faults: %s", strings.Join(s.faults, "\n"))
	}
}
