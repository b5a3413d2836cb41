package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// try runs one command line in a data directory of its own.
func try(t *testing.T, dir, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(in), &o, &e, []string{"DATA_DIR=" + dir})
	return code, o.String(), e.String()
}

func askFor(t *testing.T, args ...string) askJSON {
	t.Helper()
	code, out, errs := try(t, t.TempDir(), "", append([]string{"ask", "--json"}, args...)...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var a askJSON
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatalf("standard output is not JSON alone: %v\n%s", err, out)
	}
	return a
}

func (a askJSON) cites(law, article string) bool {
	for _, c := range a.Citations {
		if c.Law == law && c.Article == article {
			return true
		}
	}
	return false
}

func TestAsk(t *testing.T) {
	t.Parallel()
	const aid = "中华人民共和国法律援助法"
	t.Run("a migrant worker's wages: the hardship check is waived", func(t *testing.T) {
		a := askFor(t, "老板三个月没发工资，我是外地来打工的，能请免费律师吗")
		if !a.cites(aid, "31") || !a.cites(aid, "42") || !a.Grounded || a.Urgent {
			t.Errorf("got %+v", a)
		}
		for _, want := range []string{"免予核查", "《法律援助法》第三十一条", "《法律援助法》第四十二条"} {
			if !strings.Contains(a.Text, want) {
				t.Errorf("no %q in %s", want, a.Text)
			}
		}
		if b := askFor(t, "老闆三個月沒發工資，我是外地來打工的，能請免費律師嗎"); b.Text != a.Text {
			t.Errorf("Traditional script gets another answer:\n%s", b.Text)
		}
	})
	t.Run("help comes before law", func(t *testing.T) {
		a := askFor(t, "我不想活了")
		first, _, _ := strings.Cut(a.Text, "\n")
		if !a.Urgent || !strings.Contains(first, "120") || !strings.Contains(first, "12356") || len(a.Citations) > 0 {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("the law of the day asked about", func(t *testing.T) {
		const order = "中华人民共和国治安管理处罚法"
		q := "把人打了会拘留几天"
		if a := askFor(t, "--on", "2025-12-01", q); !a.cites(order, "43") || a.AsOf != "2025-12-01" || !strings.Contains(a.Text, "2026-01-01起改用新文本") {
			t.Errorf("2025-12-01: got %+v", a)
		}
		if a := askFor(t, "--on", "2026-02-01", q); !a.cites(order, "51") {
			t.Errorf("2026-02-01: got %+v", a)
		}
		if a := askFor(t, q); !strings.Contains(a.Text, "2026年1月1日") {
			t.Errorf("today's answer does not name the change: %s", a.Text)
		}
	})
	t.Run("what is not known is not guessed", func(t *testing.T) {
		a := askFor(t, "商标注册证到期怎么续展")
		if a.Kind == "answer" && a.Grounded && !strings.Contains(a.Text, "我理解你问的是") || !strings.Contains(a.Text, "12348") {
			t.Errorf("got %s", a.Text)
		}
	})
	t.Run("standard input", func(t *testing.T) {
		code, out, errs := try(t, t.TempDir(), "借条没写还款日期能要回来吗\n", "ask", "-")
		if code != 0 || !strings.Contains(out, "第六百七十五条") {
			t.Errorf("exit %d, %s%s", code, out, errs)
		}
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 0, "mingbai serve"},
		{[]string{"--help"}, 0, "mingbai serve"},
		{[]string{"nonsense"}, 2, "没有“nonsense”这个命令"},
		{[]string{"ask"}, 2, "请写上要问的问题"},
		{[]string{"ask", "--on", "tomorrow", "x"}, 2, "2025-12-01"},
		{[]string{"ask", "--nonsense"}, 2, "用法"},
		{[]string{"kb", "--help"}, 0, "check|search"},
		{[]string{"version"}, 0, "mingbai"},
		{[]string{"topic", "off", "ZZ99"}, 1, "没有专题 ZZ99"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, out, errs := try(t, t.TempDir(), "", c.args...)
			if code != c.code || !strings.Contains(out+errs, c.want) {
				t.Errorf("exit %d, want %d with %q:\n%s%s", code, c.code, c.want, out, errs)
			}
		})
	}
}

func TestTopicSwitch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must := func(want string, args ...string) {
		t.Helper()
		code, out, errs := try(t, dir, "", args...)
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("%v: exit %d, want %q:\n%s%s", args, code, want, out, errs)
		}
	}
	must("已关闭", "topic", "off", "nt10", "--why", "遗嘱公证的内容正在复核。")
	must("NT10", "topic", "list")
	must("正在复核", "ask", "公证遗嘱是不是最大，能不能改")
	must("人民调解", "ask", "人民调解收费吗")
	must("已恢复", "topic", "on", "nt10")
	must("一千一百四十二条", "ask", "公证遗嘱是不是最大，能不能改")
}

func TestCounty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "county.yaml")
	text := `name: 青禾县
province: 某省
townships: [{name: 城东街道}, {name: 南溪镇, villages: [上村]}]
offices:
  - {name: 青禾县法律援助中心, kind: 法律援助中心, phone: 0570-1234567, address: 人民路1号, hours: 工作日8:30—17:00, checked: "2026-11-01"}
standards:
  - {name: 法律援助经济困难标准, text: 低于本县最低工资标准, source: 某省司法厅通知, since: "2025-01-01", topic: LA03}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := try(t, dir, "", "ask", "法律援助收费吗"); code != 0 || !strings.Contains(out, "还没有设置") {
		t.Errorf("until it is set, answers must say so: %s", out)
	}
	if code, out, errs := try(t, dir, "", "init", file); code != 0 || !strings.Contains(out, "2 个乡镇") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if _, out, _ := try(t, dir, "", "ask", "法律援助收费吗"); !strings.Contains(out, "0570-1234567") {
		t.Errorf("the office is not named: %s", out)
	}
	if code, _, errs := try(t, dir, "name: x\nprovince: y\noffices: [{name: z, kind: 邮局, phone: abc}]\n", "init", "-"); code != 1 || !strings.Contains(errs, "kind") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestEvalQuestions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "q.jsonl"), filepath.Join(dir, "a.jsonl")
	lines := `{"id":"1","turns":["申请法律援助要带什么材料","那要多久？"],"asof":"2026-11-22"}
{"id":"2","turns":["把人打了会拘留几天"],"asof":"2025-12-01"}
`
	if err := os.WriteFile(in, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := try(t, dir, "", "eval", "questions", in, "--answers", out); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(answers) != 2 || !strings.Contains(answers[0], `"id":"1"`) || !strings.Contains(answers[0], "7") || !strings.Contains(answers[1], "第四十三条") {
		t.Errorf("got %s", text)
	}
}

// The whole program on a port of its own: it gets ready, answers, keeps what was
// said over a restart, and stops within its time.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func() (url string, stop func()) {
		var out bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: io.Discard, now: time.Now, environ: []string{"DATA_DIR=" + dir, "LISTEN=127.0.0.1:0"}}
		if err := a.load(""); err != nil {
			t.Fatal(err)
		}
		s, err := a.newServer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.run(ctx) }()
		return "http://" + s.ln.Addr().String(), func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("stop: %v", err)
			}
			if !strings.Contains(out.String(), "REDIS_URL") || !strings.Contains(out.String(), dir) {
				t.Errorf("the greeting does not say where data lies and what is off:\n%s", out.String())
			}
		}
	}
	url, stop := start()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"records":"ok"`, "/metrics": "go_goroutines", "/api/openapi.yaml": "paths:", "/": "明白"} {
		if status, body := get(t, url+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, want %q in %.200s", path, status, want, body)
		}
	}
	var answer askJSON
	post(t, url+"/api/v1/ask", `{"text":"没签合同干了半年能要双倍工资吗"}`, &answer)
	if !answer.cites("中华人民共和国劳动合同法", "82") || !strings.Contains(answer.Text, "5个月") {
		t.Errorf("got %+v", answer)
	}
	stop()
	code, out, _ := try(t, dir, "", "figures", "--json")
	if code != 0 || !strings.Contains(out, `"questions": 1`) || !strings.Contains(out, `"LB07": 1`) {
		t.Errorf("the consultation was not recorded: %s", out)
	}
	url, stop = start()
	if status, _ := get(t, url+"/readyz"); status != 200 {
		t.Errorf("not ready after a restart: %d", status)
	}
	stop()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func post(t *testing.T, url, body string, into any) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(r.Body)
		t.Fatalf("%s: %d %s", url, r.StatusCode, b)
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
