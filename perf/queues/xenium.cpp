// SPDX-License-Identifier: MIT
// Of xenium: Vyukov's ring, with the calls that do not wait for a slower thread (weak), and
// Nikolaev's bounded queue (SCQ), lock-free: the message is in an array, two rings move its index.
#include "queues/adapter.hpp"

#include <xenium/nikolaev_bounded_queue.hpp>
#include <xenium/vyukov_bounded_queue.hpp>

namespace {

template <typename Queue>
struct channel {
	Queue queue;

	channel(std::size_t capacity, unsigned int, unsigned int) : queue(capacity) {}
};

using vyukov = channel<xenium::vyukov_bounded_queue<message>>;
using nikolaev = channel<xenium::nikolaev_bounded_queue<message>>;

struct vyukov_side : one_channel<vyukov> {
	using one_channel::one_channel;

	std::size_t send(const message *messages, std::size_t)
	{
		return mine.queue.try_push_weak(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t)
	{
		return mine.queue.try_pop_weak(*ret_messages);
	}
};

struct nikolaev_side : one_channel<nikolaev> {
	using one_channel::one_channel;

	std::size_t send(const message *messages, std::size_t)
	{
		return mine.queue.try_push(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t)
	{
		return mine.queue.try_pop(*ret_messages);
	}
};

using made_vyukov = adapter<vyukov, vyukov_side>;
using made_nikolaev = adapter<nikolaev, nikolaev_side>;

} // namespace

extern "C" {
extern const struct queue queue_xenium_vyukov;
extern const struct queue queue_xenium_nikolaev;

const struct queue queue_xenium_vyukov =
	made_vyukov::described("xenium Vyukov, weak", "xenium, vyukov_bounded_queue", 0, 1);

const struct queue queue_xenium_nikolaev =
	made_nikolaev::described("xenium Nikolaev (SCQ)", "xenium, nikolaev_bounded_queue", 0, 1);
}
