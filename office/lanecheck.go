package office

import (
	"fmt"
	"slices"
)

// LaneCheck is what a classifier that has not seen the texts makes of them.
type LaneCheck struct {
	Name                           string
	Texts, Right, Unsure, Wrong    int
	Dangers, Found, Doubted, Court int // texts with danger: told so, left to a clerk, sent to a court
}

// add counts one text.
func (c *LaneCheck) add(want, got string) {
	c.Texts++
	switch got {
	case want:
		c.Right++
	case LaneUnsure:
		c.Unsure++
	default:
		c.Wrong++
	}
	if want != LaneReport {
		return
	}
	c.Dangers++
	switch got {
	case LaneReport:
		c.Found++
	case LaneUnsure:
		c.Doubted++
	case LaneJudicial:
		c.Court++
	}
}

// Missed is how many texts with danger went to a mediator or a department.
func (c LaneCheck) Missed() int { return c.Dangers - c.Found - c.Doubted - c.Court }

func (c LaneCheck) String() string {
	return fmt.Sprintf("%s: %d of %d right (%.1f %%), %d left to a clerk, %d wrong; danger found in %d of %d, %d doubted, %d missed",
		c.Name, c.Right, c.Texts, 100*float64(c.Right)/float64(max(1, c.Texts)), c.Unsure, c.Wrong, c.Found, c.Dangers, c.Doubted+c.Court, c.Missed())
}

// Check measures the classifier, with the gate before it, on texts that it has
// not learnt from: each labelled file by a model trained without it; the files
// together by a model of the texts of kinds alone; and all by parts, in folds,
// where texts much alike are in one part. wrong gets what went wrong, and may be
// nil.
func (d *LaneData) Check(folds int, report func(LaneCheck), wrong func(want, got, text string)) {
	score := func(c *LaneCheck, m *laneModel, texts []laneText) {
		for _, t := range texts {
			want := laneOfLabel(t.label)
			got := proposeWith(m, t.text, "", DefaultItems).Lane
			c.add(want, got)
			if got != want && wrong != nil {
				wrong(want, got, t.text)
			}
		}
	}
	own := LaneCheck{Name: "own texts → files"}
	m := trainLanes(d.texts, d.remarks)
	for _, f := range d.files {
		score(&own, m, f)
	}
	report(own)
	out := LaneCheck{Name: "each file by the rest"}
	for i, f := range d.files {
		c := LaneCheck{Name: d.names[i]}
		rest := slices.Concat(slices.Concat(d.files[:i]...), slices.Concat(d.files[i+1:]...), d.texts)
		score(&c, trainLanes(rest, d.remarks), f)
		report(c)
		out.Texts, out.Right, out.Unsure, out.Wrong = out.Texts+c.Texts, out.Right+c.Right, out.Unsure+c.Unsure, out.Wrong+c.Wrong
		out.Dangers, out.Found, out.Doubted, out.Court = out.Dangers+c.Dangers, out.Found+c.Found, out.Doubted+c.Doubted, out.Court+c.Court
	}
	report(out)
	all := slices.Concat(append([][]laneText{d.texts}, d.files...)...)
	groups := alike(all)
	cross := LaneCheck{Name: fmt.Sprintf("all, %d folds", folds)}
	for fold := range folds {
		var rest, part []laneText
		for i, t := range all {
			if groups[i]%folds == fold {
				part = append(part, t)
			} else {
				rest = append(rest, t)
			}
		}
		score(&cross, trainLanes(rest, d.remarks), part)
	}
	report(cross)
}

func laneOfLabel(label string) string {
	i := slices.IndexFunc(Lanes, func(l string) bool { return isOf(label, l) })
	if i < 0 {
		return LaneUnsure
	}
	return Lanes[i]
}

// alikeShare is the share of their pieces that texts much alike have in common.
const alikeShare = 0.4

// alike gives each text the number of a group, so that texts much alike are in
// one: a text joins the first before it that it is like.
func alike(texts []laneText) []int {
	keys := make([][]uint32, len(texts))
	groups := make([]int, len(texts))
	for i, t := range texts {
		keys[i] = slices.Clone(t.pieces.grams)
		slices.Sort(keys[i])
		keys[i] = slices.Compact(keys[i])
		groups[i] = i
		for j := range i {
			if short, long := len(keys[j]), len(keys[i]); min(short, long)*10 < max(short, long)*4 {
				continue
			}
			if n := common(keys[i], keys[j]); float64(n) >= alikeShare*float64(len(keys[i])+len(keys[j])-n) {
				groups[i] = groups[j]
				break
			}
		}
	}
	return groups
}

// common counts what two sorted lists have in common.
func common(a, b []uint32) (n int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}
