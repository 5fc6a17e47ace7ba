// SPDX-License-Identifier: MIT

// The MemoryQueue that was profiled, and the forms that its profile asked for.
//
// Its Enqueue made a DataMessage, copied id and payload and boxed the message into an
// interface{} for a channel: 4 allocations a message, and 152 bytes there (here 144: ids of 16
// bytes take a block of 16, longer ones took one of 24).

package main

import "sync"

type DataMessage struct {
	ID      string
	Payload []byte
}

type queue interface {
	Enqueue(id, payload []byte)
	// Receive a message, which counts what it was; false: closed and empty.
	Dequeue(tally *tally) bool
	Len() int
	Close()
}

// ------------------------------------------------------------- as profiled --

type MemoryQueue struct {
	messages chan interface{}
}

//go:noinline
func newDataMessage(id, payload []byte) *DataMessage {
	return &DataMessage{ID: string(id), Payload: append([]byte(nil), payload...)}
}

func (queue *MemoryQueue) Enqueue(id, payload []byte) {
	queue.messages <- *newDataMessage(id, payload)
}

func (queue *MemoryQueue) Dequeue(tally *tally) bool {
	boxed, open := <-queue.messages
	if !open {
		return false
	}
	message := boxed.(DataMessage)
	received(tally, message.ID, message.Payload)
	return true
}

func (queue *MemoryQueue) Len() int { return len(queue.messages) }
func (queue *MemoryQueue) Close()   { close(queue.messages) }

// ------------------------------------------------------------- object pool --

// Messages are used again, with the payload's bytes.
type ObjectQueue struct {
	messages chan interface{}
	pool     sync.Pool
}

func (queue *ObjectQueue) Enqueue(id, payload []byte) {
	message := queue.pool.Get().(*DataMessage)
	message.ID = string(id)
	message.Payload = append(message.Payload[:0], payload...)
	queue.messages <- message
}

func (queue *ObjectQueue) Dequeue(tally *tally) bool {
	boxed, open := <-queue.messages
	if !open {
		return false
	}
	message := boxed.(*DataMessage)
	received(tally, message.ID, message.Payload)
	queue.pool.Put(message)
	return true
}

func (queue *ObjectQueue) Len() int { return len(queue.messages) }
func (queue *ObjectQueue) Close()   { close(queue.messages) }

// ------------------------------------------------------------- buffer pool --

// Only the payload's bytes are used again.
type BufferQueue struct {
	messages chan interface{}
	pool     sync.Pool
}

type bufferMessage struct {
	ID      string
	Payload *[]byte
}

func (queue *BufferQueue) Enqueue(id, payload []byte) {
	buffer := queue.pool.Get().(*[]byte)
	*buffer = append((*buffer)[:0], payload...)
	queue.messages <- &bufferMessage{string(id), buffer}
}

func (queue *BufferQueue) Dequeue(tally *tally) bool {
	boxed, open := <-queue.messages
	if !open {
		return false
	}
	message := boxed.(*bufferMessage)
	received(tally, message.ID, *message.Payload)
	queue.pool.Put(message.Payload)
	return true
}

func (queue *BufferQueue) Len() int { return len(queue.messages) }
func (queue *BufferQueue) Close()   { close(queue.messages) }

// ----------------------------------------------------------- typed channel --

// The channel holds the messages themselves: no box.
type TypedQueue struct {
	messages chan DataMessage
}

func (queue *TypedQueue) Enqueue(id, payload []byte) {
	queue.messages <- DataMessage{string(id), append([]byte(nil), payload...)}
}

func (queue *TypedQueue) Dequeue(tally *tally) bool {
	message, open := <-queue.messages
	if open {
		received(tally, message.ID, message.Payload)
	}
	return open
}

func (queue *TypedQueue) Len() int { return len(queue.messages) }
func (queue *TypedQueue) Close()   { close(queue.messages) }

// ------------------------------------------ typed channel, bytes in messages --

const inlineMax = 48

type inlineMessage struct {
	idSize      uint8
	payloadSize uint8
	bytes       [inlineMax]byte
}

type InlineQueue struct {
	messages chan inlineMessage
}

func (queue *InlineQueue) Enqueue(id, payload []byte) {
	message := inlineMessage{idSize: uint8(len(id)), payloadSize: uint8(len(payload))}
	copy(message.bytes[:], id)
	copy(message.bytes[len(id):], payload)
	queue.messages <- message
}

func (queue *InlineQueue) Dequeue(tally *tally) bool {
	message, open := <-queue.messages
	if open {
		end := message.idSize + message.payloadSize
		received(tally, message.bytes[:message.idSize], message.bytes[message.idSize:end])
	}
	return open
}

func (queue *InlineQueue) Len() int { return len(queue.messages) }
func (queue *InlineQueue) Close()   { close(queue.messages) }
