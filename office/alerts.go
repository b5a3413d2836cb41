package office

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// When disputes of one place or of the same parties alarm: so many in a quarter
// of a year, or two when words of escalation were used. Our own measure.
const (
	alertAfter    = 3
	alertAfterHot = 2
)

// hotWords are words with which quarrels turn into violence.
var hotWords = []string{"弄死", "打死", "砍", "拼命", "拼了", "同归于尽", "不想活", "堵门", "堵路", "上访", "喊人", "叫人来", "见血", "报复", "放火", "烧了", "没完"}

func hot(s string) bool {
	for _, w := range hotWords {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// Alert is a warning that one place or the same parties quarrel again.
type Alert struct {
	ID     int64     `json:"id"`
	Kind   string    `json:"kind"` // "place" or "parties"
	N      int       `json:"n"`    // cases
	Hot    bool      `json:"hot"`
	Raised time.Time `json:"raised"`
	Cases  []string  `json:"cases"` // numbers
}

// Text is what people read of a warning.
func (a Alert) Text() string {
	what := map[string]string{"place": "同一地点", "parties": "同一对象"}[a.Kind]
	text := fmt.Sprintf("%s %s纠纷 %d 件：%s", a.Raised.Format("1月2日"), what, a.N, strings.Join(a.Cases, "、"))
	if a.Hot {
		text += "【话里有激化的苗头】"
	}
	return text
}

// watch counts a new case towards the warnings of its place and its parties,
// and tells the desk once when there are enough.
func (db *DB) watch(ctx context.Context, tx *sql.Tx, key []byte, c Case) error {
	if c.Matter != "dispute" && c.Matter != "lead" {
		return nil
	}
	now := db.now().In(china)
	quarter := fmt.Sprintf("%d-%d", now.Year(), (int(now.Month())-1)/3+1)
	for _, m := range []struct{ kind, what string }{{"place", c.Place}, {"parties", c.Parties}} {
		if what := strings.Join(strings.Fields(m.what), ""); what != "" {
			if err := db.watchOne(ctx, tx, c, m.kind, keyed(key, "alert "+m.kind, quarter+"|"+c.path+"|"+what)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (db *DB) watchOne(ctx context.Context, tx *sql.Tx, c Case, kind, mark string) error {
	var id, raised int64
	var n, hotter int
	if err := tx.QueryRowContext(ctx, `INSERT INTO alerts (mark, kind, org, path, n, hot, raised, seen) VALUES ($1, $2, $3, $4, 1, $5, 0, 0)
		ON CONFLICT (mark) DO UPDATE SET n = alerts.n + 1, hot = CASE WHEN excluded.hot > alerts.hot THEN excluded.hot ELSE alerts.hot END
		RETURNING id, n, hot, raised`, mark, kind, c.Org, c.path, number(hot(c.Story))).Scan(&id, &n, &hotter, &raised); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO alert_cases (alert, case_id) VALUES ($1, $2)`, id, c.ID); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if raised != 0 || n < alertAfter && (n < alertAfterHot || hotter == 0) {
		return nil
	}
	// The place and the parties of one quarrel warn once, not twice.
	var told int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM alerts a JOIN alert_cases x ON x.alert = a.id
		WHERE a.raised > 0 AND a.id <> $1 AND x.case_id IN (SELECT case_id FROM alert_cases WHERE alert = $1)`, id).Scan(&told); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if told > 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE alerts SET raised = $1 WHERE id = $2`, db.now().Unix(), id); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	what := map[string]string{"place": "同一地点", "parties": "同一对象"}[kind]
	body := fmt.Sprintf("预警：%s本季度已有 %d 件纠纷，最近一件 %s，请提前介入。", what, n, c.No)
	if hotter != 0 {
		body = fmt.Sprintf("预警：%s本季度已有 %d 件纠纷，话里有激化的苗头，最近一件 %s，请马上介入。", what, n, c.No)
	}
	return db.tellDesk(ctx, tx, c, "alert", body)
}

// Alerts lists the warnings raised in a person's scope, the newest first.
func (db *DB) Alerts(ctx context.Context, p Person) ([]Alert, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT a.id, a.kind, a.n, a.hot, a.raised, a.path, c.no FROM alerts a
		JOIN alert_cases x ON x.alert = a.id JOIN cases c ON c.id = x.case_id WHERE a.raised > 0 ORDER BY a.raised DESC, a.id, c.id`)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	defer rows.Close()
	var list []Alert
	for rows.Next() {
		var a Alert
		var hotter int
		var raised int64
		var path, no string
		if err := rows.Scan(&a.ID, &a.Kind, &a.N, &hotter, &raised, &path, &no); err != nil {
			return nil, fmt.Errorf("alerts: %w", err)
		}
		if !p.covers(Clerk, path) && !p.covers(Admin, path) {
			continue
		}
		if n := len(list); n > 0 && list[n-1].ID == a.ID {
			list[n-1].Cases = append(list[n-1].Cases, no)
			continue
		}
		a.Hot, a.Raised, a.Cases = hotter != 0, fromUnix(raised), []string{no}
		list = append(list, a)
	}
	return list, rows.Err()
}
