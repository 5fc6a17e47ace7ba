// SPDX-License-Identifier: MIT
// moodycamel's ConcurrentQueue: a queue for each sender, in blocks; order is kept within a sender's
// only. With its tokens and without, and the form whose receivers sleep.
//
// It is unbounded, and its sends that do not allocate are no way to bound it: a sender keeps the
// blocks that it once had, and another may find none for ever. So a sender asks how many there
// are, may then send its share of what is missing to the capacity, and asks again: a look at
// the others' lines once in many messages.
#include "queues/adapter.hpp"

#include <concurrentqueue/blockingconcurrentqueue.h>
#include <type_traits>

namespace {

enum { BATCH = 64 };

using plain_queue = moodycamel::ConcurrentQueue<message>;
using blocking_queue = moodycamel::BlockingConcurrentQueue<message>;

// All senders use tokens, or none.
template <typename Queue, bool TOKENS>
struct channel {
	Queue queue;
	const std::size_t capacity;
	const unsigned int senders;

	channel(std::size_t places, unsigned int sides, unsigned int)
		: queue(places, TOKENS ? sides : 0, TOKENS ? 0 : sides),
		  capacity(places),
		  senders(sides)
	{
	}
};

using plain_channel = channel<plain_queue, true>;
using tokenless_channel = channel<plain_queue, false>;
using blocking_channel = channel<blocking_queue, true>;

// How many messages one sender may send before it asks again.
template <typename Channel>
class allowance {
public:
	explicit allowance(Channel &channel) : mine(channel) {}

	// Up to count of them.
	std::size_t take(std::size_t count)
	{
		if (left == 0) {
			const std::size_t size = mine.queue.size_approx();

			if (size < mine.capacity)
				left = (mine.capacity - size + mine.senders - 1) / mine.senders;
		}
		if (count > left)
			count = left;
		left -= count;
		return count;
	}

private:
	Channel &mine;
	std::size_t left = 0;
};

// Of the two tokens a side uses one. A sender's token makes a queue of its own.
template <typename Channel>
struct side_with_tokens {
	decltype(Channel::queue) &queue;
	allowance<Channel> allowed;
	moodycamel::ProducerToken *sends;
	moodycamel::ConsumerToken receives;

	side_with_tokens(Channel &channel, bool sender)
		: queue(channel.queue),
		  allowed(channel),
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

	std::size_t send(const message *messages, std::size_t count)
	{
		count = allowed.take(count);
		if (count > 1)
			return queue.enqueue_bulk(*sends, messages, count) ? count : 0;
		return count == 1 && queue.enqueue(*sends, *messages);
	}

	std::size_t receive(message *ret_messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_dequeue(receives, *ret_messages);
		return queue.try_dequeue_bulk(receives, ret_messages, count);
	}

	// There is always room.
	void send_waiting(const message &message) requires std::is_same_v<Channel, blocking_channel>
	{
		while (!queue.enqueue(*sends, message))
			;
	}

	void receive_waiting(
		message &ret_message) requires std::is_same_v<Channel, blocking_channel>
	{
		queue.wait_dequeue(receives, ret_message);
	}
};

struct side_without_tokens {
	plain_queue &queue;
	allowance<tokenless_channel> allowed;

	side_without_tokens(tokenless_channel &channel, bool)
		: queue(channel.queue),
		  allowed(channel)
	{
	}

	std::size_t send(const message *messages, std::size_t count)
	{
		count = allowed.take(count);
		if (count > 1)
			return queue.enqueue_bulk(messages, count) ? count : 0;
		return count == 1 && queue.enqueue(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t count)
	{
		if (count == 1)
			return queue.try_dequeue(*ret_messages);
		return queue.try_dequeue_bulk(ret_messages, count);
	}
};

using made_with = adapter<plain_channel, side_with_tokens<plain_channel>>;
using made_without = adapter<tokenless_channel, side_without_tokens>;
using made_blocking = adapter<blocking_channel, side_with_tokens<blocking_channel>>;

} // namespace

extern "C" {
extern const struct queue queue_moodycamel;
extern const struct queue queue_moodycamel_no_tokens;
extern const struct queue queue_moodycamel_blocking;

const struct queue queue_moodycamel = made_with::described("moodycamel, tokens",
	"moodycamel::ConcurrentQueue", QUEUE_UNBOUNDED, BATCH);

const struct queue queue_moodycamel_no_tokens = made_without::described("moodycamel, no tokens",
	"moodycamel::ConcurrentQueue", QUEUE_UNBOUNDED, BATCH);

const struct queue queue_moodycamel_blocking = made_blocking::described("moodycamel, blocking",
	"moodycamel::BlockingConcurrentQueue, tokens", QUEUE_UNBOUNDED, BATCH);
}
