package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"curfew/backend/member"
)

// BenchmarkGetSession is one request of GET /api/session by bearer token, through the router, the
// guard and the encoder.
func BenchmarkGetSession(b *testing.B) {
	h := open(b, options{})
	request := httptest.NewRequest(http.MethodGet, "https://curfew.example.org/api/session", nil)
	request.Header.Set("Authorization", "Bearer "+h.program(member.Plain).access)
	b.ReportAllocs()
	for b.Loop() {
		recorder := httptest.NewRecorder()
		h.echo.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Code)
		}
	}
}
