package handlers

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// Hotline is one public number.
type Hotline struct {
	Number string `yaml:"number"`
	Name   string `yaml:"name"`
	When   string `yaml:"when"`  // what it is for, in words a resident knows
	Hours  string `yaml:"hours"` // when it is answered; empty: differs by place
	Check  string `yaml:"check"` // what the office has to verify before going public
}

// Hotlines is the list of public numbers that replies may name. A reply of the
// data files that names another number is refused when they are read.
type Hotlines struct {
	list []Hotline
}

// numberPattern finds what looks like a hotline: three digits from 1 on, or
// five that start as the national service numbers do.
var numberPattern = regexp.MustCompile(`\b(?:1[12][0-9]|12[0-9]{3}|96[0-9]{3})\b`)

func loadHotlines(fsys fs.FS) (*Hotlines, error) {
	var f struct {
		Hotlines []Hotline `yaml:"hotlines"`
	}
	if err := readYAML(fsys, "data/hotlines.yaml", &f); err != nil {
		return nil, err
	}
	return &Hotlines{list: f.Hotlines}, nil
}

// All lists the hotlines in the order of the file.
func (h *Hotlines) All() []Hotline { return slices.Clone(h.list) }

// Find gives the hotline with a number.
func (h *Hotlines) Find(number string) (Hotline, bool) {
	i := slices.IndexFunc(h.list, func(l Hotline) bool { return l.Number == number })
	if i < 0 {
		return Hotline{}, false
	}
	return h.list[i], true
}

// check reports a number in text that is not on the list, and a wanted number
// that text does not name.
func (h *Hotlines) check(text string, wanted []string) error {
	named := numberPattern.FindAllString(text, -1)
	for _, n := range named {
		if _, ok := h.Find(n); !ok {
			return fmt.Errorf("%s is not a hotline of hotlines.yaml", n)
		}
	}
	for _, n := range wanted {
		if !slices.Contains(named, n) {
			return fmt.Errorf("the reply does not name %s", n)
		}
	}
	return nil
}
