package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mingbai/config"
)

// examine runs the doctor and gives its findings by what was looked at.
func examine(t *testing.T, environ ...string) (code int, found map[string]finding) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{"doctor", "--json"}, strings.NewReader(""), &out, &errs, environ)
	var list []finding
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatalf("exit %d: %v: %s%s", code, err, out.String(), errs.String())
	}
	found = map[string]finding{}
	for _, f := range list {
		found[f.Check] = f
		if f.Do == "" && f.State != fine {
			t.Errorf("%s: nothing is said of what to do", f.Check)
		}
	}
	if strings.Contains(out.String()+errs.String(), qqSecret) {
		t.Error("the secret is told")
	}
	return code, found
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	t.Run("a new place", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "data")
		code, found := examine(t, "DATA_DIR="+dir)
		if code != 0 || found["数据目录"].State != note || found["QQ"].State != fine || found["法律原文"].State != note {
			t.Errorf("exit %d, %v", code, found)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("looking made the directory")
		}
	})
	t.Run("what others may read, a database that is none, a Redis that is away", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if code, _, errs := try(t, dir, "", "figures"); code != 0 { // makes the records
			t.Fatal(errs)
		}
		_, found := examine(t, "DATA_DIR="+dir)
		if found["数据库"].State != fine || found["文件权限"].Check != "" {
			t.Errorf("got %v", found)
		}
		names, err := filepath.Glob(filepath.Join(dir, "*.db"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no database in %s, %v", dir, err)
		}
		if err := os.WriteFile(names[0], bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(names[0], 0o644); err != nil {
			t.Fatal(err)
		}
		code, found := examine(t, "DATA_DIR="+dir, "REDIS_URL=redis://127.0.0.1:1/0")
		if code != 1 || found["数据库"].State != fault || found["文件权限"].State != fault || found["Redis"].State != fault {
			t.Errorf("exit %d, %v", code, found)
		}
	})
}

func TestDoctor_QQ(t *testing.T) {
	t.Parallel()
	r := newQQRig(t, "webhook")
	proxy := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.address}))
	defer proxy.Close()
	on := func(more ...string) []string {
		return append(append([]string{}, r.environ...), append([]string{"LISTEN=" + r.address}, more...)...)
	}
	for name, c := range map[string]struct {
		environ []string
		check   string
		state   string
		words   string
	}{
		"a token":                  {on(), "QQ qq 令牌", fine, ""},
		"calls":                    {on(), "QQ qq 接口", fine, "明白"},
		"the clock":                {on(), "QQ qq 时钟", fine, ""},
		"another secret":           {on("QQ_APP_SECRET=another"), "QQ qq 令牌", fault, "AppSecret"},
		"another bot":              {on("QQ_APP_ID=999"), "QQ qq 令牌", fault, "AppID"},
		"no platform":              {on("QQ_TOKEN_BASE=http://127.0.0.1:1"), "QQ qq 令牌", fault, "连不上"},
		"no public address":        {on(), "QQ qq 回调", fault, "PUBLIC_URL"},
		"no service":               {on("LISTEN=127.0.0.1:1"), "QQ qq 回调", fault, "先启动"},
		"a service of other users": {on("QQ_APP_SECRET=another"), "QQ qq 回调", fault, "重启"},
		"no TLS":                   {on("PUBLIC_URL=http://" + r.address), "QQ qq 回调", fault, "https"},
		"websocket":                {on("QQ_TRANSPORT=websocket"), "QQ qq websocket", fine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{err: io.Discard, environ: c.environ}
			if err := a.load(""); err != nil {
				t.Fatal(err)
			}
			for _, f := range checkQQ(t.Context(), a) {
				if f.Check == c.check && f.State == c.state && strings.Contains(f.Said+f.Do, c.words) && (f.State == fine) == (f.Do == "") {
					return
				}
				t.Logf("%+v", f)
			}
			t.Errorf("nobody says %s about %s", c.state, c.check)
		})
	}
	t.Run("from outside", func(t *testing.T) {
		c := &config.Config{Web: config.Web{PublicURL: "https://example.org"}}
		o := (&qqBot{AppID: "102000001", Secret: qqSecret}).options(config.QQ{})
		if k := knock(t.Context(), o, proxy.URL+qqPath); k.TLS == nil || !strings.Contains(outside(c, "x", k)[0].Said, "证书") {
			t.Errorf("a certificate nobody knows: got %+v", k)
		}
		k := knock(t.Context(), o, "http://"+r.address+qqPath)
		if !k.Proved || k.Status != http.StatusOK {
			t.Errorf("got %+v", k)
		}
		if k = knock(t.Context(), o, "http://"+r.address+"/"); k.Proved || outside(c, "x", k)[0].State != fault {
			t.Errorf("another path: got %+v", k)
		}
	})
}

func TestDoctor_Publish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	const key = "0123456789abcdef0123456789abcdef"
	code, found := examine(t, "DATA_DIR="+dir, "PUBLISH_DIR="+filepath.Join(dir, "file", "x"),
		"S3_ENDPOINT="+gone.URL, "S3_BUCKET=pufa", "S3_ACCESS_KEY=a", "S3_SECRET_KEY="+qqSecret, "S3_URL=https://pufa.example.gov.cn/",
		"PUBLISH_HOOK_URL=https://dab.example.gov.cn/in", "PUBLISH_HOOK_HOSTS=dab.example.gov.cn", "PUBLISH_HOOK_SECRET="+key)
	if code == 0 || found["普法网页"].State != fault || found["对象存储"].State != fault || !strings.Contains(found["对象存储"].Said, "连不上") || found["推送接口"].State != fine {
		t.Errorf("exit %d: %+v", code, found)
	}
	_, found = examine(t, "DATA_DIR="+dir, "PUBLISH_DIR="+dir)
	if found["普法网页"].State != fine || found["对象存储"].State != fine {
		t.Errorf("a directory that works: %+v", found)
	}
}
