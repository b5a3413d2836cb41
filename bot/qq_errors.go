package bot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// qqClass is what a refusal of the platform means for the message that was to
// be sent. Decided on the code, never on the words.
type qqClass uint8

// Classes of refusals, and what follows from each.
const (
	qqRetry       qqClass = iota + 1 // passing: the same body with the same msg_seq again
	qqUncertain                      // nobody knows whether it was shown: an answer is sent again with the same msg_seq, anything else is not
	qqStaleToken                     // the token is no longer good: a new one, then once more
	qqDone                           // this msg_seq was used: on a second try it was delivered at the first
	qqOtherAnchor                    // the message answered is too old, unknown or answered too often
	qqClosed                         // the conversation cannot be written to unasked
	qqQuota                          // too many today or this minute: later
	qqMuted                          // the bot may not speak there now: later, and its owner should know
	qqContent                        // this body never: another form of it
	qqPending                        // people look at it first; an event tells the verdict
	qqConfig                         // nothing will get through until somebody changes a setting
)

var qqClassNames = map[qqClass]string{
	qqRetry: "retry", qqUncertain: "uncertain", qqStaleToken: "token", qqDone: "done", qqOtherAnchor: "anchor",
	qqClosed: "closed", qqQuota: "quota", qqMuted: "muted", qqContent: "content", qqPending: "pending", qqConfig: "config",
}

func (c qqClass) String() string { return qqClassNames[c] }

// qqRemedy is which other form of a refused body is worth a try.
type qqRemedy uint8

const (
	qqPlainer  qqRemedy = iota // the next plainer form
	qqNoLinks                  // the same words without anything that looks like an address
	qqShorter                  // half of it
	qqNotThere                 // none: these words cannot be said there
)

// qqCodes is what each code of the platform means. Source: the error tables of
// the API's pages and of bot-docs, read 2026-09; observed ones from adapters in
// use. Codes that are not here are judged by the HTTP status.
var qqCodes = []struct {
	from, to int // both included
	class    qqClass
	remedy   qqRemedy // of qqContent
}{
	{11241, 11241, qqStaleToken, 0}, {11243, 11244, qqStaleToken, 0},

	{11298, 11298, qqConfig, 0}, {40023002, 40023002, qqConfig, 0}, // our address is not on the allow-list
	{11251, 11251, qqConfig, 0}, {11253, 11254, qqConfig, 0}, {11265, 11265, qqConfig, 0},
	{40054016, 40054016, qqConfig, 0}, {4914, 4915, qqConfig, 0},

	{50055001, 50055002, qqRetry, 0}, {50055006, 50055006, qqRetry, 0}, {40034004, 40034004, qqRetry, 0},
	{40054006, 40054006, qqRetry, 0}, {11242, 11242, qqRetry, 0}, {11252, 11252, qqRetry, 0}, {11281, 11281, qqRetry, 0},

	{40054005, 40054005, qqDone, 0},

	{40034005, 40034005, qqOtherAnchor, 0}, {40034024, 40034027, qqOtherAnchor, 0}, {40034031, 40034031, qqOtherAnchor, 0},
	{40034128, 40034128, qqOtherAnchor, 0}, {304027, 304027, qqOtherAnchor, 0}, {304103, 304103, qqOtherAnchor, 0},
	{40034122, 40034123, qqOtherAnchor, 0}, // the one recall of this period is used, or there is none

	{40034101, 40034102, qqClosed, 0}, {40034105, 40034105, qqClosed, 0}, {40054003, 40054004, qqClosed, 0},
	{40054013, 40054013, qqClosed, 0}, {304031, 304031, qqClosed, 0},

	{22009, 22009, qqQuota, 0}, {40034100, 40034100, qqQuota, 0}, {20028, 20028, qqQuota, 0}, {304045, 304050, qqQuota, 0},
	{50002, 50002, qqQuota, 0}, {1100100, 1100100, qqQuota, 0}, {1100308, 1100308, qqQuota, 0},

	{40054002, 40054002, qqMuted, 0}, {850018, 850018, qqMuted, 0},

	{22006, 22006, qqContent, qqPlainer}, {40034008, 40034011, qqContent, qqPlainer}, {40034029, 40034029, qqContent, qqPlainer},
	{305007, 305007, qqContent, qqPlainer}, {304061, 304061, qqContent, qqPlainer},
	{40034106, 40034109, qqContent, qqPlainer}, {40034124, 40034124, qqContent, qqPlainer}, {40034127, 40034127, qqContent, qqPlainer},
	{50037, 50057, qqContent, qqPlainer}, {304004, 304004, qqContent, qqPlainer},
	{40054007, 40054007, qqContent, qqShorter}, {40054018, 40054018, qqContent, qqShorter}, {1000001, 1000001, qqContent, qqShorter},
	{40054010, 40054010, qqContent, qqNoLinks}, {304003, 304003, qqContent, qqNoLinks},
	{40034006, 40034006, qqContent, qqNotThere}, {304025, 304025, qqContent, qqNotThere}, {1100101, 1100103, qqContent, qqNotThere},

	{304023, 304024, qqPending, 0},
}

// qqError is a refusal of the platform. It does not carry the platform's words,
// which may quote what was sent.
type qqError struct {
	Class  qqClass
	Remedy qqRemedy
	Status int    // of HTTP; 0: there was no answer
	Code   int    // of the platform; 0: none
	Trace  string // what the platform's people find the call by
	Audit  string // of qqPending: the id that the verdict comes with
}

func (e *qqError) Error() string {
	return fmt.Sprintf("QQ: %v (status %d, code %d, trace %q)", e.Class, e.Status, e.Code, e.Trace)
}

// maxQQError is how much of an error's body is looked at, in bytes.
const maxQQError = 64 << 10

// readQQError judges an answer that is not a success: a body of the documented
// form, or whatever a gateway in between wrote.
func readQQError(status int, body []byte, trace string) *qqError {
	e := &qqError{Status: status, Trace: cut(clean(trace), 64)}
	var b struct {
		Code    json.RawMessage `json:"code"`
		ErrCode json.RawMessage `json:"err_code"`
		TraceID string          `json:"trace_id"`
		Data    struct {
			Audit struct {
				ID string `json:"audit_id"`
			} `json:"message_audit"`
		} `json:"data"`
	}
	if len(body) <= maxQQError && json.Unmarshal(body, &b) == nil {
		if e.Code = qqCode(b.ErrCode); e.Code == 0 {
			e.Code = qqCode(b.Code)
		}
		if e.Trace == "" {
			e.Trace = cut(clean(b.TraceID), 64)
		}
		e.Audit = cut(clean(b.Data.Audit.ID), 128)
	}
	e.Class, e.Remedy = classify(status, e.Code)
	return e
}

// qqCode reads a code that may be a number or a number in quotes.
func qqCode(raw json.RawMessage) int {
	n, err := strconv.ParseInt(string(trimQuotes(raw)), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

func trimQuotes(raw []byte) []byte {
	if len(raw) >= 2 && raw[0] == '"' && raw[len(raw)-1] == '"' {
		return raw[1 : len(raw)-1]
	}
	return raw
}

// classify decides on the code; where it is unknown, on the status.
func classify(status, code int) (qqClass, qqRemedy) {
	for _, c := range qqCodes {
		if code >= c.from && code <= c.to {
			return c.class, c.remedy
		}
	}
	switch {
	case status == http.StatusTooManyRequests, status >= 500:
		return qqRetry, 0
	case status == http.StatusUnauthorized:
		return qqStaleToken, 0
	case status == http.StatusAccepted:
		return qqPending, 0
	case status < 300: // a success without what a success must say
		return qqUncertain, 0
	case code == 0: // a gateway's page, not the platform's word
		return qqRetry, 0
	}
	return qqContent, qqPlainer
}
