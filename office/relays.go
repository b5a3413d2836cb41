package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Relay is one notice to staff on its way out of the bot: to a group's robot, or
// by mail. It carries a number and a step, never anybody's data.
type Relay struct {
	ID     int64     `json:"id"`
	Notice int64     `json:"notice"`
	Way    string    `json:"way"`    // wecom, dingtalk, feishu, mail
	Target string    `json:"target"` // a mail address; "" for a group
	Case   string    `json:"case"`   // number; "" if it is not about a case
	Kind   string    `json:"kind"`   // of the notice
	Tries  int       `json:"tries"`  // this one included
	Fault  string    `json:"fault"`
	Sent   time.Time `json:"sent"`
}

// Mail is the way that goes to one person; all other ways go to a group.
const Mail = "mail"

// Bounds of relaying: how old a notice may be that is still relayed, how long a
// try may take, how often it is tried, and how long after a failure.
const (
	relayWithin = 24 * time.Hour
	relayFor    = 2 * time.Minute
	maxRelays   = 8 // the last try is some four hours after the first
)

func relayAfter(tries int) time.Duration { return min(30*time.Second<<tries, 2*time.Hour) }

// relaySteps words the kinds of notices for people who look at them elsewhere.
var relaySteps = map[string]string{
	"open": "来了新件，等受理", "assign": "派了承办人", "reassign": "改派了承办人", "late": "过了办理时限", "low": "得了低分，请看原因", "alert": "有纠纷预警，请提前介入",
	"call": "要打电话回访", "urge": "被督办", "redo": "要重办", "correct": "补正了，等受理", "withdraw": "撤回了", "decline": "退回了派单", "merge": "并了单",
	"confirm": "司法确认的期限快到了", "unclaimed": "还没有人接，请接手", "duty": "轮到您值班处理", "ticket": "来了新工单，等受理",
}

// Text is what is said outside the bot.
func (r Relay) Text() string {
	step := relaySteps[r.Kind]
	if step == "" {
		step = "有一条工作消息"
	}
	if r.Case == "" {
		return "【明白】" + step + "。请到明白里查看。"
	}
	return fmt.Sprintf("【明白】%s %s。请到明白里处理：回复“看 %s”。", r.Case, step, r.Case)
}

// PlanRelays makes the relays of notices to staff of the last day: one to each
// group for what several people were told at once, and one by mail to each who
// has an address. It may be called any number of times.
func (db *DB) PlanRelays(ctx context.Context, ways []string) error {
	since := db.now().Add(-relayWithin).Unix()
	for _, way := range ways {
		query := `INSERT INTO relays (notice, way, target, state, tries, next, sent, fault)
			SELECT g.id, CAST($1 AS TEXT), '', 0, 0, 0, 0, '' FROM (SELECT MIN(n.id) AS id FROM notices n WHERE n.person <> 0 AND n.created > $2
			GROUP BY n.case_id, n.kind, n.created, CASE WHEN n.case_id IS NULL THEN n.id ELSE 0 END) g
			WHERE NOT EXISTS (SELECT 1 FROM relays r WHERE r.notice = g.id AND r.way = CAST($1 AS TEXT)) ON CONFLICT (notice, way) DO NOTHING`
		if way == Mail {
			query = `INSERT INTO relays (notice, way, target, state, tries, next, sent, fault)
				SELECT n.id, CAST($1 AS TEXT), p.email, 0, 0, 0, 0, '' FROM notices n JOIN people p ON p.id = n.person AND p.email <> '' AND p.suspended = 0
				WHERE n.person <> 0 AND n.created > $2 AND NOT EXISTS (SELECT 1 FROM relays r WHERE r.notice = n.id AND r.way = CAST($1 AS TEXT)) ON CONFLICT (notice, way) DO NOTHING`
		}
		if err := db.update(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, query, way, since)
			return err
		}); err != nil {
			return fmt.Errorf("plan relays: %w", err)
		}
	}
	return nil
}

// ClaimRelays gives up to n relays by these ways that are due, each to one caller
// only. The try counts from here on, so what kills the sender is not tried for
// ever. Report each with RelayDone.
func (db *DB) ClaimRelays(ctx context.Context, ways []string, n int) ([]Relay, error) {
	if len(ways) == 0 {
		return nil, nil
	}
	var list []Relay
	err := db.update(ctx, func(tx *sql.Tx) error {
		var w clause
		now := db.now()
		until, at, limit := w.arg(now.Add(relayFor).Unix()), w.arg(now.Unix()), w.arg(n)
		var in []string
		for _, way := range ways {
			in = append(in, w.arg(way))
		}
		rows, err := tx.QueryContext(ctx, `UPDATE relays SET next = `+until+`, tries = tries + 1 WHERE id IN (
			SELECT id FROM relays WHERE state = 0 AND tries < `+w.arg(maxRelays)+` AND next <= `+at+` AND way IN (`+strings.Join(in, ", ")+`) ORDER BY id LIMIT `+limit+`) AND next <= `+at+`
			RETURNING id, notice, way, target, tries, (SELECT kind FROM notices WHERE notices.id = relays.notice),
			COALESCE((SELECT c.no FROM notices n JOIN cases c ON c.id = n.case_id WHERE n.id = relays.notice), '')`, w.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		list = nil
		for rows.Next() {
			var r Relay
			if err := rows.Scan(&r.ID, &r.Notice, &r.Way, &r.Target, &r.Tries, &r.Kind, &r.Case); err != nil {
				return err
			}
			list = append(list, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("claim relays: %w", err)
	}
	slices.SortFunc(list, func(a, b Relay) int { return int(a.ID - b.ID) })
	return list, nil
}

// RelayDone says what became of a try: sent if fault is "", else tried again
// later, at the earliest after wait, unless the receiver will never take it.
func (db *DB) RelayDone(ctx context.Context, r Relay, fault string, final bool, wait time.Duration) error {
	now, state, next, sent := db.now(), 0, int64(0), int64(0)
	switch {
	case fault == "":
		state, sent = 1, now.Unix()
	case final || r.Tries >= maxRelays:
		state = 2
	default:
		next = now.Add(max(wait, relayAfter(r.Tries))).Unix()
	}
	if len([]rune(fault)) > maxReason {
		fault = string([]rune(fault)[:maxReason])
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE relays SET state = $1, next = $2, sent = $3, fault = $4 WHERE id = $5`, state, next, sent, fault, r.ID)
		if err == nil && state == 2 {
			err = db.audit(ctx, tx, "system", "relay given up", fmt.Sprintf("notice %d", r.Notice), r.Way)
		}
		return err
	})
}

// Relays lists the newest relays, only those that failed or are being tried again
// if open.
func (db *DB) Relays(ctx context.Context, failed bool, n int) ([]Relay, error) {
	var list []Relay
	err := db.each(ctx, func(rows *sql.Rows) error {
		var r Relay
		var sent int64
		err := rows.Scan(&r.ID, &r.Notice, &r.Way, &r.Target, &r.Tries, &r.Fault, &sent, &r.Kind, &r.Case)
		r.Sent = fromUnix(sent)
		list = append(list, r)
		return err
	}, `SELECT r.id, r.notice, r.way, r.target, r.tries, r.fault, r.sent, n.kind, COALESCE(c.no, '') FROM relays r JOIN notices n ON n.id = r.notice LEFT JOIN cases c ON c.id = n.case_id
		WHERE ($1 = 0 OR r.state <> 1 AND r.tries > 0) ORDER BY r.id DESC LIMIT $2`, number(failed), n)
	if err != nil {
		return nil, fmt.Errorf("relays: %w", err)
	}
	return list, nil
}

// SetEmail keeps where a person gets mail about their work; "" takes it away.
func (db *DB) SetEmail(ctx context.Context, by string, person int64, email string) error {
	email = strings.TrimSpace(email)
	if email != "" && !isEmail(email) {
		return invalid("邮箱写得不对，应像 name@example.gov.cn。")
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE people SET email = $1 WHERE id = $2`, email, person)
		if err != nil {
			return fmt.Errorf("set e-mail: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(notFound("没有这个人。"), err)
		}
		return db.audit(ctx, tx, by, "set e-mail", personKey(person), "")
	})
}

// isEmail takes plain addresses only: one @, no spaces, nothing that could start
// another header.
func isEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && len(s) <= 100 && strings.Contains(host, ".") && !strings.ContainsAny(s, " \t\r\n<>,;:\"()[]\\") && !strings.Contains(host, "@") && !hasControl(s)
}
