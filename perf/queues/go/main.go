// SPDX-License-Identifier: MIT

// Senders and receivers on a MemoryQueue, for some seconds; a line of JSON says what came of it.
//
// Messages are those that were profiled: ids of 16 bytes, payloads of 32. Each receiver
// verifies each message, and in the end what was received is what was sent, or the
// status is 1. The first fifth is for warming up. With -backlog receivers begin when the queue
// is full. Goroutines are not pinned: that is the scheduler's of Go.

package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const idSize, payloadSize = 16, 32

// Of one goroutine, and no cache line with another's.
type tally struct {
	_      [128]byte
	count  uint64 // atomic: the main goroutine looks
	sum    uint64
	broken bool
	_      [128]byte
}

func word[B string | []byte](bytes B, at int) uint64 {
	return uint64(bytes[at]) | uint64(bytes[at+1])<<8 | uint64(bytes[at+2])<<16 |
		uint64(bytes[at+3])<<24 | uint64(bytes[at+4])<<32 | uint64(bytes[at+5])<<40 |
		uint64(bytes[at+6])<<48 | uint64(bytes[at+7])<<56
}

func putWord(bytes []byte, at int, value uint64) {
	for i := 0; i < 8; i++ {
		bytes[at+i] = byte(value >> (8 * i))
	}
}

func mix(sender, sequence uint64) uint64 {
	bits := (sequence+sender<<48)*0x9e3779b97f4a7c15 + 1
	return bits ^ bits>>32
}

func fill(id, payload []byte, sender, sequence uint64) uint64 {
	mixed := mix(sender, sequence)
	putWord(id, 0, sender)
	putWord(id, 8, sequence)
	for at := 0; at < payloadSize; at += 8 {
		putWord(payload, at, mixed+uint64(at))
	}
	return mixed
}

func received[B string | []byte](tally *tally, id B, payload []byte) {
	if len(id) != idSize || len(payload) != payloadSize {
		tally.broken = true
		return
	}
	mixed := mix(word(id, 0), word(id, 8))
	for at := 0; at < payloadSize; at += 8 {
		if word(payload, at) != mixed+uint64(at) {
			tally.broken = true
		}
	}
	tally.sum += mixed
	atomic.StoreUint64(&tally.count, tally.count+1)
}

func newQueue(form string, capacity int) queue {
	switch form {
	case "profiled":
		return &MemoryQueue{make(chan interface{}, capacity)}
	case "objects":
		return &ObjectQueue{make(chan interface{}, capacity),
			sync.Pool{New: func() interface{} { return new(DataMessage) }}}
	case "buffers":
		return &BufferQueue{make(chan interface{}, capacity),
			sync.Pool{New: func() interface{} { return new([]byte) }}}
	case "typed":
		return &TypedQueue{make(chan DataMessage, capacity)}
	case "inline":
		return &InlineQueue{make(chan inlineMessage, capacity)}
	}
	fmt.Fprintf(os.Stderr, "%s: profiled, objects, buffers, typed or inline\n", form)
	os.Exit(2)
	return nil
}

func peakBytes() uint64 {
	var kilobytes uint64
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Sscan(strings.TrimPrefix(line, "VmHWM:"), &kilobytes)
		}
	}
	return kilobytes * 1024
}

func total(tallies []tally) (count, sum uint64, broken bool) {
	for i := range tallies {
		count += atomic.LoadUint64(&tallies[i].count)
		sum += tallies[i].sum
		broken = broken || tallies[i].broken
	}
	return
}

func counted(tallies []tally) (count uint64) {
	for i := range tallies {
		count += atomic.LoadUint64(&tallies[i].count)
	}
	return
}

func main() {
	form := flag.String("form", "profiled", "profiled, objects, buffers, typed or inline")
	senders := flag.Int("senders", 1, "")
	receivers := flag.Int("receivers", 1, "")
	capacity := flag.Int("capacity", 1024, "messages")
	seconds := flag.Float64("seconds", 1, "")
	backlog := flag.Bool("backlog", false, "fill the queue before receivers begin")
	spoil := flag.Bool("spoil", false, "send a message that is not counted: must end with 1")
	flag.Parse()

	queue := newQueue(*form, *capacity)
	sent := make([]tally, *senders)
	got := make([]tally, *receivers)
	var stop uint32
	var sending, receiving sync.WaitGroup

	for i := range sent {
		sending.Add(1)
		go func(sender uint64, tally *tally) {
			id := make([]byte, idSize)
			payload := make([]byte, payloadSize)
			for sequence := uint64(0); atomic.LoadUint32(&stop) == 0; sequence++ {
				mixed := fill(id, payload, sender, sequence)
				queue.Enqueue(id, payload)
				if !*spoil || sequence != 0 {
					tally.sum += mixed
					tally.count++
				}
			}
			sending.Done()
		}(uint64(i), &sent[i])
	}
	for *backlog && queue.Len() < *capacity {
		time.Sleep(time.Millisecond)
	}
	for i := range got {
		receiving.Add(1)
		go func(tally *tally) {
			for queue.Dequeue(tally) {
			}
			receiving.Done()
		}(&got[i])
	}

	var before, after runtime.MemStats
	time.Sleep(time.Duration(*seconds / 5 * 1e9))
	runtime.ReadMemStats(&before)
	length := queue.Len()
	first, start := counted(got), time.Now()
	last := first
	for last == first { // on a busy machine nobody may have come to receive anything
		time.Sleep(time.Duration(*seconds * 1e9))
		last = counted(got)
	}
	elapsed := time.Since(start)
	length = queue.Len() - length
	runtime.ReadMemStats(&after)

	atomic.StoreUint32(&stop, 1)
	sending.Wait()
	queue.Close()
	receiving.Wait()
	sentCount, sentSum, _ := total(sent)
	gotCount, gotSum, broken := total(got)
	if sentCount != gotCount || sentSum != gotSum || broken {
		fmt.Fprintf(os.Stderr, "WRONG RESULT: %s: sent %d %x, received %d %x, broken: %t\n",
			*form, sentCount, sentSum, gotCount, gotSum, broken)
		os.Exit(1)
	}
	messages := last - first
	enqueued := float64(messages) + float64(length) // it is they that take memory
	if enqueued < 1 {
		enqueued = 1
	}
	fmt.Printf(`{"form": "%s", "messages": %d, "seconds": %.9f, "bytes_per_message": %.3f, `+
		`"mallocs_per_message": %.4f, "peak_rss_bytes": %d}`+"\n",
		*form, messages, elapsed.Seconds(),
		float64(after.TotalAlloc-before.TotalAlloc)/enqueued,
		float64(after.Mallocs-before.Mallocs)/enqueued, peakBytes())
}
