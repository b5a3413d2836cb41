package knowledge

import (
	"bufio"
	"io/fs"
	"path"
	"strings"
)

// LoadAsked reads further phrasings of entries from every .tsv file below fsys:
// id of the entry and phrasing, parted by a tab, one a line; lines that begin
// with # are remarks. They teach the search what people mean and are shown to
// nobody. Lines that cannot be read give faults and are left out.
func LoadAsked(fsys fs.FS) (map[string][]string, []Fault) {
	asked := map[string][]string{}
	var faults []Fault
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".tsv" {
			return err
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		for n := 1; sc.Scan(); n++ {
			line := strings.TrimSpace(sc.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			id, text, ok := strings.Cut(line, "\t")
			if text = strings.TrimSpace(text); !ok || text == "" || len(text) > maxQuestion {
				faults = append(faults, Fault{File: name, Line: n, Msg: "应写成：条目id、制表符、问法"})
				continue
			}
			asked[id] = append(asked[id], text)
		}
		return sc.Err()
	})
	if err != nil {
		faults = append(faults, Fault{File: ".", Msg: "读不了问法：" + err.Error()})
	}
	return asked, faults
}

// Phrasings gives all ways the entry is known to be asked for.
func (e *Entry) Phrasings() []string {
	return append(e.Questions[:len(e.Questions):len(e.Questions)], e.Asked...)
}
