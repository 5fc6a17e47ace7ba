// SPDX-License-Identifier: MIT
// oneTBB's concurrent_bounded_queue: pages of messages and two counters, with calls that wait.
#include "queues/adapter.hpp"

#include <tbb/concurrent_queue.h>
#include <tbb/version.h>

namespace {

struct channel {
	tbb::concurrent_bounded_queue<message> queue;

	channel(std::size_t capacity, unsigned int, unsigned int)
	{
		queue.set_capacity(static_cast<std::ptrdiff_t>(capacity));
	}
};

struct side : one_channel<channel> {
	using one_channel::one_channel;

	std::size_t send(const message *messages, std::size_t)
	{
		return mine.queue.try_push(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t)
	{
		return mine.queue.try_pop(*ret_messages);
	}

	void send_waiting(const message &message)
	{
		mine.queue.push(message);
	}

	void receive_waiting(message &ret_message)
	{
		mine.queue.pop(ret_message);
	}
};

using made = adapter<channel, side>;

} // namespace

extern "C" {
extern const struct queue queue_tbb;
const struct queue queue_tbb = made::described("oneTBB bounded queue",
	"oneTBB " TBB_VERSION_STRING ", concurrent_bounded_queue", 0, 1);
}
