package office

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// found gives the numbers of the cases that a person finds.
func found(t *testing.T, db *DB, p Person, f CaseFilter) []string {
	t.Helper()
	list, n, err := db.Cases(t.Context(), p, f)
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	var nos []string
	for _, c := range list {
		nos = append(nos, c.No)
	}
	if n < len(nos) {
		t.Errorf("%+v: %d of %d", f, len(nos), n)
	}
	slices.Sort(nos)
	return nos
}

func TestSearch_ByAnyPartOfTheFactsWithinTheScope(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		d := wall()
		d.Parties, d.Phone = "张三丰", "13912345678"
		east := mustOpen(t, db, s.resident, d).Case.No
		d = wall()
		d.Place, d.Story = "城西镇五里村", "张三和丰收合作社为水渠吵架，ABC牌水泵坏了。"
		west := mustOpen(t, db, Person{Account: "qq/user/老王"}, d).Case.No
		for _, x := range []struct {
			text string
			want []string
		}{
			{"张三丰", []string{east}}, // both hold 张三 and 三丰 or 丰收, one holds it whole
			{"过道半米", []string{east}}, {"过道 半米", []string{east}}, {"占了我家过道半米，车", []string{east}},
			{"水渠", []string{west}}, {"abc牌水泵", []string{west}}, {"ＡＢＣ牌", []string{west}},
			{"13912345678", []string{east}}, {"4567", []string{east}}, {"村", nil}, {"李某", []string{east, west}},
			{east, []string{east}}, {"0001", []string{east, west}}, {"城西", []string{west}}, {"三里村 水渠", nil}, {"没有的话", nil},
		} {
			if x.text == "村" {
				if _, _, err := db.Cases(t.Context(), s.leader, CaseFilter{Text: x.text}); KindOf(err) != Invalid {
					t.Errorf("one character: got %v, want a request to say more", err)
				}
				continue
			}
			if got := found(t, db, s.leader, CaseFilter{Text: x.text}); !slices.Equal(got, x.want) {
				t.Errorf("%q: got %v, want %v", x.text, got, x.want)
			}
			var mine []string
			for _, no := range x.want {
				if no == east {
					mine = append(mine, no)
				}
			}
			if got := found(t, db, s.clerk, CaseFilter{Text: x.text}); !slices.Equal(got, mine) {
				t.Errorf("%q in the east: got %v, want %v", x.text, got, mine)
			}
			if got := found(t, db, s.helper, CaseFilter{Text: x.text}); got != nil {
				t.Errorf("%q by a helper: got %v", x.text, got)
			}
		}
	})
}

// naive is what a search should find, by looking at every case.
func naive(list []Case, words []string) []string {
	var nos []string
	for _, c := range list {
		texts := c.searched()
		if !slices.ContainsFunc(words, func(w string) bool {
			return !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(plain(s), plain(w)) })
		}) {
			nos = append(nos, c.No)
		}
	}
	slices.Sort(nos)
	return nos
}

func TestSearch_FindsWhatReadingEveryCaseFinds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		r := rand.New(rand.NewPCG(1, 2))
		few := []rune("张王李墙水渠地界钱借欠打abc0123，。 ")
		text := func(n int) string {
			b := make([]rune, n)
			for i := range b {
				b[i] = few[r.IntN(len(few))]
			}
			return string(b)
		}
		for i := range 140 { // more than two blocks
			d := wall()
			d.Story, d.Parties, d.Place = "事"+text(40)+"。", text(4), []string{"城东街道", "城西镇"}[i%2]+text(3)
			mustOpen(t, db, Person{Account: Account(fmt.Sprint("qq/user/", i))}, d)
		}
		all, _, err := db.Cases(t.Context(), s.leader, CaseFilter{Limit: 500})
		if err != nil || len(all) != 140 {
			t.Fatal(len(all), err)
		}
		east := slices.DeleteFunc(slices.Clone(all), func(c Case) bool { return !strings.Contains(c.No, "城东") })
		hits := 0
		for range 120 {
			words := strings.Fields(text(2 + r.IntN(4)))
			ok := slices.ContainsFunc(words, func(w string) bool { q, err := parseQuery(w); return err == nil && len(q.grams) > 0 })
			if !ok {
				continue
			}
			f := CaseFilter{Text: strings.Join(words, " "), Limit: 500}
			want := naive(all, words)
			if got := found(t, db, s.leader, f); !slices.Equal(got, want) {
				t.Errorf("%q: got %v, want %v", words, got, want)
			}
			if got, want := found(t, db, s.clerk, f), naive(east, words); !slices.Equal(got, want) {
				t.Errorf("%q in the east: got %v, want %v", words, got, want)
			}
			hits += len(want)
		}
		if hits < 100 {
			t.Errorf("only %d cases were found in all; the test looks for too little", hits)
		}
	})
}

func TestSearch_CasesOfAnOlderProgramAreIndexedWhenItStarts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		no := mustOpen(t, db, s.resident, wall()).Case.No
		for _, q := range []string{`DELETE FROM case_grams`, `UPDATE cases SET indexed = 0`} {
			if _, err := db.write.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		if got := found(t, db, s.clerk, CaseFilter{Text: "砌墙"}); got != nil {
			t.Fatalf("got %v without an index", got)
		}
		for range 2 {
			if err := db.indexCases(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := found(t, db, s.clerk, CaseFilter{Text: "砌墙"}); !slices.Equal(got, []string{no}) {
				t.Errorf("got %v", got)
			}
		}
	})
}

func TestQueue_OrderFiltersAndWhoSeesWhat(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 20, 10, 0, 0, 0, china))
		open := func(who string, change func(*Draft)) string {
			d := wall()
			change(&d)
			pass(time.Minute)
			return mustOpen(t, db, Person{Account: Account("qq/user/" + who)}, d).Case.No
		}
		plainOne := open("a", func(*Draft) {})
		child := open("b", func(d *Draft) { d.Minor, d.Matter = true, "consult" })
		danger := open("c", func(d *Draft) { d.Danger = true })
		firm := open("d", func(d *Draft) { d.Matter = "firm" })
		west := open("e", func(d *Draft) { d.Place = "城西镇五里村"; d.Minor = true })

		list, n, err := db.Cases(t.Context(), s.clerk, CaseFilter{Open: true})
		if err != nil || n != 4 || list[0].No != danger || list[1].No != child {
			t.Errorf("got %d, %v, %v", n, list, err)
		}
		uncleared := hire(t, db, "新来的", Clerk, s.orgs["城东街道"])
		for _, x := range []struct {
			name string
			who  Person
			f    CaseFilter
			want []string
		}{
			{"a clerk who is not cleared", uncleared, CaseFilter{}, []string{plainOne, firm}},
			{"nor by words", uncleared, CaseFilter{Text: "砌墙"}, []string{plainOne, firm}},
			{"nor by number", uncleared, CaseFilter{Text: child}, nil},
			{"a clerk of another place, with an administrator above", s.other, CaseFilter{}, nil},
			{"an administrator", s.leader, CaseFilter{}, []string{plainOne, child, danger, firm, west}},
			{"by matter", s.clerk, CaseFilter{Matter: "firm"}, []string{firm}},
			{"by lane", s.clerk, CaseFilter{Lane: LaneReport}, []string{danger}},
			{"by place", s.leader, CaseFilter{Org: s.orgs["城西镇"].ID}, []string{west}},
			{"by way in", s.leader, CaseFilter{Via: ViaDesk}, nil},
			{"by state", s.clerk, CaseFilter{States: []State{Archived}}, nil},
		} {
			want := slices.Clone(x.want)
			slices.Sort(want)
			if got := found(t, db, x.who, x.f); !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", x.name, got, want)
			}
		}
		if _, err := db.Case(t.Context(), uncleared, child); KindOf(err) != NotFound {
			t.Errorf("a clerk who is not cleared: got %v", err)
		}
		if _, err := db.Act(t.Context(), uncleared, danger, Action{Verb: "accept"}); KindOf(err) != NotFound {
			t.Errorf("a clerk who is not cleared acts: got %v", err)
		}
		if got := inbox(t, db, uncleared.Account, "m"); got != nil {
			t.Errorf("told of %v", got)
		}
		page, n, err := db.Cases(t.Context(), s.leader, CaseFilter{Limit: 2, Offset: 4})
		if err != nil || n != 5 || len(page) != 1 || page[0].No != firm && page[0].No != plainOne {
			t.Errorf("the last page: got %v of %d, %v", page, n, err)
		}
	})
}

func TestQueue_RestrictedCasesWithNobodyClearedGoToTheDesk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		orgs := place(t, db)
		clerk := hire(t, db, "陈所", Clerk, orgs["城东司法所"])
		d := wall()
		d.Danger = true
		no := mustOpen(t, db, Person{Account: "qq/user/a"}, d).Case.No
		if got := inbox(t, db, clerk.Account, "m"); !slices.Equal(got, []string{"open"}) {
			t.Errorf("the desk got %v", got)
		}
		mustAct(t, db, clerk, no, Action{Verb: "accept"})
	})
}

func TestCorrect_FactsTheirHistoryAndTheirWords(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		c := mustOpen(t, db, s.resident, wall()).Case
		f := c.Facts()
		f.Parties, f.Story = "赵六", "邻居赵六砌墙占了过道一米，消防车进不来。"
		got, err := db.Correct(t.Context(), s.clerk, c.No, "r1", c.Version, f)
		if err != nil || got.Parties != "赵六" || got.Version != c.Version+1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		if again, err := db.Correct(t.Context(), s.clerk, c.No, "r1", c.Version, f); err != nil || again.Version != got.Version {
			t.Errorf("the same request again: %+v, %v", again, err)
		}
		if _, err := db.Correct(t.Context(), s.clerk, c.No, "r2", c.Version, c.Facts()); KindOf(err) != Conflict {
			t.Errorf("an older version: got %v", err)
		}
		if _, err := db.Correct(t.Context(), s.resident, c.No, "r3", 0, c.Facts()); KindOf(err) != Forbidden {
			t.Errorf("the applicant: got %v", err)
		}
		if _, err := db.Correct(t.Context(), s.other, c.No, "r4", 0, c.Facts()); KindOf(err) != NotFound {
			t.Errorf("a stranger: got %v", err)
		}
		for text, want := range map[string]int{"赵六": 1, "消防车": 1, "占了过道一米": 1, "半米": 0, "张某": 0} {
			if got := found(t, db, s.clerk, CaseFilter{Text: text}); len(got) != want {
				t.Errorf("%s: got %v", text, got)
			}
		}
		events, err := db.Events(t.Context(), got)
		if last := events[len(events)-1]; err != nil || last.Name() != "更正事实" || !strings.Contains(last.Note, "对方原为“张某”") || !strings.Contains(last.Note, "半米") {
			t.Errorf("got %+v, %v", last, err)
		}
		mine, err := db.Case(t.Context(), s.resident, c.No)
		if err != nil {
			t.Fatal(err)
		}
		if events, err := db.Events(t.Context(), mine); err != nil || events[len(events)-1].Note != "" {
			t.Errorf("the applicant reads %+v, %v", events, err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
