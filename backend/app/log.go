package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Strangers can cause most lines of the log: each refused request is one. So of lines with the same
// message and level only so many are written at once, and then one in a while; the others are
// counted. A flood of refused requests comes in up to three such kinds, which makes fewer than 100
// lines a minute. Lines at debug are written one and all: who asks for them wants each request. So
// are those at info, which no stranger causes.
const (
	linesAtOnce  = 10
	betweenLines = 4 * time.Second
	// betweenCounts is how often it is told how many lines were left out.
	betweenCounts = time.Minute
)

// limitedLog is a [slog.Handler] that leaves out lines of which there are too many.
type limitedLog struct {
	slog.Handler
	limits *lineLimits
}

// limitLog returns the log with limits, and the limits, which have to be asked to tell what was
// left out.
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

// lineLimits has a limit for each kind of line. Messages are constant texts, so there are not many.
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

// allow reports whether the line is to be written.
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

// tell writes how many lines of each kind were left out since it was last told.
func (l *lineLimits) tell() {
	l.kinds.Range(func(key, limit any) bool {
		if leftOut := limit.(*lineLimit).leftOut.Swap(0); leftOut > 0 {
			kind := key.(lineKind)
			l.log.Warn("lines were left out of the log, because there were too many of them", "count", leftOut, "lines", kind.message, "of", kind.level)
		}
		return true
	})
}
