package knowledge

import (
	"regexp"
	"time"
)

// Ways people name a day. Only a full day counts: "去年三月" is not enough to
// compute a deadline from.
var (
	isoDay      = regexp.MustCompile(`(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?`)
	monthDay    = regexp.MustCompile(`(去年|今年)?(\d{1,2}|[一二三四五六七八九十]{1,3})月(\d{1,2}|[一二三四五六七八九十]{1,3})[日号]`)
	lastMonth   = regexp.MustCompile(`(上个?月|这个?月|本月)(\d{1,2}|[一二三四五六七八九十]{1,3})[日号]`)
	weekDay     = regexp.MustCompile(`(上上|上|这|本)?(?:个)?(?:周|星期|礼拜)([一二三四五六日天])`)
	daysAgo     = regexp.MustCompile(`(\d{1,3}|[一二两三四五六七八九十百]{1,5})天(?:之?前|以前)`)
	namedDays   = regexp.MustCompile(`大前天|前天|昨天|昨晚|昨日|今天|今早|今日|刚刚|刚才`)
	namedOffset = map[string]int{"大前天": -3, "前天": -2, "昨天": -1, "昨晚": -1, "昨日": -1, "今天": 0, "今早": 0, "今日": 0, "刚刚": 0, "刚才": 0}
	weekDays    = map[string]time.Weekday{"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 0, "天": 0}
)

// findDay reads the first day named in a clause of normalised text, relative to
// on: "2026年3月5日", "3月5号" (the last one not after on), "上个月5号", "上周三",
// "前天", "三天前".
func findDay(clause string, on time.Time) (time.Time, bool) {
	if m := isoDay.FindStringSubmatch(clause); m != nil {
		return makeDay(m[1], m[2], m[3])
	}
	if m := monthDay.FindStringSubmatch(clause); m != nil {
		mo, okM := parseNumber(m[2])
		d, okD := parseNumber(m[3])
		if !okM || !okD || mo < 1 || mo > 12 || d < 1 || d > 31 {
			return time.Time{}, false
		}
		y := on.Year()
		if m[1] == "去年" {
			y--
		}
		day := time.Date(y, time.Month(mo), d, 0, 0, 0, 0, time.UTC)
		if m[1] == "" && day.After(on) {
			day = time.Date(y-1, time.Month(mo), d, 0, 0, 0, 0, time.UTC)
		}
		return day, int(day.Month()) == mo
	}
	if m := lastMonth.FindStringSubmatch(clause); m != nil {
		d, ok := parseNumber(m[2])
		if !ok || d < 1 || d > 31 {
			return time.Time{}, false
		}
		month := on.Month()
		if m[1][:len("上")] == "上" {
			month--
		}
		day := time.Date(on.Year(), month, d, 0, 0, 0, 0, time.UTC)
		return day, day.Day() == d
	}
	if m := namedDays.FindString(clause); m != "" {
		return on.AddDate(0, 0, namedOffset[m]), true
	}
	if m := weekDay.FindStringSubmatch(clause); m != nil {
		return namedWeekDay(m[1], weekDays[m[2]], on), true
	}
	if m := daysAgo.FindStringSubmatch(clause); m != nil {
		if n, ok := parseNumber(m[1]); ok {
			return on.AddDate(0, 0, -n), true
		}
	}
	return time.Time{}, false
}

// namedWeekDay gives "上周三", "上上周五", "这周一", and a bare "周三" as the last
// one not after on.
func namedWeekDay(which string, wd time.Weekday, on time.Time) time.Time {
	monday := on.AddDate(0, 0, -(int(on.Weekday())+6)%7)
	day := monday.AddDate(0, 0, (int(wd)+6)%7)
	switch which {
	case "上":
		return day.AddDate(0, 0, -7)
	case "上上":
		return day.AddDate(0, 0, -14)
	case "":
		if day.After(on) {
			return day.AddDate(0, 0, -7)
		}
	}
	return day
}

func makeDay(y, m, d string) (time.Time, bool) {
	yy, _ := parseNumber(y)
	mm, _ := parseNumber(m)
	dd, _ := parseNumber(d)
	day := time.Date(yy, time.Month(mm), dd, 0, 0, 0, 0, time.UTC)
	return day, yy >= 1949 && int(day.Month()) == mm && day.Day() == dd
}
