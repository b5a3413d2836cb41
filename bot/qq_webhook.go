package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/tencent-connect/botgo/interaction/signature"
)

// qqPatience bounds how long the platform may take to send a body, so that a
// slow sender holds nothing.
const qqPatience = 5 * time.Second

// Grammar of what is signed. An event is verified only with a timestamp of ten
// digits and a body that begins with "{"; a validation signs digits followed by
// letters and digits. No text is in both sets, so the answer to a validation
// can never be used as the signature of an event.
var (
	qqStamp      = regexp.MustCompile(`^[0-9]{10}$`)
	qqPlainToken = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
)

// QQWebhook takes the platform's events over HTTP for one or more bots. Nothing
// of a request is parsed, and no more than MaxBody bytes of it are read, before
// its signature has been verified.
type QQWebhook struct {
	bots    map[string]*QQ // by app id
	max     int64
	bodies  sync.Pool // *[]byte of max+1 bytes
	refused func(why string)
}

// NewQQWebhook makes the handler of the bots' common address.
func NewQQWebhook(bots ...*QQ) *QQWebhook {
	h := &QQWebhook{bots: map[string]*QQ{}, refused: func(string) {}}
	for _, q := range bots {
		h.bots[q.o.AppID] = q
		h.max = max(h.max, q.o.MaxBody)
		h.refused = q.meter.refused
	}
	h.bodies.New = func() any {
		b := make([]byte, h.max+1)
		return &b
	}
	return h
}

// ServeHTTP answers 405, 413, 400 and 401 without any effect; else an event is
// in the inbox before it is acknowledged.
func (h *QQWebhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, http.StatusMethodNotAllowed, "method")
		return
	}
	q := h.bots[r.Header.Get("X-Bot-Appid")]
	if q == nil {
		h.refuse(w, http.StatusUnauthorized, "bot")
		return
	}
	if r.ContentLength > q.o.MaxBody {
		h.refuse(w, http.StatusRequestEntityTooLarge, "size")
		return
	}
	buffer := h.bodies.Get().(*[]byte)
	defer h.bodies.Put(buffer)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(qqPatience)) // not all servers can
	n, err := io.ReadFull(r.Body, (*buffer)[:q.o.MaxBody+1])
	switch {
	case err == nil:
		h.refuse(w, http.StatusRequestEntityTooLarge, "size")
		return
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		h.refuse(w, http.StatusBadRequest, "read")
		return
	}
	h.body(w, r, q, (*buffer)[:n])
}

// body verifies a request and acts on it.
func (h *QQWebhook) body(w http.ResponseWriter, r *http.Request, q *QQ, body []byte) {
	signed := q.signed(r.Header, body)
	if !signed && !q.o.OpenValidation {
		h.refuse(w, http.StatusUnauthorized, "signature")
		return
	}
	var p qqPayload
	if tolerant(json.Unmarshal(body, &p)) != nil {
		h.refuse(w, http.StatusBadRequest, "json")
		return
	}
	switch {
	case p.Op == qqValidation:
		h.validate(w, q, p.D)
	case !signed:
		h.refuse(w, http.StatusUnauthorized, "signature")
	case p.Op == qqDispatch:
		answerQQ(w, struct {
			Op int `json:"op"`
			D  int `json:"d"`
		}{qqAck, q.webhookResult(r.Context(), &p)})
	default:
		answerQQ(w, struct {
			Op int `json:"op"`
		}{qqAck})
	}
}

// webhookResult takes an event and gives the ack's d: 0 taken, 1 not now. What
// can never be taken is acknowledged too: sending it again helps nobody.
func (q *QQ) webhookResult(ctx context.Context, p *qqPayload) int {
	if qqSettled(q.accept(ctx, p)) {
		return 0
	}
	return 1
}

// signed says whether the platform signed these bytes with the bot's secret,
// lately.
func (q *QQ) signed(header http.Header, body []byte) bool {
	stamp := header.Get(signature.HeaderTimestamp)
	if !qqStamp.MatchString(stamp) || !bytes.HasPrefix(body, []byte("{")) {
		return false
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || q.store.now().Sub(time.Unix(at, 0)).Abs() > q.o.Freshness {
		return false
	}
	ok, err := signature.Verify(q.o.Secret, header, body)
	return err == nil && ok
}

// validate answers the question whether this address belongs to the bot, asked
// when it is entered in the console.
func (h *QQWebhook) validate(w http.ResponseWriter, q *QQ, d json.RawMessage) {
	var in struct {
		PlainToken string `json:"plain_token"`
		EventTS    string `json:"event_ts"`
	}
	if json.Unmarshal(d, &in) != nil || !qqStamp.MatchString(in.EventTS) || !qqPlainToken.MatchString(in.PlainToken) {
		h.refuse(w, http.StatusBadRequest, "validation")
		return
	}
	sum, err := signature.Generate(q.o.Secret, http.Header{signature.HeaderTimestamp: {in.EventTS}}, []byte(in.PlainToken))
	if err != nil {
		h.refuse(w, http.StatusBadRequest, "validation")
		return
	}
	q.meter.event("validation", "answered")
	answerQQ(w, struct {
		PlainToken string `json:"plain_token"`
		Signature  string `json:"signature"`
	}{in.PlainToken, sum})
}

func (h *QQWebhook) refuse(w http.ResponseWriter, status int, why string) {
	h.refused(why)
	w.Header().Set("Connection", "close") // whoever sent it may still be sending
	http.Error(w, http.StatusText(status), status)
}

func answerQQ(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the platform asks again if it did not arrive
}
