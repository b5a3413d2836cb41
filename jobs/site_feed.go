package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// constant gives bytes that are there already.
func constant(b []byte) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return b, nil }
}

// Atom as RFC 4287 has it. A reader keeps what it has read, so what was
// withdrawn or corrected comes again, with its note as the newest entry.
type atomFeed struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang     string      `xml:"xml:lang,attr"`
	Title    string      `xml:"title"`
	ID       string      `xml:"id"`
	Updated  string      `xml:"updated"`
	Author   atomPerson  `xml:"author"`
	Links    []atomLink  `xml:"link"`
	Subtitle string      `xml:"subtitle"`
	Entries  []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title      string         `xml:"title"`
	ID         string         `xml:"id"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Summary    string         `xml:"summary"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

// jsonFeed is JSON Feed 1.1 (jsonfeed.org/version/1.1).
type jsonFeed struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePageURL string     `json:"home_page_url"`
	FeedURL     string     `json:"feed_url"`
	Description string     `json:"description"`
	Language    string     `json:"language"`
	Authors     []feedName `json:"authors"`
	Items       []feedItem `json:"items"`
}

type feedName struct {
	Name string `json:"name"`
}

type feedItem struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Title     string   `json:"title"`
	Text      string   `json:"content_text"`
	Published string   `json:"date_published"`
	Modified  string   `json:"date_modified"`
	Tags      []string `json:"tags"`
	Language  string   `json:"language"`
	// AIGC tells machines that a model helped; JSON Feed lets names that begin
	// with an underscore be added.
	AIGC *feedLabel `json:"_aigc,omitempty"`
}

type feedLabel struct {
	Label string `json:"Label"`
}

const disclaimer = "普法信息，不是律师意见；具体的事请打 12348。"

// entryID is an article's name for ever, wherever the site moves (RFC 4151).
func (p *planner) entryID(what string) string {
	u, err := url.Parse(p.o.Base)
	if err != nil {
		return "urn:mingbai:" + what // NewSite has parsed it
	}
	return "tag:" + strings.ToLower(u.Hostname()) + ",2025:pufa/" + what
}

// recent gives the articles that changed last, at most as many as a feed holds.
func (p *planner) recent(of []int) []int {
	list := slices.Clone(of)
	slices.SortStableFunc(list, func(a, b int) int {
		if c := p.heads[b].Updated.Compare(p.heads[a].Updated); c != 0 {
			return c
		}
		return b - a
	})
	return list[:min(len(list), feedSize)]
}

// inFeed gives what a feed says of an article.
func (h Head) inFeed() (title, text string) {
	if h.Withdrawn {
		return "【已撤回】" + h.Title, "本文已撤回，请不要再引用或转发。原因和更正见网页。"
	}
	text = h.Summary
	if text == "" {
		text = h.Title
	}
	if h.AI {
		text = "（含人工智能生成内容，AI生成，已经审核）" + text
	}
	return h.Title, text
}

func (p *planner) feeds() []object {
	all := p.recent(p.all())
	objects := []object{}
	for _, t := range p.topics {
		recent := p.recent(p.of[t])
		objects = append(objects, p.object(topicFeed(t), recent, []string{t}, func() ([]byte, error) {
			return p.atom(recent, topicFeed(t), topicKey(t), p.o.Title+"："+t)
		}))
	}
	return append(objects,
		p.object(jsonFeedKey, all, nil, func() ([]byte, error) { return p.jsonFeed(all) }),
		p.object(atomKey, all, nil, func() ([]byte, error) { return p.atom(all, atomKey, indexKey, p.o.Title) }))
}

func (p *planner) atom(recent []int, key, page, title string) ([]byte, error) {
	f := atomFeed{
		Lang: "zh-CN", Title: title, Subtitle: disclaimer, ID: p.entryID(key), Author: atomPerson{p.o.Unit},
		Updated: p.pages.iso(time.Unix(0, 0)),
		Links: []atomLink{
			{"self", "application/atom+xml", p.o.Base + key},
			{"alternate", "text/html", p.o.Base + page},
		},
	}
	for n, i := range recent {
		h := p.heads[i]
		if n == 0 {
			f.Updated = p.pages.iso(h.Updated)
		}
		name, text := h.inFeed()
		e := atomEntry{
			Title: name, ID: p.entryID(h.ID), Published: p.pages.iso(h.Published), Updated: p.pages.iso(h.Updated),
			Summary: text, Links: []atomLink{{"alternate", "text/html", p.URL(h.ID)}},
		}
		for _, t := range append([]string{h.Topic, h.Kind}, h.Tags...) {
			e.Categories = append(e.Categories, atomCategory{t})
		}
		f.Entries = append(f.Entries, e)
	}
	return toXML(f)
}

func toXML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (p *planner) jsonFeed(recent []int) ([]byte, error) {
	f := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: p.o.Title, HomePageURL: p.o.Base + indexKey, FeedURL: p.o.Base + jsonFeedKey,
		Description: disclaimer, Language: "zh-CN", Authors: []feedName{{p.o.Unit}}, Items: []feedItem{},
	}
	for _, i := range recent {
		h := p.heads[i]
		title, text := h.inFeed()
		item := feedItem{
			ID: p.entryID(h.ID), URL: p.URL(h.ID), Title: title, Text: text,
			Published: p.pages.iso(h.Published), Modified: p.pages.iso(h.Updated),
			Tags: append([]string{h.Topic, h.Kind}, h.Tags...), Language: "zh-CN",
		}
		if h.AI {
			item.AIGC = &feedLabel{"1"}
		}
		f.Items = append(f.Items, item)
	}
	return json.MarshalIndent(f, "", " ")
}

// The sitemap protocol 0.9.
type mapURL struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod,omitempty"`
}

type urlSet struct {
	XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []mapURL `xml:"url"`
}

type mapIndex struct {
	XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
	Maps    []mapURL `xml:"sitemap"`
}

func (p *planner) mapParts() []object {
	var objects []object
	all := p.all()
	for n := range (len(all) + mapSize - 1) / mapSize {
		from := chunk(all, mapSize, n)
		objects = append(objects, p.object(mapKey(n), from, nil, func() ([]byte, error) {
			var set urlSet
			for _, i := range from {
				if h := p.heads[i]; !h.Withdrawn {
					set.URLs = append(set.URLs, mapURL{p.URL(h.ID), p.pages.iso(h.Updated)})
				}
			}
			return toXML(set)
		}))
	}
	return objects
}

func (p *planner) sitemap() object {
	n := (len(p.heads) + mapSize - 1) / mapSize
	return p.object(sitemapKey, nil, []string{strconv.Itoa(n)}, func() ([]byte, error) {
		var index mapIndex
		for i := range n {
			index.Maps = append(index.Maps, mapURL{Loc: p.o.Base + mapKey(i)})
		}
		return toXML(index)
	})
}

// searchParts are the titles, in parts that a page loads from the newest on.
// Each row is [address, title, topic, day].
func (p *planner) searchParts() []object {
	var objects []object
	all := p.all()
	for n := range (len(all) + searchSize - 1) / searchSize {
		from := chunk(all, searchSize, n)
		objects = append(objects, p.object(searchKey(n), from, nil, func() ([]byte, error) {
			rows := [][4]string{}
			for _, i := range slices.Backward(from) {
				if h := p.heads[i]; !h.Withdrawn {
					rows = append(rows, [4]string{articleKey(h.ID), h.Title, h.Topic, h.Published.Format(time.DateOnly)})
				}
			}
			return json.Marshal(rows)
		}))
	}
	return objects
}
