package jobs

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/office"
)

// platform plays the robots of three platforms. It checks what each documents,
// and answers as each does.
type platform struct {
	t       *testing.T
	mu      sync.Mutex
	got     map[string][]string // texts, by platform
	answers []string            // next bodies; then success
	now     func() time.Time
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var m struct {
		MsgType   string            `json:"msgtype"`
		Type      string            `json:"msg_type"`
		Text      map[string]string `json:"text"`
		Content   map[string]string `json:"content"`
		Timestamp string            `json:"timestamp"`
		Sign      string            `json:"sign"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		p.t.Error(err)
	}
	kind, text := strings.Trim(r.URL.Path, "/"), m.Text["content"]
	sign := func(key, s string) string {
		h := hmac.New(sha256.New, []byte(key))
		io.WriteString(h, s) //nolint:errcheck // a hash takes all
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	good := m.MsgType == "text"
	switch kind {
	case WeCom:
		good = good && r.URL.Query().Get("key") == "the key"
	case DingTalk:
		ts := r.URL.Query().Get("timestamp")
		good = good && ts == fmt.Sprint(p.now().UnixMilli()) && r.URL.Query().Get("access_token") == "t" && r.URL.Query().Get("sign") == sign("SECx", ts+"\nSECx")
	case Feishu:
		text = m.Content["text"]
		good = m.Type == "text" && m.Timestamp == fmt.Sprint(p.now().Unix()) && m.Sign == sign(m.Timestamp+"\nfs", "")
	}
	if !good {
		p.t.Errorf("%s: not as documented: %+v %s", kind, m, r.URL)
	}
	if len(p.answers) > 0 {
		a := p.answers[0]
		p.answers = p.answers[1:]
		if a == "500" {
			w.WriteHeader(500)
			return
		}
		io.WriteString(w, a) //nolint:errcheck // the caller sees it
		return
	}
	p.got[kind] = append(p.got[kind], text)
	io.WriteString(w, map[bool]string{true: `{"code":0,"msg":"success"}`, false: `{"errcode":0,"errmsg":"ok"}`}[kind == Feishu]) //nolint:errcheck // as above
}

// postOffice is a small SMTP server on loopback. It refuses refuse.
type postOffice struct {
	t      *testing.T
	refuse string
	mu     sync.Mutex
	got    []string
}

func (p *postOffice) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go p.talk(c)
	}
}

func (p *postOffice) talk(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	say := func(s string) { fmt.Fprint(c, s+"\r\n") }
	say("220 test")
	data, to := "", ""
	for in.Scan() {
		line := in.Text()
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); {
		case verb == "EHLO":
			say("250-test\r\n250 AUTH PLAIN")
		case verb == "AUTH":
			if user, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2]); string(user) != "\x00clerk\x00geheim" {
				say("535 no")
				return
			}
			say("235 ok")
		case verb == "RCPT" && p.refuse != "" && strings.Contains(line, p.refuse):
			say("550 no such user")
		case verb == "RCPT":
			to = line
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			for in.Scan() && in.Text() != "." {
				data += in.Text() + "\n"
			}
			p.mu.Lock()
			p.got = append(p.got, to+"\n"+data)
			p.mu.Unlock()
			say("250 ok")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// relayDesk is an office in which one case came in: two clerks were told, one of
// whom gets mail.
func relayDesk(t *testing.T, now func() time.Time) (*office.DB, string) {
	t.Helper()
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	orgs := [][]string{{"上级", "类别", "名称"}, {"", "县", "青禾县"}, {"青禾县", "乡镇街道", "城东街道"}, {"城东街道", "司法所", "城东司法所"}}
	people := [][]string{{"姓名", "角色", "机构", "邮箱"}, {"陈所", "经办人", "城东司法所", "chen@example.gov.cn"}, {"周所", "经办人", "城东司法所", ""}}
	if rep, err := db.ImportOrgs(t.Context(), "test", orgs, false); err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	if rep, err := db.ImportPeople(t.Context(), "test", people, false); err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	o, err := db.OpenCase(t.Context(), office.Person{Account: "web/user/a"}, office.Draft{Via: office.ViaResident, Matter: "wages", Name: "牛翠花", Phone: "13912345678", Place: "城东街道", Story: "老板拖着工资不给。"})
	if err != nil {
		t.Fatal(err)
	}
	return db, o.Case.No
}

func TestRelays_GroupsAndMailOnceEachWithRetries(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
	db, no := relayDesk(t, now)
	p := &platform{t: t, got: map[string][]string{}, now: now, answers: []string{"500", `{"errcode":45009,"errmsg":"freq"}`, `<html>`}}
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	post := &postOffice{t: t}
	go post.serve(l)
	var to []Relayer
	for _, o := range []RobotOptions{{Kind: WeCom, URL: web.URL + "/wecom?key=the+key"}, {Kind: DingTalk, URL: web.URL + "/dingtalk?access_token=t", Secret: "SECx"}, {Kind: Feishu, URL: web.URL + "/feishu", Secret: "fs"}} {
		o.Hosts, o.Now = []string{"127.0.0.1"}, now
		b, err := NewRobot(o)
		if err != nil {
			t.Fatal(err)
		}
		to = append(to, b)
	}
	m, err := NewMailer(MailOptions{Server: l.Addr().String(), User: "clerk", Password: "geheim", From: "mingbai@example.gov.cn", TLS: "none", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	j := Relays{Office: db, To: append(to, m), Log: slog.New(slog.NewTextHandler(&logged, nil))}
	once := func() {
		t.Helper()
		if err := j.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	once()
	if len(p.got) != 0 || len(post.got) != 1 {
		t.Fatalf("the platforms failed: %v; %d mails, want one", p.got, len(post.got))
	}
	once() // nothing is due yet
	if failed, err := db.Relays(t.Context(), true, 10); err != nil || len(failed) != 3 {
		t.Errorf("got %+v, %v", failed, err)
	}
	pass(11 * time.Minute) // too fast shuts ears for ten
	once()
	once()
	for _, kind := range []string{WeCom, DingTalk, Feishu} {
		if len(p.got[kind]) != 1 || !strings.Contains(p.got[kind][0], no+" 来了新件，等受理") {
			t.Errorf("%s: got %q, want one for both clerks", kind, p.got[kind])
		}
	}
	if len(post.got) != 1 || !strings.Contains(post.got[0], "chen@example.gov.cn") || !strings.Contains(post.got[0], "Message-ID: <notice-2@mingbai.local>") {
		t.Errorf("got %q", post.got)
	}
	said := fmt.Sprint(p.got, post.got, logged.String())
	for _, w := range []string{"牛翠花", "13912345678", "工资", "the key", "geheim", "SECx", "access_token"} {
		if strings.Contains(said, w) {
			t.Errorf("%q went out or into the log: %s", w, said)
		}
	}
}

func TestRelays_WhatIsNeverTakenIsGivenUp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	db, _ := relayDesk(t, now)
	p := &platform{t: t, got: map[string][]string{}, now: now, answers: []string{`{"errcode":93000,"errmsg":"invalid webhook url"}`}}
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	b, err := NewRobot(RobotOptions{Kind: WeCom, URL: web.URL + "/wecom?key=the+key", Hosts: []string{"127.0.0.1"}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go (&postOffice{t: t, refuse: "chen@"}).serve(l)
	m, err := NewMailer(MailOptions{Server: l.Addr().String(), From: "mingbai@example.gov.cn", TLS: "none", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	j := Relays{Office: db, To: []Relayer{b, m}, Log: slog.New(slog.DiscardHandler)}
	if err := j.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	at = at.Add(5 * time.Hour)
	if err := j.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := db.Relays(t.Context(), true, 10)
	if err != nil || len(list) != 2 || list[0].Tries != 1 || list[1].Tries != 1 || len(p.got) != 0 {
		t.Errorf("got %+v, %v, %v; want each tried once", list, p.got, err)
	}
	log, err := db.Audit(t.Context(), "", 2)
	if err != nil || log[0].Action != "relay given up" {
		t.Errorf("got %+v, %v", log, err)
	}
}

func TestNewRobot_OnlyAllowedHosts(t *testing.T) {
	t.Parallel()
	hosts := []string{"qyapi.weixin.qq.com", "127.0.0.1", "localtest.me", "localhost"}
	for _, address := range []string{"https://evil.example/robot?key=k", "http://qyapi.weixin.qq.com/x", "https://user:p@qyapi.weixin.qq.com/", "file:///etc/passwd", "https://10.0.0.1/x", "https://qyapi.weixin.qq.com@evil.example/", "https://qyapi.weixin.qq.com/#x"} {
		if _, err := NewRobot(RobotOptions{Kind: WeCom, URL: address, Hosts: hosts}); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
	b, err := NewRobot(RobotOptions{Kind: WeCom, URL: "https://localhost:1/robot?key=verysecret", Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Relay(t.Context(), office.Relay{}); err == nil || !strings.Contains(err.Error(), "inside a network") || strings.Contains(err.Error(), "verysecret") {
		t.Errorf("a name that leads inside: %v", err)
	}
	for _, o := range []MailOptions{{Server: "mail.example.com:25", From: "a@b.cn", TLS: "none"}, {Server: "nowhere", From: "a@b.cn", TLS: "tls"}, {Server: "m.example:465", From: "a@b.cn\r\nBcc: x@y.z", TLS: "tls"}, {Server: "m.example:465", From: "a@b.cn", TLS: "maybe"}} {
		if _, err := NewMailer(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
