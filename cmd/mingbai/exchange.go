package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"mingbai/bot"
	"mingbai/handlers"
	"mingbai/knowledge"
	"mingbai/knowledge/llmtest"
	"mingbai/office"
)

// Bounds of the files of recorded exchanges, in bytes a line.
const maxExchangeLine = 1 << 20

// exchangeMarker stands in recorded instructions where a running program has a
// random word, so that the same question gives the same request.
const exchangeMarker = "MB-000000000000"

// question is one item of a question file.
type question struct {
	ID    string   `json:"id"`
	Turns []string `json:"turns"`
	AsOf  string   `json:"asof,omitempty"`
}

// readItems reads a question file: id and turns, or qid and query.
func readItems(name string) ([]question, error) {
	var list []question
	seen := map[string]bool{}
	err := eachLine(name, func(line int, text []byte) error {
		var item struct {
			question
			QID   json.Number `json:"qid"`
			Query string      `json:"query"`
		}
		if err := json.Unmarshal(text, &item); err != nil {
			return fmt.Errorf("%s 第 %d 行不是 JSON：%w", name, line, err)
		}
		q := item.question
		if q.ID == "" {
			q.ID = item.QID.String()
		}
		if len(q.Turns) == 0 && item.Query != "" {
			q.Turns = []string{item.Query}
		}
		switch {
		case q.ID == "" || len(q.Turns) == 0:
			return fmt.Errorf("%s 第 %d 行要有 id 和 turns（或 qid 和 query）", name, line)
		case strings.Contains(q.ID, "/"):
			return fmt.Errorf("%s 第 %d 行的 id 里不能有 /", name, line)
		case seen[q.ID]:
			return fmt.Errorf("%s 第 %d 行：id %s 前面已经有了", name, line, q.ID)
		}
		seen[q.ID] = true
		list = append(list, q)
		return nil
	})
	return list, err
}

// exchangeFile keeps the questions that were exported last, in DATA_DIR: they are
// not masked, so they are not in the file that goes elsewhere.
const exchangeFile = "exported-questions.jsonl"

func (a *app) keepQuestions(list []question) error {
	if err := os.MkdirAll(a.config.DataDir, 0o700); err != nil {
		return fmt.Errorf("写不了数据目录：%w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, q := range list {
		if err := e.Encode(q); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(a.config.DataDir, exchangeFile), b.Bytes(), 0o600)
}

// eachLine reads a file of JSON lines.
func eachLine(name string, do func(line int, text []byte) error) error {
	in, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("打不开文件：%w", err)
	}
	defer in.Close()
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, maxExchangeLine)
	for line := 1; sc.Scan(); line++ {
		if text := bytes.TrimSpace(sc.Bytes()); len(text) > 0 {
			if err := do(line, text); err != nil {
				return err
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("读 %s：%w", name, err)
	}
	return nil
}

// request is what a model is asked once.
type request struct {
	id   string
	body json.RawMessage // of POST /chat/completions, without the flags of streaming
}

// answered is what a model said to a request.
type answered struct {
	text   string
	finish string // finish_reason; "": it came to its end
}

// recording is a model whose answers were made elsewhere: it knows requests by
// their ids, which hold the sum of their bytes, and refuses those it has no
// answer to. One question is played at a time.
type recording struct {
	server  *llmtest.Server
	answers map[string]answered

	mu      sync.Mutex
	place   string // "question/turn"
	n       int    // requests of the turn
	used    map[string]bool
	open    []request // without an answer
	stopped bool      // what follows depends on an answer that is not there
	goOn    bool      // all the same, as without a model
}

func newRecording(answers map[string]answered) *recording {
	x := &recording{server: llmtest.New(), answers: answers, used: map[string]bool{}}
	x.server.Answer(x.reply)
	return x
}

// begin says which turn is played next; it is false when that depends on an
// answer that is missing.
func (x *recording) begin(item string, turn int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if turn == 0 {
		x.stopped = false
	}
	x.place, x.n = fmt.Sprintf("%s/%d", item, turn+1), 0
	return !x.stopped || x.goOn
}

// reply gives the recorded answer. An answer that did not come to its end is
// one that the provider cut, whatever name it has for that.
func (x *recording) reply(r llmtest.Request) (string, llmtest.Fault) {
	body, err := bareRequest(r.Body)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil || x.stopped {
		return "", llmtest.Refused
	}
	x.n++
	sum := sha256.Sum256(body)
	id := fmt.Sprintf("%s/%d-%x", x.place, x.n, sum[:4])
	a, ok := x.answers[id]
	if !ok {
		x.open, x.stopped = append(x.open, request{id, body}), true
		return "", llmtest.Refused
	}
	x.used[id] = true
	if a.finish != "" && a.finish != "stop" || strings.TrimSpace(a.text) == "" || !utf8.ValidString(a.text) || strings.ContainsRune(a.text, utf8.RuneError) {
		return a.text, llmtest.Length
	}
	return a.text, llmtest.None
}

// bareRequest leaves out how the answer is to travel, which the model does not
// see, and orders the rest.
func bareRequest(body []byte) (json.RawMessage, error) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	delete(fields, "stream")
	delete(fields, "stream_options")
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(fields)
	return bytes.TrimSpace(b.Bytes()), err
}

// readAnswers reads what a model said: {"id","text"}, or lines of the batch
// interfaces of providers.
func readAnswers(name string) (map[string]answered, error) {
	answers := map[string]answered{}
	err := eachLine(name, func(line int, text []byte) error {
		var row struct {
			ID       string          `json:"id"`
			Custom   string          `json:"custom_id"`
			Text     *string         `json:"text"`
			Finish   string          `json:"finish_reason"`
			Response json.RawMessage `json:"response"`
		}
		if err := json.Unmarshal(text, &row); err != nil {
			return fmt.Errorf("%s 第 %d 行不是 JSON：%w", name, line, err)
		}
		id := row.ID
		if row.Custom != "" { // a batch has ids of its own besides
			id = row.Custom
		}
		a, ok := answered{finish: row.Finish}, row.Text != nil
		if ok {
			a.text = *row.Text
		} else {
			a, ok = completionIn(row.Response)
		}
		switch _, twice := answers[id]; {
		case id == "":
			return fmt.Errorf("%s 第 %d 行没有 id", name, line)
		case !ok:
			return fmt.Errorf("%s 第 %d 行（%s）没有回答：要有 text，或者 response 里有 choices", name, line, id)
		case twice:
			return fmt.Errorf("%s 第 %d 行：%s 前面已经有回答了", name, line, id)
		}
		answers[id] = a
		return nil
	})
	return answers, err
}

// completionIn reads a completion, or a response of a batch that holds one.
func completionIn(raw json.RawMessage) (answered, bool) {
	var c struct {
		Body    json.RawMessage `json:"body"`
		Choices []struct {
			Message llmtest.Message `json:"message"`
			Finish  string          `json:"finish_reason"`
		} `json:"choices"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return answered{}, false
	}
	if len(c.Body) > 0 {
		return completionIn(c.Body)
	}
	if len(c.Choices) == 0 {
		return answered{}, false
	}
	return answered{c.Choices[0].Message.Content, c.Choices[0].Finish}, true
}

// rehearsal plays questions to the program with a recorded model.
type rehearsal struct {
	parts *parts
	model *recording
	drops []dropped // of the turn that is played
}

// dropped is a sentence that a gate kept back.
type dropped struct {
	Gate     string `json:"gate"`
	Rule     string `json:"rule"`
	Sentence string `json:"sentence"`
}

// rehearse puts the recorded model into the place of the one of the settings,
// which is not asked; nor is one for vectors.
func (a *app) rehearse(ctx context.Context, x *recording) (*rehearsal, error) {
	a.log = slog.New(slog.DiscardHandler) // that answers are missing is counted, not warned of
	m := &a.config.Model
	m.BaseURL, m.Key, m.Embedding = x.server.URL(), "", ""
	if m.Name == "" {
		m.Name = "model"
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.openModel(); err != nil {
		return nil, err
	}
	r := &rehearsal{parts: p, model: x}
	gates, err := p.openGatesWith(knowledge.GateOptions{Marker: exchangeMarker, Watch: func(_, sentence string, d knowledge.Drop) {
		r.drops = append(r.drops, dropped{d.Gate, d.Rule, strings.TrimSpace(sentence)})
	}})
	if err != nil {
		return nil, err
	}
	worder, err := knowledge.NewWorder(p.base, p.model, gates)
	if err != nil {
		return nil, err
	}
	p.router = handlers.New(handlers.Deps{
		Base: p.base, Answerer: p.answerer, Safety: p.safety, Redactor: p.mask, Now: a.now, Log: a.log,
		Assistant: &handlers.Assistant{Worder: worder, Model: m.Name,
			Consent:    func(context.Context, string, string) (office.NoticeAnswer, error) { return office.NoticeAnswer{}, nil },
			SetConsent: func(context.Context, string, string, office.NoticeAnswer) error { return nil }},
	})
	return r, nil
}

func (r *rehearsal) close() {
	r.parts.model.Close()
	r.model.server.Close()
}

// heard is what came of a question.
type heard struct {
	reply bot.Reply
	entry string // that answered
	drops []dropped
}

// play has the conversation of a question, as far as it does not depend on
// answers that are missing.
func (r *rehearsal) play(ctx context.Context, q question) (h heard, err error) {
	if _, err := parseDay(q.AsOf); err != nil {
		return h, err
	}
	const chat = bot.Address("terminal/user/eval")
	s := &bot.Session{Key: string(chat)}
	for i, text := range append([]string{agree}, q.Turns...) {
		if i > 0 && !r.model.begin(q.ID, i-1) {
			break
		}
		r.drops = nil
		m := bot.Message{ID: fmt.Sprint(i), Chat: chat, From: chat, Text: text, On: q.AsOf, At: r.parts.app.now()}
		if h.reply, err = r.parts.router.Handle(ctx, m, s); err != nil {
			return h, err
		}
		h.drops = append(h.drops, r.drops...)
	}
	if n := len(s.Turns); n > 0 {
		h.entry = s.Turns[n-1].Entry
	}
	return h, nil
}

// text is a reply with its menu, as people and scorers read it.
func (h heard) text() string {
	out := h.reply.Text
	for i, c := range h.reply.Choices {
		out += fmt.Sprintf("\n%d. %s", i+1, c)
	}
	return out
}
