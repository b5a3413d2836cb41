package office

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Facts are what a case says happened, as its card shows them.
type Facts struct {
	Name, Phone, Place, Parties, Story, Wish string
}

// Facts gives the card of a case.
func (c Case) Facts() Facts {
	return Facts{c.Name, c.Phone, c.Place, c.Parties, c.Story, c.Wish}
}

// fields names the facts in order.
func (f *Facts) fields() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{{"称呼", &f.Name}, {"电话", &f.Phone}, {"地点", &f.Place}, {"对方", &f.Parties}, {"经过", &f.Story}, {"诉求", &f.Wish}}
}

// Correct puts facts right that somebody who works on the case checked with the
// person. What they were before stands in the case's history. version is of the
// case the person saw.
func (db *DB) Correct(ctx context.Context, by Person, no, request string, version int64, f Facts) (Case, error) {
	d := Draft{Name: f.Name, Phone: f.Phone, Place: f.Place, Parties: f.Parties, Story: f.Story, Wish: f.Wish}
	if err := d.check(); err != nil {
		return Case{}, err
	}
	f = Facts{d.Name, d.Phone, d.Place, d.Parties, d.Story, d.Wish}
	note := ""
	return db.noted(ctx, by, no, "facts", request, func(tx *sql.Tx, c *Case) (string, error) {
		switch {
		case c.Hats&inside == 0:
			return "", forbidden("只有办这件事的人可以更正。")
		case c.State.Finished():
			return "", conflict("这件事现在是“%s”，不能再更正。", c.State.Name())
		case version != 0 && version != c.Version:
			return "", errStale
		}
		was := *c
		note = changes(was.Facts(), f)
		if note == "" {
			return "", invalid("没有改动。")
		}
		c.Name, c.Phone, c.Place, c.Parties, c.Story, c.Wish = f.Name, f.Phone, f.Place, f.Parties, f.Story, f.Wish
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET name = $1, phone = $2, place = $3, parties = $4, story = $5, wish = $6 WHERE id = $7`,
			c.Name, c.Phone, c.Place, c.Parties, c.Story, c.Wish, c.ID); err != nil {
			return "", fmt.Errorf("correct: %w", err)
		}
		return note, reindex(ctx, tx, was, *c)
	})
}

// changes says which facts were put right and what they were.
func changes(was, is Facts) string {
	var list []string
	after := is.fields()
	for i, f := range was.fields() {
		if *f.value != *after[i].value {
			list = append(list, fmt.Sprintf("%s原为“%s”", f.name, *f.value))
		}
	}
	return strings.Join(list, "；")
}
