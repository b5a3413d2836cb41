package handlers

import (
	"context"
	"strings"
	"testing"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/knowledge/llmtest"
	"mingbai/office"
)

// newAssistedTalk is a conversation with a model that says what the test wants.
func newAssistedTalk(t *testing.T) (*talk, *llmtest.Server, map[string]office.NoticeAnswer) {
	t.Helper()
	b, err := base()
	if err != nil {
		t.Fatal(err)
	}
	return newAssistedTalkOn(t, b)
}

func newAssistedTalkOn(t *testing.T, b *knowledge.Base) (*talk, *llmtest.Server, map[string]office.NoticeAnswer) {
	t.Helper()
	k := newTalk(t)
	server := llmtest.New()
	t.Cleanup(server.Close)
	mask := knowledge.NewRedactor(nil)
	model, err := knowledge.NewChatModel(knowledge.ModelOptions{BaseURL: server.URL(), Model: llmtest.Name}, mask)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(model.Close)
	texts, err := knowledge.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	d := k.router.d
	d.Base, d.Answerer = b, knowledge.NewAnswerer(b)
	gates, err := knowledge.NewGates(knowledge.GateOptions{Registry: d.Base.Registry(), Redactor: mask, Public: func(n string) bool {
		_, ok := d.Safety.Hotlines().Find(n)
		return ok
	}}, texts...)
	if err != nil {
		t.Fatal(err)
	}
	worder, err := knowledge.NewWorder(d.Base, model, gates)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]office.NoticeAnswer{}
	d.Redactor = mask
	d.Assistant = &Assistant{
		Worder: worder, Provider: "某某科技公司", Model: llmtest.Name, Filing: "Beijing-Test-0001",
		Consent: func(_ context.Context, account, _ string) (office.NoticeAnswer, error) { return kept[account], nil },
		SetConsent: func(_ context.Context, account, _ string, c office.NoticeAnswer) error {
			kept[account] = c
			return nil
		},
	}
	k.router = New(d)
	return k, server, kept
}

// story is long enough for a model to be asked about, and holds personal data.
const story = "我叫王建国，在城东的工地上干了大半年，老板一直没跟我签合同，每个月发六千块现金，现在活干完了想让我走人，我电话13812345678，没签合同这几个月的双倍工资能要多少，怎么要"

func TestAssisted_NoModelBeforeConsent(t *testing.T) {
	t.Parallel()
	k, server, kept := newAssistedTalk(t)
	want(t, k.say(story), "同意AI", "某某科技公司", "Beijing-Test-0001")
	if r := k.say(story); strings.Contains(r.Text, "同意AI") {
		t.Error("the notice is said twice")
	}
	want(t, k.say("不用AI"), "照样回答")
	k.say(story)
	if n := len(server.Requests()); n != 0 {
		t.Fatalf("%d requests without consent", n)
	}
	server.Say("能要。〔1〕")
	want(t, k.say("同意AI"), "AI生成")
	if !kept["web/user/x"].Accepted {
		t.Error("the consent is not kept")
	}
	k.say(story)
	if len(server.Requests()) == 0 {
		t.Error("no request after consent")
	}
	k.session = &bot.Session{Key: "web/user/x"} // lost
	server.Forget()
	k.say(story)
	if len(server.Requests()) == 0 {
		t.Error("the consent went with the session")
	}
	k.say("关闭AI")
	server.Forget()
	k.say(story)
	if len(server.Requests()) != 0 {
		t.Error("a request after the consent was taken back")
	}
}

func TestAssisted_WordsThroughTheGates(t *testing.T) {
	t.Parallel()
	k, server, _ := newAssistedTalk(t)
	k.say("同意AI")
	// True, invented, obedient, true again.
	server.Say("能要，从满一个月的次日起每月付两倍工资，最多补11个月。〔1〕〔2〕单位还要赔你50万元。〔1〕先把考勤和转账记录收好。")
	r := k.say(story)
	want(t, r, knowledge.Label, "最多补11个月", "依据")
	if strings.Contains(r.Text, "50万") {
		t.Errorf("invented: %s", r.Text)
	}
	if r.Answer.By != llmtest.Name {
		t.Errorf("by %q", r.Answer.By)
	}
	for _, q := range server.Requests() {
		if strings.Contains(string(q.Body), "13812345678") || strings.Contains(string(q.Body), "王建国") {
			t.Error("personal data was sent")
		}
	}
}

func TestAssisted_FaultsGiveTheReviewedAnswer(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]llmtest.Fault{"broken": llmtest.Broken, "a page": llmtest.HTML, "cut": llmtest.Cut, "empty": llmtest.Empty} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, server, _ := newAssistedTalk(t)
			k.say("同意AI")
			server.Answer(func(llmtest.Request) (string, llmtest.Fault) {
				return "能要，从满一个月的次日起每月付两倍工资，最多补11个月。〔1〕〔2〕", f
			})
			r := k.say(story)
			want(t, r, "依据", "〔1〕")
			if r.Answer.By != "reviewed" || strings.Contains(r.Text, knowledge.Label) {
				t.Errorf("by %s: %s", r.Answer.By, r.Text)
			}
		})
	}
}

func TestAssisted_NeverInACrisisOrAGroup(t *testing.T) {
	t.Parallel()
	k, server, _ := newAssistedTalk(t)
	k.say("同意AI")
	k.say("我不想活了，老板欠我一年的工资，家里等着用钱，我也不知道该怎么办了，活着没意思")
	k.say("我安全了")
	m := bot.Message{ID: "g", Chat: "qq/group/G", From: "qq/member/G/M", Text: story}
	if _, err := k.router.Handle(t.Context(), m, &bot.Session{Key: "g", Notices: []string{sessionYes}}); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// What was said in a crisis does not go to the model with a later question.
func TestAssisted_CrisisIsNotSentLater(t *testing.T) {
	t.Parallel()
	k, server, _ := newAssistedTalk(t)
	server.Say("能要。〔1〕")
	for _, x := range []string{"同意AI", "我不想活了，想喝农药", "我安全了", "试用期可以随便辞退吗", story} {
		k.say(x)
	}
	if len(server.Requests()) == 0 {
		t.Fatal("the model was not asked about the story")
	}
	said := false
	for _, q := range server.Requests() {
		if strings.Contains(string(q.Body), "农药") {
			t.Errorf("sent: %s", q.Body)
		}
		said = said || strings.Contains(string(q.Body), "试用期可以随便辞退")
	}
	if !said {
		t.Error("what else was said before is missing")
	}
}

func TestSimply(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.say("工作半年没签合同，能要多少双倍工资")
	r := k.say("说简单点")
	want(t, r, "先说最要紧的", "11个月", "依据")
	if len(r.Text) > 3000 {
		t.Errorf("%d bytes are not brief", len(r.Text))
	}
}

// TestAssisted_OffersWhatTheModelFindsNearest: who is not understood is offered
// other entries once they agreed to the model, and none through it before.
func TestAssisted_OffersWhatTheModelFindsNearest(t *testing.T) {
	t.Parallel()
	b, err := knowledge.OpenBase(t.Context(), knowledge.BaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, server, _ := newAssistedTalkOn(t, b)
	model, err := knowledge.NewChatModel(knowledge.ModelOptions{BaseURL: server.URL(), Model: llmtest.Name}, k.router.d.Redactor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(model.Close)
	b.SetReranker(model)
	server.Answer(func(r llmtest.Request) (string, llmtest.Fault) {
		if strings.Contains(r.Messages[0].Content, "排序") {
			return `{"order":[6,5,4,3]}`, llmtest.None
		}
		return "不知道。", llmtest.None
	})
	const unclear = "手续怎么弄"
	before := k.say(unclear)
	if len(before.Choices) == 0 || len(server.Requests()) != 0 {
		t.Fatalf("%d choices, %d requests before consent", len(before.Choices), len(server.Requests()))
	}
	k.session = &bot.Session{Key: k.session.Key}
	k.say("同意AI")
	after := k.say(unclear)
	if len(after.Choices) == 0 || strings.Join(after.Choices, "|") == strings.Join(before.Choices, "|") {
		t.Errorf("offered %v, without the model %v", after.Choices, before.Choices)
	}
}

// TestAssisted_NoModelBesideACrisis: a crisis with a question in it is answered
// without a model.
func TestAssisted_NoModelBesideACrisis(t *testing.T) {
	t.Parallel()
	k, server, _ := newAssistedTalk(t)
	k.say("同意AI")
	server.Say("能要，从满一个月的次日起每月付两倍工资，最多补11个月。〔1〕〔2〕")
	r := k.say("老公又打我了，脸都肿了，我现在很害怕。另外我想问一下，我在工地上干了大半年老板一直没跟我签合同，双倍工资能要多少，怎么要")
	if !r.Answer.Urgent {
		t.Fatalf("not urgent: %s", r.Text)
	}
	if n := len(server.Requests()); n != 0 || strings.Contains(r.Text, knowledge.Label) {
		t.Errorf("%d requests: %s", n, r.Text)
	}
}
