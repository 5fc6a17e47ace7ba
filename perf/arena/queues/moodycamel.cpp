// SPDX-License-Identifier: MIT
// moodycamel's ConcurrentQueue: a queue for each sender, in blocks; order is kept within a sender's
// only. With its tokens and without, and the form whose receivers sleep.
//
// It is unbounded; constructed for the capacity, and with the sends that do not allocate, it holds
// some blocks more than that for each sender, and then is full. A batch goes as a whole or not
// at all. Without tokens a sender's index has to be as large from the start.
#include "adapter.hpp"

#include <concurrentqueue/blockingconcurrentqueue.h>

namespace {

enum { BATCH = 64 };

struct traits : moodycamel::ConcurrentQueueDefaultTraits {
	static const std::size_t IMPLICIT_INITIAL_INDEX_SIZE = 4096; // blocks of 32
};

using plain_queue = moodycamel::ConcurrentQueue<arena_message, traits>;
using blocking_queue = moodycamel::BlockingConcurrentQueue<arena_message, traits>;

template <typename Queue>
struct channel_with_tokens {
	Queue queue;

	channel_with_tokens(std::size_t capacity, unsigned int senders, unsigned int)
		: queue(capacity, senders, 0)
	{
	}
};

struct channel_without_tokens {
	plain_queue queue;

	channel_without_tokens(std::size_t capacity, unsigned int senders, unsigned int)
		: queue(capacity, 0, senders)
	{
	}
};

// Of the two tokens a side uses one. A sender's token makes a queue of its own.
template <typename Queue>
struct side_with_tokens {
	Queue &queue;
	moodycamel::ProducerToken *sends;
	moodycamel::ConsumerToken receives;

	side_with_tokens(channel_with_tokens<Queue> &channel, bool sender)
		: queue(channel.queue),
		  sends(sender ? new moodycamel::ProducerToken(queue) : nullptr),
		  receives(queue)
	{
	}

	side_with_tokens(const side_with_tokens &) = delete;
	side_with_tokens &operator=(const side_with_tokens &) = delete;

	~side_with_tokens()
	{
		delete sends;
	}

	std::size_t send(const arena_message *messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_enqueue(*sends, *messages);
		return queue.try_enqueue_bulk(*sends, messages, count) ? count : 0;
	}

	std::size_t receive(arena_message *ret_messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_dequeue(receives, *ret_messages);
		return queue.try_dequeue_bulk(receives, ret_messages, count);
	}

	// There is always room: it allocates.
	void send_waiting(const arena_message &message)
	{
		while (!queue.enqueue(*sends, message))
			;
	}

	void receive_waiting(arena_message &ret_message)
	{
		queue.wait_dequeue(receives, ret_message);
	}
};

struct side_without_tokens {
	plain_queue &queue;

	side_without_tokens(channel_without_tokens &channel, bool) : queue(channel.queue) {}

	std::size_t send(const arena_message *messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_enqueue(*messages);
		return queue.try_enqueue_bulk(messages, count) ? count : 0;
	}

	std::size_t receive(arena_message *ret_messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_dequeue(*ret_messages);
		return queue.try_dequeue_bulk(ret_messages, count);
	}
};

using made_with = adapter<channel_with_tokens<plain_queue>, side_with_tokens<plain_queue>>;
using made_without = adapter<channel_without_tokens, side_without_tokens>;
using made_blocking = adapter<channel_with_tokens<blocking_queue>, side_with_tokens<blocking_queue>>;

} // namespace

extern "C" {
extern const struct queue queue_moodycamel;
extern const struct queue queue_moodycamel_no_tokens;
extern const struct queue queue_moodycamel_blocking;

const struct queue queue_moodycamel = {
	.name = "moodycamel, tokens",
	.origin = "moodycamel::ConcurrentQueue",
	.carries = "56 bytes",
	.flags = QUEUE_UNBOUNDED,
	.batch_max = BATCH,
	.create = made_with::create,
	.destroy = made_with::destroy,
	.attach = made_with::attach,
	.detach = made_with::detach,
	.send = made_with::send,
	.receive = made_with::receive,
	.send_waiting = nullptr,
	.receive_waiting = nullptr,
	.program_form = nullptr,
};

const struct queue queue_moodycamel_no_tokens = {
	.name = "moodycamel, no tokens",
	.origin = "moodycamel::ConcurrentQueue",
	.carries = "56 bytes",
	.flags = QUEUE_UNBOUNDED,
	.batch_max = BATCH,
	.create = made_without::create,
	.destroy = made_without::destroy,
	.attach = made_without::attach,
	.detach = made_without::detach,
	.send = made_without::send,
	.receive = made_without::receive,
	.send_waiting = nullptr,
	.receive_waiting = nullptr,
	.program_form = nullptr,
};

const struct queue queue_moodycamel_blocking = {
	.name = "moodycamel, blocking",
	.origin = "moodycamel::BlockingConcurrentQueue, tokens",
	.carries = "56 bytes",
	.flags = QUEUE_UNBOUNDED,
	.batch_max = BATCH,
	.create = made_blocking::create,
	.destroy = made_blocking::destroy,
	.attach = made_blocking::attach,
	.detach = made_blocking::detach,
	.send = made_blocking::send,
	.receive = made_blocking::receive,
	.send_waiting = made_blocking::send_waiting,
	.receive_waiting = made_blocking::receive_waiting,
	.program_form = nullptr,
};
}
