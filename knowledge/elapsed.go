package knowledge

import (
	"regexp"
	"strings"
	"time"
)

// dayRange is when something happened: the first and the last day it may have
// been. Both are the same if the person named the day.
type dayRange struct{ from, to time.Time }

func (r dayRange) exact() bool { return r.from.Equal(r.to) }

const (
	spanCount = `(\d{1,3}|[一二两三四五六七八九十百]{1,5})`
	paper     = `[的了人去书信单证定]{0,3}` // what may stand between a cue and the time: 判决书, 认定书
	elapsed   = `((?:` + spanCount + `年(半)?|半年)?[多零又]{0,2}(?:` + spanCount + `个(半)?月)?[多零又]{0,2}(?:` + spanCount + `天)?)`
)

// Ways people say how long ago something was. The groups of elapsed stand first
// in each.
var (
	elapsedOnly   = regexp.MustCompile(`^` + elapsed + `$`)
	elapsedBefore = regexp.MustCompile(elapsed + `(?:以|之)?前`)                                               // 一年零两个月前
	elapsedSince  = regexp.MustCompile(`(?:距离?|离[^婚职开岗家])[^\d后干做找等]{0,12}?` + elapsed + `多?了?`)             // 离出事一年零二十天了
	elapsedUntil  = regexp.MustCompile(`(?:到|至)(?:今天?|现在|目前|眼下)(?:为止)?(?:已经|已|都|有|也|快|是|整整)*` + elapsed)    // 到今天十三个月了
	elapsedBehind = regexp.MustCompile(`^` + paper + `(?:已经|已|都|有|也|快|过去|过了|将近|整整|差不多)*` + elapsed + `多?了`) // behind a cue: 离职八个月了
	elapsedGone   = regexp.MustCompile(`^` + paper + `(?:已经|都|快|过去|过了)+` + elapsed)                         // behind a cue: 离职都八个月
	nthDay        = regexp.MustCompile(`第` + spanCount + `天`)
	nearlyWord    = regexp.MustCompile(`快|将近|差不多`)
	shortOf       = regexp.MustCompile(`不到|没到|不满|未满|还差`)
	onlyMonth     = regexp.MustCompile(`(去年|今年|前年|\d{4}年)的?(\d{1,2}|[一二三四五六七八九十]{1,3})月(?:份)?(初|上旬|中旬|中|下旬|底|末)?|(\d{1,2}|[一二三四五六七八九十]{1,3})月(份|初|上旬|中旬|下旬|底|末)`)
	beforeMonth   = regexp.MustCompile(`上个?月(初|上旬|中旬|下旬|底|末)?`)
	feast         = regexp.MustCompile(`(去年|今年|前年)?(国庆|五一|劳动节|元旦|六一)节?(?:的)?(前一天|后一天|第二天|那天|当天)?`)
	feastDay      = map[string][2]int{"国庆": {10, 1}, "五一": {5, 1}, "劳动节": {5, 1}, "元旦": {1, 1}, "六一": {6, 1}}
	// nowWords make "今天" the day of asking, not of the event: 今天是第七天.
	nowWords = regexp.MustCompile(`(?:到|至|截至|截止)今[天日]|今[天日](?:离|距|是第|已|都|还|才|就|能|可以|来得及|正好|刚好)`)
)

// happened reads from a clause of normalised text when that was which cue names,
// relative to on: a day ("3月5号", "前天", "第七天", "国庆前一天"), or about when
// ("去年三月底", "离出事十三个月了", "离职一年零两个月了"). It was not after on.
func happened(clause, cue string, on time.Time) (dayRange, bool) {
	if shortOf.MatchString(clause) {
		return dayRange{}, false
	}
	_, behind, _ := strings.Cut(clause, cue)
	for _, find := range []func() (dayRange, bool){
		func() (dayRange, bool) { return nth(clause, on) },
		func() (dayRange, bool) { return ago(elapsedSince, clause, on) },
		func() (dayRange, bool) { return ago(elapsedUntil, clause, on) },
		func() (dayRange, bool) { return ago(elapsedBefore, clause, on) },
		func() (dayRange, bool) { return ago(elapsedBehind, behind, on) },
		func() (dayRange, bool) { return ago(elapsedGone, behind, on) },
		func() (dayRange, bool) { return atFeast(clause, on) },
		func() (dayRange, bool) {
			d, ok := findDay(nowWords.ReplaceAllString(clause, ""), on)
			return dayRange{d, d}, ok
		},
		func() (dayRange, bool) { return inMonth(clause, on) },
	} {
		if r, ok := find(); ok {
			if r.from.After(on) {
				return dayRange{}, false
			}
			if r.to.After(on) {
				r.to = on
			}
			return r, true
		}
	}
	return dayRange{}, false
}

// nth reads "今天是第七天": the first of them may have been the day itself or the
// day after; the earlier is taken, so that nobody is told of a day too many.
func nth(clause string, on time.Time) (dayRange, bool) {
	m := nthDay.FindStringSubmatch(clause)
	if m == nil {
		return dayRange{}, false
	}
	n, ok := parseNumber(m[1])
	d := on.AddDate(0, 0, -n)
	return dayRange{d, d}, ok
}

// ago reads how long ago something was. Days are exact; "十三个月" may have been a
// month longer, "一年" a year.
func ago(p *regexp.Regexp, clause string, on time.Time) (dayRange, bool) {
	at := p.FindStringSubmatchIndex(clause)
	if at == nil || at[2] == at[3] || strings.HasPrefix(clause[at[1]:], "后") {
		return dayRange{}, false
	}
	m := elapsedOnly.FindStringSubmatch(clause[at[2]:at[3]])
	if m == nil {
		return dayRange{}, false
	}
	years, _ := parseNumber(m[2])
	months, _ := parseNumber(m[4])
	days, _ := parseNumber(m[6])
	months += years * 12
	if m[3] != "" || strings.HasPrefix(m[1], "半年") {
		months += 6
	}
	to := on.AddDate(0, -months, -days)
	switch {
	case months == 0 && days == 0:
		return dayRange{}, false
	case days > 0 && m[5] == "":
		return dayRange{to, to}, true
	case nearlyWord.MatchString(clause):
		return dayRange{to, to.AddDate(0, 1, 0)}, true
	case m[4] == "" && m[3] == "" && years > 0:
		return dayRange{to.AddDate(-1, 0, 1), to}, true
	case m[5] != "":
		return dayRange{to.AddDate(0, -1, 1), to.AddDate(0, 0, -15)}, true
	}
	return dayRange{to.AddDate(0, -1, 1), to}, true
}

func atFeast(clause string, on time.Time) (dayRange, bool) {
	m := feast.FindStringSubmatch(clause)
	if m == nil || m[1] == "" && m[3] == "" {
		return dayRange{}, false
	}
	d := time.Date(on.Year()+yearWord(m[1]), time.Month(feastDay[m[2]][0]), feastDay[m[2]][1], 0, 0, 0, 0, time.UTC)
	switch m[3] {
	case "前一天":
		d = d.AddDate(0, 0, -1)
	case "后一天", "第二天":
		d = d.AddDate(0, 0, 1)
	case "":
		return dayRange{d.AddDate(0, 0, -3), d.AddDate(0, 0, 7)}, true // about then
	}
	return dayRange{d, d}, true
}

// inMonth reads "去年8月底", "3月份", "上个月": some day of it.
func inMonth(clause string, on time.Time) (dayRange, bool) {
	part, first := "", time.Time{}
	if m := onlyMonth.FindStringSubmatch(clause); m != nil {
		n, ok := parseNumber(m[2] + m[4])
		if !ok || n < 1 || n > 12 {
			return dayRange{}, false
		}
		year := on.Year() + yearWord(m[1])
		if y, isYear := strings.CutSuffix(m[1], "年"); isYear && yearWord(m[1]) == 0 && m[1] != "今年" {
			year, _ = parseNumber(y)
		}
		first, part = time.Date(year, time.Month(n), 1, 0, 0, 0, 0, time.UTC), m[3]+m[5]
		if m[1] == "" && first.After(on) {
			first = first.AddDate(-1, 0, 0)
		}
	} else if m := beforeMonth.FindStringSubmatch(clause); m != nil {
		first, part = time.Date(on.Year(), on.Month()-1, 1, 0, 0, 0, 0, time.UTC), m[1]
	} else {
		return dayRange{}, false
	}
	last := first.AddDate(0, 1, -1)
	switch part {
	case "初", "上旬":
		last = first.AddDate(0, 0, 9)
	case "中", "中旬":
		first, last = first.AddDate(0, 0, 10), first.AddDate(0, 0, 19)
	case "底", "末", "下旬":
		first = first.AddDate(0, 0, 20)
	}
	return dayRange{first, last}, true
}

// yearWord is how many years "去年" is from now; 0 for what is no such word.
func yearWord(w string) int {
	return map[string]int{"前年": -2, "去年": -1}[w]
}
