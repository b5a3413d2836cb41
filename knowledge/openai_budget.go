package knowledge

import (
	"context"
	"fmt"
	"time"
)

// errBusy is the ErrBudget of places.
var errBusy = fmt.Errorf("%w: all places are taken", ErrBudget)

// budget is one that a call is paid from.
type budget struct {
	key   string
	limit int
}

// budgets are those a prompt is paid from, the widest first.
func (m *ChatModel) budgets(p Prompt) []budget {
	list := []budget{{"all", m.o.PerDay}}
	if p.Bot != "" {
		list = append(list, budget{"bot " + p.Bot, m.o.PerBot})
	}
	if p.Person != "" {
		list = append(list, budget{"person " + p.Person, m.o.PerPerson})
	}
	return list
}

// reserve takes a place and the tokens a call may cost; settle gives back what
// it did not.
func (m *ChatModel) reserve(ctx context.Context, p Prompt, tokens int) (settle func(used int), err error) {
	leave, err := m.enter(ctx, p.Person)
	if err != nil {
		return nil, err
	}
	if m.o.Spend == nil {
		return func(int) { leave() }, nil
	}
	budgets := m.budgets(p)
	for i, b := range budgets {
		ok, err := m.o.Spend(ctx, b.key, tokens, b.limit)
		if ok && err == nil {
			continue
		}
		if err != nil {
			m.o.Log.Warn("model budget cannot be read; the model is not asked", "err", err)
		}
		for _, back := range budgets[:i] {
			m.refund(ctx, back, tokens)
		}
		leave()
		return nil, ErrBudget
	}
	return func(used int) {
		for _, b := range budgets {
			m.refund(ctx, b, tokens-used)
		}
		leave()
	}, nil
}

// enter takes one of the places, of which a person has few: a flood of one must
// not keep the others out.
func (m *ChatModel) enter(ctx context.Context, person string) (leave func(), err error) {
	if person != "" && !m.count(person, 1) {
		return nil, errBusy
	}
	wait := time.NewTimer(m.o.times.place)
	defer wait.Stop()
	select {
	case m.places <- struct{}{}:
		m.meter.now.Inc()
		return func() { <-m.places; m.meter.now.Dec(); m.count(person, -1) }, nil
	case <-wait.C:
		err = errBusy
	case <-ctx.Done():
		err = &callerError{ctx.Err()}
	}
	m.count(person, -1)
	return nil, err
}

// count keeps how many calls of a person are under way; false: as many as may be.
func (m *ChatModel) count(person string, by int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.persons[person] + by
	switch {
	case person == "":
		return true
	case n > modelOne:
		return false
	case n <= 0:
		delete(m.persons, person)
	default:
		m.persons[person] = n
	}
	return true
}

// refund gives n tokens back, or takes them if n is negative: a provider counted
// more than was estimated. It may fail: then the day's budget is a little
// smaller than it should be.
func (m *ChatModel) refund(ctx context.Context, b budget, n int) {
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := m.o.Spend(ctx, b.key, -n, b.limit); err != nil {
		m.o.Log.Warn("model budget not given back", "err", err)
	}
}
