// Package calendar counts days as offices and courts do: working days with the
// State Council's holidays, and deadlines that roll off a holiday. All days are
// midnight UTC of the calendar day in China.
package calendar

import (
	"strconv"
	"time"
)

// Span is a period of time as the law states it.
type Span struct {
	N    int
	Unit Unit
}

// Unit is what a Span counts.
type Unit uint8

// Units of a Span.
const (
	Days Unit = iota
	WorkDays
	Months
	Years
	Hours
)

var unitNames = [...]string{"日", "个工作日", "个月", "年", "小时"}

// String gives "15日", "3个工作日", "6个月", "1年".
func (s Span) String() string { return strconv.Itoa(s.N) + unitNames[s.Unit] }

// Day makes the midnight UTC that stands for the day t falls on in China.
func Day(t time.Time) time.Time {
	y, m, d := t.In(china).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// china has had no daylight saving since 1991.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// IsWorkDay says whether offices work on the day. known is false for days of
// years whose holidays were not announced when this was written; then only
// weekends count as free.
func IsWorkDay(day time.Time) (work, known bool) {
	y, ok := years[day.Year()]
	key := day.Format("01-02")
	switch {
	case y.off[key]:
		return false, ok
	case y.work[key]:
		return true, ok
	}
	wd := day.Weekday()
	return wd != time.Saturday && wd != time.Sunday, ok
}

// LastKnownYear is the last year whose holidays are known.
func LastKnownYear() int {
	last := 0
	for y := range years {
		last = max(last, y)
	}
	return last
}

// Due is the last day of a period that starts with an event on the day from.
// The day of the event does not count; months and years end on the day of the
// same number, or on the month's last day if there is none; a last day that is
// a holiday rolls to the next working day when roll is set (民法典 第二百零一条 to
// 第二百零三条, 民事诉讼法 第八十五条). exact is false if a holiday in a year not yet
// announced could move the day.
func Due(from time.Time, s Span, roll bool) (due time.Time, exact bool) {
	exact = true
	switch s.Unit {
	case Hours:
		return from.Add(time.Duration(s.N) * time.Hour), true
	case WorkDays:
		due = from
		for n := s.N; n > 0; {
			due = due.AddDate(0, 0, 1)
			work, known := IsWorkDay(due)
			exact = exact && known
			if work {
				n--
			}
		}
		return due, exact
	case Months:
		due = addMonths(from, s.N)
	case Years:
		due = addMonths(from, 12*s.N)
	default:
		due = from.AddDate(0, 0, s.N)
	}
	for roll {
		work, known := IsWorkDay(due)
		exact = exact && known
		if work {
			break
		}
		due = due.AddDate(0, 0, 1)
	}
	return due, exact
}

func addMonths(d time.Time, n int) time.Time {
	first := time.Date(d.Year(), d.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d.Day(), last)-1)
}

// Holiday says whether a day belongs to a holiday that the State Council
// announced, weekends within it included. known is false for years whose
// holidays were not announced when this was written.
func Holiday(day time.Time) (off, known bool) {
	y, ok := years[day.Year()]
	return y.off[day.Format("01-02")], ok
}
