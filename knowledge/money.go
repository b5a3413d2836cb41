package knowledge

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quantity is a number found in a text, with where it stands (bytes).
type quantity struct {
	value      float64
	start, end int
	wan        bool // written with 万 or 千, so it is money even without 元
	unit       string
}

var quantityPattern = regexp.MustCompile(`(\d+(?:\.\d+)?|[零一二两三四五六七八九十百千万亿]+)\s*(万|千|百|亿)?\s*(元|块钱|块|圆|w|k|个月|月|年半|年|周岁|岁|天|级)?`)

// quantities finds the numbers of a normalised text with their units: "20万元",
// "八千", "1.5万", "3年7个月", "九级". Values are in the unit named: yuan, months…
func quantities(text string) []quantity {
	var list []quantity
	for _, m := range quantityPattern.FindAllStringSubmatchIndex(text, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		v, ok := parseAmount(group(1))
		if !ok {
			continue
		}
		q := quantity{start: m[0], end: m[1], unit: group(3)}
		q.wan = strings.ContainsAny(group(1), "百千万亿") && utf8.RuneCountInString(group(1)) > 1 || group(2) != ""
		v *= map[string]float64{"": 1, "百": 100, "千": 1000, "万": 1e4, "亿": 1e8}[group(2)]
		switch q.unit {
		case "w":
			v, q.unit, q.wan = v*1e4, "元", true
		case "k":
			v, q.unit, q.wan = v*1000, "元", true
		case "块", "块钱", "圆":
			q.unit = "元"
		case "年半":
			v, q.unit = v+.5, "年"
		case "周岁":
			q.unit = "岁"
		}
		q.value = v
		list = append(list, q)
	}
	return list
}

// parseAmount reads "1200", "1.5", "八千", "三十万", "一千六" (1600), "两万五".
func parseAmount(s string) (float64, bool) {
	if s == "" {
		return 0, false
	}
	if s[0] < 0x80 {
		v, err := strconv.ParseFloat(s, 64)
		return v, err == nil && v < 1e12
	}
	total, section, digit, last := 0.0, 0.0, 0.0, 0.0
	has := false
	for _, r := range s {
		switch r {
		case '十', '百', '千':
			u := map[rune]float64{'十': 10, '百': 100, '千': 1000}[r]
			if !has {
				digit = 1
			}
			section += digit * u
			digit, has, last = 0, false, u
		case '万', '亿':
			u := map[rune]float64{'万': 1e4, '亿': 1e8}[r]
			section += digit
			if section == 0 {
				section = 1
			}
			total = (total + section) * u
			section, digit, has, last = 0, 0, false, u
		default:
			d, ok := hanDigit(r)
			if !ok {
				return 0, false
			}
			digit, has = float64(d), true
			if d == 0 {
				last = 0 // 一百零五: the next digit counts one
			}
		}
	}
	if has && last >= 100 { // 一千六, 两万五
		digit *= last / 10
	}
	v := total + section + digit
	return v, v > 0 && v < 1e12
}

// yuan finds the amounts of money in a text, in the order they stand. A number
// without 元 counts if it is written with 千 or 万, or stands behind a word for
// money.
func yuan(text string) []quantity {
	var list []quantity
	for _, q := range quantities(text) {
		switch {
		case q.unit == "元" || q.unit == "" && q.wan:
			list = append(list, q)
		case q.unit == "" && q.value >= 100 && moneyBefore.MatchString(text[:q.start]):
			list = append(list, q)
		}
	}
	return list
}

var moneyBefore = regexp.MustCompile(`(月薪|工资|薪水|收入|工钱|借|借款|欠|到账|到手|定金|订金|押金|本金|标的|金额|花了|付了|交了|给了|赔|价)(了|我|他|是|有|才|每月|一个月|大概|写|只)*$`)

// since finds how long something has lasted in a text: "3年7个月" → 43 months,
// "半年" → 6, "一年半" → 18, "四年" → 48.
func monthsIn(text string) (months float64, ok bool) {
	if strings.Contains(text, "半年") && !strings.Contains(text, "年半") {
		return 6, true
	}
	prevYear := -1
	for _, q := range quantities(text) {
		switch q.unit {
		case "年":
			if q.value <= 60 {
				months, ok, prevYear = q.value*12, true, q.end
			}
		case "个月":
			if ok && q.start-prevYear <= len("零") && prevYear >= 0 {
				return months + q.value, true
			}
			if !ok {
				months, ok = q.value, true
			}
		}
	}
	return months, ok
}

// monthsAfter is monthsIn of the first period that stands right behind before.
func monthsAfter(text string, before *regexp.Regexp) (months float64, ok bool) {
	for _, q := range quantities(text) {
		if q.unit != "年" && q.unit != "个月" || q.unit == "年" && q.value > 60 || !before.MatchString(text[:q.start]) {
			continue
		}
		end := q.end
		if q.unit == "年" { // 3年7个月
			for _, more := range quantities(text[q.end:]) {
				if more.unit == "个月" && more.start <= len("零") {
					end = q.end + more.end
				}
			}
		}
		return monthsIn(text[q.start:end])
	}
	if at := strings.Index(text, "半年"); at >= 0 && before.MatchString(text[:at]) {
		return 6, true
	}
	return 0, false
}

// money writes an amount in yuan without needless decimals.
func money(v float64) string {
	v = math.Round(v*100) / 100
	return strconv.FormatFloat(v, 'f', -1, 64) + "元"
}
