package knowledge

import (
	"context"
	"strings"
	"testing"
)

// TestAnswer_ANewMatterIsHeard: a short question that names its matter is not
// outvoted by what was said before it; one that leans on it is.
func TestAnswer_ANewMatterIsHeard(t *testing.T) {
	t.Parallel()
	a := NewAnswerer(openBuiltin(t))
	for _, c := range []struct{ before, text, topic string }{
		{"被狗咬了谁赔", "老人赡养费怎么算", "FM12"},
		{"我想离婚孩子归谁", "物业费能不交吗", "CS09"},
		{"老板拖欠工资不给怎么办", "遗嘱公证要带什么", "NT10"},
		{"被狗咬了谁赔", "要赔哪些钱", "TT10"},
	} {
		first, err := a.Answer(context.Background(), Question{Text: c.before, On: gateDay})
		if err != nil || first.Entry == nil {
			t.Fatalf("%s: %v", c.before, err)
		}
		got, err := a.Answer(context.Background(), Question{Text: c.text, Context: []string{c.before}, Last: first.Entry.ID, On: gateDay})
		if err != nil || got.Entry == nil || got.Entry.Topic != c.topic {
			t.Errorf("%s, then %s: got %+v, %v, want %s", c.before, c.text, got.Entry, err, c.topic)
		}
	}
}

// TestAnswer_LeavingAMatter: who says that they ask about something else is not
// answered about what was before.
func TestAnswer_LeavingAMatter(t *testing.T) {
	t.Parallel()
	a := NewAnswerer(openBuiltin(t))
	before := []string{"邻居盖房挡了我家光", "我找他说了他不听，村里也调解过"}
	for _, text := range []string{"算了不问这个了,朋友借钱不还怎么办", "换个问题：朋友借钱不还怎么办", "再问个别的事，朋友借钱不还怎么办"} {
		got, err := a.Answer(context.Background(), Question{Text: text, Context: before, Last: "tt08-light-block", On: gateDay})
		if err != nil || got.Entry == nil || got.Entry.Topic[:2] != "DB" {
			t.Errorf("%s: got %s, %v, want a debt", text, got.Text, err)
		}
	}
	if rest, ok := otherMatter("算了，我不离婚了行吗"); ok {
		t.Errorf("what goes on was cut to %q", rest)
	}
}

// TestAnswer_GoingOn: a further question on the same matter is answered first by
// what the entry says on it, or told that it says nothing; never by the same text.
func TestAnswer_GoingOn(t *testing.T) {
	t.Parallel()
	a := NewAnswerer(openBuiltin(t))
	first := "租的房子到期了房东不退我押金"
	before, err := a.Answer(t.Context(), Question{Text: first, On: gateDay})
	if err != nil || before.Entry == nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want, not string }{
		{"墙有点发黄，他说要我赔", "和你这一问最近的是：\n- 正常使用的损耗（墙发黄", "没有单独写"},
		{"去法院告要花多少钱", "打官司要交多少诉讼费", "没有单独写"},
		{"当时没签书面合同", "和你这一问最近的是：\n- 没签书面合同也能要", "双倍工资"},
		{"他说要移民了", "没有单独写，我不乱猜", "最近的是"},
	} {
		got, err := a.Answer(t.Context(), Question{Text: c.text, Context: []string{first}, Last: before.Entry.ID, On: gateDay})
		if err != nil || got.Entry != before.Entry || got.Text == before.Text || !got.Grounded {
			t.Fatalf("%s: %v, %+v", c.text, err, got)
		}
		if !strings.Contains(got.Text, c.want) || strings.Contains(got.Text, c.not) {
			t.Errorf("%s: want %q and not %q in\n%s", c.text, c.want, c.not, got.Text)
		}
	}
}

// TestAnswer_WhichIsMeant: a word alone is asked back about, with more than one
// row to choose from.
func TestAnswer_WhichIsMeant(t *testing.T) {
	t.Parallel()
	a := NewAnswerer(openBuiltin(t))
	for _, text := range []string{"工资"} {
		got, err := a.Answer(t.Context(), Question{Text: text, On: gateDay})
		if err != nil || got.Kind != KindClarify || len(got.Choices) < leastChoice {
			t.Errorf("%s: %s with %d choices, %v", text, got.Kind, len(got.Choices), err)
		}
	}
}

// TestAnswer_HeadWords: who types the name of a matter alone gets its main entry.
func TestAnswer_HeadWords(t *testing.T) {
	t.Parallel()
	a := NewAnswerer(openBuiltin(t))
	for text, id := range map[string]string{
		"诉讼费": "ct03-fees", "起诉": "ct01-what-to-bring", "公司不给签合同": "lb07-no-contract-double", "工伤怎么赔": "wi07-benefits",
		"工地摔伤": "wi03-deadline-apply", "狗咬人": "tt10-dog-bite", "医疗事故": "tt07-medical-routes", "押金": "cs07-deposit", "家暴": "fm10-emergency-police",
		"赡养费": "fm12-refuse-support", "继承": "in01-who-inherits", "遗嘱": "in02-own-hand-will", "法律援助": "la01-how-to-apply", "欠薪": "lb01-unpaid-wages",
		"借钱不还": "db01-lend-steps", "诈骗": "cr01-fraud-first-steps",
	} {
		if got, err := a.Answer(t.Context(), Question{Text: text, On: gateDay}); err != nil || got.Entry == nil || got.Entry.ID != id {
			t.Errorf("%s: got %+v, %v, want %s", text, got.Entry, err, id)
		}
	}
}
