package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mingbai/calendar"
)

// Rules on days off and on times that were missed.
const (
	DaySkip   = "skip"   // not published
	DayNext   = "next"   // on the next working day, at the same time
	DayAnyway = "anyway" // published all the same

	CatchSkip = "skip" // what was missed is left out
	CatchOnce = "once" // the last that was missed is published as soon as possible
	CatchLate = "late" // the same, and the text says when it should have come
)

// Plan states.
const (
	PlanOn     = "on"
	PlanPaused = "paused"
	PlanDone   = "done" // has no further time
)

// Publishing bounds when anything is published to people. The zero value is
// replaced by DefaultPublishing.
type Publishing struct {
	From, To int           // minutes of the day in China; To is the last
	Grace    time.Duration // how late is still on time
	Expire   time.Duration // after which nobody is sent it any more
}

// DefaultPublishing keeps the office's own promise of quiet: 08:30 to 20:30. A
// time that is up to 10 minutes late is on time; after three days nobody is sent
// it any more.
var DefaultPublishing = Publishing{From: 8*60 + 30, To: 20*60 + 30, Grace: 10 * time.Minute, Expire: 72 * time.Hour}

// ParseWindow reads "08:30-20:30" as minutes of the day.
func ParseWindow(s string) (from, to int, ok bool) {
	a, b, found := strings.Cut(s, "-")
	x, err1 := time.Parse("15:04", strings.TrimSpace(a))
	y, err2 := time.Parse("15:04", strings.TrimSpace(b))
	from, to = x.Hour()*60+x.Minute(), y.Hour()*60+y.Minute()
	return from, to, found && err1 == nil && err2 == nil && from < to
}

func (r Publishing) holds(at time.Time) bool {
	at = at.In(china)
	m := at.Hour()*60 + at.Minute()
	return m >= r.From && m <= r.To
}

// Plan says when items are published, where, and which.
type Plan struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Spec    string    `json:"spec"`  // for ParseSpec
	Sinks   []string  `json:"sinks"` // of Sinks
	Pool    string    `json:"pool"`  // audience or topic: approved items of it are taken, oldest first; "" for Pieces only
	Pieces  []int64   `json:"pieces"`
	Duty    int64     `json:"-"`       // for AddPlan: that Pieces count for; 0: what each has stays
	Holiday string    `json:"holiday"` // DaySkip …
	Weekend string    `json:"weekend"`
	CatchUp string    `json:"catch_up"`
	State   string    `json:"state"`
	Next    time.Time `json:"next"` // zero: never again
	Owner   int64     `json:"owner"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`

	anchor time.Time
	path   string
}

// Sink is a way of publishing. Keyed: the receiver takes the same once, so it may
// be sent again after a crash.
type Sink struct {
	Key, Name string
	Keyed     bool
}

// Sinks lists all.
var Sinks = []Sink{{"cloud", "云端网页", true}, {"hook", "推送接口", true}, {"chat", "订阅的人", false}}

// SinkName is what people read.
func SinkName(key string) string {
	for _, s := range Sinks {
		if s.Key == key {
			return s.Name
		}
	}
	return key
}

// planWords are the words of rules, for reading what somebody typed.
var planWords = map[string]string{
	"跳过": DaySkip, "顺延": DayNext, "照发": DayAnyway, "补一次": CatchOnce, "补发并注明": CatchLate,
	DaySkip: DaySkip, DayNext: DayNext, DayAnyway: DayAnyway, CatchOnce: CatchOnce, CatchLate: CatchLate,
}

// RuleName is what people read of a rule.
func RuleName(word string) string {
	return map[string]string{DaySkip: "跳过", DayNext: "顺延到下一个工作日", DayAnyway: "照发", CatchOnce: "补发一次", CatchLate: "补发并注明原定时间"}[word]
}

// check fills in what was left out and refuses what cannot be.
func (p *Plan) check() error {
	p.Name, p.Pool = strings.TrimSpace(p.Name), strings.TrimSpace(p.Pool)
	for _, f := range []struct {
		word *string
		def  string
		may  []string
	}{
		{&p.Holiday, DayNext, []string{DaySkip, DayNext, DayAnyway}},
		{&p.Weekend, DayAnyway, []string{DaySkip, DayNext, DayAnyway}},
		{&p.CatchUp, CatchOnce, []string{CatchSkip, CatchOnce, CatchLate}},
	} {
		if *f.word == "" {
			*f.word = f.def
		}
		if *f.word = planWords[*f.word]; !slices.Contains(f.may, *f.word) {
			return invalid("节假日和周末的办法写“跳过”“顺延”或“照发”，错过了写“跳过”“补一次”或“补发并注明”。")
		}
	}
	if len(p.Sinks) == 0 {
		p.Sinks = []string{"cloud", "hook", "chat"}
	}
	for _, s := range p.Sinks {
		if !slices.ContainsFunc(Sinks, func(k Sink) bool { return k.Key == s }) {
			return invalid("没有“%s”这个去处；可以是：cloud（云端网页）、hook（推送接口）、chat（订阅的人）。", s)
		}
	}
	switch {
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxName || hasControl(p.Name):
		return invalid("计划要有名字，最多 %d 个字。", maxName)
	case utf8.RuneCountInString(p.Pool) > maxName || hasControl(p.Pool):
		return invalid("专题或受众写得太长。")
	case p.Pool == "" && len(p.Pieces) == 0:
		return invalid("要选好发哪些内容，或者写一个受众、专题，从通过的内容里轮着发。")
	case len(p.Pieces) > 200:
		return invalid("一个计划最多排 200 条内容。")
	}
	return nil
}

// Slot is one time of a plan.
type Slot struct {
	At   time.Time `json:"at"`
	From time.Time `json:"from"` // when it would have been, if a day off moved it
	Mark string    `json:"mark"` // "放假", "周六", "调休上班", "放假安排未公布"
}

// quiet are the days on which nothing is published, with the reason.
type quiet map[string]string

// slotAfter is the plan's first time after t that the window, quiet days and the
// rules on days off let stand; from is set if it was moved.
func (r Publishing) slotAfter(p Plan, s Spec, t time.Time, q quiet) Slot {
	start := t
	if p.Holiday == DayNext || p.Weekend == DayNext { // a time before t may be moved behind it
		day := calendar.Day(t).AddDate(0, 0, -1)
		for n := 0; n < 60 && (!working(day) || q[day.Format(time.DateOnly)] != ""); n++ {
			day = day.AddDate(0, 0, -1)
		}
		start = atMinute(day.AddDate(0, 0, 1), 0).Add(-time.Second)
	}
	var best Slot
	for range maxTries {
		at := s.Next(start)
		if at.IsZero() || !best.At.IsZero() && at.After(best.At) {
			return best
		}
		start = at
		moved, ok := r.settle(p, at, q)
		if !ok || !moved.After(t) || !best.At.IsZero() && !moved.Before(best.At) {
			continue
		}
		best = Slot{At: moved, Mark: mark(moved)}
		if !moved.Equal(at) {
			best.From = at
		}
	}
	return best
}

// maxTries bounds how many times are looked at for one that may stand: a year of
// half hours.
const maxTries = 17600

// settle moves a time off a day that is free, or refuses it.
func (r Publishing) settle(p Plan, at time.Time, q quiet) (time.Time, bool) {
	if !r.holds(at) {
		return at, false
	}
	day := calendar.Day(at)
	m := at.In(china).Hour()*60 + at.In(china).Minute()
	for moved := false; day.Sub(calendar.Day(at)) < 40*24*time.Hour; moved = true {
		rule, silent := DayAnyway, q[day.Format(time.DateOnly)] != ""
		if off, _ := calendar.Holiday(day); off {
			rule = p.Holiday
		} else if !working(day) {
			rule = p.Weekend
		}
		switch {
		case rule == DaySkip || rule == DayAnyway && silent && !moved:
			return at, false
		case rule == DayAnyway && !silent:
			return atMinute(day, m), true
		}
		for day = day.AddDate(0, 0, 1); !working(day); {
			day = day.AddDate(0, 0, 1)
		}
	}
	return at, false
}

// DayMark tells what kind of day a time is on: 放假, 周末, 调休上班, or "".
func DayMark(at time.Time) string { return mark(at) }

// mark tells what kind of day it is.
func mark(at time.Time) string {
	day := calendar.Day(at)
	off, known := calendar.Holiday(day)
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	switch {
	case off:
		return "放假"
	case weekend && working(day):
		return "调休上班"
	case !known:
		return "这一年的放假安排还没公布"
	case weekend:
		return "周末"
	}
	return ""
}

// Upcoming gives the next n times of a plan that need not be kept yet.
func (db *DB) Upcoming(ctx context.Context, p Plan, n int) ([]Slot, error) {
	if p.anchor.IsZero() {
		p.anchor = db.now()
	}
	s, err := ParseSpec(p.Spec, p.anchor)
	if err != nil {
		return nil, err
	}
	q, err := quietDays(ctx, db.read)
	if err != nil {
		return nil, err
	}
	var list []Slot
	for t := db.now(); len(list) < n; {
		slot := db.publishing.slotAfter(p, s, t, q)
		if slot.At.IsZero() {
			break
		}
		list, t = append(list, slot), slot.At
	}
	return list, nil
}

// Preview is Upcoming for a plan as somebody types it: its rules are filled in
// and checked first.
func (db *DB) Preview(ctx context.Context, p Plan, n int) ([]Slot, error) {
	if p.Name == "" {
		p.Name = "预览"
	}
	if p.Pool == "" && len(p.Pieces) == 0 {
		p.Pool = "预览"
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return db.Upcoming(ctx, p, n)
}

// AddPlan keeps a plan and puts its items on it. Items must be approved; Invalid
// if the plan has no time in the window.
func (db *DB) AddPlan(ctx context.Context, by Person, p Plan) (Plan, error) {
	path, err := by.deskPath()
	if err != nil {
		return p, err
	}
	if err := p.check(); err != nil {
		return p, err
	}
	p.anchor = db.now().Truncate(time.Second)
	next, err := db.Upcoming(ctx, p, 1)
	if err != nil {
		return p, err
	}
	if len(next) == 0 {
		return p, invalid("“%s”没有可以发布的时间：只在每天 %s 到 %s 之间发布，避开设定的静默日。", p.Spec, clockName(db.publishing.From), clockName(db.publishing.To))
	}
	p.State, p.Next, p.Owner, p.By, p.Created, p.path = PlanOn, next[0].At, by.ID, by.label(), p.anchor, path
	err = db.update(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `INSERT INTO plans (name, spec, anchor, sinks, pool, holiday, weekend, catchup, state, next, owner, by_name, path, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id`, p.Name, p.Spec, p.anchor.Unix(), joined(p.Sinks), p.Pool,
			p.Holiday, p.Weekend, p.CatchUp, p.State, p.Next.Unix(), p.Owner, p.By, path, p.Created.Unix()).Scan(&p.ID); err != nil {
			return fmt.Errorf("add plan: %w", err)
		}
		for i, id := range p.Pieces {
			if _, err := db.movePieceIn(ctx, tx, by, id, "plan", 0, p.Name, nil); err != nil {
				return err
			}
			if p.Duty != 0 {
				if err := db.setDuty(ctx, tx, by, id, p.Duty); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO plan_items (plan, item, place) VALUES ($1, $2, $3) ON CONFLICT (plan, item) DO NOTHING`, p.ID, id, i); err != nil {
				return fmt.Errorf("add plan: %w", err)
			}
		}
		return db.audit(ctx, tx, actor(by), "add plan", planKey(p.ID), p.Spec)
	})
	return p, err
}

func planKey(id int64) string { return "plan " + strconv.FormatInt(id, 10) }

func clockName(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// PausePlan stops a plan, or lets it go on from now: what it missed is left out.
func (db *DB) PausePlan(ctx context.Context, by Person, id int64, pause bool) (Plan, error) {
	var p Plan
	err := db.update(ctx, func(tx *sql.Tx) error {
		var err error
		if p, err = planByID(ctx, tx, id); err != nil {
			return err
		}
		if !by.covers(Officer, p.path) && !by.covers(Admin, p.path) {
			return forbidden("计划由本辖区的普法干部来停、来恢复。")
		}
		if p.State == PlanDone {
			return conflict("这个计划已经发完了。")
		}
		verb := "pause plan"
		p.State = PlanPaused
		if !pause {
			verb, p.State = "resume plan", PlanOn
			if p.Next, err = db.nextOf(ctx, tx, p, db.now()); err != nil {
				return err
			}
			if p.Next.IsZero() {
				p.State = PlanDone
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE plans SET state = $1, next = $2 WHERE id = $3`, p.State, unix(p.Next), id); err != nil {
			return fmt.Errorf("pause plan: %w", err)
		}
		return db.audit(ctx, tx, actor(by), verb, planKey(id), "")
	})
	return p, err
}

// nextOf is the plan's first time after t.
func (db *DB) nextOf(ctx context.Context, q querier, p Plan, t time.Time) (time.Time, error) {
	s, err := ParseSpec(p.Spec, p.anchor)
	if err != nil {
		return time.Time{}, err
	}
	days, err := quietDays(ctx, q)
	if err != nil {
		return time.Time{}, err
	}
	return db.publishing.slotAfter(p, s, t, days).At, nil
}

// stopName is the property that stops all publishing.
const stopName = "publishing stopped"
