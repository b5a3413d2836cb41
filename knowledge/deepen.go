package knowledge

import (
	"cmp"
	"math"
	"slices"
)

// Below the first few places it is worth more to cover the matter than to be
// sure of each article: one that stands beside a good one, or in a chapter that
// many good ones are of, goes before one that merely shares words. Chosen on
// half of the questions, see docs/retrieval.md; the first places are left as
// they are, since there it costs a point.
const (
	deepFrom       = 10  // places that are never changed
	deepSource     = 50  // articles whose chapters count
	deepNeighbour  = 0.2 // of the score of the better neighbour
	deepChapter    = 2   // × log(1 + 50 × share of the chapter)
	deepMeaning    = 30  // × the product of the vectors, besides its weight in the score
	deepShareScale = 10  // by how much a score must be lower for its share to be e times less
)

// rowMeaning is the row of scratch in which the products of vectors are kept.
const rowMeaning = 5

// neighbours gives for each document those before and after it in its chapter
// of the same version of the law; itself where there is none.
func (x *articleIndex) neighbours() (before, after []uint32) {
	order := make([]uint32, len(x.docs))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, j uint32) int {
		a, b := x.docs[i].Article, x.docs[j].Article
		return cmp.Or(cmp.Compare(x.lawOf[i], x.lawOf[j]), a.Effective.Compare(b.Effective), a.Published.Compare(b.Published),
			cmp.Compare(a.No.N, b.No.N), cmp.Compare(a.No.Sub, b.No.Sub), cmp.Compare(i, j))
	})
	before, after = make([]uint32, len(order)), make([]uint32, len(order))
	for k, d := range order {
		before[d], after[d] = d, d
		if k > 0 && x.together(order[k-1], d) {
			before[d], after[order[k-1]] = order[k-1], d
		}
	}
	return before, after
}

// together says whether two articles are of one chapter of one version.
func (x *articleIndex) together(a, b uint32) bool {
	p, q := x.docs[a].Article, x.docs[b].Article
	return x.partOf[a] == x.partOf[b] && p.Effective.Equal(q.Effective) && p.Published.Equal(q.Published)
}

// deepen ranks n documents that pass: the first deepFrom as they score, the
// others with what their neighbours and their chapter are worth. What says the
// question word for word (exact) gains as much as any other.
func (x *articleIndex) deepen(scores []float32, exact []uint32, pass func(*Document) bool, n int, s *scratch) []uint32 {
	top := x.best(scores, pass, max(deepFrom, deepSource))
	if n <= deepFrom || len(top) <= deepFrom {
		return top[:min(n, len(top))]
	}
	deep := s.take(3, len(x.docs))
	copy(deep, scores)
	gain := s.take(4, len(x.docs))
	x.addNeighbours(scores, gain)
	x.addChapters(scores, top, gain)
	if x.model != nil && x.weights.meaning > 0 {
		for i, v := range s.scores[rowMeaning] {
			gain[i] += deepMeaning * v
		}
	}
	most := slices.Max(gain)
	for _, d := range exact {
		gain[d] = most
	}
	for i, v := range gain {
		if deep[i] > 0 {
			deep[i] += v
		}
	}
	for _, d := range top[:deepFrom] {
		deep[d] = 0
	}
	return append(top[:deepFrom:deepFrom], x.best(deep, pass, n-deepFrom)...)
}

// addNeighbours adds to each document's gain a share of its better neighbour's
// score.
func (x *articleIndex) addNeighbours(scores, gain []float32) {
	if !x.weights.neighbour {
		return
	}
	for d := range gain {
		best := float32(0)
		if b := x.before[d]; b != uint32(d) {
			best = scores[b]
		}
		if a := x.after[d]; a != uint32(d) {
			best = max(best, scores[a])
		}
		if best >= bonusNamedArticle/2 {
			best -= bonusNamedArticle
		}
		gain[d] += deepNeighbour * max(0, best)
	}
}

// addChapters adds to each document's gain what its chapter has of the best
// articles.
func (x *articleIndex) addChapters(scores []float32, top []uint32, gain []float32) {
	if !x.weights.chapter {
		return
	}
	shares := map[uint32]float64{}
	var all float64
	for _, d := range top {
		v := math.Exp(float64((scores[d] - scores[top[0]]) / deepShareScale))
		shares[x.partOf[d]] += v
		all += v
	}
	for d, part := range x.partOf {
		if v := shares[part]; v > 0 {
			gain[d] += deepChapter * float32(math.Log(1+50*v/all))
		}
	}
}
