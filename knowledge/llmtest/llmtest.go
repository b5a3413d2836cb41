// Package llmtest is a language model for tests: an OpenAI-compatible server on
// loopback that says what it is told to say, fails in every way that servers
// fail, and remembers every byte it was sent. It understands nothing; that a
// wholly obedient model does no harm is what tests with it show.
package llmtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of the server: a request's size, and how much is remembered, both in
// bytes. What comes after that is answered and not kept.
const (
	maxRequest = 4 << 20
	maxKept    = 256 << 20
)

// Name is the model's name in its answers.
const Name = "llmtest-1"

// Fault is a way in which one answer goes wrong.
type Fault uint8

// Faults. The streaming ones need a streamed request; plain requests fail in
// the nearest way.
const (
	None        Fault = iota // the answer as it is
	SlowStart                // nothing is sent until the caller goes
	Stall                    // half of the answer, then silence until the caller goes
	Cut                      // half of the answer, then a clean end without finish_reason
	Length                   // the whole answer with finish_reason "length"
	HTML                     // a page instead of an answer, status 200
	HTMLInside               // a page in the middle of the stream
	ErrorInside              // an error object in the middle of the stream
	Reset                    // half of the answer, then the connection is dropped
	Empty                    // an answer without words
	TooMany                  // 429 with Retry-After: 1
	TooManyLong              // 429 with Retry-After: 60
	Broken                   // 500
	KeepAlive                // comments that keep the connection alive, and no word, until the caller goes
	Denied                   // 401
	Refused                  // 400, as providers answer to words they do not like
)

// Message is one message of a request.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Request is what the server was asked.
type Request struct {
	Path     string
	Model    string    `json:"model"`
	Stream   bool      `json:"stream"`
	Messages []Message `json:"messages"`
	Input    []string  // of embeddings
	Body     []byte    // every byte of it
}

// User is the text of the last message in the user's role.
func (r Request) User() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Content
		}
	}
	return ""
}

// Reply says what the model answers to a request.
type Reply func(Request) (text string, f Fault)

// Server is the model. Its methods may be called at any time.
type Server struct {
	http *httptest.Server
	quit chan struct{}

	mu       sync.Mutex
	reply    Reply
	requests []Request
	kept     int // bytes of them
	dims     int
}

// New starts a server that answers "好的。" until it is told otherwise.
func New() *Server {
	s := newServer()
	s.http.Start()
	return s
}

// Listen is New at a given loopback address such as "127.0.0.1:9100".
func Listen(address string) (*Server, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().IsLoopback() {
		return nil, fmt.Errorf("llmtest: %q is no loopback address with a port", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := newServer()
	if err := s.http.Listener.Close(); err != nil {
		return nil, err
	}
	s.http.Listener = l
	s.http.Start()
	return s, nil
}

func newServer() *Server {
	s := &Server{quit: make(chan struct{}), reply: func(Request) (string, Fault) { return "好的。", None }, dims: 64}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("POST /v1/embeddings", s.embed)
	s.http = httptest.NewUnstartedServer(mux)
	return s
}

// URL is what OPENAI_BASE_URL is set to.
func (s *Server) URL() string { return s.http.URL + "/v1" }

// Close stops the server; answers under way are dropped.
func (s *Server) Close() {
	close(s.quit)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Answer sets what is answered from now on.
func (s *Server) Answer(r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = r
}

// Say answers every request with text.
func (s *Server) Say(text string) { s.Answer(func(Request) (string, Fault) { return text, None }) }

// Script answers the next requests with the replies in turn, and all further
// ones with the last.
func (s *Server) Script(replies ...Reply) {
	var mu sync.Mutex
	s.Answer(func(r Request) (string, Fault) {
		mu.Lock()
		reply := replies[0]
		if len(replies) > 1 {
			replies = replies[1:]
		}
		mu.Unlock()
		return reply(r)
	})
}

// Words is a Reply of text.
func Words(text string) Reply { return func(Request) (string, Fault) { return text, None } }

// Wrong is a Reply of text that goes wrong.
func Wrong(text string, f Fault) Reply { return func(Request) (string, Fault) { return text, f } }

// Obey makes the model one that says what an attacker wants it to say: the
// answer is the value of the longest key that the user's message holds, or
// otherwise where it holds none. Items of a set can so be run at once, each
// with a marker of its own.
func (s *Server) Obey(said map[string]string, otherwise string) {
	keys := slices.SortedFunc(maps.Keys(said), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	said = maps.Clone(said)
	s.Answer(func(r Request) (string, Fault) {
		user := r.User()
		for _, k := range keys {
			if strings.Contains(user, k) {
				return said[k], None
			}
		}
		return otherwise, None
	})
}

// Dims sets the length of vectors; it is 64 until then.
func (s *Server) Dims(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dims = n
}

// Requests is what was asked so far, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Forget drops what was asked so far.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.kept = nil, 0
}

func (s *Server) read(w http.ResponseWriter, r *http.Request) (Request, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	in := Request{Path: r.URL.Path, Body: body}
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, `{"error":{"message":"bad request"}}`, http.StatusBadRequest)
		return in, false
	}
	var e struct {
		Input json.RawMessage `json:"input"`
	}
	_ = json.Unmarshal(body, &e) // checked above
	if json.Unmarshal(e.Input, &in.Input) != nil {
		var one string
		if json.Unmarshal(e.Input, &one) == nil {
			in.Input = []string{one}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept += len(body); s.kept <= maxKept {
		s.requests = append(s.requests, in)
	}
	return in, true
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	in, ok := s.read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	reply := s.reply
	s.mu.Unlock()
	text, f := reply(in)
	if s.refuse(w, r, f) {
		return
	}
	if f == Empty {
		text = ""
	}
	if in.Stream {
		s.stream(w, r, in, text, f)
		return
	}
	finish := "stop"
	switch f {
	case Stall:
		s.hang(r)
		return
	case Length, Cut:
		finish = "length"
	case HTMLInside, ErrorInside, Reset:
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller sees what is missing
		"id": "1", "object": "chat.completion", "model": Name,
		"choices": []any{map[string]any{"index": 0, "message": Message{"assistant", text}, "finish_reason": finish}},
		"usage":   usage(in, text),
	})
}

// refuse answers the faults that come before any word.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f Fault) bool {
	problem := func(status int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"message":"no","type":"server_error"}}`)
	}
	switch f {
	case SlowStart:
		s.hang(r)
	case KeepAlive:
		s.keepAlive(w, r)
	case Denied:
		problem(http.StatusUnauthorized)
	case Refused:
		problem(http.StatusBadRequest)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>502 Bad Gateway</body></html>")
	case TooMany:
		w.Header().Set("Retry-After", "1")
		problem(http.StatusTooManyRequests)
	case TooManyLong:
		w.Header().Set("Retry-After", "60")
		problem(http.StatusTooManyRequests)
	case Broken:
		problem(http.StatusInternalServerError)
	default:
		return false
	}
	return true
}

// hang waits until the caller goes or the server is closed.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.quit:
	case <-time.After(time.Minute):
	}
}

// keepAlive sends comments until the caller goes or the server is closed.
func (s *Server) keepAlive(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		fmt.Fprint(w, ": keep-alive\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-s.quit:
			return
		case <-t.C:
		}
	}
}

// pieceSize is how many characters come in one piece.
const pieceSize = 4

func (s *Server) stream(w http.ResponseWriter, r *http.Request, in Request, text string, f Fault) {
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(v any) {
		b, _ := json.Marshal(v)
		fmt.Fprintf(w, "data: %s\n\n", b)
		w.(http.Flusher).Flush()
	}
	chunk := func(content string, finish any) map[string]any {
		return map[string]any{"id": "1", "object": "chat.completion.chunk", "model": Name,
			"choices": []any{map[string]any{"index": 0, "delta": map[string]string{"content": content}, "finish_reason": finish}}}
	}
	runes := []rune(text)
	for at := 0; at < len(runes); at += pieceSize {
		if at >= len(runes)/2 {
			switch f {
			case Stall:
				s.hang(r)
				return
			case Cut:
				return
			case HTMLInside:
				fmt.Fprint(w, "<html>502</html>\n\n")
				return
			case ErrorInside:
				say(map[string]any{"error": map[string]string{"message": "overloaded"}})
				return
			case Reset:
				panic(http.ErrAbortHandler)
			}
		}
		say(chunk(string(runes[at:min(at+pieceSize, len(runes))]), nil))
	}
	finish := "stop"
	if f == Length {
		finish = "length"
	}
	say(chunk("", finish))
	say(map[string]any{"id": "1", "object": "chat.completion.chunk", "model": Name, "choices": []any{}, "usage": usage(in, text)})
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// Tokens is what the server says the messages cost: a character is a token.
func (r Request) Tokens() int {
	n := 0
	for _, m := range r.Messages {
		n += len([]rune(m.Content))
	}
	return n
}

func usage(in Request, text string) map[string]int {
	n := in.Tokens()
	return map[string]int{"prompt_tokens": n, "completion_tokens": len([]rune(text)), "total_tokens": n + len([]rune(text))}
}

// embed gives each text a vector that depends on its characters alone, so that
// texts that share many are near each other.
func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	in, ok := s.read(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	reply, dims := s.reply, s.dims
	s.mu.Unlock()
	if _, f := reply(in); s.refuse(w, r, f) {
		return
	}
	var data []any
	for i, text := range in.Input {
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": Vector(text, dims)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "model": Name, "data": data, "usage": map[string]int{"prompt_tokens": len(in.Body), "total_tokens": len(in.Body)}})
}

// Vector is the embedding of a text: the sum of a fixed random direction for
// each pair of adjacent characters, of length 1.
func Vector(text string, dims int) []float32 {
	v := make([]float64, dims)
	runes := []rune(strings.ToLower(text))
	for i := 0; i+1 < len(runes); i++ {
		sum := sha256.Sum256([]byte(string(runes[i : i+2])))
		for d := range v {
			word := binary.LittleEndian.Uint32(sum[(d%8)*4:]) * uint32(2*d+1)
			v[d] += float64(int32(word)) / math.MaxInt32
		}
	}
	norm := 0.0
	for _, x := range v {
		norm += x * x
	}
	out := make([]float32, dims)
	for d, x := range v {
		if norm > 0 {
			out[d] = float32(x / math.Sqrt(norm))
		}
	}
	return out
}
