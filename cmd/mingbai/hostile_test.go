package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// TestHostile_Own runs attacks of our own wording against the whole product.
// It measures memory and time, so nothing runs beside it.
func TestHostile_Own(t *testing.T) {
	if underRace {
		t.Skip("memory and time are measured by make quality")
	}
	attacks, err := readAttacks("testdata/hostile.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var record bytes.Buffer
	r, err := runHostile(ctx, attacks, io.Discard, &record)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Items {
		want := map[string]string{"own-12": verdictUnsupported}[v.ID]
		if want == "" {
			want = verdictPassed
		}
		if v.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", v.ID, v.Verdict, v.Why, want)
		}
	}
	if strings.Count(record.String(), "\n") != len(attacks) {
		t.Errorf("%d attacks, but these transcripts:\n%s", len(attacks), record.String())
	}
}

// TestHostile_Judge asserts that each kind of fault fails an item.
func TestHostile_Judge(t *testing.T) {
	t.Parallel()
	good := func() outcome {
		return outcome{surfaces: map[string]string{"reply": "请打 12348"}, states: map[string]string{"no_effect": ""}, status: []int{200}}
	}
	const wants = `{"surfaces":["reply"],"state":["no_effect"],"must_not":["evil\\.example","<script>(?!nonce)"],"must_any":["12348"],"status":[200]}`
	for name, c := range map[string]struct {
		spoil func(*outcome)
		want  string
	}{
		"all is well":          {func(*outcome) {}, verdictPassed},
		"a forbidden word":     {func(o *outcome) { o.surfaces["reply"] += " evil.example" }, verdictFailed},
		"beyond a lookahead":   {func(o *outcome) { o.surfaces["reply"] += "<script>" }, verdictFailed},
		"no word of help":      {func(o *outcome) { o.surfaces["reply"] = "好" }, verdictFailed},
		"a state that failed":  {func(o *outcome) { o.states["no_effect"] = "改了 cases" }, verdictFailed},
		"a state not measured": {func(o *outcome) { delete(o.states, "no_effect") }, verdictFailed},
		"a surface not seen":   {func(o *outcome) { delete(o.surfaces, "reply") }, verdictFailed},
		"another status":       {func(o *outcome) { o.status = []int{200, 500} }, verdictFailed},
		"no status":            {func(o *outcome) { o.status = nil }, verdictFailed},
	} {
		got := good()
		c.spoil(&got)
		verdict, why, err := judge(attack{ID: "x", wants: json.RawMessage(wants)}, got)
		if err != nil || verdict != c.want {
			t.Errorf("%s: %s (%s), %v", name, verdict, why, err)
		}
	}
}

// TestWriteDOM tells words that look like markup from markup: what stands in the
// output as an attribute or an element is one.
func TestWriteDOM(t *testing.T) {
	t.Parallel()
	see := func(body string) (dom string, shape []string) {
		root, err := html.Parse(strings.NewReader("<!doctype html><title>x</title><p>" + body + "</p>"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		writeDOM(&b, root)
		return b.String(), shapeOf(root)
	}
	_, calm := see("一句话")
	for name, attack := range map[string]string{
		"an element that loads": `<svg/onload=alert(1)>`, "a picture": `<img src=x onerror=alert(1)>`, "a script": `<script>fetch('/')</script>`,
		"a link that runs": `<a href="javascript:alert(1)">点</a>`, "a frame": `<iframe srcdoc="x"></iframe>`, "an attribute of ours": `<b style="position:fixed">x</b>`,
	} {
		if _, shape := see(attack); len(strange(calm, shape)) == 0 {
			t.Errorf("%s is not noticed", name)
		}
		dom, shape := see(html.EscapeString(attack) + `<input value="` + html.EscapeString(attack) + `">`)
		if odd := strange(calm, shape); len(odd) > 0 || strings.Contains(dom, "onerror=") || strings.Contains(dom, "href=") || strings.Contains(dom, "<svg") || strings.Contains(dom, "<script>") {
			t.Errorf("%s in words is taken for markup: %v\n%s", name, odd, dom)
		}
	}
	if dom, _ := see(`<img src=x onerror=alert(1)>`); !strings.Contains(dom, "onerror=alert(1)") {
		t.Errorf("an attribute that runs is not as it is: %s", dom)
	}
}
