package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"mingbai/office"
)

// OIDC is another system that people may sign in with (OpenID Connect Core 1.0,
// the code flow with PKCE). Who they are is looked up by Claim among the
// accounts.
type OIDC struct {
	Name                     string // on the button: 用…登录
	Issuer, ClientID, Secret string
	Claim                    string // "sub" if empty
	Back                     string // our address that it sends people back to
}

// Bounds of talking to the other system.
const (
	oidcTimeout = 10 * time.Second
	oidcMax     = 1 << 20          // bytes of one answer
	oidcLife    = 10 * time.Minute // how long somebody may take there
	oidcAgain   = 5 * time.Minute  // how long ago the password was given there, when it counts as proof
)

// Cookies of a sign-in under way. They are Lax: the browser brings them along
// when the other system sends it back, which the session's cookie it would not.
const (
	oidcCookie   = "__Host-mingbai-oidc"
	oidcLoopback = "mingbai-loopback-oidc"
)

// voucher talks to the other system, which is looked up at the first use, so that
// the program starts while it is down.
type voucher struct {
	o      OIDC
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider
}

func newVoucher(o OIDC, now func() time.Time) *voucher {
	if o.Claim == "" {
		o.Claim = "sub"
	}
	return &voucher{o: o, now: now, client: &http.Client{Timeout: oidcTimeout, Transport: shortAnswers{http.DefaultTransport}}}
}

// shortAnswers cuts answers off that are longer than any honest one.
type shortAnswers struct{ next http.RoundTripper }

func (s shortAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := s.next.RoundTrip(r)
	if err == nil {
		a.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(a.Body, oidcMax), a.Body}
	}
	return a, err
}

// open finds the other system's addresses and keys.
func (v *voucher) open(ctx context.Context) (*oidc.Provider, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.provider != nil {
		return v.provider, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.o.Issuer)
	if err != nil {
		return nil, &office.Error{Kind: office.Unavailable, Msg: "统一身份认证现在连不上，请用密码登录，或过几分钟再试。", Err: err}
	}
	v.provider = p
	return p, nil
}

func (v *voucher) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: v.o.ClientID, ClientSecret: v.o.Secret, Endpoint: p.Endpoint(), RedirectURL: v.o.Back, Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// underWay is what the browser keeps while its person signs in elsewhere.
type underWay struct {
	state, nonce, verifier, next string
	again                        bool
}

func (u underWay) String() string {
	again := ""
	if u.again {
		again = "1"
	}
	return url.Values{"s": {u.state}, "n": {u.nonce}, "v": {u.verifier}, "to": {u.next}, "a": {again}}.Encode()
}

func readUnderWay(text string) (underWay, bool) {
	v, err := url.ParseQuery(text)
	u := underWay{v.Get("s"), v.Get("n"), v.Get("v"), inside(v.Get("to")), v.Get("a") != ""}
	return u, err == nil && u.state != "" && u.nonce != "" && u.verifier != ""
}

func random() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

func (c *call) oidcCookie(value string, age time.Duration) {
	name := oidcCookie
	if c.o.Loopback {
		name = oidcLoopback
	}
	k := &http.Cookie{Name: name, Value: base64.RawURLEncoding.EncodeToString([]byte(value)), Path: "/", MaxAge: int(age.Seconds()), Secure: !c.o.Loopback, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if age == 0 {
		k.MaxAge, k.Value = -1, ""
	}
	http.SetCookie(c.w, k)
}

// oidcStart sends the browser to the other system.
func oidcStart(c *call) error {
	if c.voucher == nil {
		return errNoPage
	}
	p, err := c.voucher.open(c.r.Context())
	if err != nil {
		return err
	}
	f := c.form()
	u := underWay{random(), random(), oauth2.GenerateVerifier(), inside(f.Get("next")), f.Get("again") != ""}
	o := []oauth2.AuthCodeOption{oidc.Nonce(u.nonce), oauth2.S256ChallengeOption(u.verifier)}
	if u.again {
		o = append(o, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	c.oidcCookie(u.String(), oidcLife)
	return c.redirect(c.voucher.config(p).AuthCodeURL(u.state, o...))
}

type backPage struct{ To string }

// oidcBack takes somebody whom the other system sends back. The page that answers
// goes on by itself: a redirect would still count as come from elsewhere, and the
// browser would not bring the session's cookie along.
func oidcBack(c *call) error {
	if c.voucher == nil {
		return errNoPage
	}
	name := oidcCookie
	if c.o.Loopback {
		name = oidcLoopback
	}
	var u underWay
	ok := false
	if k, err := c.r.Cookie(name); err == nil {
		if text, err := base64.RawURLEncoding.DecodeString(k.Value); err == nil {
			u, ok = readUnderWay(string(text))
		}
	}
	c.oidcCookie("", 0) // good once
	f := c.form()
	page := signInPage{Form: f, To: "/console/sign-in", Next: u.next, Vouch: c.vouchName()}
	if !ok || subtle.ConstantTimeCompare([]byte(u.state), []byte(f.Get("state"))) != 1 {
		return c.again(&office.Error{Kind: office.Invalid, Msg: "这次登录已经过期或不是从这里开始的，请重新登录。"}, "sign_in", f, page)
	}
	subject, err := c.voucher.subject(c.r.Context(), f.Get("code"), u)
	if err == nil {
		var token string
		if token, err = c.o.Office.SignInVouched(c.r.Context(), subject, device(c.r.UserAgent())); err == nil {
			c.setCookie(token)
			return c.show(http.StatusOK, "back", backPage{u.next})
		}
	}
	var e *office.Error
	if !errors.As(err, &e) {
		c.o.Log.Warn("sign-in by another system failed", "err", err)
		err = &office.Error{Kind: office.Invalid, Msg: "统一身份认证没有通过，请再试一次，或用密码登录。"}
	}
	return c.again(err, "sign_in", f, page)
}

// subject exchanges the code and gives what the other system calls the person. It
// checks signature, issuer, audience and time (oidc.Verify), and the nonce; with
// again also that the person was asked just now.
func (v *voucher) subject(ctx context.Context, code string, u underWay) (string, error) {
	p, err := v.open(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, v.client), oidcTimeout)
	defer cancel()
	token, err := v.config(p).Exchange(ctx, code, oauth2.VerifierOption(u.verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return "", fmt.Errorf("exchange the code: refused with %s", refused.ErrorCode) // its answer is not for the log
	}
	if err != nil {
		return "", fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", errors.New("exchange the code: no id_token")
	}
	id, err := p.Verifier(&oidc.Config{ClientID: v.o.ClientID, Now: v.now}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("verify the id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(u.nonce)) != 1 {
		return "", errors.New("verify the id_token: another nonce")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return "", fmt.Errorf("read the id_token: %w", err)
	}
	if at, _ := claims["auth_time"].(float64); u.again && v.now().Sub(time.Unix(int64(at), 0)) > oidcAgain {
		return "", errors.New("verify the id_token: the person was not asked again")
	}
	subject, _ := claims[v.o.Claim].(string)
	if subject == "" {
		return "", fmt.Errorf("read the id_token: no claim %q", v.o.Claim)
	}
	return subject, nil
}

// vouchName is what the button that goes to the other system says; "" without one.
func (c *Console) vouchName() string {
	if c.voucher == nil {
		return ""
	}
	return strings.TrimSpace(c.voucher.o.Name)
}

func linkConsole(c *call) error {
	return c.act("改好了。这个人要重新登录。", func(id int64, f *form) error {
		return c.o.Office.LinkManaged(c.r.Context(), c.me, id, f.Get("subject"))
	})
}
