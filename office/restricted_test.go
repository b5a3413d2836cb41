package office

import "testing"

// What was written in the history goes with the case.
func TestErase_TheHistoryToo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		d := wall()
		d.Matter = "consult"
		no := mustOpen(t, db, s.resident, d).Case.No
		mustAct(t, db, s.clerk, no, Action{Verb: "return", Note: "牛翠花家是东头第几户？"})
		mustAct(t, db, s.resident, no, Action{Verb: "correct", Note: "牛翠花家是第三户"})
		mustAct(t, db, s.resident, no, Action{Verb: "withdraw"})
		if e, err := db.Erase(ctx, "test", s.resident.Account, Keep{}, false); err != nil || e.Erased["事项"] != 1 {
			t.Fatalf("got %+v, %v", e, err)
		}
		if found := traces(t, db, "牛翠花"); found != nil {
			t.Errorf("still there: %q", found)
		}
	})
}
