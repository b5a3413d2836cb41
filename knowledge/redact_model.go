package knowledge

import "strings"

// What the surroundings of a name are worth, in the units of word costs.
const (
	behindStrong   = 7.0 // 被告 …
	behindWeak     = 4.5 // 房东 …
	behindWord     = 1.8 // 给 …
	behindRole     = 2.8 // 代书人 …
	atEdge         = 0.8 // no Chinese character on that side
	beforeWord     = 1.5 // … 欠
	joined         = 3.0 // a name found before, and 和 or a comma between
	rareUnlabelled = 1.2 // what a rare family name costs more without a label
	besideMark     = 3.0 // a phone number or the like on that side
)

// likelyNames reads each run of Chinese characters as the cheapest row of words
// and names (a lattice of tables/words.txt and nameModel), and takes the names
// of that reading. labelAt gives the strength of the label before a cell.
func (s *scanner) likelyNames(labelAt map[int]int) {
	for i := 0; i < len(s.cells); {
		if !isHan(s.at(i)) || s.taken[i] != 0 {
			i++
			continue
		}
		end := i
		for end < len(s.cells) && isHan(s.at(end)) && s.taken[end] == 0 {
			end++
		}
		s.readRun(i, end, labelAt)
		i = end
	}
}

// reading is the cheapest way to one place of a run.
type reading struct {
	cost float32
	from int
	name bool
}

func (s *scanner) readRun(start, end int, labelAt map[int]int) {
	best := make([]reading, end-start+1)
	for i := 1; i < len(best); i++ {
		best[i].cost = 1e9
	}
	reach := func(i, j int, cost float32, name bool) {
		if c := best[i-start].cost + cost; c < best[j-start].cost {
			best[j-start] = reading{c, i, name}
		}
	}
	for i := start; i < end; i++ {
		var key uint64
		for n := 1; n <= maxWord && i+n <= end; n++ {
			key = key<<16 | uint64(s.at(i+n-1)&0xffff)
			if c, ok := s.names.words[key]; ok {
				reach(i, i+n, c, false)
			} else if n == 1 {
				reach(i, i+1, unknownChar, false)
			}
		}
		s.nameSteps(i, end, labelAt, reach)
	}
	for j := end; j > start; {
		at := best[j-start]
		if at.name {
			s.addName(at.from, j)
		}
		j = at.from
	}
}

// nameSteps offers the names that may begin at cell i.
func (s *scanner) nameSteps(i, end int, labelAt map[int]int, reach func(i, j int, cost float32, name bool)) {
	m := s.names.model
	size, family := 1, m.family[s.at(i)]
	if _, e := s.names.compound.longest(s.view, i); e > i {
		size, family = e-i, compoundFamily
	}
	if family == 0 || s.partOfWord(i) {
		return
	}
	left := s.leftOf(i, labelAt)
	cost := nameRarity + family - left
	rare := family >= rareFamily && left < behindWeak
	if rare {
		cost += rareUnlabelled
	}
	for n := 1; n <= 2 && i+size+n <= end; n++ {
		r := s.at(i + size + n - 1)
		if m.never[r] || r == '某' {
			return
		}
		if g, ok := m.given[r]; ok {
			cost += g
		} else if cost += rareGiven; rare {
			return
		}
		length := float32(oneGiven)
		if n == 2 {
			length = twoGiven
		}
		j := i + size + n
		if right := s.rightOf(j); (left > 0 || right > 0) && !s.placeFollows(j) {
			reach(i, j, cost+length-right, true)
		}
	}
}

// placeFollows says whether cell j makes the characters before it the name of a
// place or of a document: 钱塘|区, 武政|〔2020〕.
func (s *scanner) placeFollows(j int) bool {
	return strings.ContainsRune("省市区县镇乡村州路街〔[", s.at(j)) && j < len(s.cells) && s.at(j+1) != '民' && s.at(j+1) != '上'
}

// leftOf says how much what stands before cell i points to a name.
func (s *scanner) leftOf(i int, labelAt map[int]int) float32 {
	switch labelAt[i] {
	case strongly:
		return behindStrong
	case weakly:
		return behindWeak
	}
	if i > 0 && s.taken[i-1]-1 == kindName || i > 1 && s.taken[i-2]-1 == kindName && strings.ContainsRune("、和与及跟,，/ ", s.at(i-1)) {
		return joined
	}
	switch {
	case i > 0 && s.taken[i-1] > 0 || i > 1 && s.taken[i-2] > 0 && !isHan(s.at(i-1)):
		return besideMark
	case i == 0 || !isHan(s.at(i-1)):
		return atEdge
	case strings.ContainsRune("人工户商族手", s.at(i-1)) && i > 1 && isHan(s.at(i-2)):
		return behindRole
	case s.names.before1[s.at(i-1)]:
		return behindWord
	}
	return 0
}

// rightOf says how much what stands from cell i on points to a name before it.
func (s *scanner) rightOf(i int) float32 {
	switch {
	case i >= len(s.cells):
		return atEdge
	case s.taken[i] > 0 || !isHan(s.at(i)) && i+1 < len(s.cells) && s.taken[i+1] > 0:
		return besideMark
	case !isHan(s.at(i)):
		return atEdge
	case s.boundary(i) > 0:
		return beforeWord
	}
	return 0
}
