package bot

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/internal/servers"
)

// The program is killed between taking a message and having its reply settled,
// at each point there is: every message is answered once, in the end.
func TestQQCrash_EachMessageIsAnsweredOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills a program many times")
	}
	t.Parallel()
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			env := []string{"DATA_DIR=" + t.TempDir()}
			if database == "PostgreSQL" {
				env = append(env, "DATABASE_URL="+servers.StartPostgres(t).URL)
			}
			killMany(t, env)
		})
	}
}

// open is how many messages the program has not done.
func (v *victim) open() string {
	r, err := http.Get(v.base + "/open")
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	n, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	return string(n)
}

func killMany(t *testing.T, env []string) {
	// An event whose acknowledgement died with the program comes again when the
	// next one is up.
	p := qqtest.New(qqtest.Options{RetryWait: 1500 * time.Millisecond})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	v := newVictim(t, append(env, "QQ_BASE="+p.URL(), "QQ_APP_ID=102000001", "QQ_APP_SECRET=DG5g3B4j9X2KOErG")...)
	b := p.AddBot("102000001", "DG5g3B4j9X2KOErG", qqtest.BotOptions{Webhook: v.base + "/qq/webhook"})
	points := []string{"taken", "handled", "answered", "saved", "sending", "posted", "sent"}
	var people []*qqtest.User
	for i := range kills(t) {
		point := points[i%len(points)]
		v.start("CRASH_AT=" + point)
		u := p.User(b, fmt.Sprint("人", i))
		people = append(people, u)
		u.Say(fmt.Sprintf("问%d。", i))
		if code := v.wait(); code != 137 {
			t.Fatalf("kill %d at %s: the program ended with %d\n%s", i, point, code, v.out.String())
		}
		v.start()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := p.WaitFor(ctx, func() bool { return len(u.SeenTexts()) > 0 })
		cancel()
		if err != nil {
			t.Fatalf("kill %d at %s: the message was not answered\n%s", i, point, v.out.String())
		}
		until(t, "nothing is left to be done", func() bool { return v.open() == "0" })
		v.end(syscall.SIGTERM)
		v.out.Reset()
	}
	for i, u := range people {
		if got := u.SeenTexts(); len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprintf("问%d。", i)) {
			t.Errorf("message %d, killed at %s: shown %q", i, points[i%len(points)], got)
		}
	}
}
