// Package handlers decides what is said: help in a crisis first, then commands,
// menus and forms, then a legal question. It knows the knowledge base and the
// records, but no platform: channels are package bot's business.
package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"mingbai/bot"
	"mingbai/calendar"
	"mingbai/knowledge"
	"mingbai/office"
)

// Deps is what a Router needs.
type Deps struct {
	Base      *knowledge.Base
	Answerer  *knowledge.Answerer
	Safety    *Safety
	Redactor  *knowledge.Redactor          // finds what a group may not read
	Codes     Codes                        // nil: groups are told of private chats without a code
	Assistant *Assistant                   // nil: no language model
	County    func() (office.County, bool) // what is particular to the place; false: not set yet
	Record    func(office.Consult)         // keeps a consultation; returns at once
	Rate      func(ctx context.Context, id string, useful bool, reason string) error
	Now       func() time.Time
	Log       *slog.Logger
	Cases     *office.DB   // nil: nobody receives cases
	Check     office.Check // of what is published; nil: not looked at
	Keep      office.Keep
	Forget    func(ctx context.Context, chat, from bot.Address) error // erases what the bot remembers of a person
}

// Router is the bot.Handler of the whole program.
type Router struct{ d Deps }

// New makes a Router. Redactor, Codes, County, Record and Rate may be nil.
func New(d Deps) *Router {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Redactor == nil {
		d.Redactor = knowledge.NewRedactor(func(number string) bool {
			_, ok := d.Safety.Hotlines().Find(number)
			return ok
		})
	}
	if d.County == nil {
		d.County = func() (office.County, bool) { return office.County{}, false }
	}
	if d.Forget == nil {
		d.Forget = func(context.Context, bot.Address, bot.Address) error { return nil }
	}
	if d.Record == nil {
		d.Record = func(office.Consult) {}
	}
	return &Router{d: d}
}

// With gives a Router that takes one-time codes.
func (r *Router) With(c Codes) *Router {
	d := r.d
	d.Codes = c
	return &Router{d: d}
}

// Limits on what is kept of a conversation.
const (
	maxText  = 2000 // runes of one message that are looked at
	maxTurns = 8    // turns kept for understanding what follows
)

// turn is one message on its way through the router.
type turn struct {
	message bot.Message
	session *bot.Session
	on      time.Time // the day the law is asked about
	id      string    // names the consultation
	calm    bool      // no model may have part in the answer: somebody is in danger
	behind  bool      // the answer comes behind other words, so it cannot be shown before it is whole
}

// Handle answers one message, with the law of the day m.On names.
func (r *Router) Handle(ctx context.Context, m bot.Message, s *bot.Session) (bot.Reply, error) {
	on, err := knowledge.ParseDate(m.On)
	if err != nil {
		on = calendar.Day(r.d.Now())
	}
	t := &turn{message: m, session: s, on: on, id: newID(), behind: s.Lost}
	s.Seen = r.d.Now()
	text := strings.TrimSpace(m.Text)
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText])
	}
	reply, err := r.hear(ctx, t, text)
	if office.KindOf(err) == office.Unavailable {
		r.d.Log.Warn("records not available", "err", err)
		return bot.Reply{Text: office.WordsUnavailable}, nil
	}
	if err != nil {
		return bot.Reply{}, err
	}
	if s.Lost && t.session.Urgent == "" && bot.Shown(ctx) == "" {
		reply.Text = wordsLost + reply.Text
	}
	t.heard(reply)
	if reply.Answer != nil {
		r.record(t, reply.Answer)
	}
	return r.offered(ctx, r.withNotices(ctx, t, reply)), nil
}

// instead is what is offered where nobody takes cases on.
var instead = strings.NewReplacer("回“人工”，或打 12348", "打 12348", "回“人工”或打 12348", "打 12348", "回“人工”，打 12348", "打 12348", "回“人工”", "打 12348")

// offered takes the offer of a person back where there is none to come.
func (r *Router) offered(ctx context.Context, reply bot.Reply) bot.Reply {
	if !strings.Contains(reply.Text, "回“人工”") {
		return reply
	}
	if r.d.Cases != nil {
		if ok, err := r.d.Cases.Receives(ctx); ok || err != nil {
			return reply
		}
	}
	reply.Text = instead.Replace(reply.Text)
	return reply
}

// reset lets a person start anew even in a crisis; the number to call comes
// along.
var reset = regexp.MustCompile(`^(重来|重新开始|退出|结束)[。！!]*$`)

// hear minds where something was said, and whether it can be read at all.
func (r *Router) hear(ctx context.Context, t *turn, text string) (bot.Reply, error) {
	switch {
	case text == bot.Unreadable && t.session.Form != nil:
		return bot.Reply{Text: wordsUnreadable + "\n" + wordsFormWaits}, nil
	case text == bot.Unreadable:
		return bot.Reply{Text: wordsUnreadable}, nil
	case inGroup(t.message):
		return r.group(ctx, t, text)
	case alone(t.message):
		return r.say(ctx, t, text)
	}
	if reply, ok, err := r.fromGroup(ctx, t, text); ok || err != nil {
		return reply, err
	}
	if reply, ok, err := r.cases(ctx, t, text); ok || err != nil {
		return reply, err
	}
	if reply, ok, err := r.lectures(ctx, t, text); ok || err != nil {
		return reply, err
	}
	if reply, ok, err := r.pushes(ctx, t, text); ok || err != nil {
		return reply, err
	}
	return r.say(ctx, t, text)
}

// say picks what is said: a menu pick, help in a crisis, a command, an answer.
func (r *Router) say(ctx context.Context, t *turn, text string) (bot.Reply, error) {
	if text == "" {
		return bot.Reply{Text: wordsEmpty}, nil
	}
	if reply, ok, err := r.consent(ctx, t, text); ok || err != nil {
		return reply, err
	}
	menu := t.session.Menu
	t.session.Menu = nil
	if t.session.Urgent != "" && reset.MatchString(text) {
		t.session.Urgent, t.session.Turns = "", nil
		return r.welcome(t, wordsStillCall), nil
	}
	if c, ok := pick(menu, text); ok && t.session.Urgent == "" {
		return r.picked(ctx, t, menu, c)
	}
	if n := numeral(text); menu != nil && n && t.session.Urgent == "" {
		t.session.Menu = menu
		return bot.Reply{Text: fmt.Sprintf(wordsNoSuchChoice, len(menu.Choices)), Choices: labels(menu)}, nil
	}
	v, ok := r.d.Safety.Check(text, t.session.Urgent)
	if !ok {
		if reply, ok, err := r.simply(ctx, t, text); ok || err != nil {
			return reply, err
		}
		if entry, ok := starter(text); ok && len(t.session.Turns) == 0 {
			return r.ask(ctx, t, text, entry)
		}
		if n := len(t.session.Turns); n > 0 && misunderstood.MatchString(text) {
			return r.otherwise(t, t.session.Turns[n-1]), nil
		}
		return r.ask(ctx, t, text, "")
	}
	return r.verdict(ctx, t, v, text, menu)
}

// lasting are the crises a person stays in until they say they are safe. Of the
// others (a fire, an accident, a swindle …) the first answer says what to do; the
// next message is taken as it comes.
var lasting = map[string]bool{"selfharm": true, "violence": true, "sexual": true, "child": true, "held": true, "threat": true}

// verdict acts on what Safety found.
func (r *Router) verdict(ctx context.Context, t *turn, v Verdict, text string, menu *bot.Menu) (bot.Reply, error) {
	if v.SafeAgain {
		t.session.Urgent = ""
	}
	if v.Kind == KindUrgent && !v.SafeAgain && (lasting[v.Category] || v.Category == "stay") {
		t.session.Urgent = v.Rule
	}
	if v.Command != "" {
		t.session.Menu = menu
		reply, err := r.command(ctx, t, v)
		if v.Reply.Text != "" {
			reply.Text = v.Reply.Text + "\n\n" + reply.Text
		}
		return reply, err
	}
	reply := v.Reply
	if reply.Answer != nil {
		a := *reply.Answer
		a.ID, a.AsOf = t.id, t.on.Format(time.DateOnly)
		if a.Citations == nil {
			a.Citations = []bot.Citation{}
		}
		if a.Clocks == nil {
			a.Clocks = []bot.Clock{}
		}
		reply.Answer = &a
	}
	if v.Kind == KindGreeting {
		reply.Choices = r.offerStarters(t)
		return reply, nil
	}
	t.remember(text, "", v.Topic, v.Kind)
	if v.Followup == "" {
		return reply, nil
	}
	return r.after(ctx, t, v, reply)
}

// after appends the answer to a legal question that came with a crisis or with
// talk to the machine.
func (r *Router) after(ctx context.Context, t *turn, v Verdict, reply bot.Reply) (bot.Reply, error) {
	t.calm = v.Kind == KindUrgent && !v.SafeAgain || t.session.Urgent != ""
	t.behind = reply.Text != ""
	answer, err := r.ask(ctx, t, v.Followup, "")
	if err != nil || answer.Answer == nil || answer.Answer.Kind != knowledge.KindAnswer {
		return reply, nil //nolint:nilerr // help must not fail because the law could not be found
	}
	if reply.Text == "" {
		return answer, nil
	}
	lead := "\n\n等你安全了再看："
	if v.Kind != KindUrgent || v.SafeAgain {
		lead = "\n\n"
	}
	urgent := reply.Answer != nil && reply.Answer.Urgent
	answer.Text = reply.Text + lead + answer.Text
	answer.Answer.Urgent = urgent
	if urgent {
		answer.Answer.Kind = KindUrgent
	}
	return answer, nil
}

// pick finds the row of a menu that the person chose by number or by its words.
func pick(m *bot.Menu, text string) (bot.Choice, bool) {
	if m == nil {
		return bot.Choice{}, false
	}
	t := strings.Trim(knowledge.Normalize(text), " .。、)）(（第个选项号")
	for i, c := range m.Choices {
		if t == fmt.Sprint(i+1) || t == hanDigits[min(i, len(hanDigits)-1)] && i < len(hanDigits) || text == c.Label {
			return c, true
		}
	}
	return bot.Choice{}, false
}

// numeral says that a text is a number and nothing else.
func numeral(text string) bool {
	t := knowledge.Normalize(text)
	return t != "" && len(t) <= 3 && strings.Trim(t, "0123456789") == ""
}

func labels(m *bot.Menu) []string {
	var list []string
	for _, c := range m.Choices {
		list = append(list, c.Label)
	}
	return list
}

var misunderstood = regexp.MustCompile(`^(不是|不对|错了|答非所问|没答对|不是问)(这个|这|那个|的)?(意思|问题)?[，,。！!]*$|^(我)?(问的)?不是(这个|这)(意思|问题|事)?[。！!]*$`)

// otherwise offers what else may have been meant when a person says that they
// were misunderstood.
func (r *Router) otherwise(t *turn, last bot.Turn) bot.Reply {
	menu := &bot.Menu{Kind: menuEntry, About: last.Text}
	for _, h := range r.d.Base.Search(knowledge.Query{Text: last.Text, Kind: knowledge.KindEntry, On: t.on, N: 5}) {
		if h.Doc.ID != last.Entry {
			menu.Choices = append(menu.Choices, bot.Choice{Label: h.Doc.Title, Value: pickEntry + h.Doc.ID})
		}
	}
	menu.Choices = append(menu.Choices, bot.Choice{Label: "都不是，我要找人工", Value: pickHuman})
	t.session.Menu = menu
	return bot.Reply{Text: wordsMisunderstood, Choices: labels(menu)}
}

var hanDigits = []string{"一", "二", "三", "四", "五", "六", "七", "八", "九"}

func (r *Router) picked(ctx context.Context, t *turn, m *bot.Menu, c bot.Choice) (bot.Reply, error) {
	switch {
	case strings.HasPrefix(c.Value, pickEntry):
		about := m.About
		if about == "" {
			about = c.Label
		}
		return r.ask(ctx, t, about, strings.TrimPrefix(c.Value, pickEntry))
	case strings.HasPrefix(c.Value, pickBind):
		reply, err := r.bindPerson(ctx, t, strings.TrimPrefix(c.Value, pickBind))
		reply, _, err = excuse(reply, true, err)
		return reply, err
	case c.Value == pickLeave:
		return bot.Reply{Text: "好，没有绑定。邀请码请别再转给别人。有法律上的事，直接说给我听就行。"}, nil
	case strings.HasPrefix(c.Value, pickSubscribe):
		reply, err := r.subscribe(ctx, t, false, strings.TrimPrefix(c.Value, pickSubscribe))
		reply, _, err = excuse(reply, true, err)
		return reply, err
	}
	return r.human(ctx, t)
}

// remember keeps the turn for understanding the next one.
func (t *turn) remember(text, entry, topic, kind string, basis ...string) {
	turns := append(t.session.Turns, bot.Turn{Text: text, Entry: entry, Topic: topic, Kind: kind, Answer: t.id, At: t.message.At, Basis: basis})
	t.session.Turns = turns[max(0, len(turns)-maxTurns):]
}

// record keeps the consultation for the figures; never the words.
func (r *Router) record(t *turn, a *bot.Answer) {
	channel, _, _ := strings.Cut(string(t.message.Chat), "/")
	entry := ""
	if n := len(t.session.Turns); n > 0 {
		entry = t.session.Turns[n-1].Entry
	}
	topic := a.Topic
	if a.Kind == knowledge.KindUnknown && topic == "" {
		topic = r.nearest(t.session.Menu)
	}
	r.d.Record(office.Consult{
		ID: t.id, At: r.d.Now(), Account: string(t.message.From), Session: t.session.Key, Channel: channel,
		Kind: a.Kind, Topic: topic, Entry: entry, Area: t.session.Area, By: a.By,
	})
}

// nearest is the topic of the first entry a menu offers, for counting what could
// not be answered; "" if it offers none.
func (r *Router) nearest(m *bot.Menu) string {
	if m == nil || len(m.Choices) == 0 {
		return ""
	}
	if e := r.d.Base.Entry(strings.TrimPrefix(m.Choices[0].Value, pickEntry)); e != nil {
		return e.Topic
	}
	return ""
}

// newID makes an id that cannot be guessed, of 128 bits.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}
