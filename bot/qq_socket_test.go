package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// gatewayScript plays one connection of the platform. It gets what the bot said
// first and may say and close what it wants.
type gatewayScript func(t *testing.T, c *websocket.Conn, first map[string]any)

// testGateway is a gateway whose n-th connection is played by the n-th script;
// later ones are held open.
func testGateway(t *testing.T, scripts ...gatewayScript) (address string, done <-chan struct{}) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	over := make(chan struct{})
	up := websocket.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		mu.Lock()
		i := n
		n++
		mu.Unlock()
		if c.WriteMessage(websocket.TextMessage, []byte(`{"op":10,"d":{"heartbeat_interval":41250}}`)) != nil {
			return
		}
		var first map[string]any
		if c.ReadJSON(&first) != nil {
			return
		}
		if i < len(scripts) {
			scripts[i](t, c, first)
			if i == len(scripts)-1 {
				close(over)
			}
			return
		}
		c.ReadMessage() //nolint:errcheck // until the bot goes
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http"), over
}

// newSocket is a socket that waits for nothing.
func newSocket(t *testing.T, b *qqBundle, address string) *qqSocket {
	return &qqSocket{
		store: b.q.store, q: b.q,
		gateway: func(context.Context) (string, int, error) { return address, 1, nil },
		token:   func(context.Context) (string, error) { return "tok", nil },
		stale:   func() {},
		take:    b.q.accept,
		pause:   func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil },
	}
}

func runSocket(t *testing.T, s *qqSocket) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func sayEvent(t *testing.T, c *websocket.Conn, seq int, body []byte) {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	p["s"] = seq
	if err := c.WriteJSON(p); err != nil {
		t.Error(err)
	}
}

func sayReady(t *testing.T, c *websocket.Conn, session string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"op":0,"s":1,"t":"READY","d":{"version":1,"session_id":"%s","user":{"id":"1","bot":true},"shard":[0,1]}}`, session)); err != nil {
		t.Error(err)
	}
}

// waitHeartbeat reads until the bot has said it is at seq: then everything
// before was taken.
func waitTaken(t *testing.T, c *websocket.Conn, seq float64) {
	t.Helper()
	for {
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"op":1}`)); err != nil {
			t.Error(err)
			return
		}
		var m map[string]any
		if err := c.ReadJSON(&m); err != nil {
			t.Errorf("before %v was taken: %v", seq, err)
			return
		}
		if m["op"] == float64(1) && m["d"] == seq {
			return
		}
	}
}

func TestQQSocket_ResumesWhereItLeftOff(t *testing.T) {
	t.Parallel()
	b, _ := setupQQ(t)
	address, over := testGateway(t,
		func(t *testing.T, c *websocket.Conn, first map[string]any) {
			d := first["d"].(map[string]any)
			if first["op"] != float64(2) || d["token"] != "QQBot tok" || d["intents"] != float64(qqIntents[0]) {
				t.Errorf("first connection: got %v", first)
			}
			sayReady(t, c, "s1")
			sayEvent(t, c, 2, privateEvent("m2", "a"))
			waitTaken(t, c, 2)
			c.NetConn().Close() // dropped, as by a network
		},
		func(t *testing.T, c *websocket.Conn, first map[string]any) {
			d := first["d"].(map[string]any)
			if first["op"] != float64(6) || d["session_id"] != "s1" || d["seq"] != float64(2) {
				t.Errorf("second connection: got %v, want a resume at 2", first)
			}
			sayEvent(t, c, 3, privateEvent("m3", "b"))
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"op":0,"s":3,"t":"RESUMED","d":""}`)); err != nil {
				t.Error(err)
			}
			waitTaken(t, c, 3)
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"op":7}`)); err != nil {
				t.Error(err)
			}
		},
		func(t *testing.T, c *websocket.Conn, first map[string]any) {
			if first["op"] != float64(6) {
				t.Errorf("after op 7: got %v, want a resume", first)
			}
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"op":9,"d":false}`)); err != nil {
				t.Error(err)
			}
		},
		func(t *testing.T, c *websocket.Conn, first map[string]any) {
			if first["op"] != float64(2) {
				t.Errorf("after op 9: got %v, want an identify", first)
			}
			sayReady(t, c, "s2")
			sayEvent(t, c, 2, privateEvent("m4", "c"))
			waitTaken(t, c, 2)
		})
	s := newSocket(t, b, address)
	stop := runSocket(t, s)
	<-over
	stop()
	if got := b.messages(); len(got) != 3 {
		t.Errorf("%d messages taken, want 3", len(got))
	}
	again := newSocket(t, b, address)
	again.load(context.Background())
	if session, seq := again.last(); session != "s2" || seq != 2 {
		t.Errorf("after a restart: session %q at %d, want s2 at 2", session, seq)
	}
}

func TestQQSocket_CloseCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]qqNext{
		4001: qqHoldNext, 4002: qqHoldNext, 4004: qqTokenNext, 4006: qqIdentifyNext, 4007: qqIdentifyNext,
		4008: qqResumeNext, 4009: qqResumeNext, 4010: qqHoldNext, 4013: qqIntentsNext, 4014: qqIntentsNext,
		4900: qqIdentifyNext, 4913: qqIdentifyNext, 4914: qqHoldNext, 4915: qqHoldNext, 4924: qqHoldNext,
		1000: qqResumeNext, 1006: qqResumeNext,
	} {
		if got := qqNextOf(code); got != want {
			t.Errorf("%d: got %d, want %d", code, got, want)
		}
	}
	b, _ := setupQQ(t)
	closed := func(code int) gatewayScript {
		return func(t *testing.T, c *websocket.Conn, first map[string]any) {
			sayReady(t, c, "s1")
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
		}
	}
	asks := func(op, intents float64) gatewayScript {
		return func(t *testing.T, c *websocket.Conn, first map[string]any) {
			d := first["d"].(map[string]any)
			if first["op"] != op || (op == 2 && d["intents"] != intents) {
				t.Errorf("got %v, want opcode %v with intents %v", first, op, intents)
			}
		}
	}
	stale := 0
	address, over := testGateway(t, closed(4014), asks(2, float64(qqIntents[1])), closed(4004), asks(2, float64(qqIntents[1])), closed(4009), asks(6, 0))
	s := newSocket(t, b, address)
	s.stale = func() { stale++ }
	stop := runSocket(t, s)
	<-over
	stop()
	if stale != 1 {
		t.Errorf("the token was replaced %d times, want 1", stale)
	}
}

// TestQQSocket_NotTakenIsSentAgain: an event moves the session on only when it
// is in the inbox.
func TestQQSocket_NotTakenIsSentAgain(t *testing.T) {
	t.Parallel()
	b, _ := setupQQ(t)
	b.fail = ErrBusy
	address, over := testGateway(t,
		func(t *testing.T, c *websocket.Conn, _ map[string]any) {
			sayReady(t, c, "s1")
			sayEvent(t, c, 2, privateEvent("m2", "a"))
			c.ReadMessage() //nolint:errcheck // until the bot gives the connection up
			b.mu.Lock()
			b.fail = nil
			b.mu.Unlock()
		},
		func(t *testing.T, c *websocket.Conn, first map[string]any) {
			if d := first["d"].(map[string]any); first["op"] != float64(6) || d["seq"] != float64(1) {
				t.Errorf("got %v, want a resume at 1", first)
			}
			sayEvent(t, c, 2, privateEvent("m2", "a"))
			waitTaken(t, c, 2)
		})
	s := newSocket(t, b, address)
	var clock sync.Mutex
	now := b.now
	b.q.store.now = func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		now = now.Add(time.Second) // each look at the clock is a second
		return now
	}
	stop := runSocket(t, s)
	<-over
	stop()
	if got := b.messages(); len(got) != 1 {
		t.Errorf("%d messages taken, want 1", len(got))
	}
}
