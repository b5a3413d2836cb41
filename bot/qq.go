package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	Transport string // QQByWebhook or QQBySocket

	MaxBody   int64         // bytes of a webhook request; defaults to 64 KiB
	Freshness time.Duration // how old or how far ahead a signature may be; defaults to 5 min
	// OpenValidation answers a validation of the address that is not signed.
	// Only for the minutes of entering the address in the console, if ever.
	OpenValidation bool

	// Domains are those registered with the platform (消息URL配置): only they
	// may be linked to where links are refused.
	Domains []string

	Log     *slog.Logger // discarded if nil
	Metrics prometheus.Registerer
	Redis   *Redis
}

// How events come from the platform.
const (
	QQByWebhook = "webhook"
	QQBySocket  = "websocket"
)

func (o QQOptions) withDefaults() QQOptions {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.Name, "qq")
	setDefault(&o.Transport, QQByWebhook)
	setDefault(&o.APIBase, "https://api.bot.qq.com")
	setDefault(&o.TokenBase, o.APIBase)
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
	api   *qqAPI
	book  *qqBook
	out   *qqSender
	shed  *limiter // of wordsTooFast

	mu      sync.Mutex
	deliver func(context.Context, Message) error // nil: not running
	asides  sync.WaitGroup
}

// NewQQ makes the channel. Events come by QQWebhook or, with the transport
// QQBySocket, over a connection that Run keeps.
func NewQQ(s *Store, o QQOptions) (*QQ, error) {
	o = o.withDefaults()
	if !qqIDs.MatchString(o.AppID) || o.Secret == "" {
		return nil, errors.New("bot: a QQ bot needs an app id and a secret")
	}
	if o.Transport != QQByWebhook && o.Transport != QQBySocket {
		return nil, fmt.Errorf("bot: QQ has no transport %q", o.Transport)
	}
	api, err := newQQAPI(o)
	if err != nil {
		return nil, err
	}
	book := newQQBook(s, o.Name)
	return &QQ{o: o, store: s, meter: newQQMeter(o.Metrics, o.Name), api: api, book: book, out: newQQSender(o, api, book),
		shed: newLimiter("qq-shed", Rate{Burst: 1, Every: time.Minute}, o.Redis)}, nil
}

// Name is the channel's name in addresses.
func (q *QQ) Name() string { return q.o.Name }

// InviteLink makes a link that, opened in QQ, adds the bot and brings the code
// of an invitation along: ten digits and capital letters.
func (q *QQ) InviteLink(ctx context.Context, code string) (string, error) {
	data := "bind-" + code
	if !qqInvited.MatchString(data) {
		return "", fmt.Errorf("invite link: %w", ErrInvalid)
	}
	return q.api.shareLink(ctx, data)
}

// Run takes events until ctx is done.
func (q *QQ) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	q.setDeliver(deliver)
	defer q.asides.Wait()
	defer q.setDeliver(nil)
	if q.o.Transport == QQBySocket {
		q.socket().run(ctx)
		return nil
	}
	<-ctx.Done()
	return nil
}

// socket is the bot's one connection. How many shards the platform advises is
// left alone: they are for bots in thousands of guilds, and a single one gets
// every event.
func (q *QQ) socket() *qqSocket {
	return &qqSocket{
		store: q.store, q: q, shards: 1, token: q.api.token, stale: q.api.invalidate, take: q.accept, pause: sleep,
		gateway: func(ctx context.Context) (string, int, error) {
			address, _, err := q.api.gateway(ctx)
			return address, 1, err
		},
	}
}

// sleep waits for d; false: ctx was done before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
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

// act does what an event is for: changes first, so that a switch counts for the
// message that comes with it; then the words. All of it may be done again when
// the platform sends the event again.
func (q *QQ) act(ctx context.Context, e *qqEvent) error {
	if err := q.book.change(ctx, e.Chat, e.Change, e.At); err != nil {
		return err
	}
	if a := e.Audit; a != nil {
		return q.book.audited(ctx, a.ID, a.Passed, a.MessageID)
	}
	if e.Message == nil {
		if e.Ack != "" {
			return q.pressedAlone(ctx, e)
		}
		return nil
	}
	q.mu.Lock()
	deliver := q.deliver
	q.mu.Unlock()
	if deliver == nil {
		return errQQStopped
	}
	m := *e.Message
	m.event = &qqTaking{names: e.Names}
	err := deliver(ctx, m)
	switch {
	case errors.Is(err, ErrTooFast):
		q.tooFast(ctx, e)
	case err == nil && m.event.fresh && e.Ack != "":
		q.pressed(e, 0)
	}
	return err
}

// pressedAlone acknowledges a button that says nothing, once.
func (q *QQ) pressedAlone(ctx context.Context, e *qqEvent) error {
	n, err := q.store.exec(ctx, `INSERT INTO qq_events (channel, name, at) VALUES ($1, $2, $3) ON CONFLICT (channel, name) DO NOTHING`,
		q.o.Name, e.Names[len(e.Names)-1], q.store.ms())
	if err != nil {
		return fmt.Errorf("note an event: %w", err)
	}
	if n > 0 {
		q.pressed(e, 0)
	}
	return nil
}

// wordsTooFast is said to who sends more than is taken, once a minute.
const wordsTooFast = "您发得太快了，刚才这条我没有收下。请等半分钟再发一次；急事打 110，法律热线 12348（免费）。"

// tooFast tells somebody that their message was not taken.
func (q *QQ) tooFast(ctx context.Context, e *qqEvent) {
	if e.Ack != "" {
		q.pressed(e, qqPressedTooOften)
		return
	}
	m := e.Message
	if _, ok := q.shed.allow(ctx, string(m.From)); !ok {
		return
	}
	body := &qqBody{MsgType: qqTextType, Content: wordsTooFast, MsgSeq: 1} // nothing else answers this message
	if strings.HasPrefix(m.ID, qqByEvent) {
		body.EventID = m.Anchor
	} else {
		body.MsgID = m.Anchor
	}
	q.aside(func(ctx context.Context) {
		if _, err := q.api.post(ctx, m.Chat, body); err != nil {
			q.o.Log.Warn("somebody was not told that they send too fast", "channel", q.o.Name, "err", err)
		}
	})
}

// aside does a small thing in the background while the bot runs.
func (q *QQ) aside(do func(context.Context)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deliver == nil {
		return
	}
	q.asides.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), qqAckPatience)
		defer cancel()
		do(ctx)
	})
}

// qqSettled says that an event needs not be sent again: it was taken, or never
// can be.
func qqSettled(err error) bool {
	return err == nil || errors.Is(err, errQQMalformed) || errors.Is(err, ErrInvalid) || errors.Is(err, ErrTooFast)
}

// qqPressedTooOften is the code of an acknowledgement that says so.
const qqPressedTooOften = 2

// qqAckPatience is how long the platform waits for the acknowledgement of a
// button. Source: interaction_create event page, 2026-09.
const qqAckPatience = 3 * time.Second

// pressed acknowledges a button in the background: the platform waits for it,
// but also for the answer to the webhook. It is tried once: a button is
// acknowledged once.
func (q *QQ) pressed(e *qqEvent, code int) {
	q.aside(func(ctx context.Context) {
		if err := q.api.ackInteraction(ctx, e.Ack, code); err != nil {
			q.meter.event(e.Type, "not acknowledged")
			q.o.Log.Warn("a pressed button was not acknowledged", "channel", q.o.Name, "err", err)
		}
	})
}

// qqTaking goes with a message while it is taken.
type qqTaking struct {
	names []string // of its event
	fresh bool     // it was not taken before
}

// onTake notes in the transaction that takes a message by what names its event
// goes and what a reply to it may be hung on.
func (q *QQ) onTake() takeHook {
	return func(ctx context.Context, tx *sql.Tx, m Message) error {
		if m.event == nil { // it came by none
			return nil
		}
		for _, name := range m.event.names {
			r, err := tx.ExecContext(ctx, `INSERT INTO qq_events (channel, name, at) VALUES ($1, $2, $3)
				ON CONFLICT (channel, name) DO NOTHING`, q.o.Name, name, q.store.ms())
			if err != nil {
				return fmt.Errorf("note an event: %w", err)
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				return errTaken
			}
		}
		m.event.fresh = true
		return q.book.anchor(ctx, tx, anchorOf(m))
	}
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
			Help: "Events of the QQ platform by type and result: taken, refused, malformed, answered, not acknowledged."}, []string{"type", "result"}),
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
