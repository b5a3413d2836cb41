package knowledge

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// retirement is one row of 关于实施渐进式延迟法定退休年龄的决定 第一条: whose age it is,
// what it was, from which births on it rises, by one month every so many months
// of birth, and by how many at most.
type retirement struct {
	who   string
	age   int // years, before the change
	from  time.Time
	every int // months of birth for one month more
	most  int // months
}

var retirements = []retirement{
	{"男职工", 60, monthOf(1965, 1), 4, 36},
	{"女职工（原来55岁退休的，多是管理、技术岗位）", 55, monthOf(1970, 1), 4, 36},
	{"女职工（原来50岁退休的）", 50, monthOf(1975, 1), 2, 60},
}

func monthOf(y, m int) time.Time { return time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC) }

// retires gives the age in months at which somebody born in a month retires, and
// the month.
func (r retirement) retires(born time.Time) (age int, month time.Time) {
	age = r.age * 12
	if since := (born.Year()-r.from.Year())*12 + int(born.Month()-r.from.Month()); since >= 0 {
		age += min(since/r.every+1, r.most)
	}
	return age, born.AddDate(0, age, 0)
}

// leastPaid is how many months of contributions a pension needs in the year one
// retires: 15 years, from 2030 on half a year more every year, up to 20 (第二条 of
// the decision).
func leastPaid(year int) int { return 15*12 + min(max(0, year-2029), 10)*6 }

var (
	bornPattern = regexp.MustCompile(`(19\d\d|[一二三四五六七八九]{2}|\d\d)年(?:(\d{1,2}|[一二三四五六七八九十]{1,3})月)?`)
	womanAt55   = regexp.MustCompile(`干部|管理|技术|55|五十五`)
	womanAt50   = regexp.MustCompile(`工人|工厂|流水线|普工|保洁|50|五十岁`)
)

// retire works out when somebody retires who says when they were born.
func retire(t string) string {
	m := bornPattern.FindStringSubmatch(t)
	if m == nil {
		return ""
	}
	year, ok := parseNumber(m[1])
	if year < 100 {
		year += 1900
	}
	month, named := parseNumber(m[2])
	if !ok || year < 1950 || year > 2005 || month > 12 || named && month == 0 {
		return ""
	}
	var rows []string
	for _, r := range whose(t) {
		rows = append(rows, r.text(year, month))
	}
	return strings.Join(rows, "")
}

// whose are the rows that may be meant: both of women's if it is not said which.
func whose(t string) []retirement {
	switch woman := strings.Contains(t, "女"); {
	case !woman && strings.Contains(t, "男"):
		return retirements[:1]
	case !woman:
		return retirements
	case womanAt55.MatchString(t):
		return retirements[1:2]
	case womanAt50.MatchString(t):
		return retirements[2:]
	}
	return retirements[1:]
}

func (r retirement) text(year, month int) string {
	if month == 0 {
		first, from := r.retires(monthOf(year, 1))
		last, to := r.retires(monthOf(year, 12))
		return fmt.Sprintf("按你说的%d年出生算，%s：%s到%s退休，在%s到%s之间（说出生月份可以算准）。", year, r.who, yearsMonths(first, "岁"), yearsMonths(last, "岁"), aboutMonth(from, from), aboutMonth(to, to))
	}
	age, at := r.retires(monthOf(year, month))
	return fmt.Sprintf("按你说的%d年%d月出生算，%s：%s退休，在%s；那年退休领养老金要交满%s。", year, month, r.who, yearsMonths(age, "岁"), aboutMonth(at, at), yearsMonths(leastPaid(at.Year()), "年"))
}

// yearsMonths writes so many months as years and months: "61岁11个月", "15年".
func yearsMonths(n int, year string) string {
	if n%12 == 0 {
		return fmt.Sprintf("%d%s", n/12, year)
	}
	return fmt.Sprintf("%d%s%d个月", n/12, year, n%12)
}
