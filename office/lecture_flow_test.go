package office

import (
	"slices"
	"strings"
	"testing"
)

// Every state is reached, every state but the last ones is left, and what the
// table does not allow is refused with the reason.
func TestOrderMoves_WalkTheTable(t *testing.T) {
	t.Parallel()
	reached := map[OrderState]bool{Placed: true}
	for grown := true; grown; {
		grown = false
		for _, m := range OrderMoves {
			for _, from := range m.From {
				if reached[from] && !reached[m.To] {
					reached[m.To], grown = true, true
				}
			}
		}
	}
	final := []OrderState{RatedOrder, CancelledOrder}
	for _, s := range OrderStates {
		if !reached[s] || s.Name() == "" {
			t.Errorf("%s: reached %v, named %q", s, reached[s], s.Name())
		}
		left := slices.ContainsFunc(OrderMoves, func(m OrderMove) bool { return m.To != "" && slices.Contains(m.From, s) })
		if left == slices.Contains(final, s) {
			t.Errorf("%s: can be left: %v", s, left)
		}
		if s.Open() == (s.Held() || s == CancelledOrder) {
			t.Errorf("%s is open and over", s)
		}
	}
	seen := map[string]bool{}
	for _, m := range OrderMoves {
		if m.Who == 0 || len(m.From) == 0 || seen[m.Verb] || seen[m.Name] {
			t.Errorf("row %+v", m)
		}
		seen[m.Verb], seen[m.Name] = true, true
		if slices.ContainsFunc(Moves, func(c Move) bool { return c.Name == m.Name || c.Verb == m.Name }) {
			t.Errorf("%s is said of cases too", m.Name)
		}
		for _, s := range OrderStates {
			for hat := Orderer; hat <= Provider; hat <<= 1 {
				allowed := m.Who&hat != 0 && slices.Contains(m.From, s)
				got, err := orderMove(m.Name, s, hat)
				switch {
				case allowed && (err != nil || got.To != m.To):
					t.Errorf("%s from %s by %s: %v", m.Verb, s, hat.names(), err)
				case m.Who&hat == 0 && (KindOf(err) != Forbidden || !strings.Contains(err.Error(), m.Name)):
					t.Errorf("%s by %s: got %v, want it forbidden with the reason", m.Verb, hat.names(), err)
				case !allowed && m.Who&hat != 0 && (KindOf(err) != Conflict || !strings.Contains(err.Error(), s.Name())):
					t.Errorf("%s from %s: got %v, want a conflict that names the state", m.Verb, s, err)
				}
				if slices.Contains(nextOrder(s, hat), m.Verb) != allowed {
					t.Errorf("next(%s, %s) and move differ on %s", s, hat.names(), m.Verb)
				}
			}
		}
	}
}
