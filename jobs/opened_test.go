package jobs

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
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
	all, err := b.db.Effects(t.Context(), b.now(), b.now())
	if list := all.Pieces; err != nil || len(list) != 1 || list[0].Opened != 3 || list[0].Title != "借条" {
		t.Errorf("effects %+v, %v", all, err)
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
	all, err := b.db.Effects(ctx, b.now(), b.now())
	if err != nil || len(all.Pieces) != 1 {
		t.Fatal(all, err)
	}
	// one person asked: how often is nobody's business, and neither is where
	few := office.Few
	e := all.Pieces[0]
	if e.Sent != 2 || e.Refused != 1 || e.Pulled != 2 || e.Asked != few || e.Askers != few {
		t.Errorf("got %+v", e)
	}
	for _, list := range [][]office.Effect{e.Places, all.Places} {
		if len(list) != 1 || list[0].Place != office.OtherPlaces || list[0].Pulled != few || list[0].Asked != few {
			t.Errorf("places %+v", list)
		}
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

// Three people of one village and two of another ask after two items of the same
// topic.
func TestEffects_TopicsAndPlaces(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	ctx := t.Context()
	wishes := map[string]string{}
	for i := range 5 {
		wishes[fmt.Sprint("qq/user/", i)] = "乡村"
	}
	b.wish(t, wishes)
	p := &Publish{Office: b.db, To: []Publisher{Chat{Office: b.db, Bot: &line{}, Now: b.now}}, Workers: map[string]int{"chat": 1}, Log: slog.New(slog.DiscardHandler)}
	first, second := b.publish2(t, "民间借贷", "2026-11-30 09:00"), b.publish2(t, "担保", "2026-12-01 09:00")
	b.pass(2 * time.Minute)
	for range 2 { // one a day
		if err := p.Once(ctx); err != nil {
			t.Fatal(err)
		}
		b.pass(24 * time.Hour)
	}
	for i := range 5 {
		who, area := fmt.Sprint("qq/user/", i), map[bool]string{true: "三里村", false: "五里村"}[i < 3]
		if err := b.db.RecordConsults(ctx, office.Consult{ID: who, At: b.now(), Account: who, Session: who, Channel: "qq", Kind: "answer", Topic: "DB01", Area: area}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.CountPiece(ctx, second.ID, office.CountPulled, "三里村", 4); err != nil {
		t.Fatal(err)
	}
	all, err := b.db.Effects(ctx, b.now().AddDate(0, 0, -3), b.now())
	if err != nil || len(all.Pieces) != 2 || all.Pieces[0].Piece != second.ID || all.Pieces[1].Piece != first.ID || all.Pieces[0].Asked != 5 {
		t.Fatalf("%+v, %v", all, err)
	}
	want := [][]string{{"专题", "名称", "内容条数", "送达", "没送到", "打开", "点看", "推送后提问", "提问人数"}, {"DB", "债务", "2", "10", "0", "0", "4", "5", "5"}}
	if got := office.EffectTopicTable(all.Topics, func(string) string { return "债务" }); !reflect.DeepEqual(got, want) {
		t.Errorf("topics %v, want %v", got, want)
	}
	// the two of the other village would be the difference: both villages are one
	want = [][]string{{"地方", "内容条数", "点看", "推送后提问", "提问人数"}, {office.OtherPlaces, "2", "4", "5", "5"}}
	if got := office.EffectPlaceTable(all.Places); !reflect.DeepEqual(got, want) {
		t.Errorf("places %v, want %v", got, want)
	}
	for i := range 4 { // where nobody asked nothing shows of who did
		if err := b.db.CountPiece(ctx, first.ID, office.CountPulled, fmt.Sprint("村", i), 4); err != nil {
			t.Fatal(err)
		}
	}
	if all, err = b.db.Effects(ctx, b.now().AddDate(0, 0, -3), b.now()); err != nil || len(all.Places) != 5 || all.Places[0].Place == office.OtherPlaces || all.Places[4].Askers != 5 {
		t.Errorf("places %+v, %v", all.Places, err)
	}
}
