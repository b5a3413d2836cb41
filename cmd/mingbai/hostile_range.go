package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/knowledge/llmtest"
)

// harmless is what the model says to items that have no words of their own.
const harmless = "建议您带上材料到司法所问一问，也可以打12348法律服务热线。"

// hostileRange is where attacks are run: the product, a QQ platform, a model that
// obeys, all on this machine with data of their own.
type hostileRange struct {
	ctx      context.Context
	dir      string // of everything
	model    *llmtest.Server
	platform *qqtest.Platform
	bot      *qqtest.Bot
	relay    *relay
	log      *lockedBuffer
	replicas []*replica
	serial   atomic.Int64 // of persons and messages
	spoiled  bool         // the next item needs a fresh one
	direct   bool         // no proxy is trusted: everybody comes from one address
	staff    *hostileStaff
	calm     struct { // a case without an attack
		no    string
		shape []string
		pages bool
	}
	clock atomic.Int64 // nanoseconds that the product's clock is ahead
}

// replica is one running product.
type replica struct {
	server *server
	base   string // http://127.0.0.1:port
	stop   func() error
}

const (
	hostileApp    = "102000009"
	hostileSecret = "hostile-range-secret-7Q"
)

// open starts everything that does not run yet.
func (r *hostileRange) open() error {
	if r.spoiled {
		if err := r.shut(); err != nil {
			return err
		}
	}
	if r.dir != "" {
		return nil
	}
	var err error
	if r.dir, err = os.MkdirTemp("", "mingbai-hostile-"); err != nil {
		return err
	}
	r.log = &lockedBuffer{}
	r.model = llmtest.New()
	r.platform = qqtest.New(qqtest.Options{Seed: 1, RetryWait: 20 * time.Millisecond})
	if err := r.platform.Start(); err != nil {
		return err
	}
	r.bot = r.platform.AddBot(hostileApp, hostileSecret, qqtest.BotOptions{})
	first, err := r.start("webhook")
	if err != nil {
		return err
	}
	if err := r.found(); err != nil {
		return err
	}
	if r.relay, err = newRelay(first.base + qqPath); err != nil {
		return err
	}
	return r.bot.SetWebhook(r.relay.server.URL)
}

// start runs one more copy of the product on the same data.
func (r *hostileRange) start(transport string) (*replica, error) {
	for _, name := range []string{"knowledge", "imports"} {
		if err := os.MkdirAll(filepath.Join(r.dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	a := &app{in: bytes.NewReader(nil), out: io.Discard, err: r.log, now: r.now, environ: r.settings(transport)}
	if err := a.load(""); err != nil {
		return nil, err
	}
	s, err := a.newServer(r.ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	p := &replica{server: s, base: "http://" + s.ln.Addr().String(), stop: func() error {
		cancel()
		return <-done
	}}
	r.replicas = append(r.replicas, p)
	return p, nil
}

func (r *hostileRange) settings(transport string) []string {
	proxies := "127.0.0.0/8" // so that each person can have an address
	if r.direct {
		proxies = ""
	}
	return []string{
		"TRUSTED_PROXIES=" + proxies,
		"DATA_DIR=" + filepath.Join(r.dir, "data"), "KNOWLEDGE_DIR=" + filepath.Join(r.dir, "knowledge"), "KNOWLEDGE_RELOAD=1s",
		"LISTEN=127.0.0.1:0", "LOG_JSON=true", "DEBUG=true",
		"OPENAI_BASE_URL=" + r.model.URL(), "OPENAI_MODEL=" + llmtest.Name, "OPENAI_API_KEY=sk-hostile-range",
		"QQ_APP_ID=" + hostileApp, "QQ_APP_SECRET=" + hostileSecret, "QQ_TRANSPORT=" + transport,
		"QQ_API_BASE=" + r.platform.URL(), "QQ_TOKEN_BASE=" + r.platform.URL(),
	}
}

// only stops all copies but the first.
func (r *hostileRange) only() error {
	var err error
	for len(r.replicas) > 1 {
		last := r.replicas[len(r.replicas)-1]
		r.replicas = r.replicas[:len(r.replicas)-1]
		err = errors.Join(err, last.stop())
	}
	return err
}

func (r *hostileRange) shut() error {
	var err error
	for _, p := range r.replicas {
		err = errors.Join(err, p.stop())
	}
	if r.relay != nil {
		r.relay.server.Close()
	}
	if r.platform != nil {
		err = errors.Join(err, r.platform.Close())
	}
	if r.model != nil {
		r.model.Close()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	r.dir, r.model, r.platform, r.bot, r.relay, r.log, r.replicas, r.staff, r.spoiled = "", nil, nil, nil, nil, nil, nil, nil, false
	r.calm.no, r.calm.shape, r.calm.pages = "", nil, false
	r.clock.Store(0)
	return err
}

// now is the product's clock.
func (r *hostileRange) now() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) }

func (r *hostileRange) close() {
	if err := r.shut(); err != nil && r.ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "eval hostile:", err)
	}
}

func (r *hostileRange) first() *replica { return r.replicas[0] }

// next numbers persons and messages.
func (r *hostileRange) next() string {
	return fmt.Sprintf("h%d", r.serial.Add(1))
}

// relay stands between the platform and the product. It passes requests on, or
// holds one back, so that an attack can send it in its own way.
type relay struct {
	server *httptest.Server
	pass   *httputil.ReverseProxy
	held   chan delivery
	hold   atomic.Bool
}

// delivery is a request of the platform.
type delivery struct {
	header http.Header
	body   []byte
}

func newRelay(to string) (*relay, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	r := &relay{held: make(chan delivery, 16)}
	r.pass = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL = target }}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !r.hold.Load() {
			r.pass.ServeHTTP(w, q)
			return
		}
		body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
		if err != nil {
			http.Error(w, "cut", http.StatusBadRequest)
			return
		}
		r.held <- delivery{q.Header.Clone(), body}
		fmt.Fprint(w, `{"op":12,"d":0}`)
	}))
	return r, nil
}

// catch lets somebody act on the platform and gives the request that it makes
// of that.
func (r *relay) catch(ctx context.Context, act func()) (delivery, error) {
	r.hold.Store(true)
	defer r.hold.Store(false)
	act()
	select {
	case d := <-r.held:
		return d, nil
	case <-ctx.Done():
		return delivery{}, ctx.Err()
	case <-time.After(10 * time.Second):
		return delivery{}, errors.New("the platform delivered nothing")
	}
}

// lockedBuffer is the log of a product that still runs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

func (l *lockedBuffer) from(at int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b.Bytes()[at:])
}
