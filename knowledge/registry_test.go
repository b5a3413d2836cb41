package knowledge

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// corpusRegistry reads the registry that ships with the program.
func corpusRegistry(t testing.TB) *Registry {
	t.Helper()
	r, err := LoadRegistry(os.DirFS("corpus"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegistryFind(t *testing.T) {
	t.Parallel()
	r := corpusRegistry(t)
	for name, want := range map[string]string{
		"中华人民共和国劳动合同法":   "中华人民共和国劳动合同法",
		"劳动合同法":          "中华人民共和国劳动合同法",
		"《劳动合同法》":        "中华人民共和国劳动合同法",
		" 劳动合同法 ":        "中华人民共和国劳动合同法",
		"劳动合同法（2012年修正）": "中华人民共和国劳动合同法",
		"劳动争议解释一":        "最高人民法院关于审理劳动争议案件适用法律问题的解释（一）",
		"劳动争议解释(一)":      "最高人民法院关于审理劳动争议案件适用法律问题的解释（一）",
		"最高人民法院关于适用《民法典》婚姻家庭编的解释(一)": "最高人民法院关于适用《中华人民共和国民法典》婚姻家庭编的解释（一）",
		"民诉解释":     "最高人民法院关于适用《中华人民共和国民事诉讼法》的解释",
		"宪法":       "中华人民共和国宪法",
		"信访工作条例":   "信访工作条例",
		"生态环境法典":   "中华人民共和国生态环境法典",
		"消法":       "中华人民共和国消费者权益保护法",
		"没有这样的法律法": "",
	} {
		l, ok := r.Find(name)
		if got := ""; ok != (want != "") || ok && l.Title != want {
			if ok {
				got = l.Title
			}
			t.Errorf("Find(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestRegistryStatus(t *testing.T) {
	t.Parallel()
	r := corpusRegistry(t)
	for _, c := range []struct {
		law, on, effective string
		status             Status
	}{
		{"治安管理处罚法", "2025-12-31", "2013-01-01", StatusInForce},
		{"治安管理处罚法", "2026-01-01", "2026-01-01", StatusInForce},
		{"噪声污染防治法", "2026-08-14", "2022-06-05", StatusInForce},
		{"噪声污染防治法", "2026-08-15", "2022-06-05", StatusRepealed},
		{"生态环境法典", "2026-08-14", "2026-08-15", StatusNotYet},
		{"生态环境法典", "2026-11-22", "2026-08-15", StatusInForce},
		{"社会救助法", "2026-06-30", "2026-07-01", StatusNotYet},
		{"行政复议法实施条例", "2026-06-30", "2007-08-01", StatusInForce},
		{"行政复议法实施条例", "2026-07-01", "2026-07-01", StatusInForce},
		{"法律援助条例", "2026-11-22", "2003-09-01", StatusAmended},
		{"婚姻法", "2026-11-22", "2001-04-28", StatusRepealed},
		{"商标法", "2026-12-31", "2019-11-01", StatusInForce},
		{"商标法", "2027-01-01", "2027-01-01", StatusInForce},
		{"婚姻登记条例", "2026-11-22", "2025-05-10", StatusInForce},
		{"诉讼费用交纳办法", "2026-11-22", "2007-04-01", StatusInForce},
	} {
		l, ok := r.Find(c.law)
		if !ok {
			t.Errorf("no %s", c.law)
			continue
		}
		v, status := l.On(day(c.on))
		if isoDate(v.Effective) != c.effective || status != c.status {
			t.Errorf("%s on %s: version of %s %s, want %s %s", c.law, c.on, isoDate(v.Effective), status, c.effective, c.status)
		}
	}
}

func TestStatusCountsTheDayInItsOwnZone(t *testing.T) {
	t.Parallel()
	v := Version{Effective: day("2026-01-01")}
	at := time.Date(2026, 1, 1, 3, 0, 0, 0, time.FixedZone("CST", 8*3600)) // still 2025 in UTC
	if got := v.Status(at); got != StatusInForce {
		t.Errorf("got %s, want %s", got, StatusInForce)
	}
}

func TestStatusOfUnknownEnd(t *testing.T) {
	t.Parallel()
	v := Version{Effective: day("2000-01-01"), Ended: true, Repealed: true}
	if got := v.Status(day("2001-01-01")); got != StatusRepealed {
		t.Errorf("got %s; a repealed text with no known last day must never count as in force", got)
	}
}

func TestRegistryHasNoLawText(t *testing.T) {
	t.Parallel()
	for _, l := range corpusRegistry(t).Laws() {
		if len([]rune(l.Title)) > 150 || strings.ContainsAny(l.Title, "\n\t。") {
			t.Errorf("not a title: %q", l.Title)
		}
		for i, v := range l.Versions {
			if v.Effective.IsZero() || v.Published.IsZero() {
				t.Errorf("%s has a version without dates", l.Title)
			}
			if i > 0 && v.Effective.Before(l.Versions[i-1].Effective) {
				t.Errorf("%s: versions out of order", l.Title)
			}
		}
	}
}

func TestRegistryErrors(t *testing.T) {
	t.Parallel()
	row := "甲法\t甲法\t法律\t2020-01-01\t2020-06-01\tfile\t\t\t3\n"
	for name, files := range map[string]map[string]string{
		"no table":         {},
		"wrong columns":    {"laws.tsv": "title\n"},
		"bad date":         {"laws.tsv": registryHeader + "\n甲法\t甲法\t法律\t2020\t2020-06-01\tfile\t\t\t3\n"},
		"alias of no law":  {"laws.tsv": registryHeader + "\n" + row, "aliases.yaml": "- law: 乙法\n  short: 乙\n"},
		"unknown field":    {"laws.tsv": registryHeader + "\n" + row, "aliases.yaml": "- lwa: 甲法\n"},
		"fix unsourced":    {"laws.tsv": registryHeader + "\n" + row, "laws-fixes.yaml": "- law: 甲法\n  until: \"2021-01-01\"\n"},
		"name used twice":  {"laws.tsv": registryHeader + "\n" + row + strings.ReplaceAll(row, "甲", "乙"), "aliases.yaml": "- law: 甲法\n  also: [乙法]\n"},
		"fix date invalid": {"laws.tsv": registryHeader + "\n" + row, "laws-fixes.yaml": "- law: 甲法\n  until: 明天\n  source: 无\n"},
	} {
		fsys := fstest.MapFS{}
		for n, text := range files {
			fsys[n] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := LoadRegistry(fsys); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGenerateRegistry(t *testing.T) {
	t.Parallel()
	reg := corpusRegistry(t)
	var b bytes.Buffer
	source := writeFile(t, "x.md", []byte(flkFile("法律援助条例", "2003-07-21", "", "有效", sheepBody)))
	if _, err := GenerateRegistry(context.Background(), &b, []string{source}, reg, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "法律援助条例\t法律援助条例\t行政法规\t2003-07-21\t2003-08-20\tarticle\t2022-01-01\t已修改\t4"; !strings.Contains(b.String(), want) {
		t.Errorf("corrections are part of the registry; got\n%s", b.String())
	}
}

func TestRegistryRoundTrip(t *testing.T) {
	t.Parallel()
	lib := NewLibrary(nil)
	lib.shelf.Store(newShelf([]*lawText{
		{title: "中华人民共和国甲法", level: "法律", published: day("2020-01-01"), effective: day("2020-06-01"), effectiveBy: ByFile, status: statusAmended},
		{title: "中华人民共和国甲法", level: "法律", published: day("2024-01-01"), effective: day("2024-06-01"), effectiveBy: ByFile, status: statusValid},
	}, nil))
	var b bytes.Buffer
	if err := WriteRegistry(&b, lib); err != nil {
		t.Fatal(err)
	}
	laws, err := readRegistry(&b)
	if err != nil || len(laws) != 1 || len(laws[0].Versions) != 2 {
		t.Fatalf("read back %v, %v", laws, err)
	}
	if v, s := laws[0].On(day("2024-05-31")); s != StatusInForce || isoDate(v.Until) != "2024-06-01" {
		t.Errorf("got %s until %s", s, isoDate(v.Until))
	}
}
