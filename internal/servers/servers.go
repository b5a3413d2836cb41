// Package servers starts real servers for tests on loopback ports: Redis
// alone, behind Sentinel and as a Cluster, and PostgreSQL. It ends them by
// their process id. A test whose server is not installed is skipped; the line
// says what to install.
package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start on a busy machine.
const patience = 60 * time.Second

// process is one server process that can be killed and started again.
type process struct {
	t    testing.TB
	path string
	args []string
	dir  string
	as   *syscall.Credential // whom it runs as; nil: whoever runs the test

	mu  sync.Mutex
	cmd *exec.Cmd // nil: not running
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return errors.New("it runs already")
	}
	out, err := os.OpenFile(filepath.Join(p.dir, "out.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return nil
}

// end sends a signal and waits until the process has gone.
func (p *process) end(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGCONT) //nolint:errcheck // it may have gone by itself
	p.cmd.Process.Signal(s)               //nolint:errcheck // as above
	p.cmd.Wait()                          //nolint:errcheck // a killed process is an error to Wait
	p.cmd = nil
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		p.cmd.Process.Signal(s) //nolint:errcheck // as above
	}
}

// log is what the server printed, for a test that could not start it.
func (p *process) log() string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "out.log"))
	return string(b[max(0, len(b)-2000):])
}

// wait asks ready until it says yes.
func wait(what string, ready func() error) error {
	var err error
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

var ports struct {
	sync.Mutex
	given map[int]bool
}

// port is a loopback port that is free now and was not given before.
func port(t testing.TB) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[int]bool{}
	}
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		n := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if !ports.given[n] {
			ports.given[n] = true
			return n
		}
	}
}

// find is the path of a program; without it the test is skipped.
func find(t testing.TB, name, pkg string, patterns ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Skipf("SKIPPED: %s is not installed; install it with: apt-get install %s", name, pkg)
	return ""
}

// command sends one Redis command and returns the first line of the answer, or
// all of a bulk answer.
func command(addr, password string, args ...string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	if password != "" {
		if _, err := send(c, r, "AUTH", password); err != nil {
			return "", err
		}
	}
	return send(c, r, args...)
}

func send(w io.Writer, r *bufio.Reader, args ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	var n int
	switch {
	case strings.HasPrefix(line, "-"):
		return "", errors.New(line)
	case strings.HasPrefix(line, "$"):
		if _, err := fmt.Sscanf(line, "$%d", &n); err != nil || n < 0 {
			return "", err
		}
		bulk := make([]byte, n)
		_, err := io.ReadFull(r, bulk)
		return string(bulk), err
	}
	return line, nil
}
