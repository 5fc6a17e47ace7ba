/* SPDX-License-Identifier: MIT */
/*
 * A program's constructor of the first priority decides against membarrier before any
 * constructor of the library has run, as the library is linked statically. Nothing
 * calls it from then on, at load neither.
 */
#include <errno.h>

#include "base/kernel_answers.h"
#include "magring.h"
#include "require.h"

static __attribute__((constructor(101))) void disable(void)
{
	/* Otherwise the library was first, and this test says nothing. */
	REQUIRE(membarrier_calls() == 0);
	REQUIRE(magring_disable_membarrier() == 0);
}

int main(void)
{
	struct magring_queue *queue;
	struct magring_message message;
	REQUIRE(membarrier_calls() == 0);
	REQUIRE(magring_queue_create(&queue, NULL, NULL) == 0);
	REQUIRE(magring_recv(queue, &message, 1000000) == -ETIMEDOUT);
	REQUIRE(magring_queue_release(queue) == 0);
	REQUIRE(membarrier_calls() == 0);
	return 0;
}
