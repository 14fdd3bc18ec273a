// Package metrics exposes metrics to a monitoring system: sessions, requests and background work.
// It writes the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
package metrics

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"curfew/backend/build"
)

// ContentType is the content type of what [Metrics.Write] writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Metrics holds the metrics of one running deployment. It is safe for concurrent use.
type Metrics struct{ set *metrics.Set }

// New returns metrics that hold only the build.
func New() *Metrics {
	metrics.ExposeMetadata(true) // global: the library leaves TYPE lines out otherwise
	m, info := &Metrics{metrics.NewSet()}, build.Read()
	m.Gauge(fmt.Sprintf("curfew_build_info{version=%q,commit=%q,date=%q,goversion=%q}", info.Version, info.Commit, info.Date, info.Go),
		func() float64 { return 1 })
	return m
}

// Gauge adds a gauge whose value is read at each scrape.
func (m *Metrics) Gauge(name string, value func() float64) { m.set.NewGauge(name, value) }

// Failing records whether some background work fails.
func (m *Metrics) Failing(work string, failing bool) {
	value := 0.0
	if failing {
		value = 1
	}
	m.set.GetOrCreateGauge(fmt.Sprintf("curfew_background_failing{work=%q}", work), nil).Set(value)
}

// Write writes the metrics, with those of Go and of the process.
func (m *Metrics) Write(w io.Writer) {
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	metrics.WriteFDMetrics(w)
}

// Requests counts the requests of one route. It keeps its histograms, because finding one by name
// takes longer than counting a request.
type Requests struct {
	of      func(class int) *metrics.PrometheusHistogram
	classes [5]atomic.Pointer[metrics.PrometheusHistogram] // by class of status; nil until the first
}

// Requests returns the counter of a method and a route.
func (m *Metrics) Requests(method, route string) *Requests {
	return &Requests{of: func(class int) *metrics.PrometheusHistogram {
		name := fmt.Sprintf(`curfew_request_duration_seconds{method=%q,route=%q,status="%dxx"}`, method, route, class)
		return m.set.GetOrCreatePrometheusHistogramExt(name, []float64{.0001, .0005, .001, .005, .025, .1, .5, 2.5})
	}}
}

// Took counts one request.
func (r *Requests) Took(status int, d time.Duration) {
	class := min(max(status/100, 1), len(r.classes))
	known := r.classes[class-1].Load()
	if known == nil {
		known = r.of(class) // returns the same histogram to concurrent callers
		r.classes[class-1].Store(known)
	}
	known.Update(d.Seconds())
}
