package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"

	"mingbai/knowledge"
	"mingbai/office"
)

// draft proposes an answer to a case: the reviewed entry that fits its story,
// worded by the model if there is one and the case's words may go to it. The
// model sees them masked, and the gates stand before what it says.
func (p *parts) draft(ctx context.Context, _ office.Person, c office.Case, model bool) (office.CaseDraft, error) {
	said := []string{c.Story}
	if c.Wish != "" {
		said = append(said, "想要："+c.Wish)
	}
	q, a, err := p.fitting(ctx, c, strings.Join(said, "\n"))
	if err != nil {
		return office.CaseDraft{}, err
	}
	var d office.CaseDraft
	if p.worder != nil && model {
		a = p.worded(ctx, c, said, q, a, &d)
	}
	d.Text = letter(a.Text)
	for _, s := range a.Citations {
		d.Sources = append(d.Sources, s.Name()+"（"+s.Status+"）")
	}
	return d, nil
}

// worded has the model word a and list what was said, both at once, so that the
// clerk waits for one. What the model does counts against the case, not against
// the clerk, who drafts all day. It gives a as it is, and says why in d, when the
// model did nothing that can be used.
func (p *parts) worded(ctx context.Context, c office.Case, said []string, q knowledge.Question, a knowledge.Answer, d *office.CaseDraft) knowledge.Answer {
	whose := "case " + c.No
	var crew sync.WaitGroup
	crew.Go(func() { d.Summary, _ = p.worder.Summarise(ctx, whose, said) })
	w, err := p.worder.Draft(ctx, knowledge.Asking{Question: q, Person: whose, Bot: "office", Private: true}, a) // who reads it may read the case
	crew.Wait()
	var drop *knowledge.Drop
	switch {
	case err == nil:
		d.Model = w.By
	case errors.As(err, &drop):
		d.Missed = "模型写的没有通过核对（" + drop.Reason() + "），没有用"
	case errors.Is(err, knowledge.ErrBudget):
		d.Missed = "模型正忙，或者今天的额度用完了"
	default:
		d.Missed = "模型这会儿没有应答"
	}
	return w
}

// fitting finds the entry that answers a case: for all that was said, for the
// story alone, else for what the case is registered as, if that says enough.
func (p *parts) fitting(ctx context.Context, c office.Case, said string) (knowledge.Question, knowledge.Answer, error) {
	ways := []string{said, c.Story}
	if c.Matter == "wages" || c.Matter == "aid" || c.Matter == "notary" {
		name := office.MatterOf(c.Matter).Name
		ways = append(ways, name+"："+c.Story, name+"怎么办")
	}
	for _, text := range ways {
		q := knowledge.Question{Text: text}
		a, err := p.answerer.Answer(ctx, q)
		switch {
		case err != nil:
		case a.Kind == knowledge.KindClarify && len(a.Choices) > 0:
			q.Entry = a.Choices[0].ID
		case a.Kind == knowledge.KindAnswer && a.Entry != nil:
			q.Entry = a.Entry.ID // asked for by name, it does not say what it took the question for
		}
		if q.Entry != "" {
			a, err = p.answerer.Answer(ctx, q)
		}
		if err != nil || a.Kind == knowledge.KindAnswer {
			return q, a, err
		}
	}
	return knowledge.Question{}, knowledge.Answer{}, &office.Error{Kind: office.NotFound, Msg: "知识库里没有对得上的条目，请自己写答复。"}
}

var (
	citeMark = regexp.MustCompile(`〔[0-9]+〕`)
	alsoList = regexp.MustCompile(`(?s)\n你可能还想知道：.*?(\n依据\n|$)`)
	emphasis = regexp.MustCompile(`(?m)\*\*|^#+ *`)
)

// letter takes the marks of a chat out of an answer, which goes out as a letter.
func letter(text string) string {
	text = alsoList.ReplaceAllString(text, "$1")
	text = strings.TrimPrefix(text, knowledge.Label) // the page says it, and what is sent says who approved it
	return strings.TrimSpace(emphasis.ReplaceAllString(citeMark.ReplaceAllString(text, ""), ""))
}
