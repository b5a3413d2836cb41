package bot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts what the bot does. No label carries who it was.
type meter struct {
	takes    *prometheus.CounterVec
	answers  *prometheus.CounterVec
	failures *prometheus.CounterVec
	held     *prometheus.CounterVec
	pickups  *prometheus.CounterVec
	sessions prometheus.Counter
	queue    prometheus.Gauge
	handle   prometheus.Histogram
	latency  prometheus.Histogram
}

func newMeter(to prometheus.Registerer, shared *Redis) *meter {
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 60}
	m := &meter{
		takes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_messages_total",
			Help: "Messages by channel and result: taken, repeated, limited, busy, failed."}, []string{"channel", "result"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_answers_total",
			Help: "Messages closed, by channel and how: sent, closed, send, given up."}, []string{"channel", "how"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_tries_failed_total",
			Help: "Tries to answer a message that failed."}, []string{"channel"}),
		held: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_replies_held_total",
			Help: "Replies that could not be brought and wait, by channel and why: closed, send."}, []string{"channel", "why"}),
		pickups: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_pickups_total",
			Help: "Held replies fetched, by how: code, continue, web."}, []string{"how"}),
		sessions: prometheus.NewCounter(prometheus.CounterOpts{Name: "mingbai_session_failures_total",
			Help: "Sessions that could not be loaded or saved."}),
		queue: prometheus.NewGauge(prometheus.GaugeOpts{Name: "mingbai_messages_waiting",
			Help: "Messages taken by this process and not answered."}),
		handle: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "mingbai_handle_seconds",
			Help: "How long the handler took.", Buckets: buckets}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "mingbai_answer_seconds",
			Help: "From a message being said to its reply being sent.", Buckets: buckets}),
	}
	if to != nil {
		to.MustRegister(m.takes, m.answers, m.failures, m.held, m.pickups, m.sessions, m.queue, m.handle, m.latency)
	}
	if to != nil && shared != nil {
		to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "mingbai_redis_up",
			Help: "1 while Redis works as far as is known."}, func() float64 {
			if shared.Up() {
				return 1
			}
			return 0
		}))
	}
	return m
}

func (m *meter) taken(channel, result string, err error) {
	if err != nil {
		result = "failed"
	}
	m.takes.WithLabelValues(channel, result).Inc()
}

func (m *meter) answered(channel, fault string, after time.Duration) {
	if fault == "" {
		fault = "sent"
		m.latency.Observe(after.Seconds())
	}
	m.answers.WithLabelValues(channel, fault).Inc()
}
