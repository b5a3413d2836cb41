package knowledge

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// Embedder gives vectors of texts by a model of meaning, one a text, all of one
// length.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// embedBatch is how many texts go to an Embedder at once; embeddings services
// take 16 to 2,048.
const embedBatch = 64

// denseText is how much of a document is embedded, in runes: models read 512
// tokens or more, and the head of an article says what it is about.
const denseText = 600

// DenseIndex finds documents by the likeness of their vectors to the
// question's.
type DenseIndex struct {
	e       Embedder
	docs    []*Document
	vectors *VectorIndex
}

// textKey names a text in the cache of vectors.
type textKey [16]byte

// OpenDense gives the dense index of documents. Vectors are kept in the cache
// file by the hash of their text, so only new texts are embedded; those are
// written even if a later batch fails. name is that of the model: another
// model's vectors are not used.
func OpenDense(ctx context.Context, cache, name string, docs []*Document, e Embedder) (*DenseIndex, error) {
	known, err := readVectors(cache, name)
	if err != nil {
		known = map[textKey][]float32{} // damaged or another model's: embedded anew
	}
	fresh := map[textKey][]float32{}
	var embedErr error
	texts := make([]string, len(docs))
	var missing []string
	queued := map[textKey]bool{}
	for i, d := range docs {
		texts[i] = embeddedText(d)
		if k := keyOf(texts[i]); known[k] == nil && !queued[k] {
			queued[k] = true
			missing = append(missing, texts[i])
		}
	}
	for len(missing) > 0 && embedErr == nil {
		batch := missing[:min(embedBatch, len(missing))]
		var got [][]float32
		if got, embedErr = e.Embed(ctx, batch); embedErr != nil {
			break
		}
		if len(got) != len(batch) {
			embedErr = fmt.Errorf("%d vectors for %d texts", len(got), len(batch))
			break
		}
		for i, v := range got {
			fresh[keyOf(batch[i])], known[keyOf(batch[i])] = v, v
		}
		missing = missing[len(batch):]
	}
	if len(fresh) > 0 {
		if err := writeWhole(cache, func(w io.Writer) error { return writeVectors(w, name, known) }); err != nil {
			return nil, fmt.Errorf("keep vectors: %w", err)
		}
	}
	if embedErr != nil {
		return nil, fmt.Errorf("embed texts: %w", embedErr)
	}
	vectors := make([][]float32, len(docs))
	for i, t := range texts {
		vectors[i] = known[keyOf(t)]
	}
	x, err := NewVectorIndex(vectors)
	if err != nil {
		return nil, err
	}
	return &DenseIndex{e, docs, x}, nil
}

// embeddedText is what of a document is embedded.
func embeddedText(d *Document) string {
	switch {
	case d.Article != nil:
		return clip(d.Title+" "+d.Article.Chapter+"\n"+d.Article.Text, denseText)
	case d.Entry != nil:
		return clip(d.Title+"\n"+entryText(d.Entry), denseText)
	}
	return d.Title
}

func keyOf(text string) textKey {
	sum := sha256.Sum256([]byte(text))
	return textKey(sum[:16])
}

// Search gives the documents nearest to the question. Score is the cosine; Fit
// is left to the lexical search, whose scale is known.
func (x *DenseIndex) Search(ctx context.Context, q Query) ([]Hit, error) {
	if q.N <= 0 {
		q.N = defaultHits
	}
	v, err := x.e.Embed(ctx, []string{clip(q.Text, denseText)})
	if err != nil {
		return nil, fmt.Errorf("embed question: %w", err)
	}
	if len(v) != 1 {
		return nil, fmt.Errorf("embed question: %d vectors for one text", len(v))
	}
	var hits []Hit
	for _, near := range x.vectors.Nearest(v[0], vectorPool) {
		d := x.docs[near.At]
		if q.Kind != "" && d.Kind != q.Kind || !allowed(d, q) {
			continue
		}
		hits = append(hits, Hit{Doc: d, Score: float64(near.Cosine)})
		if len(hits) == q.N {
			break
		}
	}
	return hits, nil
}

const vectorsMagic = "mingbai-vectors-1\n"

// maxDim bounds the length of vectors read; the largest models give 4,096.
const maxDim = 8192

// writeVectors stores vectors as bytes with a scale, in no particular order.
func writeVectors(w io.Writer, name string, vectors map[textKey][]float32) error {
	if _, err := fmt.Fprintf(w, "%s%q\n", vectorsMagic, name); err != nil {
		return err
	}
	for k, v := range vectors {
		scale, code := quantize(v)
		for _, part := range []any{k, uint32(len(v)), scale, code} {
			if err := binary.Write(w, binary.LittleEndian, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func readVectors(file, name string) (map[textKey][]float32, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	head := fmt.Sprintf("%s%q\n", vectorsMagic, name)
	got := make([]byte, len(head))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != head {
		return nil, errCache
	}
	out := map[textKey][]float32{}
	for {
		var k textKey
		if _, err := io.ReadFull(r, k[:]); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, errCache
		}
		var n uint32
		var scale float32
		if binary.Read(r, binary.LittleEndian, &n) != nil || n > maxDim || binary.Read(r, binary.LittleEndian, &scale) != nil {
			return nil, errCache
		}
		code := make([]byte, n)
		if _, err := io.ReadFull(r, code); err != nil {
			return nil, errCache
		}
		v := make([]float32, n)
		for i, c := range code {
			v[i] = float32(int8(c)) * scale
		}
		out[k] = v
	}
}
