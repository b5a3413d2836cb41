package office

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

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
