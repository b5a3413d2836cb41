package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Redis is one redis-server.
type Redis struct {
	URL      string // redis://…
	Addr     string // host:port
	password string
	p        *process
}

// StartRedis starts a redis-server that ends with the test. args are more of
// its options, e.g. "--maxmemory", "2mb". It saves nothing to disk.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	r := newRedis(t, "test-password", args...)
	r.Start()
	return r
}

func newRedis(t testing.TB, password string, args ...string) *Redis {
	t.Helper()
	path := find(t, "redis-server", "redis-server")
	n := port(t)
	r := &Redis{Addr: fmt.Sprintf("127.0.0.1:%d", n), password: password}
	r.URL = "redis://" + r.Addr + "/0"
	all := []string{"--port", fmt.Sprint(n), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}
	if password != "" {
		all = append(all, "--requirepass", password, "--masterauth", password)
		r.URL = "redis://:" + password + "@" + r.Addr + "/0"
	}
	r.p = &process{t: t, path: path, args: append(all, args...), dir: t.TempDir()}
	t.Cleanup(r.Kill)
	return r
}

// Kill ends the server as kill -9 does.
func (r *Redis) Kill() { r.p.end(syscall.SIGKILL) }

// Freeze stops the server without closing its connections: a black hole.
func (r *Redis) Freeze() { r.p.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (r *Redis) Thaw() { r.p.signal(syscall.SIGCONT) }

// Start starts the server, again after Kill, and waits until it answers.
func (r *Redis) Start() {
	r.p.t.Helper()
	if err := r.p.start(); err != nil {
		r.p.t.Fatal(err)
	}
	if err := wait("redis-server", func() error { _, err := r.Do("PING"); return err }); err != nil {
		r.p.t.Fatalf("%v\n%s", err, r.p.log())
	}
}

// Do sends one command and returns the answer, of a list its first line only.
func (r *Redis) Do(args ...string) (string, error) { return command(r.Addr, r.password, args...) }

// must is Do for a test that cannot go on without.
func (r *Redis) must(args ...string) {
	r.p.t.Helper()
	if _, err := r.Do(args...); err != nil {
		r.p.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}

// Cluster is three master nodes that share the slots.
type Cluster struct {
	URL   string // redis+cluster://…
	Nodes []*Redis
}

// StartCluster starts a Cluster that ends with the test.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	var addrs []string
	for range 3 {
		bus := port(t)
		r := newRedis(t, "test-password", "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(bus), "--cluster-node-timeout", "1000")
		r.Start()
		c.Nodes = append(c.Nodes, r)
		addrs = append(addrs, r.Addr)
	}
	c.URL = "redis+cluster://:test-password@" + strings.Join(addrs, ",")
	slots := []string{"0", "5461", "5462", "10922", "10923", "16383"}
	for i, r := range c.Nodes {
		r.must("CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
		r.must("CLUSTER", "ADDSLOTSRANGE", slots[2*i], slots[2*i+1])
	}
	for _, r := range c.Nodes[1:] {
		host, number, _ := strings.Cut(r.Addr, ":")
		c.Nodes[0].must("CLUSTER", "MEET", host, number, r.p.args[indexOf(r.p.args, "--cluster-port")+1])
	}
	c.Wait()
	return c
}

// Wait waits until every node sees the whole Cluster.
func (c *Cluster) Wait() {
	t := c.Nodes[0].p.t
	t.Helper()
	for _, r := range c.Nodes {
		err := wait("cluster", func() error {
			info, err := r.Do("CLUSTER", "INFO")
			if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3")) {
				err = fmt.Errorf("not ready: %.200s", info)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

// Sentinel is a master with one replica and two sentinels that watch them.
type Sentinel struct {
	URL     string // redis+sentinel://…/main
	Servers []*Redis
	watch   []*Redis
}

// StartSentinel starts a watched pair that ends with the test.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	path := find(t, "redis-sentinel", "redis-sentinel")
	s := &Sentinel{}
	for range 2 {
		r := newRedis(t, "test-password", "--repl-diskless-sync-delay", "0")
		r.Start()
		s.Servers = append(s.Servers, r)
	}
	host, number, _ := strings.Cut(s.Servers[0].Addr, ":")
	s.Servers[1].must("REPLICAOF", host, number)
	var addrs []string
	for range 2 {
		n := port(t)
		w := &Redis{Addr: fmt.Sprintf("127.0.0.1:%d", n)}
		dir := t.TempDir()
		conf := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor main %s %s 1\nsentinel auth-pass main test-password\n"+
			"sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n", n, host, number)
		file := filepath.Join(dir, "sentinel.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		w.p = &process{t: t, path: path, args: []string{file}, dir: dir}
		t.Cleanup(w.Kill)
		w.Start()
		s.watch = append(s.watch, w)
		addrs = append(addrs, w.Addr)
	}
	s.URL = "redis+sentinel://:test-password@" + strings.Join(addrs, ",") + "/main?db=0"
	for _, w := range s.watch {
		err := wait("sentinel", func() error {
			info, err := w.Do("INFO", "sentinel")
			if err == nil && !strings.Contains(info, "status=ok,address="+s.Servers[0].Addr+",slaves=1,sentinels=2") {
				err = fmt.Errorf("not ready: %s", info)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Master is the server that may be written to now.
func (s *Sentinel) Master() *Redis {
	for _, r := range s.Servers {
		if role, err := r.Do("INFO", "replication"); err == nil && strings.Contains(role, "role:master") {
			return r
		}
	}
	return nil
}
