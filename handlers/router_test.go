package handlers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// talk is one conversation with the router.
type talk struct {
	t       *testing.T
	router  *Router
	session *bot.Session
	records []office.Consult
	rated   map[string]bool
	n       int
}

var base = sync.OnceValues(func() (*knowledge.Base, error) {
	return knowledge.OpenBase(context.Background(), knowledge.BaseOptions{})
})

func newTalk(t *testing.T) *talk {
	t.Helper()
	b, err := base()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSafety()
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, session: &bot.Session{Key: "web/user/x"}, rated: map[string]bool{}}
	k.router = New(Deps{
		Base: b, Answerer: knowledge.NewAnswerer(b), Safety: s,
		Record: func(c office.Consult) { k.records = append(k.records, c) },
		Rate: func(_ context.Context, id string, useful bool, _ string) error {
			k.rated[id] = useful
			return nil
		},
	})
	return k
}

func (k *talk) say(text string) bot.Reply {
	k.t.Helper()
	k.n++
	m := bot.Message{ID: fmt.Sprint(k.n), Chat: "web/user/x", From: "web/user/x", Text: text, On: "2026-11-22", At: time.Now()}
	r, err := k.router.Handle(k.t.Context(), m, k.session)
	if err != nil {
		k.t.Fatal(err)
	}
	return r
}

// want fails unless the reply's text holds every word.
func want(t *testing.T, r bot.Reply, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(r.Text, w) {
			t.Errorf("no %q in:\n%s", w, r.Text)
		}
	}
}

func TestConversation(t *testing.T) {
	t.Parallel()
	t.Run("a follow-up is understood from the turn before", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		want(t, k.say("人身安全保护令怎么申请"), "保护令")
		want(t, k.say("那要多久？"), "72小时", "《反家庭暴力法》第二十八条")
	})
	t.Run("a numbered menu", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		r := k.say("你好")
		if len(k.session.Menu.Choices) == 0 {
			t.Fatal("no menu")
		}
		if len(r.Choices) != len(k.session.Menu.Choices) {
			t.Errorf("the reply offers %v", r.Choices)
		}
		want(t, k.say("2"), "法律援助")
		if k.say("帮助"); k.session.Menu == nil {
			t.Error("no menu after asking for help")
		}
		want(t, k.say("一"), "工资")
	})
	t.Run("the articles behind an answer", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		r := k.say("没签劳动合同能要双倍工资吗")
		first := r.Answer.Citations[0]
		want(t, k.say("第1条依据"), strings.TrimPrefix(first.Law, "中华人民共和国"), "现行有效")
		want(t, k.say("第99条依据"), "只有")
	})
	t.Run("ratings reach the answer they are about", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		r := k.say("人民调解收费吗")
		want(t, k.say("没用"), "12348")
		if useful, ok := k.rated[r.Answer.ID]; !ok || useful {
			t.Errorf("rated: %v", k.rated)
		}
	})
	t.Run("restart forgets", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		k.say("没签劳动合同能要双倍工资吗")
		k.say("重来")
		if len(k.session.Turns) != 0 {
			t.Errorf("still remembers %v", k.session.Turns)
		}
		want(t, k.say("第1条依据"), "还没有回答过")
	})
	t.Run("people can be reached at any time", func(t *testing.T) {
		t.Parallel()
		want(t, newTalk(t).say("转人工"), "12348")
	})
	t.Run("a crisis goes before everything and lasts until the person is safe", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		r := k.say("老板不给工钱，我现在站在楼顶上不想活了")
		if !r.Answer.Urgent || k.session.Urgent == "" {
			t.Fatalf("not urgent: %+v", r)
		}
		if r := k.say("1"); r.Answer == nil || !r.Answer.Urgent {
			t.Errorf("left the crisis on a menu pick: %s", r.Text)
		}
		k.say("我下来了，我安全了")
		if k.session.Urgent != "" {
			t.Error("still in the crisis")
		}
		want(t, k.say("工资拖了三个月怎么要"), "12333")
	})
	t.Run("unlawful help is declined with the lawful way", func(t *testing.T) {
		t.Parallel()
		r := newTalk(t).say("法院要执行我，教我怎么把房子转到我弟名下躲过去")
		want(t, r, "不能帮", "12348")
	})
	t.Run("an unanswerable question is not guessed at", func(t *testing.T) {
		t.Parallel()
		k := newTalk(t)
		r := k.say("南极洲的采矿权归属怎么定")
		want(t, r, "不知道", "12348")
		if len(r.Choices) == 0 {
			t.Error("nothing near is named")
		}
	})
}

// At most two clarifying questions follow each other.
func TestClarifyEnds(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.session.Asked = maxAsked
	if r := k.say("离婚"); r.Answer.Kind == knowledge.KindClarify {
		t.Errorf("asks a third time: %s", r.Text)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.say("人民调解收费吗")
	k.say("我不想活了")
	k.say("你好")
	if len(k.records) < 2 {
		t.Fatalf("%d records", len(k.records))
	}
	a, b := k.records[0], k.records[1]
	if a.Kind != "answer" || a.Topic != "MD01" || a.Channel != "web" || a.ID == b.ID || b.Kind != KindUrgent {
		t.Errorf("got %+v, %+v", a, b)
	}
}

func BenchmarkHandle(b *testing.B) {
	kb, err := base()
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewSafety()
	if err != nil {
		b.Fatal(err)
	}
	r := New(Deps{Base: kb, Answerer: knowledge.NewAnswerer(kb), Safety: s})
	m := bot.Message{ID: "1", Chat: "web/user/x", From: "web/user/x", Text: "老板三个月没发工资，我是外地来打工的，能请免费律师吗"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Handle(b.Context(), m, &bot.Session{Key: "x"}); err != nil {
			b.Fatal(err)
		}
	}
}
