package knowledge

import "strings"

// maxPlace bounds the place names before the first number of an address.
const maxPlace = 40

// maxUnits bounds the numbers of one address behind the first.
const maxUnits = 10

// findAddresses finds addresses by the numbers in them (8幢2单元903室, 20队) and
// walks left over the place names; behind a label also those that end at a
// village or an estate. Names of provinces to townships alone stay.
func (s *scanner) findAddresses() {
	for i := 0; i < len(s.cells); i++ {
		if s.taken[i] != 0 || s.numeral(i-1) && s.numeral(i) {
			continue
		}
		if end := s.addressAt(i); end > i {
			i = end - 1
		}
	}
	for i := 0; i < len(s.cells); i++ {
		if class, end := s.Redactor.labels.places.longest(s.view, i); class != 0 {
			s.labelledPlace(end)
			i = end - 1
		}
	}
}

// numeral says whether a cell may be part of a house number.
func (s *scanner) numeral(i int) bool {
	return s.digit(i) >= 0 || s.at(i) == '十' || s.at(i) == '百'
}

// readUnit reads a number with its unit, such as 903室, B座 or 十二组, and gives
// the unit.
func (s *scanner) readUnit(i int) (unit string, end int) {
	if s.at(i) == '第' || s.at(i) == '附' || s.at(i) == '之' {
		i++
	}
	j := i
	for ; j < len(s.cells) && j-i < 6 && s.taken[j] == 0; j++ {
		if !s.numeral(j) && !(isLatin(s.at(j)) && (j == i || s.asciiDigit(j-1))) && !(s.at(j) == '-' && j > i && s.numeral(j+1)) && !(s.at(j) == '#' && j > i) {
			break
		}
	}
	if j == i {
		return "", 0
	}
	for n := 0; n < 2 && s.at(j) == ' '; n++ {
		j++
	}
	if _, not := s.places.notUnits.longest(s.view, j); not > 0 {
		return "", 0
	}
	if _, end = s.places.units.longest(s.view, j); end == 0 {
		return "", 0
	}
	return s.text(j, end), end
}

// readDashed reads 3-2-501, the way doors of estates are written.
func (s *scanner) readDashed(i int) int {
	groups, j := 0, i
	for {
		first := j
		for s.asciiDigit(j) && j-first < 5 {
			j++
		}
		if j == first || j-first > 4 || groups == 0 && j-first > 3 {
			return 0
		}
		groups++
		if (s.at(j) != '-' && s.at(j) != '#' || !s.asciiDigit(j+1)) || groups == 4 {
			break
		}
		j++
	}
	if groups < 2 || s.word(j) || strings.ContainsRune("年月日元", s.at(j)) {
		return 0
	}
	return j
}

// addressAt tries to read an address whose first number is at cell i and gives
// its end, 0 for none.
func (s *scanner) addressAt(i int) int {
	unit, end := s.readUnit(i)
	if end == 0 {
		if (s.suffixLevel(i) == levelPlace || s.suffixLevel(i) == levelWeak || s.phase(i)) && s.asciiDigit(i) {
			end = s.readDashed(i)
		}
		if end == 0 {
			return 0
		}
		unit = "室"
	}
	units, strong := 1, s.places.strong[unit]
	for range maxUnits {
		u, e := s.nextUnit(end)
		if e == 0 {
			break
		}
		units++
		strong = strong || s.places.strong[u]
		end = e
	}
	start := s.placeStart(i)
	if s.phase(i) {
		unit, units, strong = "室", 2, true
	}
	if !s.isAddress(start, i, unit, units, strong) || s.public(s.text(start, end)) {
		return 0
	}
	end = s.tail(end)
	if !s.add(start, end, kindAddress) {
		return 0
	}
	return end
}

// phase says whether a phase or section of an estate ends before cell i:
// 花园二期6-1-1203.
func (s *scanner) phase(i int) bool {
	return (s.at(i-1) == '期' || s.at(i-1) == '区') && (s.numeral(i-2) || isLatin(s.at(i-2)) || strings.ContainsRune("东西南北中", s.at(i-2))) && s.asciiDigit(i)
}

// maxTail bounds the words between an address and what leads on to the spot.
const maxTail = 6

// tail takes what tells the spot at an address: 门口快递柜, 斜对面.
func (s *scanner) tail(end int) int {
	at := end
	if s.at(at) == ' ' && isHan(s.at(at+1)) {
		at++
	}
	for j := at; j < len(s.cells) && j-at <= maxTail && isHan(s.at(j)) && s.taken[j] == 0; j++ {
		if _, e := s.places.tails.longest(s.view, j); e > 0 && s.free(at, e) {
			return s.tail(e)
		}
		if s.places.stop[s.at(j)] {
			break
		}
	}
	return end
}

// nextUnit reads what goes on an address: another number with its unit, one
// after a further place name, a bare room number, or an estate.
func (s *scanner) nextUnit(i int) (unit string, end int) {
	if s.at(i) == ' ' || s.at(i) == '-' || s.at(i) == ',' && s.numeral(i+1) {
		i++
	}
	if unit, end = s.readUnit(i); end > 0 {
		return unit, end
	}
	if j := i; s.asciiDigit(j) && s.taken[j] == 0 {
		for j++; s.asciiDigit(j) || s.at(j) == '-' && s.asciiDigit(j+1); j++ {
		}
		if j-i >= 2 && j-i <= 6 && !isLatin(s.at(j)) && !strings.ContainsRune("年月日元块人个天万.%点时", s.at(j)) {
			return "室", j
		}
	}
	for j := i; j < len(s.cells) && j-i < 10 && isHan(s.at(j)) && !s.places.stop[s.at(j)] && s.taken[j] == 0; j++ {
		level := s.suffixLevel(j + 1)
		if j-i < 2 || level != levelPlace && level != levelWeak {
			continue
		}
		if unit, end = s.readUnit(j + 1); end > 0 {
			return unit, end
		}
		if e := s.readDashed(j + 1); e > 0 {
			return "室", e
		}
		if level == levelPlace && !isHan(s.at(j+1)) && !s.word(j+1) {
			return "", j + 1
		}
	}
	return "", 0
}

// suffixLevel gives the level of the place whose suffix ends before cell i.
func (s *scanner) suffixLevel(i int) int {
	for n := 4; n > 0; n-- {
		if i < n {
			continue
		}
		if level, end := s.places.suffixes.longest(s.view, i-n); end == i {
			return level
		}
	}
	return 0
}

// placeStart walks left from the first number over the place names.
func (s *scanner) placeStart(i int) int {
	start := i
	for start > 0 && i-start < maxPlace && s.taken[start-1] == 0 {
		r := s.at(start - 1)
		if r == ' ' && isHan(s.at(start-2)) && start < i && s.suffixLevel(start-1) > 0 && s.suffixLevel(start-1) != levelWeak ||
			(isHan(r) || s.word(start-1)) && !s.places.stop[r] {
			start--
			continue
		}
		break
	}
	for p := start; p < i; p++ {
		if _, end := s.places.provinces.longest(s.view, p); end > 0 && p-start <= 8 && i-end >= 2 && strings.ContainsRune("省市自壮回维", s.at(end)) {
			return p
		}
	}
	for start < i {
		_, end := s.places.lead.longest(s.view, start)
		if end == 0 || i-end < 2 {
			if r := s.at(start); start < i && (r == ' ' || isLatin(r)) {
				start++
				continue
			}
			break
		}
		start = end
	}
	return start
}

// isAddress decides whether places and numbers together lead to somebody.
func (s *scanner) isAddress(start, number int, unit string, units int, strong bool) bool {
	at := number
	if s.at(at-1) == '第' && at > start {
		at--
		if !strings.ContainsRune("组社队", []rune(unit)[0]) && !strings.HasPrefix(unit, "村民") {
			return false
		}
	}
	level := s.suffixLevel(at)
	name := s.placeName(start, at)
	known := name != "" && !s.places.generic[name]
	switch {
	case units >= 2 && strong:
		return true
	case !known:
		return false
	case strings.Contains("期区米门户院屯", unit) && units < 2:
		return false
	case strings.Contains("楼层", unit):
		return level == levelPlace && units > 1 || s.labelBefore(start)
	case level == levelPlace:
		return true
	case level == levelTown:
		return unit != "层" && unit != "楼"
	case level == levelWeak:
		return len([]rune(name)) >= 2 || units >= 2
	case units >= 2:
		return level != 0
	}
	return level != levelRegion && s.labelBefore(start) && unit != "号"
}

// placeName gives the words before the last suffix.
func (s *scanner) placeName(start, end int) string {
	for n := 4; n > 0; n-- {
		if end-n >= start {
			if _, e := s.places.suffixes.longest(s.view, end-n); e == end {
				return s.text(start, end-n)
			}
		}
	}
	return s.text(start, end)
}

// labelBefore says whether a label of addresses stands right before cell i.
func (s *scanner) labelBefore(i int) bool {
	for n := 1; n <= 8; n++ {
		if i-n >= 0 {
			if _, end := s.Redactor.labels.places.longest(s.view, i-n); end > 0 && end <= i && i-end <= 2 {
				return true
			}
		}
	}
	return false
}

// labelledPlace takes a village or an estate behind a label.
func (s *scanner) labelledPlace(i int) {
	for n := 0; n < 4 && i < len(s.cells) && strings.ContainsRune(" :：是为在于了=\"'", s.at(i)); n++ {
		i++
	}
	end, last := 0, i
	for j := i; j < len(s.cells) && j-i < maxPlace && s.taken[j] == 0 && isHan(s.at(j)) && !s.places.stop[s.at(j)]; j++ {
		if s.suffixLevel(j+1) == 0 {
			continue
		}
		if s.suffixLevel(j+1) == levelPlace && !strings.ContainsRune("路街道巷弄场", s.at(j)) {
			if name := s.placeName(last, j+1); name != "" && !s.places.generic[name] {
				end = j + 1
			}
		} else if s.suffixLevel(j+1) != levelWeak {
			last = j + 1
		}
	}
	if end-i >= 3 {
		s.add(i, s.tail(end), kindAddress)
	}
}
