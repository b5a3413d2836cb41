package knowledge

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestLoadLay(t *testing.T) {
	t.Parallel()
	phrases, faults := LoadLay(fstest.MapFS{
		"b.tsv":     {Data: []byte("# remark\n民法典\t1079\t对方不同意离婚怎么办\n\n刑法\t第二百七十六条之一\t老板跑了不给工资犯法吗\n")},
		"a.tsv":     {Data: []byte("民法典\t1079\n民法典\tx\t问\n\t1\t问\n民法典\t\t问\n民法典\t1\t\n")},
		"notes.txt": {Data: []byte("not read")},
	})
	if len(phrases) != 2 || phrases[1].Article != (ArticleNo{N: 276, Sub: 1}) {
		t.Errorf("read %v", phrases)
	}
	if len(faults) != 5 {
		t.Errorf("faults %v, want one for each of 5 lines", faults)
	}
}

// The phrasings in the repository must be readable, not too short to mean
// anything, and none may stand twice under one article.
func TestLayCorpus(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("corpus/lay"); err != nil {
		t.Skip("no lay index yet")
	}
	phrases, faults := LoadLay(os.DirFS("corpus/lay"))
	for _, f := range faults {
		t.Error(f)
	}
	seen := map[LayPhrase]bool{}
	for _, p := range phrases {
		key := LayPhrase{lawNameKey(p.Law), p.Article, Normalize(p.Text)}
		if seen[key] {
			t.Errorf("%s %s: %q stands twice", p.Law, p.Article, p.Text)
		}
		seen[key] = true
		if len([]rune(p.Text)) < 4 {
			t.Errorf("%s %s: %q is too short to tell anything", p.Law, p.Article, p.Text)
		}
	}
}
