// Package qqtest is a QQ platform for tests and for the demo: it speaks the
// wire of the bot platform (token, API, webhook, websocket) and enforces its
// rules (reply windows and counts, sequence numbers, push switches, quotas,
// content rules) instead of merely recording calls.
//
// It is written from the platform's documents alone, with types and signing
// code of its own, so that it cannot share a mistake with a bot tested against
// it. It keeps everything in memory and opens nothing but loopback ports. It
// does not prove the real platform's numbers, its console or its audits.
package qqtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Options say how a platform is made. The zero value is a strict platform on
// free loopback ports with the wall clock.
type Options struct {
	Profile Profile // Strict2026 if empty
	Seed    uint64  // ids of one seed are the same in each run
	Log     *slog.Logger

	Listen, Control string // loopback addresses; "127.0.0.1:0" if empty

	// Clock is the base of the platform's clock, which Advance moves on;
	// time.Now if nil. Signatures always carry the wall time, as a bot holds
	// them to its own clock.
	Clock func() time.Time

	AckTimeout time.Duration // how long a webhook may take to answer; 3 s if 0
	RetryWait  time.Duration // between two deliveries of one event; 1 s if 0

	Keep    int         // transcript entries kept, the last ones; 5,000 if 0
	OnEntry func(Entry) // is called with each entry, in order, and must be quick
}

// Platform is one fake QQ platform with any number of bots. All its methods may
// be called from any goroutine.
type Platform struct {
	options Options
	log     *slog.Logger

	mu      sync.Mutex
	rules   Rules
	offset  time.Duration // of the virtual clock
	serial  map[string]uint64
	bots    map[string]*Bot
	order   []*Bot
	tokens  map[string]*token
	faults  []*armed
	entries ring
	changed chan struct{} // closed and replaced at each change
	closed  bool

	done    chan struct{}
	crew    sync.WaitGroup
	client  *http.Client
	servers []*http.Server
	apiURL  string
	ctlURL  string
}

// New makes a platform; Start opens its ports.
func New(o Options) *Platform {
	if o.Profile == "" {
		o.Profile = Strict2026
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 3 * time.Second
	}
	if o.RetryWait == 0 {
		o.RetryWait = time.Second
	}
	if o.Keep == 0 {
		o.Keep = 5000
	}
	p := &Platform{options: o, log: o.Log, changed: make(chan struct{}), done: make(chan struct{})}
	p.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: shards, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.clear(o.Profile)
	return p
}

// clear forgets everything: a platform as new, with the same ports.
func (p *Platform) clear(profile Profile) {
	p.rules = RulesOf(profile)
	p.offset = 0
	p.serial = map[string]uint64{}
	p.bots = map[string]*Bot{}
	p.order = nil
	p.tokens = map[string]*token{}
	p.faults = nil
	p.entries = ring{keep: p.options.Keep}
}

// Start opens the two ports and returns at once.
func (p *Platform) Start() error {
	var err error
	if p.apiURL, err = p.listen(p.options.Listen, http.HandlerFunc(p.serveAPI)); err != nil {
		return err
	}
	p.ctlURL, err = p.listen(p.options.Control, p.controlHandler())
	if err != nil {
		return errors.Join(err, p.Close())
	}
	return nil
}

// listen serves h on a loopback address and returns its URL.
func (p *Platform) listen(address string, h http.Handler) (string, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	if err := CheckLoopback(address); err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", address, err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug)}
	p.servers = append(p.servers, s)
	if !p.spawn(func() {
		if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("the simulator's server ended", "err", err)
		}
	}) {
		return "", errors.Join(errClosed, ln.Close())
	}
	return "http://" + ln.Addr().String(), nil
}

var errClosed = errors.New("the platform is closed")

// CheckLoopback refuses an address host:port that is not on this machine.
func CheckLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q is not on the loopback interface", address)
	}
	return nil
}

// checkWebhook refuses a callback URL that is not plain http to this machine.
func checkWebhook(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("webhook URL: %w", err)
	}
	if u.Scheme != "http" || u.Port() == "" {
		return fmt.Errorf("webhook URL %q: want http://127.0.0.1:port/path", raw)
	}
	return CheckLoopback(u.Host)
}

// Close ends deliveries, sockets and servers and waits for all of them.
func (p *Platform) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	close(p.done)
	for _, b := range p.order {
		b.retire()
	}
	p.mu.Unlock()
	var err error
	for _, s := range p.servers {
		err = errors.Join(err, s.Close())
	}
	p.crew.Wait()
	p.client.CloseIdleConnections()
	return err
}

// spawn runs f in a goroutine that Close waits for; false if already closed.
func (p *Platform) spawn(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spawnLocked(f)
}

func (p *Platform) spawnLocked(f func()) bool {
	if p.closed {
		return false
	}
	p.crew.Go(f)
	return true
}

// enter counts a request that Close waits for; false if already closed.
func (p *Platform) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.crew.Add(1)
	return true
}

// URL is the base of both the API and the token endpoint, without a slash.
func (p *Platform) URL() string { return p.apiURL }

// ControlURL is the base of the control API and of the page.
func (p *Platform) ControlURL() string { return p.ctlURL }

// Now is the platform's time, which decides windows, quotas and expiries.
func (p *Platform) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

func (p *Platform) now() time.Time { return p.options.Clock().Add(p.offset).In(zone) }

// zone is the platform's: China has one, without summer time.
var zone = time.FixedZone("CST", 8*3600)

// Advance moves the platform's clock on; it never goes back.
func (p *Platform) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offset += max(d, 0)
	p.sweep()
	p.record(Entry{Kind: KindNote, Note: "clock +" + d.String()})
}

// Rules changes the rules in force; f gets the present ones.
func (p *Platform) Rules(f func(*Rules)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.rules)
	p.record(Entry{Kind: KindNote, Note: "rules changed"})
}

// Reset forgets bots, people, tokens, faults and transcript and sets the clock
// back to its base. Handles got before are dead.
func (p *Platform) Reset(profile Profile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.order {
		b.retire()
	}
	p.clear(profile)
	p.wake()
}

// WaitFor returns when cond is true, looked at after each change, or ctx's error.
// cond may call the platform's methods.
func (p *Platform) WaitFor(ctx context.Context, cond func() bool) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return errClosed
		}
	}
}

func (p *Platform) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait pauses for d of real time; false if the platform closed or ctx ended.
func (p *Platform) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-p.done:
	}
	return false
}

// nextID is the next id of a kind: 32 hexadecimal digits that depend on the
// seed, the kind and how many there were before.
func (p *Platform) nextID(kind string) string {
	p.serial[kind]++
	return p.fixedID(kind, fmt.Sprint(p.serial[kind]))
}

// fixedID is the id of something that has a name.
func (p *Platform) fixedID(parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d", p.options.Seed)
	for _, s := range parts {
		fmt.Fprintf(h, "\x00%s", s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// uuid is nextID in the form of a UUID.
func (p *Platform) uuid(kind string) string {
	s := p.nextID(kind)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// snowflake is a numeric id as guilds and channels have them.
func (p *Platform) snowflake(parts ...string) string {
	h := sha256.Sum256([]byte(p.fixedID(parts...)))
	n := uint64(0)
	for _, b := range h[:7] {
		n = n<<8 | uint64(b)
	}
	return fmt.Sprint(1_000_000_000_000_000_000 + n%1_000_000_000_000_000)
}
