package knowledge

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Impact is everything in the base that rests on one article, or on a whole law.
type Impact struct {
	Law     string // full title if known
	Article ArticleNo
	Entries []*Entry
	Rules   []string // keys of rule rows
}

// Phrasings gives the phrasings people use that lead to the entries.
func (i Impact) Phrasings() []string {
	var all []string
	for _, e := range i.Entries {
		all = append(all, e.Questions...)
	}
	return all
}

// ImpactOf finds the entries and rules that cite an article of a law, by any of
// its names; the zero ArticleNo means any article of it.
func ImpactOf(entries []*Entry, rules Rules, reg *Registry, law string, no ArticleNo) Impact {
	key, title := lawKey(reg, law), law
	if l, ok := reg.Find(law); ok {
		title = l.Title
	}
	cites := func(list []Citation) bool {
		return slices.ContainsFunc(list, func(c Citation) bool {
			return lawKey(reg, c.Law) == key && (no == ArticleNo{} || c.Article == no)
		})
	}
	found := Impact{Law: title, Article: no}
	for _, e := range entries {
		if cites(e.Citations) {
			found.Entries = append(found.Entries, e)
		}
	}
	for k, r := range rules {
		if cites(r.Citations()) {
			found.Rules = append(found.Rules, k)
		}
	}
	slices.Sort(found.Rules)
	return found
}

// lawKey gives one key for all names of a law.
func lawKey(reg *Registry, name string) string {
	if l, ok := reg.Find(name); ok {
		return nameKey(l.Title)
	}
	return nameKey(name)
}

// Write prints what an article's change touches.
func (i Impact) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "《%s》%s：%d 个条目、%d 条规则、%d 句问法用到\n", i.Law, i.Article.Han(), len(i.Entries), len(i.Rules), len(i.Phrasings()))
	for _, e := range i.Entries {
		fmt.Fprintf(b, "- %s %s（%s）\n", e.ID, e.Title, e.File)
		for _, q := range e.Questions {
			fmt.Fprintf(b, "    问法：%s\n", q)
		}
	}
	for _, key := range i.Rules {
		fmt.Fprintf(b, "- 规则 %s\n", key)
	}
	return b.Flush()
}

// CitationSums remembers the wording of each cited article as it was when the
// entries were reviewed: hashes only, no text. Keys are made by sumKey.
type CitationSums map[string]string

func sumKey(entry, law string, no ArticleNo) string {
	return entry + "\t" + law + "\t" + no.String()
}

func articleSum(a *Article) string {
	sum := sha256.Sum256([]byte(foldText(a.Text)))
	return hex.EncodeToString(sum[:8])
}

// WriteCitationSums writes the present wording of all cited articles that the
// library holds, one a line: entry, law, article, hash.
func WriteCitationSums(w io.Writer, entries []*Entry, lib *Library, today time.Time) error {
	b := bufio.NewWriter(w)
	for _, e := range entries {
		seen := map[string]bool{}
		for _, c := range e.Citations {
			key := sumKey(e.ID, c.Law, c.Article)
			a, err := lib.Article(c.Law, c.Article, holdsOn(e, today))
			if c.External != "" || err != nil || seen[key] {
				continue // nothing to compare with later; Verify faults what is missing
			}
			seen[key] = true
			fmt.Fprintf(b, "%s\t%s\n", key, articleSum(a))
		}
	}
	return b.Flush()
}

// ReadCitationSums reads what WriteCitationSums wrote.
func ReadCitationSums(r io.Reader) (CitationSums, error) {
	sums := CitationSums{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		key, sum, ok := cutLast(lines.Text(), "\t")
		if !ok || strings.Count(key, "\t") != 2 {
			return nil, fmt.Errorf("citation sums, line %d: want entry, law, article and hash", n)
		}
		sums[key] = sum
	}
	return sums, lines.Err()
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// holdsOn is the last day up to today on which an entry must be true.
func holdsOn(e *Entry, today time.Time) time.Time {
	today = calendarDay(today)
	if !e.To.IsZero() && e.To.Before(today) {
		return e.To
	}
	return today
}

// Stale is an entry to review again because the law it rests on changed.
type Stale struct {
	Entry    *Entry
	Citation int    // index into Entry.Citations
	Why      string // in Chinese, for the curator
}

// StaleCitations lists entries whose cited articles read otherwise than when the
// entry was reviewed (待复核), or will read otherwise by a version already
// published. Entries that ended before today are left alone.
func StaleCitations(entries []*Entry, lib *Library, sums CitationSums, today time.Time) []Stale {
	var list []Stale
	for _, e := range entries {
		if !e.To.IsZero() && e.To.Before(calendarDay(today)) {
			continue
		}
		for i, c := range e.Citations {
			if c.External != "" {
				continue
			}
			if why := staleCitation(e, c, lib, sums, today); why != "" {
				list = append(list, Stale{Entry: e, Citation: i, Why: why})
			}
		}
	}
	return list
}

// staleCitation says why a citation must be looked at again; "" if it need not.
func staleCitation(e *Entry, c Citation, lib *Library, sums CitationSums, today time.Time) string {
	law, held := lib.Law(c.Law)
	if !held {
		return "" // no text imported: nothing is known to have changed
	}
	name := "《" + law.Short + "》" + c.Article.Han()
	a, err := lib.Article(c.Law, c.Article, today)
	if err != nil {
		return "待复核：" + err.Error()
	}
	if old := sums[sumKey(e.ID, c.Law, c.Article)]; old != "" && old != articleSum(a) {
		return fmt.Sprintf("待复核：%s的文字和复核时不一样了（现为 %s 起施行的文本）", name, isoDate(a.Effective))
	}
	for _, v := range law.Versions {
		if v.Status(today) != StatusNotYet || !e.To.IsZero() && e.To.Before(v.Effective) {
			continue
		}
		next, err := lib.Article(c.Law, c.Article, v.Effective)
		if err != nil || articleSum(next) != articleSum(a) {
			return fmt.Sprintf("待复核：%s在 %s 起施行的新文本里变了，请给本条写上 effective_to，再为新文本另写一条", name, isoDate(v.Effective))
		}
	}
	return ""
}
