package bot

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
)

func TestWebChat_TheCookieIsForThisSiteOnly(t *testing.T) {
	t.Parallel()
	web := NewWebChat(newStore(t), WebOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for name, c := range map[string]struct {
		from, proto string
		secure      bool
	}{
		"plain":                {"198.51.100.7:1", "", false},
		"told by anybody":      {"198.51.100.7:1", "https", false},
		"told by our proxy":    {"192.0.2.1:1", "https", true},
		"plain, by our proxy":  {"192.0.2.1:1", "http", false},
		"no address, by proxy": {"@", "https", false},
	} {
		r := httptest.NewRequest("POST", "/api/v1/conversations", nil)
		r.RemoteAddr = c.from
		r.Header.Set("X-Forwarded-Proto", c.proto)
		w := httptest.NewRecorder()
		web.ServeHTTP(w, r)
		cookie := w.Header().Get("Set-Cookie")
		if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, "Secure") != c.secure {
			t.Errorf("%s: got %s", name, cookie)
		}
	}
}

func TestWebChat_WhomARequestCountsFor(t *testing.T) {
	t.Parallel()
	web := NewWebChat(newStore(t), WebOptions{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:ffff::/48"),
	}})
	for _, c := range []struct{ remote, forwarded, want string }{
		{"198.51.100.7:1", "", "198.51.100.7"},
		{"198.51.100.7:1", "203.0.113.9", "198.51.100.7"},                 // anybody can write the header
		{"192.0.2.1:1", "203.0.113.9", "203.0.113.9"},                     // our proxy may
		{"192.0.2.1:1", "1.1.1.1, 203.0.113.9", "203.0.113.9"},            // what the client wrote before is hearsay
		{"192.0.2.1:1", "1.1.1.1, 203.0.113.9, 192.0.2.5", "203.0.113.9"}, // two of our proxies
		{"192.0.2.1:1", "192.0.2.7, 192.0.2.5", "192.0.2.7"},              // a client in the proxies' network
		{"192.0.2.1:1", "", "192.0.2.1"},                                  //
		{"192.0.2.1:1", "nonsense", "192.0.2.1"},                          //
		{"192.0.2.1:1", "203.0.113.9:4711", "192.0.2.1"},                  // not an address
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},             // one household
		{"[2001:db8:1:2:ffff::1]:1", "", "2001:db8:1:2::/64"},             // the same
		{"[fe80::1%eth0]:1", "", "fe80::/64"},                             //
		{"[::ffff:198.51.100.7]:1", "", "198.51.100.7"},                   // IPv4 all the same
		{"[2001:db8:ffff::1]:1", "2001:db8:1:2::9", "2001:db8:1:2::/64"},  //
		{"192.0.2.1:1", "::ffff:203.0.113.9", "203.0.113.9"},              //
		{"@", "", "?"}, // a socket without addresses
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := web.sender(r); got != c.want {
			t.Errorf("%s, forwarded %q: got %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// Readers that hang up, and readers that stop reading, are let go.
func TestWebChat_AbandonedReadersAreLetGo(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := newSite(t, store, HandlerFunc(echo), WebOptions{}, fast)
	s.web.patience = 100 * time.Millisecond
	open := func(chat string) net.Conn {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /api/v1/conversations/%s/events HTTP/1.1\r\nHost: x\r\n\r\n", chat)
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatal(line, err)
		}
		return c
	}
	streams := func() int {
		s.web.hub.mu.Lock()
		defer s.web.hub.mu.Unlock()
		return s.web.hub.total
	}
	var readers []net.Conn
	for range 15 {
		chat := s.begin(t)
		for range perChat {
			readers = append(readers, open(chat))
		}
	}
	until(t, "the streams are there", func() bool { return streams() == len(readers) })
	for _, c := range readers {
		c.Close()
	}
	until(t, "those who hung up are gone", func() bool { return streams() == 0 })

	chat := s.begin(t)
	stuck := open(chat)
	defer stuck.Close()
	much, err := json.Marshal(Reply{Text: strings.Repeat("x", 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 { // more than the system keeps for a connection
		if err := store.addEvent(t.Context(), Address(webPrefix+chat), eventReply, fmt.Sprint(i), string(much)); err != nil {
			t.Fatal(err)
		}
	}
	s.web.hub.tell(Address(webPrefix+chat), false)
	until(t, "who does not read is gone", func() bool { return streams() == 0 })
}

func TestWebChat_StoppingEndsTheStreamsAndAnotherProcessGoesOn(t *testing.T) {
	t.Parallel()
	url := servers.PostgresURL(t)
	redis := servers.StartRedis(t)
	open := func() *site {
		r := newRedis(t, redis.URL)
		o := fast
		o.Redis = r
		return newSite(t, newPostgresStore(t, url), HandlerFunc(echo), WebOptions{Redis: r, Poll: 20 * time.Second}, o)
	}
	one, two := open(), open()
	chat := one.begin(t)
	here, _ := one.listen(t, chat, 0)
	there, _ := two.listen(t, chat, 0)
	until(t, "each hears the other", func() bool {
		n, err := redis.Do("PUBSUB", "NUMSUB", "mingbai:events")
		return err == nil && strings.HasPrefix(n, "*2")
	})
	for i := range 4 {
		s := []*site{one, two}[i%2]
		if status := s.say(t, chat, fmt.Sprint("m", i), fmt.Sprint("text ", i)); status != 202 {
			t.Fatalf("say: %d", status)
		}
		for name, events := range map[string]<-chan sse{"here": here, "there": there} {
			own, reply := next(t, events), next(t, events)
			if own.id != fmt.Sprint(2*i+1) || reply.id != fmt.Sprint(2*i+2) || !strings.Contains(reply.data, fmt.Sprint("text ", i)) {
				t.Errorf("%s: got %+v, %+v", name, own, reply)
			}
		}
	}
	one.stop()
	if _, ok := <-here; ok {
		t.Error("the stream goes on after the end")
	}
	if status := one.say(t, chat, "late", "x"); status != 503 {
		t.Errorf("say after the end: %d, want 503", status)
	}
	if status := two.say(t, chat, "m1", "text 1"); status != 202 {
		t.Errorf("a repeat at the other process: %d", status)
	}
	two.say(t, chat, "m9", "text 9")
	again, _ := two.listen(t, chat, 8)
	if e := next(t, again); e.id != "9" || !strings.Contains(e.data, "text 9") {
		t.Errorf("resumed: got %+v", e)
	}
	if e := next(t, again); e.id != "10" {
		t.Errorf("resumed: got %+v", e)
	}
}

// Without Redis a second process finds new events by looking at the rows.
func TestWebChat_WithoutRedisTheRowsAreEnough(t *testing.T) {
	t.Parallel()
	url := servers.PostgresURL(t)
	one := newSite(t, newPostgresStore(t, url), HandlerFunc(echo), WebOptions{}, fast)
	two := newSite(t, newPostgresStore(t, url), HandlerFunc(echo), WebOptions{Poll: 50 * time.Millisecond}, fast)
	chat := one.begin(t)
	events, _ := two.listen(t, chat, 0)
	one.say(t, chat, "m1", "x")
	if own, reply := next(t, events), next(t, events); own.id != "1" || reply.id != "2" {
		t.Errorf("got %+v, %+v", own, reply)
	}
}

func TestWebChat_AnErasedConversationLeavesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, store *Store) {
		started, release := make(chan struct{}), make(chan struct{})
		s := newSite(t, store, HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
			if m.ID == "m2" {
				close(started)
				<-release
			}
			return echo(ctx, m, s)
		}), WebOptions{}, fast)
		chat := s.begin(t)
		s.say(t, chat, "m1", "canary")
		s.say(t, chat, "m2", "canary")
		<-started
		if status, _, _ := s.do(t, "DELETE", "/api/v1/conversations/"+chat, ""); status != 204 {
			t.Fatalf("erase: %d", status)
		}
		close(release)
		until(t, "no row is left", func() bool {
			var n int
			err := store.read.QueryRow(`SELECT (SELECT COUNT(*) FROM inbox) + (SELECT COUNT(*) FROM sessions) +
				(SELECT COUNT(*) FROM conversations) + (SELECT COUNT(*) FROM events)`).Scan(&n)
			return err == nil && n == 0
		})
	})
}

// A server's read timeout is for requests, not for streams.
func TestWebChat_AStreamOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := newSite(t, store, HandlerFunc(echo), WebOptions{}, fast)
	strict := httptest.NewUnstartedServer(s.web)
	strict.Config.ReadTimeout = 100 * time.Millisecond
	strict.Start()
	defer strict.Close()
	s.Server.Close()
	s.Server = strict
	chat := s.begin(t)
	events, hangUp := s.listen(t, chat, 0)
	defer hangUp()
	select {
	case e, ok := <-events:
		t.Fatalf("got %+v, %v", e, ok)
	case <-time.After(400 * time.Millisecond):
	}
	s.say(t, chat, "m1", "x")
	next(t, events)
	next(t, events)
}
