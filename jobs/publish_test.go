package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/office"
)

// china is where the office is.
var china = time.FixedZone("Asia/Shanghai", 8*3600)

// bureau is an office with two officers, whose clock stands at Monday 09:00.
type bureau struct {
	db              *office.DB
	writer, checker office.Person
	mu              sync.Mutex
	at              time.Time
}

func newBureau(t testing.TB, o office.Options) *bureau {
	t.Helper()
	b := &bureau{at: time.Date(2026, 11, 30, 8, 59, 0, 0, china)}
	o.Now = func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }
	var err error
	if b.db, err = office.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
	})
	org, err := b.db.AddOrg(t.Context(), "test", office.Org{Kind: "县", Name: "青禾县"})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []*office.Person{&b.writer, &b.checker} {
		if *p, err = b.db.AddPerson(t.Context(), "test", office.Person{Name: fmt.Sprint("人", i), Posts: []office.Post{{Role: office.Officer, Org: org}}}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bureau) pass(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.at = b.at.Add(d) }

// publish has a piece approved and planned for now.
func (b *bureau) publish(t testing.TB, title string) office.Piece {
	t.Helper()
	ctx := t.Context()
	it, err := b.db.AddPiece(ctx, b.writer, office.PieceVersion{Kind: office.KindText, Title: title, Body: "借钱要打借条，写清金额、利率、还款日，双方签名按手印。", Audience: []string{"乡村"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.db.Submit(ctx, b.writer, it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	if it, _, err = b.db.Approve(ctx, b.checker, it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	at := b.at.Add(time.Minute).In(china).Format("2006-01-02 15:04")
	b.mu.Unlock()
	if _, err := b.db.AddPlan(ctx, b.writer, office.Plan{Name: "现在", Spec: at, Pieces: []int64{it.ID}}); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Minute)
	return it
}

// sink is a receiver that counts.
type sink struct {
	name string
	fail func(d office.Delivery) error

	mu  sync.Mutex
	got map[string]int // by key
	ref int
}

func (s *sink) Name() string { return s.name }

func (s *sink) Publish(_ context.Context, d office.Delivery) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[string]int{}
	}
	s.got[d.Key()]++
	s.ref++
	if s.fail != nil {
		if err := s.fail(d); err != nil {
			return "", err
		}
	}
	return fmt.Sprint("r", s.ref), nil
}

func targets(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint("village-", i))
	}
	return list
}

func TestPublish_SendsToAllAndKeepsTheLedger(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	for i := range 30 {
		if err := b.db.Subscribe(t.Context(), office.Account(fmt.Sprint("qq/user/", i)), "乡村"); err != nil {
			t.Fatal(err)
		}
	}
	it := b.publish(t, "借条")
	hook := &sink{name: "hook", fail: func(d office.Delivery) error {
		if d.Target == "village-7" && d.Attempts == 1 {
			return errors.New("down")
		}
		return nil
	}}
	chat := &sink{name: "chat", fail: func(d office.Delivery) error {
		switch d.Target {
		case "qq/user/3":
			return &office.RefusedError{Code: "40034105"}
		case "qq/user/4":
			panic("oh")
		}
		return nil
	}}
	p := &Publish{Office: b.db, To: []Publisher{hook, chat}, Fixed: map[string][]string{"hook": targets(600)}, Log: slog.New(slog.DiscardHandler)}
	for range 2 {
		if err := p.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Hour)
	}
	list, err := b.db.Tallies(t.Context(), it.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range list {
		got = append(got, fmt.Sprintf("%s %s %d", x.Sink, x.State, x.N))
	}
	if want := "chat refused 1, chat sent 28, chat uncertain 1, hook sent 600"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(hook.got) != 600 || len(chat.got) != 30 {
		t.Errorf("%d and %d were sent to", len(hook.got), len(chat.got))
	}
	twice := 0
	for _, n := range hook.got {
		twice += n - 1
	}
	if twice != 1 {
		t.Errorf("%d were sent again, want the one that failed", twice)
	}
}

func TestPublish_ARecallReachesTheSite(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	store, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	site, err := NewSite(Pieces{Office: b.db}, store, SiteOptions{Title: "青禾普法", Base: "https://pufa.example.gov.cn/"})
	if err != nil {
		t.Fatal(err)
	}
	p := &Publish{Office: b.db, To: []Publisher{Cloud{"cloud": site}}, Fixed: map[string][]string{"cloud": {"cloud"}}, Log: slog.New(slog.DiscardHandler)}
	it := b.publish(t, "借条怎么写")
	once := func() string {
		t.Helper()
		if err := p.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := store.Get(t.Context(), articleKey(pieceID(it.ID)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	if page := once(); !strings.Contains(page, "双方签名") || !strings.Contains(page, "青禾县") {
		t.Errorf("the page: %s", page)
	}
	list, _, err := b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: it.ID, Sink: "cloud"})
	if err != nil || len(list) != 1 || !strings.HasPrefix(list[0].Ref, "https://pufa.example.gov.cn/") {
		t.Errorf("the ledger: %+v, %v", list, err)
	}
	if _, err := b.db.Recall(t.Context(), b.checker, it.ID, "利率写错了"); err != nil {
		t.Fatal(err)
	}
	if page := once(); strings.Contains(page, "双方签名") || !strings.Contains(page, "利率写错了") {
		t.Errorf("after the recall: %s", page)
	}
	list, _, err = b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: it.ID})
	if err != nil || !slices.ContainsFunc(list, func(d office.Delivery) bool { return d.Act == office.ActWithdraw && d.State == office.Sent }) {
		t.Errorf("the ledger: %+v, %v", list, err)
	}
}
