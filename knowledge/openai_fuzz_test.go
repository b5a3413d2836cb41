package knowledge

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// canned answers every request with the same bytes.
type canned struct {
	status int
	kind   string
	body   []byte
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Status: http.StatusText(c.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {c.kind}, "Retry-After": {"99"}}, Body: io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

// FuzzStream: whatever a server sends, an answer is taken only if the server
// said that it is whole, and it is what came in pieces; everything else is an
// ErrModel that quotes nothing of it.
func FuzzStream(f *testing.F) {
	piece := func(text, finish string) string {
		return `data: {"model":"m","choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":` + finish + "}]}\n\n"
	}
	for _, body := range []string{
		piece("可以。", "null") + piece("", `"stop"`) + "data: [DONE]\n\n",
		piece("可以。", `"stop"`),
		piece("可以。", "null"),
		piece("可以。", `"length"`),
		piece("可以", `"stop"`) + piece("再说", "null"),
		piece("可以", "null") + `data: {"error":{"message":"ERRTEXT","code":1}}` + "\n\n" + piece("", `"stop"`),
		piece("<think>想", "null") + piece("</think>可以", "null") + piece("", `"stop"`),
		"<html>ERRTEXT</html>", ": keep-alive\n\n", "data: {\"choices\":[]}\n\n", "data: null\n\n", "data:\n\n", "",
		`data: {"choices":[{"delta":{"content":"` + "\xff" + `"},"finish_reason":"stop"}]}` + "\n\n",
		`data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":-5,"completion_tokens":-9}}` + "\n\n",
		strings.Repeat("data: x\n", 50), strings.Repeat("\n", 400),
		`{"choices":[{"message":{"content":"可以"},"finish_reason":"stop"}]}`,
	} {
		for _, status := range []int{200, 302, 500} {
			f.Add(status, []byte(body))
		}
	}
	m, err := NewChatModel(ModelOptions{BaseURL: "http://127.0.0.1:1/v1", Model: "m"}, NewRedactor(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		m := &ChatModel{o: m.o, mask: m.mask, http: m.http}
		m.client = openaiClient(m.o.BaseURL, "", &politeClient{client: &http.Client{Transport: canned{status, "text/event-stream", body}, CheckRedirect: m.http.client.CheckRedirect}, limit: modelBody})
		r := m.request(said("q"), "q")
		got := ""
		c, err := m.stream(context.Background(), r, func(p string) error { got += p; return nil })
		if got != c.Text {
			t.Fatalf("the whole is %q, its pieces %q", c.Text, got)
		}
		if c.In < 0 || c.Out < 0 {
			t.Fatalf("%d and %d tokens", c.In, c.Out)
		}
		plain, plainErr := m.plain(context.Background(), r)
		for _, outcome := range []struct {
			c   Completion
			err error
		}{{c, err}, {plain, plainErr}} {
			switch {
			case outcome.err != nil:
				if !strings.HasPrefix(outcome.err.Error(), ErrModel.Error()) || strings.Contains(outcome.err.Error(), "ERRTEXT") {
					t.Fatalf("error %v", outcome.err)
				}
			case !bytes.Contains(body, []byte("stop")) && !bytes.Contains(body, []byte(`\u`)) || status >= 400:
				t.Fatalf("%q was taken without its end", outcome.c.Text)
			case strings.TrimSpace(outcome.c.Text) == "" || !utf8.ValidString(outcome.c.Text):
				t.Fatalf("took %q", outcome.c.Text)
			}
		}
	})
}

// FuzzFitted: an answer held to a schema is a JSON object that fits it.
func FuzzFitted(f *testing.F) {
	for _, s := range []string{`{"kind":"a"}`, "```json\n{\"kind\":\"b\"}\n```", "```", "{}", `{"kind":null}`, `[[[[`, `{"kind":"a","kind":"c"}`} {
		f.Add(s)
	}
	schema := []byte(`{"type":"object","properties":{"kind":{"type":"string","enum":["a","b"]}},"required":["kind"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := fitted(text, schema)
		if err == nil && !strings.Contains(got, "{") || err != nil && got != "" {
			t.Fatalf("got %q, %v", got, err)
		}
		if err != nil {
			return
		}
		again, err := fitted(got, schema)
		if err != nil || again != got {
			t.Fatalf("%q became %q, %v", got, again, err)
		}
	})
}
