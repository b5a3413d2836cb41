package knowledge

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// fuseDepth is how deep both rankings are joined.
const fuseDepth = 100

// Retrieve is Search with the help of the models there are: the ranking by
// vectors joined to that by words, then the first hits ordered by the language
// model. Without models, and whenever one fails or is slow, it is Search. Both
// see the question masked; it may be called only for a person who has agreed to
// that.
func (b *Base) Retrieve(ctx context.Context, q Query) []Hit {
	want := q.N
	if want <= 0 {
		want = defaultHits
	}
	rerank := b.reranker.Load()
	if rerank == nil {
		return b.near(ctx, q, want)
	}
	hits := Rerank(ctx, *rerank, q, b.near(ctx, q, max(want, rerankTop)))
	return hits[:min(want, len(hits))]
}

// near is the ranking by words, joined to that by vectors if there is one.
func (b *Base) near(ctx context.Context, q Query, want int) []Hit {
	if q.On.IsZero() {
		q.On = b.Today()
	}
	q.N = want
	hits := b.Search(q)
	dense := b.state.Load().dense.index.Load()
	if dense == nil {
		return hits
	}
	q.N = max(want, fuseDepth)
	vectors, err := dense.Search(ctx, q)
	if err != nil {
		return hits
	}
	if want < fuseDepth {
		hits = appendNew(hits, b.Search(q))
	}
	return fuse(want, hits, vectors)
}

// appendNew appends those of more that hits has not.
func appendNew(hits, more []Hit) []Hit {
	have := map[string]bool{}
	for _, h := range hits {
		have[h.Doc.ID] = true
	}
	for _, h := range more {
		if !have[h.Doc.ID] {
			hits = append(hits, h)
		}
	}
	return hits
}

// SetReranker gives the model that orders what Retrieve found; nil: none.
func (b *Base) SetReranker(m LLM) {
	if m == nil {
		b.reranker.Store(nil)
		return
	}
	b.reranker.Store(&m)
}

// lazyDense is the dense index, opened when the base is warmed.
type lazyDense struct {
	once  sync.Once
	index atomic.Pointer[DenseIndex]
}

// warm opens the index of the vectors kept for what the index by words holds.
func (l *lazyDense) warm(b *Base, words *Index) {
	if b.o.Embedder == nil {
		return
	}
	l.once.Do(func() {
		docs := words.entries.docs
		if words.articles != nil {
			docs = append(docs[:len(docs):len(docs)], words.articles.docs...)
		}
		x, missing, err := OpenDense(b.o.Vectors, b.o.Embedding, docs, b.o.Embedder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			b.o.Log.Warn("no vectors yet: run mingbai knowledge embed")
		case err != nil:
			b.o.Log.Warn("vectors cannot be read: run mingbai knowledge embed", "err", err)
		default:
			if missing > 0 {
				b.o.Log.Warn("documents have no vectors: run mingbai knowledge embed", "missing", missing, "of", len(docs))
			}
			l.index.Store(x)
		}
	})
}

// Offer names other entries in an answer that does not know or asks which is
// meant: those that vectors and the model find nearest to the person's own
// words. Without such models it gives a as it is.
func (w *Worder) Offer(ctx context.Context, q Asking, a Answer) Answer {
	b := w.base
	if b.Embedded() == 0 && b.reranker.Load() == nil {
		return a
	}
	text := q.Text
	if n := len(q.Context); n > 0 && utf8.RuneCountInString(text) <= short {
		text = q.Context[n-1] + "，" + text
	}
	a.Choices = nil
	for _, h := range b.Retrieve(ctx, Query{Text: text, Kind: KindEntry, Area: q.Area, On: q.On, N: nearHits, Person: q.Person}) {
		if _, off := b.Off(h.Doc.Entry.Topic); !off && len(a.Choices) < maxChoice {
			a.Choices = append(a.Choices, h.Doc.Entry)
		}
	}
	return a
}

// Embedded says how many documents Retrieve finds by their vectors.
func (b *Base) Embedded() int {
	if x := b.state.Load().dense.index.Load(); x != nil {
		return x.vectors.Len()
	}
	return 0
}
