package knowledge

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Headings are the sections an entry may have, in the order they stand.
var Headings = []string{"怎么办", "要带什么", "去哪里", "要多久", "花多少钱", "例外", "不要这样做", "找谁帮忙", "法律变化"}

// maxEntryFile bounds one entry's file, in bytes; the longest of ours has 9 KB.
const maxEntryFile = 64 << 10

// Fault is one thing wrong with a file of the corpus, with what to do about it.
type Fault struct {
	File string `json:"file"`
	Line int    `json:"line"` // 1-based; 0: the whole file
	Msg  string `json:"msg"`
}

// String gives "file:line: message".
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Msg
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Msg
}

// header is the YAML front matter of an entry.
type header struct {
	ID            string           `yaml:"id"`
	Topic         string           `yaml:"topic"`
	Title         string           `yaml:"title"`
	Questions     []string         `yaml:"questions"`
	Keywords      []string         `yaml:"keywords"`
	Citations     []headerCitation `yaml:"citations"`
	Rules         []string         `yaml:"rules"`
	Figures       []string         `yaml:"figures"`
	Area          string           `yaml:"area"`
	EffectiveFrom string           `yaml:"effective_from"`
	EffectiveTo   string           `yaml:"effective_to"`
	ReviewedBy    string           `yaml:"reviewed_by"`
	ReviewedAt    string           `yaml:"reviewed_at"`
	ReviewDue     string           `yaml:"review_due"`
	Tags          []string         `yaml:"tags"`
	See           []string         `yaml:"see"`
}

type headerCitation struct {
	Law       string   `yaml:"law"`
	Article   string   `yaml:"article"`
	Proof     []string `yaml:"proof"`
	Paragraph int      `yaml:"paragraph"`
	External  string   `yaml:"external"`
}

// LoadEntries reads every .md file below fsys as an entry. A file that cannot be
// read as one gives faults and no entry; the others are not affected.
func LoadEntries(fsys fs.FS) ([]*Entry, []Fault) {
	var entries []*Entry
	var faults []Fault
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".md" || strings.EqualFold(d.Name(), "README.md") {
			return nil
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxEntryFile+1))
		if err != nil {
			return err
		}
		e, bad := ParseEntry(name, text)
		faults = append(faults, bad...)
		if e != nil {
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		faults = append(faults, Fault{File: ".", Msg: "读不了条目目录：" + err.Error()})
	}
	return entries, faults
}

// ParseEntry reads one entry: YAML front matter between two lines "---", then
// the text. It returns no entry when the file cannot be used; faults that leave
// it usable come along with the entry.
func ParseEntry(file string, text []byte) (*Entry, []Fault) {
	p := &entryParser{file: file, lines: strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")}
	if len(text) > maxEntryFile {
		p.fault(0, "文件超过 %d KB，请拆成几条", maxEntryFile>>10)
		return nil, p.faults
	}
	head, bodyLine, ok := p.split()
	if !ok {
		return nil, p.faults
	}
	var h header
	if err := unmarshalYAML([]byte(head), &h); err != nil {
		p.fault(yamlLine(err)+1, "开头的 YAML 读不懂：%s", firstLine(err.Error()))
		return nil, p.faults
	}
	e := p.entry(h)
	p.body(e, bodyLine)
	if e.ID == "" || e.Title == "" || e.Conclusion == "" {
		return nil, p.faults
	}
	return e, p.faults
}

type entryParser struct {
	file   string
	lines  []string
	faults []Fault
}

func (p *entryParser) fault(line int, format string, a ...any) {
	p.faults = append(p.faults, Fault{File: p.file, Line: line, Msg: fmt.Sprintf(format, a...)})
}

// split finds the front matter and the 0-based line its text starts at.
func (p *entryParser) split() (head string, body int, ok bool) {
	if strings.TrimSpace(p.lines[0]) != "---" {
		p.fault(1, "第一行应当是 ---，下面写 id、topic、title 等，再用一行 --- 结束")
		return "", 0, false
	}
	for i := 1; i < len(p.lines); i++ {
		if strings.TrimSpace(p.lines[i]) == "---" {
			return strings.Join(p.lines[1:i], "\n") + "\n", i + 1, true
		}
	}
	p.fault(len(p.lines), "没有找到结束开头的第二行 ---")
	return "", 0, false
}

// lineOf gives the 1-based line on which a front matter field stands.
func (p *entryParser) lineOf(field string) int {
	for i, l := range p.lines {
		if strings.HasPrefix(l, field+":") {
			return i + 1
		}
	}
	return 1
}

func (p *entryParser) entry(h header) *Entry {
	e := &Entry{
		ID: strings.TrimSpace(h.ID), Topic: strings.TrimSpace(h.Topic), Title: strings.TrimSpace(h.Title),
		Questions: h.Questions, Keywords: h.Keywords, Rules: h.Rules, Figures: h.Figures,
		Area: h.Area, ReviewedBy: h.ReviewedBy, Tags: h.Tags, See: h.See, File: p.file, at: map[string]int{},
	}
	for _, field := range []string{"id", "topic", "title", "questions", "keywords", "citations", "rules", "area", "effective_from", "effective_to", "reviewed_at", "review_due", "see"} {
		e.at[field] = p.lineOf(field)
	}
	for field, value := range map[string]string{"id": e.ID, "topic": e.Topic, "title": e.Title, "reviewed_by": e.ReviewedBy, "area": e.Area} {
		if value == "" {
			p.fault(p.lineOf(field), "缺少 %s", field)
		}
	}
	e.From = p.date("effective_from", h.EffectiveFrom)
	e.To = p.date("effective_to", h.EffectiveTo)
	e.ReviewedAt = p.date("reviewed_at", h.ReviewedAt)
	e.ReviewDue = p.date("review_due", h.ReviewDue)
	for i, c := range h.Citations {
		no, err := ParseArticleNo(c.Article)
		if err != nil {
			p.fault(p.lineOf("citations"), "第 %d 条依据：条号“%s”看不懂，应写成 42 或 276之一", i+1, clip(c.Article, 20))
		}
		e.Citations = append(e.Citations, Citation{Law: strings.TrimSpace(c.Law), Article: no, Proof: c.Proof, Paragraph: c.Paragraph, External: c.External})
	}
	return e
}

func (p *entryParser) date(field, s string) time.Time {
	if s == "" {
		if field == "reviewed_at" || field == "review_due" || field == "effective_from" {
			p.fault(p.lineOf(field), "缺少 %s（日期，如 2026-11-22）", field)
		}
		return time.Time{}
	}
	d, err := ParseDate(s)
	if err != nil {
		p.fault(p.lineOf(field), "%s：“%s”不是日期，应写成 2026-11-22", field, clip(s, 20))
	}
	return d
}

var markPattern = regexp.MustCompile(`\[(\d{1,2})\]`)

// body reads the conclusion and the sections from 0-based line start on.
func (p *entryParser) body(e *Entry, start int) {
	var block []string
	var heading string
	flush := func() {
		text := strings.TrimSpace(strings.Join(block, "\n"))
		block = nil
		switch {
		case heading != "":
			if text != "" {
				e.Sections = append(e.Sections, Section{Heading: heading, Text: text})
			}
		default:
			e.Conclusion = text
		}
	}
	used := map[int]bool{}
	last := -1
	for i := start; i < len(p.lines); i++ {
		line := strings.TrimRight(p.lines[i], " \t")
		for _, m := range markPattern.FindAllStringSubmatch(line, -1) {
			n, _ := strconv.Atoi(m[1])
			used[n] = true
			if n < 1 || n > len(e.Citations) {
				p.fault(i+1, "[%d] 没有对应的依据（citations 一共 %d 条）", n, len(e.Citations))
			}
		}
		h, isHeading := strings.CutPrefix(line, "## ")
		if !isHeading {
			if strings.HasPrefix(line, "#") {
				p.fault(i+1, "标题只能用“## ”加固定的小标题")
			}
			block = append(block, line)
			continue
		}
		flush()
		heading = strings.TrimSpace(h)
		at := index(Headings, heading)
		if at < 0 {
			p.fault(i+1, "小标题“%s”不在固定的几个里：%s", clip(heading, 12), strings.Join(Headings, "、"))
		} else if at <= last {
			p.fault(i+1, "小标题“%s”的顺序不对，应按：%s", heading, strings.Join(Headings, "、"))
		}
		last = max(last, at)
	}
	flush()
	e.at["text"] = start + 1
	if e.Conclusion == "" {
		p.fault(start+1, "正文第一段应当是结论，放在所有小标题前面")
	}
	for n := range e.Citations {
		if !used[n+1] {
			p.fault(p.lineOf("citations"), "第 %d 条依据在正文里没有用到，请在说到它的那一行末尾写 [%d]", n+1, n+1)
		}
	}
}

func index(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// ParseDate reads an ISO date ("2026-11-22") as midnight UTC. All days in this
// package are midnight UTC of the calendar day in China.
func ParseDate(s string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, fmt.Errorf("date %q: want the form 2026-11-22", clip(s, 20))
	}
	return d, nil
}

var yamlLinePattern = regexp.MustCompile(`\[(\d+):\d+\]`)

// yamlLine gives the line a YAML error names, 0 if it names none.
func yamlLine(err error) int {
	m := yamlLinePattern.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
