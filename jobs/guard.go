package jobs

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"mingbai/knowledge"
)

// guarded checks an address that settings name and gives a client that can call
// nothing else: the host must be allowed by name; a name must resolve to the
// public internet when it is called, while an address of the own network may be
// given as such. No redirects, no proxy (it would resolve the name for us).
func guarded(what, address string, hosts []string, timeout time.Duration) (*url.URL, *http.Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, nil, fmt.Errorf("%s: the address should read https://host/path", what) // it may hold a key, so it is not shown
	}
	host := strings.ToLower(u.Hostname())
	if !slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return nil, nil, fmt.Errorf("%s: %s is not among the hosts that are allowed", what, host)
	}
	own, err := netip.ParseAddr(host)
	inHouse := err == nil && (own.IsLoopback() || own.IsPrivate())
	if u.Scheme == "http" && !inHouse {
		return nil, nil, fmt.Errorf("%s: another network's host is told over https only", what)
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !knowledge.IsPublic(at.Addr()) && (!inHouse || at.Addr().Unmap() != own.Unmap()) {
			return fmt.Errorf("%s: %s is an address inside a network", what, address)
		}
		return nil
	}}
	return u, &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: maxHookAnswer,
			DisableCompression: true, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
