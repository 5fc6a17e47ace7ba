/* SPDX-License-Identifier: MIT */
/*
 * The end of a process that breaks the contract.
 *
 * What is wrong may be the memory of the process, and another thread may hold
 * any lock. So nothing here allocates, or takes a lock, or uses a stream. One
 * line is put together on the stack and written to descriptor 2 by one
 * write(2). Then abort() ends the process, as the C library's own checks do.
 *
 *	magring: WHAT: pool NUMBER "NAME", id "ID", SIZE bytes, at ADDRESS
 *
 * What a program chose, such as an id, may be any bytes. Those that are not
 * printed are shown as '?'.
 */
#include "pool/misuse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/message_layout.h"

/* ------------------------------------------------------------- the line -- */

/* A line that is cut where it is too long. Names and ids are far shorter. */
struct line {
	size_t length;
	char text[512];
};

static void add_bytes(struct line *line, const void *bytes, size_t count)
{
	const unsigned char *from = bytes;
	for (size_t i = 0; i < count && line->length < sizeof(line->text) - 1; i++)
		line->text[line->length++] = from[i] < ' ' || from[i] == 0x7f ? '?' : (char)from[i];
}

static void add(struct line *line, const char *text)
{
	add_bytes(line, text, strlen(text));
}

static void add_quoted(struct line *line, const char *before, const void *bytes, size_t count)
{
	add(line, before);
	add(line, "\"");
	add_bytes(line, bytes, count);
	add(line, "\"");
}

static void add_number(struct line *line, const char *before, uint64_t number, unsigned int base)
{
	char digits[20];
	size_t first = sizeof(digits);
	do {
		digits[--first] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number > 0);
	add(line, before);
	add_bytes(line, digits + first, sizeof(digits) - first);
}

static _Noreturn void end(struct line *line)
{
	line->text[line->length++] = '\n';
	/* There is no place to report to that this cannot be written. */
	ssize_t written = write(STDERR_FILENO, line->text, line->length);
	(void)written;
	abort();
}

/* ------------------------------------------------------- what is wrong -- */

static struct magring_pool *find_pool(uint64_t header)
{
	const struct magring_message message = { .private_header = header };
	unsigned int number = message_pool(&message);
	return number < MAGRING_POOLS_MAX ? pool_published(number) : NULL;
}

_Noreturn void misuse_of_message(const char *call, const char *what,
	const struct misuse_message *wrong)
{
	struct line line = { 0 };
	const struct magring_message message = { .private_header = wrong->header };
	const struct magring_pool *pool = find_pool(wrong->header);
	size_t id_size = message_id_size(&message);
	add(&line, "magring: ");
	add(&line, call);
	add(&line, what);
	add_number(&line, ": pool ", message_pool(&message), 10);
	if (pool != NULL)
		add_quoted(&line, " ", pool->name, strnlen(pool->name, MAGRING_NAME_MAX));
	if (wrong->id != NULL)
		add_quoted(&line, ", id ", wrong->id,
			id_size < wrong->id_kept ? id_size : wrong->id_kept);
	add_number(&line, ", ", message_payload_size(&message), 10);
	add_number(&line, " bytes, at 0x", wrong->address, 16);
	end(&line);
}

_Noreturn void misuse_of_pool(const char *what, const struct magring_pool *pool)
{
	struct line line = { 0 };
	add(&line, "magring: ");
	add(&line, what);
	add_number(&line, ": pool at 0x", (uintptr_t)pool, 16);
	end(&line);
}

_Noreturn void misuse_of_side(const char *queue, bool sends)
{
	struct line line = { 0 };
	add(&line,
		sends ? "magring: two threads send to queue"
		      : "magring: two threads receive from queue");
	add_quoted(&line, " ", queue, strnlen(queue, MAGRING_NAME_MAX));
	add(&line, " at once, which is for one: MAGRING_SINGLE_");
	add(&line, sends ? "SENDER" : "RECEIVER");
	end(&line);
}

/* --------------------------------------------------------------- checks -- */

static uintptr_t address_in(uint64_t pointer)
{
	const struct magring_message message = { .private_body = { pointer } };
	const unsigned char *slab = message_slab(&message);
	return (uintptr_t)slab;
}

static _Noreturn void wrong(const char *call, const char *what, uint64_t header, uint64_t pointer)
{
	const struct misuse_message message = { .header = header, .address = address_in(pointer) };
	misuse_of_message(call, what, &message);
}

struct magring_pool *misuse_check_pool(const char *call, uint64_t header, uint64_t pointer)
{
	struct magring_pool *pool = find_pool(header);
	if (pool == NULL)
		wrong(call, " of a message of a pool that is not there", header, pointer);
	return pool;
}

uint32_t misuse_check_round(const char *call, uint64_t header, uint64_t pointer,
	const struct magring_pool *pool)
{
	const struct region *slabs = &pool->depot.slabs;
	uintptr_t offset = address_in(pointer) - (uintptr_t)slabs->base;
	/* Relaxed: a slab was taken before its message was made. */
	if (offset >= atomic_load_explicit(&slabs->taken, memory_order_relaxed))
		wrong(call, " of a message outside the memory of its pool", header, pointer);
	if (offset % SLAB_UNIT != 0)
		wrong(call, " of a message inside a slab", header, pointer);
	return (uint32_t)(offset / SLAB_UNIT);
}

struct magring_pool *misuse_check_slab(const char *call, uint64_t header, uint64_t pointer)
{
	const struct magring_message message = { .private_header = header };
	struct magring_pool *pool = misuse_check_pool(call, header, pointer);
	unsigned int kind = message_kind(&message) & ~(unsigned int)MESSAGE_RARE;
	bool shared = message_is_shared(&message); /* share.c knows the class */
	unsigned int found =
		pool->depot.kinds.base[misuse_check_round(call, header, pointer, pool)];
	if (found == 0)
		wrong(call, " of a message inside a slab", header, pointer);
	if (shared ? message_is_checked(&message) != (pool->checked != NULL)
		   : found != kind || pointer >> MESSAGE_POINTER_BITS != 0)
		wrong(call, " of a message with the size class of another", header, pointer);
	return pool;
}
