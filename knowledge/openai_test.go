package knowledge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mingbai/knowledge/llmtest"
)

func newChatModel(t testing.TB, o ModelOptions) (*ChatModel, *llmtest.Server) {
	t.Helper()
	s := llmtest.New()
	t.Cleanup(s.Close)
	o.BaseURL, o.Model = s.URL(), llmtest.Name
	m, err := NewChatModel(o, NewRedactor(nil))
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func said(text string) Prompt {
	return Prompt{Task: TaskAnswer, System: "你是助手。", User: []Part{{Text: text}}, Person: "p"}
}

func TestNewChatModel_NeedsMasking(t *testing.T) {
	t.Parallel()
	if _, err := NewChatModel(ModelOptions{BaseURL: "http://127.0.0.1:1", Model: "m"}, nil); err == nil {
		t.Error("a model without masking was made")
	}
}

func TestChatModel_SendsNothingUnmasked(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	s.Say("〔手机1〕可以打。")
	c, err := m.Complete(context.Background(), Prompt{Task: TaskAnswer, System: "s", Person: "秘密的人", User: []Part{
		{Text: "资料：《民法典》第一千零七十七条，热线 12348。\n", Document: true},
		{Text: "我叫王建国，电话 13812345678。\x1e"}, {Text: "还是打 13812345678 吗"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	body := s.Requests()[0].Body
	for _, secret := range []string{"13812345678", "王建国", "秘密的人"} {
		if bytes.Contains(body, []byte(secret)) {
			t.Errorf("the model was sent %q", secret)
		}
	}
	user := s.Requests()[0].User()
	if strings.Count(user, "〔手机1〕") != 2 || !strings.Contains(user, "第一千零七十七条，热线 12348") {
		t.Errorf("got %q", user)
	}
	if got := c.Restore(c.Text); got != "13812345678可以打。" {
		t.Errorf("restored: %q", got)
	}
}

// brief are times in which a working llmtest answers even on a busy machine.
var brief = modelTimes{place: 3 * time.Second, first: 3 * time.Second, idle: 2 * time.Second, total: 6 * time.Second}

// TestChatModel_Faults: each way in which a server can fail is an ErrModel for
// streamed and for plain answers, and what it costs is not more than was used.
func TestChatModel_Faults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  llmtest.Fault
		asked  bool // by what was asked: the breaker does not count it
		free   bool // nothing was generated
		pieces bool // some came before it failed
	}{
		{"slow start", llmtest.SlowStart, false, false, false},
		{"stall", llmtest.Stall, false, false, true},
		{"only kept alive", llmtest.KeepAlive, false, false, false},
		{"cut", llmtest.Cut, false, false, true},
		{"length", llmtest.Length, true, false, true},
		{"a page", llmtest.HTML, false, false, false},
		{"a page inside", llmtest.HTMLInside, false, false, true},
		{"an error inside", llmtest.ErrorInside, false, false, true},
		{"reset", llmtest.Reset, false, false, true},
		{"empty", llmtest.Empty, false, false, false},
		{"too many for long", llmtest.TooManyLong, false, true, false},
		{"broken", llmtest.Broken, false, true, false},
		{"denied", llmtest.Denied, false, true, false},
		{"refused", llmtest.Refused, true, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &budgetBook{}
			m, s := newChatModel(t, ModelOptions{Spend: b.spend, times: brief})
			s.Answer(llmtest.Wrong("可以申请法律援助，不收钱。", c.fault))
			got := ""
			begun := time.Now()
			_, err := m.Stream(t.Context(), said("q"), func(p string) error { got += p; return nil })
			var fault *modelError
			if !errors.Is(err, ErrModel) || !errors.As(err, &fault) || fault.free != c.free || fault.asked != c.asked {
				t.Errorf("stream: got %#v, want ErrModel, free %v, asked %v", err, c.free, c.asked)
			}
			if c.pieces != (got != "") {
				t.Errorf("stream: %q came before it failed", got)
			}
			if took := time.Since(begun); took > 2*brief.total {
				t.Errorf("stream: given up after %v", took)
			}
			if used := b.used("all"); c.free != (used == 0) || used > 200 {
				t.Errorf("stream: %d tokens used", used)
			}
			if _, err := m.Complete(t.Context(), said("q")); !errors.Is(err, ErrModel) {
				t.Errorf("plain: got %v, want ErrModel", err)
			}
		})
	}
}

func TestChatModel_TriesOnceMoreWhenAskedTo(t *testing.T) {
	t.Parallel()
	for _, f := range []llmtest.Fault{llmtest.TooMany, llmtest.Broken} {
		m, s := newChatModel(t, ModelOptions{})
		s.Script(llmtest.Wrong("", f), llmtest.Words("好的。"))
		if c, err := m.Complete(t.Context(), said("q")); err != nil || c.Text != "好的。" || len(s.Requests()) != 2 {
			t.Errorf("got %q, %v after %d requests", c.Text, err, len(s.Requests()))
		}
		s.Forget()
		s.Answer(llmtest.Wrong("", f))
		if _, err := m.Complete(t.Context(), said("q")); !errors.Is(err, ErrModel) || len(s.Requests()) != 2 {
			t.Errorf("got %v after %d requests, want two", err, len(s.Requests()))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header string
		wait   time.Duration
		worth  bool
	}{
		{"", 200 * time.Millisecond, true}, {"0", 0, true}, {"2", 2 * time.Second, true}, {"3", 3 * time.Second, false},
		{"-1", 0, false}, {"99999999999999999999", 0, false}, {"soon", 0, false},
		{"Mon, 01 Jan 2024 00:00:00 GMT", 0, true}, {"Fri, 01 Jan 2100 00:00:00 GMT", -1, false},
	} {
		wait, worth := retryAfter(&http.Response{Header: http.Header{"Retry-After": {c.header}}})
		if worth != c.worth || c.wait >= 0 && wait != c.wait {
			t.Errorf("%q: got %v, %v, want %v, %v", c.header, wait, worth, c.wait, c.worth)
		}
	}
}

func TestChatModel_RestsAfterFailures(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	s.Answer(llmtest.Wrong("", llmtest.TooManyLong))
	for range breakerRow {
		if _, err := m.Complete(t.Context(), said("q")); !errors.Is(err, ErrModel) {
			t.Fatalf("got %v", err)
		}
	}
	asked := len(s.Requests())
	begun := time.Now()
	for range 100 {
		if _, err := m.Complete(t.Context(), said("q")); !errors.Is(err, ErrBreaker) {
			t.Fatalf("got %v, want ErrBreaker", err)
		}
	}
	if n := len(s.Requests()); n != asked || time.Since(begun) > 10*time.Second {
		t.Errorf("%d requests while the breaker was open, %v", n-asked, time.Since(begun))
	}
}

// TestChatModel_OnePersonCannotSwitchItOff: what a person asks, and persons who
// go away, do not open the breaker for the others.
func TestChatModel_OnePersonCannotSwitchItOff(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	for _, f := range []llmtest.Fault{llmtest.Refused, llmtest.Length} {
		s.Answer(llmtest.Wrong("很长的答案", f))
		for range 2 * breakerRow {
			if _, err := m.Complete(t.Context(), said("q")); !errors.Is(err, ErrModel) {
				t.Fatalf("got %v", err)
			}
		}
	}
	s.Answer(llmtest.Wrong("", llmtest.SlowStart))
	for range 2 * breakerRow {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := m.Complete(ctx, said("q")); !errors.Is(err, context.Canceled) || errors.Is(err, ErrModel) {
			t.Fatalf("got %v", err)
		}
		hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := m.Complete(hasty, said("q")); !errors.Is(err, ErrModel) {
			t.Fatalf("got %v", err)
		}
		cancel()
	}
	s.Say("好的。")
	if _, err := m.Complete(t.Context(), said("q")); err != nil {
		t.Error(err)
	}
}

// TestChatModel_JSON: the object is asked for in the way the provider knows, and
// another shape is refused.
func TestChatModel_JSON(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type":"object","properties":{"kind":{"type":"string","enum":["a","b"]},"n":{"type":"array","items":{"type":"integer"}}},"required":["kind"]}`)
	ask := said("q")
	ask.Schema = schema
	for how, want := range map[string]string{"": `"type":"json_object"`, "object": `"type":"json_object"`, "schema": `"json_schema":{"name":"answer"`, "none": ""} {
		m, s := newChatModel(t, ModelOptions{JSON: how})
		s.Say("```json\n{\"kind\":\"a\",\"n\":[1]}\n```")
		c, err := m.Complete(t.Context(), ask)
		if err != nil || c.Text != `{"kind":"a","n":[1]}` {
			t.Errorf("%s: got %q, %v", how, c.Text, err)
		}
		r := s.Requests()[0]
		if got := bytes.Contains(r.Body, []byte("response_format")); got != (want != "") || want != "" && !bytes.Contains(r.Body, []byte(want)) {
			t.Errorf("%s: asked %s", how, r.Body)
		}
		if told := strings.Contains(r.Messages[0].Content, string(schema)); told != (how != "schema") {
			t.Errorf("%s: the instructions hold the schema: %v", how, told)
		}
		for _, wrong := range []string{"好的。", `{"kind":"c"}`, `{"n":[1]}`, `{"kind":"a","n":["1"]}`, `["a"]`, `{"kind":"a"} {}`} {
			s.Say(wrong)
			if c, err := m.Complete(t.Context(), ask); !errors.Is(err, ErrModel) {
				t.Errorf("%s: took %q, %v", wrong, c.Text, err)
			}
		}
	}
}

func TestChatModel_ThinkingAloudIsLeftOut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<think>先想想。<b>手机</think>\n\n可以申请。": "可以申请。",
		"\n<think></think>可以。":              "可以。",
		"<thinking 不是它":                     "<thinking 不是它",
		"可以<think>中间</think>":               "可以<think>中间</think>",
		"  <":                               "  <",
	} {
		m, s := newChatModel(t, ModelOptions{})
		s.Say(in)
		got := ""
		c, err := m.Stream(t.Context(), said("q"), func(p string) error { got += p; return nil })
		if err != nil || c.Text != want || got != want {
			t.Errorf("%q: got %q in pieces %q, %v", in, c.Text, got, err)
		}
		if c, err := m.Complete(t.Context(), said("q")); err != nil || c.Text != want {
			t.Errorf("%q: got %q, %v", in, c.Text, err)
		}
		s.Say("<think>只想不说")
		if c, err := m.Stream(t.Context(), said("q"), func(string) error { return nil }); !errors.Is(err, ErrModel) {
			t.Errorf("got %q, %v", c.Text, err)
		}
	}
}

// budgetBook is a Spend in memory.
type budgetBook struct {
	mu    sync.Mutex
	spent map[string]int
}

func (b *budgetBook) spend(_ context.Context, key string, n, limit int) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent == nil {
		b.spent = map[string]int{}
	}
	if n > 0 && b.spent[key]+n > limit {
		return false, nil
	}
	b.spent[key] += n
	return true, nil
}

func (b *budgetBook) used(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent[key]
}

// TestChatModel_Budget: a person's flood ends at the person's budget, and what a
// call did not use is given back.
func TestChatModel_Budget(t *testing.T) {
	t.Parallel()
	b := &budgetBook{}
	m, s := newChatModel(t, ModelOptions{PerPerson: 3000, PerBot: 50_000, PerDay: 100_000, Spend: b.spend})
	var refused int
	for range 600 {
		if _, err := m.Complete(context.Background(), said("为什么")); errors.Is(err, ErrBudget) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if b.used("person p") > 3000 || b.used("all") > 3000 || refused == 0 || refused+len(s.Requests()) != 600 {
		t.Errorf("spent %v, %d refused, %d asked", b.spent, refused, len(s.Requests()))
	}
	other := said("q")
	other.Person = "somebody else"
	if _, err := m.Complete(context.Background(), other); err != nil {
		t.Errorf("another person: %v", err)
	}
	other.Bot = "b"
	b.spent["bot b"] = 50_000
	if _, err := m.Complete(context.Background(), other); !errors.Is(err, ErrBudget) {
		t.Errorf("a bot without tokens: got %v", err)
	}
	broken := func(context.Context, string, int, int) (bool, error) { return true, errors.New("down") }
	m, s = newChatModel(t, ModelOptions{Spend: broken})
	if _, err := m.Complete(context.Background(), said("q")); !errors.Is(err, ErrBudget) || len(s.Requests()) != 0 {
		t.Errorf("budget unknown: got %v after %d requests", err, len(s.Requests()))
	}
}

func TestChatModel_TheCallersErrorEndsIt(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	s.Say(strings.Repeat("字", 400))
	stop := errors.New("seen enough")
	for range 2 * breakerRow {
		if _, err := m.Stream(context.Background(), said("q"), func(string) error { return stop }); !errors.Is(err, stop) {
			t.Fatalf("got %v", err)
		}
	}
}
