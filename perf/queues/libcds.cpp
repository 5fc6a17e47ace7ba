// SPDX-License-Identifier: MIT
// libcds' VyukovMPMCCycleQueue: Dmitry Vyukov's ring, with the message inside the cell. Its code is
// headers'.
#include "queues/adapter.hpp"

#include <cds/container/vyukov_mpmc_cycle_queue.h>
#include <cds/version.h>

namespace {

struct channel {
	cds::container::VyukovMPMCCycleQueue<message> queue;

	channel(std::size_t capacity, unsigned int, unsigned int) : queue(capacity) {}
};

struct side : one_channel<channel> {
	using one_channel::one_channel;

	std::size_t send(const message *messages, std::size_t)
	{
		return mine.queue.enqueue(*messages);
	}

	std::size_t receive(message *ret_messages, std::size_t)
	{
		return mine.queue.dequeue(*ret_messages);
	}
};

using made = adapter<channel, side>;

} // namespace

extern "C" {
extern const struct queue queue_libcds;
const struct queue queue_libcds = made::described("libcds VyukovMPMC",
	"libcds " CDS_VERSION_STRING ", VyukovMPMCCycleQueue", 0, 1);
}
