package knowledge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// From what Fit an entry may be taken as the answer. Between the two a person
// should be asked which of the best few is meant; below FitMaybe the base does
// not know. On the half of the blind questions (testdata/blind, and
// testdata/outofscope.txt) that the curve was not fitted to, 65 % are sure and
// 84 % of those right, 84 % at least maybe; of questions outside of what the
// base covers 4 % are sure and 8 % at least maybe.
const (
	FitSure  = 0.55
	FitMaybe = 0.40
)

// defaultHits is how many hits a query without N gets.
const defaultHits = 10

// Search gives the documents that fit a question best, best first. The order is
// the same each time: equal scores stand in the order of the documents' ids.
// For Kind "" entries and articles are merged by Fit.
func (x *Index) Search(q Query) []Hit { return x.search(q, false) }

// Explain is Search with each hit's Why filled in.
func (x *Index) Explain(q Query) []Hit { return x.search(q, true) }

func (x *Index) search(q Query, explain bool) []Hit {
	if q.N <= 0 {
		q.N = defaultHits
	}
	qu := readQuestion(q, x.lex)
	if len(qu.terms) == 0 {
		return nil
	}
	var hits []Hit
	if q.Kind != KindArticle {
		hits = x.entries.search(qu, q, explain)
	}
	if q.Kind != KindEntry {
		hits = append(hits, x.articles.search(qu, q, explain)...)
	}
	if q.Kind == "" {
		slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.Fit, a.Fit) })
	}
	return hits[:min(q.N, len(hits))]
}

// allowed says whether a document may answer the query.
func allowed(d *Document, q Query) bool {
	return holds(d, q.On) && inArea(d.Area, q.Area)
}

// holds says whether a document is in force on a day; without a day, whether it
// has no end.
func holds(d *Document, on time.Time) bool {
	if on.IsZero() {
		return d.Repealed.IsZero()
	}
	return d.InForce(on)
}

// inArea says whether what holds for area may be told to someone in place.
// Areas are paths: what holds for 浙江省 holds for 浙江省杭州市 too.
func inArea(area, place string) bool {
	return area == "" || area == "全国" || strings.HasPrefix(place, area)
}

func (x *entryIndex) search(qu *question, q Query, explain bool) []Hit {
	scored := x.score(qu)
	scored = slices.DeleteFunc(scored, func(s entryScore) bool { return s.total <= 0 || !allowed(x.docs[s.doc], q) })
	slices.SortFunc(scored, func(a, b entryScore) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.doc, b.doc))
	})
	var hits []Hit
	for i, s := range scored[:min(q.N, len(scored))] {
		h := Hit{Doc: x.docs[s.doc], Score: float64(s.total), Fit: x.fit(qu, scored, i)}
		if explain {
			h.Why = x.explain(qu, s)
		}
		hits = append(hits, h)
	}
	return hits
}

// fit is how surely entry i of the ranking answers the question: a logistic
// curve over the parts of its score, less where the base does not even know the
// question's words, but sure where a phrasing is all but the question.
func (x *entryIndex) fit(q *question, ranked []entryScore, i int) float64 {
	f := x.fitFeatures(q, ranked, i)
	z := fitWeights[0]
	for j, v := range f {
		z += fitWeights[j+1] * v
	}
	words := min(1, f[1]/fitKnown) / (1 + math.Exp(-z))
	return max(words, alikeness(ranked[i].cosine))
}

// fitKnown is the share of a question's pairs that entries must know for its
// words to count in full.
const fitKnown = 0.6

// alikeness is how surely an entry answers because one of its phrasings is like
// the question: nothing up to a cosine of 0.45, 0.5 at 0.65, all but sure at 0.85.
func alikeness(cosine float32) float64 {
	return min(0.99, max(0, (float64(cosine)-0.45)*2.5))
}

// fitWeights are the bias and the weight of each of fitFeatures. Fitted
// (logistic regression) on every other blind question, right if the topic is,
// and every other one of those outside.
var fitWeights = [1 + fitParts]float64{-10.3, 1.1, 4.5, 2.95, 0.83, 5.4}

const fitParts = 5

// fitFeatures are what fit looks at besides the best phrasing: share of the
// question that the entry knows, share that any entry knows, lead over the best
// entry of another topic and score, both against the best possible, and how
// much the question says.
func (x *entryIndex) fitFeatures(q *question, ranked []entryScore, i int) [fitParts]float64 {
	e := ranked[i]
	ideal := float64(x.phrases.ideal(q.terms)) + 5
	lead := float64(e.total)
	for j, o := range ranked {
		if j != i && x.docs[o.doc].Entry.Topic != x.docs[e.doc].Entry.Topic {
			lead = float64(e.total - o.total)
			break
		}
	}
	own, any := x.known(q, e.doc)
	return [fitParts]float64{own, any, lead / ideal, float64(e.total) / ideal, math.Log(ideal) / 5}
}

// known gives the shares of the question, by weight of its pairs, that stand in
// the entry and in any entry.
func (x *entryIndex) known(q *question, doc int) (own, any float64) {
	var all float64
	unknown := math.Log(1 + 2*float64(x.phrases.n))
	for _, t := range q.terms {
		if t.weight < weightPlain || !t.key.pair() {
			continue
		}
		idf := unknown
		if i := x.phrases.find(t.key); i >= 0 {
			idf = float64(x.phrases.idf[i])
		}
		all += idf
		in, known := false, false
		for _, p := range []*postings{x.questions, x.title, x.body} {
			i := p.find(t.key)
			if i < 0 {
				continue
			}
			known = true
			if _, ok := slices.BinarySearch(p.docs[p.off[i]:p.off[i+1]], uint32(doc)); ok {
				in = true
				break
			}
		}
		if known {
			any += idf
		}
		if in {
			own += idf
		}
	}
	if all == 0 {
		return 0, 0
	}
	return own / all, any / all
}

func (x *entryIndex) explain(q *question, s entryScore) []Reason {
	why := []Reason{
		{"phrasing", float64(entryPhrase * s.alike), x.phrase[s.phrase]},
		{"questions", float64(entryAsked * s.fields[0]), matched(x.questions, s.doc, q.terms)},
		{"title and keywords", float64(entryTitle * s.fields[1]), matched(x.title, s.doc, q.terms)},
		{"text", float64(entryBody * s.fields[2]), matched(x.body, s.doc, q.terms)},
		{"topic", float64(entryGroup * s.topic), matched(x.topics, x.topicOf[s.doc], q.terms)},
		{"domain", float64(entryDomain * s.domain), matched(x.domains, x.domainOf[s.doc], q.terms)},
		{"sound", float64(entrySounds * s.fields[3]), ""},
		{"lexicon", float64(entryPointed * s.pointed), x.docs[s.doc].Entry.Topic},
		{"words of all phrasings", float64(entryWords * s.words), ""},
	}
	return slices.DeleteFunc(why, func(r Reason) bool { return r.Score == 0 })
}

// matched names the words that weigh most in a document's score.
func matched(p *postings, doc int, terms []queryTerm) string {
	type part struct {
		key   termKey
		score float32
	}
	var parts []part
	p.of(doc, terms, func(t queryTerm, s float32) { parts = append(parts, part{t.key, s}) })
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.key, b.key)) })
	var b strings.Builder
	for i, t := range parts[:min(6, len(parts))] {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s %.1f", t.key, t.score)
	}
	return b.String()
}

func (x *articleIndex) search(qu *question, q Query, explain bool) []Hit {
	s := x.pool.Get().(*scratch)
	defer x.pool.Put(s)
	scores, exact := x.score(qu, s)
	docs, laws := x.named(qu, q.On)
	if len(laws) > 0 {
		for i, law := range x.lawOf {
			if scores[i] > 0 && slices.Contains(laws, law) {
				scores[i] += bonusNamedLaw
			}
		}
	}
	for i, d := range docs {
		scores[d] += bonusNamedArticle - float32(i)
	}
	top := x.deepen(scores, exact, func(d *Document) bool { return allowed(d, q) }, q.N, s)
	var hits []Hit
	for i, d := range top {
		if i > 0 { // one put before others for its chapter fits no better for that
			scores[d] = min(scores[d], scores[top[i-1]])
		}
		h := Hit{Doc: x.docs[d], Score: float64(scores[d]), Fit: articleFit(scores[d], len(qu.terms))}
		if explain {
			h.Why = x.explain(qu, int(d), slices.Contains(docs, d))
		}
		hits = append(hits, h)
	}
	return hits
}

// best gives the documents with the n highest scores above 0 that pass (nil:
// all do), best first.
func (x *articleIndex) best(scores []float32, pass func(*Document) bool, n int) []uint32 {
	heap := make([]uint32, 0, n+1) // the worst first
	worse := func(a, b uint32) bool {
		return scores[a] < scores[b] || scores[a] == scores[b] && a > b
	}
	for i, v := range scores {
		d := uint32(i)
		if v <= 0 || len(heap) == n && !worse(heap[0], d) || pass != nil && !pass(x.docs[i]) {
			continue
		}
		if len(heap) < n {
			heap = append(heap, d)
			for c := len(heap) - 1; c > 0 && worse(heap[c], heap[(c-1)/2]); c = (c - 1) / 2 {
				heap[c], heap[(c-1)/2] = heap[(c-1)/2], heap[c]
			}
			continue
		}
		heap[0] = d
		siftDown(heap, worse)
	}
	slices.SortFunc(heap, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
	})
	return heap
}

// siftDown restores a heap whose first element changed.
func siftDown(heap []uint32, less func(a, b uint32) bool) {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(heap) {
			return
		}
		if c+1 < len(heap) && less(heap[c+1], heap[c]) {
			c++
		}
		if !less(heap[c], heap[i]) {
			return
		}
		heap[i], heap[c] = heap[c], heap[i]
		i = c
	}
}

// articleFit turns a score into how surely the article settles the question.
func articleFit(score float32, terms int) float64 {
	if score >= bonusNamedArticle/2 {
		return 1
	}
	z := -3.2 + 0.9*float64(score)/math.Sqrt(float64(terms)+1)
	return 0.8 / (1 + math.Exp(-z))
}

func (x *articleIndex) explain(q *question, doc int, named bool) []Reason {
	var why []Reason
	if named {
		why = append(why, Reason{"article named", bonusNamedArticle, x.docs[doc].Title})
	}
	terms := x.respell.extend(q.terms)
	for _, f := range []struct {
		name   string
		p      *postings
		weight float32
	}{{"text", x.text, articleText}, {"chapter", x.chapter, articleChapter}, {"question", x.asked, articleAsked}} {
		var sum float32
		f.p.of(doc, terms, func(_ queryTerm, s float32) { sum += s * f.weight })
		if sum > 0 {
			why = append(why, Reason{f.name, float64(sum), matched(f.p, doc, terms)})
		}
	}
	return why
}
