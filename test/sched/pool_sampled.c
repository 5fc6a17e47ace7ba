/* SPDX-License-Identifier: MIT */
/*
 * Programs: messages that are sampled.
 *
 * The stacks are made up, so that all of them are in one bucket. Threads add
 * stacks there at the same time, or the same one. The judge counts what the
 * headers of messages say was sampled, and compares that with the profile when
 * all stand still.
 */
#include "pool_slabs.h"

#include "base/backtrace.h"
#include "pool/message_layout.h"
#include "pool/sample.h"

#define LARGE ((size_t)128) /* payload of the second class */
#define HELD 2
#define STACKS 4

/* Their hashes end in the same bits; those of the twins with their classes. */
static void *const twin[] = { (void *)0x2406, (void *)0x1077 };
static void *const other[] = { (void *)0x2406, (void *)0x1477 };
static void *const deep[] = { (void *)0x2406, (void *)0x1077, (void *)0x1262 };
static const struct site {
	void *const *frames;
	unsigned int depth;
	size_t payload;
} site[STACKS] = { { twin, 2, SLABS_SMALL }, { twin, 2, LARGE }, { other, 2, SLABS_SMALL },
	{ deep, 3, SLABS_SMALL } };

static struct account {
	struct count allocated, freed;
} account[STACKS];

static void add(struct count *count, size_t bytes)
{
	count->objects++;
	count->bytes += bytes;
}

struct sampled {
	struct magring_message message;
	unsigned int site;
};

static bool is_sampled(const struct magring_message *message)
{
	return message_kind(message) & MESSAGE_RARE;
}

static bool take_at(struct sampled *ret_sampled, unsigned int at)
{
	ret_sampled->site = at;
	sched_set_stack(site[at].frames, site[at].depth);
	if (slabs_take(&ret_sampled->message, site[at].payload, 0) != 0)
		return false;
	if (is_sampled(&ret_sampled->message))
		add(&account[at].allocated, site[at].payload);
	return true;
}

static void let_go(struct sampled *sampled)
{
	if (is_sampled(&sampled->message))
		add(&account[sampled->site].freed, site[sampled->site].payload);
	slabs_free(&sampled->message);
}

/* ------------------------------------------------------------ hand over -- */

static struct sampled passed[SCHED_THREADS];
static unsigned int places;

static void pass(struct sampled *sampled)
{
	slabs_tell();
	if (places == SCHED_THREADS)
		let_go(sampled);
	else
		passed[places++] = *sampled;
}

static bool get(struct sampled *ret_sampled)
{
	if (places == 0)
		return false;
	*ret_sampled = passed[--places];
	slabs_listen();
	return true;
}

static void trade(void *turns)
{
	struct sampled held[HELD];
	unsigned int count = 0;
	for (uintptr_t i = (uintptr_t)turns; i > 0; i--) {
		unsigned int what = sched_choose(4);
		if (what < 2 && count < HELD)
			count += take_at(&held[count], sched_choose(STACKS));
		else if (what == 2 && count < HELD)
			count += get(&held[count]);
		else if (count > 0 && sched_choose(2) == 0)
			pass(&held[--count]);
		else if (count > 0)
			let_go(&held[--count]);
	}
	while (count > 0)
		let_go(&held[--count]);
}

/* ---------------------------------------------------------------- judge -- */

/* Which site a stack of the profile is. */
static unsigned int site_of(const struct stack *stack)
{
	for (unsigned int i = 0; i < STACKS; i++) {
		unsigned int same = 0;
		while (same < site[i].depth && same < (unsigned int)stack->depth &&
			stack->frame[same] == site[i].frames[same])
			same++;
		if ((unsigned int)stack->depth == site[i].depth && same == site[i].depth &&
			stack->class_index == slab_class(site[i].payload))
			return i;
	}
	sched_fail("a stack that no thread had: %d frames, class %u", stack->depth,
		stack->class_index);
}

static void check_count(unsigned int at, const char *what, struct count is, struct count wanted)
{
	sched_require(is.objects == wanted.objects && is.bytes == wanted.bytes,
		"stack %u: %lu (%lu bytes) %s, %lu (%lu) are true", at, is.objects, is.bytes, what,
		wanted.objects, wanted.bytes);
}

/* Those that are out, each once, with its size. */
static void check_live(struct stack *stack, unsigned int at)
{
	struct cds_list_head *link;
	uint64_t listed = 0;
	cds_list_for_each(link, &stack->live) {
		const struct live *live = caa_container_of(link, struct live, link);
		sched_require(live->stack == stack && live->bytes == site[at].payload,
			"stack %u lists another's message", at);
		listed++;
	}
	sched_require(listed == stack_in_use(stack).objects, "stack %u: %lu listed, %lu in use", at,
		listed, stack_in_use(stack).objects);
}

static void check_buckets(const struct profile *profile)
{
	unsigned int used = 0;
	for (int i = 0; i < SAMPLE_BUCKETS; i++)
		used += atomic_load(&profile->bucket[i]) != NULL;
	sched_require(used <= 1, "the stacks are in %u buckets: do they have another hash?", used);
}

static void check_profile(struct profile *profile)
{
	bool seen[STACKS] = { false };
	profile_for_each(profile, stack) {
		unsigned int at = site_of(stack);
		sched_require(!seen[at], "stack %u is there twice", at);
		seen[at] = true;
		check_count(at, "allocated", stack->allocated, account[at].allocated);
		check_count(at, "freed", stack->freed, account[at].freed);
		check_live(stack, at);
	}
	for (unsigned int i = 0; i < STACKS; i++)
		sched_require(seen[i] == (account[i].allocated.objects > 0),
			"stack %u is not there", i);
	check_buckets(profile);
}

/* ------------------------------------------------------------- programs -- */

static const struct slabs_options options = { .bytes = 8 * 64,
	.max_payload = LARGE,
	.rounds = 1,
	.chunk = 1,
	.several = true };

static void run_traders(uint64_t mean)
{
	struct slabs_options sampled = options;
	struct sampled last;
	if (!HAS_BACKTRACE)
		return; /* and no pool is sampled then */
	sampled.sample = mean;
	slabs_create(&sampled);
	for (int i = 0; i < 3; i++)
		slabs_spawn("trader", trade, (void *)(uintptr_t)6);
	slabs_wait();
	check_profile(slabs_pool()->profile);
	while (get(&last))
		let_go(&last);
	check_profile(slabs_pool()->profile);
	/* At the end all slabs are taken once more. */
	slabs_end(SLABS_SMALL);
}

static void run_sampled_all(void)
{
	run_traders(1);
}

/* One in two or so. */
static void run_sampled(void)
{
	run_traders(96);
}

const struct sched_program memory_sampled_all = { "memory_sampled_all",
	"three threads, all messages are sampled", run_sampled_all, SCHED_MAY_STOP };
const struct sched_program memory_sampled = { "memory_sampled",
	"three threads, some messages are sampled", run_sampled, SCHED_MAY_STOP };
