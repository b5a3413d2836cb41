package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
)

// LLM is a language model. Nothing it says reaches a person but through the
// gates; it holds no state and has no tools.
type LLM interface {
	// Complete gives the whole answer to p.
	Complete(ctx context.Context, p Prompt) (Completion, error)
	// Stream calls on with each piece of the answer as it comes; an error of on
	// ends the call and is returned. If Stream fails, all pieces must be
	// discarded: the answer was cut.
	Stream(ctx context.Context, p Prompt, on func(piece string) error) (Completion, error)
}

// Errors of an LLM that a caller branches on. After each of them the answer
// without a model is given.
var (
	ErrBudget  = errors.New("knowledge: the model's budget is used up, or all its places are taken")
	ErrBreaker = errors.New("knowledge: the model has failed too often and rests")
	ErrModel   = errors.New("knowledge: the model gave no whole answer")
)

// Tasks a model is asked to do; the name of the prompt file, and a label of the
// metrics.
const (
	TaskRewrite = "rewrite" // a question that leans on others, made to stand alone
	TaskAnswer  = "answer"  // word an answer from passages
	TaskSummary = "summary" // a case summary for those who take it over
	TaskPlain   = "plain"   // say a text more simply
	TaskRerank  = "rerank"  // order passages
)

// Prompt is one request to a model. System and the documents are the
// program's own; what a person said goes into Said parts, which are masked
// before they leave. That a part is a document has to be said each time, so
// that what is forgotten is masked.
type Prompt struct {
	Task      string
	System    string          // the instructions; the same for all requests of a task, so that providers can cache them
	User      []Part          // becomes one message in the user's role
	Schema    json.RawMessage // a JSON schema the answer has to fit; nil: text
	MaxTokens int             // of the answer; 0: the client's default
	Person    string          // whose budget it is, an opaque key; never sent
	Bot       string          // which bot's budget it is; never sent
	Masked    func(Masked)    // told what was masked, before the request leaves; may be nil
}

// Part is a piece of the user's message.
type Part struct {
	Text     string
	Document bool // reviewed text of the base, sent as it is; otherwise a person's words, masked
}

// Completion is a model's answer.
type Completion struct {
	Text    string // with the placeholders of masked data
	Model   string // as the provider names it
	In, Out int    // tokens
	masked  Masked
}

// Restore puts the masked data back into a text made from the answer: for the
// private reply to the very person it came from, and for nothing else.
func (c Completion) Restore(text string) string { return c.masked.Restore(text) }

// partBreak stands between the parts while they are masked together, so that
// one person has one placeholder in all of them. It cannot be in a part: input
// is freed of control characters, and those left are dropped here.
const partBreak = "\x1e"

// mask gives the user's message with what persons said masked.
func (p Prompt) mask(r *Redactor) (message string, m Masked) {
	var said []string
	for _, part := range p.User {
		if !part.Document {
			said = append(said, strings.ReplaceAll(part.Text, partBreak, ""))
		}
	}
	m = r.Mask(strings.Join(said, partBreak))
	masked := strings.Split(m.Text, partBreak)
	var b strings.Builder
	next := 0
	for _, part := range p.User {
		if part.Document {
			b.WriteString(part.Text)
			continue
		}
		b.WriteString(masked[next])
		next++
	}
	return b.String(), m
}

// EstimateTokens is an upper estimate of how many tokens a text is: a Chinese
// character is at most about one and a third for the providers' tokenizers, a
// letter or digit less than a half.
func EstimateTokens(text string) int {
	han, other := 0, 0
	for _, r := range text {
		if r < 0x80 {
			other++
		} else {
			han++
		}
	}
	return (han*4+2)/3 + (other+1)/2
}
