package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// speaker is somebody who fills in a form, on the page or on QQ.
type speaker interface {
	tell(text string) (string, error)
}

func (u *webUser) tell(text string) (string, error) {
	reply, status, err := u.say(text)
	if err == nil && status != http.StatusAccepted && status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge {
		err = fmt.Errorf("HTTP %d to a form's answer", status)
	}
	return reply, err
}

func (u *qqUser) tell(text string) (string, error) { return u.say(text) }

// formSteps are the questions of a resident's form, by words of theirs, with
// answers that harm nobody.
var formSteps = []struct{ ask, field, answer string }{
	{"是哪方面的事", "matter", "1"},
	{"发生了什么事", "story", "隔壁把水排到我家院子里，说了几次都不听"},
	{"在哪个乡镇", "place", "城东街道三里村"},
	{"对方是谁", "parties", "邻居"},
	{"您希望怎么解决", "wish", "把水管移开"},
	{"怎么称呼您", "name", "陈大姐"},
	{"方便联系的电话", "phone", "无"},
	{"请核对一遍", atCard, "1"}, {"还没有提交", atCard, "1"},
}

// atCard is where a form waits to be sent off.
const atCard = "card"

// formField gives the form's own name of a field that an attack names.
func formField(field string) string {
	for own, names := range map[string][]string{
		"name": {"name", "nickname", "applicant"}, "place": {"address", "place", "village", "town", "location"}, "parties": {"parties", "party", "opponent", "respondent", "defendant"},
		"wish": {"claim", "wish", "demand", "request", "appeal"}, "phone": {"phone", "mobile", "contact", "tel"},
	} {
		if slices.Contains(names, strings.ToLower(field)) {
			return own
		}
	}
	return "story"
}

var caseNumber = regexp.MustCompile(`编号 ([0-9]{4}-\S{1,12}-[0-9]{1,6})`)

// errNoCase says that a form did not come to its end.
var errNoCase = errors.New("the form came to no end")

// fillForm fills in a resident's form with one answer that attacks; what the
// form refuses is answered as others answer. before is called when the form is
// about to be sent off; nil: the form is just sent. no is "" if none was opened.
func fillForm(u speaker, field, value string, before func() error) (no string, replies []string, err error) {
	used := false
	reply, err := u.tell("转人工")
	for range 2 * len(formSteps) {
		if err != nil {
			return "", replies, err
		}
		replies = append(replies, reply)
		if m := caseNumber.FindStringSubmatch(reply); m != nil {
			return strings.TrimRight(m[1], "。，"), replies, nil
		}
		answer := harmlessFor(field) // what was refused is told without the attack
		for _, s := range formSteps {
			if !strings.Contains(reply, s.ask) {
				continue
			}
			answer = s.answer
			if s.field == field && !used {
				answer, used = value, true
			}
			if s.field == atCard && before != nil {
				if err := before(); err != nil {
					return "", replies, err
				}
			}
			break
		}
		reply, err = u.tell(answer)
	}
	return "", replies, errors.Join(err, fmt.Errorf("%w: %q", errNoCase, clipRunes(reply, 80)))
}

// harmlessFor is an answer to a question of the form that harms nobody.
func harmlessFor(field string) string {
	for _, s := range formSteps {
		if s.field == field {
			return s.answer
		}
	}
	return formSteps[1].answer
}

// caseState is what is on record of a case.
type caseState struct{ state, name, place, story, wish, parties string }

func (r *hostileRange) caseState(no string) (c caseState, err error) {
	err = r.db().QueryRowContext(r.ctx, `SELECT state, name, place, story, wish, parties FROM cases WHERE no = $1`, no).Scan(&c.state, &c.name, &c.place, &c.story, &c.wish, &c.parties)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("no case %s on record", no)
	}
	return c, err
}

// caseTables may change when somebody hands in a case.
var caseTables = []string{"cases", "case_events", "case_numbers", "case_grams", "notices", "consents", "reads", "alerts", "alert_cases"}

// casePages are where the office sees a case by itself; listPages show it among
// others, whose words are not this attack's.
func casePages(no string) []string {
	at := "/console/cases/" + no
	return []string{at, at + "/print"}
}

var listPages = []string{"/console/cases", "/console", "/console/alerts", "/console/notices"}

// runCaseField hands in a case with an attack in one of its fields and looks at
// it as the office does.
func runCaseField(r *hostileRange, x attack, w *watch) (reached, error) {
	value := x.Payload.Value
	if text, ok := x.words(); ok && x.Payload.Kind != "text" {
		value = text
	} else if ok && value == "" {
		value = text
	}
	field := formField(x.Payload.Field)
	if x.Payload.Kind == "repeat" || x.Payload.Kind == "long_line" || x.Payload.Kind == "zalgo" {
		field = "place"
	}
	calm, shape, err := r.calmCase()
	if err != nil || !calm {
		return reached{unbuilt: "后台还没有办件的页"}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	u, err := r.caseSpeaker(x)
	if err != nil {
		return reached{}, err
	}
	got := reached{said: []string{value}, watched: w}
	no, replies, err := fillForm(&timed{u, value, w}, field, value, nil)
	w.done()
	got.reply = replies
	if err != nil && !errors.Is(err, errNoCase) {
		return got, err
	}
	if no == "" {
		return got, r.noCase(&got, w)
	}
	more, err := u.tell("查进度 " + no)
	if err != nil {
		return got, err
	}
	got.reply = append(got.reply, more)
	return got, r.lookAt(&got, w, no, shape)
}

// timed has the watch measure how long the attack itself took to be answered, and
// not the questions around it.
type timed struct {
	speaker
	attack string
	w      *watch
}

func (t *timed) tell(text string) (string, error) {
	begun := time.Now()
	reply, err := t.speaker.tell(text)
	if text == t.attack {
		t.w.finished = time.Since(begun)
	}
	return reply, err
}

// rewatch begins to measure anew: what came before was no part of the attack.
func (r *hostileRange) rewatch(w *watch) (*watch, error) {
	w.done()
	return r.watch()
}

func (r *hostileRange) caseSpeaker(x attack) (speaker, error) {
	if strings.HasPrefix(x.Channel, "qq") {
		return r.qqUser(""), nil
	}
	return r.agreed()
}

// calmCase hands in a case without an attack, once, and keeps what the office's
// pages of it are made of. It is false where there are no such pages.
func (r *hostileRange) calmCase() (bool, []string, error) {
	if r.calm.no == "" {
		u, err := r.agreed()
		if err != nil {
			return false, nil, err
		}
		if r.calm.no, _, err = fillForm(u, "", "", nil); err != nil {
			return false, nil, err
		}
		v, err := r.signedIn(r.staff.clerkA)
		if err != nil {
			return false, nil, err
		}
		_, shape, found, err := v.see(append(casePages(r.calm.no), listPages...)...)
		if err != nil {
			return false, nil, err
		}
		r.calm.shape, r.calm.pages = shape, slices.Contains(found, "/console/cases/"+r.calm.no)
	}
	return r.calm.pages, r.calm.shape, nil
}

// lookAt judges what an attack in a case did: the case is there, as new as any,
// nothing else has changed, and the office's pages show its words as words.
func (r *hostileRange) lookAt(got *reached, w *watch, no string, shape []string) error {
	c, err := r.caseState(no)
	if err != nil {
		return err
	}
	calm, err := r.caseState(r.calm.no)
	if err != nil {
		return err
	}
	now, err := r.countRows()
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(w.changed(now, false), func(t string) bool { return slices.Contains(caseTables, t) })
	switch {
	case len(changed) > 0:
		got.state("no_effect", false, "改了 "+strings.Join(changed, "、"))
	case now["cases"] != w.rows["cases"]+1:
		got.state("no_effect", false, fmt.Sprintf("多了 %d 件", now["cases"]-w.rows["cases"]))
	case c.state != calm.state:
		got.state("no_effect", false, "成了 "+c.state+"，别的件是 "+calm.state)
	default:
		got.state("no_effect", true, "")
	}
	got.state("no_case_written", false, "登记了 "+no)
	v, err := r.signedIn(r.staff.clerkA)
	if err != nil {
		return err
	}
	dom, own, _, err := v.see(casePages(no)...)
	if err != nil {
		return err
	}
	_, lists, _, err := v.see(listPages...)
	if err != nil {
		return err
	}
	got.console = dom
	if odd := strange(shape, append(own, lists...)); len(odd) > 0 {
		got.broken = "后台的页里多了 " + strings.Join(odd, "、")
	}
	got.db = strings.Join([]string{no, c.state, c.name, c.place, c.parties, c.wish, c.story}, "\t")
	return nil
}

// noCase is what came of a form that was refused.
func (r *hostileRange) noCase(got *reached, w *watch) error {
	now, err := r.countRows()
	if err != nil {
		return err
	}
	changed := w.changed(now, false)
	got.state("no_effect", len(changed) == 0, "改了 "+strings.Join(changed, "、"))
	return nil
}

// runCaseAttachment sends a file with a hostile name in the middle of a form.
func runCaseAttachment(r *hostileRange, x attack, w *watch) (reached, error) {
	calm, shape, err := r.calmCase()
	if err != nil || !calm {
		return reached{unbuilt: "后台还没有办件的页"}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	u := r.qqUser("")
	got := reached{said: []string{x.Payload.Filename}, watched: w}
	no, replies, err := fillForm(u, "", "", func() error {
		before := len(u.texts())
		d, err := r.relay.catch(r.ctx, func() { u.user.Say("附件") })
		if err != nil {
			return err
		}
		var e map[string]any
		if err := json.Unmarshal(d.body, &e); err != nil {
			return err
		}
		if m, ok := e["d"].(map[string]any); ok {
			m["content"] = ""
			m["attachments"] = []any{map[string]any{"filename": x.Payload.Filename, "content_type": "file", "url": "http://127.0.0.1:9/" + x.Payload.Filename, "size": 1}}
		}
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		status, answer, err := r.signed(string(body), nil)
		got.http, got.status = append(got.http, answer), append(got.status, status)
		if err != nil {
			return err
		}
		reply, err := u.hear(before)
		got.reply = append(got.reply, reply)
		return err
	})
	w.done()
	got.reply = append(got.reply, replies...)
	if err != nil && !errors.Is(err, errNoCase) {
		return got, err
	}
	if no == "" {
		return got, r.noCase(&got, w)
	}
	return got, r.lookAt(&got, w, no, shape)
}

// runRepeatForm sends a form off several times under one key: the id of the
// message that confirms it.
func runRepeatForm(r *hostileRange, x attack, w *watch) (reached, error) {
	u, err := r.agreed()
	if err != nil {
		return reached{}, err
	}
	got := reached{}
	var last reached
	no, replies, err := fillForm(&twice{u, x.Payload.IdempotencyKey, max(x.Payload.Times, 2), &last}, "", "", nil)
	w.done()
	if err != nil {
		return got, err
	}
	got.reply, got.http, got.status = replies, last.http, last.status
	var cases, answers int
	if err := r.db().QueryRowContext(r.ctx, `SELECT COUNT(*) FROM cases WHERE no = $1`, no).Scan(&cases); err != nil {
		return got, err
	}
	now, err := r.countRows()
	if err != nil {
		return got, err
	}
	opened := now["cases"] - w.rows["cases"]
	history, err := u.history()
	if err != nil {
		return got, err
	}
	answers = strings.Count(history, "编号 "+no+"。")
	got.state("one_case", cases == 1 && opened == 1, fmt.Sprintf("登记了 %d 件", opened))
	got.state("one_reply", answers == 1, fmt.Sprintf("回了 %d 次", answers))
	got.db = no
	return got, nil
}

// twice sends the message that confirms a form several times with one id.
type twice struct {
	*webUser
	key   string
	times int
	sent  *reached
}

func (t *twice) tell(text string) (string, error) {
	if text != "1" || t.sent.status != nil || t.said.Load() < 3 {
		return t.webUser.tell(text)
	}
	for range t.times {
		status, body, err := t.r.post("/api/v1/conversations/"+t.id+"/messages", map[string]string{"id": "form-" + t.key, "text": text}, t.from)
		t.sent.http, t.sent.status = append(t.sent.http, body), append(t.sent.status, status)
		if err != nil {
			return "", err
		}
	}
	return t.hear()
}
