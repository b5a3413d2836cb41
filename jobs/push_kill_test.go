package jobs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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
	"mingbai/office"
)

func TestMain(m *testing.M) {
	code := m.Run()
	servers.Stop()
	os.Remove(victimPath()) //nolint:errcheck // if it was built
	os.Exit(code)
}

func victimPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("mingbai-pushvictim-%d", os.Getpid()))
}

// pushvictim builds the program that the tests below kill, once.
var pushvictim = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "build", "-o", victimPath(), "./testdata/pushvictim").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return victimPath(), nil
})

// receiver counts what comes in. Under /hook it takes a key once, as receivers of
// keyed deliveries do; under /chat it takes everything, as a chat platform does.
type receiver struct {
	mu    sync.Mutex
	posts int
	hook  map[string]int
	chat  map[string]int
	more  chan struct{} // gets a value a post, as far as somebody waits
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(io.LimitReader(q.Body, 1<<10))
	if err != nil {
		return // the sender was killed
	}
	_, target, _ := strings.Cut(string(body), " ")
	r.mu.Lock()
	r.posts++
	if q.URL.Path == "/hook" {
		r.hook[target]++
	} else {
		r.chat[target]++
	}
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
	w.WriteHeader(http.StatusOK)
}

// number reads a setting of the full run.
func number(t *testing.T, name string, def int) int {
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The full run is MINGBAI_PUSH_KILLS=120 MINGBAI_PUSH_SEEDS=3 MINGBAI_PUSH_TO=2000.
func TestPublish_KilledWhileItSends(t *testing.T) {
	t.Parallel()
	for seed := range number(t, "MINGBAI_PUSH_SEEDS", 1) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			killPublisher(t, uint64(seed), number(t, "MINGBAI_PUSH_KILLS", 4), number(t, "MINGBAI_PUSH_TO", 200))
		})
	}
}

func killPublisher(t *testing.T, seed uint64, kills, to int) {
	dir := t.TempDir()
	b := newBureau(t, office.Options{Dir: dir})
	for i := range to {
		if err := b.db.Subscribe(t.Context(), office.Account(fmt.Sprint("qq/user/", i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	it := b.publish(t, "借条")
	if _, err := b.db.ClaimDue(t.Context(), nil, map[string][]string{"hook": targets(to)}); err != nil {
		t.Fatal(err)
	}
	r := &receiver{hook: map[string]int{}, chat: map[string]int{}, more: make(chan struct{}, 1)}
	server := httptest.NewServer(r)
	defer server.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	path, err := pushvictim()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "DATA_DIR="+dir, "DATABASE_URL=", "SINK="+server.URL,
		fmt.Sprint("BASE=", b.at.UnixMilli()), fmt.Sprint("START=", time.Now().UnixMilli()))
	each := max(1, 2*to/(kills+1)) // deliveries of one life, so that all lives have some
	for range kills {
		life(t, path, env, r, 1+random.IntN(each), time.Duration(random.IntN(3000))*time.Microsecond)
	}
	limit := time.Now().Add(2 * time.Minute)
	for open := -1; open != 0; {
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		cmd := victim(ctx, path, env)
		_ = cmd.Run() // it is stopped
		stop()
		if open = b.count(t, it.ID, office.Planned, office.Sending); time.Now().After(limit) {
			t.Fatalf("%d are still open", open)
		}
	}
	checkReceived(t, b, it.ID, r, to)
	t.Logf("seed %d: %d kills, %d posts", seed, kills, r.posts)
}

func victim(ctx context.Context, path string, env []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path)
	cmd.Env, cmd.Stderr = env, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// life lets the program send so many and kills it a little later. A life in
// which all that is left is somebody else's for the moment ends after a second.
func life(t *testing.T, path string, env []string, r *receiver, posts int, later time.Duration) {
	t.Helper()
	cmd := victim(t.Context(), path, env)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := time.After(1500 * time.Millisecond)
wait:
	for n := 0; n < posts; n++ {
		select {
		case <-r.more:
		case <-end:
			break wait
		}
	}
	<-time.After(later)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

func (b *bureau) count(t *testing.T, piece int64, states ...string) int {
	t.Helper()
	_, n, err := b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: piece, States: states})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkReceived holds the ledger to what was received.
func checkReceived(t *testing.T, b *bureau, piece int64, r *receiver, to int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	again := 0
	for _, n := range r.hook {
		again += n - 1
	}
	if len(r.hook) != to {
		t.Errorf("keyed: %d of %d were reached", len(r.hook), to)
	}
	for target, n := range r.chat {
		if n > 1 {
			t.Errorf("unkeyed: %s got it %d times", target, n)
		}
	}
	unsure, n, err := b.db.Deliveries(t.Context(), office.DeliveryFilter{Piece: piece, States: []string{office.Uncertain}, Limit: to})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, d := range unsure {
		listed[d.Target] = true
	}
	missing := 0
	for i := range to {
		if target := fmt.Sprint("qq/user/", i); r.chat[target] == 0 {
			if missing++; !listed[target] {
				t.Errorf("unkeyed: %s got nothing and is in no officer's list", target)
			}
		}
	}
	if sent := b.count(t, piece, office.Sent); sent+n != 2*to {
		t.Errorf("%d sent and %d uncertain of %d", sent, n, 2*to)
	}
	t.Logf("keyed: %d reached, 0 taken twice (%d posted again and known by their key); unkeyed: %d reached once, %d uncertain, of which %d had not arrived", len(r.hook), again, len(r.chat), n, missing)
}

// The full run is MINGBAI_SLOTS=200.
func TestPublish_TwoProcessesFireEachSlotOnce(t *testing.T) {
	t.Parallel()
	slots := number(t, "MINGBAI_SLOTS", 12)
	o := office.Options{DatabaseURL: servers.PostgresURL(t)}
	redis := servers.StartRedis(t)
	b := newBureau(t, o)
	ctx := t.Context()
	if _, err := b.db.AddPlan(ctx, b.writer, office.Plan{Name: "常发", Spec: "*/3 8-20 * * *", Pool: "乡村", Weekend: office.DayAnyway, Holiday: office.DayAnyway}); err != nil {
		t.Fatal(err)
	}
	path, err := pushvictim()
	if err != nil {
		t.Fatal(err)
	}
	var two [2]*ticker
	for i := range two {
		two[i] = newTicker(t, path, append(os.Environ(), "SINK=", "DATA_DIR=", "DATABASE_URL="+o.DatabaseURL, "REDIS_URL="+redis.URL))
	}
	at, total := b.at, 0
	for n := 0; n < slots; {
		if at = at.Add(3 * time.Minute).Truncate(3 * time.Minute); at.Hour() > 20 || at.Hour() == 20 && at.Minute() > 30 || at.Hour() < 9 {
			continue
		}
		n++
		for _, p := range two {
			p.tick(t, at)
		}
		if _, err := redis.Do("FLUSHALL"); err != nil {
			t.Fatal(err)
		}
		for _, p := range two {
			total += p.fired(t)
		}
	}
	list, err := b.db.Slots(ctx, time.Unix(0, 0), at.Add(time.Hour), 10*slots)
	if err != nil || len(list) != slots || total != slots {
		t.Errorf("%d slots: %d rows, fired %d times, %v", slots, len(list), total, err)
	}
	t.Logf("%d slots, two processes, Redis flushed between: %d runs", slots, total)
}

// ticker is a process that is told the time.
type ticker struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func newTicker(t *testing.T, path string, env []string) *ticker {
	t.Helper()
	cmd := victim(t.Context(), path, env)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &ticker{in, bufio.NewScanner(out)}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() }) // it ends with its input
	if !p.out.Scan() || p.out.Text() != "ready" {
		t.Fatal("it did not start")
	}
	return p
}

func (p *ticker) tick(t *testing.T, at time.Time) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, at.Unix()); err != nil {
		t.Fatal(err)
	}
}

func (p *ticker) fired(t *testing.T) int {
	t.Helper()
	if !p.out.Scan() {
		t.Fatal("it ended")
	}
	n, err := strconv.Atoi(strings.TrimPrefix(p.out.Text(), "fired "))
	if err != nil {
		t.Fatal(p.out.Text())
	}
	return n
}
