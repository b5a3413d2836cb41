package handlers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Gaps between the words of a pattern, in runes. Both are our own measure on
// the labelled sentences: a longer near gap starts to join words that have
// nothing to do with each other, a shorter one misses "他 昨天夜里 又 打 我".
const (
	nearGap = 6  // "A B": within one clause
	wideGap = 24 // "A .. B": commas may stand between, the end of a sentence may not
)

// maxAlternatives bounds the words one place of a pattern may stand for, so
// that a slip in a data file cannot make the table explode.
const maxAlternatives = 4000

// span is a stretch of a view, in runes, end exclusive.
type span struct{ start, end int32 }

// step is one word of a sequence: the set of words it stands for and how far
// it may stand from the word before.
type step struct {
	term int32 // index into the matcher's terms
	gap  int32 // most runes between the word before and this one
	wide bool  // commas may stand between
}

// sequence is words in order. pattern is sequences that all have to occur, in
// any order, anywhere in the message.
type (
	sequence []step
	pattern  []sequence
)

// compiler turns patterns, as officers write them, into steps over one shared
// table of words. The syntax:
//
//	跳楼                one word
//	想|要 跳楼|跳河      one of the first, then one of the second, near it
//	又+打               the second directly behind the first
//	撞 .. 躺            commas may stand between
//	@he 打              any word of the list "he"
//	A & B               both, anywhere, in any order
type compiler struct {
	words  map[string][]string // lists that patterns name by @
	fold   *strings.Replacer   // words of dialects → common ones
	sounds map[rune][]rune     // characters that are typed for each other
	terms  map[string]int32    // canonical set of words → term
	ids    []string            // term → canonical set, for messages
	trie   *automaton
}

// newCompiler makes a compiler over the lists of words.yaml.
func newCompiler(w wordFile) *compiler {
	c := &compiler{words: w.Words, sounds: map[rune][]rune{}, terms: map[string]int32{}, trie: newAutomaton()}
	for r, others := range w.Sounds {
		first, _ := utf8.DecodeRuneInString(r)
		c.sounds[first] = []rune(others)
	}
	var pairs []string
	longestFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, from := range slices.SortedFunc(maps.Keys(w.Fold), longestFirst) {
		pairs = append(pairs, from, w.Fold[from])
	}
	c.fold = strings.NewReplacer(pairs...)
	return c
}

// compile reads one pattern. With similar, words of three and more characters
// also match with one character replaced by one that sounds the same.
func (c *compiler) compile(text string, similar bool) (pattern, error) {
	var p pattern
	for part := range strings.SplitSeq(text, " & ") {
		q, err := c.sequence(strings.Fields(part), similar)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		p = append(p, q)
	}
	return p, nil
}

func (c *compiler) compileAll(texts []string, similar bool) ([]pattern, error) {
	out := make([]pattern, 0, len(texts))
	for _, t := range texts {
		p, err := c.compile(t, similar)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (c *compiler) sequence(fields []string, similar bool) (sequence, error) {
	var q sequence
	wide := false
	for _, f := range fields {
		if f == ".." {
			wide = true
			continue
		}
		for i, part := range strings.Split(f, "+") {
			term, err := c.term(part, similar)
			if err != nil {
				return nil, err
			}
			s := step{term: term, gap: nearGap}
			switch {
			case i > 0:
				s.gap = 0
			case wide:
				s.gap, s.wide = wideGap, true
			}
			q = append(q, s)
			wide = false
		}
	}
	if len(q) == 0 || wide {
		return nil, fmt.Errorf("no word after the last gap")
	}
	return q, nil
}

// term gives the number of the set of words that text stands for.
func (c *compiler) term(text string, similar bool) (int32, error) {
	set, err := c.expand(text, 0)
	if err != nil {
		return 0, err
	}
	slices.Sort(set)
	set = slices.Compact(set)
	key := strings.Join(set, "|")
	if similar {
		key = "~" + key
	}
	if id, ok := c.terms[key]; ok {
		return id, nil
	}
	id := int32(len(c.ids))
	c.terms[key] = id
	c.ids = append(c.ids, key)
	for _, w := range set {
		c.trie.add([]rune(w), id)
		if similar {
			for _, v := range c.soundsLike([]rune(w)) {
				c.trie.add(v, id)
			}
		}
	}
	return id, nil
}

// expand lists the words of "a|b|@list"; lists may name lists.
func (c *compiler) expand(text string, depth int) ([]string, error) {
	if depth > 4 {
		return nil, fmt.Errorf("lists name each other: %q", text)
	}
	var set []string
	for w := range strings.SplitSeq(text, "|") {
		name, isList := strings.CutPrefix(w, "@")
		if !isList {
			v := newView(w, c.fold)
			if len(v.runes) == 0 {
				return nil, fmt.Errorf("empty word in %q", text)
			}
			set = append(set, string(v.runes))
			continue
		}
		list, ok := c.words[name]
		if !ok {
			return nil, fmt.Errorf("no list %q", w)
		}
		for _, l := range list {
			more, err := c.expand(l, depth+1)
			if err != nil {
				return nil, err
			}
			set = append(set, more...)
		}
	}
	if len(set) > maxAlternatives {
		return nil, fmt.Errorf("more than %d words in %q", maxAlternatives, text)
	}
	return set, nil
}

// soundsLike gives w with one character at a time replaced by one that sounds
// the same. Words of two characters are left alone: "自紫" says nothing.
func (c *compiler) soundsLike(w []rune) [][]rune {
	if len(w) < 3 {
		return nil
	}
	var out [][]rune
	for i, r := range w {
		for _, other := range c.sounds[r] {
			v := slices.Clone(w)
			v[i] = other
			out = append(out, v)
		}
	}
	return out
}

// finding is where the words of all patterns stand in one view.
type finding struct {
	view *view
	at   [][]span // by term, in order of their ends
}

// find looks for all words at once, in one pass.
func (c *compiler) find(v *view) *finding {
	f := &finding{view: v, at: make([][]span, len(c.ids))}
	c.trie.scan(v.runes, func(term int32, s span) { f.at[term] = append(f.at[term], s) })
	return f
}

// match gives the places where p matches: for a pattern of several sequences
// the places of the first one, each stretched over the first place of the others.
func (f *finding) match(p pattern) []span {
	places := f.places(p[0])
	for _, q := range p[1:] {
		if len(places) == 0 {
			return nil
		}
		others := f.places(q)
		if len(others) == 0 {
			return nil
		}
		for i := range places {
			places[i].start = min(places[i].start, others[0].start)
			places[i].end = max(places[i].end, others[0].end)
		}
	}
	return places
}

// places gives where q matches, one place for each end of its last word. The
// word nearest before is always the best to stand on: if a farther one is in
// reach, so is the nearest.
func (f *finding) places(q sequence) []span {
	for _, s := range q {
		if len(f.at[s.term]) == 0 {
			return nil
		}
	}
	states := slices.Clone(f.at[q[0].term])
	for _, s := range q[1:] {
		var next []span
		for _, o := range f.at[s.term] {
			i := sort.Search(len(states), func(i int) bool { return states[i].end > o.start }) - 1
			if i >= 0 && f.reaches(states[i], o, s) {
				next = append(next, span{states[i].start, o.end})
			}
		}
		states = next
	}
	return states
}

func (f *finding) reaches(from, to span, s step) bool {
	if to.start-from.end > s.gap {
		return false
	}
	a, b := from.end-1, to.start
	if s.wide {
		return f.view.sentence[a] == f.view.sentence[b]
	}
	return f.view.clause[a] == f.view.clause[b]
}

// any reports whether one of ps matches anywhere.
func (f *finding) any(ps []pattern) bool {
	for _, p := range ps {
		if len(f.match(p)) > 0 {
			return true
		}
	}
	return false
}

// sameSentence reports whether a and b touch one sentence.
func (f *finding) sameSentence(a, b span) bool {
	n := f.view.sentence
	return n[a.start] <= n[b.end-1] && n[b.start] <= n[a.end-1]
}
