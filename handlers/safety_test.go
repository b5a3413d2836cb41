package handlers

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// labelled is one line of testdata/*.jsonl. Part a was written before the
// rules, each of parts b to f before the rules were run on it; then the rules
// were widened by what it showed.
type labelled struct {
	ID       string `json:"id"`
	Part     string `json:"part"`
	Category string `json:"category"`
	Text     string `json:"text"`
}

func readLabelled(t testing.TB, name string) []labelled {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []labelled
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l labelled
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, l)
	}
	return out
}

func newTestSafety(t testing.TB) *Safety {
	t.Helper()
	s, err := NewSafety()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// builtIn is one Safety for the tests that do not change it.
var builtIn = sync.OnceValues(NewSafety)

func sharedSafety(t testing.TB) *Safety {
	t.Helper()
	s, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLabelled holds the rules to the labelled sets: every crisis is found,
// at most one calm question in a hundred is taken for one, and so on.
func TestLabelled(t *testing.T) {
	t.Parallel()
	s := sharedSafety(t)
	for _, c := range []struct {
		set  string
		want func(kind string) bool
		most float64 // share of wrong ones that is let pass
	}{
		{"crisis", func(k string) bool { return k == KindUrgent }, 0},
		{"calm", func(k string) bool { return k == "" || k == KindGreeting }, 0.01},
		{"refuse", func(k string) bool { return k == KindRefuse }, 0},
		{"neutral", func(k string) bool { return k == "" }, 0.01},
		{"scope", func(k string) bool { return k == KindScope }, 0},
	} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			wrong, seen := map[string]int{}, map[string]int{}
			for _, l := range readLabelled(t, c.set) {
				v, _ := s.Check(l.Text, "")
				seen[l.Part]++
				if !c.want(v.Kind) {
					wrong[l.Part]++
					t.Logf("%s %s: %s → %s %s", l.ID, l.Category, l.Text, v.Kind, v.Rule)
				}
			}
			bad, all := 0, 0
			for _, part := range slices.Sorted(maps.Keys(seen)) {
				t.Logf("part %s: %d of %d wrong", part, wrong[part], seen[part])
				bad, all = bad+wrong[part], all+seen[part]
			}
			if float64(bad) > c.most*float64(all) {
				t.Errorf("%d of %d wrong", bad, all)
			}
		})
	}
}
