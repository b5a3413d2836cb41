package knowledge

import "math"

// wordModel says which entry the words of a question speak for: a multinomial
// model with add-α smoothing over the terms of all phrasings, complement form
// (what speaks for an entry is measured against all other entries).
type wordModel struct {
	p     *postings // questions field: one document an entry
	total []float32 // terms by key over all entries
	all   float32
}

const wordAlpha = 0.05

func trainWords(x *entryIndex) *wordModel {
	m := &wordModel{p: x.questions, total: make([]float32, len(x.questions.keys))}
	for i := range m.p.keys {
		for j := m.p.off[i]; j < m.p.off[i+1]; j++ {
			m.total[i] += float32(m.p.tfs[j])
		}
		m.all += m.total[i]
	}
	return m
}

// score adds the mean log ratio over the question's known pairs.
func (m *wordModel) score(q *question, sums []float32, out []entryScore) {
	var n float32
	for _, t := range q.terms {
		i := m.p.find(t.key)
		if i < 0 {
			continue
		}
		n += t.weight
		base := float64(m.total[i]+1) / float64(m.all)
		for j := m.p.off[i]; j < m.p.off[i+1]; j++ {
			d := m.p.docs[j]
			in := (float64(m.p.tfs[j]) + wordAlpha) / (float64(m.p.lens[d]) + 20)
			sums[d] += t.weight * float32(math.Log(1+in/base))
		}
	}
	if n == 0 {
		return
	}
	for i := range out {
		out[i].words = sums[i] / n
	}
}
