package office

import (
	"strings"
	"testing"
)

// A clearance needs a reason, is a clerk's, is given and taken by who
// administers them, and stands in the audit.
func TestClear_WithReasonByTheirAdministrator(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		east := hire(t, db, "东管", Admin, orgs["城东街道"])
		west := hire(t, db, "西管", Admin, orgs["城西镇"])
		clerk := hire(t, db, "陈所", Clerk, orgs["城东司法所"])
		helper := hire(t, db, "王明", Helper, orgs["三里村"])
		const why = "分管未成年人保护"
		for name, x := range map[string]struct {
			by, of  Person
			cleared bool
			why     string
			want    Kind
		}{
			"no reason":                    {east, clerk, true, " ", Invalid},
			"a long one":                   {east, clerk, true, strings.Repeat("长", 201), Invalid},
			"a reason of several lines":    {east, clerk, true, "一\n二", Invalid},
			"no clerk":                     {east, helper, true, why, Conflict},
			"taken from who has none":      {east, clerk, false, why, Conflict},
			"an administrator from beside": {west, clerk, true, why, NotFound},
			"themselves":                   {clerk, clerk, true, why, NotFound},
		} {
			if err := db.ClearManaged(ctx, x.by, x.of.ID, x.cleared, x.why); err == nil || KindOf(err) != x.want {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if err := db.ClearManaged(ctx, east, clerk.ID, true, why); err != nil {
			t.Fatal(err)
		}
		if p, err := db.Person(ctx, clerk.ID); err != nil || !p.Cleared {
			t.Errorf("got %+v, %v", p, err)
		}
		if err := db.ClearManaged(ctx, east, clerk.ID, true, why); KindOf(err) != Conflict {
			t.Errorf("given twice: %v", err)
		}
		if err := db.ClearManaged(ctx, east, clerk.ID, false, "调离"); err != nil {
			t.Fatal(err)
		}
		list, err := db.Clearances(ctx, clerk.ID)
		if err != nil || len(list) != 2 || list[0].Action != actUnclear || list[0].Detail != "调离" || list[1].Actor != east.Actor() || list[1].Detail != why {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}
