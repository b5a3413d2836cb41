package office

import (
	"testing"
	"time"
)

// Messages and ratings are listed for those who see the case, and for nobody
// else.
func TestDesk_NoticesAndRatings(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		east := hire(t, db, "东经办", Clerk, orgs["城东司法所"])
		west := hire(t, db, "西经办", Clerk, orgs["城西司法所"])
		resident := Person{Account: "web/user/r", Name: "赵六"}
		opened, err := db.OpenCase(ctx, resident, Draft{Request: "1", Via: ViaResident, Matter: "dispute", Name: "赵六", Phone: "13800000000", Place: "城东街道三里村2组", Story: "邻居的树枝伸到我家院子里来了"})
		if err != nil {
			t.Fatal(err)
		}
		c := opened.Case
		if _, err := db.Act(ctx, east, c.No, Action{Request: "2", Verb: "accept"}); err != nil {
			t.Fatal(err)
		}
		own, err := db.OwnNotices(ctx, east, 10)
		if err != nil || len(own) != 1 || own[0].Case != c.No {
			t.Fatalf("got %+v, %v", own, err)
		}
		if err := db.TakeOwnNotices(ctx, west, own[0].ID); err != nil {
			t.Fatal(err)
		}
		list, n, err := db.NoticeList(ctx, east, NoticeFilter{})
		if err != nil || n != len(list) || n < 2 || list[0].Case != c.No || !list[0].Taken.IsZero() {
			t.Fatalf("got %+v of %d, %v", list, n, err)
		}
		if err := db.TakeOwnNotices(ctx, east, own[0].ID); err != nil {
			t.Fatal(err)
		}
		if own, err := db.OwnNotices(ctx, east, 10); err != nil || len(own) != 0 {
			t.Errorf("after reading: %+v, %v", own, err)
		}
		if _, waiting, err := db.NoticeList(ctx, east, NoticeFilter{Waiting: true}); err != nil || waiting != n-1 {
			t.Errorf("got %d waiting of %d, %v", waiting, n, err)
		}
		if list, n, err := db.NoticeList(ctx, west, NoticeFilter{}); err != nil || n != 0 || len(list) != 0 {
			t.Errorf("elsewhere: got %+v of %d, %v", list, n, err)
		}
		for i, a := range []Action{{Verb: "assign", To: east.ID}, {Verb: "start"}, {Verb: "answer", Text: "已经说好，下周修枝。"}} {
			a.Request = string(rune('a' + i))
			if _, err := db.Act(ctx, east, c.No, a); err != nil {
				t.Fatal(err)
			}
		}
		if c, err = db.Case(ctx, resident, c.No); err != nil {
			t.Fatal(err)
		}
		if err := db.RateCase(ctx, c, 2, "太慢"); err != nil {
			t.Fatal(err)
		}
		f := RatingFilter{From: db.now().AddDate(0, 0, -1), To: db.now()}
		l, err := db.Ratings(ctx, east, f)
		if err != nil || len(l.Ratings) != 1 || l.Ratings[0].Reason != "太慢" || l.Low != 1 || l.Figures.Satisfaction() != "0.0%（n=1）" {
			t.Errorf("got %+v, %v", l, err)
		}
		if l, err := db.Ratings(ctx, west, f); err != nil || len(l.Ratings) != 0 || l.Figures.Satisfaction() != "暂无评价（n=0）" {
			t.Errorf("elsewhere: got %+v, %v", l, err)
		}
		f.To = f.From.AddDate(0, 0, -1)
		f.From = f.To.Add(-time.Hour)
		if l, err := db.Ratings(ctx, east, f); err != nil || l.Figures.Rated != 0 {
			t.Errorf("of other days: got %+v, %v", l, err)
		}
	})
}
