package knowledge

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	before := testLaw("围栏法", "2010-01-01", "2010-06-01",
		"为了规范围栏，制定本法。",
		"围栏损坏的，所有人应当在七日内修复，并告知邻居。",
		"禁止在围栏上晾晒衣物和悬挂广告。",
		"本法自2010年6月1日起施行。")
	after := testLaw("围栏法", "2024-01-01", "2024-06-01",
		"为了规范围栏，制定本法。",
		"围栏应当使用牢固、安全、环保的材料建造，不得使用电网。",
		"围栏损坏的，所有人应当在十日内修复，并告知邻居。",
		"本法自2010年6月1日起施行。")
	lib := testLibrary(before, after)
	d, err := lib.Diff("围栏法", day("2020-01-01"), day("2026-01-01"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.Changes {
		got = append(got, c.heading())
	}
	want := "第二条（新增） 原第二条 → 第三条（修改） 第三条（删去）"
	if strings.Join(got, " ") != want || d.Same != 2 {
		t.Errorf("got %v and %d the same, want %s and 2", got, d.Same, want)
	}
	var b bytes.Buffer
	if err := d.Write(&b); err != nil || !strings.Contains(b.String(), "应当在【-七-】【+十+】日内修复") {
		t.Errorf("written:\n%s", b.String())
	}
	if _, err := lib.Diff("围栏法", day("2025-01-01"), day("2026-01-01")); err == nil {
		t.Error("one version compared with itself")
	}
	if _, err := lib.Diff("没有的法", day("2025-01-01"), day("2026-01-01")); err == nil {
		t.Error("a law that is not held was compared")
	}
}

func TestDiffTextKeepsBothWordings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("所有人应当修好围栏。", 600)
	for _, c := range [][2]string{
		{"", "新的。"}, {"旧的。", ""}, {"一样。", "一样。"}, {"甲乙丙丁", "甲丙丁戊"},
		{long + "旧尾。", "新头。" + long}, {"第一款。\n第二款。", "第一款。\n第三款。"},
	} {
		var old, fresh strings.Builder
		for _, p := range diffText(c[0], c[1]) {
			if p.Op != '+' {
				old.WriteString(p.Text)
			}
			if p.Op != '-' {
				fresh.WriteString(p.Text)
			}
		}
		if old.String() != c[0] || fresh.String() != c[1] {
			t.Errorf("parts of %.20q and %.20q do not give them back", c[0], c[1])
		}
	}
}

func fenceEntry(id, text string, edit func(*Entry)) *Entry {
	e := &Entry{ID: id, Topic: "XX01", File: id + ".md", Conclusion: text, Questions: []string{id + "怎么问"}, From: day("2020-01-01"),
		ReviewedAt: day("2026-11-22"), ReviewDue: day("2027-05-22"), Citations: []Citation{{Law: "围栏法", Article: ArticleNo{N: 2}, Proof: []string{"七日内修复"}}}}
	if edit != nil {
		edit(e)
	}
	return e
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	a := fenceEntry("a", "围栏坏了要在7天内修好。[1]", nil)
	for name, c := range map[string]struct {
		b    *Entry
		want int
	}{
		"another figure":        {fenceEntry("b", "围栏坏了要在15天内修好。[1]", nil), 1},
		"the same":              {fenceEntry("b", "围栏坏了，要在七日内修好。[1]", nil), 0},
		"another matter":        {fenceEntry("b", "村里调解最多谈15天，谈不成就结束。[1]", nil), 0},
		"another article":       {fenceEntry("b", "围栏坏了要在15天内修好。[1]", func(e *Entry) { e.Citations[0].Article.N = 3 }), 0},
		"another time":          {fenceEntry("b", "围栏坏了要在15天内修好。[1]", func(e *Entry) { e.From, e.To = day("2010-01-01"), day("2019-12-31") }), 0},
		"law by its full title": {fenceEntry("b", "围栏坏了要在15天内修好。[1]", func(e *Entry) { e.Citations[0].Law = "《中华人民共和国围栏法》" }), 1},
	} {
		if got := Contradictions([]*Entry{a, c.b}, nil); len(got) != c.want {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}

func TestStaleCitations(t *testing.T) {
	t.Parallel()
	entries := []*Entry{
		fenceEntry("now", "修。[1]", nil),
		fenceEntry("ended", "修。[1]", func(e *Entry) { e.To = day("2025-12-31") }),
		fenceEntry("other", "修。[1]", func(e *Entry) { e.Citations[0].Article = ArticleNo{N: 1} }),
	}
	today := day("2026-11-22")
	var b bytes.Buffer
	if err := WriteCitationSums(&b, entries, testLibrary(fenceLaw()), today); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "修复") {
		t.Error("sums hold law text")
	}
	sums, err := ReadCitationSums(&b)
	if err != nil || len(sums) != 3 {
		t.Fatalf("read %v, %v", sums, err)
	}
	if got := StaleCitations(entries, testLibrary(fenceLaw()), sums, today); len(got) != 0 {
		t.Errorf("nothing changed, got %v", got)
	}
	changed := func(effective string) *lawText {
		return testLaw("中华人民共和国围栏法", "2026-02-01", effective, "为了规范围栏，制定本法。", "围栏损坏的，所有人应当在十日内修复。")
	}
	for effective, want := range map[string]string{"2026-03-01": "不一样了", "2027-01-01": "2027-01-01 起施行的新文本里变了"} {
		got := StaleCitations(entries, testLibrary(fenceLaw(), changed(effective)), sums, today)
		if len(got) != 1 || got[0].Entry.ID != "now" || !strings.Contains(got[0].Why, want) {
			t.Errorf("new text from %s: %+v, want one with %q", effective, got, want)
		}
	}
	repealed := fenceLaw()
	repealed.status = statusRepealed
	if got := StaleCitations(entries[:1], testLibrary(repealed), sums, today); len(got) != 1 || !strings.Contains(got[0].Why, "已废止") {
		t.Errorf("law repealed: %+v", got)
	}
	if _, err := ReadCitationSums(strings.NewReader("a\tb\n")); err == nil {
		t.Error("a short line was read")
	}
}

func TestImpactOf(t *testing.T) {
	t.Parallel()
	reg := corpusRegistry(t)
	e := fenceEntry("a", "修。[1]", func(e *Entry) { e.Citations[0] = Citation{Law: "民法典", Article: ArticleNo{N: 188}} })
	rules := Rules{"limit": {Key: "limit", Basis: []ruleCitation{{Law: "民法典", Article: "188"}}}}
	for _, c := range []struct {
		law            string
		no             int
		entries, rules int
	}{{"《中华人民共和国民法典》", 188, 1, 1}, {"民法典", 189, 0, 0}, {"民法典", 0, 1, 1}, {"劳动法", 0, 0, 0}} {
		got := ImpactOf([]*Entry{e}, rules, reg, c.law, ArticleNo{N: c.no})
		if len(got.Entries) != c.entries || len(got.Rules) != c.rules {
			t.Errorf("%s %d: %+v", c.law, c.no, got)
		}
	}
	var b bytes.Buffer
	if err := ImpactOf([]*Entry{e}, rules, reg, "民法典", ArticleNo{N: 188}).Write(&b); err != nil || !strings.Contains(b.String(), "a怎么问") {
		t.Errorf("written:\n%s", b.String())
	}
}

func TestWriteCoverage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	domains := []Domain{{ID: "XX", Name: "围栏", Topics: map[string]string{"XX01": "修围栏", "XX02": "拆围栏"}}}
	if err := WriteCoverage(&b, domains, []*Entry{fenceEntry("a", "修。", nil), fenceEntry("b", "修。", nil)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"共 2 个专题，已覆盖 1 个；2 个条目，2 句问法", "| XX01 | 修围栏 | 2 | 2 | 2026-11-22 | 2027-05-22 |", "| XX02 | 拆围栏 | **缺** |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// generatedSet makes a .tar.gz of n laws with 50 articles each.
func generatedSet(b *testing.B, n int) []byte {
	files := make([]file, n)
	for i := range files {
		var body strings.Builder
		for a := 1; a <= 50; a++ {
			fmt.Fprintf(&body, "- **%s**　　第%d部规定的第%d项内容，应当自收到之日起%d日内办理，逾期不办的可以投诉。\n\n", ArticleNo{N: a}.Han(), i, a, a)
		}
		files[i] = file{name: fmt.Sprintf("content/%d.md", i), text: flkFile(fmt.Sprintf("第%d号条例", i), "2020-01-01", "2020-02-01", "有效", body.String())}
	}
	return tarGz(b, files...)
}

func BenchmarkImport(b *testing.B) {
	at := writeFile(b, "laws.tar.gz", generatedSet(b, 200))
	b.Run("articles=10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			importAll(b, NewLibrary(nil), at)
		}
	})
}

func BenchmarkOpenLibrary(b *testing.B) {
	dir := b.TempDir()
	lib, err := OpenLibrary(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	importAll(b, lib, writeFile(b, "laws.tar.gz", generatedSet(b, 200)))
	b.Run("articles=10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := OpenLibrary(dir, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkArticle(b *testing.B) {
	lib := NewLibrary(nil)
	importAll(b, lib, writeFile(b, "laws.tar.gz", generatedSet(b, 200)))
	on := day("2026-11-22")
	b.Run("articles=10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := lib.Article("第77号条例", ArticleNo{N: 33}, on); err != nil {
				b.Fatal(err)
			}
		}
	})
}
