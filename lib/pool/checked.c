/* SPDX-License-Identifier: MIT */
/*
 * Pools that find out about misuse.
 *
 * A message of a checked pool has a generation beside its pointer, and so has
 * the record of its slab. The record says what became of the slab:
 *
 *	NEVER -> LIVE      allocated for the first time, or after a trim
 *	LIVE -> QUEUED     sent
 *	QUEUED -> LIVE     received: the next generation; or not sent after all
 *	LIVE -> FREE       freed: the next generation
 *	FREE -> LIVE       allocated
 *
 * A call on a message wants LIVE and the message's own generation. So it finds
 * copies of a message that was freed, is in a queue, or was received. A
 * generation has 16 bits: one stale copy in 65,536 is overlooked. A slab that
 * messages share is LIVE from the first share to the last free, in queues too.
 *
 * Bytes. Behind a message is a margin to the end of its slab, and a free slab
 * is filled as a whole. Both are compared before the slab is used again. A
 * sender adds up the payload, and the receiver compares. Sanitizers do all this
 * themselves, and do not let the library touch these bytes.
 *
 * Invariant: a word changes by its slab's owner alone. Two threads that both
 * take themselves for the owner meet in a compare-and-swap, and one of them
 * ends the process. The one that loses has touched nothing but the word, and so
 * does not take what the other fills for a write of the program. The words
 * order nothing: messages and magazines do. But ThreadSanitizer sees fills and
 * comparisons, and so is told of each.
 */
#include "pool/checked.h"

#include <string.h>

#include "base/watched.h"
#include "pool/alloc.h"
#include "pool/filling.h"
#include "pool/message_layout.h"
#include "pool/misuse.h"
#include "pool/limbo.h"
#include "pool/sample.h"
#include "tuning.h"

/* A checked message, its pool and the record of its slab. */
struct subject {
	uint64_t header, pointer;
	struct magring_pool *pool;
	struct checked_slab *record;
	uint32_t word;
};

static uint16_t generation_in(const struct subject *subject)
{
	return (uint16_t)((subject->pointer >> MESSAGE_POINTER_BITS) -
		subject->pool->checked->generation);
}

static unsigned char *slab_of(const struct subject *subject)
{
	const struct magring_message message = { .private_body = { subject->pointer } };
	return message_slab(&message);
}

static size_t bytes_of(const struct subject *subject)
{
	const struct magring_message message = { .private_header = subject->header };
	return message_slab_bytes(&message);
}

static _Noreturn void wrong(const char *call, const char *what, const struct subject *subject,
	const void *address, bool knows_id)
{
	const struct misuse_message message = { .header = subject->header,
		.address = (uintptr_t)address,
		.id = knows_id ? subject->record->id : NULL,
		.id_kept = CHECKED_ID_KEPT };
	misuse_of_message(call, what, &message);
}

static _Noreturn void stale(const char *call, const struct subject *subject)
{
	enum checked_state state = checked_state(subject->word);
	uint16_t age = (uint16_t)(checked_generation(subject->word) - generation_in(subject));
	if (state == CHECKED_NEVER)
		wrong(call, " of a message inside a slab", subject, slab_of(subject), false);
	if (state == CHECKED_FREE)
		wrong(call, " of a message that was freed before", subject, slab_of(subject),
			age == 1);
	if (state == CHECKED_QUEUED)
		wrong(call, " of a copy of a message that was sent", subject, slab_of(subject),
			age == 0);
	wrong(call, " of a copy of a message that was sent or freed", subject, slab_of(subject),
		false);
}

/* The subject in this state, or the end. */
static struct subject subject_in(enum checked_state state, const char *call, uint64_t header,
	uint64_t pointer)
{
	struct subject subject = { .header = header, .pointer = pointer };
	subject.pool = misuse_check_pool(call, header, pointer);
	if (subject.pool->checked == NULL)
		wrong(call, " of a message of another pool", &subject, slab_of(&subject), false);
	uint32_t round = misuse_check_round(call, header, pointer, subject.pool);
	subject.record = &subject.pool->checked->slab[round];
	subject.word = atomic_load_explicit(&subject.record->word, memory_order_relaxed);
	if (checked_state(subject.word) != state ||
		checked_generation(subject.word) != generation_in(&subject))
		stale(call, &subject);
	if (bytes_of(&subject) > slab_size(checked_class_index(subject.word)))
		wrong(call, " of a message that is larger than its slab", &subject,
			slab_of(&subject), true);
	return subject;
}

static void change(const char *call, struct subject *subject, uint16_t generation,
	enum checked_state state)
{
	uint32_t word = checked_word(generation, checked_class_index(subject->word), state) |
		(subject->word & CHECKED_SAMPLED);
	if (!atomic_compare_exchange_strong_explicit(&subject->record->word, &subject->word, word,
		    memory_order_relaxed, memory_order_relaxed))
		stale(call, subject);
}

static void check_margin(const char *call, const struct subject *subject)
{
	size_t bytes = bytes_of(subject);
	const void *at = filling_changed(slab_of(subject) + bytes, CHECKED_MARGIN_BYTE,
		slab_size(checked_class_index(subject->word)) - bytes);
	if (at != NULL)
		wrong(call, " of a message beyond whose end was written", subject, at, true);
}

void checked_look(const char *call, const struct magring_message *message)
{
	(void)subject_in(CHECKED_LIVE, call, message->private_header, message->private_body[0]);
}

/* ----------------------------------------------------------------- alloc -- */

unsigned int checked_class(const struct magring_pool *pool, size_t bytes)
{
	unsigned int class_index = slab_class(bytes + CHECKED_MARGIN);
	bool fits = class_index < pool->depot.classes &&
		slab_size(class_index) <= pool->depot.slabs.limit;
	return fits ? class_index : slab_class(bytes);
}

static struct checked_slab *record_of(const struct magring_pool *pool, const void *slab)
{
	return &pool->checked->slab[depot_round(&pool->depot, slab)];
}

void checked_take(struct magring_pool *pool, unsigned int class_index, void *slab)
{
	struct checked_slab *record = record_of(pool, slab);
	uint32_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
	size_t link = sizeof(ck_stack_entry_t), size = slab_size(class_index);
	watched_acquire(slab);
	const void *at = checked_state(word) == CHECKED_FREE
		? filling_changed((unsigned char *)slab + link, CHECKED_FREE_BYTE, size - link)
		: filling_changed_never(slab, CHECKED_FREE_BYTE, size);
	if (at == NULL)
		return;
	if (checked_state(word) == CHECKED_FREE)
		limbo_broken(record, at);
	uint64_t header = message_header(0, pool->number, 0, 0);
	const struct misuse_message message = { .header = header, .address = (uintptr_t)at };
	misuse_of_message("write", " to memory that no message has", &message);
}

void checked_begin(struct magring_pool *pool, unsigned int class_index,
	struct magring_message *message, const void *id, bool sampled)
{
	unsigned char *slab = message_slab(message);
	struct checked_slab *record = record_of(pool, slab);
	uint16_t generation =
		checked_generation(atomic_load_explicit(&record->word, memory_order_relaxed));
	size_t id_size = message_id_size(message), bytes = message_slab_bytes(message);
	if (id_size > 0)
		memcpy(record->id, id, id_size < CHECKED_ID_KEPT ? id_size : CHECKED_ID_KEPT);
	filling_fill(slab + bytes, CHECKED_MARGIN_BYTE, slab_size(class_index) - bytes);
	uint32_t word = checked_word(generation, class_index, CHECKED_LIVE);
	atomic_store_explicit(&record->word, word | (sampled ? CHECKED_SAMPLED : 0),
		memory_order_relaxed);
	uint64_t in_message = (uint16_t)(generation + pool->checked->generation);
	message->private_body[0] |= in_message << MESSAGE_POINTER_BITS;
}

/* ------------------------------------------------------------------ free -- */

void checked_free(uint64_t header, uint64_t pointer)
{
	struct subject subject = subject_in(CHECKED_LIVE, "free", header, pointer);
	struct magring_pool *pool = subject.pool;
	unsigned char *slab = slab_of(&subject);
	unsigned int class_index = checked_class_index(subject.word);
	uint32_t round = depot_round(&pool->depot, slab);
	change("free", &subject, (uint16_t)(checked_generation(subject.word) + 1), CHECKED_FREE);
	check_margin("free", &subject);
	subject.record->note = header;
	if (subject.word & CHECKED_SAMPLED)
		profile_free(pool->profile, round);
	filling_fill(slab, CHECKED_FREE_BYTE, slab_size(class_index));
	pool_count_free(pool, class_index, bytes_of(&subject));
	limbo_put(pool, round, slab_size(class_index));
	pool_notify_waiters(pool, class_index);
}

/* --------------------------------------------------------------- queues -- */

void checked_send(const struct magring_message *message)
{
	if (!message_is_checked(message)) {
		if (message_is_slab(message))
			misuse_check_slab("send", message->private_header,
				message->private_body[0]);
		return;
	}
	struct subject subject =
		subject_in(CHECKED_LIVE, "send", message->private_header, message->private_body[0]);
	if (message_is_shared(message))
		return; /* others read it */
	change("send", &subject, checked_generation(subject.word), CHECKED_QUEUED);
	check_margin("send", &subject);
	subject.record->note = filling_sum(slab_of(&subject), bytes_of(&subject));
	watched_release(slab_of(&subject));
}

void checked_unsend(const struct magring_message *message)
{
	if (message_kind(message) != MESSAGE_CHECKED)
		return;
	struct subject subject = subject_in(CHECKED_QUEUED, "send", message->private_header,
		message->private_body[0]);
	change("send", &subject, checked_generation(subject.word), CHECKED_LIVE);
}

void checked_receive(struct magring_message *message)
{
	if (message_kind(message) != MESSAGE_CHECKED)
		return;
	struct subject subject = subject_in(CHECKED_QUEUED, "receive", message->private_header,
		message->private_body[0]);
	watched_acquire(slab_of(&subject));
	check_margin("receive", &subject);
	if (subject.record->note != filling_sum(slab_of(&subject), bytes_of(&subject)))
		wrong("receive", " of a message that was written to after its send", &subject,
			slab_of(&subject), true);
	change("receive", &subject, (uint16_t)(checked_generation(subject.word) + 1), CHECKED_LIVE);
	message->private_body[0] += (uint64_t)1 << MESSAGE_POINTER_BITS;
}
