package config

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	file := write("mingbai.env", "# 注释\nLISTEN=127.0.0.1:9000\nSESSION_TTL='2h'\nexport QUEUE=5\n")

	t.Run("defaults need no setting", func(t *testing.T) {
		c, err := Load("", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Listen != "127.0.0.1:8080" || c.Store.SessionTTL != 24*time.Hour || c.Limits.Queue != 1000 {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("environment goes over the file", func(t *testing.T) {
		c, err := Load(file, []string{"LISTEN=0.0.0.0:80"})
		if err != nil {
			t.Fatal(err)
		}
		if c.Listen != "0.0.0.0:80" || c.Store.SessionTTL != 2*time.Hour || c.Limits.Queue != 5 {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("a secret comes from its file and is never shown", func(t *testing.T) {
		url := write("db", "postgres://u:geheim@127.0.0.1/x\n")
		c, err := Load("", []string{"DATABASE_URL_FILE=" + url})
		if err != nil {
			t.Fatal(err)
		}
		if c.Store.DatabaseURL.Reveal() != "postgres://u:geheim@127.0.0.1/x" {
			t.Errorf("got %q", c.Store.DatabaseURL.Reveal())
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "url", c.Store.DatabaseURL)
		for _, s := range c.Values() {
			b.WriteString(s.Value)
		}
		if strings.Contains(b.String(), "geheim") {
			t.Errorf("the secret shows in %q", b.String())
		}
	})
	for name, want := range map[string]string{
		"LISTEN=8080":                 "LISTEN",
		"SESSION_TTL=forever":         "SESSION_TTL",
		"QUEUE=-1":                    "QUEUE",
		"REDIS_URL=http://x":          "REDIS_URL",
		"DATABASE_URL=mysql://x":      "DATABASE_URL",
		"TRUSTED_PROXIES=here":        "TRUSTED_PROXIES",
		"PUBLIC_URL=nowhere":          "PUBLIC_URL",
		"REDIS_URL_FILE=/no/such/one": "REDIS_URL_FILE",
		"LOG_JSON=vielleicht":         "LOG_JSON",
	} {
		t.Run("says what is wrong with "+name, func(t *testing.T) {
			if _, err := Load("", []string{name}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("an unknown name in the file is an error", func(t *testing.T) {
		if _, err := Load(write("x", "LISTN=1\n"), nil); err == nil || !strings.Contains(err.Error(), "LISTN") {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("A=1\nB='2'\n#c\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := Parse(strings.NewReader(text))
		for k := range values {
			if err == nil && (k == "" || strings.ContainsAny(k, " \t")) {
				t.Errorf("name %q", k)
			}
		}
	})
}

func TestValidate_QQ(t *testing.T) {
	t.Parallel()
	on := []string{"QQ_APP_ID=1", "QQ_APP_SECRET=s"}
	for name, c := range map[string]struct {
		set  []string
		want string // part of the error; empty: none
	}{
		"the platform":                   {on, ""},
		"off, whatever else is set":      {[]string{"QQ_TRANSPORT=pigeon"}, ""},
		"a trial on this machine":        {append(on, "QQ_API_BASE=http://127.0.0.1:1", "QQ_TOKEN_BASE=http://localhost:1"), ""},
		"production on this machine":     {append(on, "ENV=production", "QQ_API_BASE=https://127.0.0.1:1"), "不能指向本机"},
		"production without TLS":         {append(on, "ENV=production", "QQ_TOKEN_BASE=http://bots.qq.com"), "只能用 https"},
		"another machine without TLS":    {append(on, "QQ_API_BASE=http://api.sgroup.qq.com"), "只能用 https"},
		"no secret":                      {[]string{"QQ_APP_ID=1"}, "QQ_APP_SECRET"},
		"a transport that is not there":  {append(on, "QQ_TRANSPORT=pigeon"), "QQ_TRANSPORT"},
		"one bot and several":            {append(on, "QQ_BOTS=bots.yaml"), "只填一个"},
		"an environment nobody knows":    {[]string{"ENV=staging"}, "ENV"},
		"signatures that never grow old": {append(on, "QQ_FRESHNESS=48h"), "QQ_FRESHNESS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load("", c.set)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestLoad_ModelHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  []string
		want string // in the error; "": none
	}{
		{"none set", nil, ""},
		{"a domestic platform", []string{"OPENAI_BASE_URL=https://api.deepseek.com/v1", "OPENAI_MODEL=m"}, ""},
		{"this machine, in the clear", []string{"OPENAI_BASE_URL=http://127.0.0.1:11434/v1", "OPENAI_MODEL=m"}, ""},
		{"abroad", []string{"OPENAI_BASE_URL=https://api.openai.com/v1", "OPENAI_MODEL=m"}, "MODEL_HOSTS"},
		{"a look-alike", []string{"OPENAI_BASE_URL=https://api.deepseek.com.example.net/v1", "OPENAI_MODEL=m"}, "不允许连接"},
		{"a name before the host", []string{"OPENAI_BASE_URL=https://api.deepseek.com@example.net/v1", "OPENAI_MODEL=m"}, "应写成"},
		{"abroad by override", []string{"OPENAI_BASE_URL=https://api.openai.com/v1", "OPENAI_MODEL=m", "MODEL_HOSTS_ANY=true"}, ""},
		{"in the clear to a platform", []string{"OPENAI_BASE_URL=http://api.deepseek.com/v1", "OPENAI_MODEL=m"}, "只能用 https"},
		{"own machine room, listed", []string{"OPENAI_BASE_URL=http://10.3.0.7:8000/v1", "OPENAI_MODEL=m", "MODEL_HOSTS=10.3.0.7"}, ""},
		{"own machine room, not listed", []string{"OPENAI_BASE_URL=http://10.3.0.7:8000/v1", "OPENAI_MODEL=m"}, "不允许连接"},
		{"vectors from abroad", []string{"EMBEDDING_MODEL=e", "EMBEDDING_BASE_URL=https://api.openai.com/v1"}, "EMBEDDING_BASE_URL"},
		{"vectors from nowhere", []string{"EMBEDDING_MODEL=e"}, "EMBEDDING_MODEL"},
		{"half of it", []string{"OPENAI_MODEL=m"}, "一起填"},
		{"production without a filing", []string{"ENV=production", "OPENAI_BASE_URL=https://api.deepseek.com/v1", "OPENAI_MODEL=m", "MODEL_PROVIDER=某公司"}, "备案号"},
		{"production", []string{"ENV=production", "OPENAI_BASE_URL=https://api.deepseek.com/v1", "OPENAI_MODEL=m", "MODEL_PROVIDER=某公司", "MODEL_FILING=某-2025-1"}, ""},
	} {
		_, err := Load("", c.set)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLoad_TheKeyGoesOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	c, err := Load("", []string{"OPENAI_BASE_URL=https://api.deepseek.com/v1", "OPENAI_MODEL=m", "OPENAI_API_KEY=geheim", "EMBEDDING_MODEL=e", "EMBEDDING_BASE_URL=https://api.siliconflow.cn/v1"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Model.EmbeddingKey != "" {
		t.Error("one provider's key would go to another")
	}
}

func TestValidate_Publish(t *testing.T) {
	t.Parallel()
	bucket := []string{"S3_ENDPOINT=https://cos.ap-shanghai.myqcloud.com", "S3_BUCKET=pufa-1", "S3_ACCESS_KEY=a", "S3_SECRET_KEY=s", "S3_URL=https://pufa.example.gov.cn/"}
	hook := []string{"PUBLISH_HOOK_URL=https://dab.example.gov.cn/in", "PUBLISH_HOOK_HOSTS=dab.example.gov.cn", "PUBLISH_HOOK_SECRET=0123456789abcdef0123456789abcdef"}
	for name, c := range map[string]struct {
		set  []string
		want string // part of the error; empty: none
	}{
		"none":                           {nil, ""},
		"a bucket":                       {bucket, ""},
		"a bucket on this machine":       {append(bucket, "S3_ENDPOINT=http://127.0.0.1:9000"), ""},
		"a bucket in the clear":          {append(bucket, "S3_ENDPOINT=http://cos.ap-shanghai.myqcloud.com"), "只能用 https"},
		"half a bucket":                  {bucket[:4], "S3_URL"},
		"a bucket's address with a path": {append(bucket, "S3_ENDPOINT=https://x.example/b"), "S3_BUCKET"},
		"a prefix that leads out":        {append(bucket, "S3_PREFIX=../"), "S3_PREFIX"},
		"a prefix without its end":       {append(bucket, "S3_PREFIX=pufa"), "S3_PREFIX"},
		"a receiver":                     {hook, ""},
		"a receiver nobody has allowed":  {append(hook, "PUBLISH_HOOK_HOSTS=example.gov.cn"), "PUBLISH_HOOK_HOSTS"},
		"a receiver without a secret":    {append(hook, "PUBLISH_HOOK_SECRET=abc"), "PUBLISH_HOOK_SECRET"},
		"a receiver in the clear":        {append(hook, "PUBLISH_HOOK_URL=http://dab.example.gov.cn/in"), "只能用 https"},
		"a receiver in the own network":  {append(hook, "PUBLISH_HOOK_URL=http://10.3.0.7/in", "PUBLISH_HOOK_HOSTS=10.3.0.7"), ""},
		"a host that is an address":      {[]string{"PUBLISH_HOSTS=https://x.example"}, "PUBLISH_HOSTS"},
	} {
		_, err := Load("", c.set)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}
