// Package metrics is what a monitoring system is told: how many are signed in, how requests go, and whether work in the background does. It
// speaks the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
package metrics

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"curfew/backend/build"
)

// ContentType is that of what [Metrics.Write] writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Metrics are those of one running deployment. They are safe for concurrent use.
type Metrics struct{ set *metrics.Set }

// New has only what the program was built from.
func New() *Metrics {
	metrics.ExposeMetadata(true) // for all sets; the library does without unless it is told
	m, info := &Metrics{metrics.NewSet()}, build.Read()
	m.Gauge(fmt.Sprintf("curfew_build_info{version=%q,commit=%q,date=%q,goversion=%q}", info.Version, info.Commit, info.Date, info.Go),
		func() float64 { return 1 })
	return m
}

// Gauge adds a figure that is asked for whenever somebody looks.
func (m *Metrics) Gauge(name string, value func() float64) { m.set.NewGauge(name, value) }

// Failing notes whether some work in the background fails.
func (m *Metrics) Failing(work string, failing bool) {
	value := 0.0
	if failing {
		value = 1
	}
	m.set.GetOrCreateGauge(fmt.Sprintf("curfew_background_failing{work=%q}", work), nil).Set(value)
}

// Write tells them, and what Go and the system say of the process.
func (m *Metrics) Write(w io.Writer) {
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	metrics.WriteFDMetrics(w)
}

// Requests are those of one route. To find them by its name takes longer than to count one, so they are found once.
type Requests struct {
	of      func(class int) *metrics.PrometheusHistogram
	classes [5]atomic.Pointer[metrics.PrometheusHistogram] // of their status; those that there are
}

// Requests counts requests of a method and a route.
func (m *Metrics) Requests(method, route string) *Requests {
	return &Requests{of: func(class int) *metrics.PrometheusHistogram {
		name := fmt.Sprintf(`curfew_request_duration_seconds{method=%q,route=%q,status="%dxx"}`, method, route, class)
		return m.set.GetOrCreatePrometheusHistogramExt(name, []float64{.0001, .0005, .001, .005, .025, .1, .5, 2.5})
	}}
}

// Took counts one.
func (r *Requests) Took(status int, d time.Duration) {
	class := min(max(status/100, 1), len(r.classes))
	known := r.classes[class-1].Load()
	if known == nil {
		known = r.of(class) // the same one, whoever asks first
		r.classes[class-1].Store(known)
	}
	known.Update(d.Seconds())
}
