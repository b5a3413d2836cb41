package knowledge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sashabaranov/go-openai"
	"github.com/sony/gobreaker/v2"
)

// Sizes of a model call, and when it is not made (reliability: F1, F2). A
// resident waits for none of the times: the answer without a model is ready
// before the call begins.
const (
	modelRetry   = 2 * time.Second // a longer Retry-After is not waited for
	modelOne     = 2               // calls of one person at once
	modelBody    = 1 << 20         // bytes of an answer
	modelDefault = 900             // tokens of an answer: 600 characters and their marks

	breakerRow   = 5  // failures in a row that open the breaker
	breakerOf    = 20 // or half of so many calls
	breakerRests = 30 * time.Second
)

// modelTimes bound how long a call may take.
type modelTimes struct {
	place time.Duration // until there is a place for it
	first time.Duration // until the first piece of a streamed answer
	idle  time.Duration // between its pieces
	total time.Duration // for a whole answer
}

var usualTimes = modelTimes{place: 500 * time.Millisecond, first: 6 * time.Second, idle: 4 * time.Second, total: 20 * time.Second}

// Spend takes n tokens (negative: gives them back) from the day's budget named
// key, which holds limit; false: it holds too little. It must be atomic over
// all processes. An error counts as false: money is not spent on a guess.
type Spend func(ctx context.Context, key string, n, limit int) (bool, error)

// ModelOptions says which model is asked and how much it may cost.
type ModelOptions struct {
	BaseURL    string
	Key        string // may be empty for a server of one's own
	Model      string
	Concurrent int   // calls at once; defaults to 4
	PerPerson  int   // tokens a day of one person; defaults to 20,000
	PerBot     int   // tokens a day of one bot; defaults to PerDay
	PerDay     int   // tokens a day in all; defaults to 2,000,000
	Spend      Spend // nil: no budget is kept
	// JSON is how a JSON answer is asked for: "object" (the default, which most
	// providers know), "schema" or "none".
	JSON    string
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time

	times modelTimes
}

func (o ModelOptions) withDefaults() ModelOptions {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Concurrent <= 0 {
		o.Concurrent = 4
	}
	if o.PerPerson <= 0 {
		o.PerPerson = 20_000
	}
	if o.PerDay <= 0 {
		o.PerDay = 2_000_000
	}
	if o.PerBot <= 0 {
		o.PerBot = o.PerDay
	}
	if o.times == (modelTimes{}) {
		o.times = usualTimes
	}
	return o
}

// ChatModel asks an OpenAI-compatible server. It masks what persons said before it
// leaves, keeps to its budgets, and rests after failures. It is safe for
// concurrent use.
type ChatModel struct {
	o       ModelOptions
	mask    *Redactor
	http    *politeClient
	client  *openai.Client
	breaker *gobreaker.CircuitBreaker[Completion]
	places  chan struct{}
	meter   *modelMeter

	mu      sync.Mutex
	persons map[string]int // calls under way
}

// NewChatModel makes the client. It cannot be made without what masks.
func NewChatModel(o ModelOptions, mask *Redactor) (*ChatModel, error) {
	o = o.withDefaults()
	if mask == nil {
		return nil, errors.New("knowledge: no model without masking")
	}
	if o.BaseURL == "" || o.Model == "" {
		return nil, errors.New("knowledge: a model needs an address and a name")
	}
	m := &ChatModel{
		o: o, mask: mask, places: make(chan struct{}, o.Concurrent), persons: map[string]int{}, meter: newModelMeter(o.Metrics),
		http: newPoliteClient(o.times.total+modelRetry, o.Concurrent, modelBody),
	}
	m.client = openaiClient(o.BaseURL, o.Key, m.http)
	m.breaker = gobreaker.NewCircuitBreaker[Completion](gobreaker.Settings{
		Name: "model", Interval: time.Minute, Timeout: breakerRests,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= breakerRow || c.Requests >= breakerOf && c.TotalFailures*2 >= c.Requests
		},
		IsExcluded: func(err error) bool {
			var caller *callerError
			var fault *modelError
			return errors.As(err, &caller) || errors.As(err, &fault) && fault.asked
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			m.meter.open.Set(map[bool]float64{true: 1}[to == gobreaker.StateOpen])
			o.Log.Warn("model breaker", "state", to.String())
		},
	})
	return m, nil
}

func openaiClient(base, key string, doer openai.HTTPDoer) *openai.Client {
	c := openai.DefaultConfig(key)
	c.BaseURL = strings.TrimSuffix(base, "/")
	c.HTTPClient = doer
	return openai.NewClientWithConfig(c)
}

// Close lets go of idle connections.
func (m *ChatModel) Close() { m.http.client.CloseIdleConnections() }

// Name is the name of the model that is asked.
func (m *ChatModel) Name() string { return m.o.Model }

// callerError is an error of the caller's own making: it says nothing about
// the model.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

// modelError is an ErrModel. It never quotes what the server said: that may
// hold the person's words.
type modelError struct {
	why   string
	free  bool // the provider generated nothing: no tokens were used
	asked bool // it comes of what was asked, so it must not count against the model: else one person's questions could switch it off for all
}

func (e *modelError) Error() string        { return ErrModel.Error() + ": " + e.why }
func (e *modelError) Is(target error) bool { return target == ErrModel }

// call is one way of asking. On an error the Completion holds what came before.
type call func(context.Context, openai.ChatCompletionRequest) (Completion, error)

// Complete asks for the whole answer at once.
func (m *ChatModel) Complete(ctx context.Context, p Prompt) (Completion, error) {
	return m.ask(ctx, p, m.plain)
}

// Stream asks for the answer in pieces.
func (m *ChatModel) Stream(ctx context.Context, p Prompt, on func(string) error) (Completion, error) {
	return m.ask(ctx, p, func(ctx context.Context, r openai.ChatCompletionRequest) (Completion, error) {
		return m.stream(ctx, r, on)
	})
}

// ask makes a call within the budgets and the breaker.
func (m *ChatModel) ask(ctx context.Context, p Prompt, do call) (c Completion, err error) {
	begun := m.o.Now()
	var used Completion // tokens
	defer func() { m.meter.done(p.Task, err, m.o.Now().Sub(begun), used) }()
	if m.breaker.State() == gobreaker.StateOpen {
		return Completion{}, ErrBreaker
	}
	message, masked := p.mask(m.mask)
	if p.Masked != nil {
		p.Masked(masked)
	}
	r := m.request(p, message)
	in := EstimateTokens(r.Messages[0].Content) + EstimateTokens(message)
	settle, err := m.reserve(ctx, p, in+answerTokens(p))
	if err != nil {
		return Completion{}, err
	}
	defer func() { settle(used.In + used.Out) }()
	c, err = m.breaker.Execute(func() (Completion, error) {
		timed, cancel := context.WithTimeout(ctx, m.o.times.total)
		defer cancel()
		c, err := do(timed, r)
		switch {
		case err != nil && errors.Is(ctx.Err(), context.Canceled):
			err = &callerError{ctx.Err()}
		case err != nil && ctx.Err() != nil && m.o.Now().Sub(begun) < m.o.times.first:
			err = &modelError{why: "the caller could not wait", asked: true}
		}
		return c, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return Completion{}, ErrBreaker
	}
	used = c
	var fault *modelError
	if errors.As(err, &fault) && fault.free {
		used = Completion{}
	} else { // some servers count nothing, or no words that they have read before
		used.In, used.Out = cmp.Or(c.In, in), cmp.Or(c.Out, EstimateTokens(c.Text))
	}
	if err == nil && p.Schema != nil {
		c.Text, err = fitted(c.Text, p.Schema)
	}
	if err != nil {
		if errors.As(err, &fault) {
			m.o.Log.Warn("model gave no answer", "task", p.Task, "why", fault.why)
		}
		return Completion{}, err
	}
	c.In, c.Out, c.masked = used.In, used.Out, masked
	return c, nil
}

func (m *ChatModel) request(p Prompt, message string) openai.ChatCompletionRequest {
	system := p.System
	var format *openai.ChatCompletionResponseFormat
	switch {
	case p.Schema == nil:
	case m.o.JSON == "schema":
		format = &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: p.Task, Schema: p.Schema, Strict: true},
		}
	default:
		system += "\n\n只输出一个 JSON 对象，不要别的文字。它要符合这个 JSON Schema：\n" + string(p.Schema)
		if m.o.JSON != "none" {
			format = &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONObject}
		}
	}
	r := openai.ChatCompletionRequest{
		Model: m.o.Model, ResponseFormat: format,
		MaxTokens:   answerTokens(p), //lint:ignore SA1019 the name that all compatible servers know
		Temperature: 0.01,            // 0 would be left out, and the provider's default taken
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: system},
			{Role: openai.ChatMessageRoleUser, Content: message},
		},
	}
	return r
}

// answerTokens is how long an answer may be.
func answerTokens(p Prompt) int {
	if p.MaxTokens > 0 {
		return p.MaxTokens
	}
	return modelDefault
}

func (m *ChatModel) plain(ctx context.Context, r openai.ChatCompletionRequest) (Completion, error) {
	resp, err := m.client.CreateChatCompletion(ctx, r)
	if err != nil {
		return Completion{}, modelFault(ctx, err)
	}
	c := Completion{Model: resp.Model, In: max(0, resp.Usage.PromptTokens), Out: max(0, resp.Usage.CompletionTokens)}
	if len(resp.Choices) == 0 {
		return c, &modelError{why: "no answer in it"}
	}
	var t thinking
	c.Text = t.said(resp.Choices[0].Message.Content) + t.rest()
	return c, finished(resp.Choices[0].FinishReason, c.Text)
}

// finished says whether an answer came to its end.
func finished(why openai.FinishReason, text string) error {
	switch {
	case why == openai.FinishReasonLength, why == openai.FinishReasonContentFilter:
		return &modelError{why: "it ended with " + string(why), asked: true}
	case why != openai.FinishReasonStop:
		return &modelError{why: "it was cut"}
	case strings.TrimSpace(text) == "":
		return &modelError{why: "it said nothing"}
	case !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError):
		return &modelError{why: "it is no text"}
	}
	return nil
}

// stream reads the pieces. A provider that falls silent is given up; an answer
// without finish_reason "stop" was cut, however it ended.
func (m *ChatModel) stream(ctx context.Context, r openai.ChatCompletionRequest, on func(string) error) (c Completion, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(m.o.times.first, func() { cancel(&modelError{why: "it fell silent"}) })
	defer silence.Stop()
	r.Stream, r.StreamOptions = true, &openai.StreamOptions{IncludeUsage: true}
	s, err := m.client.CreateChatCompletionStream(ctx, r)
	if err != nil {
		return Completion{}, modelFault(ctx, err)
	}
	defer s.Close()
	var text strings.Builder
	defer func() { c.Text = text.String() }()
	var t thinking
	say := func(piece string) error {
		if piece == "" {
			return nil
		}
		text.WriteString(piece)
		silence.Stop() // what the caller does with it is not the model's silence
		if err := on(piece); err != nil {
			return &callerError{err}
		}
		return nil
	}
	var finish openai.FinishReason
	for {
		piece, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, modelFault(ctx, err)
		}
		if piece.Usage != nil {
			c.In, c.Out = max(0, piece.Usage.PromptTokens), max(0, piece.Usage.CompletionTokens)
		}
		if piece.Model != "" {
			c.Model = piece.Model
		}
		if len(piece.Choices) > 0 {
			if finish != "" && piece.Choices[0].Delta.Content != "" {
				return c, &modelError{why: "it went on after its end"}
			}
			if err := say(t.said(piece.Choices[0].Delta.Content)); err != nil {
				return c, err
			}
			finish = cmp.Or(piece.Choices[0].FinishReason, finish)
		}
		silence.Reset(m.o.times.idle)
	}
	if err := say(t.rest()); err != nil {
		return c, err
	}
	return c, finished(finish, text.String())
}

// modelFault says what went wrong.
func modelFault(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		var fault *modelError
		if errors.As(cause, &fault) {
			return fault
		}
		return &modelError{why: cause.Error()}
	}
	var api *openai.APIError
	var req *openai.RequestError
	var syntax *json.SyntaxError
	var refused *net.OpError
	status := 0
	switch {
	case errors.As(err, &api):
		status = api.HTTPStatusCode
	case errors.As(err, &req):
		status = req.HTTPStatusCode
	case errors.As(err, &syntax):
		return &modelError{why: "not JSON"}
	case errors.As(err, &refused) && refused.Op == "dial":
		return &modelError{why: "it cannot be reached", free: true}
	}
	switch status {
	case 0:
		return &modelError{why: fmt.Sprintf("%T", err)}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &modelError{why: fmt.Sprintf("status %d", status), free: true, asked: true}
	}
	return &modelError{why: fmt.Sprintf("status %d", status), free: true}
}
