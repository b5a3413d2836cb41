package bot

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// cited is what a citation looks like, written a second time.
var cited = regexp.MustCompile(`〔[0-9]{1,3}〕|《[^《》\n]{1,60}》第[一二三四五六七八九十百千零]{1,9}条`)

// bare is a text without its white space.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func checkSplit(t *testing.T, text string, most int) {
	t.Helper()
	parts := splitText(text, most)
	if got, want := bare(strings.Join(parts, "")), bare(text); got != want {
		t.Fatalf("runes were lost:\n%q\n%q", got, want)
	}
	for _, p := range parts {
		if n := utf8.RuneCountInString(p); n > most || n == 0 {
			t.Fatalf("a part of %d runes, at most %d", n, most)
		}
	}
	whole := cited.FindAllString(text, -1)
	var cut []string
	for _, p := range parts {
		cut = append(cut, cited.FindAllString(p, -1)...)
	}
	if strings.Join(whole, "|") != strings.Join(cut, "|") {
		t.Fatalf("a citation was cut:\n%q\n%q", whole, cut)
	}
}

const longAnswer = `被欠工资有三条路，可以同时准备。〔1〕〔2〕〔3〕

怎么办
1. 先把证据备份：转账记录、工资条、考勤。
2. 先投诉（12333）。监察能责令单位限期发钱。〔2〕
3. 责令了还不给，可以要求单位另外加付。〔4〕

要带什么
- 身份证、单位全称和地址
- 欠了哪几个月、每月多少的清单

依据
〔1〕《劳动合同法》第三十条（2013-07-01起施行，现行有效）
〔2〕《劳动争议调解仲裁法》第九条（2008-05-01起施行，现行有效）
〔3〕《最高人民法院关于审理劳动争议案件适用法律问题的解释（一）》第十五条（2021-01-01起施行，现行有效）
〔4〕《劳动合同法》第八十五条（2013-07-01起施行，现行有效）

依据截至 2026-11-28。`

func TestSplit_BordersAndCitations(t *testing.T) {
	t.Parallel()
	for most := 90; most < 400; most += 7 {
		checkSplit(t, longAnswer, most)
	}
	checkSplit(t, strings.Repeat(longAnswer+"\n\n", 5), maxQQText)
	if got := splitText("短的", maxQQText); len(got) != 1 || got[0] != "短的" {
		t.Errorf("got %q", got)
	}
	if got := splitText(" \n ", 10); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestSplit_PrefersTheBetterBorder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, first string }{
		{"between paragraphs", "一二三四五六七。\n\n八九十。一二三四五六七八九十", "一二三四五六七。"},
		{"between rows", "1. 一二三四五\n2. 六七八九十。一二\n3. 三四五六", "1. 一二三四五"},
		{"after a sentence", "一二三四五六七八。九十，一二三四五六七八九十", "一二三四五六七八。"},
		{"after the mark of a sentence", "一二三四五六七八。〔1〕九十一二三四五六七八九十", "一二三四五六七八。〔1〕"},
		{"after a comma", "一二三四五六七八，九十一二三四五六七八九十一二三", "一二三四五六七八，"},
		{"no heading is left alone", "一二三四五六七八\n\n怎么办\n1. 一二三四五六七", "一二三四五六七八"},
	} {
		if got := splitText(c.text, 15)[0]; got != c.first {
			t.Errorf("%s: got %q, want %q", c.name, got, c.first)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(longAnswer, uint16(100))
	f.Add(strings.Repeat("一二三四五六七八九十", 40), uint16(90))
	f.Add("依据\n〔1〕《民法典》第一千零四十二条（2021-01-01起施行）\n〔2〕《刑法》第二百七十六条之一", uint16(80))
	f.Add(strings.Repeat("〔1〕", 3)+strings.Repeat("《劳动法》第五十条", 30), uint16(120))
	f.Add("a\u0301\u0301b\n\n\n  c", uint16(80))
	f.Fuzz(func(t *testing.T, text string, n uint16) {
		text = clean(text)
		// A run of marks or a citation longer than a part has to be cut.
		most := 400 + int(n)%1500
		if strings.Count(text, "〔") > 40 || unbroken(text, most) {
			t.Skip()
		}
		checkSplit(t, text, most)
	})
}

// unbroken says that a part could not hold what must not be cut.
func unbroken(text string, most int) bool {
	run := 0
	for _, r := range borders([]rune(strings.TrimSpace(text))) {
		if run++; r >= 0 {
			run = 0
		}
		if run > most/2 {
			return true
		}
	}
	return false
}

func TestRender_Forms(t *testing.T) {
	t.Parallel()
	p := &qqPart{chat: "qq/user/U", Text: "先说结论。〔1〕\n\n怎么办\n1. 去 www.court.gov.cn 看\n**记住** <@!1>", Choices: []string{"劳动监察和仲裁选哪个好", "转人工"}}
	m := p.bodyOf(nil)
	want := "先说结论。〔1〕\n\n## 怎么办\n1. 去 www.court.gov.cn 看\n\n**记住** ＜@!1＞\n\n1. 劳动监察和仲裁选哪个好\n2. 转人工\n\n（回复数字即可选择）"
	if m.Markdown == nil || m.Markdown.Content != want || m.Content != "" || m.MsgType != 2 {
		t.Errorf("got %+v", m.Markdown)
	}
	if k := m.Keyboard.Content.Rows; len(k) != 2 || k[0].Buttons[0].Action.Data != "劳动监察和仲裁选哪个好" ||
		k[0].Buttons[0].Render.Label != "1.劳动监察和仲裁…" || k[1].Buttons[0].Render.Label != "转人工" {
		t.Errorf("got %+v", k)
	}
	p.form = qqPlain
	if m := p.bodyOf(nil); m.Markdown != nil || m.Keyboard != nil || m.MsgType != 0 ||
		m.Content != "先说结论。〔1〕\n\n【怎么办】\n1. 去 www.court.gov.cn 看\n记住 ＜@!1＞\n\n1. 劳动监察和仲裁选哪个好\n2. 转人工\n（回复数字即可选择）" {
		t.Errorf("got %+v", m)
	}
}

func TestRender_KeyboardsHoldTheLimits(t *testing.T) {
	t.Parallel()
	for n := range 30 {
		var choices []string
		for i := range n {
			choices = append(choices, fmt.Sprintf("第%d个很长很长的选项文字", i))
		}
		k := qqKeys(choices)
		if n == 0 || n > 25 {
			if k != nil {
				t.Errorf("%d choices have a keyboard", n)
			}
			continue
		}
		buttons := 0
		for _, row := range k.Content.Rows {
			buttons += len(row.Buttons)
			for _, b := range row.Buttons {
				if utf8.RuneCountInString(b.Render.Label) > qqKeyLabel {
					t.Errorf("label %q", b.Render.Label)
				}
			}
			if len(row.Buttons) > qqKeyRow {
				t.Errorf("%d buttons in a row", len(row.Buttons))
			}
		}
		if buttons != n || len(k.Content.Rows) > qqKeyRows {
			t.Errorf("%d choices: %d buttons in %d rows", n, buttons, len(k.Content.Rows))
		}
	}
}

func TestRender_NothingLooksLikeALink(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"见 https://www.court.gov.cn/a?b=1。", "见 www．court．gov．cn/a?b=1。"},
		{"README.md 和 a.b.c", "README．md 和 a．b．c"},
		{"见 https://law.example.cn/x", "见 https://law.example.cn/x"},
		{"见 http://EXAMPLE.CN", "见 http://EXAMPLE.CN"},
		{"见 https://badexample.cn", "见 badexample．cn"},
		{"12.5元，第3.2节", "12.5元，第3.2节"},
	} {
		if got := withoutLinks(c.in, []string{"example.cn"}); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// TestSplitMarked: every part that has words of a model says so, and none is too
// long for it.
func TestSplitMarked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("先把工资条收好。", 60)
	for text, marked := range map[string]bool{
		long:               false,
		machineMark + long: true,
		strings.Repeat("快打110。", 20) + "\n\n" + machineMark + long: true,
	} {
		parts := splitMarked(text, 100)
		begun := false
		for i, p := range parts {
			if n := utf8.RuneCountInString(p); n > 100 {
				t.Errorf("part %d has %d characters", i, n)
			}
			begun = begun || strings.Contains(p, machineMark)
			if begun != strings.Contains(p, machineMark) {
				t.Errorf("part %d of %d is not marked: %s", i, len(parts), p)
			}
		}
		if begun != marked {
			t.Errorf("marked: %v, want %v", begun, marked)
		}
	}
}
