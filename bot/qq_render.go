package bot

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Forms of a message, each plainer than the one before.
const (
	qqRich    = 0 // Markdown and buttons
	qqPlain   = 1 // text
	qqBare    = 2 // text without anything that looks like an address
	qqNeutral = 3 // only where to read it
	qqForms   = 4
)

// qqForm is the form that a conversation gets first. Guilds take Markdown only
// from bots that were invited to.
func qqForm(chat Address) int {
	if kind, _ := qqKind(chat); kind == qqUser || kind == qqGroup {
		return qqRich
	}
	return qqPlain
}

// qqTags stand for signs that QQ reads as a mention or a command, wherever the
// words come from.
var qqTags = strings.NewReplacer("<", "＜", ">", "＞")

// bodyOf makes the wire's form of a part. domains are those registered with the
// platform, which may be linked to.
func (p *qqPart) bodyOf(domains []string) *qqBody {
	text := qqTags.Replace(p.Lead + p.Text + p.Tail)
	kind, _ := qqKind(p.chat)
	if kind != qqUser || p.form >= qqBare {
		if p.form >= qqBare {
			domains = nil
		}
		text = withoutLinks(text, domains)
	}
	menu := qqTags.Replace(numbered(p.Choices))
	if p.form == qqRich {
		return &qqBody{MsgType: qqMarkdownType, Markdown: &qqMarkdown{Content: offLists(markdown(text) + menu)}, Keyboard: qqKeys(p.Choices)}
	}
	return &qqBody{MsgType: qqTextType, Content: plain(text) + menu}
}

// numbered lists choices so that one may be picked by its number, where there
// are no buttons and where they are not shown.
func numbered(choices []string) string {
	if len(choices) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n")
	for i, c := range choices {
		fmt.Fprintf(&b, "\n%d. %s", i+1, c)
	}
	b.WriteString("\n（回复数字即可选择）")
	return b.String()
}

var markedHeading = regexp.MustCompile(`^#{1,4}\s+`)

// eachLine changes a text line by line; heading says that the line is one.
func eachLine(text string, f func(line string, heading bool) string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		alone := i == 0 || strings.TrimSpace(lines[i-1]) == ""
		followed := i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != ""
		t := strings.TrimSpace(line)
		lines[i] = f(line, markedHeading.MatchString(t) || i > 0 && followed && isHeading(t, alone))
	}
	return strings.Join(lines, "\n")
}

// markdown is our subset in QQ's: headings are marked, the rest is the same.
func markdown(text string) string {
	return eachLine(text, func(line string, heading bool) string {
		if heading {
			return "## " + markedHeading.ReplaceAllString(strings.TrimSpace(line), "")
		}
		return line
	})
}

var listed = regexp.MustCompile(`^\s*([-*+]|\d+[.)])\s`)

// offLists sets a line that follows a list apart from it: Markdown would take
// it into the list's last item.
func offLists(text string) string {
	lines := strings.Split(text, "\n")
	for i := len(lines) - 1; i > 0; i-- {
		if listed.MatchString(lines[i-1]) && strings.TrimSpace(lines[i]) != "" && !listed.MatchString(lines[i]) {
			lines[i] = "\n" + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

var bold = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)

// plain is our subset without its marks.
func plain(text string) string {
	return eachLine(text, func(line string, heading bool) string {
		if heading {
			return "【" + markedHeading.ReplaceAllString(strings.TrimSpace(line), "") + "】"
		}
		return bold.ReplaceAllString(line, "$1")
	})
}

var (
	webAddress = regexp.MustCompile(`(?i)https?://[^\s（）《》，。；、"'<>＜＞]+`)
	lookAlike  = regexp.MustCompile(`([A-Za-z0-9])\.([A-Za-z])`)
)

// withoutLinks leaves links to registered domains and makes everything else
// that QQ takes for an address harmless: the scheme goes, the dots become wide.
// QQ refuses a group message with "word.word" in it as a URL (40054010).
func withoutLinks(text string, domains []string) string {
	var kept []string
	text = webAddress.ReplaceAllStringFunc(text, func(link string) string {
		if u, err := url.Parse(link); err == nil && registered(u.Hostname(), domains) {
			kept = append(kept, link)
			return keptLink
		}
		_, rest, _ := strings.Cut(link, "://")
		return rest
	})
	for lookAlike.MatchString(text) { // overlapping ones: a.b.c
		text = lookAlike.ReplaceAllString(text, "$1．$2")
	}
	for _, link := range kept {
		text = strings.Replace(text, keptLink, link, 1)
	}
	return text
}

// keptLink stands for a link meanwhile; clean lets no such sign into a text.
const keptLink = "\x00"

func registered(host string, domains []string) bool {
	for _, d := range domains {
		if d != "" && (strings.EqualFold(host, d) || strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(d))) {
			return true
		}
	}
	return false
}

// What is said in place of words that did not get through.
const (
	wordsElsewhere = "这段答复不能在QQ里完整显示。请打开网页版，用取件码 %s 查看，或回复“取件 %s”。着急请打 12348（免费）。"
	wordsMore      = "\n（内容较长，回复“继续”看余下部分；也可以在网页版用取件码 %s 查看）"
	wordsWaiting   = "\n（您还有一条没有看到的答复，回复“取件 %s”查看）"
	wordsLate      = "【补发】之前没有送到的答复：\n"
)

// page numbers a part of a reply that has several.
func page(i, of int) string {
	if of < 2 {
		return ""
	}
	return fmt.Sprintf("（%d/%d）\n", i+1, of)
}

// runes is how long a text is.
func runes(text string) int { return utf8.RuneCountInString(text) }
