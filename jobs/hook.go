package jobs

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// HookOptions says who is told by webhook: a county's app, a loudspeaker
// platform, a screen at the village office.
type HookOptions struct {
	URL    string
	Secret string   // shared with the receiver; signs what is sent
	Hosts  []string // hosts that may be told; URL's must be one
	Now    func() time.Time
	// Timeout bounds one call; 10 s if zero. A receiver that needs longer should
	// take it and answer.
	Timeout time.Duration
}

// Hook tells one receiver what is published. Each call is signed and carries a
// key by which the receiver takes the same only once.
type Hook struct {
	o      HookOptions
	url    *url.URL
	client *http.Client
}

// Bounds of a receiver's answer, in bytes: only its number of what it took is
// read.
const (
	maxHookAnswer = 64 << 10
	maxHookRef    = 100
)

// leastSecret is how short a secret may be, in bytes: 128 bits in hexadecimal.
const leastSecret = 32

// NewHook gives the receiver at an address. Its host must be allowed by name; a
// name must resolve to the public internet when it is called, while an address
// of the own network may be given as such.
func NewHook(o HookOptions) (*Hook, error) {
	if len(o.Secret) < leastSecret {
		return nil, fmt.Errorf("webhook: the secret has fewer than %d characters", leastSecret)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	u, client, err := guarded("webhook", o.URL, o.Hosts, o.Timeout)
	if err != nil {
		return nil, err
	}
	return &Hook{o: o, url: u, client: client}, nil
}

// Host is who is told.
func (h *Hook) Host() string { return h.url.Host }

// Names of what a call carries besides its body. The signature is "v1=" and the
// HMAC-SHA256, in hexadecimal, of the timestamp (Unix seconds), a dot and the
// body. A receiver refuses a timestamp that is more than five minutes off, so a
// call that somebody recorded is worth nothing later.
const (
	TimestampHeader = "X-Mingbai-Timestamp"
	SignatureHeader = "X-Mingbai-Signature"
	KeyHeader       = "Idempotency-Key"
)

// Sign is the signature of a body sent at that time.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// HookError is a receiver's answer that was no success.
type HookError struct {
	Status int
	After  time.Duration // what the receiver asked to wait, at most an hour
}

func (e *HookError) Error() string { return "webhook: HTTP " + strconv.Itoa(e.Status) }

// Final says that the same call would be answered the same again.
func (e *HookError) Final() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false // a conflict: the same key is being worked on
	}
	return e.Status < 500
}

// Post sends one body under its key and gives the receiver's number of it, or
// "" if it names none. It may be called again with the same key and body.
func (h *Hook) Post(ctx context.Context, key string, body []byte) (ref string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	now := h.o.Now()
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "mingbai-webhook/1")
	r.Header.Set(KeyHeader, key)
	r.Header.Set(TimestampHeader, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(SignatureHeader, Sign(h.o.Secret, now, body))
	resp, err := h.client.Do(r)
	if err != nil {
		var u *url.Error // its text has the address, which may hold a key of the receiver's
		if errors.As(err, &u) {
			err = u.Err
		}
		return "", fmt.Errorf("webhook: %w", err)
	}
	defer resp.Body.Close()
	answer, err := readMost(resp.Body, maxHookAnswer)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", &HookError{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil // it was taken, whatever else is said
	}
	return refOf(answer), nil
}

func retryAfter(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}

// refOf finds the receiver's number in its answer.
func refOf(answer []byte) string {
	var got struct {
		ID any `json:"id"`
	}
	if json.Unmarshal(answer, &got) != nil {
		return ""
	}
	switch id := got.ID.(type) {
	case string:
		return oneLine(id, maxHookRef)
	case float64:
		return strconv.FormatFloat(id, 'f', -1, 64)
	}
	return ""
}
