package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// County is what answers need to know about the place: names, offices, phones,
// hours and the standards that each province sets. Nothing of it is guessed;
// until it is set, answers say so and give 12348.
type County struct {
	Name      string     `json:"name" yaml:"name"`         // 某某县
	Province  string     `json:"province" yaml:"province"` // 浙江省
	City      string     `json:"city" yaml:"city"`
	Townships []Township `json:"townships" yaml:"townships"`
	Offices   []Office   `json:"offices" yaml:"offices"`
	Standards []Standard `json:"standards" yaml:"standards"`
}

// Township is a 乡镇 or 街道 with its villages and communities.
type Township struct {
	Name     string   `json:"name" yaml:"name"`
	Villages []string `json:"villages" yaml:"villages"`
}

// Office is a place people can go to or call.
type Office struct {
	Name     string `json:"name" yaml:"name"`
	Kind     string `json:"kind" yaml:"kind"`         // one of OfficeKinds
	Township string `json:"township" yaml:"township"` // "" for the whole county
	Address  string `json:"address" yaml:"address"`
	Phone    string `json:"phone" yaml:"phone"`
	Hours    string `json:"hours" yaml:"hours"`
	Checked  string `json:"checked" yaml:"checked"` // ISO date somebody last made sure
}

// OfficeKinds are the kinds of offices answers point to.
var OfficeKinds = []string{"法律援助中心", "公证处", "司法所", "调解委员会", "公共法律服务中心", "劳动监察", "劳动仲裁", "法院", "派出所", "妇联", "其他"}

// Standard is a figure that the province or county sets, with its source.
type Standard struct {
	Name   string `json:"name" yaml:"name"`     // 法律援助经济困难标准
	Text   string `json:"text" yaml:"text"`     // as published
	Source string `json:"source" yaml:"source"` // document and number
	Since  string `json:"since" yaml:"since"`   // ISO date
	Topic  string `json:"topic" yaml:"topic"`   // LA03: shown with answers of this topic
}

var phonePattern = regexp.MustCompile(`^[0-9][0-9 \-转]{2,24}$`)

// Validate lists everything that is missing or wrong, in one error.
func (c County) Validate() error {
	var bad []string
	need := func(ok bool, format string, a ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, a...))
		}
	}
	need(c.Name != "", "缺少县（市、区）名 name")
	need(c.Province != "", "缺少省份 province")
	names := map[string]bool{}
	for _, t := range c.Townships {
		need(t.Name != "", "有一个乡镇（街道）没有写名字")
		need(!names[t.Name], "乡镇“%s”写了两次", t.Name)
		names[t.Name] = true
	}
	for i, o := range c.Offices {
		need(o.Name != "", "第 %d 个办事地点没有写名字", i+1)
		need(slices.Contains(OfficeKinds, o.Kind), "“%s”的 kind 应是其中之一：%s", o.Name, strings.Join(OfficeKinds, "、"))
		need(o.Township == "" || names[o.Township], "“%s”的乡镇“%s”不在 townships 里", o.Name, o.Township)
		need(o.Phone != "" || o.Address != "", "“%s”至少要有电话或地址", o.Name)
		need(o.Phone == "" || phonePattern.MatchString(o.Phone), "“%s”的电话“%s”看不懂", o.Name, o.Phone)
		need(validDay(o.Checked), "“%s”缺少核对日期 checked（如 2026-11-22）", o.Name)
	}
	for _, s := range c.Standards {
		need(s.Name != "" && s.Text != "", "有一条标准没有写 name 或 text")
		need(s.Source != "", "标准“%s”没有写出处 source", s.Name)
		need(validDay(s.Since), "标准“%s”缺少施行日期 since", s.Name)
	}
	if bad != nil {
		return &Error{Kind: Invalid, Msg: strings.Join(bad, "；") + "。"}
	}
	return nil
}

func validDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// County gives the place's data as last set; ok is false until it is.
func (db *DB) County(ctx context.Context) (c County, ok bool, err error) {
	var body string
	err = db.read.QueryRowContext(ctx, `SELECT body FROM county ORDER BY version DESC LIMIT 1`).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("county: %w", err)
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return c, false, fmt.Errorf("county: %w", err)
	}
	return c, true, nil
}

// SetCounty keeps a new version of the place's data; older versions stay.
func (db *DB) SetCounty(ctx context.Context, by string, c County) error {
	if err := c.Validate(); err != nil {
		return err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO county (version, at, by_whom, body)
			SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3 FROM county`, db.now().Unix(), by, string(body)); err != nil {
			return fmt.Errorf("set county: %w", err)
		}
		return db.audit(ctx, tx, by, "set county", "county", "")
	})
}

// SwitchTopic switches a topic off with the text that is shown instead, or, if
// why is empty, on again.
func (db *DB) SwitchTopic(ctx context.Context, topic, why, by string) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if why == "" {
			if _, err := tx.ExecContext(ctx, `DELETE FROM topics_off WHERE topic = $1`, topic); err != nil {
				return fmt.Errorf("switch topic: %w", err)
			}
			return db.audit(ctx, tx, by, "topic on", "topic "+topic, "")
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO topics_off (topic, why, by_whom, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (topic) DO UPDATE SET why = excluded.why, by_whom = excluded.by_whom, at = excluded.at`, topic, why, by, db.now().Unix()); err != nil {
			return fmt.Errorf("switch topic: %w", err)
		}
		return db.audit(ctx, tx, by, "topic off", "topic "+topic, "")
	})
}

// TopicsOff lists the topics that are switched off, with the text shown instead.
func (db *DB) TopicsOff(ctx context.Context) (map[string]string, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT topic, why FROM topics_off`)
	if err != nil {
		return nil, fmt.Errorf("topics off: %w", err)
	}
	defer rows.Close()
	off := map[string]string{}
	for rows.Next() {
		var topic, why string
		if err := rows.Scan(&topic, &why); err != nil {
			return nil, fmt.Errorf("topics off: %w", err)
		}
		off[topic] = why
	}
	return off, rows.Err()
}
