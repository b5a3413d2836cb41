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

// ErrUncertain says that a message was sent without anything to hang it on and
// nobody knows whether it was shown. Sending it again might show it twice.
var ErrUncertain = errors.New("bot: it is not known whether the message was shown")

// qqSender brings replies to conversations on QQ. A reply is planned as rows
// first; each of them keeps its msg_seq whatever happens, so that the platform
// recognises what it has shown already.
type qqSender struct {
	o      QQOptions
	api    *qqAPI
	book   *qqBook
	limits *qqLimits
	sends  *prometheus.CounterVec
	most   int // runes of a message

	mu      sync.Mutex
	notices map[Address]context.CancelFunc // typing notices that are to come
	crew    sync.WaitGroup
}

func newQQSender(o QQOptions, api *qqAPI, book *qqBook) *qqSender {
	s := &qqSender{
		o: o, api: api, book: book, limits: newQQLimits(o), most: maxQQText, notices: map[Address]context.CancelFunc{},
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_qq_sends_total",
			Help: "Messages to QQ by what became of them: sent, or the class of the refusal."}, []string{"result"}),
	}
	if o.Metrics != nil {
		prometheus.WrapRegistererWith(prometheus.Labels{"channel": o.Name}, o.Metrics).MustRegister(s.sends)
	}
	return s
}

// Send brings one reply to a conversation, in as many messages as it needs and
// the platform allows. It may be called again for the same message: what was
// shown is not shown twice. ErrClosed: nothing more can be sent there now;
// ErrUncertain: only without a message to answer.
func (q *QQ) Send(ctx context.Context, to Address, inReplyTo string, r Reply) error {
	q.out.hush(to)
	if inReplyTo != "" {
		return q.out.send(ctx, to, inReplyTo, r)
	}
	ref := unasked + randomID()
	err := q.out.send(ctx, to, ref, r)
	if err != nil { // it is the caller's again
		keep := context.WithoutCancel(ctx)
		err = errors.Join(err, q.book.giveUp(keep, to, ref))
	}
	return err
}

// openMost bounds what Open lists.
const openMost = 10_000

// Open lists the conversations that were opened to messages, and those where
// somebody spoke so lately that two more may be hung on that.
func (q *QQ) Open() []Address {
	ctx, cancel := brief(context.Background())
	defer cancel()
	open, err := q.book.open(ctx, openMost)
	if err != nil {
		q.o.Log.Warn("open conversations not listed", "channel", q.o.Name, "err", err)
	}
	return open
}

// send plans a reply and brings its parts one after the other.
func (s *qqSender) send(ctx context.Context, to Address, ref string, r Reply) error {
	if _, err := qqPath(to); err != nil {
		return err
	}
	parts, err := s.plan(ctx, to, ref, r)
	if err != nil {
		return err
	}
	for i := 0; i < len(parts); i++ {
		more, err := s.bring(ctx, parts[i])
		parts = append(parts[:i+1:i+1], append(more, parts[i+1:]...)...)
		if errors.Is(err, errUnsayable) && !strings.HasPrefix(ref, unasked) {
			if err = s.elsewhere(ctx, parts[i:]); err == nil {
				_, err = s.bring(ctx, parts[i])
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plan makes the rows of a reply, with what waited for the person before it. A
// reply that was planned before keeps its rows.
func (s *qqSender) plan(ctx context.Context, to Address, ref string, r Reply) ([]*qqPart, error) {
	parts, err := s.book.parts(ctx, to, ref)
	if err != nil || len(parts) > 0 {
		return parts, err
	}
	used, err := s.book.used(ctx, to, ref)
	if err != nil {
		return nil, err
	}
	from, err := s.book.sender(ctx, to, ref)
	if err != nil {
		return nil, err
	}
	err = s.book.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		parts, err = s.compose(ctx, tx, qqOrder{to: to, from: from, ref: ref, room: max(1, qqReplies-used), reply: r})
		if err != nil {
			return err
		}
		for _, p := range parts {
			if err := s.book.add(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.book.parts(ctx, to, ref) // another process may have planned it meanwhile
}

// qqOrder is a reply to be made into messages.
type qqOrder struct {
	to, from Address
	ref      string
	room     int // messages that may be used
	reply    Reply
}

// compose makes the messages of a reply; what there is no room for is held.
func (s *qqSender) compose(ctx context.Context, tx *sql.Tx, o qqOrder) ([]*qqPart, error) {
	texts := splitMarked(o.reply.Text, s.most)
	if len(texts) == 0 {
		texts = []string{""}
	}
	tail := ""
	if len(texts) > o.room {
		rest := strings.Join(texts[o.room:], "\n")
		code, err := s.book.store.hold(ctx, tx, held{chat: o.to, sender: o.from, ref: o.ref + "+", text: rest, mode: heldTold})
		if err != nil {
			return nil, err
		}
		texts, tail = texts[:o.room], fmt.Sprintf(wordsMore, showCode(code))
	}
	var parts []*qqPart
	if !strings.HasPrefix(o.ref, unasked) {
		late, more, err := s.late(ctx, tx, o, o.room-len(texts))
		if err != nil {
			return nil, err
		}
		parts, tail = late, tail+more
	}
	for i, text := range texts {
		parts = append(parts, &qqPart{Lead: page(i, len(texts)), Text: text})
	}
	parts[len(parts)-1].Choices = o.reply.Choices
	parts[len(parts)-1].Tail = tail
	for i, p := range parts {
		p.chat, p.ref, p.n, p.Width, p.form = o.to, o.ref, i*qqPartWidth, qqPartWidth, qqForm(o.to)
	}
	return parts, nil
}

// late makes messages of replies that waited for the person, as far as there is
// room; of one more it tells the code.
func (s *qqSender) late(ctx context.Context, tx *sql.Tx, o qqOrder, room int) (parts []*qqPart, tail string, err error) {
	waiting, err := s.book.store.waiting(ctx, tx, o.to, o.from, room+1)
	if err != nil {
		return nil, "", err
	}
	for _, h := range waiting {
		texts := splitMarked(h.text, s.most-len(wordsLate))
		if h.mode == heldTell || len(texts) > room {
			tail = fmt.Sprintf(wordsWaiting, showCode(h.code))
			return parts, tail, s.book.store.told(ctx, tx, h.code)
		}
		for i, text := range texts {
			parts = append(parts, &qqPart{Lead: wordsLate + page(i, len(texts)), Text: text})
		}
		room -= len(texts)
		if err := s.book.store.took(ctx, tx, h.code, o.ref); err != nil {
			return nil, "", err
		}
	}
	return parts, "", nil
}

// elsewhere holds what cannot be said, and all that follows it, and puts a
// sentence in its place that says where to read it.
func (s *qqSender) elsewhere(ctx context.Context, parts []*qqPart) error {
	p := parts[0]
	from, err := s.book.sender(ctx, p.chat, p.ref)
	if err != nil {
		return err
	}
	var texts []string
	for _, q := range parts {
		texts = append(texts, q.Text)
	}
	text, choices := strings.Join(texts, "\n"), p.Choices
	err = s.book.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		code, err := s.book.store.hold(ctx, tx, held{chat: p.chat, sender: from, ref: heldRef(p), text: text, mode: heldTold})
		if err != nil {
			return err
		}
		p.Lead, p.Tail, p.Choices, p.form = "", "", nil, qqNeutral
		p.Text = fmt.Sprintf(wordsElsewhere, showCode(code), showCode(code))
		for _, q := range parts[1:] {
			if err := s.book.settleTx(ctx, tx, q, qqHeld, 0, ""); err != nil {
				return err
			}
		}
		return s.book.reformTx(ctx, tx, p)
	})
	if err != nil {
		p.Choices = choices
		return err
	}
	for _, q := range parts[1:] {
		q.state = qqHeld
	}
	s.o.Log.Warn("an answer cannot be said on QQ; its pick-up code was told instead", "chat", short(p.chat))
	return nil
}

// hold keeps what of a reply did not get through, for the person's next
// message. false: there was nothing.
func (q *QQ) hold(ctx context.Context, m Message, r Reply) (bool, error) {
	parts, err := q.book.parts(ctx, m.Chat, m.ID)
	if err != nil {
		return false, err
	}
	var texts []string
	for _, p := range parts {
		if p.state == qqPlanned && p.form != qqNeutral {
			texts = append(texts, p.Text+numbered(p.Choices))
		}
	}
	if len(parts) == 0 && r.Text != sorry {
		texts = append(texts, r.Text+numbered(r.Choices))
	}
	err = q.store.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range parts {
			if p.state != qqPlanned {
				continue
			}
			if err := q.book.settleTx(ctx, tx, p, qqHeld, 0, ""); err != nil {
				return err
			}
		}
		if len(texts) == 0 {
			return nil
		}
		_, err := q.store.hold(ctx, tx, held{chat: m.Chat, sender: m.From, ref: m.ID, text: strings.Join(texts, "\n"), mode: heldSend})
		return err
	})
	return err == nil && len(texts) > 0, err
}

// typing tells a person that an answer is being written, if it takes a while.
// It costs a msg_seq and maybe a reply, so it is done once a message.
func (q *QQ) typing(ctx context.Context, to Address) {
	if kind, _ := qqKind(to); kind == qqUser {
		q.out.notice(ctx, to)
	}
}

const (
	// qqTypingAfter is how long an answer may take without a notice.
	qqTypingAfter = 1500 * time.Millisecond
	// qqTypingFor is how long the notice is shown, in seconds.
	qqTypingFor = 30
)

func (s *qqSender) notice(ctx context.Context, to Address) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.notices[to]; old != nil {
		old()
	}
	s.notices[to] = cancel
	s.crew.Go(func() {
		defer cancel()
		t := time.NewTimer(qqTypingAfter)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		if err := s.book.typing(ctx, to, s.api); err != nil && ctx.Err() == nil {
			s.o.Log.Debug("typing notice not sent", "chat", short(to), "err", err)
		}
	})
}

// hush takes a notice back that was not given.
func (s *qqSender) hush(to Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.notices[to]; cancel != nil {
		cancel()
		delete(s.notices, to)
	}
}

// drained ends what is left of typing notices.
func (q *QQ) drained() {
	q.out.mu.Lock()
	for to, cancel := range q.out.notices {
		cancel()
		delete(q.out.notices, to)
	}
	q.out.mu.Unlock()
	q.out.crew.Wait()
}

func (s *qqSender) count(result string) { s.sends.WithLabelValues(result).Inc() }

func (s *qqSender) log(p *qqPart) *slog.Logger {
	return s.o.Log.With("channel", s.o.Name, "chat", short(p.chat))
}
