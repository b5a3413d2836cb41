package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// More outcomes of a publisher.
type (
	// WaitError says that it surely was not delivered and is not to be tried
	// before Until; waiting does not use tries up. Code says why.
	WaitError struct {
		Until time.Time
		Code  string
	}
	// FailedError says that it cannot be delivered, and that the target is not to
	// blame: it is not tried again.
	FailedError struct{ Code string }
)

func (e *WaitError) Error() string   { return "not yet: " + e.Code }
func (e *FailedError) Error() string { return "cannot be delivered: " + e.Code }

// Codes of a WaitError, and what people read.
const (
	WaitQuiet  = "quiet" // at night
	WaitDay    = "day"   // had one today
	WaitClosed = "closed"
)

// DeliveryCode is what people read of a delivery's code.
func DeliveryCode(code string) string {
	name := map[string]string{WaitQuiet: "不在发送时段", WaitDay: "当天已发过一条", WaitClosed: "现在发不进去，可发“今日普法”看", "off": "对方关了推送", "left": "不是好友或已不在群里",
		"user": "自己退订", "unsubscribed": "已退订", "content": "平台不收这样的内容", "crash": "程序中断，可能已发出", "retry": "稍后再试", "gave up": "试了多次都没成", "40034105": "平台不让主动发（40034105）"}[code]
	if name == "" {
		return code
	}
	return name
}

// Reason is what people read of why a delivery stands as it does.
func (d Delivery) Reason() string { return DeliveryCode(d.Code) }

// general are the audiences of somebody who did not say who they are.
var general = []string{"乡村", "社区"}

// subscribers selects who wants to be sent a version: who subscribed to one of
// its audiences, to everything, or to its topic or the domain of it. Somebody who
// subscribed to a topic gets of it what is for the audiences they named, or, if
// they named none, what is for villages and communities.
func subscribers(w *clause, v PieceVersion) string {
	in := func(list []string) string {
		out := "''"
		for _, s := range list {
			out += ", " + w.arg(s)
		}
		return "(" + out + ")"
	}
	query := `SELECT DISTINCT s.account AS target FROM subscriptions s WHERE s.stopped = 0 AND (s.audience IN ` + in(v.Audience) // with '' for everything
	if slices.ContainsFunc(v.Audience, func(a string) bool { return slices.Contains(general, a) }) && v.Topic != "" {
		query += ` OR s.audience IN ` + in([]string{v.Topic, v.Topic[:min(2, len(v.Topic))]}) +
			` AND NOT EXISTS (SELECT 1 FROM subscriptions x WHERE x.account = s.account AND x.stopped = 0 AND x.audience IN ` + in(Audiences) + ` AND x.audience <> '')`
	}
	return query + `)`
}

// MayPush says whether a chat delivery may be sent now, and holds the person's
// one push of the day for it. The error is a WaitError, or a RefusedError if they
// unsubscribed meanwhile. A correction is bound to the hours only.
func (db *DB) MayPush(ctx context.Context, d Delivery) error {
	now := db.now().In(china)
	if !db.publishing.holds(now) {
		return &WaitError{Until: db.publishing.opens(now), Code: WaitQuiet}
	}
	if d.Act != ActPublish {
		return nil
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		var wants int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM subscriptions WHERE account = $1 AND stopped = 0`, d.Target).Scan(&wants); err != nil {
			return fmt.Errorf("may push: %w", err)
		}
		if wants == 0 {
			return &RefusedError{Code: "unsubscribed"}
		}
		w := clause{}
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (`+subscribers(&w, d.Version)+`) AS t WHERE t.target = `+w.arg(d.Target), w.args...).Scan(&wants); err != nil {
			return fmt.Errorf("may push: %w", err)
		}
		if wants == 0 { // they want other things still
			return &FailedError{Code: "unsubscribed"}
		}
		day := now.Format(time.DateOnly)
		var holder int64
		err := tx.QueryRowContext(ctx, `INSERT INTO push_days (account, day, delivery) VALUES ($1, $2, $3)
			ON CONFLICT (account, day) DO UPDATE SET account = excluded.account RETURNING delivery`, d.Target, day, d.ID).Scan(&holder)
		if err != nil {
			return fmt.Errorf("may push: %w", err)
		}
		if holder != d.ID {
			return &WaitError{Until: db.publishing.opens(time.Unix(calendarStart(now.AddDate(0, 0, 1)), 0)), Code: WaitDay}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM push_days WHERE account = $1 AND day < $2`, d.Target, now.AddDate(0, 0, -7).Format(time.DateOnly))
		return err
	})
}

// PushLater gives the day back that MayPush held, for what was not sent.
func (db *DB) PushLater(ctx context.Context, d Delivery) error {
	_, err := db.write.ExecContext(ctx, `DELETE FROM push_days WHERE account = $1 AND delivery = $2`, d.Target, d.ID)
	if err != nil {
		return fmt.Errorf("push later: %w", err)
	}
	return nil
}

// opens is the first time at or after at that lies in the hours.
func (r Publishing) opens(at time.Time) time.Time {
	at = at.In(china)
	start := time.Date(at.Year(), at.Month(), at.Day(), r.From/60, r.From%60, 0, 0, china)
	switch {
	case r.holds(at):
		return at
	case at.Before(start):
		return start
	}
	return start.AddDate(0, 0, 1)
}

// LeaveCorrection leaves a correction for somebody who cannot be written to: they
// see it when they say something. It is left once a delivery.
func (db *DB) LeaveCorrection(ctx context.Context, d Delivery, words string) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		return db.notify(ctx, tx, "correct", fmt.Sprintf("correct %d", d.ID), Account(d.Target), 0, words)
	})
}

// Wishes lists what an address is subscribed to, oldest first; "" stands for
// everything. stopped says why the platform ended them, if it did: then there is
// none.
func (db *DB) Wishes(ctx context.Context, a Account) (list []string, stopped string, err error) {
	err = db.each(ctx, func(rows *sql.Rows) error {
		var s, code string
		var at int64
		if err := rows.Scan(&s, &at, &code); err != nil {
			return err
		}
		if at == 0 {
			list = append(list, s)
		} else if code != "user" {
			stopped = code
		}
		return nil
	}, `SELECT audience, stopped, code FROM subscriptions WHERE account = $1 ORDER BY since, audience`, string(a))
	if err != nil {
		return nil, "", fmt.Errorf("wishes: %w", err)
	}
	if list != nil {
		stopped = ""
	}
	return list, stopped, nil
}

// todayDays is how far back 今日普法 looks for what somebody wished for.
const todayDays = 30

// Today gives up to n published items for an address, as they are published: of
// what it is subscribed to those that came last; without a subscription, or if
// there was nothing of it lately, what is for villages and communities.
func (db *DB) Today(ctx context.Context, a Account, n int) ([]Piece, error) {
	wishes, _, err := db.Wishes(ctx, a)
	if err != nil {
		return nil, err
	}
	list, _, err := db.Pieces(ctx, PieceFilter{Live: true, Limit: 200})
	if err != nil {
		return nil, err
	}
	since := db.now().AddDate(0, 0, -todayDays)
	named := slices.ContainsFunc(wishes, func(w string) bool { return slices.Contains(Audiences, w) })
	var own, others []Piece
	for _, it := range list {
		v := it.Newest
		open := slices.ContainsFunc(v.Audience, func(x string) bool { return slices.Contains(general, x) })
		if open {
			others = append(others, it)
		}
		if it.Published.Before(since) {
			continue
		}
		if slices.ContainsFunc(wishes, func(w string) bool {
			topic := w != "" && (w == v.Topic || len(v.Topic) >= 2 && w == v.Topic[:2])
			return w == "" || slices.Contains(v.Audience, w) || topic && open && !named
		}) {
			own = append(own, it)
		}
	}
	if own == nil {
		own = others
	}
	return own[:min(n, len(own))], nil
}

// Things that are counted of items.
const (
	CountOpened = "opened" // its page was read
	CountPulled = "pulled" // somebody asked for it in the chat
)

// CountPiece counts n more of an item; of nobody in particular. area is a
// village or township, "" if it is not known.
func (db *DB) CountPiece(ctx context.Context, piece int64, what, area string, n int) error {
	if what != CountOpened && what != CountPulled || piece <= 0 || n <= 0 {
		return errors.New("nothing that is counted")
	}
	area = string([]rune(area)[:min(len([]rune(area)), maxName)])
	_, err := db.write.ExecContext(ctx, `INSERT INTO item_counts (item, day, what, area, n) SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT) FROM items WHERE id = $1 AND live > 0
		ON CONFLICT (item, day, what, area) DO UPDATE SET n = item_counts.n + excluded.n`, piece, db.now().In(china).Format(time.DateOnly), what, area, n)
	if err != nil {
		return fmt.Errorf("count item: %w", err)
	}
	return nil
}
