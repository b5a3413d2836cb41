package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Head is what lists, feeds and the search index say of an article.
type Head struct {
	ID        string // lower-case letters, digits and dashes; it is the page's address for ever
	Kind      string // as readers see it: 文章, 问答, 以案说法, 视频, 海报
	Title     string // one line
	Summary   string // plain text
	Topic     string // as readers see it; "" goes under 综合
	Tags      []string
	Image     string // "png", "jpg" or "webp" if the article has a poster, else ""
	AI        bool   // a model helped to write it
	Published time.Time
	Updated   time.Time // zero if it never changed
	Withdrawn bool
	// Version changes whenever anything that the article's pages show changes.
	Version string
}

// Article is a reviewed item as the public reads it.
type Article struct {
	Head
	Body     string // the Markdown subset that HTML describes
	Laws     []Law
	Author   string // unit
	Approver string // unit
	Note     string // why it was corrected or withdrawn, plain text
	Video    string // https address on a registered host, or ""
	Alt      string // what the poster shows, for those who cannot see it
	Poster   []byte // the picture itself, of the type that Image says
}

// Law is one source of an article.
type Law struct {
	Name    string // 中华人民共和国民法典
	Article string // 第一千零四十二条; "" for the whole law
	From    string // ISO date since when this version is in force
	Checked string // ISO date on which somebody or something last made sure
}

// Source gives what the site should hold now.
type Source interface {
	// Heads lists every article, the withdrawn too, in the order in which they
	// were first published. New ones come last; that order never changes.
	Heads(ctx context.Context) ([]Head, error)
	// Article gives one of them whole. An error means that the source cannot be
	// read now, and ends the run.
	Article(ctx context.Context, id string) (Article, error)
}

// SiteOptions is what every page says of its publisher.
type SiteOptions struct {
	Title string // 某某县普法
	Unit  string // who publishes: 某某县司法局
	// Base is the public address of the site with a slash at its end. Feeds,
	// the sitemap and canonical links need it; pages link each other relatively.
	Base  string
	Hosts []string // hosts that links may lead to, besides Base's
	Zone  *time.Location
	Log   *slog.Logger // discarded if nil
}

// Site keeps a store equal to its source: one page an article, lists, feeds, a
// search index. It is safe for concurrent use; several processes may share a
// store as long as they share the source.
type Site struct {
	o     SiteOptions
	from  Source
	store Store
	pages *pages

	mu     sync.Mutex
	shards map[string]shard // read before, by the sum of their text
	// unsure are objects put by a run that has not seen its work confirmed; what
	// a manifest says of them may be another process's older word.
	unsure map[string]entry
}

// NewSite gives the site of a source in a store. Nothing is written yet.
func NewSite(from Source, store Store, o SiteOptions) (*Site, error) {
	u, err := url.Parse(o.Base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !strings.HasSuffix(u.Path, "/") {
		return nil, fmt.Errorf("site: the base address %q should read https://host/path/", o.Base)
	}
	if o.Zone == nil {
		o.Zone = time.FixedZone("CST", 8*3600)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Title == "" {
		o.Title = "普法"
	}
	if o.Unit == "" {
		o.Unit = o.Title
	}
	o.Hosts = append(slices.Clone(o.Hosts), u.Hostname())
	p, err := newPages(o)
	if err != nil {
		return nil, err
	}
	return &Site{o: o, from: from, store: store, pages: p, shards: map[string]shard{}, unsure: map[string]entry{}}, nil
}

// URL is the public address of an article's page.
func (s *Site) URL(id string) string { return s.o.Base + articleKey(id) }

// Synced says what a run did.
type Synced struct {
	Articles int
	Written  []string // keys, in the order in which they were written
	Deleted  []string
	Bytes    int64
	// Bad are articles that cannot be shown, by ID: their page says so.
	Bad map[string]error
}

// rounds is how often a run starts again because the source changed meanwhile.
const rounds = 12

// Sync makes the store hold what the source holds and writes nothing that is
// there already. Pages go before the lists that name them, the index and the
// feeds go last, so that whatever stops a run leaves a site whose links work;
// the next run goes on from there. With full it renders every page anew, for a
// check of what was rendered by an older program.
func (s *Site) Sync(ctx context.Context, full bool) (Synced, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all Synced
	heads, err := s.heads(ctx)
	if err != nil {
		return all, err
	}
	for range rounds {
		done, err := s.once(ctx, heads, full)
		all.Articles, all.Bad = done.Articles, done.Bad
		all.Written = append(all.Written, done.Written...)
		all.Deleted = append(all.Deleted, done.Deleted...)
		all.Bytes += done.Bytes
		if err != nil {
			return all, err
		}
		// Another process may have written the lists of a newer state before ours.
		// Whoever finds the state moved writes again, so the last one to look is
		// the one who wrote the newest.
		now, err := s.heads(ctx)
		if err != nil {
			return all, err
		}
		if slices.Equal(headParts(now), headParts(heads)) {
			clear(s.unsure)
			return all, nil
		}
		heads = now
	}
	return all, errors.New("site: the source changes faster than it can be published")
}

// heads reads the list of articles and makes it fit to be shown.
func (s *Site) heads(ctx context.Context) ([]Head, error) {
	list, err := s.from.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("site: list the articles: %w", err)
	}
	list = slices.Clone(list)
	seen := make(map[string]bool, len(list))
	for i := range list {
		h := &list[i]
		if !idPattern.MatchString(h.ID) || seen[h.ID] {
			return nil, fmt.Errorf("site: the article number %q cannot be an address or is there twice", h.ID)
		}
		seen[h.ID] = true
		h.tidy(s.o.Zone)
	}
	return list, nil
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Bounds of what an article may say of itself, in runes.
const (
	maxTitle   = 120
	maxSummary = 400
	maxName    = 40 // of a topic, a kind, a tag
	maxTags    = 12
)

func (h *Head) tidy(zone *time.Location) {
	h.Title, h.Summary = oneLine(h.Title, maxTitle), oneLine(h.Summary, maxSummary)
	h.Kind, h.Topic = oneLine(h.Kind, maxName), oneLine(h.Topic, maxName)
	if h.Topic == "" {
		h.Topic = "综合"
	}
	if h.Kind == "" {
		h.Kind = "文章"
	}
	if h.Title == "" {
		h.Title = "（没有标题）"
	}
	tags := make([]string, 0, len(h.Tags))
	for _, t := range h.Tags[:min(len(h.Tags), maxTags)] {
		if t = oneLine(t, maxName); t != "" {
			tags = append(tags, t)
		}
	}
	h.Tags = tags
	h.Published = h.Published.In(zone).Truncate(time.Second)
	if h.Updated.Before(h.Published) {
		h.Updated = h.Published
	}
	h.Updated = h.Updated.In(zone).Truncate(time.Second)
	if posterTypes[h.Image] == "" {
		h.Image = ""
	}
}

// oneLine gives the text without line breaks, controls and marks that turn the
// direction of writing, at most n runes long.
func oneLine(s string, n int) string {
	if clean(s, n) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF || unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r) || r == 0x2028 || r == 0x2029:
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// clean says that oneLine has nothing to do, which is so of nearly every text.
func clean(s string, n int) bool {
	runes, space := 0, true
	for _, r := range s {
		runes++
		if r == ' ' && space || r < ' ' || r >= 0x7F && r < 0xA0 || r >= 0xFFFD || r >= 0x2000 && r < 0x2070 || r == 0x061C || r == 0x3000 || r == 0x1680 || r == 0xA0 {
			return false
		}
		space = r == ' '
	}
	return runes <= n && (runes == 0 || !space)
}

// maxBody bounds an article's text, in bytes; a page of it is read in half an hour.
const maxBody = 64 << 10

// maxPoster bounds a picture, in bytes: what a phone on a village network loads
// in a few seconds.
const maxPoster = 2 << 20

// check says why an article cannot be shown.
func (s *Site) check(a Article) error {
	switch {
	case a.Published.IsZero():
		return errors.New("没有发布时间")
	case len(a.Body) > maxBody:
		return fmt.Errorf("正文超过 %d KB", maxBody>>10)
	case !utf8.ValidString(a.Body):
		return errors.New("正文不是 UTF-8 文字")
	case a.Video != "" && !allowed(a.Video, s.o.Hosts):
		return errors.New("视频网址不在登记的网站里，或者不是 https")
	case a.Image != "" && len(a.Poster) > maxPoster:
		return fmt.Errorf("图片超过 %d MB", maxPoster>>20)
	case a.Image != "" && !isPoster(a.Image, a.Poster):
		return errors.New("图片不是 PNG、JPEG 或 WebP")
	}
	return nil
}
