package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// runRawHTTP opens connections that announce a body and send little or nothing
// of it.
func runRawHTTP(r *hostileRange, x attack, w *watch) (reached, error) {
	path := qqPath
	if x.Channel != "qq_webhook" {
		path = "/api/v1/ask"
	}
	got := reached{}
	var mu sync.Mutex
	var crew sync.WaitGroup
	var faults error
	for range min(max(x.Payload.Conns, 1), 500) {
		crew.Go(func() {
			status, answer, err := r.announce(path, x.Payload.ContentLength, x.Payload.SendBytes)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				faults = errors.Join(faults, err)
				return
			}
			got.http, got.status = append(got.http, answer), append(got.status, status)
		})
	}
	crew.Wait()
	w.done()
	return got, faults
}

// announce sends a header with a length and some bytes, and reads the answer.
func (r *hostileRange) announce(path string, length int64, send int) (int, string, error) {
	c, err := (&net.Dialer{}).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.first().base, "http://"))
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, "", err
	}
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Bot-Appid: %s\r\nX-Signature-Timestamp: %d\r\nX-Signature-Ed25519: %s\r\nContent-Length: %d\r\n\r\n",
		path, hostileApp, time.Now().Unix(), strings.Repeat("00", 64), length)
	if _, err := io.CopyN(c, filler{}, int64(send)); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", fmt.Errorf("no answer to an announced body: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHostileBody))
	return resp.StatusCode, string(body), err
}

// filler is an endless body.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// budgetFault says how the model was asked more than the settings allow.
func (r *hostileRange) budgetFault() string {
	s := r.first().server
	limit := s.app.config.Model.TokensDay
	used := 0
	for _, q := range r.model.Requests() {
		used += len([]rune(string(q.Body))) / 2
	}
	if used > limit {
		return fmt.Sprintf("用了约 %d 词元，每天只许 %d", used, limit)
	}
	return ""
}

// runFlood sends many questions as fast as they are taken. The clock of the
// product is not moved: what is let through in the time it takes is at most
// what would be in the time the item names.
func runFlood(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true // the limits are used up afterwards
	got := reached{}
	var err error
	if strings.HasPrefix(x.Channel, "qq") {
		err = r.floodQQ(x, &got)
	} else {
		err = r.floodWeb(x, &got)
	}
	if err != nil {
		return got, err
	}
	if err := r.settle(); err != nil {
		return got, err
	}
	w.done()
	bystander, err := r.webUser()
	if err != nil && !x.Payload.SpoofXFF {
		return got, nil // the address is shut out, as it should be after a flood from it
	} else if err != nil {
		return got, nil
	}
	reply, _, err := bystander.say("劳动仲裁时效多久")
	got.reply = append(got.reply, reply)
	return got, err
}

func floodText(i int, distinct bool) string {
	if distinct {
		return fmt.Sprintf("第%d个问题：老板拖欠工资%d个月怎么办", i+1, i%12+1)
	}
	return "老板拖欠工资怎么办"
}

func (r *hostileRange) floodWeb(x attack, got *reached) error {
	var mu sync.Mutex
	var crew sync.WaitGroup
	var faults error
	users := make([]*webUser, min(max(x.Payload.Users, 1), 50))
	for i := range users {
		u, err := r.webUser()
		if err != nil {
			return err
		}
		users[i] = u
	}
	slots := make(chan struct{}, 32)
	for i := range min(max(x.Payload.N, 1), 5000) {
		slots <- struct{}{}
		id := r.next()
		crew.Go(func() {
			defer func() { <-slots }()
			u := users[i%len(users)]
			status, body, err := r.post("/api/v1/conversations/"+u.id+"/messages", map[string]string{"id": id, "text": floodText(i, x.Payload.Distinct)}, func(q *http.Request) {
				if x.Payload.SpoofXFF {
					q.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.%d.%d", i/250%250, i%250+1))
				}
				if x.Payload.IPv6Rotate {
					q.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8::%x", i+1))
				}
			})
			mu.Lock()
			defer mu.Unlock()
			faults = errors.Join(faults, err)
			got.status = append(got.status, status)
			if len(got.http) < 20 || status >= 500 {
				got.http = append(got.http, body)
			}
		})
	}
	crew.Wait()
	for _, u := range users {
		if history, err := u.history(); err == nil && len(got.reply) < 5 {
			got.reply = append(got.reply, history)
		}
	}
	return faults
}

func (r *hostileRange) floodQQ(x attack, got *reached) error {
	members := make([]*qqUser, 5)
	for i := range members {
		members[i] = r.qqUser("")
	}
	if x.Channel == "qq_group" {
		r.qqGroup(members...)
	}
	for i := range min(max(x.Payload.N, 1), 5000) {
		u := members[i%len(members)]
		if u.group != nil {
			u.group.Say(u.user, floodText(i, true), true)
		} else {
			members[0].user.Say(floodText(i, true))
		}
		if i%50 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	if err := r.platform.WaitFor(ctx, func() bool { return len(members[0].texts()) > 0 }); err != nil {
		return err
	}
	for _, text := range members[0].texts()[:min(20, len(members[0].texts()))] {
		got.hear(members[0], text)
	}
	return nil
}

// runSlowRead opens many streams that are hardly read.
func runSlowRead(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true
	u, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	if _, _, err := u.say("老板拖欠工资怎么办"); err != nil {
		return reached{}, err
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close() // the attack is over
		}
	}()
	for range min(max(x.Payload.Conns, 1), 500) {
		c, err := (&net.Dialer{}).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.first().base, "http://"))
		if err != nil {
			return reached{}, err
		}
		conns = append(conns, c)
		fmt.Fprintf(c, "GET /api/v1/conversations/%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n", u.id)
	}
	one := make([]byte, 1)
	for range 3 {
		for _, c := range conns {
			if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				return reached{}, err
			}
			_, _ = c.Read(one) // nothing may have come yet
		}
	}
	return r.stillServes(w)
}

// runSlowloris opens many connections whose headers never end.
func runSlowloris(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close() // the attack is over
		}
	}()
	for range min(max(x.Payload.Conns, 1), 1000) {
		c, err := (&net.Dialer{}).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.first().base, "http://"))
		if err != nil {
			return reached{}, err
		}
		conns = append(conns, c)
		fmt.Fprint(c, "POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nX-A: ")
	}
	return r.stillServes(w)
}

// stillServes asks a question while an attack holds connections open.
func (r *hostileRange) stillServes(w *watch) (reached, error) {
	v, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	reply, status, err := v.say("劳动仲裁时效多久")
	w.done()
	got := reached{reply: []string{reply}, status: []int{status}}
	return got, err
}

// runJSONNest sends a deeply nested body.
func runJSONNest(r *hostileRange, x attack, w *watch) (reached, error) {
	depth := min(max(x.Payload.Depth, 1), 5_000_000)
	body := bytes.NewReader([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth)))
	status, answer, err := r.call(http.MethodPost, "/api/v1/ask", "application/json", body, nil)
	w.done()
	return reached{http: []string{answer}, status: []int{status}, reply: []string{answer}}, err
}

// runLongQuery asks with a long query string.
func runLongQuery(r *hostileRange, x attack, w *watch) (reached, error) {
	status, answer, err := r.call(http.MethodGet, "/?q="+strings.Repeat("a", min(max(x.Payload.Bytes, 1), 64<<20)), "", nil, nil)
	w.done()
	if err != nil { // the server may hang up on such a request
		return reached{http: []string{""}, reply: []string{""}, status: []int{http.StatusRequestHeaderFieldsTooLarge}}, nil
	}
	return reached{http: []string{answer}, status: []int{status}, reply: []string{answer}}, nil
}

// runScan asks for paths that must not be there.
func runScan(r *hostileRange, x attack, w *watch) (reached, error) {
	got := reached{}
	for _, path := range x.Payload.Paths {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		status, answer, err := r.call(http.MethodGet, path, "", nil, nil)
		if err != nil {
			continue // a path that is no URL reaches nobody
		}
		got.http, got.status = append(got.http, answer), append(got.status, status)
	}
	w.done()
	got.reply = got.http
	return got, nil
}

// runForce500 takes a table away, asks, and puts it back.
func runForce500(r *hostileRange, x attack, w *watch) (reached, error) {
	text := bodyText(x.Payload.Body)
	got := reached{said: []string{text}}
	u, err := r.webUser()
	if err != nil {
		return got, err
	}
	write, _, _ := r.first().server.records.Handles()
	if _, err := write.ExecContext(r.ctx, `ALTER TABLE inbox RENAME TO inbox_away`); err != nil {
		return got, err
	}
	status, answer, err := u.send(text)
	_, back := write.ExecContext(context.WithoutCancel(r.ctx), `ALTER TABLE inbox_away RENAME TO inbox`)
	w.done()
	r.spoiled = true
	got.http, got.status = []string{answer}, []int{status}
	return got, errors.Join(err, back)
}
