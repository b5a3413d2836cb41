package knowledge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOwnEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := strings.Replace(sampleEntry, "能先办。离期限不到7天的", "本县能先办。离期限不到7天的", 1)
	write("la12.md", own)
	b, err := OpenBase(t.Context(), BaseOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if e := b.Entry("la12-advance-aid"); e == nil || !strings.HasPrefix(e.Conclusion, "本县") {
		t.Errorf("an own entry does not replace the built-in one: %+v", e)
	}
	n := len(b.Entries())

	write("bad.md", strings.NewReplacer("la12-advance-aid", "own-bad", `article: "44"`, `article: "999"`).Replace(sampleEntry))
	write("worse.md", "---\nid: [\n---\n")
	write("new.md", strings.ReplaceAll(sampleEntry, "la12-advance-aid", "own-new"))
	if changed, err := b.Reload(); err != nil || !changed {
		t.Fatalf("reload: %v, %v", changed, err)
	}
	if b.Entry("own-new") == nil || len(b.Entries()) != n+1 {
		t.Error("a new file is not taken without a restart")
	}
	if b.Entry("own-bad") != nil {
		t.Error("an entry that cites an article which is not there is served")
	}
	var said string
	for _, f := range b.Faults() {
		said += f.String() + "\n"
	}
	if !strings.Contains(said, "没有第九百九十九条") || !strings.Contains(said, "worse.md") {
		t.Errorf("the faults do not say what is wrong:\n%s", said)
	}
	if changed, err := b.Reload(); err != nil || changed {
		t.Errorf("reload without a change: %v, %v", changed, err)
	}
	if _, err := OpenBase(t.Context(), BaseOptions{Dir: filepath.Join(dir, "nowhere")}); err == nil || !strings.Contains(err.Error(), "KNOWLEDGE_DIR") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestCite(t *testing.T) {
	t.Parallel()
	now, _ := ParseDate("2026-11-22")
	b, err := OpenBase(t.Context(), BaseOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		law, on, effective, status, note string
	}{
		{"治安管理处罚法", "2025-12-01", "2013-01-01", "当时有效", "2026-01-01起改用新文本"},
		{"治安管理处罚法", "2026-02-01", "2026-01-01", "现行有效", ""},
		{"法律援助法", "2026-11-22", "2022-01-01", "现行有效", ""},
		{"社会救助法", "2026-06-30", "2026-07-01", "尚未施行", ""},
		{"没有这部法", "2026-11-22", "", "未核实", ""},
	} {
		on, _ := ParseDate(c.on)
		got := b.Cite(Citation{Law: c.law, Article: ArticleNo{N: 1}}, on)
		if isoDate(got.Effective) != c.effective || got.Status != c.status || got.Note != c.note {
			t.Errorf("%s on %s: got %s %s %q, want %s %s %q", c.law, c.on, isoDate(got.Effective), got.Status, got.Note, c.effective, c.status, c.note)
		}
	}
}
