package knowledge

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fields of an article and their weights in the lexical sum. The chapter's
// heading is worth two points of recall; the law's title is worth none, so it
// only counts where a question names the law.
const (
	articleText    = 1.0
	articleChapter = 0.2
	articleAsked   = 0.4 // what people call what the article settles
)

const (
	bonusNamedArticle = 1000 // the question names this very article
	bonusNamedLaw     = 6    // it names the law
)

// articleIndex finds articles.
type articleIndex struct {
	docs     []*Document
	text     *postings
	chapter  *postings
	asked    *postings
	respell  *respeller
	laws     []lawArticles
	lawOf    []uint32 // law of each document
	partOf   []uint32 // chapter of each document, numbered over all laws
	before   []uint32 // neighbours of each document, see neighbours
	after    []uint32
	parts    int                 // number of chapters
	byName   map[string][]uint32 // key of a law's name → laws
	longest  int                 // longest name, in runes
	fullName func(string) string
	learned  *learned
	model    *Model
	vectors  []float32         // of each document's text, by the model
	hash     [sha256.Size]byte // of all inputs, see cache.go
	weights  learnWeights
	pool     sync.Pool
}

// lawArticles is one law in all its versions.
type lawArticles struct {
	title string
	byNo  map[ArticleNo][]uint32 // documents, newest version first
}

// newArticleIndex knows the documents, laws and names, but has no terms yet.
func newArticleIndex(docs []*Document, o IndexOptions) *articleIndex {
	x := &articleIndex{docs: docs, fullName: o.FullName, byName: map[string][]uint32{}, weights: defaultLearnWeights.without(o.Without), model: o.Model}
	x.pool.New = func() any { return new(scratch) }
	x.groupByLaw()
	return x
}

func buildArticleIndex(docs, entries []*Document, o IndexOptions) *articleIndex {
	if len(docs) == 0 {
		entries, o = nil, IndexOptions{} // nothing to attach phrasings to
	}
	x := newArticleIndex(docs, o)
	phrases := append(entryPhrases(entries), o.Lay...)
	x.hash = x.inputs(phrases)
	text, chapter := newPostingsBuilder(), newPostingsBuilder()
	for _, d := range docs {
		text.add(Normalize(d.Article.Text))
		chapter.add(Normalize(d.Article.Chapter))
	}
	x.text, x.chapter = text.build(), chapter.build()
	x.learned = learnFrom(x, x.attach(phrases))
	x.respell = newRespeller(x.text)
	x.respell.said = x.asked
	if x.model != nil {
		x.vectors = x.model.encoder.encodeFields(x)
	}
	return x
}

// groupByLaw numbers laws and chapters and notes the laws' names.
func (x *articleIndex) groupByLaw() {
	lawIDs, partIDs := map[string]uint32{}, map[string]uint32{}
	for i, d := range x.docs {
		a := d.Article
		law, ok := lawIDs[a.Law]
		if !ok {
			law = uint32(len(x.laws))
			lawIDs[a.Law] = law
			x.laws = append(x.laws, lawArticles{a.Law, map[ArticleNo][]uint32{}})
			x.addName(a.Law, law)
			x.addName(a.Short, law)
		}
		part, ok := partIDs[a.Law+"\n"+a.Chapter]
		if !ok {
			part = uint32(len(partIDs))
			partIDs[a.Law+"\n"+a.Chapter] = part
		}
		x.lawOf, x.partOf = append(x.lawOf, law), append(x.partOf, part)
		x.laws[law].byNo[a.No] = append(x.laws[law].byNo[a.No], uint32(i))
	}
	x.parts = len(partIDs)
	x.before, x.after = x.neighbours()
	for _, l := range x.laws {
		for _, ds := range l.byNo {
			slices.SortStableFunc(ds, func(a, b uint32) int { return newerFirst(x.docs[a].Article, x.docs[b].Article) })
		}
	}
}

func newerFirst(a, b *Article) int {
	return cmp.Or(b.Effective.Compare(a.Effective), b.Published.Compare(a.Published))
}

func (x *articleIndex) addName(name string, law uint32) {
	key := lawNameKey(name)
	if len([]rune(key)) < 2 || slices.Contains(x.byName[key], law) {
		return
	}
	x.byName[key] = append(x.byName[key], law)
	x.longest = max(x.longest, len([]rune(key)))
}

// lawNameKey is the form in which names of laws are compared.
func lawNameKey(name string) string {
	var b strings.Builder
	for _, r := range Normalize(name) {
		if indexable(r) {
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "中华人民共和国", "")
}

// findLaws gives the laws of a name, by any of its names.
func (x *articleIndex) findLaws(name string) []uint32 {
	if ids := x.byName[lawNameKey(name)]; ids != nil {
		return ids
	}
	if x.fullName != nil {
		if full := x.fullName(name); full != "" {
			return x.byName[lawNameKey(full)]
		}
	}
	return nil
}

// find gives the newest document of an article, by the law's name.
func (x *articleIndex) find(law string, no ArticleNo) (uint32, bool) {
	best, found := uint32(0), false
	for _, id := range x.findLaws(law) {
		if ds := x.laws[id].byNo[no]; len(ds) > 0 && (!found || newerFirst(x.docs[ds[0]].Article, x.docs[best].Article) < 0) {
			best, found = ds[0], true
		}
	}
	return best, found
}

// attach makes phrasings searchable under the articles they belong to, and
// gives those whose article there is.
func (x *articleIndex) attach(phrases []LayPhrase) []phrasing {
	texts := map[uint32][]string{}
	var attached []phrasing
	for _, p := range phrases {
		if d, ok := x.find(p.Law, p.Article); ok {
			t := Normalize(p.Text)
			texts[d] = append(texts[d], t)
			attached = append(attached, phrasing{d, t})
		}
	}
	b := newPostingsBuilder()
	for i := range x.docs {
		b.add(texts[uint32(i)]...)
	}
	x.asked = b.build()
	return attached
}

// named gives the documents that a question names by law and number, and the
// laws that it names.
func (x *articleIndex) named(q *question, on time.Time) (docs, laws []uint32) {
	for _, ref := range q.refs {
		for _, law := range x.lawBefore(ref.law) {
			if d, ok := x.versionOn(x.laws[law].byNo[ref.no], on); ok && !slices.Contains(docs, d) {
				docs = append(docs, d)
			}
		}
	}
	return docs, x.lawsIn(q.text)
}

// versionOn gives the first (newest) document in force on a day.
func (x *articleIndex) versionOn(docs []uint32, on time.Time) (uint32, bool) {
	for _, d := range docs {
		if holds(x.docs[d], on) {
			return d, true
		}
	}
	return 0, false
}

// lawBefore gives the laws whose name ends the text before an article's number.
func (x *articleIndex) lawBefore(before string) []uint32 {
	runes := []rune(lawNameKey(strings.TrimSuffix(strings.TrimSpace(before), "的")))
	for i := range runes {
		if len(runes)-i < 2 {
			break
		}
		if ids := x.findLaws(string(runes[i:])); ids != nil {
			return ids
		}
	}
	return nil
}

// lawsIn gives the laws named anywhere in a normalized text, longest names
// first at each place.
func (x *articleIndex) lawsIn(text string) []uint32 {
	runes := []rune(lawNameKey(text))
	var out []uint32
	for i := 0; i < len(runes); i++ {
		for n := min(x.longest, len(runes)-i); n >= 2; n-- {
			if ids := x.byName[string(runes[i:i+n])]; ids != nil {
				out = append(out, ids...)
				i += n - 1
				break
			}
		}
	}
	return out
}

// score adds up everything known about all articles for a question, and gives
// those that say it word for word. Articles that share no term with it may be
// ranked by what was learned alone.
func (x *articleIndex) score(q *question, s *scratch) (scores []float32, exact []uint32) {
	scores = s.take(0, len(x.docs))
	terms := x.respell.extend(q.terms)
	x.text.score(terms, articleText, scores)
	x.chapter.score(terms, articleChapter, scores)
	asked := s.take(1, len(x.docs))
	x.asked.score(terms, articleAsked, asked)
	exact = x.exact(q, scores, asked)
	for i, v := range asked {
		scores[i] += v
	}
	if x.learned != nil || x.model != nil {
		x.addLearned(terms, asked, exact, scores, s)
	}
	return scores, exact
}

// addLearned adds what was learned. No article may gain more by it than those
// that say the question word for word, so that what is often asked about never
// pushes out what was asked.
func (x *articleIndex) addLearned(terms []queryTerm, asked []float32, exact []uint32, scores []float32, s *scratch) {
	gain := s.take(2, len(x.docs))
	if x.learned != nil {
		x.text.score(x.learned.expand(x, terms), x.weights.assoc, gain)
		x.vote(terms, asked, x.weights.vote, gain)
		for i, v := range x.learned.prior {
			gain[i] += v
		}
	}
	x.addMeaning(terms, gain, s)
	most := float32(math.Inf(-1))
	for i, v := range gain {
		if scores[i] > 0 {
			most = max(most, v)
		}
	}
	for _, d := range exact {
		gain[d] = max(gain[d], most)
	}
	for i, v := range gain {
		if scores[i] > 0 {
			scores[i] = max(scores[i]+v, minScore)
		}
	}
}

// addMeaning adds how well the vectors of question and articles go together, and
// keeps the products for deepen.
func (x *articleIndex) addMeaning(terms []queryTerm, gain []float32, s *scratch) {
	if x.model == nil {
		return
	}
	e := x.model.encoder
	v := e.encode(e.question, e.questionTokens(terms))
	products := s.take(rowMeaning, len(x.docs))
	for i := range gain {
		products[i] = max(0, dot(v, x.vectors[i*e.dim:(i+1)*e.dim]))
		gain[i] += x.weights.meaning * products[i]
	}
}

const (
	exactShare = 0.95 // of a question's pairs, by weight, must stand in an article that says it word for word
	exactPairs = 4    // a question of fewer pairs says too little to be met word for word
	minScore   = 1e-3 // of an article that shares a term with the question
)

// exact gives the documents whose text or phrasings say (nearly) all pairs of
// the question. text and asked are the scores by field, by which the few worth
// a look are found.
func (x *articleIndex) exact(q *question, text, asked []float32) []uint32 {
	var pairs []queryTerm
	var all float32
	for _, t := range q.terms {
		if t.key.pair() && t.weight >= weightPlain {
			pairs = append(pairs, queryTerm{t.key, 1})
			all++
		}
	}
	if len(pairs) < exactPairs {
		return nil
	}
	var out []uint32
	for _, f := range []struct {
		p      *postings
		scores []float32
	}{{x.text, text}, {x.asked, asked}} {
		for _, d := range x.best(f.scores, nil, 5) {
			n := 0
			f.p.of(int(d), pairs, func(queryTerm, float32) { n++ })
			if float32(n) >= exactShare*all && !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}
