package knowledge

import (
	"slices"
)

// runLength is how many characters in a row count as the same wording.
const runLength = 8

// Overlap is how much of the phrasings the search knows stands in a set of
// questions that it is measured on.
type Overlap struct {
	Questions int           `json:"questions"`
	Phrasings int           `json:"phrasings"`
	SharedRun int           `json:"shared_run"` // questions with a run of 8 characters or more that stands in a phrasing
	Same      int           `json:"same"`       // questions that are a phrasing, word for word
	Nearest   float64       `json:"nearest"`    // mean over questions of the likeness to the nearest phrasing, 0..1
	Worst     []OverlapPair `json:"worst"`      // the likest pairs
}

// OverlapPair is a question and the phrasing likest to it.
type OverlapPair struct {
	Question string  `json:"question"`
	Phrasing string  `json:"phrasing"`
	Likeness float64 `json:"likeness"` // shared pairs of characters over all, 0..1
	Run      int     `json:"run"`      // longest run of characters in both
}

// worstPairs is how many pairs a report shows.
const worstPairs = 20

// FindOverlap compares questions with phrasings. Both are normalised first.
func FindOverlap(questions, phrasings []string) Overlap {
	known := make([][]rune, 0, len(phrasings))
	byPair := map[[2]rune][]int32{}
	pairCount := make([]int, 0, len(phrasings))
	for _, p := range phrasings {
		r := []rune(Normalize(p))
		pairs := runePairs(r)
		for _, k := range pairs {
			byPair[k] = append(byPair[k], int32(len(known)))
		}
		known, pairCount = append(known, r), append(pairCount, len(pairs))
	}
	o := Overlap{Questions: len(questions), Phrasings: len(known)}
	shared := make([]int, len(known))
	for _, q := range questions {
		r := []rune(Normalize(q))
		pairs := runePairs(r)
		clear(shared)
		for _, k := range pairs {
			for _, i := range byPair[k] {
				shared[i]++
			}
		}
		best, like, run := -1, 0.0, 0
		for i, n := range shared {
			if l := float64(n) / float64(max(1, len(pairs)+pairCount[i]-n)); l > like {
				best, like = i, l
			}
			if n >= runLength-1 && run < runLength {
				run = max(run, commonRun(r, known[i]))
			}
		}
		o.Nearest += like / float64(max(1, len(questions)))
		if run >= runLength {
			o.SharedRun++
		}
		if best >= 0 {
			if slices.Equal(r, known[best]) {
				o.Same++
			}
			o.Worst = append(o.Worst, OverlapPair{Question: q, Phrasing: string(known[best]), Likeness: like, Run: commonRun(r, known[best])})
		}
	}
	slices.SortStableFunc(o.Worst, func(a, b OverlapPair) int {
		switch {
		case a.Likeness > b.Likeness:
			return -1
		case a.Likeness < b.Likeness:
			return 1
		}
		return 0
	})
	o.Worst = o.Worst[:min(worstPairs, len(o.Worst))]
	return o
}

// runePairs gives the different pairs of neighbouring characters.
func runePairs(r []rune) [][2]rune {
	seen := map[[2]rune]bool{}
	var list [][2]rune
	for i := 1; i < len(r); i++ {
		k := [2]rune{r[i-1], r[i]}
		if !seen[k] {
			seen[k] = true
			list = append(list, k)
		}
	}
	return list
}

// commonRun is the length of the longest run of characters in both.
func commonRun(a, b []rune) int {
	best := 0
	row := make([]int, len(b)+1)
	for i := range a {
		last := 0
		for j := range b {
			now := row[j+1]
			row[j+1] = 0
			if a[i] == b[j] {
				row[j+1] = last + 1
				best = max(best, row[j+1])
			}
			last = now
		}
	}
	return best
}

// Phrasings gives every phrasing the search knows: of entries and of articles.
func (b *Base) Phrasings() []string {
	s := b.state.Load()
	var list []string
	for _, e := range s.entries {
		list = append(list, e.Phrasings()...)
	}
	lay, _ := s.lay()
	for _, p := range lay {
		list = append(list, p.Text)
	}
	return list
}
