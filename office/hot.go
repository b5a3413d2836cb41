package office

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// HotTopic is how often a topic was asked about in seven days. No question is
// kept, so none is shown: counts, and the knowledge entry that answered most.
type HotTopic struct {
	Topic      string    `json:"topic"` // "LB01"; "" the questions fit none
	Questions  int       `json:"questions"`
	People     int       `json:"people"`
	Unanswered int       `json:"unanswered"`
	Useless    int       `json:"useless"` // rated as no help
	Before     int       `json:"before"`  // questions in the seven days before
	Entry      string    `json:"entry"`   // that answered most; "" if none did
	Area       string    `json:"area"`    // that asked most, of those that were said
	Covered    time.Time `json:"covered"` // when something on it was published last; zero: never
}

// hotFrom is how many different people must have asked before a topic is listed,
// so that no single person's matter shows.
const hotFrom = 3

// Hot lists the topics asked about in the seven days before until by at least
// three people, those with most unanswered questions first, then the most asked;
// up to n.
func (db *DB) Hot(ctx context.Context, until time.Time, n int) ([]HotTopic, error) {
	end := calendarStart(until.AddDate(0, 0, 1))
	start := end - 7*86400
	by := map[string]*HotTopic{}
	if err := db.each(ctx, func(rows *sql.Rows) error {
		var h HotTopic
		err := rows.Scan(&h.Topic, &h.Questions, &h.People, &h.Unanswered, &h.Useless)
		by[h.Topic] = &h
		return err
	}, `SELECT topic, COUNT(*), COUNT(DISTINCT person), COALESCE(SUM(CASE WHEN kind = 'unknown' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN useful = 0 THEN 1 ELSE 0 END), 0)
		FROM consults WHERE at >= $1 AND at < $2 AND kind IN ('answer', 'unknown', 'off') GROUP BY topic HAVING COUNT(DISTINCT person) >= $3`, start, end, hotFrom); err != nil {
		return nil, fmt.Errorf("hot: %w", err)
	}
	if err := db.hotDetails(ctx, by, start, end); err != nil {
		return nil, fmt.Errorf("hot: %w", err)
	}
	var list []HotTopic
	for _, h := range by {
		list = append(list, *h)
	}
	slices.SortFunc(list, func(a, b HotTopic) int {
		return cmp.Or(b.Unanswered+b.Useless-a.Unanswered-a.Useless, b.Questions-a.Questions, cmp.Compare(a.Topic, b.Topic))
	})
	return list[:min(n, len(list))], nil
}

// hotDetails adds the week before, the entry and place that stand out, and what
// was published on the topic.
func (db *DB) hotDetails(ctx context.Context, by map[string]*HotTopic, start, end int64) error {
	if err := db.each(ctx, func(rows *sql.Rows) error {
		var topic string
		var n int
		if err := rows.Scan(&topic, &n); err != nil || by[topic] == nil {
			return err
		}
		by[topic].Before = n
		return nil
	}, `SELECT topic, COUNT(*) FROM consults WHERE at >= $1 AND at < $2 AND kind IN ('answer', 'unknown', 'off') GROUP BY topic`, start-7*86400, start); err != nil {
		return err
	}
	for _, q := range []struct {
		column string
		into   func(h *HotTopic) *string
	}{{"entry", func(h *HotTopic) *string { return &h.Entry }}, {"area", func(h *HotTopic) *string { return &h.Area }}} {
		if err := db.each(ctx, func(rows *sql.Rows) error {
			var topic, value string
			var n int
			if err := rows.Scan(&topic, &value, &n); err != nil || by[topic] == nil {
				return err
			}
			if s := q.into(by[topic]); *s == "" { // the most frequent comes first
				*s = value
			}
			return nil
		}, `SELECT topic, `+q.column+`, COUNT(*) AS n FROM consults WHERE at >= $1 AND at < $2 AND `+q.column+` <> '' GROUP BY topic, `+q.column+
			` HAVING COUNT(DISTINCT person) >= $3 ORDER BY n DESC, topic, `+q.column, start, end, hotFrom); err != nil {
			return err
		}
	}
	return db.each(ctx, func(rows *sql.Rows) error {
		var topic string
		var at int64
		if err := rows.Scan(&topic, &at); err != nil {
			return err
		}
		for _, h := range by {
			if h.Topic != "" && (h.Topic == topic || h.Topic[:min(2, len(h.Topic))] == topic) && h.Covered.Unix() < at {
				h.Covered = fromUnix(at)
			}
		}
		return nil
	}, `SELECT v.topic, MAX(i.published) FROM items i JOIN item_versions v ON v.item = i.id AND v.version = i.live WHERE i.live > 0 AND v.topic <> '' GROUP BY v.topic`)
}
