package bot

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// crashbot builds the program that the tests below kill, once. TestMain removes
// it.
var crashbot = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("mingbai-crashbot-%d", os.Getpid()))
	out, err := exec.Command("go", "build", "-tags", "crashtest", "-o", path, "./testdata/crashbot").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// victim is a process that serves one address and may be killed.
type victim struct {
	t    testing.TB
	path string
	env  []string
	base string // http://host:port
	cmd  *exec.Cmd
	out  bytes.Buffer
}

func newVictim(t testing.TB, env ...string) *victim {
	t.Helper()
	path, err := crashbot()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	v := &victim{t: t, path: path, base: "http://" + addr, env: append(env, "LISTEN="+addr)}
	t.Cleanup(func() { v.end(syscall.SIGKILL) })
	return v
}

// start starts it and waits until it serves or has ended by itself.
func (v *victim) start(more ...string) {
	v.t.Helper()
	v.cmd = exec.Command(v.path)
	v.cmd.Env = append(append(os.Environ(), v.env...), more...)
	v.cmd.Stderr = &v.out
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	until(v.t, "the program serves", func() bool {
		r, err := http.Get(v.base + "/api/openapi.yaml")
		if err != nil {
			return false
		}
		r.Body.Close()
		return true
	})
}

// end sends a signal and returns the exit code.
func (v *victim) end(s syscall.Signal) int {
	if v.cmd == nil {
		return 0
	}
	v.cmd.Process.Signal(s) //nolint:errcheck // it may have ended
	return v.wait()
}

func (v *victim) wait() int {
	v.cmd.Wait() //nolint:errcheck // the code says it
	code := v.cmd.ProcessState.ExitCode()
	v.cmd = nil
	http.DefaultClient.CloseIdleConnections()
	return code
}

// person talks to victims as a page does: sends again what was not
// acknowledged, and reads events with the number of the last one it has.
type person struct {
	t     testing.TB
	bases []string
	chat  string

	mu      sync.Mutex
	last    int
	replies map[string][]string // by the message answered
	drafts  map[string]string   // what was shown before the reply, by the message
	faults  []string
	stop    context.CancelFunc
	done    chan struct{}
}

func newPerson(t testing.TB, bases ...string) *person {
	t.Helper()
	p := &person{t: t, bases: bases, replies: map[string][]string{}, drafts: map[string]string{}, done: make(chan struct{})}
	until(t, "a conversation begins", func() bool {
		r, err := http.Post(p.base()+"/api/v1/conversations", "application/json", nil)
		if err != nil {
			return false
		}
		defer r.Body.Close()
		var c conversation
		if r.StatusCode != 201 || json.NewDecoder(r.Body).Decode(&c) != nil {
			return false
		}
		p.chat = c.ID
		return true
	})
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	go p.read(ctx)
	t.Cleanup(p.leave)
	return p
}

func (p *person) base() string { return p.bases[rand.IntN(len(p.bases))] }

func (p *person) leave() {
	p.stop()
	<-p.done
	http.DefaultClient.CloseIdleConnections()
}

// say sends until it is acknowledged or ctx ends.
func (p *person) say(ctx context.Context, id, text string) {
	body := fmt.Sprintf(`{"id":%q,"text":%q}`, id, text)
	for ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		r, err := http.NewRequestWithContext(short, "POST", p.base()+"/api/v1/conversations/"+p.chat+"/messages", strings.NewReader(body))
		if err != nil {
			p.t.Error(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			io.Copy(io.Discard, res.Body) //nolint:errcheck // a cut answer is no answer
			res.Body.Close()
		}
		cancel()
		if err == nil && res.StatusCode == 202 {
			return
		}
		if err == nil && res.StatusCode != 503 && res.StatusCode != 429 {
			p.t.Errorf("say: %d", res.StatusCode)
			return
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// pause is how a client waits before it tries again.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (p *person) read(ctx context.Context) {
	defer close(p.done)
	for ctx.Err() == nil {
		p.stream(ctx)
		pause(ctx, 20*time.Millisecond)
	}
}

// stream reads one stream until it is cut.
func (p *person) stream(ctx context.Context) {
	r, _ := http.NewRequestWithContext(ctx, "GET", p.base()+"/api/v1/conversations/"+p.chat+"/events", nil)
	p.mu.Lock()
	r.Header.Set("Last-Event-ID", strconv.Itoa(p.last))
	p.mu.Unlock()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	var e sse
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "id":
			e.id = value
		case "event":
			e.event = value
		case "data":
			e.data = value
		case "":
			if e.id != "" {
				p.take(e)
			} else if e.event == "partial" {
				p.draft(e)
			}
			e = sse{}
		}
	}
}

// take checks that no event is lost or repeated.
func (p *person) take(s sse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e event
	if err := json.Unmarshal([]byte(s.data), &e); err != nil || strconv.FormatInt(e.ID, 10) != s.id {
		p.faults = append(p.faults, fmt.Sprintf("event %s: %s", s.id, s.data))
		return
	}
	if int(e.ID) != p.last+1 {
		p.faults = append(p.faults, fmt.Sprintf("event %d after %d", e.ID, p.last))
	}
	p.last = int(e.ID)
	if e.Type == eventReply {
		p.replies[e.Ref] = append(p.replies[e.Ref], e.Text)
	}
}

// draft checks that what is shown of a reply only grows.
func (p *person) draft(s sse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e partial
	if err := json.Unmarshal([]byte(s.data), &e); err != nil || !strings.HasPrefix(e.Text, p.drafts[e.Ref]) {
		p.faults = append(p.faults, fmt.Sprintf("%q was shown, then %q", p.drafts[e.Ref], s.data))
	}
	p.drafts[e.Ref] = e.Text
}

// shown is the longest of what was shown of the reply to a message.
func (p *person) shown(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drafts[id]
}

func (p *person) answered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.replies)
}

// check wants one reply to each of the messages 0 to n-1.
func (p *person) check(t testing.TB, n int, text string) {
	t.Helper()
	limit := time.Now().Add(60 * time.Second)
	for p.answered() < n && time.Now().Before(limit) {
		pause(context.Background(), 10*time.Millisecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range n {
		got := p.replies[fmt.Sprint("m", i)]
		if len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprint(text, i, " ")) {
			t.Errorf("message %d: got replies %q, want one", i, got)
		} else if before := p.drafts[fmt.Sprint("m", i)]; !strings.HasPrefix(got[0], before) {
			t.Errorf("message %d: %q was shown, then %q was said", i, before, got[0])
		}
	}
	for _, f := range p.faults {
		t.Error(f)
	}
}

// places are the two ways of keeping things that the kill tests run on.
var places = map[string]func(t *testing.T) (env []string, redis *servers.Redis){
	"SQLite": func(t *testing.T) ([]string, *servers.Redis) { return []string{"DATA_DIR=" + t.TempDir()}, nil },
	"Redis and PostgreSQL": func(t *testing.T) ([]string, *servers.Redis) {
		r := servers.StartRedis(t)
		return []string{"REDIS_URL=" + r.URL, "DATABASE_URL=" + servers.PostgresURL(t)}, r
	},
}

func TestCrash_AtEveryPoint(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		for _, label := range []string{"taken", "handled", "answered", "saved", "sent"} {
			t.Run(name+"/"+label, func(t *testing.T) {
				t.Parallel()
				env, _ := place(t)
				v := newVictim(t, env...)
				v.start("CRASH_AT=" + label)
				p := newPerson(t, v.base)
				said := make(chan struct{})
				go func() {
					defer close(said)
					p.say(t.Context(), "m0", "text 0")
					p.say(t.Context(), "m1", "text 1")
				}()
				if code := v.wait(); code != 137 {
					t.Fatalf("it ended with %d, want 137\n%s", code, v.out.String())
				}
				v.start()
				<-said
				p.check(t, 2, "text ")
				if code := v.end(syscall.SIGTERM); code != 0 {
					t.Errorf("it ended with %d after SIGTERM", code)
				}
			})
		}
	}
}

// TestCrash_InMidAnswer kills the program while a reply is shown sentence by
// sentence. The message comes back to a program whose draft is another: what the
// person has read stays, nothing of the other draft is shown before the reply
// is durable, and a page that is loaded anew still has what was shown.
func TestCrash_InMidAnswer(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := place(t)
			v := newVictim(t, append(env, "DRAFT=1")...)
			v.start("THINK=1h")
			p := newPerson(t, v.base)
			p.say(t.Context(), "m0", "text 0")
			until(t, "two sentences are shown", func() bool { return strings.Count(p.shown("m0"), ". ") == 2 })
			before := p.shown("m0")
			if code := v.end(syscall.SIGKILL); code != -1 {
				t.Fatalf("it had ended with %d\n%s", code, v.out.String())
			}
			v.start("THINK=500ms")
			again := &person{t: t, bases: p.bases, chat: p.chat, replies: map[string][]string{}, drafts: map[string]string{}, done: make(chan struct{})}
			ctx, cancel := context.WithCancel(t.Context())
			again.stop = cancel
			go again.read(ctx)
			t.Cleanup(again.leave)
			p.check(t, 1, "text ")
			again.check(t, 1, "text ")
			if got := again.shown("m0"); got != "" && got != before {
				t.Errorf("a page that was loaded anew was shown %q, want %q", got, before)
			}
			if got := p.replies["m0"]; len(got) == 1 && (!strings.HasPrefix(got[0], before+goesOn) || strings.Count(got[0], ". ") != 2) {
				t.Errorf("got %q, want %q and then another reply", got, before)
			}
		})
	}
}

// kills is how often the next test kills: MINGBAI_KILLS, or a few.
func kills(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("MINGBAI_KILLS"))
	if err != nil && os.Getenv("MINGBAI_KILLS") != "" {
		t.Fatal(err)
	}
	if n == 0 {
		n = 8
	}
	return n
}

func TestCrash_KilledAtRandom(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, redis := place(t)
			victims := []*victim{newVictim(t, append(env, "THINK=5ms", "DRAFT=1")...)}
			if redis != nil {
				victims = append(victims, newVictim(t, append(env, "THINK=5ms", "DRAFT=1")...))
			}
			var bases []string
			for _, v := range victims {
				v.start()
				bases = append(bases, v.base)
			}
			ctx, cancel := context.WithCancel(t.Context())
			counts := make([]int, 5)
			people := make([]*person, len(counts))
			var talk sync.WaitGroup
			for i := range people {
				people[i] = newPerson(t, bases...)
				talk.Go(func() {
					for ; ctx.Err() == nil; counts[i]++ {
						p, n := people[i], counts[i]
						p.say(t.Context(), fmt.Sprint("m", n), fmt.Sprint("text ", n))
						pause(ctx, time.Duration(rand.IntN(40))*time.Millisecond)
					}
				})
			}
			for i := range kills(t) {
				pause(ctx, time.Duration(50+rand.IntN(300))*time.Millisecond)
				v := victims[rand.IntN(len(victims))]
				if code := v.end(syscall.SIGKILL); code != -1 {
					t.Errorf("it had ended with %d\n%s", code, v.out.String())
				}
				if redis != nil && i%4 == 1 {
					redis.Do("FLUSHALL") //nolint:errcheck // if it is down there is nothing to flush
				}
				if redis != nil && i%8 == 3 {
					redis.Kill()
					redis.Start()
				}
				v.start()
			}
			cancel()
			talk.Wait()
			for i, p := range people {
				p.check(t, counts[i], "text ")
			}
			t.Logf("messages of each person: %v", counts)
		})
	}
}

// SIGTERM under load: what was acknowledged is answered by then or after the
// next start, and the program ends in time and well.
func TestCrash_StoppedUnderLoad(t *testing.T) {
	t.Parallel()
	env, _ := places["SQLite"](t)
	v := newVictim(t, append(env, "THINK=200ms")...)
	v.start()
	people := make([]*person, 4)
	for i := range people {
		people[i] = newPerson(t, v.base)
	}
	for n := range 6 {
		for _, p := range people {
			p.say(t.Context(), fmt.Sprint("m", n), fmt.Sprint("text ", n))
		}
	}
	begin := time.Now()
	if code := v.end(syscall.SIGTERM); code != 0 {
		t.Errorf("it ended with %d\n%s", code, v.out.String())
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v to end, want 10s at most", took)
	}
	v.start()
	for _, p := range people {
		p.check(t, 6, "text ")
	}
}
