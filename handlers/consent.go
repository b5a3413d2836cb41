package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// Assistant is a language model with what people must know of it before their
// words may go there. Nothing of it is used without their consent.
type Assistant struct {
	Worder   *knowledge.Worder
	Provider string // who runs it
	Model    string // its name
	Filing   string // its filing number; empty: none

	Consent    func(ctx context.Context, account, notice string) (office.NoticeAnswer, error)
	SetConsent func(ctx context.Context, account, notice string, c office.NoticeAnswer) error
}

// The notice about the model. A new version has to be accepted anew, so it
// changes whenever what is done with a person's words changes.
const (
	noticeModel   = "model"
	noticeVersion = "1"
)

// notice is what is said before the first use of the model.
func (a *Assistant) notice() string {
	who := a.Provider
	if who == "" {
		who = "本单位配置的服务"
	}
	filing := ""
	if a.Filing != "" {
		filing = "，备案号 " + a.Filing
	}
	return fmt.Sprintf("【关于 AI】同意后，您说的经过会先遮住姓名、电话、证件号、住址，再发给 AI（%s，模型 %s%s），由它按您的情况把答案说得更贴切；"+
		"它写的话都标着“AI生成”，每一句都和法条核对过。不同意也照样回答您，只是用现成的答案。回“同意AI”或“不用AI”，以后随时可以回“关闭AI”。", who, a.Model, filing)
}

var (
	saysYes = regexp.MustCompile(`^(?:我)?(?:同意|可以用|打开|开启|使用)(?:用)?\s*(?:AI|ai|Ai|人工智能|大模型)[。！!]*$`)
	saysNo  = regexp.MustCompile(`^(?:我)?(?:不同意|不用|不要用?|不想用|关闭|关掉|撤回(?:同意)?|停用|别用)(?:用)?\s*(?:AI|ai|Ai|人工智能|大模型)[。！!]*$|^撤回同意[。！!]*$`)
	aboutAI = regexp.MustCompile(`^(?:关于|什么是)?\s*(?:AI|ai|Ai|人工智能|大模型)(?:说明|告知|是谁|是什么)?[？?。]*$`)
	simpler = regexp.MustCompile(`^(?:请|麻烦)?(?:再)?(?:说|讲|用|换)(?:得|的|个)?(?:简单|明白|清楚|通俗|大白话|好懂|容易懂|浅)(?:一?点儿?|一?些|的话|说法)?(?:说)?[吧行吗。！!]*$|^(?:我)?(?:看|听)不(?:太)?(?:懂|明白)[。！!]*$|^太(?:复杂|长|难懂)了?[。！!]*$|^(?:你)?(?:能不能|可不可以|请)?(?:给我)?(?:说|讲)(?:点)?人话[吧行吗呢。！!？?]*$`)
)

// consent answers what a person says about the model; ok is false when the text
// is about something else.
func (r *Router) consent(ctx context.Context, t *turn, text string) (reply bot.Reply, ok bool, err error) {
	a := r.d.Assistant
	if a == nil {
		return bot.Reply{}, false, nil
	}
	switch {
	case saysYes.MatchString(text):
		if err := a.SetConsent(ctx, string(t.message.From), noticeModel, office.NoticeAnswer{Version: noticeVersion, Accepted: true}); err != nil {
			return bot.Reply{}, true, err
		}
		t.heed(true)
		return bot.Reply{Text: "好，记下了。您把事情经过说给我听，AI 会帮着说得更贴切，写的话都标着“AI生成”。想停，随时回“关闭AI”。"}, true, nil
	case saysNo.MatchString(text):
		if err := a.SetConsent(ctx, string(t.message.From), noticeModel, office.NoticeAnswer{Version: noticeVersion}); err != nil {
			return bot.Reply{}, true, err
		}
		t.heed(false)
		return bot.Reply{Text: "好，不用 AI，照样回答您。以后想用，回“同意AI”。"}, true, nil
	case aboutAI.MatchString(text):
		return bot.Reply{Text: a.notice()}, true, nil
	}
	return bot.Reply{}, false, nil
}

// What the session remembers of the notice, so that it is asked once.
const (
	sessionYes     = noticeModel + " " + noticeVersion + " yes"
	sessionNo      = noticeModel + " " + noticeVersion + " no"
	sessionOffered = noticeModel + " " + noticeVersion + " offered"
)

// heed keeps the answer to the notice in the session.
func (t *turn) heed(yes bool) {
	t.session.Notices = slices.DeleteFunc(t.session.Notices, func(n string) bool { return n == sessionYes || n == sessionNo })
	if yes {
		t.session.Notices = append(t.session.Notices, sessionYes)
		return
	}
	t.session.Notices = append(t.session.Notices, sessionNo)
}

// consented says whether the person's words may go to the model now; offer,
// whether they are to be asked.
func (r *Router) consented(ctx context.Context, t *turn) (yes, offer bool) {
	switch {
	case slices.Contains(t.session.Notices, sessionYes):
		return true, false
	case slices.Contains(t.session.Notices, sessionNo):
		return false, false
	}
	c, err := r.d.Assistant.Consent(ctx, string(t.message.From), noticeModel)
	if err != nil {
		r.d.Log.Warn("consent not read; the model is not used", "err", err)
		return false, false
	}
	if c.Version == noticeVersion {
		t.heed(c.Accepted)
		return c.Accepted, false
	}
	return false, !slices.Contains(t.session.Notices, sessionOffered)
}

// assisted lets the model word an answer, or find what a story is about, where
// that helps and the person agreed. It gives a as it is otherwise. asked is a
// line to add: the notice, once.
func (r *Router) assisted(ctx context.Context, t *turn, q knowledge.Question, a knowledge.Answer) (out knowledge.Answer, asked string) {
	m := r.d.Assistant
	if m == nil || t.calm || inGroup(t.message) || t.delicate() {
		return a, ""
	}
	helps := m.Worder.Wants(q, a)
	lost := a.Kind == knowledge.KindUnknown || a.Kind == knowledge.KindClarify
	if !helps && !lost {
		return a, ""
	}
	yes, offer := r.consented(ctx, t)
	if !yes {
		if offer && helps {
			t.session.Notices = append(t.session.Notices, sessionOffered)
			return a, "\n\n" + m.notice()
		}
		return a, ""
	}
	asking := t.asking(ctx, q)
	shown := bot.Shown(ctx)
	if lost {
		if a, helps = r.rewritten(ctx, asking, a); !helps {
			return m.Worder.Offer(ctx, asking, a), ""
		}
	}
	if shown != "" { // by a process that was cut off
		return m.Worder.Resume(shown, a), ""
	}
	a, _ = m.Worder.Word(ctx, asking, a)
	return a, ""
}

// delicate says whether what was said last was a crisis, or was declined: what
// follows on that is answered by reviewed words alone.
func (t *turn) delicate() bool {
	if t.session.Urgent != "" {
		return true
	}
	n := len(t.session.Turns)
	if n == 0 {
		return false
	}
	return reviewedOnly(t.session.Turns[n-1])
}

// reviewedOnly says that what was said then is for reviewed words alone.
func reviewedOnly(past bot.Turn) bool {
	return past.Kind == KindUrgent || past.Kind == KindRefuse || past.Kind == KindInjection
}

// asking is a request to the model in the person's name. What was said in a
// crisis, or was declined, does not go along with a later question either.
func (t *turn) asking(ctx context.Context, q knowledge.Question) knowledge.Asking {
	if q.Context != nil {
		q.Context = nil
		for _, past := range t.session.Turns {
			if !reviewedOnly(past) {
				q.Context = append(q.Context, past.Text)
			}
		}
	}
	sum := sha256.Sum256([]byte(t.message.From))
	channel, _, _ := strings.Cut(string(t.message.Chat), "/")
	asking := knowledge.Asking{Question: q, Person: hex.EncodeToString(sum[:12]), Bot: channel, Answer: t.id, Private: true}
	if !t.behind {
		asking.Show = bot.Shower(ctx)
	}
	return asking
}

// rewritten looks again with the question as the model understood it. The
// answer says what was understood; found is false when nothing fits better.
func (r *Router) rewritten(ctx context.Context, q knowledge.Asking, a knowledge.Answer) (better knowledge.Answer, found bool) {
	question, topics, ok := r.d.Assistant.Worder.Rewrite(ctx, q)
	if !ok {
		return a, false
	}
	again := q.Question
	again.Text, again.Context = question, nil
	b, err := r.d.Answerer.Answer(ctx, again)
	if err != nil || b.Kind != knowledge.KindAnswer || b.Fit < knowledge.FitMaybe {
		return a, false
	}
	if len(topics) > 0 && !slices.Contains(topics, b.Entry.Topic) {
		return a, false
	}
	return b, true
}

// simply answers "说简单点" about the last answer; ok is false when it is about
// something else.
func (r *Router) simply(ctx context.Context, t *turn, text string) (reply bot.Reply, ok bool, err error) {
	n := len(t.session.Turns)
	if !simpler.MatchString(text) || n == 0 || t.session.Turns[n-1].Entry == "" {
		return bot.Reply{}, false, nil
	}
	last := t.session.Turns[n-1]
	q := knowledge.Question{Text: last.Text, Entry: last.Entry, Area: t.session.Area, On: t.on}
	a, err := r.d.Answerer.Answer(ctx, q)
	if err != nil || a.Kind != knowledge.KindAnswer {
		return bot.Reply{}, false, err
	}
	if m := r.d.Assistant; m != nil && !inGroup(t.message) && !t.delicate() {
		if yes, _ := r.consented(ctx, t); yes {
			if shown := bot.Shown(ctx); shown != "" {
				return r.answered(t, last.Text, m.Worder.Resume(shown, a)), true, nil
			}
			if plain, worded := m.Worder.Plain(ctx, t.asking(ctx, q), a); worded {
				return r.answered(t, last.Text, plain), true, nil
			}
		}
	}
	a.Text = "先说最要紧的：\n" + a.Brief()
	return r.answered(t, last.Text, a), true, nil
}
