package office

import "testing"

// Guessing consent codes is bounded like guessing all others.
func TestConsent_GuessesAreBounded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, s := t.Context(), people4(t, db)
		code, _, err := db.Consent(ctx, s.resident.Account)
		if err != nil {
			t.Fatal(err)
		}
		d := wall()
		d.Via, d.Consent = ViaHelper, "0000-0000"
		for range maxWrong {
			if _, err := db.OpenCase(ctx, s.helper, d); KindOf(err) != Invalid {
				t.Errorf("a wrong code: %v", err)
			}
		}
		d.Consent = code
		if _, err := db.OpenCase(ctx, s.helper, d); KindOf(err) != Forbidden {
			t.Errorf("after guessing: %v", err)
		}
	})
}
