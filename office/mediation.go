package office

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mingbai/calendar"
)

// Outcomes of a mediation.
var Outcomes = []string{"书面协议", "口头协议", "不成", "撤回", "转出"}

// confirmWithin is how long both parties can ask the court to confirm an
// agreement, together (人民调解法 第三十三条, 民事诉讼法 第二百零五条). The day is
// not moved behind a holiday: rather early than late.
const confirmWithin = 30

// confirmWarn is how many days before that the office is reminded.
const confirmWarn = 10

// Mediation is what became of a dispute.
type Mediation struct {
	Outcome   string    `json:"outcome"` // of Outcomes
	Terms     string    `json:"terms"`   // what was agreed: what, how, until when
	Effective time.Time `json:"effective"`
	ConfirmBy time.Time `json:"confirm_by"` // zero: nothing to confirm
	Mediator  string    `json:"mediator"`
}

// Session is one meeting of a mediation.
type Session struct {
	At    time.Time `json:"at"`
	Place string    `json:"place"`
	Note  string    `json:"note"`
	Actor string    `json:"actor"`
}

// handOver moves a dispute to another lane. Out of danger only a person can say
// it is, by naming the new lane.
func handOver(c *Case, lane string) error {
	to, err := ParseLane(lane)
	if err != nil {
		return err
	}
	if c.Lane == LaneReport && c.Hats&Lead == 0 {
		return forbidden("这件事标着“先保护、先报告”，处置以后由管理员转道。")
	}
	c.Lane = to
	return nil
}

// Proposal says why a dispute is in its lane, or where it would go.
func (db *DB) Proposal(ctx context.Context, c Case) (Proposal, error) {
	list, err := db.Items(ctx)
	if err != nil {
		return Proposal{}, err
	}
	p := Propose(c.Story, c.Topic, list)
	if c.Lane != "" && c.Lane != p.Lane {
		return Proposal{Lane: c.Lane, Body: LaneName(c.Lane), Reason: "由工作人员确定。"}, nil
	}
	return p, nil
}

// AddSession keeps the record of a meeting.
func (db *DB) AddSession(ctx context.Context, by Person, no, request, place, note string) (Case, error) {
	place, note = strings.TrimSpace(cleanText(place)), strings.TrimSpace(cleanText(note))
	if note == "" || len([]rune(note)) > maxStory {
		return Case{}, invalid("请写清楚这次调解谁到场、谈了什么（%d 个字以内）。", maxStory)
	}
	return db.step(ctx, by, no, "session", request, func(tx *sql.Tx, c *Case) error {
		if err := mediating(*c); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO mediation_sessions (case_id, at, place, note, actor) VALUES ($1, $2, $3, $4, $5)`,
			c.ID, db.now().Unix(), place, note, by.label())
		return err
	})
}

// mediating refuses what only belongs to a mediation that goes on.
func mediating(c Case) error {
	switch {
	case c.Lane == "":
		return conflict("这件不是纠纷，没有调解。")
	case c.Lane == LaneReport:
		return conflict("这件事标着“先保护、先报告”，不能调解。")
	case c.State != Accepted && c.State != Assigned && c.State != Working:
		return conflict("这件事现在是“%s”，不在调解中。", c.State.Name())
	case c.Hats&inside == 0:
		return forbidden("只有经办人、调解员可以记。")
	}
	return nil
}

// SetOutcome keeps what became of a mediation: Outcome, Terms and, if it was not
// today, the day on which an agreement took effect. A written or oral agreement
// runs 30 days from there in which both parties can ask the court together to
// confirm it; no agreement means telling them the other ways (人民调解法 第二十六条).
func (db *DB) SetOutcome(ctx context.Context, by Person, no, request string, m Mediation) (Case, Mediation, error) {
	m.Terms, m.Mediator = strings.TrimSpace(cleanText(m.Terms)), by.label()
	if err := m.clock(db.now()); err != nil {
		return Case{}, m, err
	}
	c, err := db.step(ctx, by, no, "outcome", request, func(tx *sql.Tx, c *Case) error {
		if err := mediating(*c); err != nil {
			return err
		}
		if c.of(by) {
			return errOwnCase
		}
		if m.agreed() && calendar.Day(m.Effective).Before(calendar.Day(c.Opened)) {
			return invalid("协议不会早于这件事提交的那天（%s）。", day(c.Opened))
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO mediations (case_id, outcome, terms, effective, confirm_by, mediator) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (case_id) DO UPDATE SET outcome = excluded.outcome, terms = excluded.terms, effective = excluded.effective,
			confirm_by = excluded.confirm_by, mediator = excluded.mediator`, c.ID, m.Outcome, m.Terms, unix(m.Effective), unix(m.ConfirmBy), m.Mediator); err != nil {
			return fmt.Errorf("outcome: %w", err)
		}
		body := fmt.Sprintf("%s 的调解没有达成协议（%s）。还可以走仲裁、行政处理或者到法院起诉，需要法律援助请回“人工”。", c.No, m.Outcome)
		if m.agreed() {
			body = fmt.Sprintf("%s 达成了%s。双方觉得有必要的，可以在 %s 前共同向法院申请司法确认，确认后一方不履行，另一方可以申请强制执行（人民调解法第三十三条）。", c.No, m.Outcome, m.ConfirmBy.Format("2006年1月2日"))
		}
		if c.Restricted {
			return nil
		}
		return db.tell(ctx, tx, *c, "outcome", Account(c.account), 0, body)
	})
	return c, m, err
}

func (m Mediation) agreed() bool { return m.Outcome == Outcomes[0] || m.Outcome == Outcomes[1] }

// clock checks an outcome and sets until when an agreement can be confirmed.
func (m *Mediation) clock(now time.Time) error {
	switch {
	case !slices.Contains(Outcomes, m.Outcome):
		return invalid("结果写其中一个：%s。", strings.Join(Outcomes, "、"))
	case m.agreed() && len([]rune(m.Terms)) < 4:
		return invalid("请写上协议内容：谁做什么、怎么履行、什么时候。")
	case len([]rune(m.Terms)) > maxAnswer:
		return invalid("协议内容最多 %d 个字。", maxAnswer)
	case m.agreed() && calendar.Day(m.Effective).After(calendar.Day(now)):
		return invalid("协议生效的日子还没到，签了再记。")
	}
	if !m.agreed() {
		m.Effective, m.ConfirmBy = time.Time{}, time.Time{}
		return nil
	}
	if m.Effective.IsZero() {
		m.Effective = now
	}
	day, _ := calendar.Due(calendar.Day(m.Effective), days(confirmWithin), false)
	m.ConfirmBy = endOfDay(day)
	return nil
}

// step writes something about a case that does not change its state, with
// event and audit, in one transaction; the same request is done once.
func (db *DB) step(ctx context.Context, by Person, no, verb, request string, f func(tx *sql.Tx, c *Case) error) (Case, error) {
	return db.noted(ctx, by, no, verb, request, func(tx *sql.Tx, c *Case) (string, error) { return "", f(tx, c) })
}

// noted is a step that leaves a note in the history.
func (db *DB) noted(ctx context.Context, by Person, no, verb, request string, f func(tx *sql.Tx, c *Case) (string, error)) (Case, error) {
	if request == "" {
		request = randomCode(26)
	}
	var c Case
	err := db.update(ctx, func(tx *sql.Tx) error {
		var err error
		if c, err = db.findCase(ctx, tx, by, no); err != nil {
			return err
		}
		var done int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM case_events WHERE request = $1 AND case_id = $2`, request, c.ID).Scan(&done); err != nil || done > 0 {
			return err
		}
		note, err := f(tx, &c)
		if err != nil {
			return err
		}
		crash("mediation")
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		if err := db.event(ctx, tx, by, &c, verb, c.State, request, note); err != nil {
			return err
		}
		if err := db.audit(ctx, tx, actor(by), verb, c.No, ""); err != nil {
			return err
		}
		c.Version++
		c.wear(by)
		return nil
	})
	return c, err
}

// Mediation reads what became of a dispute that was read for a person, and its
// meetings. ok is false while there is no outcome.
func (db *DB) Mediation(ctx context.Context, c Case) (m Mediation, meetings []Session, ok bool, err error) {
	if c.Hats&(inside|Applicant) == 0 {
		return m, nil, false, errNoCase
	}
	var effective, confirm int64
	err = db.read.QueryRowContext(ctx, `SELECT outcome, terms, effective, confirm_by, mediator FROM mediations WHERE case_id = $1`, c.ID).
		Scan(&m.Outcome, &m.Terms, &effective, &confirm, &m.Mediator)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, nil, false, fmt.Errorf("mediation: %w", err)
	}
	ok = err == nil
	m.Effective, m.ConfirmBy = fromUnix(effective), fromUnix(confirm)
	if c.Hats&inside == 0 {
		return m, nil, ok, nil
	}
	rows, err := db.read.QueryContext(ctx, `SELECT at, place, note, actor FROM mediation_sessions WHERE case_id = $1 ORDER BY id`, c.ID)
	if err != nil {
		return m, nil, ok, fmt.Errorf("mediation: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s Session
		var at int64
		if err := rows.Scan(&at, &s.Place, &s.Note, &s.Actor); err != nil {
			return m, nil, ok, fmt.Errorf("mediation: %w", err)
		}
		s.At = fromUnix(at)
		meetings = append(meetings, s)
	}
	return m, meetings, ok, rows.Err()
}

// Agreement words an agreement with what 人民调解法 第二十九条 lets one state: the
// parties, the facts and what is disputed, what was agreed, how and until when
// it is performed. What is not on record stays blank, to be filled in by hand.
func (c Case) Agreement(m Mediation) string {
	blank := func(s string) string {
		if s == "" {
			return "________"
		}
		return s
	}
	return fmt.Sprintf(`人民调解协议书
编号：%s

当事人：%s
当事人：%s

纠纷的主要事实、争议事项：
%s

经调解，双方自愿达成如下协议（内容、履行的方式和期限）：
%s

本协议自双方签名、盖章或按指印，调解员签名并加盖调解委员会印章之日起生效。
双方认为有必要的，可以自协议生效之日起三十日内（%s 前）共同向人民法院申请司法确认。

当事人（签名、盖章或按指印）：________    ________
调解员（签名）：________（%s）
%s
`, c.No, blank(c.Name), blank(c.Parties), c.Story, blank(m.Terms), blank(day(m.ConfirmBy)), blank(m.Mediator), blank(day(m.Effective)))
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(china).Format("2006年1月2日")
}

// MediationFigures counts outcomes over a period.
type MediationFigures struct {
	Outcomes map[string]int `json:"outcomes"`
	Lanes    map[string]int `json:"lanes"` // disputes handed in, by lane
}

// Success is 调解成功率: agreements of those that ended in one or in none;
// withdrawn and handed over do not count.
func (f MediationFigures) Success() string {
	good := f.Outcomes["书面协议"] + f.Outcomes["口头协议"]
	return rate(good, good+f.Outcomes["不成"], "没有结果（n=0）")
}

// MediationFigures counts the days from to to, both inclusive; an outcome that was
// put right counts on the day of that.
func (db *DB) MediationFigures(ctx context.Context, from, to time.Time) (MediationFigures, error) {
	return db.mediationFigures(ctx, db.period(from, to))
}

func (db *DB) mediationFigures(ctx context.Context, s span) (MediationFigures, error) {
	f := MediationFigures{Outcomes: map[string]int{}, Lanes: map[string]int{}}
	var keys []string
	for i := range Outcomes {
		keys = append(keys, outcomeSet(i).Key)
	}
	n, err := db.countCases(ctx, s, keys, "lane <> ''")
	if err != nil {
		return f, fmt.Errorf("mediation figures: %w", err)
	}
	for i, name := range Outcomes {
		if n[keys[i]] > 0 {
			f.Outcomes[name] = n[keys[i]]
		}
	}
	return f, db.count(ctx, f.Lanes, `SELECT lane, COUNT(*) FROM cases WHERE path LIKE $1 AND lane <> '' AND `+caseIn("opened", s)+` GROUP BY lane`, s.within())
}

// remindConfirm tells the mediator, or the desk while nobody holds the case, and
// the applicant once that the days for asking the court to confirm an agreement
// run out.
func (db *DB) remindConfirm(ctx context.Context, now time.Time) error {
	limit := now.AddDate(0, 0, confirmWarn).Unix()
	rows, err := db.read.QueryContext(ctx, `SELECT m.case_id, m.confirm_by FROM mediations m WHERE m.confirm_by > $1 AND m.confirm_by < $2
		AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.case_id = m.case_id AND n.once LIKE 'confirm ' || CAST(m.case_id AS TEXT) || ' ' || CAST(m.confirm_by AS TEXT) || ' %') LIMIT 100`, now.Unix(), limit)
	if err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	defer rows.Close()
	until := map[int64]int64{}
	for rows.Next() {
		var id, by int64
		if err := rows.Scan(&id, &by); err != nil {
			return fmt.Errorf("remind: %w", err)
		}
		until[id] = by
	}
	if err := rows.Err(); err != nil || len(until) == 0 {
		return err
	}
	return db.update(ctx, func(tx *sql.Tx) error {
		for id, by := range until {
			c, err := caseWhere(ctx, tx, "id", id)
			if err != nil {
				return err
			}
			body := fmt.Sprintf("%s 的调解协议，双方共同申请司法确认最迟到 %s（人民调解法第三十三条）。", c.No, day(fromUnix(by)))
			once := fmt.Sprintf("confirm %d %d ", id, by)
			who := []int64{c.Holder}
			if c.Holder == 0 {
				if who, err = desk(ctx, tx, c.path, c.guarded); err != nil {
					return err
				}
			}
			for _, p := range who {
				if err := db.tellOnce(ctx, tx, c, "confirm", once+fmt.Sprint(p), "", p, body); err != nil {
					return err
				}
			}
			if c.Restricted || c.account == "" {
				continue
			}
			if err := db.tellOnce(ctx, tx, c, "confirm", once+"applicant", Account(c.account), 0, body); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxSuggested is how many mediators are suggested at once; the parties choose
// (人民调解法 第十九条).
const maxSuggested = 3

// Suggest names up to three mediators for a case: in whose scope it is, without
// a declared conflict, who know the field first, then who holds the fewest open
// cases.
func (db *DB) Suggest(ctx context.Context, c Case) ([]Person, error) {
	list, err := people(ctx, db.read, PeopleFilter{Role: Mediator})
	if err != nil {
		return nil, err
	}
	loads, err := db.loads(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p Person) bool { return !p.covers(Mediator, c.path) || mayHold(p, c) != nil })
	table, err := items(ctx, db.read)
	if err != nil {
		return nil, err
	}
	lane := Propose(c.Story, c.Topic, table)
	about := c.Story + " " + MatterOf(c.Matter).Name + " " + lane.Body + " " + lane.Reason
	knows := func(p Person) int { // "交通" stands in the lane where the story says "车碰了"
		if slices.ContainsFunc(p.Fields, func(f string) bool { return strings.Contains(about, f) }) {
			return 0
		}
		return 1
	}
	for i := range list {
		list[i].Load = loads[list[i].ID]
	}
	slices.SortStableFunc(list, func(a, b Person) int {
		if k := knows(a) - knows(b); k != 0 {
			return k
		}
		if k := nearness(b, c) - nearness(a, c); k != 0 {
			return k
		}
		return a.Load - b.Load
	})
	return list[:min(len(list), maxSuggested)], nil
}

// nearness is how far down the tree a mediator's post is that has the case in its
// scope: who works for the township goes before who works for the county.
func nearness(p Person, c Case) int {
	n := 0
	for _, q := range p.Posts {
		if q.Role == Mediator && strings.HasPrefix(c.path, q.Scope()) {
			n = max(n, len(q.Scope()))
		}
	}
	return n
}
