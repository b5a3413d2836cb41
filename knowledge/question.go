package knowledge

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Weights of what a question says in so many words (1) and of what is read into
// it. Chosen on held-out phrasings of the entries; the figures move by less
// than half a point for half or double of any of them.
const (
	weightPlain   = 1.0 // the text with dialect and misspellings put right
	weightSaid    = 0.4 // words of the original that were put right
	weightMeaning = 0.3 // legal terms the lexicon gives for everyday words
	weightTurn    = 0.5 // the turn before an elliptical question; halved per turn back
)

// ellipticRunes is up to how many characters a question may be taken to lean on
// what was said before ("那要多久？", "材料呢").
const ellipticRunes = 14

// maxQuestion bounds how much of a question is looked at, in bytes; a person's
// message is far shorter, and what a search costs grows with it.
const maxQuestion = 6000

// question is a Query made ready for searching.
type question struct {
	text   string // normalized
	plain  string // and with forms and typos put right
	terms  []queryTerm
	sounds []queryTerm         // pairs of syllables
	topics map[string]float32  // topics the lexicon points to
	refs   []articleRef        // articles named by number
	grams  map[termKey]float32 // weights by term
}

// articleRef is "劳动合同法第三十九条" in a question.
type articleRef struct {
	law string // normalized text before the number, at most maxLawName runes
	no  ArticleNo
}

const maxLawName = 40

// readQuestion analyses a query. The lexicon may be nil.
func readQuestion(q Query, lex *Lexicon) *question {
	text := Normalize(clipBytes(q.Text, maxQuestion))
	qu := &question{text: text, plain: lex.Plain(text), topics: map[string]float32{}, grams: map[termKey]float32{}}
	qu.addText(qu.plain, weightPlain)
	if qu.plain != text {
		qu.addText(text, weightSaid)
	}
	for _, e := range lex.Expand(text) {
		for _, t := range e.Topics {
			qu.topics[t] += 1 / float32(len(e.Topics))
		}
		for _, m := range e.Means {
			qu.addText(m, weightMeaning)
		}
	}
	if len(q.Context) > 0 && elliptic(text) {
		w := float32(weightTurn)
		for i := len(q.Context) - 1; i >= 0 && w > 0.1; i-- {
			turn := lex.Plain(Normalize(clipBytes(q.Context[i], maxQuestion)))
			qu.addText(turn, w)
			qu.refs = append(qu.refs, articleRefs(turn)...)
			w /= 2
		}
	}
	qu.refs = append(articleRefs(text), qu.refs...)
	qu.finish()
	return qu
}

// addText raises the weight of the text's terms to at least w.
func (q *question) addText(text string, w float32) {
	eachTerm(text, func(k termKey) {
		if q.grams[k] < w {
			q.grams[k] = w
		}
	})
}

// finish fixes the order of terms, so that sums come out the same each time.
func (q *question) finish() {
	for k, w := range q.grams {
		q.terms = append(q.terms, queryTerm{k, w})
	}
	slices.SortFunc(q.terms, func(a, b queryTerm) int { return cmp.Compare(a.key, b.key) })
	sounds := map[termKey]float32{}
	for _, t := range q.terms {
		if t.key.pair() && t.weight >= weightSaid {
			soundPairs(rune(t.key>>21), rune(t.key&(1<<21-1)), func(s uint32) {
				sounds[termKey(s)] = max(sounds[termKey(s)], t.weight)
			})
		}
	}
	for k, w := range sounds {
		q.sounds = append(q.sounds, queryTerm{k, w})
	}
	slices.SortFunc(q.sounds, func(a, b queryTerm) int { return cmp.Compare(a.key, b.key) })
}

// elliptic says whether a question leans on what was said before.
func elliptic(text string) bool {
	n := 0
	for _, r := range text {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	if n <= ellipticRunes {
		return true
	}
	for _, p := range []string{"那", "还有", "然后", "如果", "要是", "这个", "这种", "这样", "它", "但是", "可是"} {
		if strings.HasPrefix(text, p) {
			return n <= 2*ellipticRunes
		}
	}
	return false
}

var refPattern = regexp.MustCompile(`第?\s*(?:[0-9]{1,4}|[零〇一二两三四五六七八九十百千]{1,9})\s*条(?:\s*之\s*[0-9一二三四五六七八九十]{1,3})?`)

// articleRefs finds articles named by number, in any writing, with the text
// before them, in which the law's name is looked for.
func articleRefs(text string) []articleRef {
	var refs []articleRef
	start := 0
	for _, at := range refPattern.FindAllStringIndex(text, 8) {
		no, err := ParseArticleNo(strings.ReplaceAll(text[at[0]:at[1]], " ", ""))
		if err != nil {
			continue
		}
		before := []rune(text[start:at[0]])
		if len(before) == 0 && len(refs) > 0 { // 第三条第四条: of the same law
			before = []rune(refs[len(refs)-1].law)
		}
		refs = append(refs, articleRef{string(before[max(0, len(before)-maxLawName):]), no})
		start = at[1]
	}
	return refs
}

// clipBytes cuts s to at most n bytes at a character's edge.
func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
