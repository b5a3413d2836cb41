package knowledge

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mingbai/calendar"
)

//go:embed corpus
var corpus embed.FS

// Corpus is the knowledge built into the program: entries/, rules/, topics.yaml,
// the lexicon, the registry of laws and the lay index. It holds no law text.
func Corpus() fs.FS {
	sub, err := fs.Sub(corpus, "corpus")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// BaseOptions say where a Base gets its knowledge from.
type BaseOptions struct {
	Dir     string // own entries, over the built-in ones; "" for none
	LawsDir string // imported law texts; "" for none
	Cache   string // file to keep the index of articles in; "" for none
	Model   string // file of a model trained here; the built-in one if it is not there
	Now     func() time.Time
	Log     *slog.Logger

	Embedder  Embedder // gives the vectors of questions; nil: Retrieve works by words alone
	Embedding string   // its model
	Vectors   string   // file that an EmbedJob of that model keeps
}

// Base is the whole knowledge, ready to be asked. It is safe for concurrent use;
// Reload swaps it whole.
type Base struct {
	o      BaseOptions
	reload sync.Mutex
	state  atomic.Pointer[state]
	off    atomic.Pointer[map[string]string]

	reranker atomic.Pointer[LLM]
}

// state is one loaded version of everything.
type state struct {
	entries  []*Entry // by id
	byID     map[string]*Entry
	domains  []Domain
	topics   map[string]string // id → name
	rules    Rules
	registry *Registry
	library  *Library                      // nil without LawsDir
	lay      func() ([]LayPhrase, []Fault) // read when first needed
	model    *Model
	index    *Index        // of the entries
	articles *lazyArticles // of the articles of imported laws
	dense    *lazyDense
	stale    map[string][]Stale // by entry: its law changed since it was reviewed
	faults   []Fault
	stamp    string // of Dir and LawsDir, to see changes
	loaded   time.Time
}

// OpenBase loads the built-in knowledge and what BaseOptions add to it. Files
// with faults are left out and listed by Faults; only damage to the built-in
// part is an error.
func OpenBase(ctx context.Context, o BaseOptions) (*Base, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Dir != "" {
		if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("KNOWLEDGE_DIR：没有目录 %s，请建立它或改这个设置", o.Dir)
		}
	}
	b := &Base{o: o}
	b.SetOff(nil)
	s, err := b.load()
	if err != nil {
		return nil, err
	}
	b.state.Store(s)
	return b, ctx.Err()
}

// Reload loads everything anew if the files changed, and says whether it did.
// Questions under way go on with the version they started with.
func (b *Base) Reload() (bool, error) {
	b.reload.Lock()
	defer b.reload.Unlock()
	if b.stamp() == b.state.Load().stamp {
		return false, nil
	}
	s, err := b.load()
	if err != nil {
		return false, err
	}
	b.state.Store(s)
	b.o.Log.Info("knowledge reloaded", "entries", len(s.entries), "faults", len(s.faults))
	return true, nil
}

// stamp names the present state of the files the base was loaded from.
func (b *Base) stamp() string {
	var s strings.Builder
	for _, dir := range []string{b.o.Dir, b.o.LawsDir} {
		if dir == "" {
			continue
		}
		_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // a directory that is not there yet has no state
			}
			if info, err := d.Info(); err == nil && !d.IsDir() {
				fmt.Fprintf(&s, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	if info, err := os.Stat(b.o.Vectors); err == nil && b.o.Embedder != nil {
		fmt.Fprintf(&s, "%s %d %d\n", b.o.Vectors, info.Size(), info.ModTime().UnixNano())
	}
	return s.String()
}

func (b *Base) load() (*state, error) {
	s := &state{byID: map[string]*Entry{}, topics: map[string]string{}, stamp: b.stamp(), loaded: b.o.Now()}
	builtin := Corpus()
	text, err := fs.ReadFile(builtin, "topics.yaml")
	if err != nil {
		return nil, err
	}
	if s.domains, err = ParseDomains(text); err != nil {
		return nil, err
	}
	for _, d := range s.domains {
		for id, name := range d.Topics {
			s.topics[id] = name
		}
	}
	if text, err = fs.ReadFile(builtin, "rules/clocks.yaml"); err != nil {
		return nil, err
	}
	if s.rules, err = ParseRules(text); err != nil {
		return nil, err
	}
	if s.registry, err = LoadRegistry(builtin); err != nil {
		return nil, err
	}
	if b.o.LawsDir != "" {
		if s.library, err = OpenLibrary(b.o.LawsDir, s.registry); err != nil {
			return nil, err
		}
	}
	b.loadEntries(s, builtin)
	s.lay = sync.OnceValues(func() ([]LayPhrase, []Fault) {
		sub, err := fs.Sub(builtin, "lay")
		if err != nil {
			return nil, []Fault{{File: "lay", Msg: err.Error()}}
		}
		return LoadLay(sub)
	})
	if s.model, err = b.loadModel(); err != nil {
		return nil, err
	}
	if err := b.findStale(s, builtin); err != nil {
		return nil, err
	}
	docs := make([]*Document, 0, len(s.entries))
	for _, e := range s.entries {
		docs = append(docs, entryDocument(e))
	}
	s.index = BuildIndex(docs, DefaultLexicon())
	s.articles, s.dense = &lazyArticles{}, &lazyDense{}
	return s, nil
}

// loadEntries reads the built-in entries, then those of Dir over them.
func (b *Base) loadEntries(s *state, builtin fs.FS) {
	sources := []fs.FS{}
	if sub, err := fs.Sub(builtin, "entries"); err == nil {
		sources = append(sources, sub)
	}
	if b.o.Dir != "" {
		sources = append(sources, os.DirFS(b.o.Dir))
	}
	for i, src := range sources {
		entries, faults := LoadEntries(src)
		s.faults = append(s.faults, faults...)
		for _, e := range entries {
			if own := b.o.Dir != "" && i == len(sources)-1; own && b.refused(s, e) {
				continue
			}
			s.byID[e.ID] = e
		}
	}
	if sub, err := fs.Sub(builtin, "asked"); err == nil {
		asked, faults := LoadAsked(sub)
		s.faults = append(s.faults, faults...)
		for id, texts := range asked {
			if e := s.byID[id]; e != nil {
				e.Asked = texts
			} else {
				s.faults = append(s.faults, Fault{File: "asked", Msg: "没有条目 " + id})
			}
		}
	}
	for _, e := range s.byID {
		s.entries = append(s.entries, e)
	}
	sort.Slice(s.entries, func(i, j int) bool { return s.entries[i].ID < s.entries[j].ID })
}

// loadModel reads the model trained here, if there is one.
func (b *Base) loadModel() (*Model, error) {
	if b.o.Model == "" {
		return DefaultModel(), nil
	}
	text, err := os.ReadFile(b.o.Model)
	if errors.Is(err, fs.ErrNotExist) {
		return DefaultModel(), nil
	}
	if err != nil {
		return nil, err
	}
	m, err := ReadModel(text)
	if err != nil {
		return nil, fmt.Errorf("模型文件 %s 读不了，删掉它或重新训练：%w", b.o.Model, err)
	}
	return m, nil
}

// findStale lists the entries whose cited articles read otherwise than when the
// entries were reviewed.
func (b *Base) findStale(s *state, builtin fs.FS) error {
	s.stale = map[string][]Stale{}
	if s.library == nil || s.library.Empty() {
		return nil
	}
	f, err := builtin.Open("citations.sum")
	if err != nil {
		return err
	}
	defer f.Close()
	sums, err := ReadCitationSums(f)
	if err != nil {
		return err
	}
	for _, x := range StaleCitations(s.entries, s.library, sums, b.Today()) {
		s.stale[x.Entry.ID] = append(s.stale[x.Entry.ID], x)
	}
	return nil
}

// Stale lists the entries to review again because the law they rest on changed.
func (b *Base) Stale() []Stale {
	s := b.state.Load()
	var list []Stale
	for _, e := range s.entries {
		list = append(list, s.stale[e.ID]...)
	}
	return list
}

// StaleOf says why an entry must be reviewed again; none if it need not.
func (b *Base) StaleOf(id string) []Stale { return b.state.Load().stale[id] }

// refused says that an own entry must not be shown: it cites a law or an article
// that is not known, or belongs to no topic. What it would replace stays.
func (b *Base) refused(s *state, e *Entry) bool {
	fault := func(format string, args ...any) bool {
		s.faults = append(s.faults, Fault{File: e.File, Msg: "没有采用：" + fmt.Sprintf(format, args...)})
		return true
	}
	if s.topics[e.Topic] == "" {
		return fault("没有专题 %s", e.Topic)
	}
	for _, c := range e.Citations {
		if c.External != "" {
			continue
		}
		l, ok := s.registry.Find(c.Law)
		if !ok {
			return fault("不认识法律“%s”", c.Law)
		}
		if v, _ := l.On(e.lastDay(b.Today())); v.Articles > 0 && c.Article.N > v.Articles {
			return fault("《%s》一共 %d 条，没有%s", c.Law, v.Articles, c.Article.Han())
		}
	}
	if len(e.Citations) == 0 {
		return fault("一条依据也没有")
	}
	return false
}

func entryDocument(e *Entry) *Document {
	d := &Document{ID: e.ID, Kind: KindEntry, Title: e.Title, Area: e.Area, Effective: e.From, Entry: e}
	if !e.To.IsZero() {
		d.Repealed = e.To.AddDate(0, 0, 1)
	}
	return d
}

func articleDocument(a *Article) *Document {
	return &Document{
		ID: a.Short + "@" + a.Published.Format(time.DateOnly) + "#" + a.No.String(), Kind: KindArticle,
		Title: "《" + a.Short + "》" + a.No.Han(), Area: "全国", Effective: a.Effective, Repealed: a.Until, Article: a,
	}
}

// Check lists every fault of the entries: those found when reading them, those
// of Check, and entries that contradict each other.
func (b *Base) Check() []Fault {
	s := b.state.Load()
	_, layFaults := s.lay()
	faults := append(slices.Concat(s.faults, layFaults), Contradictions(s.entries, s.registry)...)
	return append(faults, Check(s.entries, CheckOptions{
		Domains: s.domains,
		Law: func(name string, on time.Time) (int, bool) {
			l, ok := s.registry.Find(name)
			if !ok {
				return 0, false
			}
			v, _ := l.On(on)
			return v.Articles, true
		},
		Rule: func(key string) bool { return s.rules[key] != nil },
		Now:  b.Today(),
	})...)
}

// Faults lists the files that could not be read as entries, or only in part.
func (b *Base) Faults() []Fault { return b.state.Load().faults }

// Entries lists all entries, by id.
func (b *Base) Entries() []*Entry { return b.state.Load().entries }

// Files gives the files the entries were read from.
func (b *Base) Files() fs.FS {
	var layers overlay
	if b.o.Dir != "" {
		layers = append(layers, os.DirFS(b.o.Dir))
	}
	if sub, err := fs.Sub(Corpus(), "entries"); err == nil {
		layers = append(layers, sub)
	}
	return layers
}

// EntryDocuments gives the entries as documents to be indexed.
func (b *Base) EntryDocuments() []*Document {
	var docs []*Document
	for _, e := range b.Entries() {
		docs = append(docs, entryDocument(e))
	}
	return docs
}

// Entry gives the entry with the id, nil if there is none.
func (b *Base) Entry(id string) *Entry { return b.state.Load().byID[id] }

// Domains lists the domains with their topics.
func (b *Base) Domains() []Domain { return b.state.Load().domains }

// DomainName gives the name of the domain that a topic ("LB01") or a domain
// ("LB") belongs to, "" if there is none.
func (b *Base) DomainName(id string) string {
	for _, d := range b.Domains() {
		if _, ok := d.Topics[id]; ok || d.ID == id {
			return d.Name
		}
	}
	return ""
}

// Topic gives the name of a topic, "" if there is none.
func (b *Base) Topic(id string) string { return b.state.Load().topics[id] }

// Topics gives the names of all topics by their ids.
func (b *Base) Topics() map[string]string { return maps.Clone(b.state.Load().topics) }

// Rules gives the rule table.
func (b *Base) Rules() Rules { return b.state.Load().rules }

// Registry gives the laws known.
func (b *Base) Registry() *Registry { return b.state.Load().registry }

// Library gives the imported law texts, nil if the base has none.
func (b *Base) Library() *Library { return b.state.Load().library }

// Search looks q up. Articles of imported laws are looked at only when q.Kind is
// not KindEntry; the first such search waits until their index is built.
func (b *Base) Search(q Query) []Hit { return b.search(q, (*Index).Search) }

// Explain is Search with the parts of each score.
func (b *Base) Explain(q Query) []Hit { return b.search(q, (*Index).Explain) }

func (b *Base) search(q Query, find func(*Index, Query) []Hit) []Hit {
	if q.On.IsZero() {
		q.On = b.Today()
	}
	s := b.state.Load()
	if q.Kind == KindEntry {
		return find(s.index, q)
	}
	return find(s.articles.get(b, s), q)
}

// Today is the calendar day in China.
func (b *Base) Today() time.Time { return calendar.Day(b.o.Now()) }

// SetOff says which topics are switched off: topic id → why. It takes effect
// with the next question.
func (b *Base) SetOff(topics map[string]string) {
	if topics == nil {
		topics = map[string]string{}
	}
	b.off.Store(&topics)
}

// Off says whether a topic is switched off, and why.
func (b *Base) Off(topic string) (why string, off bool) {
	why, off = (*b.off.Load())[topic]
	return why, off
}

// Size says how much the base holds.
func (b *Base) Size() (entries, phrasings, laws, articles int) {
	s := b.state.Load()
	for _, e := range s.entries {
		phrasings += len(e.Questions) + len(e.Asked)
	}
	if s.library != nil {
		laws = len(s.library.Laws())
		for range s.library.Articles(b.Today()) {
			articles++
		}
	}
	return len(s.entries), phrasings, laws, articles
}
