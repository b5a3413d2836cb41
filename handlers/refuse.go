package handlers

// refuse declines to help with something unlawful, says why with the article,
// and names the lawful way.
func refuse(r *rule) Verdict {
	return Verdict{Kind: KindRefuse, Category: r.Category, Rule: r.ID, Topic: r.Topic,
		Reply: r.answer(KindRefuse, sayLawful)}
}

func blockedVerdict() Verdict {
	return Verdict{Kind: KindRefuse, Category: "content", Rule: "blocked-word", Reply: fixed(KindRefuse, sayBlocked)}
}

// wordlist is a list of words that may neither come in nor go out.
type wordlist struct {
	trie *automaton
}

// SetBlocked replaces the list of words that may neither come in nor go out. It
// may be called at any time; checks that are under way finish with the old one.
func (s *Safety) SetBlocked(words []string) {
	w := &wordlist{trie: newAutomaton()}
	for _, word := range words {
		if v := newView(word, nil); len(v.runes) > 0 {
			w.trie.add(v.runes, 0)
		}
	}
	w.trie.finish()
	s.blocked.Store(w)
}

// Blocked reports whether text holds a word of the list, however it is spaced
// out or written. It serves for what comes in and for what goes out.
func (s *Safety) Blocked(text string) bool {
	found := false
	s.blocked.Load().trie.scan(newView(text, nil).runes, func(int32, span) { found = true })
	return found
}
