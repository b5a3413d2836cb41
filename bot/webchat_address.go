package bot

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// limit takes a token of the sender's address.
func (w *WebChat) limit(r *http.Request, l *limiter) error {
	if wait, ok := l.allow(r.Context(), w.sender(r)); !ok {
		return &waitError{wait}
	}
	return nil
}

// Sender is whom a request counts for elsewhere too, by the same rule.
func (w *WebChat) Sender(r *http.Request) string { return w.sender(r) }

// Secure says whether the person's browser came by TLS.
func (w *WebChat) Secure(r *http.Request) bool { return w.secure(r) }

// sender is whom a request counts for: an IPv4 address, or the /64 of an IPv6
// one, since one household has all of it.
func (w *WebChat) sender(r *http.Request) string {
	a := w.client(r)
	if !a.IsValid() {
		return "?"
	}
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		return p.String()
	}
	return a.String()
}

// client is the address a request comes from. Trusted proxies add the address
// they were called from at the end of X-Forwarded-For, so the last one that is
// not a trusted proxy's is the client's; what stands before it is hearsay.
func (w *WebChat) client(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	a = a.Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && w.trusted(a); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		a = next.Unmap()
	}
	return a
}

func (w *WebChat) trusted(a netip.Addr) bool {
	for _, p := range w.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// secure says whether the person's browser came by TLS.
func (w *WebChat) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && w.trusted(peer.Addr().Unmap()) && r.Header.Get("X-Forwarded-Proto") == "https"
}
