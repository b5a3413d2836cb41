package office

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Place is one way in which an item is shown, with its bounds.
type Place struct {
	Key, Name string
	Max       int // runes of text that fit
	Links     bool
}

// Places are the ways, each with what fits. QQ: one message has up to 1,500
// characters and an answer up to three of them; a group is told once and
// shortly (docs/guide-qq.md). The hook's receivers read text aloud or on small
// signs.
var Places = []Place{
	{"page", "网页", maxBody, true},
	{"qq", "QQ 私聊", 4500, false},
	{"group", "QQ 群", 500, false},
	{"hook", "推送接口", 4500, true},
}

// ReviewedBy is what stands under every published text.
func reviewLine(v PieceVersion, approver string) string {
	if v.Model != "" {
		return "（AI辅助起草，已由" + approver + "审核）"
	}
	return "（" + approver + "审定）"
}

// Words gives the version as plain text for a place, cut to what fits with a
// word on where the rest is. approver is who approved it; late says when it
// should have come.
func (v PieceVersion) Words(p Place, approver, late string) string {
	body := PlainText(v.Body)
	if !p.Links {
		body = bareLink.ReplaceAllString(body, "（网址见网页）")
	}
	var tail []string
	if v.Kind == KindVideo && p.Links {
		tail = append(tail, "视频："+v.Link)
	}
	if v.Kind == KindPoster && v.Alt != "" {
		tail = append(tail, "图上写着："+v.Alt)
	}
	if late != "" {
		tail = append(tail, late)
	}
	tail = append(tail, reviewLine(v, approver))
	head, foot := "【"+v.Title+"】\n", "\n"+strings.Join(tail, "\n")
	room := p.Max - utf8.RuneCountInString(head+foot)
	return head + cut(body, room) + foot
}

// cut shortens a text at the end of a sentence, saying so.
func cut(s string, room int) string {
	r := []rune(s)
	if len(r) <= room {
		return s
	}
	rest := []rune("\n……（全文发“今日普法”看）")
	n := max(0, room-len(rest))
	short := string(r[:min(n, len(r))])
	if i := strings.LastIndexAny(short, "。！？\n"); i > len(short)/2 {
		_, size := utf8.DecodeRuneInString(short[i:])
		short = short[:i+size]
	}
	return strings.TrimSpace(short) + string(rest)
}

var (
	mdHeading = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*$`)
	mdBullet  = regexp.MustCompile(`^(\s*)[-*+]\s+`)
	mdQuote   = regexp.MustCompile(`^\s*>\s?`)
	mdRule    = regexp.MustCompile(`^\s*(?:-{3,}|\*{3,}|_{3,})\s*$`)
	mdLink    = regexp.MustCompile(`!?\[([^\[\]]*)\]\(\s*<?([^()\s<>]*)>?(?:\s+"[^"]*")?\s*\)`)
	mdBold    = regexp.MustCompile(`\*\*([^*]+)\*\*|__([^_]+)__`)
	mdItalic  = regexp.MustCompile(`\*([^*\s][^*]*)\*`)
	mdCode    = regexp.MustCompile("`+([^`]*)`+")
	mdTag     = regexp.MustCompile(`<[!/a-zA-Z][^<>]*>`)
	bareLink  = regexp.MustCompile(`(?:https?://|www\.)[^\s，。；、（）()）】《》<>]+`)
)

// PlainText turns the Markdown subset (headings, lists, quotes, bold, italics,
// links) into text for places that show none. Nothing that a reader would take
// for markup is left at the beginning of a line; raw HTML goes.
func PlainText(md string) string {
	var b strings.Builder
	blank := true
	for line := range strings.SplitSeq(strings.ReplaceAll(md, "\r\n", "\n"), "\n") {
		line = plainLine(line)
		if line == "" {
			if !blank {
				b.WriteByte('\n')
			}
			blank = true
			continue
		}
		blank = false
		b.WriteString(line + "\n")
	}
	return strings.Trim(b.String(), "\n") // spaces stay: without them a line may look like markup
}

func plainLine(line string) string {
	for was := ""; was != line; { // what is inside may look like markup again
		if mdRule.MatchString(line) {
			return ""
		}
		was = line
		line = mdTag.ReplaceAllString(line, "")
		line = mdLink.ReplaceAllStringFunc(line, func(s string) string {
			m := mdLink.FindStringSubmatch(s)
			if m[2] == "" || m[1] == m[2] {
				return m[1]
			}
			return fmt.Sprintf("%s（%s）", m[1], m[2])
		})
		line = mdBold.ReplaceAllString(line, "$1$2")
		line = mdItalic.ReplaceAllString(line, "$1")
		line = mdCode.ReplaceAllString(line, "$1")
		line = mdQuote.ReplaceAllString(line, "")
		line = mdHeading.ReplaceAllString(line, "■ $1")
		line = mdBullet.ReplaceAllString(line, "$1· ")
		line = strings.TrimRight(line, " \t\\")
	}
	return line
}
