package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

// A draft is a letter: it answers the case and has nothing of a chat in it.
func TestDraft_IsALetter(t *testing.T) {
	t.Parallel()
	a := &app{out: io.Discard, err: io.Discard, now: time.Now, environ: []string{"DATA_DIR=" + t.TempDir()}}
	if err := a.load(""); err != nil {
		t.Fatal(err)
	}
	p, err := a.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close() //nolint:errcheck // the test is over
	for _, c := range []office.Case{
		{Matter: "dispute", Story: "骑车被许大娘的车碰了，住院花了18000元，保险和他都不痛快赔。", Wish: "赔医药费和误工费"},
		{Matter: "wages", Story: "在工地干了三个月，25000元工钱拖着不给。"},
	} {
		d, err := p.draft(t.Context(), office.Person{ID: 1, Name: "陈所"}, c, false)
		if err != nil || d.Text == "" || len(d.Sources) == 0 {
			t.Errorf("%s: got %+v, %v", c.Story, d, err)
		}
		for _, word := range []string{"我理解你问的是", "回复下面的数字", "你可能还想知道", "〔"} {
			if strings.Contains(d.Text, word) {
				t.Errorf("%s: a letter that says %s:\n%s", c.Story, word, d.Text)
			}
		}
	}
}
