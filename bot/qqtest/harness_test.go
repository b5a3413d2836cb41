package qqtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a base clock that stands still until the platform's is advanced.
func clock() time.Time { return time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC) }

const (
	appID  = "102000001"
	secret = "DG5g3B4j9X2KOErG"
)

// rig is a platform with one bot that is nothing but raw HTTP.
type rig struct {
	t     *testing.T
	p     *Platform
	bot   *Bot
	token string
	hook  *hook
}

// hook is a webhook that takes everything down.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	got    []got
	answer func(n int, body []byte) (int, string)
}

type got struct {
	header  http.Header
	length  int64
	body    []byte
	decoded struct {
		ID string         `json:"id"`
		Op int            `json:"op"`
		T  string         `json:"t"`
		S  int64          `json:"s"`
		D  map[string]any `json:"d"`
	}
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g := got{header: r.Header, length: r.ContentLength, body: body}
	_ = json.Unmarshal(body, &g.decoded) // attacks are no JSON
	h.mu.Lock()
	h.got = append(h.got, g)
	n := len(h.got)
	answer := h.answer
	h.mu.Unlock()
	status, text := 200, `{"op":12,"d":0}`
	if answer != nil {
		status, text = answer(n, body)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (h *hook) all() []got {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]got(nil), h.got...)
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock
	}
	if o.RetryWait == 0 {
		o.RetryWait = time.Millisecond
	}
	p := New(o)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	h := &hook{}
	h.Server = httptest.NewServer(h)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		h.Close()
	})
	r := &rig{t: t, p: p, hook: h, bot: p.AddBot(appID, secret, BotOptions{Webhook: h.URL + "/qq/webhook"})}
	r.login()
	return r
}

func (r *rig) login() {
	r.t.Helper()
	status, out := r.raw("POST", "/app/getAppAccessToken", "", object{"appId": appID, "clientSecret": secret})
	token, isText := out["access_token"].(string)
	if status != 200 || !isText {
		r.t.Fatalf("token: %d %v", status, out)
	}
	r.token = token
}

// raw makes one request with the Authorization header given.
func (r *rig) raw(method, path, auth string, body any) (int, object) {
	r.t.Helper()
	status, out, err := r.try(method, path, auth, body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, out
}

func (r *rig) try(method, path, auth string, body any) (int, object, error) {
	r.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		raw = encode(b)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.p.URL()+path, bytes.NewReader(raw))
	if err != nil {
		r.t.Fatal(err)
	}
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.Header.Get("X-Tps-trace-ID") == "" {
		r.t.Errorf("%s %s: no trace id", method, path)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, nil, err
	}
	out := object{}
	_ = json.Unmarshal(text, &out) // lists and pages give an empty object
	return resp.StatusCode, out, nil
}

// call makes a request with the bot's token.
func (r *rig) call(method, path string, body any) (int, object) {
	r.t.Helper()
	return r.raw(method, path, "QQBot "+r.token, body)
}

// send sends to a person or group and returns the error code, 0 if taken.
func (r *rig) send(path string, body object) int {
	r.t.Helper()
	_, out := r.call("POST", path+"/messages", body)
	return errCode(out)
}

func errCode(out object) int {
	if c, has := out["err_code"].(float64); has {
		return int(c)
	}
	if c, has := out["code"].(float64); has {
		return int(c)
	}
	return 0
}

func (r *rig) want(what string, got, want int) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: got code %d, want %d", what, got, want)
	}
}

// until waits for a condition of the platform.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	if err := r.p.WaitFor(ctx, cond); err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

// delivered waits until n deliveries were answered and returns what the hook got.
func (r *rig) delivered(n int) []got {
	r.t.Helper()
	r.until("deliveries", func() bool { return len(r.p.Transcript(Filter{Kind: KindDelivery})) >= n })
	return r.hook.all()
}

func users(u *User) string   { return "/v2/users/" + u.OpenID() }
func groups(g *Group) string { return "/v2/groups/" + g.OpenID() }

func text(content, msgID string, seq int) object {
	m := object{"msg_type": 0, "content": content}
	if msgID != "" {
		m["msg_id"] = msgID
	}
	if seq != 0 {
		m["msg_seq"] = seq
	}
	return m
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// copyBody reads a request's body into w, 1 MiB of it at most.
func copyBody(w io.Writer, r *http.Request) (int64, error) {
	return io.Copy(w, io.LimitReader(r.Body, 1<<20))
}
