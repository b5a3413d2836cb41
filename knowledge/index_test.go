package knowledge

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func article(law string, no int, chapter, text, from, until string) *Document {
	a := &Article{Law: "中华人民共和国" + law, Short: law, No: ArticleNo{N: no}, Chapter: chapter, Text: text, Effective: day(from)}
	if until != "" {
		a.Until = day(until)
	}
	return &Document{ID: law + "@" + from + "#" + a.No.String(), Kind: KindArticle, Title: "《" + law + "》" + a.No.Han(), Area: "全国",
		Effective: a.Effective, Repealed: a.Until, Article: a}
}

func entry(id, topic, title string, questions, keywords []string, text string) *Document {
	e := &Entry{ID: id, Topic: topic, Title: title, Questions: questions, Keywords: keywords, Conclusion: text}
	return &Document{ID: id, Kind: KindEntry, Title: title, Area: "全国", Entry: e}
}

func smallBase() []*Document {
	divorce := entry("fm01-divorce", "FM01", "协议离婚怎么办", []string{"两个人都愿意离婚去哪办", "离婚冷静期多久"}, []string{"离婚登记"}, "双方一起去民政局申请。")
	divorce.Entry.Citations = []Citation{{Law: "民法典", Article: ArticleNo{N: 1077}}}
	arbitration := entry("lb05-arbitration", "LB05", "劳动仲裁怎么申请", []string{"劳动仲裁要不要钱", "去哪里告老板欠工资"}, []string{"仲裁申请书"}, "不收费，向仲裁委员会申请。")
	notary := entry("nt02-where", "NT02", "公证去哪家办", []string{"公证处在哪里", "外地能办公证吗"}, []string{"公证机构"}, "住所地的公证处。")
	local := entry("la03-zhejiang", "LA03", "浙江的经济困难标准", []string{"浙江法律援助收入标准多少"}, nil, "看省里的规定。")
	local.Area = "浙江省"
	return []*Document{divorce, arbitration, notary, local,
		article("民法典", 1077, "婚姻家庭编 / 离婚", "自婚姻登记机关收到离婚登记申请之日起三十日内，任何一方不愿意离婚的，可以撤回。", "2021-01-01", ""),
		article("民法典", 1079, "婚姻家庭编 / 离婚", "夫妻一方要求离婚的，可以直接向人民法院提起离婚诉讼。", "2021-01-01", ""),
		article("劳动争议调解仲裁法", 27, "仲裁", "劳动争议申请仲裁的时效期间为一年。", "2008-05-01", ""),
		article("治安管理处罚法", 43, "处罚", "殴打他人的，处五日以上十日以下拘留。", "2013-01-01", "2026-01-01"),
		article("治安管理处罚法", 51, "处罚", "殴打他人的，处五日以上十日以下拘留，并处罚款。", "2026-01-01", ""),
	}
}

func first(t *testing.T, x *Index, q Query) Hit {
	t.Helper()
	hits := x.Search(q)
	if len(hits) == 0 {
		t.Fatalf("nothing found for %+v", q)
	}
	return hits[0]
}

func TestSearchFindsByManyWritings(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), DefaultLexicon())
	for _, c := range []struct{ name, text, kind, want string }{
		{"plain", "离婚冷静期多久", KindEntry, "fm01-divorce"},
		{"traditional", "離婚冷靜期多久", KindEntry, "fm01-divorce"},
		{"typo", "离昏去哪办", KindEntry, "fm01-divorce"},
		{"homophone", "劳东种裁要钱不", KindEntry, "lb05-arbitration"},
		{"homophone of a place", "功证处在哪", KindEntry, "nt02-where"},
		{"article in Han digits", "民法典第一千零七十九条", KindArticle, "民法典@2021-01-01#1079"},
		{"article in Arabic digits", "民法典1079条说什么", KindArticle, "民法典@2021-01-01#1079"},
		{"article in wide digits", "《中华人民共和国民法典》第１０７９条", KindArticle, "民法典@2021-01-01#1079"},
		{"the phrasings of an entry speak for its article", "冷静期多久", KindArticle, "民法典@2021-01-01#1077"},
	} {
		if h := first(t, x, Query{Text: c.text, Kind: c.kind}); h.Doc.ID != c.want {
			t.Errorf("%s: %q finds %s, want %s", c.name, c.text, h.Doc.ID, c.want)
		}
	}
}

func TestSearchOnADay(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), nil)
	for on, want := range map[string]string{
		"2025-12-31": "治安管理处罚法@2013-01-01#43",
		"2026-01-01": "治安管理处罚法@2026-01-01#51",
		"":           "治安管理处罚法@2026-01-01#51",
	} {
		q := Query{Text: "殴打他人拘留几天", Kind: KindArticle}
		if on != "" {
			q.On = day(on)
		}
		for i, h := range x.Search(q) {
			if i == 0 && h.Doc.ID != want {
				t.Errorf("on %q the first hit is %s, want %s", on, h.Doc.ID, want)
			}
			if on != "" && !h.Doc.InForce(q.On) {
				t.Errorf("on %s found %s, which was not in force", on, h.Doc.ID)
			}
		}
	}
}

func TestSearchInAnArea(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), nil)
	for area, want := range map[string]bool{"": false, "浙江省": true, "浙江省杭州市": true, "江西省": false} {
		found := false
		for _, h := range x.Search(Query{Text: "浙江法律援助收入标准多少", Kind: KindEntry, Area: area}) {
			found = found || h.Doc.ID == "la03-zhejiang"
		}
		if found != want {
			t.Errorf("from %q the provincial entry is found: %v, want %v", area, found, want)
		}
	}
}

func TestSearchUsesContextOfEllipticalQuestions(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), DefaultLexicon())
	if h := first(t, x, Query{Text: "那要多久？", Context: []string{"两个人都愿意离婚"}, Kind: KindEntry}); h.Doc.ID != "fm01-divorce" {
		t.Errorf("after a turn about divorce 那要多久 finds %s", h.Doc.ID)
	}
	h := first(t, x, Query{Text: "劳动仲裁要不要钱，我在工地干活被欠了三个月工资", Context: []string{"离婚冷静期多久"}, Kind: KindEntry})
	if h.Doc.ID != "lb05-arbitration" {
		t.Errorf("a full question is pulled back to the turn before: %s", h.Doc.ID)
	}
}

func TestSearchNothing(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), DefaultLexicon())
	for _, text := range []string{"", "？？！", "   ", "\xff"} {
		if hits := x.Search(Query{Text: text}); len(hits) != 0 {
			t.Errorf("%q finds %d documents", text, len(hits))
		}
	}
	if hits := BuildIndex(nil, nil).Search(Query{Text: "离婚"}); len(hits) != 0 {
		t.Errorf("an empty base finds %d documents", len(hits))
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), DefaultLexicon())
	for _, kind := range []string{KindEntry, KindArticle} {
		hits := x.Explain(Query{Text: "离婚冷静期多久", Kind: kind})
		if len(hits) == 0 || len(hits[0].Why) == 0 || !strings.Contains(hits[0].Why[0].Note, "离婚") {
			t.Errorf("%s: no explanation with the words that matched: %+v", kind, hits)
		}
	}
}

func TestSearchIsDeterministicAndConcurrent(t *testing.T) {
	t.Parallel()
	docs := smallBase()
	x, y := BuildIndex(docs, DefaultLexicon()), BuildIndex(reversed(docs), DefaultLexicon())
	want := x.Search(Query{Text: "离婚要多久"})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				for _, z := range []*Index{x, y} {
					got := z.Search(Query{Text: "离婚要多久"})
					if len(got) != len(want) {
						t.Errorf("found %d, want %d", len(got), len(want))
						return
					}
					for i := range got {
						if got[i].Doc.ID != want[i].Doc.ID || got[i].Score != want[i].Score {
							t.Errorf("hit %d is %s %v, want %s %v", i, got[i].Doc.ID, got[i].Score, want[i].Doc.ID, want[i].Score)
						}
					}
				}
			}
		})
	}
	wait.Wait()
}

func reversed(docs []*Document) []*Document {
	out := make([]*Document, len(docs))
	for i, d := range docs {
		out[len(docs)-1-i] = d
	}
	return out
}

func TestSearchGivesNHits(t *testing.T) {
	t.Parallel()
	x := BuildIndex(smallBase(), nil)
	if hits := x.Search(Query{Text: "离婚登记", N: 1}); len(hits) != 1 {
		t.Errorf("found %d, want 1", len(hits))
	}
	hits := x.Search(Query{Text: "离婚登记"})
	for i, h := range hits {
		if h.Fit < 0 || h.Fit > 1 {
			t.Errorf("fit %v is not between 0 and 1", h.Fit)
		}
		if i > 0 && h.Fit > hits[i-1].Fit {
			t.Errorf("hit %d fits better than the one before", i)
		}
	}
}
