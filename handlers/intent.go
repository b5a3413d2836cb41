package handlers

import (
	"fmt"
	"strconv"
)

// phraseText is a row of commands.yaml: a message that consists of nothing but
// these words, with at least one of the core, is the command.
type phraseText struct {
	Kind    string   `yaml:"kind"`
	Command string   `yaml:"command"`
	Core    []string `yaml:"core"`
	Filler  []string `yaml:"filler"`
}

type phrase struct {
	kind, command string
	core, all     int32 // terms
}

// maxCommand is the longest message taken for a command, in runes; a longer one
// says something.
const maxCommand = 24

func (l *loader) loadCommands() ([]phrase, error) {
	var f struct {
		Filler   []string     `yaml:"filler"`
		Commands []phraseText `yaml:"commands"`
	}
	if err := readYAML(l.fsys, "data/commands.yaml", &f); err != nil {
		return nil, err
	}
	var out []phrase
	for i, t := range f.Commands {
		name := "phrase " + strconv.Itoa(i)
		all := append(append(append([]string{}, t.Core...), t.Filler...), f.Filler...)
		l.compiler.words[name] = all
		l.compiler.words[name+" core"] = t.Core
		core, err := l.compiler.term("@"+name+" core", false)
		if err != nil {
			return nil, fmt.Errorf("read rules: command %q: %w", t.Command, err)
		}
		whole, err := l.compiler.term("@"+name, false)
		if err != nil {
			return nil, fmt.Errorf("read rules: command %q: %w", t.Command, err)
		}
		out = append(out, phrase{t.Kind, t.Command, core, whole})
	}
	return out, nil
}

// command finds a greeting, thanks or a command that is all of the message.
func (s *Safety) command(v *view, f *finding) (Verdict, bool) {
	if len(v.runes) == 0 || len(v.runes) > maxCommand {
		return Verdict{}, false
	}
	for _, p := range s.commands {
		if len(f.at[p.core]) == 0 || !covers(f.at[p.all], len(v.runes)) {
			continue
		}
		d := Verdict{Kind: p.kind, Category: p.kind, Rule: p.command}
		switch p.kind {
		case KindGreeting:
			d.Reply = fixed(KindGreeting, sayGreeting)
		case KindThanks:
			d.Reply = fixed(KindThanks, sayThanks)
		case KindCommand:
			d.Command = p.command
			if p.command == "source" {
				d.Arg = number(v.runes)
			}
		}
		return d, true
	}
	return Verdict{}, false
}

// covers reports whether words, in order of their ends, lie side by side over
// all n runes.
func covers(words []span, n int) bool {
	reached := make([]bool, n+1)
	reached[0] = true
	for _, w := range words {
		if reached[w.start] {
			reached[w.end] = true
		}
	}
	return reached[n]
}

// number gives the first number in a command, 0 if there is none: "第2条依据",
// "依据三".
func number(text []rune) int {
	for i, r := range text {
		if r >= '1' && r <= '9' {
			n := int(r - '0')
			if i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
				n = n*10 + int(text[i+1]-'0')
			}
			return n
		}
		for n, han := range []rune("一二三四五六七八九十") {
			if r == han {
				return n + 1
			}
		}
	}
	return 0
}
