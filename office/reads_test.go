package office

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Who looked at what is kept with the right by which they could, found by
// reader, object and day, by administrators for their places; looking at it is
// kept too.
func TestReads(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		start := db.now()
		at := start
		db.now = func() time.Time { return at }
		east := hire(t, db, "东管", Admin, s.orgs["城东街道"])
		west := hire(t, db, "西管", Admin, s.orgs["城西镇"])
		desk := s.clerk
		desk.Account = "" // at the console
		no := mustOpen(t, db, s.resident, wall()).Case.No
		danger := wall()
		danger.Story, danger.Danger = "他又动手打我，我怕。", true
		hurt := mustOpen(t, db, s.resident, danger).Case.No
		look := func(p Person, no string) {
			t.Helper()
			if _, err := db.Case(ctx, p, no); err != nil {
				t.Fatal(err)
			}
		}
		look(desk, no)
		look(desk, no) // within ten minutes it is the same reading
		look(s.clerk, no)
		look(desk, hurt)
		if err := db.NoteRead(ctx, desk, no, ReadPrint); err != nil {
			t.Fatal(err)
		}
		if err := db.NoteRead(ctx, s.other, no, ReadPrint); KindOf(err) != NotFound {
			t.Errorf("a clerk of another place: %v", err)
		}
		at = at.Add(25 * time.Hour)
		look(desk, no)
		for _, p := range []Person{east, s.leader, s.clerk} { // the last looks at themselves
			if err := db.NotePersonRead(ctx, p, s.clerk); err != nil {
				t.Fatal(err)
			}
		}
		list := func(by Person, f ReadFilter) string {
			t.Helper()
			rows, n, err := db.Reads(ctx, by, f)
			if err != nil {
				t.Fatal(err)
			}
			out := []string{fmt.Sprint(n)}
			for _, r := range rows {
				out = append(out, strings.TrimSpace(fmt.Sprint(r.Actor[strings.LastIndex(r.Actor, " ")+1:], " ", r.What, " ", r.Case, r.Name, " ", r.Why)))
			}
			return strings.Join(out, "\n")
		}
		plain := "陈所 page " + no + " 经办人"
		for name, x := range map[string]struct {
			by   Person
			f    ReadFilter
			want []string
		}{
			"of one case":                 {east, ReadFilter{About: no}, []string{"4", plain, "陈所 print " + no + " 经办人", "陈所 chat " + no + " 经办人", plain}},
			"of a restricted case":        {east, ReadFilter{About: hurt}, []string{"1", "陈所 page " + hurt + " 经办人（授权看限看件）"}},
			"of a person":                 {east, ReadFilter{About: "陈所"}, []string{"2", "主任 person 陈所 管理员", "东管 person 陈所 管理员"}},
			"by one reader on a day":      {east, ReadFilter{By: "陈所", From: at.Add(-time.Hour)}, []string{"1", plain}},
			"before a day, the next page": {east, ReadFilter{To: at.Add(-time.Hour), Limit: 2, Offset: 2}, []string{"4", "陈所 chat " + no + " 经办人", plain}},
			"of another township":         {west, ReadFilter{By: "陈所"}, []string{"0"}},
		} {
			if got := list(x.by, x.f); got != strings.Join(x.want, "\n") {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, strings.Join(x.want, "\n"))
			}
		}
		for name, f := range map[string]ReadFilter{"a case of another place": {About: no}, "a person of another place": {About: "陈所"}, "nobody": {About: "无此人"}} {
			if _, _, err := db.Reads(ctx, west, f); KindOf(err) != Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := db.Reads(ctx, s.clerk, ReadFilter{}); KindOf(err) != Forbidden {
			t.Errorf("a clerk: %v", err)
		}
		if got, want := list(s.leader, ReadFilter{By: "东管"}), "\n东管 log "+hurt+" 管理员\n"; !strings.Contains(got+"\n", want) {
			t.Errorf("that the log was looked at is not in it:\n%s", got)
		}
		if log, n, err := db.SearchAudit(ctx, AuditFilter{Actor: east.Actor(), Object: hurt}); err != nil || n != 1 || log[0].Action != "read log" {
			t.Errorf("in the audit: %+v, %v", log, err)
		}
		if n, err := db.VerifyAudit(ctx); err != nil || n == 0 {
			t.Error(n, err)
		}
	})
}
