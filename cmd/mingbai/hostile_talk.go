package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"mingbai/bot/qqtest"
)

// answerTime bounds how long an answer is waited for.
const answerTime = 25 * time.Second

// maxBody bounds what is read of an answer.
const maxHostileBody = 4 << 20

// call makes a request at the product and gives status and body.
func (r *hostileRange) call(method, path, contentType string, body io.Reader, change func(*http.Request)) (int, string, error) {
	ctx, cancel := context.WithTimeout(r.ctx, answerTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, r.first().base+path, body)
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		q.Header.Set("Content-Type", contentType)
	}
	if change != nil {
		change(q)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxHostileBody))
	return resp.StatusCode, string(text), err
}

func (r *hostileRange) post(path string, v any, change func(*http.Request)) (int, string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, "", err
	}
	return r.call(http.MethodPost, path, "application/json", bytes.NewReader(body), change)
}

// webUser is somebody with a conversation on the page.
type webUser struct {
	r      *hostileRange
	id     string
	last   int64
	serial int
	said   atomic.Int64
}

// from gives a person's requests an address of their own, as the proxy that the
// range trusts would.
func (u *webUser) from(q *http.Request) {
	if !u.r.direct {
		q.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", u.serial/250%250, u.serial%250+1))
	}
}

func (r *hostileRange) webUser() (*webUser, error) {
	u := &webUser{r: r, serial: int(r.serial.Add(1))}
	status, body, err := r.post("/api/v1/conversations", struct{}{}, u.from)
	if err != nil {
		return nil, err
	}
	var c struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(body), &c); status != http.StatusCreated || err != nil {
		return nil, fmt.Errorf("no conversation: HTTP %d", status)
	}
	u.id = c.ID
	return u, nil
}

// agree accepts the notice about the model, without which it is not asked.
const agree = "同意AI"

// agreed is somebody on the page who lets the model be used.
func (r *hostileRange) agreed() (*webUser, error) {
	u, err := r.webUser()
	if err != nil {
		return nil, err
	}
	_, _, err = u.say(agree)
	return u, err
}

// send says something and gives the answer to the request.
func (u *webUser) send(text string) (int, string, error) {
	return u.r.post("/api/v1/conversations/"+u.id+"/messages", map[string]string{"id": fmt.Sprintf("w%d-%d", u.serial, u.said.Add(1)), "text": text}, u.from)
}

// say says something and waits for the reply; reply is the error's text when the
// message was refused.
func (u *webUser) say(text string) (reply string, status int, err error) {
	status, body, err := u.send(text)
	if err != nil || status != http.StatusAccepted {
		return body, status, err
	}
	reply, err = u.hear()
	return reply, status, err
}

// hear reads the stream of events until the next reply.
func (u *webUser) hear() (string, error) {
	ctx, cancel := context.WithTimeout(u.r.ctx, answerTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/conversations/%s/events?after=%d", u.r.first().base, u.id, u.last), nil)
	if err != nil {
		return "", err
	}
	u.from(q)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	kind := ""
	sc := bufio.NewScanner(resp.Body)
	sc.Buffer(nil, maxHostileBody)
	for sc.Scan() {
		line := sc.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			kind = v
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || kind != "reply" {
			continue
		}
		var e struct {
			ID      int64    `json:"id"`
			Text    string   `json:"text"`
			Choices []string `json:"choices"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return "", err
		}
		u.last = e.ID
		return strings.Join(append([]string{e.Text}, e.Choices...), "\n"), nil
	}
	return "", errors.Join(sc.Err(), errors.New("the stream ended without a reply"))
}

// history is what the page shows of the conversation.
func (u *webUser) history() (string, error) {
	_, body, err := u.r.call(http.MethodGet, "/api/v1/conversations/"+u.id, "", nil, u.from)
	return body, err
}

// qqUser is somebody on QQ; group is where they speak, nil for in private.
type qqUser struct {
	r     *hostileRange
	user  *qqtest.User
	group *qqtest.Group
}

func (r *hostileRange) qqUser(name string) *qqUser {
	if name == "" {
		name = "居民" + r.next()
	}
	return &qqUser{r: r, user: r.platform.User(r.bot, name)}
}

func (r *hostileRange) qqGroup(members ...*qqUser) *qqtest.Group {
	var users []*qqtest.User
	for _, m := range members {
		users = append(users, m.user)
	}
	g := r.platform.Group(r.bot, "村民群"+r.next(), users...)
	for _, m := range members {
		m.group = g
	}
	return g
}

func (u *qqUser) texts() []string {
	if u.group != nil {
		return u.group.SeenTexts()
	}
	return u.user.SeenTexts()
}

// say says something where the user is and gives what the bot showed there
// until everything was answered.
func (u *qqUser) say(text string) (string, error) {
	before := len(u.texts())
	if u.group != nil {
		u.group.Say(u.user, text, true)
	} else {
		u.user.Say(text)
	}
	return u.hear(before)
}

// hear gives what the bot showed beyond the first n texts.
func (u *qqUser) hear(n int) (string, error) {
	ctx, cancel := context.WithTimeout(u.r.ctx, answerTime)
	defer cancel()
	if err := u.r.platform.WaitFor(ctx, func() bool { return len(u.texts()) > n }); err != nil && ctx.Err() == nil {
		return "", err
	}
	if err := u.r.settle(); err != nil {
		return "", err
	}
	return strings.Join(u.texts()[min(n, len(u.texts())):], "\n"), nil
}

// runMessage sends one message over the item's channel.
func runMessage(r *hostileRange, x attack, w *watch) (reached, error) {
	text, _ := x.words()
	got := reached{said: []string{text}}
	switch x.Channel {
	case "qq_c2c", "qq_group", "qq_webhook":
		name := ""
		if x.Payload.Kind == "nickname" {
			name = x.Payload.Value
		}
		u := r.qqUser(name)
		if x.Channel == "qq_group" {
			r.qqGroup(u)
		}
		if u.group == nil {
			if _, err := u.say(agree); err != nil {
				return got, err
			}
		}
		w.began, w.asked = time.Now(), len(r.model.Requests())
		reply, err := u.say(text)
		w.done()
		got.hear(u, reply)
		if err == nil && u.group == nil && x.Obeyed != nil && !w.modelAsked() {
			reply, err = u.say(simpler)
			got.hear(u, reply)
		}
		got.isolated()
		return got, err
	}
	u, err := r.agreed()
	if err != nil {
		return got, err
	}
	w.began, w.asked = time.Now(), len(r.model.Requests())
	reply, status, err := u.say(text)
	w.done()
	got.reply, got.http, got.status = []string{reply}, []string{reply}, []int{status}
	if err == nil && x.Obeyed != nil && !w.modelAsked() {
		reply, _, err = u.say(simpler)
		got.reply = append(got.reply, reply)
	}
	got.isolated()
	return got, err
}

// simpler has an answer that needed no model worded by it after all, so that what
// the attacker had it say comes before the gates.
const simpler = "说简单点"

// modelAsked says whether the model was asked since the watch began.
func (w *watch) modelAsked() bool { return len(w.r.model.Requests()) > w.asked }

// hear keeps a reply where it was heard.
func (g *reached) hear(u *qqUser, reply string) {
	if u.group != nil {
		g.groupReply = append(g.groupReply, reply)
	} else {
		g.reply = append(g.reply, reply)
	}
}
