package knowledge

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkAddedTime is what an answer with a model takes outside the model:
// finding, masking, the gates over every sentence. p99 must stay below 30 ms.
func BenchmarkAddedTime(b *testing.B) {
	base := openBuiltin(b)
	answerer, mask := NewAnswerer(base), NewRedactor(official)
	m := &mixer{base: base, on: gateDay}
	m.gather()
	w, err := NewWorder(base, m, newGates(b))
	if err != nil {
		b.Fatal(err)
	}
	entries := base.Entries()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		q := Question{Text: wordedStory + entries[i%len(entries)].Questions[0], On: gateDay}
		begun := time.Now()
		a, err := answerer.Answer(context.Background(), q)
		if err != nil {
			b.Fatal(err)
		}
		found := time.Since(begun)
		if a.Kind != KindAnswer || len(a.Citations) == 0 {
			continue
		}
		m.about(q.Text, a)
		begun = time.Now()
		mask.Mask(q.Text)
		w.Word(context.Background(), Asking{Question: q, Private: true}, a)
		took = append(took, found+time.Since(begun))
	}
	slices.Sort(took)
	for name, part := range map[string]int{"p50-ms": 50, "p99-ms": 99} {
		b.ReportMetric(float64(took[len(took)*part/100].Microseconds())/1000, name)
	}
}
