// SPDX-License-Identifier: MIT
// A receiver that is cancelled in its sleep, and a cancellation that comes
// before the sleep. The destructors of the frames that called it run, the inner
// one first.
#include <magring.h>
#include <pthread.h>
#include <unistd.h>

static magring_queue *queue;
static int steps, inner_at, outer_at;

namespace {
struct note {
	int *at;
	~note()
	{
		*at = ++steps;
	}
};
} // namespace

__attribute__((noinline)) static int receive_inside()
{
	note inner = { &inner_at };
	magring_message message;
	return magring_recv(queue, &message, -1);
}

static void *receive(void *)
{
	note outer = { &outer_at };
	int rc = receive_inside();
	return rc == 0 ? nullptr : &steps;
}

static bool cancelled_after(useconds_t us)
{
	pthread_t thread;
	void *result = nullptr;
	steps = inner_at = outer_at = 0;
	if (pthread_create(&thread, nullptr, receive, nullptr) != 0)
		return false;
	usleep(us);
	return pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 &&
		result == PTHREAD_CANCELED && inner_at == 1 && outer_at == 2;
}

int main()
{
	magring_pool *pool;
	if (magring_pool_create(&pool, nullptr) != 0 ||
		magring_queue_create(&queue, pool, nullptr) != 0)
		return 1;
	if (!cancelled_after(0) || !cancelled_after(20000))
		return 2;
	return magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0;
}
