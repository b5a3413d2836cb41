package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const in = "{\"id\":\"a\",\"text\":\"我叫林晓峰，手机13711118888\"}\n\n{\"id\":2,\"text\":\"《民法典》第一千条\"}\n"
	const want = `{"id":"a","spans":[{"start":2,"end":5,"type":"NAME"},{"start":8,"end":19,"type":"MOBILE"}],"text":"我叫〔姓名1〕，手机〔手机1〕"}` + "\n" +
		`{"id":2,"spans":[],"text":"《民法典》第一千条"}` + "\n"
	file := filepath.Join(dir, "in.jsonl")
	if err := os.WriteFile(file, []byte(in), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"redact"}, {"redact", "-"}, {"redact", file}} {
		if code, out, errs := try(t, dir, in, args...); code != 0 || out != want || errs != "" {
			t.Errorf("%q: exit %d, %s%s", args, code, out, errs)
		}
	}
	for in, want := range map[string]string{
		"{\"id\":1,\"text\":\"好\"}\n{13711118888": "标准输入 第 2 行：不是",
		"{\"id\":1}": "标准输入 第 1 行：没有 text",
		"{\"id\":1,\"text\":\"" + strings.Repeat("好", 1<<19) + "\"}": "第 1 行：太长",
		"\xff": "不是 UTF-8",
	} {
		code, _, errs := try(t, dir, in, "redact")
		if code != 1 || !strings.Contains(errs, want) || strings.Contains(errs, "13711118888") {
			t.Errorf("exit %d, %s, want %s", code, errs, want)
		}
	}
	if code, _, errs := try(t, dir, "", "redact", filepath.Join(dir, "none")); code != 1 || !strings.Contains(errs, "打不开") {
		t.Errorf("a file that is not there: exit %d, %s", code, errs)
	}
	if code, _, errs := try(t, dir, "", "redact", "--help"); code != 0 || !strings.Contains(errs, "spans") {
		t.Errorf("help: exit %d, %s", code, errs)
	}
}
