package knowledge

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
)

// modelData is the model trained on the lay phrasings and the entries in this
// repository over the articles of the national collection; `knowledge train`
// makes it anew. It holds vectors of terms, no text.
//
//go:embed model/encoder.bin
var modelData []byte

// Model is what training learned: which words of questions go with which words
// of articles. Read-only, safe for concurrent use.
type Model struct {
	encoder *encoder
	sum     uint32 // checksum, so that caches know the model they were made with
}

// DefaultModel is the model built into the program; nil if there is none.
func DefaultModel() *Model { return defaultModel() }

var defaultModel = sync.OnceValue(func() *Model {
	m, err := ReadModel(modelData)
	if err != nil {
		return nil // a test reads it
	}
	return m
})

// modelMagic begins a model file; the number is that of the format.
const modelMagic = "mingbai-model-1\n"

var errModel = errors.New("not a model file")

// Write stores the model: each row of 64 numbers as bytes with a scale, rows of
// the question table only where they differ from the passage table.
func (m *Model) Write(w io.Writer) error {
	sum := crc32.NewIEEE()
	out := bufio.NewWriter(io.MultiWriter(w, sum))
	e := m.encoder
	_, _ = out.WriteString(modelMagic) // bufio keeps the error for Flush
	put := func(v any) { _ = binary.Write(out, binary.LittleEndian, v) }
	put(uint32(e.dim))
	put(uint32(len(e.keys)))
	for _, k := range e.keys {
		put(uint64(k))
	}
	for r := range e.keys {
		p, q := e.passage[r*e.dim:(r+1)*e.dim], e.question[r*e.dim:(r+1)*e.dim]
		differs := uint8(1)
		if slices.Equal(p, q) {
			differs = 0
		}
		put(differs)
		for _, row := range [][]float32{p, q}[:1+differs] {
			scale, bytes := quantize(row)
			put(scale)
			put(bytes)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

// quantize gives the row as bytes in -127..127 times a scale.
func quantize(row []float32) (float32, []int8) {
	var most float32
	for _, v := range row {
		most = max(most, float32(math.Abs(float64(v))))
	}
	out := make([]int8, len(row))
	if most == 0 {
		return 0, out
	}
	for i, v := range row {
		out[i] = int8(math.Round(float64(v / most * 127)))
	}
	return most / 127, out
}

// ReadModel reads what Write stored.
func ReadModel(data []byte) (*Model, error) {
	if len(data) < len(modelMagic)+12 || string(data[:len(modelMagic)]) != modelMagic {
		return nil, errModel
	}
	body, tail := data[:len(data)-4], data[len(data)-4:]
	sum := crc32.ChecksumIEEE(body)
	if sum != binary.LittleEndian.Uint32(tail) {
		return nil, fmt.Errorf("%w: damaged", errModel)
	}
	body = body[len(modelMagic):]
	dim, n := int(binary.LittleEndian.Uint32(body)), int(binary.LittleEndian.Uint32(body[4:]))
	body = body[8:]
	if dim < 1 || dim > 1024 || n > len(body)/8 {
		return nil, fmt.Errorf("%w: impossible size", errModel)
	}
	e := &encoder{dim: dim, keys: make([]termKey, n), passage: make([]float32, n*dim), question: make([]float32, n*dim)}
	for i := range e.keys {
		e.keys[i] = termKey(binary.LittleEndian.Uint64(body[8*i:]))
	}
	body = body[8*n:]
	for r := range n {
		if len(body) < 1+4+dim || body[0] == 1 && len(body) < 1+2*(4+dim) {
			return nil, fmt.Errorf("%w: too short", errModel)
		}
		differs := body[0] == 1
		body = restore(body[1:], e.passage[r*dim:(r+1)*dim])
		if differs {
			body = restore(body, e.question[r*dim:(r+1)*dim])
		} else {
			copy(e.question[r*dim:], e.passage[r*dim:(r+1)*dim])
		}
	}
	return &Model{e, sum}, nil
}

// restore reads one row and gives the rest.
func restore(body []byte, row []float32) []byte {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(body))
	body = body[4:]
	for i := range row {
		row[i] = float32(int8(body[i])) * scale
	}
	return body[len(row):]
}

// TrainOptions is what a model is trained on.
type TrainOptions struct {
	Laws      string      // JSONL of articles, plain or gzip; empty: Articles
	Articles  []*Document // used when Laws is empty
	Entries   []*Document // whose phrasings speak for the articles they cite
	Index     IndexOptions
	Questions []string // further files of questions with their articles' ids as gold
	Epochs    int      // 0: 10
	Log       func(format string, args ...any)
}

// Train learns a model from phrasings and the articles they belong to: about a
// minute for 12,000 phrasings over 55,000 articles on one core. The same input
// gives the same model.
func Train(o TrainOptions) (*Model, error) {
	docs := o.Articles
	if o.Laws != "" {
		var err error
		if docs, err = ReadArticles(o.Laws); err != nil {
			return nil, err
		}
	}
	for _, file := range o.Questions {
		lay, err := questionPhrases(file, docs)
		if err != nil {
			return nil, err
		}
		o.Index.Lay = append(slices.Clip(o.Index.Lay), lay...)
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	o.Index.Model = nil
	x := BuildIndexWith(append(docs, o.Entries...), nil, o.Index).articles
	examples := x.examples(append(entryPhrases(o.Entries), o.Index.Lay...))
	if len(examples) == 0 {
		return nil, errors.New("train: no phrasing belongs to an article of the file")
	}
	o.Log("%d articles, %d phrasings", len(x.docs), len(examples))
	settings := defaultTrainOptions
	settings.minDF = max(2, min(settings.minDF, len(x.docs)/1000)) // few articles: rare words count too
	if o.Epochs > 0 {
		settings.epochs = o.Epochs
	}
	e := trainEncoder(x, examples, settings)
	o.Log("%d terms", len(e.keys))
	return &Model{encoder: e}, nil
}

// questionPhrases reads questions with the ids of their articles as phrasings.
func questionPhrases(file string, docs []*Document) ([]LayPhrase, error) {
	queries, err := ReadQueries(file, true)
	if err != nil {
		return nil, err
	}
	return goldPhrases(queries, docs), nil
}

// goldPhrases gives each question as a phrasing of its articles.
func goldPhrases(queries []EvalQuery, docs []*Document) []LayPhrase {
	byID := map[string]*Article{}
	for _, d := range docs {
		byID[d.ID] = d.Article
	}
	var out []LayPhrase
	for _, q := range queries {
		for _, id := range q.Gold {
			if a := byID[id]; a != nil {
				out = append(out, LayPhrase{a.Law, a.No, q.Text})
			} else if law, no, ok := parseArticleID(id); ok {
				out = append(out, LayPhrase{law, no, q.Text})
			}
		}
	}
	return out
}

// parseArticleID reads "劳动合同法#39" and "劳动合同法@2012-12-28#39".
func parseArticleID(id string) (law string, no ArticleNo, ok bool) {
	law, number, found := strings.Cut(id, "#")
	law, _, _ = strings.Cut(law, "@")
	no, err := ParseArticleNo(number)
	return law, no, found && err == nil && no.N > 0 && law != ""
}

// minedPassages is from how many of the articles most like a phrasing the hard
// negatives are drawn.
const minedPassages = 30

// examples joins phrasings of the same words and mines what looks like their
// articles and is not.
func (x *articleIndex) examples(phrases []LayPhrase) []example {
	at := map[string]int{}
	var out []example
	for _, p := range phrases {
		d, ok := x.find(p.Law, p.Article)
		if !ok {
			continue
		}
		text := Normalize(p.Text)
		i, ok := at[text]
		if !ok {
			i = len(out)
			at[text] = i
			out = append(out, example{terms: termCounts(text)})
		}
		if !slices.Contains(out[i].gold, d) {
			out[i].gold = append(out[i].gold, d)
		}
	}
	s := new(scratch)
	for i := range out {
		scores := s.take(0, len(x.docs))
		var q question
		q.grams = map[termKey]float32{}
		for k := range out[i].terms {
			q.grams[k] = 1
		}
		q.finish()
		x.text.score(q.terms, 1, scores)
		for _, d := range x.best(scores, nil, minedPassages) {
			if !slices.Contains(out[i].gold, d) {
				out[i].hard = append(out[i].hard, d)
			}
		}
	}
	return out
}
