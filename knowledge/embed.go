package knowledge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sashabaranov/go-openai"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// Times and sizes of calls for vectors.
const (
	embedQuestion = time.Second      // a question's vector that is not there by then is not used
	embedTexts    = 60 * time.Second // for a batch
	embedTries    = 5                // of a batch, with pauses of 1, 2, 4 and 8 s between
	embedBody     = 64 << 20         // bytes of an answer: 64 vectors of 8,192 numbers are 10 MB
)

// EmbedOptions says who gives vectors and how often it may be asked.
type EmbedOptions struct {
	BaseURL   string
	Key       string
	Model     string
	PerMinute int   // requests; defaults to 300
	PerDay    int   // tokens a day in all, shared with the language model; defaults to 2,000,000
	Spend     Spend // pays for questions; nil: no budget is kept
	Log       *slog.Logger
	Metrics   prometheus.Registerer

	pause time.Duration // before the second try of a batch
	wait  time.Duration // for the vector of a question
}

// EmbedModel asks an OpenAI-compatible server for vectors. What persons asked is
// masked before it leaves. It is safe for concurrent use.
type EmbedModel struct {
	o       EmbedOptions
	mask    *Redactor
	http    *politeClient
	client  *openai.Client
	limit   *rate.Limiter
	breaker *gobreaker.CircuitBreaker[[]float32]
	calls   *prometheus.CounterVec
}

// NewEmbedModel makes the client. It cannot be made without what masks.
func NewEmbedModel(o EmbedOptions, mask *Redactor) (*EmbedModel, error) {
	if mask == nil {
		return nil, errors.New("knowledge: no vectors without masking")
	}
	if o.BaseURL == "" || o.Model == "" {
		return nil, errors.New("knowledge: a model needs an address and a name")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PerMinute <= 0 {
		o.PerMinute = 300
	}
	if o.PerDay <= 0 {
		o.PerDay = 2_000_000
	}
	if o.pause <= 0 {
		o.pause = time.Second
	}
	if o.wait <= 0 {
		o.wait = embedQuestion
	}
	m := &EmbedModel{
		o: o, mask: mask, http: newPoliteClient(embedTexts, 4, embedBody),
		limit: rate.NewLimiter(rate.Limit(float64(o.PerMinute)/60), max(1, o.PerMinute/10)),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_embedding_calls_total",
			Help: "Questions whose vector was asked for, by result: ok, failed, breaker, limited."}, []string{"result"}),
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(m.calls)
	}
	m.client = openaiClient(o.BaseURL, o.Key, m.http)
	m.breaker = gobreaker.NewCircuitBreaker[[]float32](gobreaker.Settings{
		Name: "embedding", Interval: time.Minute, Timeout: breakerRests,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerRow },
		IsExcluded:  func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			o.Log.Warn("embedding breaker", "state", to.String())
		},
	})
	return m, nil
}

// Close lets go of idle connections.
func (m *EmbedModel) Close() { m.http.client.CloseIdleConnections() }

// Embed gives the vectors of texts of the base. It keeps to the rate, and tries
// a failing batch again.
func (m *EmbedModel) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	pause := m.o.pause
	for try := 1; ; try++ {
		if err := m.limit.Wait(ctx); err != nil {
			return nil, err
		}
		vectors, err := m.ask(ctx, texts)
		if err == nil || ctx.Err() != nil || try == embedTries {
			return vectors, err
		}
		m.o.Log.Warn("no vectors; trying again", "err", err, "try", try)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		case <-t.C:
		}
		pause *= 2
	}
}

// EmbedQuestion gives the vector of a masked question within a second. It does
// not wait for the rate, and not at all while the server keeps failing.
func (m *EmbedModel) EmbedQuestion(ctx context.Context, text string) (v []float32, err error) {
	result := "ok"
	defer func() { m.calls.WithLabelValues(result).Inc() }()
	text = m.mask.Mask(text).Text
	if !m.limit.Allow() {
		result = "limited"
		return nil, ErrBudget
	}
	if m.o.Spend != nil {
		if ok, err := m.o.Spend(ctx, "all", EstimateTokens(text), m.o.PerDay); !ok || err != nil {
			result = "limited"
			return nil, ErrBudget
		}
	}
	v, err = m.breaker.Execute(func() ([]float32, error) {
		ctx, cancel := context.WithTimeout(ctx, m.o.wait)
		defer cancel()
		vectors, err := m.ask(ctx, []string{text})
		if err != nil {
			return nil, err
		}
		return vectors[0], nil
	})
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		result, err = "breaker", ErrBreaker
	case err != nil:
		result = "failed"
	}
	return v, err
}

func (m *EmbedModel) ask(ctx context.Context, texts []string) ([][]float32, error) {
	resp, err := m.client.CreateEmbeddings(ctx, openai.EmbeddingRequest{Input: texts, Model: openai.EmbeddingModel(m.o.Model)})
	if err != nil {
		return nil, modelFault(ctx, err)
	}
	out := make([][]float32, len(texts))
	for _, d := range resp.Data {
		if d.Index < 0 || d.Index >= len(out) || out[d.Index] != nil || len(d.Embedding) == 0 || len(d.Embedding) > maxDim {
			return nil, &modelError{why: "wrong vectors"}
		}
		out[d.Index] = d.Embedding
	}
	for _, v := range out {
		if v == nil || len(v) != len(out[0]) {
			return nil, &modelError{why: fmt.Sprintf("%d vectors for %d texts", len(resp.Data), len(texts))}
		}
	}
	return out, nil
}
