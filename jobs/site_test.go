package jobs_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/jobs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const base = "https://pufa.example.gov.cn/pufa/"

var first = time.Date(2026, 3, 2, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))

var topics = []string{"婚姻家庭", "劳动报酬", "消费维权", "邻里纠纷", "防范诈骗", "未成年人保护", "土地承包", "法律援助"}

func options() jobs.SiteOptions {
	return jobs.SiteOptions{Title: "某某县普法", Unit: "某某县司法局", Base: base, Hosts: []string{"www.12348.gov.cn", "v.example.gov.cn"}}
}

// build gives a site of the shelf in a new directory, synced once.
func build(t testing.TB, from *shelf) (*jobs.Site, *jobs.Dir, string) {
	t.Helper()
	root := t.TempDir()
	dir, err := jobs.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	site := newSite(t, from, dir)
	sync1(t, site)
	return site, dir, root
}

func newSite(t testing.TB, from *shelf, to jobs.Store) *jobs.Site {
	t.Helper()
	site, err := jobs.NewSite(from, to, options())
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func sync1(t testing.TB, s *jobs.Site) jobs.Synced {
	t.Helper()
	done, err := s.Sync(t.Context(), false)
	if err != nil {
		t.Fatalf("Sync: %v", err)
	}
	return done
}

// tree reads a whole directory.
func tree(t testing.TB, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSite_Golden(t *testing.T) {
	t.Parallel()
	from := &shelf{}
	from.add(article(1), wages(), article(2))
	from.change("p00001", func(a *jobs.Article) {
		a.Updated, a.Note = first.Add(48*time.Hour), "第二步的电话改为 12345。"
	})
	from.change("p00002", func(a *jobs.Article) {
		a.Withdrawn, a.Updated, a.Note = true, first.Add(72*time.Hour), "条文已修改，请以新内容为准。"
	})
	_, _, root := build(t, from)
	files := tree(t, root)
	for _, key := range []string{"index.html", "a/wages.html", "large/wages.html", "text/wages.txt", "a/p00001.html", "a/p00002.html", "text/p00002.txt", "feed.xml", "feed.json", "search/0001.json", "sitemap/0001.xml", "sitemap.xml", "search.html", "404.html", "robots.txt"} {
		golden := filepath.Join("testdata", "site", strings.ReplaceAll(key, "/", "_"))
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(files[key]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if files[key] != string(want) {
			t.Errorf("%s differs from %s; run with -update and look at the difference", key, golden)
		}
	}
	again := newSite(t, from, mustDir(t, t.TempDir()))
	sync1(t, again)
	_, _, other := build(t, from)
	if got := tree(t, other); len(got) != len(files) {
		t.Errorf("a second build has %d files, the first %d", len(got), len(files))
	} else {
		for key, text := range got {
			if files[key] != text {
				t.Errorf("%s differs between two builds", key)
			}
		}
	}
}

func mustDir(t testing.TB, root string) *jobs.Dir {
	t.Helper()
	d, err := jobs.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var absolute = regexp.MustCompile(regexp.QuoteMeta(base) + `([a-z0-9/_.-]+)`)

var links = regexp.MustCompile(`(?:href|src)="([^"#]*)"`)

// unbroken checks that every link that a reader can come to leads somewhere.
func unbroken(t testing.TB, files map[string]string) {
	t.Helper()
	ways := []string{"index.html", "search.html", "404.html", "feed.xml", "feed.json", "sitemap.xml", "robots.txt"}
	seen := map[string]bool{}
	for len(ways) > 0 {
		key := ways[0]
		ways = ways[1:]
		if seen[key] {
			continue
		}
		seen[key] = true
		text, ok := files[key]
		if !ok {
			t.Errorf("there is no %s", key)
			continue
		}
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			to := filepath.ToSlash(filepath.Join(filepath.Dir(key), m[1]))
			if _, ok := files[to]; !ok {
				t.Errorf("%s links to %s, which is not there", key, m[1])
			}
			ways = append(ways, to)
		}
		for _, m := range absolute.FindAllStringSubmatch(text, -1) {
			if _, ok := files[m[1]]; !ok {
				t.Errorf("%s names %s, which is not there", key, m[1])
			}
			ways = append(ways, m[1])
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d pages seen", len(seen))
	}
}

func TestSite_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	from := many(230)
	from.add(wages())
	_, _, root := build(t, from)
	unbroken(t, tree(t, root))
}

func TestSite_OneMoreWritesOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	from, m := &shelf{}, &memory{}
	site := newSite(t, from, m)
	sync1(t, site)
	most := 0
	for n := 1; n <= 105; n++ {
		a := article(n)
		a.Topic = topics[0] // one topic: its lists close as often as they can
		from.add(a)
		before := from.read
		done := sync1(t, site)
		most = max(most, len(done.Written))
		if len(done.Written) > 20 {
			t.Fatalf("the %dth article wrote %d objects: %v", n, len(done.Written), done.Written)
		}
		if from.read-before != 1 {
			t.Fatalf("the %dth article read %d articles", n, from.read-before)
		}
		for _, key := range done.Deleted {
			t.Errorf("the %dth article deleted %s", n, key)
		}
	}
	t.Logf("at most %d objects", most)
	files := m.files()
	unbroken(t, files)
	fresh := &memory{}
	sync1(t, newSite(t, from, fresh))
	for key, text := range fresh.files() {
		if files[key] != text {
			t.Errorf("%s: grown one by one it differs from one built at once", key)
		}
	}
	if done := sync1(t, site); len(done.Written) != 0 {
		t.Errorf("nothing changed, written: %v", done.Written)
	}
	if done := sync1(t, newSite(t, from, m)); len(done.Written) != 0 {
		t.Errorf("after a restart nothing changed, written: %v", done.Written)
	}
	if done, err := site.Sync(t.Context(), true); err != nil || len(done.Written) != 0 {
		t.Errorf("rendered anew nothing changed, written: %v, %v", done.Written, err)
	}
}

func TestSite_Recall(t *testing.T) {
	t.Parallel()
	from := many(120)
	from.add(wages())
	site, dir, root := build(t, from)
	from.change("wages", func(a *jobs.Article) {
		a.Withdrawn, a.Note, a.Updated = true, "金额写错了。", first.Add(1000*time.Hour)
	})
	done := sync1(t, site)
	if !slices.Contains(done.Deleted, "img/wages.png") || done.Written[0] != "a/wages.html" && done.Written[0] != "large/wages.html" && done.Written[0] != "text/wages.txt" {
		t.Errorf("written %v, deleted %v; want the article's pages first and its picture gone", done.Written, done.Deleted)
	}
	files := tree(t, root)
	unbroken(t, files)
	for key, text := range files {
		if strings.Contains(text, "留下证据：") || strings.Contains(text, "v.example.gov.cn/1") {
			t.Errorf("%s still has words of the article", key)
		}
	}
	for key, want := range map[string]string{"a/wages.html": "金额写错了。", "text/wages.txt": "金额写错了。", "large/wages.html": "已撤回", "feed.xml": "【已撤回】老板拖欠工资", "feed.json": "【已撤回】老板拖欠工资"} {
		if !strings.Contains(files[key], want) {
			t.Errorf("%s does not say %q", key, want)
		}
	}
	for _, key := range []string{"index.html", "search/0001.json", "sitemap/0001.xml"} {
		if strings.Contains(files[key], "wages") {
			t.Errorf("%s still names the article", key)
		}
	}
	if status, _, _ := get(t, dir, "GET", "a/wages.html", ""); status != 410 {
		t.Errorf("its page is answered with %d, want 410", status)
	}
}

func TestSite_BadArticleStopsNoOther(t *testing.T) {
	t.Parallel()
	from := many(3)
	bad := wages()
	bad.Video = "https://elsewhere.example/v"
	from.add(bad)
	site, _, root := build(t, from)
	from.add(article(9))
	done := sync1(t, site)
	files := tree(t, root)
	if !strings.Contains(files["a/wages.html"], "暂时不能显示") || strings.Contains(files["a/wages.html"], "elsewhere") {
		t.Errorf("the bad article's page says: %s", files["a/wages.html"])
	}
	if !strings.Contains(files["index.html"], "第9篇") || len(done.Written) > 20 {
		t.Errorf("the next article was not published")
	}
	unbroken(t, files)
}

func TestSite_SourceFails(t *testing.T) {
	t.Parallel()
	from := many(3)
	site, _, root := build(t, from)
	before := tree(t, root)
	from.add(article(9))
	from.fail = fs.ErrPermission
	if _, err := site.Sync(t.Context(), false); err == nil {
		t.Fatal("no error though the article cannot be read")
	}
	for key, text := range tree(t, root) {
		if before[key] != text {
			t.Errorf("%s changed", key)
		}
	}
	from.fail = nil
	sync1(t, site)
	if files := tree(t, root); !strings.Contains(files["index.html"], "第9篇") {
		t.Error("not published when the source works again")
	}
}

func TestSite_AddressesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "../x", "a/b", "A", "中", "-x", strings.Repeat("x", 65)} {
		from := &shelf{}
		a := article(1)
		a.ID = id
		from.add(a)
		if _, err := newSite(t, from, mustDir(t, t.TempDir())).Sync(t.Context(), false); err == nil {
			t.Errorf("the number %q is taken", id)
		}
	}
	for _, address := range []string{"", "pufa.example", "https://x", "ftp://x/", "https:///x/"} {
		o := options()
		o.Base = address
		if _, err := jobs.NewSite(&shelf{}, mustDir(t, t.TempDir()), o); err == nil {
			t.Errorf("the base %q is taken", address)
		}
	}
}

func TestSite_CheckAndRepair(t *testing.T) {
	t.Parallel()
	from := many(60)
	site, _, root := build(t, from)
	check := func(deep bool) string {
		t.Helper()
		list, err := site.Check(t.Context(), deep)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range list {
			all = append(all, f.Key+" "+f.What)
		}
		return strings.Join(all, "，")
	}
	if got := check(true); got != "" {
		t.Fatalf("a new site has faults: %s", got)
	}
	want := tree(t, root)
	spoil := func(key string, f func([]byte) []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, key), f([]byte(want[key])), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spoil("index.html", func(b []byte) []byte { return append(b, 'x') })
	spoil("a/p00003.html", func(b []byte) []byte { return bytes.Replace(b, []byte("留下证据"), []byte("毁掉证据"), 1) })
	spoil("new.html", func([]byte) []byte { return []byte("x") })
	if err := os.Remove(filepath.Join(root, "feed.xml")); err != nil {
		t.Fatal(err)
	}
	if got, want := check(false), "feed.xml 没有了，index.html 大小不对，new.html 不是这里发布的"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	faults, err := site.Check(t.Context(), true)
	if err != nil || len(faults) != 4 || faults[0] != (jobs.SiteFault{Key: "a/p00003.html", What: jobs.FaultBytes}) {
		t.Fatalf("deep: %v, %v", faults, err)
	}
	if _, err := site.Repair(t.Context(), faults); err != nil {
		t.Fatal(err)
	}
	if got := check(true); got != "new.html 不是这里发布的" {
		t.Errorf("after the repair: %s", got)
	}
	got := tree(t, root)
	for key, text := range want {
		if got[key] != text {
			t.Errorf("%s is not what it was", key)
		}
	}
	from.add(article(61))
	if got := check(false); !strings.Contains(got, "a/p00061.html 没有") && !strings.Contains(got, "a/p00061.html 不是最新的") || !strings.Contains(got, "index.html 不是最新的") {
		t.Errorf("what is not published yet: %s", got)
	}
	if err := jobs.Probe(t.Context(), mustDir(t, root)); err != nil {
		t.Error(err)
	}
}
