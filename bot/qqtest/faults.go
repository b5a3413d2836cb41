package qqtest

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind string

const (
	Fault500       FaultKind = "500"             // HTTP 500 with a JSON error; nothing is done
	Fault504       FaultKind = "504"             // the gateway's JSON; nothing is done
	FaultHTML      FaultKind = "html"            // HTTP 502 with a page of HTML; nothing is done
	FaultError     FaultKind = "error"           // Fault.Status and Fault.Code; nothing is done
	Fault200Error  FaultKind = "200-error"       // HTTP 200 with only an err_code; nothing is done
	FaultErrOnly   FaultKind = "err-code-only"   // HTTP 400 with nothing but err_code; nothing is done
	FaultEmpty     FaultKind = "empty"           // done, but HTTP 200 with {}
	FaultNoType    FaultKind = "no-content-type" // done, but no Content-Type
	FaultTimeout   FaultKind = "accept-timeout"  // done, then no answer until Delay (10 s), then cut
	FaultReset     FaultKind = "reset"           // done, then the connection is reset in mid-answer
	FaultSlow      FaultKind = "slow"            // done, answered after Delay (10 s)
	FaultNumbers   FaultKind = "numeric-time"    // done, the timestamp of the answer is a number
	FaultDuplicate FaultKind = "duplicate"       // delivery: Copies (2) at the same moment
	FaultSplit     FaultKind = "split"           // delivery: in several TCP segments
	FaultChunked   FaultKind = "chunked"         // delivery: without Content-Length
	FaultSwap      FaultKind = "swap"            // delivery: after the next one
	FaultLose      FaultKind = "lose-ack"        // delivery: the bot's answer gets lost, so it is repeated
)

// EndpointDelivery is the endpoint of the faults that hit deliveries.
const EndpointDelivery = "delivery"

// Fault is one thing that goes wrong at one endpoint.
type Fault struct {
	Kind     FaultKind     `json:"kind"`
	Endpoint string        `json:"endpoint,omitempty"` // as in the transcript; "" for any but deliveries
	Target   string        `json:"target,omitempty"`   // openid, group or channel; "" for any
	Status   int           `json:"status,omitempty"`   // FaultError
	Code     int           `json:"code,omitempty"`     // FaultError, Fault200Error, FaultErrOnly
	Delay    time.Duration `json:"delay,omitempty"`
	Copies   int           `json:"copies,omitempty"` // FaultDuplicate, at most 50
}

type armed struct {
	fault Fault
	left  int
}

// deliveryFaults are those that belong to deliveries alone.
var deliveryFaults = []FaultKind{FaultDuplicate, FaultSplit, FaultChunked, FaultSwap, FaultLose}

var callFaults = []FaultKind{Fault500, Fault504, FaultHTML, FaultError, Fault200Error, FaultErrOnly, FaultEmpty,
	FaultNoType, FaultTimeout, FaultReset, FaultSlow, FaultNumbers}

// maxArmed is how many faults may wait, so that a test cannot grow the list for ever.
const maxArmed = 1000

// Arm lets the next n calls that match run into f; those armed first go first.
// It reports whether the fault is known.
func (p *Platform) Arm(f Fault, n int) bool {
	if slices.Contains(deliveryFaults, f.Kind) {
		f.Endpoint = EndpointDelivery
	} else if !slices.Contains(callFaults, f.Kind) || f.Endpoint == EndpointDelivery {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 1 || len(p.faults) >= maxArmed {
		return false
	}
	p.faults = append(p.faults, &armed{f, n})
	p.record(Entry{Kind: KindNote, Endpoint: f.Endpoint, Target: f.Target, Fault: string(f.Kind), Note: "fault armed"})
	return true
}

// Disarm takes all faults back that did not strike yet.
func (p *Platform) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
	p.record(Entry{Kind: KindNote, Note: "faults disarmed"})
}

func (p *Platform) takeFault(endpoint, target string) *Fault {
	for i, a := range p.faults {
		f := a.fault
		if f.Endpoint != endpoint && (f.Endpoint != "" || endpoint == EndpointDelivery || endpoint == "token") {
			continue
		}
		if f.Target != "" && f.Target != target {
			continue
		}
		if a.left--; a.left == 0 {
			p.faults = slices.Delete(p.faults, i, i+1)
		}
		return &f
	}
	return nil
}

// before reports whether the fault strikes before the call is carried out.
func (f *Fault) before() bool {
	switch f.Kind {
	case Fault500, Fault504, FaultHTML, FaultError, Fault200Error, FaultErrOnly:
		return true
	}
	return false
}

// reply is the answer of a fault that strikes before.
func (f *Fault) reply() reply {
	code := f.Code
	if code == 0 {
		code = 50055001
	}
	switch f.Kind {
	case Fault504:
		return reply{status: http.StatusGatewayTimeout, code: code, body: object{"message": "gateway timeout", "code": 504, "err_code": code}}
	case FaultHTML:
		return reply{status: http.StatusBadGateway, code: code}
	case FaultError:
		return reply{status: max(f.Status, 200), code: code, body: object{"message": words[code], "code": code, "err_code": code}}
	case Fault200Error:
		return reply{status: http.StatusOK, code: code, body: object{"message": words[code], "err_code": code}}
	case FaultErrOnly:
		return reply{status: http.StatusBadRequest, code: code, body: object{"err_code": code}}
	}
	return reply{status: http.StatusInternalServerError, code: code, body: object{"message": "internal error", "code": 500, "err_code": code}}
}

func (f *Fault) delay() time.Duration {
	if f.Delay > 0 {
		return f.Delay
	}
	return 10 * time.Second
}

// page is what a broken gateway shows.
const page = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"

// disturb writes the answer the fault's way; false lets it be written as usual.
func (f *Fault) disturb(p *Platform, w http.ResponseWriter, r *http.Request, status int, body []byte) bool {
	switch f.Kind {
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(page))
	case FaultEmpty:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	case FaultNoType:
		w.Header()["Content-Type"] = nil
		w.WriteHeader(status)
		_, _ = w.Write(body)
	case FaultTimeout:
		p.pause(r, f)
		cut(w, nil)
	case FaultReset:
		cut(w, body)
	case FaultSlow:
		return !p.pause(r, f)
	case FaultNumbers:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(numericTime(body))
	default:
		return false
	}
	return true
}

// numericTime turns the timestamp of an answer into a number.
func numericTime(body []byte) []byte {
	var m object
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	if s, isText := m["timestamp"].(string); isText {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			m["timestamp"] = t.Unix()
		}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return body
	}
	return raw
}

// cut resets the connection, after half an answer if there is a body.
func cut(w http.ResponseWriter, body []byte) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if body != nil {
		_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n")
		_, _ = buf.Write(body[:len(body)/2])
		_ = buf.Flush()
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
