package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// ImportOptions says how to import law texts.
type ImportOptions struct {
	Fetch    FetchOptions
	Progress func(ImportProgress) // called after each document; may be nil
	Now      func() time.Time     // for the report; nil: time.Now
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Source    string
	Document  string // last one read
	Documents int    // read so far, in all sources
	Articles  int    // read so far
}

// ImportReport is what an import did.
type ImportReport struct {
	Documents int           `json:"documents"` // files read
	Laws      int           `json:"laws"`      // held now
	Versions  int           `json:"versions"`  // held now
	Articles  int           `json:"articles"`  // held now, in all versions
	Added     int           `json:"added"`     // versions new to the library
	Updated   int           `json:"updated"`   // versions whose text or dates changed
	Unchanged int           `json:"unchanged"` // documents imported before
	Skipped   []SkippedFile `json:"skipped"`
	Changed   []string      `json:"changed"` // titles of laws with a new or changed version
	Took      time.Duration `json:"took"`
}

// SkippedFile is a file that was not imported, and why.
type SkippedFile struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// Import reads law texts from sources (https address, directory, .zip, .tar.gz,
// .jsonl.gz, .md, .docx) into lib. Each source is taken as a whole or, on an
// error, not at all; sources before it stay. Importing the same again changes
// nothing, so an interrupted import is resumed by starting it again. Errors and
// reasons are in Chinese.
func Import(ctx context.Context, lib *Library, sources []string, opts ImportOptions) (ImportReport, error) {
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	start := now()
	var rep ImportReport
	var failed error
	for _, source := range sources {
		run := &importRun{source: source, opts: opts, rep: &rep, reg: lib.reg, versions: map[string][]lawDates{}, refused: map[string]string{}}
		if failed = run.read(ctx); failed == nil {
			failed = run.commit(lib)
		}
		if failed != nil {
			lib.refuse(run.refused)
			failed = fmt.Errorf("%s：%w", source, failed)
			break
		}
	}
	for _, l := range lib.shelf.Load().laws {
		rep.Laws++
		rep.Versions += len(l.texts)
		for _, t := range l.texts {
			rep.Articles += t.numbered()
		}
	}
	slices.Sort(rep.Changed)
	rep.Changed = slices.Compact(rep.Changed)
	rep.Took = now().Sub(start)
	return rep, failed
}

// importRun is the import of one source.
type importRun struct {
	source   string
	opts     ImportOptions
	rep      *ImportReport
	reg      *Registry
	texts    []*lawText
	later    []document            // texts whose dates may stand in a versions.json
	versions map[string][]lawDates // folder → what its versions.json states, title first
	refused  map[string]string
	articles int
	single   bool // the source is one document: what is wrong with it is the import's error
}

func (r *importRun) read(ctx context.Context) error {
	to := sink{
		take: func(d document) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.document(d)
		},
		skip: r.skip,
	}
	lower := strings.ToLower(r.source)
	r.single = strings.HasSuffix(lower, ".md") || strings.HasSuffix(lower, ".docx") || strings.Contains(lower, "://")
	var err error
	if strings.Contains(r.source, "://") {
		err = fetch(ctx, r.source, r.opts.Fetch, to)
	} else {
		err = readPath(ctx, r.source, to)
	}
	if err != nil {
		return err
	}
	for _, d := range r.later {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.markdown(d, r.stated(d.name))
	}
	if r.single && len(r.texts) == 0 && len(r.rep.Skipped) > 0 {
		return refusal("没有导入：%s", r.rep.Skipped[len(r.rep.Skipped)-1].Why)
	}
	return nil
}

func (r *importRun) skip(name, why string) {
	r.rep.Skipped = append(r.rep.Skipped, SkippedFile{File: printable(name), Why: printable(why)})
}

// document takes one file by its kind. A faulty one is skipped with a reason.
func (r *importRun) document(d document) error {
	lower := strings.ToLower(d.name)
	switch {
	case path.Base(lower) == "versions.json":
		r.versionsFile(d)
	case strings.HasSuffix(lower, ".jsonl.gz"), strings.HasSuffix(lower, ".jsonl"):
		return r.jsonl(d)
	case strings.HasSuffix(lower, ".docx"):
		t, err := parseDocx(d.name, d.data, r.reg)
		r.keep(d.name, t, err)
	case hasStatedDates(d.data):
		r.markdown(d, nil)
	default:
		r.later = append(r.later, d)
	}
	return nil
}

// hasStatedDates says that the document's front matter gives its dates.
func hasStatedDates(data []byte) bool {
	head := string(data[:min(len(data), 4096)])
	return strings.HasPrefix(strings.TrimPrefix(head, "\ufeff"), "---") && strings.Contains(head, "\npublication_date:")
}

func (r *importRun) markdown(d document, stated *lawDates) {
	t, err := parseLaw(d.name, d.data, stated, r.reg)
	r.keep(d.name, t, err)
}

func (r *importRun) keep(name string, t *lawText, err error) {
	r.rep.Documents++
	if err != nil {
		r.skip(name, err.Error())
		if t != nil && t.title != "" && errors.Is(err, errVersionUnknown) {
			r.refused[nameKey(t.title)] = err.Error()
		}
	} else {
		r.texts = append(r.texts, t)
		r.articles += len(t.spans)
	}
	if r.opts.Progress != nil {
		r.opts.Progress(ImportProgress{Source: r.source, Document: name, Documents: r.rep.Documents, Articles: r.articles})
	}
}

// versionsFile reads a versions.json: the dates of the texts in its folder.
func (r *importRun) versionsFile(d document) {
	var file struct {
		Title    string `json:"title"`
		Versions []struct {
			Published string `json:"promulgatedOn"`
			From      string `json:"effectiveFrom"`
			To        string `json:"effectiveTo"`
			Entry     string `json:"entry"`
		} `json:"versions"`
	}
	if err := json.Unmarshal(d.data, &file); err != nil {
		r.skip(d.name, "versions.json 读不懂："+err.Error())
		return
	}
	dir := path.Dir(d.name)
	for _, v := range file.Versions {
		published, err1 := optionalDate(v.Published)
		from, err2 := optionalDate(v.From)
		to, err3 := optionalDate(v.To)
		if err := errors.Join(err1, err2, err3); err != nil || v.Entry == "" {
			r.skip(d.name, fmt.Sprintf("版本“%s”的日期看不懂", clip(v.Entry, 40)))
			continue
		}
		entry := path.Join(dir, path.Clean("/"+v.Entry))
		r.versions[entry] = append(r.versions[entry], lawDates{title: file.Title, published: published, effective: from, until: to})
	}
}

// stated gives what a versions.json says of the document.
func (r *importRun) stated(name string) *lawDates {
	if v := r.versions[name]; len(v) == 1 {
		return &v[0]
	}
	return nil
}

// commit puts the texts read into the library, on disk first.
func (r *importRun) commit(lib *Library) error {
	old := lib.shelf.Load()
	m := newMerge(old, r)
	for _, t := range r.texts {
		m.add(t)
	}
	next := old
	if m.changed {
		texts := m.all()
		if err := lib.save(texts); err != nil {
			return err
		}
		next = newShelf(texts, lib.reg)
	}
	lib.shelf.Store(next.with(old.refused))
	lib.refuse(r.refused)
	return nil
}

// refuse remembers why texts were not taken, to say so when they are asked for.
func (lib *Library) refuse(more map[string]string) {
	s := lib.shelf.Load()
	lib.shelf.Store(s.with(s.refused).with(more))
}

// with gives a shelf that also knows why some texts were not taken.
func (s *shelf) with(refused map[string]string) *shelf {
	out := *s
	out.refused = map[string]string{}
	for _, list := range []map[string]string{s.refused, refused} {
		for k, why := range list {
			if out.byKey[k] == nil {
				out.refused[k] = why
			}
		}
	}
	return &out
}

// printable makes a name from an archive safe to show on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return '?'
		}
		return r
	}, clip(s, 300))
}
