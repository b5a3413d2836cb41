package office

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minPiece is the least that says anything, in runes.
const minPiece = 20

// Reading level: a sentence of more than 40 characters and a text of more than
// one such sentence in three are hard for people who read little; 40 is what
// CONTRIBUTING.md asks of entries.
const (
	longSentence = 40
	longestTold  = 60
	hardShare    = 3
)

// own is what the office can check by itself: what each kind needs, length per
// place, reading level, alternative text, the audience.
func own(v PieceVersion) []Finding {
	var list []Finding
	stop := func(rule, quote, format string, a ...any) {
		list = append(list, Finding{rule, true, quote, fmt.Sprintf(format, a...)})
	}
	warn := func(rule, quote, format string, a ...any) {
		list = append(list, Finding{rule, false, quote, fmt.Sprintf(format, a...)})
	}
	trial := v
	if err := trial.clean(); err != nil { // could not even be kept
		stop("格式", "", "%s", Words(err))
	}
	text := PlainText(v.Body)
	switch {
	case v.Kind == KindVideo && v.Link == "":
		stop("内容", "", "视频要填链接。")
	case v.Kind == KindPoster && (v.Image == "" || v.Alt == ""):
		stop("内容", "", "海报要上传图片，并写出图上的文字，给看不见图的人听。")
	case v.Kind == KindCard && v.Entry == "":
		stop("内容", "", "问答卡要写明来自哪一条知识条目。")
	case v.Kind != KindVideo && v.Kind != KindPoster && utf8.RuneCountInString(text) < minPiece:
		stop("内容", "", "正文太短，至少写 %d 个字。", minPiece)
	}
	if len(v.Audience) == 0 {
		stop("受众", "", "要选给谁看；给所有人看就选“乡村、社区”。")
	}
	if i := strings.IndexFunc(v.Body, func(r rune) bool { return unicode.Is(unicode.Cf, r) || r == utf8.RuneError }); i >= 0 {
		stop("格式", "", "正文里有看不见的字符，请删掉。")
	}
	if mdTag.MatchString(v.Body) {
		stop("格式", mdTag.FindString(v.Body), "不能用 HTML 标签。")
	}
	for _, p := range Places {
		whole := v.Title + text
		if n := utf8.RuneCountInString(whole); n > p.Max-60 {
			warn("长度", "", "%s放不下（%d 字，最多 %d 字），只发开头，其余请人看网页。", p.Name, n, p.Max)
		}
	}
	return append(list, readable(text)...)
}

// readable looks for sentences that are hard to read.
func readable(text string) []Finding {
	long, all, worst := 0, 0, ""
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("。！？；\n", r) }) {
		n := utf8.RuneCountInString(s)
		all++
		if n > longSentence {
			long++
			if n > utf8.RuneCountInString(worst) {
				worst = s
			}
		}
	}
	switch n := utf8.RuneCountInString(worst); {
	case n > longestTold:
		return []Finding{{"好不好懂", false, firstRunes(worst, 30), fmt.Sprintf("这一句有 %d 个字，拆成两三句（每句最好不过 %d 字）。", n, longSentence)}}
	case all > 0 && long*hardShare > all:
		return []Finding{{"好不好懂", false, firstRunes(worst, 30), fmt.Sprintf("长句太多：%d 句里有 %d 句超过 %d 字。", all, long, longSentence)}}
	}
	return nil
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// DiffLine is one line of a comparison.
type DiffLine struct {
	Op   string `json:"op"` // "=", "-" or "+"
	Text string `json:"text"`
}

// diffLines bounds what is compared line by line.
const diffLines = 2000

// Diff compares two versions line by line.
func Diff(a, b PieceVersion) []DiffLine {
	x, y := lines(a), lines(b)
	// n[i][j] is the length of the longest common run of x[i:] and y[j:].
	n := make([][]uint16, len(x)+1)
	for i := range n {
		n[i] = make([]uint16, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			n[i][j] = max(n[i+1][j], n[i][j+1])
			if x[i] == y[j] {
				n[i][j] = n[i+1][j+1] + 1
			}
		}
	}
	var list []DiffLine
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			list = append(list, DiffLine{"=", x[i]})
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && n[i+1][j] >= n[i][j+1]:
			list = append(list, DiffLine{"-", x[i]})
			i++
		default:
			list = append(list, DiffLine{"+", y[j]})
			j++
		}
	}
	return list
}

// lines is a version as text, its fields first.
func lines(v PieceVersion) []string {
	head := fmt.Sprintf("标题：%s\n类别：%s\n受众：%s\n专题：%s\n条目：%s\n链接：%s\n图片：%s\n图片说明：%s\n模型：%s",
		v.Title, v.Kind.Name(), strings.Join(v.Audience, "、"), v.Topic, v.Entry, v.Link, v.Image, v.Alt, v.Model)
	list := strings.Split(head+"\n"+v.Body, "\n")
	return list[:min(len(list), diffLines)]
}
