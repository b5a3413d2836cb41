package office

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"mingbai/calendar"
)

// Spec is when something comes due: once, by a cron expression, or on days told
// in plain words. It is in the time of China and knows no holidays but where it
// counts working days.
type Spec struct {
	once  time.Time
	cron  cron.Schedule
	days  func(day time.Time) bool // a day of package calendar
	times []int                    // minutes of the day, ascending
}

// Once says whether it comes due only once.
func (s Spec) Once() bool { return !s.once.IsZero() }

// horizon is how many days ahead a time is looked for: 29 February comes every
// eight years at the latest.
const horizon = 366 * 8

// Next is the first time after t; zero: never again.
func (s Spec) Next(t time.Time) time.Time {
	t = t.In(china)
	switch {
	case !s.once.IsZero():
		if s.once.After(t) {
			return s.once
		}
		return time.Time{}
	case s.cron != nil:
		return s.cron.Next(t)
	case s.days == nil:
		return time.Time{}
	}
	day := calendar.Day(t)
	for range horizon {
		if s.days(day) {
			for _, m := range s.times {
				if at := atMinute(day, m); at.After(t) {
					return at
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// atMinute is a minute of a day of package calendar, in China.
func atMinute(day time.Time, m int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), m/60, m%60, 0, 0, china)
}

// maxSpec bounds a spec, in bytes.
const maxSpec = 120

const specHelp = "写成“每周一上午九点”“每月第一个工作日9:30”“每月1号和15号上午10点”“2026-12-04 09:00”，或五段的 cron（如 0 9 * * 1）。"

// ParseSpec reads a plan in plain words ("每周一上午九点", "每月最后一个工作日下午3点",
// "每两周周三"), a date with a time in Chinese or ISO form, the name of a campaign
// day, or five cron fields. anchor is what "明天" and "每两周" count from. What it
// returns has a time after anchor; an Invalid error says how to write it.
func ParseSpec(text string, anchor time.Time) (Spec, error) {
	if len(text) > maxSpec || hasControl(text) {
		return Spec{}, invalid("时间写得太长。%s", specHelp)
	}
	anchor = anchor.In(china).Truncate(time.Second)
	clean := foldSpec(text)
	if clean == "" {
		return Spec{}, invalid("没有写时间。%s", specHelp)
	}
	s, err := parseCron(clean)
	if s.cron == nil && err == nil {
		s, err = parseWords(clean, anchor)
	}
	if err != nil {
		return Spec{}, err
	}
	if s.Next(anchor).IsZero() {
		return Spec{}, invalid("“%s”已经过去，或者永远不会到。", text)
	}
	return s, nil
}

// foldSpec makes full-width characters narrow and spaces single.
func foldSpec(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - 0xfee0
		case r == '　' || r == '\t':
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

var (
	cronField = regexp.MustCompile(`^[0-9*?,/\-A-Za-z]{1,40}$`)
	cronParse = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
)

// parseCron reads five fields. "TZ=" and "CRON_TZ=" never reach the parser, which
// panics over them (robfig/cron issue 470).
func parseCron(text string) (Spec, error) {
	fields := strings.Split(text, " ")
	if strings.ContainsRune(text, '=') {
		return Spec{}, invalid("不能指定时区，时间一律是北京时间。%s", specHelp)
	}
	if len(fields) != 5 || slices.ContainsFunc(fields, func(f string) bool { return !cronField.MatchString(f) }) {
		return Spec{}, nil
	}
	c, err := cronParse.Parse(text)
	if err != nil {
		return Spec{}, &Error{Kind: Invalid, Msg: "cron 表达式不对：五段依次是分、时、日、月、星期（0 是星期日）。" + specHelp, Err: err}
	}
	return Spec{cron: c}, nil
}

const numeral = `(?:[0-9]{1,4}|[零〇一二两三四五六七八九十]{1,3})`

var clockTime = regexp.MustCompile(`(凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|晚|早)? ?(?:(` + numeral + `)(?::([0-9]{2})(?::00)?|[点时](?:(半|一刻|三刻|整|钟)|(` + numeral + `)分?)?)|(正午))`)

// parseWords reads the times of day, then what days they are on.
func parseWords(text string, anchor time.Time) (Spec, error) {
	var s Spec
	bad := false
	rest := clockTime.ReplaceAllStringFunc(text, func(found string) string {
		m := clockTime.FindStringSubmatch(found)
		if minute, ok := readClock(m); ok {
			s.times = append(s.times, minute)
		} else {
			bad = true
		}
		return ","
	})
	if bad {
		return Spec{}, invalid("钟点不对。%s", specHelp)
	}
	if len(s.times) == 0 {
		s.times = []int{9 * 60}
	}
	slices.Sort(s.times)
	s.times = slices.Compact(s.times)
	rest = strings.Trim(dayNoise.ReplaceAllString(rest, ""), "、,和")
	if day, ok := readDate(rest, s.times[0], anchor); ok {
		if len(s.times) > 1 {
			return Spec{}, invalid("只发一次的，写一个钟点。")
		}
		return Spec{once: atMinute(day, s.times[0])}, nil
	}
	for _, r := range dayRules {
		if m := r.match.FindStringSubmatch(rest); m != nil {
			if s.days = r.days(m, s.times, anchor); s.days != nil {
				return s, nil
			}
		}
	}
	return Spec{}, invalid("看不懂“%s”。%s", text, specHelp)
}

var dayNoise = regexp.MustCompile(`[ 的在]|T,?$`)

// readClock gives the minute of the day of a match of clockTime.
func readClock(m []string) (int, bool) {
	if m[6] != "" {
		return 12 * 60, true
	}
	h, ok := han(m[2])
	minute := 0
	switch {
	case m[3] != "":
		minute, _ = strconv.Atoi(m[3])
	case m[4] == "半":
		minute = 30
	case m[4] == "一刻":
		minute = 15
	case m[4] == "三刻":
		minute = 45
	case m[5] != "":
		var fine bool
		minute, fine = han(m[5])
		ok = ok && fine
	}
	switch m[1] {
	case "下午", "傍晚", "晚上", "夜里", "晚":
		if h < 12 {
			h += 12
		}
	case "中午":
		if h < 3 {
			h += 12
		}
	case "凌晨", "清晨", "早上", "早晨", "上午", "早":
		ok = ok && h <= 12
	}
	return h*60 + minute, ok && h < 24 && minute < 60
}

// han reads a number up to 9999 in digits, or up to 99 in Chinese.
func han(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	digit := func(r rune) int {
		if r == '两' {
			return 2
		}
		if r == '〇' {
			return 0
		}
		return slices.Index([]rune("零一二三四五六七八九"), r)
	}
	r := []rune(s)
	i := slices.Index(r, '十')
	if i < 0 {
		if len(r) != 1 || digit(r[0]) < 0 {
			return 0, false
		}
		return digit(r[0]), true
	}
	tens, ones := 1, 0
	if i == 1 {
		tens = digit(r[0])
	}
	if i+1 < len(r) {
		ones = digit(r[i+1])
	}
	if i > 1 || len(r) > i+2 || tens < 1 || ones < 0 {
		return 0, false
	}
	return tens*10 + ones, true
}

var (
	isoDate  = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$`)
	hanDate  = regexp.MustCompile(`^(?:([0-9]{4})年)?(` + numeral + `)月(` + numeral + `)[日号]$`)
	nearDate = regexp.MustCompile(`^(今天|明天|后天|大后天|今日|明日)$`)
	weekDate = regexp.MustCompile(`^(本|这|下|下个)(?:周|星期|礼拜)([一二三四五六日天])$`)
)

// readDate reads one date; without a year it is the next that is still to come.
func readDate(s string, minute int, anchor time.Time) (time.Time, bool) {
	today := calendar.Day(anchor)
	if m := isoDate.FindStringSubmatch(s); m != nil {
		d, err := time.Parse("2006-1-2", strings.Join(m[1:], "-"))
		return d, err == nil
	}
	if m := hanDate.FindStringSubmatch(s); m != nil {
		month, a := han(m[2])
		n, b := han(m[3])
		year := today.Year()
		if m[1] != "" {
			year, _ = strconv.Atoi(m[1])
		}
		d := time.Date(year, time.Month(month), n, 0, 0, 0, 0, time.UTC)
		if m[1] == "" && !atMinute(d, minute).After(anchor) {
			d = time.Date(year+1, time.Month(month), n, 0, 0, 0, 0, time.UTC)
		}
		return d, a && b && int(d.Month()) == month && d.Day() == n
	}
	if m := nearDate.FindStringSubmatch(s); m != nil {
		ahead := map[string]int{"明天": 1, "明日": 1, "后天": 2, "大后天": 3}[m[1]]
		return today.AddDate(0, 0, ahead), true
	}
	if m := weekDate.FindStringSubmatch(s); m != nil {
		d := monday(today).AddDate(0, 0, (weekday(m[2])+6)%7)
		if strings.HasPrefix(m[1], "下") {
			d = d.AddDate(0, 0, 7)
		}
		return d, true
	}
	return time.Time{}, false
}

// monday is the first day of the week of a day.
func monday(day time.Time) time.Time { return day.AddDate(0, 0, -(int(day.Weekday())+6)%7) }

// weekday reads 一 … 六, 日, 天 as time.Weekday.
func weekday(s string) int {
	return max(0, slices.Index([]string{"日", "一", "二", "三", "四", "五", "六"}, s))
}
