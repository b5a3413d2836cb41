package knowledge

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status says in the words of the national law database whether a version of a
// law holds on a day. It is always computed for a day, never stored.
type Status string

// Statuses, as the national law database (flk.npc.gov.cn) names them, and one of
// our own: StatusThen is of a citation, never of a version.
const (
	StatusInForce  Status = "现行有效"
	StatusNotYet   Status = "尚未施行"
	StatusAmended  Status = "已修改" // a newer version or another law took its place
	StatusRepealed Status = "已废止"
	StatusThen     Status = "当时有效" // in force on the day asked about, not today
)

// How a version's effective date is known.
const (
	ByFile     = "file"     // stated beside the text: front matter, versions.json, the header
	ByArticle  = "article"  // read from the closing article (自…起施行)
	ByAdoption = "adoption" // not stated: taken to be the day of publication
	ByRegistry = "registry" // from the registry of laws, because the text did not say
	ByFix      = "fix"      // corrected by hand in laws-fixes.yaml, with its source
)

// Law is what is known of one law without its text.
type Law struct {
	Title    string // full title, as printed
	Short    string // the name entries use: 劳动争议解释一
	Aliases  []string
	Level    string    // 宪法, 法律, 行政法规, 监察法规, 司法解释, 部门规章, 党内法规
	Versions []Version // by effective date, oldest first
}

// Version is one text of a law. Days are midnight UTC of the day in China.
type Version struct {
	Published   time.Time
	Effective   time.Time
	EffectiveBy string    // ByFile, ByArticle …
	Until       time.Time // first day it no longer holds; zero: none known
	Ended       bool      // it no longer holds, whether or not Until is known
	Repealed    bool      // ended by repeal; false: by a newer version or law
	Articles    int       // numbered articles; 0 for texts without numbers
	Note        string    // why it was corrected by hand
}

// Status computes whether the version holds on day.
func (v Version) Status(day time.Time) Status {
	day = calendarDay(day)
	switch {
	case day.Before(v.Effective):
		return StatusNotYet
	case !v.Ended || !v.Until.IsZero() && day.Before(v.Until):
		return StatusInForce
	case v.Repealed:
		return StatusRepealed
	}
	return StatusAmended
}

// On gives the version of the law that counts on day: the one in force; else
// the last that was, with StatusRepealed or StatusAmended; else the first to
// come, with StatusNotYet.
func (l *Law) On(day time.Time) (Version, Status) {
	i := versionOn(l.Versions, day)
	if i < 0 {
		return Version{}, StatusNotYet
	}
	return l.Versions[i], l.Versions[i].Status(day)
}

// versionOn gives the index of the version that counts on day, -1 if there is
// none. Versions are ordered by effective date.
func versionOn(versions []Version, day time.Time) int {
	if len(versions) == 0 {
		return -1
	}
	day = calendarDay(day)
	at := 0
	for i, v := range versions {
		if !v.Effective.After(day) {
			at = i
		}
	}
	return at
}

// calendarDay gives midnight UTC of t's day in t's own zone.
func calendarDay(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Registry knows which laws there are, their names and their dates, without
// holding any text. It is immutable and safe for concurrent use.
type Registry struct {
	laws  []*Law
	byID  map[string]*Law // by nameKey of title, short name and aliases
	fixes []lawFix
}

// Laws gives all laws in the order of the registry. Do not change them.
func (r *Registry) Laws() []*Law {
	if r == nil {
		return nil
	}
	return r.laws
}

// Find looks a law up by full title, title without 中华人民共和国, short name or
// alias; 《》, spaces and the width of brackets do not matter, nor does a year in
// brackets at the end.
func (r *Registry) Find(name string) (*Law, bool) {
	if r == nil {
		return nil, false
	}
	l, ok := r.byID[nameKey(name)]
	if !ok {
		if cut := yearSuffix.ReplaceAllString(strings.TrimRight(name, "》〉 "), ""); cut != name {
			l, ok = r.byID[nameKey(cut)]
		}
	}
	return l, ok
}

// ShortName gives the name entries use for a law: its short name if the registry
// has one, else the title without 中华人民共和国.
func (r *Registry) ShortName(title string) string {
	if l, ok := r.Find(title); ok {
		return l.Short
	}
	return shortTitle(title)
}

var yearSuffix = regexp.MustCompile(`[（(](?:19|20)\d\d年?(?:修正|修订|修正文本|版|文本)?[）)]$`)

// nameKey folds a law's name so that usual ways of writing it are equal.
func nameKey(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if strings.ContainsRune(" \t\r\n\u00a0\u3000\u200b\u200c\u200d\ufeff《》〈〉<>()[]【】“”\"'‘’、,:;。·-—", r) {
			continue
		}
		b.WriteRune(r)
	}
	key := b.String()
	if cut := strings.ReplaceAll(key, "中华人民共和国", ""); cut != "" {
		return cut
	}
	return key
}

// shortTitle leaves out 中华人民共和国 at the start of a title.
func shortTitle(title string) string {
	if cut := strings.TrimPrefix(title, "中华人民共和国"); cut != "" {
		return cut
	}
	return title
}

// lawNames is one row of aliases.yaml.
type lawNames struct {
	Law   string   `yaml:"law"`
	Short string   `yaml:"short"`
	Also  []string `yaml:"also"`
}

// lawFix is one row of laws-fixes.yaml: a fact the source has wrong.
type lawFix struct {
	Law       string `yaml:"law"`
	Published string `yaml:"published"` // which version; empty: all
	Effective string `yaml:"effective"`
	Until     string `yaml:"until"`
	Repealed  bool   `yaml:"repealed"`
	Why       string `yaml:"why"`
	Source    string `yaml:"source"`
}

// LoadRegistry reads laws.tsv, aliases.yaml and laws-fixes.yaml from the root
// of fsys. The two YAML files may be missing.
func LoadRegistry(fsys fs.FS) (*Registry, error) {
	tsv, err := fs.ReadFile(fsys, "laws.tsv")
	if err != nil {
		return nil, fmt.Errorf("registry of laws: %w", err)
	}
	laws, err := readRegistry(bytes.NewReader(tsv))
	if err != nil {
		return nil, fmt.Errorf("laws.tsv: %w", err)
	}
	var names []lawNames
	if err := readYAML(fsys, "aliases.yaml", &names); err != nil {
		return nil, err
	}
	fixes, err := loadFixes(fsys)
	if err != nil {
		return nil, err
	}
	for _, l := range laws {
		applyFixes(l, fixes)
		sortVersions(l.Versions)
	}
	r, err := newRegistry(laws, names)
	if err != nil {
		return nil, err
	}
	r.fixes = fixes
	return r, nil
}

// Rules gives a registry with the corrections only: a library made with it
// computes every fact anew, as the registry itself is generated.
func (r *Registry) Rules() *Registry { return &Registry{fixes: r.fixes} }

func (r *Registry) corrections() []lawFix {
	if r == nil {
		return nil
	}
	return r.fixes
}

func loadFixes(fsys fs.FS) ([]lawFix, error) {
	var fixes []lawFix
	if err := readYAML(fsys, "laws-fixes.yaml", &fixes); err != nil {
		return nil, err
	}
	for _, f := range fixes {
		if f.Law == "" || f.Source == "" {
			return nil, fmt.Errorf("laws-fixes.yaml: %q needs law and source", f.Law)
		}
		for _, s := range []string{f.Published, f.Effective, f.Until} {
			if _, err := optionalDate(s); err != nil {
				return nil, fmt.Errorf("laws-fixes.yaml: %s: %w", f.Law, err)
			}
		}
	}
	return fixes, nil
}

// readYAML decodes a YAML file strictly into v; a missing file leaves v alone.
func readYAML(fsys fs.FS, name string, v any) error {
	text, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unmarshalYAML(text, v); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// newRegistry indexes laws by all their names. Two laws may not share a name.
func newRegistry(laws []*Law, names []lawNames) (*Registry, error) {
	r := &Registry{laws: laws, byID: make(map[string]*Law, 2*len(laws))}
	for _, l := range laws {
		if l.Short == "" {
			l.Short = shortTitle(l.Title)
		}
		if err := r.name(l.Title, l); err != nil {
			return nil, err
		}
	}
	for _, n := range names {
		l, ok := r.byID[nameKey(n.Law)]
		if !ok {
			return nil, fmt.Errorf("aliases.yaml: no law %q in the registry", n.Law)
		}
		if n.Short != "" {
			l.Short = n.Short
		}
		for _, alias := range append([]string{n.Short}, n.Also...) {
			if alias == "" {
				continue
			}
			if err := r.name(alias, l); err != nil {
				return nil, fmt.Errorf("aliases.yaml: %w", err)
			}
			l.Aliases = append(l.Aliases, alias)
		}
	}
	return r, nil
}

func (r *Registry) name(name string, l *Law) error {
	key := nameKey(name)
	if other := r.byID[key]; other != nil && other != l {
		return fmt.Errorf("the name %q is used by %q and %q", name, other.Title, l.Title)
	}
	r.byID[key] = l
	return nil
}

// applyFixes corrects versions of l by the rows of laws-fixes.yaml.
func applyFixes(l *Law, fixes []lawFix) {
	key := nameKey(l.Title)
	for _, f := range fixes {
		if nameKey(f.Law) != key {
			continue
		}
		published, _ := optionalDate(f.Published) // checked by loadFixes
		for i := range l.Versions {
			v := &l.Versions[i]
			if !published.IsZero() && !v.Published.Equal(published) {
				continue
			}
			if d, _ := optionalDate(f.Effective); !d.IsZero() {
				v.Effective, v.EffectiveBy = d, ByFix
			}
			if d, _ := optionalDate(f.Until); !d.IsZero() && (v.Until.IsZero() || !published.IsZero() || d.Before(v.Until)) {
				v.Until, v.Ended, v.Repealed = d, true, f.Repealed
			}
			v.Note = f.Why
		}
	}
}

func sortVersions(versions []Version) {
	slices.SortStableFunc(versions, func(a, b Version) int {
		if c := a.Effective.Compare(b.Effective); c != 0 {
			return c
		}
		return a.Published.Compare(b.Published)
	})
}

const registryHeader = "title\tshort\tlevel\tpublished\teffective\teffective_by\tuntil\tended\tarticles"

// WriteRegistry writes the facts about the laws of lib as a table: one version
// a line, columns parted by tabs, dates as 2026-11-22, no law text.
func WriteRegistry(w io.Writer, lib *Library) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, registryHeader)
	for _, l := range lib.Laws() {
		for _, v := range l.Versions {
			ended := ""
			if v.Ended {
				ended = string(StatusAmended)
			}
			if v.Repealed {
				ended = string(StatusRepealed)
			}
			fmt.Fprintln(b, strings.Join([]string{
				l.Title, l.Short, l.Level, isoDate(v.Published), isoDate(v.Effective), v.EffectiveBy,
				isoDate(v.Until), ended, strconv.Itoa(v.Articles),
			}, "\t"))
		}
	}
	return b.Flush()
}

// GenerateRegistry writes corpus/laws.tsv anew from law texts: it imports sources
// into memory and keeps the facts only, corrected by laws-fixes.yaml.
func GenerateRegistry(ctx context.Context, w io.Writer, sources []string, reg *Registry, opts ImportOptions) (ImportReport, error) {
	lib := NewLibrary(reg.Rules())
	rep, err := Import(ctx, lib, sources, opts)
	if err != nil {
		return rep, err
	}
	return rep, WriteRegistry(w, lib)
}

// readRegistry reads what WriteRegistry wrote.
func readRegistry(r io.Reader) ([]*Law, error) {
	var laws []*Law
	byTitle := map[string]*Law{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r")
		if n == 1 {
			if line != registryHeader {
				return nil, fmt.Errorf("line 1: want the columns %q", registryHeader)
			}
			continue
		}
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		v, err := registryVersion(f)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		l := byTitle[f[0]]
		if l == nil {
			l = &Law{Title: f[0], Short: f[1], Level: f[2]}
			byTitle[f[0]] = l
			laws = append(laws, l)
		}
		l.Versions = append(l.Versions, v)
	}
	return laws, lines.Err()
}

func registryVersion(f []string) (Version, error) {
	if len(f) != strings.Count(registryHeader, "\t")+1 || f[0] == "" {
		return Version{}, fmt.Errorf("want %d columns, have %d", strings.Count(registryHeader, "\t")+1, len(f))
	}
	v := Version{EffectiveBy: f[5], Ended: f[7] != "", Repealed: f[7] == string(StatusRepealed)}
	var errs [4]error
	v.Published, errs[0] = optionalDate(f[3])
	v.Effective, errs[1] = optionalDate(f[4])
	v.Until, errs[2] = optionalDate(f[6])
	v.Articles, errs[3] = strconv.Atoi(f[8])
	return v, errors.Join(errs[:]...)
}

// optionalDate reads an ISO date; the empty string is the zero time.
func optionalDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return ParseDate(s)
}

// isoDate writes a date as 2026-11-22; "" for the zero time.
func isoDate(d time.Time) string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}
