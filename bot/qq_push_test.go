package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func TestQQPush_GoesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	ctx := t.Context()
	push := func(chat Address, key string) (string, error) {
		return s.q.Push(ctx, chat, key, Reply{Text: "今日普法"})
	}
	change := func(chat Address, c qqChange) {
		t.Helper()
		if err := s.q.book.change(ctx, chat, c, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	// A private chat that said nothing about it is tried; the id comes back, and
	// the same key is sent once.
	for range 2 {
		if id, err := push("qq/user/A", "k1"); err != nil || id == "" {
			t.Errorf("got %q, %v", id, err)
		}
	}
	if got := s.bodies(); len(got) != 1 || got[0].MsgID != "" || got[0].IsWakeup {
		t.Fatalf("got %+v, want one unasked message that is no recall", got)
	}
	// A group needs its owner's switch.
	var refused *RefusedError
	if _, err := push("qq/group/G", "k1"); !errors.Is(err, ErrClosed) || errors.As(err, &refused) {
		t.Errorf("a group without the switch: %v", err)
	}
	change("qq/group/G", qqPushOn)
	if _, err := push("qq/group/G", "k2"); err != nil {
		t.Errorf("a group with the switch: %v", err)
	}
	// Somebody who switched it off gets none, though a message of theirs is open.
	s.heard("qq/user/B", "m:1", time.Now())
	change("qq/user/B", qqPushOff)
	if _, err := push("qq/user/B", "k1"); !errors.As(err, &refused) || refused.Code != "off" {
		t.Errorf("switched off: %v", err)
	}
	change("qq/user/C", qqFriendGone)
	if _, err := push("qq/user/C", "k1"); !errors.As(err, &refused) || refused.Code != "left" {
		t.Errorf("not a friend: %v", err)
	}
	if n := len(s.bodies()); n != 2 {
		t.Errorf("%d messages came to the platform, want 2", n)
	}
	// One reply of a message is left for the person's own question.
	s.heard("qq/user/D", "m:2", time.Now())
	for _, key := range []string{"k1", "k2", "k3"} {
		if _, err := push("qq/user/D", key); err != nil {
			t.Fatal(err)
		}
	}
	got := s.bodies()[2:]
	if len(got) != 3 || got[0].MsgID != "2" || got[1].MsgID != "2" || got[2].MsgID != "" {
		t.Errorf("got %+v, want two hung on the message and one unasked", got)
	}
	if _, err := (&Bot{}).Push(ctx, "web/user/x", "k", Reply{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a channel without pushes: %v", err)
	}
}

func TestQQPush_SaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int
		is   func(error) bool
	}{
		"refused by the platform": {40034105, func(err error) bool { var e *RefusedError; return errors.As(err, &e) && e.Code == "40034105" }},
		"too many":                {22009, func(err error) bool { return !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUncertain) }},
		"the words":               {40034006, func(err error) bool { var e *ContentError; return errors.As(err, &e) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSending(t)
			s.refuseWith(c.code, c.code, c.code, c.code, c.code, c.code)
			_, err := s.q.Push(t.Context(), "qq/user/A", "k", Reply{Text: "今日普法"})
			if err == nil || !c.is(err) {
				t.Errorf("got %v", err)
			}
			var left int
			if err := s.store.read.QueryRow(`SELECT COUNT(*) FROM qq_parts WHERE state = 0`).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d parts are still planned, %v", left, err)
			}
		})
	}
	t.Run("the answer is lost", func(t *testing.T) {
		t.Parallel()
		s := newSending(t)
		var well atomic.Bool
		s.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
			if !well.Load() {
				panic(http.ErrAbortHandler)
			}
			fmt.Fprint(w, `{"id":"sent","timestamp":1784570523}`)
		}
		if _, err := s.q.Push(context.Background(), "qq/user/A", "k", Reply{Text: "今日普法"}); !errors.Is(err, ErrUncertain) {
			t.Errorf("got %v", err)
		}
		well.Store(true)
		if _, err := s.q.Push(context.Background(), "qq/user/A", "k", Reply{Text: "今日普法"}); !errors.Is(err, ErrUncertain) {
			t.Errorf("the same again: %v", err)
		}
	})
}
