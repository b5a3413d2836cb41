package knowledge

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

//go:embed corpus/lexicon.yaml
var lexiconData []byte

// Kinds of lexicon rows.
const (
	rowLay  = "lay"  // an everyday word for a legal term
	rowForm = "form" // a dialect form of a plain word
	rowTypo = "typo" // a misspelling of the right word
)

// LexiconRow is one row of the lexicon: words people say and what they mean.
type LexiconRow struct {
	Say    []string `yaml:"say"`
	Means  []string `yaml:"means"`
	Topics []string `yaml:"topics"`
	kind   string
}

// Lexicon maps what people say to what the law calls it. It is read-only after
// it was made, so it is safe for concurrent use.
type Lexicon struct {
	rows   []LexiconRow
	bySay  map[string][]int // normalized phrase → rows
	starts map[rune]int     // first rune → longest phrase that begins with it, in runes
}

// Expansion is one thing the lexicon knows about a text.
type Expansion struct {
	Said   string   // the words found, normalized
	Means  []string // normalized words to look for besides
	Topics []string
	Kind   string // "lay", "form" or "typo"
}

// DefaultLexicon gives the lexicon built into the program.
func DefaultLexicon() *Lexicon { return defaultLexicon() }

var defaultLexicon = sync.OnceValue(func() *Lexicon {
	lex, err := ParseLexicon(lexiconData)
	if err != nil {
		panic("built-in lexicon: " + err.Error()) // a test parses it
	}
	return lex
})

// ParseLexicon reads the lexicon's YAML: lists lay, form and typo of rows
// {say, means, topics}.
func ParseLexicon(data []byte) (*Lexicon, error) {
	var file struct {
		Lay  []LexiconRow `yaml:"lay"`
		Form []LexiconRow `yaml:"form"`
		Typo []LexiconRow `yaml:"typo"`
	}
	if err := unmarshalYAML(data, &file); err != nil {
		return nil, fmt.Errorf("read lexicon: %w", err)
	}
	lex := &Lexicon{bySay: map[string][]int{}, starts: map[rune]int{}}
	for _, part := range []struct {
		kind string
		rows []LexiconRow
	}{{rowLay, file.Lay}, {rowForm, file.Form}, {rowTypo, file.Typo}} {
		for i, row := range part.rows {
			row.kind = part.kind
			if err := lex.add(row); err != nil {
				return nil, fmt.Errorf("read lexicon: %s row %d: %w", part.kind, i+1, err)
			}
		}
	}
	return lex, nil
}

// unmarshalYAML reads strict YAML. The decoder panics on some malformed texts
// (go-yaml 1.19.2: a tag without a value before a list), which becomes an error.
func unmarshalYAML(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed YAML: %v", p)
		}
	}()
	return yaml.UnmarshalWithOptions(data, v, yaml.Strict())
}

func (l *Lexicon) add(row LexiconRow) error {
	if len(row.Say) == 0 || len(row.Means) == 0 {
		return fmt.Errorf("say and means must both have words")
	}
	id := len(l.rows)
	for i, s := range row.Means {
		row.Means[i] = Normalize(s)
	}
	for i, s := range row.Say {
		s = Normalize(s)
		if s == "" {
			return fmt.Errorf("empty word in say")
		}
		row.Say[i] = s
		if !slices.Contains(l.bySay[s], id) {
			l.bySay[s] = append(l.bySay[s], id)
		}
		first, _ := utf8.DecodeRuneInString(s)
		l.starts[first] = max(l.starts[first], utf8.RuneCountInString(s))
	}
	l.rows = append(l.rows, row)
	return nil
}

// Rows gives all rows, for checks and for the editor of the lexicon.
func (l *Lexicon) Rows() []LexiconRow {
	if l == nil {
		return nil
	}
	return slices.Clone(l.rows)
}

// Expand finds every phrase of the lexicon in a normalized text, longest first
// at each place, and gives what it means. A nil lexicon knows nothing.
func (l *Lexicon) Expand(text string) []Expansion {
	if l == nil {
		return nil
	}
	runes := []rune(text)
	var out []Expansion
	seen := map[int]bool{}
	for i := 0; i < len(runes); {
		n := l.longestAt(runes, i)
		if n == 0 {
			i++
			continue
		}
		said := string(runes[i : i+n])
		for _, id := range l.bySay[said] {
			if row := l.rows[id]; !seen[id] {
				seen[id] = true
				out = append(out, Expansion{said, row.Means, row.Topics, row.kind})
			}
		}
		i += n
	}
	return out
}

// longestAt gives the length in runes of the longest phrase that stands in the
// text at i; 0 if none does.
func (l *Lexicon) longestAt(text []rune, i int) int {
	for n := min(l.starts[text[i]], len(text)-i); n > 0; n-- {
		if _, ok := l.bySay[string(text[i:i+n])]; ok && wholeWord(text, i, i+n) {
			return n
		}
	}
	return 0
}

// wholeWord keeps abbreviations in Latin letters (zf, jc) from matching inside
// longer runs of letters.
func wholeWord(text []rune, from, to int) bool {
	latin := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] >= 'a' && text[i] <= 'z' || text[i] >= '0' && text[i] <= '9')
	}
	return !(latin(from-1) && latin(from)) && !(latin(to-1) && latin(to))
}

// Plain gives the text with dialect forms and misspellings replaced by the
// plain words; everyday words stay. Where a form has several meanings the first
// is taken.
func (l *Lexicon) Plain(text string) string {
	if l == nil {
		return text
	}
	runes := []rune(text)
	var b strings.Builder
	for i := 0; i < len(runes); {
		n := l.longestAt(runes, i)
		if n == 0 {
			b.WriteRune(runes[i])
			i++
			continue
		}
		said := string(runes[i : i+n])
		word := said
		for _, id := range l.bySay[said] {
			if l.rows[id].kind != rowLay {
				word = l.rows[id].Means[0]
				break
			}
		}
		b.WriteString(word)
		i += n
	}
	return b.String()
}
