package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// QQOptions is one bot on the QQ platform.
type QQOptions struct {
	Name      string // channel name, the first part of its addresses; defaults to "qq"
	AppID     string
	Secret    string // the app secret; never logged
	APIBase   string // https://…, of the calls
	TokenBase string // https://…, of the token
	Transport string // "webhook" or "websocket"

	MaxBody   int64         // bytes of a webhook request; defaults to 64 KiB
	Freshness time.Duration // how old or how far ahead a signature may be; defaults to 5 min
	// OpenValidation answers a validation of the address that is not signed.
	// Only for the minutes of entering the address in the console, if ever.
	OpenValidation bool

	Log     *slog.Logger // discarded if nil
	Metrics prometheus.Registerer
	Redis   *Redis
}

func (o QQOptions) withDefaults() QQOptions {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.Name, "qq")
	setDefault(&o.Transport, "webhook")
	setDefault(&o.MaxBody, 64<<10)
	setDefault(&o.Freshness, 5*time.Minute)
	return o
}

// QQ is the channel of one bot on QQ. Its addresses are "qq/user/…" (a private
// chat: a person), "qq/group/…", "qq/guild/…" (a guild's channel) and "qq/dm/…";
// a member of a group is "qq/member/<group>/<member>" and never the same as a
// person, whatever their ids say.
type QQ struct {
	o     QQOptions
	store *Store
	meter *qqMeter

	mu      sync.Mutex
	deliver func(context.Context, Message) error // nil: not running
}

// NewQQ makes the channel. Events come by QQWebhook or, with the transport
// "websocket", over a connection that Run keeps.
func NewQQ(s *Store, o QQOptions) (*QQ, error) {
	o = o.withDefaults()
	if !qqIDs.MatchString(o.AppID) || o.Secret == "" {
		return nil, errors.New("bot: a QQ bot needs an app id and a secret")
	}
	return &QQ{o: o, store: s, meter: newQQMeter(o.Metrics, o.Name)}, nil
}

// Name is the channel's name in addresses.
func (q *QQ) Name() string { return q.o.Name }

// Run takes events until ctx is done.
func (q *QQ) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	q.setDeliver(deliver)
	defer q.setDeliver(nil)
	<-ctx.Done()
	return nil
}

func (q *QQ) setDeliver(f func(context.Context, Message) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deliver = f
}

// errQQStopped: the bot does not run; the platform is to send the event again.
var errQQStopped = fmt.Errorf("%w: the bot is not running", ErrBusy)

// accept acts on one event that is known to be the platform's. When it returns
// nil the event is taken durably and must not be sent again; after
// errQQMalformed or ErrInvalid it never will be.
func (q *QQ) accept(ctx context.Context, p *qqPayload) error {
	e, err := readQQEvent(p, q.o.Name, q.store.now())
	if err != nil {
		q.meter.event(e.Type, "malformed")
		q.o.Log.Warn("event not understood", "channel", q.o.Name, "type", e.Type, "err", err)
		return err
	}
	if err := q.act(ctx, &e); err != nil {
		q.meter.event(e.Type, "refused")
		return err
	}
	q.meter.event(e.Type, "taken")
	return nil
}

func (q *QQ) act(ctx context.Context, e *qqEvent) error {
	if e.Message == nil {
		return nil
	}
	q.mu.Lock()
	deliver := q.deliver
	q.mu.Unlock()
	if deliver == nil {
		return errQQStopped
	}
	return deliver(ctx, *e.Message)
}

// onTake notes what a reply to the message may be hung on, in the transaction
// that takes it.
func (q *QQ) onTake() takeHook {
	return func(ctx context.Context, tx *sql.Tx, m Message) error { return nil }
}

// qqMeter counts what comes from the platform. The types are those this program
// knows, so that nobody can make new labels.
type qqMeter struct {
	events  *prometheus.CounterVec
	refuses *prometheus.CounterVec
}

func newQQMeter(to prometheus.Registerer, channel string) *qqMeter {
	m := &qqMeter{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_qq_events_total",
			Help: "Events of the QQ platform by type and result: taken, refused, malformed, answered."}, []string{"type", "result"}),
		refuses: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_qq_refused_total",
			Help: "Webhook requests refused, by what was wrong."}, []string{"why"}),
	}
	if to != nil {
		prometheus.WrapRegistererWith(prometheus.Labels{"channel": channel}, to).MustRegister(m.events, m.refuses)
	}
	return m
}

func (m *qqMeter) event(kind, result string) { m.events.WithLabelValues(kind, result).Inc() }

func (m *qqMeter) refused(why string) { m.refuses.WithLabelValues(why).Inc() }
