package bot

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// site is a WebChat that runs in a bot behind a real HTTP server.
type site struct {
	*httptest.Server
	store *Store
	web   *WebChat
	bot   *Bot
	stop  func()
}

func newSite(t testing.TB, store *Store, h Handler, wo WebOptions, o Options) *site {
	t.Helper()
	web := NewWebChat(store, wo)
	b := New(h, NewLocalSessions(store, time.Hour), NewInbox(store), o)
	b.Attach(web)
	s := &site{store: store, web: web, bot: b, Server: httptest.NewServer(web)}
	t.Cleanup(s.Close)
	s.stop = runBot(t, b)
	s.ready(t)
	return s
}

// ready waits until messages are taken.
func (s *site) ready(t testing.TB) {
	t.Helper()
	until(t, "the channel runs", func() bool { deliver, _ := s.web.state(); return deliver != nil })
}

// do makes a request and returns the status and the body.
func (s *site) do(t testing.TB, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// begin starts a conversation and returns its id.
func (s *site) begin(t testing.TB) string {
	t.Helper()
	status, body, _ := s.do(t, "POST", "/api/v1/conversations", "")
	var c conversation
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != 201 || !chatIDs.MatchString(c.ID) {
		t.Fatalf("begin: %d %s", status, body)
	}
	return c.ID
}

func (s *site) say(t testing.TB, chat, id, text string) int {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"id": id, "text": text})
	status, _, _ := s.do(t, "POST", "/api/v1/conversations/"+chat+"/messages", string(body))
	return status
}

// sse is one event as a browser sees it.
type sse struct{ id, event, data string }

// listen reads events from a stream that begins after event number after.
func (s *site) listen(t testing.TB, chat string, after int) (<-chan sse, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/v1/conversations/"+chat+"/events", nil)
	r.Header.Set("Last-Event-ID", strconv.Itoa(after))
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		t.Fatalf("events: %d", res.StatusCode)
	}
	out := make(chan sse)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e sse
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.event = value
			case "data":
				e.data = value
			case "":
				if e.data != "" {
					select {
					case out <- e:
					case <-ctx.Done():
						return
					}
				}
				e = sse{}
			}
		}
	}()
	stop := func() {
		cancel()
		for range out { //nolint:revive // until the reader has gone
		}
	}
	t.Cleanup(stop)
	return out, stop
}

// next is the next stored event of a stream.
func next(t testing.TB, events <-chan sse) sse {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the stream ended")
			}
			if e.event != "typing" {
				return e
			}
		case <-limit:
			t.Fatal("no event came")
		}
	}
}

func TestWebChat_Conversation(t *testing.T) {
	t.Parallel()
	s := newSite(t, newStore(t), HandlerFunc(echo), WebOptions{}, fast)
	chat := s.begin(t)
	events, hangUp := s.listen(t, chat, 0)
	if status := s.say(t, chat, "m1", "你好\u0007\r\n"); status != 202 {
		t.Fatalf("say: %d", status)
	}
	own, reply := next(t, events), next(t, events)
	if own.event != "message" || own.id != "1" || !strings.Contains(own.data, `"text":"你好"`) {
		t.Errorf("own message: %+v", own)
	}
	if reply.event != "reply" || reply.id != "2" || !strings.Contains(reply.data, `"ref":"m1"`) {
		t.Errorf("reply: %+v", reply)
	}
	hangUp()
	if status := s.say(t, chat, "m2", "missed"); status != 202 {
		t.Fatalf("say: %d", status)
	}
	events, _ = s.listen(t, chat, 2)
	if e := next(t, events); e.id != "3" || e.event != "message" {
		t.Errorf("after reconnecting: %+v", e)
	}
	if e := next(t, events); e.id != "4" || e.event != "reply" {
		t.Errorf("after reconnecting: %+v", e)
	}
	status, body, _ := s.do(t, "GET", "/api/v1/conversations/current", "", "Cookie", cookieName+"="+chat)
	var c conversation
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != 200 || len(c.Events) != 4 || c.Last != 4 {
		t.Errorf("history: %d %s", status, body)
	}
	if status, _, _ := s.do(t, "DELETE", "/api/v1/conversations/"+chat, ""); status != 204 {
		t.Errorf("erase: %d", status)
	}
	if e := next(t, events); e.event != "error" {
		t.Errorf("after erasing: %+v", e)
	}
	if status, _, _ := s.do(t, "GET", "/api/v1/conversations/"+chat, ""); status != 404 {
		t.Errorf("history after erasing: %d", status)
	}
}

func TestWebChat_Ask(t *testing.T) {
	t.Parallel()
	s := newSite(t, newStore(t), HandlerFunc(func(_ context.Context, m Message, s *Session) (Reply, error) {
		return Reply{Text: m.Text + m.On + s.Area, Answer: &Answer{ID: "a1", Kind: "answer"}}, nil
	}), WebOptions{}, fast)
	status, body, _ := s.do(t, "POST", "/api/v1/ask", `{"text":"问","on":"2026-01-31","area":"城东"}`)
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("ask: %d %s", status, body)
	}
	if got["text"] != "问2026-01-31城东" || got["id"] != "a1" || got["citations"] == nil || got["urgent"] != false {
		t.Errorf("ask: %s", body)
	}
}
