package knowledge

import (
	"slices"
	"strings"
	"testing"
)

func TestDefaultLexicon(t *testing.T) {
	t.Parallel()
	lex, err := ParseLexicon(lexiconData)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(lex.Rows()); n < 400 {
		t.Errorf("lexicon has %d rows, want at least 400", n)
	}
	for _, r := range lex.Rows() {
		for _, topic := range r.Topics {
			if len(topic) != 4 {
				t.Errorf("row %v: topic %q is not two letters and two digits", r.Say, topic)
			}
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	lex := DefaultLexicon()
	for _, c := range []struct{ text, means, topic string }{
		{"老板跑路了怎么办", "拖欠劳动报酬", "LB14"},
		{"被炒鱿鱼能拿多少", "解除劳动合同", "LB09"},
		{"法缘怎么申请", "法律援助", "LA01"},
		{"想离昏", "离婚", ""},
		{"n+1怎么算", "代通知金", "LB09"},
		{"我要找pcs", "派出所", ""},
	} {
		found, topic := false, c.topic == ""
		for _, e := range lex.Expand(Normalize(c.text)) {
			found = found || slices.Contains(e.Means, c.means)
			topic = topic || slices.Contains(e.Topics, c.topic)
		}
		if !found || !topic {
			t.Errorf("Expand(%q) finds %v, want %s (%s)", c.text, lex.Expand(Normalize(c.text)), c.means, c.topic)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"离昏咋办", "离婚怎么办"},
		{"仲才要几多钱", "仲裁要多少钱"},
		{"老板跑路了", "老板跑路了"},
		{"zfb转账", "zfb转账"},
		{"佢唔还钱", "他不还钱"},
	} {
		if got := DefaultLexicon().Plain(c.in); got != c.want {
			t.Errorf("Plain(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := (*Lexicon)(nil).Plain("离昏"); got != "离昏" {
		t.Errorf("without a lexicon Plain gives %q", got)
	}
}

func TestParseLexiconFaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"not YAML":      "lay: [",
		"unknown field": "lay:\n  - {say: [a], means: [b], weight: 1}",
		"no meaning":    "lay:\n  - {say: [a]}",
		"nothing said":  "typo:\n  - {means: [a]}",
		"empty word":    "typo:\n  - {say: ['  '], means: [a]}",
	} {
		if _, err := ParseLexicon([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzLexicon(f *testing.F) {
	f.Add("离昏咋办", "lay:\n  - {say: [离昏], means: [离婚]}")
	f.Add("", "lay: []")
	f.Add("aab", "typo:\n  - {say: [a, aa], means: [b]}")
	f.Fuzz(func(t *testing.T, text, file string) {
		lex, err := ParseLexicon([]byte(file))
		if err != nil {
			lex = DefaultLexicon()
		}
		text = Normalize(text)
		for _, e := range lex.Expand(text) {
			if !strings.Contains(text, e.Said) || len(e.Means) == 0 {
				t.Errorf("Expand(%q) says %q stands there, meaning %q", text, e.Said, e.Means)
			}
		}
		lex.Plain(text)
	})
}
