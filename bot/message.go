// Package bot takes messages in and brings replies out. It hides what each
// platform demands (QQ, the web page, the terminal), takes every message
// durably before it is acknowledged, answers one conversation at a time in
// order and different ones in parallel, and keeps the session. What is said is
// not its business: that is a Handler's.
package bot

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Address is where a message comes from or goes to: "qq/user/E4F4…",
// "qq/group/C9F7…", "web/user/7f3a…", "terminal/user/me".
type Address string

// Message is one thing somebody said.
type Message struct {
	ID   string    `json:"id"`   // the platform's id, unique within Chat; a second message with it is dropped
	Chat Address   `json:"chat"` // where it was said and is answered
	From Address   `json:"from"` // who said it; equal to Chat outside groups
	Text string    `json:"text"` // without the @mention
	At   time.Time `json:"at"`
	On   string    `json:"on,omitempty"` // ISO date the law is asked for; empty: the day it was said. Not kept by the Inbox.

	Anchor string `json:"-"` // what the platform wants replies hung on, for the channel; not kept by the Inbox
	event  *qqTaking
}

// Reply is what the bot says to one message.
type Reply struct {
	Text    string   `json:"text"`              // plain text with a small Markdown subset (lists, headings)
	Choices []string `json:"choices,omitempty"` // a numbered menu; "1" picks the first
	Answer  *Answer  `json:"answer,omitempty"`  // set when Text is an answer to a legal question
}

// Answer is what an answer rests on, for channels that can show it.
type Answer struct {
	ID        string     `json:"id"`             // names the consultation, for "有用/没用"
	Kind      string     `json:"kind"`           // answer, clarify, urgent, refuse, unknown, greeting, …
	Topic     string     `json:"topic"`          // "LA12", empty if none
	Title     string     `json:"title"`          // of the entry
	Citations []Citation `json:"citations"`      // what the text rests on, in the order of its 〔n〕 marks
	AsOf      string     `json:"as_of"`          // ISO date the law is stated for
	By        string     `json:"by"`             // "reviewed", "extract" or a model's name
	Grounded  bool       `json:"grounded"`       // every statement of law rests on a citation that was checked
	Clocks    []Clock    `json:"clocks"`         // periods that run
	Urgent    bool       `json:"urgent"`         // a crisis: Text starts with the number to call
	Next      []string   `json:"next,omitempty"` // questions a person may want to ask now
}

// Citation is one article that an answer rests on.
type Citation struct {
	Law       string `json:"law"`     // full title
	Article   string `json:"article"` // "42", "276之一"; empty when the whole document is meant
	Version   string `json:"version"` // ISO date of publication of the version used
	Effective string `json:"effective"`
	Status    string `json:"status"`                 // "现行有效", "尚未施行", "已修改", "已废止", "外部来源"
	Note      string `json:"note,omitempty"`         // e.g. where an external source is from, or "待复核"
	Text      string `json:"article_text,omitempty"` // the article itself when law texts are imported
}

// Clock is one period that runs, with its article.
type Clock struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Span  string `json:"span"`           // "30日", "1年"
	From  string `json:"from,omitempty"` // ISO date it runs from, if the person gave one
	Due   string `json:"due,omitempty"`  // ISO date of its last day
	Basis string `json:"basis"`          // "劳动争议调解仲裁法第二十七条"
}

// Handler answers one message. It may change s, which is saved when it returns.
type Handler interface {
	Handle(ctx context.Context, m Message, s *Session) (Reply, error)
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(context.Context, Message, *Session) (Reply, error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, m Message, s *Session) (Reply, error) {
	return f(ctx, m, s)
}

// Middleware wraps a Handler.
type Middleware func(Handler) Handler

// Channel is one way that people reach the bot.
type Channel interface {
	Name() string
	// Run takes messages until ctx is done. deliver returns as soon as the
	// message is taken durably; an error means that it was not taken.
	Run(ctx context.Context, deliver func(context.Context, Message) error) error
	// Send brings one reply to a conversation; in answer to the message with
	// id inReplyTo when that is not empty. ErrClosed: the platform does not
	// let us write there now.
	Send(ctx context.Context, to Address, inReplyTo string, r Reply) error
	// Open lists the conversations that Send can reach now without an answer
	// being due.
	Open() []Address
}

// Errors that callers branch on.
var (
	ErrBusy    = errors.New("bot: too many messages are waiting")
	ErrTooFast = errors.New("bot: this person sends too fast")
	ErrInvalid = errors.New("bot: the message cannot be taken")
	ErrClosed  = errors.New("bot: the conversation cannot be written to now")
	ErrStale   = errors.New("bot: the session was saved by somebody else meanwhile")
	ErrUnknown = errors.New("bot: there is no such thing")
)

// errGone is an ErrClosed for good: the conversation was erased.
var errGone = fmt.Errorf("%w: it was erased", ErrClosed)

// waitError is an ErrTooFast that says when to come back.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string        { return ErrTooFast.Error() }
func (e *waitError) Is(target error) bool { return target == ErrTooFast }
