package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mingbai/web"
)

// newPlain is a server whose API breaks in every way.
func newPlain(t *testing.T, log io.Writer, ready map[string]error) *httptest.Server {
	t.Helper()
	api := http.NewServeMux()
	api.HandleFunc("/api/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	api.HandleFunc("/api/panic", func(http.ResponseWriter, *http.Request) { panic("秘密") })
	api.HandleFunc("/api/late", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("late")
	})
	h, err := web.New(web.Options{
		API:     api,
		Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("metrics") }),
		Ready:   func(context.Context) map[string]error { return ready },
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// do makes a request and gives the answer with its body.
func do(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := newPlain(t, io.Discard, map[string]error{"records": nil})
	for _, c := range []struct {
		method, path string
		status       int
		kind, want   string
	}{
		{"GET", "/", 200, "text/html", "公共法律服务助手"},
		{"GET", "/privacy", 200, "text/html", "7 天"},
		{"GET", "/static/js/app.js", 200, "text/javascript", "import"},
		{"GET", "/static/style.css", 200, "text/css", "--paper"},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg"},
		{"GET", "/static/site.webmanifest", 200, "application/manifest+json", "明白"},
		{"GET", "/healthz", 200, "text/plain", "ok"},
		{"GET", "/readyz", 200, "application/json", `"records":"ok"`},
		{"GET", "/api/ok", 200, "", "{}"},
		{"GET", "/nothing", 404, "text/html", "没有这个页面"},
		{"GET", "/static/404.html", 404, "text/html", "没有这个页面"},
		{"GET", "/static/", 404, "text/html", "没有这个页面"},
		{"GET", "/index.html", 404, "text/html", "没有这个页面"},
		{"POST", "/", 405, "text/plain", "不支持"},
		{"DELETE", "/privacy", 405, "text/plain", "不支持"},
		{"GET", "/metrics", 500, "text/html", "系统出了点问题"},
		{"GET", "/api/panic", 500, "application/json", `"code":"internal"`},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			res, body := do(t, c.method, s.URL+c.path)
			if res.StatusCode != c.status || !strings.HasPrefix(res.Header.Get("Content-Type"), c.kind) || !strings.Contains(body, c.want) {
				t.Errorf("got %d %q %.200q, want %d %q with %q", res.StatusCode, res.Header.Get("Content-Type"), body, c.status, c.kind, c.want)
			}
			if strings.Contains(body, "秘密") || strings.Contains(body, "{{") {
				t.Errorf("the body shows what it should not: %s", body)
			}
			secured(t, res.Header)
		})
	}
}

// secured checks the headers that every answer carries.
func secured(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy":    "default-src 'none'; script-src 'self'",
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Referrer-Policy":            "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if !strings.HasPrefix(h.Get(name), want) {
			t.Errorf("%s: got %q, want %q…", name, h.Get(name), want)
		}
	}
	if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
		t.Errorf("the policy allows inline code: %s", h.Get("Content-Security-Policy"))
	}
}

func TestHeadAndETag(t *testing.T) {
	t.Parallel()
	s := newPlain(t, io.Discard, nil)
	for _, path := range []string{"/", "/privacy", "/static/chat.css", "/healthz", "/nothing"} {
		head, body := do(t, "HEAD", s.URL+path)
		get, _ := do(t, "GET", s.URL+path)
		if head.StatusCode != get.StatusCode || body != "" {
			t.Errorf("HEAD %s: got %d %q, want %d and no body", path, head.StatusCode, body, get.StatusCode)
		}
	}
	res, _ := do(t, "GET", s.URL+"/")
	again, body := do(t, "GET", s.URL+"/", "If-None-Match", res.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("a page that did not change: got %d and %d bytes, want 304 and none", again.StatusCode, len(body))
	}
}

func TestOtherSites(t *testing.T) {
	t.Parallel()
	s := newPlain(t, io.Discard, nil)
	res, body := do(t, "POST", s.URL+"/api/ok", "Sec-Fetch-Site", "cross-site")
	if res.StatusCode != http.StatusForbidden || !strings.Contains(body, `"forbidden"`) {
		t.Errorf("from another site: got %d %s, want 403", res.StatusCode, body)
	}
	if res, _ := do(t, "POST", s.URL+"/api/ok", "Sec-Fetch-Site", "same-origin"); res.StatusCode != http.StatusOK {
		t.Errorf("from our own page: got %d, want 200", res.StatusCode)
	}
	if res, _ := do(t, "GET", s.URL+"/", "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusOK {
		t.Errorf("a link to us: got %d, want 200", res.StatusCode)
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	s := newPlain(t, io.Discard, map[string]error{"records": errors.New("disk of 张三 is full"), "knowledge": nil})
	res, body := do(t, "GET", s.URL+"/readyz")
	if res.StatusCode != http.StatusServiceUnavailable || strings.TrimSpace(body) != `{"knowledge":"ok","records":"down"}` {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
}

// TestPanics: a person gets a number that finds the line in the log; what was
// half sent is cut, not passed off as whole.
func TestPanics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newPlain(t, &log, nil)
	_, body := do(t, "GET", s.URL+"/metrics")
	_, after, _ := strings.Cut(body, "<code>")
	ref, _, _ := strings.Cut(after, "</code>")
	res, err := http.Get(s.URL + "/api/late")
	if err != nil {
		t.Fatal(err)
	}
	if half, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("half an answer came as a whole one: %q", half)
	}
	res.Body.Close()
	s.Close() // the log is complete
	if len(ref) != 8 || !strings.Contains(log.String(), "ref="+ref) {
		t.Errorf("reference %q is not in the log: %s", ref, log.String())
	}
}

func TestNoAPI(t *testing.T) {
	t.Parallel()
	if _, err := web.New(web.Options{}); err == nil {
		t.Error("a site without its API was made")
	}
}

// TestServer_PrivacyNamesTheModel: who provides the model is said, as text.
func TestServer_PrivacyNamesTheModel(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{"": "没有使用人工智能模型", "某公司的模型 <b>x": "某公司的模型 &lt;b&gt;x"} {
		h, err := web.New(web.Options{API: http.NotFoundHandler(), Model: model})
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/privacy", nil))
		if body := rec.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "{{") {
			t.Errorf("%q: got %s", model, body)
		}
	}
}
