package knowledge

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const sampleEntry = `---
id: la12-advance-aid
topic: LA12
title: 快过期限了，法律援助能先办吗
questions:
  - 仲裁时效只剩三天了能先派律师吗
  - 时效快到了材料不齐怎么办
  - 来不及交材料法援管不管
  - 明天就到期了能不能先帮我
  - 法援先帮忙后补手续行吗
  - 快过诉讼时效了咋整
  - 还剩五天能申请不
  - 急急急 期限要过了
keywords: [先行法律援助]
citations:
  - law: 法律援助法
    article: "44"
    proof: [不足七日]
  - law: 法律援助法
    article: "43"
    proof: [七日内]
rules: [la_advance]
area: 全国
effective_from: "2022-01-01"
effective_to: ""
reviewed_by: 明白编写组
reviewed_at: "2026-11-22"
review_due: "2027-05-22"
tags: []
see: []
---
能先办。离期限不到7天的，可以先派律师、手续后补。[1]

## 怎么办
1. 打 12348，说明只剩几天。[1]

## 要多久
- 平时审查要7天。[2]
`

func TestParseEntry(t *testing.T) {
	t.Parallel()
	e, faults := ParseEntry("la12.md", []byte(sampleEntry))
	if len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	if e.ID != "la12-advance-aid" || len(e.Questions) != 8 || len(e.Citations) != 2 || e.Citations[0].Article.N != 44 {
		t.Errorf("got %+v", e)
	}
	if e.Section("要多久") != "- 平时审查要7天。[2]" || !strings.HasPrefix(e.Conclusion, "能先办") {
		t.Errorf("got conclusion %q, section %q", e.Conclusion, e.Section("要多久"))
	}
	if !e.To.IsZero() || e.From.Format(time.DateOnly) != "2022-01-01" {
		t.Errorf("got from %v to %v", e.From, e.To)
	}
}

func TestParseEntryFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new, want string
		line                 int
	}{
		{"no front matter", "---\nid", "id", "第一行应当是 ---", 1},
		{"front matter not closed", "\n---\n能先办", "\n能先办", "没有找到结束", 0},
		{"unknown field", "area: 全国", "arae: 全国", "YAML", 23},
		{"bad date", `"2022-01-01"`, `"2022年1月"`, "不是日期", 24},
		{"bad article", `article: "44"`, `article: "四十四款"`, "条号", 15},
		{"missing topic", "topic: LA12\n", "", "缺少 topic", 0},
		{"mark without citation", "只剩几天。[1]", "只剩几天。[3]", "[3] 没有对应的依据", 0},
		{"citation never used", "要7天。[2]", "要7天。", "没有用到", 0},
		{"unknown heading", "## 怎么办", "## 步骤", "不在固定的几个里", 0},
		{"headings out of order", "## 要多久", "## 怎么办", "顺序不对", 0},
		{"no conclusion", "能先办。离期限不到7天的，可以先派律师、手续后补。[1]\n", "", "第一段应当是结论", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sampleEntry, c.old, c.new, 1)
			if text == sampleEntry {
				t.Fatal("the sample was not changed")
			}
			_, faults := ParseEntry("x.md", []byte(text))
			for _, f := range faults {
				if strings.Contains(f.Msg, c.want) && (c.line == 0 || f.Line == c.line) {
					return
				}
			}
			t.Errorf("got %v, want line %d %q", faults, c.line, c.want)
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	now, _ := ParseDate("2026-11-22")
	options := CheckOptions{
		Domains: []Domain{{ID: "LA", Topics: map[string]string{"LA12": "先行援助"}}},
		Law: func(name string, _ time.Time) (int, bool) {
			return 71, name == "法律援助法"
		},
		Rule: func(key string) bool { return key == "la_advance" },
		Now:  now,
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"a sound entry has no fault", "x", "x", ""},
		{"unknown topic", "topic: LA12", "topic: LA99", "没有专题 LA99"},
		{"unknown law", "law: 法律援助法\n    article: \"44\"", "law: 法律帮助法\n    article: \"44\"", "不认识法律"},
		{"article beyond the law", `article: "44"`, `article: "99"`, "一共 71 条"},
		{"unknown rule", "[la_advance]", "[la_retreat]", "规则表里没有"},
		{"unknown see", "see: []", "see: [nowhere]", "没有这个条目"},
		{"overdue review", "2027-05-22", "2026-11-21", "复核已过期"},
		{"review before it was due", `reviewed_at: "2026-11-22"`, `reviewed_at: "2027-11-22"`, "review_due 早于"},
		{"dates out of order", `effective_to: ""`, `effective_to: "2021-01-01"`, "早于 effective_from"},
		{"too few phrasings", "  - 急急急 期限要过了\n", "", "应有 8 到 20 句"},
		{"promise of an outcome", "手续后补。[1]", "手续后补，包赢。[1]", "不能写“包赢”"},
		{"a warning of promises is no fault", "说明只剩几天。[1]", "说明只剩几天，谁说包赢都不要信，没有人能包赢。[1]", ""},
		{"long title", "title: 快过期限了", "title: 快过期限了快过期限了快过期限了快过期限了", "标题"},
		{"no proof", "    proof: [不足七日]\n", "", "没有 proof"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sampleEntry, c.old, c.new, 1)
			entries, faults := LoadEntries(fstest.MapFS{"LA/la12-advance-aid.md": {Data: []byte(text)}})
			faults = append(faults, Check(entries, options)...)
			if c.want == "" && len(faults) == 0 {
				return
			}
			for _, f := range faults {
				if c.want != "" && strings.Contains(f.Msg, c.want) {
					return
				}
			}
			t.Errorf("got %v, want %q", faults, c.want)
		})
	}
	t.Run("a fault names its line", func(t *testing.T) {
		entries, _ := LoadEntries(fstest.MapFS{"a.md": {Data: []byte(strings.Replace(sampleEntry, "topic: LA12", "topic: LA99", 1))}})
		faults := Check(entries, options)
		if len(faults) != 1 || faults[0].Line != 3 {
			t.Errorf("got %v, want line 3", faults)
		}
	})
	t.Run("a phrasing in two entries", func(t *testing.T) {
		other := strings.Replace(strings.Replace(sampleEntry, "la12-advance-aid", "la12-other", 1), "还剩五天能申请不", "還剩五天能申請不", 1)
		entries, _ := LoadEntries(fstest.MapFS{"a.md": {Data: []byte(sampleEntry)}, "b.md": {Data: []byte(other)}})
		n := 0
		for _, f := range Check(entries, options) {
			if strings.Contains(f.Msg, "重复") {
				n++
			}
		}
		if n != 8 {
			t.Errorf("%d duplicates, want 8 (also one in Traditional script)", n)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(sampleEntry))
	f.Add([]byte("---\n---\n"))
	f.Add([]byte("---\nid: [\n---\n## 怎么办\n[99]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, faults := ParseEntry("x.md", text)
		if e == nil && len(faults) == 0 {
			t.Error("neither an entry nor a fault")
		}
		if e != nil && (e.ID == "" || e.Title == "" || e.Conclusion == "") {
			t.Errorf("an entry without id, title or conclusion: %+v", e)
		}
		lines := strings.Count(string(text), "\n") + 1
		for _, x := range faults {
			if x.Line < 0 || x.Line > lines+1 {
				t.Errorf("fault on line %d of %d", x.Line, lines)
			}
		}
	})
}

func TestArticleNo(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]ArticleNo{
		"": {}, "42": {42, 0}, "四十二": {42, 0}, "第四十二条": {42, 0}, "４２": {42, 0},
		"276之一": {276, 1}, "第二百七十六条之一": {276, 1}, "276-1": {276, 1}, "第一千二百六十条": {1260, 0},
		"第一百零五条": {105, 0}, "十": {10, 0}, "第二十条": {20, 0}, "287之二": {287, 2}, "第一百二十条之六": {120, 6},
	} {
		got, err := ParseArticleNo(in)
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"四十二款", "0", "99999", "第条", "之一", "42之", "abc", "-3"} {
		if got, err := ParseArticleNo(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
	for n := 1; n <= maxArticle; n++ {
		a := ArticleNo{N: n}
		if got, err := ParseArticleNo(a.Han()); err != nil || got != a {
			t.Fatalf("%s: got %v, %v", a.Han(), got, err)
		}
	}
}

func FuzzParseArticleNo(f *testing.F) {
	for _, s := range []string{"42", "第四十二条之一", "276-1", "４２", "一千零一", "第"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArticleNo(s)
		if err != nil {
			return
		}
		for _, form := range []string{a.String(), a.Han()} {
			if again, err := ParseArticleNo(form); err != nil || again != a {
				t.Errorf("%q → %v → %q → %v, %v", s, a, form, again, err)
			}
		}
	})
}
