package handlers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mingbai/office"
)

// Words of danger, the office's classifier and the topic that the knowledge base
// finds together send disputes into their lane, as they do when a case is opened.
// Every file of labelled disputes is read; what the classifier makes of texts it
// has not learnt from is measured in package office, and by mingbai knowledge
// lanes --check.
func TestLane_LabelledDisputes(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	files, err := filepath.Glob("../office/testdata/disputes_*.tsv")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		right, unsure, n := 0, 0, 0
		for line := range strings.Lines(string(body)) {
			want, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
			if !ok || !slices.Contains(office.Lanes, want) {
				t.Fatalf("%s: line %q", name, line)
			}
			n++
			got := k.lane(text)
			switch {
			case got == want:
				right++
			case got == office.LaneUnsure:
				unsure++
				t.Logf("%s: left to a clerk, want %s: %s", name, want, text)
			case want == office.LaneReport && got != office.LaneJudicial:
				t.Errorf("%s: danger goes to %s: %s", name, got, text)
			default:
				t.Logf("%s: got %s, want %s: %s", name, got, want, text)
			}
		}
		t.Logf("%s: %d of %d in the right lane, %d left to a clerk, %d wrong", name, right, n, unsure, n-right-unsure)
		if right*100 < n*90 {
			t.Errorf("%s: only %d of %d in the right lane", name, right, n)
		}
	}
}

// lane says where a dispute of that text would go first.
func (k *talk) lane(text string) string {
	if v, ok := k.router.d.Safety.Check(text, ""); ok && v.Kind == KindUrgent {
		return office.LaneReport
	}
	return office.Propose(text, k.router.topicOf(text), nil).Lane
}
