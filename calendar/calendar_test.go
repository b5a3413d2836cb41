package calendar

import (
	"testing"
	"time"
)

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestDue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from string
		span       Span
		roll       bool
		want       string
		exact      bool
	}{
		{"the day of the event does not count", "2026-11-02", Span{15, Days}, true, "2026-11-17", true},
		{"a last day on Sunday rolls to Monday", "2026-11-07", Span{15, Days}, true, "2026-11-23", true},
		{"without rolling it stays", "2026-11-07", Span{15, Days}, false, "2026-11-22", true},
		{"a last day in the National Day holiday rolls past it", "2026-09-17", Span{15, Days}, true, "2026-10-08", true},
		{"a Saturday that is worked is a working day", "2026-09-25", Span{15, Days}, true, "2026-10-10", true},
		{"working days leave out weekends and holidays", "2026-09-28", Span{3, WorkDays}, false, "2026-10-08", true},
		{"a month from the 31st ends on the last of the month", "2026-08-31", Span{6, Months}, false, "2027-02-28", true},
		{"a year over 29 February", "2024-02-29", Span{1, Years}, false, "2025-02-28", true},
		{"a year not announced is not exact", "2026-11-22", Span{1, Years}, true, "2027-11-22", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, exact := Due(day(c.from), c.span, c.roll)
			if !got.Equal(day(c.want)) || exact != c.exact {
				t.Errorf("got %s exact %v, want %s exact %v", got.Format(time.DateOnly), exact, c.want, c.exact)
			}
		})
	}
}

// Every year has 11 statutory holidays, 13 from 2025 on (全国年节及纪念日放假办法
// 第二条); days off that fall on weekdays are balanced by worked weekends.
func TestYearsBalance(t *testing.T) {
	t.Parallel()
	for y, h := range years {
		want := 11
		if y >= 2025 {
			want = 13
		}
		weekday := 0
		for d := time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == y; d = d.AddDate(0, 0, 1) {
			weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			if h.off[d.Format("01-02")] && !weekend {
				weekday++
			}
			if h.work[d.Format("01-02")] {
				if !weekend {
					t.Errorf("%s is no weekend but listed as made up for", d.Format(time.DateOnly))
				}
				weekday--
			}
		}
		if weekday > want || weekday < want-4 {
			t.Errorf("%d: %d days off on weekdays net of worked weekends, statutory are %d", y, weekday, want)
		}
	}
}
