package jobs_test

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"mingbai/jobs"
)

func get(t *testing.T, d *jobs.Dir, method, key, tag string) (int, map[string][]string, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/pufa/"+key, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	d.Handler("/pufa/").ServeHTTP(w, r)
	return w.Code, w.Result().Header, w.Body.String()
}

func TestDir_Handler(t *testing.T) {
	t.Parallel()
	from := many(3)
	from.add(wages())
	_, dir, _ := build(t, from)
	for _, c := range []struct{ key, kind, cache, has string }{
		{"", "text/html; charset=utf-8", "max-age=60", "老板拖欠工资"},
		{"a/wages.html", "text/html; charset=utf-8", "max-age=300", "先做这三件事"},
		{"text/wages.txt", "text/plain; charset=utf-8", "max-age=300", "先做这三件事"},
		{"feed.xml", "application/atom+xml; charset=utf-8", "max-age=60", "<feed"},
		{"feed.json", "application/feed+json; charset=utf-8", "max-age=60", "jsonfeed.org"},
		{"sitemap.xml", "application/xml; charset=utf-8", "max-age=60", "sitemap/0001.xml"},
		{"search/0001.json", "application/json; charset=utf-8", "max-age=60", "a/wages.html"},
		{"img/wages.png", "image/png", "max-age=300", "PNG"},
	} {
		status, h, body := get(t, dir, "GET", c.key, "")
		if status != 200 || h["Content-Type"][0] != c.kind || !strings.Contains(h["Cache-Control"][0], c.cache) || !strings.Contains(body, c.has) {
			t.Errorf("%q: %d %v", c.key, status, h)
		}
		if status, _, body := get(t, dir, "GET", c.key, "W/"+h["Etag"][0]); status != 304 || body != "" {
			t.Errorf("%q again: %d with %d bytes, want 304 and none", c.key, status, len(body))
		}
		if status, h2, body := get(t, dir, "HEAD", c.key, ""); status != 200 || body != "" || h2["Etag"][0] != h["Etag"][0] {
			t.Errorf("HEAD %q: %d with %d bytes", c.key, status, len(body))
		}
	}
	for _, key := range []string{"nothing.html", "../site_test.go", "a/../../x.html", "manifest/head.json", "a/", "a", ".put-1", "a/.put-1", "a/wages.html/", strings.Repeat("x", 300) + ".html", "%2e%2e/x.html", "a\\b.html", "a/wages.html%00"} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/pufa/", nil)
		r.URL.Path = "/pufa/" + key
		w := httptest.NewRecorder()
		dir.Handler("/pufa/").ServeHTTP(w, r)
		if w.Code != 404 || !strings.Contains(w.Body.String(), "没有这一页") {
			t.Errorf("%q: %d %s", key, w.Code, w.Body.String())
		}
	}
}

// testStore is what every store must do.
func testStore(t *testing.T, s jobs.Store) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.Get(ctx, "a/none.html", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of what is not there: %v", err)
	}
	if err := s.Delete(ctx, "a/none.html"); err != nil {
		t.Errorf("Delete of what is not there: %v", err)
	}
	for _, body := range []string{"一", "二二", ""} {
		if err := s.Put(ctx, jobs.Object{Key: "a/x.html", Body: []byte(body), Type: "text/html; charset=utf-8", Cache: "public, max-age=60"}); err != nil {
			t.Fatalf("Put: %v", err)
		}
		if got, err := s.Get(ctx, "a/x.html", 10); err != nil || string(got) != body {
			t.Errorf("Get: %q, %v; want %q", got, err, body)
		}
	}
	if err := s.Put(ctx, jobs.Object{Key: "index.html", Body: []byte("0123456789"), Type: "text/html; charset=utf-8"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "index.html", 9); err == nil {
		t.Error("more was read than was allowed")
	}
	if sizes, err := s.Sizes(ctx); err != nil || len(sizes) != 2 || sizes["index.html"] != 10 || sizes["a/x.html"] != 0 {
		t.Errorf("Sizes: %v, %v", sizes, err)
	}
	if err := errors.Join(s.Delete(ctx, "a/x.html"), s.Flush(ctx)); err != nil {
		t.Error(err)
	}
	if sizes, err := s.Sizes(ctx); err != nil || len(sizes) != 1 {
		t.Errorf("after Delete: %v, %v", sizes, err)
	}
	for _, key := range []string{"", "../x.html", "/x.html", "a//x.html", "a/x", "A.html", "a/.x.html", "a/b/c/d/e.html"} {
		if err := s.Put(ctx, jobs.Object{Key: key, Body: []byte("x")}); err == nil {
			t.Errorf("the key %q is taken", key)
		}
	}
}

func TestDir_Store(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	testStore(t, mustDir(t, root+"/new/one"))
	left, err := os.ReadDir(root + "/new/one/a")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
