package qqtest

import (
	"encoding/json"
	"slices"
	"time"
)

// Kind says what a transcript entry is about.
type Kind string

const (
	KindEvent    Kind = "event"    // something happened that a bot is told of
	KindDelivery Kind = "delivery" // one try to tell the bot, with its answer
	KindAttempt  Kind = "attempt"  // one call of the API by a bot, with its answer
	KindNote     Kind = "note"     // clock, rules, faults, a spinner that gave up
)

// Entry is one line of the transcript. Fields that do not apply are empty.
type Entry struct {
	N    int64     `json:"n"`  // rising by one
	At   time.Time `json:"at"` // of the platform's clock
	Kind Kind      `json:"kind"`
	Bot  string    `json:"bot,omitempty"` // app id

	// An attempt: what was asked for and whether the platform took it.
	Endpoint string `json:"endpoint,omitempty"` // "token", "c2c/messages", … as Fault.Endpoint
	Method   string `json:"method,omitempty"`
	Path     string `json:"path,omitempty"`
	Target   string `json:"target,omitempty"` // openid of the person or group, channel id
	Status   int    `json:"status,omitempty"`
	Code     int    `json:"code,omitempty"` // err_code, 0 if taken
	Accepted bool   `json:"accepted,omitempty"`
	Fault    string `json:"fault,omitempty"` // injected fault that hit it
	MsgID    string `json:"msg_id,omitempty"`
	EventID  string `json:"event_id,omitempty"`
	Seq      int    `json:"seq,omitempty"`
	Active   bool   `json:"active,omitempty"` // a message that answers nothing
	Seen     string `json:"seen,omitempty"`   // what the person now sees

	// An event or a delivery.
	Type  string `json:"type,omitempty"` // C2C_MESSAGE_CREATE, …
	ID    string `json:"id,omitempty"`   // outer id
	Try   int    `json:"try,omitempty"`
	Acked bool   `json:"acked,omitempty"`
	Took  int64  `json:"took_us,omitempty"` // microseconds until the answer

	Note     string          `json:"note,omitempty"`
	Request  json.RawMessage `json:"request,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
}

// Filter chooses entries; the zero value takes all.
type Filter struct {
	Bot      string
	Kind     Kind
	Endpoint string
	Target   string
	After    int64 // only entries with a greater N
}

func (f Filter) takes(e Entry) bool {
	return e.N > f.After && (f.Bot == "" || f.Bot == e.Bot) && (f.Kind == "" || f.Kind == e.Kind) &&
		(f.Endpoint == "" || f.Endpoint == e.Endpoint) && (f.Target == "" || f.Target == e.Target)
}

// ring holds the last keep entries, oldest first from start on.
type ring struct {
	keep  int
	last  int64
	list  []Entry
	start int
}

func (r *ring) add(e Entry) Entry {
	r.last++
	e.N = r.last
	if len(r.list) < r.keep {
		r.list = append(r.list, e)
		return e
	}
	r.list[r.start] = e
	r.start = (r.start + 1) % r.keep
	return e
}

// record adds an entry, stamped with the clock, and wakes who waits.
func (p *Platform) record(e Entry) {
	e.At = p.now()
	e.Request, e.Response = clip(e.Request), clip(e.Response)
	e = p.entries.add(e)
	if p.options.OnEntry != nil {
		p.options.OnEntry(e)
	}
	p.wake()
}

// maxKept is how many bytes of a request or response the transcript keeps.
const maxKept = 16 << 10

// clip keeps the transcript small and its JSON valid.
func clip(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if len(raw) > maxKept || !json.Valid(raw) {
		text, _ := json.Marshal(string(raw[:min(len(raw), maxKept)])) // a string always marshals
		return text
	}
	return slices.Clone(raw)
}

// Transcript gives the kept entries that f takes, oldest first.
func (p *Platform) Transcript(f Filter) []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	var list []Entry
	n := len(p.entries.list)
	for i := range n {
		if e := p.entries.list[(p.entries.start+i)%n]; f.takes(e) {
			list = append(list, e)
		}
	}
	return list
}
