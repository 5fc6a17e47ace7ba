/* SPDX-License-Identifier: MIT */
/*
 * magring-perf phases: what memory does when sizes change.
 *
 * A server's messages are small today and large tomorrow. The same objects come
 * and go, from magring's pool or from malloc, which another library may replace
 * by LD_PRELOAD:
 *
 *	small      49 to 8,000 bytes, until LIVE is reached, and then on
 *	half gone  every second object is freed
 *	large      8,000 to 65,536 bytes come in their place
 *	mixed      49 to 65,536 bytes
 *	all gone   nothing is left
 *	small      as at first
 *	1 % left   of these, any
 *	trimmed    free memory was given back, as far as the allocator can
 *
 * After each phase: the bytes of objects that are live, the bytes that the
 * process has become larger by, and how many of the pool's allocations were
 * refused. An object is written when it is made, and verified when it goes. The
 * random numbers are the same for all, but a refused object is not live.
 *
 *	magring-perf phases magring|malloc [SCALE [LIMIT]]
 *
 * SCALE is 0.001 to 10, 1 if it is not there. LIMIT is the pool's memory_limit in MB, 268 times
 * SCALE if it is not there.
 */
#include "core/argument.h"
#include "core/status.h"
#include "workloads/commands.h"

#include <err.h>
#include <magring.h>
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At full scale. */
enum { OBJECTS = 700000, LIVE = 150000000, LIMIT = 256 << 20 };
enum { LEAST = 49, SMALL_MOST = 8000, MOST = 65536 };

struct object {
	struct magring_message message;
	void *memory;
	size_t size; /* 0: not live */
};

static bool with_pool;
static struct magring_pool *pool;
static struct object *objects;
static size_t object_count;
static double most_live, live, before;
static unsigned long tried, refused;

/* xorshift64 */
static uint64_t draw(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static double draw_real(void)
{
	return (double)(draw() >> 11) * 0x1p-53;
}

/* Log-normal, by Box and Muller. */
static size_t draw_size(double mean, double deviation, size_t least, size_t most)
{
	double normal = sqrt(-2 * log(1 - draw_real())) * cos(2 * acos(-1) * draw_real());
	double size = exp(mean + deviation * normal);

	return size < (double)least ? least : size > (double)most ? most : (size_t)size;
}

/* --------------------------------------------------------------- objects -- */

static unsigned char mark_of(const struct object *object)
{
	return (unsigned char)((size_t)(object - objects) + object->size);
}

static void make(struct object *object, size_t size)
{
	tried++;
	if (!with_pool)
		object->memory = malloc(size);
	else if (magring_message_alloc(pool, &object->message, NULL, 0, size, 0) == 0)
		object->memory = magring_message_payload(&object->message, NULL);
	else
		object->memory = NULL;
	if (object->memory == NULL) {
		refused++;
		return;
	}
	object->size = size;
	live += (double)size;
	memset(object->memory, mark_of(object), size);
}

static void drop(struct object *object)
{
	const unsigned char *bytes = object->memory;

	if (object->size == 0)
		return;
	if (bytes[0] != mark_of(object) || memcmp(bytes, bytes + 1, object->size - 1) != 0)
		errx(1, "an object has changed");
	live -= (double)object->size;
	object->size = 0;
	if (with_pool)
		magring_message_free(&object->message);
	else
		free(object->memory);
}

static struct object *draw_object(void)
{
	return &objects[draw() % object_count];
}

/* ---------------------------------------------------------------- phases -- */

static double resident(void)
{
	return status_bytes("RssAnon") + status_bytes("RssShmem") - before;
}

static void tell(const char *phase)
{
	printf("%-10s %8.1f %8.1f", phase, live / 1e6, resident() / 1e6);
	if (live > 0)
		printf(" %7.2f", resident() / live);
	else
		printf(" %7s", "");
	if (with_pool && tried > 0)
		printf(" %8.1f %%", 100 * (double)refused / (double)tried);
	putchar('\n');
	tried = refused = 0;
}

/* In each turn an object goes and another comes, or a second goes at most_live. */
static void exchange(const char *phase, double turns, double mean, double deviation, size_t least,
	size_t most)
{
	for (double turn = 0; turn < turns * (double)object_count; turn++) {
		struct object *object = draw_object();

		drop(object);
		if (live < most_live)
			make(object, draw_size(mean, deviation, least, most));
		else
			drop(draw_object());
	}
	tell(phase);
}

static void run(void)
{
	printf("%-10s %8s %8s %7s %10s\n", "", "live MB", "RSS MB", "ratio", "refused");
	exchange("small", 4, 6.2, 0.8, LEAST, SMALL_MOST);
	for (size_t i = 0; i < object_count; i += 2)
		drop(&objects[i]);
	tell("half gone");
	exchange("large", 2, 10, 0.6, SMALL_MOST, MOST);
	exchange("mixed", 4, 7.5, 1.5, LEAST, MOST);
	for (size_t i = 0; i < object_count; i++)
		drop(&objects[i]);
	tell("all gone");
	exchange("small", 1, 6.2, 0.8, LEAST, SMALL_MOST);
	for (size_t i = 0; i < object_count; i++)
		if (draw() % 100 != 0)
			drop(&objects[i]);
	tell("1 % left");
	if (with_pool)
		(void)magring_pool_trim(pool, 0, NULL);
	else
		(void)malloc_trim(0); /* glibc's own; others have none */
	tell("trimmed");
	for (size_t i = 0; i < object_count; i++)
		drop(&objects[i]);
}

int phases_main(int argc, char **argv)
{
	struct magring_pool_options options = { .size = sizeof(options) };
	double scale, limit;

	if (argc < 2 || argc > 4 ||
		(strcmp(argv[1], "magring") != 0 && strcmp(argv[1], "malloc") != 0))
		errx(2, "usage: magring-perf phases magring|malloc [SCALE [LIMIT]]; see perf/workloads/phases.c");
	scale = argc > 2 ? argument_real("scale", argv[2], 0.001, 10) : 1;
	limit = argc > 3 ? argument_real("limit", argv[3], 1, 100000) * 1e6 : LIMIT * scale;
	with_pool = strcmp(argv[1], "magring") == 0;
	object_count = (size_t)(OBJECTS * scale);
	most_live = LIVE * scale;
	options.memory_limit = (size_t)limit;
	objects = calloc(object_count, sizeof(*objects));
	if (objects == NULL || (with_pool && magring_pool_create(&pool, &options) != 0))
		errx(2, "no memory");
	memset(objects, 0xff, object_count * sizeof(*objects)); /* so that it is resident */
	memset(objects, 0, object_count * sizeof(*objects));
	before = status_bytes("RssAnon") + status_bytes("RssShmem");
	run();
	if (live != 0 || (with_pool && magring_pool_destroy(pool) != 0))
		errx(1, "objects are left");
	free(objects);
	return 0;
}
