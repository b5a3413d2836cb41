package knowledge

import (
	"io/fs"
	"strings"
	"testing"
	"time"
)

func builtinRules(t testing.TB) Rules {
	t.Helper()
	text, err := fs.ReadFile(Corpus(), "rules/clocks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	rules := builtinRules(t)
	for key, r := range rules {
		if r.Title == "" || r.Span == "" || len(r.Basis) == 0 {
			t.Errorf("%s: title, span and basis are all needed: %+v", key, r)
		}
		if r.Period.N == 0 && r.Mine {
			t.Errorf("%s: a person must keep it, but %q is no period", key, r.Span)
		}
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	rules := builtinRules(t)
	on, _ := ParseDate("2026-11-22") // a Sunday
	for _, c := range []struct{ key, text, from, due string }{
		{"labor_sue", "昨天收到仲裁裁决书，不服怎么办", "2026-11-21", "2026-12-07"}, // 15 days end on a Sunday
		{"labor_sue", "11月9号拿到的裁决书", "2026-11-09", "2026-11-24"},
		{"labor_arb", "我今年3月5日被公司辞退", "2026-03-05", "2027-03-05"},
		{"adm_review", "上周三收到处罚决定", "2026-11-11", "2027-01-11"},
		{"traffic_review", "前天收到事故认定书", "2026-11-20", "2026-11-25"}, // working days
		{"consumer_return", "三天前签收的", "2026-11-19", "2026-11-26"},
		{"labor_sue", "12月30日收到裁决书", "2025-12-30", "2026-01-14"}, // the last such day before today
		{"labor_sue", "明天会收到裁决书", "", ""},
		{"la_decide", "昨天申请的", "", ""}, // an authority's clock
	} {
		list := rules.Clocks([]string{c.key}, c.text, on)
		if len(list) != 1 {
			t.Fatalf("%s: %d clocks", c.key, len(list))
		}
		if got := dayText(list[0].From) + " " + dayText(list[0].Due); got != c.from+" "+c.due {
			t.Errorf("%s %q: got %s, want %s %s", c.key, c.text, got, c.from, c.due)
		}
	}
}

// When people say how long ago something was, the asking day is not the event's.
func TestClocks_HowLongAgo(t *testing.T) {
	t.Parallel()
	rules := builtinRules(t)
	on, _ := ParseDate("2026-11-29") // a Sunday
	for _, c := range []struct{ key, text, from, due, left string }{
		{"injury_worker", "今天离出事一年零二十天了", "2025-11-09", "2026-11-09", "已经过了20天"},
		{"injury_worker", "事故发生到今天十三个月了，还能申请吗", "2025-09-30..2025-10-29", "2026-09-30..2026-10-29", "多半已经过了"},
		{"injury_worker", "我爹在工地摔伤已经一年半了", "2025-04-30..2025-05-29", "2026-04-30..2026-05-29", "多半已经过了"},
		{"injury_worker", "去年国庆前一天在工地砸断脚", "2025-09-30", "2026-09-30", "已经过了60天"},
		{"injury_worker", "我妈2025年12月1日下班路上被车撞了，最晚哪天要去申请", "2025-12-01", "2026-12-01", "只剩2天"},
		{"injury_worker", "上个月摔伤的", "2026-10-01..2026-10-31", "2027-10-01..2027-11-01", "应该还没过"},
		{"injury_worker", "摔伤快一年了", "2025-11-29..2025-12-29", "2026-11-30..2026-12-29", "可能就在这几天"},
		{"consumer_return", "网购收到货今天是第七天", "2026-11-22", "2026-11-30", "只剩1天"}, // the last day is a Sunday
		{"labor_arb", "离职一年零两个月了，工资还欠着", "2025-08-30..2025-09-29", "2026-08-31..2026-09-29", "多半已经过了"},
		{"labor_arb", "我去年8月底离的职", "2025-08-21..2025-08-31", "2026-08-21..2026-08-31", "多半已经过了"},
		{"labor_arb", "我是去年十月就没在那干了", "2025-10-01..2025-10-31", "2026-10-08..2026-11-02", "多半已经过了"},
		{"labor_arb", "我去年8月底离的职，还差两个月工资，最后一次催他是今年3月", "2026-03-01..2026-03-31", "2027-03-01..2027-03-31", "应该还没过"},
		{"civ_limit", "2023年5月1日该还，2025年6月2日我催过他", "2025-06-02", "2028-06-02", "。"},
		{"civ_limit", "2019年6月6日该还，2025年6月2日我催过他", "2019-06-06", "2022-06-06", "已经过了"}, // it had passed before
		{"labor_arb", "被开除两个月了", "2026-08-30..2026-09-29", "2027-08-30..2027-09-29", "应该还没过"},
		{"labor_arb", "今天被开除了", "2026-11-29", "2027-11-29", ""},
		{"labor_arb", "离职后干了三个月零工", "", "", ""},
		{"labor_arb", "干了两年就被辞退了", "", "", ""},
		{"labor_arb", "离职还不到一年", "", "", ""},
		{"labor_arb", "被辞退前12个月平均工资五千", "", "", ""},
		{"labor_arb", "被辞退能赔三个月工资吗", "", "", ""},
		{"labor_arb", "辞退补偿三个月工资够不够", "", "", ""},
		{"labor_arb", "解除合同要提前三十天通知", "", "", ""},
		{"labor_arb", "离职后找了三个月才找到活", "", "", ""},
		{"labor_arb", "离职三个月工资没给", "", "", ""},
		{"labor_arb", "我干了两年了，昨天被辞退", "2026-11-28", "2027-11-29", "。"},
		{"labor_arb", "2023年3月入职，2026年10月被辞退", "2026-10-01..2026-10-31", "2027-10-01..2027-11-01", "应该还没过"},
		{"injury_worker", "摔伤住院二十天了", "", "", ""},
		{"injury_worker", "受伤三个月没上班", "", "", ""},
		{"injury_worker", "受伤都三个月", "2026-07-30..2026-08-29", "2027-07-30..2027-08-30", "应该还没过"},
		{"labor_sue", "收到裁决书25天了", "2026-11-04", "2026-11-19", "已经过了10天"},
		{"marriage_revoke", "离婚三年了才知道", "", "", ""},
		{"adm_review", "拘留决定书是七十天前给我的", "2026-09-20", "2026-11-19", "已经过了10天"},
		{"civ_limit", "借条写着2023年11月30日还，今天2026年11月29日", "2023-11-30", "2026-11-30", "只剩1天"},
		{"appeal_civ", "昨天收到仲裁裁决书", "", "", ""},
	} {
		got := rules.Clocks([]string{c.key}, c.text, on)[0]
		from, due := dayText(got.From), dayText(got.Due)
		if got.About() {
			from, due = from+".."+dayText(got.LatestFrom), due+".."+dayText(got.LatestDue)
		}
		if from != c.from || due != c.due {
			t.Errorf("%s %q: got %s %s, want %s %s", c.key, c.text, from, due, c.from, c.due)
		} else if due != "" && !strings.Contains(got.left(on), c.left) {
			t.Errorf("%s %q: %s, want %s", c.key, c.text, got.left(on), c.left)
		}
	}
}

func dayText(d time.Time) string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

func TestCompute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ topic, text, want string }{
		{"CT03", "起诉别人还20万元，诉讼费多少", "4300元"},
		{"CT03", "告他还五万块要交多少诉讼费", "1050元"},
		{"CT03", "标的30万诉讼费", "5800元"},
		{"CT03", "離婚要分50萬的房子訴訟費多少", "1500元"},
		{"LB09", "干了3年7个月被辞退赔多少，月薪6000", "4个月"},
		{"LB09", "公司合同到期不续，我干了4年，能补偿几个月", "4个月"},
		{"LB09", "一年半工龄辞退赔几个月", "2个月"}, // 18 months: six months count as a year
		{"LB07", "工作半年没签合同能要多少双倍", "5个月"},
		{"LB07", "干了两年没签合同双倍怎么算", "11个月"},
		{"LB07", "我今年五十八，在厂里干了十一个月没签合同，干满一年还差一个月，被辞退赔多少", "10个月"},
		{"LB09", "我被拖欠工资八个月了，一个月四千，干了两年，能要多少经济补偿", "是2个月工资"},
		{"WI12", "我是1972年5月出生的男职工，啥时候能退休，要交满多少年", "61岁11个月退休，在2034年4月；那年退休领养老金要交满17年6个月"},
		{"WI12", "女工人75年1月生的几岁退休", "50岁1个月退休，在2025年2月；那年退休领养老金要交满15年"},
		{"WI12", "女干部1981年9月的几时退休", "58岁退休，在2039年9月；那年退休领养老金要交满20年"},
		{"WI12", "男的六四年十二月出生几岁退休", "60岁退休，在2024年12月"},
		{"WI12", "男的1976年生的几岁能退休", "62岁10个月到63岁退休"},
		{"FM05", "月薪八千抚养费给多少", "1600元到2400元"},
		{"WI09", "失业保险交了6年", "18个月"},
		{"WI07", "工伤九级赔多少", "9个月"},
		{"LB08", "合同签一年试用期三个月", "不得超过2个月"},
		{"LB08", "三年的合同试用期能有多久", "不得超过6个月"},
		{"CS01", "花300块买到假货能赔多少", "900元"},
		{"CS02", "面包15元发霉赔多少", "1000元"},
		{"CS13", "药店买的假药80块能赔多少", "1000元"},
		{"DB04", "合同写借八千，到账6400", "6400元"},
	} {
		list := compute(c.topic, c.text)
		if len(list) == 0 || !strings.Contains(list[0].Text, c.want) {
			t.Errorf("%s %q: got %v, want %q", c.topic, c.text, list, c.want)
		}
	}
	for _, c := range []struct{ topic, text string }{
		{"CT03", "诉讼费怎么交"}, {"LB09", "被辞退怎么办"}, {"LA01", "20万元诉讼费"}, {"DB04", "借了一万"},
		{"WI09", "厂里把我辞退了，失业金要多少天之内去办，拖了四个月还能领不"}, {"WI09", "我被开除两个月了，失业金还能申请吗"},
		{"LB09", "公司拖欠工资三个月，能要多少补偿"},
	} {
		if list := compute(c.topic, c.text); len(list) > 0 {
			t.Errorf("%s %q: computed %v from nothing", c.topic, c.text, list)
		}
	}
}

// The check values are those published with the fee table (诉讼费用交纳办法 第十三条).
func TestPropertyFee(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{5000: 50, 1e4: 50, 5e4: 1050, 8e4: 1800, 1e5: 2300, 2e5: 4300, 3e5: 5800, 5e5: 8800, 1e6: 13800} {
		if got := PropertyFee(v); got != want {
			t.Errorf("%v: got %v, want %v", v, got, want)
		}
	}
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]float64{"1200": 1200, "1.5": 1.5, "八千": 8000, "三十万": 3e5, "一千六": 1600, "两万五": 25000, "一百零五": 105, "十": 10, "二十": 20, "一万二千": 12000} {
		if got, ok := parseAmount(in); !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", in, got, ok, want)
		}
	}
}

// What people write of times never gives an event to come, nor a last day before
// the event.
func FuzzClocks(f *testing.F) {
	for _, s := range []string{"今天离出事一年零二十天了", "去年8月底离的职，最后一次催他是今年3月", "99月99日摔伤", "摔伤九百九十百年前", "2026年2月30日受伤"} {
		f.Add(s)
	}
	rules := builtinRules(f)
	on, _ := ParseDate("2026-11-29")
	keys := []string{"injury_worker", "labor_arb", "civ_limit", "adm_review"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range rules.Clocks(keys, text, on) {
			if c.From.After(on) || c.Due.Before(c.From) || c.About() && (c.LatestFrom.Before(c.From) || c.LatestFrom.After(on) || c.LatestDue.Before(c.Due)) {
				t.Errorf("%s: %+v", c.Rule.Key, c)
			}
			c.left(on)
		}
	})
}
