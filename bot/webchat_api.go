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
	"time"
	"unicode/utf8"
)

const webPrefix = "web/user/"

// current stands for the id of the conversation in the cookie, so that a page
// need not know it.
const current = "current"

var (
	chatIDs    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	messageIDs = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// event is one event of a conversation, in a history and in a stream.
type event struct {
	ID      int64    `json:"id"`
	Type    string   `json:"type"`
	Ref     string   `json:"ref"` // the id of the message it is or answers; empty if none
	Text    string   `json:"text"`
	Choices []string `json:"choices,omitempty"`
	Answer  *Answer  `json:"answer,omitempty"`
	At      string   `json:"at"` // RFC 3339, UTC
}

type conversation struct {
	ID      string  `json:"id"`
	Created string  `json:"created"`
	Last    int64   `json:"last"`   // number of the newest event
	Events  []event `json:"events"` // the newest 200, oldest first
}

// chat finds the conversation that a request is about.
func (w *WebChat) chat(r *http.Request) (Address, error) {
	id := r.PathValue("id")
	if id == current {
		c, err := r.Cookie(cookieName)
		if err != nil {
			return "", errNoCookie
		}
		id = c.Value
	}
	if !chatIDs.MatchString(id) {
		return "", errNotFound
	}
	return Address(webPrefix + id), nil
}

func (w *WebChat) create(rw http.ResponseWriter, r *http.Request) error {
	if err := w.limit(r, w.begins); err != nil {
		return err
	}
	if err := readJSON(rw, r, &struct{}{}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	id := randomID()
	created, err := w.store.newConversation(r.Context(), Address(webPrefix+id))
	if err != nil {
		return err
	}
	w.setCookie(rw, r, id, int(w.o.Keep/time.Second))
	writeJSON(rw, http.StatusCreated, conversation{ID: id, Created: stamp(created), Events: []event{}})
	return nil
}

func (w *WebChat) setCookie(rw http.ResponseWriter, r *http.Request, id string, age int) {
	http.SetCookie(rw, &http.Cookie{
		Name: cookieName, Value: id, Path: "/api/v1/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: w.secure(r),
	})
}

func (w *WebChat) history(rw http.ResponseWriter, r *http.Request) error {
	chat, err := w.chat(r)
	if err != nil {
		return err
	}
	c, err := w.store.conversation(r.Context(), chat)
	if err != nil {
		return err
	}
	if c.Events, err = w.store.events(r.Context(), chat, max(0, c.Last-historySize), historySize); err != nil {
		return err
	}
	writeJSON(rw, http.StatusOK, c)
	return nil
}

func (w *WebChat) erase(rw http.ResponseWriter, r *http.Request) error {
	chat, err := w.chat(r)
	if err != nil {
		return err
	}
	if err := w.store.eraseConversation(r.Context(), chat); err != nil {
		return err
	}
	w.tell(r.Context(), chat, signEvent) // streams see that it is gone
	if w.bot != nil {
		if err := w.bot.Forget(r.Context(), chat, chat); err != nil {
			return err
		}
	}
	w.setCookie(rw, r, "", -1)
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

func (w *WebChat) message(rw http.ResponseWriter, r *http.Request) error {
	chat, err := w.chat(r)
	if err != nil {
		return err
	}
	var in struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	if err := readJSON(rw, r, &in); err != nil {
		return err
	}
	if !messageIDs.MatchString(in.ID) {
		return invalid("id 要由 1 到 64 个字母、数字或 _ . - 组成。")
	}
	if in.Text, err = question(in.Text); err != nil {
		return err
	}
	if err := w.limit(r, w.writes); err != nil {
		return err
	}
	// A repeat is told from a conflict before and after taking it: before, so
	// that a repeat costs nothing; after, because two may come at once.
	repeated, err := w.store.said(r.Context(), chat, in.ID, in.Text)
	if err != nil {
		return err
	}
	if !repeated {
		deliver, _ := w.state()
		if deliver == nil {
			return ErrBusy
		}
		m := Message{ID: in.ID, Chat: chat, From: chat, Text: in.Text, At: w.store.now()}
		if err := deliver(r.Context(), m); err != nil {
			return err
		}
		if _, err := w.store.said(r.Context(), chat, in.ID, in.Text); err != nil {
			return err
		}
		w.tell(r.Context(), chat, signEvent)
	}
	writeJSON(rw, http.StatusAccepted, map[string]any{"id": in.ID, "repeated": repeated})
	return nil
}

// question cleans and checks the words of a person.
func question(text string) (string, error) {
	if utf8.RuneCountInString(text) > maxText {
		return "", errTooLarge
	}
	if text = clean(text); text == "" {
		return "", invalid("请写下您的问题。")
	}
	return text, nil
}

// askReply is a Reply with its Answer's fields beside the text.
type askReply struct {
	Text    string   `json:"text"`
	Choices []string `json:"choices"`
	Answer
}

func (w *WebChat) ask(rw http.ResponseWriter, r *http.Request) error {
	var in struct {
		Text string `json:"text"`
		On   string `json:"on"`
		Area string `json:"area"`
	}
	if err := readJSON(rw, r, &in); err != nil {
		return err
	}
	text, err := question(in.Text)
	if err != nil {
		return err
	}
	if in.On != "" {
		if _, err := time.Parse(time.DateOnly, in.On); err != nil {
			return invalid("on 要写成 2026-01-31 这样的日期。")
		}
	}
	if utf8.RuneCountInString(in.Area) > 50 {
		return invalid("area 太长了。")
	}
	if err := w.limit(r, w.writes); err != nil {
		return err
	}
	if w.bot == nil {
		return ErrBusy
	}
	from := Address("web/ask/" + randomID())
	m := Message{ID: randomID(), Chat: from, From: from, Text: text, At: w.store.now(), On: in.On}
	reply, err := w.bot.ask(r.Context(), m, clean(in.Area))
	if err != nil {
		return err
	}
	writeJSON(rw, http.StatusOK, flat(reply))
	return nil
}

func flat(r Reply) askReply {
	out := askReply{Text: r.Text, Choices: r.Choices}
	if r.Answer != nil {
		out.Answer = *r.Answer
	}
	if out.Choices == nil {
		out.Choices = []string{}
	}
	if out.Citations == nil {
		out.Citations = []Citation{}
	}
	if out.Clocks == nil {
		out.Clocks = []Clock{}
	}
	return out
}

func (w *WebChat) feedback(rw http.ResponseWriter, r *http.Request) error {
	var in struct {
		Answer string `json:"answer"`
		Useful *bool  `json:"useful"`
		Reason string `json:"reason"`
	}
	if err := readJSON(rw, r, &in); err != nil {
		return err
	}
	if !messageIDs.MatchString(in.Answer) || in.Useful == nil {
		return invalid("请写明 answer（回答的编号）和 useful（true 或 false）。")
	}
	if utf8.RuneCountInString(in.Reason) > maxReason {
		return errTooLarge
	}
	if err := w.limit(r, w.writes); err != nil {
		return err
	}
	if w.o.Feedback == nil {
		return ErrBusy
	}
	if err := w.o.Feedback(r.Context(), in.Answer, *in.Useful, clean(in.Reason)); err != nil {
		return err
	}
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

func (w *WebChat) describe(rw http.ResponseWriter, _ *http.Request) error {
	rw.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, err := rw.Write(openapi)
	return err
}

// ask has one question answered at once, without a conversation. Nothing of it
// is stored here.
func (b *Bot) ask(ctx context.Context, m Message, area string) (Reply, error) {
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-wait.Done():
		return Reply{}, ErrBusy
	}
	r, err := b.handle(ctx, m, &Session{Key: string(m.Chat), Area: area})
	if err != nil {
		b.meter.failures.WithLabelValues(channelOf(m.Chat)).Inc()
	}
	return r, err
}

// readJSON reads a request's body strictly: one JSON object of known fields, at
// most maxBody bytes and maxDepth deep. io.EOF: there is no body.
func readJSON(rw http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errTooLarge
	}
	if err != nil {
		return invalid("请求没有传完。")
	}
	return parseJSON(body, v)
}

func parseJSON(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errNoBody
	}
	if depth(body) > maxDepth {
		return errNotJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return errNotJSON
	}
	return nil
}

var errNotJSON = &problem{status: 400, Code: "invalid", Message: "请求要是一个 JSON 对象，字段名和类型见 /api/openapi.yaml。"}

// errNoBody is an errNotJSON and an io.EOF, for requests whose body may be left
// out.
var errNoBody = &noBody{problem: errNotJSON}

type noBody struct{ *problem }

func (n *noBody) Unwrap() []error { return []error{io.EOF, n.problem} }

// depth is how deep brackets outside strings are nested.
func depth(body []byte) int {
	deep, most, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			deep++
			most = max(most, deep)
		case c == '}' || c == ']':
			deep--
		}
	}
	return most
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	h := rw.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	e := json.NewEncoder(rw)
	e.SetEscapeHTML(false)
	e.Encode(v) //nolint:errcheck // the reader may have gone
}

func seconds(d time.Duration) string { return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second))) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
