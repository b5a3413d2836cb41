package office

import (
	"strings"
	"testing"
	"time"
)

// A Sunday noon.
var specAnchor = time.Date(2026, 11, 29, 12, 0, 0, 0, china)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"每周一上午九点":             "11-30 09:00, 12-07 09:00, 12-14 09:00",
		"每天早上8点半":             "11-30 08:30, 12-01 08:30, 12-02 08:30",
		"每日 14:05":            "11-29 14:05, 11-30 14:05, 12-01 14:05",
		"每天上午九点和下午三点":         "11-29 15:00, 11-30 09:00, 11-30 15:00",
		"每月第一个工作日":            "12-01 09:00, 01-01 09:00, 02-01 09:00", // 2027 is not announced: only weekends are free
		"每月最后一个工作日下午3点":       "11-30 15:00, 12-31 15:00, 01-29 15:00",
		"每月倒数第二个工作日":          "12-30 09:00, 01-28 09:00, 02-25 09:00",
		"每季度第一个工作日":           "01-01 09:00, 04-01 09:00, 07-01 09:00",
		"每月1号和15号":            "12-01 09:00, 12-15 09:00, 01-01 09:00",
		"每月1日、15日上午十点一刻":      "12-01 10:15, 12-15 10:15, 01-01 10:15",
		"每月31号":               "11-30 09:00, 12-31 09:00, 01-31 09:00",
		"每月最后一天":              "11-30 09:00, 12-31 09:00, 01-31 09:00",
		"工作日上午九点":             "11-30 09:00, 12-01 09:00, 12-02 09:00",
		"每个工作日9点整":            "11-30 09:00, 12-01 09:00, 12-02 09:00",
		"每两周周三":               "12-02 09:00, 12-16 09:00, 12-30 09:00",
		"每隔一周的周三晚上七点":         "12-02 19:00, 12-16 19:00, 12-30 19:00",
		"每三个星期星期日":            "12-06 09:00, 12-27 09:00, 01-17 09:00",
		"每周一、三、五":             "11-30 09:00, 12-02 09:00, 12-04 09:00",
		"每周一到周三":              "11-30 09:00, 12-01 09:00, 12-02 09:00",
		"每周末10点":              "12-05 10:00, 12-06 10:00, 12-12 10:00",
		"每月第二个星期三":            "12-09 09:00, 01-13 09:00, 02-10 09:00",
		"每月最后一个周五":            "12-25 09:00, 01-29 09:00, 02-26 09:00",
		"每年12月4日":             "12-04 09:00, 12-04 09:00, 12-04 09:00",
		"每年五月第三个星期日":          "05-16 09:00, 05-21 09:00, 05-20 09:00",
		"国家宪法日":               "12-04 09:00, 12-04 09:00, 12-04 09:00",
		"重阳节上午10点":            "10-08 10:00, 10-26 10:00, 10-16 10:00",
		"2026-12-04 09:00":    "12-04 09:00",
		"2026-12-04T09:00":    "12-04 09:00",
		"2026年12月4日上午9点":      "12-04 09:00",
		"12月4日上午九点半":          "12-04 09:30",
		"3月15日":               "03-15 09:00",
		"明天下午三点":              "11-30 15:00",
		"下周三 10:00":           "12-02 10:00",
		"0 9 * * 1":           "11-30 09:00, 12-07 09:00, 12-14 09:00",
		"30 8,15 1 * *":       "12-01 08:30, 12-01 15:30, 01-01 08:30",
		"０ ９ ＊ ＊ ＭＯＮ":         "11-30 09:00, 12-07 09:00, 12-14 09:00",
		"每周一上午９：３０":           "11-30 09:30, 12-07 09:30, 12-14 09:30",
		"0 9 29 2 *":          "02-29 09:00, 02-29 09:00, 02-29 09:00",
		"每年2月29日":             "02-29 09:00, 02-29 09:00, 02-29 09:00",
		"每周日中午":               "", // no time of day there: 中午 needs a number
		"TZ=Asia/Shanghai":    "",
		"TZ=0":                "",
		"CRON_TZ=UTC 0 9 * *": "",
		"0 9 30 2 *":          "", // never comes
		"0 25 * * *":          "",
		"0 9 * * 7":           "",
		"@every 1s":           "",
		"每月第0个工作日":            "",
		"每年2月30日":             "",
		"2026-02-30 09:00":    "",
		"2020-01-01 09:00":    "", // gone
		"每天25点":               "",
		"上午13点每天":             "",
		"随便什么时候":              "",
		"":                    "",
		"明天上午九点和下午三点":         "",
	} {
		s, err := ParseSpec(text, specAnchor)
		if want == "" {
			if KindOf(err) != Invalid {
				t.Errorf("%q: got %v, %v, want it refused", text, s.Next(specAnchor), err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got []string
		for at := s.Next(specAnchor); len(got) < 3 && !at.IsZero(); at = s.Next(at) {
			got = append(got, at.In(china).Format("01-02 15:04"))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: got %v, want %s", text, got, want)
		}
	}
}

func TestCampaigns_EachHasATimeEveryYear(t *testing.T) {
	t.Parallel()
	for _, c := range Campaigns {
		s, err := ParseSpec(c.Name+"上午9点", specAnchor)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		first := s.Next(specAnchor)
		second := s.Next(first)
		if d := second.Sub(first).Hours() / 24; d < 330 || d > 400 {
			t.Errorf("%s: %v, then %v", c.Name, first, second)
		}
		if c.Spec != "" {
			if w, err := ParseSpec(c.Spec, specAnchor); err != nil || !w.Next(specAnchor).Equal(first) {
				t.Errorf("%s: %q gives %v, %v, want %v", c.Name, c.Spec, w.Next(specAnchor), err, first)
			}
		}
	}
}

func TestSlotAfter_WindowQuietDaysAndDaysOff(t *testing.T) {
	t.Parallel()
	r := DefaultPublishing
	for _, c := range []struct {
		spec, after string
		plan        Plan
		quiet       quiet
		want        string
	}{
		{"每天上午9点", "2026-09-30 12:00", Plan{Holiday: DayNext, Weekend: DayAnyway}, nil, "10-08 09:00 10-09 09:00 10-10 09:00"},
		{"每天上午9点", "2026-09-30 12:00", Plan{Holiday: DaySkip, Weekend: DaySkip}, nil, "10-08 09:00 10-09 09:00 10-10 09:00"}, // the 10th is a Saturday worked
		{"每天上午9点", "2026-09-30 12:00", Plan{Holiday: DayAnyway, Weekend: DayAnyway}, nil, "10-01 09:00 10-02 09:00 10-03 09:00"},
		{"每周四上午9点", "2026-09-30 12:00", Plan{Holiday: DayNext, Weekend: DayAnyway}, nil, "10-08 09:00 10-15 09:00 10-22 09:00"},
		{"每年10月1日", "2026-10-05 12:00", Plan{Holiday: DayNext, Weekend: DayAnyway}, nil, "10-08 09:00 10-01 09:00 10-01 09:00"}, // the holidays of 2027 are not announced
		{"每周六10点", "2026-11-27 12:00", Plan{Holiday: DayNext, Weekend: DayNext}, nil, "11-30 10:00 12-07 10:00 12-14 10:00"},
		{"每周六10点", "2026-11-30 09:00", Plan{Holiday: DayNext, Weekend: DayNext}, quiet{"2026-11-30": "x"}, "12-01 10:00 12-07 10:00 12-14 10:00"},
		{"每天9点", "2026-12-12 12:00", Plan{Holiday: DayNext, Weekend: DayAnyway}, quiet{"2026-12-13": "国家公祭日"}, "12-14 09:00 12-15 09:00 12-16 09:00"},
		{"每周一9点", "2026-12-04 12:00", Plan{Holiday: DayNext, Weekend: DayAnyway}, quiet{"2026-12-07": "哀悼日"}, "12-14 09:00 12-21 09:00 12-28 09:00"}, // left out, not put off
		{"0 * * * *", "2026-11-30 19:30", Plan{Holiday: DayNext, Weekend: DayAnyway}, nil, "11-30 20:00 12-01 09:00 12-01 10:00"},
		{"每天3点", "2026-11-30 19:30", Plan{Holiday: DayNext, Weekend: DayAnyway}, nil, ""},
	} {
		s, err := ParseSpec(c.spec, time.Date(2026, 9, 1, 0, 0, 0, 0, china))
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", c.after, china)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 3 {
			slot := r.slotAfter(c.plan, s, at, c.quiet)
			if slot.At.IsZero() {
				break
			}
			if at = slot.At; !r.holds(at) {
				t.Errorf("%s: %v is out of the window", c.spec, at)
			}
			got = append(got, at.In(china).Format("01-02 15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s after %s: got %v, want %s", c.spec, c.after, got, c.want)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, s := range []string{"每周一上午九点", "每月最后一个工作日下午3点", "0 9 * * 1", "TZ=0", "CRON_TZ=", "每两周周三", "2026-12-04 09:00", "每月1号和15号", "0 9 30 2 *", "每年五月第三个星期日"} {
		f.Add(s, int64(1796000000))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		anchor := time.Unix(unix%4e9, 0)
		s, err := ParseSpec(text, anchor)
		if err != nil {
			if KindOf(err) != Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		next := s.Next(anchor)
		if !next.After(anchor) {
			t.Fatalf("%q after %v: %v is not in the future", text, anchor, next)
		}
		again, err := ParseSpec(text, anchor)
		if err != nil || !again.Next(anchor).Equal(next) {
			t.Fatalf("%q: read again it is %v, %v", text, again.Next(anchor), err)
		}
	})
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"# 标题\n- 一\n> 引\n**粗** [链](https://a.cn/b)", "<b>x</b>", "[[a](b)](c)", "* * *", "`a`", "- - - x", "# # #"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, md string) {
		got := PlainText(md)
		if again := PlainText(got); again != got {
			t.Fatalf("%q gives %q, and that %q", md, got, again)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if mdHeading.MatchString(line) || mdBullet.MatchString(line) || mdTag.MatchString(line) || mdLink.MatchString(line) {
				t.Fatalf("%q still has markup: %q", md, line)
			}
		}
	})
}
