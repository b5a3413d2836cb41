package office

import (
	"os"
	"strings"
	"testing"
)

// labelled reads the disputes of a file: lane, tab, text.
func labelled(t *testing.T, name string) [][2]string {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name)
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

// The rules were made with a and b in view, then widened with c and d, which were
// blind the first time (20 of 40 and 14 of 30 right), as was e (8 of 28 right, 16
// left to a clerk, 2 of danger in a wrong lane, which was mended). f was written and
// committed before its writer had seen the rules (37 of 50 right, 10 left to a
// clerk); then the rules were widened with c to g in view. h came last and is not
// fitted but for one swindle: 10 of 33 by the words alone, 20 left to a clerk; with
// the topic that the knowledge base votes for (package handlers) 20 of 33, 9 left
// to a clerk. On none of them may danger be sent to a mediator first.
func TestPropose_LabelledDisputes(t *testing.T) {
	t.Parallel()
	for _, set := range []struct {
		name  string
		right int // at least so many in 100
	}{{"disputes_a.tsv", 90}, {"disputes_b.tsv", 90}, {"disputes_c.tsv", 90}, {"disputes_d.tsv", 90}, {"disputes_e.tsv", 90}, {"disputes_f.tsv", 90}, {"disputes_g.tsv", 90}, {"disputes_h.tsv", 30}} {
		list := labelled(t, set.name)
		right, unsure := 0, 0
		for _, d := range list {
			switch got := Propose(d[1], "", nil).Lane; {
			case got == d[0]:
				right++
			case got == LaneUnsure:
				unsure++
			case d[0] == LaneReport && got != LaneJudicial:
				t.Errorf("%s: danger goes to %s: %s", set.name, got, d[1])
			default:
				t.Logf("%s: got %s, want %s: %s", set.name, got, d[0], d[1])
			}
		}
		t.Logf("%s: %d of %d in the right lane, %d left to a clerk, %d wrong", set.name, right, len(list), unsure, len(list)-right-unsure)
		if right*100 < len(list)*set.right {
			t.Errorf("%s: only %d of %d in the right lane", set.name, right, len(list))
		}
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

func FuzzPropose(f *testing.F) {
	f.Add("邻居砌墙占了过道")
	f.Add("\xff工资")
	f.Fuzz(func(t *testing.T, text string) {
		if p := Propose(text, "", nil); laneNames[p.Lane] == "" || p.Body == "" || p.Reason == "" {
			t.Errorf("%q: got %+v", text, p)
		}
	})
}
