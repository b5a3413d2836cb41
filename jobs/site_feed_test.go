package jobs_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"mingbai/jobs"
)

// checkAtom lists what RFC 4287 forbids in a feed (sections 3.3, 4.1.1, 4.1.2,
// 4.2) and its recommendations that readers rely on.
func checkAtom(text []byte) (bad []string) {
	const ns = "http://www.w3.org/2005/Atom"
	type link struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	type common struct {
		IDs     []string `xml:"http://www.w3.org/2005/Atom id"`
		Titles  []string `xml:"http://www.w3.org/2005/Atom title"`
		Updated []string `xml:"http://www.w3.org/2005/Atom updated"`
		Links   []link   `xml:"http://www.w3.org/2005/Atom link"`
		Authors []struct {
			Name string `xml:"http://www.w3.org/2005/Atom name"`
		} `xml:"http://www.w3.org/2005/Atom author"`
	}
	var f struct {
		XMLName xml.Name
		Lang    string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		common
		Entries []struct {
			common
			Published []string `xml:"http://www.w3.org/2005/Atom published"`
			Summary   []string `xml:"http://www.w3.org/2005/Atom summary"`
		} `xml:"http://www.w3.org/2005/Atom entry"`
	}
	say := func(format string, a ...any) { bad = append(bad, fmt.Sprintf(format, a...)) }
	if err := xml.Unmarshal(text, &f); err != nil {
		return []string{err.Error()}
	}
	if f.XMLName.Space != ns || f.XMLName.Local != "feed" || f.Lang == "" {
		say("the root is %v, its language %q", f.XMLName, f.Lang)
	}
	ids := map[string]bool{}
	one := func(what string, c common, last time.Time) time.Time {
		if len(c.IDs) != 1 || len(c.Titles) != 1 || len(c.Updated) != 1 {
			say("%s has %d ids, %d titles, %d updated", what, len(c.IDs), len(c.Titles), len(c.Updated))
			return last
		}
		if u, err := url.Parse(c.IDs[0]); err != nil || !u.IsAbs() || ids[c.IDs[0]] {
			say("%s: the id %q is no absolute IRI or is there twice", what, c.IDs[0])
		}
		ids[c.IDs[0]] = true
		if strings.TrimSpace(c.Titles[0]) == "" {
			say("%s has no title", what)
		}
		at, err := time.Parse(time.RFC3339, c.Updated[0])
		if err != nil {
			say("%s: updated: %v", what, err)
		}
		alternates := 0
		for _, l := range c.Links {
			if u, err := url.Parse(l.Href); err != nil || !u.IsAbs() {
				say("%s: the link %q is not absolute", what, l.Href)
			}
			if l.Rel == "alternate" {
				alternates++
			}
		}
		if alternates != 1 {
			say("%s has %d alternate links", what, alternates)
		}
		return at
	}
	top := one("the feed", f.common, time.Time{})
	if len(f.Authors) != 1 || f.Authors[0].Name == "" {
		say("the feed has no author, and its entries have none")
	}
	for i, e := range f.Entries {
		what := fmt.Sprintf("entry %d", i)
		at := one(what, e.common, time.Time{})
		if at.After(top) {
			say("%s is newer than the feed", what)
		}
		if len(e.Summary) != 1 || len(e.Published) != 1 {
			say("%s has %d summaries, %d published", what, len(e.Summary), len(e.Published))
		} else if p, err := time.Parse(time.RFC3339, e.Published[0]); err != nil || p.After(at) {
			say("%s was published %q, after it was updated", what, e.Published[0])
		}
	}
	return bad
}

// checkJSONFeed lists what JSON Feed 1.1 forbids.
func checkJSONFeed(text []byte) (bad []string) {
	var f struct {
		Version string           `json:"version"`
		Title   string           `json:"title"`
		Home    string           `json:"home_page_url"`
		Feed    string           `json:"feed_url"`
		Items   []map[string]any `json:"items"`
	}
	say := func(format string, a ...any) { bad = append(bad, fmt.Sprintf(format, a...)) }
	if err := json.Unmarshal(text, &f); err != nil {
		return []string{err.Error()}
	}
	if f.Version != "https://jsonfeed.org/version/1.1" || f.Title == "" || f.Items == nil {
		say("version %q, title %q, items %v", f.Version, f.Title, f.Items != nil)
	}
	for _, a := range []string{f.Home, f.Feed} {
		if u, err := url.Parse(a); err != nil || !u.IsAbs() {
			say("%q is not absolute", a)
		}
	}
	ids := map[any]bool{}
	for i, item := range f.Items {
		id, ok := item["id"].(string)
		if !ok || id == "" || ids[id] {
			say("item %d: the id %v is no text or is there twice", i, item["id"])
		}
		ids[id] = true
		if item["content_text"] == nil && item["content_html"] == nil {
			say("item %d has no content", i)
		}
		if u, err := url.Parse(fmt.Sprint(item["url"])); err != nil || !u.IsAbs() {
			say("item %d: %v is not absolute", i, item["url"])
		}
		for _, d := range []string{"date_published", "date_modified"} {
			if _, err := time.Parse(time.RFC3339, fmt.Sprint(item[d])); err != nil {
				say("item %d: %s: %v", i, d, err)
			}
		}
	}
	return bad
}

func TestFeeds_KeepTheRules(t *testing.T) {
	t.Parallel()
	empty := &shelf{}
	full := many(70)
	full.add(wages())
	full.change("p00003", func(a *jobs.Article) { a.Withdrawn, a.Updated = true, first.Add(3000*time.Hour) })
	odd := &shelf{}
	a := article(1)
	a.Title, a.Summary, a.Topic, a.Tags = "<a>&\x00\u202e]]>\"'", "\ufffe\xff第一行\n第二行", "婚姻&家庭<", []string{"", "\x01"}
	odd.add(a)
	for name, from := range map[string]*shelf{"empty": empty, "full": full, "odd": odd} {
		_, _, root := build(t, from)
		files := tree(t, root)
		n := 0
		for key, text := range files {
			if key == "feed.xml" || strings.HasPrefix(key, "topic/") && strings.HasSuffix(key, ".xml") {
				n++
				if bad := checkAtom([]byte(text)); len(bad) > 0 {
					t.Errorf("%s %s: %s", name, key, strings.Join(bad, "\n"))
				}
			}
		}
		if bad := checkJSONFeed([]byte(files["feed.json"])); len(bad) > 0 || n == 0 {
			t.Errorf("%s feed.json: %s; %d Atom feeds", name, strings.Join(bad, "\n"), n)
		}
	}
	_, _, root := build(t, full)
	files := tree(t, root)
	if !strings.Contains(files["feed.xml"], "【已撤回】第3篇") || strings.Count(files["feed.xml"], "<entry>") != 30 {
		t.Error("the feed does not begin with what was withdrawn, or is not as long as it should be")
	}
}

// TestFeeds_CheckersFindFaults makes sure that the checkers above can fail.
func TestFeeds_CheckersFindFaults(t *testing.T) {
	t.Parallel()
	_, _, root := build(t, many(3))
	files := tree(t, root)
	for _, c := range []struct{ old, new string }{
		{"<id>tag:pufa.example.gov.cn,2025:pufa/p00002</id>", ""}, {"p00002</id>", "p00001</id>"},
		{"<updated>2026-03-02T12", "<updated>2026-03-02 12"}, {` href="https://`, ` href="//`}, {"<name>某某县司法局</name>", ""}, {"</feed>", ""},
		{"<summary>", "<summery>"}, {` xml:lang="zh-CN"`, ""},
	} {
		if bad := checkAtom([]byte(strings.Replace(files["feed.xml"], c.old, c.new, 1))); len(bad) == 0 || !strings.Contains(files["feed.xml"], c.old) {
			t.Errorf("Atom: %q instead of %q is not found", c.new, c.old)
		}
	}
	for _, c := range []struct{ old, new string }{
		{`/version/1.1"`, `/version/1"`}, {"pufa/p00002\"", "pufa/p00001\""}, {`"content_text"`, `"content_txt"`}, {`"date_modified": "2`, `"date_modified": "x`}, {`"items": [`, `"things": [`},
	} {
		if bad := checkJSONFeed([]byte(strings.Replace(files["feed.json"], c.old, c.new, 1))); len(bad) == 0 || !strings.Contains(files["feed.json"], c.old) {
			t.Errorf("JSON Feed: %q instead of %q is not found", c.new, c.old)
		}
	}
}

// FuzzFeeds: whatever articles say of themselves, feeds, sitemap and search index
// are well formed and keep their rules.
func FuzzFeeds(f *testing.F) {
	f.Add("题目", "摘要", "专题", "标签", int64(1_700_000_000), int64(1_800_000_000), true)
	f.Add("<b>&]]>", "\x00\ufffe\U0001F468", "\u202eabc", "\r\n", int64(-1), int64(0), false)
	f.Add("", "", "", "", int64(1<<40), int64(-1<<40), true)
	f.Fuzz(func(t *testing.T, title, summary, topic, tag string, published, updated int64, withdrawn bool) {
		from := &shelf{}
		for i := range 2 {
			a := article(i)
			a.Title, a.Summary, a.Topic, a.Tags, a.Withdrawn = title, summary, topic, []string{tag}, withdrawn
			a.Published, a.Updated = time.Unix(published%253402300799, 0), time.Unix(updated%253402300799, 0)
			if a.Published.Year() < 1 || a.Published.Year() > 9998 || a.Updated.Year() > 9998 {
				t.Skip("no office's clock says so")
			}
			from.add(a)
		}
		m := &memory{}
		sync1(t, newSite(t, from, m))
		for key, o := range m.objects {
			switch {
			case strings.HasSuffix(key, ".xml") && strings.Contains(o.Type, "atom"):
				if bad := checkAtom(o.Body); len(bad) > 0 {
					t.Fatalf("%s: %s\n%s", key, bad, o.Body)
				}
			case strings.HasSuffix(key, ".xml"):
				d := xml.NewDecoder(bytes.NewReader(o.Body))
				for {
					if _, err := d.Token(); err == io.EOF {
						break
					} else if err != nil {
						t.Fatalf("%s: %v", key, err)
					}
				}
			case key == "feed.json":
				if bad := checkJSONFeed(o.Body); len(bad) > 0 {
					t.Fatalf("%s: %s", key, bad)
				}
			case strings.HasSuffix(key, ".json") && !json.Valid(o.Body):
				t.Fatalf("%s is no JSON", key)
			case strings.HasSuffix(key, ".html"):
				harmless(t, string(o.Body))
			}
		}
	})
}

// markup is what a page may consist of, with the attributes that may hold an
// address.
var markup = regexp.MustCompile(`^(html|head|meta|title|link|script|body|a|header|div|p|nav|main|article|h[1-4]|time|figure|img|strong|em|section|ol|ul|li|footer|form|label|input|button|noscript|span|blockquote|hr|br|code|pre)$`)

// harmless checks that a page has no script but its own, no handler, and links
// only to where they may lead.
func harmless(t testing.TB, text string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			k := z.Token()
			if !markup.MatchString(k.Data) {
				t.Fatalf("a page has a <%s>: %s", k.Data, k)
			}
			for _, a := range k.Attr {
				address := a.Key == "href" || a.Key == "src" || a.Key == "action"
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || k.Data == "script" && !strings.Contains(a.Val, "assets/") && a.Key == "src" {
					t.Fatalf("a page has %s", k)
				}
				u, err := url.Parse(a.Val)
				if err == nil {
					u.Host = strings.ToLower(u.Host)
				}
				if address && (err != nil || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "tel" || u.Host != "" && u.Host != "pufa.example.gov.cn" && u.Host != "www.12348.gov.cn" && u.Host != "v.example.gov.cn") {
					t.Fatalf("a page leads to %q: %s", a.Val, k)
				}
			}
		}
	}
}

// FuzzMarkdown: whatever an article's text is, its page has no script, no handler
// and no link to a place that is not registered; its words stay.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{
		wages().Body, "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](data:text/html;base64,AAAA)", "<a href=\"https://www.12348.gov.cn\" onclick=x>",
		"[a](https://www.12348.gov.cn/\" onmouseover=\"x)", "<https://bad.example>", "[a][b]\n\n[b]: https://bad.example 'x'", "# # #\n####### x", "[[a](https://bad.example)](https://www.12348.gov.cn)",
		"`<img src=x>`", "    <svg/onload=x>", "<!-- --> <![CDATA[x]]> <?php ?>", "a\\\nb  \nc", "\x00\u202e", ">>>>>>- 1. *_**", "<style>*{display:none}</style>", "[x](//bad.example)", "[x](https://www.12348.gov.cn@bad.example)", "[x](https://www.12348.gov.cn:8443/)", "[x](HTTPS://WWW.12348.GOV.CN/)",
	} {
		f.Add(s)
	}
	hosts := options().Hosts
	f.Fuzz(func(t *testing.T, text string) {
		got, err := jobs.HTML(text, hosts)
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, string(got))
		plain := jobs.PlainText(text, hosts)
		if strings.Contains(plain, "javascript:") && !strings.Contains(text, "javascript:") {
			t.Errorf("%q became %q", text, plain)
		}
	})
}
