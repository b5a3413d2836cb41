package main

import (
	"context"
	"regexp"
	"strings"

	"mingbai/knowledge"
	"mingbai/office"
)

// draft proposes an answer to a case: the reviewed entry that fits its story,
// worded by the model if there is one and the case's words may go to it. The
// model sees them masked, and the gates stand before what it says.
func (p *parts) draft(ctx context.Context, by office.Person, c office.Case, model bool) (office.CaseDraft, error) {
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
		if lines, ok := p.worder.Summarise(ctx, by.Actor(), said); ok {
			d.Summary = lines
		}
		if w, ok := p.worder.Word(ctx, knowledge.Asking{Question: q, Person: by.Actor()}, a); ok {
			a, d.Model = w, w.By
		}
	}
	d.Text = letter(a.Text)
	for _, s := range a.Citations {
		d.Sources = append(d.Sources, s.Name()+"（"+s.Status+"）")
	}
	return d, nil
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
	return strings.TrimSpace(emphasis.ReplaceAllString(citeMark.ReplaceAllString(text, ""), ""))
}
