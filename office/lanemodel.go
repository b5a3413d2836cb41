package office

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// The classifier of disputes: multinomial logistic regression over the kinds of
// disputeKinds, on pairs and triples of characters and on classes of words. It is
// trained by "mingbai case lanes train" from the texts in disputes/.
var (
	//go:embed disputes/lanes.bin
	laneModelData []byte
	//go:embed disputes/words.tsv
	laneWords string
	//go:embed disputes/forms.tsv
	laneForms string
)

// Weights of the parts of a text against each other, see disputes/README.md.
const (
	weightGrams = 1.5
	weightClass = 2.0
	weightPair  = 1.0
	longestGram = 3
	longestRead = 2000 // runes of a text that are read
)

// laneReader reads a text as the classifier sees it.
type laneReader struct {
	forms   *strings.Replacer
	classes map[string][]string // of a word
	longest int                 // word, in runes
}

// laneReading gives the reader with the built-in words.
var laneReading = sync.OnceValue(func() *laneReader {
	var pairs []string
	for form, plain := range tabbed(laneForms) {
		pairs = append(pairs, form, plain)
	}
	r := &laneReader{forms: strings.NewReplacer(pairs...), classes: map[string][]string{}}
	for class, words := range tabbed(laneWords) {
		for _, w := range strings.Fields(words) {
			w = r.forms.Replace(strings.ToLower(w))
			if !slices.Contains(r.classes[w], class) {
				r.classes[w] = append(r.classes[w], class)
			}
			r.longest = max(r.longest, len([]rune(w)))
		}
	}
	return r
})

// tabbed gives what stands before and after the tab of each line; lines that
// begin with # are remarks.
func tabbed(text string) func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for line := range strings.Lines(text) {
			a, b, ok := strings.Cut(strings.TrimSpace(line), "\t")
			if ok && !strings.HasPrefix(a, "#") && !yield(a, b) {
				return
			}
		}
	}
}

// feature is one thing that stands in a text: a hash of what, and how much.
type feature struct {
	key    uint32
	weight float32
}

func featureKey(kind byte, s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte{kind})
	io.WriteString(h, s)
	return h.Sum32()
}

// read gives what stands in a text: its characters, pairs and triples of them
// that no mark parts, the classes of its words, and which class follows which.
func (r *laneReader) read(text string) (out lanePieces) {
	runes := []rune(r.forms.Replace(strings.ToLower(cleanText(text))))
	runes = runes[:min(len(runes), longestRead)]
	said := func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }
	for i := range runes {
		for n := 1; n <= longestGram && i+n <= len(runes) && said(runes[i+n-1]); n++ {
			out.grams = append(out.grams, featureKey('g', string(runes[i:i+n])))
		}
	}
	var last []string
	for i := 0; i < len(runes); {
		n := min(r.longest, len(runes)-i)
		for n > 0 && r.classes[string(runes[i:i+n])] == nil {
			n--
		}
		if n == 0 {
			i++
			continue
		}
		found := r.classes[string(runes[i:i+n])]
		for _, c := range found {
			out.classes = append(out.classes, featureKey('c', c))
			for _, b := range last {
				if b != c {
					out.pairs = append(out.pairs, featureKey('p', b+">"+c))
				}
			}
		}
		last = found
		i += n
	}
	return out
}

// lanePieces are the keys of what stands in a text.
type lanePieces struct{ grams, classes, pairs []uint32 }

// and joins what stands in two texts.
func (p lanePieces) and(o lanePieces) lanePieces {
	return lanePieces{slices.Concat(p.grams, o.grams), slices.Concat(p.classes, o.classes), slices.Concat(p.pairs, o.pairs)}
}

// features weighs each piece once; a long text has not more to say than a short.
func (p lanePieces) features() []feature {
	out := []feature{{featureKey('b', ""), 1}}
	for _, part := range []struct {
		keys   []uint32
		weight float64
	}{{p.grams, weightGrams}, {p.classes, weightClass}, {p.pairs, weightPair}} {
		keys := slices.Clone(part.keys)
		slices.Sort(keys)
		keys = slices.Compact(keys)
		w := float32(part.weight / math.Sqrt(float64(max(1, len(keys)))))
		for _, k := range keys {
			out = append(out, feature{k, w})
		}
	}
	return out
}

// laneModel holds the weights, a row of as many as kinds for each feature.
type laneModel struct {
	sum  [32]byte // of the texts it was trained with
	rows map[uint32]int
	w    []float32
}

// chances gives how likely each kind is, in the order of disputeKinds.
func (m *laneModel) chances(fs []feature) []float64 {
	n := len(disputeKinds)
	z := make([]float64, n)
	for _, f := range fs {
		if r, ok := m.rows[f.key]; ok {
			for j, w := range m.w[r*n : (r+1)*n] {
				z[j] += float64(w * f.weight)
			}
		}
	}
	softmax(z)
	return z
}

// softmax makes chances of scores, in place.
func softmax(z []float64) {
	top, sum := slices.Max(z), 0.0
	for i := range z {
		z[i] = math.Exp(z[i] - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
}

// builtInLanes gives the model built into the program.
var builtInLanes = sync.OnceValue(func() *laneModel {
	m, err := readLaneModel(laneModelData)
	if err != nil {
		panic("built-in model of disputes: " + err.Error()) // a test reads it
	}
	return m
})

// laneHead begins the file of a model.
type laneHead struct {
	Magic [8]byte
	Sum   [32]byte
	Kinds [4]byte // of a hash of their names: weights of other kinds are of no use
	Rows  uint32
	Scale float32 // a weight is its byte times this
}

var laneMagic = [8]byte{'m', 'b', 'l', 'a', 'n', 'e', 's', '1'}

const maxLaneRows = 1 << 20

func kindsHash() (out [4]byte) {
	binary.LittleEndian.PutUint32(out[:], featureKey('k', strings.Join(kindNames(), " ")))
	return out
}

// write gives the model as a file: weights as bytes, packed.
func (m *laneModel) write() ([]byte, error) {
	head := laneHead{laneMagic, m.sum, kindsHash(), uint32(len(m.rows)), 0}
	for _, w := range m.w {
		head.Scale = max(head.Scale, float32(math.Abs(float64(w)))/127)
	}
	keys := make([]uint32, len(m.rows))
	for k, r := range m.rows {
		keys[r] = k
	}
	codes := make([]int8, len(m.w))
	for i, w := range m.w {
		codes[i] = int8(math.Round(float64(w / head.Scale)))
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, part := range []any{head, keys, codes} {
		if err := binary.Write(z, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return out.Bytes(), err
}

func readLaneModel(data []byte) (*laneModel, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	var head laneHead
	if err := binary.Read(z, binary.LittleEndian, &head); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if head.Magic != laneMagic || head.Kinds != kindsHash() || head.Rows > maxLaneRows {
		return nil, errors.New("read model: it is not of these kinds of disputes; train it again")
	}
	keys, codes := make([]uint32, head.Rows), make([]int8, int(head.Rows)*len(disputeKinds))
	if err := errors.Join(binary.Read(z, binary.LittleEndian, keys), binary.Read(z, binary.LittleEndian, codes)); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	m := &laneModel{head.Sum, make(map[uint32]int, len(keys)), make([]float32, len(codes))}
	for r, k := range keys {
		m.rows[k] = r
	}
	for i, c := range codes {
		m.w[i] = float32(c) * head.Scale
	}
	return m, nil
}
