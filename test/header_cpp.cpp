// SPDX-License-Identifier: MIT
// The public header compiles alone as C++17, and the library works from there.
#include "magring.h"

#include <cerrno>
#include <cstring>
#include <thread>

static_assert(sizeof(magring_message) == 56, "a message is 56 bytes");

namespace {

const char text[] = "a payload that is longer than what fits into a message itself";

bool consume(magring_queue *queue)
{
	magring_message message{};
	std::size_t size = 0;
	if (magring_recv(queue, &message, -1) != 0)
		return false;
	const void *payload = magring_message_payload(&message, &size);
	bool good = size == sizeof(text) && std::memcmp(payload, text, size) == 0;
	const void *id = magring_message_id(&message, &size);
	good = good && size == 3 && std::memcmp(id, "cpp", size) == 0;
	magring_message_free(&message);
	return good && magring_recv(queue, &message, -1) == -EPIPE;
}

} // namespace

int main()
{
	magring_pool *pool = nullptr;
	magring_queue *queue = nullptr;
	magring_message message{};
	bool good = false;
	if (magring_pool_create(&pool, nullptr) != 0 ||
		magring_queue_create(&queue, pool, nullptr) != 0)
		return 1;
	std::thread consumer([&] { good = consume(queue); });
	if (magring_message_copy(pool, &message, "cpp", 3, text, sizeof(text), 0) != 0 ||
		magring_send(queue, &message, -1) != 0)
		return 2;
	magring_queue_close(queue);
	consumer.join();
	if (magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0)
		return 3;
	return good ? 0 : 4;
}
