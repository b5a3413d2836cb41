package knowledge

import "strings"

// atom is a run of digits of one script; a chain is atoms with at most a few
// separators between them.
type atom struct{ start, end int }

// maxGap bounds the separators between two digits of one number.
const maxGap = 3

// separator says whether a character may stand between the digits of a number.
func separator(r rune) bool { return strings.ContainsRune(" \n\r\t-._/()~·,、，", r) }

// findNumbers goes over the chains of digits.
func (s *scanner) findNumbers() {
	var chain []atom
	for i := 0; i < len(s.cells); {
		if s.digit(i) < 0 || s.taken[i] != 0 {
			i++
			continue
		}
		a := s.atomAt(i)
		if len(chain) > 0 && !s.joined(chain[len(chain)-1].end, a.start) {
			s.readChain(chain)
			chain = chain[:0]
		}
		chain = append(chain, a)
		i = a.end
	}
	s.readChain(chain)
}

func (s *scanner) atomAt(i int) atom {
	j := i + 1
	for j < len(s.cells) && s.digit(j) >= 0 && s.cells[j].hanDigit == s.cells[i].hanDigit && s.taken[j] == 0 {
		j++
	}
	return atom{i, j}
}

func (s *scanner) joined(from, to int) bool {
	if to-from > maxGap {
		return false
	}
	for i := from; i < to; i++ {
		if !separator(s.at(i)) || s.taken[i] != 0 {
			return false
		}
	}
	return true
}

// readChain finds the numbers of a chain from left to right.
func (s *scanner) readChain(chain []atom) {
	for i := 0; i < len(chain); {
		if n := s.readNumber(chain[i:]); n > 0 {
			i += n
			continue
		}
		i++
	}
}

// candidate is the beginning of a chain read as one number.
type candidate struct {
	atoms  []atom
	digits string
	start  int
	end    int
	class  int // of the label before it
	near   int // its distance
	spread bool
	commas bool
	dotted bool
}

// maxDigits bounds a number: 0086 and a glued pair of mobile and ID numbers.
// maxSpread the same for one written in pieces.
const (
	maxDigits = 40
	maxSpread = 23
)

// readNumber finds a number at the beginning of a chain and gives how many
// atoms it takes, 0 for none. The kinds are tried in the order in which they
// exclude one another.
func (s *scanner) readNumber(chain []atom) int {
	var c []candidate
	var b []byte
	single := true
	for k, a := range chain {
		if n := len(b) + a.end - a.start; n > maxDigits || k > 0 && n > maxSpread {
			break
		}
		for i := a.start; i < a.end; i++ {
			b = append(b, '0'+byte(s.digit(i)))
		}
		single = single && (a.end-a.start == 1 || s.cells[a.start].hanDigit)
		x := candidate{atoms: chain[:k+1], digits: string(b), start: chain[0].start, end: a.end, spread: single}
		x.class, x.near = s.context(x.start)
		if k > 0 {
			x.commas = c[k-1].commas || strings.ContainsAny(s.text(chain[k-1].end, a.start), ",、，")
			x.dotted = c[k-1].dotted || strings.Contains(s.text(chain[k-1].end, a.start), ".")
		}
		c = append(c, x)
	}
	for _, try := range [...]func(*candidate) (int, int, int){s.asIDCard, s.asBankCard, s.asMobile, s.asLandline, s.asGlued} {
		for k := len(c) - 1; k >= 0; k-- {
			if c[k].commas && !c[k].spread || s.amount(&c[k]) || dates(&c[k]) {
				continue
			}
			kind, start, end := try(&c[k])
			if kind < 0 {
				continue
			}
			if s.public(c[k].digits) || s.add(start, end, kind) {
				return k + 1
			}
		}
	}
	return 0
}

// dates says whether the atoms begin as a date does: 2000-03-20.
func dates(c *candidate) bool {
	if len(c.atoms) < 3 || c.digits[:2] != "19" && c.digits[:2] != "20" {
		return false
	}
	size := func(i int) int { return c.atoms[i].end - c.atoms[i].start }
	return size(0) == 4 && size(1) <= 2 && size(2) <= 2
}

// amount says whether a number is money, a measure or part of a decimal.
func (s *scanner) amount(c *candidate) bool {
	if strings.ContainsRune("¥￥$€£", s.at(c.start-1)) && s.at(c.start-1) != '\n' {
		return true
	}
	if s.at(c.end) == '.' && s.asciiDigit(c.end+1) && len(c.atoms) == 1 && c.class != labelPhone && c.class != labelID {
		return true
	}
	return c.class != labelID && c.class != labelPhone && c.class != labelBank && s.at(c.end) != '\n' && strings.ContainsRune("元块万亿%‰", s.at(c.end)) ||
		len(c.atoms) == 1 && s.at(c.end) == '元'
}

// letters says whether the number is part of a longer word of letters and
// digits. A plain word before it is no part of it: tel13800000000.
func (s *scanner) letters(start, end int) bool {
	if isLatin(s.at(end)) {
		return true
	}
	i := start - 1
	for i >= 0 && start-i < 24 && isLatin(s.at(i)) {
		i--
	}
	if i == start-1 {
		return false
	}
	if s.asciiDigit(i) || s.at(i) == '_' {
		return true
	}
	c, near := s.context(start)
	return !(c != 0 && c != labelNot && near == 0)
}

// asIDCard reads an ID number: 17 digits and a digit or X, or the old 15. The
// birth date decides; behind its label everything of about that length counts.
func (s *scanner) asIDCard(c *candidate) (kind, start, end int) {
	n, end := len(c.digits), c.end
	if n == 17 {
		if e := s.checkX(end); e > 0 {
			n, end = 18, e
		}
	}
	labelled := c.class == labelID
	ok := false
	switch {
	case n == 18:
		good := birthDate(c.digits[6:14])
		ok = good && c.class != labelNot && (provinceCode(c.digits) || labelled) || good && provinceCode(c.digits) && checkDigit(c.digits) || labelled
		if c.class == labelBank && c.near <= 8 && !(good && provinceCode(c.digits) && checkDigit(c.digits)) {
			ok = false
		}
	case n == 15:
		good := birthDate("19" + c.digits[6:12])
		ok = labelled || good && provinceCode(c.digits) && c.class != labelNot && c.class != labelBank && c.digits[0] != '0' && len(c.atoms) <= 3
	case labelled && c.near <= 4 && n >= 14 && n <= 20:
		ok = true
	}
	if !ok || !labelled && s.letters(c.start, end) {
		return -1, 0, 0
	}
	return kindIDCard, c.start, end
}

// checkX gives the end of an X that closes an ID number, 0 for none.
func (s *scanner) checkX(end int) int {
	for i := end; i <= end+maxGap; i++ {
		if strings.ContainsRune("xX×叉╳Ⅹ", s.at(i)) && !isLatin(s.at(i+1)) {
			return i + 1
		}
		if !separator(s.at(i)) || strings.ContainsRune(",，、", s.at(i)) {
			break
		}
	}
	return 0
}

// birthDate says whether eight digits are a day from 1880 to 2099.
func birthDate(d string) bool {
	if y := d[:4]; y < "1880" || y > "2099" {
		return false
	}
	m, day := d[4:6], d[6:8]
	return m >= "01" && m <= "12" && day >= "01" && day <= "31"
}

// provinceCode says whether the first two digits are those of a province
// (GB/T 2260); the district behind them is not looked at.
func provinceCode(d string) bool {
	first, second := d[0], d[1]
	switch first {
	case '1', '3', '4', '5', '6':
		return second >= '1' && second <= '9'
	case '2':
		return second >= '1' && second <= '3'
	}
	return d[:2] == "71" || d[:2] == "81" || d[:2] == "82" || d[:2] == "83"
}

// checkDigit verifies the last digit of 18 after GB 11643; a number closed by
// X passes by its shape.
func checkDigit(d string) bool {
	if len(d) != 18 {
		return true
	}
	sum := 0
	weight := [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	for i, w := range weight {
		sum += int(d[i]-'0') * w
	}
	return "10X98765432"[sum%11] == d[17]
}

// asBankCard reads a card of 16 to 19 digits: any behind its label, otherwise
// one whose Luhn sum is right or which begins with 62 as Chinese cards do
// (GB/T 15694.1).
func (s *scanner) asBankCard(c *candidate) (kind, start, end int) {
	n := len(c.digits)
	labelled := c.class == labelBank
	switch {
	case labelled && c.near <= 4 && n >= 12 && n <= 23 && len(c.atoms) == 1 && !(n == 18 && birthDate(c.digits[6:14]) && checkDigit(c.digits)):
	case n < 16 || n > 19 || c.class == labelNot:
		return -1, 0, 0
	case labelled:
	case strings.HasPrefix(c.digits, "62"), strings.ContainsRune("3456", rune(c.digits[0])) && luhn(c.digits), strings.HasPrefix(c.digits, "9558"):
	default:
		return -1, 0, 0
	}
	if !labelled && (s.letters(c.start, c.end) || !s.grouped(c, 4) && len(c.atoms) > 2 && !c.spread) {
		return -1, 0, 0
	}
	return kindBankCard, c.start, c.end
}

// grouped says whether all atoms but the last have a length.
func (s *scanner) grouped(c *candidate, n int) bool {
	for _, a := range c.atoms[:len(c.atoms)-1] {
		if a.end-a.start != n {
			return false
		}
	}
	return true
}

func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// asMobile reads a mobile number, with or without the country code.
func (s *scanner) asMobile(c *candidate) (kind, start, end int) {
	d, coded := strings.CutPrefix(c.digits, "0086")
	if !coded {
		if d, coded = strings.CutPrefix(c.digits, "86"); len(d) != 11 {
			d, coded = c.digits, false
		}
	}
	labelled := c.class == labelPhone || c.class == labelWeChat || c.class == labelQQ
	typo := labelled && c.near <= 2 && (len(d) == 10 || len(d) == 12) && len(c.atoms) == 1 && !coded
	if len(d) != 11 && !typo || d[0] != '1' || d[1] < '3' {
		return -1, 0, 0
	}
	if !coded && !labelled && (c.class == labelNot || s.letters(c.start, c.end) || !s.mobileGroups(c)) {
		return -1, 0, 0
	}
	start, end = c.start, c.end
	if coded && s.at(start-1) == '+' {
		start--
	}
	return kindMobile, start, s.extension(end)
}

// mobileGroups says whether the digits are set apart as people do it.
func (s *scanner) mobileGroups(c *candidate) bool {
	n := len(c.atoms)
	if n == 1 || c.spread || n >= 6 {
		return true
	}
	if n == 2 && !c.dotted {
		return true
	}
	a, b := c.atoms[0].end-c.atoms[0].start, c.atoms[1].end-c.atoms[1].start
	if n == 3 {
		return a == 3 && b >= 3 && b <= 5 || a == 4 && (b == 3 || b == 4)
	}
	return !c.dotted
}

// extension gives the end of 转801 behind a number.
func (s *scanner) extension(end int) int {
	i := end
	for i < len(s.cells) && i < end+2 && (s.at(i) == ' ' || s.at(i) == ',' || s.at(i) == '，') {
		i++
	}
	if s.at(i) == '转' {
		i++
	} else if s.text(i, i+2) == "分机" {
		i += 2
	} else if strings.EqualFold(s.text(i, i+3), "ext") {
		i += 3
	} else {
		return end
	}
	for i < len(s.cells) && strings.ContainsRune("分机号 :.", s.at(i)) && i < end+8 {
		i++
	}
	j := i
	for j < len(s.cells) && s.digit(j) >= 0 && j-i < 6 && s.taken[j] == 0 {
		j++
	}
	if j == i {
		return end
	}
	return j
}

// asLandline reads a number with its area code (three digits for 010 and 02x,
// four for the others), or a local one behind a label.
func (s *scanner) asLandline(c *candidate) (kind, start, end int) {
	d, coded := strings.CutPrefix(c.digits, "0086")
	if !coded && s.at(c.start-1) == '+' {
		if d, coded = strings.CutPrefix(c.digits, "86"); !coded {
			d = c.digits
		}
	}
	if coded && d != "" && d[0] != '0' {
		d = "0" + d
	}
	labelled := c.class == labelPhone
	if c.class == labelNot || c.dotted && !labelled || len(c.atoms) > 6 && !c.spread || !labelled && s.letters(c.start, c.end) {
		return -1, 0, 0
	}
	n, ext := len(d), false
	if k := len(c.atoms); k > 1 && labelled || k == 3 { // 0571-12345678-801
		if l := c.atoms[k-1].end - c.atoms[k-1].start; l <= 5 && n-l >= 10 && d[0] == '0' && s.at(c.atoms[k-1].start-1) == '-' {
			n, ext = n-l, true
		}
	}
	local := labelled && !ext && c.near <= 6 && (n == 7 || n == 8) && d[0] >= '2' && d[0] <= '8' && !(n == 8 && len(c.atoms) == 3)
	if local && s.at(c.start-1) == '-' && s.digit(c.start-2) >= 0 { // the rest of 400-800-1234
		return -1, 0, 0
	}
	if !local && !areaNumber(d[:n]) {
		return -1, 0, 0
	}
	if !local && !labelled && c.spread != (len(c.atoms) > 3) {
		return -1, 0, 0
	}
	start = c.start
	for start > 0 && (s.at(start-1) == '+' || s.at(start-1) == '(') && s.taken[start-1] == 0 {
		start--
	}
	return kindLandline, start, s.extension(c.end)
}

func areaNumber(d string) bool {
	n := len(d)
	if n < 10 || n > 12 || d[0] != '0' {
		return false
	}
	if strings.HasPrefix(d, "010") || d[1] == '2' {
		return (n == 11 || n == 10) && d[3] >= '2' && d[3] != '9'
	}
	return d[1] >= '3' && (n == 11 || n == 12) && d[4] >= '2'
}

// asGlued reads several numbers written without anything between them.
func (s *scanner) asGlued(c *candidate) (kind, start, end int) {
	if len(c.atoms) != 1 || c.class == labelNot || len(c.digits) < 22 || s.letters(c.start, c.end) {
		return -1, 0, 0
	}
	kind = -1
	for d := c.digits; d != ""; {
		switch {
		case len(d) >= 18 && provinceCode(d) && birthDate(d[6:14]):
			d, kind = d[18:], kindIDCard
		case len(d) >= 11 && d[0] == '1' && d[1] >= '3':
			d = d[11:]
			if kind < 0 {
				kind = kindMobile
			}
		default:
			return -1, 0, 0
		}
	}
	return kind, c.start, c.end
}
