package knowledge

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

func corpusEntries(tb testing.TB) []*Document {
	tb.Helper()
	entries, _ := LoadEntries(os.DirFS("corpus/entries"))
	if len(entries) == 0 {
		tb.Fatal("no entries in the corpus")
	}
	var docs []*Document
	for _, e := range entries {
		docs = append(docs, &Document{ID: e.ID, Kind: KindEntry, Title: e.Title, Area: e.Area, Entry: e})
	}
	return docs
}

// TestEntryRetrieval holds the figures of entry retrieval to those in
// testdata/rank_stats.txt. Entries come and go, so a figure may fall by up to
// slack before the test fails; go test -run TestEntryRetrieval -update rewrites
// the file, and the diff shows what a change did.
func TestEntryRetrieval(t *testing.T) {
	if underRace {
		t.Skip("measured without the race detector")
	}
	if testing.Short() {
		t.Skip("asks every phrasing of the corpus")
	}
	const golden, slack = "testdata/rank_stats.txt", 0.03
	docs := corpusEntries(t)
	got := EvalEntries(docs, DefaultLexicon(), 5).String() + outOfScope(t, docs)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	now := figures(got)
	for name, v := range figures(string(want)) {
		switch {
		case strings.HasPrefix(name, "out of scope"), name == "unknown":
			if now[name] > v+slack {
				t.Errorf("%s rose from %.4f to %.4f", name, v, now[name])
			}
		case name != "questions" && now[name] < v-slack:
			t.Errorf("%s fell from %.4f to %.4f", name, v, now[name])
		}
	}
}

// figures reads "name: value" lines.
func figures(s string) map[string]float64 {
	m := map[string]float64{}
	for line := range strings.Lines(s) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		m[name], _ = strconv.ParseFloat(value, 64)
	}
	return m
}

// outOfScope asks questions that are none of ours.
func outOfScope(t *testing.T, docs []*Document) string {
	t.Helper()
	data, err := os.ReadFile("testdata/outofscope.txt")
	if err != nil {
		t.Fatal(err)
	}
	x := BuildIndex(docs, DefaultLexicon())
	var n, sure, maybe float64
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		hits := x.Search(Query{Text: line, Kind: KindEntry, N: 1})
		if len(hits) > 0 && hits[0].Fit >= FitSure {
			sure++
		}
		if len(hits) > 0 && hits[0].Fit >= FitMaybe {
			maybe++
		}
	}
	return fmt.Sprintf("out of scope sure: %.4f\nout of scope maybe or sure: %.4f\n", sure/n, maybe/n)
}

// Every entry must be found by its own phrasings.
func TestEntriesFindThemselves(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("measured without the race detector")
	}
	docs := corpusEntries(t)
	x := BuildIndex(docs, DefaultLexicon())
	n, right := 0, 0
	for _, d := range docs {
		for _, q := range d.Entry.Questions {
			n++
			if h := x.Search(Query{Text: q, Kind: KindEntry, N: 1}); len(h) == 1 && h[0].Doc.ID == d.ID && h[0].Fit >= FitSure {
				right++
			}
		}
	}
	if share := float64(right) / float64(n); share < 0.99 {
		t.Errorf("%.4f of %d phrasings find their entry and are sure of it, want 0.99", share, n)
	}
}

func TestEvalEntriesOfNothing(t *testing.T) {
	t.Parallel()
	if f := EvalEntries(nil, nil, 3); f.Questions != 0 || f.Recall1 != 0 {
		t.Errorf("figures of nothing: %+v", f)
	}
}

func BenchmarkSearchEntries(b *testing.B) {
	docs := corpusEntries(b)
	x := BuildIndex(docs, DefaultLexicon())
	b.Run("entries="+strconv.Itoa(len(docs)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.Search(Query{Text: "老板拖欠工资三个月了我该去哪里申请法律援助", Kind: KindEntry})
		}
	})
}
