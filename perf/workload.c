/* SPDX-License-Identifier: MIT */
/*
 * The expected results, computed on one thread from the input alone.
 *
 * Of a file they are sums over its beginning, one for every record, so that any
 * number of laps and a part of one take three additions. Of the seed workload,
 * whose messages never repeat, they are computed anew.
 */
#include "workload.h"

#include <err.h>
#include <stdlib.h>

/* Bytes of records in a full channel. */
static const size_t backlog_limit = (size_t)128 << 20;

void tally_add(struct tally *tally, const struct tally *other)
{
	tally->count += other->count;
	tally->bytes += other->bytes;
	tally->sum += other->sum;
}

static void tally_subtract(struct tally *tally, const struct tally *other)
{
	tally->count -= other->count;
	tally->bytes -= other->bytes;
	tally->sum -= other->sum;
}

void workload_init(struct workload *workload, enum workload_kind kind, const struct input *input)
{
	static const char *const names[] = {
		[WORKLOAD_SEED] = "seed",
		[WORKLOAD_REPLAY] = "replay",
		[WORKLOAD_HASHED] = "replay, hashed",
		[WORKLOAD_TIMED] = "timed",
	};
	struct tally tally = { 0 };

	*workload = (struct workload){ .kind = kind, .name = names[kind], .input = input };
	if (workload_seeds(kind))
		return;
	workload->before = malloc((input->count + 1) * sizeof(*workload->before));
	if (workload->before == NULL)
		err(2, "%s", input->path);
	for (size_t i = 0; i < input->count; i++) {
		const struct record *record = &input->records[i];

		workload->before[i] = tally;
		consume(kind, &tally, record->id, record->id_size, record->payload,
			record->payload_size);
	}
	workload->before[input->count] = tally;
}

void workload_fini(struct workload *workload)
{
	free(workload->before);
}

size_t workload_capacity(const struct workload *workload, size_t wanted)
{
	size_t capacity = wanted;

	if (!workload_seeds(workload->kind))
		while (capacity > 2 &&
			capacity * (workload->input->bytes / workload->input->count) >
				backlog_limit)
			capacity /= 2;
	return capacity;
}

size_t workload_max_payload(const struct workload *workload)
{
	return workload_seeds(workload->kind) ? sizeof(((struct seed_message *)0)->payload)
					      : workload->input->max_payload;
}

static struct tally expected_seed(uint64_t sender, uint64_t count)
{
	struct tally tally = { 0 };

	for (uint64_t i = 0; i < count; i++) {
		struct seed_message message;

		seed_write(&message, sender, i);
		consume(WORKLOAD_SEED, &tally, message.id, sizeof(message.id), message.payload,
			sizeof(message.payload));
	}
	return tally;
}

struct tally workload_expected(const struct workload *workload, unsigned int sender,
	unsigned int senders, uint64_t count)
{
	const struct tally *before = workload->before;
	struct tally tally = { 0 };
	size_t records;
	size_t first;
	uint64_t laps;

	if (workload_seeds(workload->kind))
		return expected_seed(sender, count);
	records = workload->input->count;
	first = source_first(records, sender, senders);
	/* From record 0 on, less the records before the first one. */
	laps = (first + count) / records;
	tally.count = before[records].count * laps;
	tally.bytes = before[records].bytes * laps;
	tally.sum = before[records].sum * laps;
	tally_add(&tally, &before[(first + count) % records]);
	tally_subtract(&tally, &before[first]);
	return tally;
}

void source_init(struct source *source, const struct workload *workload, unsigned int sender,
	unsigned int senders)
{
	*source = (struct source){ .sender = sender };
	if (workload_seeds(workload->kind)) {
		source->sender += workload->damaged ? senders : 0;
		seed_write(&source->seed[0], source->sender, 0);
	} else {
		source->records = workload->input->records;
		source->record_count = workload->input->count;
		source->next = source_first(source->record_count, sender, senders);
	}
}
