package office

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Every state is reached, every state but the last ones is left, and what the
// table does not allow is refused with the reason.
func TestOrderMoves_WalkTheTable(t *testing.T) {
	t.Parallel()
	reached := map[OrderState]bool{Placed: true}
	for grown := true; grown; {
		grown = false
		for _, m := range OrderMoves {
			for _, from := range m.From {
				if reached[from] && !reached[m.To] {
					reached[m.To], grown = true, true
				}
			}
		}
	}
	final := []OrderState{RatedOrder, CancelledOrder}
	for _, s := range OrderStates {
		if !reached[s] || s.Name() == "" {
			t.Errorf("%s: reached %v, named %q", s, reached[s], s.Name())
		}
		left := slices.ContainsFunc(OrderMoves, func(m OrderMove) bool { return m.To != "" && slices.Contains(m.From, s) })
		if left == slices.Contains(final, s) {
			t.Errorf("%s: can be left: %v", s, left)
		}
		if s.Open() == (s.Held() || s == CancelledOrder) {
			t.Errorf("%s is open and over", s)
		}
	}
	seen := map[string]bool{}
	for _, m := range OrderMoves {
		if m.Who == 0 || len(m.From) == 0 || seen[m.Verb] || seen[m.Name] {
			t.Errorf("row %+v", m)
		}
		seen[m.Verb], seen[m.Name] = true, true
		if slices.ContainsFunc(Moves, func(c Move) bool { return c.Name == m.Name || c.Verb == m.Name }) {
			t.Errorf("%s is said of cases too", m.Name)
		}
		for _, s := range OrderStates {
			for hat := Orderer; hat <= Provider; hat <<= 1 {
				allowed := m.Who&hat != 0 && slices.Contains(m.From, s)
				got, err := orderMove(m.Name, s, hat)
				switch {
				case allowed && (err != nil || got.To != m.To):
					t.Errorf("%s from %s by %s: %v", m.Verb, s, hat.names(), err)
				case m.Who&hat == 0 && (KindOf(err) != Forbidden || !strings.Contains(err.Error(), m.Name)):
					t.Errorf("%s by %s: got %v, want it forbidden with the reason", m.Verb, hat.names(), err)
				case !allowed && m.Who&hat != 0 && (KindOf(err) != Conflict || !strings.Contains(err.Error(), s.Name())):
					t.Errorf("%s from %s: got %v, want a conflict that names the state", m.Verb, s, err)
				}
				if slices.Contains(nextOrder(s, hat), m.Verb) != allowed {
					t.Errorf("next(%s, %s) and move differ on %s", s, hat.names(), m.Verb)
				}
			}
		}
	}
}

func TestParseWhen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, china) // a Wednesday
	for text, want := range map[string]string{
		"12月5日上午9点":        "2026-12-05 09:00",
		"12月5日 9:30":       "2026-12-05 09:30",
		"十二月十五号下午两点半":      "2026-12-15 14:30",
		"2026-12-08 14：00": "2026-12-08 14:00",
		"12.8 晚上7点":        "2026-12-08 19:00",
		"下周三下午2点":          "2026-12-02 14:00",
		"周五上午十点一刻":         "2026-11-27 10:15",
		"周三9点":             "2026-12-02 09:00", // today is one already
		"后天晚上":             "2026-11-27 19:00",
		"3号下午3点":           "2026-12-03 15:00",
		"1月6日上午":           "2027-01-06 09:00",
		"下下周一中午1点":         "2026-12-07 13:00",
		"三十号 8点半":          "2026-11-30 08:30",
	} {
		got, err := ParseWhen(text, now)
		if err != nil || got.Format("2006-01-02 15:04") != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "明天", "9点", "13月5日9点", "2月30日9点", "12月5日25点", "2019-12-05 9:00", "随便"} {
		if got, err := ParseWhen(text, now); KindOf(err) != Invalid || err == nil {
			t.Errorf("%q: got %v, %v, want it refused", text, got, err)
		}
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"12月5日上午9点", "下周三下午两点半", "2026-12-08 14：00", "后天晚上", "三十号 8点半", "十十月一日1点"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, china)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseWhen(text, now)
		// A date that is written out with its year is taken as written; booking
		// says how early one may be.
		if err == nil && (got.Year() < now.Year() || got.After(now.AddDate(3, 0, 0))) {
			t.Errorf("%q: %v is not near", text, got)
		}
		if err != nil && KindOf(err) != Invalid {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestBookable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 25, 10, 0, 0, 0, china) // 25–27 September and 1–7 October are free, 20 September and 10 October are worked
	for _, c := range []struct {
		rule, at string
		minutes  int
		extra    bool
		want     string // in the refusal; "": taken
	}{
		{"too soon", "2026-09-29 09:00", 60, false, "最早可以约 9月30日"},
		{"three working days", "2026-09-30 09:00", 60, false, ""},
		{"National Day", "2026-10-02 09:00", 60, true, "法定节假日，不安排讲座；最近可以约 10月8日"},
		{"a Saturday that is worked", "2026-10-10 09:00", 60, false, ""},
		{"a Sunday", "2026-10-11 09:00", 60, false, "是周末"},
		{"a Sunday, with extra hours", "2026-10-11 09:00", 60, true, ""},
		{"runs past the hours", "2026-10-12 17:00", 60, false, "8:30 到 17:30"},
		{"in the evening", "2026-10-12 19:00", 60, true, ""},
		{"in the evening, without extra hours", "2026-10-12 19:00", 60, false, "8:30 到 17:30"},
		{"late in the evening", "2026-10-12 20:00", 60, true, "到 20:30"},
		{"far ahead", "2027-06-01 09:00", 60, false, "最多提前"},
	} {
		at, _ := time.ParseInLocation("2006-01-02 15:04", c.at, china)
		exact, err := bookable(at, c.minutes, c.extra, now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
		if err == nil && !exact {
			t.Errorf("%s: holidays of %s are not known?", c.rule, c.at)
		}
	}
	at := time.Date(2027, 1, 6, 9, 0, 0, 0, china)
	if exact, err := bookable(at, 60, false, time.Date(2026, 12, 1, 9, 0, 0, 0, china)); err != nil || exact {
		t.Errorf("a year without announcement: %v, %v, want it taken and not exact", exact, err)
	}
}

// school is a small county with a department, its lecturers, a duty and a menu.
type school struct {
	db       *DB
	orgs     map[string]Org
	officer  Person
	lecturer Person
	head     Person // of the department
	pass     func(time.Duration)
	n        int
}

func newSchool(t *testing.T, db *DB) *school {
	t.Helper()
	ctx := t.Context()
	k := &school{db: db, pass: clockAt(db, time.Date(2026, 11, 25, 10, 0, 0, 0, china))}
	place(t, db)
	if rep, err := db.ImportOrgs(ctx, "test", [][]string{{"上级", "类别", "名称"}, {"青禾县", "部门", "人社局"}, {"青禾县", "部门", "公安局"}}, false); err != nil || rep.Kept != 2 {
		t.Fatal(rep, err)
	}
	list, err := db.Orgs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k.orgs = map[string]Org{}
	for _, o := range list {
		k.orgs[o.Name] = o
	}
	k.officer = hire(t, db, "赵干部", Officer, k.orgs["青禾县"])
	k.lecturer = hire(t, db, "钱讲师", Clerk, k.orgs["人社局"])
	k.head = hire(t, db, "孙科长", Clerk, k.orgs["公安局"])
	keep := func(rep Import, err error) {
		t.Helper()
		if err != nil || len(rep.Errors) > 0 {
			t.Fatal(rep, err)
		}
	}
	keep(db.ImportDuties(ctx, "test", [][]string{{"部门", "法律法规", "普法内容", "对象", "频次"},
		{"人社局", "劳动合同法", "签合同、发工资", "企业、乡村", "每季度"}, {"公安局", "反电信网络诈骗法", "不转账", "不限", "每半年"}, {"公安局", "治安管理处罚法", "新修订内容", "", "每年"}}, false))
	keep(db.ImportLecturers(ctx, "test", [][]string{{"姓名", "部门", "电话", "专长", "语言", "停讲"},
		{"钱讲师", "人社局", "13800000001", "劳动", "普通话、方言", ""}, {"周警官", "公安局", "13800000002", "反诈", "", ""}, {"吴老师", "公安局", "", "", "", "是"}}, false))
	duties, err := db.Duties(ctx, false)
	if err != nil || len(duties) != 3 {
		t.Fatal(duties, err)
	}
	keep(db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长", "对象", "讲师", "语言", "晚上周末", "责任编号"},
		{"讨薪怎么办", "人社局", "60分钟", "企业、乡村", "钱讲师", "普通话", "", "1"},
		{"防诈骗", "公安局", "45", "", "", "普通话、方言", "是", "2"}}, false))
	return k
}

func (k *school) order(t *testing.T, lecture int64, when, unit string) (Ordered, error) {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", when, china)
	if err != nil {
		t.Fatal(err)
	}
	k.n++
	return k.db.PlaceOrder(t.Context(), Person{Account: "web/user/村长"}, OrderDraft{Request: fmt.Sprint("m", k.n), Lecture: lecture, At: at, Heads: 40, Unit: unit, Contact: "村长", Phone: "13900000000"})
}

// told gives what waits for an address, and takes it.
func (k *school) told(t *testing.T, who string) string {
	t.Helper()
	k.n++
	list, err := k.db.Contact(t.Context(), Account("web/user/"+who), fmt.Sprint("c", k.n), 20)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, n := range list {
		b.WriteString(n.Body + "\n")
	}
	return b.String()
}

func hears(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in:\n%s", w, text)
		}
	}
}

func (k *school) act(t *testing.T, by Person, no string, a OrderAction) Order {
	t.Helper()
	o, err := k.db.ActOrder(t.Context(), by, no, a)
	if err != nil {
		t.Fatalf("%s: %v", a.Verb, err)
	}
	return o
}

func TestOrders_FromMenuToFigure(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		orderer := Person{Account: "web/user/村长"}
		menu, err := db.Menu(ctx, "企业", false)
		if err != nil || len(menu) != 2 || menu[0].Topic != "讨薪怎么办" || menu[0].By != "钱讲师" || !strings.Contains(menu[1].Line(), "45分钟，不限，公安局，普通话、方言，晚上周末也行") {
			t.Fatalf("menu %+v, %v", menu, err)
		}
		out, err := k.order(t, menu[0].ID, "2026-12-04 09:00", "城东街道三里村村委会")
		if err != nil || out.Order.No != "讲2026-0001" || out.Order.Place != k.orgs["三里村"].ID || !out.Exact || out.Code == "" {
			t.Fatalf("got %+v, %v", out, err)
		}
		k.n--
		if again, err := k.order(t, menu[0].ID, "2026-12-04 09:00", "城东街道三里村村委会"); err != nil || !again.Repeat || again.Order.No != out.Order.No {
			t.Errorf("the same message again: %+v, %v", again, err)
		}
		no := out.Order.No
		hears(t, k.told(t, "赵干部"), no, "三里村", "40 人", "派讲 1")
		if _, err := db.Order(ctx, k.head, no); KindOf(err) != NotFound {
			t.Errorf("somebody else's order is seen: %v", err)
		}
		if _, err := db.ActOrder(ctx, orderer, no, OrderAction{Verb: "派讲"}); KindOf(err) != Forbidden {
			t.Errorf("the orderer dispatches: %v", err)
		}
		if o := k.act(t, k.officer, "1", OrderAction{Verb: "派讲"}); o.State != Dispatched || o.By != "钱讲师" || o.OrgName != "人社局" {
			t.Errorf("dispatched %+v", o)
		}
		hears(t, k.told(t, "钱讲师"), "请您接一场讲座", "12月4日（周五）09:00", "13900000000", "接单 1")
		// the lecturer asks for another day; the orderer agrees
		at := time.Date(2026, 12, 7, 14, 0, 0, 0, china)
		if _, err := db.ActOrder(ctx, k.lecturer, no, OrderAction{Verb: "改期", At: at}); KindOf(err) != Invalid || err == nil {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := db.ActOrder(ctx, k.lecturer, no, OrderAction{Verb: "改期", Note: "那天开会", At: time.Date(2026, 12, 6, 14, 0, 0, 0, china)}); err == nil || !strings.Contains(err.Error(), "周末") {
			t.Errorf("on a Sunday: %v", err)
		}
		k.act(t, k.lecturer, no, OrderAction{Verb: "改期", Note: "那天开会", At: at})
		hears(t, k.told(t, "村长"), "那天开会", "12月7日（周一）14:00", "同意改期 1")
		if _, err := db.ActOrder(ctx, k.lecturer, no, OrderAction{Verb: "接单"}); KindOf(err) != Conflict || !strings.Contains(err.Error(), "待同意改期") {
			t.Errorf("accepting what waits for consent: %v", err)
		}
		if o := k.act(t, orderer, no, OrderAction{Verb: "同意改期"}); o.State != Booked || !o.At.Equal(at) || !o.Ends.Equal(at.Add(time.Hour)) || !o.NewAt.IsZero() {
			t.Errorf("agreed %+v", o)
		}
		hears(t, k.told(t, "钱讲师"), "对方同意了")
		if _, err := db.ActOrder(ctx, k.lecturer, no, OrderAction{Verb: "完成讲座", Came: 38}); KindOf(err) != Conflict {
			t.Errorf("done before it began: %v", err)
		}
		k.pass(13 * 24 * time.Hour)
		if _, err := db.ActOrder(ctx, k.lecturer, no, OrderAction{Verb: "完成讲座"}); KindOf(err) != Invalid {
			t.Errorf("without a count: %v", err)
		}
		if o := k.act(t, k.lecturer, no, OrderAction{Verb: "完成讲座", Came: 38, Photo: "IMG_1207.jpg"}); o.State != Done || o.Came != 38 {
			t.Errorf("done %+v", o)
		}
		hears(t, k.told(t, "村长"), "签到 38 人", "评讲座 1 5")
		if _, err := db.ActOrder(ctx, Person{Account: "web/user/x"}, "", OrderAction{Verb: "评讲座", Score: 2, Code: "AAAA-AAAA"}); KindOf(err) != NotFound {
			t.Errorf("a wrong code: %v", err)
		}
		// rated with the code, from another chat than it was ordered in
		if o := k.act(t, Person{Account: "web/user/x"}, "", OrderAction{Verb: "评讲座", Score: 5, Note: "讲得明白", Code: out.Code}); o.State != RatedOrder {
			t.Errorf("rated %+v", o)
		}
		k.checkFigures(t, no)
	})
}

func (k *school) checkFigures(t *testing.T, no string) {
	t.Helper()
	ctx := t.Context()
	from, to := time.Date(2026, 12, 1, 0, 0, 0, 0, china), time.Date(2026, 12, 31, 0, 0, 0, 0, china)
	f, err := k.db.LectureFigures(ctx, from, to)
	if err != nil || f.Held != 1 || f.Heads != 38 || f.Rated != 1 || f.Satisfied != 1 || f.ByMonth["2026-12"] != 1 || f.ByPlace["三里村"] != 1 || f.Satisfaction() != "100.0%（n=1）" {
		t.Errorf("figures %+v, %v", f, err)
	}
	held, n, err := k.db.Orders(ctx, k.officer, OrderFilter{From: from, To: to, State: RatedOrder})
	if err != nil || n != f.Held || len(held) != 1 || held[0].No != no {
		t.Errorf("orders held %+v, %v", held, err)
	}
	counts, err := k.db.ActivityCounts(ctx, from, to)
	if err != nil || len(counts) != 1 || counts[0] != (ActivityCount{"2026-12", KindOrdered, f.Held, f.Heads}) {
		t.Errorf("register %+v, %v", counts, err)
	}
	events, err := k.db.OrderEvents(ctx, held[0])
	if err != nil || len(events) != 6 || events[0].Name() != "下单" || events[5].Name() != "评讲座" {
		t.Errorf("events %+v, %v", events, err)
	}
	if _, err := k.db.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
}

func TestOrders_NoDoubleBooking(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		menu, _ := db.Menu(ctx, "", false)
		first, err := k.order(t, menu[0].ID, "2026-12-04 09:00", "三里村村委会")
		if err != nil {
			t.Fatal(err)
		}
		k.act(t, k.officer, first.Order.No, OrderAction{Verb: "dispatch"})
		for _, when := range []string{"2026-12-04 09:30", "2026-12-04 10:15"} { // 10:00 to 10:30 is the way home
			if _, err := k.order(t, menu[0].ID, when, "五里村村委会"); KindOf(err) != Conflict || !strings.Contains(err.Error(), "已经有一场") {
				t.Errorf("%s: %v", when, err)
			}
			at, _ := time.ParseInLocation("2006-01-02 15:04", when, china)
			if _, err := db.Bookable(ctx, menu[0].ID, at); KindOf(err) != Conflict {
				t.Errorf("bookable %s: %v", when, err)
			}
		}
		if _, err := k.order(t, menu[1].ID, "2026-12-04 09:15", "三里村村委会"); KindOf(err) != Conflict || !strings.Contains(err.Error(), "已经约了一场") {
			t.Errorf("the same unit at the same time: %v", err)
		}
		// two orders at one time that no lecturer has yet, dispatched to one at once
		var orders []Ordered
		for _, unit := range []string{"五里村村委会", "城东街道实验小学"} {
			o, err := k.order(t, menu[1].ID, "2026-12-05 19:00", unit)
			if err != nil {
				t.Fatal(err)
			}
			orders = append(orders, o)
		}
		who, err := db.LecturerNamed(ctx, "周警官")
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, o := range orders {
			wg.Go(func() {
				_, errs[i] = db.ActOrder(ctx, k.officer, o.Order.No, OrderAction{Verb: "dispatch", Lecturer: who.ID})
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || KindOf(errors.Join(errs...)) != Conflict {
			t.Errorf("at once: %v", errs)
		}
		away, _ := db.LecturerNamed(ctx, "吴老师")
		if _, err := db.ActOrder(ctx, k.officer, orders[0].Order.No, OrderAction{Verb: "dispatch", Lecturer: away.ID}); err == nil {
			t.Error("a lecturer who is away gets a lecture")
		}
	})
}

func TestOrders_DepartmentNamesItsLecturer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		menu, _ := db.Menu(ctx, "", false)
		out, err := k.order(t, menu[1].ID, "2026-12-06 10:00", "城西镇中学")
		if err != nil {
			t.Fatal(err)
		}
		no := out.Order.No
		k.act(t, k.officer, no, OrderAction{Verb: "dispatch"})
		hears(t, k.told(t, "孙科长"), "请您接一场讲座")
		if _, err := db.ActOrder(ctx, k.head, no, OrderAction{Verb: "accept"}); err == nil || !strings.Contains(err.Error(), "哪位讲师") {
			t.Errorf("nobody is named: %v", err)
		}
		other, _ := db.LecturerNamed(ctx, "钱讲师")
		if _, err := db.ActOrder(ctx, k.head, no, OrderAction{Verb: "accept", Lecturer: other.ID}); KindOf(err) != Invalid {
			t.Errorf("another department's lecturer: %v", err)
		}
		who, _ := db.LecturerNamed(ctx, "周警官")
		if o := k.act(t, k.head, no, OrderAction{Verb: "accept", Lecturer: who.ID}); o.By != "周警官" || o.State != Booked {
			t.Errorf("accepted %+v", o)
		}
		hears(t, k.told(t, "村长"), "定下来了", "公安局的周警官")
		k.act(t, k.head, no, OrderAction{Verb: "decline", Note: "临时出警"})
		hears(t, k.told(t, "赵干部"), "被谢绝：临时出警", "另派")
		o, err := db.Order(ctx, k.officer, no)
		if err != nil || o.State != Declined || o.Lecturer != 0 {
			t.Errorf("declined %+v, %v", o, err)
		}
		if _, err := db.ActOrder(ctx, k.officer, no, OrderAction{Verb: "dispatch", Version: o.Version - 1}); KindOf(err) != Conflict {
			t.Errorf("a stale screen: %v", err)
		}
		if e, err := db.Erase(ctx, "test", "web/user/村长", Keep{}, false); err != nil || e.Erased["讲座订单"] != 0 || len(e.Kept) != 1 || e.Kept[0].What != no {
			t.Errorf("erased what is still to be held: %+v, %v", e, err)
		}
		if d, err := db.Dossier(ctx, "test", "web/user/村长"); err != nil || len(d.Lectures) != 1 || !strings.Contains(d.Text(), "13900000000") {
			t.Errorf("dossier %+v, %v", d, err)
		}
		k.act(t, Person{Account: "web/user/村长"}, no, OrderAction{Verb: "cancel", Note: "村里有事"})
		if e, err := db.Erase(ctx, "test", "web/user/村长", Keep{}, false); err != nil || e.Erased["讲座订单"] != 1 {
			t.Errorf("not erased: %+v, %v", e, err)
		}
		if o, err := db.Order(ctx, k.officer, no); err != nil || o.Contact+o.Phone+o.account != "" || o.Unit != "城西镇中学" {
			t.Errorf("what is left: %+v, %v", o, err)
		}
		f, err := db.LectureFigures(ctx, db.now().AddDate(0, -1, 0), db.now())
		if err != nil || f.Cancelled != 1 || f.Held != 0 || f.Accepted != 1 {
			t.Errorf("figures %+v, %v", f, err)
		}
	})
}

func TestDuties_GapsBecomePrompts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		k.pass(30 * 24 * time.Hour) // 25 December
		err := db.AddActivity(ctx, "test", Activity{Day: "2026-12-04", Kind: "主题宣传", Title: "宪法日", Org: k.orgs["人社局"], Place: "广场", Heads: 300, Duty: 1})
		if err != nil {
			t.Fatal(err)
		}
		for why, a := range map[string]Activity{
			"already登记": {Day: "2026-12-04", Kind: "主题宣传", Title: "宪法日", Org: k.orgs["人社局"], Place: "广场"},
			"还没到":       {Day: "2027-01-04", Kind: "主题宣传", Title: "明年", Org: k.orgs["人社局"]},
			"不认识":       {Day: "2026-12-04", Kind: "吃饭", Title: "宪法日", Org: k.orgs["人社局"]},
			"自动登记":      {Day: "2026-12-04", Kind: KindOrdered, Title: "宪法日", Org: k.orgs["人社局"]},
			"是人社局的":     {Day: "2026-12-04", Kind: "主题宣传", Title: "反诈", Org: k.orgs["公安局"], Duty: 1},
		} {
			if err := db.AddActivity(ctx, "test", a); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(why, "already")) {
				t.Errorf("%s: %v", why, err)
			}
		}
		states, err := db.DutyStates(ctx, "2026Q4")
		byID(states)
		if err != nil || len(states) != 3 || states[0].Gap || states[0].Acts != 1 || states[0].Heads != 300 || !states[1].Gap || !states[2].Gap {
			t.Fatalf("states %+v, %v", states, err)
		}
		if early, err := db.DutyStates(ctx, "2026Q3"); err != nil || len(early) != 0 {
			t.Errorf("before the list was made: %+v, %v", early, err)
		}
		later, err := db.DutyStates(ctx, "2027Q1")
		if byID(later); err != nil || !later[0].Gap || later[1].Gap || later[2].Gap {
			t.Errorf("half-yearly and yearly duties are owed later: %+v, %v", later, err)
		}
		drafts, err := db.DraftPrompts(ctx, "test", "2026Q4")
		if err != nil || len(drafts) != 1 || drafts[0].Org.Name != "公安局" {
			t.Fatalf("drafts %+v, %v", drafts, err)
		}
		p := drafts[0]
		hears(t, p.Body, "公安局：", "第五十七条", "1. 《反电信网络诈骗法》", "2. 《治安管理处罚法》", day(p.Due))
		if again, err := db.DraftPrompts(ctx, "test", "2026Q4"); err != nil || len(again) != 1 || again[0].ID != p.ID {
			t.Errorf("drafted again: %+v, %v", again, err)
		}
		if _, err := db.SendPrompt(ctx, k.head, p.ID); KindOf(err) != Forbidden {
			t.Errorf("sent by the department itself: %v", err)
		}
		if _, err := db.AnswerPrompt(ctx, k.head, p.ID, "已经安排"); KindOf(err) != Conflict {
			t.Errorf("answered before it was sent: %v", err)
		}
		if p, err = db.SendPrompt(ctx, k.officer, p.ID); err != nil || p.State(db.now()) != "待反馈" {
			t.Fatalf("sent %+v, %v", p, err)
		}
		hears(t, k.told(t, "孙科长"), "普法提示", fmt.Sprintf("普法反馈 %d", p.ID))
		k.pass(40 * 24 * time.Hour)
		for range 2 {
			if err := db.RemindPrompts(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := k.told(t, "赵干部"); strings.Count(got, "到期没有反馈") != 1 {
			t.Errorf("reminded: %s", got)
		}
		if _, err := db.AnswerPrompt(ctx, k.lecturer, p.ID, "不是我的"); KindOf(err) != NotFound {
			t.Errorf("answered by another department: %v", err)
		}
		if p, err = db.AnswerPrompt(ctx, k.head, p.ID, "本月已进村宣讲三场。"); err != nil || p.State(db.now()) != "已反馈" || p.Answerer != "公安局 孙科长" {
			t.Errorf("answered %+v, %v", p, err)
		}
		hears(t, k.told(t, "赵干部"), "公安局反馈了", "三场")
	})
}

func byID(list []DutyState) {
	slices.SortFunc(list, func(a, b DutyState) int { return int(a.Duty.ID - b.Duty.ID) })
}

func TestLectureTables_DryRunAndFaults(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		orgs, _ := db.Orgs(ctx)
		rep, err := db.ImportDuties(ctx, "test", [][]string{{"部门", "法律法规", "普法内容", "对象", "频次"},
			{"税务局", "税收征管法", "办税", "", ""}, {"人社局", "", "x", "", ""}, {"人社局", "社会保险法", "参保", "外星人", ""}, {"人社局", "社会保险法", "参保", "企业", "每天"}, {"人社局", "社会保险法", "参保", "企业", "每年"}}, false)
		if err != nil || rep.Kept != 0 || len(rep.Errors) != 4 || rep.Errors[0].Row != 2 || rep.Errors[3].Row != 5 {
			t.Errorf("duties: %+v, %v", rep, err)
		}
		rep, err = db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长", "对象", "讲师", "语言", "晚上周末", "责任编号"},
			{"好", "人社局", "500", "", "", "", "", ""}, {"好", "人社局", "60", "", "没这人", "", "", ""}, {"好", "公安局", "60", "", "", "", "", "1"}, {"", "公安局", "60", "", "", "", "", ""}}, true)
		if err != nil || len(rep.Errors) != 4 || !rep.DryRun {
			t.Errorf("lectures: %+v, %v", rep, err)
		}
		if list, _ := db.Menu(ctx, "", true); len(list) != 2 {
			t.Errorf("a dry run changed the menu: %+v", list)
		}
		// what was exported is imported again and changes nothing
		duties, _ := db.Duties(ctx, true)
		menu, _ := db.Menu(ctx, "", true)
		pool, _ := db.Lecturers(ctx)
		for name, err := range map[string]error{
			"duties":    roundTrip(DutyTable(duties, orgs), func(rows [][]string) (Import, error) { return db.ImportDuties(ctx, "test", rows, false) }),
			"lecturers": roundTrip(LecturerTable(pool, orgs), func(rows [][]string) (Import, error) { return db.ImportLecturers(ctx, "test", rows, false) }),
			"lectures":  roundTrip(LectureTable(menu, orgs), func(rows [][]string) (Import, error) { return db.ImportLectures(ctx, "test", rows, false) }),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if again, _ := db.Menu(ctx, "", true); len(again) != 2 || again[0].Line() != menu[0].Line() || again[0].Duty != menu[0].Duty {
			t.Errorf("the menu changed: %+v", again)
		}
		// a lecture taken off the menu is not ordered
		rows := LectureTable(menu, orgs)
		rows[1][8] = "是"
		if _, err := db.ImportLectures(ctx, "test", rows, false); err != nil {
			t.Fatal(err)
		}
		if _, err := k.order(t, menu[0].ID, "2026-12-04 09:00", "三里村"); KindOf(err) != NotFound {
			t.Errorf("ordered what is off the menu: %v", err)
		}
	})
}

func roundTrip(rows [][]string, read func([][]string) (Import, error)) error {
	rep, err := read(rows)
	if err != nil || len(rep.Errors) > 0 || rep.Kept != len(rows)-1 {
		return fmt.Errorf("%+v, %w", rep, err)
	}
	return nil
}

func TestParseQuarter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Quarter{"2026Q4": "2026Q4", "2026年第4季度": "2026Q4", "2026年三季度": "2026Q3", "2027q1": "2027Q1"} {
		if q, err := ParseQuarter(text); err != nil || q != want {
			t.Errorf("%s: %s, %v", text, q, err)
		}
	}
	for _, text := range []string{"", "2026", "2026Q5", "Q4", "20Q4"} {
		if q, err := ParseQuarter(text); err == nil {
			t.Errorf("%q: %s", text, q)
		}
	}
}
