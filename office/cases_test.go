package office

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clockAt makes the records' clock one that the test moves.
func clockAt(db *DB, at time.Time) func(time.Duration) {
	var mu sync.Mutex
	now := at
	db.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	return func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
}

// staff is a small county with its people.
type staff struct {
	orgs                                   map[string]Org
	clerk, other, helper, mediator, leader Person
	resident                               Person
}

func people4(t *testing.T, db *DB) staff {
	t.Helper()
	s := staff{orgs: place(t, db), resident: Person{Account: "qq/user/老李"}}
	s.clerk = hire(t, db, "陈所", Clerk, s.orgs["城东司法所"])
	if err := db.Clear(t.Context(), "test", s.clerk.ID, true, "分管未成年人保护"); err != nil {
		t.Fatal(err)
	}
	s.clerk.Cleared = true
	s.other = hire(t, db, "周所", Clerk, s.orgs["城西司法所"])
	s.helper = hire(t, db, "王明", Helper, s.orgs["三里村"])
	s.mediator = hire(t, db, "刘调", Mediator, s.orgs["城东司法所"], func(p *Person) { p.Conflicts = []string{"赵老三"} })
	s.leader = hire(t, db, "主任", Admin, s.orgs["青禾县"])
	return s
}

func wall() Draft {
	return Draft{Via: ViaResident, Matter: "dispute", Name: "李某", Phone: "13800000000", Place: "城东街道三里村", Parties: "张某",
		Story: "邻居砌墙占了我家过道半米，车进不来。", Wish: "把墙退回去"}
}

func mustOpen(t *testing.T, db *DB, by Person, d Draft) Opened {
	t.Helper()
	o, err := db.OpenCase(t.Context(), by, d)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustAct(t *testing.T, db *DB, by Person, no string, a Action) Case {
	t.Helper()
	c, err := db.Act(t.Context(), by, no, a)
	if err != nil {
		t.Fatalf("%s: %v", a.Verb, err)
	}
	return c
}

// inbox gives the kinds of messages that wait for somebody, and shows them.
func inbox(t *testing.T, db *DB, a Account, message string) []string {
	t.Helper()
	list, err := db.Contact(t.Context(), a, message, 20)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, n := range list {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

func TestCase_FromHandingInToTheArchive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 20, 10, 0, 0, 0, china))
		o := mustOpen(t, db, s.resident, wall())
		c := o.Case
		if c.No != "2026-城东-0001" || c.State != New || c.Urgency != Normal || o.Repeat || !o.Exact {
			t.Fatalf("got %+v", o)
		}
		if got := c.Promised.Format(time.DateOnly); got != "2026-12-11" { // 15 working days
			t.Errorf("promised %s", got)
		}
		if got := inbox(t, db, s.clerk.Account, "m1"); !slices.Equal(got, []string{"open"}) {
			t.Errorf("the desk got %v", got)
		}
		if got := inbox(t, db, s.other.Account, "m1"); got != nil {
			t.Errorf("another township got %v", got)
		}
		mustAct(t, db, s.clerk, "0001", Action{Verb: "受理"})
		mustAct(t, db, s.clerk, c.No, Action{Verb: "assign", To: s.mediator.ID})
		mustAct(t, db, s.mediator, "1", Action{Verb: "start"})
		if got := inbox(t, db, s.mediator.Account, "m1"); !slices.Equal(got, []string{"assign"}) {
			t.Errorf("the mediator got %v", got)
		}
		pass(24 * time.Hour)
		mustAct(t, db, s.mediator, c.No, Action{Verb: "answer", Text: "双方同意墙退回三十厘米。", Drafter: "模型甲"})
		list, err := db.Contact(ctx, s.resident.Account, "m9", 20)
		if err != nil || len(list) != 2 || list[0].Kind != "accept" {
			t.Fatalf("got %+v, %v", list, err)
		}
		for _, w := range []string{"三十厘米", "AI辅助起草", "城东司法所 刘调", c.No, "评价"} {
			if !strings.Contains(list[1].Body, w) {
				t.Errorf("no %q in the answer: %s", w, list[1].Body)
			}
		}
		if again, _ := db.Contact(ctx, s.resident.Account, "m9", 20); len(again) != 2 {
			t.Errorf("the same message handled again shows %d notices, want the same 2", len(again))
		}
		if later, _ := db.Contact(ctx, s.resident.Account, "m10", 20); len(later) != 0 {
			t.Errorf("the next message shows %v again", later)
		}
		c, err = db.Case(ctx, s.resident, c.No)
		if err != nil || c.Taken.IsZero() || c.State != Answered {
			t.Fatalf("got %+v, %v", c, err)
		}
		if err := db.RateCase(ctx, c, 5, "很快"); err != nil {
			t.Error(err)
		}
		mustAct(t, db, s.clerk, c.No, Action{Verb: "follow", Note: "电话问过，墙已退"})
		c = mustAct(t, db, s.clerk, c.No, Action{Verb: "archive"})
		if c.State != Archived || c.Closed.IsZero() || !c.Due.IsZero() {
			t.Errorf("got %+v", c)
		}
		f, err := db.CaseFigures(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, china), time.Date(2026, 12, 31, 0, 0, 0, 0, china))
		if err != nil || f.Opened != 1 || f.Closed != 1 || f.Satisfaction() != "100.0%（n=1）" || f.Due != 0 || f.OnTime() != "没有到期的（n=0）" {
			t.Errorf("got %+v, %v", f, err)
		}
		pass(60 * 24 * time.Hour)
		if f, err = db.CaseFigures(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, china), time.Date(2026, 12, 31, 0, 0, 0, 0, china)); err != nil || f.OnTime() != "100.0%（n=1）" {
			t.Errorf("after the promised day: %+v, %v", f, err)
		}
		events, err := db.Events(ctx, c)
		if err != nil || len(events) != 7 || events[0].Name() != "提交" || events[6].Name() != "归档" {
			t.Errorf("got %+v, %v", events, err)
		}
		if err := db.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestCase_WhoMayKnowAndDoWhat(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		o := mustOpen(t, db, s.resident, wall())
		no := o.Case.No
		stranger := Person{Account: "qq/user/张某"} // the other party
		for name, p := range map[string]Person{"the other party": stranger, "another township's clerk": s.other, "a helper who did not file it": s.helper, "a mediator who does not hold it": s.mediator} {
			if _, err := db.Case(ctx, p, no); KindOf(err) != NotFound {
				t.Errorf("%s reads it: %v", name, err)
			}
			if _, err := db.Act(ctx, p, no, Action{Verb: "accept"}); KindOf(err) != NotFound {
				t.Errorf("%s acts: %v", name, err)
			}
			if list, n, err := db.Cases(ctx, p, CaseFilter{}); err != nil || n != 0 || list != nil {
				t.Errorf("%s lists %d, %v", name, n, err)
			}
		}
		if _, there := db.Case(ctx, stranger, no); there.Error() != func() string { _, err := db.Case(ctx, stranger, "2026-城东-0999"); return err.Error() }() {
			t.Error("what is there and what is not there are told apart")
		}
		if _, err := db.Act(ctx, s.resident, no, Action{Verb: "accept"}); KindOf(err) != Forbidden {
			t.Errorf("the applicant accepts it: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, no, Action{Verb: "archive"}); KindOf(err) != Conflict {
			t.Errorf("archived before it was answered: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, no, Action{Verb: "return"}); KindOf(err) != Invalid {
			t.Errorf("returned without a reason: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, no, Action{Verb: "assign", To: s.helper.ID}); KindOf(err) != Conflict {
			t.Errorf("assigned to a helper: %v", err)
		}
		against := wall()
		against.Parties, against.Story = "赵老三", "赵老三欠我两千块不还。"
		b := mustOpen(t, db, s.resident, against)
		if _, err := db.Act(ctx, s.clerk, b.Case.No, Action{Verb: "assign", To: s.mediator.ID}); KindOf(err) != Conflict {
			t.Errorf("assigned against a declared conflict: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, no, Action{Verb: "accept", Version: 7}); KindOf(err) != Conflict {
			t.Errorf("a step on what is stale: %v", err)
		}
		if c, err := db.CaseByCode(ctx, "web/user/phone-of-a-neighbour", strings.ToLower(o.Code)); err != nil || c.No != no {
			t.Errorf("by code: %v", err)
		}
		for range maxWrong {
			db.CaseByCode(ctx, "web/user/guesser", "0000-0000") //nolint:errcheck // wrong on purpose
		}
		if _, err := db.CaseByCode(ctx, "web/user/guesser", o.Code); KindOf(err) != Forbidden {
			t.Errorf("after guessing: %v", err)
		}
		if err := db.Suspend(ctx, "test", s.clerk.ID, true); err != nil {
			t.Fatal(err)
		}
		gone, err := db.PersonByAccount(ctx, s.clerk.Account)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Case(ctx, gone, no); KindOf(err) != NotFound {
			t.Errorf("a suspended clerk reads it: %v", err)
		}
		var reads int
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM reads`).Scan(&reads); err != nil || reads != 0 {
			t.Errorf("%d reads, %v", reads, err)
		}
		if _, err := db.Case(ctx, s.leader, no); err != nil {
			t.Error(err)
		}
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM reads`).Scan(&reads); err != nil || reads != 1 {
			t.Errorf("%d reads after the leader's, %v", reads, err)
		}
	})
}

func TestCase_HelperNeedsConsent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		d := wall()
		d.Via, d.Consent = ViaHelper, "AAAA-AAAA"
		if _, err := db.OpenCase(ctx, s.resident, d); KindOf(err) != Forbidden {
			t.Errorf("a resident files for another: %v", err)
		}
		if _, err := db.OpenCase(ctx, s.helper, d); KindOf(err) != Invalid {
			t.Errorf("without consent: %v", err)
		}
		own, _, err := db.Consent(ctx, s.helper.Account)
		if err != nil {
			t.Fatal(err)
		}
		d.Consent = own
		if _, err := db.OpenCase(ctx, s.helper, d); KindOf(err) != Invalid {
			t.Errorf("with the helper's own consent: %v", err)
		}
		if d.Consent, _, err = db.Consent(ctx, s.resident.Account); err != nil {
			t.Fatal(err)
		}
		o := mustOpen(t, db, s.helper, d)
		d.Story += "又来一次"
		if _, err := db.OpenCase(ctx, s.helper, d); KindOf(err) != Invalid {
			t.Errorf("with a consent code that was used: %v", err)
		}
		if got := inbox(t, db, s.resident.Account, "m1"); !slices.Equal(got, []string{"filed"}) {
			t.Errorf("the resident got %v", got)
		}
		mustAct(t, db, s.clerk, o.Case.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, o.Case.No, Action{Verb: "answer", Text: "答复只给本人看。"})
		c, err := db.Case(ctx, s.helper, o.Case.No)
		if err != nil || c.State != Answered || c.Answer != "" {
			t.Errorf("the helper sees %+v, %v", c, err)
		}
		if _, err := db.Share(ctx, s.helper, c.No, true); KindOf(err) != Forbidden {
			t.Errorf("the helper shares it with themselves: %v", err)
		}
		if _, err := db.Share(ctx, s.resident, c.No, true); err != nil {
			t.Fatal(err)
		}
		if c, err = db.Case(ctx, s.helper, c.No); err != nil || c.Answer == "" {
			t.Errorf("shared, but the helper sees %+v, %v", c, err)
		}
		list, err := db.Contact(ctx, s.helper.Account, "m2", 20)
		if err != nil || len(list) != 2 || strings.Contains(list[0].Body+list[1].Body, "只给本人") {
			t.Errorf("the helper was told %+v, %v", list, err)
		}
	})
}

func TestCase_RepeatsAndTheSameMessage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		d := wall()
		d.Request = "web/user/1#m1"
		a := mustOpen(t, db, s.resident, d)
		b := mustOpen(t, db, s.resident, d)
		if b.Case.No != a.Case.No || b.Code != a.Code || b.Repeat {
			t.Errorf("the same message opened %+v", b)
		}
		d.Request, d.Story = "web/user/1#m2", "邻居砌墙，占了我家过道半米。车进不来！"
		if c := mustOpen(t, db, s.resident, d); c.Case.No != a.Case.No || !c.Repeat || c.Code != a.Code {
			t.Errorf("the same story opened %+v", c)
		}
		x := Action{Verb: "accept", Request: "m7"}
		mustAct(t, db, s.clerk, a.Case.No, x)
		if c := mustAct(t, db, s.clerk, a.Case.No, x); c.State != Accepted {
			t.Errorf("the same step twice: %+v", c)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCase_Urgent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		clockAt(db, time.Date(2026, 11, 20, 10, 0, 0, 0, china))
		calm := mustOpen(t, db, s.resident, wall())
		d := wall()
		d.Story, d.Limit, d.Matter = "仲裁时效下周到期，想申请法律援助。", time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), "aid"
		limit := mustOpen(t, db, s.resident, d)
		d = wall()
		d.Story, d.Danger = "他说今晚要来打我。", true
		danger := mustOpen(t, db, s.resident, d)
		list, n, err := db.Cases(ctx, s.clerk, CaseFilter{Open: true})
		if err != nil || n != 3 {
			t.Fatal(n, err)
		}
		for i, want := range []Opened{danger, limit, calm} {
			if list[i].No != want.Case.No {
				t.Errorf("place %d of the queue: %s, want %s", i, list[i].No, want.Case.No)
			}
		}
		if got := danger.Case.Due.Sub(danger.Case.Opened); got != safetyWithin {
			t.Errorf("danger is due in %v", got)
		}
		mustAct(t, db, s.clerk, danger.Case.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, danger.Case.No, Action{Verb: "answer", Text: "派出所已经到了，保护令怎么申请见下。"})
		notices, err := db.Contact(ctx, s.resident.Account, "m", 20)
		if err != nil || len(notices) != 2 || strings.Contains(notices[1].Body, "派出所") || !strings.Contains(notices[1].Body, danger.Code) {
			t.Errorf("a notice that others may see says %+v, %v", notices, err)
		}
		if c, _ := db.Case(ctx, s.resident, danger.Case.No); !c.Taken.IsZero() {
			t.Error("taken before it was fetched")
		}
		c, err := db.CaseByCode(ctx, s.resident.Account, danger.Code)
		if err := errors.Join(err, db.Take(ctx, c)); err != nil {
			t.Fatal(err)
		}
		if c, _ := db.Case(ctx, s.resident, danger.Case.No); c.Taken.IsZero() {
			t.Error("fetched, but not taken")
		}
	})
}

func TestCase_MergeReturnAndCallList(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 20, 10, 0, 0, 0, china))
		a := mustOpen(t, db, s.resident, wall())
		d := wall()
		d.Story = "还是那堵墙，张某又加高了。"
		b := mustOpen(t, db, s.resident, d)
		if _, err := db.Act(ctx, s.clerk, b.Case.No, Action{Verb: "merge", Into: b.Case.No}); KindOf(err) != Conflict {
			t.Errorf("merged into itself: %v", err)
		}
		c := mustAct(t, db, s.clerk, b.Case.No, Action{Verb: "并单", Into: a.Case.No})
		if c.State != Merged || c.IntoCase != a.Case.ID {
			t.Errorf("got %+v", c)
		}
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "return", Note: "没写是哪一户"})
		mustAct(t, db, s.resident, a.Case.No, Action{Verb: "correct", Note: "东头第三户"})
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "accept"})
		mustAct(t, db, s.clerk, a.Case.No, Action{Verb: "answer", Text: "已经上门量过，墙要退。"})
		if list, err := db.CallList(ctx, s.clerk, 48*time.Hour); err != nil || len(list) != 0 {
			t.Errorf("too early: %v, %v", list, err)
		}
		pass(49 * time.Hour)
		if list, err := db.CallList(ctx, s.clerk, 48*time.Hour); err != nil || len(list) != 1 || list[0].Phone == "" {
			t.Errorf("got %v, %v", list, err)
		}
		if list, err := db.CallList(ctx, s.resident, 48*time.Hour); err != nil || len(list) != 0 {
			t.Errorf("the resident's call list: %v, %v", list, err)
		}
	})
}

func TestNotices_OneSender(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		pass := clockAt(db, time.Date(2026, 11, 20, 10, 0, 0, 0, china))
		mustOpen(t, db, s.resident, wall())
		open := []Account{"web/user/nobody", s.clerk.Account}
		first, err := db.ClaimNotices(ctx, open, 10)
		if err != nil || len(first) != 1 || first[0].To != s.clerk.Account || first[0].Case != "2026-城东-0001" {
			t.Fatalf("got %+v, %v", first, err)
		}
		if twice, err := db.ClaimNotices(ctx, open, 10); err != nil || len(twice) != 0 {
			t.Errorf("claimed twice: %+v, %v", twice, err)
		}
		pass(claimFor + time.Second)
		again, err := db.ClaimNotices(ctx, open, 10)
		if err != nil || len(again) != 1 {
			t.Fatalf("not tried again: %+v, %v", again, err)
		}
		if err := db.NoticeSent(ctx, again[0].ID); err != nil {
			t.Fatal(err)
		}
		pass(2 * claimFor)
		if more, err := db.ClaimNotices(ctx, open, 10); err != nil || len(more) != 0 {
			t.Errorf("sent, but claimed again: %+v, %v", more, err)
		}
	})
}

func TestAlerts_OneForACluster(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		for i := range 5 {
			d := wall()
			d.Story = fmt.Sprintf("第%d次为那堵墙吵架了。", i)
			mustOpen(t, db, s.resident, d)
		}
		list, err := db.Alerts(ctx, s.clerk)
		if err != nil || len(list) != 1 || list[0].N != 5 || list[0].Hot {
			t.Fatalf("got %+v, %v", list, err)
		}
		var told int
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM notices WHERE kind = 'alert'`).Scan(&told); err != nil || told != 1 {
			t.Errorf("%d messages, %v", told, err)
		}
		if other, err := db.Alerts(ctx, s.other); err != nil || len(other) != 0 {
			t.Errorf("another township sees %+v, %v", other, err)
		}
		d := wall()
		d.Place, d.Parties = "城西镇五里村", ""
		for i := range 2 {
			d.Story = fmt.Sprintf("为地边子吵了%d次，他说要喊人来见血。", i)
			mustOpen(t, db, s.resident, d)
		}
		if list, err := db.Alerts(ctx, s.other); err != nil || len(list) != 1 || !list[0].Hot || len(list[0].Cases) != 2 {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

// Numbers have no gaps and no twins when many are opened at once, also if some
// fail.
func TestCase_NumbersUnderLoad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		people4(t, db)
		const n = 24
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				d := wall()
				d.Story = fmt.Sprintf("第%d户人家的事。", i)
				if i%4 == 0 {
					d.Story = "短"
				}
				if _, err := db.OpenCase(t.Context(), Person{Account: Account(fmt.Sprint("web/user/", i))}, d); (err == nil) == (i%4 == 0) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		var count, last int
		if err := db.read.QueryRow(`SELECT COUNT(DISTINCT no), (SELECT last FROM case_numbers) FROM cases`).Scan(&count, &last); err != nil || count != n*3/4 || last != count {
			t.Errorf("%d numbers, the last is %d, %v", count, last, err)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Two clerks at once: one step counts, the other is told.
func TestCase_TwoClerksAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		o := mustOpen(t, db, s.resident, wall())
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, p := range []Person{s.clerk, s.leader} {
			wg.Go(func() { _, errs[i] = db.Act(t.Context(), p, o.Case.No, Action{Verb: "accept"}) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || KindOf(errors.Join(errs...)) != Conflict {
			t.Errorf("got %v", errs)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestNotify_TellsWhatIsNotAboutACase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for range 2 {
			if err := db.update(ctx, func(tx *sql.Tx) error { return db.notify(ctx, tx, "hello", "hello 1", "web/user/1", 0, "您好") }); err != nil {
				t.Fatal(err)
			}
		}
		list, err := db.ClaimNotices(ctx, []Account{"web/user/1", "web/user/2"}, 5)
		if err != nil || len(list) != 1 || list[0].Body != "您好" || list[0].Case != "" || list[0].To != "web/user/1" {
			t.Fatalf("claimed %+v, %v", list, err)
		}
		if err := db.NoticeSent(ctx, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if list, err = db.Contact(ctx, "web/user/1", "m1", 5); err != nil || len(list) != 0 {
			t.Errorf("shown again: %+v, %v", list, err)
		}
	})
}
