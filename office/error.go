package office

import (
	"errors"
	"fmt"
)

// Kind sorts errors by what the caller can do about them.
type Kind uint8

// Kinds of errors. The zero value is Internal: nobody but an operator can help.
const (
	Internal    Kind = iota
	NotFound         // there is no such thing, or the person may not know that there is
	Invalid          // the person can correct what they wrote
	Forbidden        // the person may not do this
	Conflict         // it was changed meanwhile, or does not fit the state it is in
	Unavailable      // the records cannot be reached or written to now; trying again may do
)

func (k Kind) String() string {
	names := [...]string{"internal", "not found", "invalid", "forbidden", "conflict", "unavailable"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is an error whose Msg may be shown to the person. It is made where the
// rule is that was broken; any other error is internal and never shown.
type Error struct {
	Kind Kind
	Msg  string // plain Chinese, a whole sentence
	Err  error  // the cause, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Msg, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Msg)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first *Error in err's chain; without one it is
// Unavailable if the place where the records are kept failed, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if _, ok := outage(err); ok {
		return Unavailable
	}
	return Internal
}

// Words is what a person may be shown of err: its Msg, or that it is to be tried
// again when the records cannot be reached. "": nothing of it is for them.
func Words(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind != Internal:
		return e.Msg
	case KindOf(err) == Unavailable:
		return WordsUnavailable
	}
	return ""
}

func invalid(format string, a ...any) error {
	return &Error{Kind: Invalid, Msg: fmt.Sprintf(format, a...)}
}

func forbidden(format string, a ...any) error {
	return &Error{Kind: Forbidden, Msg: fmt.Sprintf(format, a...)}
}

func conflict(format string, a ...any) error {
	return &Error{Kind: Conflict, Msg: fmt.Sprintf(format, a...)}
}

func notFound(format string, a ...any) error {
	return &Error{Kind: NotFound, Msg: fmt.Sprintf(format, a...)}
}
