package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tencent-connect/botgo/token"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	// maxQQToken bounds the answer of the token server, in bytes.
	maxQQToken = 64 << 10
	// qqTokenEarly is how long before its end a token is replaced. The platform
	// gives out a new one only in the last 60 s. Source: access-token page, 2026-09.
	qqTokenEarly = 40 * time.Second
	// qqTokenPause is about how long a token server that failed is left alone.
	qqTokenPause = time.Second
	// qqTokenLife is what a token is worth whose end the server does not say.
	qqTokenLife = 2 * time.Minute
)

// qqTokens is a bot's access token, fetched when a call needs it. The old one
// serves until its end when no new one can be had.
type qqTokens struct {
	url, app, secret string
	client           *http.Client
	now              func() time.Time

	flight singleflight.Group

	mu    sync.Mutex
	cur   *oauth2.Token // nil: none that is any good
	pause time.Time     // the server is not asked before
	fault error         // why
}

func newQQTokens(o QQOptions) *qqTokens {
	return &qqTokens{
		url: strings.TrimSuffix(o.TokenBase, "/") + "/app/getAppAccessToken", app: o.AppID, secret: o.Secret,
		client: &http.Client{Timeout: qqCallTimeout}, now: time.Now,
	}
}

// get is a token that is good for now. The error is a *qqError.
func (t *qqTokens) get(ctx context.Context) (*oauth2.Token, error) {
	cur, err, due := t.look()
	if !due {
		return cur, err
	}
	got := t.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), qqCallTimeout)
		defer cancel()
		return t.renew(ctx)
	})
	if cur != nil { // somebody else may wait for the new one
		return cur, nil
	}
	select {
	case r := <-got:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*oauth2.Token), nil
	case <-ctx.Done():
		return nil, &qqError{Class: qqRetry}
	}
}

// look says what there is, and whether the server is to be asked.
func (t *qqTokens) look() (cur *oauth2.Token, err error, due bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.cur != nil && !now.Before(t.cur.Expiry) {
		t.cur = nil
	}
	fresh := t.cur != nil && now.Before(t.cur.Expiry.Add(-qqTokenEarly))
	if fresh || (t.cur != nil && now.Before(t.pause)) {
		return t.cur, nil, false
	}
	if now.Before(t.pause) {
		return nil, t.fault, false
	}
	return t.cur, nil, true
}

// drop forgets a token that was refused, unless a newer one is there; "" stands
// for any.
func (t *qqTokens) drop(refused string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cur != nil && (refused == "" || t.cur.AccessToken == refused) {
		t.cur = nil
	}
}

func (t *qqTokens) renew(ctx context.Context) (*oauth2.Token, error) {
	tok, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.fault = err
		t.pause = t.now().Add(qqTokenPause + rand.N(qqTokenPause))
		return nil, err
	}
	t.cur, t.fault, t.pause = tok, nil, time.Time{}
	return tok, nil
}

// qqTokenCodes is what the token server's codes mean. Source: access-token
// page, 2026-09: no such bot, no such app id, wrong secret.
var qqTokenCodes = map[int]qqClass{10004: qqConfig, 100007: qqConfig, 100016: qqConfig}

// fetch asks the token server, whose faults are answered with status 200 too.
// Its errors carry neither the secret nor the answer.
func (t *qqTokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	body, err := json.Marshal(map[string]string{"appId": t.app, "clientSecret": t.secret})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the token server's address is wrong")
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := t.client.Do(r)
	if err != nil {
		return nil, &qqError{Class: qqRetry}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxQQToken))
	if err != nil {
		return nil, &qqError{Class: qqRetry, Status: resp.StatusCode}
	}
	return t.read(resp.StatusCode, answer)
}

func (t *qqTokens) read(status int, answer []byte) (*oauth2.Token, error) {
	var in struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"` // a number in quotes, or a number
		Code        json.RawMessage `json:"code"`
	}
	err := json.Unmarshal(answer, &in)
	if err != nil || in.AccessToken == "" || status != http.StatusOK {
		e := &qqError{Class: qqRetry, Status: status, Code: qqCode(in.Code)}
		if class := qqTokenCodes[e.Code]; class != 0 {
			e.Class = class
		}
		return nil, e
	}
	life := qqTokenLife
	if seconds, err := strconv.Atoi(string(trimQuotes(in.ExpiresIn))); err == nil && seconds > 0 && seconds < 1<<20 {
		life = time.Duration(seconds) * time.Second
	}
	return &oauth2.Token{AccessToken: in.AccessToken, TokenType: token.TypeQQBot, Expiry: t.now().Add(life)}, nil
}
