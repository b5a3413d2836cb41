package jobs_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"mingbai/jobs"
)

// cloud is an S3 server on this machine with a proxy in front that breaks.
type cloud struct {
	*httptest.Server
	backend *s3mem.Backend
	mu      sync.Mutex
	n       int // calls that write, so far
	fail    func(n int, w http.ResponseWriter, r *http.Request) bool
	puts    []string
	cached  map[string]string // Cache-Control by path
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("pufa"); err != nil {
		t.Fatal(err)
	}
	c := &cloud{backend: backend, cached: map[string]string{}}
	inner := gofakes3.New(backend, gofakes3.WithTimeSkewLimit(0)).Server()
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodDelete {
			if c.broken(w, r) {
				return
			}
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) broken(w http.ResponseWriter, r *http.Request) bool {
	c.mu.Lock()
	c.n++
	n, fail := c.n, c.fail
	c.puts = append(c.puts, r.Method+" "+r.URL.Path)
	c.cached[r.URL.Path] = r.Header.Get("Cache-Control")
	c.mu.Unlock()
	return fail != nil && fail(n, w, r)
}

// breaks arms a fault; the count of writes begins anew.
func (c *cloud) breaks(f func(n int, w http.ResponseWriter, r *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.puts, c.fail = 0, nil, f
}

func (c *cloud) store(t testing.TB) *jobs.S3 {
	t.Helper()
	s, err := jobs.OpenS3(jobs.S3Options{Endpoint: c.URL, Bucket: "pufa", Prefix: "site/", Key: "id", Secret: "geheim", Timeout: 10 * time.Second, Retries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree reads the whole bucket, past the network.
func (c *cloud) tree(t testing.TB) map[string]string {
	t.Helper()
	const prefix = "site/"
	list, err := c.backend.ListBucket("pufa", &gofakes3.Prefix{HasPrefix: true, Prefix: prefix}, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, x := range list.Contents {
		o, err := c.backend.GetObject("pufa", x.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(o.Contents)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(x.Key, prefix)] = string(b)
	}
	return files
}

func s3Error(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>no</Message><RequestId>1</RequestId></Error>`)
	return true
}

func TestS3_Store(t *testing.T) {
	t.Parallel()
	testStore(t, newCloud(t).store(t))
}

func TestS3_SameAsDirectory(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	from := many(60)
	from.add(wages())
	sync1(t, newSite(t, from, c.store(t)))
	_, _, root := build(t, from)
	want, got := tree(t, root), c.tree(t)
	for key, text := range want {
		if got[key] != text {
			t.Errorf("%s differs in the bucket", key)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d objects in the bucket, %d files", len(got), len(want))
	}
	for path, want := range map[string]string{"index.html": "max-age=60", "a/wages.html": "max-age=300", "feed.xml": "max-age=60"} {
		if got := c.cached["/pufa/site/"+path]; !strings.Contains(got, want) {
			t.Errorf("%s was put with Cache-Control %q", path, got)
		}
	}
	r, err := http.Get(c.URL + "/pufa/site/a/wages.html") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if got := r.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("served as %q", got)
	}
	if done := sync1(t, newSite(t, from, c.store(t))); len(done.Written) != 0 {
		t.Errorf("after a restart nothing changed, written: %v", done.Written)
	}
}

// faultsOfClouds are ways in which a write fails. half: a part of the body
// arrives and the connection is gone.
var faultsOfClouds = map[string]func(w http.ResponseWriter, r *http.Request) bool{
	"500":         func(w http.ResponseWriter, _ *http.Request) bool { return s3Error(w, 500, "InternalError") },
	"403":         func(w http.ResponseWriter, _ *http.Request) bool { return s3Error(w, 403, "AccessDenied") },
	"wrong clock": func(w http.ResponseWriter, _ *http.Request) bool { return s3Error(w, 403, "RequestTimeTooSkewed") },
	"half an upload": func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		panic(http.ErrAbortHandler)
	},
	"no answer": func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	},
}

// TestS3_Faults stops the publishing of one more article at every write it makes,
// in every way, and looks at the bucket each time as a reader would.
func TestS3_Faults(t *testing.T) {
	t.Parallel()
	for name, fault := range faultsOfClouds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			from := many(49) // the next one closes a list
			sync1(t, newSite(t, from, c.store(t)))
			from.add(article(50))
			stopped := 0
			for at := 1; ; at++ {
				c.breaks(func(n int, w http.ResponseWriter, r *http.Request) bool { return n >= at && fault(w, r) })
				_, err := newSite(t, from, c.store(t)).Sync(t.Context(), false)
				c.breaks(nil)
				files := c.tree(t)
				unbroken(t, files)
				if err == nil {
					break
				}
				stopped++
				if name == "wrong clock" && !strings.Contains(err.Error(), "时间不准") {
					t.Fatalf("the error does not name the clock: %v", err)
				}
				if at > 40 {
					t.Fatalf("still failing: %v", err)
				}
			}
			if stopped < 3 {
				t.Errorf("stopped only %d times", stopped)
			}
			_, _, root := build(t, from)
			got := c.tree(t)
			for key, text := range tree(t, root) {
				if got[key] != text {
					t.Errorf("%s is not what it should be in the end", key)
				}
			}
		})
	}
}

func TestS3_ClockThatIsWrong(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("pufa"); err != nil {
		t.Fatal(err)
	}
	// The server's own check, with a clock of its own.
	skewed := gofakes3.New(backend, gofakes3.WithTimeSource(gofakes3.FixedTimeSource(time.Now().Add(2*time.Hour))), gofakes3.WithTimeSkewLimit(15*time.Minute))
	srv := httptest.NewServer(skewed.Server())
	t.Cleanup(srv.Close)
	s, err := jobs.OpenS3(jobs.S3Options{Endpoint: srv.URL, Bucket: "pufa", Key: "id", Secret: "geheim"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), jobs.Object{Key: "index.html", Body: []byte("x"), Type: "text/html"})
	var told *jobs.CloudError
	if !errors.As(err, &told) || !strings.Contains(told.Msg, "校时") {
		t.Errorf("got %v", err)
	}
}

func TestS3_Options(t *testing.T) {
	t.Parallel()
	for _, o := range []jobs.S3Options{
		{Endpoint: "cos.ap-shanghai.myqcloud.com"}, {Endpoint: "ftp://x"}, {Endpoint: "https://x/bucket"}, {Endpoint: "https://x", Prefix: "a"},
	} {
		if _, err := jobs.OpenS3(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// signer answers everything and remembers how it was asked.
type signer struct{ hosts, auth, sha []string }

func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.hosts, s.auth, s.sha = append(s.hosts, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path), append(s.auth, r.Header.Get("Authorization")), append(s.sha, r.Header.Get("X-Amz-Content-Sha256"))
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Etag": {`"x"`}}, Body: http.NoBody, Request: r}, nil
}

// TestS3_SpeaksToClouds looks at what would be sent to the two big ones.
func TestS3_SpeaksToClouds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ endpoint, region, host, want string }{
		{"https://cos.ap-shanghai.myqcloud.com", "", "https://pufa-125.cos.ap-shanghai.myqcloud.com/site/index.html", "/ap-shanghai/s3/"},
		{"https://oss-cn-hangzhou.aliyuncs.com", "", "https://pufa-125.oss-cn-hangzhou.aliyuncs.com/site/index.html", "/cn-hangzhou/s3/"},
		{"http://127.0.0.1:9000", "", "http://127.0.0.1:9000/pufa-125/site/index.html", "/us-east-1/s3/"},
		{"https://obs.example.cn", "cn-1", "https://pufa-125.obs.example.cn/site/index.html", "/cn-1/s3/"},
	} {
		seen := &signer{}
		s, err := jobs.OpenS3(jobs.S3Options{Endpoint: c.endpoint, Region: c.region, Bucket: "pufa-125", Prefix: "site/", Key: "id", Secret: "geheim", Transport: seen})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), jobs.Object{Key: "index.html", Body: []byte("x"), Type: "text/html"}); err != nil {
			t.Fatal(err)
		}
		if len(seen.hosts) != 1 || seen.hosts[0] != c.host || !strings.Contains(seen.auth[0], c.want) || seen.sha[0] != "UNSIGNED-PAYLOAD" {
			t.Errorf("%s: asked %q with %q, %q; want one call of %s", c.endpoint, seen.hosts, seen.auth, seen.sha, c.host)
		}
		if strings.Contains(strings.Join(seen.auth, " ")+s.String(), "geheim") {
			t.Error("the secret shows")
		}
	}
}
