/* SPDX-License-Identifier: MIT */
/*
 * A program that breaks the contract in one way: misuse_test.py runs it.
 *
 *	misuse CASE
 *
 * It ends with status 0 if nothing was found, and with ANSWERED if a call has
 * told the program.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "magring.h"

#define PAYLOAD 100
#define ANSWERED 3
#define MESSAGES 3

static struct magring_pool *pool;
static struct magring_queue *queue;
static struct magring_message message, copy;

static void require(bool true_of_the_program)
{
	if (!true_of_the_program)
		exit(2);
}

static void create(void)
{
	const struct magring_pool_options options = { .size = sizeof(options), .name = "abused" };
	require(magring_pool_create(&pool, &options) == 0);
}

static unsigned char *alloc(struct magring_message *ret_message)
{
	require(magring_message_alloc(pool, ret_message, "id", 2, PAYLOAD, 0) == 0);
	unsigned char *payload = magring_message_payload(ret_message, NULL);
	memset(payload, 'x', PAYLOAD);
	return payload;
}

/* What the compiler must not see through. */
static void write_to(unsigned char *at)
{
	__asm__("" : "+r"(at));
	*at = 1;
	__asm__ volatile("" : : "r"(at) : "memory");
}

static void finish(void)
{
	require(magring_queue_release(queue) == 0);
	int rc = magring_pool_destroy(pool);
	exit(rc == 0 ? 0 : ANSWERED);
}

/* ------------------------------------------------------ what is misused -- */

static void free_twice(void)
{
	alloc(&message);
	magring_message_free(&message);
	magring_message_free(&message);
}

static void free_copy(void)
{
	alloc(&message);
	copy = message;
	magring_message_free(&message);
	magring_message_free(&copy);
}

static void send_copy(void)
{
	alloc(&message);
	copy = message;
	require(magring_send(queue, &message, 0) == 0);
	require(magring_send(queue, &copy, 0) == 0);
}

static void free_sent(void)
{
	alloc(&message);
	copy = message;
	require(magring_send(queue, &message, 0) == 0);
	magring_message_free(&copy);
}

static void free_received(void)
{
	alloc(&message);
	copy = message;
	require(magring_send(queue, &message, 0) == 0);
	require(magring_recv(queue, &message, 0) == 0);
	magring_message_free(&copy);
}

static void send_freed(void)
{
	alloc(&message);
	copy = message;
	magring_message_free(&message);
	require(magring_send(queue, &copy, 0) == 0);
}

static void read_copy(void)
{
	alloc(&message);
	copy = message;
	magring_message_free(&message);
	unsigned char *payload = magring_message_payload(&copy, NULL);
	if (*(volatile unsigned char *)payload == 'y')
		puts("y");
}

static void write_freed(void)
{
	unsigned char *payload = alloc(&message);
	magring_message_free(&message);
	write_to(payload + 1);
}

/* The write hits the message that comes after. */
static void write_reused(void)
{
	unsigned char *payload = alloc(&message);
	magring_message_free(&message);
	alloc(&message);
	write_to(payload + 1);
	magring_message_free(&message);
}

static void write_sent(void)
{
	unsigned char *payload = alloc(&message);
	require(magring_send(queue, &message, 0) == 0);
	write_to(payload + 1);
	require(magring_recv(queue, &message, 0) == 0);
	magring_message_free(&message);
}

static void write_received(void)
{
	unsigned char *payload = alloc(&message);
	require(magring_send(queue, &message, 0) == 0);
	require(magring_recv(queue, &message, 0) == 0);
	write_to(payload + 1);
	magring_message_free(&message);
}

static void overflow(void)
{
	unsigned char *payload = alloc(&message);
	write_to(payload + PAYLOAD);
	magring_message_free(&message);
}

/* A byte of the slab behind it. */
static void overflow_far(void)
{
	struct magring_message messages[MESSAGES];
	unsigned char *payloads[MESSAGES];
	size_t first = 0;
	for (size_t i = 0; i < MESSAGES; i++)
		payloads[i] = alloc(&messages[i]);
	for (size_t i = 1; i < MESSAGES; i++)
		if (payloads[i] < payloads[first])
			first = i;
	for (size_t i = PAYLOAD; i < 2 * PAYLOAD; i++)
		write_to(payloads[first] + i);
	for (size_t i = 0; i < MESSAGES; i++)
		magring_message_free(&messages[i]);
}

static void underflow(void)
{
	struct magring_message messages[MESSAGES];
	unsigned char *last = NULL;
	for (size_t i = 0; i < MESSAGES; i++) {
		unsigned char *payload = alloc(&messages[i]);
		if (payload > last)
			last = payload;
	}
	write_to(last - 1);
	for (size_t i = 0; i < MESSAGES; i++)
		magring_message_free(&messages[i]);
}

static void leak(void)
{
	alloc(&message);
	memset(&message, 0, sizeof(message));
}

static void receive_over(void)
{
	alloc(&message);
	require(magring_send(queue, &message, 0) == 0);
	alloc(&message);
	require(magring_recv(queue, &message, 0) == 0);
	magring_message_free(&message);
}

static void uninitialised(void)
{
	require(magring_message_alloc(pool, &message, "id", 2, PAYLOAD, 0) == 0);
	unsigned char *payload = magring_message_payload(&message, NULL);
	if (*(volatile unsigned char *)payload == 'y')
		puts("y");
	magring_message_free(&message);
}

static void wrong_number(void)
{
	alloc(&message);
	message.private_header ^= (uint64_t)0xffff << 32;
	magring_message_free(&message);
}

static void wrong_class(void)
{
	alloc(&message);
	message.private_header ^= (uint64_t)1 << 56;
	magring_message_free(&message);
}

static void inside_slab(void)
{
	alloc(&message);
	message.private_body[0] += 64;
	magring_message_free(&message);
}

static void odd_pointer(void)
{
	alloc(&message);
	message.private_body[0] += 8;
	magring_message_free(&message);
}

static void wild_pointer(void)
{
	static unsigned char victim[PAYLOAD];
	alloc(&message);
	message.private_body[0] = (uintptr_t)victim;
	magring_message_free(&message);
}

static void no_message(void)
{
	memset(&message, 'A', sizeof(message));
	magring_message_free(&message);
}

/* `copy` is of a message that was freed, of a pool that was destroyed. */
static void copy_of_a_pool_that_goes(void)
{
	create();
	alloc(&message);
	copy = message;
	magring_message_free(&message);
	require(magring_pool_destroy(pool) == 0);
}

static void pool_gone(void)
{
	struct magring_pool *first = pool;
	copy_of_a_pool_that_goes();
	pool = first;
	magring_message_free(&copy);
}

/* The number, and likely the memory, are those of the pool that was. */
static void pool_reused(void)
{
	struct magring_pool *first = pool;
	copy_of_a_pool_that_goes();
	create();
	magring_message_free(&copy);
	require(magring_pool_destroy(pool) == 0);
	pool = first;
}

static void destroy_twice(void)
{
	struct magring_pool *first = pool;
	create();
	require(magring_pool_destroy(pool) == 0);
	require(magring_pool_destroy(pool) == 0);
	pool = first;
}

static void none(void)
{
	unsigned char *payload = alloc(&message);
	require(magring_send(queue, &message, 0) == 0);
	require(magring_recv(queue, &copy, 0) == 0);
	require(magring_message_payload(&copy, NULL) == payload);
	write_to(payload + PAYLOAD - 1);
	magring_message_free(&copy);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "none", none },
	{ "free-twice", free_twice },
	{ "free-copy", free_copy },
	{ "free-sent", free_sent },
	{ "free-received", free_received },
	{ "send-copy", send_copy },
	{ "send-freed", send_freed },
	{ "read-copy", read_copy },
	{ "write-freed", write_freed },
	{ "write-reused", write_reused },
	{ "write-sent", write_sent },
	{ "write-received", write_received },
	{ "overflow", overflow },
	{ "overflow-far", overflow_far },
	{ "underflow", underflow },
	{ "uninitialised", uninitialised },
	{ "leak", leak },
	{ "receive-over", receive_over },
	{ "wrong-number", wrong_number },
	{ "wrong-class", wrong_class },
	{ "inside-slab", inside_slab },
	{ "odd-pointer", odd_pointer },
	{ "wild-pointer", wild_pointer },
	{ "no-message", no_message },
	{ "pool-gone", pool_gone },
	{ "pool-reused", pool_reused },
	{ "destroy-twice", destroy_twice },
};

int main(int argc, char **argv)
{
	create();
	require(magring_queue_create(&queue, pool, NULL) == 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (argc == 1)
			puts(cases[i].name);
		else if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].run();
			finish();
		}
	}
	return argc == 1 ? 0 : 2;
}
