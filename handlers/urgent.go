package handlers

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"mingbai/bot"
)

// checkCrises holds the files of crises to what saves lives: the first sentence
// is short and has a number to call.
func checkCrises(set *ruleSet) error {
	for _, r := range set.rules {
		if n := utf8.RuneCountInString(r.First); n > maxFirst {
			return fmt.Errorf("read rules: crisis %q: first sentence has %d characters, %d are allowed", r.ID, n, maxFirst)
		}
		if !numberPattern.MatchString(r.First) {
			return fmt.Errorf("read rules: crisis %q: first sentence names no number to call", r.ID)
		}
	}
	return nil
}

// urgent words the help for a crisis. The legal matter behind it is named in
// one line, after the help, so that there is a way on.
func (s *Safety) urgent(r *rule, f *finding) Verdict {
	v := Verdict{Kind: KindUrgent, Category: r.Category, Rule: r.ID, Topic: r.Topic}
	line := ""
	if m, ok := s.crises.matter(f); ok {
		v.Topic, line = m.topic, m.line
	}
	v.Reply = r.answer(KindUrgent, line, sayHuman)
	v.Reply.Answer.Urgent = true
	v.Reply.Answer.Topic = v.Topic
	return v
}

// during answers in a crisis: it lasts until the person says they are safe.
func (s *Safety) during(f *finding, text, crisis string) Verdict {
	command, _ := s.command(f.view, f)
	if s.isSafe(f) {
		return s.safeAgain(f, text)
	}
	if r, ok := s.crises.find(f); ok {
		return s.urgent(r, f)
	}
	v := s.stay(crisis)
	// Of all commands only the one for a person is obeyed: "再见" must not end
	// a crisis.
	if command.Command == CommandHuman {
		v.Command = CommandHuman
	}
	if command.Kind == "" && len(f.view.runes) > 3 {
		v.Followup = text
	}
	return v
}

// isSafe reports whether the person says so, and says nothing behind it that
// takes it back.
func (s *Safety) isSafe(f *finding) bool {
	return f.any(s.crises.safe) && !f.any(s.crises.notSafe)
}

// safeAgain ends a crisis. A question that comes with it is answered as usual.
func (s *Safety) safeAgain(f *finding, text string) Verdict {
	v := Verdict{Kind: KindUrgent, Category: "safe", SafeAgain: true, Reply: fixed(KindUrgent, saySafeAgain)}
	if f.any(s.question) {
		v.Followup = text
	}
	return v
}

// stay repeats the number to call and asks whether the person is safe.
func (s *Safety) stay(crisis string) Verdict {
	v := Verdict{Kind: KindUrgent, Category: "stay", Rule: crisis}
	first := sayCallFirst
	for _, r := range s.crises.rules {
		if r.ID == crisis {
			first, v.Category, v.Topic = r.First, r.Category, r.Topic
		}
	}
	v.Reply = fixed(KindUrgent, strings.Join([]string{first, sayStay, sayHuman}, "\n"))
	v.Reply.Answer.Urgent = true
	return v
}

// fixed makes a reply of one of our fixed sentences.
func fixed(kind, text string) bot.Reply {
	return bot.Reply{Text: text, Answer: &bot.Answer{Kind: kind, By: "reviewed", Grounded: true}}
}
