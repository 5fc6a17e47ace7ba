/* SPDX-License-Identifier: MIT */
/*
 * Wrong programs, as C or C++: real_races WHAT. ThreadSanitizer has to report
 * each. WHAT is touched by two threads that nothing orders.
 *
 *	sent        a payload in a slab, by its sender after the send
 *	inside      an object that a message inside its value points to, likewise
 *	received    a received payload, by the receiver and a thread it told
 *	back        a variable that the receiver writes after its receive, and the
 *	            sender reads after a later send
 *	freed       a payload that was freed, and is allocated again
 *	shared      a payload that is written while another message has it
 *	reference   a variable that is written after a release, and read by drop
 */
#include <magring.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), abort()))

static struct magring_pool *pool;
static struct magring_queue *queue;
static const char *what;
static int variable;
static char *told;
static struct magring_message kept;

static int is(const char *name)
{
	return strcmp(what, name) == 0;
}

static void wait_a_while(void)
{
	usleep(100000);
}

/* Answers where the shared bytes are. */
static char *send_one(void)
{
	struct magring_message message;
	char *object = (char *)malloc(8);
	REQUIRE(object != NULL);
	*object = 1;
	int rc = magring_message_alloc(pool, &message, NULL, 0, is("inside") ? sizeof(object) : 500,
		0);
	REQUIRE(rc == 0);
	char *payload = (char *)magring_message_payload(&message, NULL);
	memset(payload, 0, 8);
	memcpy(payload, &object, sizeof(object));
	if (is("shared"))
		REQUIRE(magring_message_share(&message, &kept) == 0);
	REQUIRE(magring_send(queue, &message, 0) == 0);
	return is("inside") ? object : payload + 100;
}

static char *receive_one(struct magring_message *ret_message)
{
	REQUIRE(magring_recv(queue, ret_message, -1) == 0);
	char *object, *payload = (char *)magring_message_payload(ret_message, NULL);
	memcpy(&object, payload, sizeof(object));
	return is("inside") ? object : payload + 100;
}

static void *second(void *unused)
{
	struct magring_message message;
	if (is("reference")) {
		REQUIRE(magring_queue_release(queue) == 0);
		variable = 1;
		return unused;
	}
	if (is("freed")) {
		wait_a_while();
		*told = 1;
		return unused;
	}
	char *shared = receive_one(&message);
	if (is("shared"))
		variable = *shared;
	else
		*shared = 2;
	if (is("back"))
		variable = 1;
	if (is("received")) {
		__atomic_store_n(&told, shared, __ATOMIC_RELAXED);
		wait_a_while();
		*shared = 3;
	}
	return unused;
}

static void drop(struct magring_message *message, void *context)
{
	(void)message, (void)context;
	variable++;
}

static void first(void)
{
	struct magring_message message;
	char *shared;
	if (is("freed")) {
		REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 500, 0) == 0);
		told = (char *)magring_message_payload(&message, NULL);
		magring_message_free(&message);
		REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 500, 0) == 0);
		REQUIRE(told == magring_message_payload(&message, NULL));
	}
	pthread_t thread;
	REQUIRE(pthread_create(&thread, NULL, second, NULL) == 0);
	if (is("freed")) {
		*told = 2;
	} else if (is("received")) {
		(void)send_one();
		while ((shared = __atomic_load_n(&told, __ATOMIC_RELAXED)) == NULL)
			;
		*shared = 1;
	} else if (is("back")) {
		(void)send_one();
		wait_a_while();
		(void)send_one();
		variable = 2;
	} else if (is("reference")) {
		wait_a_while();
		REQUIRE(magring_queue_release(queue) == 0);
	} else {
		shared = send_one();
		*shared = 1;
	}
	REQUIRE(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv)
{
	struct magring_queue_options options;
	REQUIRE(argc == 2);
	what = argv[1];
	memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.drop = drop;
	REQUIRE(magring_pool_create(&pool, NULL) == 0);
	REQUIRE(magring_queue_create(&queue, pool, &options) == 0);
	if (is("reference")) {
		(void)send_one();
		REQUIRE(magring_queue_acquire(queue) == 0);
	}
	first();
	return 0;
}
