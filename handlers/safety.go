package handlers

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync/atomic"

	"mingbai/bot"
	"mingbai/knowledge"
)

//go:embed data/*.yaml
var dataFiles embed.FS

// Kinds of verdicts.
const (
	KindUrgent    = "urgent"    // help first
	KindRefuse    = "refuse"    // unlawful: declined, with the lawful way
	KindScope     = "scope"     // not what is done here
	KindInjection = "injection" // talk to the machine, not to the service
	KindGreeting  = "greeting"
	KindThanks    = "thanks"
	KindCommand   = "command"
)

// Verdict is what is to be said before any answer is looked for.
type Verdict struct {
	Kind     string
	Category string    // of the rule: "selfharm", "hide_assets", "weather" …
	Rule     string    // id of the rule; for a crisis the value to keep in Session.Urgent
	Reply    bot.Reply // empty for commands: the router acts on them
	Topic    string    // legal matter behind a crisis, "LB01"; empty if none is named
	// Followup is what is left to be answered after Reply: the message itself
	// when a crisis goes on or is over, the legal question inside talk to the
	// machine. Empty: Reply is all.
	Followup  string
	SafeAgain bool   // the person said that they are safe: clear Session.Urgent
	Command   string // "back", "human", …; in a crisis only "human"
	Arg       int    // number in a command ("第2条依据" → 2); 0 if none
}

// Safety decides what comes before any answer: crises, unlawful requests, what
// is out of scope, talk to the machine, greetings and commands. It asks no
// model, keeps no state but its word list and is safe for concurrent use. Its
// time is linear in the text.
type Safety struct {
	compiler  *compiler
	crises    *ruleSet
	refusals  *ruleSet
	scopes    *ruleSet
	injection *ruleSet
	commands  []phrase
	question  []pattern // signs that a rest of a message asks about law
	hotlines  *Hotlines
	cites     []knowledge.FixedCitation // every article that replies rest on
	blocked   atomic.Pointer[wordlist]
}

// NewSafety reads the rules that are built in.
func NewSafety() (*Safety, error) { return loadSafety(dataFiles) }

// loadSafety reads the rules of fsys, a tree with data/*.yaml.
func loadSafety(fsys fs.FS) (*Safety, error) {
	l, err := newLoader(fsys)
	if err != nil {
		return nil, err
	}
	s := &Safety{compiler: l.compiler, hotlines: l.lines}
	for _, key := range slices.Sorted(maps.Keys(l.cited)) {
		c, err := l.cited[key].fixed()
		if err != nil {
			return nil, fmt.Errorf("read citations: %s: %w", key, err)
		}
		s.cites = append(s.cites, c)
	}
	for _, f := range []struct {
		name    string
		to      **ruleSet
		similar bool
	}{
		{"data/crisis.yaml", &s.crises, true},
		{"data/refuse.yaml", &s.refusals, false},
		{"data/injection.yaml", &s.injection, false},
		{"data/scope.yaml", &s.scopes, false},
	} {
		if *f.to, err = l.load(f.name, f.similar); err != nil {
			return nil, err
		}
	}
	if err := checkCrises(s.crises); err != nil {
		return nil, err
	}
	if s.commands, err = l.loadCommands(); err != nil {
		return nil, err
	}
	if s.question, err = l.compiler.compileAll([]string{"@legal & @asking"}, false); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	s.compiler.trie.finish()
	s.SetBlocked(nil)
	return s, nil
}

// Citations gives every article that replies rest on, for verifying.
func (s *Safety) Citations() []knowledge.FixedCitation { return s.cites }

// Hotlines gives the public numbers that replies may name.
func (s *Safety) Hotlines() *Hotlines { return s.hotlines }

// Check looks at one message. inCrisis is Session.Urgent: the rule of the crisis
// the person is in, or empty. It reports false when the message is to be
// answered as usual.
func (s *Safety) Check(text string, inCrisis string) (Verdict, bool) {
	f := s.look(text)
	if inCrisis != "" {
		return s.during(f, text, inCrisis), true
	}
	if r, _, ok := s.crises.hit(f); ok {
		return s.urgent(r, f), true
	}
	if r, ok := s.refusals.find(f); ok { // before weak signs: "how do I lock him up" is no call for help
		return refuse(r), true
	}
	if r, ok := s.crises.sum(f); ok {
		return s.urgent(r, f), true
	}
	if v, ok := s.command(f.view, f); ok {
		return v, true
	}
	if s.Blocked(text) {
		return blockedVerdict(), true
	}
	if r, _, ok := s.injection.hit(f); ok {
		return s.ignore(r, text), true
	}
	if r, _, ok := s.scopes.hit(f); ok {
		return leadBack(r), true
	}
	return Verdict{}, false
}

// asksLaw says whether text asks about law.
func (s *Safety) asksLaw(text string) bool { return s.look(text).any(s.question) }

// look folds text, with what is hidden in it, and finds the words of all rules.
func (s *Safety) look(text string) *finding {
	return s.compiler.find(newView(text+hidden(text), s.compiler.fold))
}
