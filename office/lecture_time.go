package office

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
)

// Rules of when a lecture may be, all our own promise: lecturers get three
// working days to prepare; what is not marked otherwise is held in working
// hours; nothing goes on past 20:30, and nothing is on a public holiday.
const (
	orderNotice = 3   // working days between ordering and the lecture
	orderAhead  = 180 // days that can be ordered ahead
	travel      = 30 * time.Minute
)

var (
	dayStart   = clock{8, 30}
	dayEnd     = clock{17, 30}
	eveningEnd = clock{20, 30}
)

type clock struct{ hour, minute int }

func (c clock) on(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), c.hour, c.minute, 0, 0, china)
}

func (c clock) String() string { return fmt.Sprintf("%d:%02d", c.hour, c.minute) }

// bookable refuses a time at which there are no lectures, and says what could
// be instead. exact is false if the holidays of that year are not announced.
func bookable(at time.Time, minutes int, extra bool, now time.Time) (exact bool, err error) {
	at = at.In(china)
	day := calendar.Day(at)
	first, _ := calendar.Due(calendar.Day(now), workdays(orderNotice), false)
	holiday, exact := calendar.Holiday(day)
	work, _ := calendar.IsWorkDay(day)
	end := at.Add(time.Duration(minutes) * time.Minute)
	last := dayEnd
	if extra {
		last = eveningEnd
	}
	switch {
	case day.Before(first):
		return exact, invalid("讲师要准备，最早可以约 %s。换个时间好吗？", dayName(first))
	case day.After(calendar.Day(now).AddDate(0, 0, orderAhead)):
		return exact, invalid("最多提前 %d 天约，请约 %s 以前的时间。", orderAhead, dayName(calendar.Day(now).AddDate(0, 0, orderAhead)))
	case holiday:
		return exact, invalid("%s是法定节假日，不安排讲座；最近可以约 %s。", dayName(day), dayName(nextWorkDay(day)))
	case !work && !extra:
		return exact, invalid("%s是周末，这一项只在工作日讲；最近可以约 %s。", dayName(day), dayName(nextWorkDay(day)))
	case at.Before(dayStart.on(at)) || end.After(last.on(at)):
		return exact, invalid("这一项要 %d 分钟，只能安排在 %s 到 %s 之间。请换个钟点。", minutes, dayStart, last)
	}
	return exact, nil
}

func nextWorkDay(day time.Time) time.Time {
	next, _ := calendar.Due(day, workdays(1), false)
	return next
}

func dayName(day time.Time) string {
	return fmt.Sprintf("%d月%d日（周%c）", day.Month(), day.Day(), []rune("日一二三四五六")[day.Weekday()])
}

// TimeName is how a time is said, 12月5日（周六）09:00; ParseWhen reads it.
func TimeName(at time.Time) string {
	at = at.In(china)
	return dayName(at) + at.Format("15:04")
}

var (
	hanNumber  = regexp.MustCompile(`[零〇一二三四五六七八九十两]+`)
	whenWeek   = regexp.MustCompile(`(下下|下|这|本)?(?:个)?(?:周|星期|礼拜)([1-7日天])`)
	whenNear   = regexp.MustCompile(`大后天|后天|明天|今天`)
	whenDate   = regexp.MustCompile(`(?:(\d{4})\s*[-年./]\s*)?(\d{1,2})\s*[-月./]\s*(\d{1,2})\s*[日号]?`)
	whenDayNo  = regexp.MustCompile(`(\d{1,2})\s*[日号]`)
	whenClock  = regexp.MustCompile(`(早上|上午|中午|下午|傍晚|晚上|晚)?\s*(\d{1,2})\s*[:点时]\s*(半|1刻|3刻|\d{1,2})?`)
	whenPeriod = regexp.MustCompile(`早上|上午|中午|下午|傍晚|晚上|晚`)
)

// hanDigit reads 1 to 99 as it is written in Chinese: 十二, 三十, 二十五.
func hanDigit(s string) string {
	tens, ones, seen := 0, 0, false
	for _, r := range s {
		switch n := strings.IndexRune("零一二三四五六七八九", r) / 3; {
		case r == '十' && !seen:
			tens, ones, seen = max(ones, 1), 0, true
		case r == '两':
			ones = 2
		case r == '〇' || r == '零':
		case n > 0 && ones == 0:
			ones = n
		default:
			return s
		}
	}
	return strconv.Itoa(tens*10 + ones)
}

// ParseWhen reads a time as people write it: "12月5日上午9点", "下周三下午两点半",
// "后天晚上七点". A day without a year is the next such day. Invalid if the day or
// the hour is missing.
func ParseWhen(text string, now time.Time) (time.Time, error) {
	now = now.In(china)
	t := strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '：':
			return ':'
		case r == '－' || r == '—':
			return '-'
		}
		return r
	}, cleanText(text))
	t = hanNumber.ReplaceAllStringFunc(t, hanDigit)
	day, rest, ok := whenDay(t, now)
	if !ok {
		return time.Time{}, invalid("没看懂是哪一天。请这样写：12月5日上午9点，或者：下周三下午2点半。")
	}
	c, ok := whenTime(rest)
	if !ok {
		return time.Time{}, invalid("没看懂是几点。请这样写：12月5日上午9点，或者：下周三下午2点半。")
	}
	return c.on(day), nil
}

// whenDay finds the day and gives the text without it.
func whenDay(t string, now time.Time) (day time.Time, rest string, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, china)
	cut := func(m []int) string { return t[:m[0]] + " " + t[m[1]:] }
	date := whenDate.FindStringSubmatchIndex(t)
	byDate := func(m []int) (time.Time, string, bool) {
		y := 0
		if m[2] >= 0 {
			y, _ = strconv.Atoi(t[m[2]:m[3]])
		}
		mo, _ := strconv.Atoi(t[m[4]:m[5]])
		d, _ := strconv.Atoi(t[m[6]:m[7]])
		day, ok := validDate(y, mo, d, today)
		return day, cut(m), ok
	}
	if date != nil && (date[2] >= 0 || strings.Contains(t[date[0]:date[1]], "月")) {
		return byDate(date)
	}
	if m := whenNear.FindStringIndex(t); m != nil {
		n := map[string]int{"今天": 0, "明天": 1, "后天": 2, "大后天": 3}[t[m[0]:m[1]]]
		return today.AddDate(0, 0, n), cut(m), true
	}
	if m := whenWeek.FindStringSubmatchIndex(t); m != nil {
		which := ""
		if m[2] >= 0 {
			which = t[m[2]:m[3]]
		}
		wd, _ := strconv.Atoi(t[m[4]:m[5]])
		if wd == 0 {
			wd = 7
		}
		monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
		day = monday.AddDate(0, 0, wd-1+7*map[string]int{"下": 1, "下下": 2}[which])
		if which == "" && !day.After(today) {
			day = day.AddDate(0, 0, 7)
		}
		return day, cut(m), true
	}
	if date != nil {
		return byDate(date)
	}
	if m := whenDayNo.FindStringSubmatchIndex(t); m != nil {
		d, _ := strconv.Atoi(t[m[2]:m[3]])
		if day, ok = validDate(today.Year(), int(today.Month()), d, today); ok && day.Before(today) {
			next := today.AddDate(0, 0, 1-today.Day()).AddDate(0, 1, 0)
			day, ok = validDate(next.Year(), int(next.Month()), d, today)
		}
		return day, cut(m), ok
	}
	return day, t, false
}

// validDate makes a day; year 0 is the next time it comes.
func validDate(y, m, d int, today time.Time) (time.Time, bool) {
	year := y
	if y == 0 {
		year = today.Year()
	}
	day := time.Date(year, time.Month(m), d, 0, 0, 0, 0, china)
	if y == 0 && day.Before(today) {
		day = time.Date(year+1, time.Month(m), d, 0, 0, 0, 0, china)
	}
	return day, int(day.Month()) == m && day.Day() == d && day.Year() >= today.Year() && day.Year() <= today.Year()+2
}

// whenTime finds the hour; morning, afternoon and evening alone mean 9:00, 14:30
// and 19:00, and an hour before eight without either is one of the afternoon.
func whenTime(t string) (clock, bool) {
	m := whenClock.FindStringSubmatch(t)
	if m == nil {
		switch p := whenPeriod.FindString(t); p {
		case "":
			return clock{}, false
		case "早上", "上午":
			return clock{9, 0}, true
		case "中午", "下午":
			return clock{14, 30}, true
		default:
			return clock{19, 0}, true
		}
	}
	c := clock{}
	c.hour, _ = strconv.Atoi(m[2])
	switch m[3] {
	case "":
	case "半":
		c.minute = 30
	case "1刻":
		c.minute = 15
	case "3刻":
		c.minute = 45
	default:
		c.minute, _ = strconv.Atoi(m[3])
	}
	late := m[1] == "下午" || m[1] == "傍晚" || m[1] == "晚上" || m[1] == "晚"
	if late && c.hour < 12 || m[1] == "中午" && c.hour < 11 || m[1] == "" && c.hour > 0 && c.hour < 8 {
		c.hour += 12
	}
	return c, c.hour < 24 && c.minute < 60
}
