package knowledge

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestOpenIndexGivesTheSameIndexFromItsCache(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index")
	docs := smallBase()
	built, loaded, err := OpenIndex(file, docs, DefaultLexicon(), IndexOptions{})
	if err != nil || loaded {
		t.Fatalf("first time: loaded %v, error %v", loaded, err)
	}
	again, loaded, err := OpenIndex(file, docs, DefaultLexicon(), IndexOptions{})
	if err != nil || !loaded {
		t.Fatalf("second time: loaded %v, error %v", loaded, err)
	}
	for _, text := range []string{"离婚冷静期多久", "离昏", "民法典第一千零七十九条", "殴打他人拘留几天"} {
		a, b := built.Explain(Query{Text: text}), again.Explain(Query{Text: text})
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: from the cache %v, built %v", text, b, a)
		}
	}
}

func TestOpenIndexBuildsAnewWhenTheCacheIsOfAnotherBase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "index")
	docs := smallBase()
	if _, _, err := OpenIndex(file, docs, nil, IndexOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := smallBase()
	changed[4].Article.Text += "另有规定的除外。"
	for name, open := range map[string]func() (*Index, bool, error){
		"a text changed":   func() (*Index, bool, error) { return OpenIndex(file, changed, nil, IndexOptions{}) },
		"an article fewer": func() (*Index, bool, error) { return OpenIndex(file, docs[:len(docs)-1], nil, IndexOptions{}) },
		"a phrasing more": func() (*Index, bool, error) {
			return OpenIndex(file, docs, nil, IndexOptions{Lay: []LayPhrase{{"民法典", ArticleNo{N: 1079}, "想离婚对方不同意"}}})
		},
	} {
		if _, loaded, err := open(); loaded || err != nil {
			t.Errorf("%s: loaded %v, error %v", name, loaded, err)
		}
	}
}

func TestReadIndexRefusesDamage(t *testing.T) {
	t.Parallel()
	docs := smallBase()
	var b bytes.Buffer
	if err := BuildIndex(docs, nil).write(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for at := 0; at < len(whole); at += 37 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x55
		if _, err := readIndex(bytes.NewReader(damaged), docs, nil, IndexOptions{}); err == nil {
			t.Fatalf("a changed byte at %d is not noticed", at)
		}
		if _, err := readIndex(bytes.NewReader(whole[:at]), docs, nil, IndexOptions{}); err == nil {
			t.Fatalf("an end at %d is not noticed", at)
		}
	}
}

func TestOpenIndexWithoutAPlaceForTheCache(t *testing.T) {
	t.Parallel()
	x, _, err := OpenIndex(filepath.Join(t.TempDir(), "no", "such", "folder"), smallBase(), nil, IndexOptions{})
	if err == nil {
		t.Error("no error though the cache could not be written")
	}
	if x == nil || len(x.Search(Query{Text: "离婚"})) == 0 {
		t.Error("no usable index")
	}
	if _, err := os.Stat("no"); err == nil {
		t.Error("a folder was made")
	}
}

// The ids of sounds stand in caches, so they must not depend on the process.
func TestSoundsHaveFixedIDs(t *testing.T) {
	t.Parallel()
	seen := uint16(0)
	for r, readings := range sounds() {
		for _, id := range readings {
			if id > seen+1 {
				t.Fatalf("%c has id %d before id %d was given", rune(r), id, seen+1)
			}
			seen = max(seen, id)
		}
	}
}
