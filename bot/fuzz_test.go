package bot

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAPIBody: no body makes a handler fail, a refusal is a problem in JSON,
// and what is taken is text that can be stored and shown.
func FuzzAPIBody(f *testing.F) {
	for _, seed := range []string{`{"id":"m1","text":"问题"}`, `{"text":"x","on":"2026-01-01","area":"城东"}`,
		`{"answer":"a1","useful":true,"reason":""}`, `{}`, `null`, `[[[[[[[[[[`, `{"id":"m","text":"\ud800\u0000\u202e"}`,
		"{\"id\":\"m\",\"text\":\"\xff\xfe\"}", `{"text":"a"}{"text":"b"}`, `{"TEXT":"x","text":"y"}`, `{"text":1e999}`} {
		f.Add([]byte(seed))
	}
	type both struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in both
		rw := httptest.NewRecorder()
		err := readJSON(rw, httptest.NewRequest("POST", "/", strings.NewReader(string(body))), &in)
		if err == nil {
			in.Text, err = question(in.Text)
		}
		if err != nil {
			(&WebChat{}).fail(rw, httptest.NewRequest("POST", "/", nil), err)
			var p problem
			if e := json.Unmarshal(rw.Body.Bytes(), &p); e != nil || rw.Code < 400 || rw.Code > 413 || p.Message == "" {
				t.Fatalf("%v: answered %d %s", err, rw.Code, rw.Body)
			}
			return
		}
		if len(body) > maxBody || !utf8.ValidString(in.Text) || in.Text == "" || utf8.RuneCountInString(in.Text) > maxText {
			t.Fatalf("taken: %q", in.Text)
		}
		for _, r := range in.Text {
			if r < 0x20 && r != '\n' && r != '\t' || r == 0x202E || r == 0x7F {
				t.Fatalf("taken with %U: %q", r, in.Text)
			}
		}
		if again := clean(in.Text); again != in.Text {
			t.Fatalf("cleaning twice differs: %q, %q", in.Text, again)
		}
	})
}

// FuzzRedisURL: no setting makes the program fail, and no error tells the
// password.
func FuzzRedisURL(f *testing.F) {
	for _, seed := range []string{"redis://127.0.0.1:6379/0", "redis+sentinel://:hunter2@a,b:1/main?db=1", "rediss+cluster://u:hunter2@a:1,b:2", "redis://[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseRedisURL(text)
		if err == nil && len(o.Addrs) == 0 {
			t.Fatal("no address and no error")
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Fatal(err)
		}
	})
}
