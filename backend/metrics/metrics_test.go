package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatIsTold(t *testing.T) {
	m := New()
	m.Gauge("curfew_answer", func() float64 { return 42 })
	m.Failing("the sweep", true)
	m.Failing("the sweep", false)
	m.Failing("the checkpoint", true)
	pages := m.Requests("GET", "/page")
	pages.Took(204, 200*time.Microsecond)
	m.Requests("GET", "/page").Took(200, time.Second)
	for _, odd := range []int{0, 42, 999} { // no status that we give, and no reason to fall over
		pages.Took(odd, time.Millisecond)
	}

	var told strings.Builder
	m.Write(&told)
	for _, line := range []string{
		"\n# TYPE curfew_answer gauge\ncurfew_answer 42\n",
		`curfew_background_failing{work="the checkpoint"} 1` + "\n",
		`curfew_background_failing{work="the sweep"} 0` + "\n",
		`curfew_request_duration_seconds_bucket{method="GET",route="/page",status="2xx",le="0.0005"} 1` + "\n",
		`curfew_request_duration_seconds_count{method="GET",route="/page",status="2xx"} 2` + "\n",
		`curfew_request_duration_seconds_count{method="GET",route="/page",status="1xx"} 2` + "\n",
		`curfew_request_duration_seconds_count{method="GET",route="/page",status="5xx"} 1` + "\n",
		"\ngo_goroutines ", "\nprocess_open_fds ",
	} {
		require.Contains(t, told.String(), line)
	}
	require.NotContains(t, told.String(), `status="3xx"`)
}
