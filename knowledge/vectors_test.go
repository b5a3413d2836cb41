package knowledge

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// clustered gives vectors in clusters, as embeddings of texts are.
func clustered(n, dim int) [][]float32 {
	rng := rand.New(rand.NewPCG(3, 4))
	centres := make([][]float32, 1+n/40)
	for i := range centres {
		centres[i] = make([]float32, dim)
		for j := range centres[i] {
			centres[i][j] = float32(rng.NormFloat64())
		}
	}
	out := make([][]float32, n)
	for i := range out {
		out[i] = slices.Clone(centres[rng.IntN(len(centres))])
		for j := range out[i] {
			out[i][j] += 0.9 * float32(rng.NormFloat64())
		}
	}
	return out
}

func TestVectorIndexFindsTheNearest(t *testing.T) {
	t.Parallel()
	const n, dim = 8000, 128
	vectors := clustered(n, dim)
	x, err := NewVectorIndex(vectors)
	if err != nil {
		t.Fatal(err)
	}
	found, all := 0, 0
	for _, q := range clustered(n, dim)[:30] {
		type near struct {
			at int
			c  float32
		}
		var exact []near
		for i, v := range vectors {
			u := slices.Clone(v)
			normalizeVector(u)
			exact = append(exact, near{i, dot(u, q)})
		}
		slices.SortFunc(exact, func(a, b near) int {
			if a.c > b.c {
				return -1
			}
			return 1
		})
		got := x.Nearest(q, 10)
		for _, e := range exact[:10] {
			all++
			if slices.ContainsFunc(got, func(h NearVector) bool { return h.At == e.at }) {
				found++
			}
		}
	}
	if share := float64(found) / float64(all); share < 0.97 {
		t.Errorf("%.3f of the true ten nearest are found, want 0.97", share)
	}
}

func TestVectorIndexEdges(t *testing.T) {
	t.Parallel()
	if _, err := NewVectorIndex([][]float32{{1, 2}, {1}}); err == nil {
		t.Error("vectors of two lengths are taken")
	}
	x, err := NewVectorIndex(nil)
	if err != nil || x.Nearest([]float32{1}, 3) != nil {
		t.Errorf("an empty index finds something, or error %v", err)
	}
	if x, _ = NewVectorIndex([][]float32{{0, 0}, {1, 0}}); x.Nearest([]float32{2, 0}, 1)[0].At != 1 {
		t.Error("a zero vector is nearer than an equal one")
	}
	if x.Nearest([]float32{1, 2, 3}, 1) != nil {
		t.Error("a question of another length finds something")
	}
}

// countingEmbedder gives each text the counts of its first characters.
func BenchmarkVectorSearch(b *testing.B) {
	const dim = 1024
	for _, n := range []int{6000, 60000} {
		if testing.Short() && n > 6000 {
			continue
		}
		b.Run("vectors="+strconv.Itoa(n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			x := &VectorIndex{dim: dim, codes: make([]int8, n*dim), scales: make([]float32, n)}
			for i := range x.codes {
				x.codes[i] = int8(rng.IntN(255) - 127)
			}
			for i := range x.scales {
				x.scales[i] = 1.0 / 2400
			}
			x.prepare()
			q := make([]float32, dim)
			for i := range q {
				q[i] = float32(rng.NormFloat64())
			}
			b.ReportAllocs()
			for b.Loop() {
				x.Nearest(q, 100)
			}
		})
	}
}
