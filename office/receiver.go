package office

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// receiver is the place whose clerks get a new case.
func receiver(ctx context.Context, q querier, by Person, d Draft) (Org, error) {
	o, err := meant(ctx, q, by, d)
	if err != nil {
		return o, err
	}
	return attended(ctx, q, o)
}

// meant is the township whose name stands in the place, else the one of the
// person's post, else the county.
func meant(ctx context.Context, q querier, by Person, d Draft) (Org, error) {
	all, err := orgs(ctx, q)
	if err != nil {
		return Org{}, err
	}
	if len(all) == 0 {
		return Org{}, conflict("这里还没有设置受理机构，请打 12348。")
	}
	byID := map[int64]Org{}
	for _, x := range all {
		byID[x.ID] = x
	}
	town := func(x Org) Org {
		for x.Parent != 0 && x.Kind != "乡镇街道" {
			x = byID[x.Parent]
		}
		return x
	}
	best, length := Org{}, 0
	for _, x := range all {
		if x.Kind != "乡镇街道" && x.Kind != "村社区" {
			continue
		}
		n := named(d.Place, x)
		if t := town(x); n > 0 && t.ID != x.ID {
			n += named(d.Place, t) // of villages with one name, that of the township that is named too
		}
		if n > length {
			best, length = town(x), n
		}
	}
	if length > 0 {
		return best, nil
	}
	for _, q := range by.Posts {
		if d.Via != ViaResident {
			return town(q.Org), nil
		}
	}
	for _, x := range all {
		if x.Parent == 0 {
			return x, nil
		}
	}
	return all[0], nil
}

// named says how long the name of an organisation is that stands in a place; 0 if
// none does.
func named(place string, o Org) int {
	for _, name := range []string{o.Name, o.Short} {
		if name != "" && strings.Contains(place, name) {
			return len(name)
		}
	}
	return 0
}

// attended gives the place itself if a clerk or administrator takes its cases
// on, else the first place where one does: a case in a place that nobody looks
// after would be lost. Conflict if there is none.
func attended(ctx context.Context, q querier, o Org) (Org, error) {
	ids, err := desk(ctx, q, o.Path, false)
	if err != nil || ids != nil {
		return o, err
	}
	for _, r := range []Role{Clerk, Admin} {
		list, err := people(ctx, q, PeopleFilter{Role: r})
		if err != nil {
			return Org{}, err
		}
		for _, p := range list {
			for _, post := range p.Posts {
				if p.covers(r, post.Scope()) {
					id, err := strconv.ParseInt(strings.TrimSuffix(lastStep(post.Scope()), "/"), 10, 64)
					if err != nil {
						return Org{}, fmt.Errorf("place %q: %w", post.Scope(), err)
					}
					return orgByID(ctx, q, id)
				}
			}
		}
	}
	return Org{}, conflict("这里还没有设置受理的人，请打 12348。")
}
