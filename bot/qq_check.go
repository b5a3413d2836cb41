package bot

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
	"github.com/tencent-connect/botgo/interaction/signature"
)

// QQFault is what the platform, or the way to it, says is wrong.
type QQFault struct {
	Kind   string // "config": a setting or the console; "retry": not now; "token": it was refused; …
	Code   int    // of the platform; 0: none
	Status int    // of HTTP; 0: there was no answer
}

func (f *QQFault) Error() string {
	return fmt.Sprintf("%s (code %d, status %d)", f.Kind, f.Code, f.Status)
}

// QQReport is what a look at the platform with one bot's settings finds. It
// holds no secret.
type QQReport struct {
	Bot     string        // its name there, when it can be asked
	Token   error         // *QQFault; nil: the token server gives tokens
	Call    error         // *QQFault; nil: calls are answered
	Gateway error         // nil: the websocket greets, or is not used
	Dated   bool          // the token server told the time
	Ahead   time.Duration // how far our clock is ahead of its, give or take a second
}

// CheckQQ asks the platform for a token, the time and the bot's name, and with
// the websocket for a greeting. It changes nothing and takes no event.
func CheckQQ(ctx context.Context, o QQOptions) (QQReport, error) {
	o = o.withDefaults()
	api, err := newQQAPI(o)
	if err != nil {
		return QQReport{}, err
	}
	var r QQReport
	r.Ahead, r.Dated = clockOf(ctx, o.TokenBase)
	if _, err := api.token(ctx); err != nil {
		r.Token = faultOfQQ(err)
		return r, nil
	}
	name, err := api.me(ctx)
	r.Bot, r.Call = cut(clean(name), 64), faultOfQQ(err)
	if o.Transport == QQBySocket && err == nil {
		r.Gateway = greeted(ctx, api)
	}
	return r, nil
}

// faultOfQQ shows an error of a call to other packages.
func faultOfQQ(err error) error {
	var e *qqError
	if errors.As(err, &e) {
		return &QQFault{Kind: e.Class.String(), Code: e.Code, Status: e.Status}
	}
	return err
}

// clockOf compares our clock with the Date of a server, in the middle of asking.
func clockOf(ctx context.Context, base string) (ahead time.Duration, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, qqCallTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
	if err != nil {
		return 0, false
	}
	r.Close = true
	before := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, false
	}
	resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	after := time.Now()
	return before.Add(after.Sub(before) / 2).Sub(theirs.Add(500 * time.Millisecond)).Round(time.Second), true
}

// greeted opens a websocket and waits for its greeting.
func greeted(ctx context.Context, api *qqAPI) error {
	address, _, err := api.gateway(ctx)
	if err != nil {
		return faultOfQQ(err)
	}
	d := websocket.Dialer{HandshakeTimeout: qqHandshake, Proxy: http.ProxyFromEnvironment}
	conn, resp, err := d.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	if err != nil {
		return &QQFault{Kind: "retry"}
	}
	defer conn.Close()
	conn.SetReadLimit(qqFrame)
	if err := conn.SetReadDeadline(time.Now().Add(qqHandshake)); err != nil {
		return err
	}
	var p qqPayload
	if err := conn.ReadJSON(&p); err != nil || p.Op != qqHelloOp {
		return &QQFault{Kind: "retry"}
	}
	return nil
}

// Knock is what became of a validation of a webhook's address.
type Knock struct {
	Status int       // of HTTP; 0: nobody answered
	Proved bool      // it answered with the signature that only the bot can make
	Until  time.Time // end of the certificate; zero without TLS
	TLS    error     // the certificate is not good for the address
}

// KnockQQ asks an address the question that the platform asks when it is entered
// in the console, signed with the bot's secret.
func KnockQQ(ctx context.Context, o QQOptions, address string) (Knock, error) {
	ctx, cancel := context.WithTimeout(ctx, qqCallTimeout)
	defer cancel()
	token := make([]byte, 16)
	_, _ = rand.Read(token) // never fails since Go 1.24
	plain, stamp := hex.EncodeToString(token), strconv.FormatInt(time.Now().Unix(), 10)
	body := fmt.Appendf(nil, `{"op":%d,"d":{"plain_token":"%s","event_ts":"%s"}}`, qqValidation, plain, stamp)
	sum, err := signature.Generate(o.Secret, http.Header{signature.HeaderTimestamp: {stamp}}, body)
	if err != nil {
		return Knock{}, errors.New("bot: the secret cannot sign")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Knock{}, errors.New("bot: the address is none")
	}
	r.Close = true
	r.Header.Set("X-Bot-Appid", o.AppID)
	r.Header.Set(signature.HeaderTimestamp, stamp)
	r.Header.Set(signature.HeaderSig, sum)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		return Knock{TLS: bad.Err}, nil
	case err != nil:
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return Knock{}, err
	}
	defer resp.Body.Close()
	k := Knock{Status: resp.StatusCode}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		k.Until = resp.TLS.PeerCertificates[0].NotAfter
	}
	var answer struct {
		PlainToken string `json:"plain_token"`
		Signature  string `json:"signature"`
	}
	want, err := signature.Generate(o.Secret, http.Header{signature.HeaderTimestamp: {stamp}}, []byte(plain))
	if err == nil && json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer) == nil {
		k.Proved = answer.PlainToken == plain && answer.Signature == want
	}
	return k, nil
}
