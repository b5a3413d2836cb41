package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// isolated sets the state of attacks whose must_not tells whether something
// crossed over: what was planted may not come back.
func (g *reached) isolated(planted ...string) {
	all := strings.Join(append(g.reply, g.groupReply...), "\n")
	for _, p := range planted {
		if p != "" && strings.Contains(all, p) {
			g.state("sessions_isolated", false, "别人的话漏出来了")
			return
		}
	}
	g.state("sessions_isolated", true, "")
}

// runTwoUsers lets a member of a group say something and another ask for it.
func runTwoUsers(r *hostileRange, x attack, w *watch) (reached, error) {
	first := readSaid(x.Payload.First)
	a, b := r.qqUser(""), r.qqUser("")
	r.qqGroup(a, b)
	if _, err := a.say(first.Text); err != nil {
		return reached{}, err
	}
	reply, err := b.say(x.Text)
	w.done()
	got := reached{said: []string{first.Text, x.Text}, groupReply: []string{reply}}
	got.isolated(first.Text)
	return got, err
}

// runTwoGroups lets one person speak in one group and go on in another.
func runTwoGroups(r *hostileRange, x attack, w *watch) (reached, error) {
	first := readSaid(x.Payload.First)
	u := r.qqUser("")
	r.qqGroup(u)
	if _, err := u.say(first.Text); err != nil {
		return reached{}, err
	}
	r.qqGroup(u)
	reply, err := u.say(x.Text)
	w.done()
	got := reached{said: []string{first.Text, x.Text}, groupReply: []string{reply}}
	got.isolated(first.Text)
	return got, err
}

// runOpenIDReuse lets somebody speak in a group and somebody else, whose id in
// private is the same text, ask in private.
func runOpenIDReuse(r *hostileRange, x attack, w *watch) (reached, error) {
	const story = "我的案号是ZX-7731，跟丈夫打官司"
	a, b := r.qqUser(""), r.qqUser("")
	r.qqGroup(a)
	if _, err := a.say(story); err != nil {
		return reached{}, err
	}
	body := eventOf(b.user.OpenID(), "", x.Text)
	d, err := r.relay.catch(r.ctx, func() { b.user.Say(x.Text) })
	if err != nil {
		return reached{}, err
	}
	// The id of the private chat is that of the member in the group.
	body = rebind(body, d.body)
	body = strings.ReplaceAll(body, b.user.OpenID(), a.user.MemberOpenID())
	got := reached{said: []string{story, x.Text}}
	status, answer, err := r.signed(body, nil)
	if err != nil {
		return got, err
	}
	got.http, got.status = []string{answer}, []int{status}
	if err := r.settle(); err != nil {
		return got, err
	}
	w.done()
	got.reply = []string{strings.Join(r.replies(w), "\n")}
	got.isolated("ZX-7731", "丈夫")
	return got, nil
}

// runGroupStatus asks for the state of a case in a group.
func runGroupStatus(r *hostileRange, x attack, w *watch) (reached, error) {
	u := r.qqUser("")
	r.qqGroup(u)
	reply, err := u.say(x.Text)
	w.done()
	got := reached{said: []string{x.Text}, groupReply: []string{reply}}
	got.isolated()
	return got, err
}

// runGroupThenPrivate says the text in a group and then in private.
func runGroupThenPrivate(r *hostileRange, x attack, w *watch) (reached, error) {
	const story = "我叫卢静怡，我丈夫打我，想离婚"
	u := r.qqUser("")
	r.qqGroup(u)
	first, err := u.say(story)
	if err != nil {
		return reached{}, err
	}
	u.group = nil
	reply, err := u.say(x.Text)
	w.done()
	got := reached{said: []string{story, x.Text}, reply: []string{reply}, groupReply: []string{first}}
	got.isolated("卢静怡")
	return got, err
}

// runCacheProbe lets one ask with personal data and another without.
func runCacheProbe(r *hostileRange, x attack, w *watch) (reached, error) {
	first, second := readSaid(x.Payload.First).Text, readSaid(x.Payload.Second).Text
	got := reached{said: []string{first, second}}
	if x.Channel == "web_chat" {
		return r.probeWeb(got, w, first, second)
	}
	reply := ""
	for _, text := range []string{first, second} {
		u := r.qqUser("")
		if _, err := u.say(agree); err != nil {
			return got, err
		}
		var err error
		if reply, err = u.say(text); err != nil {
			return got, err
		}
	}
	w.done()
	got.reply = []string{reply}
	got.isolated(first)
	return got, nil
}

func (r *hostileRange) probeWeb(got reached, w *watch, first, second string) (reached, error) {
	for i, text := range []string{first, second} {
		u, err := r.agreed()
		if err != nil {
			return got, err
		}
		reply, _, err := u.say(text)
		if err != nil {
			return got, err
		}
		if i == 1 {
			got.reply = []string{reply}
		}
	}
	w.done()
	got.isolated(first)
	return got, nil
}

// runHistory says what came before, then the text.
func runHistory(r *hostileRange, x attack, w *watch) (reached, error) {
	before := x.Payload.Text
	got := reached{said: []string{before, x.Text}}
	if strings.HasPrefix(x.Channel, "qq") {
		u := r.qqUser("")
		if x.Channel == "qq_group" {
			r.qqGroup(u)
		}
		if _, err := u.say(before); err != nil {
			return got, err
		}
		reply, err := u.say(x.Text)
		w.done()
		got.hear(u, reply)
		got.isolated()
		return got, err
	}
	u, err := r.agreed()
	if err != nil {
		return got, err
	}
	if _, _, err := u.say(before); err != nil {
		return got, err
	}
	reply, status, err := u.say(x.Text)
	w.done()
	got.reply, got.status = []string{reply}, []int{status}
	got.isolated()
	return got, err
}

// runLoop says the same again and again.
func runLoop(r *hostileRange, x attack, w *watch) (reached, error) {
	got := reached{said: []string{x.Text}}
	web, err := r.webUser()
	if err != nil {
		return got, err
	}
	qq := r.qqUser("")
	if x.Channel == "qq_group" {
		r.qqGroup(qq)
	}
	for range min(max(x.Payload.Turns, 1), 500) {
		if strings.HasPrefix(x.Channel, "qq") {
			reply, err := qq.say(x.Text)
			if err != nil {
				return got, err
			}
			got.hear(qq, reply)
			continue
		}
		reply, status, err := web.say(x.Text)
		if err != nil {
			return got, err
		}
		got.reply, got.status = append(got.reply, reply), append(got.status, status)
	}
	w.done()
	return got, nil
}

// runFixation begins with the cookie of somebody else's choice: the server must
// not take it over.
func runFixation(r *hostileRange, x attack, w *watch) (reached, error) {
	victim, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	const secret = "我的口令是海棠7714"
	if _, _, err := victim.say(secret); err != nil {
		return reached{}, err
	}
	got := reached{said: []string{x.Payload.Cookie}}
	cookie := func(q *http.Request) { q.Header.Set("Cookie", x.Payload.Cookie) }
	status, body, err := r.post("/api/v1/conversations", struct{}{}, cookie)
	if err != nil {
		return got, err
	}
	chosen := x.Payload.Cookie
	if _, v, ok := strings.Cut(chosen, "="); ok {
		chosen = v
	}
	got.reply, got.http, got.status = []string{body}, []string{body}, []int{status}
	status, body, err = r.call(http.MethodGet, "/api/v1/conversations/current", "", nil, cookie)
	w.done()
	got.reply, got.http, got.status = append(got.reply, body), append(got.http, body), append(got.status, status)
	got.state("sessions_isolated", !strings.Contains(strings.Join(got.http, ""), chosen) && !strings.Contains(body, "海棠") && status >= 400, "用了别人选的编号")
	return got, err
}

// runGuess tries random ids of conversations while there is one.
func runGuess(r *hostileRange, x attack, w *watch) (reached, error) {
	victim, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	if _, _, err := victim.say("我的口令是海棠7714"); err != nil {
		return reached{}, err
	}
	got, open := reached{}, 0
	for range min(max(x.Payload.N, 1), 5000) {
		status, body, err := r.call(http.MethodGet, fmt.Sprintf("/api/v1/conversations/%016x%016x", rand.Uint64(), rand.Uint64()), "", nil, nil)
		if err != nil {
			return got, err
		}
		if status == http.StatusOK {
			open++
			got.http = append(got.http, body)
		}
		got.status = []int{status}
	}
	w.done()
	got.reply = got.http
	got.state("sessions_isolated", open == 0, fmt.Sprintf("猜中了 %d 个", open))
	r.spoiled = true // the address has used up what it may ask
	return got, nil
}

// runCanaries gives many people a word each, mixes their turns and looks for
// foreign words.
func runCanaries(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true
	n, turns := min(max(x.Payload.N, 2), 500), min(max(x.Payload.Turns, 2), 20)
	people := make([]*webUser, n)
	for i := range people {
		u, err := r.webUser()
		if err != nil {
			return reached{}, err
		}
		people[i] = u
	}
	word := func(i int) string { return fmt.Sprintf("口令海棠%04d号", i) }
	var mu sync.Mutex
	var faults []string
	got := reached{}
	for turn := range turns {
		order := rand.Perm(n)
		var crew sync.WaitGroup
		slots := make(chan struct{}, 16)
		for _, i := range order {
			slots <- struct{}{}
			crew.Go(func() {
				defer func() { <-slots }()
				text := "我的" + word(i) + "，请记住"
				if turn > 0 {
					text = "我的口令是什么？工资拖欠找谁"
				}
				reply, _, err := people[i].say(text)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					faults = append(faults, "没有回答："+err.Error())
				}
				for j := range n {
					if j != i && strings.Contains(reply, word(j)) {
						faults = append(faults, "别人的口令漏出来了")
					}
				}
				if len(got.reply) < 20 {
					got.reply = append(got.reply, reply)
				}
			})
		}
		crew.Wait()
	}
	w.done()
	got.state("sessions_isolated", len(faults) == 0, strings.Join(faults[:min(1, len(faults))], ""))
	return got, nil
}

// runParallel sends many messages at once into one conversation.
func runParallel(r *hostileRange, x attack, w *watch) (reached, error) {
	u, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	var mu sync.Mutex
	got := reached{}
	var crew sync.WaitGroup
	var faults error
	for i := range min(max(x.Payload.N, 2), 100) {
		id := r.next()
		crew.Go(func() {
			status, body, err := r.post("/api/v1/conversations/"+u.id+"/messages", map[string]string{"id": id, "text": fmt.Sprintf("第%d问：劳动仲裁时效多久", i)}, nil)
			mu.Lock()
			defer mu.Unlock()
			faults = errors.Join(faults, err)
			got.status, got.http = append(got.status, status), append(got.http, body)
		})
	}
	crew.Wait()
	if err := errors.Join(faults, r.settle()); err != nil {
		return got, err
	}
	w.done()
	history, err := u.history()
	got.reply = []string{history}
	got.isolated()
	return got, err
}

// runDisconnect drops a stream in the middle of an answer and lets somebody else
// use the connection.
func runDisconnect(r *hostileRange, x attack, w *watch) (reached, error) {
	const canary = "口令海棠5512号"
	a, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	if _, _, err := a.send("我的" + canary + "，老板拖欠工资怎么办"); err != nil {
		return reached{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, 20*time.Millisecond)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.first().base+"/api/v1/conversations/"+a.id+"/events", nil)
	if err != nil {
		cancel()
		return reached{}, err
	}
	if resp, err := http.DefaultClient.Do(q); err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, 64) // it is cut off on purpose
		err = resp.Body.Close()
		if err != nil {
			cancel()
			return reached{}, err
		}
	}
	cancel()
	b, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	reply, status, err := b.say("我的口令是什么")
	w.done()
	got := reached{said: []string{canary}, reply: []string{reply}, status: []int{status}}
	got.isolated("海棠5512")
	return got, err
}

// runErase says something, erases the conversation and looks for it everywhere.
func runErase(r *hostileRange, x attack, w *watch) (reached, error) {
	const canary = "海棠8837号"
	u, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	if _, _, err := u.say("我的口令是" + canary + "，" + x.Text); err != nil {
		return reached{}, err
	}
	status, _, err := r.call(http.MethodDelete, "/api/v1/conversations/"+u.id, "", nil, nil)
	if err != nil {
		return reached{}, err
	}
	w.done()
	history, err := u.history()
	if err != nil {
		return reached{}, err
	}
	got := reached{status: []int{status}, reply: []string{history}, http: []string{history}}
	left, err := r.dump(w)
	got.isolated(canary)
	got.state("no_effect", !strings.Contains(left, canary), "记录里还有")
	return got, err
}

// runTTLRace lets a conversation be erased while messages still come in.
func runTTLRace(r *hostileRange, x attack, w *watch) (reached, error) {
	got := reached{}
	const canary = "海棠6619号"
	for range min(max(x.Payload.Iterations, 1), 200) {
		u, err := r.webUser()
		if err != nil {
			return got, err
		}
		var crew sync.WaitGroup
		crew.Go(func() { _, _, _ = u.send("我的口令是" + canary) }) // refused or taken, both are right
		crew.Go(func() { _, _, _ = r.call(http.MethodDelete, "/api/v1/conversations/"+u.id, "", nil, nil) })
		crew.Wait()
		v, err := r.webUser()
		if err != nil {
			return got, err
		}
		reply, _, err := v.say("我的口令是什么")
		if err != nil {
			return got, err
		}
		got.reply = append(got.reply, reply)
	}
	w.done()
	r.spoiled = true
	got.isolated(canary)
	return got, nil
}
