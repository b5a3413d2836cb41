package knowledge

import (
	"strings"
	"testing"
	"testing/fstest"
)

// testLaw gives one version of a made-up law; articles are numbered from 1.
func testLaw(title, published, effective string, articles ...string) *lawText {
	p := &lawParser{chapter: map[string]uint16{}}
	for i, text := range articles {
		p.begin(ArticleNo{N: i + 1})
		for _, line := range strings.Split(text, "\n") {
			p.write(line)
		}
	}
	t := p.finish()
	t.title, t.level, t.rank, t.status = title, "法律", rankSource, statusValid
	t.published, t.effective, t.effectiveBy = day(published), day(effective), ByFile
	t.sums = []docSum{sumOf([]byte(title + published + strings.Join(articles, "")))}
	return t
}

func testLibrary(texts ...*lawText) *Library {
	lib := NewLibrary(nil)
	lib.shelf.Store(newShelf(texts, nil))
	return lib
}

const soundEntry = `---
id: xx01-fence
topic: XX01
title: 围栏坏了几天修好
questions: [篱笆坏了咋办, 围栏倒了谁修, 围栏几天要修好, 邻居不修围栏, 围栏坏了先找谁, 羊跑进来了, 篱笆倒了要赔不, 村里围栏没人管]
keywords: [围栏, 篱笆]
citations:
  - law: 围栏法
    article: "2"
    proof: [七日内修复, 村民委员会]
    paragraph: 1
  - law: 围栏管理办法
    article: "3"
    external: 某部令第9号，2020-01-01公布，2020-03-01施行
rules: [fence_fine]
figures: [800元]
area: 全国
effective_from: "2022-01-01"
effective_to: ""
reviewed_by: 编写组
reviewed_at: "2026-11-22"
review_due: "2027-05-22"
tags: []
see: []
---
要修的人7天内修好。[1] 不修的，可以请村里出面。[1]

## 怎么办
1. 先拍照，再当面说，说不通就找村委会帮忙。[1][2]
2. 比如修一段要800元，先问清谁出钱；罚款最多50元。
3. 写一张条子，写明哪天坏的、哪天说的、对方怎么答的，两边签名，一人留一张。条子要收好，以后有争议时拿得出来，免得说不清楚。

## 找谁帮忙
- 村委会、人民调解委员会，都不收钱。打电话先问清几点有人，带上照片和条子，把事情从头到尾说一遍，请他们约对方一起谈。谈成了写下来，谈不成再想别的办法，不要动手，也不要去拆别人家的东西。
`

func fenceLaw() *lawText {
	return testLaw("中华人民共和国围栏法", "2021-05-01", "2022-01-01",
		"为了规范围栏，制定本法。",
		"围栏损坏的，所有人应当在七日内修复；逾期不修复的，可以请求村民委员会调解。\n有下列情形的，从其约定：\n（一）共有；\n（二）借用。\n前款约定应当采用书面形式。")
}

func verifyText(t *testing.T, text string, lib *Library) []string {
	t.Helper()
	files := fstest.MapFS{"xx/xx01-fence.md": {Data: []byte(text)}}
	entries, faults := LoadEntries(files)
	faults = append(faults, Verify(entries, lib, VerifyOptions{
		Today: day("2026-11-22"), Files: files,
		FiguresOf: func(key string) ([]Figure, bool) {
			return []Figure{{Value: 50, Unit: "元"}}, key == "fence_fine"
		},
	})...)
	var all []string
	for _, f := range faults {
		all = append(all, f.String())
	}
	return all
}

func TestVerifySoundEntry(t *testing.T) {
	t.Parallel()
	if got := verifyText(t, soundEntry, testLibrary(fenceLaw())); len(got) > 0 {
		t.Errorf("a sound entry has faults:\n%s", strings.Join(got, "\n"))
	}
}

func TestVerifyFaults(t *testing.T) {
	t.Parallel()
	newer := testLaw("中华人民共和国围栏法", "2025-05-01", "2026-01-01", "为了规范围栏，制定本法。", "围栏损坏的，所有人应当在十日内修复；可以请求村民委员会调解。")
	repealed := fenceLaw()
	repealed.status = statusRepealed
	for name, c := range map[string]struct {
		old, new string
		lib      *Library
		want     string // part of the one fault
		line     string
	}{
		"law not held":            {"law: 围栏法", "law: 篱笆法", nil, "没有《篱笆法》的原文", ":8:"},
		"no such article":         {`article: "2"`, `article: "9"`, nil, "没有第九条，共 2 条", ":8:"},
		"no article number":       {`article: "2"`, `article: ""`, nil, "没有写条号", ":8:"},
		"article changed":         {"", "", testLibrary(fenceLaw(), newer), "里没有“七日内修复”", ":10:"},
		"law repealed":            {"", "", testLibrary(repealed), "已废止", ":8:"},
		"proof in other 款":        {"paragraph: 1", "paragraph: 2", nil, "第二款", ":10:"},
		"no such 款":               {"paragraph: 1", "paragraph: 5", nil, "没有第 5 款（共 3 款）", ":10:"},
		"proof too short":         {"村民委员会]", "村民]", nil, "太短", ":10:"},
		"proof is the article":    {"七日内修复, 村民委员会", "七日内修复, 围栏损坏的，所有人应当在七日内修复；逾期不修复的，可以请求村民委员会调解", nil, "几乎是整条", ":10:"},
		"figure unproved":         {"7天内修好", "7天内修好，最多15天", nil, "15日 没有依据", ":26:"},
		"figure of another mark":  {"找村委会帮忙。[1][2]", "7天内找村委会帮忙。[2]", nil, "不在这一行所标的依据里", ":29:"},
		"working days are others": {"7天内", "7个工作日内", nil, "7工作日 没有依据", ":26:"},
		"external without date":   {"某部令第9号，2020-01-01公布，2020-03-01施行", "某部规定的办法", nil, "写清来源和日期", ":12:"},
		"holds too early":         {`effective_from: "2022-01-01"`, `effective_from: "2020-01-01"`, nil, "请改成这一天", ":18:"},
		"copied from the law":     {"先拍照，", "围栏损坏的，所有人应当在七日内修复；逾期不修复的，", nil, "和法条原文一样", ":29:"},
		"date of no change":       {"先拍照", "2022年1月2日起，先拍照", nil, "不是所引法律公布、施行或失效的日子", ":29:"},
		"markup":                  {"先拍照", "**先**拍照", nil, "不能用", ":29:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lib := c.lib
			if lib == nil {
				lib = testLibrary(fenceLaw())
			}
			got := verifyText(t, strings.Replace(soundEntry, c.old, c.new, 1), lib)
			found := false
			for _, g := range got {
				found = found || strings.Contains(g, c.want) && strings.Contains(g, c.line)
			}
			if !found {
				t.Errorf("want a fault with %q at %s, got:\n%s", c.want, c.line, strings.Join(got, "\n"))
			}
		})
	}
}

func TestVerifyOldVersionEntry(t *testing.T) {
	t.Parallel()
	newer := testLaw("中华人民共和国围栏法", "2025-05-01", "2026-01-01", "为了规范围栏，制定本法。", "所有人应当在十日内修复。")
	lib := testLibrary(fenceLaw(), newer)
	old := strings.Replace(soundEntry, `effective_to: ""`, `effective_to: "2025-12-31"`, 1)
	if got := verifyText(t, old, lib); len(got) > 0 {
		t.Errorf("an entry for the old text is sound until it ends, got %v", got)
	}
}

func TestVerifyArticleSameInBothVersions(t *testing.T) {
	t.Parallel()
	newer := fenceLaw()
	newer.published, newer.effective = day("2025-05-01"), day("2026-01-01")
	if got := verifyText(t, soundEntry, testLibrary(fenceLaw(), newer)); len(got) > 0 {
		t.Errorf("an article that both versions have proves from the first on, got %v", got)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"收到之日起七日内":    "7日",
		"7天":          "7日",
		"２０％":         "20%",
		"百分之三十":       "30%",
		"三成":          "30%",
		"5万元以下":       "50000元",
		"五万元以上二十万元以下": "50000元 200000元",
		"3到5万元":       "30000元 50000元",
		"十五个工作日":      "15工作日",
		"三至七日":        "3日 7日",
		"6-12个月":      "6个月 12个月",
		"十四周岁":        "14岁",
		"1.5倍":        "1.5倍",
		"万分之五":        "5‱",
		"百分之零点五":      "0.5%",
		"1,000元":      "1000元",
		"第七条第三款":      "",
		"2022年1月1日":   "",
		"二〇二二年一月":     "",
		"5月1日放假":      "",
		"再等三五年":       "",
		"5. 14到16岁":   "14岁 16岁",
		"有一天":         "",
		"打 12348":     "",
		"[3] 见上":      "",
		"一千二百六十元":     "1260元",
		"二十四小时":       "24小时",
		"欠款50%到1倍":    "50% 1倍",
		"月薪5000元，干了三年零六个月": "5000元 3年 6个月",
	} {
		seen := map[string]bool{}
		var got []string
		for _, f := range Figures(text) {
			if !seen[f.String()] {
				got = append(got, f.String())
			}
			seen[f.String()] = true
		}
		have := map[string]bool{}
		for _, w := range strings.Fields(want) {
			have[w] = true
		}
		if len(got) != len(have) {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
		for _, g := range got {
			if !have[g] {
				t.Errorf("%s: got %v, want %s", text, got, want)
			}
		}
	}
}

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	law := testLaw("甲法", "2020-01-01", "2020-01-01", "本法中“三日”“五日”的规定是指工作日，不含法定节假日。")
	other := testLaw("乙法", "2020-01-01", "2020-01-01", "本法中十日以内期限的规定是指工作日。")
	lib := testLibrary(law, other)
	for _, c := range []struct {
		law  string
		days float64
		want bool
	}{{"甲法", 3, true}, {"甲法", 7, false}, {"乙法", 7, true}, {"乙法", 15, false}} {
		text, err := lib.Text(c.law, day("2026-11-22"))
		if err != nil {
			t.Fatal(err)
		}
		if got := workingDays(text)(c.days); got != c.want {
			t.Errorf("%s, %v days: got %v, want %v", c.law, c.days, got, c.want)
		}
	}
}
