package knowledge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runDepth is how many articles a run lists for each question.
const runDepth = 100

// maxEvalLine bounds one line of the files read here, in bytes; the longest
// article of the national set has 60 kB.
const maxEvalLine = 4 << 20

// RetrievalOptions says what EvalRetrieval measures.
type RetrievalOptions struct {
	Laws    string    // JSONL of articles, plain or gzip
	Queries string    // JSONL of {"qid","query","gold":[id]}
	Run     io.Writer // not nil: one line {"qid","ids"} a question; golds are not read then
	Index   IndexOptions
	Entries []*Document // whose phrasings speak for the articles they cite
	Lexicon *Lexicon
	Folds   int                 // above 1: cross-validated, the questions of the other folds being phrasings of their articles
	Cache   string              // file to keep the built index in; "": build each time
	Rewrite func(string) string // changes each question before it is asked, for measuring other scripts and typos; may be nil
}

// RetrievalFigures say how well questions find their articles, how fast and at
// what cost.
type RetrievalFigures struct {
	Queries  int             `json:"queries"`
	Articles int             `json:"articles"`
	Recall   map[int]float64 `json:"recall"` // by depth: share of the gold articles found, mean over questions
	MRR10    float64         `json:"mrr@10"`
	MRR100   float64         `json:"mrr@100"`
	NDCG10   float64         `json:"ndcg@10"`
	Build    float64         `json:"build_seconds"` // from documents to an index that can be searched; 0 if loaded
	Load     float64         `json:"load_seconds"`  // from the cache; 0 if built
	P50      float64         `json:"p50_ms"`
	P99      float64         `json:"p99_ms"`
	RSS      float64         `json:"rss_mb"` // resident set after the questions

	took []float64 // ms, a question each
}

// recallDepths are the depths at which recall is measured.
var recallDepths = [...]int{5, 10, 20, 50, 100}

// String gives one figure a line.
func (f RetrievalFigures) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "queries: %d\narticles: %d\n", f.Queries, f.Articles)
	if f.Recall != nil {
		for _, k := range recallDepths {
			fmt.Fprintf(&b, "recall@%d: %.4f\n", k, f.Recall[k])
		}
		fmt.Fprintf(&b, "mrr@10: %.4f\nmrr@100: %.4f\nndcg@10: %.4f\n", f.MRR10, f.MRR100, f.NDCG10)
	}
	if f.Load == 0 {
		fmt.Fprintf(&b, "build_seconds: %.2f\n", f.Build)
	}
	if f.Load > 0 {
		fmt.Fprintf(&b, "load_seconds: %.2f\n", f.Load)
	}
	fmt.Fprintf(&b, "p50_ms: %.2f\np99_ms: %.2f\nrss_mb: %.0f\n", f.P50, f.P99, f.RSS)
	return b.String()
}

// EvalQuery is one question of an evaluation file.
type EvalQuery struct {
	ID   json.RawMessage `json:"qid"` // a number or a string, given back as it was
	Text string          `json:"query"`
	Gold []string        `json:"gold"`
}

// EvalRetrieval builds an index over a file of articles and asks it a file of
// questions.
func EvalRetrieval(o RetrievalOptions) (RetrievalFigures, error) {
	docs, err := ReadArticles(o.Laws)
	if err != nil {
		return RetrievalFigures{}, err
	}
	queries, err := ReadQueries(o.Queries, o.Run == nil)
	if err != nil {
		return RetrievalFigures{}, err
	}
	f := RetrievalFigures{Queries: len(queries), Articles: len(docs), Recall: map[int]float64{}}
	docs = append(docs, o.Entries...)
	lay := o.Index.Lay
	for fold := range max(1, o.Folds) {
		test := queries
		if o.Folds > 1 {
			var train []EvalQuery
			if test, train = splitFold(queries, fold, o.Folds); o.Run == nil {
				o.Index.Lay = append(slices.Clip(lay), goldPhrases(train, docs)...)
			}
		}
		x, err := f.index(docs, o)
		if err != nil {
			return f, err
		}
		debug.FreeOSMemory() // what building left behind is not what searching needs
		f.ask(x, test, o)
	}
	f.mean()
	if o.Run != nil {
		f.Recall = nil
	}
	f.RSS = residentMB()
	return f, nil
}

// splitFold gives every n-th question, and the others.
func splitFold(queries []EvalQuery, fold, n int) (test, train []EvalQuery) {
	for i, q := range queries {
		if i%n == fold {
			test = append(test, q)
		} else {
			train = append(train, q)
		}
	}
	return test, train
}

// index builds the index, and with a cache loads it again, timing both.
func (f *RetrievalFigures) index(docs []*Document, o RetrievalOptions) (*Index, error) {
	start := time.Now()
	if o.Cache == "" {
		x := BuildIndexWith(docs, o.Lexicon, o.Index)
		f.Build = time.Since(start).Seconds()
		return x, nil
	}
	x, loaded, err := OpenIndex(o.Cache, docs, o.Lexicon, o.Index)
	if err != nil {
		return nil, err
	}
	if loaded {
		f.Load = time.Since(start).Seconds()
	} else {
		f.Build = time.Since(start).Seconds()
	}
	return x, nil
}

// ask runs the questions and fills in the figures.
func (f *RetrievalFigures) ask(x *Index, queries []EvalQuery, o RetrievalOptions) {
	for _, q := range queries {
		text := q.Text
		if o.Rewrite != nil {
			text = o.Rewrite(text)
		}
		start := time.Now()
		hits := x.Search(Query{Text: text, Kind: KindArticle, N: runDepth})
		f.took = append(f.took, float64(time.Since(start).Microseconds())/1000)
		ids := make([]string, len(hits))
		for i, h := range hits {
			ids[i] = h.Doc.ID
		}
		if o.Run != nil {
			line, _ := json.Marshal(map[string]any{"qid": q.ID, "ids": ids}) // strings and a raw value: cannot fail
			fmt.Fprintf(o.Run, "%s\n", line)
			continue
		}
		f.count(ids, q.Gold)
	}
}

// mean turns sums into means and times into percentiles.
func (f *RetrievalFigures) mean() {
	n := float64(max(f.Queries, 1))
	for k := range f.Recall {
		f.Recall[k] /= n
	}
	f.MRR10, f.MRR100, f.NDCG10 = f.MRR10/n, f.MRR100/n, f.NDCG10/n
	slices.Sort(f.took)
	if len(f.took) > 0 {
		f.P50, f.P99 = f.took[len(f.took)/2], f.took[len(f.took)*99/100]
	}
}

// count adds one ranking to the sums.
func (f *RetrievalFigures) count(ids, gold []string) {
	if len(gold) == 0 {
		return
	}
	found, first, dcg := 0, 0, 0.0
	at := map[int]int{}
	for i, id := range ids {
		if slices.Contains(gold, id) {
			found++
			if first == 0 {
				first = i + 1
			}
			if i < 10 {
				dcg += 1 / math.Log2(float64(i+2))
			}
		}
		at[i+1] = found
	}
	for _, k := range recallDepths {
		f.Recall[k] += float64(at[min(k, len(ids))]) / float64(len(gold))
	}
	if first > 0 {
		f.MRR100 += 1 / float64(first)
		if first <= 10 {
			f.MRR10 += 1 / float64(first)
		}
	}
	ideal := 0.0
	for i := range min(10, len(gold)) {
		ideal += 1 / math.Log2(float64(i+2))
	}
	f.NDCG10 += dcg / ideal
}

// ReadQueries reads questions, one JSON object a line. Golds are dropped unless
// asked for.
func ReadQueries(name string, gold bool) ([]EvalQuery, error) {
	var out []EvalQuery
	err := eachLine(name, func(n int, line []byte) error {
		var q EvalQuery
		if err := json.Unmarshal(line, &q); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !gold {
			q.Gold = nil
		}
		out = append(out, q)
		return nil
	})
	return out, err
}

// evalArticle is one article as written in a JSONL file.
type evalArticle struct {
	ID, Law, Short, Level, No, Chapter, Text string
	Pub, Eff                                 string
}

// ReadArticles reads articles, one JSON object a line: id, law, short, level,
// no ("177-1"), chapter, text, pub, eff. All are taken as in force: which
// version is meant is not the business of an evaluation.
func ReadArticles(name string) ([]*Document, error) {
	var out []*Document
	err := eachLine(name, func(n int, line []byte) error {
		var l evalArticle
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		no, err := ParseArticleNo(l.No)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		a := &Article{Law: l.Law, Short: l.Short, Level: l.Level, No: no, Chapter: l.Chapter, Text: l.Text}
		a.Published, _ = time.Parse(time.DateOnly, l.Pub) // many have none
		a.Effective, _ = time.Parse(time.DateOnly, l.Eff)
		out = append(out, &Document{ID: l.ID, Kind: KindArticle, Title: "《" + l.Short + "》" + no.Han(), Area: "全国", Article: a})
		return nil
	})
	return out, err
}

// eachLine calls f for each line of a plain or gzip file that is not empty.
func eachLine(name string, f func(n int, line []byte) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewReaderSize(file, 1<<16)
	var r io.Reader = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(buffered); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), maxEvalLine)
	for n := 1; lines.Scan(); n++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := f(n, line); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// residentMB is the process's resident memory in MB; 0 where /proc has none.
func residentMB() float64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kb / 1024
		}
	}
	return 0
}
