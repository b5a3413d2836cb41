package main

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/knowledge/llmtest"
	"mingbai/office"
)

// clerkPages is a clerk at the console without a browser.
type clerkPages struct {
	t    *testing.T
	base string
	http http.Client
}

func signedIn(t *testing.T, base, login, password string) *clerkPages {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &clerkPages{t: t, base: base, http: http.Client{Jar: jar, Timeout: time.Minute}}
	if page := p.post("/console/sign-in", url.Values{"_login": {login}, "_password": {password}}); !strings.Contains(page, "等着办的事") {
		t.Fatalf("not signed in: %s", page)
	}
	return p
}

func (p *clerkPages) read(resp *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return html.UnescapeString(string(body))
}

func (p *clerkPages) get(path string) string {
	p.t.Helper()
	return p.read(p.http.Get(p.base + path))
}

// post sends a form and gives the page it leads to.
func (p *clerkPages) post(path string, form url.Values) string {
	p.t.Helper()
	return p.read(p.http.PostForm(p.base+path, form))
}

var sentField = regexp.MustCompile(`name="(version|request)" value="([^"]*)"`)

// send sends a form of a case's page as it stands there.
func (p *clerkPages) send(no, what string, form url.Values) string {
	p.t.Helper()
	at := "/console/cases/" + url.PathEscape(no)
	for _, m := range sentField.FindAllStringSubmatch(p.get(at), -1) {
		form.Set(m[1], m[2])
	}
	return p.post(at+"/"+what, form)
}

var pageSays = regexp.MustCompile(`(?s)<p[^>]*(?:note|status|fault)[^>]*>.*?</p>`)

// expect fails the test unless the page says all of it.
func (p *clerkPages) expect(page string, words ...string) {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			p.t.Errorf("no %q on the page, which says %q", w, pageSays.FindAllString(page, -1))
		}
	}
}

var answerField = regexp.MustCompile(`(?s)<textarea[^>]*name="text"[^>]*>\s*(.*?)</textarea>`)

func typedIn(page string) string {
	if m := answerField.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// drafting is a model that words answers and lists what was said.
func drafting(answer string) llmtest.Reply {
	return func(r llmtest.Request) (string, llmtest.Fault) {
		if strings.Contains(r.Messages[0].Content, "交接摘要") {
			return "当事人说：〔姓名1〕在工地上干了半年，没签书面合同。\n想要：双倍工资", llmtest.None
		}
		return answer, llmtest.None
	}
}

const (
	draftStory = "我叫李桂芳，电话13812345678。我在工地上干了半年，老板一直没和我签书面合同，现在要走了，能要多少双倍工资"
	draftGood  = "〔姓名1〕您好。能要，满一个月没签书面合同，从第二个月起每月可以要两倍工资。〔1〕〔2〕最多补11个月。〔2〕先把工资条、考勤和聊天记录保存好。"
	draftBad   = "根据《劳动合同法》第九十九条，你可以要三年的双倍工资。〔1〕先把工资条保存好。"
)

// A resident agrees to the model on QQ and hands a case in; the clerk has it
// drafted, loses the model twice, edits what it wrote and sends it. The model
// never sees a name, and what is sent says that AI helped and who approved it.
func TestDraft_ClerkWithAModel(t *testing.T) {
	t.Parallel()
	model := llmtest.New()
	defer model.Close()
	model.Answer(drafting(draftGood))
	r := newQQRig(t, "webhook", "OPENAI_BASE_URL="+model.URL(), "OPENAI_MODEL="+llmtest.Name)
	_, password := staffOf(t, r.records)
	mei := r.platform.User(r.bot, "李梅")
	for said, next := range steps("同意AI", "记下了", draftStory, "最多补11个月", "人工", "哪方面", "5", "在哪个乡镇", "三里村", "希望", "把双倍工资要回来", "怎么称呼", "无", "电话", "无", "聊天：附上", "1", "城东-0001") {
		mei.Say(said)
		r.shown(mei.SeenTexts, next)
	}
	no := regexp.MustCompile(`\d{4}-城东-0001`).FindString(r.shown(mei.SeenTexts, "城东-0001"))
	p := signedIn(t, "http://"+r.address, "chen", password)
	page := p.get("/console/cases/" + url.PathEscape(no))
	p.expect(page, "提交前和明白的聊天（2 句）", "<b>本人</b>", "我叫〔姓名1〕，电话〔手机1〕", "<b>明白</b>")
	p.send(no, "act", url.Values{"verb": {"accept"}})
	model.Forget()

	page = p.send(no, "draft", url.Values{"text": {""}})
	p.expect(page, "草稿好了，请逐句核对", "AI 生成的草稿（"+llmtest.Name, "当事人说：李桂芳在工地上干了半年", "劳动合同法", "AI辅助起草·已由您审核")
	drafted := typedIn(page)
	if !strings.HasPrefix(drafted, "李桂芳您好。能要") || strings.ContainsAny(drafted, "〔【") {
		t.Fatalf("the draft is %q", drafted)
	}
	if asked := model.Requests(); len(asked) != 2 {
		t.Errorf("%d requests", len(asked))
	}
	page = p.send(no, "draft", url.Values{"text": {"李女士，我先跟您说两句"}})
	p.expect(page, "下面框里还是您写的", "草稿全文")
	if got := typedIn(page); got != "李女士，我先跟您说两句" {
		t.Errorf("what was typed is now %q", got)
	}
	for fault, line := range map[*llmtest.Reply]string{
		new(llmtest.Reply(llmtest.Wrong("", llmtest.Denied))): "模型这会儿没有应答。先从审核过的条目里摘了一份",
		new(drafting(draftBad)):                               "模型写的没有通过核对（有一句的法条",
	} {
		model.Answer(*fault)
		page = p.send(no, "draft", url.Values{"text": {""}})
		p.expect(page, line, "从审核过的条目摘的草稿")
		if got := typedIn(page); !strings.Contains(got, "书面") || strings.Contains(got, "九十九") {
			t.Errorf("%s: the draft is %q", line, got)
		}
	}
	for _, q := range model.Requests() {
		for _, secret := range []string{"李桂芳", "13812345678"} {
			if strings.Contains(string(q.Body), secret) {
				t.Errorf("the model reads %s", secret)
			}
		}
	}
	edited := strings.Replace(drafted, "李桂芳您好。", "李女士：", 1) + "\n周三上午来所里，带身份证。"
	page = p.send(no, "act", url.Values{"verb": {"answer"}, "preview": {"1"}, "text": {edited}})
	p.expect(page, "AI辅助起草·已由城东司法所 陈所审核")
	page = p.send(no, "act", url.Values{"verb": {"answer"}, "text": {edited}})
	p.expect(page, "现在是“已答复”")
	mei.Say("在吗")
	got := r.shown(mei.SeenTexts, "有答复了")
	for _, w := range []string{"李女士：能要，满一个月没签书面合同", "周三上午来所里", "AI辅助起草·已由城东司法所 陈所审核"} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in what the resident gets:\n%s", w, got)
		}
	}
}

// A model that says nothing until the caller goes costs the clerk the wait, not
// the draft.
func TestDraft_SlowModel(t *testing.T) {
	t.Parallel()
	model := llmtest.New()
	defer model.Close()
	asked := make(chan bool, 10)
	model.Answer(func(llmtest.Request) (string, llmtest.Fault) { asked <- true; return "", llmtest.SlowStart })
	a := &app{out: io.Discard, err: io.Discard, now: time.Now, environ: []string{"DATA_DIR=" + t.TempDir(), "OPENAI_BASE_URL=" + model.URL(), "OPENAI_MODEL=" + llmtest.Name}}
	if err := a.load(""); err != nil {
		t.Fatal(err)
	}
	p, err := a.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close() //nolint:errcheck // the test is over
	c := office.Case{No: "2026-城东-0001", Matter: "wages", Story: "在工地干了三个月，25000元工钱拖着不给。"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-asked; <-asked; cancel() }() // twice, and nothing comes
	d, err := p.draft(ctx, office.Person{}, c, true)
	if err != nil || d.Model != "" || d.Text == "" || d.Missed != "模型这会儿没有应答" || len(d.Sources) == 0 {
		t.Errorf("got %+v, %v", d, err)
	}
}
