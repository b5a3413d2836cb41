package office

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// autumn fills September to November of a county: in each month a case that is
// answered in time and rated, in October one more that nobody answers and one of
// 城西, all with numbers and words that no bulletin may have.
func autumn(t *testing.T, db *DB, s staff) (late string) {
	t.Helper()
	var to func(y int, m time.Month, d int)
	{
		now := time.Date(2026, 9, 10, 10, 0, 0, 0, china)
		db.now = func() time.Time { return now }
		to = func(y int, m time.Month, d int) { now = time.Date(y, m, d, 10, 0, 0, 0, china) }
	}
	secret := "身份证339801198001010015电话13912345678"
	for i, month := range []time.Month{9, 10, 11} {
		to(2026, month, 10)
		d := wall()
		d.Story, d.Name, d.Parties, d.Wish = fmt.Sprint("第", i, "件，邻居砌墙占了过道，", secret), "李某"+secret, secret, secret
		c := mustOpen(t, db, s.resident, d).Case
		mustAct(t, db, s.clerk, c.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, c.No, Action{Verb: "note", Note: secret})
		if _, _, err := db.SetOutcome(t.Context(), s.clerk, c.No, "", Mediation{Outcome: Outcomes[0], Terms: "把墙退回去，" + secret}); err != nil {
			t.Fatal(err)
		}
		mustAct(t, db, s.clerk, c.No, Action{Verb: "answer", Text: "墙要退，" + secret})
		mine, err := db.Case(t.Context(), s.resident, c.No)
		if err == nil {
			err = db.RateCase(t.Context(), mine, 3+i, secret)
		}
		if err != nil {
			t.Fatal(err)
		}
		if month != 10 {
			continue
		}
		d.Story, d.Parties = "没有人管的一件，树倒在我家院子里。", "王某"
		late = mustOpen(t, db, s.resident, d).Case.No
		d.Story, d.Place, d.Parties = "城西的一件，隔壁家的鸡吃了我家菜地里的菜。", "城西镇五里村", "孙某"
		mustOpen(t, db, Person{Account: "qq/user/老孙"}, d)
		d.Story, d.Place, d.Parties = "等本人补正的一件，租房押金没退。", "城东街道三里村", "房东"
		back := mustOpen(t, db, Person{Account: "qq/user/老周"}, d).Case
		mustAct(t, db, s.clerk, back.No, Action{Verb: "return", Note: "补合同"})
	}
	for i := range 5 { // four ask on one topic, one alone on another, and somebody typed a number for a topic
		for j, topic := range []string{"LB01", "DB02", "13912345678"} {
			if j > 0 && i > 0 {
				continue
			}
			c := Consult{ID: fmt.Sprint(i, j), At: time.Date(2026, 10, 12, 9, 0, 0, 0, china), Account: fmt.Sprint("qq/user/", min(i, 3)), Session: "s", Channel: "qq", Kind: "unknown", Topic: topic, Area: "三里村"}
			if err := db.RecordConsults(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	to(2026, 11, 29)
	return late
}

// figuresOf gives a bulletin's amounts by key, as people read them.
func figuresOf(b Bulletin) map[string][3]string {
	out := map[string][3]string{}
	for _, s := range b.Sections {
		for _, f := range s.Figures {
			out[f.Key] = [3]string{f.Now.Text(), f.Before.Text(), f.Change()}
		}
	}
	return out
}

func TestBulletin_Counts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		late := autumn(t, db, s)
		b, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-10", false)
		if err != nil {
			t.Fatal(err)
		}
		got := figuresOf(b)
		for key, want := range map[string][3]string{
			"opened": {"4", "1", "增 3"}, "answered": {"1", "1", "持平"}, "open": {"3", "0", "增 3"}, "overdue": {"2", "0", "增 2"},
			"in_time": {"50.0%（n=4）", "—（n=0）", "—"}, "satisfied": {"100.0%（n=1）", "0.0%（n=1）", "升 100.0 个百分点"},
			"matter.dispute": {"4", "—", "—"}, "outcome0": {"1", "1", "持平"}, "mediated": {"100.0%（n=1）", "100.0%（n=1）", "持平"},
			"persons": {"4", "0", "增 4"}, "questions": {"7", "0", "增 7"}, "misses": {"7", "0", "增 7"},
			"topic.LB01": {"5", "—", "—"}, "miss.LB01": {"5", "—", "—"}, "topic.rest": {"2", "—", "—"}, "topic.DB02": {}, "topic.13912345678": {},
		} {
			if got[key] != want {
				t.Errorf("%s: got %q, want %q", key, got[key], want)
			}
		}
		if b.Late != 2 || len(b.Overdue) != 2 || b.Overdue[0].No != late || b.Overdue[0].Promised == "" || b.Overdue[0].Days < 1 {
			t.Errorf("overdue: %+v", b.Overdue)
		}
		if len(b.Units) < 2 || b.Units[0].Name != "城东街道" || b.Units[0].Opened != 3 || b.Units[1].Opened != 1 {
			t.Errorf("by township: %+v", b.Units)
		}
		town, err := db.Bulletin(ctx, s.orgs["城西镇"], "2026-10", false)
		if err != nil {
			t.Fatal(err)
		}
		if got := figuresOf(town); got["opened"][0] != "1" || got["questions"][0] != "0" || got["matter.rest"][0] != "1" || got["matter.dispute"][0] != "" || len(town.Units) != 0 {
			t.Errorf("of one township: %v, %v", got, town.Units)
		}
		if _, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-12", false); KindOf(err) != Invalid {
			t.Errorf("of a month to come: %v", err)
		}
	})
}

// TestBulletin_RowsAreWhatIsCounted lists the cases behind each figure.
func TestBulletin_RowsAreWhatIsCounted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		autumn(t, db, s)
		b, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-10", false)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, part := range b.Sections {
			for _, f := range part.Figures {
				if f.Rows == nil {
					continue
				}
				seen++
				want := f.Now.N
				if f.Now.Rate {
					want = f.Now.Of
				}
				_, n, err := db.Cases(ctx, s.leader, CaseFilter{Set: f.Rows.Set, Month: b.Month, Matter: f.Rows.Matter, Lane: f.Rows.Lane, Via: f.Rows.Via})
				if err != nil || n != want {
					t.Errorf("%s: %d rows, %v; the figure is %d", f.Key, n, err, want)
				}
			}
		}
		if seen < 20 {
			t.Errorf("only %d figures have rows", seen)
		}
		if _, n, err := db.Cases(ctx, s.clerk, CaseFilter{Set: "opened", Month: b.Month}); err != nil || n != 3 {
			t.Errorf("a clerk of one township sees %d, %v", n, err)
		}
		if _, _, err := db.Cases(ctx, s.clerk, CaseFilter{Set: "1 = 1", Month: b.Month}); KindOf(err) != Invalid {
			t.Errorf("a set that is none: %v", err)
		}
	})
}

// TestBulletin_NobodyInIt looks for what residents said in everything that is
// handed out, and whether it is the same when it is made twice.
func TestBulletin_NobodyInIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		autumn(t, db, s)
		if _, err := db.AddOrg(ctx, "test", Org{Parent: s.orgs["青禾县"].ID, Kind: "乡镇街道", Name: "=电话13912345678镇", Short: "号"}); err != nil {
			t.Fatal(err)
		}
		all := func() (texts []string) {
			b, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-10", false)
			if err != nil {
				t.Fatal(err)
			}
			b = b.Topics(func(string) string { return "劳动" })
			rows, err := db.CaseRowsTable(ctx, s.leader, s.orgs["青禾县"], "2026-10")
			if err != nil || len(rows) != 6 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			var csv, cases, md, xlsx bytes.Buffer
			for _, err := range []error{WriteCSV(&csv, b.Table()), WriteCSV(&cases, rows), b.WriteMarkdown(&md), WriteXLSX(&xlsx, b.Table())} {
				if err != nil {
					t.Fatal(err)
				}
			}
			back, err := ReadTable(bytes.NewReader(xlsx.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			body, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			return []string{csv.String(), cases.String(), md.String(), xlsx.String(), fmt.Sprint(back), string(body)}
		}
		first, second := all(), all()
		for i, text := range first {
			if text != second[i] {
				t.Errorf("file %d is another when it is made again", i)
			}
			for _, word := range []string{"13912345678", "339801198001010015", "李某", "砌墙", "树倒", "老孙", "孙某", "退回去", "墙要退"} {
				if strings.Contains(text, word) {
					t.Errorf("file %d has %q", i, word)
				}
			}
		}
		if !strings.Contains(first[0], "分乡镇：=电话〔号码已遮〕镇") || strings.Contains(first[1], "\n=") {
			t.Error("the township with a number is not there, or runs as a formula")
		}
		if rows, err := db.CaseRowsTable(ctx, s.other, s.orgs["城西镇"], "2026-10"); err != nil || len(rows) != 2 || rows[1][1] != "城西镇" || rows[1][14] != "是" {
			t.Errorf("a clerk's rows: %q, %v", rows, err)
		}
		if rows, err := db.CaseRowsTable(ctx, s.other, s.orgs["城东街道"], "2026-10"); err != nil || len(rows) != 1 {
			t.Errorf("a clerk's rows of another township: %q, %v", rows, err)
		}
	})
}

func TestBulletin_WhoSeesWhose(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		if o, err := db.ReportUnit(ctx, s.leader, 0); err != nil || o.Name != "青禾县" {
			t.Errorf("the county's: %v, %v", o, err)
		}
		if o, err := db.ReportUnit(ctx, s.clerk, 0); err != nil || o.Name != "城东街道" {
			t.Errorf("the township's: %v, %v", o, err)
		}
		for _, id := range []int64{s.orgs["青禾县"].ID, s.orgs["城西镇"].ID, s.orgs["三里村"].ID, 999} {
			if o, err := db.ReportUnit(ctx, s.clerk, id); KindOf(err) != NotFound {
				t.Errorf("a clerk of 城东 gets that of %s: %v", o.Name, err)
			}
		}
		for _, p := range []Person{s.helper, s.mediator, s.resident} {
			if list, err := db.ReportUnits(ctx, p); err != nil || len(list) != 0 {
				t.Errorf("%s sees %v, %v", p.Name, list, err)
			}
		}
	})
}

// TestCloseMonth closes a month once, on its first working day after: what is
// written down later changes no figure of it.
func TestCloseMonth(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		autumn(t, db, s)
		officer := hire(t, db, "赵干部", Officer, s.orgs["城东街道"])
		at := time.Date(2026, 10, 7, 12, 0, 0, 0, china) // a holiday: the first working day is the 8th
		db.now = func() time.Time { return at }
		if _, n, err := db.CloseMonth(ctx); err != nil || n != 0 {
			t.Fatalf("closed %d on a holiday, %v", n, err)
		}
		at = time.Date(2026, 12, 1, 9, 0, 0, 0, china)
		before, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-11", false)
		if err != nil || !before.Kept.IsZero() {
			t.Fatal(before.Kept, err)
		}
		m, n, err := db.CloseMonth(ctx)
		if err != nil || m != "2026-11" || n != 4 { // the county, two townships, the legal aid centre
			t.Fatalf("closed %d of %s, %v", n, m, err)
		}
		if _, n, err := db.CloseMonth(ctx); err != nil || n != 0 {
			t.Errorf("closed %d again, %v", n, err)
		}
		notices, err := db.OwnNotices(ctx, officer, 10)
		if err != nil || len(notices) != 1 || !strings.Contains(notices[0].Body, "城东街道2026年11月") || !strings.Contains(notices[0].Body, "登记 1 件") {
			t.Errorf("the officer is told %+v, %v", notices, err)
		}
		if list, err := db.OwnNotices(ctx, s.clerk, 10); err != nil || strings.Contains(fmt.Sprint(list), "月通报") {
			t.Errorf("a clerk is told %+v, %v", list, err)
		}
		if err := db.AddActivity(ctx, "test", Activity{Day: "2026-11-20", Kind: "主题宣传", Title: "补登的宪法宣传", Org: s.orgs["城东街道"], Heads: 80}); err != nil {
			t.Fatal(err)
		}
		kept, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-11", false)
		if err != nil || kept.Kept.IsZero() || figuresOf(kept)["activities"][0] != "0" || figuresOf(kept)["opened"] != figuresOf(before)["opened"] {
			t.Errorf("kept at %v: %v, %v", kept.Kept, figuresOf(kept)["activities"], err)
		}
		fresh, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-11", true)
		if err != nil || figuresOf(fresh)["activities"][0] != "1" || figuresOf(fresh)["activity_heads"][0] != "80" {
			t.Errorf("counted again: %v, %v", figuresOf(fresh)["activities"], err)
		}
		december, err := db.Bulletin(ctx, s.orgs["青禾县"], "2026-12", false)
		if err != nil || december.Over || figuresOf(december)["activities"][1] != "0" {
			t.Errorf("the month after is compared with %q, %v", figuresOf(december)["activities"], err)
		}
	})
}

// TestApart hides what is too small, also where it would follow from the rest.
func TestApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		all   []group
		shown int
		rest  int
	}{
		"nothing":             {nil, 0, 0},
		"all are large":       {[]group{{"a", 5, 5}, {"b", 3, 3}}, 2, 0},
		"two small together":  {[]group{{"a", 5, 5}, {"b", 2, 2}, {"c", 1, 1}}, 1, 3},
		"one small alone":     {[]group{{"a", 5, 5}, {"b", 4, 4}, {"c", 1, 1}}, 1, 5},
		"many by one person":  {[]group{{"a", 50, 1}, {"b", 4, 4}, {"c", 9, 9}}, 1, 54},
		"without a name":      {[]group{{"", 50, 50}, {"b", 4, 4}}, 1, 50},
		"only a small one":    {[]group{{"a", 2, 2}}, 0, 2},
		"small by few people": {[]group{{"a", 9, 2}, {"b", 8, 2}, {"c", 7, 7}}, 1, 17},
	} {
		shown, rest := apart(c.all, true)
		if len(shown) != c.shown || rest.n != c.rest {
			t.Errorf("%s: %v and %d others; want %d and %d", name, shown, rest.n, c.shown, c.rest)
		}
	}
	if shown, rest := apart([]group{{"a", 5, 5}, {"b", 4, 4}, {"c", 1, 1}}, false); len(shown) != 2 || rest.n != 1 {
		t.Errorf("of many kinds: %v and %d others", shown, rest.n)
	}
}
