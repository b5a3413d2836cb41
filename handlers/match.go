package handlers

import (
	"fmt"
	"maps"
	"slices"
)

// find gives the rule a message falls under: the first one that matches, or the
// one whose weak signs add up.
func (s *ruleSet) find(f *finding) (*rule, bool) {
	if r, _, ok := s.hit(f); ok {
		return r, true
	}
	return s.sum(f)
}

// hit finds the first rule that matches, and where.
func (s *ruleSet) hit(f *finding) (*rule, span, bool) {
	for i := range s.rules {
		if at, ok := s.rules[i].hit(f); ok {
			return &s.rules[i], at, true
		}
	}
	return nil, span{}, false
}

func (r *rule) hit(f *finding) (span, bool) {
	for _, p := range r.always {
		if at := f.match(p); len(at) > 0 {
			return at[0], true
		}
	}
	var found []span
	for _, p := range r.patterns {
		found = append(found, f.match(p)...)
	}
	if len(found) == 0 || f.any(r.elsewhere) {
		return span{}, false
	}
	for _, p := range r.unless {
		for _, no := range f.match(p) {
			found = without(f, found, no)
		}
		if len(found) == 0 {
			return span{}, false
		}
	}
	return found[0], true
}

// without drops the places that touch a sentence of no.
func without(f *finding, places []span, no span) []span {
	kept := places[:0]
	for _, p := range places {
		if !f.sameSentence(p, no) {
			kept = append(kept, p)
		}
	}
	return kept
}

// matter finds the first legal matter that the message names.
func (s *ruleSet) matter(f *finding) (matter, bool) {
	for _, m := range s.matters {
		if f.any(m.patterns) {
			return m, true
		}
	}
	return matter{}, false
}

// maxSignals bounds the runes of a message that signals are added up in. In a
// longer story words of every kind come together by chance.
const maxSignals = 120

// strongSign is the weight of a sign without which weaker ones never add up to
// a crisis.
const strongSign = 4

// signalText adds up weak signs of one crisis: no word of them says enough
// alone, together they do.
type signalText struct {
	Rule  string           `yaml:"rule"`  // whose help is given
	Need  int              `yaml:"need"`  // sum from which it is given
	Words map[int][]string `yaml:"words"` // weight → patterns; each counts once
}

type weighed struct {
	weight int
	p      pattern
	absent bool // counts when p does not match
}

type signal struct {
	rule  *rule
	need  int
	signs []weighed
}

func (l *loader) loadSignals(set *ruleSet, f *ruleFile) error {
	for _, t := range f.Signals {
		i := slices.IndexFunc(set.rules, func(r rule) bool { return r.ID == t.Rule })
		if i < 0 {
			return fmt.Errorf("signals for %q: no such rule", t.Rule)
		}
		g := signal{rule: &set.rules[i], need: t.Need}
		for j, words := range []map[int][]string{t.Words, f.Against, f.Absent} {
			signs, err := l.weigh(words, j == 2)
			if err != nil {
				return fmt.Errorf("signals for %q: %w", t.Rule, err)
			}
			g.signs = append(g.signs, signs...)
		}
		set.signals = append(set.signals, g)
	}
	return nil
}

func (l *loader) weigh(words map[int][]string, absent bool) ([]weighed, error) {
	var out []weighed
	for _, weight := range slices.Sorted(maps.Keys(words)) {
		ps, err := l.compiler.compileAll(words[weight], false)
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			out = append(out, weighed{weight, p, absent})
		}
	}
	return out, nil
}

// sum finds the crisis whose signals pass what they need by most.
func (s *ruleSet) sum(f *finding) (*rule, bool) {
	if len(f.view.runes) > maxSignals {
		return nil, false
	}
	var best *rule
	over := -1
	for _, g := range s.signals {
		total, strong := -g.need, false
		for _, w := range g.signs {
			if len(f.match(w.p)) > 0 != w.absent {
				total += w.weight
				strong = strong || w.weight >= strongSign
			}
		}
		if strong && total > over {
			best, over = g.rule, total
		}
	}
	return best, best != nil
}
