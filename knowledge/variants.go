package knowledge

import (
	"cmp"
	_ "embed"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// Variants of questions, for measuring how much is found when people write
// otherwise. Each is a pure function of the question.
const (
	VariantTraditional = "trad"    // traditional characters, over-converted ones among them
	VariantTypo        = "typo"    // every typoEvery-th character replaced by one that sounds the same
	VariantDialect     = "dialect" // words of one of five groups of dialects
)

// typoEvery is after how many characters one is misspelt.
const typoEvery = 10

//go:embed tables/dialect.tsv
var dialectData string

// Variant gives the function that rewrites a question; nil for "".
func Variant(name string) (func(string) string, error) {
	switch name {
	case "":
		return nil, nil
	case VariantTraditional:
		return traditional(), nil
	case VariantTypo:
		return misspelt, nil
	case VariantDialect:
		return inDialect, nil
	}
	return nil, fmt.Errorf("variant %q: want %s, %s or %s", name, VariantTraditional, VariantTypo, VariantDialect)
}

// traditional writes a question in traditional characters: for each character
// the last that is folded to it.
func traditional() func(string) string {
	to := map[rune]rune{}
	for line := range strings.Lines(simplifyData) {
		runes := []rune(strings.TrimSpace(line))
		to[runes[0]] = runes[len(runes)-1]
	}
	return func(s string) string {
		return strings.Map(func(r rune) rune {
			if t, ok := to[r]; ok {
				return t
			}
			return r
		}, s)
	}
}

// homophones gives for each reading, tone and all, its characters in the order
// of Unicode, of those in common use (GB 2312 begins its first level within the
// range that holds them).
var homophones = sync.OnceValue(func() map[string][]rune {
	by := map[string][]rune{}
	common := map[rune]bool{}
	for _, p := range DefaultIndexOptions().Lay { // what people write
		for _, r := range p.Text {
			common[r] = true
		}
	}
	for r, readings := range pinyin.PinyinDict {
		if common[rune(r)] {
			first, _, _ := strings.Cut(readings, ",")
			by[first] = append(by[first], rune(r))
		}
	}
	for _, rs := range by {
		slices.Sort(rs)
	}
	return by
})

// misspelt replaces one character in typoEvery by another common one of the
// same reading; which one follows from the place.
func misspelt(s string) string {
	out := []rune(s)
	since := typoEvery / 2
	for i, r := range out {
		if !unicode.Is(unicode.Han, r) {
			continue
		}
		if since++; since < typoEvery {
			continue
		}
		first, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
		others := slices.DeleteFunc(slices.Clone(homophones()[first]), func(o rune) bool { return o == r })
		if len(others) > 0 {
			out[i] = others[(i+int(r))%len(others)]
			since = 0
		}
	}
	return string(out)
}

// dialects gives a replacer for each group, longest words first.
var dialects = sync.OnceValue(func() []*strings.Replacer {
	words := map[string][][2]string{}
	var groups []string
	for line := range strings.Lines(dialectData) {
		p := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(p) != 3 {
			continue
		}
		if words[p[0]] == nil {
			groups = append(groups, p[0])
		}
		words[p[0]] = append(words[p[0]], [2]string{p[1], p[2]})
	}
	var out []*strings.Replacer
	for _, g := range groups {
		slices.SortStableFunc(words[g], func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
		var pairs []string
		for _, w := range words[g] {
			pairs = append(pairs, w[0], w[1])
		}
		out = append(out, strings.NewReplacer(pairs...))
	}
	return out
})

// inDialect says a question in the dialect that its own text picks.
func inDialect(s string) string {
	h := fnv.New32a()
	h.Write([]byte(s))
	all := dialects()
	return all[h.Sum32()%uint32(len(all))].Replace(s)
}
