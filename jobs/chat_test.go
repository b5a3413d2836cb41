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

	"mingbai/bot"
	"mingbai/office"
)

// line is a bot that may write to everybody but those named.
type line struct {
	mu   sync.Mutex
	not  map[bot.Address]error
	said map[bot.Address][]string
	keys map[string]int
}

func (l *line) Push(_ context.Context, to bot.Address, key string, r bot.Reply) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.not[to]; err != nil {
		return "", err
	}
	if l.said == nil {
		l.said, l.keys = map[bot.Address][]string{}, map[string]int{}
	}
	l.said[to] = append(l.said[to], r.Text)
	l.keys[key]++
	return fmt.Sprint("id", len(l.keys)), nil
}

func (l *line) heard(to bot.Address) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.said[to], "\n---\n")
}

// states gives the states of an item's deliveries of an act, by target.
func (b *bureau) states(t *testing.T, piece int64, act string) map[string]string {
	t.Helper()
	list, _, err := b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: piece, Sink: "chat", Act: act, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, d := range list {
		by[d.Target] = d.State
		if d.Code != "" {
			by[d.Target] += " " + d.Code
		}
	}
	return by
}

func (b *bureau) wish(t *testing.T, wishes map[string]string) {
	t.Helper()
	for a, w := range wishes {
		for _, one := range strings.Split(w, ",") {
			if err := b.db.Subscribe(t.Context(), office.Account(a), one); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestChat_SubscribersGetItWhereTheyMay(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	ctx := t.Context()
	b.wish(t, map[string]string{
		"qq/user/two": "", "qq/user/one": "乡村", "qq/user/off": "乡村", "qq/user/lost": "乡村", "web/user/w": "乡村",
		"qq/user/school": "学校", "qq/user/topic": "DB", "qq/user/pupil": "DB,学校",
	})
	l := &line{not: map[bot.Address]error{
		"qq/user/off": &bot.RefusedError{Code: "40034105"}, "qq/user/lost": bot.ErrUncertain, "web/user/w": bot.ErrClosed,
	}}
	p := &Publish{Office: b.db, To: []Publisher{Chat{Office: b.db, Bot: l, Now: b.now}}, Workers: map[string]int{"chat": 1}, Log: slog.New(slog.DiscardHandler)}
	once := func() {
		t.Helper()
		if err := p.Once(ctx); err != nil {
			t.Fatal(err)
		}
	}
	it := b.publish(t, "借条怎么写")
	once()
	want := map[string]string{"qq/user/one": "sent", "qq/user/two": "sent", "qq/user/off": "refused 40034105", "qq/user/lost": "uncertain unknown", "web/user/w": "planned closed"}
	if got := b.states(t, it.ID, office.ActPublish); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := l.heard("qq/user/one"); !strings.Contains(got, "【借条怎么写】") || !strings.Contains(got, "审定") {
		t.Errorf("said %q", got)
	}
	if list, why, err := b.db.Wishes(ctx, "qq/user/off"); err != nil || list != nil || why != "40034105" {
		t.Errorf("who refused is not switched off: %v %q %v", list, why, err)
	}
	// At night nothing goes out, and no more than one a day to a person.
	second := b.publish(t, "利息上限")
	once()
	if got := b.states(t, second.ID, office.ActPublish); got["qq/user/one"] != "planned day" || got["qq/user/off"] != "" {
		t.Errorf("the second of the day: %v", got)
	}
	b.pass(12 * time.Hour) // Monday 21:01
	third := b.publish2(t, "夜里的", "2026-12-01 08:31")
	once()
	if got := l.heard("qq/user/one"); strings.Contains(got, "利息上限") {
		t.Errorf("sent at night: %s", got)
	}
	b.pass(12 * time.Hour) // Tuesday 09:02
	once()
	if got := b.states(t, second.ID, office.ActPublish); got["qq/user/one"] != "sent" || got["qq/user/two"] != "sent" {
		t.Errorf("the next day: %v", got)
	}
	if got := b.states(t, third.ID, office.ActPublish); got["qq/user/one"] != "planned day" {
		t.Errorf("two on Tuesday: %v", got)
	}
	if err := b.db.Unsubscribe(ctx, "qq/user/one", "", true); err != nil {
		t.Fatal(err)
	}
	b.pass(24 * time.Hour)
	once()
	if got := b.states(t, third.ID, office.ActPublish); got["qq/user/one"] != "refused unsubscribed" || got["qq/user/two"] != "sent" {
		t.Errorf("after unsubscribing: %v", got)
	}
	b.pass(3 * 24 * time.Hour)
	once()
	if got := b.states(t, it.ID, office.ActPublish)["web/user/w"]; !strings.HasPrefix(got, "expired") {
		t.Errorf("who could not be written to: %s", got)
	}
	if list, err := b.db.Today(ctx, "web/user/w", 5); err != nil || len(list) != 3 || list[0].Newest.Title != "夜里的" {
		t.Errorf("today: %v, %v", list, err)
	}
	for key, n := range l.keys {
		if n != 1 {
			t.Errorf("%s was sent %d times", key, n)
		}
	}
}

// now is the bureau's clock.
func (b *bureau) now() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }

// publish2 has a piece approved and planned for a time.
func (b *bureau) publish2(t *testing.T, title, at string) office.Piece {
	t.Helper()
	ctx := t.Context()
	it, err := b.db.AddPiece(ctx, b.writer, office.PieceVersion{Kind: office.KindText, Title: title, Body: "借钱要打借条，写清金额、利率、还款日，双方签名按手印。", Topic: "DB01", Audience: []string{"乡村"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.db.Submit(ctx, b.writer, it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	if it, _, err = b.db.Approve(ctx, b.checker, it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.AddPlan(ctx, b.writer, office.Plan{Name: "定时", Spec: at, Pieces: []int64{it.ID}}); err != nil {
		t.Fatal(err)
	}
	return it
}

func TestChat_TopicAndAudience(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	b.wish(t, map[string]string{"qq/user/all": "", "qq/user/topic": "DB", "qq/user/exact": "DB01", "qq/user/other": "FM", "qq/user/pupil": "DB,学校", "qq/user/farmer": "DB,乡村"})
	l := &line{}
	p := &Publish{Office: b.db, To: []Publisher{Chat{Office: b.db, Bot: l, Now: b.now}}, Workers: map[string]int{"chat": 1}, Log: slog.New(slog.DiscardHandler)}
	b.publish2(t, "民间借贷", "2026-11-30 09:00")
	b.pass(2 * time.Minute)
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for a := range l.said {
		got = append(got, string(a))
	}
	slices.Sort(got)
	// The pupil named an audience that the item is not for.
	if want := []string{"qq/user/all", "qq/user/exact", "qq/user/farmer", "qq/user/topic"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestChat_RecallTellsExactlyThoseWhoGotIt(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	ctx := t.Context()
	b.wish(t, map[string]string{"qq/user/one": "乡村", "qq/user/gone": "乡村", "qq/user/off": "乡村", "web/user/w": "乡村"})
	l := &line{not: map[bot.Address]error{"qq/user/off": &bot.RefusedError{Code: "off"}, "web/user/w": bot.ErrClosed}}
	p := &Publish{Office: b.db, To: []Publisher{Chat{Office: b.db, Bot: l, Now: b.now}}, Workers: map[string]int{"chat": 1}, Log: slog.New(slog.DiscardHandler)}
	it := b.publish(t, "写错了的")
	if err := p.Once(ctx); err != nil {
		t.Fatal(err)
	}
	l.not["qq/user/gone"] = &bot.RefusedError{Code: "left"} // since then
	if _, err := b.db.Recall(ctx, b.checker, it.ID, "利率写错了"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Once(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(b.states(t, it.ID, office.ActCorrect)), fmt.Sprint(map[string]string{"qq/user/one": "sent", "qq/user/gone": "sent"}); got != want {
		t.Errorf("corrections %s, want %s", got, want)
	}
	if got := l.heard("qq/user/one"); strings.Count(got, "【更正】") != 1 || !strings.Contains(got, "利率写错了") {
		t.Errorf("said %s", got)
	}
	for account, want := range map[office.Account]int{"qq/user/gone": 1, "qq/user/one": 0, "qq/user/off": 0, "web/user/w": 0} {
		list, err := b.db.Contact(ctx, account, "m", 5)
		if err != nil || len(list) != want || want == 1 && !strings.Contains(list[0].Body, "已经撤回") {
			t.Errorf("%s: %+v, %v, want %d notices", account, list, err, want)
		}
	}
	if got := b.states(t, it.ID, office.ActPublish)["web/user/w"]; !strings.HasPrefix(got, "cancelled") {
		t.Errorf("what was not sent yet: %s", got)
	}
}

// While the records take nothing, nobody is written to, and nothing is left that
// somebody would have to find out about.
func TestChat_RecordsThatTakeNothingLeaveNothingUncertain(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	b.wish(t, map[string]string{"qq/user/one": ""})
	b.publish(t, "借条怎么写")
	if _, err := b.db.ClaimDue(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	list, err := b.db.ClaimDeliveries(t.Context(), "chat", 1, time.Minute)
	if err != nil || len(list) != 1 {
		t.Fatalf("got %v, %v", list, err)
	}
	write, _, _ := b.db.Handles()
	if _, err := write.Exec(`PRAGMA query_only = 1`); err != nil {
		t.Fatal(err)
	}
	l := &line{}
	_, err = Chat{Office: b.db, Bot: l, Now: b.now}.Publish(t.Context(), list[0])
	if retry := new(office.RetryError); !errors.As(err, &retry) || office.KindOf(retry.Err) != office.Unavailable || l.heard("qq/user/one") != "" {
		t.Errorf("got %v, said %q", err, l.heard("qq/user/one"))
	}
}
