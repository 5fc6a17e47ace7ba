// SPDX-License-Identifier: MIT
// Boost.Lockfree's queue: Michael and Scott's list, of nodes allocated once (fixed_sized), which
// it tells apart by 16 bits: no capacity of 65536.
#include "queues/adapter.hpp"

#include <boost/lockfree/queue.hpp>
#include <boost/version.hpp>

namespace {

struct channel {
	boost::lockfree::queue<message, boost::lockfree::fixed_sized<true>> queue;

	channel(std::size_t capacity, unsigned int, unsigned int) : queue(capacity) {}
};

struct side : one_channel<channel> {
	using one_channel::one_channel;

	std::size_t send(const message *messages, std::size_t)
	{
		return mine.queue.bounded_push(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t)
	{
		return mine.queue.pop(*ret_messages);
	}
};

using made = adapter<channel, side>;

} // namespace

extern "C" {
extern const struct queue queue_boost;
const struct queue queue_boost =
	made::described("Boost.Lockfree queue", "Boost " BOOST_LIB_VERSION, 0, 1);
}
