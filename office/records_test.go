package office

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// onBoth runs a test on SQLite and on a real PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC) }
	for name, options := range map[string]func(t *testing.T) Options{
		"sqlite":   func(t *testing.T) Options { return Options{Dir: t.TempDir(), Now: now} },
		"postgres": func(t *testing.T) Options { return Options{DatabaseURL: servers.PostgresURL(t), Now: now} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, db)
		})
	}
}

func TestConsults(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		at := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC) // 1 o'clock on the 22nd in China
		list := []Consult{
			{ID: "1", At: at, Account: "web/user/a", Session: "s1", Channel: "web", Kind: "answer", Topic: "LA12", By: "reviewed"},
			{ID: "2", At: at, Account: "web/user/a", Session: "s1", Channel: "web", Kind: "unknown", By: "reviewed"},
			{ID: "3", At: at, Account: "web/user/a", Session: "s2", Channel: "qq", Kind: "urgent", By: "reviewed"},
			{ID: "4", At: at, Account: "web/user/b", Session: "s3", Channel: "web", Kind: "answer", Topic: "LA12", Area: "城东", By: "reviewed"},
			{ID: "5", At: at.Add(-2 * time.Hour), Account: "web/user/c", Session: "s4", Channel: "web", Kind: "answer", Topic: "LB01", By: "reviewed"},
		}
		for range 2 { // recorded again, it counts once
			if err := db.RecordConsults(ctx, list...); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(db.Rate(ctx, "1", false, "没说清"), db.Rate(ctx, "1", true, ""), db.Rate(ctx, "4", false, "")); err != nil {
			t.Fatal(err)
		}
		day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		f, err := db.Figures(ctx, day, day)
		if err != nil {
			t.Fatal(err)
		}
		if f.Persons != 2 || f.Sessions != 3 || f.Questions != 4 || f.Hits != 2 || f.Misses != 1 || f.Urgent != 1 || f.Rated != 2 || f.Useful != 1 {
			t.Errorf("got %+v", f)
		}
		if f.Topics["LA12"] != 2 || f.Topics["LB01"] != 0 || f.Channels["qq"] != 1 || f.Areas["城东"] != 1 {
			t.Errorf("got %v, %v, %v", f.Topics, f.Channels, f.Areas)
		}
		if err := db.Rate(ctx, "none", true, ""); KindOf(err) != NotFound {
			t.Errorf("rating what is not there: %v", err)
		}
		if err := db.Rate(ctx, "1", true, strings.Repeat("长", maxReason+1)); KindOf(err) != Invalid {
			t.Errorf("a reason that is too long: %v", err)
		}
		var accounts int
		if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM consults WHERE person LIKE '%user%' OR session IN ('s1', 's2', 's3')`).Scan(&accounts); err != nil || accounts != 0 {
			t.Errorf("%d rows name an account or a session, %v", accounts, err)
		}
	})
}

func TestTopicsOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for _, why := range []string{"复核中", "改了说明"} {
			if err := db.SwitchTopic(ctx, "NT10", why, "某某"); err != nil {
				t.Fatal(err)
			}
			if off, err := db.TopicsOff(ctx); err != nil || len(off) != 1 || off["NT10"] != why {
				t.Errorf("got %v, %v, want %s", off, err, why)
			}
		}
		if err := db.SwitchTopic(ctx, "NT10", "", "某某"); err != nil {
			t.Fatal(err)
		}
		if off, err := db.TopicsOff(ctx); err != nil || len(off) != 0 {
			t.Errorf("got %v, %v, want none", off, err)
		}
	})
}

func TestCounty(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		if _, ok, err := db.County(ctx); ok || err != nil {
			t.Errorf("before it is set: %v, %v", ok, err)
		}
		for _, name := range []string{"青禾县", "青禾市"} {
			if err := db.SetCounty(ctx, "某某", County{Name: name, Province: "某省"}); err != nil {
				t.Fatal(err)
			}
			if c, ok, err := db.County(ctx); !ok || err != nil || c.Name != name {
				t.Errorf("got %+v, %v, %v", c, ok, err)
			}
		}
		bad := County{Name: "青禾县", Province: "某省", Offices: []Office{{Name: "某处", Kind: "邮局", Township: "没有", Phone: "abc"}}}
		err := db.SetCounty(ctx, "某某", bad)
		for _, want := range []string{"kind", "townships", "电话", "checked"} {
			if KindOf(err) != Invalid || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q named", err, want)
			}
		}
		if c, _, _ := db.County(ctx); c.Name != "青禾市" {
			t.Errorf("a refused version was kept: %+v", c)
		}
	})
}
