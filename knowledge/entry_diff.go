package knowledge

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// CalculatorsOf lists the calculators that rest on an article of a law, by any
// of its names; the zero ArticleNo means any article of it.
func CalculatorsOf(reg *Registry, law string, no ArticleNo) []string {
	key := lawKey(reg, law)
	var keys []string
	for _, k := range calculators {
		for _, c := range k.basis {
			if lawKey(reg, c.Law) == key && (no == ArticleNo{} || c.Article == no) && !slices.Contains(keys, k.key) {
				keys = append(keys, k.key)
			}
		}
	}
	return keys
}

// WriteEntryDiff prints what differs between two sets of entries, by id: new
// ones, changed ones line by line (- old, + new) and, when all is set, those
// that are gone.
func WriteEntryDiff(w io.Writer, before, after []*Entry, all bool) error {
	b := bufio.NewWriter(w)
	old := map[string]*Entry{}
	for _, e := range before {
		old[e.ID] = e
	}
	changed := 0
	slices.SortFunc(after, func(x, y *Entry) int { return strings.Compare(x.ID, y.ID) })
	for _, e := range after {
		was := old[e.ID]
		delete(old, e.ID)
		if was == nil {
			fmt.Fprintf(b, "新增 %s %s（%s）\n", e.ID, e.Title, e.File)
			changed++
			continue
		}
		if lines := lineDiff(was.lines(), e.lines()); len(lines) > 0 {
			fmt.Fprintf(b, "修改 %s %s（%s）\n", e.ID, e.Title, e.File)
			for _, l := range lines {
				fmt.Fprintf(b, "    %s\n", l)
			}
			changed++
		}
	}
	if all {
		gone := make([]string, 0, len(old))
		for id := range old {
			gone = append(gone, id)
		}
		slices.Sort(gone)
		for _, id := range gone {
			fmt.Fprintf(b, "删除 %s %s\n", id, old[id].Title)
			changed++
		}
	}
	fmt.Fprintf(b, "%d 条有变化\n", changed)
	return b.Flush()
}

// lines gives everything of an entry that a reviewer reads, one thing a line.
func (e *Entry) lines() []string {
	lines := []string{"标题：" + e.Title, "专题：" + e.Topic, "地区：" + e.Area, "有效：" + isoDate(e.From) + " 至 " + isoDate(e.To)}
	for _, c := range e.Citations {
		lines = append(lines, "依据："+c.Law+c.Article.Han()+" "+strings.Join(c.Proof, "、")+c.External)
	}
	for _, q := range e.Questions {
		lines = append(lines, "问法："+q)
	}
	return append(lines, strings.Split(e.Body(), "\n")...)
}

// lineDiff gives the lines dropped ("- ") and added ("+ ") in order, by the
// longest common subsequence.
func lineDiff(a, b []string) []string {
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}
