package knowledge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// toyLaws writes a file of articles on four matters, eight articles each.
func toyLaws(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	for i := range 32 {
		matter := []string{"用人单位拖欠劳动报酬的应当支付", "夫妻感情破裂调解无效的准予离婚", "出租人应当返还承租人的押金", "机动车发生交通事故造成损害的赔偿"}[i%4]
		fmt.Fprintf(&b, `{"id":"试验法#%d","law":"试验法","short":"试验法","no":"%d","chapter":"第%d章","text":"%s，第%d种情形除外。"}`+"\n", i+1, i+1, i%4, matter, i)
	}
	name := filepath.Join(t.TempDir(), "laws.jsonl")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func toyLay() []LayPhrase {
	var out []LayPhrase
	for i, said := range []string{"老板跑了工钱没给", "过不下去想散伙", "房东扣着钱不退", "被车撞了谁管"} {
		for _, no := range []int{i + 1, i + 5, i + 9, i + 13} {
			out = append(out, LayPhrase{"试验法", ArticleNo{N: no}, said})
		}
	}
	return out
}

func TestTrainLearnsWhichWordsGoTogether(t *testing.T) {
	t.Parallel()
	laws := toyLaws(t)
	m, err := Train(TrainOptions{Laws: laws, Index: IndexOptions{Lay: toyLay()}, Epochs: 20})
	if err != nil {
		t.Fatal(err)
	}
	docs, err := ReadArticles(laws)
	if err != nil {
		t.Fatal(err)
	}
	x := BuildIndexWith(docs, nil, IndexOptions{Model: m})
	// No article says 工钱; without the model they are not told apart.
	for text, want := range map[string]int{"工钱没给怎么办 用人": 1, "房东不退 出租": 3} {
		h := first(t, x, Query{Text: text, Kind: KindArticle})
		if h.Doc.Article.No.N%4 != want%4 {
			t.Errorf("%s finds article %s, of another matter", text, h.Doc.Article.No)
		}
	}
	again, err := Train(TrainOptions{Laws: laws, Index: IndexOptions{Lay: toyLay()}, Epochs: 20})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.encoder.question, again.encoder.question) {
		t.Error("the same input gives another model")
	}
}

func TestTrainOnNothing(t *testing.T) {
	t.Parallel()
	if _, err := Train(TrainOptions{Laws: toyLaws(t)}); err == nil {
		t.Error("no error though there is nothing to learn from")
	}
	if _, err := Train(TrainOptions{Laws: "no such file"}); err == nil {
		t.Error("no error without articles")
	}
}

func TestModelReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	m, err := Train(TrainOptions{Laws: toyLaws(t), Index: IndexOptions{Lay: toyLay()}, Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	r, err := ReadModel(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.encoder.keys, m.encoder.keys) {
		t.Error("other terms come back")
	}
	for i, v := range m.encoder.question {
		if d := v - r.encoder.question[i]; d > 0.3 || d < -0.3 {
			t.Fatalf("number %d was %v, is %v", i, v, r.encoder.question[i])
		}
	}
	for at := 0; at < b.Len(); at += 101 {
		damaged := bytes.Clone(b.Bytes())
		damaged[at] ^= 0x11
		if _, err := ReadModel(damaged); err == nil {
			t.Fatalf("a changed byte at %d is not noticed", at)
		}
		if _, err := ReadModel(b.Bytes()[:at]); err == nil {
			t.Fatalf("an end at %d is not noticed", at)
		}
	}
}

func TestDefaultModel(t *testing.T) {
	t.Parallel()
	if _, err := ReadModel(modelData); err != nil {
		t.Errorf("the built-in model: %v", err)
	}
}

func TestEvalRetrieval(t *testing.T) {
	t.Parallel()
	laws := toyLaws(t)
	queries := filepath.Join(t.TempDir(), "queries.jsonl")
	if err := os.WriteFile(queries, []byte(`{"qid":7,"query":"第0种情形除外 拖欠劳动报酬","gold":["试验法#1"]}`+"\n"+`{"qid":"b","query":"出租人返还押金","gold":["试验法#3","试验法#7"]}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := EvalRetrieval(RetrievalOptions{Laws: laws, Queries: queries})
	if err != nil {
		t.Fatal(err)
	}
	if f.Queries != 2 || f.Articles != 32 || f.Recall[10] != 1 || f.MRR10 != 1 || f.NDCG10 < 0.9 {
		t.Errorf("figures %+v", f)
	}
	var run bytes.Buffer
	if f, err = EvalRetrieval(RetrievalOptions{Laws: laws, Queries: queries, Run: &run}); err != nil || f.Recall != nil {
		t.Errorf("a run gives %+v, error %v", f, err)
	}
	lines := bytes.Split(bytes.TrimSpace(run.Bytes()), []byte("\n"))
	if len(lines) != 2 || !bytes.Contains(lines[0], []byte(`"qid":7`)) || !bytes.Contains(lines[1], []byte(`"qid":"b"`)) {
		t.Errorf("run is %s", run.Bytes())
	}
	if _, err := EvalRetrieval(RetrievalOptions{Laws: laws, Queries: "none"}); err == nil {
		t.Error("no error without questions")
	}
}

// TestArticleRetrieval holds the figures of article retrieval over three laws,
// with and without what phrasings taught, to testdata/article_stats.txt; -update
// rewrites it. A figure may fall by slack, since phrasings come and go.
func TestArticleRetrieval(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("measured without the race detector")
	}
	const golden, slack = "testdata/article_stats.txt", 0.04
	var got bytes.Buffer
	for name, o := range map[string]RetrievalOptions{
		"words only":  {},
		"as shipped":  {Lexicon: DefaultLexicon(), Index: DefaultIndexOptions(), Entries: corpusEntries(t)},
		"traditional": {Lexicon: DefaultLexicon(), Index: DefaultIndexOptions(), Entries: corpusEntries(t), Rewrite: traditional()},
	} {
		o.Laws, o.Queries = "testdata/articles.jsonl", "testdata/article_questions.jsonl"
		f, err := EvalRetrieval(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s recall@5: %.4f\n%s mrr@10: %.4f\n", name, f.Recall[5], name, f.MRR10)
	}
	lines := bytes.SplitAfter(got.Bytes(), []byte("\n"))
	slices.SortFunc(lines, bytes.Compare)
	text := string(bytes.Join(lines, nil))
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	now := figures(text)
	for name, v := range figures(string(want)) {
		if now[name] < v-slack {
			t.Errorf("%s fell from %.4f to %.4f", name, v, now[name])
		}
	}
	if now["traditional recall@5"] != now["as shipped recall@5"] {
		t.Errorf("questions in traditional characters find %.4f, in simplified ones %.4f", now["traditional recall@5"], now["as shipped recall@5"])
	}
}
