package knowledge

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// simplifyData has one line a simplified character: the character, then every
// character folded to it. Made from the character tables of OpenCC 1.1.6
// (Apache-2.0, see NOTICE), with a few spellings of our own.
//
//go:embed tables/simplify.txt
var simplifyData string

// simplifyTable gives for a character of the basic plane the one it is folded
// to, or 0 for itself.
var simplifyTable = sync.OnceValue(func() *[1 << 16]uint16 {
	t := new([1 << 16]uint16)
	for line := range strings.Lines(simplifyData) {
		to, n := utf8.DecodeRuneInString(line)
		for _, r := range strings.TrimSpace(line[n:]) {
			if r < 1<<16 && to < 1<<16 {
				t[r] = uint16(to)
			}
		}
	}
	return t
})

// Normalize gives the form in which texts and questions are compared:
// compatibility forms and widths unified (NFKC), traditional and over-converted
// characters folded to simplified ones character by character (製度 and 制度
// are one), lower case, without control, format and zero-width characters,
// white space folded to single spaces. It is idempotent and never fails:
// invalid bytes are dropped.
func Normalize(s string) string {
	// A fold can make new material for NFKC (and the reverse) in odd scripts,
	// hence the loop; ordinary text is stable after the first round.
	for range 4 {
		t := foldRunes(norm.NFKC.String(s))
		if t == s {
			break
		}
		s = t
	}
	return s
}

// foldRunes lowers, simplifies and drops rune by rune.
func foldRunes(s string) string {
	table := simplifyTable()
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n <= 1 {
				continue
			}
		}
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r < ' ', r == 0x7f, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		r = unicode.ToLower(r)
		if r < 1<<16 && table[r] != 0 {
			r = rune(table[r])
		}
		b.WriteRune(r)
	}
	return b.String()
}

// termKey is a character (low 21 bits) or a pair of adjacent ones (first in
// the high bits). Keys of pairs are above 1<<21, so both share one dictionary.
type termKey uint64

func unigram(r rune) termKey { return termKey(r) }

func bigram(a, b rune) termKey { return termKey(a)<<21 | termKey(b) }

// String gives the characters of the key, for messages.
func (k termKey) String() string {
	if k < 1<<21 {
		return string(rune(k))
	}
	return string([]rune{rune(k >> 21), rune(k & (1<<21 - 1))})
}

// pair says whether the key is of two characters.
func (k termKey) pair() bool { return k >= 1<<21 }

// indexable says whether a character takes part in terms.
func indexable(r rune) bool {
	return unicode.Is(unicode.Han, r) || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// eachTerm calls f for each character and each pair of adjacent characters of a
// normalized text; anything but letters, digits and Han ends a pair.
func eachTerm(s string, f func(termKey)) {
	var last rune
	for _, r := range s {
		if !indexable(r) {
			last = 0
			continue
		}
		f(unigram(r))
		if last != 0 {
			f(bigram(last, r))
		}
		last = r
	}
}

// termCounts counts the terms of normalized texts; pairs do not cross texts.
func termCounts(texts ...string) map[termKey]int {
	n := map[termKey]int{}
	for _, s := range texts {
		eachTerm(s, func(k termKey) { n[k]++ })
	}
	return n
}
