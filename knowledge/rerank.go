package knowledge

import (
	"context"
	_ "embed" // the prompt
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

//go:embed prompts/rerank.md
var rerankPrompt string

// Bounds of a rerank: how many hits the model sees and how much of each, in
// runes, which together are some 2,500 tokens; and how long the person waits
// for it before the plain ranking is taken.
const (
	rerankTop    = 30
	rerankText   = 60
	rerankTokens = 120
	rerankWait   = 5 * time.Second
)

var rerankSchema = json.RawMessage(`{"type":"object","properties":{"order":{"type":"array","items":{"type":"integer"}}},"required":["order"]}`)

// Rerank puts in front what a model finds to answer the question best. It only
// changes the order of the first 30, moves nothing that was found exactly, and
// leaves all as it was if the model fails, is slow or talks nonsense.
func Rerank(ctx context.Context, m LLM, q Query, hits []Hit) []Hit {
	exact := 0
	for exact < len(hits) && hits[exact].Fit >= fitExact {
		exact++
	}
	top := hits[exact:min(len(hits), max(exact, rerankTop))]
	if len(top) < 2 {
		return hits
	}
	ctx, cancel := context.WithTimeout(ctx, rerankWait)
	defer cancel()
	_, system, _ := strings.Cut(rerankPrompt, "\n---\n")
	var list strings.Builder
	for i, h := range top {
		fmt.Fprintf(&list, "[%d] %s\n", i+1, quote.Replace(strings.ReplaceAll(clip(embeddedText(h.Doc), rerankText), "\n", " ")))
	}
	c, err := m.Complete(ctx, Prompt{
		Task: TaskRerank, System: strings.TrimSpace(system), Schema: rerankSchema, MaxTokens: rerankTokens, Person: q.Person,
		User: []Part{
			{Text: "<资料>\n" + list.String() + "</资料>\n<问题>\n", Document: true},
			{Text: quote.Replace(clip(q.Text, denseText))}, {Text: "\n</问题>", Document: true},
		},
	})
	var answer struct{ Order []int }
	if err != nil || json.Unmarshal([]byte(c.Text), &answer) != nil {
		return hits
	}
	out := append(make([]Hit, 0, len(hits)), hits[:exact]...)
	taken := make([]bool, len(top))
	for _, n := range answer.Order {
		if n >= 1 && n <= len(top) && !taken[n-1] {
			taken[n-1] = true
			out = append(out, top[n-1])
		}
	}
	for i, h := range top {
		if !taken[i] {
			out = append(out, h)
		}
	}
	return append(out, hits[exact+len(top):]...)
}
