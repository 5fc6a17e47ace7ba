/* SPDX-License-Identifier: MIT */
/*
 * An allocator that gives memory away that is in use: every fourth payload is where the one
 * before it is. A run with it has to fail, or the program does not check what it receives.
 */
#include "workloads/payload/allocator.h"

#include <err.h>
#include <stdlib.h>

enum { WRONG = 4 };

static size_t size;

struct side {
	unsigned int count;
	char *last;
};

static bool ready(const char *rest)
{
	return *rest == '\0';
}

static void create(const struct need *need)
{
	size = need->size;
}

static void destroy(void) {}

static void *attach(bool allocates)
{
	(void)allocates;
	return calloc(1, sizeof(struct side));
}

static void *alloc(void *argument, struct magring_message *ret_message)
{
	struct side *side = argument;

	if (side == NULL)
		err(2, "faulty");
	if (++side->count % WRONG != 0)
		side->last = malloc(size);
	message_carry(ret_message, side->last);
	return side->last;
}

static void *payload(struct magring_message *message)
{
	return message_carried(message);
}

/* What is in use twice cannot be freed, and a short test bears it. */
static void leave(void *side, struct magring_message *message)
{
	(void)side;
	(void)message;
}

const struct allocator allocator_faulty = {
	.form = "faulty",
	.ready = ready,
	.create = create,
	.destroy = destroy,
	.attach = attach,
	.detach = free,
	.alloc = alloc,
	.payload = payload,
	.free = leave,
};
