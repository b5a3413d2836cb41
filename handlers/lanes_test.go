package handlers

import (
	"os"
	"strings"
	"testing"

	"mingbai/office"
)

// Words of danger, the office's rules and the topic that the knowledge base
// finds together send disputes into their lane, as they do when a case is
// opened. The least right in a hundred is what was measured, less a little.
func TestLane_LabelledDisputes(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	for name, least := range map[string]int{"disputes_a.tsv": 90, "disputes_b.tsv": 90, "disputes_c.tsv": 90, "disputes_d.tsv": 90, "disputes_e.tsv": 90, "disputes_f.tsv": 90, "disputes_g.tsv": 90, "disputes_h.tsv": 55} {
		body, err := os.ReadFile("../office/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		right, unsure, n := 0, 0, 0
		for line := range strings.Lines(string(body)) {
			want, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
			n++
			got := k.lane(text)
			switch {
			case got == want:
				right++
			case got == office.LaneUnsure:
				unsure++
			case want == office.LaneReport && got != office.LaneJudicial:
				t.Errorf("%s: danger goes to %s: %s", name, got, text)
			default:
				t.Logf("%s: got %s, want %s: %s", name, got, want, text)
			}
		}
		t.Logf("%s: %d of %d in the right lane, %d left to a clerk, %d wrong", name, right, n, unsure, n-right-unsure)
		if right*100 < n*least {
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
