// SPDX-License-Identifier: MIT
// Of xenium: Vyukov's ring, with the calls that do not wait for a slower thread (weak), and
// Nikolaev's bounded queue (SCQ), lock-free: the message is in an array, two rings move its index.
#include "adapter.hpp"

#include <xenium/nikolaev_bounded_queue.hpp>
#include <xenium/vyukov_bounded_queue.hpp>

namespace {

template <typename Queue>
struct channel {
	Queue queue;

	channel(std::size_t capacity, unsigned int, unsigned int) : queue(capacity) {}
};

using vyukov = channel<xenium::vyukov_bounded_queue<arena_message>>;
using nikolaev = channel<xenium::nikolaev_bounded_queue<arena_message>>;

struct vyukov_side {
	vyukov &mine;

	vyukov_side(vyukov &channel, bool) : mine(channel) {}

	std::size_t send(const arena_message *messages, std::size_t)
	{
		return mine.queue.try_push_weak(*messages);
	}

	std::size_t receive(arena_message *ret_messages, std::size_t)
	{
		return mine.queue.try_pop_weak(*ret_messages);
	}
};

struct nikolaev_side {
	nikolaev &mine;

	nikolaev_side(nikolaev &channel, bool) : mine(channel) {}

	std::size_t send(const arena_message *messages, std::size_t)
	{
		return mine.queue.try_push(*messages);
	}

	std::size_t receive(arena_message *ret_messages, std::size_t)
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

const struct queue queue_xenium_vyukov = {
	.name = "xenium Vyukov, weak",
	.origin = "xenium, vyukov_bounded_queue",
	.carries = "56 bytes",
	.flags = 0,
	.batch_max = 1,
	.create = made_vyukov::create,
	.destroy = made_vyukov::destroy,
	.attach = made_vyukov::attach,
	.detach = made_vyukov::detach,
	.send = made_vyukov::send,
	.receive = made_vyukov::receive,
	.send_waiting = nullptr,
	.receive_waiting = nullptr,
	.program_form = nullptr,
};

const struct queue queue_xenium_nikolaev = {
	.name = "xenium Nikolaev (SCQ)",
	.origin = "xenium, nikolaev_bounded_queue",
	.carries = "56 bytes",
	.flags = 0,
	.batch_max = 1,
	.create = made_nikolaev::create,
	.destroy = made_nikolaev::destroy,
	.attach = made_nikolaev::attach,
	.detach = made_nikolaev::detach,
	.send = made_nikolaev::send,
	.receive = made_nikolaev::receive,
	.send_waiting = nullptr,
	.receive_waiting = nullptr,
	.program_form = nullptr,
};
}
