package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// SQLite reads the write-ahead log up to the first frame with a wrong checksum, and silently drops
// the rest. That is right for a frame that a power loss tore. But a damaged byte looks the same,
// and would take back all that was answered after it: revoked sessions would be alive again.
//
// Each commit is synced before the next one is written, so a power loss tears the last transaction
// only. With two commits at or after a bad frame, the log is damaged and must not be used. Damage
// to the very last transaction cannot be told from a torn one.

// The format of the log is https://www.sqlite.org/fileformat2.html#walformat: a header, then frames
// of a header and a page each.
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
)

// checkLog returns an [*UnusableError] for a damaged write-ahead log. It changes nothing.
func checkLog(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	damage, err := damageIn(bufio.NewReaderSize(file, 1<<20))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("check the write-ahead log: %w", err)
	}
	if damage != "" {
		return &UnusableError{Advice: "has a damaged write-ahead log (" + damage + "). " + restoreAdvice}
	}
	return nil
}

// damageIn describes the damage to the log. It is empty for a log that is whole, or torn at its
// end.
func damageIn(log io.Reader) (string, error) {
	var header [logHeaderSize]byte
	if _, err := io.ReadFull(log, header[:]); err != nil {
		return "", tornOff(err)
	}
	sum, ok := newLogSum(binary.BigEndian.Uint32(header[:]))
	if ok {
		sum.add(header[:24])
	}
	pageSize := binary.BigEndian.Uint32(header[8:])
	if !ok || !sum.is(header[24:]) || pageSize < 512 || pageSize > 1<<16 {
		// It is in one sector, written before any frame, and synced.
		if _, err := io.ReadFull(log, make([]byte, frameHeaderSize)); err != nil {
			return "", tornOff(err)
		}
		return "its header", nil
	}
	frame := make([]byte, frameHeaderSize+pageSize)
	bad, commits := 0, 0
	for n := 1; ; n++ {
		if _, err := io.ReadFull(log, frame); err != nil {
			return "", tornOff(err)
		}
		ours := string(frame[8:16]) == string(header[16:24]) // frames with another salt are of a log that was folded in long ago
		sum.add(frame[:8])
		sum.add(frame[frameHeaderSize:])
		if whole := ours && sum.is(frame[16:24]); bad == 0 && !whole {
			bad = n
		}
		if isCommit := binary.BigEndian.Uint32(frame[4:]) != 0; isCommit && ours && bad != 0 {
			commits++
		}
		if commits > 1 {
			return fmt.Sprintf("frame %d, and a commit behind it", bad), nil
		}
	}
}

// tornOff returns nil for the end of the log.
func tornOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// logSum is the running checksum of the log, over the start and the page of each frame.
type logSum struct {
	order binary.ByteOrder
	a, b  uint32
}

// newLogSum returns a sum in the byte order that the log's first word names; not ok for another
// word.
func newLogSum(magic uint32) (sum logSum, ok bool) {
	switch magic {
	case 0x377f0682:
		return logSum{order: binary.LittleEndian}, true
	case 0x377f0683:
		return logSum{order: binary.BigEndian}, true
	}
	return logSum{}, false
}

func (s *logSum) add(bytes []byte) {
	for ; len(bytes) > 0; bytes = bytes[8:] {
		s.a += s.order.Uint32(bytes) + s.b
		s.b += s.order.Uint32(bytes[4:]) + s.a
	}
}

func (s *logSum) is(stored []byte) bool {
	return s.a == binary.BigEndian.Uint32(stored) && s.b == binary.BigEndian.Uint32(stored[4:])
}
