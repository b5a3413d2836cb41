package knowledge

import (
	"cmp"
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
	articleAsked   = 0.6 // what people call what the article settles
)

const (
	bonusNamedArticle = 1000 // the question names this very article
	bonusNamedLaw     = 6    // it names the law
)

// lexicalPool is how many articles of the lexical sum are ranked again with
// what was learned.
const lexicalPool = 400

// articleIndex finds articles.
type articleIndex struct {
	docs     []*Document
	text     *postings
	chapter  *postings
	asked    *postings
	respell  *respeller
	laws     []lawArticles
	lawOf    []uint32            // law of each document
	partOf   []uint32            // chapter of each document, numbered over all laws
	parts    int                 // number of chapters
	byName   map[string][]uint32 // key of a law's name → laws
	longest  int                 // longest name, in runes
	fullName func(string) string
	model    *articleModel
	pool     sync.Pool
}

// lawArticles is one law in all its versions.
type lawArticles struct {
	title string
	byNo  map[ArticleNo][]uint32 // documents, newest version first
}

func buildArticleIndex(docs, entries []*Document, o IndexOptions) *articleIndex {
	x := &articleIndex{docs: docs, fullName: o.FullName, byName: map[string][]uint32{}}
	x.pool.New = func() any { return new(scratch) }
	x.groupByLaw()
	text, chapter := newPostingsBuilder(), newPostingsBuilder()
	for _, d := range docs {
		text.add(Normalize(d.Article.Text))
		chapter.add(Normalize(d.Article.Chapter))
	}
	x.text, x.chapter = text.build(), chapter.build()
	x.attach(append(entryPhrases(entries), o.Lay...))
	x.respell = newRespeller(x.text)
	if o.Model != nil {
		x.model = o.Model.bind(x)
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

// attach makes phrasings searchable under the articles they belong to.
func (x *articleIndex) attach(phrases []LayPhrase) {
	texts := map[uint32][]string{}
	for _, p := range phrases {
		if d, ok := x.find(p.Law, p.Article); ok {
			texts[d] = append(texts[d], Normalize(p.Text))
		}
	}
	b := newPostingsBuilder()
	for i := range x.docs {
		b.add(texts[uint32(i)]...)
	}
	x.asked = b.build()
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

// lexical adds the lexical sum of all articles to scores.
func (x *articleIndex) lexical(q *question, scores []float32) {
	terms := x.respell.extend(q.terms)
	x.text.score(terms, articleText, scores)
	x.chapter.score(terms, articleChapter, scores)
	x.asked.score(terms, articleAsked, scores)
}
