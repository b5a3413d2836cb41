package knowledge

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Kinds of change of an article between two versions of a law.
const (
	ChangeAdded   = "新增"
	ChangeRemoved = "删去"
	ChangeEdited  = "修改"
	ChangeMoved   = "移位" // another number, same wording
)

// LawDiff is what changed between two versions of one law.
type LawDiff struct {
	Law      string
	Old, New Version
	Same     int             // articles with the same number and wording
	Changes  []ArticleChange // in the order of the new version, removed ones last
}

// ArticleChange is one article that changed. Old or New is nil where the article
// was added or removed.
type ArticleChange struct {
	Kind     string
	Old, New *Article
	Text     []DiffPart // of an edited article
}

// DiffPart is a piece of text that both versions have ('='), or only the old
// ('-') or the new ('+').
type DiffPart struct {
	Op   byte
	Text string
}

// Diff compares the version of a law that counts on day from with the one that
// counts on day to, article by article; renumbered articles are recognised by
// their wording. Versions not yet or no longer in force can be compared too.
func (lib *Library) Diff(law string, from, to time.Time) (*LawDiff, error) {
	l, ok := lib.find(law)
	if !ok {
		_, _, err := lib.versionOn(law, to)
		return nil, err
	}
	i, j := versionOn(l.facts.Versions, from), versionOn(l.facts.Versions, to)
	if i == j {
		return nil, &lawError{msg: fmt.Sprintf("《%s》在这两天用的是同一版（%s 起施行），请换日期", l.facts.Short, isoDate(l.facts.Versions[i].Effective))}
	}
	d := &LawDiff{Law: l.facts.Title, Old: l.facts.Versions[i], New: l.facts.Versions[j]}
	d.compare(l.articles(i), l.articles(j))
	return d, nil
}

func (d *LawDiff) compare(before, after []*Article) {
	partner, taken := pairArticles(before, after)
	for k, a := range after {
		o := partner[k]
		switch {
		case o == nil:
			d.Changes = append(d.Changes, ArticleChange{Kind: ChangeAdded, New: a})
		case foldText(o.Text) != foldText(a.Text):
			d.Changes = append(d.Changes, ArticleChange{Kind: ChangeEdited, Old: o, New: a, Text: diffText(o.Text, a.Text)})
		case o.No != a.No:
			d.Changes = append(d.Changes, ArticleChange{Kind: ChangeMoved, Old: o, New: a})
		default:
			d.Same++
		}
	}
	for _, o := range before {
		if !taken[o] {
			d.Changes = append(d.Changes, ArticleChange{Kind: ChangeRemoved, Old: o})
		}
	}
}

// likeness from which two articles count as one that was edited, 0..1.
const minLikeness = 0.45

// pairArticles finds for each new article the old one it comes from: the same
// wording, else the same number with a like wording, else the most like wording.
func pairArticles(before, after []*Article) (partner []*Article, taken map[*Article]bool) {
	partner, taken = make([]*Article, len(after)), map[*Article]bool{}
	pair := func(k int, o *Article) { partner[k], taken[o] = o, true }
	byText, byNo := map[string][]*Article{}, map[ArticleNo]*Article{}
	for _, o := range before {
		byText[foldText(o.Text)] = append(byText[foldText(o.Text)], o)
		byNo[o.No] = o
	}
	for k, a := range after {
		same := byText[foldText(a.Text)]
		at := slices.IndexFunc(same, func(o *Article) bool { return o.No == a.No })
		if at < 0 {
			at = slices.IndexFunc(same, func(o *Article) bool { return !taken[o] })
		}
		if at >= 0 && !taken[same[at]] {
			pair(k, same[at])
		}
	}
	grams := map[*Article]map[string]bool{}
	for _, a := range slices.Concat(before, after) {
		grams[a] = bigrams(a.Text)
	}
	for k, a := range after {
		if o := byNo[a.No]; partner[k] == nil && o != nil && !taken[o] && likeness(grams[o], grams[a]) >= minLikeness {
			pair(k, o)
		}
	}
	index := map[string][]*Article{}
	for _, o := range before {
		for g := range grams[o] {
			if !taken[o] {
				index[g] = append(index[g], o)
			}
		}
	}
	for k, a := range after {
		if partner[k] != nil {
			continue
		}
		if o := mostLike(grams[a], index, grams, taken); o != nil {
			pair(k, o)
		}
	}
	return partner, taken
}

// mostLike finds the untaken article whose wording is nearest, nil if none is near.
func mostLike(want map[string]bool, index map[string][]*Article, grams map[*Article]map[string]bool, taken map[*Article]bool) *Article {
	common := map[*Article]int{}
	for g := range want {
		for _, o := range index[g] {
			common[o]++
		}
	}
	var best *Article
	score := minLikeness
	for o, n := range common {
		s := 2 * float64(n) / float64(len(want)+len(grams[o]))
		if !taken[o] && (s > score || s == score && best != nil && o.No.Less(best.No)) {
			best, score = o, s
		}
	}
	return best
}

func bigrams(s string) map[string]bool {
	r := []rune(foldText(s))
	set := make(map[string]bool, len(r))
	for i := 0; i+2 <= len(r); i++ {
		set[string(r[i:i+2])] = true
	}
	return set
}

// likeness is twice what two sets share over the size of both, 0..1.
func likeness(a, b map[string]bool) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	n := 0
	for g := range a {
		if b[g] {
			n++
		}
	}
	return 2 * float64(n) / float64(len(a)+len(b))
}

// maxDiffCells bounds the table of diffText: 4 M cells of 2 bytes.
const maxDiffCells = 4 << 20

// diffText compares two wordings character by character, long ones sentence by
// sentence. Equal pieces of one character between changes are joined to them.
func diffText(a, b string) []DiffPart {
	x, y := strings.Split(a, ""), strings.Split(b, "")
	if len(x)*len(y) > maxDiffCells {
		x, y = strings.SplitAfter(a, "。"), strings.SplitAfter(b, "。")
	}
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	var parts []DiffPart
	parts = appendPart(parts, '=', strings.Join(x[:head], ""))
	parts = middleDiff(parts, x[head:len(x)-tail], y[head:len(y)-tail])
	parts = appendPart(parts, '=', strings.Join(x[len(x)-tail:], ""))
	return tidyParts(parts)
}

// middleDiff walks the longest common subsequence of x and y.
func middleDiff(parts []DiffPart, x, y []string) []DiffPart {
	if len(x)*len(y) > maxDiffCells {
		return appendPart(appendPart(parts, '-', strings.Join(x, "")), '+', strings.Join(y, ""))
	}
	width := len(y) + 1
	lcs := make([]uint16, (len(x)+1)*width)
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				lcs[i*width+j] = lcs[(i+1)*width+j+1] + 1
			} else {
				lcs[i*width+j] = max(lcs[(i+1)*width+j], lcs[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		switch {
		case x[i] == y[j]:
			parts = appendPart(parts, '=', x[i])
			i, j = i+1, j+1
		case lcs[(i+1)*width+j] >= lcs[i*width+j+1]:
			parts = appendPart(parts, '-', x[i])
			i++
		default:
			parts = appendPart(parts, '+', y[j])
			j++
		}
	}
	parts = appendPart(parts, '-', strings.Join(x[i:], ""))
	return appendPart(parts, '+', strings.Join(y[j:], ""))
}

// appendPart adds text, joining it to a last part of the same kind.
func appendPart(parts []DiffPart, op byte, text string) []DiffPart {
	if text == "" {
		return parts
	}
	if n := len(parts); n > 0 && parts[n-1].Op == op {
		parts[n-1].Text += text
		return parts
	}
	return append(parts, DiffPart{Op: op, Text: text})
}

// tidyParts makes runs of small changes readable: one removal, one addition.
func tidyParts(parts []DiffPart) []DiffPart {
	var out []DiffPart
	var removed, added strings.Builder
	flush := func() {
		out = appendPart(out, '-', removed.String())
		out = appendPart(out, '+', added.String())
		removed.Reset()
		added.Reset()
	}
	for i, p := range parts {
		inside := i > 0 && i+1 < len(parts) && len([]rune(p.Text)) == 1
		switch {
		case p.Op == '-':
			removed.WriteString(p.Text)
		case p.Op == '+':
			added.WriteString(p.Text)
		case inside:
			removed.WriteString(p.Text)
			added.WriteString(p.Text)
		default:
			flush()
			out = appendPart(out, '=', p.Text)
		}
	}
	flush()
	return out
}

// Write prints the comparison for reading: what was dropped in 【-…-】, what is
// new in 【+…+】.
func (d *LawDiff) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "《%s》 %s 起施行的文本 → %s 起施行的文本\n未变 %d 条，变动 %d 条\n", d.Law, isoDate(d.Old.Effective), isoDate(d.New.Effective), d.Same, len(d.Changes))
	for _, c := range d.Changes {
		b.WriteString("\n" + c.heading() + "\n")
		switch c.Kind {
		case ChangeAdded:
			b.WriteString("【+" + c.New.Text + "+】\n")
		case ChangeRemoved:
			b.WriteString("【-" + c.Old.Text + "-】\n")
		case ChangeEdited:
			for _, p := range c.Text {
				if p.Op == '=' {
					b.WriteString(p.Text)
				} else {
					fmt.Fprintf(&b, "【%c%s%c】", p.Op, p.Text, p.Op)
				}
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c ArticleChange) heading() string {
	switch {
	case c.Old == nil:
		return c.New.No.Han() + "（" + c.Kind + "）"
	case c.New == nil || c.Old.No == c.New.No:
		return c.Old.No.Han() + "（" + c.Kind + "）"
	}
	return "原" + c.Old.No.Han() + " → " + c.New.No.Han() + "（" + c.Kind + "）"
}
