/* SPDX-License-Identifier: MIT */
/*
 * Program: messages with ids and payloads of all sizes go through a queue, by
 * the library's own functions: none is inlined here.
 *
 * Each message has a number, and its bytes follow from that. The first byte
 * that it has is the number, and a message without bytes has none. Receivers
 * find the bytes whole, and no race. A sampled message is in the profile with
 * its id until it is freed.
 */
#define MAGRING_NO_INLINE
#include "pool_slabs.h"

#include <errno.h>
#include <string.h>

#include "base/backtrace.h"
#include "pool/message_layout.h"
#include "pool/sample.h"

#define MESSAGES 4 /* of each sender */
#define SENDERS 2
#define PAYLOAD_MAX ((size_t)200)

static const size_t id_sizes[] = { 0, 1, 16, 40, 41, 48, MAGRING_ID_MAX };
static const size_t payload_sizes[] = { 0, 1, 8, 32, 47, 48, 64, PAYLOAD_MAX };
#define CHOOSE(of) (of)[sched_choose(sizeof(of) / sizeof((of)[0]))]

static struct magring_queue *queue;
static struct sizes {
	size_t id, payload;
	bool arrived;
} made[SENDERS * MESSAGES];
static unsigned int without_bytes; /* made, and not arrived */

static unsigned char byte_of(unsigned int number, size_t at)
{
	return (unsigned char)(at == 0 ? number : number * 37 + at * 11);
}

static void fill(unsigned char *bytes, unsigned int number, size_t from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = byte_of(number, from + i);
}

static void check_bytes(const unsigned char *bytes, unsigned int number, size_t from, size_t count)
{
	sched_read(bytes, count);
	for (size_t i = 0; i < count; i++)
		sched_require(bytes[i] == byte_of(number, from + i), "byte %zu of message %u is %u",
			from + i, number, bytes[i]);
}

/* ------------------------------------------------------------- messages -- */

static void make(struct magring_message *ret_message, unsigned int number)
{
	unsigned char id[MAGRING_ID_MAX], payload[PAYLOAD_MAX];
	struct sizes sizes = { .id = CHOOSE(id_sizes), .payload = CHOOSE(payload_sizes) };
	bool copies = sched_choose(2) == 1;
	fill(id, number, 0, sizes.id);
	fill(payload, number, sizes.id, sizes.payload);
	made[number] = sizes;
	without_bytes += sizes.id + sizes.payload == 0;
	int rc = copies
		? magring_message_copy(slabs_pool(), ret_message, id, sizes.id, payload,
			  sizes.payload, -1)
		: magring_message_alloc(slabs_pool(), ret_message, id, sizes.id, sizes.payload, -1);
	sched_require(rc == 0, "a message of %zu and %zu bytes: %d", sizes.id, sizes.payload, rc);
	if (copies)
		return;
	void *place = magring_message_payload(ret_message, NULL);
	sched_write(place, sizes.payload);
	memcpy(place, payload, sizes.payload);
}

static void check_alignment(const struct magring_message *message, const void *payload)
{
	unsigned int wanted = message_id_size(message) <= MESSAGE_ID_BESIDE_SLAB ? 64 : 16;
	if (message_kind(message) != MESSAGE_INLINE)
		sched_require((uintptr_t)payload % wanted == 0, "a payload at %p", payload);
}

static void check_sample(const struct magring_message *message, const unsigned char *id)
{
	struct magring_pool *pool = slabs_pool();
	void *slab = (void *)(uintptr_t)message->private_body[0];
	struct sizes sizes = { .id = message_id_size(message) };
	const struct live *live = pool->profile->live[depot_round(&pool->depot, slab)];
	if (live == NULL && sizes.id > MESSAGE_ID_BESIDE_SLAB)
		return; /* rare for its id alone */
	sched_require(live != NULL && live->id_size == sizes.id, "another message's sample");
	size_t kept = sizes.id < SAMPLE_ID_KEPT ? sizes.id : SAMPLE_ID_KEPT;
	sched_require(memcmp(live->id, id, kept) == 0, "a sample with another id");
}

static void check(struct magring_message *message)
{
	struct sizes is;
	const unsigned char *id = magring_message_id(message, &is.id);
	unsigned char *payload = magring_message_payload(message, &is.payload);
	if (is.id + is.payload == 0) {
		sched_require(without_bytes > 0, "a message without bytes that none has sent");
		without_bytes--;
		return;
	}
	const unsigned char *number = is.id > 0 ? id : payload;
	sched_require(*number < SENDERS * MESSAGES, "message %u", *number);
	struct sizes *sent = &made[*number];
	sched_require(is.id == sent->id && is.payload == sent->payload,
		"message %u has %zu and %zu bytes, not %zu and %zu", *number, is.id, is.payload,
		sent->id, sent->payload);
	sched_require(!sent->arrived, "message %u twice", *number);
	sent->arrived = true;
	check_bytes(id, *number, 0, is.id);
	check_bytes(payload, *number, is.id, is.payload);
	check_alignment(message, payload);
	if (message_kind(message) & MESSAGE_RARE && slabs_pool()->profile != NULL)
		check_sample(message, id);
}

/* -------------------------------------------------------------- threads -- */

static void send(void *sender)
{
	static const struct {
		void *frame[2];
	} stacks[SENDERS] = { { { (void *)0x1000, (void *)0x2000 } }, { { (void *)0x3000 } } };
	uintptr_t from = (uintptr_t)sender * MESSAGES;
	sched_set_stack(stacks[(uintptr_t)sender].frame, 2);
	for (unsigned int i = 0; i < MESSAGES; i++) {
		struct magring_message message;
		make(&message, (unsigned int)from + i);
		int rc = magring_send(queue, &message, -1);
		sched_require(rc == 0, "send: %d", rc);
		sched_require(magring_message_payload(&message, NULL) == NULL,
			"a message that was sent is there");
	}
}

static void receive(void *count)
{
	for (uintptr_t i = (uintptr_t)count; i > 0; i--) {
		struct magring_message message;
		int rc = magring_recv(queue, &message, -1);
		sched_require(rc == 0, "receive: %d", rc);
		check(&message);
		magring_message_free(&message);
		sched_require(magring_message_id(&message, NULL) == NULL,
			"a message that was freed is there");
	}
}

/* ------------------------------------------------------------- refusals -- */

static void refused(const char *what, int is, int wanted)
{
	sched_require(is == wanted, "%s: %d, not %d", what, is, wanted);
}

/* A call that fails leaves the message, and takes no slab. */
static void refuse_all(void)
{
	struct magring_pool *pool = slabs_pool();
	struct magring_message message = { 0 };
	unsigned char id[MAGRING_ID_MAX + 1] = { 0 };
	refused("no message", magring_message_alloc(pool, NULL, NULL, 0, 64, 0), -EINVAL);
	refused("no id", magring_message_alloc(pool, &message, NULL, 1, 64, 0), -EINVAL);
	refused("no pool", magring_message_alloc(NULL, &message, NULL, 0, 49, 0), -EINVAL);
	refused("no payload", magring_message_copy(pool, &message, NULL, 0, NULL, 64, 0), -EINVAL);
	refused("a long id", magring_message_alloc(pool, &message, id, sizeof(id), 0, 0),
		-EMSGSIZE);
	refused("a large payload",
		magring_message_alloc(pool, &message, NULL, 0, pool->max_payload + 1, 0),
		-EMSGSIZE);
	refused("more than the budget",
		magring_message_alloc(pool, &message, id, MAGRING_ID_MAX, pool->max_payload, 0),
		-EMSGSIZE);
	size_t size = 1;
	magring_message_free(&message);
	magring_message_free(NULL);
	sched_require(magring_message_id(&message, &size) == NULL && size == 0 &&
			magring_message_payload(NULL, NULL) == NULL,
		"an empty message has bytes");
	sched_require(message.private_header == 0, "a call that failed has made a message");
}

/* -------------------------------------------------------------- program -- */

/* What was received is freed, and samples with it. */
static void check_all(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	for (unsigned int i = 0; i < SENDERS * MESSAGES; i++)
		sched_require(made[i].arrived || made[i].id + made[i].payload == 0,
			"message %u has not come", i);
	sched_require(without_bytes == 0, "%u messages without bytes have not come", without_bytes);
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0 && stats.slabs_in_use == 0, "%lu slabs are in use",
		stats.slabs_in_use);
	if (slabs_pool()->profile == NULL)
		return;
	profile_for_each(slabs_pool()->profile, stack)
		sched_require(stack_in_use(stack).objects == 0, "a sample is left");
}

static void run_messages(void)
{
	struct slabs_options options = { .bytes = 4096,
		.max_payload = 4096 - 64,
		.rounds = 1,
		.chunk = 1,
		.sample = HAS_BACKTRACE ? sched_choose(3) * (uint64_t)100 : 0,
		.several = true };
	const struct magring_queue_options small = { .size = sizeof(small), .capacity = 2 };
	slabs_create(&options);
	int rc = magring_queue_create(&queue, slabs_pool(), &small);
	sched_require(rc == 0, "queue_create: %d", rc);
	refuse_all();
	for (uintptr_t i = 0; i < SENDERS; i++)
		slabs_spawn("sender", send, (void *)i);
	for (int i = 0; i < 2; i++)
		slabs_spawn("receiver", receive, (void *)(uintptr_t)(SENDERS * MESSAGES / 2));
	slabs_wait();
	check_all();
	rc = magring_queue_release(queue);
	sched_require(rc == 0, "queue_release: %d", rc);
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_messages = { "memory_messages",
	"ids and payloads of all sizes through a queue", run_messages, SCHED_MAY_STOP };
