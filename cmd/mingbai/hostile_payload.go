package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// payload names what an attack sends and how. Which fields count depends on the
// kind.
type payload struct {
	Kind string `json:"kind"`

	// requests of the platform
	Sign       string            `json:"sign"`
	Body       json.RawMessage   `json:"body"`
	Raw        string            `json:"raw"`
	Headers    map[string]string `json:"headers"`
	Event      json.RawMessage   `json:"event"`
	EventTS    string            `json:"event_ts"`
	PlainToken string            `json:"plain_token"`
	Times      int               `json:"times"`
	Parallel   bool              `json:"parallel"`
	Replicas   int               `json:"replicas"`
	Via        []string          `json:"via"`
	Hours      int               `json:"hours"`
	At         string            `json:"at"`

	// what is said, and by whom
	First  json.RawMessage `json:"first"`
	Second json.RawMessage `json:"second"`
	Text   string          `json:"text"`
	Value  string          `json:"value"`
	Turns  int             `json:"turns"`
	Words  []string        `json:"words"`
	Unit   string          `json:"unit"`
	Fmt    string          `json:"fmt"`
	Base   string          `json:"base"`
	Marks  int             `json:"marks"`
	Hex    string          `json:"hex"`
	Bytes  int             `json:"bytes"`
	Depth  int             `json:"depth"`
	Cols   int             `json:"cols"`
	Cookie string          `json:"cookie"`
	N      int             `json:"n"`
	Paths  []string        `json:"paths"`

	// floods and raw connections
	Seconds       int             `json:"seconds"`
	Distinct      bool            `json:"distinct"`
	Group         json.RawMessage `json:"group"`
	Users         int             `json:"users"`
	IPv6Rotate    bool            `json:"ipv6_rotate"`
	NewSession    bool            `json:"new_session"`
	SpoofXFF      bool            `json:"spoof_xff"`
	Conns         int             `json:"conns"`
	ContentLength int64           `json:"content_length"`
	SendBytes     int             `json:"send_bytes"`
	Iterations    int             `json:"iterations"`

	// the office
	Field          string `json:"field"`
	Filename       string `json:"filename"`
	IdempotencyKey string `json:"idempotency_key"`
	Endpoint       string `json:"endpoint"`
	Origin         string `json:"origin"`
	Role           string `json:"role"`
	Object         string `json:"object"`
	Report         string `json:"report"`
	Job            string `json:"job"`

	// documents
	Title    string `json:"title"`
	Unpacked int64  `json:"unpacked"`
	Name     string `json:"name"`
	Target   string `json:"target"`
	Levels   int    `json:"levels"`
	Files    int    `json:"files"`
	H        int    `json:"h"`
	W        int    `json:"w"`
	URL      string `json:"url"`
	Rebind   bool   `json:"dns_rebind"`
}

// said is one of several messages of an item: a text alone, or who says it
// where.
type said struct {
	Member string `json:"member"`
	Group  string `json:"group"`
	Text   string `json:"text"`
}

func readSaid(raw json.RawMessage) said {
	var s said
	if json.Unmarshal(raw, &s.Text) == nil {
		return s
	}
	_ = json.Unmarshal(raw, &s) // an empty one says nothing
	return s
}

// bodyText is a body that may be written as a JSON text or as any JSON.
func bodyText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// words gives what an item says in one message, false if its kind is not that
// of a message.
func (x attack) words() (string, bool) {
	p := x.Payload
	switch p.Kind {
	case "", "nickname", "wordlist":
		return x.Text, true
	case "text":
		if p.Value == "" {
			return x.Text, true
		}
		return p.Value, true
	case "repeat":
		return strings.Repeat(p.Unit, p.Times), true
	case "long_line":
		return strings.Repeat("长", p.Bytes/3), true
	case "md_nest":
		return strings.Repeat(p.Unit, p.Depth) + "正文", true
	case "md_table":
		return strings.Repeat("|列", p.Cols) + "|\n" + strings.Repeat("|-", p.Cols) + "|\n", true
	case "zalgo":
		return zalgo(p.Base, p.Marks), true
	case "seq":
		var b strings.Builder
		for i := range p.Times {
			b.WriteString(strings.Replace(p.Fmt, "%d", fmt.Sprint(i+1), 1))
		}
		return b.String(), true
	}
	return "", false
}

// zalgo puts combining marks on each character.
func zalgo(base string, marks int) string {
	var b strings.Builder
	for _, r := range base {
		b.WriteRune(r)
		for i := range marks {
			b.WriteRune(rune(0x300 + i%0x70))
		}
	}
	return b.String()
}
