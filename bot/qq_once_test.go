package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// platformAPI answers the calls of a bot and counts them by method and path.
type platformAPI struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string]int
	body  map[string]string // of the last call
}

func newPlatformAPI(t testing.TB) *platformAPI {
	t.Helper()
	p := &platformAPI{calls: map[string]int{}, body: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body) //nolint:errcheck // the test looks at what came
		p.mu.Lock()
		defer p.mu.Unlock()
		key := r.Method + " " + r.URL.Path
		p.calls[key]++
		p.body[key] = b.String()
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "getAppAccessToken") {
			fmt.Fprint(w, `{"access_token":"token-canary","expires_in":"7200"}`)
			return
		}
		fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *platformAPI) count(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[key]
}

// qqFake is QQ as far as it takes events; what is said is kept for the test.
type qqFake struct {
	*QQ
	out *fakeChannel
}

func (f qqFake) Send(ctx context.Context, to Address, ref string, r Reply) error {
	return f.out.Send(ctx, to, ref, r)
}
func (f qqFake) Open() []Address { return nil }

// webhookBot runs a bot that takes events by a webhook.
func webhookBot(t testing.TB, s *Store, redis *Redis, h Handler, p *platformAPI, log *slog.Logger) (*QQWebhook, *fakeChannel) {
	t.Helper()
	q, err := NewQQ(s, QQOptions{AppID: "1001", Secret: goldenSecret, APIBase: p.URL, TokenBase: p.URL, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	out := newFake("qq")
	o := fast
	o.Redis, o.Log, o.Queue = redis, log, 100_000
	b := New(h, NewLocalSessions(s, time.Hour), NewInbox(s), o)
	b.Attach(qqFake{q, out})
	runBot(t, b)
	until(t, "the bot runs", func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.deliver != nil
	})
	return NewQQWebhook(q), out
}

// post signs a body now and gives what the webhook answers.
func post(h http.Handler, body []byte) string {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	r := httptest.NewRequest(http.MethodPost, "/qq/webhook", bytes.NewReader(body))
	r.Header.Set("X-Bot-Appid", "1001")
	r.Header.Set("X-Signature-Timestamp", stamp)
	r.Header.Set("X-Signature-Ed25519", qqSign(goldenSecret, stamp, body))
	w := serveQQ(h, r)
	return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
}

const taken, notNow = `200 {"op":12,"d":0}`, `200 {"op":12,"d":1}`

func pressEvent(outer, id, data string) []byte {
	return fmt.Appendf(nil, `{"op":0,"id":"%s","t":"INTERACTION_CREATE","d":{"id":"%s","type":11,"chat_type":2,"user_openid":"U1","data":{"resolved":{"button_data":"%s"}}}}`, outer, id, data)
}

func TestQQ_AnEventIsTakenOnceByEachOfItsNames(t *testing.T) {
	t.Parallel()
	p := newPlatformAPI(t)
	h, out := webhookBot(t, newStore(t), nil, HandlerFunc(echo), p, nil)
	for _, body := range [][]byte{
		pressEvent("INTERACTION_CREATE:a", "i1", "有用"),
		pressEvent("INTERACTION_CREATE:a", "i1", "有用"), // sent again
		pressEvent("INTERACTION_CREATE:b", "i1", "有用"), // the same press under another id
		privateEvent("m1", "一"),
		bytes.Replace(privateEvent("m2", "二"), []byte("C2C_MESSAGE_CREATE:m2"), []byte("C2C_MESSAGE_CREATE:m1"), 1), // another message under the same id
		bytes.Replace(privateEvent("m1", "一"), []byte("C2C_MESSAGE_CREATE:m1"), []byte("C2C_MESSAGE_CREATE:x"), 1),  // the same message under another id
		pressEvent("INTERACTION_CREATE:c", "i2", "没用"),
	} {
		if got := post(h, body); got != taken {
			t.Fatalf("got %s", got)
		}
	}
	got := map[string]int{}
	for _, r := range out.wait(t, 3) {
		got[r.Text]++
	}
	if len(got) != 3 || got["有用"] != 1 || got["没用"] != 1 || got["一"] != 1 {
		t.Errorf("answered %v", got)
	}
	until(t, "both presses are acknowledged", func() bool { return p.count("PUT /interactions/i1") > 0 && p.count("PUT /interactions/i2") > 0 })
	if p.count("PUT /interactions/i1") != 1 || p.body["PUT /interactions/i1"] != `{"code":0}` {
		t.Errorf("acknowledged %d times with %s", p.count("PUT /interactions/i1"), p.body["PUT /interactions/i1"])
	}
}

// A handler that takes long does not keep the platform waiting.
func TestQQ_AcknowledgesBeforeAnswering(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	h, out := webhookBot(t, newStore(t), nil, HandlerFunc(func(context.Context, Message, *Session) (Reply, error) {
		<-hold
		return Reply{Text: "好"}, nil
	}), newPlatformAPI(t), nil)
	const n = 20
	var times []time.Duration
	for i := range n {
		begin := time.Now()
		if got := post(h, bytes.Replace(privateEvent(fmt.Sprint(i), "问"), []byte("U1"), fmt.Appendf(nil, "U%d", i), 1)); got != taken {
			t.Fatalf("got %s", got)
		}
		times = append(times, time.Since(begin))
	}
	if len(out.replies()) != 0 {
		t.Error("the handler was not slow, so nothing was tested")
	}
	close(hold)
	out.wait(t, n)
	t.Logf("acknowledged in %v", times)
}

// The platform sends an event up to three times, to whichever process; here it
// is 2 to 50 times, to two processes on one database.
func TestQQ_CopiesToTwoProcessesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	url := servers.PostgresURL(t)
	shared := servers.StartRedis(t)
	p := newPlatformAPI(t)
	var hooks [2]*QQWebhook
	var out [2]*fakeChannel
	for i := range hooks {
		hooks[i], out[i] = webhookBot(t, newPostgresStore(t, url), newRedis(t, shared.URL), HandlerFunc(echo), p, nil)
	}
	messages := size(t, "MINGBAI_COPIES", 100)
	var copies [][]byte
	for i := range messages {
		body := privateEvent(fmt.Sprint("m", i), fmt.Sprint("w", i))
		if i%4 == 0 {
			body = pressEvent(fmt.Sprint("INTERACTION_CREATE:", i), fmt.Sprint("i", i), fmt.Sprint("w", i))
		}
		body = bytes.ReplaceAll(body, []byte("U1"), fmt.Appendf(nil, "U%d", i%25))
		for range 2 + rand.IntN(49) {
			copies = append(copies, body)
		}
	}
	rand.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	feed := make(chan []byte)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for body := range feed {
				for post(hooks[rand.IntN(2)], body) == notNow {
					time.Sleep(time.Millisecond) // as the platform, which sends again
				}
			}
		})
	}
	for n, body := range copies {
		feed <- body
		if n%(len(copies)/4+1) == 0 {
			shared.Do("FLUSHALL") //nolint:errcheck // the point is that it does not matter
		}
	}
	close(feed)
	senders.Wait()
	all := func() []sentReply { return append(out[0].replies(), out[1].replies()...) }
	until(t, "all are answered", func() bool { return len(all()) >= messages })
	seen := map[string]int{}
	for _, r := range all() {
		seen[r.Text]++
	}
	for i := range messages {
		if n := seen[fmt.Sprint("w", i)]; n != 1 {
			t.Errorf("message %d: %d replies, want 1", i, n)
		}
		if key := fmt.Sprint("PUT /interactions/i", i); i%4 == 0 {
			until(t, key, func() bool { return p.count(key) > 0 })
			if p.count(key) != 1 {
				t.Errorf("%s: %d times", key, p.count(key))
			}
		}
	}
	t.Logf("%d messages in %d copies", messages, len(copies))
}

// Nothing of what people say, of who they are, and no secret gets into the log,
// whatever goes wrong.
func TestQQ_NothingOfPeopleIsLogged(t *testing.T) {
	t.Parallel()
	var logged safeBuffer
	log := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := newPlatformAPI(t)
	h, out := webhookBot(t, newStore(t), nil, HandlerFunc(func(_ context.Context, m Message, _ *Session) (Reply, error) {
		if strings.Contains(m.Text, "fault") {
			return Reply{}, fmt.Errorf("a fault")
		}
		return Reply{Text: m.Text}, nil
	}), p, log)
	for _, body := range [][]byte{
		privateEvent("m1", "words-canary"),
		privateEvent("m2", "words-canary fault"),
		pressEvent("INTERACTION_CREATE:words-canary", "i1", "words-canary"),
		[]byte(`{"op":0,"id":"words-canary","t":"C2C_MESSAGE_CREATE","d":{"content":"words-canary"}}`),
		[]byte(`{"op":0,"id":"x","t":"words-canary","d":{}}`),
		[]byte(`{"op":0,"words-canary`),
	} {
		post(h, body)
	}
	out.wait(t, 3)
	until(t, "the press is acknowledged", func() bool { return p.count("PUT /interactions/i1") > 0 })
	text := logged.String()
	for _, canary := range []string{"words-canary", "token-canary", goldenSecret, "qq/user/U1"} {
		if strings.Contains(text, canary) {
			t.Errorf("%s is in the log: %s", canary, text)
		}
	}
	if !strings.Contains(text, "message failed") || !strings.Contains(text, "event not understood") {
		t.Error("nothing went wrong, so nothing was tested")
	}
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a JSON line: %s", line)
		}
	}
}

// Who sends too fast is told so, once; a button pressed too often says it.
func TestQQ_TooFastIsSaid(t *testing.T) {
	t.Parallel()
	p := newPlatformAPI(t)
	s := newStore(t)
	q, err := NewQQ(s, QQOptions{AppID: "1001", Secret: goldenSecret, APIBase: p.URL, TokenBase: p.URL})
	if err != nil {
		t.Fatal(err)
	}
	o := fast
	o.PerPerson = Rate{Burst: 1, Every: time.Hour}
	b := New(HandlerFunc(echo), NewLocalSessions(s, time.Hour), NewInbox(s), o)
	out := newFake("qq")
	b.Attach(qqFake{q, out})
	stop := runBot(t, b)
	until(t, "the bot runs", func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.deliver != nil
	})
	h := NewQQWebhook(q)
	for _, body := range [][]byte{
		privateEvent("m1", "一"), privateEvent("m2", "二"), privateEvent("m3", "三"),
		pressEvent("INTERACTION_CREATE:a", "i1", "有用"), pressEvent("INTERACTION_CREATE:b", "i2", ""), pressEvent("INTERACTION_CREATE:b", "i2", ""),
	} {
		if got := post(h, body); got != taken {
			t.Fatalf("got %s", got)
		}
	}
	out.wait(t, 1)
	stop()
	if n := p.count("POST /v2/users/U1/messages"); n != 1 || !strings.Contains(p.body["POST /v2/users/U1/messages"], `"msg_id":"m2"`) {
		t.Errorf("told %d times: %s", n, p.body["POST /v2/users/U1/messages"])
	}
	if p.body["PUT /interactions/i1"] != `{"code":2}` {
		t.Errorf("a press too many: %s", p.body["PUT /interactions/i1"])
	}
	if n := p.count("PUT /interactions/i2"); n != 1 || p.body["PUT /interactions/i2"] != `{"code":0}` {
		t.Errorf("a press that says nothing: %d times, %s", n, p.body["PUT /interactions/i2"])
	}
}
