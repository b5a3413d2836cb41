package knowledge

import (
	"slices"
	"strings"
)

// The strength of what points to a name.
const (
	bare     = iota // nothing but the words around it
	weakly          // a word behind which names often stand: 房东, 我
	strongly        // a label of names: 姓名, 被告
)

// findNames finds names behind labels, beside numbers of the same person, in
// forms like 老王, of foreign and minority shape (阿依古丽·买买提), and full
// names set apart by the words around them; then their repetitions.
func (s *scanner) findNames() {
	labelAt := map[int]int{}
	for i := 0; i < len(s.cells); i++ {
		class, end := s.Redactor.labels.names.longest(s.view, i)
		if class == 0 || isLatin(s.at(i)) && (isLatin(s.at(i-1)) || isLatin(s.at(end))) {
			continue
		}
		strength := weakly
		if class == labelName {
			strength = strongly
		}
		at := s.nameField(end, strength)
		labelAt[at] = max(labelAt[at], strength)
		s.namesFrom(at, strength)
	}
	for i := range s.cells {
		if s.taken[i] != 0 || !isHan(s.at(i)) {
			continue
		}
		if s.at(i) == '老' || s.at(i) == '小' || s.at(i) == '阿' {
			s.nickname(i)
		}
		if end := s.dotted(i); end > 0 && !isHan(s.at(i-1)) {
			s.addName(i, end)
		}
		if _, end := s.names.titles.longest(s.view, i+1); end > 0 && s.names.common[s.at(i)] && (s.before(i) > 0 || s.labelled(i) > 0) {
			s.addName(i, end)
		}
		if end := s.addressed(i); end > 0 {
			s.addName(i, end)
		}
		s.besideNumber(i)
		if end := s.nameAt(i, bare); end > 0 {
			s.addName(i, end)
		}
	}
	s.likelyNames(labelAt)
	s.repeated()
}

// nameField skips what may stand between a label and its name.
func (s *scanner) nameField(i, strength int) int {
	set := "是叫"
	if strength == strongly {
		set = " :：是叫为=\"“'‘（()）】\t"
	} else if strings.ContainsRune(":：", s.at(i)) {
		set = ":： "
	}
	for n := 0; n < 5 && i < len(s.cells) && s.taken[i] == 0 && strings.ContainsRune(set, s.at(i)); n++ {
		i++
	}
	return i
}

// namesFrom takes a name and those joined to it by 、 or 和.
func (s *scanner) namesFrom(i, strength int) {
	for range 32 {
		end := s.nameAt(i, strength)
		if end == 0 || !s.addName(i, end) {
			return
		}
		if !strings.ContainsRune("、和与及跟,，/", s.at(end)) || end >= len(s.cells) {
			return
		}
		if i = end + 1; s.at(end) == '，' || s.at(end) == ',' {
			strength = bare
		} else {
			strength = min(strength, weakly)
		}
	}
}

func (s *scanner) addName(start, end int) bool {
	if s.noPerson(start, end) || !s.add(start, end, kindName) {
		return false
	}
	if end-start >= 2 {
		s.known[s.text(start, end)] = true
	}
	return true
}

// doctrines stand behind the name of somebody whose teaching is meant, which is
// in books and no personal data: 雷锋精神.
var doctrines = []string{"理论", "思想", "主义", "精神", "新时代", "法治思想"}

// homesteads end names of places that begin with a family's name: 刘家庄.
const homesteads = "庄村屯沟湾岭坡坪坝塘畈堡寨垭圩浜埠洼峪崖营窑巷"

// noPerson says that what looks like a name is that of a teaching or a place.
func (s *scanner) noPerson(start, end int) bool {
	if end-start == 3 && s.at(start+1) == '家' && strings.ContainsRune(homesteads, s.at(start+2)) {
		return true
	}
	behind := s.text(end, min(end+4, len(s.cells)))
	return slices.ContainsFunc(doctrines, func(d string) bool { return strings.HasPrefix(behind, d) })
}

// boundary says how surely a name may end before cell i.
func (s *scanner) boundary(i int) int {
	if i >= len(s.cells) || !isHan(s.at(i)) {
		return 3
	}
	if _, end := s.names.follow.longest(s.view, i); end > 0 {
		return 3
	}
	if s.at(i) == '诉' && !strings.ContainsRune("讼求状苦", s.at(i+1)) {
		return 3
	}
	if s.names.follow1[s.at(i)] {
		return 2
	}
	if class, _ := s.Redactor.labels.names.longest(s.view, i); class != 0 {
		return 2
	}
	return 0
}

// before says how surely a name may begin at cell i.
func (s *scanner) before(i int) int {
	if i == 0 || !isHan(s.at(i-1)) {
		return 3
	}
	if s.names.before1[s.at(i-1)] {
		return 2
	}
	return 0
}

// nameAt gives the end of a name at cell i, 0 for none.
func (s *scanner) nameAt(i, strength int) int {
	if i >= len(s.cells) || s.taken[i] != 0 || !isHan(s.at(i)) {
		return 0
	}
	if _, end := s.names.notNames.longest(s.view, i); end > 0 || s.partOfWord(i) {
		return 0
	}
	if strength == bare && s.before(i) >= 2 {
		if one, two := s.composedEnd(i, 1), s.composedEnd(i, 2); one > i && two > one && s.boundary(two) > 0 {
			return two
		} else if one-i >= 3 {
			if strings.ContainsRune("江汗", s.at(one)) {
				one++
			}
			if s.boundary(one) > 0 {
				return one
			}
		}
	}
	if strength > bare {
		if end := s.dotted(i); end > 0 {
			return end
		}
		if end := s.composed(i); end > 0 {
			return end
		}
	}
	family := 1
	if _, end := s.names.compound.longest(s.view, i); end > 0 {
		family = end - i
	} else if !s.names.common[s.at(i)] && (strength == bare || !s.names.single[s.at(i)]) {
		return s.unusual(i, strength)
	}
	best, length := 0, 0
	for n := 1; n <= 2; n++ {
		if score := s.nameScore(i, family, n, strength); score > best || score == best && score > 0 {
			best, length = score, family+n
		}
	}
	need := [...]int{6, 3, 2}[strength]
	if family > 1 && strength > bare {
		need--
	}
	if n := s.givens(i + family); best < need && strength == strongly && n > 0 && (family > 1 || s.names.common[s.at(i)]) && !s.names.never[s.at(i+family+n)] {
		return i + family + n
	}
	if best < need {
		return s.unusual(i, strength)
	}
	return i + length
}

// partOfWord says whether a family name is the end of a word: 对方, 我钱, 师傅.
func (s *scanner) partOfWord(i int) bool {
	switch s.at(i) {
	case '方':
		return strings.ContainsRune("对双一我男女甲乙丙丁园院校买卖警官各资店厂", s.at(i-1))
	case '张', '段', '席', '支', '双', '台', '车': // measure words
		return strings.ContainsRune("这那一二两三四五六几每半", s.at(i-1)) || s.digit(i-1) >= 0
	case '钱', '付':
		return isHan(s.at(i-1)) && s.labelled(i) == 0 || s.at(i-1) == '我'
	case '傅':
		return s.at(i-1) == '师'
	case '余', '万':
		return s.numeral(i-1) || strings.ContainsRune("千万", s.at(i-1))
	}
	return false
}

// nameScore weighs a family name with n characters behind it.
func (s *scanner) nameScore(i, family, n, strength int) int {
	end := i + family + n
	if end > len(s.cells) {
		return 0
	}
	score, given := 0, 0
	for j := i + family; j < end; j++ {
		r := s.at(j)
		if !isHan(r) || s.taken[j] != 0 || s.at(j) == '某' {
			return 0
		}
		switch {
		case s.names.never[r]:
			score -= 3
		case s.names.given[r]:
			score++
			given++
		case s.names.follow1[r]:
			score -= 2
		}
		if _, stop := s.names.follow.longest(s.view, j); stop > end {
			score -= 2
		}
	}
	edge := s.boundary(end)
	rare := !s.names.common[s.at(i)] && family == 1
	if edge == 0 && (strength == bare || given < n) || given < n && rare || rare && strength == weakly && (n < 2 || edge == 0 || strings.ContainsRune("我叫俺", s.at(i-1))) {
		return 0
	}
	if score += edge; edge == 0 && n == 2 && strength == weakly {
		score++
	}
	if strength > bare {
		return score
	}
	left := s.before(i)
	if left == 0 && family+n == 3 && given == 2 && edge >= 2 && s.names.sure[s.at(i)] { // a full name of the usual length
		left = 2
	}
	if left == 0 || given < n || family+n == 2 && !isHan(s.at(end)) && left < 3 && !s.names.before2[s.at(i-1)] {
		return 0
	}
	if edge == 3 && left == 3 && !isHan(s.at(end)) && n+family != 3 {
		return 0
	}
	if family+n == 2 { // short names are easily words
		return score + left + edge/3
	}
	return score + left
}

// givens counts the characters of given names from cell i, up to two.
func (s *scanner) givens(i int) int {
	n := 0
	for n < 2 && s.names.given[s.at(i+n)] && s.taken[min(i+n, len(s.cells))] == 0 {
		n++
	}
	return n
}

// addressed takes 张明先生 and 李某强: any family name, given names, and what
// makes clear that they are.
func (s *scanner) addressed(i int) int {
	if !s.names.single[s.at(i)] || s.before(i) < 2 && s.labelled(i) == 0 {
		return 0
	}
	if g := s.at(i + 2); s.at(i+1) == '某' && s.names.given[g] && !strings.ContainsRune("一二三四五六七八九十家有来向全先后前大小等同", g) && s.boundary(i+3) > 0 {
		if _, word := s.names.follow.longest(s.view, i+2); word == 0 {
			return i + 3
		}
	}
	if n := s.givens(i + 1); n > 0 {
		if _, end := s.names.titles.longest(s.view, i+1+n); end > 0 {
			return i + 1 + n
		}
	}
	return 0
}

// unusual takes what fills a field of names, whatever its characters.
func (s *scanner) unusual(i, strength int) int {
	if strength < strongly {
		return 0
	}
	j := i
	for j < len(s.cells) && isHan(s.at(j)) && s.taken[j] == 0 && j-i < 5 {
		if s.names.never[s.at(j)] {
			return 0
		}
		j++
	}
	if _, end := s.names.generic.longest(s.view, i); end > 0 || j-i < 2 || j-i > 4 || isHan(s.at(j)) {
		return 0
	}
	if strings.ContainsRune(":：\"=", s.at(i-1)) || s.text(i-2, i) == "我叫" {
		return j
	}
	return 0
}

// dotted gives the end of a name of several parts with · between them.
func (s *scanner) dotted(i int) int {
	j := i
	for j < len(s.cells) && isHan(s.at(j)) && s.taken[j] == 0 && j-i < 7 {
		j++
	}
	if s.at(j) != '·' || j-i < 2 {
		return 0
	}
	for s.at(j) == '·' && isHan(s.at(j+1)) {
		first := j + 1
		for j = max(first, s.composedEnd(first, 1)); j < len(s.cells) && isHan(s.at(j)) && s.taken[j] == 0 && j-first < 8; j++ {
			if j-first >= 2 && s.boundary(j) > 0 {
				break
			}
		}
		for s.composedEnd(j, 1) > j {
			j = s.composedEnd(j, 1)
		}
	}
	return j
}

// composed gives the end of a name written together from known parts.
func (s *scanner) composed(i int) int {
	end := s.composedEnd(i, 4)
	if end-i >= 3 && s.boundary(end) > 0 || end-i == 2 && s.boundary(end) == 3 {
		return end
	}
	if end > i {
		for n := 1; n <= 2; n++ {
			if s.boundary(end+n) > 0 && isHan(s.at(end+n-1)) && !s.names.never[s.at(end+n-1)] {
				return end + n
			}
		}
	}
	return 0
}

func (s *scanner) composedEnd(i, parts int) int {
	for range parts {
		_, end := s.names.elements.longest(s.view, i)
		if end == 0 {
			break
		}
		i = end
	}
	return i
}

// nickname takes 老王 and 小李 where the name ends there.
func (s *scanner) nickname(i int) {
	if !s.names.common[s.at(i+1)] || isHan(s.at(i-1)) && s.before(i) == 0 && s.labelled(i) == 0 {
		return
	}
	if _, end := s.names.notNames.longest(s.view, i+1); end > 0 || strings.ContainsRune("高金石万牛夏方白龙雷严江史熊武田温余于", s.at(i+1)) {
		return
	}
	if isHan(s.at(i+2)) && !strings.ContainsRune("欠借说打骂把被在和的他她不让向给找是家头又就还也跟", s.at(i+2)) {
		return
	}
	s.addName(i, i+2)
}

// labelled says whether a label of names ends before cell i.
func (s *scanner) labelled(i int) int {
	for n := 2; n <= 4; n++ {
		if i-n >= 0 {
			if class, end := s.Redactor.labels.names.longest(s.view, i-n); class != 0 && end == i {
				return 1
			}
		}
	}
	return 0
}

// besideNumber takes two to four characters that stand alone next to a number
// or an address of the same person: 张三 13800000000.
func (s *scanner) besideNumber(i int) {
	if isHan(s.at(i - 1)) {
		return
	}
	j := i
	for j < len(s.cells) && isHan(s.at(j)) && s.taken[j] == 0 && j-i < 5 {
		j++
	}
	if j-i < 2 || j-i > 4 {
		return
	}
	strength := strongly
	switch {
	case s.personal(j) || s.personalBefore(i, " \t|"):
	case s.personalBefore(i, ",，、:："):
		strength = weakly
	default:
		return
	}
	if s.nameAt(i, strength) == j {
		s.addName(i, j)
	}
}

// personal says whether a number or address begins within two cells.
func (s *scanner) personal(i int) bool {
	for n := 0; n < 3 && i < len(s.cells); n++ {
		if s.taken[i] != 0 {
			return s.personKind(i)
		}
		if !strings.ContainsRune(" ,，:：(（\t|;；\n", s.at(i)) {
			return false
		}
		i++
	}
	return false
}

// personalBefore says whether one ends within two cells, with these between.
func (s *scanner) personalBefore(i int, between string) bool {
	for n := 0; n < 2 && i > 0; n++ {
		i--
		if s.taken[i] != 0 {
			return s.personKind(i)
		}
		if !strings.ContainsRune(between, s.at(i)) {
			return false
		}
	}
	return false
}

// personKind says whether a taken cell belongs to a number of one person.
func (s *scanner) personKind(i int) bool {
	switch int(s.taken[i]) - 1 {
	case kindMobile, kindIDCard, kindAddress, kindLandline, kindBankCard:
		return true
	}
	return false
}

// repeated takes the other places where a name found before stands.
func (s *scanner) repeated() {
	if len(s.known) == 0 {
		return
	}
	t := new(trie)
	for name := range s.known {
		t.put(name, len([]rune(name)))
	}
	for i := range s.cells {
		if n, end := t.longest(s.view, i); n > 2 || n == 2 && (s.boundary(end) > 0 || s.before(i) == 3) {
			s.addName(i, end)
		}
	}
}
