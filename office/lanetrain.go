package office

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Settings of the training. The seeds make it repeatable.
const (
	laneEpochs   = 12
	laneRate     = 0.5
	laneShrink   = 2e-4
	laneLeast    = 2     // texts a feature must stand in
	laneIdle     = 0.003 // a kind whose chance is that close to right learns nothing
	remarksEach  = 2     // variants of a text with something said besides
	remarkWeight = 0.5
)

// laneText is a text of which the kind, or only the lane, is known.
type laneText struct {
	label  string // "people.money", or "people"
	text   string
	pieces lanePieces
	weight float64
	made   bool // a variant of another text
}

// remark is something said besides: it makes a dispute one of its kind; "same"
// leaves it as it is.
type remark struct {
	kind   string
	pieces lanePieces
}

// LaneData are the texts that the classifier of disputes learns from.
type LaneData struct {
	texts   []laneText
	files   [][]laneText // labelled with lanes only, by file
	names   []string     // of those files
	remarks []remark
	sum     [32]byte
}

// ReadLaneData reads the texts of kinds in dir (people.tsv and so on, and
// remarks.tsv) and the labelled files, whose texts have a lane only.
func ReadLaneData(dir string, labelled []string) (*LaneData, error) {
	d := &LaneData{}
	h := sha256.New()
	read := func(file string, take func(label, text string)) error {
		body, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read disputes: %w", err)
		}
		h.Write(body)
		for label, text := range tabbed(string(body)) {
			if label != "same" && !slices.ContainsFunc(disputeKinds, func(k disputeKind) bool { return isOf(k.name, label) }) {
				return fmt.Errorf("read disputes: %s: no kind %q", file, label)
			}
			take(label, text)
		}
		return nil
	}
	r := laneReading()
	for _, lane := range []string{LanePeople, LaneTrade, LaneAdmin, LaneJudicial, LaneReport} {
		if err := read(filepath.Join(dir, lane+".tsv"), func(label, text string) {
			d.texts = append(d.texts, laneText{label: label, text: text, pieces: r.read(text), weight: 1})
		}); err != nil {
			return nil, err
		}
	}
	if err := read(filepath.Join(dir, "remarks.tsv"), func(kind, text string) { d.remarks = append(d.remarks, remark{kind, r.read(text)}) }); err != nil {
		return nil, err
	}
	for _, name := range labelled {
		var list []laneText
		if err := read(name, func(label, text string) {
			list = append(list, laneText{label: label, text: text, pieces: r.read(text), weight: 1})
		}); err != nil {
			return nil, err
		}
		d.files, d.names = append(d.files, list), append(d.names, filepath.Base(name))
	}
	h.Write([]byte(laneWords + laneForms))
	h.Sum(d.sum[:0])
	return d, nil
}

// isOf says whether a kind is the label, or of the lane that is the label.
func isOf(kind, label string) bool { return kind == label || strings.HasPrefix(kind, label+".") }

// Train learns the classifier from all texts and gives the file of it.
func (d *LaneData) Train() ([]byte, error) {
	m := trainLanes(slices.Concat(append([][]laneText{d.texts}, d.files...)...), d.remarks)
	m.sum = d.sum
	return m.write()
}

// withRemarks adds what is said besides as texts of their own, and variants of
// texts with one of them.
func withRemarks(texts []laneText, remarks []remark) []laneText {
	rng := rand.New(rand.NewPCG(3, 4))
	out := slices.Clone(texts)
	var same, other []remark
	for _, c := range remarks {
		if c.kind == "same" {
			same = append(same, c)
			continue
		}
		other = append(other, c)
		out = append(out, laneText{label: c.kind, pieces: c.pieces, weight: remarkWeight})
	}
	for _, t := range texts {
		if len(same) == 0 || len(other) == 0 {
			break
		}
		for range remarksEach {
			label, c := t.label, same[rng.IntN(len(same))]
			if !isOf(t.label, LaneReport) && !isOf(t.label, LaneJudicial) && rng.IntN(5) < 3 {
				c = other[rng.IntN(len(other))]
				label = c.kind
			}
			out = append(out, laneText{label: label, pieces: t.pieces.and(c.pieces), weight: t.weight * remarkWeight, made: true})
		}
	}
	return out
}

// trainLanes learns weights by stochastic gradient descent with steps that
// shrink by what each weight has moved (Adagrad). Of a text whose lane alone is
// known the kinds of the lane share the blame as they share the chance.
func trainLanes(texts []laneText, remarks []remark) *laneModel {
	texts = withRemarks(texts, remarks)
	m, data := startLanes(texts)
	n := len(disputeKinds)
	squares := make([]float32, len(m.w))
	may := make(map[string][]bool)
	for _, t := range texts {
		if may[t.label] == nil {
			for _, k := range disputeKinds {
				may[t.label] = append(may[t.label], isOf(k.name, t.label))
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	order := rng.Perm(len(texts))
	z := make([]float64, n)
	for epoch := range laneEpochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := float32(laneRate * (1 - float64(epoch)/laneEpochs))
		for _, i := range order {
			clear(z)
			for _, f := range data[i] {
				for j, w := range m.w[int(f.key)*n : (int(f.key)+1)*n] {
					z[j] += float64(w * f.weight)
				}
			}
			blame(z, may[texts[i].label], texts[i].weight)
			for j, g := range z {
				if math.Abs(g) > laneIdle {
					m.step(data[i], squares, j, float32(g), rate)
				}
			}
		}
	}
	return m
}

// startLanes gives a model of zeros for the features that stand in enough
// texts, and of each text its features, by row.
func startLanes(texts []laneText) (*laneModel, [][]feature) {
	count := map[uint32]int{}
	data := make([][]feature, len(texts))
	for i, t := range texts {
		data[i] = t.pieces.features()
		for _, f := range data[i] {
			if !t.made {
				count[f.key]++
			}
		}
	}
	m := &laneModel{rows: map[uint32]int{}}
	var keys []uint32
	for k, n := range count {
		if n >= laneLeast {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for i, k := range keys {
		m.rows[k] = i
	}
	m.w = make([]float32, len(keys)*len(disputeKinds))
	for i, fs := range data {
		data[i] = slices.DeleteFunc(fs, func(f feature) bool { _, ok := m.rows[f.key]; return !ok })
		for j := range data[i] {
			data[i][j].key = uint32(m.rows[data[i][j].key])
		}
	}
	return m, data
}

// blame turns scores into the gradient of the loss by them.
func blame(z []float64, may []bool, weight float64) {
	softmax(z)
	right := 1e-12
	for j, p := range z {
		if may[j] {
			right += p
		}
	}
	for j, p := range z {
		if may[j] {
			p -= p / right
		}
		z[j] = p * weight
	}
}

// step moves the weights of one kind for one text.
func (m *laneModel) step(fs []feature, squares []float32, kind int, gradient, rate float32) {
	for _, f := range fs {
		at := int(f.key)*len(disputeKinds) + kind
		g := gradient*f.weight + laneShrink*m.w[at]
		squares[at] += g * g
		m.w[at] -= rate * g / float32(math.Sqrt(float64(squares[at])+1e-8))
	}
}
