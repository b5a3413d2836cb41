package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// platform is the two servers of QQ as a test wants them to behave.
type platform struct {
	t      testing.TB
	server *httptest.Server
	tokens atomic.Int32                                              // tokens given out
	token  func(w http.ResponseWriter, n int)                        // nil: a token that lives 2 h
	answer func(w http.ResponseWriter, r *http.Request, body string) // nil: a message id

	mu    sync.Mutex
	calls []platformCall
}

type platformCall struct{ method, path, auth, body string }

func newPlatform(t testing.TB) *platform {
	t.Helper()
	p := &platform{t: t}
	p.server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.server.Close)
	return p
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/app/getAppAccessToken" {
		n := int(p.tokens.Add(1))
		if p.token != nil {
			p.token(w, n)
			return
		}
		fmt.Fprintf(w, `{"access_token":"token%d","expires_in":"7200"}`, n)
		return
	}
	p.mu.Lock()
	p.calls = append(p.calls, platformCall{r.Method, r.URL.Path, r.Header.Get("Authorization"), string(body)})
	n := len(p.calls)
	p.mu.Unlock()
	if p.answer != nil {
		p.answer(w, r, string(body))
		return
	}
	fmt.Fprintf(w, `{"id":"sent%d","timestamp":1784570523}`, n)
}

func (p *platform) seen() []platformCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]platformCall(nil), p.calls...)
}

func (p *platform) options() QQOptions {
	return QQOptions{AppID: "102", Secret: "s3cret-canary", APIBase: p.server.URL, TokenBase: p.server.URL}
}

func (p *platform) api() *qqAPI {
	p.t.Helper()
	a, err := newQQAPI(p.options())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { closeIdle(a) })
	return a
}

// closeIdle lets the test's server end.
func closeIdle(a *qqAPI) { a.tokens.client.CloseIdleConnections() }

func refuse(w http.ResponseWriter, status, code int) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":"no","code":%d,"err_code":%d,"trace_id":"tr"}`, code, code)
}

// Newer releases of the HTTP library send the first call of a fresh client with
// another scheme, which the platform refuses.
func TestQQAPI_TheFirstCallCarriesTheScheme(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	a := p.api()
	for range qqClients + 1 {
		if _, err := a.post(context.Background(), "qq/user/U1", &qqBody{Content: "你好", MsgSeq: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range p.seen() {
		if c.auth != "QQBot token1" || c.path != "/v2/users/U1/messages" {
			t.Errorf("call %d: got %+v", i, c)
		}
	}
	if n := p.tokens.Load(); n != 1 {
		t.Errorf("%d tokens asked for, want 1", n)
	}
}

func TestQQAPI_AMessageSaysItsTypeAndNothingUnset(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id, err := p.api().post(context.Background(), "qq/group/G1", &qqBody{Content: "你好", MsgID: "m1", MsgSeq: 2})
	if err != nil || id != "sent1" {
		t.Fatalf("got %q, %v", id, err)
	}
	if got, want := p.seen()[0].body, `{"content":"你好","msg_type":0,"msg_id":"m1","msg_seq":2}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestQQAPI_AStaleTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []int{11241, 11243, 11244} {
		p := newPlatform(t)
		p.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
			if r.Header.Get("Authorization") == "QQBot token1" {
				refuse(w, 401, code)
				return
			}
			fmt.Fprint(w, `{"id":"ok"}`)
		}
		if id, err := p.api().post(context.Background(), "qq/user/U", &qqBody{Content: "x"}); err != nil || id != "ok" {
			t.Errorf("%d: got %q, %v", code, id, err)
		}
		p.answer = func(w http.ResponseWriter, r *http.Request, _ string) { refuse(w, 401, code) }
		before := len(p.seen())
		if _, err := p.api().post(context.Background(), "qq/user/U", &qqBody{Content: "x"}); qqClassOf(err) != qqStaleToken {
			t.Errorf("%d: got %v", code, err)
		}
		if n := len(p.seen()) - before; n != 2 {
			t.Errorf("%d: %d calls, want 2", code, n)
		}
	}
}

// The clock is injected: the server is out for ten minutes.
func TestQQAPI_ATokenServerThatIsDownKillsNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var down atomic.Bool
	p.token = func(w http.ResponseWriter, n int) {
		if down.Load() {
			w.WriteHeader(503)
			return
		}
		fmt.Fprintf(w, `{"access_token":"token%d","expires_in":300}`, n)
	}
	a := p.api()
	var passed atomic.Int64
	start := time.Now()
	a.tokens.now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	send := func() error {
		_, err := a.post(context.Background(), "qq/user/U", &qqBody{Content: "x"})
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	for at := time.Duration(0); at < 10*time.Minute; at += 10 * time.Second {
		passed.Store(int64(at))
		err := send()
		if at < 300*time.Second && err != nil {
			t.Errorf("after %v: the old token is good, got %v", at, err)
		}
		if at > 300*time.Second && qqClassOf(err) != qqRetry {
			t.Errorf("after %v: got %v", at, err)
		}
	}
	down.Store(false)
	passed.Store(int64(10*time.Minute + 3*time.Second))
	if err := send(); err != nil {
		t.Errorf("the server is back: %v", err)
	}
}

func TestQQAPI_TokenAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		class      qqClass // 0: a token
	}{
		{"text", `{"access_token":"a","expires_in":"7200"}`, 0},
		{"number", `{"access_token":"a","expires_in":7200}`, 0},
		{"no end", `{"access_token":"a"}`, 0},
		{"no token", `{"expires_in":"7200"}`, qqRetry},
		{"too many", `{"code":100001,"message":"Too many requests"}`, qqRetry},
		{"no such app", `{"code":100007,"message":"appid invalid"}`, qqConfig},
		{"wrong secret", `{"code":"100016","message":"invalid appid or secret"}`, qqConfig},
		{"a page", `<html>`, qqRetry},
		{"nothing", ``, qqRetry},
	} {
		p := newPlatform(t)
		p.token = func(w http.ResponseWriter, _ int) { fmt.Fprint(w, c.body) }
		got, err := p.api().token(context.Background())
		if (c.class == 0) != (err == nil) || qqClassOf(err) != c.class || (err == nil && got != "a") {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the secret is in %v", c.name, err)
		}
	}
}

func TestQQAPI_WhatNobodyKnowsIsUncertain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"reset": func(w http.ResponseWriter) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a plain close does too
			conn.Close()
		},
		"no id":     func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) },
		"not JSON":  func(w http.ResponseWriter) { fmt.Fprint(w, `<html>`) },
		"cut short": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); fmt.Fprint(w, `{"id":`) },
	} {
		p := newPlatform(t)
		p.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { answer(w) }
		if _, err := p.api().post(context.Background(), "qq/user/U", &qqBody{Content: "x"}); qqClassOf(err) != qqUncertain {
			t.Errorf("%s: got %v", name, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := newPlatform(t)
	o := p.options()
	o.APIBase = "http://" + l.Addr().String()
	a, err := newQQAPI(o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(a)
	if _, err := a.post(context.Background(), "qq/user/U", &qqBody{Content: "x"}); qqClassOf(err) != qqRetry {
		t.Errorf("nobody listens: got %v", err)
	}
}

func TestQQAPI_ASettingThatStopsEverythingOpensTheBreaker(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { refuse(w, 401, 40023002) }
	a := p.api()
	for range 5 {
		if _, err := a.post(context.Background(), "qq/user/U", &qqBody{Content: "x"}); qqClassOf(err) != qqConfig {
			t.Errorf("got %v", err)
		}
	}
	if n := len(p.seen()); n != 1 {
		t.Errorf("%d calls, want 1: the breaker is open", n)
	}
}

// Many calls at once: the race detector watches botgo's clients.
func TestQQAPI_CallsAtTheSameTime(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	a := p.api()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := a.post(context.Background(), "qq/user/U", &qqBody{Content: fmt.Sprint(i), MsgSeq: i + 1}); err != nil {
				t.Error(err)
			}
			if i%50 == 0 {
				a.invalidate()
			}
		})
	}
	wg.Wait()
	seen := map[int]bool{}
	for _, c := range p.seen() {
		var b qqBody
		if err := json.Unmarshal([]byte(c.body), &b); err != nil || seen[b.MsgSeq] {
			t.Fatalf("got %q, %v", c.body, err)
		}
		seen[b.MsgSeq] = true
	}
}

func TestQQAPI_GatewayAndInteractions(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		switch r.URL.Path {
		case "/gateway/bot":
			fmt.Fprint(w, `{"url":"wss://gw/websocket","shards":2}`)
		case "/interactions/I1":
			if body != `{"code":0}` || r.Method != "PUT" {
				refuse(w, 400, 630002)
				return
			}
			w.WriteHeader(204)
		}
	}
	a := p.api()
	if url, shards, err := a.gateway(context.Background()); url != "wss://gw/websocket" || shards != 2 || err != nil {
		t.Errorf("got %q, %d, %v", url, shards, err)
	}
	if err := a.ackInteraction(context.Background(), "I1", 0); err != nil {
		t.Error(err)
	}
}

func TestQQAPI_AnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, to := range []Address{"qq/member/G/M", "qq/user/", "qq/user/../x", "qq", "qq/group/a/b"} {
		if _, err := p.api().post(context.Background(), to, &qqBody{Content: "x"}); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v", to, err)
		}
	}
	for _, base := range []string{"qq.com", "ftp://qq.com", "http://"} {
		o := p.options()
		o.APIBase = base
		if _, err := newQQAPI(o); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}
