package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mingbai/calendar"
)

// kept reads a bulletin as it was closed; ok is false if it was not.
func (db *DB) kept(ctx context.Context, o Org, m Month) (b Bulletin, ok bool, err error) {
	var body string
	var at int64
	err = db.read.QueryRowContext(ctx, `SELECT kept, body FROM bulletins WHERE month = $1 AND org = $2`, string(m), o.ID).Scan(&at, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &b)
	}
	if err != nil {
		return b, false, fmt.Errorf("bulletin: %w", err)
	}
	b.Kept = fromUnix(at)
	return b, true, nil
}

// firstWorkday is the first day of a month on which offices work.
func firstWorkday(m Month) time.Time {
	day := m.first()
	for {
		if work, _ := calendar.IsWorkDay(day); work {
			return day
		}
		day = day.AddDate(0, 0, 1)
	}
}

// CloseMonth closes last month's bulletins, from the first working day of a month
// on: each unit's figures are kept as they are then, and the officers and
// administrators are told, all in one transaction. It returns the month and how
// many bulletins it closed, 0 if it was done before, there is nothing to tell of,
// or the day has not come. Two processes may call it at once.
func (db *DB) CloseMonth(ctx context.Context) (Month, int, error) {
	now := db.now()
	m := MonthOf(now).Add(-1)
	if calendar.Day(now).Before(firstWorkday(m.Add(1))) {
		return m, 0, nil
	}
	var done int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM bulletins WHERE month = $1`, string(m)).Scan(&done); err != nil || done > 0 {
		return m, 0, err
	}
	since, err := db.recordedSince(ctx)
	if err != nil || since == "" || since >= m.Add(1).first().Format(time.DateOnly) {
		return m, 0, err
	}
	all, err := db.Orgs(ctx)
	if err != nil {
		return m, 0, err
	}
	var list []Bulletin
	for _, o := range all {
		if !slices.Contains(reporting, o.Kind) {
			continue
		}
		b, err := db.Bulletin(ctx, o, m, true)
		if err != nil {
			return m, 0, err
		}
		list = append(list, b)
	}
	n := 0
	err = db.update(ctx, func(tx *sql.Tx) error {
		n, err = db.keepBulletins(ctx, tx, all, list)
		return err
	})
	if err != nil {
		return m, 0, fmt.Errorf("close month: %w", err)
	}
	return m, n, nil
}

func (db *DB) keepBulletins(ctx context.Context, tx *sql.Tx, all []Org, list []Bulletin) (n int, err error) {
	by := map[int64]Bulletin{}
	for _, b := range list {
		body, err := json.Marshal(b)
		if err != nil {
			return 0, err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO bulletins (month, org, kept, body) VALUES ($1, $2, $3, $4) ON CONFLICT (month, org) DO NOTHING`, string(b.Month), b.Org, db.now().Unix(), string(body))
		if err != nil {
			return 0, err
		}
		rows, err := r.RowsAffected()
		if err != nil {
			return 0, err
		}
		if rows == 0 {
			return 0, nil // another process was first with all of them
		}
		by[b.Org] = b
		n++
	}
	if n == 0 {
		return 0, nil
	}
	who, err := people(ctx, tx, PeopleFilter{})
	if err != nil {
		return 0, err
	}
	for _, p := range who {
		i := slices.IndexFunc(all, func(o Org) bool { return by[o.ID].Month != "" && p.Covers(o.Path, Officer, Admin) })
		if i < 0 {
			continue
		}
		b := by[all[i].ID]
		if err := db.notify(ctx, tx, "bulletin", fmt.Sprintf("bulletin %s %d", b.Month, p.ID), "", p.ID, b.summary()); err != nil {
			return 0, err
		}
	}
	return n, db.audit(ctx, tx, "system", "close month", "bulletins "+string(list[0].Month), fmt.Sprint(n))
}

// summary tells an officer that a bulletin is there.
func (b Bulletin) summary() string {
	text := map[string]string{}
	for _, s := range b.Sections {
		for _, f := range s.Figures {
			text[f.Key] = f.Now.Text()
		}
	}
	return fmt.Sprintf("%s%s的月通报编好了：登记 %s 件，办结 %s 件，按期答复率 %s，满意率 %s，月末超期 %s 件。在后台“月通报”里看全文、下载。",
		b.Unit, b.Month.Name(), text["opened"], text["closed"], text["in_time"], text["satisfied"], text["overdue"])
}
