package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what is kept of people and organisations, in runes.
const (
	maxName = 40
	maxList = 300 // fields, languages or conflicts together
)

var personPhone = regexp.MustCompile(`^[0-9][0-9 \-]{2,19}$`)

// AddOrg adds an organisation under a parent that is named by its id; parent 0
// makes the root, of which there is one.
func (db *DB) AddOrg(ctx context.Context, by string, o Org) (added Org, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		added, err = db.addOrg(ctx, tx, by, o)
		return err
	})
	return added, err
}

func (db *DB) addOrg(ctx context.Context, tx *sql.Tx, by string, o Org) (Org, error) {
	o.Name, o.Short = strings.TrimSpace(o.Name), strings.TrimSpace(o.Short)
	if o.Short == "" {
		o.Short = shortName(o.Name)
	}
	switch {
	case o.Name == "" || utf8.RuneCountInString(o.Name) > maxName || hasControl(o.Name):
		return o, invalid("机构名称要写 1 到 %d 个字。", maxName)
	case !slices.Contains(OrgKinds, o.Kind):
		return o, invalid("“%s”的类别应是其中之一：%s。", o.Name, strings.Join(OrgKinds, "、"))
	case (o.Parent == 0) != (o.Kind == OrgKinds[0]):
		return o, invalid("“%s”要写明上级；只有“县”没有上级。", o.Name)
	case strings.ContainsAny(o.Short, "-— 　") || utf8.RuneCountInString(o.Short) > 6:
		return o, invalid("简称“%s”要在 6 个字以内，不带空格和横线。", o.Short)
	}
	above, err := orgByID(ctx, tx, o.Parent)
	if err != nil && o.Parent != 0 {
		return o, err
	}
	if err := db.vacant(ctx, tx, o); err != nil {
		return o, err
	}
	if err := tx.QueryRowContext(ctx, `INSERT INTO orgs (parent, kind, name, short, path) VALUES ($1, $2, $3, $4, '') RETURNING id`,
		o.Parent, o.Kind, o.Name, o.Short).Scan(&o.ID); err != nil {
		return o, fmt.Errorf("add organisation: %w", err)
	}
	o.Path = above.Path
	if o.Parent == 0 {
		o.Path = "/"
	}
	o.Path += strconv.FormatInt(o.ID, 10) + "/"
	if _, err := tx.ExecContext(ctx, `UPDATE orgs SET path = $1 WHERE id = $2`, o.Path, o.ID); err != nil {
		return o, fmt.Errorf("add organisation: %w", err)
	}
	return o, db.audit(ctx, tx, by, "add org", "org "+strconv.FormatInt(o.ID, 10), o.Kind+" "+o.Name)
}

// vacant refuses a second root, a name that is taken under the same parent, and
// a short name that would make case numbers mean two places.
func (db *DB) vacant(ctx context.Context, tx *sql.Tx, o Org) error {
	var taken, roots, shorts int
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN parent = $1 AND name = $2 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN parent = 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN short = $3 AND kind IN ('县', '乡镇街道') THEN 1 ELSE 0 END), 0) FROM orgs`, o.Parent, o.Name, o.Short).Scan(&taken, &roots, &shorts); err != nil {
		return fmt.Errorf("add organisation: %w", err)
	}
	switch {
	case taken > 0:
		return conflict("已经有“%s”了。", o.Name)
	case o.Parent == 0 && roots > 0:
		return conflict("已经有一个县了，其他机构要写明上级。")
	case shorts > 0 && (o.Kind == "县" || o.Kind == "乡镇街道"):
		return conflict("简称“%s”已经有别处在用，请另起一个。", o.Short)
	}
	return nil
}

// shortName leaves off what kind of place it is: 城东街道 → 城东.
func shortName(name string) string {
	for _, end := range []string{"街道办事处", "街道", "镇", "乡", "县", "市", "区"} {
		if s := strings.TrimSuffix(name, end); s != name && utf8.RuneCountInString(s) > 1 {
			return s
		}
	}
	r := []rune(name)
	return string(r[:min(6, len(r))])
}

func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e })
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func orgByID(ctx context.Context, q querier, id int64) (o Org, err error) {
	err = q.QueryRowContext(ctx, `SELECT id, parent, kind, name, short, path FROM orgs WHERE id = $1`, id).Scan(&o.ID, &o.Parent, &o.Kind, &o.Name, &o.Short, &o.Path)
	if errors.Is(err, sql.ErrNoRows) {
		return o, notFound("没有这个机构。")
	}
	return o, err
}

// Orgs lists all organisations, each behind its parent.
func (db *DB) Orgs(ctx context.Context) ([]Org, error) { return orgs(ctx, db.read) }

func orgs(ctx context.Context, q querier) ([]Org, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, parent, kind, name, short, path FROM orgs ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("organisations: %w", err)
	}
	defer rows.Close()
	var list []Org
	for rows.Next() {
		var o Org
		if err := rows.Scan(&o.ID, &o.Parent, &o.Kind, &o.Name, &o.Short, &o.Path); err != nil {
			return nil, fmt.Errorf("organisations: %w", err)
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// OrgNamed finds an organisation by its name, or by names from above down with
// "/" between when one name is not enough: "城东街道/司法所".
func (db *DB) OrgNamed(ctx context.Context, name string) (Org, error) {
	return orgNamed(ctx, db.read, name)
}

func orgNamed(ctx context.Context, q querier, name string) (Org, error) {
	all, err := orgs(ctx, q)
	if err != nil {
		return Org{}, err
	}
	byID := map[int64]Org{}
	for _, o := range all {
		byID[o.ID] = o
	}
	steps := strings.Split(strings.Trim(strings.TrimSpace(name), "/"), "/")
	var found []Org
	for _, o := range all {
		at, i := o, len(steps)-1
		for ; i >= 0 && at.Name == steps[i]; i-- {
			at = byID[at.Parent]
		}
		if i < 0 {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return Org{}, notFound("没有叫“%s”的机构。", name)
	case 1:
		return found[0], nil
	}
	return Org{}, invalid("有 %d 个机构叫“%s”，请带上上级写成“上级/%s”。", len(found), name, name)
}

func (p Person) check() error {
	switch {
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxName || hasControl(p.Name):
		return invalid("姓名要写 1 到 %d 个字。", maxName)
	case p.Phone != "" && !personPhone.MatchString(p.Phone):
		return invalid("“%s”的电话看不懂。", p.Name)
	case p.Email != "" && !isEmail(p.Email):
		return invalid("“%s”的邮箱写得不对，应像 name@example.gov.cn。", p.Name)
	case len(p.Posts) == 0:
		return invalid("“%s”没有写角色和机构。", p.Name)
	}
	for _, list := range [][]string{p.Fields, p.Languages, p.Conflicts} {
		if s := strings.Join(list, ";"); utf8.RuneCountInString(s) > maxList || hasControl(s) {
			return invalid("“%s”的专长、语言或回避事项太长。", p.Name)
		}
	}
	return nil
}

// AddPerson adds a person with their posts (Org.ID and Role count). A Conflict
// if somebody of the same name has the same post.
func (db *DB) AddPerson(ctx context.Context, by string, p Person) (added Person, err error) {
	err = db.update(ctx, func(tx *sql.Tx) error {
		added, err = db.addPerson(ctx, tx, by, p)
		return err
	})
	return added, err
}

func (db *DB) addPerson(ctx context.Context, tx *sql.Tx, by string, p Person) (Person, error) {
	p.Name, p.Phone = strings.TrimSpace(p.Name), strings.TrimSpace(p.Phone)
	if err := p.check(); err != nil {
		return p, err
	}
	if err := tx.QueryRowContext(ctx, `INSERT INTO people (name, phone, fields, languages, conflicts, suspended, created, email) VALUES ($1, $2, $3, $4, $5, 0, $6, $7) RETURNING id`,
		p.Name, p.Phone, joined(p.Fields), joined(p.Languages), joined(p.Conflicts), db.now().Unix(), p.Email).Scan(&p.ID); err != nil {
		return p, fmt.Errorf("add person: %w", err)
	}
	p.Posts = slices.Clone(p.Posts)
	for i, q := range p.Posts {
		o, err := orgByID(ctx, tx, q.Org.ID)
		if err != nil {
			return p, err
		}
		var same int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM posts JOIN people ON people.id = posts.person WHERE name = $1 AND role = $2 AND org = $3`,
			p.Name, q.Role.String(), o.ID).Scan(&same); err != nil {
			return p, fmt.Errorf("add person: %w", err)
		}
		if same > 0 {
			return p, conflict("%s已经有一位%s叫“%s”了。", o.Name, q.Role, p.Name)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO posts (person, role, org) VALUES ($1, $2, $3)`, p.ID, q.Role.String(), o.ID); err != nil {
			return p, fmt.Errorf("add person: %w", err)
		}
		p.Posts[i].Org, p.Posts[i].Name = o, q.Role.String()
	}
	return p, db.audit(ctx, tx, by, "add person", personKey(p.ID), p.Posts[0].Name+" "+p.Posts[0].Org.Name)
}

func personKey(id int64) string { return "person " + strconv.FormatInt(id, 10) }

// joined keeps a list in one text; nothing in it may hold the separator.
func joined(list []string) string {
	var clean []string
	for _, s := range list {
		if s = strings.TrimSpace(strings.ReplaceAll(s, ";", "，")); s != "" {
			clean = append(clean, s)
		}
	}
	return strings.Join(clean, ";")
}

func parted(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

// Suspend takes all of a person's duties away at once, or gives them back.
// Cases they hold stay theirs until somebody hands them on.
func (db *DB) Suspend(ctx context.Context, by string, person int64, suspend bool) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		since, action := int64(0), "resume person"
		if suspend {
			since, action = db.now().Unix(), "suspend person"
		}
		r, err := tx.ExecContext(ctx, `UPDATE people SET suspended = $1 WHERE id = $2`, since, person)
		if err != nil {
			return fmt.Errorf("suspend: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return notFound("没有这个人。")
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE person = $1 AND used = 0`, person); err != nil {
			return fmt.Errorf("suspend: %w", err)
		}
		if err := endSessions(ctx, tx, person); err != nil {
			return err
		}
		return db.audit(ctx, tx, by, action, personKey(person), "")
	})
}

// PeopleFilter narrows a list of people. Zero fields do not.
type PeopleFilter struct {
	Role Role
	Org  int64 // this organisation and all below
	ID   int64
	Name string // part of the name
}

// People lists people with their posts, load and bound addresses, by name.
func (db *DB) People(ctx context.Context, f PeopleFilter) ([]Person, error) {
	return people(ctx, db.read, f)
}

func people(ctx context.Context, q querier, f PeopleFilter) ([]Person, error) {
	role := ""
	if f.Role != Resident {
		role = f.Role.String()
	}
	under := ""
	if f.Org != 0 {
		o, err := orgByID(ctx, q, f.Org)
		if err != nil {
			return nil, err
		}
		under = o.Path
	}
	rows, err := q.QueryContext(ctx, `SELECT p.id, p.name, p.phone, p.fields, p.languages, p.conflicts, p.suspended, p.cleared, p.email,
		(SELECT COUNT(*) FROM accounts a WHERE a.person = p.id), s.role, o.id, o.parent, o.kind, o.name, o.short, o.path
		FROM people p JOIN posts s ON s.person = p.id JOIN orgs o ON o.id = s.org
		WHERE (CAST($1 AS BIGINT) = 0 OR p.id = CAST($1 AS BIGINT)) AND ($2 = '' OR p.name LIKE $3)
		AND ($4 = '' OR EXISTS (SELECT 1 FROM posts s2 JOIN orgs o2 ON o2.id = s2.org WHERE s2.person = p.id AND s2.role = $4 AND o2.path LIKE $5))
		AND ($4 <> '' OR EXISTS (SELECT 1 FROM posts s3 JOIN orgs o3 ON o3.id = s3.org WHERE s3.person = p.id AND o3.path LIKE $5))
		ORDER BY p.name, p.id, o.path, s.role`, f.ID, f.Name, "%"+escapeLike(f.Name)+"%", role, under+"%")
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	defer rows.Close()
	var list []Person
	for rows.Next() {
		var p Person
		var s Post
		var fields, languages, conflicts string
		var suspended, cleared int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Phone, &fields, &languages, &conflicts, &suspended, &cleared, &p.Email, &p.Bound, &s.Name,
			&s.Org.ID, &s.Org.Parent, &s.Org.Kind, &s.Org.Name, &s.Org.Short, &s.Org.Path); err != nil {
			return nil, fmt.Errorf("people: %w", err)
		}
		if s.Role, err = ParseRole(s.Name); err != nil {
			return nil, err
		}
		p.Fields, p.Languages, p.Conflicts, p.Suspended = parted(fields), parted(languages), parted(conflicts), suspended != 0
		p.Cleared = cleared != 0
		if n := len(list); n > 0 && list[n-1].ID == p.ID {
			list[n-1].Posts = append(list[n-1].Posts, s)
			continue
		}
		p.Posts = []Post{s}
		list = append(list, p)
	}
	return list, rows.Err()
}

// escapeLike leaves out what LIKE would take for a pattern.
func escapeLike(s string) string { return strings.NewReplacer("%", "", "_", "", `\`, "").Replace(s) }

// Person finds a person by id.
func (db *DB) Person(ctx context.Context, id int64) (Person, error) {
	return personByID(ctx, db.read, id)
}

func personByID(ctx context.Context, q querier, id int64) (Person, error) {
	list, err := people(ctx, q, PeopleFilter{ID: id})
	if err != nil {
		return Person{}, err
	}
	if len(list) == 0 || id == 0 {
		return Person{}, notFound("没有这个人。")
	}
	return list[0], nil
}

// PersonNamed finds the one person of that name. NotFound if there is none,
// Invalid if there are several; both name who may be meant, with their numbers.
func (db *DB) PersonNamed(ctx context.Context, name string) (Person, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return Person{}, invalid("姓名是空的。")
	}
	near, err := people(ctx, db.read, PeopleFilter{Name: name})
	if err != nil {
		return Person{}, err
	}
	list := slices.DeleteFunc(slices.Clone(near), func(p Person) bool { return p.Name != name })
	switch {
	case len(list) == 1:
		return list[0], nil
	case len(list) > 1:
		return Person{}, invalid("有 %d 个人叫“%s”，请用前面的编号：%s", len(list), name, told(list))
	case len(near) > 0:
		return Person{}, notFound("没有叫“%s”的人。名字里有这几个字的：%s", name, told(near))
	}
	return Person{}, notFound("没有叫“%s”的人。", name)
}

// maxTold is how many people are named when it is not clear who is meant.
const maxTold = 20

// told lists people so that one can be told from the other.
func told(list []Person) string {
	var b strings.Builder
	for i, p := range list {
		if i == maxTold {
			fmt.Fprintf(&b, "\n  …… 共 %d 人", len(list))
			break
		}
		state := ""
		if p.Suspended {
			state = "，已停用"
		}
		fmt.Fprintf(&b, "\n  %d %s（%s %s%s）", p.ID, p.Name, p.Posts[0].Org.Name, p.Posts[0].Name, state)
	}
	return b.String()
}

// PersonByAccount says who speaks: a person with posts if the address is bound,
// else a resident.
func (db *DB) PersonByAccount(ctx context.Context, a Account) (Person, error) {
	return personByAccount(ctx, db.read, a)
}

func personByAccount(ctx context.Context, q querier, a Account) (Person, error) {
	var id int64
	err := q.QueryRowContext(ctx, `SELECT person FROM accounts WHERE account = $1`, string(a)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{Account: a}, nil
	}
	if err != nil {
		return Person{}, fmt.Errorf("person by account: %w", err)
	}
	p, err := personByID(ctx, q, id)
	p.Account = a
	return p, err
}

// Coverage is how many 法律明白人 a village has.
type Coverage struct {
	Org     Org `json:"org"`
	Helpers int `json:"helpers"`
	Missing int `json:"missing"` // to the three that each village should have
}

// helpersPerVillage is the national aim for the end of 2025: three 法律明白人 in
// each administrative village (八五普法规划, 2021).
const helpersPerVillage = 3

// HelperCoverage lists the villages with fewer 法律明白人 than aimed at, the
// emptiest first.
func (db *DB) HelperCoverage(ctx context.Context) ([]Coverage, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT o.id, o.parent, o.kind, o.name, o.short, o.path, COUNT(p.id) AS n FROM orgs o
		LEFT JOIN posts s ON s.org = o.id AND s.role = $1 LEFT JOIN people p ON p.id = s.person AND p.suspended = 0
		WHERE o.kind = '村社区' GROUP BY o.id, o.parent, o.kind, o.name, o.short, o.path HAVING COUNT(p.id) < $2 ORDER BY n, o.path`, Helper.String(), helpersPerVillage)
	if err != nil {
		return nil, fmt.Errorf("coverage: %w", err)
	}
	defer rows.Close()
	var list []Coverage
	for rows.Next() {
		var c Coverage
		if err := rows.Scan(&c.Org.ID, &c.Org.Parent, &c.Org.Kind, &c.Org.Name, &c.Org.Short, &c.Org.Path, &c.Helpers); err != nil {
			return nil, fmt.Errorf("coverage: %w", err)
		}
		c.Missing = helpersPerVillage - c.Helpers
		list = append(list, c)
	}
	return list, rows.Err()
}

// Operator is who works at the machine itself: as an administrator of the whole
// county. Conflict if there is no county yet.
func (db *DB) Operator(ctx context.Context) (Person, error) {
	all, err := db.Orgs(ctx)
	if err != nil {
		return Person{}, err
	}
	for _, o := range all {
		if o.Parent == 0 {
			return Person{ID: -1, Name: "命令行", Cleared: true, Posts: []Post{{Role: Admin, Name: Admin.String(), Org: o}}}, nil
		}
	}
	return Person{}, conflict("还没有设置机构，先用 mingbai org add 县 县名。")
}
