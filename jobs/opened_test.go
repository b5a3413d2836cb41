package jobs

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

func TestOpened_CountsPagesAndNobody(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	it := b.publish(t, "借条")
	p := &Publish{Office: b.db, To: nil, Log: slog.New(slog.DiscardHandler)}
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &Opened{Office: b.db}
	h := o.Handler("/pufa/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "gone"):
			http.NotFound(w, r)
		case r.Header.Get("If-None-Match") != "":
			w.WriteHeader(http.StatusNotModified)
		default:
			fmt.Fprint(w, "page")
		}
	}))
	get := func(method, path, match string) {
		r := httptest.NewRequest(method, "/pufa/"+path, nil)
		if match != "" {
			r.Header.Set("If-None-Match", match)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	page := fmt.Sprintf("p%d", it.ID)
	for _, path := range []string{"a/" + page + ".html", "large/" + page + ".html", "text/" + page + ".txt", "a/p999999.html", "index.html", "a/gone" + page + ".html", "a/wages.html"} {
		get("GET", path, "")
	}
	get("HEAD", "a/"+page+".html", "")
	get("GET", "a/"+page+".html", `"x"`)
	for range 2 {
		if err := o.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.db.Effects(t.Context(), b.now(), b.now())
	if err != nil || len(list) != 1 || list[0].Opened != 3 || list[0].Title != "借条" {
		t.Errorf("effects %+v, %v", list, err)
	}
}

func TestEffects_AskedAfterThePushByThoseWhoGotIt(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	ctx := t.Context()
	b.wish(t, map[string]string{"qq/user/asks": "乡村", "qq/user/quiet": "乡村", "qq/user/off": "乡村"})
	l := &line{not: map[bot.Address]error{"qq/user/off": &bot.RefusedError{Code: "off"}}}
	p := &Publish{Office: b.db, To: []Publisher{Chat{Office: b.db, Bot: l, Now: b.now}}, Workers: map[string]int{"chat": 1}, Log: slog.New(slog.DiscardHandler)}
	it := b.publish2(t, "民间借贷", "2026-11-30 09:00")
	b.pass(2 * time.Minute)
	if err := p.Once(ctx); err != nil {
		t.Fatal(err)
	}
	n := 0
	ask := func(who, topic, kind, area string, after time.Duration) {
		t.Helper()
		n++
		if err := b.db.RecordConsults(ctx, office.Consult{ID: fmt.Sprint("c", n), At: b.now().Add(after), Account: who, Session: who, Channel: "qq", Kind: kind, Topic: topic, Area: area, Entry: "db01"}); err != nil {
			t.Fatal(err)
		}
	}
	ask("qq/user/asks", "DB03", "answer", "城东街道", time.Hour)
	ask("qq/user/asks", "DB01", "unknown", "城东街道", 2*time.Hour)
	ask("qq/user/asks", "FM01", "answer", "", time.Hour)      // something else
	ask("qq/user/asks", "DB01", "answer", "", -time.Hour)     // before
	ask("qq/user/asks", "DB01", "answer", "", 8*24*time.Hour) // long after
	ask("qq/user/off", "DB01", "answer", "", time.Hour)       // did not get it
	ask("qq/user/other", "DB01", "answer", "", time.Hour)
	if err := b.db.CountPiece(ctx, it.ID, office.CountPulled, "三里村", 2); err != nil {
		t.Fatal(err)
	}
	list, err := b.db.Effects(ctx, b.now(), b.now())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	e := list[0]
	if e.Sent != 2 || e.Refused != 1 || e.Pulled != 2 || e.Asked != 2 || e.Askers != 1 || e.Areas["城东街道"] != 2 || e.Areas["三里村"] != 2 {
		t.Errorf("got %+v", e)
	}
	// of three people and more: the topics of the week
	hot, err := b.db.Hot(ctx, b.now(), 10)
	if err != nil || len(hot) != 1 || hot[0].Topic != "DB01" || hot[0].Questions != 4 || hot[0].People != 3 || hot[0].Unanswered != 1 || hot[0].Entry != "db01" || hot[0].Area != "" || hot[0].Covered.IsZero() {
		t.Errorf("hot %+v, %v", hot, err)
	}
	if hot, err = b.db.Hot(ctx, b.now().AddDate(0, 0, 7), 10); err != nil || len(hot) != 0 {
		t.Errorf("the week after, with one question of one person: %+v, %v", hot, err)
	}
}
