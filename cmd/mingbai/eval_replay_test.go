package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mingbai/knowledge/llmtest"
)

// TestReplay measures with a model that is asked elsewhere: requests are
// exported, answered by a server that the program does not know, and the answers
// go through the gates.
func TestReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("questions.jsonl", `{"id":"q1","turns":["我叫王建国，电话13812345678，在工地干了半年，老板一直没和我签书面合同，现在要走，能要多少双倍工资"],"asof":"2026-11-22"}
{"qid":2,"query":"人民调解收费吗"}
`)
	code, _, errs := try(t, dir, "", "eval", "export-prompts", file("questions.jsonl"), "--out", file("requests.jsonl"))
	if code != 0 || !strings.Contains(errs, "1 个请求要回答") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	requests, err := os.ReadFile(file("requests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(requests); strings.Contains(s, "王建国") || strings.Contains(s, "13812345678") || !strings.Contains(s, "〔姓名1〕") || strings.Contains(s, `"stream"`) {
		t.Fatalf("the request is not the masked one: %s", s)
	}
	said := "能要，满一个月没签书面合同，从第二个月起每月可以要两倍工资。〔1〕〔2〕根据《劳动合同法》第九十九条，单位还要赔三年工资。〔1〕"
	id, line := elsewhere(t, requests, said)
	write("answers.jsonl", line)

	code, out, errs := try(t, dir, "", "eval", "replay", file("answers.jsonl"), "--answers", file("scored.jsonl"), "--json")
	var report replayReport
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
		t.Fatalf("exit %d: %v: %s%s", code, err, out, errs)
	}
	if report.Questions != 2 || report.Answers != 1 || report.Worded != 1 || report.Plain != 1 || report.Invalid+report.Unlabeled+report.Missing > 0 || report.Citations < 1 {
		t.Errorf("got %+v", report)
	}
	first := report.Items[0]
	if len(first.Drops) != 1 || first.Drops[0].Gate != "G1" || strings.Contains(first.Answer, "三年") || !strings.Contains(first.Answer, "每月可以要两倍工资") {
		t.Errorf("got %+v", first)
	}
	if scored, err := os.ReadFile(file("scored.jsonl")); err != nil || strings.Count(string(scored), "\n") != 2 || !strings.Contains(string(scored), `"id":"2"`) {
		t.Errorf("for the scorer: %v %s", err, scored)
	}

	write("other.jsonl", fmt.Sprintf(`{"id":"%s0000","text":"好。〔1〕"}
{"id":"zz/1/1-00000000","text":"好。"}
`, id[:strings.LastIndex(id, "-")+1]))
	code, _, errs = try(t, dir, "", "eval", "replay", file("other.jsonl"), "--questions", file("questions.jsonl"))
	if code != 1 || !strings.Contains(errs, "已经变了") || !strings.Contains(errs, "多出 1 个回答，没有题目问过：zz/1/1-00000000") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// elsewhere answers a request as a server of its own and gives the request's id
// and the line of answers.
func elsewhere(t *testing.T, requests []byte, said string) (id, line string) {
	t.Helper()
	s := llmtest.New()
	defer s.Close()
	s.Say(said)
	var row struct {
		ID      string          `json:"id"`
		Request json.RawMessage `json:"request"`
	}
	if err := json.Unmarshal(requests, &row); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.URL()+"/chat/completions", "application/json", bytes.NewReader(row.Request))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return row.ID, fmt.Sprintf(`{"custom_id":%q,"response":{"status_code":200,"body":%s}}`, row.ID, answer) + "\n"
}

// TestReadAnswers reads what people and batch interfaces write, and says what is
// wrong with other lines.
func TestReadAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want, fault string }{
		"plain":       {`{"id":"a/1/1-0","text":"好。"}`, "好。", ""},
		"empty words": {`{"id":"a/1/1-0","text":""}`, "", ""},
		"batch":       {`{"id":"batch_7","custom_id":"a/1/1-0","response":{"body":{"choices":[{"message":{"content":"好。"},"finish_reason":"stop"}]}}}`, "好。", ""},
		"completion":  {`{"id":"a/1/1-0","response":{"choices":[{"message":{"content":"好。"}}]}}`, "好。", ""},
		"no answer":   {`{"custom_id":"a/1/1-0","response":null,"error":{"code":"x"}}`, "", "没有回答"},
		"no id":       {`{"text":"好。"}`, "", "没有 id"},
		"twice":       {"{\"id\":\"a/1/1-0\",\"text\":\"好。\"}\n{\"id\":\"a/1/1-0\",\"text\":\"好。\"}", "", "前面已经有回答了"},
		"no JSON":     {`好`, "", "第 1 行不是 JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "answers.jsonl")
			if err := os.WriteFile(file, []byte(c.in), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readAnswers(file)
			switch {
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("got %v, want %q", err, c.fault)
			case c.fault == "" && (err != nil || len(got) != 1 || got["a/1/1-0"].text != c.want):
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
