package office

import (
	"strings"
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, china) // a Wednesday
	for text, want := range map[string]string{
		"12月5日上午9点":        "2026-12-05 09:00",
		"12月5日 9:30":       "2026-12-05 09:30",
		"十二月十五号下午两点半":      "2026-12-15 14:30",
		"2026-12-08 14：00": "2026-12-08 14:00",
		"12.8 晚上7点":        "2026-12-08 19:00",
		"下周三下午2点":          "2026-12-02 14:00",
		"周五上午十点一刻":         "2026-11-27 10:15",
		"周三9点":             "2026-12-02 09:00", // today is one already
		"后天晚上":             "2026-11-27 19:00",
		"3号下午3点":           "2026-12-03 15:00",
		"1月6日上午":           "2027-01-06 09:00",
		"下下周一中午1点":         "2026-12-07 13:00",
		"三十号 8点半":          "2026-11-30 08:30",
	} {
		got, err := ParseWhen(text, now)
		if err != nil || got.Format("2006-01-02 15:04") != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "明天", "9点", "13月5日9点", "2月30日9点", "12月5日25点", "2019-12-05 9:00", "随便"} {
		if got, err := ParseWhen(text, now); KindOf(err) != Invalid || err == nil {
			t.Errorf("%q: got %v, %v, want it refused", text, got, err)
		}
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"12月5日上午9点", "下周三下午两点半", "2026-12-08 14：00", "后天晚上", "三十号 8点半", "十十月一日1点"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, china)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseWhen(text, now)
		// A date that is written out with its year is taken as written; booking
		// says how early one may be.
		if err == nil && (got.Year() < now.Year() || got.After(now.AddDate(3, 0, 0))) {
			t.Errorf("%q: %v is not near", text, got)
		}
		if err != nil && KindOf(err) != Invalid {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestBookable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 25, 10, 0, 0, 0, china) // 25–27 September and 1–7 October are free, 20 September and 10 October are worked
	for _, c := range []struct {
		rule, at string
		minutes  int
		extra    bool
		want     string // in the refusal; "": taken
	}{
		{"too soon", "2026-09-29 09:00", 60, false, "最早可以约 9月30日"},
		{"three working days", "2026-09-30 09:00", 60, false, ""},
		{"National Day", "2026-10-02 09:00", 60, true, "法定节假日，不安排讲座；最近可以约 10月8日"},
		{"a Saturday that is worked", "2026-10-10 09:00", 60, false, ""},
		{"a Sunday", "2026-10-11 09:00", 60, false, "是周末"},
		{"a Sunday, with extra hours", "2026-10-11 09:00", 60, true, ""},
		{"runs past the hours", "2026-10-12 17:00", 60, false, "8:30 到 17:30"},
		{"in the evening", "2026-10-12 19:00", 60, true, ""},
		{"in the evening, without extra hours", "2026-10-12 19:00", 60, false, "8:30 到 17:30"},
		{"late in the evening", "2026-10-12 20:00", 60, true, "到 20:30"},
		{"far ahead", "2027-06-01 09:00", 60, false, "最多提前"},
	} {
		at, _ := time.ParseInLocation("2006-01-02 15:04", c.at, china)
		exact, err := bookable(at, c.minutes, c.extra, now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
		if err == nil && !exact {
			t.Errorf("%s: holidays of %s are not known?", c.rule, c.at)
		}
	}
	at := time.Date(2027, 1, 6, 9, 0, 0, 0, china)
	if exact, err := bookable(at, 60, false, time.Date(2026, 12, 1, 9, 0, 0, 0, china)); err != nil || exact {
		t.Errorf("a year without announcement: %v, %v, want it taken and not exact", exact, err)
	}
}
