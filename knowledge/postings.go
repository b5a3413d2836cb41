package knowledge

import (
	"math"
	"slices"
)

// BM25's usual constants; tuning them moved no figure by more than half a point.
const (
	bm25K1 = 1.2
	bm25B  = 0.75
)

// postings is one field's inverted index. Documents are numbered from 0. It is
// read-only once built. The exported form is what the cache stores.
type postings struct {
	keys []termKey // sorted
	off  []uint32  // len(keys)+1: keys[i]'s documents are docs[off[i]:off[i+1]]
	docs []uint32  // ascending within a key
	tfs  []uint8   // occurrences, at most 255
	lens []float32 // terms of each document
	norm []float32 // per document: k1·(1-b+b·length/average)
	idf  []float32 // per key
	n    int       // documents with any term
}

// postingsBuilder collects documents in order.
type postingsBuilder struct {
	ids  map[termKey]uint32
	keys []termKey
	df   []uint32
	occ  []uint32 // term ids of each document's distinct terms, one document after another
	tfs  []uint8
	ends []int // end of each document in occ
	lens []float32
	tf   []uint16 // scratch: occurrences in the document at hand, by term id
	now  []uint32 // scratch: its distinct term ids
}

func newPostingsBuilder() *postingsBuilder {
	return &postingsBuilder{ids: map[termKey]uint32{}}
}

// count notes one occurrence of a term in the document at hand.
func (b *postingsBuilder) count(k termKey) { b.countTimes(k, 1) }

// countTimes counts a term that stands n times.
func (b *postingsBuilder) countTimes(k termKey, n int) {
	id, ok := b.ids[k]
	if !ok {
		id = uint32(len(b.keys))
		b.ids[k] = id
		b.keys = append(b.keys, k)
		b.df = append(b.df, 0)
		b.tf = append(b.tf, 0)
	}
	if b.tf[id] == 0 {
		b.now = append(b.now, id)
	}
	b.tf[id] = min(b.tf[id]+uint16(n), math.MaxUint8)
}

// end closes the document at hand.
func (b *postingsBuilder) end() {
	var n float32
	for _, id := range b.now {
		b.occ = append(b.occ, id)
		b.tfs = append(b.tfs, uint8(b.tf[id]))
		n += float32(b.tf[id])
		b.df[id]++
		b.tf[id] = 0
	}
	b.now = b.now[:0]
	b.ends = append(b.ends, len(b.occ))
	b.lens = append(b.lens, n)
}

// add is one document whose texts are normalized.
func (b *postingsBuilder) add(texts ...string) {
	for _, s := range texts {
		eachTerm(s, b.count)
	}
	b.end()
}

// build sorts everything by term. The builder must not be used afterwards.
func (b *postingsBuilder) build() *postings {
	order := make([]uint32, len(b.keys)) // sorted position → term id
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int {
		if b.keys[x] < b.keys[y] {
			return -1
		}
		return 1
	})
	p := &postings{
		keys: make([]termKey, len(order)), off: make([]uint32, len(order)+1),
		docs: make([]uint32, len(b.occ)), tfs: make([]uint8, len(b.occ)), lens: b.lens,
	}
	next := make([]uint32, len(order)) // term id → where its next document goes
	for i, id := range order {
		p.keys[i] = b.keys[id]
		next[id] = p.off[i]
		p.off[i+1] = p.off[i] + b.df[id]
	}
	start := 0
	for doc, end := range b.ends {
		for i := start; i < end; i++ {
			at := next[b.occ[i]]
			p.docs[at], p.tfs[at] = uint32(doc), b.tfs[i]
			next[b.occ[i]]++
		}
		start = end
	}
	p.prepare()
	return p
}

// prepare computes what follows from the counts.
func (p *postings) prepare() { p.prepareWith(bm25B) }

// prepareWith is prepare with another share of the length in the score: at 1 a
// long document gains nothing by its length.
func (p *postings) prepareWith(b float32) {
	p.n = 0
	var total float64
	for _, l := range p.lens {
		if l > 0 {
			p.n++
			total += float64(l)
		}
	}
	average := float32(max(total/float64(max(p.n, 1)), 1))
	p.norm = make([]float32, len(p.lens))
	for i, l := range p.lens {
		p.norm[i] = bm25K1 * (1 - b + b*l/average)
	}
	p.idf = make([]float32, len(p.keys))
	for i := range p.keys {
		df := float64(p.off[i+1] - p.off[i])
		p.idf[i] = float32(math.Log(1 + (float64(p.n)-df+0.5)/(df+0.5)))
	}
}

// find gives the position of a term, or -1.
func (p *postings) find(k termKey) int {
	i, ok := slices.BinarySearch(p.keys, k)
	if !ok {
		return -1
	}
	return i
}

// df gives in how many documents a term stands.
func (p *postings) df(k termKey) int {
	i := p.find(k)
	if i < 0 {
		return 0
	}
	return int(p.off[i+1] - p.off[i])
}

// queryTerm is a term with its weight in the question.
type queryTerm struct {
	key    termKey
	weight float32
}

// score adds weight × BM25 of the terms to each document's score.
func (p *postings) score(terms []queryTerm, weight float32, scores []float32) {
	for _, t := range terms {
		i := p.find(t.key)
		if i < 0 {
			continue
		}
		w := weight * t.weight * p.idf[i] * (bm25K1 + 1)
		for j := p.off[i]; j < p.off[i+1]; j++ {
			tf := float32(p.tfs[j])
			d := p.docs[j]
			scores[d] += w * tf / (tf + p.norm[d])
		}
	}
}

// ideal is about the score of a document that says all of the terms, once each.
func (p *postings) ideal(terms []queryTerm) float32 {
	unknown := float32(math.Log(1 + 2*float64(p.n)))
	var sum float32
	for _, t := range terms {
		idf := unknown
		if i := p.find(t.key); i >= 0 {
			idf = p.idf[i]
		}
		sum += t.weight * idf
	}
	return sum
}

// of gives the BM25 score of one document, term by term, for explanations.
func (p *postings) of(doc int, terms []queryTerm, f func(queryTerm, float32)) {
	for _, t := range terms {
		i := p.find(t.key)
		if i < 0 {
			continue
		}
		at, ok := slices.BinarySearch(p.docs[p.off[i]:p.off[i+1]], uint32(doc))
		if !ok {
			continue
		}
		tf := float32(p.tfs[int(p.off[i])+at])
		f(t, t.weight*p.idf[i]*(bm25K1+1)*tf/(tf+p.norm[doc]))
	}
}
