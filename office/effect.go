package office

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"
)

// Effect is what became of a published item. All are counts; nobody is named.
// Asked counts questions on the item's domain by those who were sent it, within
// askedDays after they got it.
type Effect struct {
	Piece     int64          `json:"piece"`
	Title     string         `json:"title"`
	Topic     string         `json:"topic"`
	Published time.Time      `json:"published"`
	Sent      int            `json:"sent"`    // chat addresses that got it: with the platform's id
	Refused   int            `json:"refused"` // and those that did not, in the end
	Opened    int            `json:"opened"`
	Pulled    int            `json:"pulled"`
	Asked     int            `json:"asked"`
	Askers    int            `json:"askers"` // different people
	Areas     map[string]int `json:"areas"`  // pulled and asked, by village or township; "" not said
}

// askedDays is how long after a push a question counts as asked after it.
const askedDays = 7

// Bounds of what is looked at for effects.
const (
	maxEffects = 200    // items
	maxAsked   = 200000 // deliveries and questions
)

// Effects says what became of the items that were published or sent in the days
// from from to to, both inclusive, those published last first.
func (db *DB) Effects(ctx context.Context, from, to time.Time) ([]Effect, error) {
	a, b := calendarStart(from), calendarStart(to.AddDate(0, 0, 1))
	var list []Effect
	err := db.each(ctx, func(rows *sql.Rows) error {
		e := Effect{Areas: map[string]int{}}
		var at int64
		err := rows.Scan(&e.Piece, &e.Title, &e.Topic, &at)
		e.Published = fromUnix(at)
		list = append(list, e)
		return err
	}, `SELECT i.id, v.title, v.topic, i.published FROM items i JOIN item_versions v ON v.item = i.id AND v.version = CASE WHEN i.shown > 0 THEN i.shown ELSE i.version END
		WHERE i.published > 0 AND i.published < $2 AND (i.published >= $1 OR EXISTS (SELECT 1 FROM deliveries d WHERE d.item = i.id AND d.act = 'publish' AND d.sent >= $1 AND d.sent < $2)
		OR EXISTS (SELECT 1 FROM item_counts c WHERE c.item = i.id AND c.day >= $3)) ORDER BY i.published DESC, i.id DESC LIMIT $4`, a, b, fromUnix(a).Format(time.DateOnly), maxEffects)
	if err != nil {
		return nil, fmt.Errorf("effects: %w", err)
	}
	by := map[int64]*Effect{}
	for i := range list {
		by[list[i].Piece] = &list[i]
	}
	if err := db.countEffects(ctx, by, a, b); err != nil {
		return nil, fmt.Errorf("effects: %w", err)
	}
	if err := db.askedAfter(ctx, by, a, b); err != nil {
		return nil, fmt.Errorf("effects: %w", err)
	}
	return list, nil
}

// countEffects adds what was counted and what the ledger says.
func (db *DB) countEffects(ctx context.Context, by map[int64]*Effect, a, b int64) error {
	first, last := fromUnix(a).Format(time.DateOnly), fromUnix(b-1).Format(time.DateOnly)
	err := db.each(ctx, func(rows *sql.Rows) error {
		var piece int64
		var what, area string
		var n int
		if err := rows.Scan(&piece, &what, &area, &n); err != nil || by[piece] == nil {
			return err
		}
		if what == CountOpened {
			by[piece].Opened += n
			return nil
		}
		by[piece].Pulled += n
		by[piece].Areas[area] += n
		return nil
	}, `SELECT item, what, area, SUM(n) FROM item_counts WHERE day >= $1 AND day <= $2 GROUP BY item, what, area`, first, last)
	if err != nil {
		return err
	}
	return db.each(ctx, func(rows *sql.Rows) error {
		var piece int64
		var state string
		var n int
		if err := rows.Scan(&piece, &state, &n); err != nil || by[piece] == nil {
			return err
		}
		if state == Sent {
			by[piece].Sent += n
		} else {
			by[piece].Refused += n
		}
		return nil
	}, `SELECT item, state, COUNT(*) FROM deliveries WHERE act = 'publish' AND sink = 'chat' AND state IN ('sent', 'refused', 'failed', 'expired') AND changed >= $1 AND changed < $2
		GROUP BY item, state`, a, b)
}

// askedAfter joins who was sent what with who asked on the same domain later. The
// join is made on keyed hashes, as questions are kept under no other name.
func (db *DB) askedAfter(ctx context.Context, by map[int64]*Effect, a, b int64) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	type got struct {
		piece int64
		at    int64
	}
	sent := map[string][]got{} // by the hash of the person
	if err := db.each(ctx, func(rows *sql.Rows) error {
		var g got
		var target string
		if err := rows.Scan(&g.piece, &target, &g.at); err != nil {
			return err
		}
		if e := by[g.piece]; e != nil && len(e.Topic) >= 2 {
			person := keyed(key, "person", target)
			sent[person] = append(sent[person], g)
		}
		return nil
	}, `SELECT item, target, sent FROM deliveries WHERE act = 'publish' AND sink = 'chat' AND state = 'sent' AND sent >= $1 AND sent < $2 ORDER BY id LIMIT $3`, a, b, maxAsked); err != nil || len(sent) == 0 {
		return err
	}
	askers := map[int64]map[string]bool{}
	return db.each(ctx, func(rows *sql.Rows) error {
		var person, topic, area string
		var at int64
		if err := rows.Scan(&person, &at, &topic, &area); err != nil {
			return err
		}
		for _, g := range sent[person] {
			e := by[g.piece]
			if at < g.at || at >= g.at+askedDays*86400 || topic[:2] != e.Topic[:2] {
				continue
			}
			e.Asked++
			e.Areas[area]++
			if askers[g.piece] == nil {
				askers[g.piece] = map[string]bool{}
			}
			if !askers[g.piece][person] {
				askers[g.piece][person] = true
				e.Askers++
			}
		}
		return nil
	}, `SELECT person, at, topic, area FROM consults WHERE at >= $1 AND at < $2 AND LENGTH(topic) >= 2 AND kind IN ('answer', 'unknown', 'clarify') ORDER BY at LIMIT $3`, a, b+askedDays*86400, maxAsked)
}

// EffectTable gives effects as a table for a report.
func EffectTable(list []Effect) [][]string {
	rows := [][]string{{"编号", "标题", "专题", "发布", "送达", "没送到", "打开", "点看", "推送后提问", "提问人数"}}
	for _, e := range list {
		rows = append(rows, []string{strconv.FormatInt(e.Piece, 10), e.Title, e.Topic, e.Published.Format(time.DateOnly), strconv.Itoa(e.Sent), strconv.Itoa(e.Refused),
			strconv.Itoa(e.Opened), strconv.Itoa(e.Pulled), strconv.Itoa(e.Asked), strconv.Itoa(e.Askers)})
	}
	return rows
}
