package knowledge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lawParser reads the lines of one law: title, header, table of contents,
// chapters, articles, annexes.
type lawParser struct {
	bold  bool // articles stand as **第一条**
	plain bool // neither bold articles nor front matter

	title    string
	header   strings.Builder // lines before the first article
	levels   [4]string       // current 编, 分编, 章, 节
	chapters []string
	chapter  map[string]uint16
	spans    []span
	blob     strings.Builder
	last     ArticleNo
	done     bool // an annex has begun
	titles   int
}

var (
	boldArticle    = regexp.MustCompile(`(?m)^[\s>*-]*\*\*第[零〇一二三四五六七八九十百千0-9０-９]{1,9}条`)
	articleLine    = regexp.MustCompile(`^第\s?([零〇一二三四五六七八九十百千]{1,9}|[0-9０-９]{1,4})\s?条(?:之([一二三四五六七八九十]{1,3}))?`)
	chapterLine    = regexp.MustCompile(`^第\s?[零〇一二三四五六七八九十百0-9]{1,6}\s?(分编|编|章|节)(?:[\s:：]|$)`)
	listHeading    = regexp.MustCompile(`^[一二三四五六七八九十]{1,3}、`)
	annexLine      = regexp.MustCompile(`^(?:附件|附录|附表|附图|附[:：]|附[一二三四五六七八九十0-9]{1,3}(?:[:：\s]|$)|附$)`)
	commentPattern = regexp.MustCompile(`(?s)<!--.*?(?:-->|$)|<style\b.*?(?:</style>|$)|<script\b.*?(?:</script>|$)`)
	hiddenPattern  = regexp.MustCompile(`(?is)<(?:span|div|p|font|details|section)\b[^<>]*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|\shidden\b)[^<>]*>.*?</(?:span|div|p|font|details|section)>`)
	tagPattern     = regexp.MustCompile(`</?[a-zA-Z][^<>\n]{0,300}>|\{\{[^{}\n]*\}\}|\[\^[^\]\n]{1,40}\]`)
)

// notAnArticle are words that follow 第…条 where it is a reference, not a number
// at the start of an article.
const notAnArticle = "第至和或及与、，。；：:“”（(）)的规之修增改中所款项等"

func (p *lawParser) read(body string) {
	if strings.Contains(body, "<") {
		body = hiddenPattern.ReplaceAllString(commentPattern.ReplaceAllString(body, "\n"), "")
	}
	p.chapter = map[string]uint16{}
	for line := range strings.Lines(body) {
		p.line(line)
		if p.done {
			break
		}
	}
}

// line takes one line of the text.
func (p *lawParser) line(raw string) {
	s := cleanLine(raw)
	if s == "" || strings.Trim(s, "-") == "" || strings.HasPrefix(s, "[^") {
		return
	}
	hashes := len(s) - len(strings.TrimLeft(s, "#"))
	heading := hashes > 0
	s = strings.TrimSpace(s[hashes:])
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(s, "> "), "- "))
	bold := strings.HasPrefix(s, "**")
	if bold {
		s = strings.Replace(strings.TrimPrefix(s, "**"), "**", "", 1)
	}
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	if hashes == 1 && p.titles < 2 && len(p.spans) == 0 {
		p.setTitle(s)
		return
	}
	switch {
	case strings.HasPrefix(s, "第") && p.article(s, bold):
	case p.isChapter(s, heading):
	case p.isAnnex(s, heading):
		p.done = true
	default:
		p.paragraph(s, heading)
	}
}

// cleanLine drops what cannot be seen or is only markup.
func cleanLine(s string) string {
	if strings.ContainsAny(s, "<{[") {
		s = tagPattern.ReplaceAllString(s, "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u3000' || r == '\u00a0' || r == '\t':
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, s)
	if strings.Contains(s, `\`) {
		s = strings.NewReplacer(`\*`, "*", `\_`, "_", `\#`, "#", `\[`, "[", `\]`, "]", `\.`, ".").Replace(s)
	}
	return strings.TrimSpace(s)
}

// invisible says that a character shows nothing: zero-width, direction marks,
// tags and other controls that could hide text from a reader.
func invisible(r rune) bool {
	return r == '\ufeff' || r < ' ' || r >= 0xE0000 && r <= 0xE007F || r != ' ' && unicode.In(r, unicode.Cf, unicode.Cc)
}

func (p *lawParser) setTitle(s string) {
	p.titles++
	if p.titles == 1 {
		p.title = s
		return
	}
	p.levels = [4]string{chapterName(s)} // one part of a law in several files
}

// article starts a new article if s is one.
func (p *lawParser) article(s string, bold bool) bool {
	m := articleLine.FindStringSubmatchIndex(s)
	if m == nil {
		return false
	}
	n, ok := parseNumber(s[m[2]:m[3]])
	if !ok || n < 1 || n > maxArticle {
		return false
	}
	no := ArticleNo{N: n}
	if m[4] >= 0 {
		no.Sub, _ = parseNumber(s[m[4]:m[5]])
	}
	rest := s[m[1]:]
	next := no.N == p.last.N+1 && no.Sub == 0 || no.N == p.last.N && no.Sub == p.last.Sub+1
	spaced := bold || rest == "" || rest[0] == ' '
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case p.bold && !bold && !next:
		return false
	case !spaced && (!next || strings.ContainsRune(notAnArticle, first)):
		return false
	case !p.last.Less(no):
		if no.N == 1 && no.Sub == 0 && p.last.N >= 3 {
			p.done = true // an annexed text with articles of its own
			return true
		}
		return false
	}
	p.takeHeading()
	p.begin(no)
	p.write(strings.TrimSpace(rest))
	p.last = no
	return true
}

// takeHeading makes the last line of the article before a heading if it is one:
// judicial interpretations have 三、夫妻关系 between articles as plain lines.
func (p *lawParser) takeHeading() {
	if len(p.spans) == 0 {
		return
	}
	cur := &p.spans[len(p.spans)-1]
	rest, line, ok := cutLast(p.blob.String()[cur.at:cur.end], "\n")
	if ok && listHeading.MatchString(line) && isBareHeading(line) {
		cur.end = cur.at + uint32(len(rest))
		p.levels[2], p.levels[3] = removeSpaces(line), ""
	}
}

func (p *lawParser) begin(no ArticleNo) {
	at := uint32(p.blob.Len())
	p.spans = append(p.spans, span{n: uint16(no.N), sub: uint16(no.Sub), chapter: p.chapterIndex(), at: at, end: at})
}

// write adds a line to the current article.
func (p *lawParser) write(s string) {
	if s == "" {
		return
	}
	cur := &p.spans[len(p.spans)-1]
	if cur.end > cur.at {
		p.blob.WriteByte('\n')
	}
	p.blob.WriteString(s)
	cur.end = uint32(p.blob.Len())
}

func (p *lawParser) paragraph(s string, heading bool) {
	if len(p.spans) > 0 {
		if !heading {
			p.write(s)
		}
		return
	}
	if p.header.Len() < maxHeaderText {
		p.header.WriteString(s)
		p.header.WriteByte('\n')
	}
}

// isChapter takes a heading of a part, chapter or section.
func (p *lawParser) isChapter(s string, heading bool) bool {
	m := chapterLine.FindStringSubmatch(s)
	if m == nil {
		compact := removeSpaces(s)
		switch {
		case heading && listHeading.MatchString(s): // 一、一般规定, in judicial interpretations
			p.levels[2], p.levels[3] = compact, ""
		case strings.TrimLeft(compact, "1.．") == "附则", heading && compact == "总则":
			p.levels = [4]string{0: strings.TrimLeft(compact, "1.．")}
		default:
			return false
		}
		return true
	}
	if !heading && (utf8.RuneCountInString(s) > 45 || strings.ContainsAny(s, "。；")) {
		return false
	}
	at := map[string]int{"编": 0, "分编": 1, "章": 2, "节": 3}[m[1]]
	if at == 2 && p.levels[0] == "附则" {
		p.levels[0] = ""
	}
	p.levels[at] = chapterName(s)
	clear(p.levels[at+1:])
	return true
}

// isBareHeading says that a line is short and ends like no sentence or item.
func isBareHeading(s string) bool {
	return utf8.RuneCountInString(s) <= 25 && !strings.ContainsAny(s, "。；，：:;,")
}

func (p *lawParser) isAnnex(s string, heading bool) bool {
	if len(p.spans) == 0 || !annexLine.MatchString(removeSpaces(s)) {
		return false
	}
	return heading || utf8.RuneCountInString(s) <= 30 && !strings.ContainsAny(s, "。；，")
}

// chapterName writes "第一章　　总  则" as "第一章 总则".
func chapterName(s string) string {
	if loc := chapterLine.FindStringIndex(s); loc != nil {
		number := removeSpaces(strings.TrimRight(s[:loc[1]], ":： "))
		return strings.TrimSpace(number + " " + removeSpaces(s[loc[1]:]))
	}
	return removeSpaces(s)
}

func removeSpaces(s string) string {
	return strings.Join(strings.Fields(s), "")
}

func (p *lawParser) chapterIndex() uint16 {
	var parts []string
	for _, l := range p.levels {
		if l != "" {
			parts = append(parts, l)
		}
	}
	name := strings.Join(parts, " / ")
	if i, ok := p.chapter[name]; ok {
		return i
	}
	if len(p.chapters) >= maxChapters {
		return 0
	}
	i := uint16(len(p.chapters))
	p.chapter[name] = i
	p.chapters = append(p.chapters, name)
	return i
}

// finish gives the text read; one without articles is a single span without
// a number, holding everything.
func (p *lawParser) finish() *lawText {
	if len(p.spans) == 0 && p.header.Len() > 0 {
		p.levels = [4]string{}
		p.begin(ArticleNo{})
		p.write(strings.TrimSpace(p.header.String()))
	}
	return &lawText{title: p.title, chapters: p.chapters, spans: p.spans, blob: strings.Clone(p.blob.String())}
}

// closing gives the text of the last n articles, where a law says when it begins
// to hold and what it repeals.
func (p *lawParser) closing(n int) string {
	if len(p.spans) == 0 {
		return ""
	}
	return p.blob.String()[p.spans[max(0, len(p.spans)-n)].at:]
}
