package knowledge

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed prompts/*.md
var promptFiles embed.FS

// instruction is one file of prompts/: the system message of a task.
type instruction struct {
	task, version, text string
}

// name is the prompt with its version, for metrics and the list of drops.
func (i instruction) name() string { return i.task + "/" + i.version }

// system is the message with this process's marker in it. It is the same for
// all requests of a task, so that a provider's cache of beginnings works.
func (i instruction) system(marker string) string {
	return strings.ReplaceAll(i.text, "{{marker}}", marker)
}

// loadInstructions reads prompts/TASK.md: a line "version: N", a line "---", the
// text.
func loadInstructions() (map[string]instruction, error) {
	list := map[string]instruction{}
	for _, task := range []string{TaskAnswer, TaskPlain, TaskRewrite, TaskSummary, TaskRerank} {
		b, err := promptFiles.ReadFile("prompts/" + task + ".md")
		if err != nil {
			return nil, err
		}
		head, text, ok := strings.Cut(string(b), "\n---\n")
		version, found := strings.CutPrefix(head, "version: ")
		if !ok || !found {
			return nil, fmt.Errorf("prompts/%s.md does not begin with its version", task)
		}
		list[task] = instruction{task: task, version: strings.TrimSpace(version), text: strings.TrimSpace(text)}
	}
	return list, nil
}

// Instructions are the texts of all prompts, for the gate that keeps them in.
func Instructions() ([]string, error) {
	list, err := loadInstructions()
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, i := range list {
		texts = append(texts, i.text)
	}
	return texts, nil
}

// quote makes text safe between delimiters: it cannot close them.
var quote = strings.NewReplacer("<", "＜", ">", "＞")

// Sizes of a request. What a person said has its own bound; the passages get
// what that and the instructions leave.
const (
	maxPromptIn   = 2500 // tokens, as estimated
	maxPromptSaid = 450  // runes of the question; half as many of what was said before; newest kept
	promptMarks   = 150  // tokens for the marks around the parts, and what placeholders are longer than names
)

// tagged makes the parts of a request: <name>text</name>.
func tagged(name, text string, document bool) []Part {
	return []Part{{Text: "<" + name + ">\n", Document: true}, {Text: quote.Replace(text), Document: document}, {Text: "\n</" + name + ">\n", Document: true}}
}
