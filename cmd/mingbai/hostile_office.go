package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"mingbai/office"
)

// hostileStaff is the office that attacks are run against: a county with two
// townships, A and B.
type hostileStaff struct {
	admin, clerkA, clerkB, officerA, officerA2, officerB, helperB office.Person
	login, password                                               string // of the administrator
	orgs                                                          map[string]office.Org
}

// found sets up the office in fresh records.
func (r *hostileRange) found() error {
	db := r.first().server.records
	s := &hostileStaff{orgs: map[string]office.Org{}, login: "range-admin"}
	rows := [][]string{
		{"上级", "类别", "名称", "简称"}, {"", "县", "青禾县", ""},
		{"青禾县", "乡镇街道", "城东街道", "城东"}, {"城东街道", "村社区", "三里村", ""},
		{"青禾县", "乡镇街道", "城西镇", "城西"}, {"城西镇", "村社区", "五里村", ""},
	}
	if rep, err := db.ImportOrgs(r.ctx, "range", rows, false); err != nil || len(rep.Errors) > 0 {
		return fmt.Errorf("set up the office: %v, %w", rep.Errors, err)
	}
	list, err := db.Orgs(r.ctx)
	if err != nil {
		return err
	}
	for _, o := range list {
		s.orgs[o.Name] = o
	}
	if s.admin, s.password, err = db.AddAdmin(r.ctx, "range", s.login, office.Person{Name: "管理员"}); err != nil {
		return err
	}
	for _, h := range []struct {
		who  *office.Person
		name string
		role office.Role
		org  string
	}{
		{&s.clerkA, "甲经办", office.Clerk, "城东街道"}, {&s.clerkB, "乙经办", office.Clerk, "城西镇"},
		{&s.officerA, "甲普法", office.Officer, "城东街道"}, {&s.officerA2, "丙普法", office.Officer, "城东街道"}, {&s.officerB, "乙普法", office.Officer, "城西镇"},
		{&s.helperB, "乙明白", office.Helper, "五里村"},
	} {
		if *h.who, err = db.AddPerson(r.ctx, "range", office.Person{Name: h.name, Posts: []office.Post{{Role: h.role, Org: s.orgs[h.org]}}}); err != nil {
			return err
		}
		if _, err := db.AddConsoleAccount(r.ctx, "range", h.who.ID, fmt.Sprint("range-", h.who.ID)); err != nil {
			return err
		}
	}
	write, _, _ := db.Handles()
	if _, err := write.ExecContext(r.ctx, `UPDATE console_accounts SET must_change = 0`); err != nil { // they have passwords of their own
		return err
	}
	r.staff = s
	return nil
}

// visitor is somebody at the console.
type visitor struct {
	r      *hostileRange
	cookie string
}

// signedIn is a visitor who has signed in.
func (r *hostileRange) signedIn(p office.Person) (*visitor, error) {
	token, err := r.first().server.records.OpenConsole(r.ctx, p.ID, "range")
	return &visitor{r, token}, err
}

// consoleCookie is the session's cookie on loopback.
const consoleCookie = "mingbai-loopback"

// do makes one request at the console; a form makes it a POST. Redirects are not
// followed.
func (v *visitor) do(path string, form url.Values, change func(*http.Request)) (status int, body string, header http.Header, err error) {
	method, in := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, in = http.MethodPost, strings.NewReader(form.Encode())
	}
	q, err := http.NewRequestWithContext(v.r.ctx, method, v.r.first().base+path, in)
	if err != nil {
		return 0, "", nil, err
	}
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		q.AddCookie(&http.Cookie{Name: consoleCookie, Value: v.cookie})
	}
	if change != nil {
		change(q)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(q)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxHostileBody))
	return resp.StatusCode, string(text), resp.Header, err
}

// see gives the pages as documents; those that are not there are left out.
func (v *visitor) see(paths ...string) (dom string, shape []string, found []string, err error) {
	var b strings.Builder
	for _, path := range paths {
		status, body, header, err := v.do(path, nil, nil)
		if err != nil {
			return "", nil, nil, err
		}
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			continue
		}
		found = append(found, path)
		root, err := html.Parse(strings.NewReader(body))
		if err != nil {
			return "", nil, nil, fmt.Errorf("page %s: %w", path, err)
		}
		b.WriteString("<!-- " + quoteDOM.Replace(path) + " -->\n")
		writeDOM(&b, root)
		shape = append(shape, shapeOf(root)...)
	}
	slices.Sort(shape)
	return b.String(), slices.Compact(shape), found, nil
}

// quoteDOM escapes what is words in a document: its text and the values of
// attributes. What is left of markup in writeDOM's output is markup.
var quoteDOM = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "=", "&#61;")

// writeDOM writes a parsed document as a browser would have it: elements and
// attributes as they are, words escaped, an equals sign too. "onerror=" in the
// output is an attribute, and not somebody's words.
func writeDOM(b *strings.Builder, n *html.Node) {
	switch n.Type {
	case html.TextNode:
		if n.Parent != nil && (n.Parent.Data == "script" || n.Parent.Data == "style") {
			b.WriteString(n.Data)
		} else if text := strings.TrimSpace(n.Data); text != "" {
			b.WriteString(quoteDOM.Replace(text) + "\n")
		}
	case html.ElementNode:
		b.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			value := quoteDOM.Replace(a.Val)
			if runs(a) {
				value = a.Val
			}
			b.WriteString(" " + a.Key + "=" + value)
		}
		b.WriteString(">")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		writeDOM(b, c)
	}
}

// runs says whether a browser would run an attribute's value, or go where a
// script says.
func runs(a html.Attribute) bool {
	value := strings.ToLower(strings.TrimSpace(a.Val))
	return strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" ||
		slices.Contains([]string{"href", "src", "action", "formaction", "data"}, a.Key) && (strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:"))
}

// shapeOf lists the sorts of elements in a document, each with the names of its
// attributes: words may change, sorts may not.
func shapeOf(n *html.Node) (out []string) {
	if n.Type == html.ElementNode {
		names := []string{}
		for _, a := range n.Attr {
			name := a.Key
			if runs(a) {
				name += "!"
			}
			names = append(names, name)
		}
		slices.Sort(names)
		out = append(out, n.Data+"["+strings.Join(names, " ")+"]")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		out = append(out, shapeOf(c)...)
	}
	return out
}

// strange lists the sorts of elements that were not there before. Those that
// plain pages are made of may come and go with what a page shows.
func strange(before, after []string) (out []string) {
	for _, s := range after {
		name, attributes, _ := strings.Cut(strings.TrimSuffix(s, "]"), "[")
		plain := slices.Contains([]string{"a", "p", "div", "span", "table", "thead", "tbody", "tr", "td", "th", "ul", "ol", "li", "dl", "dt", "dd", "section", "details", "summary", "h1", "h2", "h3", "h4",
			"strong", "em", "form", "label", "input", "select", "option", "textarea", "button", "time", "small", "b", "br", "hr", "nav", "fieldset", "legend", "pre", "code", "mark"}, name)
		if !slices.Contains(before, s) && (!plain || runsSomething.MatchString(attributes)) {
			out = append(out, s)
		}
	}
	return out
}

// runsSomething finds attributes that run something, or that no page of ours has.
var runsSomething = regexp.MustCompile(`(?:^| )(?:on\w+|\S*!|style|srcdoc|http-equiv)(?: |$)`)
