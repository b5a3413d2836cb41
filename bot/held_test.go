package bot

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// holdOne holds a reply for a person on QQ and gives its code.
func (s *Store) holdOne(t testing.TB, ref, text string) string {
	t.Helper()
	var code string
	err := s.update(context.Background(), func(ctx context.Context, tx *sql.Tx) (err error) {
		code, err = s.hold(ctx, tx, held{chat: "fake/user/a", sender: "fake/user/a", ref: ref, text: text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (s *site) holdOne(t testing.TB, text string) string { return s.store.holdOne(t, "m:1", text) }

func TestHeld_Codes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		c := newCode()
		if readCode(c) != c || readCode(showCode(c)) != c || seen[c] {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
	}
	for in, want := range map[string]string{
		"abcde-fghjk": "ABCDEFGHJK", " ABCDE FGHJK ": "ABCDEFGHJK", "ＡＢＣＤＥ－ＦＧＨＪＫ": "ABCDEFGHJK", "ａbcde—fghjk": "ABCDEFGHJK",
		"ABCDE": "", "ABCDE-FGHJKL": "", "ABCDE-FGHJ0": "", "ABCDE-FGHJI": "", "": "", "取件码": "",
	} {
		if got := readCode(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add("abcde-fghjk")
	f.Add("ＡＢＣＤＥ－ＦＧＨＪＫ")
	f.Add("取件 22222")
	f.Fuzz(func(t *testing.T, in string) {
		got := readCode(in)
		if got != "" && (len(got) != codeLength || strings.Trim(got, codeSigns) != "" || readCode(showCode(got)) != got) {
			t.Errorf("%q: got %q", in, got)
		}
	})
}

func TestHeld_OnBothDatabases(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Store{"sqlite": newStore(t), "postgres": newPostgresStore(t, servers.StartPostgres(t).URL)} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			first := s.holdOne(t, "m:1", "一")
			if again := s.holdOne(t, "m:1", "一二"); again != first {
				t.Errorf("the same reply has another code: %s, %s", first, again)
			}
			second := s.holdOne(t, "m:2", "三")
			if h, err := s.further(ctx, "fake/user/a", "fake/user/a", "m:9"); err != nil || h == nil || h.text != "一二" {
				t.Fatalf("got %v, %v", h, err)
			}
			if h, err := s.further(ctx, "fake/user/a", "fake/user/a", "m:9"); err != nil || h == nil || h.text != "一二" {
				t.Errorf("the same message takes the same reply: got %v, %v", h, err)
			}
			if h, err := s.further(ctx, "fake/user/a", "fake/user/a", "m:10"); err != nil || h == nil || h.text != "三" {
				t.Errorf("got %v, %v", h, err)
			}
			if h, err := s.further(ctx, "fake/user/a", "fake/user/a", "m:11"); err != nil || h != nil {
				t.Errorf("nothing waits: got %v, %v", h, err)
			}
			if h, err := s.fetch(ctx, second); err != nil || h.text != "三" {
				t.Errorf("it can still be fetched: got %v, %v", h, err)
			}
			now := s.now()
			s.now = func() time.Time { return now.Add(heldFor + time.Minute) }
			if _, err := s.fetch(ctx, second); !errors.Is(err, ErrUnknown) {
				t.Errorf("after %v: got %v", heldFor, err)
			}
			if n, err := s.prune(ctx, time.Hour); err != nil || n != 2 {
				t.Errorf("pruned %d, %v", n, err)
			}
		})
	}
}

// The command works on every channel, before the handler sees it.
func TestHeld_ThePersonFetchesIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	b := New(HandlerFunc(echo), NewLocalSessions(s, time.Hour), NewInbox(s), fast)
	c := newFake("fake")
	b.Attach(c)
	runBot(t, b)
	code := s.holdOne(t, "m:1", "等着的答复")
	others := s.holdOne(t, "m:2", "第二份")
	for i, step := range []struct{ chat, text, want string }{
		{"fake/user/b", "取件 " + showCode(code), "等着的答复"},
		{"fake/user/b", "取件码：" + strings.ToLower(code), "等着的答复"},
		{"fake/user/b", "取件", wordsPickupHow},
		{"fake/user/b", "取件 22222-22222", wordsPickupNone},
		{"fake/user/a", "继续", "第二份"},
		{"fake/user/a", "继续", "继续"}, // nothing waits: the handler's
		{"fake/user/a", "怎么取件", "怎么取件"},
	} {
		c.say(t, step.chat, string(rune('a'+i)), step.text)
		if got := c.wait(t, i+1)[i].Text; got != step.want {
			t.Errorf("%q: got %q, want %q", step.text, got, step.want)
		}
	}
	m := Message{ID: "x", Chat: "fake/group/g", From: "fake/member/m", Text: "取件 " + others}
	if r, asked, err := b.pickup(context.Background(), m); !asked || err != nil || r.Text != wordsPickupPrivate {
		t.Errorf("in a group: got %v, %v, %v", r, asked, err)
	}
	for i := range pickupRate.Burst + 1 {
		m := Message{ID: "y", Chat: "fake/user/z", From: "fake/user/z", Text: "取件 22222-22222"}
		r, _, err := b.pickup(context.Background(), m)
		if err != nil || (r.Text == wordsPickupFast) != (i == pickupRate.Burst) {
			t.Errorf("try %d: got %q, %v", i+1, r.Text, err)
		}
	}
}

func TestHeld_ForgettingForgetsThem(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	b := New(HandlerFunc(echo), NewLocalSessions(s, time.Hour), NewInbox(s), fast)
	code := s.holdOne(t, "m:1", "等着的答复")
	if err := b.Forget(context.Background(), "fake/user/a", "fake/user/a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fetch(context.Background(), code); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}
