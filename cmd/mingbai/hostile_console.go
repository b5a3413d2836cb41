package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mingbai/office"
)

// actor is the person an attack acts as: "officer_A" is an officer of township A.
func (s *hostileStaff) actor(role string) office.Person {
	role = strings.ToLower(role)
	b := strings.HasSuffix(role, "_b")
	switch {
	case strings.Contains(role, "admin"):
		return s.admin
	case strings.HasPrefix(role, "clerk") && b:
		return s.clerkB
	case strings.HasPrefix(role, "clerk"):
		return s.clerkA
	case b:
		return s.officerB
	}
	return s.officerA
}

// keep records one answer of the console.
func (g *reached) keep(status int, body string) {
	g.status, g.http = append(g.status, status), append(g.http, body)
}

// foreignCase is a case of township B with a word that nobody of A may read.
func (r *hostileRange) foreignCase() (no, canary string, err error) {
	canary = "海棠" + r.next()
	u, err := r.webUser()
	if err != nil {
		return "", "", err
	}
	no, _, err = fillForm(&farSpeaker{u, canary}, "", "", nil)
	return no, canary, err
}

// farSpeaker fills in a form for township B.
type farSpeaker struct {
	*webUser
	canary string
}

func (e *farSpeaker) tell(text string) (string, error) {
	switch text {
	case formSteps[1].answer:
		text = e.canary + "占了我的地"
	case formSteps[2].answer:
		text = "城西镇五里村"
	}
	return e.webUser.tell(text)
}

// runIDOR has somebody of one township ask by id for what belongs to another.
func runIDOR(r *hostileRange, x attack, w *watch) (reached, error) {
	if calm, _, err := r.calmCase(); err != nil || !calm && strings.Contains(x.Payload.Object, "case") {
		return reached{unbuilt: "后台还没有办件的页"}, err
	}
	no, canary, err := r.foreignCase()
	if err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	me := r.staff.actor(x.Payload.Role)
	v, err := r.signedIn(me)
	if err != nil {
		return reached{}, err
	}
	got := reached{watched: w}
	ask := func(path string, form url.Values) error {
		status, body, _, err := v.do(path, form, nil)
		got.keep(status, body)
		if strings.Contains(body, canary) || strings.Contains(body, r.staff.helperB.Name) {
			got.broken = path + " 给了别处的东西"
		}
		return err
	}
	person := fmt.Sprint("/console/people/", r.staff.helperB.ID)
	for _, path := range []string{"/console/cases/" + no, "/console/cases/" + no + "/print", "/console/cases/" + no + "/agreement", person} {
		if err := ask(path, nil); err != nil {
			return got, err
		}
	}
	for path, form := range map[string]url.Values{
		"/console/cases/" + no + "/act": {"verb": {"accept"}, "request": {"r1"}, "version": {"1"}}, person + "/suspend": {}, person: {"name": {"改了"}},
	} {
		if err := ask(path, form); err != nil {
			return got, err
		}
	}
	w.done()
	got.state("no_effect", r.unchanged(w, no, &got), "别处的东西变了")
	return got, nil
}

// unchanged says whether the records hold what they held: rows, the case's
// state, and who does what.
func (r *hostileRange) unchanged(w *watch, no string, got *reached) bool {
	now, err := r.countRows()
	if err != nil || len(w.changed(now, false)) > 0 {
		return false
	}
	if no != "" {
		c, err := r.caseState(no)
		calm, err2 := office.New, error(nil)
		if err != nil || err2 != nil || c.state != string(calm) {
			return false
		}
		got.db += no + "\t" + c.state
	}
	for _, p := range []office.Person{r.staff.helperB, r.staff.officerA, r.staff.clerkA} {
		is, err := r.first().server.records.Person(r.ctx, p.ID)
		if err != nil || is.Suspended || is.Name != p.Name || len(is.Posts) != len(p.Posts) {
			return false
		}
	}
	return true
}

// runListScope looks in all lists for what belongs to another township.
func runListScope(r *hostileRange, x attack, w *watch) (reached, error) {
	no, canary, err := r.foreignCase()
	if err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	v, err := r.signedIn(r.staff.actor(x.Payload.Role))
	if err != nil {
		return reached{}, err
	}
	got := reached{watched: w}
	for _, path := range []string{"/console", "/console/cases", "/console/cases?q=" + url.QueryEscape(canary), "/console/people", "/console/people/export", "/console/orgs", "/console/mediators",
		"/console/alerts", "/console/notices", "/console/audit", "/console/coverage"} {
		status, body, _, err := v.do(path, nil, nil)
		if err != nil {
			return got, err
		}
		got.keep(status, body)
		if strings.Contains(strings.ReplaceAll(body, url.QueryEscape(canary), ""), no) || strings.Contains(body, canary+"占") || strings.Contains(body, r.staff.helperB.Name) {
			got.broken = path + " 列出了别处的东西"
		}
	}
	w.done()
	got.state("no_effect", r.unchanged(w, no, &got), "别处的东西变了")
	return got, nil
}

// runEscalation has somebody take a right that their role does not give.
func runEscalation(r *hostileRange, x attack, w *watch) (reached, error) {
	me := r.staff.actor(x.Payload.Role)
	if me.ID == r.staff.admin.ID {
		me = r.staff.officerA
	}
	v, err := r.signedIn(me)
	if err != nil {
		return reached{}, err
	}
	got := reached{}
	id := fmt.Sprint(me.ID)
	org := fmt.Sprint(r.staff.orgs["青禾县"].ID)
	for _, act := range []struct {
		path string
		form url.Values
	}{
		{"/console/people/" + id + "/posts", url.Values{"role": {"admin"}, "org": {org}}}, {"/console/people/" + id, url.Values{"role": {"管理员"}, "roles": {"admin"}, "name": {"改了"}}},
		{"/console/people/new", url.Values{"name": {"自己人"}, "role": {"admin"}, "org": {org}}}, {"/console/people/" + id + "/console", url.Values{"login": {"root2"}}},
		{fmt.Sprint("/console/people/", r.staff.admin.ID, "/console/reset"), url.Values{}}, {"/console/orgs", url.Values{"name": {"假机构"}, "kind": {"村社区"}, "parent": {org}}},
		{"/console/audit", nil}, {"/console/people/export", nil},
	} {
		status, body, _, err := v.do(act.path, act.form, nil)
		if err != nil {
			return got, err
		}
		got.keep(status, body)
		if status == http.StatusOK && !strings.Contains(body, "密码") {
			got.broken = act.path + " 让他做了"
		}
	}
	w.done()
	got.state("no_effect", r.unchanged(w, "", &got), "有东西变了")
	return got, nil
}

// endpoint gives the address and form of an act that an attack names, such as
// "case.close".
func (r *hostileRange) endpoint(name, no string) (string, url.Values) {
	switch head, _, _ := strings.Cut(strings.ToLower(name), "."); head {
	case "case":
		return "/console/cases/" + no + "/act", url.Values{"verb": {"archive"}, "note": {"办完了"}, "request": {"r1"}, "version": {"1"}}
	case "org":
		return "/console/orgs", url.Values{"name": {"假机构"}, "kind": {"村社区"}, "parent": {fmt.Sprint(r.staff.orgs["城东街道"].ID)}}
	case "logout", "session":
		return "/console/sign-out", url.Values{}
	}
	return fmt.Sprint("/console/people/", r.staff.helperB.ID, "/suspend"), url.Values{}
}

// runCSRF has another site send a request with a signed-in person's cookie.
func runCSRF(r *hostileRange, x attack, w *watch) (reached, error) {
	if calm, _, err := r.calmCase(); err != nil || !calm && strings.HasPrefix(x.Payload.Endpoint, "case") {
		return reached{unbuilt: "后台还没有办件的页"}, err
	}
	no, _, err := r.foreignCase()
	if err != nil {
		return reached{}, err
	}
	v, err := r.signedIn(r.staff.admin)
	if err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	path, form := r.endpoint(x.Payload.Endpoint, no)
	origin := x.Payload.Origin
	if origin == "" {
		origin = "http://evil.example"
	}
	got := reached{watched: w}
	for _, site := range []string{"cross-site", ""} {
		target, send := path, form
		if x.Payload.Kind == "csrf_get" {
			target, send = path+"?"+form.Encode(), nil
		}
		status, body, _, err := v.do(target, send, func(q *http.Request) {
			q.Header.Set("Origin", origin)
			if site != "" {
				q.Header.Set("Sec-Fetch-Site", site)
			}
		})
		if err != nil {
			return got, err
		}
		got.keep(status, body)
		if send != nil && status != http.StatusForbidden {
			got.broken = fmt.Sprintf("别的网站发来的请求得到 %d", status)
		}
	}
	w.done()
	got.state("no_effect", r.unchanged(w, no, &got), "有东西变了")
	return got, nil
}

// signsIn signs in over HTTP as a person would.
func (r *hostileRange) signsIn(login, password string) (*visitor, int, string, error) {
	v := &visitor{r: r}
	status, body, header, err := v.do("/console/sign-in", url.Values{"_login": {login}, "_password": {password}}, nil)
	if err != nil {
		return nil, 0, "", err
	}
	for _, c := range (&http.Response{Header: header}).Cookies() {
		if c.Name == consoleCookie {
			v.cookie = c.Value
		}
	}
	return v, status, body, nil
}

// runAfterLogout goes on with a session that was ended.
func runAfterLogout(r *hostileRange, x attack, w *watch) (reached, error) {
	v, _, _, err := r.signsIn(r.staff.login, r.staff.password)
	if err != nil {
		return reached{}, err
	}
	got := reached{}
	if status, _, _, err := v.do("/console", nil, nil); err != nil || status != http.StatusOK {
		return got, fmt.Errorf("not signed in: HTTP %d, %w", status, err)
	}
	if _, _, _, err := v.do("/console/sign-out", url.Values{}, nil); err != nil {
		return got, err
	}
	return got, r.shutOut(&got, w, v)
}

// shutOut uses a session that must be over.
func (r *hostileRange) shutOut(got *reached, w *watch, v *visitor) error {
	for _, path := range []string{"/console", "/console/people", "/console/people/export", "/console/audit"} {
		status, body, header, err := v.do(path, nil, nil)
		if err != nil {
			return err
		}
		got.keep(status, body)
		if status == http.StatusOK || status == http.StatusSeeOther && !strings.HasPrefix(header.Get("Location"), "/console/sign-in") {
			got.broken = path + " 用旧会话打开了"
		}
	}
	status, body, _, err := v.do(fmt.Sprint("/console/people/", r.staff.helperB.ID, "/suspend"), url.Values{}, nil)
	got.keep(status, body)
	w.done()
	got.state("no_effect", r.unchanged(w, "", got), "有东西变了")
	return err
}

// runAfterPassword goes on with a session from before the password was changed.
func runAfterPassword(r *hostileRange, x attack, w *watch) (reached, error) {
	old, _, _, err := r.signsIn(r.staff.login, r.staff.password)
	if err != nil {
		return reached{}, err
	}
	v, _, _, err := r.signsIn(r.staff.login, r.staff.password)
	if err != nil {
		return reached{}, err
	}
	fresh := "海棠-梧桐-" + strconv.FormatInt(r.serial.Load(), 10) + "-山茶"
	db := r.first().server.records
	s, err := db.ConsoleSession(r.ctx, v.cookie)
	if err != nil {
		return reached{}, err
	}
	if _, err := db.ChangeConsolePassword(r.ctx, s, r.staff.password, fresh); err != nil {
		return reached{}, err
	}
	r.staff.password = fresh
	got := reached{}
	return got, r.shutOut(&got, w, old)
}

// runBruteForce tries passwords as fast as they are taken.
func runBruteForce(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true // the account is shut for a while
	got := reached{}
	limited := 0
	for i := range min(max(x.Payload.N, 1), 1000) {
		v, status, body, err := r.signsIn(r.staff.login, fmt.Sprintf("Password%d", i))
		if err != nil {
			return got, err
		}
		if v.cookie != "" {
			got.broken = "猜的密码登进去了"
		}
		if status == http.StatusTooManyRequests {
			limited++
		}
		got.keep(status, body)
	}
	if limited == 0 && len(got.status) > 10 {
		got.broken = "猜多少次都不拦"
	}
	w.done()
	got.http = got.http[max(0, len(got.http)-3):]
	got.state("no_effect", r.unchanged(w, "", &got), "有东西变了")
	return got, nil
}

// runCodeReuse signs in a second time with a code from the phone that was used.
func runCodeReuse(r *hostileRange, x attack, w *watch) (reached, error) {
	r.spoiled = true
	db := r.first().server.records
	v, _, _, err := r.signsIn(r.staff.login, r.staff.password)
	if err != nil {
		return reached{}, err
	}
	s, err := db.ConsoleSession(r.ctx, v.cookie)
	if err != nil {
		return reached{}, err
	}
	secret, err := db.StartTOTP(r.ctx, s)
	if err != nil {
		return reached{}, err
	}
	code, err := phoneCode(secret, r.now())
	if err != nil {
		return reached{}, err
	}
	if _, err := db.ConfirmTOTP(r.ctx, s, code); err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil { // that codes were set up is no part of it
		return reached{}, err
	}
	got := reached{watched: w}
	for range 2 {
		t := &visitor{r: r}
		status, body, header, err := t.do("/console/sign-in", url.Values{"_login": {r.staff.login}, "_password": {r.staff.password}, "_code": {code}}, nil)
		if err != nil {
			return got, err
		}
		got.keep(status, body)
		if strings.Contains(header.Get("Set-Cookie"), consoleCookie+"=") && status == http.StatusSeeOther {
			got.broken = "用过的验证码又登进去了"
		}
	}
	w.done()
	got.state("no_effect", r.unchanged(w, "", &got), "有东西变了")
	return got, nil
}

// runEnumerate tries numbers of cases with codes for them.
func runEnumerate(r *hostileRange, x attack, w *watch) (reached, error) {
	no, canary, err := r.foreignCase()
	if err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	r.spoiled = true // who guessed is shut out for a while
	u, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	got := reached{watched: w}
	refused := 0
	for i := range min(max(x.Payload.N, 1), 2000) {
		text := fmt.Sprintf("取件码 %08d", i*7919%100_000_000)
		if i%4 == 0 {
			text = "查进度 " + no
		}
		if refused > 30 { // it is limited; the rest would be as well
			break
		}
		reply, status, err := u.say(text)
		if err != nil {
			return got, err
		}
		got.keep(status, reply)
		if status == http.StatusTooManyRequests || strings.Contains(reply, "次数太多") || strings.Contains(reply, "太多次") {
			refused++
		}
		if strings.Contains(reply, canary) {
			got.broken = "猜出了别人的件"
		}
	}
	w.done()
	if refused == 0 && x.Payload.N > 100 {
		got.broken = "猜多少次都不拦"
	}
	got.reply, got.http = got.http, got.http[max(0, len(got.http)-5):]
	got.state("no_effect", r.unchanged(w, no, &got), "有东西变了")
	return got, nil
}
