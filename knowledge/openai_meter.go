package knowledge

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// modelMeter counts calls and tokens. No label carries who asked.
type modelMeter struct {
	calls  *prometheus.CounterVec
	tokens *prometheus.CounterVec
	took   *prometheus.HistogramVec
	open   prometheus.Gauge
	now    prometheus.Gauge
}

func newModelMeter(to prometheus.Registerer) *modelMeter {
	m := &modelMeter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_model_calls_total",
			Help: "Calls of the language model by task and result: ok, budget, busy, breaker, failed, stopped."}, []string{"task", "result"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_model_tokens_total",
			Help: "Tokens by task and direction, as the provider counted them; estimated where it did not."}, []string{"task", "direction"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mingbai_model_seconds",
			Help: "How long calls took.", Buckets: []float64{.1, .25, .5, 1, 2, 4, 6, 10, 15, 20, 25}}, []string{"task"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mingbai_model_breaker_open",
			Help: "1 while the model is not asked because it failed too often."}),
		now: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mingbai_model_calls_now",
			Help: "Calls of the language model under way."}),
	}
	if to != nil {
		to.MustRegister(m.calls, m.tokens, m.took, m.open, m.now)
	}
	return m
}

func (m *modelMeter) done(task string, err error, took time.Duration, c Completion) {
	result := "ok"
	var caller *callerError
	switch {
	case errors.Is(err, errBusy):
		result = "busy"
	case errors.Is(err, ErrBudget):
		result = "budget"
	case errors.Is(err, ErrBreaker):
		result = "breaker"
	case errors.As(err, &caller):
		result = "stopped"
	case err != nil:
		result = "failed"
	}
	m.tokens.WithLabelValues(task, "in").Add(float64(c.In))
	m.tokens.WithLabelValues(task, "out").Add(float64(c.Out))
	m.calls.WithLabelValues(task, result).Inc()
	if result == "ok" || result == "failed" {
		m.took.WithLabelValues(task).Observe(took.Seconds())
	}
}
