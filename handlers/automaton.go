package handlers

// automaton finds many words in one pass over a text (Aho and Corasick 1975).
// Its time is linear in the text plus the words found, whatever the words are.
type automaton struct {
	next  map[edge]int32
	fail  []int32
	terms [][]int32 // by node: the terms whose word ends here
	depth []int32   // by node: runes from the root
	chain []int32   // by node: nearest node on the way of failures where a word ends; 0 none
	ready bool
}

type edge struct {
	node int32
	r    rune
}

func newAutomaton() *automaton {
	a := &automaton{next: map[edge]int32{}}
	a.node(0)
	return a
}

func (a *automaton) node(depth int32) int32 {
	a.fail = append(a.fail, 0)
	a.terms = append(a.terms, nil)
	a.depth = append(a.depth, depth)
	a.chain = append(a.chain, 0)
	return int32(len(a.fail) - 1)
}

// add puts one word in, as one of term's. It must not be called after finish.
func (a *automaton) add(word []rune, term int32) {
	n := int32(0)
	for i, r := range word {
		m, ok := a.next[edge{n, r}]
		if !ok {
			m = a.node(int32(i + 1))
			a.next[edge{n, r}] = m
		}
		n = m
	}
	for _, t := range a.terms[n] {
		if t == term {
			return
		}
	}
	a.terms[n] = append(a.terms[n], term)
}

// finish computes where to go on after a mismatch, level by level.
func (a *automaton) finish() {
	children := make([][]edge, len(a.fail))
	for e := range a.next {
		children[e.node] = append(children[e.node], e)
	}
	queue := []int32{0}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, e := range children[n] {
			m := a.next[e]
			if n != 0 {
				a.fail[m] = a.step(a.fail[n], e.r)
			}
			a.chain[m] = a.fail[m]
			if f := a.fail[m]; f != 0 && len(a.terms[f]) == 0 {
				a.chain[m] = a.chain[f]
			}
			queue = append(queue, m)
		}
	}
	a.ready = true
}

func (a *automaton) step(n int32, r rune) int32 {
	for {
		if m, ok := a.next[edge{n, r}]; ok {
			return m
		}
		if n == 0 {
			return 0
		}
		n = a.fail[n]
	}
}

// scan calls found for every word in text, in order of their ends.
func (a *automaton) scan(text []rune, found func(term int32, s span)) {
	n := int32(0)
	for i, r := range text {
		n = a.step(n, r)
		for m := n; m != 0; m = a.chain[m] {
			for _, t := range a.terms[m] {
				found(t, span{int32(i+1) - a.depth[m], int32(i + 1)})
			}
		}
	}
}
