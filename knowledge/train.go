package knowledge

import (
	"math"
	"math/rand/v2"
	"slices"
)

// trainOptions are the settings of the encoder's training. The seed makes it
// repeatable.
type trainOptions struct {
	dim       int
	minDF     int // passages a term must stand in to have a vector
	power     int // power iterations for the first vectors
	epochs    int
	batch     int
	negatives int // mined passages besides those of the batch
	scale     float32
	rate      float32
	seed      uint64
}

var defaultTrainOptions = trainOptions{dim: 64, minDF: 12, power: 2, epochs: 10, batch: 32, negatives: 6, scale: 16, rate: 4, seed: 1}

// example is one question with the passages that answer it.
type example struct {
	terms map[termKey]int
	gold  []uint32
	hard  []uint32 // passages that look alike and do not answer it
}

// trainer learns an encoder over the passages of one field.
type trainer struct {
	o        trainOptions
	e        *encoder
	passages [][]token // by document; filled for those used
	x        *articleIndex
	sqQ, sqP []float32 // sums of squared gradients, a row a term (Adagrad)
	rng      *rand.Rand
}

// trainEncoder learns from examples over the articles of an index.
func trainEncoder(x *articleIndex, examples []example, o trainOptions) *encoder {
	e := &encoder{dim: o.dim}
	rng := rand.New(rand.NewPCG(o.seed, 2))
	e.startVectors(x.text, o, rng)
	e.question = slices.Clone(e.passage)
	t := &trainer{o: o, e: e, x: x, rng: rng, passages: make([][]token, len(x.docs)),
		sqQ: make([]float32, len(e.keys)), sqP: make([]float32, len(e.keys))}
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	for epoch := range o.epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := o.rate * (1 - float32(epoch)/float32(o.epochs))
		for b := range slices.Chunk(order, o.batch) {
			t.step(examples, b, rate)
		}
	}
	return e
}

// startVectors gives each frequent term the row of the first left singular
// vectors of the term–passage matrix (tf·idf), found by subspace iteration from
// a random start, times its idf.
func (e *encoder) startVectors(p *postings, o trainOptions, rng *rand.Rand) {
	var at []int
	for i, k := range p.keys {
		if int(p.off[i+1]-p.off[i]) >= o.minDF {
			e.keys = append(e.keys, k)
			at = append(at, i)
		}
	}
	docs := make([]float32, len(p.lens)*o.dim)
	for i := range docs {
		docs[i] = float32(rng.NormFloat64())
	}
	norms := make([]float32, len(p.lens)) // of passages' vectors
	for _, i := range at {
		for j := p.off[i]; j < p.off[i+1]; j++ {
			w := p.idf[i] * float32(math.Sqrt(float64(p.tfs[j])))
			norms[p.docs[j]] += w * w
		}
	}
	for i, n := range norms {
		norms[i] = 1 / float32(math.Sqrt(float64(n)+1e-6))
	}
	e.passage = make([]float32, len(e.keys)*o.dim)
	for it := 0; ; it++ {
		e.project(p, at, docs, norms, true)
		orthonormalize(e.passage, o.dim)
		if it == o.power {
			break
		}
		e.project(p, at, docs, norms, false)
	}
	for r, i := range at {
		row := e.passage[r*o.dim : (r+1)*o.dim]
		for j := range row {
			row[j] *= p.idf[i] * 30 // about 1 long, so that steps of one size suit all
		}
	}
}

// project multiplies by the weighted term–passage matrix: passages to terms, or
// terms to passages.
func (e *encoder) project(p *postings, at []int, docs, norms []float32, toTerms bool) {
	if toTerms {
		clear(e.passage)
	} else {
		clear(docs)
	}
	for r, i := range at {
		row := e.passage[r*e.dim : (r+1)*e.dim]
		for j := p.off[i]; j < p.off[i+1]; j++ {
			d := int(p.docs[j])
			w := p.idf[i] * float32(math.Sqrt(float64(p.tfs[j]))) * norms[d]
			v := docs[d*e.dim : (d+1)*e.dim]
			if toTerms {
				for n := range row {
					row[n] += w * v[n]
				}
			} else {
				for n := range row {
					v[n] += w * row[n]
				}
			}
		}
	}
}

// orthonormalize makes the columns of a matrix with dim columns orthonormal
// (modified Gram–Schmidt).
func orthonormalize(m []float32, dim int) {
	rows := len(m) / dim
	for c := range dim {
		for b := range c {
			var s float64
			for r := range rows {
				s += float64(m[r*dim+c]) * float64(m[r*dim+b])
			}
			for r := range rows {
				m[r*dim+c] -= float32(s) * m[r*dim+b]
			}
		}
		var s float64
		for r := range rows {
			s += float64(m[r*dim+c]) * float64(m[r*dim+c])
		}
		inv := float32(1 / math.Sqrt(s+1e-12))
		for r := range rows {
			m[r*dim+c] *= inv
		}
	}
}

// passageTokens gives the tokens of a passage.
func (t *trainer) passageTokens(doc uint32) []token {
	if t.passages[doc] == nil {
		t.passages[doc] = t.e.passageTokens(t.x, doc)
	}
	return t.passages[doc]
}

// encoded is one text of a step, with its gradient.
type encoded struct {
	tokens []token
	v      []float32 // of length 1
	length float32
	grad   []float32 // of the loss by v
}

func (t *trainer) encoded(table []float32, tokens []token) encoded {
	v := make([]float32, t.e.dim)
	t.e.sum(table, tokens, v)
	return encoded{tokens, v, normalizeVector(v), make([]float32, t.e.dim)}
}

// step learns from one batch: each question should prefer its passage to the
// passages of the other questions and to mined ones (softmax over products).
func (t *trainer) step(examples []example, batch []int, rate float32) {
	var qs, ps []encoded
	var ids []uint32
	add := func(doc uint32) {
		if !slices.Contains(ids, doc) {
			ids = append(ids, doc)
			ps = append(ps, t.encoded(t.e.passage, t.passageTokens(doc)))
		}
	}
	want := make([]uint32, len(batch))
	for i, b := range batch {
		x := examples[b]
		qs = append(qs, t.encoded(t.e.question, t.e.tokens(x.terms)))
		want[i] = x.gold[t.rng.IntN(len(x.gold))]
		add(want[i])
		for range min(t.o.negatives, len(x.hard)) {
			add(x.hard[t.rng.IntN(len(x.hard))])
		}
	}
	probs := make([]float32, len(ps))
	for i, b := range batch {
		t.softmax(qs[i], ps, ids, examples[b].gold, want[i], probs)
		for j, p := range probs {
			if p == 0 {
				continue
			}
			for n := range qs[i].grad {
				qs[i].grad[n] += p * ps[j].v[n]
				ps[j].grad[n] += p * qs[i].v[n]
			}
		}
	}
	for i := range qs {
		t.update(t.e.question, t.sqQ, qs[i], rate)
	}
	for i := range ps {
		t.update(t.e.passage, t.sqP, ps[i], rate)
	}
}

// softmax fills g with the gradient of the loss by each product: probability
// less one for the wanted passage. Other golds of the question are left out.
func (t *trainer) softmax(q encoded, ps []encoded, ids, gold []uint32, want uint32, g []float32) {
	var most float32 = -2
	for j := range ps {
		g[j] = dot(q.v, ps[j].v)
		most = max(most, g[j])
	}
	var sum float32
	for j, id := range ids {
		if id != want && slices.Contains(gold, id) {
			g[j] = 0
			continue
		}
		g[j] = float32(math.Exp(float64(t.o.scale * (g[j] - most))))
		sum += g[j]
	}
	for j, id := range ids {
		g[j] /= sum
		if id == want {
			g[j]--
		}
	}
}

// update takes one Adagrad step on the rows of a text's tokens.
func (t *trainer) update(table, squares []float32, x encoded, rate float32) {
	if x.length == 0 {
		return
	}
	// Through the scaling to length 1: only what is across v moves it.
	along := dot(x.grad, x.v)
	for n := range x.grad {
		x.grad[n] = (x.grad[n] - along*x.v[n])
	}
	size := dot(x.grad, x.grad)
	if size == 0 {
		return
	}
	for _, tok := range x.tokens {
		squares[tok.row] += tok.weight * tok.weight * size
		step := rate * tok.weight / float32(math.Sqrt(float64(squares[tok.row])+1e-8))
		row := table[int(tok.row)*t.e.dim : (int(tok.row)+1)*t.e.dim]
		for n, g := range x.grad {
			row[n] -= step * g
		}
	}
}
