package knowledge

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Answerer answers questions from a Base without a model: a reviewed entry that
// fits, worded for the question; else which of several is meant; else that it
// does not know.
type Answerer struct{ base *Base }

// NewAnswerer makes an Answerer over b.
func NewAnswerer(b *Base) *Answerer { return &Answerer{base: b} }

// Bounds that decide between answering, asking back and not knowing.
const (
	vague     = 12  // runes; a shorter question that fits several entries is asked back about
	closeFit  = .06 // two fits nearer than this cannot be told apart
	alsoFit   = .30 // a further entry that fits so well lends its conclusion
	nearHits  = 8   // entries looked at
	maxChoice = 4   // rows of a menu
)

// Answer answers q. It fails only when ctx is done.
func (a *Answerer) Answer(ctx context.Context, q Question) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	if q.On.IsZero() {
		q.On = a.base.Today()
	}
	if q.Entry != "" {
		if e := a.base.Entry(q.Entry); e != nil {
			return a.reviewed(q, e, 1, nil), nil
		}
	}
	text := q.Text
	query := Query{Text: text, Kind: KindEntry, Area: q.Area, On: q.On, N: nearHits}
	if follows := elliptical(Normalize(text)); follows {
		query.Context = q.Context
	}
	hits := a.base.Search(query)
	if last := a.base.Entry(q.Last); last != nil && a.staysOn(last, q, hits) {
		return a.reviewed(q, last, 1, hits), nil
	}
	if len(hits) == 0 || hits[0].Fit < FitMaybe {
		return a.unknown(q, hits), nil
	}
	best := hits[0]
	if best.Fit < FitSure && len(query.Context) == 0 && utf8.RuneCountInString(Normalize(text)) <= vague && len(hits) > 1 && best.Fit-hits[1].Fit < closeFit {
		return a.which(q, hits), nil
	}
	return a.reviewed(q, best.Doc.Entry, best.Fit, hits[1:]), nil
}

// staysOn says whether q is about the entry that answered the turn before: it
// only makes sense after it, and nothing else fits clearly better.
func (a *Answerer) staysOn(last *Entry, q Question, hits []Hit) bool {
	t := Normalize(q.Text)
	if utf8.RuneCountInString(t) > vague || !elliptical(t) {
		return false
	}
	alone := a.base.Search(Query{Text: q.Text, Kind: KindEntry, Area: q.Area, On: q.On, N: 1})
	if len(alone) > 0 && alone[0].Fit >= FitSure && alone[0].Doc.ID != last.ID {
		return false
	}
	f := facet(t)
	return f != "" && last.Section(f) != ""
}

// reviewed words the answer of a reviewed entry.
func (a *Answerer) reviewed(q Question, e *Entry, fit float64, others []Hit) Answer {
	if why, off := a.base.Off(e.Topic); off {
		return Answer{Kind: KindOff, Entry: e, AsOf: q.On, By: "reviewed", Fit: fit, Text: why}
	}
	ans := Answer{Kind: KindAnswer, Entry: e, AsOf: q.On, By: "reviewed", Fit: fit, Grounded: true}
	said := strings.Join(append(slices.Clone(q.Context), q.Text), "\n")
	ans.Clocks = a.base.Rules().Clocks(e.Rules, said, q.On)
	p := &page{cite: func(c Citation) Cited { return a.base.Cite(c, q.On) }}
	asked := facet(Normalize(q.Text))
	also := a.also(e, others)
	ans.Text = p.compose(e, asked, compute(e.Topic, q.Text), also, ans.Clocks, q.On)
	if note := a.reviewNote(e, q.On); note != "" {
		ans.Text += "\n" + note
	}
	ans.Citations = p.cited
	for _, c := range p.cited {
		if c.Status != string(StatusInForce) && c.External == "" {
			ans.Grounded = false
		}
	}
	for _, id := range e.See {
		if n := a.base.Entry(id); n != nil && !slices.Contains(also, n) {
			ans.Next = append(ans.Next, n)
		}
	}
	return ans
}

// reviewNote tells the reader when an entry's review is overdue.
func (a *Answerer) reviewNote(e *Entry, on time.Time) string {
	if e.Overdue(a.base.Today()) {
		return "（这条答案已过复核日期，待复核，请打 12348 再确认。）"
	}
	return ""
}

// also picks the further entries that add something: they fit well too, are of
// another topic or another matter, and hold on the same day.
func (a *Answerer) also(e *Entry, others []Hit) []*Entry {
	var list []*Entry
	for _, h := range others {
		x := h.Doc.Entry
		if x == nil || x.ID == e.ID || h.Fit < alsoFit || len(list) == maxAlso {
			continue
		}
		if _, off := a.base.Off(x.Topic); off {
			continue
		}
		list = append(list, x)
	}
	return list
}

func (a *Answerer) which(q Question, hits []Hit) Answer {
	ans := Answer{Kind: KindClarify, AsOf: q.On, By: "reviewed", Fit: hits[0].Fit}
	for _, h := range hits {
		if h.Fit < FitMaybe || len(ans.Choices) == maxChoice {
			break
		}
		ans.Choices = append(ans.Choices, h.Doc.Entry)
	}
	return ans
}

func (a *Answerer) unknown(q Question, hits []Hit) Answer {
	ans := Answer{Kind: KindUnknown, AsOf: q.On, By: "reviewed"}
	for _, h := range hits {
		if len(ans.Choices) == maxChoice {
			break
		}
		ans.Choices = append(ans.Choices, h.Doc.Entry)
	}
	if len(hits) > 0 {
		ans.Fit = hits[0].Fit
	}
	return ans
}
