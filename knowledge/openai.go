package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sashabaranov/go-openai"
	"github.com/sony/gobreaker/v2"
)

// Times and sizes of a model call (reliability: F1, F2). A resident waits for
// none of them: the answer without a model is ready before the call begins.
const (
	modelFirst   = 6 * time.Second  // until the first piece
	modelIdle    = 4 * time.Second  // between pieces
	modelTotal   = 20 * time.Second // for the whole answer
	modelRetry   = 2 * time.Second  // a longer Retry-After is not waited for
	modelPlace   = 500 * time.Millisecond
	modelBody    = 1 << 20 // bytes of an answer
	modelDefault = 900     // tokens of an answer: 600 characters and their marks

	breakerRow   = 5  // failures in a row that open the breaker
	breakerOf    = 20 // or half of so many calls
	breakerRests = 30 * time.Second
)

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
	PerDay     int   // tokens a day in all; defaults to 2,000,000
	Spend      Spend // nil: no budget is kept
	Log        *slog.Logger
	Metrics    prometheus.Registerer
	Now        func() time.Time
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
	return o
}

// ChatModel asks an OpenAI-compatible server. It masks what persons said before it
// leaves, keeps to its budgets, and rests after failures. It is safe for
// concurrent use.
type ChatModel struct {
	o       ModelOptions
	mask    *Redactor
	client  *openai.Client
	breaker *gobreaker.CircuitBreaker[Completion]
	places  chan struct{}
	meter   *modelMeter
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
	c := openai.DefaultConfig(o.Key)
	c.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	c.HTTPClient = &politeClient{client: &http.Client{
		Timeout:       modelTotal + modelRetry,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	m := &ChatModel{o: o, mask: mask, client: openai.NewClientWithConfig(c), places: make(chan struct{}, o.Concurrent), meter: newModelMeter(o.Metrics)}
	m.breaker = gobreaker.NewCircuitBreaker[Completion](gobreaker.Settings{
		Name: "model", Interval: time.Minute, Timeout: breakerRests,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= breakerRow || c.Requests >= breakerOf && c.TotalFailures*2 >= c.Requests
		},
		IsSuccessful: func(err error) bool {
			var caller *callerError
			return err == nil || errors.As(err, &caller) || errors.Is(err, ErrBudget)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			m.meter.open.Set(map[bool]float64{true: 1}[to == gobreaker.StateOpen])
			o.Log.Warn("model breaker", "state", to.String())
		},
	})
	return m, nil
}

// callerError is an error of the caller's own making: it says nothing about
// the model.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

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
func (m *ChatModel) ask(ctx context.Context, p Prompt, call func(context.Context, openai.ChatCompletionRequest) (Completion, error)) (c Completion, err error) {
	begun := m.o.Now()
	defer func() { m.meter.done(p.Task, err, m.o.Now().Sub(begun), c) }()
	if m.breaker.State() == gobreaker.StateOpen {
		return Completion{}, ErrBreaker
	}
	message, masked := p.mask(m.mask)
	r := m.request(p, message)
	reserved := EstimateTokens(p.System) + EstimateTokens(message) + r.MaxTokens
	settle, err := m.reserve(ctx, p.Person, reserved)
	if err != nil {
		return Completion{}, err
	}
	used := reserved // unless the provider says what it was
	defer func() { settle(used) }()
	c, err = m.breaker.Execute(func() (Completion, error) {
		ctx, cancel := context.WithTimeout(ctx, modelTotal)
		defer cancel()
		return call(ctx, r)
	})
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		used = 0
		return Completion{}, ErrBreaker
	case err != nil:
		return Completion{}, err
	}
	if c.In+c.Out > 0 {
		used = c.In + c.Out
	}
	c.masked = masked
	return c, nil
}

func (m *ChatModel) request(p Prompt, message string) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{
		Model: m.o.Model, MaxTokens: p.MaxTokens,
		Temperature: 0.01, // 0 would be left out, and the provider's default taken
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: p.System},
			{Role: openai.ChatMessageRoleUser, Content: message},
		},
	}
	if r.MaxTokens <= 0 {
		r.MaxTokens = modelDefault
	}
	if p.Schema != nil {
		r.ResponseFormat = &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: p.Task, Schema: p.Schema, Strict: true},
		}
	}
	return r
}

// reserve takes a place and the tokens a call may cost; settle gives back what
// it did not.
func (m *ChatModel) reserve(ctx context.Context, person string, tokens int) (settle func(used int), err error) {
	select {
	case m.places <- struct{}{}:
	case <-time.After(modelPlace):
		return nil, ErrBudget
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	free := func() { <-m.places }
	if m.o.Spend == nil {
		return func(int) { free() }, nil
	}
	budgets := []struct {
		key   string
		limit int
	}{{"all", m.o.PerDay}, {"person " + person, m.o.PerPerson}}
	for i, b := range budgets {
		ok, err := m.o.Spend(ctx, b.key, tokens, b.limit)
		if ok && err == nil {
			continue
		}
		if err != nil {
			m.o.Log.Warn("model budget cannot be read; the model is not asked", "err", err)
		}
		for _, back := range budgets[:i] {
			m.refund(ctx, back.key, tokens, back.limit)
		}
		free()
		return nil, ErrBudget
	}
	return func(used int) {
		for _, b := range budgets {
			m.refund(ctx, b.key, tokens-used, b.limit)
		}
		free()
	}, nil
}

// refund gives n tokens back. It may fail: then the day's budget is a little
// smaller than it should be.
func (m *ChatModel) refund(ctx context.Context, key string, n, limit int) {
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := m.o.Spend(ctx, key, -n, limit); err != nil {
		m.o.Log.Warn("model budget not given back", "err", err)
	}
}

func (m *ChatModel) plain(ctx context.Context, r openai.ChatCompletionRequest) (Completion, error) {
	resp, err := m.client.CreateChatCompletion(ctx, r)
	if err != nil {
		return Completion{}, modelFault(ctx, err)
	}
	if len(resp.Choices) == 0 || resp.Choices[0].FinishReason != openai.FinishReasonStop || strings.TrimSpace(resp.Choices[0].Message.Content) == "" {
		return Completion{}, fmt.Errorf("%w: it did not come to its end", ErrModel)
	}
	return Completion{Text: resp.Choices[0].Message.Content, Model: resp.Model, In: resp.Usage.PromptTokens, Out: resp.Usage.CompletionTokens}, nil
}

// stream reads the pieces. A provider that falls silent is given up; an answer
// without finish_reason "stop" was cut, however it ended.
func (m *ChatModel) stream(ctx context.Context, r openai.ChatCompletionRequest, on func(string) error) (Completion, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(modelFirst, func() { cancel(fmt.Errorf("%w: it fell silent", ErrModel)) })
	defer silence.Stop()
	r.Stream, r.StreamOptions = true, &openai.StreamOptions{IncludeUsage: true}
	s, err := m.client.CreateChatCompletionStream(ctx, r)
	if err != nil {
		return Completion{}, modelFault(ctx, err)
	}
	defer s.Close()
	var c Completion
	var text strings.Builder
	stopped := false
	for {
		piece, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Completion{}, modelFault(ctx, err)
		}
		silence.Reset(modelIdle)
		if piece.Usage != nil {
			c.In, c.Out = piece.Usage.PromptTokens, piece.Usage.CompletionTokens
		}
		if piece.Model != "" {
			c.Model = piece.Model
		}
		if len(piece.Choices) == 0 {
			continue
		}
		if d := piece.Choices[0].Delta.Content; d != "" {
			text.WriteString(d)
			if err := on(d); err != nil {
				return Completion{}, &callerError{err}
			}
		}
		switch piece.Choices[0].FinishReason {
		case openai.FinishReasonStop:
			stopped = true
		case "":
		default:
			return Completion{}, fmt.Errorf("%w: it ended with %q", ErrModel, piece.Choices[0].FinishReason)
		}
	}
	if c.Text = text.String(); !stopped || strings.TrimSpace(c.Text) == "" {
		return Completion{}, fmt.Errorf("%w: it was cut", ErrModel)
	}
	return c, nil
}

// modelFault says what went wrong without quoting what the server said: that
// may hold the person's words.
func modelFault(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, ErrModel) {
			return cause
		}
		return fmt.Errorf("%w: %w", ErrModel, cause)
	}
	var api *openai.APIError
	var req *openai.RequestError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &api):
		return fmt.Errorf("%w: status %d", ErrModel, api.HTTPStatusCode)
	case errors.As(err, &req):
		return fmt.Errorf("%w: status %d", ErrModel, req.HTTPStatusCode)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON", ErrModel)
	}
	return fmt.Errorf("%w: %T", ErrModel, err)
}

// politeClient makes a request once more when the server says "later" and that
// is soon, and bounds what is read of an answer.
type politeClient struct{ client *http.Client }

func (c *politeClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(r)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500) && r.GetBody != nil {
		if wait, ok := retryAfter(resp); ok {
			resp.Body.Close()
			again, err := c.again(r, wait)
			if err != nil {
				return nil, err
			}
			resp, err = c.client.Do(again)
			if err != nil {
				return nil, err
			}
		}
	}
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, modelBody), resp.Body}
	return resp, nil
}

func (c *politeClient) again(r *http.Request, wait time.Duration) (*http.Request, error) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again, nil
}

// retryAfter is how long to wait before the one retry; false: not worth it.
func retryAfter(r *http.Response) (time.Duration, bool) {
	v := r.Header.Get("Retry-After")
	if v == "" {
		return 200 * time.Millisecond, true
	}
	seconds, err := strconv.Atoi(v)
	if err != nil || seconds < 0 {
		return 0, false
	}
	wait := time.Duration(seconds) * time.Second
	return wait, wait <= modelRetry
}

// modelMeter counts calls and tokens. No label carries who asked.
type modelMeter struct {
	calls  *prometheus.CounterVec
	tokens *prometheus.CounterVec
	took   *prometheus.HistogramVec
	open   prometheus.Gauge
}

func newModelMeter(to prometheus.Registerer) *modelMeter {
	m := &modelMeter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_model_calls_total",
			Help: "Calls of the language model by task and result: ok, budget, breaker, failed, stopped."}, []string{"task", "result"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_model_tokens_total",
			Help: "Tokens the provider counted, by task and direction."}, []string{"task", "direction"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mingbai_model_seconds",
			Help: "How long calls took.", Buckets: []float64{.1, .25, .5, 1, 2, 4, 6, 10, 15, 20, 25}}, []string{"task"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mingbai_model_breaker_open",
			Help: "1 while the model is not asked because it failed too often."}),
	}
	if to != nil {
		to.MustRegister(m.calls, m.tokens, m.took, m.open)
	}
	return m
}

func (m *modelMeter) done(task string, err error, took time.Duration, c Completion) {
	result := "ok"
	var caller *callerError
	switch {
	case errors.Is(err, ErrBudget):
		result = "budget"
	case errors.Is(err, ErrBreaker):
		result = "breaker"
	case errors.As(err, &caller):
		result = "stopped"
	case err != nil:
		result = "failed"
	default:
		m.tokens.WithLabelValues(task, "in").Add(float64(c.In))
		m.tokens.WithLabelValues(task, "out").Add(float64(c.Out))
	}
	m.calls.WithLabelValues(task, result).Inc()
	if result == "ok" || result == "failed" {
		m.took.WithLabelValues(task).Observe(took.Seconds())
	}
}
