package knowledge

import (
	"slices"
	"testing"
	"time"
)

func TestReviewText(t *testing.T) {
	t.Parallel()
	g := newGates(t)
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		text  string
		on    time.Time
		rule  string // "": nothing stops
		names string
	}{
		"fine":                 {"打借条要写清金额。根据《民法典》第六百八十条，禁止高利放贷。有事打 12348。", day, "", "中华人民共和国民法典 680"},
		"no such article":      {"根据《民法典》第一千五百条，可以要求退还。", day, "依据", ""},
		"no such law":          {"根据《借条管理法》第一条，要写清。", day, "依据", ""},
		"not in force yet":     {"根据《法治宣传教育法》第十三条，12月4日是国家宪法日。", time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), "依据", ""},
		"a promise":            {"找我们，保证胜诉。", day, "说法", ""},
		"a private phone":      {"有事打 13812345678。", day, "个人信息", ""},
		"a link":               {"详情看 https://example.com/a 。", day, "网址和电话", ""},
		"an identity number":   {"身份证号 330102199003072314 的人。", day, "个人信息", ""},
		"asks for a password":  {"请把验证码发给我们。", day, "说法", ""},
		"the law of a telling": {"根据《刑法》第二百七十四条，敲诈勒索要判刑。", day, "", "中华人民共和国刑法 274"},
	} {
		remarks, relied := g.ReviewText(c.text, c.on, nil)
		i := slices.IndexFunc(remarks, func(r Remark) bool { return r.Stops })
		if c.rule == "" && i >= 0 || c.rule != "" && !slices.ContainsFunc(remarks, func(r Remark) bool { return r.Stops && r.Rule == c.rule && r.Msg != "" }) {
			t.Errorf("%s: got %+v, want %q", name, remarks, c.rule)
		}
		if c.names != "" && (len(relied) != 1 || relied[0].Law+" "+relied[0].Article.String() != c.names || relied[0].Since.IsZero()) {
			t.Errorf("%s: rests on %+v, want %s", name, relied, c.names)
		}
	}
}

func TestReviewEntry(t *testing.T) {
	t.Parallel()
	b := openBuiltin(t)
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	e := b.Entries()[0]
	remarks, relied := b.ReviewEntry(e.ID, day)
	if len(remarks) > 0 || len(relied) == 0 {
		t.Errorf("%s: got %+v, %+v", e.ID, remarks, relied)
	}
	if remarks, _ = b.ReviewEntry("no-such", day); len(remarks) != 1 || !remarks[0].Stops {
		t.Errorf("an entry that is none: %+v", remarks)
	}
	if remarks, _ = b.ReviewEntry(e.ID, time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)); !slices.ContainsFunc(remarks, func(r Remark) bool { return r.Stops }) {
		t.Errorf("before its laws were in force: %+v", remarks)
	}
}
