package office

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"mingbai/calendar"
)

// dayRule is one way of telling days. days gets the match and returns nil if it
// makes no sense after all.
type dayRule struct {
	match *regexp.Regexp
	days  func(m []string, times []int, anchor time.Time) func(day time.Time) bool
}

const (
	week     = `(?:周|星期|礼拜)`
	weekList = `([一二三四五六日天](?:(?:[、,和及]|到|至|-)?` + week + `?[一二三四五六日天]){0,6})`
	ordinal  = `(第(` + numeral + `)个?|最后一个|倒数第(` + numeral + `)个?|首个)`
)

// dayRules are tried in order.
var dayRules = []dayRule{
	{regexp.MustCompile(`^(?:每天|每日|天天)$`), func([]string, []int, time.Time) func(time.Time) bool {
		return func(time.Time) bool { return true }
	}},
	{regexp.MustCompile(`^(?:每个?)?工作日$`), func([]string, []int, time.Time) func(time.Time) bool { return working }},
	{regexp.MustCompile(`^(?:每个?|每逢)?周末$`), func([]string, []int, time.Time) func(time.Time) bool {
		return func(d time.Time) bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }
	}},
	{regexp.MustCompile(`^(?:每个?|每逢)` + week + weekList + `$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		return onWeekdays(m[1])
	}},
	{regexp.MustCompile(`^(?:每(` + numeral + `)个?` + week + `|每(隔一)个?` + week + `|(双)周)(?:一次)?,?` + week + weekList + `$`), everyWeeks},
	{regexp.MustCompile(`^每(个?月|季度?|个?季度)` + ordinal + `工作日$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		n, ok := nth(m[2:])
		if !ok || n > 20 || n < -20 {
			return nil
		}
		return func(d time.Time) bool { return inMonth(m[1], d, n) && nthOf(d, n, working) }
	}},
	{regexp.MustCompile(`^每(个?月)` + ordinal + week + `([一二三四五六日天])$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		n, ok := nth(m[2:])
		if !ok || n > 5 || n < -5 {
			return nil
		}
		return func(d time.Time) bool { return nthOf(d, n, onWeekdays(m[5])) }
	}},
	{regexp.MustCompile(`^每个?月(?:的?最后一天|月底|底)$`), func([]string, []int, time.Time) func(time.Time) bool {
		return func(d time.Time) bool { return d.AddDate(0, 0, 1).Day() == 1 }
	}},
	{regexp.MustCompile(`^每个?月((?:` + numeral + `[号日]?[、,和及]?){1,10})$`), monthDays},
	{regexp.MustCompile(`^每年(` + numeral + `)月(` + numeral + `)[号日]$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		month, a := han(m[1])
		n, b := han(m[2])
		if !a || !b || time.Date(2024, time.Month(month), n, 0, 0, 0, 0, time.UTC).Day() != n || month < 1 || month > 12 {
			return nil
		}
		return func(d time.Time) bool { return int(d.Month()) == month && d.Day() == n }
	}},
	{regexp.MustCompile(`^每年(` + numeral + `)月` + ordinal + week + `([一二三四五六日天])$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		month, a := han(m[1])
		n, ok := nth(m[2:])
		if !a || !ok || month < 1 || month > 12 || n > 4 || n < -4 {
			return nil
		}
		return func(d time.Time) bool { return int(d.Month()) == month && nthOf(d, n, onWeekdays(m[5])) }
	}},
	{regexp.MustCompile(`^(?:每年)?(.{2,20})$`), func(m []string, _ []int, _ time.Time) func(time.Time) bool {
		for _, c := range Campaigns {
			if m[1] == strings.ReplaceAll(c.Name, "的", "") || m[1] == c.Short {
				return c.on
			}
		}
		return nil
	}},
}

func working(d time.Time) bool {
	work, _ := calendar.IsWorkDay(d)
	return work
}

// onWeekdays reads "一", "一、三、五", "一到五".
func onWeekdays(list string) func(time.Time) bool {
	var on [7]bool
	last, through := -1, false
	for _, r := range list {
		switch s := string(r); {
		case strings.ContainsRune("到至-", r):
			through = true
		case strings.ContainsRune("一二三四五六日天", r):
			n := weekday(s)
			for through && last != n {
				last = (last + 1) % 7
				on[last] = true
			}
			on[n], last, through = true, n, false
		}
	}
	return func(d time.Time) bool { return on[d.Weekday()] }
}

// everyWeeks counts from the first such day that is still to come.
func everyWeeks(m []string, times []int, anchor time.Time) func(time.Time) bool {
	n := 2
	if m[1] != "" {
		var ok bool
		if n, ok = han(m[1]); !ok || n < 1 || n > 52 {
			return nil
		}
	}
	on := onWeekdays(m[4])
	first := Spec{days: on, times: times}.Next(anchor)
	start := monday(calendar.Day(first))
	return func(d time.Time) bool {
		weeks := int(monday(d).Sub(start).Hours()) / (24 * 7)
		return on(d) && weeks >= 0 && weeks%n == 0
	}
}

// nth reads an ordinal: 2 for the second, -1 for the last. m begins with the
// whole ordinal.
func nth(m []string) (int, bool) {
	switch {
	case m[0] == "首个":
		return 1, true
	case m[0] == "最后一个":
		return -1, true
	case m[1] != "":
		n, ok := han(m[1])
		return n, ok && n > 0
	}
	n, ok := han(m[2])
	return -n, ok && n > 0
}

// inMonth says whether the day's month is one that the rule looks at: each, or
// the first of a quarter (the last, when counting from the end).
func inMonth(of string, d time.Time, n int) bool {
	if strings.HasSuffix(of, "月") {
		return true
	}
	want := 1
	if n < 0 {
		want = 0
	}
	return int(d.Month())%3 == want
}

// nthOf says whether the day is the nth of its month for which is holds,
// counted from the end if n is negative.
func nthOf(d time.Time, n int, is func(time.Time) bool) bool {
	if !is(d) {
		return false
	}
	step, count := -1, n
	if n < 0 {
		step, count = 1, -n
	}
	for at := d; at.Month() == d.Month(); at = at.AddDate(0, 0, step) {
		if is(at) {
			count--
		}
	}
	return count == 0
}

// monthDays reads "1号和15号"; a day that a month has not is its last.
func monthDays(m []string, _ []int, _ time.Time) func(time.Time) bool {
	var want []int
	for _, f := range strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune("号日、,和及", r) }) {
		n, ok := han(f)
		if !ok || n < 1 || n > 31 {
			return nil
		}
		want = append(want, n)
	}
	return func(d time.Time) bool {
		last := d.AddDate(0, 0, 1).Day() == 1
		return slices.ContainsFunc(want, func(n int) bool { return n == d.Day() || last && n > d.Day() })
	}
}

// Campaign is a day or a time of the year on which law is made known.
type Campaign struct {
	Name, Short string
	Spec        string // as a plan says it; "" if the day is told in no other words
	Topic       string // what to write about
	on          func(time.Time) bool
}

// Campaigns are the days of the year (domain notes, table B11). The first day of
// the constitution week is that of the constitution (法治宣传教育法 第十三条); the day
// of the disabled is in 残疾人保障法 第十四条, that of the old in 老年人权益保障法 第十二条.
var Campaigns = func() []Campaign {
	list := []Campaign{
		{Name: "返乡讨薪法律援助", Short: "返乡讨薪", Spec: "每年1月10日", Topic: "农民工工资、法律援助"},
		{Name: "国际妇女节", Short: "妇女节", Spec: "每年3月8日", Topic: "妇女权益"},
		{Name: "消费者权益日", Short: "315", Spec: "每年3月15日", Topic: "消费维权"},
		{Name: "全民国家安全教育日", Short: "国家安全日", Spec: "每年4月15日", Topic: "国家安全"},
		{Name: "民法典宣传月", Short: "民法典", Spec: "每年5月第一个星期一", Topic: "民法典"},
		{Name: "全国助残日", Short: "助残日", Spec: "每年5月第三个星期日", Topic: "残疾人权益"},
		{Name: "国际儿童节", Short: "儿童节", Spec: "每年6月1日", Topic: "未成年人保护"},
		{Name: "国际禁毒日", Short: "禁毒日", Spec: "每年6月26日", Topic: "禁毒"},
		{Name: "暑期安全", Short: "暑期", Spec: "每年7月5日", Topic: "防溺水、暑期工"},
		{Name: "重阳节", Short: "老年节", Topic: "老年人权益"},
		{Name: "烈士纪念日", Short: "烈士日", Spec: "每年9月30日", Topic: "英雄烈士保护"},
		{Name: "秋收土地流转", Short: "秋收", Spec: "每年10月15日", Topic: "土地流转"},
		{Name: "法治宣传教育法施行日", Short: "法宣法", Spec: "每年11月1日", Topic: "法治宣传教育法"},
		{Name: "国际消除对妇女的暴力日", Short: "反家暴日", Spec: "每年11月25日", Topic: "反家庭暴力"},
		{Name: "国家宪法日", Short: "宪法日", Spec: "每年12月4日", Topic: "宪法"},
		{Name: "年底治欠薪", Short: "治欠薪", Spec: "每年12月15日", Topic: "农民工工资"},
	}
	for i := range list {
		if c := &list[i]; c.Spec == "" {
			c.on = doubleNinth
		} else {
			c.on = yearly(c.Spec)
		}
	}
	return list
}()

// yearly reads the spec of a campaign.
func yearly(spec string) func(time.Time) bool {
	rest := strings.TrimPrefix(spec, "每年")
	month, rest, _ := strings.Cut(rest, "月")
	mo, _ := han(month)
	if n, ok := han(strings.TrimSuffix(rest, "日")); ok {
		return func(d time.Time) bool { return int(d.Month()) == mo && d.Day() == n }
	}
	r := []rune(rest) // 第三个星期日
	n, _ := han(string(r[1]))
	on := onWeekdays(string(r[len(r)-1]))
	return func(d time.Time) bool { return int(d.Month()) == mo && nthOf(d, n, on) }
}

// ninths are the days of 农历九月初九, by year; the years after the last are not
// known here.
var ninths = []string{"2026-10-18", "2027-10-08", "2028-10-26", "2029-10-16", "2030-10-05",
	"2031-10-24", "2032-10-12", "2033-10-01", "2034-10-20", "2035-10-09", "2036-10-27"}

func doubleNinth(d time.Time) bool { return slices.Contains(ninths, d.Format(time.DateOnly)) }
