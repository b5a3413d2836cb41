package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/tencent-connect/botgo"
	qqapi "github.com/tencent-connect/botgo/openapi"
	"golang.org/x/oauth2"
)

const (
	// qqCallTimeout bounds one call. Less than 5 s makes calls uncertain that
	// the platform would have answered.
	qqCallTimeout = 8 * time.Second
	// qqClients is how many calls of one bot may be under way at once. botgo's
	// client has a data race when it is shared, so each call has one to itself.
	qqClients = 32
	// qqTrip is how long nothing is sent after the platform refused everything
	// because of a setting; then one call tries again.
	qqTrip = time.Minute
)

// qqAPI calls the platform for one bot. It is safe for concurrent use. A token
// server that is down makes calls fail, never the process.
type qqAPI struct {
	base    string
	log     *slog.Logger
	tokens  *qqTokens
	clients chan *qqClient
	breaker *gobreaker.CircuitBreaker[struct{}]
}

// qqClient is botgo's client for one call at a time. It is given the token
// before the call: it would panic if its source failed.
type qqClient struct {
	api     qqapi.OpenAPI
	current *oauth2.Token
}

// Token is the token of the call under way.
func (c *qqClient) Token() (*oauth2.Token, error) { return c.current, nil }

var qqSilence sync.Once

// qqNoLog takes the place of botgo's logger, which prints secrets, tokens and
// what people say.
type qqNoLog struct{}

func (qqNoLog) Debug(...any)          {}
func (qqNoLog) Info(...any)           {}
func (qqNoLog) Warn(...any)           {}
func (qqNoLog) Error(...any)          {}
func (qqNoLog) Debugf(string, ...any) {}
func (qqNoLog) Infof(string, ...any)  {}
func (qqNoLog) Warnf(string, ...any)  {}
func (qqNoLog) Errorf(string, ...any) {}
func (qqNoLog) Sync() error           { return nil }

// newQQAPI makes the client of the platform at o.APIBase and o.TokenBase. It
// calls nobody yet.
func newQQAPI(o QQOptions) (*qqAPI, error) {
	o = o.withDefaults()
	for _, base := range []string{o.APIBase, o.TokenBase} {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return nil, errors.New("bot: the addresses of the QQ platform must be https://…")
		}
	}
	qqSilence.Do(func() { botgo.SetLogger(qqNoLog{}) })
	a := &qqAPI{
		base:    strings.TrimSuffix(o.APIBase, "/"),
		log:     o.Log,
		tokens:  newQQTokens(o),
		clients: make(chan *qqClient, qqClients),
		breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
			Name: o.Name, Timeout: qqTrip,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 },
			IsSuccessful: func(err error) bool { return qqClassOf(err) != qqConfig },
		}),
	}
	for range qqClients {
		c := &qqClient{}
		c.api = botgo.NewOpenAPI(o.AppID, c).WithTimeout(qqCallTimeout)
		a.clients <- c
	}
	return a, nil
}

func (a *qqAPI) token(ctx context.Context) (string, error) {
	t, err := a.tokens.get(ctx)
	if err != nil {
		return "", err
	}
	return t.AccessToken, nil
}

// invalidate makes the next call ask for a new token.
func (a *qqAPI) invalidate() { a.tokens.drop("") }

// call makes one call and decodes the answer into out (nil: it is not looked
// at). A token that the platform does not take any more is replaced, and the
// call made once more. The error is a *qqError.
func (a *qqAPI) call(ctx context.Context, method, path string, body, out any) error {
	_, err := a.breaker.Execute(func() (struct{}, error) {
		used, err := a.once(ctx, method, path, body, out)
		if qqClassOf(err) == qqStaleToken {
			a.tokens.drop(used)
			_, err = a.once(ctx, method, path, body, out)
		}
		return struct{}{}, err
	})
	var e *qqError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e): // the breaker is open
		return &qqError{Class: qqConfig}
	case e.Class == qqConfig:
		a.log.Error("QQ refuses every call; check the settings, the address allow-list and the bot's state in the console",
			"code", e.Code, "status", e.Status, "trace", e.Trace, "next_try_after", qqTrip)
	}
	return e
}

// once makes one call and says with which token.
func (a *qqAPI) once(ctx context.Context, method, path string, body, out any) (used string, err error) {
	ctx, cancel := context.WithTimeout(ctx, qqCallTimeout)
	defer cancel()
	token, err := a.tokens.get(ctx)
	if err != nil {
		return "", err
	}
	var client *qqClient
	select {
	case client = <-a.clients:
		defer func() { a.clients <- client }()
	case <-ctx.Done():
		return "", &qqError{Class: qqRetry}
	}
	client.current = token
	var answer []byte
	err = guard(func() (err error) {
		answer, err = client.api.Transport(ctx, method, a.base+path, body)
		return err
	})
	return token.AccessToken, readQQAnswer(answer, client.api.TraceID(), err, out)
}

// readQQAnswer makes a *qqError of everything but a success that says what a
// success must say.
func readQQAnswer(answer []byte, trace string, err error, out any) error {
	var refused interface{ Code() int } // botgo's error; its code is the HTTP status
	switch {
	case errors.As(err, &refused):
		return readQQError(refused.Code(), answer, trace)
	case err != nil:
		return qqUnanswered(err)
	}
	var b struct {
		Code    json.RawMessage `json:"code"`
		ErrCode json.RawMessage `json:"err_code"`
	}
	if json.Unmarshal(answer, &b) == nil && (qqCode(b.Code) != 0 || qqCode(b.ErrCode) != 0) {
		return readQQError(http.StatusOK, answer, trace)
	}
	if out != nil && json.Unmarshal(answer, out) != nil {
		return &qqError{Class: qqUncertain, Status: http.StatusOK, Trace: trace}
	}
	return nil
}

// qqUnanswered judges a call without an answer: one that got no connection was
// not heard, of any other nobody knows.
func qqUnanswered(err error) *qqError {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &qqError{Class: qqRetry}
	}
	return &qqError{Class: qqUncertain}
}

// qqClassOf is the class of an error of a call; 0: it is none.
func qqClassOf(err error) qqClass {
	var e *qqError
	if errors.As(err, &e) {
		return e.Class
	}
	return 0
}

// ackInteraction acknowledges a pressed button: 0 done, 1 failed, 2 too often,
// 3 twice, 4 not allowed, 5 only for administrators. The platform waits 3 s for
// it, and takes it once.
func (a *qqAPI) ackInteraction(ctx context.Context, id string, code int) error {
	return a.call(ctx, http.MethodPut, "/interactions/"+url.PathEscape(id), map[string]int{"code": code}, nil)
}

// gateway tells where a websocket goes and with how many shards.
func (a *qqAPI) gateway(ctx context.Context) (address string, shards int, err error) {
	var g struct {
		URL    string `json:"url"`
		Shards int    `json:"shards"`
	}
	if err := a.call(ctx, http.MethodGet, "/gateway/bot", nil, &g); err != nil {
		return "", 0, err
	}
	if g.URL == "" {
		return "", 0, &qqError{Class: qqRetry, Status: http.StatusOK}
	}
	return g.URL, max(1, g.Shards), nil
}

// me asks for the bot's own name: a call that needs a token and changes
// nothing.
func (a *qqAPI) me(ctx context.Context) (name string, err error) {
	var u struct {
		Username string `json:"username"`
	}
	err = a.call(ctx, http.MethodGet, "/users/@me", nil, &u)
	return u.Username, err
}

// shareLink makes a link that, opened in QQ, adds the bot; data comes back in
// FRIEND_ADD's scene_param. Source: generate_url_link page, 2026-09: data of at
// most 32 characters, 50 calls a second.
func (a *qqAPI) shareLink(ctx context.Context, data string) (string, error) {
	var out struct {
		Link string `json:"url_link"`
	}
	if err := a.call(ctx, http.MethodPost, "/v2/generate_url_link", map[string]string{"callback_data": data}, &out); err != nil {
		return "", err
	}
	if u, err := url.Parse(out.Link); err != nil || u.Scheme != "https" || u.Host == "" || len(out.Link) > qqMaxLink {
		return "", &qqError{Class: qqUncertain, Status: http.StatusOK}
	}
	return out.Link, nil
}

// qqMaxLink bounds a share link, in bytes: it has to fit a QR code that phones
// read from a screen.
const qqMaxLink = 500

// qqBody is a message as the platform takes it. botgo's own type leaves out a
// msg_type of 0 and fills in fields that nobody set. Source: the pages of
// v2/users/…/messages and v2/groups/…/messages, 2026-09.
type qqBody struct {
	Content  string      `json:"content,omitempty"`
	MsgType  int         `json:"msg_type"`
	Markdown *qqMarkdown `json:"markdown,omitempty"`
	Keyboard *qqKeyboard `json:"keyboard,omitempty"`
	Typing   *qqTyping   `json:"input_notify,omitempty"`
	MsgID    string      `json:"msg_id,omitempty"`
	EventID  string      `json:"event_id,omitempty"`
	MsgSeq   int         `json:"msg_seq,omitempty"`
	IsWakeup bool        `json:"is_wakeup,omitempty"`
}

// Kinds of messages: qqBody.MsgType.
const (
	qqTextType     = 0
	qqMarkdownType = 2
	qqTypingType   = 6 // private chats only
)

type qqMarkdown struct {
	Content string `json:"content"`
}

type qqTyping struct {
	Type    int `json:"input_type"`
	Seconds int `json:"input_second"`
}

// post sends one message to a conversation and returns its id.
func (a *qqAPI) post(ctx context.Context, to Address, m *qqBody) (id string, err error) {
	path, err := qqPath(to)
	if err != nil {
		return "", err
	}
	var sent struct {
		ID string `json:"id"`
	}
	if err := a.call(ctx, http.MethodPost, path, *m, &sent); err != nil {
		return "", err
	}
	if sent.ID == "" {
		return "", &qqError{Class: qqUncertain, Status: http.StatusOK}
	}
	return cut(clean(sent.ID), maxID), nil
}

// Kinds of conversations: the second part of an address.
const (
	qqUser  = "user"
	qqGroup = "group"
	qqGuild = "guild"
	qqDM    = "dm"
)

var qqPaths = map[string]string{
	qqUser: "/v2/users/%s/messages", qqGroup: "/v2/groups/%s/messages", qqGuild: "/channels/%s/messages", qqDM: "/dms/%s/messages",
}

// qqKind is the kind of a conversation and its id.
func qqKind(to Address) (kind, id string) {
	_, rest, _ := strings.Cut(string(to), "/")
	kind, id, _ = strings.Cut(rest, "/")
	return kind, id
}

// qqPath is where messages to a conversation are posted.
func qqPath(to Address) (string, error) {
	kind, id := qqKind(to)
	path := qqPaths[kind]
	if path == "" || !qqIDs.MatchString(id) {
		return "", fmt.Errorf("send to a %q on QQ: %w", kind, ErrClosed)
	}
	return fmt.Sprintf(path, url.PathEscape(id)), nil
}
