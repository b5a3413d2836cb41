package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sizes of the lists. Lists are filled from the oldest article on and are closed
// when full, so that a new article changes no closed list; what is not in one
// yet stands on the front page of its list.
const (
	listSize   = 50   // articles of a closed list page
	topicSize  = 30   // articles of a closed page of one topic
	searchSize = 500  // titles in one part of the search index
	mapSize    = 1000 // addresses in one part of the sitemap
	frontLeast = 20   // articles that a front page shows at least, if there are so many
	feedSize   = 30   // entries of a feed
)

// Keys of objects. They are addresses: none may ever change.
func articleKey(id string) string      { return "a/" + id + ".html" }
func largeKey(id string) string        { return "large/" + id + ".html" }
func textKey(id string) string         { return "text/" + id + ".txt" }
func posterKey(h Head) string          { return "img/" + h.ID + "." + h.Image }
func listKey(n int) string             { return fmt.Sprintf("list/%04d.html", n+1) }
func searchKey(n int) string           { return fmt.Sprintf("search/%04d.json", n+1) }
func mapKey(n int) string              { return fmt.Sprintf("sitemap/%04d.xml", n+1) }
func topicKey(t string) string         { return "topic/" + topicID(t) + ".html" }
func topicFeed(t string) string        { return "topic/" + topicID(t) + ".xml" }
func topicList(t string, n int) string { return fmt.Sprintf("topic/%s-%04d.html", topicID(t), n+1) }

const (
	indexKey    = "index.html"
	searchPage  = "search.html"
	notFoundKey = "404.html"
	robotsKey   = "robots.txt"
	atomKey     = "feed.xml"
	jsonFeedKey = "feed.json"
	sitemapKey  = "sitemap.xml"
)

// topicID makes an address of a topic's name that needs no escaping anywhere.
func topicID(name string) string {
	s := sha256.Sum256([]byte(name))
	return hex.EncodeToString(s[:4])
}

// kinds of files that the site consists of.
var fileTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
	".xml":  "application/xml; charset=utf-8",
	".png":  posterTypes["png"],
	".jpg":  posterTypes["jpg"],
	".webp": posterTypes["webp"],
}

var posterTypes = map[string]string{"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}

func contentType(key string) string {
	switch {
	case key == atomKey || strings.HasPrefix(key, "topic/") && strings.HasSuffix(key, ".xml"):
		return "application/atom+xml; charset=utf-8"
	case key == jsonFeedKey:
		return "application/feed+json; charset=utf-8"
	}
	return fileTypes[path.Ext(key)]
}

// cacheControl says how long readers and caches may keep an object: five minutes
// for pages, so that a recall is everywhere soon; one minute for what changes
// with each article; a year for what has its sum in its name.
func cacheControl(key string) string {
	switch dir, _, _ := strings.Cut(key, "/"); {
	case dir == "assets":
		return "public, max-age=31536000, immutable"
	case dir == "manifest":
		return "no-store"
	case dir == "a", dir == "large", dir == "text", dir == "img", dir == "list":
		return "public, max-age=300, must-revalidate"
	}
	return "public, max-age=60, must-revalidate"
}

// parts is a sum of everything of a head that lists show.
func (h Head) parts() string {
	return fingerprint("head", h.ID, h.Kind, h.Title, h.Summary, h.Topic, strings.Join(h.Tags, "\x1f"), h.Image,
		strconv.FormatBool(h.AI), stamp(h.Published), stamp(h.Updated), strconv.FormatBool(h.Withdrawn), h.Version)
}

func headParts(list []Head) []string {
	parts := make([]string, len(list))
	for i, h := range list {
		parts[i] = h.parts()
	}
	return parts
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// plan lists what the site consists of, in the order of writing.
func (s *Site) plan(heads []Head, bad func(string, error)) []stage {
	p := &planner{Site: s, heads: heads, parts: headParts(heads), bad: bad}
	p.group()
	return []stage{
		loose(s.pages.assets()...),
		p.articles(true), // what was withdrawn may do harm as long as it stands
		p.articles(false),
		loose(slices.Concat(p.lists(), p.topicLists(), p.searchParts(), p.mapParts())...),
		loose(p.topicFronts()...),
		loose(p.searchPage(), p.sitemap(), p.notFound(), p.robots()),
		loose(p.index()),
		loose(p.feeds()...),
	}
}

// planner plans one state of the source.
type planner struct {
	*Site
	heads  []Head
	parts  []string // of each head
	bad    func(string, error)
	topics []string         // names, in the order of their first article
	of     map[string][]int // articles of each topic
}

func (p *planner) group() {
	p.of = map[string][]int{}
	for i, h := range p.heads {
		if p.of[h.Topic] == nil {
			p.topics = append(p.topics, h.Topic)
		}
		p.of[h.Topic] = append(p.of[h.Topic], i)
	}
}

// object plans one object that is rendered from these articles and parts.
func (p *planner) object(key string, from []int, extra []string, render func() ([]byte, error)) object {
	parts := append([]string{p.pages.version, key}, extra...)
	for _, i := range from {
		parts = append(parts, p.parts[i])
	}
	return object{key, fingerprint("object", parts...), func(context.Context) ([]byte, error) { return render() }}
}

// articles plans the pages of each article. The page that others link to comes
// last, so what it links to is there.
func (p *planner) articles(withdrawn bool) stage {
	var st stage
	for i, h := range p.heads {
		if h.Withdrawn != withdrawn {
			continue
		}
		get := p.load(h)
		in := fingerprint("article", p.pages.version, p.parts[i])
		g := group{shard: i / shardSize}
		add := func(key string, render func(*shown) ([]byte, error)) {
			g.objects = append(g.objects, object{key, in, func(ctx context.Context) ([]byte, error) {
				a, err := get(ctx)
				if err != nil {
					return nil, err
				}
				return render(a)
			}})
		}
		if h.Image != "" && !withdrawn {
			add(posterKey(h), func(a *shown) ([]byte, error) { return a.Poster, nil })
		}
		add(textKey(h.ID), p.pages.plain)
		add(largeKey(h.ID), func(a *shown) ([]byte, error) { return p.pages.article(a, true) })
		add(articleKey(h.ID), func(a *shown) ([]byte, error) { return p.pages.article(a, false) })
		st = append(st, g)
	}
	return st
}

// load reads an article once for all its pages, which are rendered one after
// the other.
func (p *planner) load(h Head) func(context.Context) (*shown, error) {
	var got *shown
	return func(ctx context.Context) (*shown, error) {
		if got != nil {
			return got, nil
		}
		a, err := p.from.Article(ctx, h.ID)
		if err != nil {
			return nil, fmt.Errorf("read article %s: %w", h.ID, err)
		}
		a.Head = h
		one, err := p.show(a)
		if err != nil {
			p.bad(h.ID, err)
		}
		got = one
		return got, nil
	}
}

// chunk gives the numbers of the n-th part of a list.
func chunk(list []int, size, n int) []int { return list[n*size : min(len(list), (n+1)*size)] }

func (p *planner) all() []int {
	list := make([]int, len(p.heads))
	for i := range list {
		list[i] = i
	}
	return list
}

// newest gives the articles of a list that its front page shows, newest first:
// those in no closed page, and as many more as make a page worth looking at.
func newest(list []int, size int) []int {
	n := max(len(list)%size, min(frontLeast, len(list)))
	front := slices.Clone(list[len(list)-n:])
	slices.Reverse(front)
	return front
}

func (p *planner) lists() []object {
	var objects []object
	all := p.all()
	closed := len(all) / listSize
	for n := range closed {
		from := chunk(all, listSize, n)
		more := strconv.FormatBool(n+1 < closed)
		objects = append(objects, p.object(listKey(n), from, []string{more}, func() ([]byte, error) {
			v := p.listing(listKey(n), fmt.Sprintf("往期内容 第 %d 页", n+1), from)
			p.turn(v, n, closed, listKey, indexKey)
			return p.pages.list(v)
		}))
	}
	return objects
}

func (p *planner) topicLists() []object {
	var objects []object
	for _, t := range p.topics {
		of := p.of[t]
		closed := len(of) / topicSize
		for n := range closed {
			from := chunk(of, topicSize, n)
			key := func(n int) string { return topicList(t, n) }
			more := strconv.FormatBool(n+1 < closed)
			objects = append(objects, p.object(key(n), from, []string{more}, func() ([]byte, error) {
				v := p.listing(key(n), fmt.Sprintf("%s 第 %d 页", t, n+1), from)
				p.turn(v, n, closed, key, topicKey(t))
				return p.pages.list(v)
			}))
		}
	}
	return objects
}

// turn sets the links to the pages before and after.
func (p *planner) turn(v *view, n, closed int, key func(int) string, front string) {
	v.Front = v.Root + front
	if n > 0 {
		v.Older = v.Root + key(n-1)
	}
	v.Newer = v.Root + front
	if n+1 < closed {
		v.Newer = v.Root + key(n+1)
	}
}

func (p *planner) topicFronts() []object {
	var objects []object
	for _, t := range p.topics {
		of := p.of[t]
		front, closed := newest(of, topicSize), len(of)/topicSize
		objects = append(objects, p.object(topicKey(t), front, []string{strconv.Itoa(closed)}, func() ([]byte, error) {
			v := p.listing(topicKey(t), "专题："+t, nil)
			v.fill(p.heads, front)
			v.Feed = v.Root + topicFeed(t)
			if closed > 0 {
				v.Older = v.Root + topicList(t, closed-1)
			}
			return p.pages.list(v)
		}))
	}
	return objects
}

func (p *planner) index() object {
	all := p.all()
	front, closed := newest(all, listSize), len(all)/listSize
	extra := []string{strconv.Itoa(closed)}
	for _, t := range p.topics {
		extra = append(extra, t, strconv.Itoa(len(p.of[t])))
	}
	return p.object(indexKey, front, extra, func() ([]byte, error) {
		v := p.listing(indexKey, p.o.Title, nil)
		v.fill(p.heads, front)
		v.Home = true
		for _, t := range p.topics {
			v.Topics = append(v.Topics, topicLink{t, v.Root + topicKey(t), len(p.of[t])})
		}
		slices.SortStableFunc(v.Topics, func(a, b topicLink) int { return b.Count - a.Count })
		if closed > 0 {
			v.Older = v.Root + listKey(closed-1)
		}
		return p.pages.list(v)
	})
}

func (p *planner) searchPage() object {
	all := p.all()
	closed, parts := len(all)/listSize, (len(all)+searchSize-1)/searchSize
	var ends []int // first and last of each closed page
	for n := range closed {
		ends = append(ends, n*listSize, (n+1)*listSize-1)
	}
	return p.object(searchPage, ends, []string{strconv.Itoa(parts)}, func() ([]byte, error) {
		v := p.listing(searchPage, "查找", nil)
		v.Parts = parts
		for n := range closed {
			v.Pages = append(v.Pages, pageLink{n + 1, v.Root + listKey(n), p.heads[n*listSize].Published, p.heads[(n+1)*listSize-1].Published})
		}
		return p.pages.search(v)
	})
}

func (p *planner) notFound() object {
	return p.object(notFoundKey, nil, nil, func() ([]byte, error) { return p.pages.missing() })
}

func (p *planner) robots() object {
	return p.object(robotsKey, nil, nil, func() ([]byte, error) {
		return []byte("User-agent: *\nDisallow: /manifest/\nSitemap: " + p.o.Base + sitemapKey + "\n"), nil
	})
}
