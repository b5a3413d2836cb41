package jobs

import (
	"context"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// slowBot takes every message; after says what happens then.
type slowBot struct {
	open  []bot.Address
	sent  []string
	after func()
}

func (s *slowBot) Open() []bot.Address { return s.open }

func (s *slowBot) Send(_ context.Context, _ bot.Address, r bot.Reply) error {
	s.sent = append(s.sent, r.Text)
	s.after()
	return nil
}

// noticed is an office by that clock in which n notices wait for one clerk.
func noticed(t *testing.T, n int, now *time.Time) (*office.DB, bot.Address) {
	t.Helper()
	*now = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir(), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, err = db.ImportOrgs(t.Context(), "test", [][]string{{"上级", "类别", "名称"}, {"", "县", "青禾县"}, {"青禾县", "乡镇街道", "城东街道"}, {"城东街道", "司法所", "城东司法所"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ImportPeople(t.Context(), "test", [][]string{{"姓名", "角色", "机构"}, {"陈所", "经办人", "城东司法所"}}, false); err != nil {
		t.Fatal(err)
	}
	list, err := db.People(t.Context(), office.PeopleFilter{Name: "陈所"})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	code, _, err := db.Invite(t.Context(), "test", list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	const desk = "qq/user/C"
	if _, err := db.Bind(t.Context(), desk, code); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		d := office.Draft{Via: office.ViaResident, Matter: "dispute", Story: "邻居砌墙占了我家过道" + string(rune('一'+i)), Place: "城东街道"}
		if _, err := db.OpenCase(t.Context(), office.Person{Account: "qq/user/R"}, d); err != nil {
			t.Fatal(err)
		}
	}
	return db, desk
}

// What went out is on record even if the program stops at that moment: nobody is
// told the same again after the next start.
func TestNotices_SentWhileStopping(t *testing.T) {
	t.Parallel()
	var now time.Time
	db, desk := noticed(t, 2, &now)
	ctx, stop := context.WithCancel(t.Context())
	b := &slowBot{open: []bot.Address{desk}, after: stop}
	_ = Notices{Office: db, Bot: b}.Once(ctx) // it was stopped
	if len(b.sent) != 1 {
		t.Fatalf("sent %d, want 1: it was stopped after that", len(b.sent))
	}
	now = now.Add(2 * time.Minute) // the claim is over
	left, err := db.Contact(t.Context(), office.Account(desk), "m", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("%d wait still, want 1", len(left))
	}
	for _, x := range left {
		if x.Body == b.sent[0] {
			t.Errorf("told again: %s", x.Body)
		}
	}
}

// A platform on which each message takes ten seconds gets no more than fit into
// the time for which they are claimed.
func TestNotices_SlowPlatform(t *testing.T) {
	t.Parallel()
	var now time.Time
	db, desk := noticed(t, 8, &now)
	b := &slowBot{open: []bot.Address{desk}, after: func() { now = now.Add(10 * time.Second) }}
	if err := (Notices{Office: db, Bot: b, Now: func() time.Time { return now }}).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.sent); n < 1 || n > 4 {
		t.Errorf("sent %d in 10 s each, claimed for a minute", n)
	}
}
