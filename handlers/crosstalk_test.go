package handlers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/internal/servers"
	"mingbai/knowledge"
	"mingbai/knowledge/llmtest"
	"mingbai/office"
)

// canaryPattern finds the words that say whose conversation something is from.
var canaryPattern = regexp.MustCompile(`灯塔[子丑寅卯辰巳午未申酉]{4}工地`)

func canary(i int) string {
	var b strings.Builder
	for _, d := range fmt.Sprintf("%04d", i) {
		b.WriteRune([]rune("子丑寅卯辰巳午未申酉")[d-'0'])
	}
	return "灯塔" + b.String() + "工地"
}

// process is one of two programs on one database, one Redis and one model.
func process(t *testing.T, database, redis, model string) *httptest.Server {
	t.Helper()
	k := newTalk(t)
	records, err := office.Open(t.Context(), office.Options{Dir: t.TempDir(), DatabaseURL: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() }) //nolint:errcheck // the test has ended
	mask := knowledge.NewRedactor(nil)
	llm, err := knowledge.NewChatModel(knowledge.ModelOptions{BaseURL: model, Model: llmtest.Name, Concurrent: 64}, mask)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := knowledge.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	d := k.router.d
	gates, err := knowledge.NewGates(knowledge.GateOptions{Registry: d.Base.Registry(), Redactor: mask}, texts...)
	if err != nil {
		t.Fatal(err)
	}
	worder, err := knowledge.NewWorder(d.Base, llm, gates)
	if err != nil {
		t.Fatal(err)
	}
	d.Record, d.Rate = nil, nil
	d.Assistant = &Assistant{Worder: worder, Model: llmtest.Name, Consent: records.NoticeAnswered, SetConsent: records.AnswerNotice}
	write, read, dialect := records.Handles()
	store, err := bot.OpenStore(t.Context(), write, read, dialect)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bot.OpenRedis(bot.RedisOptions{URL: redis})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() }) //nolint:errcheck // the test has ended
	many := bot.Rate{Burst: 1 << 20, Every: time.Millisecond}
	web := bot.NewWebChat(store, bot.WebOptions{Redis: r, PerAddress: many, NewChats: many, Poll: 100 * time.Millisecond})
	b := bot.New(New(d), bot.NewRedisSessions(r, time.Hour), bot.NewInbox(store), bot.Options{Redis: r, PerPerson: many})
	b.Attach(web)
	ctx, stop := context.WithCancel(context.Background())
	var crew sync.WaitGroup
	crew.Go(func() { _ = b.Run(ctx) }) //nolint:errcheck // being stopped
	site := httptest.NewServer(web)
	t.Cleanup(func() { stop(); site.CloseClientConnections(); site.Close(); crew.Wait() })
	return site
}

// visitor is one person in one conversation, whose messages go to either process.
type visitor struct {
	t     *testing.T
	sites [2]*httptest.Server
	id    string
	own   string
	heard atomic.Int64 // times their canary came back, in replies and streams
	model atomic.Int64 // replies and pieces that a model wrote
}

func (v *visitor) post(path, body string) (int, string) {
	for {
		res, err := http.Post(v.sites[rand.IntN(2)].URL+"/api/v1/conversations"+path, "application/json", strings.NewReader(body)) //nolint:noctx // ends with the test's server
		if err != nil {
			v.t.Error(err)
			return 0, ""
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close() //nolint:errcheck // it was read
		if err == nil && res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests {
			return res.StatusCode, string(b)
		}
	}
}

// talk has the conversation: each turn waits for the reply to the one before.
func (v *visitor) talk(turns int, done *atomic.Int64) {
	status, body := v.post("", "")
	var c struct{ ID string }
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != http.StatusCreated {
		v.t.Errorf("begin: %d %s", status, body)
		return
	}
	v.id = c.ID
	for i := range turns + 1 {
		text := fmt.Sprintf("我在%s干了大半年，老板一直没跟我签合同，每个月发现金，现在活干完了想让我走人，没签合同这几个月的双倍工资能要多少，怎么要，这是第%d次问", v.own, i)
		if i == 0 {
			text = "同意AI"
		}
		message, err := json.Marshal(map[string]string{"id": strconv.Itoa(i), "text": text})
		if err != nil {
			v.t.Error(err)
			return
		}
		if status, body := v.post("/"+v.id+"/messages", string(message)); status != http.StatusAccepted && status != http.StatusOK {
			v.t.Errorf("say: %d %s", status, body)
			return
		}
		if !v.listen(strconv.Itoa(i)) {
			return
		}
		done.Add(1)
	}
}

// listen reads the conversation from its beginning until the reply to a message.
func (v *visitor) listen(ref string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.sites[rand.IntN(2)].URL+"/api/v1/conversations/"+v.id+"/events", nil)
	if err != nil {
		v.t.Error(err)
		return false
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Error(err)
		return false
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		v.judge(data)
		var e struct{ Type, Ref string }
		if json.Unmarshal([]byte(data), &e) == nil && e.Type == "reply" && e.Ref == ref {
			return true
		}
	}
	v.t.Errorf("no reply to %s: %v", ref, lines.Err())
	return false
}

// judge holds that nothing of another conversation is in what this one is sent.
func (v *visitor) judge(data string) {
	for _, c := range canaryPattern.FindAllString(data, -1) {
		if c != v.own {
			v.t.Errorf("%s read %s", v.own, c)
		}
		v.heard.Add(1)
	}
	if strings.Contains(data, "AI生成】你说的") {
		v.model.Add(1)
	}
}

// TestCrossTalk: many conversations on two processes, with a model that repeats
// all it is told, while Redis is killed and started again: nobody's words are in
// anybody else's prompts, replies or streams. MINGBAI_CROSSTALK sets how many
// conversations there are, of 20 turns each.
func TestCrossTalk(t *testing.T) {
	t.Parallel()
	persons, turns := 6, 4
	if n, err := strconv.Atoi(os.Getenv("MINGBAI_CROSSTALK")); err == nil {
		persons, turns = n, 20
	}
	model := llmtest.New()
	t.Cleanup(model.Close)
	model.Answer(func(r llmtest.Request) (string, llmtest.Fault) {
		heard := map[string]bool{}
		text := ""
		for _, c := range canaryPattern.FindAllString(string(r.Body), -1) {
			if !heard[c] {
				text += "你说的是" + c + "。"
			}
			heard[c] = true
		}
		return text + "能要，从满一个月的次日起每月付两倍工资，最多补11个月。〔1〕〔2〕", llmtest.None
	})
	database, redis := servers.PostgresURL(t), servers.StartRedis(t)
	sites := [2]*httptest.Server{process(t, database, redis.URL, model.URL()), process(t, database, redis.URL, model.URL())}
	var done atomic.Int64
	var crew sync.WaitGroup
	places := make(chan struct{}, 24)
	visitors := make([]*visitor, persons)
	for i := range visitors {
		visitors[i] = &visitor{t: t, sites: sites, own: canary(i)}
		crew.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			visitors[i].talk(turns, &done)
		})
	}
	finished := make(chan struct{})
	go func() { crew.Wait(); close(finished) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for restarted := false; ; {
		select {
		case <-finished:
			if !restarted {
				t.Error("Redis was not restarted")
			}
			judgeAll(t, visitors, model.Requests(), turns)
			return
		case <-tick.C:
			if !restarted && done.Load() > int64(persons*turns/2) {
				restarted = true
				redis.Kill()
				redis.Start()
			}
		}
	}
}

func judgeAll(t *testing.T, visitors []*visitor, requests []llmtest.Request, turns int) {
	t.Helper()
	if len(requests) < len(visitors)*turns/2 {
		t.Errorf("the model was asked %d times", len(requests))
	}
	for _, r := range requests {
		seen := map[string]bool{}
		for _, c := range canaryPattern.FindAllString(string(r.Body), -1) {
			seen[c] = true
		}
		if len(seen) != 1 {
			t.Errorf("a prompt holds the words of %d persons", len(seen))
		}
	}
	for _, v := range visitors {
		if v.heard.Load() == 0 || v.model.Load() == 0 {
			t.Errorf("%s came back %d times, in %d texts of a model", v.own, v.heard.Load(), v.model.Load())
		}
	}
	t.Logf("%d conversations of %d turns, %d prompts", len(visitors), turns, len(requests))
}
