package office

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// crashoffice builds the program that the tests below kill, once. TestMain
// removes it.
var crashoffice = sync.OnceValues(func() (string, error) {
	path := crashPath()
	out, err := exec.Command("go", "build", "-tags", "crashtest", "-o", path, "./testdata/crashoffice").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func crashPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("mingbai-crashoffice-%d", os.Getpid()))
}

// victim is a program at work on the records, and what it said.
type victim struct {
	t       *testing.T
	options Options
	cmd     *exec.Cmd
	read    sync.WaitGroup

	mu    sync.Mutex
	tried map[string]bool   // cases begun
	done  map[string]string // last step acknowledged, by case
	lines int
}

func newVictim(t *testing.T, o Options) *victim {
	t.Helper()
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	orgs := place(t, db)
	hire(t, db, "clerk", Clerk, orgs["城东司法所"])
	hire(t, db, "leader", Admin, orgs["青禾县"])
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	v := &victim{t: t, options: o, tried: map[string]bool{}, done: map[string]string{}}
	t.Cleanup(func() {
		if v.cmd != nil {
			v.cmd.Process.Kill() //nolint:errcheck // it may have ended
			v.wait()
		}
	})
	return v
}

func (v *victim) start(run string, more ...string) {
	v.t.Helper()
	path, err := crashoffice()
	if err != nil {
		v.t.Fatal(err)
	}
	var again []string
	for name := range v.tried {
		if v.done[name] != "answer" {
			again = append(again, name)
		}
	}
	v.cmd = exec.Command(path)
	v.cmd.Env = append(append(os.Environ(), "DATA_DIR="+v.options.Dir, "DATABASE_URL="+v.options.DatabaseURL, "RUN="+run, "AGAIN="+strings.Join(again, " ")), more...)
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	v.cmd.Stderr = os.Stderr
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.read.Go(func() { v.listen(out) })
}

func (v *victim) listen(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f := strings.Fields(lines.Text())
		v.mu.Lock()
		v.lines++
		switch {
		case f[0] == "try":
			v.tried[f[1]] = true
		case f[0] == "done":
			v.done[f[1]] = f[2]
		}
		v.mu.Unlock()
	}
}

func (v *victim) said() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lines
}

// wait waits until it has ended and all it said was heard.
func (v *victim) wait() int {
	v.read.Wait()
	v.cmd.Wait() //nolint:errcheck // the code says it
	code := v.cmd.ProcessState.ExitCode()
	v.cmd = nil
	return code
}

// check holds the records to what was acknowledged: no step of it is missing,
// nothing is half written.
func (v *victim) check() {
	v.t.Helper()
	db, err := Open(v.t.Context(), v.options)
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	if err := db.Check(v.t.Context()); err != nil {
		v.t.Error(err)
	}
	rows, err := db.read.Query(`SELECT c.request, c.state, (SELECT COUNT(*) FROM mediation_sessions s WHERE s.case_id = c.id), (SELECT COUNT(*) FROM mediations m WHERE m.case_id = c.id) FROM cases c`)
	if err != nil {
		v.t.Fatal(err)
	}
	defer rows.Close()
	state, met, agreed := map[string]State{}, map[string]int{}, map[string]int{}
	for rows.Next() {
		var name, s string
		var sessions, outcomes int
		if err := rows.Scan(&name, &s, &sessions, &outcomes); err != nil {
			v.t.Fatal(err)
		}
		state[name], met[name], agreed[name] = State(s), sessions, outcomes
	}
	order := []State{"", New, Accepted, Answered}
	of := map[string]State{"new": New, "accept": Accepted, "session": Accepted, "outcome": Accepted, "answer": Answered}
	for name, step := range v.done {
		if slices.Index(order, state[name]) < slices.Index(order, of[step]) {
			v.t.Errorf("%s: %s was acknowledged, the records say %q", name, step, state[name])
		}
		if step != "new" && step != "accept" && met[name] != 1 || (step == "outcome" || step == "answer") && agreed[name] != 1 {
			v.t.Errorf("%s: %s was acknowledged; %d meetings, %d outcomes in the records", name, step, met[name], agreed[name])
		}
	}
	for name := range state {
		if !v.tried[name] {
			v.t.Errorf("%s: nobody asked for it", name)
		}
	}
}

// places are where the kill tests keep the records.
var places = map[string]func(t *testing.T) Options{
	"sqlite":   func(t *testing.T) Options { return Options{Dir: t.TempDir()} },
	"postgres": func(t *testing.T) Options { return Options{DatabaseURL: servers.PostgresURL(t)} },
}

func TestCrash_AtEveryPoint(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, place(t))
			for _, label := range []string{"number", "case", "event", "notices", "mediation", "audit", "commit"} {
				v.start(label, "CRASH_AT="+label)
				if code := v.wait(); code != 137 {
					t.Fatalf("%s: it ended with %d, want 137", label, code)
				}
				v.check()
			}
			v.finish("last")
		})
	}
}

// finish lets it do what was left undone, and checks that all of it was done
// once.
func (v *victim) finish(run string) {
	v.t.Helper()
	left := slices.Collect(maps.Keys(v.tried))
	v.start(run)
	limit := time.Now().Add(time.Minute)
	for {
		v.mu.Lock()
		rest := slices.ContainsFunc(left, func(name string) bool { return v.done[name] != "answer" })
		v.mu.Unlock()
		if !rest {
			break
		}
		if time.Now().After(limit) {
			v.t.Fatal("what was left was not done within a minute")
		}
		pause(10 * time.Millisecond)
	}
	v.cmd.Process.Kill() //nolint:errcheck // it may have ended
	v.wait()
	v.check()
}

// pause is how long somebody takes before they pull the plug.
func pause(d time.Duration) { <-time.After(d) }

// kills is how often the next test kills: MINGBAI_KILLS, or a few.
func kills(t *testing.T) int {
	text := os.Getenv("MINGBAI_KILLS")
	n, err := strconv.Atoi(text)
	if err != nil && text != "" {
		t.Fatal(err)
	}
	if n == 0 {
		n = 5
	}
	return n
}

func TestCrash_KilledAtRandom(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, place(t))
			for i := range kills(t) {
				begin := v.said()
				v.start(fmt.Sprint("r", i))
				for limit := time.Now().Add(20 * time.Second); v.said() < begin+3 && time.Now().Before(limit); {
					pause(2 * time.Millisecond)
				}
				pause(time.Duration(rand.IntN(120)) * time.Millisecond)
				if err := v.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				v.wait()
				v.check()
			}
			v.finish("last")
			t.Logf("%d kills, %d cases tried, %d acknowledged", kills(t), len(v.tried), len(v.done))
		})
	}
}
