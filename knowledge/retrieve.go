package knowledge

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
)

// fuseDepth is how deep both rankings are joined.
const fuseDepth = 100

// Retrieve is Search with the help of the models there are: the ranking by
// vectors joined to that by words, then the first hits ordered by the language
// model. Without models, and whenever one fails or is slow, it is Search. Both
// see the question masked.
func (b *Base) Retrieve(ctx context.Context, q Query) []Hit {
	if q.On.IsZero() {
		q.On = b.Today()
	}
	want := q.N
	if want <= 0 {
		want = defaultHits
	}
	dense, rerank := b.state.Load().dense.index.Load(), b.reranker.Load()
	if dense == nil && rerank == nil {
		return b.Search(q)
	}
	hits := b.Search(q)
	deep := q
	deep.N = max(want, fuseDepth)
	if want < fuseDepth { // entries and articles together are another list when more of each are looked at
		hits = appendNew(hits, b.Search(deep))
	}
	if dense != nil {
		if near, err := dense.Search(ctx, deep); err == nil {
			hits = fuse(deep.N, hits, near)
		}
	}
	if rerank != nil {
		hits = Rerank(ctx, *rerank, q, hits)
	}
	return hits[:min(want, len(hits))]
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

// Embedded says how many documents Retrieve finds by their vectors.
func (b *Base) Embedded() int {
	if x := b.state.Load().dense.index.Load(); x != nil {
		return x.vectors.Len()
	}
	return 0
}
