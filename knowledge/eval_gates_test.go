package knowledge

import (
	"context"
	"strings"
	"testing"
)

// TestEvalGates holds what gets out of a model that mixes true, wrong, repealed
// and invented articles, over questions made of the entries' own phrasings.
func TestEvalGates(t *testing.T) {
	t.Parallel()
	b := openBuiltin(t)
	var questions []string
	for i, e := range b.Entries() {
		if i%4 == 0 && len(e.Questions) > 0 {
			questions = append(questions, e.Questions[0])
		}
	}
	f, err := EvalGates(context.Background(), b, newGates(t), questions, gateDay)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if cited, _ := f.False(); cited > 0 || f.Invalid > 0 {
		t.Errorf("%d sentences of a false basis and %d invalid citations got out, want none", cited, f.Invalid)
	}
	if f.Dropped() > .05 || f.Given[mixedTrue] < 300 {
		t.Errorf("%.2f %% of %d true sentences are dropped, want at most 5 %%", 100*f.Dropped(), f.Given[mixedTrue])
	}
	for _, k := range mixedKinds {
		if f.Given[k] == 0 {
			t.Errorf("no sentence of the kind %q was given", k)
		}
	}
}
