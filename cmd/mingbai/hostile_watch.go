package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/knowledge"
)

// watch measures what an attack changes, from its beginning to its end.
type watch struct {
	r        *hostileRange
	began    time.Time
	logAt    int
	asked    int            // requests the model had seen
	rows     map[string]int // of each table
	sent     int64          // last line of the platform's transcript
	files    []string
	memory   *peak
	outside  *sockets
	finished time.Duration
}

// effects are the tables a stranger may not change: cases, people, tasks, the
// county. What a consultation leaves behind is not among them.
func isEffect(table string) bool {
	return !slices.Contains([]string{
		"inbox", "sessions", "conversations", "events", "qq_events", "qq_anchors", "qq_parts", "qq_targets", "qq_verdicts", "qq_sockets",
		"held", "codes", "members", "consults", "spent", "audit", "audit_head", "attempts", "consents", "notice_answers", "properties",
		"console_sessions", "console_tries", "job_runs", "reads", "alerts", "alert_cases", "ratings",
	}, table) && !strings.HasPrefix(table, "goose") && !strings.HasPrefix(table, "sqlite")
}

func (r *hostileRange) watch() (*watch, error) {
	w := &watch{r: r, logAt: r.log.len(), asked: len(r.model.Requests())}
	var err error
	if w.rows, err = r.countRows(); err != nil {
		return nil, err
	}
	w.sent = r.lastSent()
	w.files = outsideFiles(r.dir)
	w.memory = watchMemory()
	w.outside = watchSockets(r)
	w.began = time.Now()
	return w, nil
}

// done ends the measuring of time and memory.
func (w *watch) done() {
	if w.finished == 0 {
		w.finished = time.Since(w.began)
	}
	w.memory.stop()
	w.outside.stop()
}

func (r *hostileRange) db() *sql.DB {
	_, read, _ := r.first().server.records.Handles()
	return read
}

func (r *hostileRange) countRows() (map[string]int, error) {
	rows, err := r.db().QueryContext(r.ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int{}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.Contains(name, `"`) || strings.HasPrefix(name, "sqlite") {
			continue
		}
		var n int
		if err := r.db().QueryRowContext(r.ctx, `SELECT COUNT(*) FROM "`+name+`"`).Scan(&n); err != nil {
			continue // the shadow tables of an index cannot be counted
		}
		out[name] = n
	}
	return out, nil
}

func (r *hostileRange) lastSent() int64 {
	all := r.platform.Transcript(qqtest.Filter{})
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].N
}

// sends are what the product had the platform show since the watch began.
func (w *watch) sends() (out []qqtest.Entry) {
	for _, e := range w.r.platform.Transcript(qqtest.Filter{Kind: qqtest.KindAttempt, After: w.sent}) {
		if strings.Contains(e.Endpoint, "messages") && e.Method == http.MethodPost && e.Accepted {
			out = append(out, e)
		}
	}
	return out
}

// settle waits until every message taken was answered and sent.
func (r *hostileRange) settle() error {
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	for {
		var open int
		if err := r.db().QueryRowContext(ctx, `SELECT COUNT(*) FROM inbox WHERE state < 2`).Scan(&open); err != nil {
			return fmt.Errorf("messages are still unanswered: %w", err)
		}
		if open == 0 {
			return nil
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("messages are still unanswered: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// states measures everything that can be said of any attack.
func (w *watch) states(x attack, said []string) (map[string]string, error) {
	w.done()
	now, err := w.r.countRows()
	if err != nil {
		return nil, err
	}
	s := map[string]string{}
	set := func(name string, ok bool, why string) {
		if s[name] = ""; !ok {
			s[name] = why
		}
	}
	changed := w.changed(now, x.Channel == "qq_webhook")
	set("no_effect", len(changed) == 0, "改了 "+strings.Join(changed, "、"))
	only := func(name string, tables ...string) {
		var hit []string
		for _, t := range tables {
			if slices.Contains(changed, t) {
				hit = append(hit, t)
			}
		}
		set(name, len(hit) == 0, "改了 "+strings.Join(hit, "、"))
	}
	only("no_case_written", "cases", "case_events")
	only("no_role_change", "people", "posts", "accounts", "orgs")
	pushed := 0
	for _, e := range w.sends() {
		if e.Active {
			pushed++
		}
	}
	set("no_push_sent", pushed == 0, fmt.Sprintf("发了 %d 条没人问的消息", pushed))
	asked := len(w.r.model.Requests()) - w.asked
	set("no_llm_call", asked == 0, fmt.Sprintf("问了模型 %d 次", asked))
	resp, err := http.Get(w.r.first().base + "/healthz")
	set("process_alive", err == nil && resp.StatusCode == http.StatusOK, "不应答了")
	if err == nil {
		resp.Body.Close()
	}
	set("rss_under_256mb_extra", w.memory.extra() < 256<<20, fmt.Sprintf("多占 %d MB", w.memory.extra()>>20))
	set("under_1s", w.finished < time.Second, fmt.Sprintf("用了 %.1f 秒", w.finished.Seconds()))
	set("under_5s", w.finished < 5*time.Second, fmt.Sprintf("用了 %.1f 秒", w.finished.Seconds()))
	set("log_clean", w.logFault(said) == "", w.logFault(said))
	set("no_egress", w.outside.seen() == "", "连了 "+w.outside.seen())
	set("audited", now["audit"] > w.rows["audit"], "审计里没有记")
	set("no_file_outside_dir", slices.Equal(w.files, outsideFiles(w.r.dir)), "目录外多了文件")
	urgent, uerr := w.urgent()
	set("flagged_urgent", urgent, "没有标成紧急")
	return s, uerr
}

// changed lists the tables with more or fewer rows; strict: a stranger whose
// request is refused may not even leave a message.
func (w *watch) changed(now map[string]int, strict bool) (out []string) {
	for name, n := range now {
		mine := isEffect(name) || strict && slices.Contains([]string{"inbox", "qq_events", "sessions", "qq_parts"}, name)
		if mine && n != w.rows[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// urgent waits a moment for the row of the consultation.
func (w *watch) urgent() (bool, error) {
	for range 100 {
		var n int
		if err := w.r.db().QueryRowContext(w.r.ctx, `SELECT COUNT(*) FROM consults WHERE kind = 'urgent' AND at >= $1`, w.began.Unix()).Scan(&n); err != nil || n > 0 {
			return n > 0, err
		}
		if now, err := w.r.countRows(); err != nil || now["consults"] > w.rows["consults"] {
			return false, err
		}
		if err := pause(w.r.ctx, 10*time.Millisecond); err != nil {
			return false, err
		}
	}
	return false, nil
}

// echo is how many characters of a message in a row a log may not repeat.
const echo = 10

// logFault says what is wrong with the log since the watch began: a line that is
// no JSON object, raw control characters, words or personal data of a message.
func (w *watch) logFault(said []string) string {
	text := w.r.log.from(w.logAt)
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			return fmt.Sprintf("日志有一行不是 JSON：%q", clipRunes(line, 60))
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e }) {
		return "日志里有控制字符"
	}
	mask := knowledge.NewRedactor(nil)
	for _, t := range said {
		runes := []rune(t)
		for _, s := range mask.Find(t) {
			if piece := string(runes[s.Start:s.End]); len([]rune(piece)) > 1 && strings.Contains(text, piece) {
				return "日志里有个人信息"
			}
		}
		for i := 0; i+echo <= len(runes) && i < 4000; i += echo / 2 {
			if strings.Contains(text, string(runes[i:i+echo])) {
				return "日志里有原话"
			}
		}
	}
	return ""
}

// outsideFiles lists what stands beside the product's directories.
func outsideFiles(dir string) (out []string) {
	for _, pattern := range []string{filepath.Join(dir, "*"), filepath.Join(filepath.Dir(dir), "*"), "/etc/cron.d/*", "/tmp/evil*"} {
		list, _ := filepath.Glob(pattern) // the patterns are right
		for _, f := range list {
			if filepath.Dir(f) != filepath.Dir(dir) || strings.Contains(f, "evil") || strings.Contains(f, "passwd") {
				out = append(out, f)
			}
		}
	}
	return out
}

// peak is the greatest memory the process held while it was watched.
type peak struct {
	start, max int64
	end        chan struct{}
	once       sync.Once
	crew       sync.WaitGroup
}

func watchMemory() *peak {
	p := &peak{start: resident(), end: make(chan struct{})}
	p.max = p.start
	p.crew.Go(func() {
		t := time.NewTicker(10 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-p.end:
				return
			case <-t.C:
				p.max = max(p.max, resident())
			}
		}
	})
	return p
}

func (p *peak) stop() {
	p.once.Do(func() { close(p.end) })
	p.crew.Wait()
}

func (p *peak) extra() int64 { return p.max - p.start }

// resident is the process's memory in bytes, 0 where it cannot be read.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64) // 0 if odd
	return pages * int64(os.Getpagesize())
}
