package knowledge

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds of a .docx. A law of 1,260 articles unpacks to 6 MB, about 1:15.
const (
	maxDocxOut   = 64 << 20
	maxDocxFiles = 2000
	maxXMLDepth  = 200
)

// parseDocx reads one law as the national law database offers it for download:
// title, adoption in brackets, table of contents, chapters and articles as
// paragraphs of plain text.
func parseDocx(name string, data []byte, reg *Registry) (*lawText, error) {
	paragraphs, err := docxParagraphs(data)
	if err != nil {
		return nil, err
	}
	title, rest := docxTitle(paragraphs)
	title = firstOf(titleByName(name, reg), title)
	p := &lawParser{title: title, titles: 2, chapter: map[string]uint16{}}
	for _, s := range rest {
		p.line(strings.TrimLeft(s, "#->* \u3000\t"))
		if p.done {
			break
		}
	}
	t := p.finish()
	t.title, t.origin, t.rank, t.sums = title, name, rankDocx, []docSum{sumOf(data)}
	t.published = publishedDate(p.header.String())
	if m := fileDatePattern.FindStringSubmatch(path.Base(name)); m != nil {
		t.published = chineseDate(m[1], m[2], m[3])
	}
	if known, ok := reg.Find(title); ok {
		t.title, t.level = known.Title, known.Level
	}
	return t, t.check(p)
}

var (
	courtLine    = regexp.MustCompile(`^(?:中华人民共和国)?(?:最高人民法院|最高人民检察院)*(?:公告|令|文件)?$`)
	announceLine = regexp.MustCompile(`^《((?:[^《》]|《[^《》]*》)+)》(?:[（(][^（）()]*[）)])?(?:已于|已经|经|业经|已由)`)
	chapterStart = regexp.MustCompile(`^第[一二三四五六七八九十]{1,3}[编章节]`)
)

// docxTitle joins the lines of a title, which stand above the adoption in
// brackets, the table of contents or the first heading. A court's announcement
// names its title in 《》 and repeats it below.
func docxTitle(paragraphs []string) (string, []string) {
	var title strings.Builder
	for i, s := range paragraphs {
		s = removeSpaces(cleanLine(s))
		if m := announceLine.FindStringSubmatch(s); m != nil {
			return m[1], paragraphs[i:]
		}
		if s == "" || title.Len() == 0 && strings.HasPrefix(s, "中华人民共和国最高") && courtLine.MatchString(s) || title.Len() == 0 && s == "公告" {
			continue
		}
		enough := title.Len() > 0 && (strings.HasPrefix(s, "（") && !strings.HasPrefix(s, "（试行") || strings.HasPrefix(s, "(") ||
			strings.HasPrefix(s, "目录") || strings.HasPrefix(s, "法释") || fullDatePattern.MatchString(foldDigits(s)))
		if enough || articleLine.MatchString(s) || chapterStart.MatchString(s) || utf8.RuneCountInString(title.String()+s) > 120 {
			return title.String(), paragraphs[i:]
		}
		title.WriteString(s)
	}
	return title.String(), nil
}

// titleByName takes the title from a download's name (标题_20200304.docx) where
// the registry knows it.
func titleByName(name string, reg *Registry) string {
	base, _, ok := strings.Cut(strings.TrimSuffix(path.Base(name), ".docx"), "_")
	if l, known := reg.Find(base); ok && known {
		return l.Title
	}
	return ""
}

// docxParagraphs unpacks a .docx and gives its paragraphs. It reads the main
// document only, so links, macros and embedded files are never opened.
func docxParagraphs(data []byte) ([]string, error) {
	if err := checkDirectory(bytes.NewReader(data), int64(len(data)), maxDocxFiles); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, refusal("不是 .docx 文件，或文件坏了（%v）", err)
	}
	var document *zip.File
	var declared uint64
	m := &meter{}
	for _, f := range z.File {
		declared += f.UncompressedSize64
		switch {
		case declared > maxDocxOut:
			return nil, refusal(".docx 解开后超过 %d MB，拒绝导入", maxDocxOut>>20)
		case !f.Mode().IsRegular() && !f.Mode().IsDir():
			return nil, refusal(".docx 里有链接“%s”，拒绝导入", clip(f.Name, 40))
		case f.UncompressedSize64 > ratioFrom && f.UncompressedSize64 > maxArchiveRatio*max(f.CompressedSize64, 1):
			return nil, refusal(".docx 的压缩比超过 %d 倍，像压缩炸弹，拒绝导入", maxArchiveRatio)
		}
		if err := m.entry(f.Name); err != nil {
			return nil, err
		}
		if f.Name == "word/document.xml" {
			document = f
		}
	}
	if document == nil {
		return nil, refusal(".docx 里没有正文（word/document.xml）")
	}
	in, err := document.Open()
	if err != nil {
		return nil, refusal(".docx 的正文打不开（%v）", err)
	}
	defer in.Close()
	// A lying header cannot pass: the real size is bounded again here.
	bounded := &io.LimitedReader{R: in, N: maxDocxOut}
	paragraphs, err := docxText(bounded)
	if bounded.N <= 0 {
		return nil, refusal(".docx 的正文解开后超过 %d MB，拒绝导入", maxDocxOut>>20)
	}
	return paragraphs, err
}

// docxReader follows the elements of a document.
type docxReader struct {
	depth  int
	skip   int // depth at which a deleted or alternative part began; 0: none
	inText bool
	hidden bool // the current run is marked as not shown
	run    strings.Builder
	line   strings.Builder
	out    []string
	size   int
}

// docxText reads WordprocessingML by its tokens. Document type declarations are
// refused, so no entity is ever defined, let alone fetched.
func docxText(in io.Reader) ([]string, error) {
	d := xml.NewDecoder(in)
	d.Entity = map[string]string{}
	r := &docxReader{}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refusal(".docx 的正文不是完好的 XML（%v）", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, refusal(".docx 的正文带文档类型声明（DOCTYPE），拒绝导入")
		case xml.StartElement:
			if r.depth++; r.depth > maxXMLDepth {
				return nil, refusal(".docx 的正文嵌套超过 %d 层，拒绝导入", maxXMLDepth)
			}
			r.start(t)
		case xml.EndElement:
			r.end(t.Name.Local)
			r.depth--
		case xml.CharData:
			if r.inText && r.skip == 0 {
				r.run.Write(t)
				r.size += len(t)
			}
		}
		if r.size > maxLawText {
			return nil, refusal(".docx 的正文超过 %d MB，不像一部法", maxLawText>>20)
		}
	}
	r.end("p")
	return r.out, nil
}

func (r *docxReader) start(t xml.StartElement) {
	if r.skip > 0 {
		return
	}
	switch t.Name.Local {
	case "del", "moveFrom", "Fallback", "instrText":
		r.skip = r.depth
	case "r":
		r.hidden = false
	case "vanish", "webHidden":
		r.hidden = true
		for _, a := range t.Attr {
			if a.Name.Local == "val" && (a.Value == "0" || a.Value == "false") {
				r.hidden = false
			}
		}
	case "t":
		r.inText = true
	case "tab":
		r.run.WriteByte(' ')
	case "br", "cr":
		r.run.WriteByte('\n')
	}
}

func (r *docxReader) end(name string) {
	if r.skip > 0 {
		if r.depth == r.skip {
			r.skip = 0
		}
		return
	}
	switch name {
	case "t":
		r.inText = false
	case "r":
		if !r.hidden {
			r.line.WriteString(r.run.String())
		}
		r.run.Reset()
	case "p":
		for _, s := range strings.Split(r.line.String()+r.run.String(), "\n") {
			if strings.TrimSpace(s) != "" {
				r.out = append(r.out, s)
			}
		}
		r.line.Reset()
		r.run.Reset()
	}
}
