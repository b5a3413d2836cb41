package knowledge

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
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
	vague        = 5   // runes; a shorter question that fits several entries is asked back about
	short        = 12  // runes; a longer question says by itself what it is about
	closeFit     = .06 // two fits nearer than this cannot be told apart
	fitLow       = .25 // below it nothing fits
	fitPlain     = .70 // below it an answer says what it understood: of blind questions 75 % are right there, 92 % above
	aloneShare   = .25 // how much the question alone counts against the conversation
	wideHits     = 60  // entries looked at in a conversation
	turnCost     = .03 // what looking one turn further back costs
	contextTurns = 3   // earlier turns looked at
	sameTopic    = .06 // what the topic of the last answer counts in a conversation
	sameDomain   = .04 // and its domain
	alsoFit      = .30 // a further entry that fits so well lends its conclusion
	nearHits     = 8   // entries looked at
	closeHits    = 5   // of these, those that may lend a section the last answer lacks
	maxChoice    = 4   // rows of a menu
	leastChoice  = 3   // of one that asks which is meant
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
	if rest, ok := otherMatter(q.Text); ok {
		q.Text, q.Context, q.Last = rest, nil, ""
	}
	hits := a.find(q)
	if e := a.staysOn(q, hits); e != nil {
		return a.followed(q, e), nil
	}
	if len(hits) == 0 || hits[0].Fit < fitLow {
		return a.unknown(q, hits), nil
	}
	best := hits[0]
	if best.Fit < FitSure && len(q.Context) == 0 && utf8.RuneCountInString(Normalize(q.Text)) <= vague && len(hits) > 1 && best.Fit-hits[1].Fit < closeFit {
		return a.which(q, hits), nil
	}
	if goesOn(q, best.Doc.Entry) {
		return a.again(q, best.Doc.Entry, hits), nil
	}
	ans := a.reviewed(q, best.Doc.Entry, best.Fit, hits[1:])
	if best.Fit < fitPlain && ans.Kind == KindAnswer {
		a.tentative(&ans, hits)
	}
	return ans, nil
}

// find looks the question up as it stands and, in a conversation, together with
// the turns before. A long question that fits surely is taken as it stands; else
// an entry counts by how well it fits the question alone and the conversation
// together, so that "要交多少钱" is about the divorce asked about before, and
// "我想离婚" is not about the wages asked about before.
func (a *Answerer) find(q Question) []Hit {
	query := Query{Text: q.Text, Kind: KindEntry, Area: q.Area, On: q.On, N: nearHits}
	if len(q.Context) == 0 {
		hits := a.base.Search(query)
		slices.SortStableFunc(hits, func(x, y Hit) int { return cmp.Compare(y.Fit, x.Fit) })
		return hits
	}
	query.N = wideHits
	alone := a.base.Search(query)
	t := Normalize(q.Text)
	if len(alone) > 0 && alone[0].Fit >= FitSure && !elliptical(t) &&
		(utf8.RuneCountInString(t) > short || namesMatter(alone[0].Doc.Entry, t)) {
		return alone[:min(nearHits, len(alone))]
	}
	sum := map[string]float64{}
	best := map[string]Hit{}
	for _, h := range alone {
		sum[h.Doc.ID], best[h.Doc.ID] = aloneShare*h.Fit, h
	}
	whole := map[string]float64{}
	for back := 1; back <= min(contextTurns, len(q.Context)); back++ {
		query.Text = strings.Join(append(slices.Clone(q.Context[len(q.Context)-back:]), q.Text), "，")
		for _, h := range a.base.Search(query) {
			fit := h.Fit - float64(back-1)*turnCost
			whole[h.Doc.ID] = max(whole[h.Doc.ID], fit)
			if have, ok := best[h.Doc.ID]; !ok || fit > have.Fit {
				h.Fit = fit
				best[h.Doc.ID] = h
			}
		}
	}
	for id, fit := range whole {
		sum[id] += fit
	}
	hits := slices.Collect(maps.Values(best))
	if last := a.base.Entry(q.Last); last != nil {
		for _, h := range hits {
			sum[h.Doc.ID] += kinship(last, h.Doc.Entry)
		}
	}
	slices.SortFunc(hits, func(x, y Hit) int {
		return cmp.Or(cmp.Compare(sum[y.Doc.ID], sum[x.Doc.ID]), strings.Compare(x.Doc.ID, y.Doc.ID))
	})
	return hits[:min(nearHits, len(hits))]
}

// leaving are the words with which people leave a matter for another.
var leaving = regexp.MustCompile(`^(?:算了|好了?|行了?|嗯|那)?[，,、。\s]*(?:先?不(?:问|说|聊|谈)(?:这个|那个|这件|那件|这)(?:事|问题)?了?|换一?个(?:问题|话题|事)|(?:再|另外)?问(?:你|您)?一?(?:个|件)(?:别的|其他的?|另外的?)(?:事情?|问题)?)[，,。:：、！!\s]*`)

// otherMatter gives what follows after such words: "算了不问这个了，朋友欠我3万不还"
// is about the debt alone, whatever was talked about before.
func otherMatter(text string) (rest string, ok bool) {
	m := leaving.FindString(text)
	rest = strings.TrimSpace(text[len(m):])
	return rest, m != "" && rest != ""
}

// matterWord is the least length of a keyword, in characters, that names a
// matter by itself: 物业费, 赡养费.
const matterWord = 3

// namesMatter says that a question, short as it is, names by a keyword of the
// entry what it is about: "老人赡养费怎么算" after a dog's bite begins a new matter.
func namesMatter(e *Entry, text string) bool {
	return e != nil && slices.ContainsFunc(e.Keywords, func(k string) bool {
		return utf8.RuneCountInString(k) >= matterWord && strings.Contains(text, Normalize(k))
	})
}

// kinship is what an entry gains in a conversation for being of the matter that
// the turn before was answered with: "找谁改" after a crash is about the finding of
// fault, not about a deed.
func kinship(last, e *Entry) float64 {
	switch {
	case last.Topic == e.Topic:
		return sameTopic
	case last.Topic[:2] == e.Topic[:2]:
		return sameDomain
	}
	return 0
}

// tentative marks an answer whose entry may not be what was meant: it says what
// was understood, and offers the next ones.
func (a *Answerer) tentative(ans *Answer, hits []Hit) {
	ans.Text = "我理解你问的是“" + ans.Entry.Title + "”，不是的话请换个说法，或回复下面的数字。\n\n" + ans.Text
	ans.Next = nil
	for _, h := range hits[1:] {
		if len(ans.Next) == maxChoice-1 {
			break
		}
		ans.Next = append(ans.Next, h.Doc.Entry)
	}
}

// staysOn finds the entry that a question is about which only makes sense after
// what was answered before and asks for one section ("那要多久？"): the entry that
// answered, else one of its topic or one it names as needed next that fits the
// conversation, if it has that section. It gives nil when something else fits
// the question alone.
func (a *Answerer) staysOn(q Question, hits []Hit) *Entry {
	last := a.base.Entry(q.Last)
	t := Normalize(q.Text)
	f := facet(t)
	if last == nil || f == "" || utf8.RuneCountInString(t) > short || !elliptical(t) {
		return nil
	}
	if !slices.ContainsFunc(hits[:min(3, len(hits))], func(h Hit) bool { return h.Doc.ID == last.ID }) {
		return nil // the conversation as a whole is about something else
	}
	if last.Section(f) != "" {
		return last
	}
	for _, h := range hits[:min(closeHits, len(hits))] {
		if e := h.Doc.Entry; e.Topic == last.Topic && e.Section(f) != "" {
			return e
		}
	}
	for _, id := range last.See {
		near := slices.ContainsFunc(hits[:min(closeHits, len(hits))], func(h Hit) bool { return h.Doc.ID == id })
		if e := a.base.Entry(id); near && e != nil && e.Section(f) != "" && e.Topic[:2] == last.Topic[:2] {
			return e
		}
	}
	return nil
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
	ans.Also = also
	ans.Text = p.compose(e, asked, a.computed(e, q), also, ans.Clocks, q.On)
	if note := a.reviewNote(e); note != "" {
		ans.Text += "\n" + note
	}
	ans.Citations = p.cited
	for _, c := range p.cited {
		if c.Status != string(StatusInForce) && c.Status != string(StatusThen) && c.External == "" {
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

// computed works out what the question's own figures allow, or those of the
// turn before together with it.
func (a *Answerer) computed(e *Entry, q Question) []Computed {
	list := compute(e.Topic, q.Text)
	if n := len(q.Context); len(list) == 0 && n > 0 {
		list = compute(e.Topic, q.Context[n-1]+"，"+q.Text)
	}
	return list
}

// followed words the answer to a question that goes on about the entry that
// answered the turn before.
func (a *Answerer) followed(q Question, e *Entry) Answer {
	ans := a.reviewed(q, e, 1, nil)
	if ans.Kind != KindAnswer {
		return ans
	}
	p := &page{cite: func(c Citation) Cited { return a.base.Cite(c, q.On) }}
	ans.Text = p.follow(e, facet(Normalize(q.Text)), a.computed(e, q), ans.Clocks, q.On)
	ans.Citations = p.cited
	return ans
}

// reviewNote tells the reader when an entry's review is overdue, or the law it
// rests on has changed since.
func (a *Answerer) reviewNote(e *Entry) string {
	if stale := a.base.StaleOf(e.ID); len(stale) > 0 {
		return "（" + stale[0].Why + "。这条答案还没有重新核对，请打 12348 再确认。）"
	}
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
		if h.Fit < FitMaybe && len(ans.Choices) >= leastChoice || len(ans.Choices) == maxChoice {
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
