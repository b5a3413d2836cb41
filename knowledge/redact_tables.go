package knowledge

import (
	_ "embed"
	"strings"
	"unicode/utf8"
)

//go:embed tables/redact_names.txt
var redactNamesData string

//go:embed tables/redact_labels.txt
var redactLabelsData string

//go:embed tables/redact_places.txt
var redactPlacesData string

// sections reads a table: [name] opens a section, # begins a comment.
func sections(data string) map[string][]string {
	out := map[string][]string{}
	name := ""
	for line := range strings.Lines(data) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			name = strings.Trim(line, "[]")
			continue
		}
		out[name] = append(out[name], strings.Fields(line)...)
	}
	return out
}

// trie finds the longest word of a list that begins at a place.
type trie struct {
	next  map[rune]*trie
	value int              // 0: no word ends here
	first *[1 << 10]uint64 // at the root: a bit for each character words begin with
}

func (t *trie) put(word string, value int) {
	if t.first == nil {
		t.first = new([1 << 10]uint64)
	}
	if r, _ := utf8.DecodeRuneInString(word); r < 1<<16 {
		t.first[r>>6] |= 1 << (r & 63)
	}
	for _, r := range word {
		if t.next == nil {
			t.next = map[rune]*trie{}
		}
		n := t.next[r]
		if n == nil {
			n = new(trie)
			t.next[r] = n
		}
		t = n
	}
	t.value = value
}

// longest gives the value and the end of the longest word at cell i.
func (t *trie) longest(v *view, i int) (value, end int) {
	if i < 0 || i >= len(v.cells) || t.first == nil {
		return 0, 0
	}
	if r := lower(v.cells[i].r); r >= 1<<16 || t.first[r>>6]>>(r&63)&1 == 0 {
		return 0, 0
	}
	for j := i; t.next != nil && j < len(v.cells); j++ {
		if t = t.next[lower(v.cells[j].r)]; t == nil {
			break
		}
		if t.value != 0 {
			value, end = t.value, j+1
		}
	}
	return value, end
}

// lower folds the letters of the labels; their other characters have one case.
func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func newTrie(words ...string) *trie {
	t := new(trie)
	for _, w := range words {
		t.put(w, 1)
	}
	return t
}

func runeSet(words []string) map[rune]bool {
	m := map[rune]bool{}
	for _, w := range words {
		for _, r := range w {
			m[r] = true
		}
	}
	return m
}

// label classes
const (
	labelID = iota + 1
	labelPhone
	labelBank
	labelPlate
	labelQQ
	labelWeChat
	labelEmail
	labelNot
	labelName
	labelWeakName
	labelAddress
)

type label struct{ start, end, class int }

type labelTable struct{ words, names, places *trie }

func loadLabels() labelTable {
	t := labelTable{new(trie), new(trie), new(trie)}
	s := sections(redactLabelsData)
	for class, name := range []string{"", "id", "phone", "bank", "plate", "qq", "wechat", "email", "not"} {
		for _, w := range s[name] {
			t.words.put(w, class)
		}
	}
	n := sections(redactNamesData)
	for _, w := range n["weak"] {
		t.names.put(w, labelWeakName)
	}
	for _, w := range n["strong"] {
		t.names.put(w, labelName)
	}
	for _, w := range sections(redactPlacesData)["label"] {
		t.places.put(w, labelAddress)
	}
	return t
}

// findLabels marks the labels of numbers; a word of letters counts only whole.
func (s *scanner) findLabels() {
	s.last = make([]int, len(s.cells)+1)
	n := -1
	next := 0
	for i := range s.cells {
		class, end := s.Redactor.labels.words.longest(s.view, i)
		whole := class != 0 && (!isLatin(s.at(i)) || !isLatin(s.at(i-1))) && (!isLatin(s.at(end-1)) || !isLatin(s.at(end)))
		if whole && (len(s.labels) == 0 || end > s.labels[len(s.labels)-1].end) {
			s.labels = append(s.labels, label{i, end, class})
		}
		for next < len(s.labels) && s.labels[next].end <= i {
			n = next
			next++
		}
		s.last[i] = n
	}
	for next < len(s.labels) {
		n = next
		next++
	}
	s.last[len(s.cells)] = n
}

// context gives the class of the nearest label before cell i and how many
// cells lie between; 0 if there is none within twelve.
func (s *scanner) context(i int) (class, distance int) {
	k := s.last[i]
	if k < 0 || i-s.labels[k].end > 12 {
		return 0, 0
	}
	l := s.labels[k]
	if l.class == labelNot {
		for j := l.end; j < i; j++ {
			if strings.ContainsRune("，,。；;！？!?\n", s.at(j)) {
				return 0, 0
			}
		}
	}
	return l.class, i - l.end
}

type nameTables struct {
	common, single, given, never, follow1, before1, before2, sure map[rune]bool
	compound, follow, elements, notNames, generic, titles         *trie
	model                                                         nameModel
	words                                                         map[uint64]float32
}

func loadNameTables() nameTables {
	s := sections(redactNamesData)
	t := nameTables{
		common: runeSet(s["common"]), single: runeSet(append(s["surnames"], s["common"]...)),
		given: runeSet(s["given"]), never: runeSet(s["never"]), follow1: runeSet(s["follow1"]), before1: runeSet(append(s["before2"], s["before1"]...)),
		before2:  runeSet(s["before2"]),
		compound: new(trie), follow: newTrie(s["follow"]...), elements: newTrie(s["elements"]...),
		notNames: new(trie), generic: newTrie(s["generic"]...), titles: newTrie(s["titles"]...),
	}
	t.model, t.words = newNameModel(s), wordCosts()
	for _, w := range s["compound"] {
		if utf8.RuneCountInString(w) > 1 {
			t.compound.put(w, 1)
		}
	}
	for _, w := range s["notnames"] {
		if utf8.RuneCountInString(w) > 1 {
			t.notNames.put(w, 1)
		}
	}
	return t
}

type placeTables struct {
	suffixes, units, notUnits, provinces, lead, tails *trie
	stop                                              map[rune]bool
	generic, strong                                   map[string]bool
}

// levels of places
const (
	levelRegion = iota + 1
	levelTown
	levelPlace
	levelWeak
)

func loadPlaces() placeTables {
	s := sections(redactPlacesData)
	t := placeTables{suffixes: new(trie), units: newTrie(s["unit"]...), notUnits: newTrie(s["notunit"]...),
		provinces: newTrie(s["provinces"]...), lead: newTrie(s["lead"]...), tails: newTrie(s["tail"]...), stop: runeSet(s["stop1"]),
		generic: map[string]bool{}, strong: map[string]bool{}}
	for level, name := range []string{"", "region", "town", "place", "weakplace"} {
		for _, w := range s[name] {
			if v := t.suffixes; level < levelWeak || !v.has(w) {
				v.put(w, level)
			}
		}
	}
	for _, w := range s["generic"] {
		t.generic[w] = true
	}
	for _, w := range s["strongunit"] {
		t.strong[w] = true
	}
	return t
}

func (t *trie) has(word string) bool {
	for _, r := range word {
		if t = t.next[r]; t == nil {
			return false
		}
	}
	return t.value != 0
}
