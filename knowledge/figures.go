package knowledge

import (
	"regexp"
	"strconv"
	"strings"
)

// Figure is a number with its unit, in one writing for all: 七日, 7日 and 7天
// are {7, 日}; 百分之三十 and 30% are {30, %}; 5万元 and 五万元 are {50000, 元}.
type Figure struct {
	Value float64
	Unit  string // 日 工作日 个月 年 小时 分钟 岁 元 倍 % ‰ ‱ or 分之三
}

// String gives the figure as read: "7日", "30%".
func (f Figure) String() string {
	return strconv.FormatFloat(f.Value, 'f', -1, 64) + f.Unit
}

const (
	numberPart = `(\d+(?:\.\d+)?(?:万|千|百|亿)?|[零一二两三四五六七八九十百千万亿]+)`
	fraction   = `\d{1,3}/\d{1,3}`
	unitPart   = `(个工作日|工作日|个月|小时|分钟|周岁|万元|元|块钱|块|日|天|年|倍|岁|%|‰|‱|成|分之[一二三四五六七八九十百]+)`
)

var (
	figurePattern  = regexp.MustCompile(numberPart + unitPart)
	rangePattern   = regexp.MustCompile(numberPart + `个?(?:至|到|-|~|－|—|～)` + numberPart + unitPart)
	notFigures     = regexp.MustCompile(`第[零一二两三四五六七八九十百千\d]+(?:条之[一二三四五六七八九十]+|[条款项季编章节审次])|(?:\d{4}|[一二三四五六七八九十〇零]{4})年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2}月\d{1,2}日|[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}日|\d{4}-\d\d-\d\d|\[\d{1,2}\]`)
	listNumber     = regexp.MustCompile(`(?m)^\s*\d{1,2}[.．、]\s+`)
	percentPattern = regexp.MustCompile(`([百千万])分之(\d+(?:\.\d+)?|[零一二两三四五六七八九十百点]+)`)
	fractionOnly   = regexp.MustCompile(`^` + fraction + `$`)
	about          = regexp.MustCompile(`^[一二两三四五六七八九]{2}$`) // 三五年, 两三天
	commaPattern   = regexp.MustCompile(`(\d),(\d{3})`)
)

// Figures reads every figure with a unit in s, dates, article numbers and marks
// like [1] left out. 一日, 一天 and 一年 written in Han alone are left out too:
// 一年一次, 有一天.
func Figures(s string) []Figure {
	var list []Figure
	for _, f := range allFigures(s) {
		if !f.bare {
			list = append(list, f.Figure)
		}
	}
	return list
}

// ProvedFigures is Figures with a lone 一日, 一年 and 一元 too: what a proof phrase
// states, as in 一年内.
func ProvedFigures(s string) []Figure {
	var list []Figure
	for _, f := range allFigures(s) {
		list = append(list, f.Figure)
	}
	return list
}

// readFigure is a figure as it stands; bare is a single 一 before 日, 年 or 元,
// which is often no figure at all.
type readFigure struct {
	Figure
	bare bool
}

func allFigures(s string) []readFigure {
	s = notFigures.ReplaceAllString(foldFigures(listNumber.ReplaceAllString(s, "")), " ")
	var list []readFigure
	for _, m := range rangePattern.FindAllStringSubmatch(s, -1) {
		first := m[1]
		if strings.HasSuffix(m[2], "万") && !strings.HasSuffix(first, "万") {
			first += "万" // 3到5万元
		}
		if f, ok := figureOf(first, m[3]); ok {
			list = append(list, f)
		}
	}
	for _, m := range figurePattern.FindAllStringSubmatch(s, -1) {
		if f, ok := figureOf(m[1], m[2]); ok {
			list = append(list, f)
		}
	}
	return list
}

// foldFigures drops spaces, makes digits ASCII and writes fractions of a
// hundred as %.
func foldFigures(s string) string {
	s = foldText(s)
	for range 3 {
		s = commaPattern.ReplaceAllString(s, "$1$2")
	}
	return percentPattern.ReplaceAllStringFunc(s, func(m string) string {
		p := percentPattern.FindStringSubmatch(m)
		v, ok := readNumber(p[2])
		if !ok {
			return m
		}
		return strconv.FormatFloat(v, 'f', -1, 64) + map[string]string{"百": "%", "千": "‰", "万": "‱"}[p[1]]
	})
}

func figureOf(digits, unit string) (readFigure, bool) {
	v, ok := readNumber(digits)
	if !ok || about.MatchString(digits) {
		return readFigure{}, false
	}
	switch unit {
	case "天":
		unit = "日"
	case "个工作日":
		unit = "工作日"
	case "周岁":
		unit = "岁"
	case "块钱", "块":
		unit = "元"
	case "万元":
		v, unit = v*10000, "元"
	case "成":
		v, unit = v*10, "%"
	}
	if unit == "年" && v >= 1900 {
		return readFigure{}, false // a year
	}
	bare := digits == "一" && (unit == "日" || unit == "年" || unit == "元")
	return readFigure{Figure: Figure{Value: v, Unit: unit}, bare: bare}, true
}

// readNumber reads Arabic digits with 万, 千, 百, 亿, and Han numbers up to 亿, also
// with 点.
func readNumber(s string) (float64, bool) {
	scale := 1.0
	for _, u := range []struct {
		s string
		v float64
	}{{"亿", 1e8}, {"万", 1e4}, {"千", 1e3}, {"百", 100}} {
		if rest, ok := strings.CutSuffix(s, u.s); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			s, scale = rest, u.v
			break
		}
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return v * scale, true
	}
	whole, decimals, hasPoint := strings.Cut(s, "点")
	if hasPoint {
		w, ok1 := parseNumber(whole)
		d, ok2 := parseNumber(decimals)
		frac := float64(d)
		for range []rune(decimals) {
			frac /= 10
		}
		return float64(w) + frac, ok1 && ok2
	}
	total := 0.0
	for _, u := range []struct {
		s string
		v float64
	}{{"亿", 1e8}, {"万", 1e4}} {
		if head, tail, ok := strings.Cut(s, u.s); ok {
			n, fine := parseNumber(head)
			if !fine {
				return 0, false
			}
			total += float64(n) * u.v
			if s = tail; s == "" {
				return total, true
			}
			s = strings.TrimPrefix(s, "零")
		}
	}
	n, ok := parseNumber(s)
	return total + float64(n), ok
}
