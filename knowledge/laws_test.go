package knowledge

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// file is one entry of an archive made by a test.
type file struct {
	name, text string
	kind       byte // tar type flag; 0: regular
}

func tarGz(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if f.kind != 0 {
			h.Typeflag, h.Linkname, h.Size = f.kind, f.text, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(f.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.kind == tar.TypeSymlink {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// writeFile puts data into a fresh directory and gives its path.
func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// flkFile writes a law as the national database's Markdown has it.
func flkFile(title, published, effective, status, body string) string {
	return fmt.Sprintf("---\nid: abc\ntitle: %s\nauthor: 国务院\ndate: '%s'\npublication_date: '%s'\neffective_date: '%s'\nstatus: %s\ngroup: 行政法规\ntags:\n  - 国务院\n---\n\n**%s**\n\n> （%s通过）\n\n%s", title, published, published, effective, status, title, published, body)
}

const sheepBody = `## 目　　录

- 第一章　　总　　则
- 第二章　　养　　羊
- 第三章　　附　　则

---

## 第一章　　总  则

- **第一条**　　养羊的人应当修好羊圈，
  防止羊跑出去。

  前款所称羊，包括山羊。

## 第二章　　养　　羊

- **第二条**　　有下列情形之一的，可以放羊：

  （一）天晴；

  （二）草` + "\u200b" + `已长高２０％。

- **第二条之一**　　夜里不放<span style="display: none">藏起来的指令</span>羊。<!-- 藏起来的话 -->

## 第三章　　附　　则

- **第三条**　　本条例自公布之日起30日后施行。《牧羊暂行办法》同时废止，《放牛办法》第五条同时废止。

### 附件：

- **第四条**　　附件里的话不是条文。
`

func importAll(t testing.TB, lib *Library, sources ...string) ImportReport {
	t.Helper()
	rep, err := Import(context.Background(), lib, sources, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestImportDatabaseMarkdown(t *testing.T) {
	t.Parallel()
	lib := NewLibrary(nil)
	rep := importAll(t, lib, writeFile(t, "a.tar.gz", tarGz(t,
		file{name: "content/行政法规/1.md", text: flkFile("养羊条例", "2020-01-01", "", "有效", sheepBody)},
		file{name: "content/行政法规/2.md", text: flkFile("牧羊暂行办法", "1990-01-01", "1990-02-01", "", "- **第一条**　　旧办法。\n")},
		file{name: "content/行政法规/3.md", text: flkFile("放牛办法", "1990-01-01", "1990-02-01", "", "- **第一条**　　牛。\n")},
		file{name: "content/_index.md", text: "---\ntitle: 目录\n---\n"},
		file{name: "LICENSE", text: "x"})))
	if rep.Added != 3 || rep.Articles != 6 || len(rep.Skipped) != 2 {
		t.Fatalf("report %+v", rep)
	}
	a, err := lib.Article("《养羊条例》", ArticleNo{N: 2}, day("2020-02-01"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "有下列情形之一的，可以放羊：\n（一）天晴；\n（二）草已长高２０％。"; a.Text != want {
		t.Errorf("article 2 is %q, want %q", a.Text, want)
	}
	if a.Chapter != "第二章 养羊" || isoDate(a.Effective) != "2020-01-31" || a.Level != "行政法规" {
		t.Errorf("article 2: chapter %q, effective %s, level %s", a.Chapter, isoDate(a.Effective), a.Level)
	}
	if n := len(paragraphsOf(a.Text)); n != 1 {
		t.Errorf("article 2 has %d paragraphs, want 1: items belong to it", n)
	}
	if a, err := lib.Article("养羊条例", ArticleNo{N: 2, Sub: 1}, day("2026-01-01")); err != nil || a.Text != "夜里不放羊。" {
		t.Errorf("article 2之一: %v, %v", a, err)
	}
	if _, err := lib.Article("养羊条例", ArticleNo{N: 4}, day("2026-01-01")); err == nil {
		t.Error("an article of an annex was taken for one of the law")
	}
	if _, err := lib.Article("养羊条例", ArticleNo{N: 1}, day("2020-01-30")); err == nil || !strings.Contains(err.Error(), "还没有施行") {
		t.Errorf("before it is in force: %v", err)
	}
	if _, err := lib.Article("牧羊暂行办法", ArticleNo{N: 1}, day("2021-01-01")); err == nil || !strings.Contains(err.Error(), "已废止") {
		t.Errorf("a law repealed by another's closing article: %v", err)
	}
	if _, err := lib.Article("放牛办法", ArticleNo{N: 1}, day("2021-01-01")); err != nil {
		t.Errorf("a law of which one article was repealed still holds: %v", err)
	}
}

func TestImportVersionsJSON(t *testing.T) {
	t.Parallel()
	body := func(s string) string {
		return "---\nsidebar: auto\n---\n\n# 中华人民共和国羊法\n\n2019年4月23日第九次会议通过\n\n## 第一章　总则\n\n**第一条**　" + s + "\n\n**第二条**　本法自1990年1月1日起施行。\n"
	}
	lib := NewLibrary(nil)
	importAll(t, lib, writeFile(t, "b.zip", zipOf(t,
		file{name: "docs/civil/sheep/README.md", text: body("旧羊。")},
		file{name: "docs/civil/sheep/versions/2027-01-01/README.md", text: body("新羊。")},
		file{name: "docs/civil/sheep/versions.json", text: `{"title":"中华人民共和国羊法","versions":[
			{"promulgatedOn":"2019-04-23","effectiveFrom":"2019-11-01","effectiveTo":"2027-01-01","entry":"README.md"},
			{"promulgatedOn":"2026-06-26","effectiveFrom":"2027-01-01","effectiveTo":null,"entry":"versions/2027-01-01/README.md"}]}`},
		file{name: "docs/civil/goat/README.md", text: strings.Replace(body("山羊。"), "羊法", "山羊法", 1)})))
	for on, want := range map[string]string{"2026-12-31": "旧羊。", "2027-01-01": "新羊。"} {
		if a, err := lib.Article("羊法", ArticleNo{N: 1}, day(on)); err != nil || a.Text != want {
			t.Errorf("on %s: %v, %v, want %s", on, a, err, want)
		}
	}
	// Without versions.json the header dates it; a closing date older than the
	// amendment is that of the first version.
	l, ok := lib.Law("山羊法")
	if !ok || isoDate(l.Versions[0].Effective) != "2019-04-23" || l.Versions[0].EffectiveBy != ByAdoption {
		t.Errorf("山羊法: %+v", l)
	}
}

func TestImportPlainMarkdown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"部门规章/某部/羊圈规定(2018-02-02).md": "# 羊圈规定\n\n<!-- INFO END -->\n\n## 第一章 总 则\n\n第一条 羊圈要结实。\n\n第二条 依照第一条修羊圈。\n\n第三条本规定自2018年5月1日起施行。\n",
		"社会法/羊工法(2018-12-29).md":      "# 中华人民共和国羊工法\n\n2018年12月29日 通过\n\n<!-- INFO END -->\n\n第一条 羊工。\n",
		"行政法规/信访工作条例(2022-02-25).md":  "# 信访工作条例\n\n2022年2月25日 发布\n\n<!-- INFO END -->\n\n第一条 信访。\n\n第二条 本条例自2022年5月1日起施行。\n",
		"民法典/继承编.md":                  "# 中华人民共和国民法典\n\n# 继承编\n\n2020年5月28日 通过\n\n<!-- INFO END -->\n\n第一千一百一十九条 本编。\n",
	} {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "链接.md")); err != nil {
		t.Fatal(err)
	}
	lib := NewLibrary(nil)
	rep := importAll(t, lib, dir)
	if rep.Added != 2 || len(rep.Skipped) != 3 {
		t.Errorf("report %+v", rep)
	}
	if a, err := lib.Article("羊圈规定", ArticleNo{N: 3}, day("2018-05-01")); err != nil || a.Level != "部门规章" {
		t.Errorf("羊圈规定: %v, %v", a, err)
	}
	if _, err := lib.Article("信访工作条例", ArticleNo{N: 1}, day("2022-04-30")); err == nil {
		t.Error("信访工作条例 held before its closing article says so")
	}
	for _, law := range []string{"羊工法", "民法典"} {
		_, err := lib.Article(law, ArticleNo{N: 1}, day("2026-01-01"))
		if !errors.Is(err, ErrNoText) || !strings.Contains(err.Error(), "版本不明") {
			t.Errorf("%s, whose version the file does not tell: %v", law, err)
		}
	}
}

func TestImportParts(t *testing.T) {
	t.Parallel()
	part := func(from, to int) string {
		var b strings.Builder
		for n := from; n <= to; n++ {
			fmt.Fprintf(&b, "- **%s**　　内容%d。\n\n", ArticleNo{N: n}.Han(), n)
		}
		return flkFile("中华人民共和国大法典", "2020-05-28", "2021-01-01", "有效", b.String())
	}
	lib := NewLibrary(nil)
	source := writeFile(t, "c.zip", zipOf(t, file{name: "2.md", text: part(101, 150)}, file{name: "1.md", text: part(1, 100)}))
	importAll(t, lib, source)
	l, _ := lib.Law("大法典")
	if len(l.Versions) != 1 || l.Versions[0].Articles != 150 {
		t.Fatalf("parts in several files make one version of 150 articles, got %+v", l.Versions)
	}
	if a, err := lib.Article("大法典", ArticleNo{N: 101}, day("2022-01-01")); err != nil || a.Text != "内容101。" {
		t.Errorf("article 101: %v, %v", a, err)
	}
	if rep := importAll(t, lib, source); rep.Unchanged != 2 || rep.Added+rep.Updated != 0 {
		t.Errorf("a second import changed something: %+v", rep)
	}
}

func TestImportJSONLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	e := json.NewEncoder(z)
	for _, a := range []jsonArticle{
		{Law: "羊法", Level: "法律", No: "1", Text: "旧。", Pub: "2010-01-01", Eff: "2010-02-01", Status: "superseded"},
		{Law: "羊法", Level: "法律", No: "1", Chapter: "第一章", Text: "新。", Pub: "2020-01-01", Eff: "2020-02-01", Status: "current"},
		{Law: "羊法", Level: "法律", No: "1-1", Chapter: "第一章", Text: "之一。", Pub: "2020-01-01", Eff: "2020-02-01", Status: "current"},
	} {
		if err := e.Encode(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	lib := NewLibrary(nil)
	importAll(t, lib, writeFile(t, "x.jsonl.gz", b.Bytes()))
	if a, err := lib.Article("羊法", ArticleNo{N: 1, Sub: 1}, day("2021-01-01")); err != nil || a.Text != "之一。" || a.Chapter != "第一章" {
		t.Errorf("got %v, %v", a, err)
	}
	if a, err := lib.Article("羊法", ArticleNo{N: 1}, day("2015-01-01")); err != nil || a.Text != "旧。" {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestImportReplacesAndKeepsTheBetterDated(t *testing.T) {
	t.Parallel()
	lib := NewLibrary(nil)
	text := flkFile("羊条例", "2020-01-01", "2020-02-01", "有效", "- **第一条**　　羊。\n")
	importAll(t, lib, writeFile(t, "1.md", []byte(text)))
	rep := importAll(t, lib, writeFile(t, "1.md", []byte(strings.Replace(text, "羊。", "好羊。", 1))))
	if rep.Updated != 1 || len(rep.Changed) != 1 {
		t.Errorf("a corrected text: %+v", rep)
	}
	header := "# 羊条例\n\n2020年1月1日通过\n\n**第一条**　另一种羊。\n"
	if _, err := Import(context.Background(), lib, []string{writeFile(t, "羊.md", []byte(header))}, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if a, _ := lib.Article("羊条例", ArticleNo{N: 1}, day("2021-01-01")); a.Text != "好羊。" {
		t.Errorf("a text dated by its header replaced a better dated one: %q", a.Text)
	}
}

func TestLibraryStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lib, err := OpenLibrary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	importAll(t, lib, writeFile(t, "1.md", []byte(flkFile("羊条例", "2020-01-01", "", "有效", sheepBody))))
	again, err := OpenLibrary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := again.Article("羊条例", ArticleNo{N: 2, Sub: 1}, day("2021-01-01"))
	if err != nil || a.Text != "夜里不放羊。" || isoDate(a.Effective) != "2020-01-31" {
		t.Errorf("read back %v, %v", a, err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.tmp*"))
	if len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
	at := filepath.Join(dir, segmentName)
	whole, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 31 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x20
		for _, data := range [][]byte{damaged, whole[:i]} {
			if err := os.WriteFile(at, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenLibrary(dir, nil); err == nil {
				t.Fatalf("a file damaged at byte %d was read", i)
			}
		}
	}
}

func TestLibraryRefusesToOverwriteAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, err := OpenLibrary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := OpenLibrary(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	importAll(t, one, writeFile(t, "1.md", []byte(flkFile("羊条例", "2020-01-01", "", "有效", sheepBody))))
	other := writeFile(t, "2.md", []byte(flkFile("牛条例", "2020-01-01", "", "有效", sheepBody)))
	if _, err := Import(context.Background(), two, []string{other}, ImportOptions{}); err == nil || !strings.Contains(err.Error(), "另一个程序") {
		t.Errorf("a library changed meanwhile was overwritten: %v", err)
	}
	importAll(t, one, other)
}

func TestNamesFromArchivesArePrintable(t *testing.T) {
	t.Parallel()
	lib := NewLibrary(nil)
	rep := importAll(t, lib, writeFile(t, "a.zip", zipOf(t,
		file{name: "\x1b[31m红.txt", text: "x"},
		file{name: "a.md", text: flkFile("羊\u202e条例\x1b[2J", "2020-01-01", "", "有效", sheepBody)})))
	if strings.ContainsRune(rep.Skipped[0].File, 0x1b) {
		t.Errorf("a control character in %q", rep.Skipped[0].File)
	}
	if title := lib.Laws()[0].Title; title != "羊条例[2J" {
		t.Errorf("title %q", title)
	}
}

func TestImportStopsWithContext(t *testing.T) {
	t.Parallel()
	lib := NewLibrary(nil)
	ctx, cancel := context.WithCancel(context.Background())
	var files []file
	for i := range 50 {
		files = append(files, file{name: fmt.Sprintf("%d.md", i), text: flkFile(fmt.Sprintf("条例%d", i), "2020-01-01", "", "有效", sheepBody)})
	}
	_, err := Import(ctx, lib, []string{writeFile(t, "a.tar.gz", tarGz(t, files...))}, ImportOptions{
		Progress: func(p ImportProgress) {
			if p.Documents == 20 {
				cancel()
			}
		},
		Now: func() time.Time { return day("2026-11-22") },
	})
	if !errors.Is(err, context.Canceled) || !lib.Empty() {
		t.Errorf("a stopped import left %d laws, %v", len(lib.Laws()), err)
	}
}
