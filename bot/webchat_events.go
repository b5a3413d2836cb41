package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// hub tells the streams of this process that a conversation has something new.
type hub struct {
	mu      sync.Mutex
	most    int
	total   int
	streams map[Address]map[*stream]struct{}
	senders map[string]int
}

// stream is one reader of a conversation's events.
type stream struct {
	news    chan struct{} // holds one: look at the rows
	typing  chan struct{} // holds one: a reply is being written
	partial chan []byte   // holds one: what of a reply is there so far
}

func (h *hub) init(most int) {
	h.most = most
	h.streams = map[Address]map[*stream]struct{}{}
	h.senders = map[string]int{}
}

// join adds a stream; nil: there are too many.
func (h *hub) join(chat Address, sender string) *stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.total >= h.most || h.senders[sender] >= perAddress || len(h.streams[chat]) >= perChat {
		return nil
	}
	s := &stream{news: make(chan struct{}, 1), typing: make(chan struct{}, 1), partial: make(chan []byte, 1)}
	if h.streams[chat] == nil {
		h.streams[chat] = map[*stream]struct{}{}
	}
	h.streams[chat][s] = struct{}{}
	h.senders[sender]++
	h.total++
	return s
}

func (h *hub) leave(chat Address, sender string, s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams[chat], s)
	if len(h.streams[chat]) == 0 {
		delete(h.streams, chat)
	}
	if h.senders[sender]--; h.senders[sender] == 0 {
		delete(h.senders, sender)
	}
	h.total--
}

func (h *hub) tell(chat Address, typing bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams[chat] {
		c := s.news
		if typing {
			c = s.typing
		}
		select {
		case c <- struct{}{}:
		default: // it has not looked at the last one yet
		}
	}
}

// events streams a conversation's events as they come. The stream ends when
// the reader goes, when the conversation is erased and when the program stops;
// the reader comes back with the number of the last event it has.
func (w *WebChat) events(rw http.ResponseWriter, r *http.Request) error {
	chat, err := w.chat(r)
	if err != nil {
		return err
	}
	after, err := resumeAt(r)
	if err != nil {
		return err
	}
	c, err := w.store.conversation(r.Context(), chat)
	if err != nil {
		return err
	}
	sender := w.sender(r)
	s := w.hub.join(chat, sender)
	if s == nil {
		return &waitError{10 * time.Second}
	}
	defer w.hub.leave(chat, sender, s)
	h := rw.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close") // the write deadline must not meet another request
	}
	rw.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, closing := w.state()
	f := &feed{w: w, rw: rw, control: http.NewResponseController(rw), chat: chat, after: min(after, c.Last)}
	f.run(r, s, closing)
	return nil
}

// resumeAt is the number of the last event that the reader has. A browser that
// reconnects sends it as a header; the address may say where to begin.
func resumeAt(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("after 要是一个不小于 0 的整数。")
	}
	return n, nil
}

// pollsWhenTold is how many times less often streams look for rows while
// another way tells of them.
const pollsWhenTold = 5

// told says whether news of other processes comes by itself.
func (w *WebChat) told() bool { return w.o.Redis != nil && w.o.Redis.Up() }

// feed writes one stream.
type feed struct {
	w       *WebChat
	rw      http.ResponseWriter
	control *http.ResponseController
	chat    Address
	after   int64
	kind    string // of the last event written
}

func (f *feed) run(r *http.Request, s *stream, closing <-chan struct{}) {
	// The server's read timeout is for requests; it would end the stream.
	f.control.SetReadDeadline(time.Time{}) //nolint:errcheck // a writer without deadlines has none to end it
	beat, poll := time.NewTicker(f.w.o.Heartbeat), time.NewTicker(f.w.o.Poll)
	defer beat.Stop()
	defer poll.Stop()
	err := f.write([]byte("retry: 1000\n\n")) // milliseconds until a browser reconnects
	for typing, first := false, true; err == nil; first = false {
		if err = f.catchUp(r); err != nil {
			break
		}
		if first {
			if err = f.unfinished(r); err != nil {
				break
			}
		}
		if typing && f.kind != eventReply { // else it is late: the reply is there
			if err = f.write([]byte("event: typing\ndata: {\"type\":\"typing\"}\n\n")); err != nil {
				break
			}
		}
		typing, err = f.wait(r, s, closing, beat.C, poll.C)
	}
	switch {
	case errors.Is(err, errGone):
		f.write([]byte("event: error\ndata: {\"type\":\"error\",\"code\":\"not_found\",\"message\":\"这个对话已经删除。\"}\n\n")) //nolint:errcheck // the stream ends either way
	case errors.Is(err, errEnding):
		f.catchUp(r) //nolint:errcheck // as above
	case r.Context().Err() == nil:
		f.w.o.Log.Info("event stream ended", "chat", short(f.chat), "err", err)
	}
}

var errEnding = errors.New("bot: the program ends")

// wait returns when there may be events to write, or a reply is being written.
func (f *feed) wait(r *http.Request, s *stream, closing <-chan struct{}, beat, poll <-chan time.Time) (typing bool, err error) {
	for polls := 1; ; {
		select {
		case <-s.news:
			return false, nil
		case <-s.typing:
			return true, nil
		case data := <-s.partial:
			if err := f.write(fmt.Appendf(nil, "event: partial\ndata: %s\n\n", data)); err != nil {
				return false, err
			}
		case <-poll:
			// While Redis brings the news, looking is for the odd one it lost.
			if polls++; !f.w.told() || polls > pollsWhenTold {
				return false, nil
			}
		case <-beat:
			if err := f.write([]byte(": alive\n\n")); err != nil {
				return false, err
			}
		case <-closing:
			return false, errEnding
		case <-r.Context().Done():
			return false, r.Context().Err()
		}
	}
}

// unfinished writes what was shown of a reply that is still being made, to a
// reader who may not have it: the page was loaded anew, or the process that
// began the reply has gone.
func (f *feed) unfinished(r *http.Request) error {
	p, err := f.w.store.unfinished(r.Context(), f.chat)
	if err != nil || p.Text == "" {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return f.write(fmt.Appendf(nil, "event: partial\ndata: %s\n\n", data))
}

// catchUp writes the events that the reader does not have. errGone: the
// conversation was erased.
func (f *feed) catchUp(r *http.Request) error {
	for {
		list, err := f.w.store.events(r.Context(), f.chat, f.after, batchSize)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			_, err := f.w.store.conversation(r.Context(), f.chat)
			return err
		}
		var b bytes.Buffer
		for _, e := range list {
			data, err := json.Marshal(e)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
		}
		if err := f.write(b.Bytes()); err != nil {
			return err
		}
		f.after, f.kind = list[len(list)-1].ID, list[len(list)-1].Type
		if len(list) < batchSize {
			return nil
		}
	}
}

// write sends b at once. A reader who does not take it within writeWait has
// gone.
func (f *feed) write(b []byte) error {
	if err := f.control.SetWriteDeadline(time.Now().Add(f.w.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := f.rw.Write(b); err != nil {
		return err
	}
	return f.control.Flush()
}
