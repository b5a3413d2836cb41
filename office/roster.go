package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
)

// Turn is one row of a roster: who advises a village or township when.
type Turn struct {
	Org      Org    `json:"org"`
	Person   Person `json:"person"`
	Place    int    `json:"place"` // lower goes first
	Days     string `json:"days"`  // ISO weekdays, "135"; "" every day
	Since    string `json:"since"` // first day, "2026-11-22"; "" open
	Until    string `json:"until"` // last day
	OffSince string `json:"off_since"`
	OffUntil string `json:"off_until"`
	Now      bool   `json:"now"` // on duty now
}

// adviserWithin is how soon who is on duty must begin, in working days; our own
// measure.
const adviserWithin = 1

// rosterHeading is that of a roster's table.
var rosterHeading = []string{"机构", "顾问", "顺序", "星期", "开始", "结束"}

// on says whether the turn is on at a time: the day fits, no leave, not
// suspended.
func (t Turn) on(at time.Time) bool {
	day := at.In(china).Format(time.DateOnly)
	weekday := strconv.Itoa((int(at.In(china).Weekday())+6)%7 + 1)
	switch {
	case t.Person.Suspended, t.Since != "" && day < t.Since, t.Until != "" && day > t.Until:
		return false
	case t.OffSince != "" && day >= t.OffSince && day <= t.OffUntil:
		return false
	}
	return t.Days == "" || strings.Contains(t.Days, weekday)
}

// Roster lists the turns of an organisation in their order; of all if org is 0.
func (db *DB) Roster(ctx context.Context, org int64) ([]Turn, error) {
	return db.roster(ctx, db.read, org)
}

func (db *DB) roster(ctx context.Context, q querier, org int64) ([]Turn, error) {
	rows, err := q.QueryContext(ctx, `SELECT r.org, r.person, r.place, r.days, r.since, r.until, r.off_since, r.off_until FROM rosters r JOIN orgs o ON o.id = r.org
		WHERE CAST($1 AS BIGINT) = 0 OR r.org = CAST($1 AS BIGINT) ORDER BY o.path, r.place, r.id`, org)
	if err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	var list []Turn
	for rows.Next() {
		var t Turn
		if err := rows.Scan(&t.Org.ID, &t.Person.ID, &t.Place, &t.Days, &t.Since, &t.Until, &t.OffSince, &t.OffUntil); err != nil {
			rows.Close()
			return nil, fmt.Errorf("roster: %w", err)
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	rows.Close()
	now := db.now()
	for i := range list {
		t := &list[i]
		if t.Org, err = orgByID(ctx, q, t.Org.ID); err != nil {
			return nil, err
		}
		if t.Person, err = personByID(ctx, q, t.Person.ID); err != nil {
			return nil, err
		}
		t.Now = t.on(now)
	}
	return list, nil
}

// ImportRoster replaces the turns of the organisations that a table names.
func (db *DB) ImportRoster(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	cleared := map[int64]bool{}
	return db.importRows(ctx, rows, rosterHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		o, err := orgNamed(ctx, tx, row["机构"])
		if err != nil {
			return err
		}
		t, err := turnOf(ctx, tx, o, row)
		if err != nil {
			return err
		}
		if !cleared[o.ID] {
			cleared[o.ID] = true
			if _, err := tx.ExecContext(ctx, `DELETE FROM rosters WHERE org = $1`, o.ID); err != nil {
				return fmt.Errorf("roster: %w", err)
			}
			if err := db.audit(ctx, tx, by, "set roster", "org "+strconv.FormatInt(o.ID, 10), ""); err != nil {
				return err
			}
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO rosters (org, person, place, days, since, until, off_since, off_until) VALUES ($1, $2, $3, $4, $5, $6, '', '')
			ON CONFLICT (org, person) DO NOTHING`, o.ID, t.Person.ID, t.Place, t.Days, t.Since, t.Until)
		if err != nil {
			return fmt.Errorf("roster: %w", err)
		}
		if n, err := r.RowsAffected(); err == nil && n == 0 {
			return conflict("%s 的值班表里“%s”写了两次。", o.Name, t.Person.Name)
		}
		return nil
	})
}

// turnOf reads one row of a roster's table.
func turnOf(ctx context.Context, q querier, o Org, row map[string]string) (Turn, error) {
	t := Turn{Org: o, Place: 1, Since: row["开始"], Until: row["结束"]}
	list, err := people(ctx, q, PeopleFilter{Role: Adviser, Name: row["顾问"]})
	if err != nil {
		return t, err
	}
	list = slices.DeleteFunc(list, func(p Person) bool { return p.Name != row["顾问"] || !p.covers(Adviser, o.Path) })
	if len(list) != 1 {
		return t, invalid("%s 没有一位叫“%s”的法律顾问（有 %d 位）；先用 person add 加上这个角色。", o.Name, row["顾问"], len(list))
	}
	t.Person = list[0]
	if s := row["顺序"]; s != "" {
		if t.Place, err = strconv.Atoi(s); err != nil || t.Place < 1 || t.Place > 99 {
			return t, invalid("顺序“%s”要写 1 到 99 的数字。", s)
		}
	}
	for _, d := range []string{t.Since, t.Until} {
		if d != "" && !validDay(d) {
			return t, invalid("日期“%s”要写成 2026-11-22 的样子。", d)
		}
	}
	if t.Days, err = weekdays(row["星期"]); err != nil {
		return t, err
	}
	return t, nil
}

// weekdays reads "一三五", "1、3、5" or nothing.
func weekdays(s string) (string, error) {
	set := map[rune]bool{}
	for _, r := range s {
		switch i := strings.IndexRune("一二三四五六日", r); {
		case i >= 0:
			set[rune('1'+i/3)] = true
		case r == '天':
			set['7'] = true
		case r >= '1' && r <= '7':
			set[r] = true
		case strings.ContainsRune("、,，; 周星期每", r):
		default:
			return "", invalid("星期“%s”看不懂，要写“一三五”这样，每天都值就空着。", s)
		}
	}
	var out strings.Builder
	for r := '1'; r <= '7'; r++ {
		if set[r] {
			out.WriteRune(r)
		}
	}
	return out.String(), nil
}

// RosterTable gives a roster as ImportRoster reads it.
func RosterTable(list []Turn, orgs []Org) [][]string {
	rows := [][]string{rosterHeading}
	for _, t := range list {
		var days strings.Builder
		for _, r := range t.Days {
			days.WriteString(string([]rune("一二三四五六日")[r-'1']))
		}
		rows = append(rows, []string{fullName(t.Org, orgs), t.Person.Name, strconv.Itoa(t.Place), days.String(), t.Since, t.Until})
	}
	return rows
}

// Leave notes that a person is not on duty from one day to another, both
// inclusive, wherever they are on a roster; empty days end it.
func (db *DB) Leave(ctx context.Context, by string, person int64, since, until string) error {
	if (since != "" || until != "") && (!validDay(since) || !validDay(until) || until < since) {
		return invalid("日期要写成 2026-11-22 2026-11-25，先开始后结束。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE rosters SET off_since = $1, off_until = $2 WHERE person = $3`, since, until, person)
		if err != nil {
			return fmt.Errorf("leave: %w", err)
		}
		if n, err := r.RowsAffected(); err == nil && n == 0 {
			return notFound("值班表里没有这个人。")
		}
		return db.audit(ctx, tx, by, "leave", personKey(person), strings.TrimSpace(since+" "+until))
	})
}

// rosterOf finds the roster for a case: of the village its place names, else of
// the township that has it, else of what is above.
func (db *DB) rosterOf(ctx context.Context, q querier, c Case) ([]Turn, error) {
	all, err := orgs(ctx, q)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(o Org) bool {
		return !strings.HasPrefix(c.path, o.Path) && !(o.Kind == "村社区" && strings.HasPrefix(o.Path, c.path) && strings.Contains(c.Place, o.Name))
	})
	slices.SortStableFunc(all, func(a, b Org) int { return len(b.Path) - len(a.Path) }) // the nearest first
	for _, o := range all {
		list, err := db.roster(ctx, q, o.ID)
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, nil
}

// nextOnDuty is the first person of the roster who is on duty, may deal with the case
// and was not asked before.
func (db *DB) nextOnDuty(ctx context.Context, q querier, c Case) (Person, bool, error) {
	list, err := db.rosterOf(ctx, q, c)
	if err != nil {
		return Person{}, false, err
	}
	for _, t := range list {
		var asked int
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM turns WHERE case_id = $1 AND person = $2`, c.ID, t.Person.ID).Scan(&asked); err != nil {
			return Person{}, false, fmt.Errorf("roster: %w", err)
		}
		if t.Now && asked == 0 && mayHold(t.Person, c) == nil {
			return t.Person, true, nil
		}
	}
	return Person{}, false, nil
}

// AskAdviser hands a case to the adviser of its village who is on duty. Conflict
// if nobody is.
func (db *DB) AskAdviser(ctx context.Context, by Person, no, request string) (Case, Person, error) {
	var c Case
	var to Person
	key, err := db.hashKey(ctx)
	if err != nil {
		return c, to, err
	}
	if request == "" {
		request = randomCode(26)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		if c, err = db.findCase(ctx, tx, by, no); err != nil {
			return err
		}
		if c.Hats&(Desk|Lead) == 0 {
			return forbidden("转给值班法律顾问由经办人来做。")
		}
		var done int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM case_events WHERE request = $1 AND case_id = $2`, request, c.ID).Scan(&done); err != nil || done > 0 {
			if err == nil {
				to, err = personByID(ctx, tx, c.Holder)
			}
			return err
		}
		var ok bool
		if to, ok, err = db.nextOnDuty(ctx, tx, c); err != nil {
			return err
		}
		if !ok {
			return conflict("%s 那里现在没有值班的法律顾问，请直接派单给别人。", c.No)
		}
		a := Action{Request: request, Verb: "assign", To: to.ID}
		if c.State == Assigned || c.State == Working {
			a.Verb, a.Note = "reassign", "转给值班法律顾问"
		}
		if c, err = db.act(ctx, tx, key, by, c.No, a); err != nil {
			return err
		}
		return db.turn(ctx, tx, c, to)
	})
	return c, to, err
}

// turn starts the clock of whoever is on duty.
func (db *DB) turn(ctx context.Context, tx *sql.Tx, c Case, to Person) error {
	now := db.now()
	end, _ := calendar.Due(calendar.Day(now), workdays(adviserWithin), false)
	if _, err := tx.ExecContext(ctx, `INSERT INTO turns (case_id, person, asked, due, answered, passed) VALUES ($1, $2, $3, $4, 0, 0)`, c.ID, to.ID, now.Unix(), endOfDay(end).Unix()); err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	return db.tell(ctx, tx, c, "duty", "", to.ID, fmt.Sprintf("%s 轮到您值班，请在 %s 前回复“办理 %s”；到时没有回应会转给下一位。", c.No, endOfDay(end).Format("1月2日 15:04"), c.No))
}
