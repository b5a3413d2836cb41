package handlers

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// village is a router with one-time codes, and people who talk to it in groups
// and alone.
type village struct {
	*talk
	sessions map[string]*bot.Session
}

func newVillage(t *testing.T) *village {
	t.Helper()
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(t.Context(), write, read, dialect)
	if err != nil {
		t.Fatal(err)
	}
	v := &village{talk: newTalk(t), sessions: map[string]*bot.Session{}}
	v.router = v.router.With(bot.NewCodes(store))
	return v
}

// says has somebody say something; from is empty in a private chat.
func (v *village) says(chat, from, text string) bot.Reply {
	v.t.Helper()
	if from == "" {
		from = chat
	}
	key := chat + "|" + from
	if v.sessions[key] == nil {
		v.sessions[key] = &bot.Session{Key: key}
	}
	v.n++
	m := bot.Message{ID: fmt.Sprint(v.n), Chat: bot.Address(chat), From: bot.Address(from), Text: text, On: "2026-11-22", At: time.Now()}
	r, err := v.router.Handle(v.t.Context(), m, v.sessions[key])
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

const (
	group  = "qq/group/G"
	member = "qq/member/G/M"
)

var doorCode = regexp.MustCompile(`私聊 ([0-9A-Z]{6})”`)

func TestGroup_WhatIsSaidWhereOthersRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		private string // what the private chat is said to be about; empty: answered in the group
		first   string // the beginning of what is said
	}{
		"a general question":          {"申请法律援助要什么材料", "", ""},
		"the same about oneself":      {"老板欠我工资怎么办", "", ""},
		"custody, in general":         {"离婚了孩子归谁", "", ""},
		"a hotline is nobody's":       {"12348是干什么的", "", ""},
		"an ID number":                {"我的身份证330724198808120011能办公证吗", "个人信息", ""},
		"a telephone":                 {"打电话13857910011找我谈工资", "个人信息", ""},
		"a telephone in wide digits":  {"联系我１３８５７９１００１１", "个人信息", ""},
		"how one's own case stands":   {"我的法援申请怎么样了", "具体的案情", ""},
		"how long a thing takes":      {"法律援助申请多久有结果", "", ""},
		"a case number":               {"（2024）浙0724民初345号案子怎么上诉", "个人信息", ""},
		"a story with a sum":          {"我去年借给他5万元到现在没还", "具体的案情", ""},
		"a story with days":           {"我2025年3月2日被公司辞退", "具体的案情", ""},
		"a long story":                {"我跟你说啊，" + strings.Repeat("前面那块地的事情说来话长，", 10), "具体的案情", ""},
		"violence, in general":        {"家暴怎么申请保护令", "人身安全", wordsDanger},
		"a minor":                     {"未成年人打赏的钱能退吗", "未成年人", wordsDanger},
		"somebody's age":              {"15岁能签劳动合同吗", "未成年人", wordsDanger},
		"a grown-up's age":            {"55岁女工退休怎么办手续", "", ""},
		"violence now: numbers first": {"我老公正在打我，救命", "紧急的事", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVillage(t)
			r := v.says(group, member, c.text)
			if got := doorCode.MatchString(r.Text); got != (c.private != "") || !strings.Contains(r.Text, c.private) || !strings.HasPrefix(r.Text, c.first) {
				t.Fatalf("said %s", r.Text)
			}
			if c.private == "" {
				return
			}
			if n := len(v.sessions[group+"|"+member].Turns); n != 0 {
				t.Errorf("%d turns are kept of what a group may not read", n)
			}
			if strings.Contains(name, "now") && !strings.Contains(strings.SplitN(r.Text, "\n", 2)[0], "110") {
				t.Errorf("no number first: %s", r.Text)
			}
		})
	}
}

func TestGroup_TheDoorLeadsToAPrivateChat(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	code := doorCode.FindStringSubmatch(v.says(group, member, "家暴怎么申请保护令").Text)[1]
	if r := v.says(group, "qq/member/G/N", "私聊 "+code); strings.Contains(r.Text, "只有我们两个人") {
		t.Errorf("the group was let in: %s", r.Text)
	}
	r := v.says("qq/user/U", "", "私聊 "+strings.ToLower(code))
	if !strings.Contains(r.Text, "只有我们两个人") || !strings.HasPrefix(r.Text, wordsDanger) {
		t.Fatalf("said %s", r.Text)
	}
	if r := v.says("qq/user/V", "", "私聊"+code); r.Text != wordsDoorGone {
		t.Errorf("a used code: said %s", r.Text)
	}
	if r := v.says("qq/user/V", "", "私聊"); r.Text == wordsDoorGone {
		t.Errorf("no code: said %s", r.Text)
	}
	code = doorCode.FindStringSubmatch(v.says(group, member, "未成年人打赏的钱能退吗 张三 13857910011").Text)[1]
	if r := v.says("qq/user/U", "", code); !strings.Contains(r.Text, "只有我们两个人") {
		t.Errorf("a bare code: said %s", r.Text)
	}
}

// A topic that is for a private chat is offered there by its questions.
func TestGroup_TheDoorKnowsTheTopic(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	r := v.says(group, member, "孩子被对方藏起来了不让探望怎么办")
	code := doorCode.FindStringSubmatch(r.Text)
	if code == nil {
		t.Fatalf("said %s", r.Text)
	}
	r = v.says("qq/user/U", "", code[1])
	if !strings.Contains(r.Text, "探望") || len(r.Choices) == 0 {
		t.Fatalf("said %s %v", r.Text, r.Choices)
	}
	if r := v.says("qq/user/U", "", "1"); r.Answer == nil || r.Answer.Topic != "FM06" {
		t.Errorf("picked: %+v", r)
	}
}

// Two members talk at once; neither's menu nor words are the other's.
func TestGroup_MembersDoNotMix(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	first := v.says(group, member, "你好")
	if len(first.Choices) == 0 {
		t.Fatalf("no menu: %s", first.Text)
	}
	if r := v.says(group, "qq/member/G/N", "1"); r.Answer != nil && r.Answer.Kind == "answer" {
		t.Errorf("another member picked from the menu: %s", r.Text)
	}
	if r := v.says(group, member, "1"); r.Answer == nil || r.Answer.Kind != "answer" {
		t.Errorf("the member's own pick: %s", r.Text)
	}
}

var bindCode = regexp.MustCompile(`绑定 ([0-9A-Z]{8})”`)

func TestGroup_AMemberIsAPersonByACodeOnly(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	codes := v.router.d.Codes.(*bot.Codes)
	who := func() bot.Address {
		p, _, err := codes.Person(t.Context(), member)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	v.says("qq/user/M", "", "你好") // the same openid as the member's
	v.says(group, member, "你好")
	if who() != "" {
		t.Error("joined by an id")
	}
	code := bindCode.FindStringSubmatch(v.says("qq/user/U", "", "绑定群身份").Text)[1]
	if r := v.says(group, member, "绑定 "+code); r.Text != wordsBound || who() != "qq/user/U" {
		t.Errorf("said %s, joined to %q", r.Text, who())
	}
	if r := v.says(group, "qq/member/G/N", "绑定 "+code); r.Text != wordsBindGone {
		t.Errorf("a code that others saw: said %s", r.Text)
	}
	if r := v.says("qq/user/U", "", "解除绑定"); r.Text != wordsUnbound || who() != "" {
		t.Errorf("said %s, joined to %q", r.Text, who())
	}
	if r := v.says(group, member, "绑定群身份"); bindCode.MatchString(r.Text) {
		t.Errorf("a code was told to a group: %s", r.Text)
	}
}

func TestUnreadableIsDeclined(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	for _, chat := range []string{group, "qq/user/U"} {
		if r := v.says(chat, member, bot.Unreadable); r.Text != wordsUnreadable {
			t.Errorf("%s: said %s", chat, r.Text)
		}
	}
}
