package qqtest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// AttackKind is something a stranger may send to a bot's webhook.
type AttackKind string

const (
	AttackBadSignature AttackKind = "bad-signature"
	AttackNoSignature  AttackKind = "no-signature"
	AttackStale        AttackKind = "stale"    // rightly signed, an hour old
	AttackFuture       AttackKind = "future"   // rightly signed, an hour ahead
	AttackTampered     AttackKind = "tampered" // the body was changed after signing
	AttackHuge         AttackKind = "huge"     // declares 10 GiB
	AttackLarge        AttackKind = "large"    // 2 MiB, rightly signed
	AttackOracle       AttackKind = "oracle"   // op 13, unsigned, whose answer would sign a forged event
	AttackOracleSigned AttackKind = "oracle-signed"
	AttackValidation   AttackKind = "unsigned-validation" // op 13 without signature
	AttackGet          AttackKind = "get"
	AttackNotJSON      AttackKind = "not-json" // rightly signed
	AttackOtherBot     AttackKind = "other-bot"
)

// Attacks lists all kinds.
func Attacks() []AttackKind {
	return []AttackKind{AttackBadSignature, AttackNoSignature, AttackStale, AttackFuture, AttackTampered, AttackHuge, AttackLarge,
		AttackOracle, AttackOracleSigned, AttackValidation, AttackGet, AttackNotJSON, AttackOtherBot}
}

// Forged is the text in the event that attacks try to slip in.
const Forged = "伪造的消息"

// Attack sends one to the bot's webhook and returns what came back. A bot must
// answer 4xx and do nothing.
func (b *Bot) Attack(ctx context.Context, kind AttackKind) Answer {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	b.p.mu.Lock()
	target := b.options.Webhook
	body := b.forged()
	b.p.mu.Unlock()
	a := b.attack(ctx, kind, target, body)
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.record(Entry{Kind: KindDelivery, Bot: b.appID, Type: "attack " + string(kind), Status: a.Status, Note: a.Err, Response: a.Body})
	return a
}

func (b *Bot) attack(ctx context.Context, kind AttackKind, target string, body []byte) Answer {
	now := time.Now()
	h := b.headers(strconv.FormatInt(now.Unix(), 10), body)
	switch kind {
	case AttackBadSignature:
		h.Set("X-Signature-Ed25519", strings.Repeat("ab", 63)+"0c")
	case AttackNoSignature:
		h.Del("X-Signature-Ed25519")
	case AttackStale:
		h = b.headers(strconv.FormatInt(now.Add(-time.Hour).Unix(), 10), body)
	case AttackFuture:
		h = b.headers(strconv.FormatInt(now.Add(time.Hour).Unix(), 10), body)
	case AttackTampered:
		body = []byte(strings.Replace(string(body), Forged, Forged+"了", 1))
	case AttackHuge:
		return b.huge(ctx, target, h)
	case AttackLarge:
		body = append(body, strings.Repeat(" ", 2<<20)...)
		h = b.headers(strconv.FormatInt(now.Unix(), 10), body)
	case AttackOracle, AttackOracleSigned:
		oracle := encode(object{"op": 13, "d": object{"plain_token": string(body), "event_ts": strconv.FormatInt(now.Unix(), 10)}})
		signed := b.headers(strconv.FormatInt(now.Unix(), 10), oracle)
		if body = oracle; kind == AttackOracleSigned {
			h = signed
		} else {
			h.Del("X-Signature-Ed25519")
		}
	case AttackValidation:
		body = encode(object{"op": 13, "d": object{"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": "1725442341"}})
		h.Del("X-Signature-Ed25519")
	case AttackNotJSON:
		body = []byte("{not json")
		h = b.headers(strconv.FormatInt(now.Unix(), 10), body)
	case AttackOtherBot:
		h.Set("X-Signature-Ed25519", sign("another bot's secret", h.Get("X-Signature-Timestamp"), body))
	case AttackGet:
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return Answer{Err: err.Error()}
		}
		return b.p.do(r)
	default:
		return Answer{Err: "unknown attack"}
	}
	return b.callBack(ctx, target, h, body, nil)
}

// huge declares more than anybody should allocate and sends a few bytes of it.
func (b *Bot) huge(ctx context.Context, target string, h http.Header) Answer {
	u, err := url.Parse(target)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	raw := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nX-Signature-Ed25519: %s\r\nX-Signature-Timestamp: %s\r\n\r\n{\"op\":0,",
		u.RequestURI(), u.Host, 10<<30, h.Get("X-Signature-Ed25519"), h.Get("X-Signature-Timestamp"))
	return b.p.exchange(ctx, u.Host, []byte(raw), 1)
}

// forged is an event that never happened.
func (b *Bot) forged() []byte {
	id := b.p.nextID("forged")
	return encode(object{"op": 0, "id": "C2C_MESSAGE_CREATE:" + id, "t": "C2C_MESSAGE_CREATE", "s": 1, "d": object{
		"id": "ROBOT1.0_" + id, "content": Forged, "timestamp": b.p.stamp(""), "author": object{"id": "FORGED", "user_openid": "FORGED"}}})
}

// Validate does the handshake (op 13) that the console does when a callback URL
// is saved, and checks the bot's signature.
func (b *Bot) Validate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.p.options.AckTimeout)
	defer cancel()
	b.p.mu.Lock()
	target, plain := b.options.Webhook, b.p.nextID("plain")[:20]
	b.p.mu.Unlock()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	body := encode(object{"op": 13, "d": object{"plain_token": plain, "event_ts": stamp}})
	a := b.callBack(ctx, target, b.headers(stamp, body), body, nil)
	err := b.checkHandshake(a, plain, stamp)
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	e := Entry{Kind: KindDelivery, Bot: b.appID, Type: "validation", Status: a.Status, Acked: err == nil, Response: a.Body}
	if err != nil {
		e.Note = err.Error()
	}
	b.p.record(e)
	return err
}

func (b *Bot) checkHandshake(a Answer, plain, stamp string) error {
	if a.Err != "" {
		return fmt.Errorf("webhook does not answer: %s", a.Err)
	}
	var out struct {
		Plain     string `json:"plain_token"`
		Signature string `json:"signature"`
	}
	if a.Status != http.StatusOK || json.Unmarshal(a.Body, &out) != nil {
		return fmt.Errorf("webhook answers the handshake with %d", a.Status)
	}
	if _, err := hex.DecodeString(out.Signature); err != nil || out.Plain != plain || !verify(b.secret, stamp, []byte(plain), out.Signature) {
		return fmt.Errorf("webhook signs the handshake wrongly")
	}
	return nil
}
