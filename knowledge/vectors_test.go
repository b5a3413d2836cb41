package knowledge

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
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
type countingEmbedder struct {
	calls, texts int
	err          error
}

func (e *countingEmbedder) Embed(_ context.Context, texts []string) ([][]float32, error) {
	e.calls++
	e.texts += len(texts)
	if e.err != nil {
		return nil, e.err
	}
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = make([]float32, 64)
		for _, r := range t {
			out[i][int(r)%64]++
		}
	}
	return out, nil
}

func TestOpenDenseEmbedsEachTextOnce(t *testing.T) {
	t.Parallel()
	ctx, cache := t.Context(), filepath.Join(t.TempDir(), "vectors")
	docs := smallBase()
	e := &countingEmbedder{}
	x, err := OpenDense(ctx, cache, "counts", docs, e)
	if err != nil {
		t.Fatal(err)
	}
	hits, err := x.Search(ctx, Query{Text: embeddedText(docs[5]), Kind: KindArticle, N: 3})
	if err != nil || len(hits) != 3 || hits[0].Doc != docs[5] {
		t.Errorf("a document's own text finds %v, error %v", hits, err)
	}
	before := e.texts
	docs[4].Article.Text += "新"
	if _, err := OpenDense(ctx, cache, "counts", docs, e); err != nil || e.texts != before+1 {
		t.Errorf("after one text changed %d were embedded, error %v", e.texts-before, err)
	}
	before = e.texts
	if _, err := OpenDense(ctx, cache, "another model", docs, e); err != nil || e.texts != before+len(docs) {
		t.Errorf("for another model %d texts were embedded, want %d; error %v", e.texts-before, len(docs), err)
	}
	e.err = errors.New("down")
	if _, err := x.Search(ctx, Query{Text: "问"}); !errors.Is(err, e.err) {
		t.Errorf("the service's error is lost: %v", err)
	}
}

func TestFuse(t *testing.T) {
	t.Parallel()
	a, b, c := &Document{ID: "a"}, &Document{ID: "b"}, &Document{ID: "c"}
	got := Fuse(2, []Hit{{Doc: a, Fit: 0.3}, {Doc: b, Fit: 0.2}}, []Hit{{Doc: b}, {Doc: c}})
	if len(got) != 2 || got[0].Doc != b || got[1].Doc != a || got[0].Fit != 0.2 {
		t.Errorf("fused %v", got)
	}
}

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
