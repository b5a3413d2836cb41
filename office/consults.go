package office

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"
)

// Consult is one question and what became of it; never the words.
type Consult struct {
	ID      string
	At      time.Time
	Account string // a bot address; kept only as a keyed hash
	Session string // names one conversation; kept only as a keyed hash
	Channel string // qq, web, terminal, api
	Kind    string // answer, clarify, unknown, urgent, refuse, …
	Topic   string // "LA12", "" if none
	Entry   string
	Area    string // township or province, "" if not said
	By      string // reviewed, extract or a model's name
}

// maxReason bounds what a person may write with a rating, in runes.
const maxReason = 200

// RecordConsults keeps consultations, all in one transaction. One that is kept
// already is left as it is.
func (db *DB) RecordConsults(ctx context.Context, list ...Consult) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, c := range list {
			if _, err := tx.ExecContext(ctx, `INSERT INTO consults (id, at, person, session, channel, kind, topic, entry, area, answered_by)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`,
				c.ID, c.At.Unix(), keyed(key, "person", c.Account), keyed(key, "session", c.Session), c.Channel, c.Kind, c.Topic, c.Entry, c.Area, c.By); err != nil {
				return fmt.Errorf("record consultation: %w", err)
			}
		}
		return nil
	})
}

// Rate keeps what a person thought of an answer; the last rating counts. reason
// may be empty. NotFound if there is no such consultation.
func (db *DB) Rate(ctx context.Context, id string, useful bool, reason string) error {
	if utf8.RuneCountInString(reason) > maxReason {
		return &Error{Kind: Invalid, Msg: fmt.Sprintf("原因最多写 %d 个字。", maxReason)}
	}
	n := 0
	if useful {
		n = 1
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE consults SET useful = $1, reason = $2, rated = $3 WHERE id = $4`, n, reason, db.now().Unix(), id)
		if err != nil {
			return fmt.Errorf("rate: %w", err)
		}
		if rows, err := r.RowsAffected(); err != nil || rows == 0 {
			return &Error{Kind: NotFound, Msg: "没有找到这次咨询。", Err: err}
		}
		return nil
	})
}

// Figures are counts over a period. Persons, sessions and questions are three
// different counts: one person may come in several sessions and ask several
// questions in each.
type Figures struct {
	From      time.Time      `json:"from"` // first day
	To        time.Time      `json:"to"`   // last day, inclusive
	Persons   int            `json:"persons"`
	Sessions  int            `json:"sessions"`
	Questions int            `json:"questions"`
	Hits      int            `json:"hits"`   // answered
	Misses    int            `json:"misses"` // "I don't know"
	Urgent    int            `json:"urgent"`
	Rated     int            `json:"rated"`
	Useful    int            `json:"useful"`
	Channels  map[string]int `json:"channels"` // questions by channel
	Topics    map[string]int `json:"topics"`   // answered questions by topic
	Areas     map[string]int `json:"areas"`    // questions by area, "" not said
}

// Figures counts the consultations of the days from to to, both inclusive.
func (db *DB) Figures(ctx context.Context, from, to time.Time) (Figures, error) {
	f, err := db.figures(ctx, db.period(from, to))
	f.From, f.To = from, to
	return f, err
}

func (db *DB) figures(ctx context.Context, s span) (Figures, error) {
	f := Figures{Channels: map[string]int{}, Topics: map[string]int{}, Areas: map[string]int{}}
	// Days are those of China; times are stored in UTC seconds.
	row := db.read.QueryRowContext(ctx, `SELECT COUNT(DISTINCT person), COUNT(DISTINCT session), COUNT(*),
		COALESCE(SUM(CASE WHEN kind = 'answer' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN kind = 'unknown' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN kind = 'urgent' THEN 1 ELSE 0 END), 0),
		COUNT(useful), COALESCE(SUM(useful), 0)
		FROM consults WHERE `+consulted, s.a, s.b, s.path, s.within())
	if err := row.Scan(&f.Persons, &f.Sessions, &f.Questions, &f.Hits, &f.Misses, &f.Urgent, &f.Rated, &f.Useful); err != nil {
		return f, fmt.Errorf("figures: %w", err)
	}
	for _, by := range []struct {
		query string
		into  map[string]int
	}{
		{`SELECT channel, COUNT(*) FROM consults WHERE ` + consulted + ` GROUP BY channel`, f.Channels},
		{`SELECT topic, COUNT(*) FROM consults WHERE ` + consulted + ` AND kind = 'answer' GROUP BY topic`, f.Topics},
		{`SELECT area, COUNT(*) FROM consults WHERE ` + consulted + ` GROUP BY area`, f.Areas},
	} {
		if err := db.count(ctx, by.into, by.query, s.a, s.b, s.path, s.within()); err != nil {
			return f, fmt.Errorf("figures: %w", err)
		}
	}
	return f, nil
}

// consulted are the consultations of a span: $1 to $2 its seconds, $3 and $4 its
// path and what is within. Of a place below the county are those that named it
// or something below it.
const consulted = `at >= $1 AND at < $2 AND ($3 = '' OR area IN (SELECT o.name FROM orgs o WHERE o.path LIKE $4))`

// china is the zone of all days; it has had no daylight saving since 1991.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

func (db *DB) count(ctx context.Context, into map[string]int, query string, args ...any) error {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return err
		}
		into[key] = n
	}
	return rows.Err()
}

// hashKey gives the key of this installation that accounts are hashed with,
// making it the first time.
func (db *DB) hashKey(ctx context.Context) ([]byte, error) {
	if key := db.key.Load(); key != nil {
		return *key, nil
	}
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	var text string
	err := db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO properties (name, value) VALUES ('hash key', $1) ON CONFLICT (name) DO NOTHING`, hex.EncodeToString(fresh)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT value FROM properties WHERE name = 'hash key'`).Scan(&text)
	})
	if err != nil {
		return nil, fmt.Errorf("hash key: %w", err)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("hash key: %w", err)
	}
	db.key.Store(&key)
	return key, nil
}

func keyed(key []byte, what, s string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(what + "\x00" + s))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
