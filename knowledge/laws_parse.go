package knowledge

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of one law's text. The longest law in force, the civil code, has 1,260
// articles in 0.4 MB; the longest article of all has 9,000 characters.
const (
	maxLawText    = 8 << 20  // bytes of one document
	maxHeaderText = 64 << 10 // bytes of the lines before the first article, or of a text without articles
	maxChapters   = 5000
	maxLawTitle   = 200 // runes; the longest known has 130
)

var errVersionUnknown = errors.New("版本不明：文件没有写明公布和施行日期，不能作依据；请从国家法律法规数据库（flk.npc.gov.cn）下载带日期的文本")

// lawDates are facts given beside a text, in versions.json or by the database.
type lawDates struct {
	title, level                string
	published, effective, until time.Time
	status                      string
}

// parseLaw reads one Markdown document. name is its path, whose folders and
// dates count in some layouts; stated may be nil.
func parseLaw(name string, text []byte, stated *lawDates, reg *Registry) (*lawText, error) {
	if len(text) > maxLawText {
		return nil, fmt.Errorf("文件超过 %d MB，不像一部法", maxLawText>>20)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("不是 UTF-8 文本，请转成 UTF-8 再导入")
	}
	front, body := splitFrontMatter(string(text))
	p := &lawParser{bold: boldArticle.MatchString(body)}
	p.plain = !p.bold && front["publication_date"] == ""
	p.read(body)
	t := p.finish()
	t.origin = name
	t.sums = []docSum{sumOf(text)}
	var err error
	switch {
	case front["publication_date"] != "" || front["date"] != "" && front["group"] != "":
		err = t.datedByFront(front, p)
	case stated != nil:
		t.datedBy(*stated, p)
	default:
		err = t.datedByHeader(name, p, reg)
	}
	if err != nil {
		return t, err
	}
	return t, t.check(p)
}

func sumOf(text []byte) docSum {
	sum := sha256.Sum256(text)
	return docSum(sum[:16])
}

// check refuses what cannot be a law and fills in what the text says of itself.
func (t *lawText) check(p *lawParser) error {
	t.title = cleanLine(t.title)
	switch {
	case utf8.RuneCountInString(t.title) > maxLawTitle:
		return fmt.Errorf("标题有 %d 个字，不像一部法", utf8.RuneCountInString(t.title))
	case t.title == "":
		return errors.New("没有标题，不像一部法")
	case t.published.IsZero():
		return errVersionUnknown
	case len(t.spans) == 0:
		return errors.New("没有正文")
	case t.level == "":
		t.level = levelByTitle(t.title)
	}
	if t.rank == rankHeader && t.effective.Before(t.published) {
		t.effective, t.effectiveBy = time.Time{}, "" // the day of the first version, not of this one
	}
	closing := p.closing(3)
	if t.effective.IsZero() {
		for _, s := range []string{closing, p.header.String()} {
			if d := closingDate(s, t.published); !d.IsZero() {
				t.effective, t.effectiveBy = d, ByArticle
				break
			}
		}
	}
	t.repeals = closingRepeals(closing)
	if _, after, ok := strings.Cut(t.title, "关于废止"); ok {
		for _, m := range namedLawPattern.FindAllStringSubmatch(after, -1) {
			t.repeals = append(t.repeals, m[1])
		}
	}
	return nil
}

// datedByFront takes the national database's front matter.
func (t *lawText) datedByFront(front map[string]string, p *lawParser) error {
	published, err := optionalDate(firstOf(front["publication_date"], front["date"]))
	if err != nil {
		return fmt.Errorf("公布日期“%s”看不懂", clip(front["publication_date"], 20))
	}
	effective, err := optionalDate(front["effective_date"])
	if err != nil {
		return fmt.Errorf("施行日期“%s”看不懂", clip(front["effective_date"], 20))
	}
	t.datedBy(lawDates{
		title: front["title"], level: levelByGroup(front["group"], front["author"]),
		published: published, effective: effective, status: statusOf(front["status"]),
	}, p)
	return nil
}

func (t *lawText) datedBy(d lawDates, p *lawParser) {
	if base := yearSuffix.ReplaceAllString(d.title, ""); base == "中华人民共和国宪法" {
		d.title = base // its versions bear their year in the title
	}
	t.title, t.level, t.status, t.rank = firstOf(d.title, p.title), d.level, d.status, rankSource
	t.published, t.effective, t.until = d.published, d.effective, d.until
	if !t.effective.IsZero() {
		t.effectiveBy = ByFile
	}
}

var fileDatePattern = regexp.MustCompile(`[(（_]((?:19|20)\d\d)-?(\d\d)-?(\d\d)(?:[)）_.]|$)`)

// datedByHeader takes the lines under the title and the file's name. Plain
// Markdown says so little about its versions that only texts which no dated
// source has may prove anything: rules of ministries and 信访工作条例.
func (t *lawText) datedByHeader(name string, p *lawParser, reg *Registry) error {
	t.title, t.rank = p.title, rankHeader
	t.level = levelByPath(name)
	if known, ok := reg.Find(t.title); ok && t.level == "" {
		t.level = known.Level
	}
	header := p.header.String()
	t.published = publishedDate(header)
	if m := fileDatePattern.FindStringSubmatch(path.Base(name)); m != nil && p.plain {
		t.published = chineseDate(m[1], m[2], m[3])
	}
	if m := effectiveLine.FindStringSubmatch(foldDigits(header)); m != nil {
		t.effective, t.effectiveBy = chineseDate(m[1], m[2], m[3]), ByFile
	}
	if p.plain && t.level != "部门规章" && nameKey(t.title) != "信访工作条例" {
		return errVersionUnknown
	}
	if nameKey(t.title) == "信访工作条例" {
		t.level = "党内法规"
	}
	return nil
}

var effectiveLine = regexp.MustCompile(`((?:19|20)[0-9]{2})年\s*([0-9]{1,2})月\s*([0-9]{1,2})日[起\s]*(?:施行|实施)`)

// splitFrontMatter parts "key: value" lines between two lines "---" from the
// text. Only plain top-level values are read; lists and nesting are skipped.
func splitFrontMatter(text string) (map[string]string, string) {
	text = strings.TrimPrefix(text, "\ufeff")
	rest, ok := strings.CutPrefix(text, "---")
	if !ok {
		return nil, text
	}
	head, body, ok := strings.Cut(rest, "\n---")
	if !ok {
		return nil, text
	}
	front := map[string]string{}
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok || key == "" || strings.ContainsAny(key, " -\t#") {
			continue
		}
		front[key] = strings.Trim(strings.TrimSpace(value), `'"`)
	}
	_, body, _ = strings.Cut(body, "\n")
	return front, body
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func statusOf(s string) string {
	switch s {
	case "有效", "生效", "现行有效", "current":
		return statusValid
	case "尚未生效", "尚未施行":
		return statusPending
	case "已修改", "superseded":
		return statusAmended
	case "已废止", "失效", "repealed", "expired":
		return statusRepealed
	}
	return ""
}

func levelByGroup(group, author string) string {
	switch group {
	case "宪法", "法律", "行政法规", "监察法规", "司法解释", "部门规章":
		return group
	}
	switch {
	case strings.HasPrefix(author, "全国人民代表大会"):
		return "法律"
	case strings.HasPrefix(author, "国务院"):
		return "行政法规"
	case strings.HasPrefix(author, "最高人民"):
		return "司法解释"
	}
	return ""
}

// levelByPath reads the level from the folders of the known layouts.
func levelByPath(name string) string {
	for _, dir := range strings.Split(path.Dir(name), "/") {
		switch dir {
		case "部门规章", "司法解释", "行政法规", "监察法规", "宪法":
			return dir
		case "constitution":
			return "宪法"
		}
	}
	return ""
}

func levelByTitle(title string) string {
	switch {
	case strings.HasPrefix(title, "最高人民"):
		return "司法解释"
	case strings.HasSuffix(title, "法") || strings.HasSuffix(title, "法典"):
		return "法律"
	case strings.HasSuffix(title, "条例"):
		return "行政法规"
	}
	return "其他"
}
