package knowledge

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "离婚要多久？", "离婚要多久?"},
		{"width", "ＬＰＲ　２４％", "lpr 24%"},
		{"traditional", "法律援助申請條件", "法律援助申请条件"},
		{"over-converted", "製度 係統 複议 麵對 彙總 誌願者 乾部 隻有 後果", "制度 系统 复议 面对 汇总 志愿者 干部 只有 后果"},
		{"variants", "著作權 裏麵 裡面 爲什麽 甚麼 證据 証据", "着作权 里面 里面 为什么 什么 证据 证据"},
		{"reply and duplicate are one", "答覆 重複", "答复 重复"},
		{"account spellings are one", "帳户 賬户 帐户", "账户 账户 账户"},
		{"zero width and controls go", "工\u200b伤\ufeff认\u00ad定\x00", "工伤认定"},
		{"white space", "  工伤\t\n 认定  ", "工伤 认定"},
		{"invalid bytes go", "工\xff伤", "工伤"},
		{"compatibility radicals", "⾔⽉", "言月"},
		{"common characters stay", "怎么 什么 了解 于是 台湾 系统 后面 皇后", "怎么 什么 了解 于是 台湾 系统 后面 皇后"},
		{"empty", "", ""},
	} {
		if got := Normalize(c.in); got != c.want {
			t.Errorf("%s: Normalize(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// Simplified characters must not be folded away: the table's targets stand for themselves.
func TestSimplifyTargetsStay(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(simplifyData) {
		to, _ := utf8.DecodeRuneInString(line)
		if got := Normalize(string(to)); got != string(to) {
			t.Errorf("%c is folded to %s", to, got)
		}
	}
}

func TestEachTerm(t *testing.T) {
	t.Parallel()
	var got []string
	eachTerm("工伤，n+1", func(k termKey) { got = append(got, k.String()) })
	want := "工 伤 工伤 n 1"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("terms are %q, want %q", s, want)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"", "離婚", "製度", "ＡＢＣ", "a\u200bb", "\xff\xfe", "İ", "ﬃ", "㈱", "ǅ", "\u1e9b\u0323"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Normalize(s)
		if twice := Normalize(once); twice != once {
			t.Errorf("not idempotent: %q → %q → %q", s, once, twice)
		}
		if !utf8.ValidString(once) {
			t.Errorf("Normalize(%q) = %q is not valid UTF-8", s, once)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	s := strings.Repeat("老闆拖欠工資三個月了，我該去哪裡申請法律援助？", 4)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		Normalize(s)
	}
}
