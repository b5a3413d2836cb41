package qqtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Operation codes of the gateway.
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
	opAlive     = 11
)

// Close codes of the gateway (websocket page).
const (
	closeOpcode   = 4001
	closePayload  = 4002
	closeAuth     = 4004
	closeSession  = 4006
	closeSeq      = 4007
	closeTimeout  = 4009
	closeShard    = 4010
	closeIntents  = 4014
	closeBanned   = 4915
	closeIP       = 4924
	closeInternal = 4900
)

const (
	heartbeat   = 45 * time.Second
	maxBuffer   = 1000            // events kept for a resume
	maxAway     = 5 * time.Minute // of the platform's clock, then a session cannot be resumed
	maxSessions = 100             // of one bot
)

// intents gives the bit an event type belongs to; others need none.
var intents = map[string]int{
	"C2C_MESSAGE_CREATE": 1 << 25, "GROUP_AT_MESSAGE_CREATE": 1 << 25, "GROUP_MESSAGE_CREATE": 1 << 25, "FRIEND_ADD": 1 << 25, "FRIEND_DEL": 1 << 25,
	"C2C_MSG_RECEIVE": 1 << 25, "C2C_MSG_REJECT": 1 << 25, "GROUP_ADD_ROBOT": 1 << 25, "GROUP_DEL_ROBOT": 1 << 25,
	"GROUP_MSG_RECEIVE": 1 << 25, "GROUP_MSG_REJECT": 1 << 25, "INTERACTION_CREATE": 1 << 26,
	"MESSAGE_AUDIT_PASS": 1 << 27, "MESSAGE_AUDIT_REJECT": 1 << 27, "FORUM_PUBLISH_AUDIT_RESULT": 1 << 28,
	"AT_MESSAGE_CREATE": 1 << 30, "DIRECT_MESSAGE_CREATE": 1 << 12,
}

// session is one identified connection, or the memory of one that broke.
type session struct {
	id      string
	bot     *Bot
	intents int
	line    *line // nil while away
	since   time.Time
	buffer  []*delivery
	gap     int64 // last s that fell out of the buffer
}

// line is one websocket connection.
type line struct {
	conn *websocket.Conn
	out  chan []byte
	once sync.Once
	done chan struct{}
}

// cut ends the connection without a word.
func (l *line) cut() {
	l.once.Do(func() {
		close(l.done)
		_ = l.conn.NetConn().Close()
	})
}

// say queues a frame; a peer that does not read is cut off.
func (l *line) say(frame []byte) {
	select {
	case l.out <- frame:
	default:
		l.cut()
	}
}

// bye sends a close frame with a code and ends the connection.
func (l *line) bye(code int, text string) {
	_ = l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
	l.cut()
}

// drop ends the session's connection, if it has one.
func (s *session) drop() {
	if s.line != nil {
		s.line.cut()
	}
}

func (c *call) gateway() reply {
	return ok(object{"url": "ws" + strings.TrimPrefix(c.p.apiURL, "http") + "/websocket"})
}

func (c *call) gatewayBot() reply {
	return ok(object{"url": "ws" + strings.TrimPrefix(c.p.apiURL, "http") + "/websocket", "shards": 1,
		"session_start_limit": object{"total": 1000, "remaining": max(1000-len(c.bot.sessions), 0), "reset_after": 86400000, "max_concurrency": 1}})
}

// frame is what a bot sends.
type frame struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	return raw
}

// serveSocket runs one connection until it ends. It writes from one goroutine,
// reads in this one.
func (p *Platform) serveSocket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	conn.SetReadLimit(64 << 10)
	l := &line{conn: conn, out: make(chan []byte, maxBuffer+8), done: make(chan struct{})}
	var writer sync.WaitGroup
	writer.Go(func() { p.write(l) })
	l.say(encode(object{"op": opHello, "d": object{"heartbeat_interval": heartbeat.Milliseconds()}}))
	s := p.read(l)
	l.cut()
	writer.Wait()
	if s == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.line == l {
		s.line, s.since = nil, p.now()
		p.record(Entry{Kind: KindNote, Bot: s.bot.appID, Note: "socket closed"})
	}
}

func (p *Platform) write(l *line) {
	for {
		select {
		case f := <-l.out:
			_ = l.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if l.conn.WriteMessage(websocket.TextMessage, f) != nil {
				l.cut()
				return
			}
		case <-l.done:
			return
		case <-p.done:
			l.bye(closeInternal, "platform stops")
			return
		}
	}
}

// read handles the bot's frames until the connection ends and returns the
// session it had.
func (p *Platform) read(l *line) *session {
	var s *session
	for {
		_ = l.conn.SetReadDeadline(time.Now().Add(2 * heartbeat))
		kind, raw, err := l.conn.ReadMessage()
		if err != nil {
			if t, isNet := err.(interface{ Timeout() bool }); isNet && t.Timeout() {
				l.bye(closeTimeout, "no heartbeat")
			}
			return s
		}
		var f frame
		if kind != websocket.TextMessage || json.Unmarshal(raw, &f) != nil {
			l.bye(closePayload, "invalid payload")
			return s
		}
		switch {
		case f.Op == opHeartbeat:
			l.say(encode(object{"op": opAlive}))
		case f.Op == opIdentify && s == nil:
			s = p.identifySocket(l, f.D)
		case f.Op == opResume && s == nil:
			s = p.resumeSocket(l, f.D)
		default:
			l.bye(closeOpcode, "invalid opcode")
			return s
		}
	}
}

// socketBot finds the bot of a token, which a resume sends without its scheme.
func (p *Platform) socketBot(l *line, value string, bare bool) *Bot {
	token, has := strings.CutPrefix(value, "QQBot ")
	b, code := p.tokenBot(token)
	switch {
	case code != 0 || !has && !bare:
		l.bye(closeAuth, "authentication fail")
	case b.banned:
		l.bye(closeBanned, "bot banned")
	case p.rules.BlockedIP:
		l.bye(closeIP, "ip not allowed")
	default:
		return b
	}
	return nil
}

func (p *Platform) identifySocket(l *line, d json.RawMessage) *session {
	var in struct {
		Token   string `json:"token"`
		Intents int    `json:"intents"`
		Shard   []int  `json:"shard"`
	}
	if json.Unmarshal(d, &in) != nil {
		l.bye(closePayload, "invalid payload")
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.socketBot(l, in.Token, false)
	if b == nil {
		return nil
	}
	if len(in.Shard) != 2 || in.Shard[1] < 1 || in.Shard[0] < 0 || in.Shard[0] >= in.Shard[1] {
		l.bye(closeShard, "invalid shard")
		return nil
	}
	if b.options.Intents != 0 && in.Intents&^b.options.Intents != 0 {
		l.bye(closeIntents, "disallowed intent")
		return nil
	}
	b.forget()
	s := &session{id: p.uuid("session"), bot: b, intents: in.Intents, line: l, gap: b.seq}
	b.sessions[s.id] = s
	b.seq++
	l.say(encode(object{"op": opDispatch, "s": b.seq, "t": "READY", "id": "READY:" + p.uuid("event"), "d": object{
		"version": 1, "session_id": s.id, "user": object{"id": b.selfID(), "username": b.options.Name, "bot": true}, "shard": []int{in.Shard[0], in.Shard[1]}}}))
	p.record(Entry{Kind: KindNote, Bot: b.appID, Note: "socket identified"})
	return s
}

// forget drops sessions that were away too long.
func (b *Bot) forget() {
	now := b.p.now()
	for id, s := range b.sessions {
		if s.line == nil && (now.Sub(s.since) > maxAway || len(b.sessions) >= maxSessions) {
			delete(b.sessions, id)
		}
	}
}

func (p *Platform) resumeSocket(l *line, d json.RawMessage) *session {
	var in struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int64  `json:"seq"`
	}
	if json.Unmarshal(d, &in) != nil {
		l.bye(closePayload, "invalid payload")
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.socketBot(l, in.Token, true)
	if b == nil {
		return nil
	}
	b.forget()
	s := b.sessions[in.Session]
	switch {
	case s == nil:
		l.bye(closeSession, "invalid session id")
		return nil
	case in.Seq > b.seq:
		l.bye(closeSeq, "seq error")
		return nil
	case in.Seq < s.gap:
		delete(b.sessions, s.id)
		l.say(encode(object{"op": opInvalid, "d": false}))
		return nil
	}
	s.drop()
	s.line = l
	n := 0
	for _, e := range s.buffer {
		if e.seq > in.Seq {
			n++
			l.say(e.payload)
		}
	}
	b.seq++
	l.say(encode(object{"op": opDispatch, "s": b.seq, "t": "RESUMED", "d": ""}))
	p.record(Entry{Kind: KindNote, Bot: b.appID, Note: "socket resumed", Try: n})
	return s
}

// publish hands an event to the bot's sockets and keeps it for those that may
// come back. It returns a note on what became of it. p.mu is held.
func (b *Bot) publish(d *delivery) string {
	b.forget()
	note := "lost: no session takes it"
	copies := 1
	if f := b.p.takeFault(EndpointDelivery, d.target); f != nil && f.Kind == FaultDuplicate {
		copies = min(max(f.Copies, 2), 50)
	}
	for _, s := range b.sessions {
		if bit := intents[d.typ]; bit != 0 && s.intents&bit == 0 {
			continue
		}
		s.buffer = append(s.buffer, d)
		if len(s.buffer) > maxBuffer {
			s.gap = s.buffer[0].seq
			s.buffer = append(s.buffer[:0:0], s.buffer[1:]...)
		}
		if s.line == nil {
			note = "kept for a resume"
			continue
		}
		note = "to a socket"
		for range copies {
			s.line.say(d.payload)
		}
	}
	return note
}

// eachLine calls f with the connections of the bot.
func (b *Bot) eachLine(note string, f func(*session)) int {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	n := 0
	for _, s := range b.sessions {
		if s.line != nil {
			n++
			f(s)
		}
	}
	b.p.record(Entry{Kind: KindNote, Bot: b.appID, Note: note, Try: n})
	return n
}

// CloseSockets closes the bot's connections with a code such as 4009 or 4914
// and returns how many there were. 4006 and 4900 to 4913 forget the session.
func (b *Bot) CloseSockets(code int) int {
	return b.eachLine("sockets closed by the platform", func(s *session) {
		if code == closeSession || code >= closeInternal && code <= 4913 {
			delete(b.sessions, s.id)
		}
		s.line.bye(code, "")
	})
}

// DropSockets breaks the bot's connections without a close frame.
func (b *Bot) DropSockets() int {
	return b.eachLine("sockets dropped", func(s *session) { s.drop() })
}

// AskReconnect sends op 7.
func (b *Bot) AskReconnect() int {
	return b.eachLine("reconnect asked for", func(s *session) { s.line.say(encode(object{"op": opReconnect})) })
}

// InvalidateSessions sends op 9 and forgets the sessions.
func (b *Bot) InvalidateSessions() int {
	return b.eachLine("sessions made invalid", func(s *session) {
		delete(b.sessions, s.id)
		s.line.say(encode(object{"op": opInvalid, "d": false}))
	})
}

// Connected is how many sockets the bot has open and identified.
func (b *Bot) Connected() int {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	n := 0
	for _, s := range b.sessions {
		if s.line != nil {
			n++
		}
	}
	return n
}
