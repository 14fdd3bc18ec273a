package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Strangers can cause log lines, as each refused request writes one. So lines above info are rate
// limited by message and level, and those left out are counted. A flood of refused requests makes
// up to three such kinds, which is fewer than 100 lines a minute.
const (
	linesAtOnce  = 10
	betweenLines = 4 * time.Second
	// betweenCounts is how often the number of lines left out is logged.
	betweenCounts = time.Minute
)

// limitedLog is a [slog.Handler] that limits the rate of lines.
type limitedLog struct {
	slog.Handler
	limits *lineLimits
}

// limitLog returns the log with rate limits, and the limits.
func limitLog(log *slog.Logger) (*slog.Logger, *lineLimits) {
	limits := &lineLimits{log: log}
	return slog.New(limitedLog{log.Handler(), limits}), limits
}

// Handle implements [slog.Handler].
func (l limitedLog) Handle(ctx context.Context, line slog.Record) error {
	if line.Level > slog.LevelInfo && !l.limits.allow(line) {
		return nil
	}
	return l.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (l limitedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limitedLog{l.Handler.WithAttrs(attrs), l.limits}
}

// WithGroup implements [slog.Handler].
func (l limitedLog) WithGroup(name string) slog.Handler {
	return limitedLog{l.Handler.WithGroup(name), l.limits}
}

// lineLimits holds a limit for each kind of line. There are few, because messages are constants.
type lineLimits struct {
	log   *slog.Logger // without limits
	kinds sync.Map     // of *lineLimit by lineKind
}

type lineKind struct {
	level   slog.Level
	message string
}

type lineLimit struct {
	turns   *rate.Limiter
	leftOut atomic.Int64
}

// allow reports whether to write the line.
func (l *lineLimits) allow(line slog.Record) bool {
	kind := lineKind{line.Level, line.Message}
	kept, known := l.kinds.Load(kind)
	if !known {
		kept, _ = l.kinds.LoadOrStore(kind, &lineLimit{turns: rate.NewLimiter(rate.Every(betweenLines), linesAtOnce)})
	}
	limit := kept.(*lineLimit)
	if limit.turns.AllowN(line.Time, 1) {
		return true
	}
	limit.leftOut.Add(1)
	return false
}

// report logs how many lines of each kind were left out since the last report.
func (l *lineLimits) report() {
	l.kinds.Range(func(key, limit any) bool {
		if leftOut := limit.(*lineLimit).leftOut.Swap(0); leftOut > 0 {
			kind := key.(lineKind)
			l.log.Warn("lines were left out of the log, because there were too many of them", "count", leftOut, "lines", kind.message, "of", kind.level)
		}
		return true
	})
}
