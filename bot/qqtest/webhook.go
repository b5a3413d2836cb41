package qqtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// delivery is one event on its way to a webhook or socket.
type delivery struct {
	outer, typ, target string
	payload            []byte
	seq                int64
	shard              int
	fault              *Fault
}

// maxTries is how often an event is delivered that gets no op 12 with d 0.
const maxTries = 3

// work delivers the events of one shard, one after another, until the bot is
// retired.
func (b *Bot) work(ctx context.Context, queue chan *delivery) {
	for {
		select {
		case d := <-queue:
			b.deliver(ctx, d)
		case <-ctx.Done():
			return
		}
	}
}

// deliver tries until the bot has taken the event or the tries are used up.
func (b *Bot) deliver(ctx context.Context, d *delivery) {
	b.p.mu.Lock()
	target, resign := b.options.Webhook, b.p.rules.ResignRetries
	b.p.mu.Unlock()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	for try := 1; try <= maxTries; try++ {
		if try > 1 && !b.p.wait(ctx, b.p.options.RetryWait) {
			return
		}
		if resign {
			stamp = strconv.FormatInt(time.Now().Unix(), 10)
		}
		if b.attempt(ctx, target, d, stamp, try) {
			return
		}
	}
}

// attempt delivers once, or as many copies at once as a fault wants.
func (b *Bot) attempt(ctx context.Context, target string, d *delivery, stamp string, try int) bool {
	copies := 1
	f := d.fault
	if try > 1 {
		f = nil
	}
	if f != nil && f.Kind == FaultDuplicate {
		copies = min(max(f.Copies, 2), 50)
	}
	results := make([]bool, copies)
	var crew sync.WaitGroup
	for i := range copies {
		crew.Go(func() { results[i] = b.post(ctx, target, d, stamp, try, f) })
	}
	crew.Wait()
	acked := false
	for _, r := range results {
		acked = acked || r
	}
	return acked && (f == nil || f.Kind != FaultLose)
}

// post sends the event once and reads the bot's answer.
func (b *Bot) post(ctx context.Context, target string, d *delivery, stamp string, try int, f *Fault) bool {
	ctx, cancel := context.WithTimeout(ctx, b.p.options.AckTimeout)
	defer cancel()
	began := time.Now()
	answer := b.callBack(ctx, target, b.headers(stamp, d.payload), d.payload, f)
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	e := Entry{Kind: KindDelivery, Bot: b.appID, Type: d.typ, ID: d.outer, Target: d.target, Try: try,
		Status: answer.Status, Response: answer.Body, Took: time.Since(began).Microseconds(), Note: answer.Err}
	e.Acked = answer.acked() || answer.Status/100 == 2 && !b.p.rules.RetryRefused && answer.op12()
	if f != nil {
		e.Fault = string(f.Kind)
	}
	b.p.record(e)
	return e.Acked
}

// headers are those of a callback, signed.
func (b *Bot) headers(stamp string, body []byte) http.Header {
	return http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"QQBot-Callback"}, "X-Bot-Appid": {b.appID},
		"X-Signature-Ed25519": {sign(b.secret, stamp, body)}, "X-Signature-Timestamp": {stamp},
	}
}

// Answer is what a bot answered to a callback.
type Answer struct {
	Status int
	Body   []byte
	Err    string // why there is no answer
}

func (a Answer) op12() bool {
	var out struct {
		Op *int `json:"op"`
	}
	return json.Unmarshal(a.Body, &out) == nil && out.Op != nil && *out.Op == 12
}

func (a Answer) acked() bool {
	var out struct {
		Op *int `json:"op"`
		D  *int `json:"d"`
	}
	return a.Status/100 == 2 && json.Unmarshal(a.Body, &out) == nil && out.Op != nil && *out.Op == 12 && out.D != nil && *out.D == 0
}

// maxAnswer is how many bytes of a bot's answer are read.
const maxAnswer = 64 << 10

// callBack posts a body to the webhook, in the form a fault wants.
func (b *Bot) callBack(ctx context.Context, target string, h http.Header, body []byte, f *Fault) Answer {
	if f != nil && f.Kind == FaultSplit {
		return b.p.rawPost(ctx, target, h, body, 7)
	}
	var reader io.Reader = bytes.NewReader(body)
	if f != nil && f.Kind == FaultChunked {
		reader = io.MultiReader(reader) // hides the length
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, reader)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	r.Header = h
	return b.p.do(r)
}

func (p *Platform) do(r *http.Request) Answer {
	resp, err := p.client.Do(r)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{Status: resp.StatusCode, Err: err.Error()}
	}
	return Answer{Status: resp.StatusCode, Body: raw}
}

// rawPost writes a request in that many TCP segments, of headers and body alike.
func (p *Platform) rawPost(ctx context.Context, target string, h http.Header, body []byte, segments int) Answer {
	u, err := url.Parse(target)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n", u.RequestURI(), u.Host, len(body))
	_ = h.Write(&raw) // to memory
	raw.WriteString("\r\n")
	raw.Write(body)
	return p.exchange(ctx, u.Host, raw.Bytes(), segments)
}

// exchange writes bytes to a server, with pauses between the segments, and
// reads one HTTP answer.
func (p *Platform) exchange(ctx context.Context, host string, raw []byte, segments int) Answer {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	defer conn.Close()
	if at, has := ctx.Deadline(); has {
		_ = conn.SetDeadline(at)
	}
	size := len(raw)/segments + 1
	for len(raw) > 0 {
		n := min(size, len(raw))
		if _, err := conn.Write(raw[:n]); err != nil {
			break // it may have answered already
		}
		if raw = raw[n:]; len(raw) > 0 && !p.wait(ctx, 3*time.Millisecond) {
			break
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{Err: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{Status: resp.StatusCode, Err: err.Error()}
	}
	return Answer{Status: resp.StatusCode, Body: body}
}
