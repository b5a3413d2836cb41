package knowledge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// merge puts newly read texts among those held, without changing the latter.
type merge struct {
	run     *importRun
	order   []string
	byLaw   map[string][]*lawText // by nameKey of the title
	fresh   map[*lawText]bool     // read in this run
	changed bool
}

func newMerge(old *shelf, run *importRun) *merge {
	m := &merge{run: run, byLaw: map[string][]*lawText{}, fresh: map[*lawText]bool{}}
	for _, l := range old.laws {
		key := nameKey(l.facts.Title)
		m.order = append(m.order, key)
		m.byLaw[key] = slices.Clone(l.texts)
	}
	return m
}

func (m *merge) all() []*lawText {
	var texts []*lawText
	for _, key := range m.order {
		texts = append(texts, m.byLaw[key]...)
	}
	return texts
}

// add takes one text: new, unchanged, part of one, better or worse than one held.
func (m *merge) add(t *lawText) {
	key := nameKey(t.title)
	held, known := m.byLaw[key]
	if !known {
		m.order = append(m.order, key)
	}
	for _, h := range held {
		if slices.Contains(h.sums, t.sums[0]) {
			m.run.rep.Unchanged++
			return
		}
	}
	for i, h := range held {
		switch {
		case t.rank == rankHeader && h.rank > rankHeader && sameArticles(h, t):
			m.run.skip(t.origin, fmt.Sprintf("和已有的 %s 公布的文本相同", isoDate(h.published)))
			return
		case !sameVersion(h, t):
			continue
		case m.fresh[h] && disjoint(h, t):
			m.replace(key, i, joinParts(h, t), false)
			return
		case t.rank < h.rank:
			m.run.skip(t.origin, fmt.Sprintf("已有同一天（%s）公布、日期更清楚的文本", isoDate(h.published)))
			return
		}
		t.sums = append(t.sums, h.sums[:min(len(h.sums), 7)]...)
		m.replace(key, i, t, !m.fresh[h])
		return
	}
	m.byLaw[key] = append(held, t)
	m.fresh[t], m.changed = true, true
	m.run.rep.Added++
	m.run.rep.Changed = append(m.run.rep.Changed, t.title)
}

func (m *merge) replace(key string, i int, t *lawText, count bool) {
	m.byLaw[key][i] = t
	m.fresh[t], m.changed = true, true
	if count {
		m.run.rep.Updated++
		m.run.rep.Changed = append(m.run.rep.Changed, t.title)
	}
}

// sameVersion says that two texts of one law are the same version of it.
func sameVersion(a, b *lawText) bool {
	if !a.published.Equal(b.published) {
		// A download states the day of adoption where the database has the day
		// of publication, some days later.
		apart := a.published.Sub(b.published).Abs()
		return a.rank != b.rank && !a.effective.IsZero() && a.effective.Equal(b.effective) && apart < 92*24*time.Hour
	}
	stated := a.effectiveBy == ByFile && b.effectiveBy == ByFile
	return !stated || a.effective.Equal(b.effective)
}

func sameArticles(a, b *lawText) bool {
	return len(a.spans) == len(b.spans) && foldText(a.blob) == foldText(b.blob)
}

// disjoint says that two texts are different parts of one law.
func disjoint(a, b *lawText) bool {
	if a.numbered() == 0 || b.numbered() == 0 {
		return false
	}
	return a.spans[len(a.spans)-1].no().Less(b.spans[0].no()) || b.spans[len(b.spans)-1].no().Less(a.spans[0].no())
}

// joinParts makes one text of two parts of a law.
func joinParts(a, b *lawText) *lawText {
	if b.spans[0].no().Less(a.spans[0].no()) {
		a, b = b, a
	}
	joined := *a
	joined.chapters = slices.Concat(a.chapters, b.chapters)
	joined.spans = slices.Clone(a.spans)
	for _, s := range b.spans {
		s.chapter += uint16(len(a.chapters))
		s.at += uint32(len(a.blob))
		s.end += uint32(len(a.blob))
		joined.spans = append(joined.spans, s)
	}
	joined.blob = a.blob + b.blob
	joined.repeals = slices.Concat(a.repeals, b.repeals)
	joined.sums = slices.Concat(a.sums, b.sums)
	return &joined
}

// foldText makes two printings of a wording comparable: no spaces, one width of
// digits, letters, brackets and marks.
func foldText(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == '\u3000' || r == '\u00a0' || invisible(r):
			continue
		case r >= '！' && r <= '～':
			r -= '！' - '!'
		case r == '“' || r == '”' || r == '„' || r == '‟':
			r = '"'
		case r == '‘' || r == '’':
			r = '\''
		case r == '〈' || r == '《':
			r = '<'
		case r == '〉' || r == '》':
			r = '>'
		case r == '〇':
			r = '零'
		}
		b.WriteRune(r)
	}
	return b.String()
}
