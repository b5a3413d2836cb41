package knowledge

import "slices"

// Respelling: a pair of characters that the texts hardly ever have, but that
// sounds like one they often have (离昏, 离婚), is looked for as that one too.
const (
	respellRare   = 3    // a pair in at most so many texts may be a misspelling …
	respellCommon = 12   // … of one that stands in at least so many
	respellWeight = 0.6  // of the weight of the pair as written
	respellRatio  = 1000 // texts for each one more that a rare pair may stand in
)

// respeller knows the most common pair of characters for each pair of sounds.
type respeller struct {
	p     *postings
	said  *postings // phrasings: what stands there is no misspelling; may be nil
	sound []uint32  // sorted pairs of syllables
	best  []termKey // the most common pair of characters that sounds so
	rare  int
}

func newRespeller(p *postings) *respeller {
	type candidate struct {
		key termKey
		df  uint32
	}
	best := map[uint32]candidate{}
	for i, k := range p.keys {
		df := p.off[i+1] - p.off[i]
		if !k.pair() || df < respellCommon {
			continue
		}
		soundPairs(rune(k>>21), rune(k&(1<<21-1)), func(s uint32) {
			if c, ok := best[s]; !ok || df > c.df {
				best[s] = candidate{k, df}
			}
		})
	}
	r := &respeller{p: p, rare: rareLimit(p)}
	for s := range best {
		r.sound = append(r.sound, s)
	}
	slices.Sort(r.sound)
	for _, s := range r.sound {
		r.best = append(r.best, best[s].key)
	}
	return r
}

// rareLimit is in how many texts a pair may stand and still be a misspelling.
func rareLimit(p *postings) int { return respellRare + p.n/respellRatio }

// extend adds to the terms what the rare pairs among them may stand for.
func (r *respeller) extend(terms []queryTerm) []queryTerm {
	if len(r.sound) == 0 {
		return terms
	}
	out := slices.Clip(terms)
	for _, t := range terms {
		if !t.key.pair() {
			continue
		}
		df := r.p.df(t.key)
		if df > r.rare || r.said != nil && r.said.df(t.key) > 0 {
			continue
		}
		soundPairs(rune(t.key>>21), rune(t.key&(1<<21-1)), func(s uint32) {
			i, ok := slices.BinarySearch(r.sound, s)
			if !ok || r.best[i] == t.key || r.p.df(r.best[i]) < 4*(df+1) {
				return
			}
			out = append(out, queryTerm{r.best[i], t.weight * respellWeight})
		})
	}
	return out
}
