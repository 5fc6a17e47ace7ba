/* SPDX-License-Identifier: MIT */
/*
 * What is sent, and how a receiver proves that it arrived.
 *
 *	seed             a 16-byte id and a 32-byte payload, made up: id = sender and
 *	                 sequence number, payload = four products of the two
 *	replay           the records of a file, in order, again and again; the receiver
 *	                 looks at the first and the last byte and at the sizes
 *	replay, hashed   the same, but the receiver hashes id and payload with XXH3
 *	timed            as seed, but each message carries the time when it was sent, and
 *	                 receivers note how long it took: see struct latency
 *
 * A tally is a count, the bytes, and a sum over the messages that does not
 * depend on their order but on every word that was looked at. Each receiver keeps
 * one with consume(); together they must equal workload_expected(), which knows the
 * input and how many messages each sender sent, and no queue.
 *
 * source_next() and consume() are inlined into the loops of every peer, with a
 * constant for the kind: no peer pays for an indirect call.
 */
#ifndef PERF_WORKLOAD_H
#define PERF_WORKLOAD_H

#include "input.h"
#include "latency.h"

#include <ck_pr.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum workload_kind {
	WORKLOAD_SEED,
	WORKLOAD_REPLAY,
	WORKLOAD_HASHED,
	WORKLOAD_TIMED,
};
enum { WORKLOADS = WORKLOAD_TIMED + 1 };

/* What a sender does before a timed message, in pauses of some 10 to 40 ns. */
enum { WORKLOAD_THINK = 10 };

struct tally {
	uint64_t count; /* messages */
	uint64_t bytes; /* of ids and payloads */
	uint64_t sum;
	struct latency *latency; /* where it is noted, if the workload is timed */
};

struct workload {
	enum workload_kind kind;
	const char *name;
	const struct input *input; /* of the replays */
	struct tally *before;      /* before[i]: of the records 0 ... i - 1 */
	bool damaged;              /* what is sent is not what is expected */
};

void workload_init(struct workload *workload, enum workload_kind kind, const struct input *input);
void workload_fini(struct workload *workload);

/* The tally of the first count messages of one of several senders. */
struct tally workload_expected(const struct workload *workload, unsigned int sender,
	unsigned int senders, uint64_t count);

void tally_add(struct tally *tally, const struct tally *other);

/* How many messages a channel should hold: as many as wanted, fewer when records
 * are so large that a full channel would fill the machine. */
size_t workload_capacity(const struct workload *workload, size_t wanted);

/* The largest payload, in bytes. */
size_t workload_max_payload(const struct workload *workload);

/* Whether the messages are made up, and so are struct seed_message. */
static ALWAYS_INLINE bool workload_seeds(enum workload_kind kind)
{
	return kind == WORKLOAD_SEED || kind == WORKLOAD_TIMED;
}

struct seed_message {
	uint64_t id[2];
	uint64_t payload[4]; /* in the timed workload the last one is the time */
};

/* What one sender sends. */
struct source {
	const struct record *records;
	size_t record_count;
	size_t next;
	uint64_t sender;
	uint64_t sequence;
	struct seed_message seed[2];
};

void source_init(struct source *source, const struct workload *workload, unsigned int sender,
	unsigned int senders);

/* The record that a sender of several begins with. */
static ALWAYS_INLINE size_t source_first(size_t records, unsigned int sender, unsigned int senders)
{
	return records / senders * sender;
}

static ALWAYS_INLINE void seed_write(struct seed_message *message, uint64_t sender,
	uint64_t sequence)
{
	uint64_t both = sequence + (sender << 48);

	message->id[0] = sender;
	message->id[1] = sequence;
	message->payload[0] = both * 0x9e3779b97f4a7c15;
	message->payload[1] = both * 0xc2b2ae3d27d4eb4f;
	message->payload[2] = ~message->payload[0];
	message->payload[3] = ~message->payload[1];
}

static ALWAYS_INLINE uint64_t seed_sum(const struct seed_message *message)
{
	return (message->id[0] ^ message->payload[1]) * 0x9fb21c651e98df25 +
		(message->id[1] ^ message->payload[0]) * 0xd6e8feb86659fd93 +
		(message->payload[2] ^ (message->payload[3] << 1)) * 0xa0761d6478bd642f;
}

static ALWAYS_INLINE struct record source_next(enum workload_kind kind, struct source *source)
{
	struct seed_message *now;

	if (!workload_seeds(kind)) {
		const struct record *record = &source->records[source->next++];

		if (source->next == source->record_count)
			source->next = 0;
		return *record;
	}
	/* One message ahead: a copy of what was stored this instant would have
	 * to wait for the stores. */
	now = &source->seed[source->sequence % 2];
	source->sequence++;
	seed_write(&source->seed[source->sequence % 2], source->sender, source->sequence);
	if (kind == WORKLOAD_TIMED) {
		for (unsigned int i = 0; i < WORKLOAD_THINK; i++)
			ck_pr_stall();
		now->payload[3] = latency_stamp();
	}
	return (struct record){ now->id, now->payload, sizeof(now->id), sizeof(now->payload) };
}

static ALWAYS_INLINE void consume(enum workload_kind kind, struct tally *tally, const void *id,
	size_t id_size, const void *payload, size_t payload_size)
{
	tally->count++;
	tally->bytes += id_size + payload_size;
	if (workload_seeds(kind)) {
		struct seed_message message = { 0 };

		if (id_size == sizeof(message.id) && payload_size == sizeof(message.payload)) {
			memcpy(message.id, id, sizeof(message.id));
			memcpy(message.payload, payload, sizeof(message.payload));
		}
		if (kind == WORKLOAD_TIMED) {
			latency_note(tally->latency, message.payload[3]);
			message.payload[3] = ~message.payload[1];
		}
		tally->sum += seed_sum(&message);
	} else if (kind == WORKLOAD_REPLAY) {
		const unsigned char *bytes = payload;

		tally->sum += bytes[0] * UINT64_C(0x9e3779b97f4a7c15) ^
			(bytes[payload_size - 1] + id_size * 257 + payload_size * 65537);
	} else {
		tally->sum += (XXH3_64bits(id, id_size) * 0x9e3779b97f4a7c15) ^
			XXH3_64bits(payload, payload_size);
	}
}

#endif
