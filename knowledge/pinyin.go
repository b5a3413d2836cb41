package knowledge

import (
	"strings"
	"sync"

	"github.com/mozillazg/go-pinyin"
)

// maxReadings is how many readings of a character count; a third one is rare
// and would only blur the comparison.
const maxReadings = 2

// sounds gives the folded readings of characters of the basic plane, as ids;
// {0, 0} for characters without one.
var sounds = sync.OnceValue(func() *[1 << 16][maxReadings]uint16 {
	t := new([1 << 16][maxReadings]uint16)
	ids := map[string]uint16{}
	for r := range len(t) { // in this order: caches keep the ids
		readings, ok := pinyin.PinyinDict[r]
		if !ok {
			continue
		}
		n := 0
		for s := range strings.SplitSeq(readings, ",") {
			s = foldSyllable(s)
			id, ok := ids[s]
			if !ok {
				id = uint16(len(ids) + 1)
				ids[s] = id
			}
			if n == 1 && t[r][0] == id {
				continue
			}
			t[r][n] = id
			if n++; n == maxReadings {
				break
			}
		}
	}
	return t
})

// foldSyllable drops the tone and folds what speakers of many dialects do not
// tell apart: zh/z, ch/c, sh/s, n/l at the start, ang/an, eng/en, ing/in.
func foldSyllable(s string) string {
	s = toneless.Replace(s)
	for _, p := range [][2]string{{"zh", "z"}, {"ch", "c"}, {"sh", "s"}, {"n", "l"}} {
		if rest, ok := strings.CutPrefix(s, p[0]); ok {
			s = p[1] + rest
			break
		}
	}
	if strings.HasSuffix(s, "ang") || strings.HasSuffix(s, "eng") || strings.HasSuffix(s, "ing") {
		s = s[:len(s)-1]
	}
	return s
}

var toneless = strings.NewReplacer(
	"ā", "a", "á", "a", "ǎ", "a", "à", "a", "ē", "e", "é", "e", "ě", "e", "è", "e",
	"ī", "i", "í", "i", "ǐ", "i", "ì", "i", "ō", "o", "ó", "o", "ǒ", "o", "ò", "o",
	"ū", "u", "ú", "u", "ǔ", "u", "ù", "u", "ü", "v", "ǖ", "v", "ǘ", "v", "ǚ", "v", "ǜ", "v",
	"ń", "n", "ň", "n", "ǹ", "n", "ḿ", "m")

// soundPairs calls f for each way two adjacent characters may sound together,
// as one number; at most four.
func soundPairs(a, b rune, f func(uint32)) {
	if a >= 1<<16 || b >= 1<<16 {
		return
	}
	t := sounds()
	for _, x := range t[a] {
		for _, y := range t[b] {
			if x != 0 && y != 0 {
				f(uint32(x)<<16 | uint32(y))
			}
		}
	}
}
