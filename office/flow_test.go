package office

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Every state is reached, every state but the last ones is left, and what the
// table does not allow is refused with the reason.
func TestMoves_WalkTheTable(t *testing.T) {
	t.Parallel()
	reached := map[State]bool{New: true}
	for grown := true; grown; {
		grown = false
		for _, m := range Moves {
			for _, from := range m.From {
				if reached[from] && m.To != "" && !reached[m.To] {
					reached[m.To], grown = true, true
				}
			}
		}
	}
	final := []State{Archived, Merged, Withdrawn}
	for _, s := range States {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
		if s.Name() == "" {
			t.Errorf("%s has no name", s)
		}
		if left := len(next(s, 0xff)) > 0; left == slices.Contains(final, s) {
			t.Errorf("%s: can be left: %v", s, left)
		}
	}
	for _, m := range Moves {
		for _, s := range States {
			for hat := Applicant; hat <= Lead; hat <<= 1 {
				allowed := m.Who&hat != 0 && slices.Contains(m.From, s)
				got, err := move(m.Verb, s, hat)
				switch {
				case allowed && (err != nil || got.To != m.To):
					t.Errorf("%s from %s by %s: %v", m.Verb, s, hat.names(), err)
				case !allowed && m.Who&hat == 0 && (KindOf(err) != Forbidden || !strings.Contains(err.Error(), m.Name)):
					t.Errorf("%s by %s: got %v, want it forbidden with the reason", m.Verb, hat.names(), err)
				case !allowed && m.Who&hat != 0 && (KindOf(err) != Conflict || !strings.Contains(err.Error(), s.Name())):
					t.Errorf("%s from %s: got %v, want a conflict that names the state", m.Verb, s, err)
				}
				if slices.Contains(next(s, hat), m.Verb) != allowed {
					t.Errorf("next(%s, %s) and move differ on %s", s, hat.names(), m.Verb)
				}
			}
		}
	}
	if _, err := move("fly", New, Lead); KindOf(err) != Invalid {
		t.Errorf("an unknown verb: %v", err)
	}
}

func TestMoves_AreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range Moves {
		if m.Verb == "" || m.Name == "" || m.Who == 0 || len(m.From) == 0 || seen[m.Verb] || seen[m.Name] {
			t.Errorf("row %+v", m)
		}
		seen[m.Verb], seen[m.Name] = true, true
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 30, 10, 0, 0, 0, china) // the last working day before 1–7 October; 10 October is worked
	for _, c := range []struct {
		rule   string
		clock  Clock
		matter string
		u      Urgency
		want   string
	}{
		{"one working day over the holiday", ClockAccept, "consult", Normal, "2026-10-08 23:59"},
		{"three working days, a Saturday worked", ClockAnswer, "consult", Normal, "2026-10-10 23:59"},
		{"legal aid: seven plain days", ClockAnswer, "aid", Normal, "2026-10-07 23:59"},
		{"notary: fifteen working days", ClockAnswer, "notary", Normal, "2026-10-27 23:59"},
		{"danger: two hours", ClockAccept, "consult", Safety, "2026-09-30 12:00"},
		{"a limitation: one working day", ClockAnswer, "aid", Limit, "2026-10-08 23:59"},
		{"asking back: seven days", ClockFollow, "aid", Safety, "2026-10-07 23:59"},
	} {
		got, exact := due(c.clock, MatterOf(c.matter), c.u, at, at)
		if s := got.In(china).Format("2006-01-02 15:04"); s != c.want || !exact {
			t.Errorf("%s: got %s, %v, want %s", c.rule, s, exact, c.want)
		}
	}
	if _, exact := due(ClockAnswer, MatterOf("notary"), Normal, time.Date(2029, 9, 30, 10, 0, 0, 0, china), at); exact {
		t.Error("a year whose holidays are unknown counts as exact")
	}
	if at, _ := due(ClockNone, MatterOf("aid"), Normal, at, at); !at.IsZero() {
		t.Errorf("no clock, but due %v", at)
	}
}

func TestNearLimit(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, china)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for d, want := range map[int]bool{21: false, 22: true, 29: true, 30: false} {
		if got := nearLimit(day(d), now); got != want {
			t.Errorf("a limitation that ends on the %d: %v", d, got)
		}
	}
	if nearLimit(time.Time{}, now) {
		t.Error("no limitation is near")
	}
}
