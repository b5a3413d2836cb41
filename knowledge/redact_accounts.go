package knowledge

import (
	"strings"
	"unicode"
)

// findEmails looks at each @ (also written 艾特, (at), [at] and with spaces).
func (s *scanner) findEmails() {
	for i := range s.cells {
		end := s.atSign(i)
		if end == 0 {
			continue
		}
		left := i
		for left > 0 && s.at(left-1) == ' ' && i-left < 2 {
			left--
		}
		start := left
		for start > 0 && left-start < 64 && s.taken[start-1] == 0 && (s.word(start-1) || strings.ContainsRune("._%+-", s.at(start-1))) {
			start--
		}
		for start < left && !s.word(start) {
			start++
		}
		if stop := s.domain(end); start < left && stop > 0 && !s.public(strings.ToLower(s.text(start, stop))) {
			s.add(start, stop, kindEmail)
		}
	}
}

// atSign gives the end of an @ in one of its spellings, 0 for none.
func (s *scanner) atSign(i int) int {
	switch r := s.at(i); {
	case r == '@':
		return i + 1
	case r == '艾' && s.at(i+1) == '特':
		return i + 2
	case (r == '(' || r == '[') && strings.EqualFold(s.text(i+1, i+3), "at") && (s.at(i+3) == ')' || s.at(i+3) == ']'):
		return i + 4
	case r == '#' && s.word(i-1) && s.word(i+1):
		return i + 1
	}
	return 0
}

// domain gives the end of a domain name with a dot, 0 for none.
func (s *scanner) domain(i int) int {
	for n := 0; s.at(i) == ' ' && n < 2; n++ {
		i++
	}
	first, dot, end := i, -1, 0
	for ; i < len(s.cells) && i-first < 64 && s.taken[i] == 0; i++ {
		switch r := s.at(i); {
		case s.word(i) || r == '-':
			if dot > 0 && isLatin(r) && i-dot >= 2 {
				end = i + 1
			}
		case (r == '.' || r == '。' || r == '点') && s.word(i-1) && s.word(i+1):
			dot = i
		default:
			return end
		}
	}
	return end
}

// plateProvinces begin a number plate (GA 36); those that are everyday words
// as well need more digits behind them.
const (
	plateProvinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
	plateWords     = "新云青宁使贵甘黑"
)

// findPlates finds number plates: province, letter, and five or (new energy)
// six characters, with or without a point or spaces.
func (s *scanner) findPlates() {
	for i := range s.cells {
		if !strings.ContainsRune(plateProvinces, s.at(i)) {
			continue
		}
		j := i + 1
		for ; s.at(j) == ' ' && j < i+2; j++ {
		}
		if !isLatin(s.at(j)) {
			continue
		}
		if end := s.plateEnd(i, j); end > 0 {
			s.add(i, end, kindPlate)
		}
	}
}

func (s *scanner) plateEnd(start, letter int) int {
	digits, lower, n, end := 0, unicode.IsLower(s.at(letter)), 0, 0
	for i := letter + 1; i < len(s.cells) && n < 6; i++ {
		switch {
		case s.digit(i) >= 0:
			digits++
			n++
			end = i + 1
		case isLatin(s.at(i)):
			lower = lower || unicode.IsLower(s.at(i))
			n++
			end = i + 1
		case n >= 4 && strings.ContainsRune("学警挂领港澳试超", s.at(i)):
			return i + 1
		case strings.ContainsRune("·.- _", s.at(i)) && i-max(end, letter+1) < 2:
		default:
			i = len(s.cells)
		}
	}
	if n < 5 || s.word(end) {
		return 0
	}
	class, near := s.context(start)
	labelled := class == labelPlate && near <= 6
	switch {
	case labelled:
		return end
	case digits == 0, lower && digits < 3, strings.ContainsRune(plateWords, s.at(start)) && digits < 2:
		return 0
	}
	return end
}

// findAccounts finds QQ numbers and WeChat names behind their labels, and
// WeChat's own wxid_ names anywhere.
func (s *scanner) findAccounts() {
	for _, l := range s.labels {
		switch l.class {
		case labelQQ:
			s.findQQ(l)
		case labelWeChat:
			s.findWeChat(l)
		}
	}
	for i := range s.cells {
		if (s.at(i) == 'w' || s.at(i) == 'W') && !s.word(i-1) && strings.EqualFold(s.text(i, i+5), "wxid_") {
			s.add(i, s.accountEnd(i), kindWeChat)
		}
	}
}

// filler gives the first cell behind a label that is no filling word.
func (s *scanner) filler(i int) int {
	for first := i; i < len(s.cells) && i-first < 10 && s.taken[i] == 0; i++ {
		if !strings.ContainsRune(" :：=是为号码群的就也同我加了叫名（(“\"'”、，,-—→", s.at(i)) {
			break
		}
	}
	return i
}

// findQQ takes 5 to 12 digits, in any spacing.
func (s *scanner) findQQ(l label) {
	start := s.filler(l.end)
	n, end := 0, start
	for i := start; i < len(s.cells) && n <= 12 && s.taken[i] == 0; i++ {
		if s.digit(i) >= 0 {
			n++
			end = i + 1
		} else if n == 0 || i-end >= 2 || !strings.ContainsRune(" -.", s.at(i)) {
			break
		}
	}
	if n < 5 || n > 12 || s.digit(start) == 0 || strings.ContainsRune("元块万", s.at(end)) || s.public(s.value(part{start, end, kindQQ})) {
		return
	}
	if s.at(end) != '@' && s.at(end) != '_' {
		s.add(start, end, kindQQ)
	}
}

// findWeChat takes a name of 6 to 20 characters (5 are let pass) that begins
// with a letter; one without digit or _ only behind a label that asks for it.
func (s *scanner) findWeChat(l label) {
	start := s.filler(l.end)
	if !isLatin(s.at(start)) && s.at(start) != '_' {
		s.wechatBefore(l)
		return
	}
	end := s.accountEnd(start)
	name := s.text(start, end)
	asked := s.at(l.end-1) == '号' || s.at(l.end) == '号' || strings.ContainsAny(s.text(l.end, start), ":：是为") || s.at(l.start) == '加' || s.at(l.start-1) == '加'
	if len(name) < 5 || !asked && !strings.ContainsAny(name, "0123456789_") || strings.EqualFold(name, "wechat") || strings.EqualFold(name, "weixin") {
		return
	}
	s.add(start, end, kindWeChat)
}

// wechatBefore takes a name before its label: “abc123是我微信”.
func (s *scanner) wechatBefore(l label) {
	end := l.start
	for end > 0 && l.start-end < 4 && strings.ContainsRune("是我的这个为，, ", s.at(end-1)) {
		end--
	}
	start := end
	for start > 0 && end-start < 21 && s.taken[start-1] == 0 && (s.word(start-1) || s.at(start-1) == '_' || s.at(start-1) == '-') {
		start--
	}
	if end < l.start && end-start >= 6 && isLatin(s.at(start)) && strings.ContainsAny(s.text(start, end), "0123456789_") {
		s.add(start, end, kindWeChat)
	}
}

func (s *scanner) accountEnd(i int) int {
	first := i
	for i < len(s.cells) && i-first < 32 && s.taken[i] == 0 && (s.word(i) || s.at(i) == '_' || s.at(i) == '-') {
		i++
	}
	return i
}
