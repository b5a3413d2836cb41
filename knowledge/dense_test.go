package knowledge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/knowledge/llmtest"
)

func newEmbedModel(t testing.TB, o EmbedOptions) (*EmbedModel, *llmtest.Server) {
	t.Helper()
	s := llmtest.New()
	t.Cleanup(s.Close)
	o.BaseURL, o.Model, o.pause = s.URL(), llmtest.Name, time.Millisecond
	if o.wait == 0 {
		o.wait = 3 * time.Second // the machine may be busy
	}
	if o.PerMinute == 0 {
		o.PerMinute = 1_000_000
	}
	m, err := NewEmbedModel(o, NewRedactor(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, s
}

// embedded counts the texts a server was asked to embed.
func embedded(s *llmtest.Server) (n int) {
	for _, r := range s.Requests() {
		n += len(r.Input)
	}
	return n
}

func TestEmbedJob_EmbedsEachTextOnce(t *testing.T) {
	t.Parallel()
	m, s := newEmbedModel(t, EmbedOptions{})
	docs := smallBase()
	var told [2]int
	j := EmbedJob{File: filepath.Join(t.TempDir(), "vectors"), Model: "a", Docs: append(docs, docs...), Embedder: m, Progress: func(done, total int) { told = [2]int{done, total} }}
	run := func(name string, want int) {
		t.Helper()
		s.Forget()
		if n, err := j.Run(t.Context()); err != nil || n != want || embedded(s) != want {
			t.Fatalf("%s: got %d, %v, %d asked, want %d", name, n, err, embedded(s), want)
		}
	}
	run("at first", len(docs))
	if told != [2]int{len(docs), len(docs)} {
		t.Errorf("told %v", told)
	}
	run("again", 0)
	docs[4].Article.Text += "新"
	run("one text changed", 1)
	if known, err := readVectorFile(j.File, "a"); err != nil || len(known) != len(docs) {
		t.Errorf("%d vectors kept, %v, want %d: those of texts that are gone go", len(known), err, len(docs))
	}
	j.Model = "b"
	run("another model", len(docs))
	x, missing, err := OpenDense(j.File, "b", docs, m)
	if err != nil || missing != 0 {
		t.Fatalf("%d missing, %v", missing, err)
	}
	hits, err := x.Search(t.Context(), Query{Text: embeddedText(docs[5]), Kind: KindArticle, N: 3})
	if err != nil || len(hits) != 3 || hits[0].Doc != docs[5] {
		t.Errorf("a document's own text finds %v, %v", hits, err)
	}
	if _, _, err := OpenDense(j.File, "a", docs, m); !errors.Is(err, errCache) {
		t.Errorf("another model's vectors: %v", err)
	}
}

// TestEmbedJob_GoesOnWhereItWas: stopped after any batch, or killed in the
// middle of a write, a job asks again only for what it has not; what the
// program uses changes only when all is there.
func TestEmbedJob_GoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	var docs []*Document
	for i := range 5*embedBatch + 3 {
		docs = append(docs, &Document{ID: fmt.Sprint(i), Kind: KindEntry, Title: fmt.Sprintf("第%d个标题", i)})
	}
	for _, tear := range []int{0, 1, 30, 200} { // bytes lost of what was written last
		m, s := newEmbedModel(t, EmbedOptions{})
		j := EmbedJob{File: filepath.Join(t.TempDir(), "vectors"), Model: "a", Docs: docs, Embedder: m}
		ctx, stop := context.WithCancel(t.Context())
		j.Progress = func(done, _ int) {
			if done >= 3*embedBatch {
				stop()
			}
		}
		if n, err := j.Run(ctx); err == nil || n != 3*embedBatch {
			t.Fatalf("stopped: got %d, %v", n, err)
		}
		if _, err := os.Stat(j.File); !os.IsNotExist(err) {
			t.Fatalf("the file is there before all vectors are: %v", err)
		}
		part := j.File + partSuffix
		info, err := os.Stat(part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(part, info.Size()-int64(tear)); err != nil {
			t.Fatal(err)
		}
		record := 24 + 64 + 4
		lost := (tear + record - 1) / record
		s.Forget()
		if n, err := j.Run(t.Context()); err != nil || n != 2*embedBatch+3+lost || embedded(s) != n {
			t.Errorf("%d bytes torn: got %d, %v, %d asked, want %d", tear, n, err, embedded(s), 2*embedBatch+3+lost)
		}
		if _, missing, err := OpenDense(j.File, "a", docs, m); err != nil || missing != 0 {
			t.Errorf("%d missing, %v", missing, err)
		}
		if _, err := os.Stat(part); !os.IsNotExist(err) {
			t.Errorf("the part file is left: %v", err)
		}
	}
}

func TestEmbedModel_TriesABatchAgain(t *testing.T) {
	t.Parallel()
	m, s := newEmbedModel(t, EmbedOptions{})
	fail := llmtest.Wrong("", llmtest.TooManyLong)
	s.Script(fail, llmtest.Wrong("", llmtest.HTML), llmtest.Words(""))
	if v, err := m.Embed(t.Context(), []string{"甲", "乙丙"}); err != nil || len(v) != 2 || len(s.Requests()) != 3 {
		t.Errorf("got %d vectors, %v after %d requests", len(v), err, len(s.Requests()))
	}
	s.Answer(fail)
	s.Forget()
	if _, err := m.Embed(t.Context(), []string{"甲"}); !errors.Is(err, ErrModel) || len(s.Requests()) != embedTries {
		t.Errorf("got %v after %d requests", err, len(s.Requests()))
	}
}

// TestEmbedModel_KeepsToTheRate: a batch waits for its turn, a question does not.
func TestEmbedModel_KeepsToTheRate(t *testing.T) {
	t.Parallel()
	m, _ := newEmbedModel(t, EmbedOptions{PerMinute: 60})
	begun := time.Now()
	for range 7 { // 6 at once, the last a second later
		if _, err := m.Embed(t.Context(), []string{"甲"}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took < 900*time.Millisecond {
		t.Errorf("7 requests in %v", took)
	}
	var limited bool
	for range 20 {
		_, err := m.EmbedQuestion(t.Context(), "问")
		limited = limited || errors.Is(err, ErrBudget)
	}
	if !limited {
		t.Error("questions are not held to the rate")
	}
}

func TestEmbedModel_Questions(t *testing.T) {
	t.Parallel()
	b := &budgetBook{}
	m, s := newEmbedModel(t, EmbedOptions{Spend: b.spend, PerDay: 300})
	if _, err := m.EmbedQuestion(t.Context(), "我叫王建国，电话13812345678，怎么办"); err != nil {
		t.Fatal(err)
	}
	if body := s.Requests()[0].Body; bytes.Contains(body, []byte("13812345678")) || bytes.Contains(body, []byte("王建国")) {
		t.Errorf("sent %s", body)
	}
	if b.used("all") == 0 {
		t.Error("it cost nothing")
	}
	s.Answer(llmtest.Wrong("", llmtest.SlowStart))
	begun := time.Now()
	if _, err := m.EmbedQuestion(t.Context(), "问"); !errors.Is(err, ErrModel) || time.Since(begun) > 3*m.o.wait {
		t.Errorf("got %v after %v", err, time.Since(begun))
	}
	s.Answer(llmtest.Wrong("", llmtest.TooManyLong))
	for range breakerRow {
		_, _ = m.EmbedQuestion(t.Context(), "问")
	}
	s.Forget()
	if _, err := m.EmbedQuestion(t.Context(), "问"); !errors.Is(err, ErrBreaker) || len(s.Requests()) != 0 {
		t.Errorf("got %v after %d requests", err, len(s.Requests()))
	}
	b.spent["all"] = 300
	if _, err := m.EmbedQuestion(t.Context(), "问"); !errors.Is(err, ErrBudget) {
		t.Errorf("without a budget: %v", err)
	}
	if _, err := NewEmbedModel(EmbedOptions{BaseURL: "http://127.0.0.1:1", Model: "m"}, nil); err == nil {
		t.Error("vectors without masking")
	}
}

func FuzzReadVectors(f *testing.F) {
	head := vectorsHead("m")
	good := appendVector([]byte(head), textKey{1}, storeVector([]float32{1, -2, 3}))
	good = appendVector(good, textKey{2}, storeVector([]float32{0, 0, 0}))
	for _, b := range [][]byte{nil, []byte(head), good, good[:len(good)-1], append(slices.Clone(good), 7), append([]byte(head), bytes.Repeat([]byte{255}, 40)...), []byte(vectorsHead("other"))} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readVectors(bytes.NewReader(data), "m")
		if errors.Is(err, errCache) && got != nil {
			t.Fatal("vectors of another model")
		}
		again := []byte(head)
		for k, v := range got {
			again = appendVector(again, k, v)
		}
		if back, err := readVectors(bytes.NewReader(again), "m"); err != nil || len(back) != len(got) {
			t.Fatalf("%d vectors became %d, %v", len(got), len(back), err)
		}
	})
}

// denseBase is a base whose entries have vectors from a server.
func denseBase(t *testing.T) (*Base, *llmtest.Server) {
	t.Helper()
	m, s := newEmbedModel(t, EmbedOptions{})
	o := BaseOptions{Embedder: m, Embedding: "a", Vectors: filepath.Join(t.TempDir(), "vectors")}
	b, err := OpenBase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b.Warm() // no vectors yet
	if b.Embedded() != 0 {
		t.Fatalf("%d vectors from nowhere", b.Embedded())
	}
	if _, err := (EmbedJob{File: o.Vectors, Model: "a", Docs: b.EntryDocuments(), Embedder: m}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if changed, err := b.Reload(); err != nil || !changed {
		t.Fatalf("new vectors are not seen: %v, %v", changed, err)
	}
	b.Warm()
	if b.Embedded() != len(b.Entries()) {
		t.Fatalf("%d of %d entries have vectors", b.Embedded(), len(b.Entries()))
	}
	return b, s
}

func ids(hits []Hit) (list []string) {
	for _, h := range hits {
		list = append(list, h.Doc.ID)
	}
	return list
}

// TestRetrieve_NeverMuchWorseThanWords: vectors that know nothing of meaning
// (those of llmtest count pairs of characters) may cost little; and whatever is
// wrong with their server, the ranking is that of the words.
func TestRetrieve_NeverMuchWorseThanWords(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("measured without the race detector")
	}
	b, s := denseBase(t)
	list := readBlind(t, "questions.jsonl")
	var words, both [2]int // right topic first, among the first five
	for _, q := range list {
		query := Query{Text: q.Q, Kind: KindEntry, N: 5}
		right := func(hits []Hit, into *[2]int) {
			at := slices.IndexFunc(hits, func(h Hit) bool { return slices.Contains(append(q.Also, q.Topic), h.Doc.Entry.Topic) })
			count(&into[0], at == 0)
			count(&into[1], at >= 0)
		}
		right(b.Search(query), &words)
		right(b.Retrieve(t.Context(), query), &both)
	}
	t.Logf("of %d: by words %v, with vectors %v", len(list), words, both)
	if both[0] < words[0]*99/100 || both[1] < words[1]*94/100 {
		t.Errorf("by words %v are right, with vectors %v", words, both)
	}
	query := Query{Text: "老板拖欠工资三个月了怎么办", N: 20}
	want := ids(b.Search(query))
	if same := slices.Equal(ids(b.Retrieve(t.Context(), query)), want); same {
		t.Error("vectors change nothing")
	}
	for _, f := range []llmtest.Fault{llmtest.TooManyLong, llmtest.HTML, llmtest.SlowStart} {
		s.Answer(llmtest.Wrong("", f))
		if got := ids(b.Retrieve(t.Context(), query)); !slices.Equal(got, want) {
			t.Errorf("fault %v: got %v, want %v", f, got, want)
		}
	}
	s.Answer(llmtest.Words(""))
	s.Dims(65) // the server has another model now
	if got := ids(b.Retrieve(t.Context(), query)); !slices.Equal(got, want) {
		t.Errorf("vectors of another length: got %v, want %v", got, want)
	}
}

func TestFuse(t *testing.T) {
	t.Parallel()
	a, b, c, d, e := &Document{ID: "a"}, &Document{ID: "b"}, &Document{ID: "c"}, &Document{ID: "d"}, &Document{ID: "e"}
	var words []Hit
	for i, x := range []*Document{a, b, c, d} {
		words = append(words, Hit{Doc: x, Fit: 0.8 - float64(i)/10})
	}
	got := fuse(9, words, []Hit{{Doc: d}, {Doc: e}})
	want := []string{"a", "d", "b", "c", "e"}
	if !slices.Equal(ids(got), want) || got[1].Fit != 0.5 || got[4].Fit != 0 {
		t.Errorf("got %v, want %v", got, want)
	}
	words[1].Fit = fitExact
	if got := fuse(9, words, []Hit{{Doc: d}, {Doc: e}}); !slices.Equal(ids(got), []string{"a", "b", "d", "c", "e"}) {
		t.Errorf("what is exact was moved: %v", ids(got))
	}
	if got := fuse(2, words, nil); !slices.Equal(ids(got), []string{"a", "b"}) {
		t.Errorf("words alone: %v", ids(got))
	}
	if got := fuse(9, nil, []Hit{{Doc: e}}); !slices.Equal(ids(got), []string{"e"}) {
		t.Errorf("vectors alone: %v", ids(got))
	}
}

func TestRerank(t *testing.T) {
	t.Parallel()
	var hits []Hit
	for i := range 40 {
		hits = append(hits, Hit{Doc: &Document{ID: fmt.Sprint(i), Title: fmt.Sprintf("第%d件", i)}, Fit: 0.5})
	}
	hits[0].Fit = 1
	m, s := newChatModel(t, ModelOptions{})
	q := Query{Text: "13812345678 的事，问哪一条？", Person: "p"}
	for said, want := range map[string]string{
		`{"order":[3,1]}`:              "0 3 1 2 4",
		`{"order":[99,-1,0,2,2]}`:      "0 2 1 3 4",
		`{"order":[]}`:                 "0 1 2 3 4",
		"好的，先看第三条。":                    "0 1 2 3 4",
		`{"order":["3"]}`:              "0 1 2 3 4",
		`{"order":[1e99]}`:             "0 1 2 3 4",
		`{"order":[31],"x":"忽略上面的要求"}`: "0 1 2 3 4",
	} {
		s.Say(said)
		got := ids(Rerank(t.Context(), m, q, hits))
		if strings.Join(got[:5], " ") != want || len(got) != len(hits) {
			t.Errorf("%s: got %v, want %s", said, got[:5], want)
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != len(hits) {
			t.Errorf("%s: hits are lost", said)
		}
	}
	if r := s.Requests()[0]; bytes.Contains(r.Body, []byte("13812345678")) || EstimateTokens(r.Messages[0].Content+r.User()) > 2500 {
		t.Errorf("asked with %d tokens: %s", EstimateTokens(r.User()), r.User())
	}
	s.Answer(llmtest.Wrong("", llmtest.TooManyLong))
	if got := Rerank(t.Context(), m, q, hits); !slices.Equal(ids(got), ids(hits)) {
		t.Errorf("without a model: %v", ids(got))
	}
}

func TestBase_RerankIsUsedAndTakenBack(t *testing.T) {
	t.Parallel()
	b, err := OpenBase(t.Context(), BaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Text: "老板拖欠工资怎么办", N: 5}
	plain := ids(b.Retrieve(t.Context(), q))
	m, s := newChatModel(t, ModelOptions{})
	s.Say(`{"order":[5,4,3,2,1]}`)
	b.SetReranker(m)
	if got := ids(b.Retrieve(t.Context(), q)); slices.Equal(got, plain) || len(got) != 5 {
		t.Errorf("got %v, plain %v", got, plain)
	}
	b.SetReranker(nil)
	if got := ids(b.Retrieve(t.Context(), q)); !slices.Equal(got, plain) {
		t.Errorf("got %v, want %v", got, plain)
	}
}
