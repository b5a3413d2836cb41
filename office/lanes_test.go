package office

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// labelled reads the disputes of a file: lane, tab, text.
func labelled(t *testing.T, name string) [][2]string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var list [][2]string
	for line := range strings.Lines(string(body)) {
		lane, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || laneNames[lane] == "" {
			t.Fatalf("%s: line %q", name, line)
		}
		list = append(list, [2]string{lane, text})
	}
	return list
}

// The texts of the files have a lane only. A classifier that has learnt from the
// texts of kinds alone finds it for them; the floor is what was measured, less a
// little. The one built in has learnt from the files too.
func TestLanes_TextsNotLearntFrom(t *testing.T) {
	t.Parallel()
	d, files := laneData(t)
	m := trainLanes(d.texts, d.remarks)
	total := LaneCheck{Name: "all"}
	for i, f := range d.files {
		c := LaneCheck{Name: files[i]}
		for _, x := range f {
			got := proposeWith(m, x.text, "", nil).Lane
			c.add(x.label, got)
			total.add(x.label, got)
			if x.label == LaneReport && slices.Contains([]string{LanePeople, LaneTrade, LaneAdmin}, got) {
				t.Errorf("danger goes to %s: %s", got, x.text)
			}
		}
		t.Log(c)
	}
	t.Log(total)
	if total.Right*100 < total.Texts*90 {
		t.Error("the right lane is found for too few")
	}
}

func TestPropose_LabelledDisputes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/disputes_*.tsv")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		c := LaneCheck{Name: name}
		for _, d := range labelled(t, name) {
			got := Propose(d[1], "", nil).Lane
			c.add(d[0], got)
			if got != d[0] {
				t.Logf("got %s, want %s: %s", got, d[0], d[1])
			}
		}
		t.Log(c)
		if c.Right*100 < c.Texts*90 || c.Missed() > 0 {
			t.Errorf("too few in the right lane, or danger missed: %s", c)
		}
	}
}

// laneData reads the texts that the built-in model was trained with.
func laneData(t *testing.T) (*LaneData, []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/disputes_[a-h].tsv")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadLaneData("disputes", files)
	if err != nil {
		t.Fatal(err)
	}
	return d, files
}

// Who changes texts or words must train again: mingbai knowledge lanes.
func TestLanes_ModelIsOfTheseTexts(t *testing.T) {
	t.Parallel()
	d, _ := laneData(t)
	if m := builtInLanes(); m.sum != d.sum {
		t.Error("the model in disputes/lanes.bin was trained with other texts: run go run ./cmd/mingbai knowledge lanes")
	}
	if len(laneModelData) > 1<<20 {
		t.Errorf("the model has %d bytes", len(laneModelData))
	}
	if !slices.IsSortedFunc(disputeKinds, func(a, b disputeKind) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the kinds are not sorted")
	}
	for _, k := range disputeKinds {
		if k.lane() == LaneUnsure || k.body == "" || !strings.HasPrefix(k.reason, "像是") {
			t.Errorf("kind %+v", k)
		}
		if k.item != "" && !slices.ContainsFunc(DefaultItems, func(it Item) bool { return it.Name == k.item && it.Department == k.body }) {
			t.Errorf("%s: the list of departments has no %q of %s", k.name, k.item, k.body)
		}
	}
}

func TestLaneModel_ReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	m := builtInLanes()
	data, err := m.write()
	if err != nil {
		t.Fatal(err)
	}
	again, err := readLaneModel(data)
	if err != nil || !slices.Equal(again.w, m.w) || !maps.Equal(again.rows, m.rows) {
		t.Errorf("another model: %v", err)
	}
	for _, bad := range [][]byte{nil, []byte("no model"), data[:len(data)/2]} {
		if _, err := readLaneModel(bad); err == nil {
			t.Errorf("%d bytes were read as a model", len(bad))
		}
	}
}

func TestReadLaneData_RefusesUnknownKinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"people", "trade", "admin", "judicial", "report", "remarks"} {
		if err := os.WriteFile(filepath.Join(dir, name+".tsv"), []byte("people.ghosts\t隔壁闹鬼\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadLaneData(dir, nil); err == nil || !strings.Contains(err.Error(), "people.ghosts") {
		t.Errorf("got %v", err)
	}
}

func TestPropose_SaysWhyAndWho(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"包工头欠我们三个月工资":     "劳动保障监察",
		"工地半夜打桩吵得睡不着":     "生态环境",
		"骑车被小轿车撞了，赔偿谈不拢":  "交通事故",
		"他说绝不接受调解":        "第十七条",
		"丈夫一喝酒就打我":        "保护令",
		"邻居家的树伸到我家院子里来了":  "不收费",
		"网上买的手机是翻新机，不给退":  "12315",
		"隔壁男的摸了我闺女，她才九岁呀": "未成年人",
	} {
		if got := Propose(text, "", nil).Text(); !strings.Contains(got, words) {
			t.Errorf("%s: no %q in %q", text, words, got)
		}
	}
}

func TestItems_AreTheOffices(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		list, err := db.Items(ctx)
		if err != nil || len(list) != len(DefaultItems) {
			t.Fatal(len(list), err)
		}
		rows := ItemTable(append([]Item{{"养蜂", "农业农村局", []string{"蜜蜂", "蜂箱.蜇"}}}, list...))
		if rep, err := db.ImportItems(ctx, "test", rows, false); err != nil || len(rep.Errors) > 0 {
			t.Fatal(rep, err)
		}
		if list, err = db.Items(ctx); err != nil || len(list) != len(DefaultItems)+1 {
			t.Fatal(len(list), err)
		}
		if got := Propose("他家蜂箱的蜂老蜇我家人", "", list); got.Lane != LaneAdmin || got.Body != "农业农村局" {
			t.Errorf("got %+v", got)
		}
		if rep, err := db.ImportItems(ctx, "test", [][]string{itemHeading, {"养蜂", "", ""}}, false); err != nil || len(rep.Errors) != 1 {
			t.Errorf("got %+v, %v", rep, err)
		}
		if list, err = db.Items(ctx); err != nil || len(list) != len(DefaultItems)+1 {
			t.Errorf("a refused table was kept: %d, %v", len(list), err)
		}
	})
}

// The office's own words go before the classifier, not before danger; its
// department is named for a default matter.
func TestPropose_TheOfficesList(t *testing.T) {
	t.Parallel()
	list := slices.Clone(DefaultItems)
	i := slices.IndexFunc(list, func(it Item) bool { return it.Name == "欠薪" })
	list[i] = Item{"欠薪", "县根治欠薪办", append(slices.Clone(list[i].Words), "邻居家的树")}
	for text, want := range map[string]Proposal{
		"包工头欠我们三个月工资":       {LaneAdmin, "县根治欠薪办", ""},
		"邻居家的树伸到我家院子里来了":    {LaneAdmin, "县根治欠薪办", ""},
		"邻居家的树砸了，他拿刀砍我，流血了": {LaneReport, "", ""},
	} {
		if got := Propose(text, "", list); got.Lane != want.Lane || want.Body != "" && got.Body != want.Body {
			t.Errorf("%s: got %+v", text, got)
		}
	}
}

func TestPropose_SaysNothingOfNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "  ", "？？？", "123 456"} {
		if got := Propose(text, "", nil).Lane; got != LaneUnsure {
			t.Errorf("%q: got %s", text, got)
		}
	}
}

func BenchmarkPropose(b *testing.B) {
	text := strings.Repeat("邻居家的水管漏水把我家天花板泡坏了，找了他三回都说不是他家的事，", 8)
	for b.Loop() {
		Propose(text, "", nil)
	}
}

func FuzzPropose(f *testing.F) {
	f.Add("邻居砌墙占了过道")
	f.Add("\xff工资")
	f.Fuzz(func(t *testing.T, text string) {
		if p := Propose(text, "", nil); laneNames[p.Lane] == "" || p.Body == "" || p.Reason == "" {
			t.Errorf("%q: got %+v", text, p)
		}
	})
}
