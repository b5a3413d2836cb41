package bot

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

//go:embed openapi.yaml
var openapi []byte

// WebOptions tune a WebChat. The zero value is fit for one office.
type WebOptions struct {
	Log   *slog.Logger // discarded if nil
	Redis *Redis       // tells other processes of new events and shares limits; nil: the rows are polled

	// Feedback stores whether an answer was of use; reason may be empty.
	// ErrUnknown: there is no such answer. nil: the route says 503.
	Feedback func(ctx context.Context, answer string, useful bool, reason string) error

	// TrustedProxies may say in X-Forwarded-For and X-Forwarded-Proto whom they
	// speak for. Without them the headers are ignored: anybody can write them.
	TrustedProxies []netip.Prefix

	PerAddress Rate          // messages and questions of one address (IPv6: one /64); defaults to 60 at once, then 2 a second: a village may share one
	NewChats   Rate          // conversations begun by one address; defaults to 30 at once, then one every 10 s
	Pickups    Rate          // pick-up codes tried by one address; defaults to 6 at once, then one every 20 s
	Streams    int           // event streams at once; defaults to 2,000
	Heartbeat  time.Duration // how often an idle stream says that it is alive; defaults to 15 s
	Poll       time.Duration // how often a stream looks for rows it was not told of; defaults to 1 s if other processes may write them, else 10 s
	Keep       time.Duration // the cookie's age; defaults to 7 days, as Options.Keep
}

// Limits of the web channel.
const (
	maxBody     = 16 << 10         // bytes of a request; 2,000 runes of Chinese are 6 KB, escaped 12 KB
	maxDepth    = 8                // of nested JSON
	maxReason   = 500              // runes of a reason given with "没用"
	perChat     = 6                // event streams of one conversation: open tabs
	perAddress  = 100              // event streams of one address
	historySize = 200              // events in a history
	batchSize   = 100              // events read at once for a stream
	writeWait   = 10 * time.Second // how long a reader may not take what is written
)

const cookieName = "mingbai_chat"

// WebChat is the web page's channel: an HTTP API with server-sent events.
// Conversations and their events are rows of the store, so that any process on
// it can serve any of them, before and after a restart.
type WebChat struct {
	store  *Store
	o      WebOptions
	mux    http.Handler
	hub    hub
	writes *limiter
	begins *limiter
	codes  *limiter

	patience time.Duration // writeWait; shorter in a test

	mu      sync.Mutex
	bot     *Bot
	deliver func(context.Context, Message) error // nil: not running
	closing chan struct{}                        // closed when streams are to end
}

// NewWebChat makes the channel. It is an http.Handler for /api/; messages are
// taken while it runs in a Bot.
func NewWebChat(s *Store, o WebOptions) *WebChat {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.PerAddress, Rate{Burst: 60, Every: time.Second / 2})
	setDefault(&o.NewChats, Rate{Burst: 30, Every: 10 * time.Second})
	setDefault(&o.Pickups, pickupRate)
	setDefault(&o.Streams, 2000)
	setDefault(&o.Heartbeat, 15*time.Second)
	setDefault(&o.Keep, 7*24*time.Hour)
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
		if s.shared() {
			o.Poll = time.Second
		}
	}
	w := &WebChat{
		store: s, o: o, closing: make(chan struct{}), patience: writeWait,
		writes: newLimiter("address", o.PerAddress, o.Redis),
		begins: newLimiter("begin", o.NewChats, o.Redis),
		codes:  newLimiter("webcode", o.Pickups, o.Redis),
	}
	w.hub.init(o.Streams)
	w.mux = w.routes()
	return w
}

// Name is "web": addresses are "web/user/" and the conversation's id.
func (w *WebChat) Name() string { return "web" }

// Open lists nothing: a page may be open or not, and what is sent to a
// conversation waits in it either way.
func (w *WebChat) Open() []Address { return nil }

// Run takes messages until ctx is done.
func (w *WebChat) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	w.mu.Lock()
	w.deliver = deliver
	select {
	case <-w.closing:
		w.closing = make(chan struct{})
	default:
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.deliver = nil
		w.mu.Unlock()
	}()
	if w.o.Redis == nil {
		<-ctx.Done()
		return nil
	}
	return w.o.Redis.listen(ctx, func(kind, chat string) { w.hub.tell(Address(chat), kind == signTyping) })
}

// Send adds a reply to a conversation. A reply to the same message is added
// once. ErrClosed: the conversation was erased.
func (w *WebChat) Send(ctx context.Context, to Address, inReplyTo string, r Reply) error {
	ref := inReplyTo
	if ref == "" {
		ref = unasked + randomID()
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := w.store.addEvent(ctx, to, eventReply, ref, string(body)); err != nil {
		return err
	}
	w.tell(ctx, to, signEvent)
	return nil
}

// What one process tells others of a conversation.
const (
	signEvent  = "e" // there are new events
	signTyping = "t" // a reply is being written
)

func (w *WebChat) tell(ctx context.Context, chat Address, sign string) {
	w.hub.tell(chat, sign == signTyping)
	if w.o.Redis != nil {
		w.o.Redis.tell(ctx, sign, string(chat))
	}
}

func (w *WebChat) typing(ctx context.Context, chat Address) { w.tell(ctx, chat, signTyping) }

// onTake adds the person's own message to the conversation in the transaction
// that takes it.
func (w *WebChat) onTake() takeHook { return w.store.echo }

func (w *WebChat) attached(b *Bot) { w.bot = b }

// drained ends the streams: there will be no more replies from this process.
func (w *WebChat) drained() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closing:
	default:
		close(w.closing)
	}
}

func (w *WebChat) state() (deliver func(context.Context, Message) error, closing chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deliver, w.closing
}

// ServeHTTP serves the API.
func (w *WebChat) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.mux.ServeHTTP(rw, r) }

// apiRoutes is every route of the API; openapi.yaml describes the same.
var apiRoutes = []struct {
	method, pattern string
	handle          func(*WebChat, http.ResponseWriter, *http.Request) error
}{
	{"POST", "/api/v1/conversations", (*WebChat).create},
	{"GET", "/api/v1/conversations/{id}", (*WebChat).history},
	{"DELETE", "/api/v1/conversations/{id}", (*WebChat).erase},
	{"POST", "/api/v1/conversations/{id}/messages", (*WebChat).message},
	{"GET", "/api/v1/conversations/{id}/events", (*WebChat).events},
	{"POST", "/api/v1/ask", (*WebChat).ask},
	{"POST", "/api/v1/feedback", (*WebChat).feedback},
	{"POST", "/api/v1/pickup", (*WebChat).pickup},
	{"GET", "/api/openapi.yaml", (*WebChat).describe},
}

func (w *WebChat) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, route := range apiRoutes {
		mux.HandleFunc(route.method+" "+route.pattern, func(rw http.ResponseWriter, r *http.Request) {
			if err := route.handle(w, rw, r); err != nil {
				w.fail(rw, r, err)
			}
		})
		methods[route.pattern] = append(methods[route.pattern], route.method)
	}
	for pattern, allowed := range methods {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Allow", strings.Join(allowed, ", "))
			w.fail(rw, r, &problem{status: 405, Code: "method_not_allowed", Message: "这个地址不支持这种请求。"})
		})
	}
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { w.fail(rw, r, errNotFound) })
	guarded := http.NewCrossOriginProtection()
	guarded.SetDenyHandler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fail(rw, r, &problem{status: 403, Code: "forbidden", Message: "不接受其他网站发来的请求。"})
	}))
	return guarded.Handler(mux)
}

// problem is an error as the API tells it.
type problem struct {
	status  int
	wait    time.Duration
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Code }

func invalid(message string) error { return &problem{status: 400, Code: "invalid", Message: message} }

var (
	errNotFound = &problem{status: 404, Code: "not_found", Message: "没有这个对话，可能已经过期或删除。请重新开始。"}
	errNoCookie = &problem{status: 401, Code: "unauthorized", Message: "还没有开始对话。请先新建一个对话。"}
	errTooLarge = &problem{status: 413, Code: "too_large", Message: "内容太长了。请分成几条发送，每条不超过 2000 字。"}
	errRefused  = &problem{status: 409, Code: "conflict", Message: "这个编号的消息已经收到过，内容不一样。请换一个编号再发。"}
	errBusyNow  = &problem{status: 503, Code: "busy", Message: "现在咨询的人太多，请稍后再试，或拨打 12348（免费）。", wait: 5 * time.Second}
)

// fail answers an error: the one place that does.
func (w *WebChat) fail(rw http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	var soon *waitError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &soon):
		p = &problem{status: 429, Code: "too_many", Message: "您发得太快了，请稍等一会儿再发。", wait: soon.wait}
	case errors.Is(err, ErrBusy):
		p = errBusyNow
	case errors.Is(err, ErrUnknown), errors.Is(err, errGone):
		p = errNotFound
	case errors.Is(err, ErrInvalid):
		p = &problem{status: 400, Code: "invalid", Message: "请求的内容不对。"}
	case r.Context().Err() != nil:
		return // nobody listens
	default:
		w.o.Log.Error("request failed", "route", r.Pattern, "err", err)
		p = &problem{status: 503, Code: "unavailable", Message: "系统暂时不能服务，请稍后再试，或拨打 12348（免费）。", wait: 5 * time.Second}
	}
	if p.wait > 0 {
		rw.Header().Set("Retry-After", seconds(p.wait))
	}
	writeJSON(rw, p.status, p)
}
