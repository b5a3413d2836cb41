package knowledge

import (
	"sync"
	"sync/atomic"
)

// ArticleDocuments gives the articles of the imported laws in force today as
// documents to be indexed.
func (b *Base) ArticleDocuments() []*Document {
	s := b.state.Load()
	if s.library == nil {
		return nil
	}
	var docs []*Document
	for a := range s.library.Articles(b.Today()) {
		docs = append(docs, articleDocument(a))
	}
	return docs
}

// Warm builds the index of the articles and opens that of the vectors, so that no question waits for it. It
// takes some seconds for the 57,000 articles of all national laws.
func (b *Base) Warm() {
	s := b.state.Load()
	s.dense.warm(b, s.articles.get(b, s))
}

// Nearest gives the articles nearest to a question, none while their index is
// not built.
func (b *Base) Nearest(q Query) []Hit {
	s := b.state.Load()
	if !s.articles.ready.Load() {
		return nil
	}
	q.Kind = KindArticle
	return b.Search(q)
}

// IndexOptions gives the lay phrasings and the names of laws that articles are
// indexed with.
func (b *Base) IndexOptions() IndexOptions { return b.state.Load().indexOptions() }

func (s *state) indexOptions() IndexOptions {
	lay, _ := s.lay()
	return IndexOptions{Lay: lay, Model: s.model, FullName: func(name string) string {
		if l, ok := s.registry.Find(name); ok {
			return l.Title
		}
		return ""
	}}
}

// lazyArticles is the index of entries and articles, built when it is first
// needed: most programs never need it.
type lazyArticles struct {
	once  sync.Once
	index *Index
	ready atomic.Bool
}

func (l *lazyArticles) get(b *Base, s *state) *Index {
	l.once.Do(func() {
		docs := make([]*Document, 0, len(s.entries))
		for _, e := range s.entries {
			docs = append(docs, entryDocument(e))
		}
		l.index = s.index
		articles := b.ArticleDocuments()
		if len(articles) == 0 {
			return
		}
		docs = append(docs, articles...)
		o := s.indexOptions()
		if b.o.Cache == "" {
			l.index = BuildIndexWith(docs, DefaultLexicon(), o)
		} else {
			var err error
			if l.index, _, err = OpenIndex(b.o.Cache, docs, DefaultLexicon(), o); err != nil {
				b.o.Log.Warn("index of articles not kept", "err", err)
			}
		}
		l.ready.Store(true)
	})
	return l.index
}
