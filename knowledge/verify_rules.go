package knowledge

import (
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"time"
)

// FixedCitation is a citation that stands in a table or in the program instead
// of an entry: of a rule row, of a calculator.
type FixedCitation struct {
	Where string // "rules/clocks.yaml labor_sue", "calculator severance"
	Citation
	Figures []Figure // that the article must state
}

// FixedCitations lists the citations of the rule rows and the calculators.
func (b *Base) FixedCitations() []FixedCitation {
	var list []FixedCitation
	rules := b.Rules()
	keys := make([]string, 0, len(rules))
	for key := range rules {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		for _, c := range rules[key].Citations() {
			list = append(list, FixedCitation{Where: "rules/clocks.yaml " + key, Citation: c})
		}
	}
	for _, k := range calculators {
		for _, c := range k.basis {
			list = append(list, FixedCitation{Where: "calc.go " + k.key, Citation: c})
		}
	}
	return list
}

// VerifyFixed checks citations of tables and calculators against the texts of
// the law: the article is in force on the day and each proof stands in it.
func VerifyFixed(list []FixedCitation, lib *Library, on time.Time) []Fault {
	var faults []Fault
	for _, c := range list {
		fault := func(format string, a ...any) {
			faults = append(faults, Fault{File: c.Where, Msg: fmt.Sprintf(format, a...)})
		}
		if c.External != "" {
			continue
		}
		art, err := lib.Article(c.Law, c.Article, on)
		if err != nil {
			fault("《%s》%s：%v", c.Law, c.Article.Han(), err)
			continue
		}
		text := foldFigures(art.Text)
		for _, proof := range c.Proof {
			if !strings.Contains(text, foldFigures(proof)) {
				fault("《%s》%s里没有“%s”", c.Law, c.Article.Han(), proof)
			}
		}
	}
	return faults
}

// VerifyRules checks that every period a rule row states stands in one of the
// articles it rests on.
func VerifyRules(rules Rules, lib *Library, on time.Time) []Fault {
	var faults []Fault
	for key, r := range rules {
		var text strings.Builder
		external := false
		for _, c := range r.Citations() {
			external = external || c.External != ""
			if art, err := lib.Article(c.Law, c.Article, on); err == nil {
				text.WriteString(art.Text + "\n")
			}
		}
		if external {
			continue
		}
		stated := map[Figure]bool{}
		for _, f := range allFigures(text.String()) {
			stated[f.Figure] = true
		}
		for _, f := range r.figures() {
			if !stated[f] && !stated[Figure{Value: f.Value, Unit: strings.Replace(f.Unit, "工作日", "日", 1)}] {
				faults = append(faults, Fault{File: "rules/clocks.yaml " + key, Msg: fmt.Sprintf("期间 %s 在它的依据里没有", f)})
			}
		}
	}
	sort.Slice(faults, func(i, j int) bool { return faults[i].File < faults[j].File })
	return faults
}

// FiguresOf gives the figures of a rule row; false if there is no such row.
func (rules Rules) FiguresOf(key string) ([]Figure, bool) {
	r, ok := rules[key]
	if !ok {
		return nil, false
	}
	return r.figures(), true
}

// figures gives every figure the row states.
func (r *Rule) figures() []Figure {
	var list []Figure
	for _, f := range allFigures(strings.Join(append([]string{r.Span, r.Note, r.From}, r.More...), "；")) {
		if !slices.Contains(list, f.Figure) {
			list = append(list, f.Figure)
		}
	}
	return list
}

// overlay is a file system whose first layer that has a file gives it.
type overlay []fs.FS

func (o overlay) Open(name string) (fs.File, error) {
	var first error
	for _, layer := range o {
		f, err := layer.Open(name)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}
