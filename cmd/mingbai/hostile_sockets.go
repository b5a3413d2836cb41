package main

import (
	"encoding/hex"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sockets notices where the process connects to beyond this machine, and whether
// somebody knocks at a trap.
type sockets struct {
	mu    sync.Mutex
	found []string
	traps []net.Listener
	end   chan struct{}
	once  sync.Once
	crew  sync.WaitGroup
}

func watchSockets(*hostileRange) *sockets {
	s := &sockets{end: make(chan struct{})}
	s.crew.Go(func() {
		t := time.NewTicker(3 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-s.end:
				return
			case <-t.C:
				for _, a := range connected() {
					s.add(a.String())
				}
			}
		}
	})
	return s
}

func (s *sockets) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.found, what) {
		s.found = append(s.found, what)
	}
}

// trap listens at the address of a URL, if that is on this machine and free.
func (s *sockets) trap(address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
	}
	if n, err := strconv.ParseUint(host, 0, 32); err == nil { // 2130706433, 0x7f000001
		host = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
	}
	if a, err := netip.ParseAddr(host); err != nil || !a.IsLoopback() {
		return
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return
	}
	s.traps = append(s.traps, l)
	s.crew.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.add("trap " + l.Addr().String())
			_ = c.Close() // it only counts that somebody came
		}
	})
}

func (s *sockets) stop() {
	s.once.Do(func() {
		close(s.end)
		for _, l := range s.traps {
			_ = l.Close() // nobody comes any more
		}
	})
	s.crew.Wait()
}

func (s *sockets) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.found, "、")
}

// connected lists the addresses beyond this machine that this process's TCP
// sockets are connected or connecting to.
func connected() (out []netip.Addr) {
	mine := inodes()
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for i, line := range strings.Split(string(data), "\n") {
			f := strings.Fields(line)
			if i == 0 || len(f) < 10 || f[3] == "0A" || !mine[f[9]] {
				continue
			}
			if a, ok := procAddress(f[2]); ok && !a.IsLoopback() && !a.IsUnspecified() {
				out = append(out, a)
			}
		}
	}
	return out
}

// inodes are those of this process's sockets.
func inodes() map[string]bool {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	out := map[string]bool{}
	for _, e := range list {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if s, ok := strings.CutPrefix(to, "socket:["); err == nil && ok {
			out[strings.TrimSuffix(s, "]")] = true
		}
	}
	return out
}

// procAddress reads an address as the kernel writes it: words of four bytes, each
// backwards.
func procAddress(s string) (netip.Addr, bool) {
	host, _, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return netip.Addr{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	a, ok := netip.AddrFromSlice(b)
	return a.Unmap(), ok
}
