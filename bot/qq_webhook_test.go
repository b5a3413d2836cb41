package bot

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tencent-connect/botgo"
	"github.com/tencent-connect/botgo/interaction/webhook"
	"github.com/tencent-connect/botgo/token"
)

// The platform's own example of the handshake: bot docs, event-emit/webhook.
const (
	goldenSecret = "DG5g3B4j9X2KOErG"
	goldenTS     = "1725442341"
	goldenToken  = "Arq0D5A61EgUu4OxUvOp"
	goldenSum    = "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
)

// qqSign signs as the platform does, with code of its own.
func qqSign(secret, stamp string, body []byte) string {
	seed := strings.Repeat(secret, 1+ed25519.SeedSize/len(secret))[:ed25519.SeedSize]
	return hex.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed([]byte(seed)), append([]byte(stamp), body...)))
}

// qqBundle is a webhook of one bot whose messages the test reads.
type qqBundle struct {
	q   *QQ
	now time.Time

	mu    sync.Mutex
	taken []Message
	fail  error
}

func setupQQ(t testing.TB) (*qqBundle, *QQWebhook) {
	t.Helper()
	b := &qqBundle{now: time.Unix(1_795_000_000, 0)}
	s := newStore(t)
	s.now = func() time.Time { return b.now }
	var err error
	if b.q, err = NewQQ(s, QQOptions{AppID: "1001", Secret: goldenSecret, APIBase: "http://127.0.0.1:1", TokenBase: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	b.q.setDeliver(func(_ context.Context, m Message) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.fail != nil {
			return b.fail
		}
		b.taken = append(b.taken, m)
		return nil
	})
	return b, NewQQWebhook(b.q)
}

func (b *qqBundle) messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Message(nil), b.taken...)
}

func (b *qqBundle) stamp() string { return strconv.FormatInt(b.now.Unix(), 10) }

// request is a rightly signed request.
func (b *qqBundle) request(body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/qq/webhook", bytes.NewReader(body))
	r.Header.Set("X-Bot-Appid", "1001")
	r.Header.Set("X-Signature-Timestamp", b.stamp())
	r.Header.Set("X-Signature-Ed25519", qqSign(goldenSecret, b.stamp(), body))
	return r
}

func privateEvent(id, text string) []byte {
	content, _ := json.Marshal(text)
	return fmt.Appendf(nil, `{"op":0,"id":"C2C_MESSAGE_CREATE:%s","t":"C2C_MESSAGE_CREATE","s":1,"d":{"id":"%s","content":%s,"author":{"user_openid":"U1"},"timestamp":"2026-11-18T20:26:40+08:00"}}`, id, id, content)
}

func serveQQ(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestQQWebhook_TakesThenAcknowledges(t *testing.T) {
	t.Parallel()
	b, h := setupQQ(t)
	w := serveQQ(h, b.request(privateEvent("m1", "老板欠我工资")))
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != `{"op":12,"d":0}` {
		t.Fatalf("got %d %s", w.Code, got)
	}
	m := b.messages()
	if len(m) != 1 || m[0].ID != "m:m1" || m[0].Anchor != "m1" || m[0].Chat != "qq/user/U1" || m[0].From != m[0].Chat || m[0].Text != "老板欠我工资" {
		t.Fatalf("got %+v", m)
	}
	for fail, want := range map[error]string{ErrBusy: `{"op":12,"d":1}`, errors.New("database is locked"): `{"op":12,"d":1}`, ErrInvalid: `{"op":12,"d":0}`} {
		b.fail = fail
		if got := strings.TrimSpace(serveQQ(h, b.request(privateEvent("m2", "x"))).Body.String()); got != want {
			t.Errorf("after %v: got %s, want %s", fail, got, want)
		}
	}
	b.q.setDeliver(nil)
	if got := strings.TrimSpace(serveQQ(h, b.request(privateEvent("m3", "x"))).Body.String()); got != `{"op":12,"d":1}` {
		t.Errorf("not running: got %s", got)
	}
}

func TestQQWebhook_Handshake(t *testing.T) {
	t.Parallel()
	b, h := setupQQ(t)
	body := fmt.Appendf(nil, `{"op":13,"d":{"plain_token":"%s","event_ts":"%s"}}`, goldenToken, goldenTS)
	var got struct {
		PlainToken string `json:"plain_token"`
		Signature  string `json:"signature"`
	}
	w := serveQQ(h, b.request(body))
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if got.PlainToken != goldenToken || got.Signature != goldenSum {
		t.Errorf("got %+v", got)
	}
	unsigned := b.request(body)
	unsigned.Header.Del("X-Signature-Ed25519")
	if w := serveQQ(h, unsigned); w.Code != http.StatusUnauthorized {
		t.Errorf("unsigned: got %d", w.Code)
	}
	b.q.o.OpenValidation = true
	if w := serveQQ(h, unsignedCopy(b, body)); w.Code != 200 {
		t.Errorf("unsigned, allowed: got %d", w.Code)
	}
	if w := serveQQ(h, unsignedCopy(b, privateEvent("m1", "x"))); w.Code != http.StatusUnauthorized || len(b.messages()) != 0 {
		t.Errorf("unsigned event while validation is open: got %d, %d messages", w.Code, len(b.messages()))
	}
}

func unsignedCopy(b *qqBundle, body []byte) *http.Request {
	r := b.request(body)
	r.Header.Del("X-Signature-Ed25519")
	return r
}

// TestQQWebhook_Forgeries is the table of what must have no effect.
func TestQQWebhook_Forgeries(t *testing.T) {
	t.Parallel()
	event := privateEvent("m1", "我要起诉")
	huge := privateEvent("m1", strings.Repeat("好", 30_000))
	for name, c := range map[string]struct {
		want int
		make func(b *qqBundle) *http.Request
	}{
		"GET": {405, func(b *qqBundle) *http.Request { r := b.request(event); r.Method = http.MethodGet; return r }},
		"no signature": {401, func(b *qqBundle) *http.Request {
			return unsignedCopy(b, event)
		}},
		"another key": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Ed25519", qqSign("another secret", b.stamp(), event))
			return r
		}},
		"signature of another body": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Ed25519", qqSign(goldenSecret, b.stamp(), privateEvent("m1", "我要撤诉")))
			return r
		}},
		"signature is not hexadecimal": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Ed25519", strings.Repeat("z", 128))
			return r
		}},
		"signature of a stale second": {401, at(event, -301)},
		"signature of the future":     {401, at(event, 301)},
		"timestamp changed after signing": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Timestamp", strconv.FormatInt(b.now.Unix()+1, 10))
			return r
		}},
		"timestamp with a sign": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Timestamp", "+"+b.stamp()[1:])
			return r
		}},
		"no timestamp": {401, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.Header.Set("X-Signature-Ed25519", qqSign(goldenSecret, "", event))
			r.Header.Del("X-Signature-Timestamp")
			return r
		}},
		"another bot": {401, func(b *qqBundle) *http.Request { r := b.request(event); r.Header.Set("X-Bot-Appid", "1002"); return r }},
		"no bot":      {401, func(b *qqBundle) *http.Request { r := b.request(event); r.Header.Del("X-Bot-Appid"); return r }},
		"too large":   {413, func(b *qqBundle) *http.Request { return b.request(huge) }},
		"too large, without its length": {413, func(b *qqBundle) *http.Request {
			r := b.request(huge)
			r.ContentLength = -1
			return r
		}},
		"a length that is a lie": {413, func(b *qqBundle) *http.Request {
			r := b.request(event)
			r.ContentLength = 9e18
			return r
		}},
		"signed, not JSON":          {400, func(b *qqBundle) *http.Request { return b.request([]byte(`{"op":0,`)) }},
		"signed, not an object":     {401, func(b *qqBundle) *http.Request { return b.request([]byte(`[1]`)) }},
		"empty":                     {401, func(b *qqBundle) *http.Request { return b.request(nil) }},
		"validation used as signer": {400, validation(`{"op":0,"t":"C2C_MESSAGE_CREATE"}`, "1725442341")},
		"validation of other times": {400, validation(goldenToken, "17254423411725442341")},
		"validation of 65 letters":  {400, validation(strings.Repeat("a", 65), "1725442341")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, h := setupQQ(t)
			w := serveQQ(h, c.make(b))
			if w.Code != c.want || len(b.messages()) != 0 {
				t.Errorf("got %d and %d messages, want %d and none", w.Code, len(b.messages()), c.want)
			}
			if strings.Contains(w.Body.String(), "signature\"") {
				t.Errorf("a signature was given out: %s", w.Body)
			}
		})
	}
}

func at(body []byte, seconds int64) func(b *qqBundle) *http.Request {
	return func(b *qqBundle) *http.Request {
		stamp := strconv.FormatInt(b.now.Unix()+seconds, 10)
		r := b.request(body)
		r.Header.Set("X-Signature-Timestamp", stamp)
		r.Header.Set("X-Signature-Ed25519", qqSign(goldenSecret, stamp, body))
		return r
	}
}

func validation(token, stamp string) func(b *qqBundle) *http.Request {
	body, _ := json.Marshal(map[string]any{"op": 13, "d": map[string]string{"plain_token": token, "event_ts": stamp}})
	return func(b *qqBundle) *http.Request { return b.request(body) }
}

// TestQQWebhook_EverySize: botgo's own handler loses what is longer than 4 KB or
// comes in pieces.
func TestQQWebhook_EverySize(t *testing.T) {
	t.Parallel()
	b, h := setupQQ(t)
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	random := rand.New(rand.NewPCG(1, 2))
	const n = 1000
	for i := range n {
		empty := len(privateEvent(fmt.Sprint(i), ""))
		body := privateEvent(fmt.Sprint(i), strings.Repeat("x", random.IntN(64<<10-empty+1)))
		head := fmt.Sprintf("POST /qq/webhook HTTP/1.1\r\nHost: x\r\nX-Bot-Appid: 1001\r\nX-Signature-Timestamp: %s\r\nX-Signature-Ed25519: %s\r\n",
			b.stamp(), qqSign(goldenSecret, b.stamp(), body))
		if i%2 == 0 {
			writeParts(t, conn, random, []byte(head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)))
		} else {
			at := random.IntN(len(body))
			writeParts(t, conn, random, fmt.Appendf(nil, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", head, max(1, at), body[:max(1, at)], len(body)-max(1, at), body[max(1, at):]))
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); err != nil || strings.TrimSpace(string(got)) != `{"op":12,"d":0}` {
			t.Fatalf("body %d of %d bytes: %v %d %s", i, len(body), err, resp.StatusCode, got)
		}
	}
	if got := len(b.messages()); got != n {
		t.Errorf("%d of %d taken", got, n)
	}
}

func writeParts(t *testing.T, w io.Writer, random *rand.Rand, p []byte) {
	t.Helper()
	for len(p) > 0 {
		n := min(len(p), 1+random.IntN(20_000))
		if _, err := w.Write(p[:n]); err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
}

// FuzzQQWebhook: whatever comes, nothing is taken without a signature, and the
// answer to a validation is never the signature of an event.
func FuzzQQWebhook(f *testing.F) {
	f.Add(privateEvent("m1", "你好"), "1725442341", true)
	f.Add([]byte(`{"op":13,"d":{"plain_token":"abc","event_ts":"1725442341"}}`), "1725442341", true)
	f.Add([]byte(`{"op":13,"d":{"plain_token":"{\"op\":0}","event_ts":"1795000000"}}`), "1795000000", true)
	b, h := setupQQ(f)
	f.Fuzz(func(t *testing.T, body []byte, stamp string, signed bool) {
		before := len(b.messages())
		r := b.request(body)
		if !signed {
			r.Header.Set("X-Signature-Timestamp", stamp)
			r.Header.Set("X-Signature-Ed25519", qqSign("no secret", stamp, body))
		}
		w := serveQQ(h, r)
		if !signed && (w.Code == 200 || len(b.messages()) != before) {
			t.Fatalf("forged: got %d", w.Code)
		}
		var v struct {
			PlainToken string `json:"plain_token"`
			Signature  string `json:"signature"`
		}
		if json.Unmarshal(w.Body.Bytes(), &v) != nil || v.Signature == "" {
			return
		}
		var in struct {
			D struct {
				EventTS string `json:"event_ts"`
			} `json:"d"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatal(err)
		}
		oracle := b.request([]byte(v.PlainToken))
		oracle.Header.Set("X-Signature-Timestamp", in.D.EventTS)
		oracle.Header.Set("X-Signature-Ed25519", v.Signature)
		if w := serveQQ(h, oracle); w.Code == 200 {
			t.Fatalf("the answer to a validation was taken as a signature")
		}
	})
}

// BenchmarkQQWebhook_BeforeAuthentication: what 64 strangers' requests that
// announce 4 GiB make the handler allocate.
func BenchmarkQQWebhook_BeforeAuthentication(b *testing.B) {
	_, h := setupQQ(b)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/qq/webhook", strings.NewReader("{}"))
		r.Header.Set("X-Bot-Appid", "1001")
		r.ContentLength = 4 << 30
		serveQQ(h, r)
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N), "B-before-auth/op")
}

// BenchmarkQQWebhook_Botgo is the same in botgo's own handler, with an announced
// length that this machine can still give: it allocates whatever is announced.
func BenchmarkQQWebhook_Botgo(b *testing.B) {
	qqSilence.Do(func() { botgo.SetLogger(qqNoLog{}) })
	credentials := &token.QQBotCredentials{AppID: "1001", AppSecret: goldenSecret}
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/qq/webhook", strings.NewReader("{}"))
		r.ContentLength = 16 << 20
		webhook.HTTPHandler(httptest.NewRecorder(), r, credentials)
	}
}

// BenchmarkQQWebhook_Acknowledge: 200 events a second for as long as the
// benchmark lasts, each taken durably; p99-ms is how long the platform waits.
func BenchmarkQQWebhook_Acknowledge(b *testing.B) {
	h, _ := webhookBot(b, newStore(b), nil, HandlerFunc(echo), newPlatformAPI(b), nil)
	var mu sync.Mutex
	var took []time.Duration
	var senders sync.WaitGroup
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		body := bytes.Replace(privateEvent(fmt.Sprint(i), "老板欠我工资"), []byte("U1"), fmt.Appendf(nil, "U%d", i%500), 1)
		senders.Go(func() {
			begin := time.Now()
			got := post(h, body)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(begin))
			if got != taken {
				b.Errorf("got %s", got)
			}
		})
	}
	senders.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
}
