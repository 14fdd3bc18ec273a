// Package metrics is what a monitoring system is told: how many are signed in, how requests go, and whether work in the background does. It
// speaks the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
package metrics

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one running deployment. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	failing  *prometheus.GaugeVec
}

// New has what Go and the system say of the process from the start.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "curfew_request_duration_seconds", Help: "How long answers took, without the network. Streams of events are left out.",
			Buckets: []float64{.0001, .0005, .001, .005, .025, .1, .5, 2.5},
		}, []string{"method", "route", "status"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "curfew_background_failing", Help: "1 while some work in the background fails and is tried again; the log says why.",
		}, []string{"work"}),
	}
	m.registry.MustRegister(m.requests, m.failing, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gauge adds a figure that is asked for whenever somebody looks.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Failing notes whether some work in the background fails.
func (m *Metrics) Failing(work string, failing bool) {
	value := 0.0
	if failing {
		value = 1
	}
	m.failing.WithLabelValues(work).Set(value)
}

// Handler answers whoever looks.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}

// Requests are those of one route. To find them by its name takes longer than to count one, so they are found once.
type Requests struct {
	of      func(status string) prometheus.Observer
	classes [5]atomic.Pointer[prometheus.Observer] // of their status; those that there are
}

// Requests counts requests of a method and a route.
func (m *Metrics) Requests(method, route string) *Requests {
	return &Requests{of: func(status string) prometheus.Observer { return m.requests.WithLabelValues(method, route, status) }}
}

// Took counts one.
func (r *Requests) Took(status int, d time.Duration) {
	class := min(max(status/100, 1), len(r.classes))
	known := r.classes[class-1].Load()
	if known == nil {
		found := r.of(strconv.Itoa(class) + "xx") // the same one, whoever asks first
		known = &found
		r.classes[class-1].Store(known)
	}
	(*known).Observe(d.Seconds())
}
