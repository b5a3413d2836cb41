package knowledge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Defaults of FetchOptions.
const (
	DefaultFetchHost    = "flk.npc.gov.cn" // the national law database
	defaultFetchBytes   = 5 << 20
	defaultFetchTimeout = 10 * time.Second
	maxRedirects        = 3
)

// FetchOptions bounds downloads of law texts.
type FetchOptions struct {
	Hosts    []string      // hosts that may be asked, exact names; default: DefaultFetchHost
	MaxBytes int64         // default: 5 MiB
	Timeout  time.Duration // for the whole download; default: 10 s

	roots *x509.CertPool             // tests only
	reach func(netip.AddrPort) error // tests only; nil: checkAddress
}

func (o FetchOptions) withDefaults() FetchOptions {
	if len(o.Hosts) == 0 {
		o.Hosts = []string{DefaultFetchHost}
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultFetchBytes
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultFetchTimeout
	}
	if o.reach == nil {
		o.reach = checkAddress
	}
	return o
}

// fetch downloads one file and gives its documents. Only https to an allowed
// host is asked, redirects included, and only at global addresses: the address
// is checked after the name was resolved, at the moment of connecting.
func fetch(ctx context.Context, address string, o FetchOptions, to sink) error {
	o = o.withDefaults()
	u, err := url.Parse(address)
	if err != nil {
		return refusal("网址看不懂，请核对")
	}
	if err := o.checkURL(u); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	data, name, err := o.download(ctx, u)
	if err != nil {
		return err
	}
	return readFile(ctx, name, bytes.NewReader(data), int64(len(data)), to)
}

// checkURL refuses addresses that are not https on an allowed host.
func (o FetchOptions) checkURL(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme != "https":
		return refusal("只从 https 网址导入，不收“%s:”", clip(u.Scheme, 10))
	case u.User != nil:
		return refusal("网址里不能带用户名和密码")
	case !slices.ContainsFunc(o.Hosts, func(h string) bool { return strings.EqualFold(h, host) }):
		return refusal("网站“%s”不在允许导入的名单里（%s）；要加，请改设置", clip(host, 60), strings.Join(o.Hosts, "、"))
	case u.Port() != "" && u.Port() != "443" && o.roots == nil:
		return refusal("只用 443 端口，不收“:%s”", u.Port())
	}
	return nil
}

func (o FetchOptions) download(ctx context.Context, u *url.URL) ([]byte, string, error) {
	client := o.client()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", refusal("网址看不懂，请核对")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", o.explain(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, "", refusal("网站回答 %s，没有取到文件", resp.Status)
	case resp.ContentLength > o.MaxBytes:
		return nil, "", refusal("文件有 %d MB，超过上限 %d MB", resp.ContentLength>>20, o.MaxBytes>>20)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, o.MaxBytes+1))
	if err != nil {
		return nil, "", o.explain(err)
	}
	if int64(len(data)) > o.MaxBytes {
		return nil, "", refusal("文件超过上限 %d MB", o.MaxBytes>>20)
	}
	return data, downloadName(resp.Request.URL, data), nil
}

// client is made for one download: no proxy, no cookies, no kept connections.
func (o FetchOptions) client() *http.Client {
	dialer := &net.Dialer{
		Timeout: o.Timeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return refusal("连接的地址“%s”看不懂", clip(address, 40))
			}
			return o.reach(at)
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
			TLSClientConfig:        &tls.Config{RootCAs: o.roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    o.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return refusal("网站转了 %d 次还没有给文件", maxRedirects)
			}
			return o.checkURL(req.URL)
		},
	}
}

// explain words a network error for people; the address asked stays out of it.
func (o FetchOptions) explain(err error) error {
	var known *lawError
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return refusal("%d 秒内没有下载完，请稍后再试或先下载到本机再导入", int(o.Timeout/time.Second))
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("下载没有成功：%w", err)
}

// downloadName gives the file a name by its address and by what it holds.
func downloadName(u *url.URL, data []byte) string {
	base := path.Base(u.Path)
	lower := strings.ToLower(base)
	for _, ext := range []string{".md", ".docx", ".zip", ".tar.gz", ".tgz", ".jsonl.gz", ".jsonl"} {
		if strings.HasSuffix(lower, ext) {
			return base
		}
	}
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")) && bytes.Contains(data, []byte("word/document.xml")):
		return base + ".docx"
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return base + ".zip"
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return base + ".tar.gz"
	}
	return base + ".md"
}

// checkAddress refuses addresses that are not on the public internet.
func checkAddress(at netip.AddrPort) error {
	if a := at.Addr().Unmap(); at.Port() != 443 || !IsPublic(a) {
		return refusal("网址指向内部或保留的地址 %s，拒绝连接", a)
	}
	return nil
}

// IsPublic says whether an address is one of the public internet: what a name
// from outside may resolve to.
func IsPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && a.Zone() == "" &&
		!slices.ContainsFunc(reservedPrefixes(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// reservedPrefixes are blocks that look global to net/netip but are not.
// Source: IANA special-purpose address registries, read 2026-11.
func reservedPrefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}
