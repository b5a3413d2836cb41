package handlers

import "strings"

// leadBack says that something is not done here, and what is.
func leadBack(r *rule) Verdict {
	return Verdict{Kind: KindScope, Category: r.Category, Rule: r.ID, Reply: r.answer(KindScope, sayServices)}
}

// ignore declines talk to the machine with a fixed sentence that repeats
// nothing of it. A legal question beside it is left to be answered.
func (s *Safety) ignore(r *rule, text string) Verdict {
	return Verdict{Kind: KindInjection, Category: r.Category, Rule: r.ID,
		Reply: r.answer(KindInjection, sayServices), Followup: s.rest(text)}
}

// rest gives the clauses of text that do not talk to the machine, if they ask
// about law; otherwise nothing.
func (s *Safety) rest(text string) string {
	var kept []string
	for _, sentence := range strings.FieldsFunc(text, endsSentence) {
		if f := s.look(sentence); !s.injected(f) {
			kept = append(kept, sentence)
			continue
		}
		for _, clause := range strings.FieldsFunc(sentence, endsClause) {
			if f := s.look(clause); f.any(s.question) && !s.injected(f) {
				kept = append(kept, clause)
			}
		}
	}
	rest := strings.TrimSpace(strings.Join(kept, "，"))
	if !s.look(rest).any(s.question) {
		return ""
	}
	return rest
}

func (s *Safety) injected(f *finding) bool {
	_, _, ok := s.injection.hit(f)
	return ok
}

func endsSentence(r rune) bool { return strings.ContainsRune("。！？!?；;\n", r) }

func endsClause(r rune) bool { return strings.ContainsRune("，,：:、（）()", r) }
