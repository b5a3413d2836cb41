package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

type object = map[string]any

// description is openapi.yaml, and what of it was met.
type description struct {
	root object
	mu   sync.Mutex
	met  map[string]bool // "POST /api/v1/ask 200"
}

func readDescription(t *testing.T) *description {
	t.Helper()
	d := &description{met: map[string]bool{}}
	if err := yaml.Unmarshal(openapi, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows names from v, and references on the way.
func (d *description) at(t *testing.T, v any, names ...string) any {
	t.Helper()
	for {
		if m, ok := v.(object); ok && m["$ref"] != nil {
			path := strings.Split(strings.TrimPrefix(m["$ref"].(string), "#/"), "/")
			v = d.at(t, d.root, path...)
			if v == nil {
				t.Fatalf("openapi.yaml: nothing at %v", m["$ref"])
			}
		}
		if len(names) == 0 {
			return v
		}
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v, names = m[names[0]], names[1:]
	}
}

// fits checks a value from JSON against a schema.
func (d *description) fits(t *testing.T, schema, v any, where string) {
	t.Helper()
	s, ok := d.at(t, schema).(object)
	if !ok {
		t.Errorf("%s: no schema", where)
		return
	}
	if v == nil && s["nullable"] == true {
		return
	}
	switch s["type"] {
	case "object":
		m, ok := v.(object)
		if !ok {
			t.Errorf("%s: got %T, want an object", where, v)
			return
		}
		d.fitsObject(t, s, m, where)
	case "array":
		list, ok := v.([]any)
		if !ok {
			t.Errorf("%s: got %T, want a list", where, v)
		}
		for i, item := range list {
			d.fits(t, s["items"], item, fmt.Sprintf("%s[%d]", where, i))
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			t.Errorf("%s: got %T, want a string", where, v)
		}
		if p, has := s["pattern"].(string); has && !regexp.MustCompile(p).MatchString(text) {
			t.Errorf("%s: %q does not match %s", where, text, p)
		}
		if list, has := s["enum"].([]any); has && !slices.Contains(list, v) {
			t.Errorf("%s: %q is none of %v", where, text, list)
		}
		if s["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
	case "integer", "number":
		if _, ok := v.(float64); !ok {
			t.Errorf("%s: got %T, want a number", where, v)
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			t.Errorf("%s: got %T, want a bool", where, v)
		}
	default:
		t.Errorf("%s: the schema has no type", where)
	}
}

func (d *description) fitsObject(t *testing.T, s, m object, where string) {
	t.Helper()
	properties, _ := s["properties"].(object)
	for name, v := range m {
		if properties[name] == nil {
			t.Errorf("%s: %s is not described", where, name)
			continue
		}
		d.fits(t, properties[name], v, where+"."+name)
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := m[name.(string)]; !ok {
			t.Errorf("%s: %v is missing", where, name)
		}
	}
}

// check makes a request and holds the answer against the description.
func (d *description) check(t *testing.T, s *site, want int, method, path, body string, headers ...string) object {
	t.Helper()
	status, text, h := s.do(t, method, path, body, headers...)
	if status != want {
		t.Errorf("%s %s %s: got %d %s, want %d", method, path, cut(body, 60), status, text, want)
	}
	pattern := regexp.MustCompile(`/conversations/[^/]+`).ReplaceAllString(path, "/conversations/{id}")
	pattern, _, _ = strings.Cut(pattern, "?")
	as := strings.ToLower(method)
	if want == 405 { // described at the methods there are
		for _, m := range []string{"get", "post"} {
			if d.at(t, d.root, "paths", pattern, m) != nil {
				as = m
			}
		}
		if h.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", method, path)
		}
	}
	where := fmt.Sprintf("%s %s %d", strings.ToUpper(as), pattern, status)
	response := d.at(t, d.root, "paths", pattern, as, "responses", fmt.Sprint(status))
	if response == nil {
		t.Errorf("%s is not described", where)
		return nil
	}
	d.mu.Lock()
	d.met[where] = true
	d.mu.Unlock()
	if (status == 429 || status == 503) && h.Get("Retry-After") == "" {
		t.Errorf("%s: no Retry-After", where)
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	content, _ := d.at(t, response, "content").(object)
	if (content == nil) != (text == "") || (content != nil && content[kind] == nil) {
		t.Errorf("%s: got a body of type %q, described is %v", where, kind, content)
	}
	if kind != "application/json" || content == nil {
		return nil
	}
	var v object
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	d.fits(t, d.at(t, content[kind], "schema"), v, where)
	return v
}

// fullAnswer has every field set, so that all of them are held against the
// description.
func fullAnswer(_ context.Context, m Message, _ *Session) (Reply, error) {
	return Reply{Text: m.Text, Choices: []string{"一"}, Answer: &Answer{
		ID: "a1", Kind: "answer", Topic: "LA12", Title: "题", AsOf: "2026-11-22", By: "reviewed", Grounded: true,
		Citations: []Citation{{"法律援助法", "42", "2021-08-20", "2022-01-01", "现行有效", "注", "文"}},
		Clocks:    []Clock{{"k", "题", "1年", "2026-01-01", "2027-01-01", "依据"}}, Next: []string{"那要多久？"},
	}}, nil
}

func TestOpenAPI_DescribesWhatTheHandlersDo(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	feedback := func(_ context.Context, answer string, _ bool, _ string) error {
		if answer != "a1" {
			return ErrUnknown
		}
		return nil
	}
	s := newSite(t, newStore(t), HandlerFunc(fullAnswer), WebOptions{Feedback: feedback}, fast)
	chat := s.begin(t)
	at := "/api/v1/conversations/" + chat
	none := "/api/v1/conversations/" + strings.Repeat("0", 32)
	mine := "/api/v1/conversations/current"
	long := `{"id":"m","text":"` + strings.Repeat("长", maxText+1) + `"}`
	cross := []string{"Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"}

	d.check(t, s, 201, "POST", "/api/v1/conversations", "")
	d.check(t, s, 201, "POST", "/api/v1/conversations", "{}")
	d.check(t, s, 400, "POST", "/api/v1/conversations", `{"id":"mine"}`)
	d.check(t, s, 413, "POST", "/api/v1/conversations", strings.Repeat(" ", maxBody+1))
	d.check(t, s, 202, "POST", at+"/messages", `{"id":"m1","text":"问"}`)
	if v := d.check(t, s, 202, "POST", at+"/messages", `{"id":"m1","text":"问"}`); v["repeated"] != true {
		t.Errorf("a repeat: got %v", v)
	}
	d.check(t, s, 409, "POST", at+"/messages", `{"id":"m1","text":"别的"}`)
	d.check(t, s, 413, "POST", at+"/messages", long)
	for _, bad := range []string{`{`, `[]`, `null extra`, `{"id":"m2","text":"x","more":1}`, `{"id":"m2","text":"x"} {}`,
		`{"id":"含汉字","text":"x"}`, `{"id":"m2","text":" \u0000 "}`, `{"id":2,"text":"x"}`, ``, strings.Repeat(`[`, 100)} {
		d.check(t, s, 400, "POST", at+"/messages", bad)
		d.check(t, s, 400, "POST", "/api/v1/ask", bad)
		d.check(t, s, 400, "POST", "/api/v1/feedback", bad)
	}
	d.check(t, s, 400, "POST", at+"/messages", `{"text":"x"}`)
	d.check(t, s, 401, "POST", mine+"/messages", `{"id":"m1","text":"问"}`)
	d.check(t, s, 404, "POST", none+"/messages", `{"id":"m1","text":"问"}`)

	until(t, "the reply is there", func() bool { c, _ := s.store.conversation(t.Context(), Address(webPrefix+chat)); return c.Last == 2 })
	if v := d.check(t, s, 200, "GET", at, ""); len(v["events"].([]any)) != 2 {
		t.Errorf("history: %v", v)
	}
	d.check(t, s, 200, "GET", mine, "", "Cookie", cookieName+"="+chat)
	d.check(t, s, 401, "GET", mine, "")
	d.check(t, s, 404, "GET", none, "")
	d.check(t, s, 400, "GET", at+"/events?after=x", "")
	d.check(t, s, 401, "GET", mine+"/events", "")
	d.check(t, s, 404, "GET", none+"/events", "")
	d.met["GET /api/v1/conversations/{id}/events 200"] = true // TestWebChat_Conversation reads one

	d.check(t, s, 200, "POST", "/api/v1/ask", `{"text":"问","on":"2026-01-01","area":"城东"}`)
	d.check(t, s, 400, "POST", "/api/v1/ask", `{"text":"问","on":"昨天"}`)
	d.check(t, s, 413, "POST", "/api/v1/ask", strings.Replace(long, `"id":"m",`, "", 1))
	d.check(t, s, 204, "POST", "/api/v1/feedback", `{"answer":"a1","useful":false,"reason":"看不懂"}`)
	d.check(t, s, 404, "POST", "/api/v1/feedback", `{"answer":"a2","useful":true}`)
	d.check(t, s, 413, "POST", "/api/v1/feedback", `{"answer":"a1","useful":true,"reason":"`+strings.Repeat("长", maxReason+1)+`"}`)
	code := s.holdOne(t, "等着的答复")
	d.check(t, s, 400, "POST", "/api/v1/pickup", `{"code":"ABC"}`)
	d.check(t, s, 404, "POST", "/api/v1/pickup", `{"code":"22222-22222"}`)
	d.check(t, s, 413, "POST", "/api/v1/pickup", `{"code":"`+strings.Repeat("A", maxCodeInput+1)+`"}`)
	for range 2 {
		if v := d.check(t, s, 200, "POST", "/api/v1/pickup", `{"code":"`+strings.ToLower(showCode(code))+`"}`); v["text"] != "等着的答复" {
			t.Errorf("got %v", v)
		}
	}
	d.check(t, s, 200, "GET", "/api/openapi.yaml", "")
	for _, route := range apiRoutes {
		path := strings.Replace(route.pattern, "{id}", chat, 1)
		d.check(t, s, 405, "PUT", path, "")
		if route.method != "GET" {
			d.check(t, s, 403, route.method, path, "", cross...)
		}
	}
	d.check(t, s, 401, "DELETE", mine, "")
	d.check(t, s, 404, "DELETE", none, "")
	d.check(t, s, 204, "DELETE", at, "")
	d.check(t, s, 404, "GET", at, "")

	d.limited(t)
	d.failing(t)
	d.complete(t)
}

// limited meets every 429.
func (d *description) limited(t *testing.T) {
	once := Rate{Burst: 1, Every: time.Hour}
	s := newSite(t, newStore(t), HandlerFunc(echo), WebOptions{PerAddress: once, NewChats: once, Pickups: once}, fast)
	d.check(t, s, 404, "POST", "/api/v1/pickup", `{"code":"22222-22222"}`)
	d.check(t, s, 429, "POST", "/api/v1/pickup", `{"code":"22222-22222"}`)
	chat := s.begin(t)
	d.check(t, s, 429, "POST", "/api/v1/conversations", "")
	d.check(t, s, 200, "POST", "/api/v1/ask", `{"text":"问"}`)
	d.check(t, s, 429, "POST", "/api/v1/ask", `{"text":"问"}`)
	d.check(t, s, 429, "POST", "/api/v1/conversations/"+chat+"/messages", `{"id":"m1","text":"问"}`)
	d.check(t, s, 429, "POST", "/api/v1/feedback", `{"answer":"a1","useful":true}`)
	for range perChat {
		s.listen(t, chat, 0)
	}
	d.check(t, s, 429, "GET", "/api/v1/conversations/"+chat+"/events", "")
}

// failing meets every 503: the bot has stopped, then the database is closed.
func (d *description) failing(t *testing.T) {
	s := newSite(t, newStore(t), HandlerFunc(echo), WebOptions{}, fast)
	chat := s.begin(t)
	s.stop()
	d.check(t, s, 503, "POST", "/api/v1/conversations/"+chat+"/messages", `{"id":"m1","text":"问"}`)
	d.check(t, s, 503, "POST", "/api/v1/feedback", `{"answer":"a1","useful":true}`)
	s.store.read.Close()
	s.store.write.Close()
	d.check(t, s, 503, "POST", "/api/v1/conversations", "")
	d.check(t, s, 503, "GET", "/api/v1/conversations/"+chat, "")
	d.check(t, s, 503, "GET", "/api/v1/conversations/"+chat+"/events", "")
	d.check(t, s, 503, "DELETE", "/api/v1/conversations/"+chat, "")
	d.check(t, s, 503, "POST", "/api/v1/pickup", `{"code":"22222-22222"}`)
	broken := newSite(t, newStore(t), HandlerFunc(func(context.Context, Message, *Session) (Reply, error) { panic("broken") }), WebOptions{}, fast)
	d.check(t, broken, 503, "POST", "/api/v1/ask", `{"text":"问"}`)
}

// complete checks that each route is described, and each thing described was
// met.
func (d *description) complete(t *testing.T) {
	routes := map[string]bool{}
	for _, r := range apiRoutes {
		routes[r.method+" "+r.pattern] = true
		if d.at(t, d.root, "paths", r.pattern, strings.ToLower(r.method)) == nil {
			t.Errorf("%s %s is not described", r.method, r.pattern)
		}
	}
	for path, item := range d.root["paths"].(object) {
		for method, operation := range item.(object) {
			if method == "parameters" {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			if !routes[name] {
				t.Errorf("%s is described and does not exist", name)
			}
			for status := range d.at(t, operation, "responses").(object) {
				if met := name + " " + status; !d.met[met] && !strings.HasSuffix(met, " 405") {
					t.Errorf("%s is described and never met", met)
				}
			}
		}
	}
}
