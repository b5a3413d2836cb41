package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// eventOf is a message event as the platform sends it.
func eventOf(openid, group, text string) string {
	d := map[string]any{"id": "message-id", "content": text, "author": map[string]string{"user_openid": openid}}
	t := "C2C_MESSAGE_CREATE"
	if group != "" {
		t, d["group_openid"] = "GROUP_AT_MESSAGE_CREATE", group
		d["author"] = map[string]string{"member_openid": openid}
	}
	b, _ := json.Marshal(map[string]any{"op": 0, "t": t, "id": "event-id", "d": d}) // strings always can be
	return string(b)
}

// named reads what an event calls its message and its people.
func named(body []byte) (id, person, group, text string) {
	var e struct {
		D struct {
			ID      string `json:"id"`
			Content string `json:"content"`
			Group   string `json:"group_openid"`
			Author  struct {
				User   string `json:"user_openid"`
				Member string `json:"member_openid"`
			} `json:"author"`
		} `json:"d"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", "", "", ""
	}
	person = e.D.Author.User
	if person == "" {
		person = e.D.Author.Member
	}
	return e.D.ID, person, e.D.Group, e.D.Content
}

// rebind gives an event the message id that the platform gave a real one, so
// that the platform takes the reply to it.
func rebind(body string, real []byte) string {
	id, _, _, _ := named([]byte(body))
	to, _, _, _ := named(real)
	if id == "" || to == "" {
		return body
	}
	return strings.ReplaceAll(body, strconv.Quote(id), strconv.Quote(to))
}

// bind puts real people and a real message into an item's event: the platform
// would not take a reply to anybody else.
func (r *hostileRange) bind(raw []byte) (string, *qqUser, error) {
	id, person, group, text := named(raw)
	body := string(raw)
	if id == "" || person == "" {
		return body, nil, nil
	}
	u := r.qqUser("")
	if group != "" {
		r.qqGroup(u)
	}
	d, err := r.relay.catch(r.ctx, func() {
		if u.group != nil {
			u.group.Say(u.user, text, true)
		} else {
			u.user.Say(text)
		}
	})
	if err != nil {
		return "", nil, err
	}
	_, realPerson, realGroup, _ := named(d.body)
	body = rebind(body, d.body)
	body = strings.ReplaceAll(body, strconv.Quote(person), strconv.Quote(realPerson))
	if group != "" {
		body = strings.ReplaceAll(body, strconv.Quote(group), strconv.Quote(realGroup))
	}
	return body, u, nil
}

// key is the bot's: its seed is the secret over and over, 32 bytes of it.
func key(secret string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(secret, 32/len(secret)+1))[:ed25519.SeedSize])
}

// stamp reads $now and $now-600.
func stamp(s string, now time.Time) string {
	rest, ok := strings.CutPrefix(s, "$now")
	if !ok {
		return s
	}
	n, _ := strconv.ParseInt(rest, 10, 64) // "" is 0
	return strconv.FormatInt(now.Unix()+n, 10)
}

// signed sends a rightly signed request to the webhook of the first copy.
func (r *hostileRange) signed(body string, headers map[string]string) (int, string, error) {
	q, err := r.sealed(r.first(), body, "valid", headers)
	if err != nil {
		return 0, "", err
	}
	return exchange(q)
}

// errSign says that a kind of signature is not known here.
var errSign = errors.New("unknown signature")

// sealed makes a request of the platform with a signature of some kind.
func (r *hostileRange) sealed(to *replica, body, sign string, headers map[string]string) (*http.Request, error) {
	q, err := http.NewRequestWithContext(r.ctx, http.MethodPost, to.base+qqPath, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Bot-Appid", hostileApp)
	ts := stamp("$now", time.Now())
	for name, value := range headers {
		value = stamp(value, time.Now())
		switch http.CanonicalHeaderKey(name) {
		case "X-Signature-Timestamp":
			ts = value
		case "Transfer-Encoding":
			q.Body, q.ContentLength = io.NopCloser(struct{ io.Reader }{strings.NewReader(body)}), -1
		case "Content-Length", "Host":
		default:
			q.Header.Set(name, value)
		}
	}
	sum := ed25519.Sign(key(hostileSecret), []byte(ts+body))
	switch sign {
	case "none":
		return q, nil
	case "valid":
	case "wrong_key":
		sum = ed25519.Sign(key("another-secret-altogether"), []byte(ts+body))
	case "other_body":
		sum = ed25519.Sign(key(hostileSecret), []byte(ts+body+" "))
	case "truncated", "short":
		sum = sum[:len(sum)-1]
	case "empty":
		sum = nil
	case "zero", "zeros":
		sum = make([]byte, ed25519.SignatureSize)
	case "other_timestamp", "wrong_timestamp":
		sum = ed25519.Sign(key(hostileSecret), []byte("1"+ts+body))
	case "not_hex", "garbage", "bad_hex":
		q.Header.Set("X-Signature-Ed25519", strings.Repeat("zz", 64))
		q.Header.Set("X-Signature-Timestamp", ts)
		return q, nil
	default:
		return nil, errSign
	}
	q.Header.Set("X-Signature-Ed25519", hex.EncodeToString(sum))
	q.Header.Set("X-Signature-Timestamp", ts)
	return q, nil
}

func exchange(q *http.Request) (int, string, error) {
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHostileBody))
	return resp.StatusCode, string(body), err
}

// replies are what the platform showed anybody since the watch began.
func (r *hostileRange) replies(w *watch) (out []string) {
	for _, e := range w.sends() {
		out = append(out, e.Seen)
	}
	return out
}

// once sets the states of exactly one message taken and one reply to it.
func (r *hostileRange) once(w *watch, got *reached) error {
	if err := r.settle(); err != nil {
		return err
	}
	w.done()
	now, err := r.countRows()
	if err != nil {
		return err
	}
	sends := w.sends()
	parts := map[string]int{}
	for _, e := range sends {
		parts[e.Target+"\x00"+e.Seen]++
	}
	twice := slices.ContainsFunc(slices.Collect(maps.Values(parts)), func(n int) bool { return n > 1 })
	taken := now["inbox"] - w.rows["inbox"]
	got.state("one_reply", taken == 1 && len(sends) > 0 && !twice, fmt.Sprintf("收下 %d 条，回了 %d 条，重复：%v", taken, len(sends), twice))
	got.reply = append(got.reply, r.replies(w)...)
	return nil
}

// runWebhook sends one request to the webhook.
func runWebhook(r *hostileRange, x attack, w *watch) (reached, error) {
	body, _, err := r.bind([]byte(bodyText(x.Payload.Body)))
	if err != nil {
		return reached{}, err
	}
	q, err := r.sealed(r.first(), body, x.Payload.Sign, x.Payload.Headers)
	if errors.Is(err, errSign) {
		return reached{unfit: "不认识的签名方式 " + x.Payload.Sign}, nil
	} else if err != nil {
		return reached{}, err
	}
	status, answer, err := exchange(q)
	if err != nil {
		return reached{}, err
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}, http: []string{answer}, status: []int{status}}
	return got, r.once(w, &got)
}

// runWebhookRaw sends bytes that need be no JSON.
func runWebhookRaw(r *hostileRange, x attack, w *watch) (reached, error) {
	x.Payload.Body, _ = json.Marshal(x.Payload.Raw) // a string always can be
	return runWebhook(r, x, w)
}

var signatureField = regexp.MustCompile(`"signature"\s*:\s*"([0-9a-fA-F]+)"`)

// runOracle asks the address validation to sign a forged event and delivers the
// event with whatever came back.
func runOracle(r *hostileRange, x attack, w *watch) (reached, error) {
	ts := stamp(x.Payload.EventTS, time.Now())
	ask, err := json.Marshal(map[string]any{"op": 13, "d": map[string]string{"plain_token": x.Payload.PlainToken, "event_ts": ts}})
	if err != nil {
		return reached{}, err
	}
	got := reached{said: []string{x.Payload.PlainToken}}
	for _, sign := range []string{"none", "valid"} {
		q, err := r.sealed(r.first(), string(ask), sign, nil)
		if err != nil {
			return got, err
		}
		status, answer, err := exchange(q)
		if err != nil {
			return got, err
		}
		got.http, got.status = append(got.http, answer), append(got.status, status)
		found := signatureField.FindStringSubmatch(answer)
		if found == nil {
			continue
		}
		q, err = r.sealed(r.first(), x.Payload.PlainToken, "none", nil)
		if err != nil {
			return got, err
		}
		q.Header.Set("X-Signature-Ed25519", found[1])
		q.Header.Set("X-Signature-Timestamp", ts)
		status, answer, err = exchange(q)
		if err != nil {
			return got, err
		}
		got.http, got.status = append(got.http, answer), append(got.status, status)
	}
	w.done()
	return got, nil
}

// runRepeatEvent delivers one event many times: in turn or at once, to one copy
// of the product or two, over the webhook and the websocket.
func runRepeatEvent(r *hostileRange, x attack, w *watch) (reached, error) {
	if slices.Contains(x.Payload.Via, "websocket") {
		return r.bothWays(x, w)
	}
	for len(r.replicas) < min(max(x.Payload.Replicas, 1), 3) {
		if _, err := r.start("webhook"); err != nil {
			return reached{}, err
		}
	}
	body, _, err := r.bind(x.Payload.Event)
	if err != nil {
		return reached{}, err
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}}
	var mu sync.Mutex
	var crew sync.WaitGroup
	var faults error
	for i := range max(x.Payload.Times, 1) {
		q, err := r.sealed(r.replicas[i%len(r.replicas)], body, "valid", nil)
		if err != nil {
			return got, err
		}
		send := func() {
			status, answer, err := exchange(q)
			mu.Lock()
			defer mu.Unlock()
			faults = errors.Join(faults, err)
			got.http, got.status = append(got.http, answer), append(got.status, status)
		}
		if x.Payload.Parallel {
			crew.Go(send)
		} else {
			send()
		}
	}
	crew.Wait()
	if faults != nil {
		return got, faults
	}
	return got, r.once(w, &got)
}

// bothWays lets one message come over the webhook of one copy and the websocket
// of another.
func (r *hostileRange) bothWays(x attack, w *watch) (reached, error) {
	if _, err := r.start("websocket"); err != nil {
		return reached{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, answerTime)
	defer cancel()
	if err := r.platform.WaitFor(ctx, func() bool { return r.bot.Connected() > 0 }); err != nil {
		return reached{}, err
	}
	body, _, err := r.bind(x.Payload.Event)
	if err != nil {
		return reached{}, err
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}}
	for range max(x.Payload.Times-1, 1) {
		status, answer, err := r.signed(body, nil)
		if err != nil {
			return got, err
		}
		got.http, got.status = append(got.http, answer), append(got.status, status)
	}
	return got, r.once(w, &got)
}

// runReplayOld delivers an event and then again with the old signature.
func runReplayOld(r *hostileRange, x attack, w *watch) (reached, error) {
	body, _, err := r.bind(x.Payload.Event)
	if err != nil {
		return reached{}, err
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}}
	status, answer, err := r.signed(body, map[string]string{"X-Signature-Timestamp": fmt.Sprintf("$now-%d", max(x.Payload.Hours, 1)*3600)})
	if err != nil {
		return got, err
	}
	got.http, got.status = []string{answer}, []int{status}
	w.done()
	if err := r.settle(); err != nil {
		return got, err
	}
	got.reply = r.replies(w)
	return got, nil
}

// runTwoEnvelopes delivers one message in two events with ids of their own.
func runTwoEnvelopes(r *hostileRange, x attack, w *watch) (reached, error) {
	body, _, err := r.bind(x.Payload.Event)
	if err != nil {
		return reached{}, err
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return reached{unfit: "event 看不懂"}, nil
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}}
	for i := range 2 {
		e["id"] = fmt.Sprintf("%v-%d", e["id"], i)
		again, err := json.Marshal(e)
		if err != nil {
			return got, err
		}
		status, answer, err := r.signed(string(again), nil)
		if err != nil {
			return got, err
		}
		got.http, got.status = append(got.http, answer), append(got.status, status)
	}
	return got, r.once(w, &got)
}

// runRawBytes sends bytes that are no UTF-8 as a message.
func runRawBytes(r *hostileRange, x attack, w *watch) (reached, error) {
	raw, err := hex.DecodeString(x.Payload.Hex)
	if err != nil {
		return reached{unfit: "hex 看不懂"}, nil
	}
	return r.sendBytes(x, w, raw)
}

// runMixedEncoding sends a message half in UTF-8 and half in GBK.
func runMixedEncoding(r *hostileRange, x attack, w *watch) (reached, error) {
	return r.sendBytes(x, w, append([]byte("请问劳动仲裁"), 0xca, 0xb1, 0xd0, 0xa7, 0xb6, 0xe0, 0xbe, 0xc3)) // 时效多久
}

func (r *hostileRange) sendBytes(x attack, w *watch, raw []byte) (reached, error) {
	got := reached{}
	if !strings.HasPrefix(x.Channel, "qq") {
		body := append(append([]byte(`{"text":"`), raw...), `"}`...)
		status, answer, err := r.call(http.MethodPost, "/api/v1/ask", "application/json", bytes.NewReader(body), nil)
		w.done()
		got.http, got.status, got.reply = []string{answer}, []int{status}, []string{answer}
		return got, err
	}
	const place = "BYTES-GO-HERE"
	body, _, err := r.bind([]byte(eventOf("U1", "", place)))
	if err != nil {
		return got, err
	}
	status, answer, err := r.signed(strings.Replace(body, place, string(raw), 1), nil)
	if err != nil {
		return got, err
	}
	got.http, got.status = []string{answer}, []int{status}
	if err := r.settle(); err != nil {
		return got, err
	}
	w.done()
	got.reply = r.replies(w)
	return got, nil
}

// runCrash stops the product right after it acknowledged an event, starts it
// anew on the same data and delivers the event again.
func runCrash(r *hostileRange, x attack, w *watch) (reached, error) {
	if x.Payload.At != "" && x.Payload.At != "after_ack" && x.Payload.At != "after_inbox" && x.Payload.At != "after_commit" {
		return reached{unfit: "只有在独立进程里才能在 " + x.Payload.At + " 处崩溃"}, nil
	}
	body, _, err := r.bind(x.Payload.Event)
	if err != nil {
		return reached{}, err
	}
	_, _, _, text := named([]byte(body))
	got := reached{said: []string{text}}
	if _, _, err := r.signed(body, nil); err != nil {
		return got, err
	}
	second, err := r.start("webhook")
	if err != nil {
		return got, err
	}
	old := r.first()
	r.replicas = []*replica{second}
	if err := old.stop(); err != nil {
		return got, err
	}
	r.spoiled = true
	status, answer, err := r.signed(body, nil)
	if err != nil {
		return got, err
	}
	got.http, got.status = []string{answer}, []int{status}
	return got, r.once(w, &got)
}
