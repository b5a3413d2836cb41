package bot

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"mingbai/bot/qqtest"
)

// logged keeps every byte that is logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Whatever goes wrong, no secret, token, openid or word of a person is logged.
func TestQQEnd_NothingOfAPersonIsLogged(t *testing.T) {
	t.Parallel()
	out := &logged{}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := newQQRigOn(t, qqtest.Strict2026, QQByWebhook, log)
	u := r.p.User(r.bot, "甲")
	token, err := r.q.api.token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	const words = "我叫金丝雀身份证110101199003070011"
	for _, f := range []qqtest.Fault{
		{Kind: qqtest.FaultHTML}, {Kind: qqtest.FaultReset}, {Kind: qqtest.FaultEmpty}, {Kind: qqtest.Fault200Error},
		{Kind: qqtest.FaultError, Status: 400, Code: 40034006}, {Kind: qqtest.FaultError, Status: 400, Code: 40054002},
		{Kind: qqtest.FaultError, Status: 400, Code: 40054013}, {Kind: qqtest.FaultError, Status: 401, Code: 40023002},
	} {
		f.Endpoint = "c2c/messages"
		r.p.Arm(f, 1)
		n := len(r.attempts())
		u.Say(words)
		until(t, "it was tried", func() bool { return len(r.attempts()) > n })
		if f.Code != 40023002 {
			r.settled()
		}
	}
	until(t, "the alarm is logged", func() bool { return strings.Contains(out.String(), "QQ refuses every call") })
	for _, canary := range []string{"金丝雀", "110101199003070011", token, "DG5g3B4j9X2KOErG", u.OpenID()} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q is in the log:\n%s", canary, out.String())
		}
	}
	if at := strings.Index(out.String(), "/qq/user/"); at >= 0 {
		t.Errorf("an address is in the log at %d", at)
	}
}
