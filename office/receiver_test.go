package office

import (
	"strings"
	"testing"
)

// A case whose place has nobody to take it on goes to somebody, not nowhere.
func TestOpenCase_APlaceNobodyLooksAfterIsNotLost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, places := t.Context(), place(t, db)
		resident := Person{Account: "qq/user/1"}
		if _, err := db.OpenCase(ctx, resident, wall()); KindOf(err) != Conflict {
			t.Fatalf("nobody at all: got %v, want a conflict", err)
		}
		clerk := hire(t, db, "周所", Clerk, places["城西司法所"])
		for _, where := range []string{"城东街道三里村", "不知道什么地方"} {
			d := wall()
			d.Place, d.Story = where, d.Story+where
			o := mustOpen(t, db, resident, d)
			if _, err := db.Case(ctx, clerk, o.Case.No); err != nil {
				t.Errorf("%s: the only clerk does not see %s: %v", where, o.Case.No, err)
			}
		}
		east := hire(t, db, "陈所", Clerk, places["城东司法所"])
		d := wall()
		d.Story += "又砌高了。"
		o := mustOpen(t, db, resident, d)
		if _, err := db.Case(ctx, east, o.Case.No); err != nil {
			t.Errorf("the clerk of the place does not see it: %v", err)
		}
		if _, err := db.Case(ctx, clerk, o.Case.No); KindOf(err) != NotFound {
			t.Errorf("the clerk of another place: got %v, want not found", err)
		}
	})
}

func TestReceiver_VillagesOfOneNameGoToTheTownshipThatIsNamed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		s := people4(t, db)
		if _, err := db.AddOrg(t.Context(), "test", Org{Kind: "村社区", Name: "大槐树新村", Parent: s.orgs["城东街道"].ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddOrg(t.Context(), "test", Org{Kind: "村社区", Name: "大槐树新村", Parent: s.orgs["城西镇"].ID}); err != nil {
			t.Fatal(err)
		}
		for place, want := range map[string]string{"城西镇大槐树新村": "城西", "城东街道大槐树新村": "城东", "城东大槐树新村": "城东", "五里村": "城西"} {
			d := wall()
			d.Place = place
			if o := mustOpen(t, db, Person{Account: Account("qq/user/" + place)}, d); !strings.Contains(o.Case.No, want) {
				t.Errorf("%s went to %s", place, o.Case.No)
			}
		}
	})
}
