package knowledge

import (
	"cmp"
	"slices"
	"strings"
)

// Bounds that decide which lines of an entry speak of a question.
const (
	nearTerm  = 2.5 // least idf, among entries, of a pair of characters that says something
	nearScore = 5.0 // least sum of these that a line shares with the question
	nearLines = 4   // lines given
)

// goesOn says that a question of a conversation found the entry again that
// answered the turn before, without having been picked.
func goesOn(q Question, e *Entry) bool { return q.Entry == "" && len(q.Context) > 0 && q.Last == e.ID }

// again words the answer to a question that goes on about the entry that answered
// the turn before and asks for none of its sections by name: first what the entry
// says on it, or that it says nothing on it, then the rest.
func (a *Answerer) again(q Question, e *Entry, hits []Hit) Answer {
	ans := a.reviewed(q, e, hits[0].Fit, nil)
	if ans.Kind != KindAnswer {
		return ans
	}
	p := &page{cite: func(c Citation) Cited { return a.base.Cite(c, q.On) }}
	computed := compute(e.Topic, q.Text)
	near, rest := a.base.linesNear(e, q.Text)
	alone := a.base.Search(Query{Text: q.Text, Kind: KindEntry, Area: q.Area, On: q.On, N: nearHits})
	ans.Also = a.also(e, slices.DeleteFunc(alone, func(h Hit) bool { return !mayFollow(e, h.Doc.Entry) }))
	p.b.WriteString("还是说“" + e.Title + "”")
	switch {
	case near != "":
		p.b.WriteString("，和你这一问最近的是：\n")
		p.add(e, near)
	case len(computed) == 0 && len(ans.Also) == 0:
		p.b.WriteString("。你接着问的这一点，这一条里没有单独写，我不乱猜；下面看看有没有用，没有就换个说法再问，或者回“人工”。")
	default:
		p.b.WriteString("。")
	}
	for _, c := range computed {
		p.b.WriteString("\n\n" + c.Text + p.markFor(c.Basis))
	}
	p.clocks(ans.Clocks, q.On)
	p.others("单看你这一问，可能还要知道：", ans.Also)
	p.b.WriteString("\n\n")
	p.add(e, e.Conclusion)
	for _, s := range rest {
		p.section(e, s.Heading, s.Text)
	}
	p.foot(q.On)
	ans.Text, ans.Citations = p.b.String(), p.cited
	for _, h := range hits[1:] {
		if len(ans.Next) == maxChoice-1 {
			break
		}
		if !slices.Contains(ans.Next, h.Doc.Entry) && !slices.Contains(ans.Also, h.Doc.Entry) {
			ans.Next = append(ans.Next, h.Doc.Entry)
		}
	}
	return ans
}

// mayFollow says that a question which goes on about e can be about x: one of the
// same domain, or how to go to court (CT) or get legal aid (LA), which come after
// any matter. "当时没签书面合同" after a flat is not about a job.
func mayFollow(e, x *Entry) bool {
	switch x.Topic[:2] {
	case e.Topic[:2], "CT", "LA":
		return true
	}
	return false
}

// linesNear divides the lines of the entry's sections into those that share the
// most telling words with text, and the sections without them.
func (b *Base) linesNear(e *Entry, text string) (near string, rest []Section) {
	x := b.state.Load().index
	said := map[termKey]float32{}
	eachTerm(x.lex.Plain(Normalize(text)), func(k termKey) {
		if i := x.entries.body.find(k); i >= 0 && k.pair() && x.entries.body.idf[i] >= nearTerm {
			said[k] = x.entries.body.idf[i]
		}
	})
	score := func(line string) (sum float32) {
		seen := map[termKey]bool{}
		eachTerm(Normalize(line), func(k termKey) {
			if !seen[k] {
				seen[k], sum = true, sum+said[k]
			}
		})
		return sum
	}
	var scores []float32
	for _, s := range e.Sections {
		for l := range strings.SplitSeq(s.Text, "\n") {
			scores = append(scores, score(l))
		}
	}
	slices.SortFunc(scores, func(x, y float32) int { return cmp.Compare(y, x) })
	least := float32(nearScore)
	if len(scores) > nearLines {
		least = max(least, scores[nearLines-1])
	}
	var lines []string
	for _, s := range e.Sections {
		var keep []string
		for l := range strings.SplitSeq(s.Text, "\n") {
			if score(l) >= least {
				lines = append(lines, l)
			} else {
				keep = append(keep, l)
			}
		}
		if len(keep) > 0 {
			rest = append(rest, Section{Heading: s.Heading, Text: strings.Join(keep, "\n")})
		}
	}
	return strings.Join(lines, "\n"), rest
}
