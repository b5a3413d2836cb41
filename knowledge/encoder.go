package knowledge

import (
	"math"
	"slices"
)

// encoder turns texts into vectors of length 1 whose product says how well a
// question and a passage go together. A text is the sum of the vectors of its
// terms, each with the root of its count; questions and passages have a table
// each. Read-only once trained.
type encoder struct {
	dim      int
	keys     []termKey // sorted vocabulary
	passage  []float32 // len(keys)×dim
	question []float32 // len(keys)×dim
}

// headingWeight is what a word of the chapter's heading or the law's title counts
// beside one of the text.
const headingWeight = 0.5

// tokens gives the rows and weights of a text's terms.
type token struct {
	row    uint32
	weight float32
}

func (e *encoder) tokens(terms map[termKey]int) []token {
	out := make([]token, 0, len(terms))
	for k, n := range terms {
		if i, ok := slices.BinarySearch(e.keys, k); ok {
			out = append(out, token{uint32(i), float32(math.Sqrt(float64(n)))})
		}
	}
	slices.SortFunc(out, func(a, b token) int { return int(a.row) - int(b.row) })
	return out
}

// questionTokens gives the tokens of an analysed question.
func (e *encoder) questionTokens(terms []queryTerm) []token {
	out := make([]token, 0, len(terms))
	for _, t := range terms {
		if i, ok := slices.BinarySearch(e.keys, t.key); ok {
			out = append(out, token{uint32(i), t.weight})
		}
	}
	return out
}

// sum adds the rows of the tokens to v.
func (e *encoder) sum(table []float32, tokens []token, v []float32) {
	for _, t := range tokens {
		row := table[int(t.row)*e.dim : (int(t.row)+1)*e.dim]
		for i, x := range row {
			v[i] += t.weight * x
		}
	}
}

// encode gives the vector of a text, of length 1 (or 0 if no term is known).
func (e *encoder) encode(table []float32, tokens []token) []float32 {
	v := make([]float32, e.dim)
	e.sum(table, tokens, v)
	normalizeVector(v)
	return v
}

// normalizeVector scales v to length 1 and gives its length before.
func normalizeVector(v []float32) float32 {
	n := float32(math.Sqrt(float64(dot(v, v))))
	if n == 0 {
		return 0
	}
	for i := range v {
		v[i] /= n
	}
	return n
}

// dot is the product of two vectors of one length. Eight sums side by side, of
// slices whose length the compiler knows, run about three times as fast as one.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		s4 += x[4] * y[4]
		s5 += x[5] * y[5]
		s6 += x[6] * y[6]
		s7 += x[7] * y[7]
		a, b = a[8:], b[8:]
	}
	for i := range min(len(a), len(b)) {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
}

// encodeFields gives the vectors of all documents of an index.
func (e *encoder) encodeFields(x *articleIndex) []float32 {
	out := make([]float32, len(x.docs)*e.dim)
	e.addField(x.text, 1, out)
	e.addField(x.chapter, headingWeight, out)
	titles := e.encodeTitles(x)
	for d, law := range x.lawOf {
		v := out[d*e.dim : (d+1)*e.dim]
		for n, t := range titles[law] {
			v[n] += t
		}
		normalizeVector(v)
	}
	return out
}

// encodeTitles gives the sum of the vectors of each law's title.
func (e *encoder) encodeTitles(x *articleIndex) [][]float32 {
	out := make([][]float32, len(x.laws))
	for i, l := range x.laws {
		out[i] = make([]float32, e.dim)
		tokens := e.tokens(termCounts(Normalize(l.title)))
		for t := range tokens {
			tokens[t].weight *= headingWeight
		}
		e.sum(e.passage, tokens, out[i])
	}
	return out
}

// addField adds weight × the vectors of a field's terms to those of its
// documents.
func (e *encoder) addField(p *postings, weight float32, out []float32) {
	var root [256]float32
	for i := range root {
		root[i] = weight * float32(math.Sqrt(float64(i)))
	}
	for i, k := range p.keys {
		r, ok := slices.BinarySearch(e.keys, k)
		if !ok {
			continue
		}
		row := e.passage[r*e.dim : (r+1)*e.dim]
		for j := p.off[i]; j < p.off[i+1]; j++ {
			v := out[int(p.docs[j])*e.dim : (int(p.docs[j])+1)*e.dim]
			w := root[p.tfs[j]]
			for n, x := range row {
				v[n] += w * x
			}
		}
	}
}

// passageTokens gives the tokens of a document as encodeFields counts them.
func (e *encoder) passageTokens(x *articleIndex, doc uint32) []token {
	a := x.docs[doc].Article
	out := e.tokens(termCounts(Normalize(a.Text)))
	for _, heading := range []string{a.Chapter, a.Law} {
		for _, t := range e.tokens(termCounts(Normalize(heading))) {
			out = append(out, token{t.row, headingWeight * t.weight})
		}
	}
	return out
}
