package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sending is a QQ channel on a platform that the test answers for.
type sending struct {
	*platform
	q     *QQ
	t     testing.TB
	store *Store
}

func newSending(t testing.TB) *sending { return newSendingOn(t, newStore(t)) }

func newSendingOn(t testing.TB, s *Store) *sending {
	t.Helper()
	p := newPlatform(t)
	q, err := NewQQ(s, p.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.drained(); closeIdle(q.api) })
	return &sending{platform: p, q: q, t: t, store: s}
}

// heard takes a message of chat as the inbox does.
func (s *sending) heard(chat Address, id string, at time.Time) {
	s.t.Helper()
	from := chat
	if kind, group := qqKind(chat); kind == qqGroup {
		from = Address("qq/member/" + group + "/M1")
	}
	m := Message{ID: id, Chat: chat, From: from, Text: "问", At: at, Anchor: strings.TrimPrefix(id, qqByMessage)}
	_, err := NewInbox(s.store).take(context.Background(), "qq", m, func(ctx context.Context, tx *sql.Tx, m Message) error {
		return s.q.book.anchor(ctx, tx, anchorOf(m))
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sending) send(chat Address, id, text string, choices ...string) error {
	return s.q.Send(context.Background(), chat, id, Reply{Text: text, Choices: choices})
}

// bodies are the messages that came to the platform.
func (s *sending) bodies() []qqBody {
	s.t.Helper()
	var out []qqBody
	for _, c := range s.seen() {
		var b qqBody
		if err := json.Unmarshal([]byte(c.body), &b); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// refuseWith answers the calls with the codes given, one after the other; 0, and
// what comes after them, is taken.
func (s *sending) refuseWith(codes ...int) {
	n := 0
	s.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		s.mu.Lock()
		i := n
		n++
		s.mu.Unlock()
		if i < len(codes) && codes[i] != 0 {
			refuse(w, 400, codes[i])
			return
		}
		fmt.Fprintf(w, `{"id":"sent%d"}`, i)
	}
}

func (s *sending) held(chat Address) (texts []string) {
	s.t.Helper()
	rows, err := s.store.read.Query(`SELECT text FROM held WHERE chat = $1 ORDER BY made, ref`, string(chat))
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			s.t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestQQSend_AReplyHangsOnItsMessageOnce(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	s.heard("qq/user/U", "m:1", time.Now())
	for range 3 { // the inbox may call again after a crash
		if err := s.send("qq/user/U", "m:1", "答", "甲", "乙"); err != nil {
			t.Fatal(err)
		}
	}
	got := s.bodies()
	if len(got) != 1 || got[0].MsgID != "1" || got[0].MsgSeq != 1 || got[0].MsgType != qqMarkdownType || got[0].Keyboard == nil {
		t.Errorf("got %+v", got)
	}
	if err := s.send("qq/group/G", "m:unknown", "答"); err != nil {
		t.Errorf("a message that is not known goes unasked: %v", err)
	}
}

func TestQQSend_EventsAreAnsweredByTheirOuterID(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	m := Message{ID: "e:FRIEND_ADD:x", Chat: "qq/user/U", From: "qq/user/U", Text: "你好", At: time.Now(), Anchor: "FRIEND_ADD:x"}
	if _, err := NewInbox(s.store).take(context.Background(), "qq", m, s.q.onTakeAnchors()); err != nil {
		t.Fatal(err)
	}
	if err := s.send("qq/user/U", m.ID, "欢迎"); err != nil {
		t.Fatal(err)
	}
	if got := s.bodies()[0]; got.EventID != "FRIEND_ADD:x" || got.MsgID != "" {
		t.Errorf("got %+v", got)
	}
}

// onTakeAnchors is the hook that notes anchors and nothing else.
func (q *QQ) onTakeAnchors() takeHook {
	return func(ctx context.Context, tx *sql.Tx, m Message) error { return q.book.anchor(ctx, tx, anchorOf(m)) }
}

// What a passing fault or a lost answer leaves is sent again with the same
// msg_seq, and "used already" then means that it was shown.
func TestQQSend_AgainWithTheSameSeq(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(w http.ResponseWriter){
		"500":       func(w http.ResponseWriter) { refuse(w, 500, 50055001) },
		"HTML":      func(w http.ResponseWriter) { w.WriteHeader(502); fmt.Fprint(w, `<html>`) },
		"no id":     func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) },
		"429":       func(w http.ResponseWriter) { refuse(w, 429, 0) },
		"cut short": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); fmt.Fprint(w, `{`) },
	} {
		s := newSending(t)
		s.heard("qq/user/U", "m:1", time.Now())
		taken := map[int]int{}
		s.answer = func(w http.ResponseWriter, _ *http.Request, body string) {
			var b qqBody
			json.Unmarshal([]byte(body), &b) //nolint:errcheck // the bodies are checked below
			s.mu.Lock()
			defer s.mu.Unlock()
			if taken[b.MsgSeq]++; taken[b.MsgSeq] > 1 {
				refuse(w, 400, 40054005)
				return
			}
			fault(w) // accepted all the same
		}
		if err := s.send("qq/user/U", "m:1", "答"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := s.bodies()
		if len(got) != 2 || got[0].MsgSeq != got[1].MsgSeq || got[0].Markdown.Content != got[1].Markdown.Content {
			t.Errorf("%s: got %+v", name, got)
		}
		if h := s.held("qq/user/U"); len(h) != 0 {
			t.Errorf("%s: held %q", name, h)
		}
	}
}

func TestQQSend_AFaultThatLastsIsTheInboxes(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	s.heard("qq/user/U", "m:1", time.Now())
	s.refuseWith(50055001, 50055001, 50055001, 50055001)
	if err := s.send("qq/user/U", "m:1", "答"); err == nil {
		t.Error("no error")
	}
	if err := s.send("qq/user/U", "m:1", "答"); err == nil {
		t.Error("no error")
	}
	if err := s.send("qq/user/U", "m:1", "答"); err != nil {
		t.Error(err)
	}
	for _, b := range s.bodies() {
		if b.MsgSeq != 1 {
			t.Errorf("got seq %d", b.MsgSeq)
		}
	}
}

func TestQQSend_TheLadderOfForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		codes []int
		want  []string // of each call: md, text, neutral
	}{
		{"no Markdown", []int{40034011}, []string{"md", "text"}},
		{"too many buttons", []int{40034029}, []string{"md", "text"}},
		{"no links", []int{40054010}, []string{"md", "bare"}},
		{"no form at all", []int{22006, 22006, 22006}, []string{"md", "text", "bare", "neutral"}},
		{"forbidden words", []int{40034006}, []string{"md", "neutral"}},
		{"forbidden, with links", []int{40054010, 304025}, []string{"md", "bare", "neutral"}},
	} {
		s := newSending(t)
		s.heard("qq/user/U", "m:1", time.Now())
		s.refuseWith(c.codes...)
		if err := s.send("qq/user/U", "m:1", "见 https://a.example.cn"); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		seqs := map[int]bool{}
		var got []string
		for _, b := range s.bodies() {
			form := "text"
			switch {
			case b.Markdown != nil:
				form = "md"
			case strings.Contains(b.Content, "取件码"):
				form = "neutral"
			case strings.Contains(b.Content, "．"):
				form = "bare"
			}
			got = append(got, form)
			if seqs[b.MsgSeq] {
				t.Errorf("%s: msg_seq %d twice", c.name, b.MsgSeq)
			}
			seqs[b.MsgSeq] = true
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		if held := s.held("qq/user/U"); (c.want[len(c.want)-1] == "neutral") != (len(held) == 1) {
			t.Errorf("%s: held %q", c.name, held)
		}
	}
}

func TestQQSend_TooLongIsHalved(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	s.heard("qq/user/U", "m:1", time.Now())
	s.answer = func(w http.ResponseWriter, _ *http.Request, body string) {
		var b qqBody
		json.Unmarshal([]byte(body), &b) //nolint:errcheck // an empty one is taken
		text := b.Content
		if b.Markdown != nil {
			text = b.Markdown.Content
		}
		if runes(text) > 700 {
			refuse(w, 400, 40054007)
			return
		}
		fmt.Fprint(w, `{"id":"x"}`)
	}
	text := strings.Repeat("一二三四五六七八九。", 120) // 1,200 runes
	if err := s.send("qq/user/U", "m:1", text); err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, b := range s.bodies() {
		if b.MsgType == qqTextType && runes(b.Content) <= 700 {
			shown += b.Content
		}
	}
	if bare(shown) != bare(text) {
		t.Errorf("shown %d runes of %d", runes(shown), runes(text))
	}
}

func TestQQSend_OtherWaysWhenTheMessageIsTooOld(t *testing.T) {
	t.Parallel()
	onBoth(t, testOtherWays)
}

func testOtherWays(t *testing.T, store *Store) {
	s := newSendingOn(t, store)
	chat := Address("qq/user/U")
	s.heard(chat, "m:0", time.Now().Add(-time.Minute))
	s.heard(chat, "m:1", time.Now())
	s.refuseWith(40034005, 40034128, 40034122, 40034105)
	err := s.send(chat, "m:1", "答")
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	got := s.bodies()
	if len(got) != 4 || got[0].MsgID != "1" || got[1].MsgID != "0" || !got[2].IsWakeup || got[2].MsgID != "" ||
		got[3].IsWakeup || got[3].MsgID != "" {
		t.Errorf("got %+v", got)
	}
	if kept, err := s.q.hold(context.Background(), Message{ID: "m:1", Chat: chat, From: chat}, Reply{Text: "答"}); !kept || err != nil {
		t.Fatalf("got %v, %v", kept, err)
	}
	// Messages were refused: none is tried unasked any more.
	if err := s.send(chat, "", "通知"); !errors.Is(err, ErrClosed) || len(s.seen()) != 4 {
		t.Errorf("got %v after %d calls", err, len(s.seen()))
	}
	// At the next message what waited comes first.
	s.heard(chat, "m:2", time.Now())
	if err := s.send(chat, "m:2", "新的答复"); err != nil {
		t.Fatal(err)
	}
	got = s.bodies()[4:]
	if len(got) != 2 || got[0].Markdown.Content != wordsLate+"答" || got[1].Markdown.Content != "新的答复" ||
		got[0].MsgSeq != 1 || got[1].MsgSeq != 2 {
		t.Errorf("got %+v", got)
	}
	if err := s.q.book.change(context.Background(), chat, qqPushOn, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.send(chat, "", "通知"); err != nil {
		t.Errorf("push is on: %v", err)
	}
}

func TestQQSend_LongAnswersContinue(t *testing.T) {
	t.Parallel()
	onBoth(t, testContinue)
}

func testContinue(t *testing.T, store *Store) {
	s := newSendingOn(t, store)
	chat := Address("qq/group/G")
	s.heard(chat, "m:1", time.Now())
	text := strings.Repeat("一二三四五六七八九。", 700)
	if err := s.send(chat, "m:1", text); err != nil {
		t.Fatal(err)
	}
	got := s.bodies()
	if len(got) != qqReplies || !strings.HasPrefix(got[0].Markdown.Content, "（1/3）") || !strings.Contains(got[2].Markdown.Content, "继续") {
		t.Fatalf("got %d messages: %.80s", len(got), got[len(got)-1].Markdown.Content)
	}
	held := s.held(chat)
	if len(held) != 1 {
		t.Fatalf("held %d", len(held))
	}
	h, err := s.store.further(context.Background(), chat, "qq/member/G/M1", "m:2")
	if err != nil || h == nil || h.text != held[0] {
		t.Errorf("got %v, %v", h, err)
	}
}

// An answer sent without anything to hang it on is not sent again when nobody
// knows whether it was shown: the person is told next time.
func TestQQSend_UncertainIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	chat := Address("qq/user/U")
	s.heard(chat, "m:1", time.Now().Add(-2*time.Hour))
	s.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, `{}`) }
	for range 2 {
		if err := s.send(chat, "m:1", "迟到的答复"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d calls", n)
	}
	if err := s.send(chat, "", "通知"); !errors.Is(err, ErrUncertain) {
		t.Errorf("got %v", err)
	}
	s.answer = nil
	s.heard(chat, "m:2", time.Now())
	if err := s.send(chat, "m:2", "新的"); err != nil {
		t.Fatal(err)
	}
	last := s.bodies()
	if got := last[len(last)-1].Markdown.Content; !strings.HasPrefix(got, "新的") || !strings.Contains(got, "取件 ") || strings.Contains(got, "迟到") {
		t.Errorf("got %q", got)
	}
}

// A refusal after a lost answer says nothing of the lost one.
func TestQQSend_DoubtOutlivesTheWindow(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	chat := Address("qq/user/U")
	s.heard(chat, "m:1", time.Now())
	n := 0
	s.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
		if n++; n == 1 {
			fmt.Fprint(w, `{}`)
			return
		}
		refuse(w, 400, 40034005)
	}
	if err := s.send(chat, "m:1", "答"); err != nil {
		t.Fatal(err)
	}
	if got := s.bodies(); len(got) != 2 || got[1].MsgSeq != 1 {
		t.Errorf("got %+v", got)
	}
	if held := s.held(chat); len(held) != 1 || held[0] != "答" {
		t.Errorf("held %q", held)
	}
}

// A lost answer, then calls that are not even looked at: it stays open whether
// it was shown, and the same msg_seq settles it.
func TestQQSend_DoubtOutlivesRefusalsAtTheDoor(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	chat := Address("qq/user/U")
	s.heard(chat, "m:1", time.Now())
	codes := []int{-1, 22009, 40034100, 40054005}
	n := 0
	s.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
		code := codes[n]
		if n++; code < 0 {
			fmt.Fprint(w, `{}`)
			return
		}
		refuse(w, 400, code)
	}
	for range 2 {
		if err := s.send(chat, "m:1", "答"); err == nil {
			t.Error("no error")
		}
	}
	if err := s.send(chat, "m:1", "答"); err != nil {
		t.Error(err)
	}
	for _, b := range s.bodies() {
		if b.MsgSeq != 1 {
			t.Errorf("got seq %d", b.MsgSeq)
		}
	}
	if held := s.held(chat); len(held) != 0 || n != 4 {
		t.Errorf("held %q after %d calls", held, n)
	}
}

// Half of an answer is too long still, and then it cannot be said at all: none
// of it is lost.
func TestQQSend_UnsayableAfterHalving(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	chat := Address("qq/user/U")
	s.heard(chat, "m:1", time.Now())
	s.refuseWith(40054007, 40034006)
	text := strings.Repeat("一二三四五六七八九。", 200)
	if err := s.send(chat, "m:1", text); err != nil {
		t.Fatal(err)
	}
	if held := s.held(chat); len(held) != 1 || bare(held[0]) != text {
		t.Errorf("held %d, %d runes of %d", len(held), runes(strings.Join(held, "")), runes(text))
	}
	if got := s.bodies(); len(got) != 3 || !strings.Contains(got[2].Content, "取件") {
		t.Errorf("got %d messages", len(got))
	}
}

func TestQQSend_AuditsDecideLater(t *testing.T) {
	t.Parallel()
	onBoth(t, testAudits)
}

func testAudits(t *testing.T, store *Store) {
	for _, early := range []bool{false, true} {
		for _, passed := range []bool{false, true} {
			s := newSendingOn(t, store)
			chat := Address(fmt.Sprintf("qq/guild/C%v%v", early, passed))
			audit := string(chat[9:])
			s.heard(chat, "m:1", time.Now())
			verdict := func() {
				if err := s.q.book.audited(context.Background(), audit, passed, "real1"); err != nil {
					t.Error(err)
				}
			}
			s.answer = func(w http.ResponseWriter, _ *http.Request, _ string) {
				if early {
					verdict()
				}
				w.WriteHeader(202)
				fmt.Fprintf(w, `{"code":304023,"message":"wait","data":{"message_audit":{"audit_id":%q}}}`, audit)
			}
			if err := s.send(chat, "m:1", "答"); err != nil {
				t.Fatal(err)
			}
			if !early {
				verdict()
			}
			if held := s.held(chat); (len(held) == 1) == passed {
				t.Errorf("early %v, passed %v: held %q", early, passed, held)
			}
		}
	}
}

func TestQQSend_SwitchesAreRespected(t *testing.T) {
	t.Parallel()
	onBoth(t, testSwitches)
}

func testSwitches(t *testing.T, store *Store) {
	s := newSendingOn(t, store)
	ctx, now := context.Background(), time.Now()
	for _, c := range []struct {
		chat   Address
		change qqChange
		closed bool
	}{
		{"qq/user/A", qqPushOff, true}, {"qq/user/B", qqPushOn, false}, {"qq/user/C", qqFriendGone, true},
		{"qq/user/D", qqFriendAdded, false}, {"qq/group/E", qqGroupLeft, true}, {"qq/group/F", qqPushOff, true},
		{"qq/group/G", qqGroupJoined, false},
	} {
		if err := s.q.book.change(ctx, c.chat, c.change, now); err != nil {
			t.Fatal(err)
		}
		if err := s.send(c.chat, "", "通知"); errors.Is(err, ErrClosed) != c.closed {
			t.Errorf("%s after %d: got %v", c.chat, c.change, err)
		}
	}
	if err := s.q.book.change(ctx, "qq/user/B", qqPushOff, now.Add(-time.Hour)); err != nil { // out of order
		t.Fatal(err)
	}
	open := map[Address]bool{}
	for _, a := range s.q.Open() {
		open[a] = true
	}
	if len(open) != 1 || !open["qq/user/B"] {
		t.Errorf("open: %v", open)
	}
	s.heard("qq/group/F", "m:1", now)
	if !slicesHas(s.q.Open(), "qq/group/F") {
		t.Error("a group where somebody just spoke is not open")
	}
}

func slicesHas(list []Address, a Address) bool {
	for _, x := range list {
		if x == a {
			return true
		}
	}
	return false
}

func TestQQSend_RecallsOnceAPeriod(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		ago  time.Duration
		bit  int
		used int
	}{
		{2 * time.Hour, 1, 0}, {2 * time.Hour, 0, 1}, {25 * time.Hour, 2, 1}, {4 * 24 * time.Hour, 4, 3},
		{29 * 24 * time.Hour, 8, 7}, {29 * 24 * time.Hour, 0, 15}, {31 * 24 * time.Hour, 0, 0},
	} {
		if got := (qqTarget{heard: now.Add(-c.ago), woken: c.used}).recall(now); got != c.bit {
			t.Errorf("%v after, used %b: got %b, want %b", c.ago, c.used, got, c.bit)
		}
	}
}

func TestQQSend_TypingIsToldOnceWhenAnAnswerTakesLong(t *testing.T) {
	t.Parallel()
	onBoth(t, testTyping)
}

func testTyping(t *testing.T, store *Store) {
	s := newSendingOn(t, store)
	chat := Address("qq/user/U")
	s.heard(chat, "m:1", time.Now())
	for range 2 {
		if err := s.q.book.typing(context.Background(), chat, s.q.api); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.send(chat, "m:1", "答"); err != nil {
		t.Fatal(err)
	}
	got := s.bodies()
	if len(got) != 2 || got[0].MsgType != qqTypingType || got[0].Typing == nil || got[0].MsgSeq != 1 || got[1].MsgSeq != 2 {
		t.Errorf("got %+v", got)
	}
	s.q.typing(context.Background(), chat)
	s.q.out.hush(chat)
	s.q.typing(context.Background(), "qq/group/G")
	s.q.drained()
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d calls", n)
	}
}
