package office

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// fewest is how many a group must have to be named in a bulletin: different
// people of a topic, cases of a matter or lane. Smaller ones are added up, so
// that nobody's matter shows.
const fewest = 3

// group is a part of what is counted. size says how well it hides one of it.
type group struct {
	key     string
	n, size int
}

// apart parts groups, the greatest first, into those that may be named and how
// many the others have. Where there are few kinds, what the others are could
// follow from what is named: as long as they are too few, the smallest named one
// joins them.
func apart(all []group, fewKinds bool) (shown []group, rest group) {
	slices.SortFunc(all, func(a, b group) int { return cmp.Or(b.n-a.n, cmp.Compare(a.key, b.key)) })
	for _, g := range all {
		if g.size < fewest || g.key == "" {
			rest.n, rest.size = rest.n+g.n, rest.size+g.size
		} else {
			shown = append(shown, g)
		}
	}
	for fewKinds && rest.n > 0 && rest.size < fewest && len(shown) > 0 {
		last := shown[len(shown)-1]
		shown = shown[:len(shown)-1]
		rest.n, rest.size = rest.n+last.n, rest.size+last.size
	}
	return shown, rest
}

func countOf(key, name, unit string, n int, means string) Figure {
	return Figure{Key: key, Name: name, Unit: unit, Now: Amount{N: n}, Means: means}
}

func rateOf(key, name string, n, of int, means string) Figure {
	return Figure{Key: key, Name: name, Now: Amount{N: n, Of: of, Rate: true}, Means: means}
}

// of says which cases the figure counts.
func (f Figure) of(r CaseRows) Figure {
	f.Rows = &r
	return f
}

// casePart is how cases went.
func (db *DB) casePart(ctx context.Context, s span) ([]Figure, error) {
	n, err := db.countCases(ctx, s, []string{"opened", "answered", "closed", "open", "overdue", "due", "in_time", "rated", "satisfied", "urged", "redone"}, "1 = 1")
	if err != nil {
		return nil, err
	}
	set := func(f Figure) Figure { return f.of(CaseRows{Set: f.Key}) }
	list := []Figure{
		set(countOf("opened", "登记", "件", n["opened"], "登记日在本月的件，不管怎么来的；后来并单、撤回的也算。")),
		set(countOf("answered", "答复", "件", n["answered"], "第一次答复在本月的件。")),
		set(countOf("closed", "办结", "件", n["closed"], "本月归档、并单或撤回的件。")),
		set(countOf("open", "月末在办", "件", n["open"], "统计截止时还要有人办的件（待受理、已受理、已派单、办理中、待补正），以前月份登记的也算。")),
		set(countOf("overdue", "月末超期", "件", n["overdue"], "其中答复期限已过、一次也没有答复的，待补正的不算。编号附在后面。")),
		rateOf("in_time", "按期答复率", n["in_time"], n["due"], "答复期限（按工作日历算出）落在本月、已经到期的件里，期限内第一次答复的占多少；n 是到期的件数，并单、撤回、待补正的不算。").of(CaseRows{Set: "due"}),
		rateOf("satisfied", "满意率", n["satisfied"], n["rated"], "本月评价里 4、5 分的占多少；n 是评价的件数，一件只算最后一次。").of(CaseRows{Set: "rated"}),
		set(countOf("urged", "督办", "件", n["urged"], "本月督办过的件，一件只算一次。")),
		set(countOf("redone", "重办", "件", n["redone"], "本月答复以后又重办的件，一件只算一次。")),
	}
	return list, nil
}

// matterPart is what cases were about.
func (db *DB) matterPart(ctx context.Context, s span) ([]Figure, error) {
	return db.caseGroups(ctx, s, "matter", func(key string) string { return MatterOf(key).Name }, func(key string) CaseRows { return CaseRows{Set: "opened", Matter: key} },
		"登记日在本月、属于这类事项的件。")
}

// caseGroups counts the cases that were handed in by a column, small groups
// added up.
func (db *DB) caseGroups(ctx context.Context, s span, column string, name func(string) string, rows func(string) CaseRows, means string) ([]Figure, error) {
	counts := map[string]int{}
	if err := db.count(ctx, counts, `SELECT `+column+`, COUNT(*) FROM cases WHERE path LIKE $1 AND `+column+` <> '' AND `+caseIn("opened", s)+` GROUP BY `+column, s.within()); err != nil {
		return nil, err
	}
	var all []group
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, group{key, counts[key], counts[key]})
	}
	shown, rest := apart(all, true)
	var list []Figure
	for _, g := range shown {
		list = append(list, countOf(column+"."+g.key, name(g.key), "件", g.n, means).of(rows(g.key)))
	}
	if rest.n > 0 {
		list = append(list, countOf(column+".rest", "其余各类合计", "件", rest.n, fmt.Sprintf("不足 %d 件的合在一起，不单列，以免认出是谁；有权看件的人在“明细”里看。", fewest)))
	}
	return list, nil
}

// mediationPart is where disputes went and what became of them.
func (db *DB) mediationPart(ctx context.Context, s span) ([]Figure, error) {
	list, err := db.caseGroups(ctx, s, "lane", LaneName, func(key string) CaseRows { return CaseRows{Set: "opened", Lane: key} }, "登记日在本月、走这条道的件（矛盾纠纷和欠薪等）；转过道的算现在的道。")
	if err != nil {
		return nil, err
	}
	f, err := db.mediationFigures(ctx, s)
	if err != nil {
		return nil, err
	}
	for i, o := range Outcomes {
		set := outcomeSet(i).Key
		list = append(list, countOf(set, "调解结果："+o, "件", f.Outcomes[o], "本月记下结果、现在的结果是“"+o+"”的件。").of(CaseRows{Set: set}))
	}
	good := f.Outcomes[Outcomes[0]] + f.Outcomes[Outcomes[1]]
	return append(list, rateOf("mediated", "调解成功率", good, good+f.Outcomes[Outcomes[2]], "书面协议、口头协议占多少；n 是达成的和不成的，撤回、转出的不算。")), nil
}

// specialPart is the lanes that are watched on their own.
func (db *DB) specialPart(ctx context.Context, s span) ([]Figure, error) {
	var list []Figure
	for _, m := range []struct{ key, name string }{{"firm", "涉企"}, {"complaint", "对本服务的投诉"}, {ViaTicket, "12345 等工单"}} {
		f, err := db.matterFigures(ctx, s, m.key)
		if err != nil {
			return nil, err
		}
		rows := func(set string) CaseRows {
			if m.key == ViaTicket {
				return CaseRows{Set: set, Via: m.key}
			}
			return CaseRows{Set: set, Matter: m.key}
		}
		list = append(list,
			countOf(m.key+".opened", m.name+"：登记", "件", f.Opened, "登记日在本月的件。").of(rows("opened")),
			rateOf(m.key+".in_time", m.name+"：按期答复率", f.InTime, f.Due, "和办件的按期答复率一样算，只算这一类。").of(rows("due")),
			rateOf(m.key+".satisfied", m.name+"：满意率", f.Satisfied, f.Rated, "和办件的满意率一样算，只算这一类。").of(rows("rated")))
	}
	return list, nil
}

// consultPart is how many asked, and how they were answered.
func (db *DB) consultPart(ctx context.Context, s span) ([]Figure, error) {
	f, err := db.figures(ctx, s)
	if err != nil {
		return nil, err
	}
	where := "只算说了自己在这里的。"
	if s.path == "" {
		where = ""
	}
	var blurred int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM consults WHERE person LIKE 'x%' AND `+consulted, s.a, s.b, s.path, s.within()).Scan(&blurred); err != nil {
		return nil, err
	}
	var list []Figure
	if blurred == 0 { // later, what one person asked cannot be told from what others did
		list = append(list, countOf("persons", "咨询的人", "人", f.Persons, "本月提过问的不同聊天账号，一个人一个月算一次；过了保留期就不再能数。"+where),
			countOf("sessions", "会话", "次", f.Sessions, "本月不同的会话。"+where))
	}
	return append(list,
		countOf("questions", "提问", "次", f.Questions, "本月的提问，包括紧急和不该答的；不记原话。"+where),
		countOf("hits", "答上", "次", f.Hits, "其中给出了有依据的答复的。"),
		countOf("misses", "没答上", "次", f.Misses, "其中说“不知道”、请人答的。"),
		countOf("urgents", "紧急", "次", f.Urgent, "其中按紧急情形处理的。"),
		rateOf("useful", "说有用的", f.Useful, f.Rated, "评价过的答复里说有用的占多少；n 是评价的次数。")), nil
}

// topicCode is the shape of a topic's id; nothing else may stand in a bulletin.
var topicCode = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}$`)

// topicPart is what was asked about, and what of it was not answered.
func (db *DB) topicPart(ctx context.Context, s span) ([]Figure, error) {
	type tally struct{ asked, missed group }
	by := map[string]*tally{}
	if err := db.each(ctx, func(rows *sql.Rows) error {
		var topic, person string
		var n, missed int
		if err := rows.Scan(&topic, &person, &n, &missed); err != nil {
			return err
		}
		if !topicCode.MatchString(topic) {
			topic = ""
		}
		t := by[topic]
		if t == nil {
			t = &tally{group{key: topic}, group{key: topic}}
			by[topic] = t
		}
		known := 1 - number(person[:min(1, len(person))] == "x") // whose rows lost their hash are not told apart
		t.asked.n, t.asked.size = t.asked.n+n, t.asked.size+known
		t.missed.n, t.missed.size = t.missed.n+missed, t.missed.size+known*number(missed > 0)
		return nil
	}, `SELECT topic, person, COUNT(*), SUM(CASE WHEN kind = 'unknown' THEN 1 ELSE 0 END) FROM consults WHERE `+consulted+` AND kind IN ('answer', 'unknown', 'off') GROUP BY topic, person`, s.a, s.b, s.path, s.within()); err != nil {
		return nil, err
	}
	var asked, missed []group
	for _, t := range by {
		asked = append(asked, t.asked)
		missed = append(missed, t.missed)
	}
	missed = slices.DeleteFunc(missed, func(g group) bool { return g.n == 0 })
	few := fmt.Sprintf("不足 %d 个人问的、没有合适专题的合在一起，不单列，以免认出是谁。", fewest)
	list := topicFigures("topic", asked, fmt.Sprintf("问到这个专题的次数（答上、没答上和专题停了的都算）；至少 %d 个不同的人问过才列。", fewest), "其余专题合计", few)
	return append(list, topicFigures("miss", missed, fmt.Sprintf("这个专题没答上的次数；至少 %d 个不同的人没得到答复才列。", fewest), "其余没答上的合计", few)...), nil
}

// topicFigures names the topics by their ids; who shows them knows the names.
func topicFigures(prefix string, all []group, means, restName, restMeans string) (list []Figure) {
	shown, rest := apart(all, false)
	for _, g := range shown {
		list = append(list, countOf(prefix+"."+g.key, g.key, "次", g.n, means))
	}
	if rest.n > 0 {
		list = append(list, countOf(prefix+".rest", restName, "次", rest.n, restMeans))
	}
	return list
}

// counter counts rows one query after the other.
type counter struct {
	db  *DB
	ctx context.Context
	err error
}

func (c *counter) n(query string, args ...any) (n int) {
	if c.err == nil {
		c.err = c.db.read.QueryRowContext(c.ctx, query, args...).Scan(&n)
	}
	return n
}

// contentPart is what was published and became of it.
func (db *DB) contentPart(ctx context.Context, s span) ([]Figure, error) {
	c, in := counter{db: db, ctx: ctx}, s.within()
	deliveries := func(where, column string) int {
		return c.n(`SELECT COUNT(*) FROM deliveries d JOIN items i ON i.id = d.item WHERE i.path LIKE $3 AND `+where+` AND d.`+column+` >= $1 AND d.`+column+` < $2`, s.a, s.b, in)
	}
	counts := func(what string) int {
		return c.n(`SELECT COALESCE(SUM(x.n), 0) FROM item_counts x JOIN items i ON i.id = x.item WHERE i.path LIKE $3 AND x.day >= $1 AND x.day <= $2 AND x.what = $4`, s.first, s.last, in, what)
	}
	list := []Figure{
		countOf("published", "发布", "条", c.n(`SELECT COUNT(*) FROM items i WHERE i.path LIKE $3 AND i.published >= $1 AND i.published < $2`, s.a, s.b, in), "第一次发布在本月的内容；算写稿人所在的单位。"),
		countOf("delivered", "送达", "次", deliveries(`d.act = 'publish' AND d.sink = 'chat' AND d.state = 'sent'`, "sent"), "本月推送到聊天、平台给了回执的。"),
		countOf("undelivered", "没送到", "次", deliveries(`d.act = 'publish' AND d.sink = 'chat' AND d.state IN ('refused', 'failed', 'expired')`, "changed"), "本月对方不收、没发成、过期未发的。"),
		countOf("page_opened", "打开", "次", counts(CountOpened), "本月网页上打开的次数，不记是谁。"),
		countOf("pulled", "点看", "次", counts(CountPulled), "本月在聊天里点看的次数，不记是谁。"),
		countOf("recalled", "撤回", "条", c.n(`SELECT COUNT(*) FROM items i WHERE i.path LIKE $3 AND i.withdrawn >= $1 AND i.withdrawn < $2`, s.a, s.b, in), "本月撤回的内容。"),
		countOf("corrected", "送出的更正", "次", deliveries(`d.act = 'correct' AND d.state = 'sent'`, "sent"), "撤回以后，本月送到收过的人那里的更正。"),
	}
	return list, c.err
}

// lecturePart is what was held.
func (db *DB) lecturePart(ctx context.Context, s span) ([]Figure, error) {
	f, err := db.lectureFigures(ctx, s)
	if err != nil {
		return nil, err
	}
	c := counter{db: db, ctx: ctx}
	acts := `FROM activities a JOIN orgs o ON o.id = a.org WHERE o.path LIKE $3 AND a.day >= $1 AND a.day <= $2`
	list := []Figure{
		countOf("ordered", "点单", "单", f.Ordered, "下单日在本月的讲座；算去讲的地方。"),
		countOf("held", "讲完", "场", f.Held, "讲座日在本月、已经讲完的。"),
		countOf("came", "听讲", "人次", f.Heads, "讲完的各场签到人数相加。"),
		rateOf("lecture_satisfied", "讲座满意率", f.Satisfied, f.Rated, "讲完并评价过的里 4、5 分的占多少；n 是评价的场数。"),
		countOf("activities", "普法活动", "次", c.n(`SELECT COUNT(*) `+acts, s.first, s.last, s.within()), "本月登记在册的活动，讲完的点单也在内；算开展的单位。"),
		countOf("activity_heads", "活动人次", "人次", c.n(`SELECT COALESCE(SUM(a.heads), 0) `+acts, s.first, s.last, s.within()), "这些活动的人次相加。"),
	}
	return list, c.err
}

// dutyPart is duty rosters, the departments' duties, and ledgers.
func (db *DB) dutyPart(ctx context.Context, s span) ([]Figure, error) {
	turns, err := db.turnFigures(ctx, s)
	if err != nil {
		return nil, err
	}
	learnt, err := db.trainingFigures(ctx, s)
	if err != nil {
		return nil, err
	}
	q := QuarterOf(s.until())
	states, err := dutyStates(ctx, db.read, q, s.until())
	if err != nil {
		return nil, err
	}
	owed, gaps := 0, 0
	for _, d := range states {
		if _, _, due := q.days(d.Duty.Months); due && len(d.Duty.Org.Path) >= len(s.path) && d.Duty.Org.Path[:len(s.path)] == s.path {
			owed, gaps = owed+1, gaps+number(d.Gap)
		}
	}
	c := counter{db: db, ctx: ctx}
	prompts := func(column string) int {
		return c.n(`SELECT COUNT(*) FROM duty_prompts p JOIN orgs o ON o.id = p.org WHERE o.path LIKE $3 AND p.`+column+` >= $1 AND p.`+column+` < $2`, s.a, s.b, s.within())
	}
	list := []Figure{
		countOf("turns", "派给值班法律顾问", "次", turns.Asked, "本月派给值班顾问的次数，转给下一位的再算一次。").of(CaseRows{Set: "advised"}),
		rateOf("responded", "值班按时响应率", turns.Answered, turns.Asked, "派出的里面，在响应时限内开始办的占多少；n 是派的次数。").of(CaseRows{Set: "advised"}),
		countOf("duties_owed", "到期的普法责任", "项", owed, q.Name()+"末应当开展的普法责任。"),
		countOf("duty_gaps", "其中还没有开展的", "项", gaps, "到统计截止日，这一期里还没有登记过活动的。"),
		countOf("prompts_sent", "发出普法提示", "份", prompts("sent"), "本月发给部门的普法提示。"),
		countOf("prompts_answered", "收到反馈", "份", prompts("answered"), "本月收到的部门反馈。"),
		rateOf("learnt", "法律明白人学习覆盖", learnt.Learnt, learnt.Helpers, "本月学过每周一课的占多少；n 是统计时在岗的法律明白人。"),
		rateOf("right", "答对率", learnt.Good, learnt.Asked, "每周一课的题答对的占多少；n 是答的题数。"),
	}
	deeds := 0
	for _, kind := range DeedKinds {
		deeds += learnt.Deeds[kind]
		if learnt.Deeds[kind] > 0 {
			list = append(list, countOf("deed."+strconv.Itoa(slices.Index(DeedKinds, kind)), "台账："+kind, "次", learnt.Deeds[kind], "日期在本月、法律明白人、网格员、调解员和法律顾问记的台账。"))
		}
	}
	return append(list, countOf("deeds", "台账合计", "次", deeds, "以上各类相加。"), countOf("reached", "台账服务人次", "人次", learnt.Reached, "台账里写的人数相加。")), c.err
}
