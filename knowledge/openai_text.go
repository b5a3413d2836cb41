package knowledge

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sashabaranov/go-openai/jsonschema"
)

// The marks between which some models think aloud before they answer, where the
// server does not take that out.
const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// thinking takes out what a model thinks aloud at the beginning of its answer.
type thinking struct {
	held    string // not decided yet, or thought
	over    bool   // the thought is
	through bool   // the answer has begun
}

// said gives what of a further piece belongs to the answer.
func (t *thinking) said(piece string) string {
	switch {
	case t.through:
		return piece
	case t.over:
		piece = strings.TrimLeft(piece, "\r\n")
		t.through = piece != ""
		return piece
	}
	t.held += piece
	begun := strings.TrimLeft(t.held, " \t\r\n")
	switch {
	case strings.HasPrefix(begun, thinkOpen):
		_, answer, over := strings.Cut(begun, thinkClose)
		if !over {
			return ""
		}
		t.held, t.over = "", true
		return t.said(answer)
	case strings.HasPrefix(thinkOpen, begun):
		return ""
	}
	t.through = true
	answer := t.held
	t.held = ""
	return answer
}

// rest gives what was held back when the answer has ended: nothing if it ended
// in thought.
func (t *thinking) rest() string {
	if strings.HasPrefix(strings.TrimLeft(t.held, " \t\r\n"), thinkOpen) {
		return ""
	}
	return t.held
}

// fitted gives the JSON object that an answer is, taken out of the code fence
// some models put around it, if it holds to the schema.
func fitted(text string, schema json.RawMessage) (string, error) {
	var want jsonschema.Definition
	if err := json.Unmarshal(schema, &want); err != nil {
		return "", fmt.Errorf("schema of a prompt: %w", err)
	}
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "```"); ok {
		rest = strings.TrimPrefix(rest, "json")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "```"))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return "", &modelError{why: "it is no JSON object", asked: true}
	}
	if !jsonschema.Validate(want, got) {
		return "", &modelError{why: "its JSON is of another shape", asked: true}
	}
	return text, nil
}
