package knowledge

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkAddedTime is what an answer with a model takes outside the model:
// finding, masking, the gates over every sentence. p99 must stay below 30 ms.
// On a machine that others use the processor's time (cpu) says more.
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
	var took, worked []time.Duration
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i := 0; b.Loop(); i++ {
		q := Question{Text: wordedStory + entries[i%len(entries)].Questions[0], On: gateDay}
		begun, cpu := time.Now(), threadTime()
		a, err := answerer.Answer(context.Background(), q)
		if err != nil {
			b.Fatal(err)
		}
		found, sought := time.Since(begun), threadTime()-cpu
		if a.Kind != KindAnswer || len(a.Citations) == 0 {
			continue
		}
		m.about(q.Text, a)
		begun, cpu = time.Now(), threadTime()
		mask.Mask(q.Text)
		w.Word(context.Background(), Asking{Question: q, Private: true}, a)
		took, worked = append(took, found+time.Since(begun)), append(worked, sought+threadTime()-cpu)
	}
	for name, times := range map[string][]time.Duration{"": took, "cpu-": worked} {
		slices.Sort(times)
		for _, part := range []int{50, 99} {
			b.ReportMetric(float64(times[len(times)*part/100].Microseconds())/1000, fmt.Sprintf("%sp%d-ms", name, part))
		}
	}
}
