package knowledge

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Library holds imported law texts, every version of each, compact in memory
// (84,700 articles take about 40 MB). It is safe for concurrent use: an import
// builds a new shelf and puts it in place of the old one in one step.
type Library struct {
	path  string // segment file; "" keeps the library in memory only
	stamp string // state of the file when it was last read or written
	reg   *Registry
	shelf atomic.Pointer[shelf]
}

// shelf is an immutable state of the library.
type shelf struct {
	laws    []*heldLaw // by title
	byKey   map[string]*heldLaw
	refused map[string]string // nameKey → why a text of this law was not taken in this run
}

// heldLaw is one law with its texts; texts[i] is the text of facts.Versions[i].
type heldLaw struct {
	facts Law
	texts []*lawText
}

// lawText is one version of a law as it was read. Its dates are those the
// source states; what follows from other laws is computed by settle.
type lawText struct {
	title, level string
	origin       string // file it was read from, for reports
	published    time.Time
	effective    time.Time // zero: not stated anywhere
	effectiveBy  string
	until        time.Time // only if the source states it
	status       string    // the source's own: statusValid …, "" unknown
	rank         uint8     // how well its dates are known: rankHeader …
	repeals      []string  // titles its closing article repeals
	sums         []docSum  // documents that gave this version
	chapters     []string
	spans        []span
	blob         string // texts of all articles, one after the other
}

// docSum is the start of the SHA-256 of a document, enough to know it again.
type docSum [16]byte

// span is one article in a lawText's blob.
type span struct {
	n, sub  uint16
	chapter uint16 // index into chapters
	at, end uint32 // bytes of blob
}

// How well a text's dates are known; a better known one is not replaced.
const (
	rankHeader = 1 // from the lines under the title or the file's name
	rankDocx   = 2 // as the national law database offers it for download
	rankSource = 3 // stated field by field: front matter, versions.json, jsonl
)

// The source's own words about a version, as of when it was taken.
const (
	statusValid    = "valid"
	statusPending  = "pending"
	statusAmended  = "amended"
	statusRepealed = "repealed"
)

// ErrNoText says that the library does not hold a law's text; errors.Is finds
// it in the errors of Library.Article and Library.Text.
var ErrNoText = errors.New("no text")

// lawError is an error whose words may be shown to people.
type lawError struct {
	msg  string
	kind error
}

func (e *lawError) Error() string { return e.msg }
func (e *lawError) Unwrap() error { return e.kind }

// NewLibrary gives an empty library kept in memory. reg may be nil; it resolves
// names and fills in dates the texts do not state.
func NewLibrary(reg *Registry) *Library {
	lib := &Library{reg: reg}
	lib.shelf.Store(newShelf(nil, reg))
	return lib
}

// newShelf groups texts by law and computes when each version holds.
func newShelf(texts []*lawText, reg *Registry) *shelf {
	s := &shelf{byKey: map[string]*heldLaw{}}
	for _, t := range texts {
		key := nameKey(t.title)
		l := s.byKey[key]
		if l == nil {
			l = &heldLaw{facts: Law{Title: t.title, Level: t.level, Short: shortTitle(t.title)}}
			if known, ok := reg.Find(t.title); ok {
				l.facts.Short, l.facts.Aliases = known.Short, known.Aliases
			}
			s.byKey[key] = l
			s.laws = append(s.laws, l)
		}
		l.texts = append(l.texts, t)
	}
	slices.SortFunc(s.laws, func(a, b *heldLaw) int { return strings.Compare(a.facts.Title, b.facts.Title) })
	s.settle(reg)
	return s
}

// find resolves a law's name: a title held, or a name the registry knows.
func (lib *Library) find(name string) (*heldLaw, bool) {
	s := lib.shelf.Load()
	if l, ok := s.byKey[nameKey(name)]; ok {
		return l, true
	}
	if known, ok := lib.reg.Find(name); ok {
		l, ok := s.byKey[nameKey(known.Title)]
		return l, ok
	}
	return nil, false
}

// Empty says that nothing has been imported yet.
func (lib *Library) Empty() bool { return len(lib.shelf.Load().laws) == 0 }

// Laws gives the facts about all laws held, by title, computed from the texts
// and the corrections. Do not change them.
func (lib *Library) Laws() []*Law {
	s := lib.shelf.Load()
	laws := make([]*Law, len(s.laws))
	for i, l := range s.laws {
		laws[i] = &l.facts
	}
	return laws
}

// Law gives the facts about one law held, by any of its names.
func (lib *Library) Law(name string) (*Law, bool) {
	l, ok := lib.find(name)
	if !ok {
		return nil, false
	}
	return &l.facts, true
}

// Article gives the article of the version in force on the day, by any of the
// law's names. The zero ArticleNo is the whole of a text without articles. The
// error says in Chinese what is wrong: ErrNoText, not in force, no such article.
func (lib *Library) Article(law string, no ArticleNo, on time.Time) (*Article, error) {
	l, i, err := lib.versionOn(law, on)
	if err != nil {
		return nil, err
	}
	a := l.article(i, no)
	if a == nil {
		return nil, &lawError{msg: fmt.Sprintf("《%s》（%s 起施行的文本）没有%s，共 %d 条", l.facts.Short, isoDate(l.facts.Versions[i].Effective), no.Han(), l.facts.Versions[i].Articles)}
	}
	return a, nil
}

// Text gives all articles of the version in force on the day, in order.
func (lib *Library) Text(law string, on time.Time) ([]*Article, error) {
	l, i, err := lib.versionOn(law, on)
	if err != nil {
		return nil, err
	}
	return l.articles(i), nil
}

// versionOn finds the law and the index of its version in force on the day.
func (lib *Library) versionOn(law string, on time.Time) (*heldLaw, int, error) {
	l, ok := lib.find(law)
	if !ok {
		if why := lib.shelf.Load().refused[lawKey(lib.reg, law)]; why != "" {
			return nil, 0, &lawError{msg: fmt.Sprintf("《%s》：%s", law, why), kind: ErrNoText}
		}
		return nil, 0, &lawError{msg: fmt.Sprintf("没有《%s》的原文，请先用 mingbai laws import 导入，或核对法名", law), kind: ErrNoText}
	}
	i := versionOn(l.facts.Versions, on)
	v := l.facts.Versions[i]
	switch v.Status(on) {
	case StatusNotYet:
		return nil, 0, &lawError{msg: fmt.Sprintf("《%s》在 %s 还没有施行的文本，最早的一版 %s 起施行", l.facts.Short, isoDate(calendarDay(on)), isoDate(v.Effective))}
	case StatusInForce:
		return l, i, nil
	}
	end := ""
	if !v.Until.IsZero() {
		end = isoDate(v.Until) + " 起"
	}
	return nil, 0, &lawError{msg: fmt.Sprintf("《%s》%s%s，在 %s 没有现行文本", l.facts.Short, end, v.Status(on), isoDate(calendarDay(on)))}
}

// Articles yields every numbered article in force on the day, law by law. Their
// strings share the library's memory.
func (lib *Library) Articles(on time.Time) iter.Seq[*Article] {
	s := lib.shelf.Load()
	return func(yield func(*Article) bool) {
		for _, l := range s.laws {
			i := versionOn(l.facts.Versions, on)
			if i < 0 || l.facts.Versions[i].Status(on) != StatusInForce {
				continue
			}
			for _, a := range l.articles(i) {
				if a.No.N > 0 && !yield(a) {
					return
				}
			}
		}
	}
}

// article gives article no of version i, nil if it has none.
func (l *heldLaw) article(i int, no ArticleNo) *Article {
	t := l.texts[i]
	at, ok := slices.BinarySearchFunc(t.spans, no, func(s span, no ArticleNo) int {
		if s.no() == no {
			return 0
		}
		if s.no().Less(no) {
			return -1
		}
		return 1
	})
	if !ok {
		return nil
	}
	return l.build(i, t.spans[at])
}

func (l *heldLaw) articles(i int) []*Article {
	t := l.texts[i]
	all := make([]*Article, len(t.spans))
	for k, s := range t.spans {
		all[k] = l.build(i, s)
	}
	return all
}

func (l *heldLaw) build(i int, s span) *Article {
	t, v := l.texts[i], l.facts.Versions[i]
	return &Article{
		Law: l.facts.Title, Short: l.facts.Short, Level: l.facts.Level, No: s.no(),
		Chapter: t.chapters[s.chapter], Text: t.blob[s.at:s.end],
		Published: v.Published, Effective: v.Effective, Until: v.Until,
	}
}

func (s span) no() ArticleNo { return ArticleNo{N: int(s.n), Sub: int(s.sub)} }

// numbered counts articles that have a number.
func (t *lawText) numbered() int {
	n := 0
	for _, s := range t.spans {
		if s.n > 0 {
			n++
		}
	}
	return n
}
