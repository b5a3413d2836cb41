package knowledge

import (
	"bytes"
	"context"
	"errors"
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

func TestChatModel_Faults(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]llmtest.Fault{
		"cut": llmtest.Cut, "length": llmtest.Length, "a page": llmtest.HTML, "a page inside": llmtest.HTMLInside,
		"an error inside": llmtest.ErrorInside, "reset": llmtest.Reset, "empty": llmtest.Empty,
		"too many for long": llmtest.TooManyLong, "broken": llmtest.Broken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := newChatModel(t, ModelOptions{})
			s.Answer(func(llmtest.Request) (string, llmtest.Fault) { return "可以申请法律援助，不收钱。", f })
			if c, err := m.Stream(context.Background(), said("q"), func(string) error { return nil }); !errors.Is(err, ErrModel) {
				t.Errorf("stream: got %q, %v, want ErrModel", c.Text, err)
			}
			if c, err := m.Complete(context.Background(), said("q")); !errors.Is(err, ErrModel) {
				t.Errorf("plain: got %q, %v, want ErrModel", c.Text, err)
			}
		})
	}
}

func TestChatModel_TriesOnceMoreWhenAskedTo(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	var mu sync.Mutex
	n := 0
	s.Answer(func(llmtest.Request) (string, llmtest.Fault) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 {
			return "", llmtest.TooMany
		}
		return "好的。", llmtest.None
	})
	if c, err := m.Complete(context.Background(), said("q")); err != nil || c.Text != "好的。" || len(s.Requests()) != 2 {
		t.Errorf("got %q, %v after %d requests", c.Text, err, len(s.Requests()))
	}
}

func TestChatModel_SilenceIsGivenUp(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	s.Answer(func(llmtest.Request) (string, llmtest.Fault) { return strings.Repeat("字", 40), llmtest.Stall })
	begun := time.Now()
	got := ""
	_, err := m.Stream(context.Background(), said("q"), func(p string) error { got += p; return nil })
	if !errors.Is(err, ErrModel) || got == "" || time.Since(begun) > modelTotal {
		t.Errorf("got %v after %v with %q", err, time.Since(begun), got)
	}
}

func TestChatModel_RestsAfterFailures(t *testing.T) {
	t.Parallel()
	m, s := newChatModel(t, ModelOptions{})
	s.Answer(func(llmtest.Request) (string, llmtest.Fault) { return "", llmtest.TooManyLong })
	for range breakerRow {
		if _, err := m.Complete(context.Background(), said("q")); !errors.Is(err, ErrModel) {
			t.Fatalf("got %v", err)
		}
	}
	asked := len(s.Requests())
	for range 10 {
		if _, err := m.Complete(context.Background(), said("q")); !errors.Is(err, ErrBreaker) {
			t.Fatalf("got %v, want ErrBreaker", err)
		}
	}
	if n := len(s.Requests()); n != asked {
		t.Errorf("%d requests while the breaker was open", n-asked)
	}
}

// TestChatModel_Budget: a person's flood ends at the person's budget, and what a
// call did not use is given back.
func TestChatModel_Budget(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spent := map[string]int{}
	spend := func(_ context.Context, key string, n, limit int) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 && spent[key]+n > limit {
			return false, nil
		}
		spent[key] += n
		return true, nil
	}
	m, s := newChatModel(t, ModelOptions{PerPerson: 3000, PerDay: 100_000, Spend: spend})
	var refused int
	for range 600 {
		if _, err := m.Complete(context.Background(), said("为什么")); errors.Is(err, ErrBudget) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if spent["person p"] > 3000 || spent["all"] > 3000 || refused == 0 || refused+len(s.Requests()) != 600 {
		t.Errorf("spent %v, %d refused, %d asked", spent, refused, len(s.Requests()))
	}
	other := said("q")
	other.Person = "somebody else"
	if _, err := m.Complete(context.Background(), other); err != nil {
		t.Errorf("another person: %v", err)
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
