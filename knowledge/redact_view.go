package knowledge

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// cell is one character as the redactor reads it: widths unified, traditional
// characters simplified, zero-width characters left out. Several characters of
// the text may be one cell: a placeholder is.
type cell struct {
	r        rune
	digit    int8 // its value, also of 一 and 幺; -1: no digit
	hanDigit bool
	mark     int // kind of the placeholder it is, -1: none
	pos, end int // code points of the text
}

// view is a text as the redactor reads it.
type view struct {
	cells []cell
	top   int // the greatest number in a placeholder of the text
}

// markRune stands for a placeholder in the view.
const markRune = '\uE000'

func newView(text []rune) *view {
	v := &view{cells: make([]cell, 0, len(text))}
	for i := 0; i < len(text); i++ {
		r := text[i]
		if r == '〔' {
			if kind, n, end := readMark(text, i); kind >= 0 {
				v.cells = append(v.cells, cell{markRune, -1, false, kind, i, end})
				v.top = max(v.top, n)
				i = end - 1
				continue
			}
		}
		f := foldForRedaction(r)
		if f < 0 {
			continue
		}
		d, han := digitOf(r, f)
		v.cells = append(v.cells, cell{f, d, han, -1, i, i + 1})
	}
	return v
}

// readMark reads a placeholder: its kind (-1: it is none), number and end.
func readMark(text []rune, i int) (kind, n, end int) {
	for k, p := range piiKinds {
		w := []rune(p.word)
		j := i + 1
		if j+len(w) >= len(text) || string(text[j:j+len(w)]) != p.word {
			continue
		}
		j += len(w)
		first := j
		for n = 0; j < len(text) && j-first < 4 && text[j] >= '0' && text[j] <= '9'; j++ {
			n = n*10 + int(text[j]-'0')
		}
		if j > first && text[first] != '0' && j < len(text) && text[j] == '〕' {
			return k, n, j + 1
		}
	}
	return -1, 0, 0
}

// without gives the view with pieces replaced by placeholders, as it would be
// read from the masked text.
func (v *view) without(parts []part) *view {
	out := &view{cells: make([]cell, 0, len(v.cells)), top: v.top}
	at := 0
	for _, p := range parts {
		out.cells = append(out.cells, v.cells[at:p.start]...)
		out.cells = append(out.cells, cell{markRune, -1, false, p.kind, v.cells[p.start].pos, v.cells[p.end-1].end})
		at = p.end
	}
	out.cells = append(out.cells, v.cells[at:]...)
	return out
}

// value gives a piece in one spelling: numbers as digits alone.
func (v *view) value(p part) string {
	var b strings.Builder
	for _, c := range v.cells[p.start:p.end] {
		switch {
		case p.kind == kindName || p.kind == kindAddress:
			if !unicode.IsSpace(c.r) {
				b.WriteRune(c.r)
			}
		case c.digit >= 0 && p.kind != kindEmail && p.kind != kindWeChat:
			b.WriteByte('0' + byte(c.digit))
		case c.r > ' ' && (p.kind == kindEmail || p.kind == kindWeChat || unicode.IsLetter(c.r)):
			b.WriteRune(unicode.ToLower(c.r))
		}
	}
	s := b.String()
	if p.kind == kindMobile && len(s) > 11 {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "00"), "86")
	}
	return s
}

// The indexes of piiKinds.
const (
	kindName = iota
	kindAddress
	kindIDCard
	kindMobile
	kindLandline
	kindBankCard
	kindPlate
	kindEmail
	kindQQ
	kindWeChat
)

// foldForRedaction gives the form in which a character is read, -1 for one
// that is not seen.
func foldForRedaction(r rune) rune {
	switch {
	case r < 0x80:
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
			return -1
		}
		return r
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == '•' || r == '・' || r == '∙' || r == '⋅' || r == '·' || r == '‧' || r == '･':
		return '·'
	case r >= 0x2010 && r <= 0x2015 || r == '−' || r == '－' || r == 'ー' || r == '﹣' || r == '─':
		return '-'
	case r >= 0x4E00 && r <= 0x9FFF:
		if t := simplifyTable()[r]; t != 0 {
			return rune(t)
		}
		return r
	case r > 0x3000 && r < 0x3040:
		return r
	case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Cc), r == 0x3164, r == 0x115F, r == 0x1160, r == 0x2800:
		return -1
	case unicode.IsSpace(r):
		return ' '
	case r >= markRune && r <= 0xF8FF, r == unicode.ReplacementChar:
		return unicode.ReplacementChar
	}
	if t := []rune(norm.NFKC.String(string(r))); len(t) == 1 {
		return t[0]
	}
	return r
}

// spokenDigit reads the characters spoken as digits one by one; 幺 is the one of
// the army and the railways, 洞 its nought. -1: none.
func spokenDigit(r rune) int8 {
	switch r {
	case '〇', '零', '洞':
		return 0
	case '一', '壹', '幺':
		return 1
	case '二', '贰':
		return 2
	case '三', '叁':
		return 3
	case '四', '肆':
		return 4
	case '五', '伍':
		return 5
	case '六', '陆':
		return 6
	case '七', '柒', '拐':
		return 7
	case '八', '捌':
		return 8
	case '九', '玖', '勾':
		return 9
	}
	return -1
}

// digitOf gives the value of a digit in any script and whether it is Chinese.
func digitOf(r, folded rune) (int8, bool) {
	if folded >= '0' && folded <= '9' {
		return int8(folded - '0'), false
	}
	if folded < 0x80 {
		return -1, false
	}
	if d := max(spokenDigit(r), spokenDigit(folded)); d >= 0 {
		return d, true
	}
	if isHan(r) || r >= 0x3000 && r < 0x3040 {
		return -1, false
	}
	if r >= 0x2460 && r <= 0x2793 {
		return circledDigit(r), false
	}
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return int8((r - rune(t.Lo)) % 10), false
		}
	}
	return -1, false
}

// circledDigit reads ①, ⑴, ⒈ and their like.
func circledDigit(r rune) int8 {
	for _, first := range [...]rune{0x2460, 0x2474, 0x2488, 0x24F5, 0x2776, 0x2780, 0x278A} {
		if r >= first && r < first+9 {
			return int8(r-first) + 1
		}
	}
	if r == 0x24EA || r == 0x24FF {
		return 0
	}
	return -1
}

func isHan(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r == '〇'
}

func isLatin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// at gives the character of a cell, a line feed beyond the ends.
func (v *view) at(i int) rune {
	if i < 0 || i >= len(v.cells) {
		return '\n'
	}
	return v.cells[i].r
}

func (v *view) digit(i int) int {
	if i < 0 || i >= len(v.cells) {
		return -1
	}
	return int(v.cells[i].digit)
}

// asciiDigit says whether a cell is a digit written as one.
func (v *view) asciiDigit(i int) bool { return v.digit(i) >= 0 && !v.cells[i].hanDigit }

// word reports whether a cell is a Latin letter or a digit written as one.
func (v *view) word(i int) bool { return isLatin(v.at(i)) || v.asciiDigit(i) }

func (v *view) text(i, j int) string {
	var b strings.Builder
	for i = max(i, 0); i < j && i < len(v.cells); i++ {
		b.WriteRune(v.cells[i].r)
	}
	return b.String()
}
