package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/office"
)

// approved writes an item as one officer and has the other approve it.
func approved(t *testing.T, db *office.DB, title string) (office.Piece, office.Person) {
	t.Helper()
	ctx := t.Context()
	org, err := db.AddOrg(ctx, "test", office.Org{Kind: "县", Name: "青禾县"})
	if err != nil {
		t.Fatal(err)
	}
	var officers [2]office.Person
	for i := range officers {
		if officers[i], err = db.AddPerson(ctx, "test", office.Person{Name: fmt.Sprint("干部", i), Posts: []office.Post{{Role: office.Officer, Org: org}}}); err != nil {
			t.Fatal(err)
		}
	}
	it, err := db.AddPiece(ctx, officers[0], office.PieceVersion{Kind: office.KindText, Title: title, Body: "借钱要打借条，写清金额、利率、还款日。依据《中华人民共和国民法典》第六百六十七条。", Audience: []string{"乡村"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = db.Submit(ctx, officers[0], it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	if it, _, err = db.Approve(ctx, officers[1], it.ID, 0, nil); err != nil {
		t.Fatal(err)
	}
	return it, officers[0]
}

// Those who subscribed get what was approved; who switched pushes off is not
// written to and not tried again; a recall reaches those who got it.
func TestServe_PushToQQ(t *testing.T) {
	t.Parallel()
	r := newQQRig(t, "webhook", "PUBLISH_WINDOW=00:00-23:59")
	p := r.platform
	wang, li, zhao := p.User(r.bot, "王芳"), p.User(r.bot, "李强"), p.User(r.bot, "赵敏")
	for _, u := range []*qqtest.User{wang, li, zhao} {
		u.Befriend()
		u.Say("订阅 乡村")
		r.shown(u.SeenTexts, "订阅了：乡村")
	}
	zhao.SetPush(false)
	it, by := approved(t, r.records, "借条怎么写")
	ctx := t.Context()
	at := time.Now().In(time.FixedZone("", 8*3600)).Add(time.Minute)
	if _, err := r.records.AddPlan(ctx, by, office.Plan{Name: "马上", Spec: at.Format("2006-01-02 15:04"), Sinks: []string{"chat"}, Pieces: []int64{it.ID}}); err != nil {
		t.Fatal(err)
	}
	// Another process whose clock is ahead fires the plan; this one sends.
	ahead, err := office.Open(ctx, office.Options{Dir: strings.TrimPrefix(r.environ[0], "DATA_DIR="), Now: func() time.Time { return time.Now().Add(2 * time.Minute) },
		Publishing: office.Publishing{To: 24*60 - 1, Grace: time.Hour, Expire: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	defer ahead.Close()
	if fired, err := ahead.ClaimDue(ctx, nil, nil); err != nil {
		t.Fatal(fired, err)
	}
	for _, u := range []*qqtest.User{wang, li} {
		r.shown(u.SeenTexts, "【借条怎么写】")
	}
	r.ledger(it.ID, office.ActPublish, "refused off,sent,sent")
	if list, why, err := r.records.Wishes(ctx, office.Account("qq/user/"+zhao.OpenID())); err != nil || list != nil || why != "off" {
		t.Errorf("not switched off: %v %q %v", list, why, err)
	}
	if _, err := r.records.Recall(ctx, by, it.ID, "利率写错了"); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*qqtest.User{wang, li} {
		r.shown(u.SeenTexts, "【更正】")
	}
	r.ledger(it.ID, office.ActCorrect, "sent,sent")
	if texts := strings.Join(zhao.SeenTexts(), "\n"); strings.Contains(texts, "借条") || strings.Contains(texts, "更正") {
		t.Errorf("who switched it off was written to: %s", texts)
	}
	zhao.Say("今日普法")
	r.shown(zhao.SeenTexts, "还没有发布过")
}

// ledger waits until the deliveries of an item have come to these ends.
func (r *qqRig) ledger(piece int64, act, want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		list, _, err := r.records.Deliveries(ctx, office.DeliveryFilter{Piece: piece, Act: act})
		if err != nil {
			r.t.Fatal(err)
		}
		var states []string
		for _, d := range list {
			s := d.State
			if d.Code != "" {
				s += " " + d.Code
			}
			if d.State == office.Sent && d.Ref == "" {
				s += " without id"
			}
			states = append(states, s)
		}
		slices.Sort(states)
		if got := strings.Join(states, ","); got == want {
			return
		} else if ctx.Err() != nil {
			r.t.Fatalf("the ledger says %s, want %s", got, want)
		}
		<-look.C
	}
}
