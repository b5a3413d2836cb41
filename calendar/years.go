package calendar

import (
	"strings"
	"time"
)

// holidays is one year's announcement by the State Council's general office.
type holidays struct{ off, work map[string]bool } // days as "01-02"

// years are the announcements known. A new year is one more row, copied from
// the notice 国务院办公厅关于…年部分节假日安排的通知, which appears in October or
// November of the year before.
var years = map[int]holidays{
	// 国办发明电〔2023〕7号
	2024: year("01-01 02-10..02-17 04-04..04-06 05-01..05-05 06-08..06-10 09-15..09-17 10-01..10-07",
		"02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12"),
	// 国办发明电〔2024〕12号
	2025: year("01-01 01-28..02-04 04-04..04-06 05-01..05-05 05-31..06-02 10-01..10-08",
		"01-26 02-08 04-27 09-28 10-11"),
	// 国办发明电〔2025〕7号
	2026: year("01-01..01-03 02-15..02-23 04-04..04-06 05-01..05-05 06-19..06-21 09-25..09-27 10-01..10-07",
		"01-04 02-14 02-28 05-09 09-20 10-10"),
}

// year reads days and ranges of days ("01-28..02-04") within one year.
func year(off, work string) holidays {
	set := func(list string) map[string]bool {
		days := map[string]bool{}
		for _, f := range strings.Fields(list) {
			from, to, ranged := strings.Cut(f, "..")
			if !ranged {
				to = from
			}
			a, _ := time.Parse("01-02", from)
			b, _ := time.Parse("01-02", to)
			for ; !a.After(b); a = a.AddDate(0, 0, 1) {
				days[a.Format("01-02")] = true
			}
		}
		return days
	}
	return holidays{off: set(off), work: set(work)}
}
