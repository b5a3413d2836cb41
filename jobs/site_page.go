package jobs

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
)

//go:embed site
var siteFiles embed.FS

// renderVersion must be raised when what Go code writes into a page changes;
// templates and styles are counted by themselves.
const renderVersion = "1"

// pages renders one object each; the same input gives the same bytes.
type pages struct {
	o       SiteOptions
	t       *template.Template
	version string // of everything but the articles that pages are made of
	style   string // keys of assets
	script  string
	icon    string
	files   map[string][]byte // assets by key
}

func newPages(o SiteOptions) (*pages, error) {
	p := &pages{o: o, files: map[string][]byte{}}
	var err error
	if p.t, err = template.New("").Funcs(template.FuncMap{"day": p.day, "iso": p.iso}).ParseFS(siteFiles, "site/*.html"); err != nil {
		return nil, fmt.Errorf("site: templates: %w", err)
	}
	parts := []string{renderVersion, o.Title, o.Unit, o.Base, strings.Join(o.Hosts, "\x1f"), o.Zone.String()}
	err = fs.WalkDir(siteFiles, "site", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(siteFiles, name)
		if err != nil {
			return err
		}
		parts = append(parts, name, string(body))
		base, ext := strings.TrimSuffix(path.Base(name), path.Ext(name)), path.Ext(name)
		key := "assets/" + base + "-" + sum(body)[:10] + ext
		switch ext {
		case ".css":
			p.style, p.files[key] = key, body
		case ".js":
			p.script, p.files[key] = key, body
		case ".svg":
			p.icon, p.files[key] = key, body
		}
		return nil
	})
	p.version = fingerprint("pages", parts...)
	return p, err
}

func (p *pages) day(t time.Time) string { return t.In(p.o.Zone).Format("2006年1月2日") }
func (p *pages) iso(t time.Time) string { return t.In(p.o.Zone).Format(time.RFC3339) }

func (p *pages) assets() []object {
	var objects []object
	for _, key := range []string{p.style, p.script, p.icon} {
		objects = append(objects, object{key, fingerprint("asset", key), constant(p.files[key])})
	}
	return objects
}

// view is what a template gets.
type view struct {
	Site      SiteOptions
	Root      string // relative way to the site's root, "" or "../"
	Style     string
	Icon      string
	Script    string // "": the page has none
	Title     string
	Canonical string
	Feed      string
	Large     bool
	Home      bool

	Rows                []row
	Topics              []topicLink
	Pages               []pageLink
	Parts               int
	Older, Newer, Front string

	A     *shown
	Other string // the same article in the other size
	Plain string // and as plain text
}

// row is one article in a list.
type row struct {
	Head
	Link string
}

type topicLink struct {
	Name, Link string
	Count      int
}

type pageLink struct {
	N        int
	Link     string
	From, To time.Time
}

// view begins the view of a page.
func (p *pages) view(key, title string) *view {
	v := &view{Site: p.o, Title: title, Canonical: p.o.Base + key}
	if strings.Contains(key, "/") {
		v.Root = "../"
	}
	v.Style, v.Icon, v.Feed = v.Root+p.style, v.Root+p.icon, v.Root+atomKey
	return v
}

// listing begins the view of a list; from is shown newest first, if given.
func (p *planner) listing(key, title string, from []int) *view {
	v := p.pages.view(key, title)
	for i := len(from) - 1; i >= 0; i-- {
		v.add(p.heads[from[i]])
	}
	return v
}

// fill shows these articles but the withdrawn.
func (v *view) fill(heads []Head, which []int) {
	for _, i := range which {
		if !heads[i].Withdrawn {
			v.add(heads[i])
		}
	}
}

func (v *view) add(h Head) { v.Rows = append(v.Rows, row{h, v.Root + articleKey(h.ID)}) }

// shown is an article ready for a template.
type shown struct {
	Article
	HTML    template.HTML
	Text    string // plain
	Lead    string // the summary, unless the text begins with the same words
	Bad     bool   // cannot be shown; the page says so and nothing else
	Label   string // what the reader is told if a model helped
	Meta    string // the same for machines, JSON
	Link    string // to the topic
	Picture string // key
	Changed bool   // was corrected after it was published
}

// show makes an article ready. If it cannot be shown, what it gives says so.
func (p *planner) show(a Article) (*shown, error) {
	v := &shown{Article: a, Link: topicKey(a.Topic), Changed: a.Updated.After(a.Published)}
	v.Author, v.Approver = oneLine(a.Author, maxName), oneLine(a.Approver, maxName)
	v.Note, v.Alt = oneLine(a.Note, maxSummary), oneLine(a.Alt, maxSummary)
	v.Laws = nil
	for _, l := range a.Laws {
		v.Laws = append(v.Laws, Law{oneLine(l.Name, maxTitle), oneLine(l.Article, maxTitle), oneLine(l.From, maxName), oneLine(l.Checked, maxName)})
	}
	if a.AI {
		v.Label, v.Meta = aiLabel(v.Approver), p.aiMeta(a)
	}
	if a.Withdrawn {
		v.Body = ""
		return v, nil
	}
	err := p.check(a)
	if err == nil {
		v.HTML, err = HTML(a.Body, p.o.Hosts)
	}
	if err != nil {
		v.Bad, v.Body, v.HTML, v.Video, v.Poster, v.Head.Image = true, "", "", "", nil, ""
		return v, err
	}
	v.Text = PlainText(a.Body, p.o.Hosts)
	if !strings.HasPrefix(bare(v.Text), bare(strings.TrimSuffix(a.Summary, "…"))) {
		v.Lead = a.Summary
	}
	if a.Image != "" {
		v.Picture = posterKey(a.Head)
	}
	return v, nil
}

// bare is a text without what stands between its words.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("【】■·", r) {
			return -1
		}
		return r
	}, s)
}

// aiLabel is the visible label: 人工智能生成合成内容标识办法 (in force 2025-09-01)
// articles 4 and 5 ask for words at the start of the text; what a person approved
// says so.
func aiLabel(approver string) string {
	if approver == "" {
		approver = "发布单位"
	}
	return "含人工智能生成内容（AI生成，辅助起草），已由" + approver + "审核"
}

// aiMeta is the label in the file's metadata, as the same rules ask for: property
// of the content, who made it, its number. The field names are those of GB
// 45438-2025 as seen in published files.
func (p *planner) aiMeta(a Article) string {
	type aigc struct {
		Label             string
		ContentProducer   string
		ProduceID         string
		ReservedCode1     string
		ContentPropagator string
		PropagateID       string
		ReservedCode2     string
	}
	b, _ := json.Marshal(map[string]aigc{"AIGC": { // strings only
		Label: "1", ContentProducer: oneLine(a.Author, maxName), ProduceID: a.ID,
		ContentPropagator: oneLine(p.o.Unit, maxName), PropagateID: a.ID,
	}})
	return string(b)
}

func (p *pages) render(name string, v *view) ([]byte, error) {
	var b bytes.Buffer
	if err := p.t.ExecuteTemplate(&b, name, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// withdrawnMark begins the page of a withdrawn article, so that a server can
// answer 410 for it.
const withdrawnMark = "<!doctype html><!-- 已撤回 -->"

func (p *pages) article(a *shown, large bool) ([]byte, error) {
	key, other := articleKey(a.ID), largeKey(a.ID)
	if large {
		key, other = other, key
	}
	v := p.view(key, a.Title)
	v.A, v.Large, v.Canonical = a, large, p.o.Base+articleKey(a.ID)
	v.Other, v.Plain = v.Root+other, v.Root+textKey(a.ID)
	if a.Withdrawn {
		b, err := p.render("withdrawn.html", v)
		return bytes.Replace(b, []byte("<!doctype html>"), []byte(withdrawnMark), 1), err
	}
	return p.render("article.html", v)
}

func (p *pages) list(v *view) ([]byte, error) { return p.render("list.html", v) }

func (p *pages) search(v *view) ([]byte, error) {
	v.Script = v.Root + p.script
	return p.render("search.html", v)
}

// missing is the page for addresses that lead nowhere. It may be shown at any
// depth, so its links are absolute.
func (p *pages) missing() ([]byte, error) {
	v := p.view(notFoundKey, "没有这一页")
	v.Root, v.Style, v.Icon = p.o.Base, p.o.Base+p.style, p.o.Base+p.icon
	return p.render("missing.html", v)
}

// plain is the article as text: for screen readers, old phones and loudspeakers.
func (p *pages) plain(a *shown) ([]byte, error) {
	var b strings.Builder
	line := func(format string, x ...any) { fmt.Fprintf(&b, format+"\n", x...) }
	line("%s", a.Title)
	line("%s · %s · %s发布", a.Kind, a.Topic, p.day(a.Published))
	line("")
	if a.Withdrawn {
		line("本文已于%s撤回，请不要再引用或转发。", p.day(a.Updated))
		if a.Note != "" {
			line("原因：%s", a.Note)
		}
		p.closing(line)
		return []byte(b.String()), nil
	}
	if a.Bad {
		line("本文暂时不能显示，请打 12348 咨询。")
		p.closing(line)
		return []byte(b.String()), nil
	}
	if a.Label != "" {
		line("【%s】", a.Label)
	}
	if a.Changed && a.Note != "" {
		line("【%s更正】%s", p.day(a.Updated), a.Note)
	}
	if a.Lead != "" {
		line("%s\n", a.Lead)
	}
	b.WriteString(a.Text)
	if a.Alt != "" {
		line("\n图片：%s", a.Alt)
	}
	if a.Video != "" {
		line("\n视频：%s", a.Video)
	}
	if len(a.Laws) > 0 {
		line("\n依据：")
	}
	for i, l := range a.Laws {
		line("%d. %s", i+1, l)
	}
	line("\n作者：%s　审核：%s", a.Author, a.Approver)
	p.closing(line)
	if a.Meta != "" {
		line("%s", a.Meta)
	}
	return []byte(b.String()), nil
}

func (p *pages) closing(line func(string, ...any)) {
	line("\n这是普法信息，不是律师意见。遇到具体的事，请打 12348 公共法律服务热线（免费）。")
	line("%s", p.o.Unit)
}

// String is how a source is cited.
func (l Law) String() string {
	s := "《" + strings.Trim(l.Name, "《》") + "》" + l.Article
	if l.From != "" {
		s += "，" + l.From + " 起施行"
	}
	if l.Checked != "" {
		s += "，" + l.Checked + " 核对"
	}
	return s
}

// VideoHost is shown with the link, so that readers know where it leads.
func (a Article) VideoHost() string {
	u, err := url.Parse(a.Video)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// isPoster says whether the bytes are a picture of that type.
func isPoster(kind string, b []byte) bool {
	return len(b) > 0 && http.DetectContentType(b) == posterTypes[kind]
}
