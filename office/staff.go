package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// manages says whether the person administers every place where q has a post:
// only then may they change q. A township's administrator does not take over the
// county's by a new password.
func (p Person) manages(q Person) bool {
	return len(q.Posts) > 0 && !slices.ContainsFunc(q.Posts, func(s Post) bool { return !p.covers(Admin, s.Org.Path) })
}

// Manages says whether the person may change q.
func (p Person) Manages(q Person) bool { return p.manages(q) }

var errNobody = &Error{Kind: NotFound, Msg: "没有这个人，或者不归您管。"}

// managed reads somebody whom by may change.
func managed(ctx context.Context, q querier, by Person, id int64) (Person, error) {
	p, err := personByID(ctx, q, id)
	if err != nil {
		return p, err
	}
	if !by.manages(p) {
		return Person{}, errNobody
	}
	return p, nil
}

// Hire adds a person with posts in places that by administers.
func (db *DB) Hire(ctx context.Context, by, p Person) (added Person, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		for _, q := range p.Posts {
			if err := mayAppoint(ctx, tx, by, q); err != nil {
				return err
			}
		}
		added, err = db.addPerson(ctx, tx, actor(by), p)
		return err
	})
	return added, err
}

// mayAppoint refuses posts outside of what by administers, and roles that are
// none.
func mayAppoint(ctx context.Context, q querier, by Person, s Post) error {
	o, err := orgByID(ctx, q, s.Org.ID)
	if err != nil {
		return err
	}
	switch {
	case s.Role == Resident || int(s.Role) >= len(roleNames):
		return invalid("请选一个角色。")
	case !by.covers(Admin, o.Path):
		return notFound("没有这个机构，或者它不归您管。")
	}
	return nil
}

// EditPerson changes a person's phone and what a mediator declares; name and
// posts stay.
func (db *DB) EditPerson(ctx context.Context, by, p Person) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		old, err := managed(ctx, tx, by, p.ID)
		if err != nil {
			return err
		}
		p.Name, p.Posts, p.Phone = old.Name, old.Posts, strings.TrimSpace(p.Phone)
		if err := p.check(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET phone = $1, fields = $2, languages = $3, conflicts = $4 WHERE id = $5`,
			p.Phone, joined(p.Fields), joined(p.Languages), joined(p.Conflicts), p.ID); err != nil {
			return fmt.Errorf("edit person: %w", err)
		}
		return db.audit(ctx, tx, actor(by), "edit person", personKey(p.ID), "")
	})
}

// AddPost gives a person one more post. The person has to sign in again.
func (db *DB) AddPost(ctx context.Context, by Person, id int64, s Post) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := managed(ctx, tx, by, id); err != nil {
			return err
		}
		if err := mayAppoint(ctx, tx, by, s); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO posts (person, role, org) VALUES ($1, $2, $3) ON CONFLICT (person, role, org) DO NOTHING`, id, s.Role.String(), s.Org.ID)
		if err != nil {
			return fmt.Errorf("add post: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(conflict("已经有这个岗位了。"), err)
		}
		return db.postsChanged(ctx, tx, by, id, "add post", s)
	})
}

// RemovePost takes a post from a person, but not the last one. The person has to
// sign in again.
func (db *DB) RemovePost(ctx context.Context, by Person, id int64, s Post) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		// The row is a lock: of two who take a post each, the second sees what the first left.
		if _, err := tx.ExecContext(ctx, `UPDATE people SET name = name WHERE id = $1`, id); err != nil {
			return fmt.Errorf("remove post: %w", err)
		}
		p, err := managed(ctx, tx, by, id)
		if err != nil {
			return err
		}
		switch {
		case p.ID == by.ID && s.Role == Admin:
			return conflict("不能去掉自己的管理员岗位，请另一位管理员来做。")
		case len(p.Posts) == 1:
			return conflict("至少要留一个岗位；这个人不再用就停用。")
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM posts WHERE person = $1 AND role = $2 AND org = $3`, id, s.Role.String(), s.Org.ID)
		if err != nil {
			return fmt.Errorf("remove post: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(conflict("没有这个岗位，可能已经去掉了。"), err)
		}
		return db.postsChanged(ctx, tx, by, id, "remove post", s)
	})
}

func (db *DB) postsChanged(ctx context.Context, tx *sql.Tx, by Person, id int64, action string, s Post) error {
	if err := endSessions(ctx, tx, id); err != nil {
		return err
	}
	return db.audit(ctx, tx, actor(by), action, personKey(id), fmt.Sprintf("%s org %d", s.Role, s.Org.ID))
}

// SuspendManaged is Suspend for an administrator, who cannot suspend
// themselves.
func (db *DB) SuspendManaged(ctx context.Context, by Person, id int64, suspend bool) error {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return err
	}
	if by.ID == id {
		return conflict("不能停用自己，请另一位管理员来做。")
	}
	return db.Suspend(ctx, actor(by), id, suspend)
}

// ClearManaged is Clear for an administrator.
func (db *DB) ClearManaged(ctx context.Context, by Person, id int64, cleared bool, why string) error {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return err
	}
	return db.Clear(ctx, actor(by), id, cleared, why)
}

// InviteManaged is Invite for an administrator.
func (db *DB) InviteManaged(ctx context.Context, by Person, id int64) (code string, until string, err error) {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return "", "", err
	}
	c, at, err := db.Invite(ctx, actor(by), id)
	return c, at.In(china).Format("1月2日 15:04"), err
}

// GiveConsole is AddConsoleAccount for an administrator.
func (db *DB) GiveConsole(ctx context.Context, by Person, id int64, login string) (password string, err error) {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return "", err
	}
	return db.AddConsoleAccount(ctx, actor(by), id, login)
}

// ResetConsole is ResetConsolePassword for an administrator.
func (db *DB) ResetConsole(ctx context.Context, by Person, id int64, phone bool) (password string, err error) {
	if _, err := managed(ctx, db.read, by, id); err != nil {
		return "", err
	}
	return db.ResetConsolePassword(ctx, actor(by), id, phone)
}

// PeopleFor lists the people who have a post in a place that by's posts of these
// roles cover.
func (db *DB) PeopleFor(ctx context.Context, by Person, roles []Role, f PeopleFilter) ([]Person, error) {
	list, err := people(ctx, db.read, f)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p Person) bool {
		return !slices.ContainsFunc(p.Posts, func(s Post) bool { return by.Covers(s.Org.Path, roles...) })
	})
	loads, err := db.loads(ctx)
	for i := range list {
		list[i].Load = loads[list[i].ID]
	}
	return list, err
}

// loads counts the open cases that each person holds.
func (db *DB) loads(ctx context.Context) (map[int64]int, error) {
	loads := map[int64]int{}
	rows, err := db.read.QueryContext(ctx, `SELECT holder, COUNT(*) FROM cases WHERE holder <> 0 AND closed = 0 GROUP BY holder`)
	if err != nil {
		return nil, fmt.Errorf("loads: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("loads: %w", err)
		}
		loads[id] = n
	}
	return loads, rows.Err()
}

// OrgsFor lists the organisations that by's posts of these roles cover, each
// behind its parent.
func (db *DB) OrgsFor(ctx context.Context, by Person, roles []Role) ([]Org, error) {
	list, err := db.Orgs(ctx)
	return slices.DeleteFunc(list, func(o Org) bool { return !by.Covers(o.Path, roles...) }), err
}

// Found adds an organisation below one that by administers.
func (db *DB) Found(ctx context.Context, by Person, o Org) (added Org, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		if err := mayFound(ctx, tx, by, o.Parent); err != nil {
			return err
		}
		added, err = db.addOrg(ctx, tx, actor(by), o)
		return err
	})
	return added, err
}

func mayFound(ctx context.Context, q querier, by Person, parent int64) error {
	above, err := orgByID(ctx, q, parent)
	if err != nil {
		return err
	}
	if !by.covers(Admin, above.Path) {
		return notFound("没有这个上级机构，或者它不归您管。")
	}
	return nil
}

// ImportPeopleFor is ImportPeople for an administrator: each row's place must be
// theirs.
func (db *DB) ImportPeopleFor(ctx context.Context, by Person, rows [][]string, dry bool) (Import, error) {
	return db.importPeople(ctx, actor(by), rows, dry, func(_ *sql.Tx, o Org) error {
		if !by.covers(Admin, o.Path) {
			return notFound("“%s”不归您管。", o.Name)
		}
		return nil
	})
}

// ImportOrgsFor is ImportOrgs for an administrator.
func (db *DB) ImportOrgsFor(ctx context.Context, by Person, rows [][]string, dry bool) (Import, error) {
	return db.importOrgs(ctx, actor(by), rows, dry, func(tx *sql.Tx, o Org) error { return mayFound(ctx, tx, by, o.Parent) })
}

// CoverageFor is HelperCoverage of the villages that by's posts of these roles
// cover.
func (db *DB) CoverageFor(ctx context.Context, by Person, roles []Role) ([]Coverage, error) {
	list, err := db.HelperCoverage(ctx)
	return slices.DeleteFunc(list, func(c Coverage) bool { return !by.Covers(c.Org.Path, roles...) }), err
}
