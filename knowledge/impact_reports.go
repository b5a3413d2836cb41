package knowledge

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// statement is one line of an entry that rests on one article and has figures.
type statement struct {
	entry   *Entry
	line    string
	words   map[string]bool // pairs of characters, figures and marks left out
	figures []Figure
}

// alikeFrom is how alike two lines must be to say the same thing, 0..1.
const alikeFrom = 0.6

// Contradictions finds entries that hold at the same time, rest on the same
// article and say the same with other figures.
func Contradictions(entries []*Entry, reg *Registry) []Fault {
	byArticle := map[string][]statement{}
	var order []string
	for _, e := range entries {
		for key, list := range statements(e, reg) {
			if byArticle[key] == nil {
				order = append(order, key)
			}
			byArticle[key] = append(byArticle[key], list...)
		}
	}
	slices.Sort(order)
	var faults []Fault
	for _, key := range order {
		list := byArticle[key]
		for i, a := range list {
			for _, b := range list[i+1:] {
				if a.entry == b.entry || !holdTogether(a.entry, b.entry) || likeness(a.words, b.words) < alikeFrom {
					continue
				}
				if x, y, ok := conflict(a.figures, b.figures); ok {
					faults = append(faults, Fault{File: b.entry.File, Msg: fmt.Sprintf(
						"和 %s 说法不一：同一法条，这里说 %s，那里说 %s（“%s”／“%s”），请对照原文统一", a.entry.ID, y, x, clip(b.line, 40), clip(a.line, 40))})
				}
			}
		}
	}
	return faults
}

// statements gives an entry's lines with figures by the one article they cite.
func statements(e *Entry, reg *Registry) map[string][]statement {
	all := map[string][]statement{}
	for line := range strings.Lines(entryText(e)) {
		marks := markPattern.FindAllStringSubmatch(line, -1)
		figures := Figures(line)
		if len(marks) != 1 || len(figures) == 0 {
			continue
		}
		n, ok := parseNumber(marks[0][1])
		if !ok || n < 1 || n > len(e.Citations) {
			continue
		}
		c := e.Citations[n-1]
		line = strings.TrimSpace(markPattern.ReplaceAllString(line, ""))
		words := figurePattern.ReplaceAllString(foldFigures(line), "")
		key := lawKey(reg, c.Law) + c.Article.Han()
		all[key] = append(all[key], statement{entry: e, line: line, words: bigrams(words), figures: figures})
	}
	return all
}

// holdTogether says that two entries hold on a common day.
func holdTogether(a, b *Entry) bool {
	return (a.To.IsZero() || !a.To.Before(b.From)) && (b.To.IsZero() || !b.To.Before(a.From))
}

// conflict finds a unit for which the two sides have no figure in common.
func conflict(a, b []Figure) (x, y Figure, ok bool) {
	for _, f := range a {
		var other Figure
		common := false
		for _, g := range b {
			if g.Unit == f.Unit {
				other = g
				common = common || slices.Contains(a, g)
			}
		}
		if other.Unit != "" && !common {
			return f, other, true
		}
	}
	return Figure{}, Figure{}, false
}

// WriteCoverage writes the table of docs/coverage.md: each topic with its
// entries, phrasings and last review. Topics without an entry are marked.
func WriteCoverage(w io.Writer, domains []Domain, entries []*Entry) error {
	byTopic := map[string][]*Entry{}
	phrasings := 0
	for _, e := range entries {
		byTopic[e.Topic] = append(byTopic[e.Topic], e)
		phrasings += len(e.Questions)
	}
	b := bufio.NewWriter(w)
	topics, covered := 0, 0
	var table strings.Builder
	for _, d := range domains {
		fmt.Fprintf(&table, "\n## %s %s\n\n| 专题 | 名称 | 条目 | 问法 | 最近复核 | 下次复核 |\n|---|---|---:|---:|---|---|\n", d.ID, d.Name)
		ids := make([]string, 0, len(d.Topics))
		for id := range d.Topics {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			topics++
			if len(byTopic[id]) > 0 {
				covered++
			}
			table.WriteString(coverageRow(id, d.Topics[id], byTopic[id]))
		}
	}
	fmt.Fprintf(b, "# 专题覆盖\n\n由程序生成，不要手改。共 %d 个专题，已覆盖 %d 个；%d 个条目，%d 句问法。\n%s", topics, covered, len(entries), phrasings, table.String())
	return b.Flush()
}

func coverageRow(id, name string, entries []*Entry) string {
	if len(entries) == 0 {
		return fmt.Sprintf("| %s | %s | **缺** | | | |\n", id, name)
	}
	questions := 0
	var last, due time.Time
	for _, e := range entries {
		questions += len(e.Questions)
		if e.ReviewedAt.After(last) {
			last = e.ReviewedAt
		}
		if !e.ReviewDue.IsZero() && (due.IsZero() || e.ReviewDue.Before(due)) {
			due = e.ReviewDue
		}
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %s | %s |\n", id, name, len(entries), questions, isoDate(last), isoDate(due))
}
