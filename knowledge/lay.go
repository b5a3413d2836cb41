package knowledge

import (
	"bufio"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// LayPhrase is one way people put what an article settles.
type LayPhrase struct {
	Law     string // short name or full title
	Article ArticleNo
	Text    string
}

// maxLayPhrase bounds one phrasing, in runes.
const maxLayPhrase = 200

// LoadLay reads every .tsv file below fsys: law, article number and phrasing,
// parted by tabs, one a line; lines that begin with # are remarks. Lines that
// cannot be read give faults and are left out.
func LoadLay(fsys fs.FS) ([]LayPhrase, []Fault) {
	var phrases []LayPhrase
	var faults []Fault
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".tsv" {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, []Fault{{File: ".", Msg: "cannot be read: " + err.Error()}}
	}
	slices.Sort(files)
	for _, name := range files {
		p, f := loadLayFile(fsys, name)
		phrases, faults = append(phrases, p...), append(faults, f...)
	}
	return phrases, faults
}

func loadLayFile(fsys fs.FS, name string) ([]LayPhrase, []Fault) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, []Fault{{File: name, Msg: "cannot be opened: " + err.Error()}}
	}
	defer f.Close()
	var phrases []LayPhrase
	var faults []Fault
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p, err := parseLay(line)
		if err != nil {
			faults = append(faults, Fault{name, n, err.Error()})
			continue
		}
		phrases = append(phrases, p)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, Fault{File: name, Msg: "cannot be read: " + err.Error()})
	}
	return phrases, faults
}

func parseLay(line string) (LayPhrase, error) {
	parts := strings.Split(line, "\t")
	if len(parts) != 3 {
		return LayPhrase{}, fmt.Errorf("has %d columns; want law, article and phrasing, parted by tabs", len(parts))
	}
	no, err := ParseArticleNo(parts[1])
	if err != nil {
		return LayPhrase{}, err
	}
	p := LayPhrase{strings.TrimSpace(parts[0]), no, strings.TrimSpace(parts[2])}
	switch {
	case p.Law == "" || no == ArticleNo{}:
		return LayPhrase{}, fmt.Errorf("names no law or no article")
	case p.Text == "" || len([]rune(p.Text)) > maxLayPhrase:
		return LayPhrase{}, fmt.Errorf("phrasing must have 1 to %d characters", maxLayPhrase)
	}
	return p, nil
}

// entryPhrases lets the phrasings of entries speak for the articles they cite.
func entryPhrases(entries []*Document) []LayPhrase {
	var out []LayPhrase
	for _, d := range entries {
		for _, c := range d.Entry.Citations {
			if c.External != "" || c.Article == (ArticleNo{}) {
				continue
			}
			for _, q := range d.Entry.Phrasings() {
				out = append(out, LayPhrase{c.Law, c.Article, q})
			}
		}
	}
	return out
}
