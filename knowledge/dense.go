package knowledge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// Embedder gives vectors of texts by a model of meaning, all of one length.
type Embedder interface {
	// Embed gives the vectors of texts of the base, one a text. It takes its time.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// EmbedQuestion gives the vector of what a person asked, at once or not at all.
	EmbedQuestion(ctx context.Context, text string) ([]float32, error)
}

// embedBatch is how many texts go to an Embedder at once; embeddings services
// take 10 to 2,048.
const embedBatch = 10

// denseText is how much of a document is embedded, in runes: models read 512
// tokens or more, and the head of an article says what it is about.
const denseText = 600

// textKey names a text in the file of vectors.
type textKey [16]byte

func keyOf(text string) textKey {
	sum := sha256.Sum256([]byte(text))
	return textKey(sum[:16])
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

// EmbedJob computes the vectors of documents.
type EmbedJob struct {
	File     string // where they are kept, by the hash of their text
	Model    string // whose they are; another model's are not used
	Docs     []*Document
	Embedder Embedder
	Progress func(done, total int) // texts; may be nil
}

// partSuffix names the file that a job under way writes to.
const partSuffix = ".part"

// Run embeds the texts that have no vector yet and says how many those were.
// Each batch is kept as it comes, so a job that was stopped or killed goes on
// where it was; File changes once, when all is there, and then holds the
// vectors of these documents alone.
func (j EmbedJob) Run(ctx context.Context) (fresh int, err error) {
	var keys []textKey
	texts := map[textKey]string{}
	for _, d := range j.Docs {
		t := embeddedText(d)
		k := keyOf(t)
		if _, ok := texts[k]; !ok {
			texts[k] = t
			keys = append(keys, k)
		}
	}
	known, err := readVectorFile(j.File, j.Model)
	whole := err == nil && len(known) == len(keys)
	if known == nil {
		known = map[textKey]storedVector{}
	}
	part, partErr := readVectorFile(j.File+partSuffix, j.Model)
	maps.Copy(known, part)
	missing := slices.DeleteFunc(slices.Clone(keys), func(k textKey) bool { _, ok := known[k]; return ok })
	if whole && len(missing) == 0 && errors.Is(partErr, fs.ErrNotExist) {
		return 0, nil
	}
	if partErr != nil { // not there, torn, or another model's: begun with what is good of it
		if err := writeVectorFile(j.File+partSuffix, j.Model, slices.Collect(maps.Keys(part)), part); err != nil {
			return 0, fmt.Errorf("keep vectors: %w", err)
		}
	}
	if fresh, err = j.embed(ctx, missing, texts, known, len(keys)); err != nil {
		return fresh, err
	}
	if err := writeVectorFile(j.File, j.Model, keys, known); err != nil {
		return fresh, fmt.Errorf("keep vectors: %w", err)
	}
	return fresh, os.Remove(j.File + partSuffix)
}

// embed gets the missing vectors into known and, batch by batch, into the part
// file.
func (j EmbedJob) embed(ctx context.Context, missing []textKey, texts map[textKey]string, known map[textKey]storedVector, total int) (fresh int, err error) {
	f, err := os.OpenFile(j.File+partSuffix, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, fmt.Errorf("keep vectors: %w", err)
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	dim := 0
	for _, v := range known {
		dim = len(v.code)
		break
	}
	for at := 0; at < len(missing); at += embedBatch {
		batch := missing[at:min(at+embedBatch, len(missing))]
		in := make([]string, len(batch))
		for i, k := range batch {
			in[i] = texts[k]
		}
		got, err := j.Embedder.Embed(ctx, in)
		if err != nil {
			return fresh, fmt.Errorf("embed texts: %w", err)
		}
		if len(got) != len(batch) {
			return fresh, fmt.Errorf("embed texts: %d vectors for %d texts", len(got), len(batch))
		}
		var records []byte
		for i, k := range batch {
			if dim == 0 {
				dim = len(got[i])
			}
			if len(got[i]) != dim || dim == 0 || dim > maxDim {
				return fresh, fmt.Errorf("embed texts: a vector of %d numbers where others have %d", len(got[i]), dim)
			}
			known[k] = storeVector(got[i])
			records = appendVector(records, k, known[k])
		}
		if _, err := f.Write(records); err != nil {
			return fresh, fmt.Errorf("keep vectors: %w", err)
		}
		fresh += len(batch)
		if j.Progress != nil {
			j.Progress(total-len(missing)+fresh, total)
		}
	}
	return fresh, nil
}

// DenseIndex finds documents by the likeness of their vectors to the
// question's.
type DenseIndex struct {
	e       Embedder
	docs    []*Document
	vectors *VectorIndex
}

// OpenDense gives the dense index of those documents whose vectors an EmbedJob
// has kept in file; missing says how many have none there.
func OpenDense(file, model string, docs []*Document, e Embedder) (x *DenseIndex, missing int, err error) {
	known, err := readVectorFile(file, model)
	if err != nil && !errors.Is(err, errTorn) {
		return nil, len(docs), err
	}
	x = &DenseIndex{e: e, vectors: &VectorIndex{}}
	var row []float32
	for _, d := range docs {
		v, ok := known[keyOf(embeddedText(d))]
		if !ok {
			missing++
			continue
		}
		row = slices.Grow(row[:0], len(v.code))[:len(v.code)]
		v.into(row)
		if err := x.vectors.add(row); err != nil {
			return nil, len(docs), err
		}
		x.docs = append(x.docs, d)
	}
	x.vectors.prepare()
	return x, missing, nil
}

// Search gives the documents nearest to the question. Score is the cosine; Fit
// is left to the lexical search, whose scale is known.
func (x *DenseIndex) Search(ctx context.Context, q Query) ([]Hit, error) {
	if q.N <= 0 {
		q.N = defaultHits
	}
	v, err := x.e.EmbedQuestion(ctx, clip(q.Text, denseText))
	if err != nil {
		return nil, fmt.Errorf("embed question: %w", err)
	}
	if len(v) != x.vectors.dim {
		return nil, fmt.Errorf("embed question: a vector of %d numbers where the base has %d", len(v), x.vectors.dim)
	}
	var hits []Hit
	for _, near := range x.vectors.Nearest(v, vectorPool) {
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
