package office

import (
	"context"
	"slices"
)

// Candidates lists who may be given a case: those in whose scope it is first,
// then by how many open cases they hold.
func (db *DB) Candidates(ctx context.Context, c Case) ([]Person, error) {
	list, err := people(ctx, db.read, PeopleFilter{})
	if err != nil {
		return nil, err
	}
	loads, err := db.loads(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p Person) bool { return mayHold(p, c) != nil })
	far := func(p Person) int {
		return number(!p.Covers(c.path, Clerk, Mediator, Adviser, Admin))
	}
	for i := range list {
		list[i].Load = loads[list[i].ID]
	}
	slices.SortStableFunc(list, func(a, b Person) int {
		if k := far(a) - far(b); k != 0 {
			return k
		}
		return a.Load - b.Load
	})
	return list, nil
}
