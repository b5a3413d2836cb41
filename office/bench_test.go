package office

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// sizes are how many cases the benchmarks run on. The largest takes minutes to
// write and is for MINGBAI_BIG=1.
func sizes() []int {
	list := []int{1_000, 10_000, 100_000}
	if os.Getenv("MINGBAI_BIG") == "1" {
		list = append(list, 1_000_000)
	}
	return list
}

// fragments make stories: in the first of them common words, in the last rare.
var fragments = strings.Fields(`邻居砌墙占了过道 老板拖欠工资三个月 借款到期不还 车祸赔偿谈不拢 离婚抚养费没给 宅基地边界不清 物业不修电梯 土地流转费没付 养老钱被骗 遗产分割闹翻
	找过村里两次没结果 派出所登记过 有欠条一张 双方都在村里住 微信聊天记录还在 去年秋天开始 今年春节前说好 证人是隔壁老周 当时没有写合同 合同丢了
	水渠改道淹了田 树枝伸过院墙 噪声整夜不停 鱼塘翻塘 果树被砍 羊吃了麦苗 打井没水 屋顶漏雨 路灯杆挡门 坟地争执`)

// loader writes cases straight into the tables, as they would be after months.
type loader struct {
	db    *DB
	r     *rand.Rand
	towns []Org
	staff []Person // one clerk a town
	root  Person
	held  Person
}

func (l *loader) county(t testing.TB) {
	ctx := context.Background()
	add := func(kind, name string, parent int64) Org {
		o, err := l.db.AddOrg(ctx, "bench", Org{Kind: kind, Name: name, Parent: parent})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	person := func(name string, r Role, o Org) Person {
		p, err := l.db.AddPerson(ctx, "bench", Person{Name: name, Posts: []Post{{Role: r, Org: o}}})
		if err != nil {
			t.Fatal(err)
		}
		p, err = l.db.Person(ctx, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	root := add("县", "青禾县", 0)
	l.root = person("主任", Admin, root)
	for i := range 15 {
		o := add("乡镇街道", string([]rune("东西南北上下中前后左右新老大小")[i])+"河镇", root.ID)
		l.towns = append(l.towns, o)
		l.staff = append(l.staff, person("陈所", Clerk, add("司法所", o.Short+"司法所", o.ID)))
		for j := range 4 {
			l.held = person(fmt.Sprint("调解员", i, j), Mediator, o)
		}
	}
}

// load writes n cases: 8 of 100 open, 4 answered, the others finished. The
// tables are written in the order of their keys, which is what makes it quick.
func (l *loader) load(t testing.TB, n int) {
	l.pragma(t, "synchronous = OFF", "secure_delete = 0", "cache_size = -300000")
	now, grams := l.db.now(), make([][]int64, 0, n)
	const step = 20_000
	for from := 0; from < n; from += step {
		grams = append(grams, l.write(t, from, min(from+step, n), n, now)...)
	}
	for k := range max(1, n/100_000) { // so many passes, so that a part of the grams is in memory
		some := map[int64][]int64{}
		for i, list := range grams {
			for _, g := range list {
				if int(g)%max(1, n/100_000) == k {
					some[int64(i+1)] = append(some[int64(i+1)], g)
				}
			}
		}
		l.tx(t, func(tx *sql.Tx) error { return addGrams(context.Background(), tx, some) })
	}
	for _, q := range map[string][]string{"sqlite": {"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"}, "postgres": {"VACUUM ANALYZE"}}[l.db.dialect] {
		if _, err := l.db.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	l.pragma(t, "synchronous = FULL", "secure_delete = 1", "cache_size = -2000")
}

// pragma sets how SQLite writes.
func (l *loader) pragma(t testing.TB, list ...string) {
	for _, p := range list {
		if l.db.dialect == "sqlite" {
			if _, err := l.db.write.Exec("PRAGMA " + p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (l *loader) tx(t testing.TB, f func(*sql.Tx) error) {
	if err := l.db.update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// write writes the cases from to to of n with their history, and gives their grams.
func (l *loader) write(t testing.TB, from, to, n int, now time.Time) (grams [][]int64) {
	l.tx(t, func(tx *sql.Tx) error {
		for part := from; part < to; part += 400 {
			var w clause
			var rows []string
			for i := part; i < min(part+400, to); i++ {
				c := l.one(i, n, now)
				grams = append(grams, c.grams())
				var in []string
				for _, v := range []any{c.ID, c.No, fmt.Sprint("r", i), 1, c.Org, c.path, c.Matter, string(c.State), int(c.Urgency), c.Via, c.account, 0, c.Holder,
					c.Name, c.Phone, c.Place, c.Parties, c.Story, "", 0, 0, unix(c.Opened), unix(c.Due), unix(c.Promised), unix(c.Answered), unix(c.Closed), c.Answer, "", "", 0, fmt.Sprint("p", i), "", 0, c.Lane, "", 0, 1} {
					in = append(in, w.arg(v))
				}
				rows = append(rows, "("+strings.Join(in, ",")+")")
			}
			if _, err := tx.Exec(`INSERT INTO cases (id, no, request, version, org, path, matter, state, urgency, via, account, filer, holder,
				name, phone, place, parties, story, wish, restricted, shared, opened, due, promised, answered, closed, answer, approver, drafter, taken, pickup, same, into_case, lane, topic, cleared_only, indexed)
				VALUES `+strings.Join(rows, ","), w.args...); err != nil {
				return err
			}
		}
		_, err := tx.Exec(fmt.Sprintf(`INSERT INTO case_events (case_id, request, at, person, actor, verb, was, state, note)
			SELECT id, 'e' || CAST(id AS TEXT) || '-' || CAST(v.n AS TEXT), opened, 0, 'x', 'open', '', state, '' FROM cases, (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) v WHERE id > %d AND id <= %d`, from, to))
		return err
	})
	return grams
}

func (l *loader) one(i, n int, now time.Time) Case {
	o := l.towns[l.r.IntN(len(l.towns))]
	c := Case{ID: int64(i + 1), No: fmt.Sprintf("%d-%s-%06d", now.Year(), o.Short, i), Org: o.ID, path: o.Path, Via: ViaResident,
		Matter: Matters[l.r.IntN(len(Matters))].Key, Urgency: Urgency([]int{0, 1, 2, 3, 3, 3, 3, 3, 3, 3}[l.r.IntN(10)]),
		account: fmt.Sprint("qq/user/", l.r.IntN(n)), Phone: fmt.Sprintf("13%09d", l.r.IntN(1e9)), Lane: LanePeople, Answer: "答复"}
	han := func(k int) string {
		r := make([]rune, k)
		for j := range r {
			r[j] = rune(0x4e00 + l.r.IntN(3000))
		}
		return string(r)
	}
	c.Name, c.Parties, c.Place = han(3), han(3), o.Name+han(2)+"村"
	var b strings.Builder
	for range 6 {
		k := min(l.r.IntN(len(fragments)), l.r.IntN(len(fragments))) // the first are common
		b.WriteString(fragments[k] + "，")
	}
	c.Story = b.String() + han(12) + "。"
	c.Opened = now.Add(-time.Duration(n-i) * 365 * 24 * time.Hour / time.Duration(n))
	c.State, c.Closed = Archived, c.Opened.Add(100*time.Hour)
	switch k := l.r.IntN(100); {
	case k < 8:
		c.State, c.Closed, c.Due = []State{New, Accepted, Assigned, Working}[k%4], time.Time{}, now.Add(time.Duration(l.r.IntN(500)-100)*time.Hour)
		c.Holder = l.held.ID - int64(l.r.IntN(10))
	case k < 12:
		c.State, c.Closed, c.Due, c.Answered = Answered, time.Time{}, now.Add(100*time.Hour), c.Opened
	}
	c.Promised = c.Due
	return c
}

// p99 runs f for every b.Loop and reports the 50th and 99th percentile.
func p99(b *testing.B, f func(i int) error) {
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		at := time.Now()
		if err := f(i); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	ms := func(q int) float64 { return float64(took[min(len(took)*q/100, len(took)-1)].Microseconds()) / 1000 }
	b.ReportMetric(ms(50), "p50-ms")
	b.ReportMetric(ms(99), "p99-ms")
}

// BenchmarkCases measures the pages of the office: the queue with its filters,
// the search, and opening a case with all its page shows.
func BenchmarkCases(b *testing.B) {
	open := map[string]func(b *testing.B) Options{
		"sqlite":   func(b *testing.B) Options { return Options{Dir: b.TempDir()} },
		"postgres": func(b *testing.B) Options { return Options{DatabaseURL: servers.PostgresURL(b)} },
	}
	for _, name := range []string{"sqlite", "postgres"} {
		for _, n := range sizes() {
			b.Run(fmt.Sprintf("db=%s/cases=%d", name, n), func(b *testing.B) {
				db, err := Open(b.Context(), open[name](b))
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { db.Close() }) //nolint:errcheck // measured already
				l := &loader{db: db, r: rand.New(rand.NewPCG(7, uint64(n)))}
				l.county(b)
				l.load(b, n)
				rounds, err := strconv.Atoi(os.Getenv("MINGBAI_ROUNDS"))
				if err != nil {
					rounds = 1
				}
				for range rounds { // so that the records are written once
					l.measure(b, n)
				}
			})
		}
	}
}

func (l *loader) measure(b *testing.B, n int) {
	ctx := b.Context()
	all, _, err := l.db.Cases(ctx, l.root, CaseFilter{Limit: 500, Offset: n / 3})
	if err != nil {
		b.Fatal(err)
	}
	list := func(p Person, f CaseFilter) func(int) error {
		return func(int) error { _, _, err := l.db.Cases(ctx, p, f); return err }
	}
	clerk := l.staff[3]
	b.Run("queue", func(b *testing.B) {
		filters := []struct {
			p Person
			f CaseFilter
		}{{l.root, CaseFilter{Open: true}}, {clerk, CaseFilter{Open: true}}, {clerk, CaseFilter{}}, {l.root, CaseFilter{Open: true, Overdue: true}},
			{l.root, CaseFilter{Open: true, Matter: "firm", Lane: LanePeople}}, {clerk, CaseFilter{Mine: true}}, {l.held, CaseFilter{Open: true}}, {l.root, CaseFilter{}},
			{l.root, CaseFilter{Open: true, Offset: n / 20}}, {l.root, CaseFilter{States: []State{Archived}, Org: l.towns[1].ID}}}
		p99(b, func(i int) error { x := filters[i%len(filters)]; return list(x.p, x.f)(i) })
	})
	b.Run("search", func(b *testing.B) {
		texts := []string{"邻居", "邻居砌墙占了", "借款到期 欠条", "鱼塘", "坟地争执"}
		p99(b, func(i int) error {
			c := all[i%len(all)]
			p := []Person{l.root, clerk}[i%2]
			text := append(texts, c.Name, c.Phone, c.No, c.Parties+" "+c.Place, c.Story[len(c.Story)-18:len(c.Story)-3])[i%10]
			return list(p, CaseFilter{Text: text, Open: i%20 >= 10})(i)
		})
	})
	b.Run("open", func(b *testing.B) {
		p99(b, func(i int) error { return l.page(ctx, all[(i*37)%len(all)].No) })
	})
}

// page reads all that the page of a case shows.
func (l *loader) page(ctx context.Context, no string) error {
	c, err := l.db.Case(ctx, l.root, no)
	if err != nil {
		return err
	}
	if _, err := l.db.Events(ctx, c); err != nil {
		return err
	}
	if _, _, _, err := l.db.Mediation(ctx, c); err != nil {
		return err
	}
	if _, err := l.db.Proposal(ctx, c); err != nil {
		return err
	}
	_, err = l.db.Suggest(ctx, c)
	return err
}
