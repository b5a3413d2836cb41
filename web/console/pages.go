package console

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/office"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the templates by name, each with the layout and the parts.
type pages map[string]*template.Template

// china is the zone in which times are shown.
var china = time.FixedZone("CST", 8*60*60)

var helpers = template.FuncMap{
	"input":   newInput,
	"choice":  newChoice,
	"time":    func(t time.Time) string { return shown(t, "2006-01-02 15:04") },
	"day":     func(t time.Time) string { return shown(t, "2006-01-02") },
	"days":    func() []string { return []string{"一", "二", "三", "四", "五", "六", "日"} },
	"join":    strings.Join,
	"count":   office.CountName,
	"address": func(parts ...any) string { return addressOf(parts...) },
}

func shown(t time.Time, form string) string {
	if t.IsZero() {
		return "—"
	}
	return t.In(china).Format(form)
}

// addressOf puts parts of an address together, each escaped as one step.
func addressOf(parts ...any) string {
	out := "/console"
	for _, p := range parts {
		out += "/" + url.PathEscape(fmt.Sprint(p))
	}
	return out
}

// readPages parses every file of pages/: layout.html and parts.html are in all,
// each other file is a page that defines "title" and "main".
func readPages() (pages, error) {
	base, err := template.New("layout.html").Funcs(helpers).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	list := pages{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("console: page %s: %w", name, err)
		}
		list[name] = t
	}
	return list, nil
}

// view is what the layout shows around a page.
type view struct {
	Me    office.Person
	Nav   []navGroup
	Flash string
	Place string
	Data  any // the page's own
}

// show answers with a page. Its template gets data as its dot.
func (c *call) show(status int, page string, data any) error {
	t := c.pages[page]
	if t == nil {
		return fmt.Errorf("console: there is no page %q", page)
	}
	v := view{Me: c.me, Nav: c.nav(), Place: c.o.Place(), Data: data}
	if c.session.Flash != "" {
		v.Flash = c.session.Flash
		if err := c.o.Office.SetFlash(c.r.Context(), c.session, ""); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return fmt.Errorf("console: page %s: %w", page, err)
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes()) // the client has gone
	return nil
}

// done ends an act: the browser fetches the page to, which says what was done.
func (c *call) done(to, said string) error {
	if said != "" && c.session.ID != 0 {
		if err := c.o.Office.SetFlash(c.r.Context(), c.session, said); err != nil {
			return err
		}
	}
	return c.redirect(to)
}

// guessing are the pages on which somebody is refused only after too many tries.
var guessing = []string{"sign_in", "prove", "password", "codes"}

// again shows the page of a form once more with what was typed and what is wrong
// with it, if err is one the person can do something about. f is in data.
func (c *call) again(err error, page string, f *form, data any) error {
	status, known := map[office.Kind]int{
		office.Invalid: http.StatusUnprocessableEntity, office.Conflict: http.StatusConflict, office.Forbidden: http.StatusForbidden,
		office.NotFound: http.StatusUnprocessableEntity, office.Unavailable: http.StatusServiceUnavailable,
	}[office.KindOf(err)]
	words := office.Words(err)
	if !known || words == "" {
		return err
	}
	if status == http.StatusServiceUnavailable {
		c.o.Log.Error("console page failed", "route", c.row.pattern, "err", err)
	}
	if status == http.StatusForbidden && slices.Contains(guessing, page) {
		status = http.StatusTooManyRequests
	}
	f.Fault = words
	return c.show(status, page, data)
}

// faultPage is the page for what goes wrong.
type faultPage struct {
	Title, Text, Ref string
}

// fail answers with what went wrong.
func (c *call) fail(err error) {
	page, status := faultPage{Title: "没有做成"}, http.StatusInternalServerError
	var e *office.Error
	if errors.As(err, &e) {
		page.Text = e.Msg
	}
	switch office.KindOf(err) {
	case office.NotFound:
		page.Title, status = "没有找到", http.StatusNotFound
	case office.Invalid:
		status = http.StatusUnprocessableEntity
	case office.Forbidden:
		status = http.StatusForbidden
	case office.Conflict:
		status = http.StatusConflict
	case office.Unavailable:
		page.Title, page.Text, status = "现在用不了", office.Words(err), http.StatusServiceUnavailable
		c.o.Log.Error("console page failed", "route", c.row.pattern, "err", err)
	default:
		page = faultPage{Title: "系统出了点问题", Text: "不是您的错，请过一两分钟再试。", Ref: reference()}
		c.o.Log.Error("console page failed", "ref", page.Ref, "route", c.row.pattern, "err", err)
	}
	if err := c.show(status, "fault", page); err != nil {
		c.o.Log.Error("console page failed", "route", c.row.pattern, "err", err)
		http.Error(c.w, page.Title+"："+page.Text+page.Ref, status)
	}
}

func reference() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// cutPattern parts a pattern into method and path.
func cutPattern(pattern string) (method, path string, ok bool) { return strings.Cut(pattern, " ") }

// inside lets only addresses of the console be gone on to.
func inside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Path != path.Clean(u.Path) || u.Path != "/console" && !strings.HasPrefix(u.Path, "/console/") {
		return "/console"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// id reads the number that the address names; no such page if it is none.
func (c *call) id() (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil || n <= 0 {
		return 0, errNoPage
	}
	return n, nil
}
