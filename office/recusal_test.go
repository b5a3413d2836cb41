package office

import (
	"slices"
	"testing"
)

// Nobody deals with a case of their own: it is not given to them, they are not
// suggested for it, and at the desk they take no step with it but those of any
// applicant.
func TestRecusal_NobodyDealsWithTheirOwnCase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		own := mustOpen(t, db, s.mediator, wall()).Case
		is := func(id int64) func(Person) bool { return func(p Person) bool { return p.ID == id } }
		if list, err := db.Suggest(ctx, own); err != nil || slices.ContainsFunc(list, is(s.mediator.ID)) {
			t.Errorf("suggested for their own case: %v", err)
		}
		if list, err := db.Candidates(ctx, own); err != nil || slices.ContainsFunc(list, is(s.mediator.ID)) || !slices.ContainsFunc(list, is(s.leader.ID)) {
			t.Errorf("offered their own case: %v", err)
		}
		if _, err := db.Act(ctx, s.clerk, own.No, Action{Verb: "assign", To: s.mediator.ID}); KindOf(err) != Conflict {
			t.Errorf("given their own case: %v", err)
		}
		d := wall()
		d.Story = "邻居家的狗咬了我，他不肯赔。"
		desk := mustOpen(t, db, s.clerk, d).Case
		onPage := s.clerk
		onPage.Account = "" // the console knows no address
		for _, by := range []Person{s.clerk, onPage} {
			for _, a := range []Action{{Verb: "accept"}, {Verb: "assign", To: s.leader.ID}} {
				if _, err := db.Act(ctx, by, desk.No, a); KindOf(err) != Forbidden {
					t.Errorf("%s by the applicant at the desk: %v", a.Verb, err)
				}
			}
		}
		mustAct(t, db, s.leader, desk.No, Action{Verb: "accept"})
		if _, _, err := db.SetOutcome(ctx, s.clerk, desk.No, "", Mediation{Outcome: "口头协议", Terms: "赔五百块，本周给。"}); KindOf(err) != Forbidden {
			t.Errorf("the outcome of their own case: %v", err)
		}
		mustAct(t, db, s.clerk, desk.No, Action{Verb: "withdraw"})
	})
}
