package bot

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQQText is how long one message is, in runes. The platform names no limit;
// 2,200 were taken and a stream of 778 was cut. Source: research of 2026-11,
// content limits; a refusal as too long halves a message.
const maxQQText = 1500

// Citations that no border may cut: a mark with the word before it, a law with
// its article, an article alone.
var (
	markSpan    = regexp.MustCompile(`[^\s〔〕]?(?:〔[0-9]+〕)+`)
	articleSpan = regexp.MustCompile(`(?:《[^《》\n]+》(?:（[^（）\n]+）)?)?第[一二三四五六七八九十百千零〇0-9]+条(?:之[一二三四五六七八九十]+)?` +
		`(?:第[一二三四五六七八九十0-9]+款)?(?:第?[（(]?[一二三四五六七八九十0-9]+[)）]?项)?`)
	titleSpan  = regexp.MustCompile(`《[^《》\n]+》`)
	sourceLine = regexp.MustCompile(`(?m)^〔[0-9]+〕[^\n]+$`)
)

// maxSpan is how long a citation may be, in runes; what is longer is none.
const maxSpan = 200

// Ranks of borders, best first.
const (
	borderBlank    = iota // between paragraphs and lists
	borderLine            // between rows of a list, or lines
	borderSentence        // after 。！？；
	borderComma           // after ，、：
	borderAny             // between two runes
	borderRanks
)

// splitText cuts text into parts of at most most runes, at the best borders
// there are, and of about the same length. Only white space at a border is
// lost. A citation is never cut unless it is longer than a part.
func splitText(text string, most int) []string {
	runes := []rune(strings.TrimSpace(text))
	ranks := borders(runes)
	parts := pack(runes, ranks, most)
	if n := len(parts); n > 1 {
		if even := pack(runes, ranks, min(most, len(runes)/n*5/4)); len(even) == n {
			return even
		}
	}
	return parts
}

// pack fills one part after the other.
func pack(runes []rune, ranks []int8, most int) []string {
	var parts []string
	for at := 0; at < len(runes); {
		end := len(runes)
		if end-at > most {
			end = bestBorder(ranks, at, most)
		}
		if part := strings.TrimSpace(string(runes[at:end])); part != "" {
			parts = append(parts, part)
		}
		at = end
	}
	return parts
}

// bestBorder is where the part that begins at at ends: the last border of the
// best rank in its second half, else the last one of any rank.
func bestBorder(ranks []int8, at, most int) int {
	for rank := range int8(borderRanks) {
		for i := at + most; i > at+most/2; i-- {
			if ranks[i] == rank {
				return i
			}
		}
	}
	for i := at + most; i > at; i-- {
		if ranks[i] >= 0 {
			return i
		}
	}
	return at + most // one citation fills the whole part
}

// borders gives each position between runes its rank; -1: no border may be
// there.
func borders(runes []rune) []int8 {
	ranks := make([]int8, len(runes)+1)
	for i := range ranks {
		ranks[i] = rankAt(runes, i)
	}
	text := string(runes)
	index := runeIndex(text)
	for _, span := range []*regexp.Regexp{markSpan, articleSpan, titleSpan, sourceLine} {
		for _, m := range span.FindAllStringIndex(text, -1) {
			if index[m[1]]-index[m[0]] > maxSpan {
				continue
			}
			for i := index[m[0]] + 1; i < index[m[1]]; i++ {
				ranks[i] = -1
			}
		}
	}
	return ranks
}

// rankAt ranks the border before runes[i] by what stands around it.
func rankAt(runes []rune, i int) int8 {
	if i == 0 || i == len(runes) {
		return borderBlank
	}
	before, after := runes[i-1], runes[i]
	switch {
	case unicode.Is(unicode.Mn, after): // it belongs to the letter before
		return -1
	case before == '\n' && i > 1 && runes[i-2] == '\n' && after != '\n':
		return borderBlank
	case before == '\n' && !headingBefore(runes, i):
		return borderLine
	case before == '\n':
		return borderComma
	case strings.ContainsRune("。！？；!?;〕", before) && !strings.ContainsRune("。！？；，、：”）)〕", after):
		return borderSentence
	case strings.ContainsRune("，、：,", before):
		return borderComma
	}
	return borderAny
}

// headingBefore says that the line that ends at i is a heading: it must not be
// left alone at the end of a part.
func headingBefore(runes []rune, i int) bool {
	start := i - 1
	for start > 0 && runes[start-1] != '\n' {
		start--
	}
	line := strings.TrimSpace(string(runes[start : i-1]))
	return isHeading(line, start == 0 || start > 1 && runes[start-2] == '\n')
}

// isHeading says that a line is a heading: marked as one, or short, after an
// empty line and without an end.
func isHeading(line string, alone bool) bool {
	if strings.HasPrefix(line, "#") {
		return true
	}
	n := len([]rune(line))
	return alone && n > 0 && n <= 12 && !listRow.MatchString(line) && !strings.ContainsRune("。，；：！？、〕）,.;:!?)", lastRune(line))
}

func lastRune(s string) rune {
	r := []rune(s)
	return r[len(r)-1]
}

// listRow is a row of a list.
var listRow = regexp.MustCompile(`^\s*(?:[0-9]{1,2}(?:[.．、)]|）)|[-•*]\s)`)

// runeIndex gives the number of runes before each byte that begins one, and
// before the end.
func runeIndex(text string) []int {
	index := make([]int, len(text)+1)
	n := 0
	for at := range text {
		index[at] = n
		n++
	}
	index[len(text)] = n
	return index
}

// machineMark stands where the words of a model begin (标识办法: whoever sees a
// part of them has to see that a machine wrote it).
const machineMark = "【AI生成】"

// splitMarked is splitText with the mark on every part that has words of a model.
func splitMarked(text string, most int) []string {
	if !strings.Contains(text, machineMark) {
		return splitText(text, most)
	}
	parts := splitText(text, most-utf8.RuneCountInString(machineMark))
	begun := false
	for i, part := range parts {
		if begun && !strings.HasPrefix(part, machineMark) {
			parts[i] = machineMark + part
		}
		begun = begun || strings.Contains(part, machineMark)
	}
	return parts
}
