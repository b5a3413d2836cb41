package handlers

import (
	"context"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
)

// maxAsked is how many clarifying questions may follow each other before a
// person is led to people instead.
const maxAsked = 2

// Values of menu rows; an id of an entry stands behind "entry:".
const (
	menuEntry = "which entry"
	menuNext  = "next"
	pickEntry = "entry:"
	pickHuman = "human"
	pickNone  = "none"
	pickBind  = "bind:" // an invite code stands behind
	pickLeave = "leave" // the invitation is somebody else's
)

// ask answers a legal question. picked is the id of an entry the person chose
// from a menu, "" if they wrote a question.
func (r *Router) ask(ctx context.Context, t *turn, text, picked string) (bot.Reply, error) {
	q := knowledge.Question{Text: text, Entry: picked, Area: t.session.Area, On: t.on}
	for _, past := range t.session.Turns {
		q.Context = append(q.Context, past.Text)
	}
	if n := len(t.session.Turns); n > 0 {
		q.Last = t.session.Turns[n-1].Entry
	}
	a, err := r.d.Answerer.Answer(ctx, q)
	if err != nil {
		return bot.Reply{}, err
	}
	a, notice := r.assisted(ctx, t, q, a)
	switch a.Kind {
	case knowledge.KindAnswer:
		reply := r.answered(t, text, a)
		reply.Text += notice
		return reply, nil
	case knowledge.KindOff:
		return r.switchedOff(t, text, a), nil
	case knowledge.KindClarify:
		if t.session.Asked < maxAsked {
			return r.askWhich(t, text, a), nil
		}
	}
	return r.dontKnow(t, text, a), nil
}

func (r *Router) answered(t *turn, text string, a knowledge.Answer) bot.Reply {
	t.session.Asked = 0
	t.remember(text, a.Entry.ID, a.Entry.Topic, a.Kind, basis(a.Citations)...)
	out := a.Text
	if local := r.local(a.Entry.Topic, t.session.Area); local != "" {
		out += "\n" + local
	}
	reply := bot.Reply{Text: out, Answer: t.answer(a)}
	if len(a.Next) > 0 {
		menu := &bot.Menu{Kind: menuNext}
		for _, e := range a.Next {
			menu.Choices = append(menu.Choices, bot.Choice{Label: e.Title, Value: pickEntry + e.ID})
			reply.Choices = append(reply.Choices, e.Title)
		}
		t.session.Menu = menu
	}
	return reply
}

func (r *Router) switchedOff(t *turn, text string, a knowledge.Answer) bot.Reply {
	t.remember(text, "", a.Entry.Topic, a.Kind)
	why := a.Text
	if why == "" {
		why = "这方面的内容正在复核，暂时不能自动回答。"
	}
	answer := t.answer(a)
	answer.Title = ""
	return bot.Reply{Text: why + "\n" + r.people(t.session.Area), Answer: answer}
}

func (r *Router) askWhich(t *turn, text string, a knowledge.Answer) bot.Reply {
	t.session.Asked++
	t.remember(text, "", "", a.Kind)
	menu := &bot.Menu{Kind: menuEntry, About: text}
	reply := bot.Reply{Answer: t.answer(a)}
	var b strings.Builder
	b.WriteString("你想问的是下面哪一个？回复数字，或者多说一两句经过：")
	for _, e := range a.Choices {
		menu.Choices = append(menu.Choices, bot.Choice{Label: e.Title, Value: pickEntry + e.ID})
	}
	menu.Choices = append(menu.Choices, bot.Choice{Label: "都不是，我要找人工", Value: pickHuman})
	for _, c := range menu.Choices {
		reply.Choices = append(reply.Choices, c.Label)
	}
	t.session.Menu = menu
	reply.Text = b.String()
	return reply
}

// dontKnow says so, names what is nearest and who can be asked; it never
// guesses.
func (r *Router) dontKnow(t *turn, text string, a knowledge.Answer) bot.Reply {
	t.session.Asked = 0
	t.remember(text, "", "", knowledge.KindUnknown)
	a.Kind = knowledge.KindUnknown
	menu := &bot.Menu{Kind: menuEntry, About: text}
	reply := bot.Reply{Answer: t.answer(a)}
	var b strings.Builder
	b.WriteString("这个问题我不知道，不敢乱说。" + r.people(t.session.Area))
	if len(a.Choices) > 0 {
		b.WriteString("\n\n我这里有这些，如果正好是你要问的，回复数字：")
		for _, e := range a.Choices {
			menu.Choices = append(menu.Choices, bot.Choice{Label: e.Title, Value: pickEntry + e.ID})
		}
	}
	menu.Choices = append(menu.Choices, bot.Choice{Label: "转人工", Value: pickHuman})
	for _, c := range menu.Choices {
		reply.Choices = append(reply.Choices, c.Label)
	}
	t.session.Menu = menu
	reply.Text = b.String()
	return reply
}

// answer turns what the base said into what channels show.
func (t *turn) answer(a knowledge.Answer) *bot.Answer {
	out := &bot.Answer{
		ID: t.id, Kind: a.Kind, AsOf: a.AsOf.Format(time.DateOnly), By: a.By, Grounded: a.Grounded,
		Citations: []bot.Citation{}, Clocks: []bot.Clock{},
	}
	if a.Entry != nil {
		out.Topic, out.Title = a.Entry.Topic, a.Entry.Title
	}
	for _, c := range a.Citations {
		out.Citations = append(out.Citations, bot.Citation{
			Law: c.Title, Article: c.Article.String(), Version: isoDay(c.Published), Effective: isoDay(c.Effective),
			Status: c.Status, Note: c.Note, Text: c.Text,
		})
	}
	for _, c := range a.Clocks {
		k := bot.Clock{Key: c.Rule.Key, Title: c.Rule.Title, Span: c.Rule.Span, From: isoDay(c.From), Due: isoDay(c.Due)}
		if len(c.Rule.Basis) > 0 {
			k.Basis = c.Rule.Basis[0].Law + c.Rule.Citations()[0].Article.Han()
		}
		out.Clocks = append(out.Clocks, k)
	}
	for _, e := range a.Next {
		out.Next = append(out.Next, e.Title)
	}
	return out
}

// basis names what an answer's marks stand for, to be kept with the turn.
func basis(cited []knowledge.Cited) []string {
	list := make([]string, len(cited))
	for i, c := range cited {
		list[i] = c.Law + "#" + c.Article.String()
	}
	return list
}

func isoDay(d time.Time) string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}
