package knowledge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxJSONLine bounds one article's line, in bytes; the longest known has 40 KB.
const maxJSONLine = 1 << 20

// jsonArticle is one line: an article of a version of a law.
type jsonArticle struct {
	Law     string `json:"law"`
	Level   string `json:"level"`
	No      string `json:"no"`
	Chapter string `json:"chapter"`
	Text    string `json:"text"`
	Pub     string `json:"pub"`
	Eff     string `json:"eff"`
	Status  string `json:"status"`
	Source  string `json:"source"`
}

func (a jsonArticle) version() string {
	return strings.Join([]string{a.Law, a.Pub, a.Eff, a.Status, a.Source}, "\x00")
}

// jsonl reads articles, one JSON object a line, versions one after the other.
func (r *importRun) jsonl(d document) error {
	var in io.Reader = bytes.NewReader(d.data)
	if strings.HasSuffix(strings.ToLower(d.name), ".gz") {
		packed := &countingReader{r: in}
		z, err := gzip.NewReader(packed)
		if err != nil {
			return refusal("压缩文件打不开（%v），请重新下载", err)
		}
		in = &boundedGzip{z: z, m: &meter{packed: func() int64 { return packed.n }}}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxJSONLine)
	var version []jsonArticle
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var a jsonArticle
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return refusal("第 %d 行不是一条 JSON：%v", n, err)
		}
		if a.Law == "" || a.No == "" {
			return refusal("第 %d 行缺少 law 或 no", n)
		}
		if len(version) > 0 && version[0].version() != a.version() {
			r.jsonVersion(d.name, version)
			version = version[:0]
		}
		version = append(version, a)
	}
	if err := lines.Err(); err != nil {
		return refusal("读到一半出错（%v），请重新下载", err)
	}
	if len(version) > 0 {
		r.jsonVersion(d.name, version)
	}
	return nil
}

// jsonVersion makes one text of the lines of one version.
func (r *importRun) jsonVersion(file string, lines []jsonArticle) {
	head := lines[0]
	name := fmt.Sprintf("%s：%s（%s）", file, head.Law, head.Pub)
	if head.Pub == "" && head.Status == "" {
		r.keep(name, &lawText{title: head.Law}, errVersionUnknown)
		return
	}
	p := &lawParser{chapter: map[string]uint16{}}
	var sum strings.Builder
	for _, a := range lines {
		no, err := ParseArticleNo(a.No)
		if err != nil || !p.last.Less(no) {
			continue // an annex with numbers of its own
		}
		p.levels = [4]string{a.Chapter}
		p.begin(no)
		for line := range strings.Lines(a.Text) {
			p.write(cleanLine(line))
		}
		p.last = no
		fmt.Fprintf(&sum, "%s\x00%s\x00%s\x00", a.version(), a.No, a.Text)
	}
	t := p.finish()
	t.origin, t.sums = file, []docSum{sumOf([]byte(sum.String()))}
	published, err1 := optionalDate(head.Pub)
	effective, err2 := optionalDate(head.Eff)
	if err1 != nil || err2 != nil {
		r.keep(name, t, fmt.Errorf("日期“%s”“%s”看不懂", clip(head.Pub, 20), clip(head.Eff, 20)))
		return
	}
	t.datedBy(lawDates{title: head.Law, level: head.Level, published: published, effective: effective, status: statusOf(head.Status)}, p)
	t.chapters = slices.Clip(t.chapters)
	r.keep(name, t, t.check(p))
}
