package knowledge

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// learnWeights weigh what phrasings teach about articles, in the unit of the
// lexical sum. Chosen by cross-validation, see docs/retrieval.md.
type learnWeights struct {
	law, part, doc float32 // how often a law, a chapter of it, an article of that is asked about
	vote           float32 // the law of the phrasings most like the question
	assoc          float32 // words of articles that go with the question's words
	meaning        float32 // likeness of the vectors of question and article
	neighbour      bool    // see deepen
	chapter        bool
}

var defaultLearnWeights = learnWeights{law: 0.8, part: 0.4, doc: 0.3, vote: 4, assoc: 0.4, meaning: 60, neighbour: true, chapter: true}

// without gives the weights with some parts at nothing.
func (w learnWeights) without(parts []string) learnWeights {
	for _, p := range parts {
		switch p {
		case "prior":
			w.law, w.part, w.doc = 0, 0, 0
		case "vote":
			w.vote = 0
		case "association":
			w.assoc = 0
		case "meaning":
			w.meaning = 0
		case "neighbour":
			w.neighbour = false
		case "chapter":
			w.chapter = false
		}
	}
	return w
}

// Smoothing of the rates at which articles are asked about.
const (
	smoothPart = 4.0 // articles' worth of the law's rate in each chapter's
	smoothDoc  = 3.0 // articles' worth of the chapter's rate in each article's
)

// learned is what the phrasings attached to articles teach about articles they
// are not attached to: which laws and chapters people ask about, which law the
// phrasings like a question belong to, and which words of articles go with
// which words of questions.
type learned struct {
	prior []float32 // per document: log share of the questions, relative to the mean
	assoc map[termKey][]queryTerm
}

// phrasing is one phrasing attached to one document.
type phrasing struct {
	doc  uint32
	text string // normalized
}

func learnFrom(x *articleIndex, ps []phrasing) *learned {
	if len(ps) == 0 {
		return nil
	}
	return &learned{prior: learnPrior(x, ps, x.weights), assoc: learnAssociations(x, ps)}
}

// learnPrior gives for each document how often it is asked about: the weighted
// logs of the law's rate against the corpus', of the chapter's against the
// law's and of the article's against the chapter's. Rates are phrasings an
// article, with the square root of each article's count, so that an article
// with many phrasings does not speak for its neighbours.
func learnPrior(x *articleIndex, ps []phrasing, w learnWeights) []float32 {
	law, part, doc := make([]float64, len(x.laws)), make([]float64, x.parts), make([]float64, len(x.docs))
	lawSize, partSize := make([]float64, len(x.laws)), make([]float64, x.parts)
	for _, p := range ps {
		doc[p.doc]++
	}
	total := 0.0
	for i := range x.docs {
		lawSize[x.lawOf[i]]++
		partSize[x.partOf[i]]++
		doc[i] = math.Sqrt(doc[i])
		law[x.lawOf[i]] += doc[i]
		part[x.partOf[i]] += doc[i]
		total += doc[i]
	}
	const little = 1e-3
	mean := total / float64(len(x.docs))
	out := make([]float32, len(x.docs))
	for i := range out {
		l, c := x.lawOf[i], x.partOf[i]
		lawRate, partRate := law[l]/lawSize[l], part[c]/partSize[c]
		ofLaw := (law[l] + 1) / (lawSize[l]*mean + 1)
		ofPart := ((part[c]+smoothPart*lawRate)/(partSize[c]+smoothPart) + little) / (lawRate + little)
		ofDoc := ((doc[i]+smoothDoc*partRate)/(1+smoothDoc) + little) / (partRate + little)
		out[i] = w.law*logf(ofLaw) + w.part*logf(ofPart) + w.doc*logf(ofDoc)
	}
	return out
}

func logf(v float64) float32 { return float32(math.Log(v)) }

const (
	assocMin     = 3   // a word of questions must stand in so many phrasings to teach
	assocTerms   = 12  // words of articles kept for each word of questions
	assocQuery   = 100 // words added to one question
	assocWorkers = 2   // goroutines that learn them
	assocScale   = 20  // makes the weights of added words comparable with those said
)

// learnAssociations finds for each term of the phrasings the pairs of
// characters that stand in its articles more than in those of all phrasings.
func learnAssociations(x *articleIndex, ps []phrasing) map[termKey][]queryTerm {
	vectors := map[uint32][]queryTerm{} // position of the term in x.text.keys as key
	docsOf := map[termKey][]uint32{}
	for _, p := range ps {
		if vectors[p.doc] == nil {
			vectors[p.doc] = x.vector(p.doc)
		}
		for k := range termCounts(p.text) {
			docsOf[k] = append(docsOf[k], p.doc)
		}
	}
	mean := make([]float32, len(x.text.keys))
	for _, p := range ps {
		for _, t := range vectors[p.doc] {
			mean[t.key] += t.weight / float32(len(ps))
		}
	}
	var keys []termKey
	for k, docs := range docsOf {
		if len(docs) >= assocMin && x.text.df(k) <= x.text.n/10 {
			keys = append(keys, k)
		}
	}
	found := make([][]queryTerm, len(keys))
	var wait sync.WaitGroup
	for part := range assocWorkers {
		wait.Go(func() {
			sum := make([]float32, len(x.text.keys))
			for i := part; i < len(keys); i += assocWorkers {
				found[i] = associate(x, docsOf[keys[i]], vectors, mean, sum)
			}
		})
	}
	wait.Wait()
	out := make(map[termKey][]queryTerm, len(keys))
	for i, k := range keys {
		out[k] = found[i]
	}
	return out
}

// associate gives the terms that the documents have more of than the mean.
func associate(x *articleIndex, docs []uint32, vectors map[uint32][]queryTerm, mean, sum []float32) []queryTerm {
	var used []termKey
	shrink := 1 / (float32(len(docs)) + 3) // few phrasings teach little
	for _, d := range docs {
		for _, t := range vectors[d] {
			if sum[t.key] == 0 {
				used = append(used, t.key)
			}
			sum[t.key] += t.weight * shrink
		}
	}
	var best []queryTerm // the heaviest, sorted
	for _, k := range used {
		t := queryTerm{x.text.keys[k], sum[k] - mean[k]}
		sum[k] = 0
		if t.weight <= 0 || len(best) == assocTerms && heavier(t, best[assocTerms-1]) > 0 {
			continue
		}
		if len(best) < assocTerms {
			best = append(best, t)
		}
		i := len(best) - 1
		for ; i > 0 && heavier(t, best[i-1]) < 0; i-- {
			best[i] = best[i-1]
		}
		best[i] = t
	}
	return best
}

func heavier(a, b queryTerm) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.key, b.key))
}

// vector gives a document's pairs of characters, as positions in the text
// field, with tf·idf weights of length 1.
func (x *articleIndex) vector(doc uint32) []queryTerm {
	var out []queryTerm
	var sq float64
	for k, n := range termCounts(Normalize(x.docs[doc].Article.Text)) {
		if i := x.text.find(k); i >= 0 && k.pair() {
			w := x.text.idf[i] * float32(math.Sqrt(float64(n)))
			out = append(out, queryTerm{termKey(i), w})
			sq += float64(w * w)
		}
	}
	for i := range out {
		out[i].weight /= float32(math.Sqrt(sq))
	}
	slices.SortFunc(out, func(a, b queryTerm) int { return cmp.Compare(a.key, b.key) })
	return out
}

// expand gives the words of articles that go with a question's words.
func (l *learned) expand(x *articleIndex, terms []queryTerm) []queryTerm {
	sums := map[termKey]float32{}
	var norm float32
	for _, t := range terms {
		idf := float32(math.Log(float64(x.text.n+1) / float64(x.text.df(t.key)+1)))
		norm += t.weight * idf
		for _, a := range l.assoc[t.key] {
			sums[a.key] += t.weight * idf * a.weight
		}
	}
	out := make([]queryTerm, 0, len(sums))
	for k, w := range sums {
		out = append(out, queryTerm{k, assocScale * w / norm})
	}
	slices.SortFunc(out, heavier)
	out = out[:min(assocQuery, len(out))]
	slices.SortFunc(out, func(a, b queryTerm) int { return cmp.Compare(a.key, b.key) })
	return out
}

const (
	voters    = 40   // phrasings like the question that vote for their law
	voteFloor = 0.02 // share of a law without a vote
	voteSure  = 0.2  // share of the question that the best phrasing says for the vote to count in full
)

// vote adds to each document weight × the log share of its law among the
// documents whose phrasings are most like the question; less where even those
// are little like it. asked are the scores of the phrasings' field.
func (x *articleIndex) vote(terms []queryTerm, asked []float32, weight float32, scores []float32) {
	top := x.best(asked, nil, voters)
	if len(top) == 0 {
		return
	}
	weight *= min(1, asked[top[0]]/(articleAsked*x.asked.ideal(terms)*voteSure))
	shares := map[uint32]float64{}
	var all float64
	for _, d := range top {
		v := math.Pow(float64(asked[d]/asked[top[0]]), 3)
		shares[x.lawOf[d]] += v
		all += v
	}
	floor := float32(math.Log(voteFloor))
	byLaw := make([]float32, len(x.laws))
	for law, s := range shares {
		byLaw[law] = weight * (float32(math.Log(s/all*(1-voteFloor)+voteFloor)) - floor)
	}
	for i, law := range x.lawOf {
		scores[i] += byLaw[law]
	}
}
