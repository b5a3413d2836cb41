package servers

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// Postgres is one PostgreSQL server with a database "mingbai".
type Postgres struct {
	URL string // postgres://…/mingbai
	p   *process
	dbs atomic.Int64
}

// StartPostgres starts a server that ends with the test. It does not sync its
// files, so it survives kill -9 but not a power cut.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "mingbai-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := startPostgres(t, dir)
	t.Cleanup(s.Kill)
	return s
}

func startPostgres(t testing.TB, dir string) *Postgres {
	t.Helper()
	const where = "/usr/lib/postgresql/*/bin/"
	initdb := find(t, "initdb", "postgresql", where+"initdb")
	path := filepath.Join(filepath.Dir(initdb), "postgres")
	as := unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	mk := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	mk.Dir = dir
	mk.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := mk.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	n := port(t)
	s := &Postgres{URL: fmt.Sprintf("postgres://postgres@127.0.0.1:%d/mingbai?sslmode=disable", n)}
	s.p = &process{t: t, path: path, dir: dir, as: as, args: []string{"-D", data, "-p", fmt.Sprint(n),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200", "-c", "log_min_messages=fatal"}}
	s.Start()
	if err := s.exec("postgres", "CREATE DATABASE mingbai"); err != nil {
		t.Fatal(err)
	}
	return s
}

// unprivileged is whom the server runs as: it refuses to run as root. The
// directory becomes theirs.
func unprivileged(t testing.TB, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("SKIPPED: there is no user postgres; install PostgreSQL with: apt-get install postgresql")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// Start starts the server, again after Kill, and waits until it answers.
func (s *Postgres) Start() {
	s.p.t.Helper()
	if err := s.p.start(); err != nil {
		s.p.t.Fatal(err)
	}
	if err := wait("postgres", func() error { return s.exec("postgres", "SELECT 1") }); err != nil {
		s.p.t.Fatalf("%v\n%s", err, s.p.log())
	}
}

// Kill ends the server and its processes at once, without tidying up: the next
// start has to recover from the log. (kill -9 would leave the processes that
// serve connections behind, and the next start would have to wait for them.)
func (s *Postgres) Kill() { s.p.end(syscall.SIGQUIT) }

// NewDatabase makes an empty database and returns its URL.
func (s *Postgres) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.dbs.Add(1))
	if err := s.exec("postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(s.URL, "/mingbai?", "/"+name+"?", 1)
}

func (s *Postgres) exec(db, query string) error {
	c, err := sql.Open("pgx", strings.Replace(s.URL, "/mingbai?", "/"+db+"?", 1))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Exec(query)
	return err
}

var common struct {
	sync.Mutex
	server *Postgres
	dir    string
}

// PostgresURL is an empty database in a server that the tests of a package
// share. TestMain must call Stop after the tests.
func PostgresURL(t testing.TB) string {
	t.Helper()
	common.Lock()
	defer common.Unlock()
	if common.server == nil {
		dir, err := os.MkdirTemp("", "mingbai-pg-")
		if err != nil {
			t.Fatal(err)
		}
		common.dir = dir
		common.server = startPostgres(t, dir)
	}
	return common.server.NewDatabase(t)
}

// Stop ends the server that PostgresURL started.
func Stop() {
	common.Lock()
	defer common.Unlock()
	if common.server != nil {
		common.server.Kill()
		os.RemoveAll(common.dir)
		common.server = nil
	}
}

// Freeze stops the server and those of its processes that serve connections
// without closing any: a black hole.
func (s *Postgres) Freeze() { s.group(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Postgres) Thaw() { s.group(syscall.SIGCONT) }

// group signals the server and its children, which Linux lists.
func (s *Postgres) group(sig syscall.Signal) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.cmd == nil {
		return
	}
	pid := s.p.cmd.Process.Pid
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, text := range append(strings.Fields(string(list)), strconv.Itoa(pid)) {
		if child, err := strconv.Atoi(text); err == nil {
			syscall.Kill(child, sig) //nolint:errcheck // it may have ended
		}
	}
}
