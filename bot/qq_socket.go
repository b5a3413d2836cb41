package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Limits of the websocket.
const (
	qqFrame     = 1 << 20                // bytes of one message
	qqHandshake = 10 * time.Second       // from dialling to READY
	qqBeatMin   = 5 * time.Second        // a shorter heartbeat than the platform asks for helps nobody
	qqRedial    = 500 * time.Millisecond // first wait before another connection, doubled each time
	qqRedialMax = time.Minute
	qqHoldOff   = 10 * time.Minute // before another try after a refusal that only the operator can end
	qqTakeFor   = 10 * time.Second // how long an event is tried to be taken before the connection is given up
)

// Opcodes of the websocket. Source: dev-prepare/event-emit/websocket, 2026-09.
const (
	qqHeartbeat    = 1
	qqIdentify     = 2
	qqResume       = 6
	qqReconnect    = 7
	qqInvalid      = 9
	qqHelloOp      = 10
	qqHeartbeatAck = 11
)

// qqIntents are tried from the widest on: one that the bot has no right to
// closes the connection (4014). Private chats and groups 1<<25, buttons 1<<26,
// audits 1<<27, guild messages that mention the bot 1<<30, guild letters 1<<12.
var qqIntents = []int{1<<25 | 1<<26 | 1<<27 | 1<<30 | 1<<12, 1<<25 | 1<<26, 1 << 25}

// qqNext is how a connection goes on after it has ended.
type qqNext uint8

const (
	qqResumeNext   qqNext = iota // where it left off: the platform sends what was missed
	qqIdentifyNext               // as a new session
	qqTokenNext                  // as a new session with a new token
	qqIntentsNext                // asking for less
	qqHoldNext                   // not soon: the operator has to act
)

// qqNextOf says how to go on after the platform closed with a code.
func qqNextOf(code int) qqNext {
	switch {
	case code == 4004:
		return qqTokenNext
	case code == 4014, code == 4013:
		return qqIntentsNext
	case code == 4006, code == 4007, code >= 4900 && code <= 4913:
		return qqIdentifyNext
	case code == 4001, code == 4002, code >= 4010 && code <= 4012, code == 4914, code == 4915, code == 4924:
		return qqHoldNext
	}
	return qqResumeNext
}

// qqEnd is why a connection ended.
type qqEnd struct {
	next qqNext
	why  string
	err  error
}

func (e *qqEnd) Error() string { return fmt.Sprintf("qq websocket: %s: %v", e.why, e.err) }
func (e *qqEnd) Unwrap() error { return e.err }

// qqSocket keeps one websocket (a shard) open for a bot. Every way a connection
// can end leads back to the loop in run.
type qqSocket struct {
	store         *Store
	q             *QQ
	shard, shards int
	gateway       func(context.Context) (string, int, error)
	token         func(context.Context) (string, error)
	stale         func()                                    // the token was refused
	take          func(context.Context, *qqPayload) error   // as QQ.accept
	pause         func(context.Context, time.Duration) bool // false: ctx is done
	intents       int                                       // index into qqIntents

	mu      sync.Mutex
	session string
	seq     int64 // of the last event taken
	saved   int64 // of seq, in the row
}

// run keeps the connection until ctx is done.
func (s *qqSocket) run(ctx context.Context) {
	s.load(ctx)
	for failures := 0; ctx.Err() == nil; {
		began := s.store.now()
		end := s.connect(ctx)
		if ctx.Err() != nil {
			break
		}
		if s.store.now().Sub(began) > qqRedialMax {
			failures = 0
		}
		wait := min(qqRedialMax, qqRedial<<min(failures, 6))
		failures++
		switch end.next {
		case qqIdentifyNext, qqTokenNext:
			s.forget()
			if end.next == qqTokenNext {
				s.stale()
			}
		case qqIntentsNext:
			s.forget()
			if s.intents++; s.intents == len(qqIntents) {
				s.intents, wait = 0, qqHoldOff
			}
		case qqHoldNext:
			s.forget()
			wait = qqHoldOff
		}
		level := s.q.o.Log.Info
		if wait == qqHoldOff {
			level = s.q.o.Log.Error
		}
		s.q.meter.event("websocket", "ended")
		level("websocket ended; connecting again", "channel", s.q.o.Name, "shard", s.shard, "why", end.why, "err", end.err, "in", wait)
		if !s.pause(ctx, wait/2+rand.N(wait/2+1)) {
			break
		}
	}
	save, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	s.save(save)
}

// connect makes one connection and reads it to its end.
func (s *qqSocket) connect(ctx context.Context) *qqEnd {
	address, shards, err := s.gateway(ctx)
	if err != nil {
		return &qqEnd{why: "no gateway", err: err}
	}
	s.shards = max(s.shards, shards)
	d := websocket.Dialer{HandshakeTimeout: qqHandshake, Proxy: http.ProxyFromEnvironment}
	conn, resp, err := d.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	if err != nil {
		return &qqEnd{why: "dial", err: err}
	}
	defer conn.Close()
	// The connection is only dropped, never closed by a handshake: that would
	// end the session, and with it what could be resumed.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetReadLimit(qqFrame)
	return s.converse(ctx, conn)
}

// converse greets and then reads until the connection ends.
func (s *qqSocket) converse(ctx context.Context, conn *websocket.Conn) *qqEnd {
	if err := conn.SetReadDeadline(time.Now().Add(qqHandshake)); err != nil {
		return &qqEnd{why: "deadline", err: err}
	}
	var hello struct {
		Op int `json:"op"`
		D  struct {
			Interval int `json:"heartbeat_interval"` // milliseconds
		} `json:"d"`
	}
	if err := conn.ReadJSON(&hello); err != nil {
		return qqEndOf("hello", err)
	}
	if hello.Op != qqHelloOp {
		return &qqEnd{why: "hello", err: fmt.Errorf("opcode %d came first", hello.Op)}
	}
	w := &qqWriter{conn: conn}
	if err := s.greet(ctx, w); err != nil {
		return &qqEnd{why: "greeting", err: err}
	}
	every := max(qqBeatMin, time.Duration(hello.D.Interval)*time.Millisecond)
	beat := s.beats(ctx, w, every)
	defer beat()
	for {
		// A beat is answered, so silence for two of them means that the
		// connection is dead, whatever the network says.
		if err := conn.SetReadDeadline(time.Now().Add(2*every + qqHandshake)); err != nil {
			return &qqEnd{why: "deadline", err: err}
		}
		var p qqPayload
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return qqEndOf("read", err)
		}
		if err := tolerant(json.Unmarshal(frame, &p)); err != nil {
			return &qqEnd{why: "frame", err: err}
		}
		if end := s.handle(ctx, w, &p); end != nil {
			return end
		}
	}
}

// qqEndOf says how to go on after reading failed.
func qqEndOf(why string, err error) *qqEnd {
	var c *websocket.CloseError
	if errors.As(err, &c) {
		return &qqEnd{next: qqNextOf(c.Code), why: why, err: fmt.Errorf("closed with %d", c.Code)}
	}
	return &qqEnd{why: why, err: err}
}

// greet resumes the session where it left off, or begins one.
func (s *qqSocket) greet(ctx context.Context, w *qqWriter) error {
	token, err := s.token(ctx)
	if err != nil {
		return err
	}
	if session, seq := s.last(); session != "" {
		return w.send(qqResume, map[string]any{"token": "QQBot " + token, "session_id": session, "seq": seq})
	}
	return w.send(qqIdentify, map[string]any{
		"token": "QQBot " + token, "intents": qqIntents[s.intents], "shard": [2]int{s.shard, max(1, s.shards)},
		"properties": map[string]string{},
	})
}

// handle acts on one message; nil: go on reading.
func (s *qqSocket) handle(ctx context.Context, w *qqWriter, p *qqPayload) *qqEnd {
	switch p.Op {
	case qqHeartbeat:
		if err := s.heartbeat(w); err != nil {
			return &qqEnd{why: "heartbeat", err: err}
		}
	case qqReconnect:
		return &qqEnd{why: "asked to reconnect"}
	case qqInvalid:
		return &qqEnd{next: qqIdentifyNext, why: "invalid session"}
	case qqDispatch:
		return s.dispatch(ctx, p)
	}
	return nil
}

// dispatch takes an event. Only then does the sequence number move on, so that
// after a failure the platform sends it again.
func (s *qqSocket) dispatch(ctx context.Context, p *qqPayload) *qqEnd {
	switch p.T {
	case "READY":
		var d struct {
			SessionID string `json:"session_id"`
		}
		if err := json.Unmarshal(p.D, &d); err != nil || d.SessionID == "" {
			return &qqEnd{next: qqIdentifyNext, why: "READY without a session", err: err}
		}
		s.mu.Lock()
		s.session = d.SessionID
		s.mu.Unlock()
		s.q.o.Log.Info("websocket open", "channel", s.q.o.Name, "shard", s.shard)
	case "RESUMED":
		s.q.o.Log.Info("websocket resumed", "channel", s.q.o.Name, "shard", s.shard)
	default:
		if err := s.takeOrEnd(ctx, p); err != nil {
			return &qqEnd{why: "event not taken", err: err}
		}
	}
	s.mu.Lock()
	s.seq = max(s.seq, p.S)
	s.mu.Unlock()
	return nil
}

func (s *qqSocket) takeOrEnd(ctx context.Context, p *qqPayload) error {
	deadline := s.store.now().Add(qqTakeFor)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := s.take(ctx, p)
		if qqSettled(err) {
			return nil
		}
		if !s.store.now().Before(deadline) || !s.pause(ctx, wait) {
			return err
		}
	}
}

// beats sends a heartbeat every interval, and saves where the session is.
func (s *qqSocket) beats(ctx context.Context, w *qqWriter, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var crew sync.WaitGroup
	crew.Go(func() {
		beat, save := time.NewTicker(every), time.NewTicker(time.Second)
		defer beat.Stop()
		defer save.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
				if s.heartbeat(w) != nil {
					w.conn.Close() // the reader ends
					return
				}
			case <-save.C:
				s.save(ctx)
			}
		}
	})
	return func() {
		cancel()
		crew.Wait()
	}
}

// last is where the session is.
func (s *qqSocket) last() (session string, seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session, s.seq
}

func (s *qqSocket) heartbeat(w *qqWriter) error {
	_, seq := s.last()
	return w.send(qqHeartbeat, seq)
}

// forget drops the session: the next connection begins a new one.
func (s *qqSocket) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.seq, s.saved = "", 0, -1
}

func (s *qqSocket) load(ctx context.Context) {
	ctx, cancel := brief(ctx)
	defer cancel()
	var session string
	var seq int64
	err := s.store.read.QueryRowContext(ctx, `SELECT session, seq FROM qq_sockets WHERE channel = $1 AND shard = $2`,
		s.q.o.Name, s.shard).Scan(&session, &seq)
	if err != nil && !isNoRows(err) {
		s.q.o.Log.Warn("websocket session not loaded; a new one is begun", "channel", s.q.o.Name, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.seq, s.saved = session, seq, seq
}

func (s *qqSocket) save(ctx context.Context) {
	s.mu.Lock()
	session, seq := s.session, s.seq
	changed := seq != s.saved
	s.mu.Unlock()
	if !changed {
		return
	}
	_, err := s.store.exec(ctx, `INSERT INTO qq_sockets (channel, shard, session, seq) VALUES ($1, $2, $3, $4)
		ON CONFLICT (channel, shard) DO UPDATE SET session = excluded.session, seq = excluded.seq`, s.q.o.Name, s.shard, session, seq)
	if err != nil {
		return // older is safe: the platform sends again what was taken, and it is known by its id
	}
	s.mu.Lock()
	s.saved = seq
	s.mu.Unlock()
}

// qqWriter lets the reader and the heartbeat write to one connection.
type qqWriter struct {
	conn *websocket.Conn
	mu   sync.Mutex
}

func (w *qqWriter) send(op int, d any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.SetWriteDeadline(time.Now().Add(qqHandshake)); err != nil {
		return err
	}
	return w.conn.WriteJSON(struct {
		Op int `json:"op"`
		D  any `json:"d"`
	}{op, d})
}
