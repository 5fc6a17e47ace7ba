// SPDX-License-Identifier: MIT
// oneTBB's concurrent_bounded_queue: pages of messages and two counters, with calls that wait.
#include "adapter.hpp"

#include <tbb/concurrent_queue.h>
#include <tbb/version.h>

namespace {

struct channel {
	tbb::concurrent_bounded_queue<arena_message> queue;

	channel(std::size_t capacity, unsigned int, unsigned int)
	{
		queue.set_capacity(static_cast<std::ptrdiff_t>(capacity));
	}
};

struct side {
	channel &mine;

	side(channel &channel, bool) : mine(channel) {}

	std::size_t send(const arena_message *messages, std::size_t)
	{
		return mine.queue.try_push(*messages);
	}

	std::size_t receive(arena_message *ret_messages, std::size_t)
	{
		return mine.queue.try_pop(*ret_messages);
	}

	void send_waiting(const arena_message &message)
	{
		mine.queue.push(message);
	}

	void receive_waiting(arena_message &ret_message)
	{
		mine.queue.pop(ret_message);
	}
};

using made = adapter<channel, side>;

} // namespace

extern "C" {
extern const struct queue queue_tbb;
const struct queue queue_tbb = {
	.name = "oneTBB bounded queue",
	.origin = "oneTBB " TBB_VERSION_STRING ", concurrent_bounded_queue",
	.carries = "56 bytes",
	.flags = 0,
	.batch_max = 1,
	.create = made::create,
	.destroy = made::destroy,
	.attach = made::attach,
	.detach = made::detach,
	.send = made::send,
	.receive = made::receive,
	.send_waiting = made::send_waiting,
	.receive_waiting = made::receive_waiting,
	.program_form = nullptr,
};
}
