package knowledge

import (
	"cmp"
	"io/fs"
	"slices"
	"sync"
)

// Index finds entries and articles. It never changes once built, so any number
// of goroutines may search it at once.
type Index struct {
	lex      *Lexicon
	entries  *entryIndex
	articles *articleIndex
}

// IndexOptions is what BuildIndexWith uses besides the documents.
type IndexOptions struct {
	Lay      []LayPhrase              // what people call what an article settles
	FullName func(name string) string // full title of a law by any of its names, "" if unknown; may be nil
	Model    *Model                   // what training learned; nil: nothing
	Without  []string                 // parts of the score to leave out, for measuring: prior, vote, association, meaning, neighbour, chapter
}

// DefaultIndexOptions are the lay phrasings, the names of laws and the model
// built into the program.
func DefaultIndexOptions() IndexOptions { return defaultIndexOptions() }

var defaultIndexOptions = sync.OnceValue(func() IndexOptions {
	o := IndexOptions{Model: DefaultModel()}
	builtin := Corpus()
	if lay, err := fs.Sub(builtin, "lay"); err == nil {
		o.Lay, _ = LoadLay(lay) // a test holds the files free of faults
	}
	if r, err := LoadRegistry(builtin); err == nil {
		o.FullName = func(name string) string {
			if l, ok := r.Find(name); ok {
				return l.Title
			}
			return ""
		}
	}
	return o
})

// BuildIndex indexes documents with the phrasings and names built into the
// program. The lexicon may be nil. The order of the documents does not matter.
func BuildIndex(docs []*Document, lex *Lexicon) *Index {
	if !slices.ContainsFunc(docs, func(d *Document) bool { return d.Kind == KindArticle }) {
		return BuildIndexWith(docs, lex, IndexOptions{})
	}
	return BuildIndexWith(docs, lex, DefaultIndexOptions())
}

// BuildIndexWith indexes documents.
func BuildIndexWith(docs []*Document, lex *Lexicon, o IndexOptions) *Index {
	entries, articles := splitDocuments(docs)
	return &Index{
		lex:      lex,
		entries:  buildEntryIndex(entries, lex),
		articles: buildArticleIndex(articles, entries, o),
	}
}

// splitDocuments gives the entries and the articles, each in the order of ids.
func splitDocuments(docs []*Document) (entries, articles []*Document) {
	for _, d := range docs {
		switch {
		case d.Kind == KindEntry && d.Entry != nil:
			entries = append(entries, d)
		case d.Kind == KindArticle && d.Article != nil:
			articles = append(articles, d)
		}
	}
	byID := func(a, b *Document) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortStableFunc(entries, byID)
	slices.SortStableFunc(articles, byID)
	return entries, articles
}

// Size gives how many entries and articles can be found.
func (x *Index) Size() (entries, articles int) {
	return len(x.entries.docs), len(x.articles.docs)
}

// scratch is the working memory of one search.
type scratch struct {
	scores [][]float32
}

// take gives row i, zeroed, with n places.
func (s *scratch) take(i, n int) []float32 {
	for len(s.scores) <= i {
		s.scores = append(s.scores, nil)
	}
	if cap(s.scores[i]) < n {
		s.scores[i] = make([]float32, n)
	}
	s.scores[i] = s.scores[i][:n]
	clear(s.scores[i])
	return s.scores[i]
}
