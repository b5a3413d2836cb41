package knowledge

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const wordNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

// docx makes a .docx whose main document has the given XML body.
func docx(t testing.TB, body string, more ...file) []byte {
	t.Helper()
	return zipOf(t, append([]file{
		{name: "[Content_Types].xml", text: "<Types/>"},
		{name: "word/document.xml", text: `<?xml version="1.0" encoding="UTF-8"?><w:document ` + wordNS + `><w:body>` + body + `</w:body></w:document>`},
	}, more...)...)
}

func paragraphs(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(`<w:p><w:r><w:t xml:space="preserve">` + l + `</w:t></w:r></w:p>`)
	}
	return b.String()
}

func TestImportDocx(t *testing.T) {
	t.Parallel()
	body := paragraphs("中华人民共和国", "养羊法", "（1990年1月2日第一次会议通过　根据2020年3月4日第九次会议《关于修改〈养羊法〉的决定》修正）",
		"目　　录", "第一章　总　则", "第二章　附　则", "第一章　总　则", "第一条　养羊要修羊圈。", "前款所称羊，包括山羊。") +
		`<w:p><w:r><w:t>第二条　羊圈</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>隐藏指令</w:t></w:r><w:del><w:r><w:delText>删</w:delText><w:t>删去的</w:t></w:r></w:del><w:r><w:t>要结实。</w:t></w:r></w:p>` +
		paragraphs("第二章　附　则", "第三条　本法自1990年6月1日起施行。")
	lib := NewLibrary(nil)
	importAll(t, lib, writeFile(t, "养羊法_20200304.docx", docx(t, body)))
	l, ok := lib.Law("养羊法")
	if !ok || l.Title != "中华人民共和国养羊法" || l.Versions[0].Articles != 3 || isoDate(l.Versions[0].Published) != "2020-03-04" {
		t.Fatalf("read %+v", l)
	}
	a, err := lib.Article("养羊法", ArticleNo{N: 2}, day("2021-01-01"))
	if err != nil || a.Text != "羊圈要结实。" || a.Chapter != "第一章 总则" {
		t.Errorf("article 2: %+v, %v", a, err)
	}
}

func TestImportDocxOfCourt(t *testing.T) {
	t.Parallel()
	body := paragraphs("中华人民共和国最高人民法院", "公　告", "《最高人民法院关于羊的解释（一）》已于2020年12月25日由审判委员会第1次会议通过，现予公布，自2021年1月1日起施行。", "2020年12月29日",
		"最高人民法院关于羊的解释（一）", "（2020年12月25日通过，自2021年1月1日起施行）", "一、一般规定", "第一条　羊有下列情形之一的：", "（一）走失；", "（二）跑了。",
		"二、附则", "第二条　本解释自2021年1月1日起施行。")
	lib := NewLibrary(nil)
	importAll(t, lib, writeFile(t, "x.docx", docx(t, body)))
	l, ok := lib.Law("最高人民法院关于羊的解释（一）")
	if !ok || isoDate(l.Versions[0].Published) != "2020-12-29" && isoDate(l.Versions[0].Published) != "2020-12-25" || isoDate(l.Versions[0].Effective) != "2021-01-01" {
		t.Fatalf("read %+v", l)
	}
	a, err := lib.Article(l.Title, ArticleNo{N: 1}, day("2022-01-01"))
	if err != nil || !strings.HasSuffix(a.Text, "跑了。") {
		t.Errorf("article 1: %+v, %v", a, err)
	}
	if a, err := lib.Article(l.Title, ArticleNo{N: 2}, day("2022-01-01")); err != nil || a.Chapter != "二、附则" {
		t.Errorf("article 2: %+v, %v", a, err)
	}
}

// lyingZip declares a size of 10 bytes for a file that unpacks to far more.
func lyingZip(t testing.TB, name, text string) []byte {
	data := zipOf(t, file{name: name, text: text})
	// The central directory's header: signature, then the uncompressed size at 24.
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+24:], 10)
	return data
}

func TestHostileSourcesAreRefused(t *testing.T) {
	t.Parallel()
	law := flkFile("羊条例", "2020-01-01", "", "有效", sheepBody)
	zeros := strings.Repeat("0", 30<<20)
	many := make([]file, maxDocxFiles+1)
	for i := range many {
		many[i] = file{name: "word/media/" + strings.Repeat("x", i%50) + "/" + string(rune('a'+i%26)) + ".xml"}
	}
	sources := map[string]struct {
		file string
		data []byte
		want string
	}{
		"tar bomb":               {"a.tar.gz", tarGz(t, file{name: "a.md", text: law}, file{name: "b.md", text: zeros}), "拒绝"},
		"tar bomb of other file": {"a.tar.gz", tarGz(t, file{name: "a.md", text: law}, file{name: "b.bin", text: zeros}), "炸弹"},
		"zip bomb":               {"a.zip", zipOf(t, file{name: "b.md", text: zeros}), "拒绝"},
		"zip that lies":          {"a.zip", lyingZip(t, "b.md", zeros), ""},
		"traversal":              {"a.zip", zipOf(t, file{name: "a.md", text: law}, file{name: "../../etc/x.md", text: law}), "越出目录"},
		"traversal by backslash": {"a.zip", zipOf(t, file{name: `..\x.md`, text: law}), "越出目录"},
		"absolute path":          {"a.tar.gz", tarGz(t, file{name: "/etc/x.md", text: law}), "绝对路径"},
		"drive letter":           {"a.zip", zipOf(t, file{name: `C:\x.md`, text: law}), "绝对路径"},
		"symlink in tar":         {"a.tar.gz", tarGz(t, file{name: "a.md", text: law}, file{name: "b.md", text: "/etc/passwd", kind: tar.TypeSymlink}), "链接"},
		"hard link in tar":       {"a.tar.gz", tarGz(t, file{name: "b.md", text: "a.md", kind: tar.TypeLink}), "链接"},
		"device in tar":          {"a.tar.gz", tarGz(t, file{name: "b.md", kind: tar.TypeChar}), "设备"},
		"symlink in zip":         {"a.zip", zipOf(t, file{name: "b.md", text: "/etc/passwd", kind: tar.TypeSymlink}), "链接"},
		"archive in archive":     {"a.zip", zipOf(t, file{name: "a.md", text: law}, file{name: "b.zip", text: "PK"}), "又有压缩包"},
		"cut off":                {"a.tar.gz", tarGz(t, file{name: "a.md", text: law})[:200], "坏了"},
		"no archive at all":      {"a.zip", []byte("hello"), "打不开"},
		"too deep":               {"a.zip", zipOf(t, file{name: strings.Repeat("d/", 40) + "a.md", text: law}), "层"},
		"not a document":         {"a.exe", []byte("MZ"), "不是能导入的文件"},
		"not UTF-8":              {"a.md", []byte("---\ntitle: x\npublication_date: 2020-01-01\n---\n\xff\xfe"), "UTF-8"},
		"docx bomb":              {"a.docx", docx(t, paragraphs(strings.Repeat("羊", 8<<20))), "拒绝"},
		"docx part bomb":         {"a.docx", docx(t, paragraphs("羊"), file{name: "word/x.xml", text: zeros}), "拒绝"},
		"docx with many parts":   {"a.docx", docx(t, "", many...), "超过 2000 个"},
		"docx entities":          {"a.docx", zipOf(t, file{name: "word/document.xml", text: `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document ` + wordNS + `><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:document>`}), "DOCTYPE"},
		"docx unknown entity":    {"a.docx", docx(t, `<w:p><w:r><w:t>&laugh;</w:t></w:r></w:p>`), "XML"},
		"docx nested":            {"a.docx", docx(t, strings.Repeat("<w:p>", 500)+strings.Repeat("</w:p>", 500)), "嵌套"},
		"docx traversal":         {"a.docx", docx(t, paragraphs("羊"), file{name: "../x.xml", text: "x"}), "越出目录"},
		"docx without document":  {"a.docx", zipOf(t, file{name: "x.xml", text: "x"}), "没有正文"},
		"jsonl that is none":     {"a.jsonl", []byte("{oops\n"), "第 1 行"},
	}
	for name, s := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lib, err := OpenLibrary(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			importAll(t, lib, writeFile(t, "ok.md", []byte(flkFile("好条例", "2020-01-01", "", "有效", sheepBody))))
			before, err := os.ReadFile(filepath.Join(dir, segmentName))
			if err != nil {
				t.Fatal(err)
			}
			at := writeFile(t, s.file, s.data)
			_, err = Import(context.Background(), lib, []string{at}, ImportOptions{})
			if err == nil || !strings.Contains(err.Error(), s.want) {
				t.Errorf("error %v, want one with %q", err, s.want)
			}
			after, _ := os.ReadFile(filepath.Join(dir, segmentName))
			if !bytes.Equal(before, after) || len(lib.Laws()) != 1 {
				t.Error("a refused source changed the library")
			}
			if files, _ := filepath.Glob(filepath.Join(filepath.Dir(at), "*")); len(files) != 1 {
				t.Errorf("files beside the source: %v", files)
			}
		})
	}
}

func TestImportSingleSymlinkIsRefused(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "x.md")
	if err := os.Symlink(writeFile(t, "y.md", []byte("x")), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(context.Background(), NewLibrary(nil), []string{link}, ImportOptions{}); err == nil {
		t.Error("a symbolic link was imported")
	}
}

func TestFetchRefusesAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"http://flk.npc.gov.cn/x.docx",
		"file:///etc/passwd",
		"https://flk.npc.gov.cn.evil.example/x.md",
		"https://evil.example/flk.npc.gov.cn/x.md",
		"https://user:pass@flk.npc.gov.cn/x.md",
		"https://flk.npc.gov.cn:8443/x.md",
		"https://127.0.0.1/x.md",
		"https://[::1]/x.md",
		"https://169.254.169.254/latest/meta-data",
		"https://flk.npc.gov.cn@127.0.0.1/x.md",
		"gopher://flk.npc.gov.cn/",
		"https://localhost/x.md",
	} {
		if _, err := Import(context.Background(), NewLibrary(nil), []string{address}, ImportOptions{}); err == nil || !strings.ContainsAny(err.Error(), "只不网") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"114.114.114.114:443": true, "[2400:3200::1]:443": true,
		"114.114.114.114:80": false, "127.0.0.1:443": false, "10.1.2.3:443": false, "192.168.0.1:443": false, "172.16.0.1:443": false,
		"169.254.169.254:443": false, "100.64.0.1:443": false, "0.0.0.0:443": false, "224.0.0.1:443": false, "255.255.255.255:443": false,
		"[::1]:443": false, "[fe80::1%eth0]:443": false, "[fd00::1]:443": false, "[::ffff:127.0.0.1]:443": false, "[64:ff9b::7f00:1]:443": false,
		"[2002:7f00:1::]:443": false, "198.18.0.1:443": false,
	} {
		if err := checkAddress(netip.MustParseAddrPort(address)); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// fetchFrom downloads path from a TLS server on loopback with handler h.
func fetchFrom(t *testing.T, path string, o FetchOptions, h http.HandlerFunc) (*Library, error) {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.roots = x509.NewCertPool()
	o.roots.AddCert(server.Certificate())
	o.Hosts = []string{u.Hostname()}
	if o.reach == nil {
		o.reach = func(netip.AddrPort) error { return nil }
	}
	lib := NewLibrary(nil)
	_, err = Import(context.Background(), lib, []string{server.URL + path}, ImportOptions{Fetch: o})
	return lib, err
}

func TestFetch(t *testing.T) {
	t.Parallel()
	law := []byte(flkFile("羊条例", "2020-01-01", "", "有效", sheepBody))
	serve := func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(law) }
	if lib, err := fetchFrom(t, "/download?id=1", FetchOptions{}, serve); err != nil || lib.Empty() {
		t.Errorf("a plain download: %v", err)
	}
	for name, c := range map[string]struct {
		o    FetchOptions
		h    http.HandlerFunc
		want string
	}{
		"inner address": {FetchOptions{reach: checkAddress}, serve, "内部或保留"},
		"too large":     {FetchOptions{MaxBytes: 100}, serve, "超过上限"},
		"no length, large": {FetchOptions{MaxBytes: 100}, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(law)
		}, "超过上限"},
		"redirect away": {FetchOptions{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/x.md", http.StatusFound)
		}, "不在允许"},
		"redirect to http": {FetchOptions{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/x", http.StatusFound)
		}, "https"},
		"redirect loop": {FetchOptions{}, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "次"},
		"not found":     {FetchOptions{}, http.NotFound, "404"},
		"too slow":      {FetchOptions{Timeout: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "下载"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lib, err := fetchFrom(t, "/x.md", c.o, c.h)
			if err == nil || !strings.Contains(err.Error(), c.want) || !lib.Empty() {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func FuzzImportMarkdown(f *testing.F) {
	f.Add(flkFile("羊条例", "2020-01-01", "", "有效", sheepBody))
	f.Add("# 羊法\n\n2019年4月23日通过\n\n**第一条**　羊。\n\n第二条 羊\n")
	f.Add("---\n---\n# \n第一条\n第一条之一 x\n附件\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLaw("部门规章/x(2020-01-01).md", []byte(text), nil, nil)
		if err != nil {
			return
		}
		if !l.sound() {
			t.Fatalf("spans out of order or bounds: %+v", l.spans)
		}
		again, ok := decodeText(string(l.encode(nil)))
		if !ok || again.blob != l.blob || len(again.spans) != len(l.spans) {
			t.Fatal("a text changed on its way to disk and back")
		}
	})
}

func FuzzDocx(f *testing.F) {
	f.Add(paragraphs("羊法", "（2020年1月2日通过）", "第一条　羊。"))
	f.Add(`<w:p><w:del><w:t>x</w:t></w:del></w:p></w:p><!DOCTYPE x>&a;`)
	f.Fuzz(func(t *testing.T, body string) {
		l, err := parseDocx("x.docx", docx(t, body), nil)
		if err == nil && !l.sound() {
			t.Fatalf("spans out of order or bounds: %+v", l.spans)
		}
	})
}

func FuzzTar(f *testing.F) {
	packed := tarGz(f, file{name: "a.md", text: flkFile("羊条例", "2020-01-01", "", "有效", sheepBody)})
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(plain)
	f.Fuzz(func(t *testing.T, data []byte) {
		to := sink{skip: func(string, string) {}, take: func(d document) error {
			if len(d.data) > maxLawText || strings.HasPrefix(d.name, "../") || strings.HasPrefix(d.name, "/") {
				t.Fatalf("took %q of %d bytes", d.name, len(d.data))
			}
			return nil
		}}
		for _, name := range []string{"x.tar.gz", "x.tar", "x.zip"} {
			_ = readFile(context.Background(), name, bytes.NewReader(data), int64(len(data)), to) // errors are fine
		}
	})
}
